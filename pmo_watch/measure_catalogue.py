"""What people look up about measures: formula, reasons, origin and a worked example, from a plugin's `catalogue.yaml`.

It lies beside the plugin's code. The `measures` command, the documentation and tests read it; the daemon never does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from pmo_watch.faults import Fault, did_you_mean, quoted
from pmo_watch.settings_http import Section
from pmo_watch.settings_shape import OrganisationSettings
from pmo_watch.yaml_faults import Document, compose, validate

FILE = "catalogue.yaml"
TODAY = date(2026, 5, 15)  # a Friday, the day after Ascension


def _some_text(value: object) -> object:
    if value is None:
        raise ValueError("a text is missing here; one that holds a comma or a colon goes between quotes")
    return value


Text = Annotated[str, Field(min_length=1), BeforeValidator(_some_text)]
Reasons = dict[str, Text]
States = Literal["green", "amber", "red", "grey", "na"]
GivenRows = dict[str, list[dict[str, Any]]]  # entity (`milestone` among them) -> rows, field -> value


class Expected(Section):
    """What an example comes to; only what is written is compared. A value counts to the digits that are written."""

    value: float | None = Field(None, description="null: it has none.")
    state: States | None = None
    reason: str | None = Field(None, description="Of grey, na, and red without a value.")
    note: str | None = Field(None, description="Said with the result.")
    unit: str | None = None


class WorkedExample(Section):
    """A small portfolio, and what a measure says of one row of it: the first one given of the measure's entity.

    `rows` name what they belong to as a source would, by the other row's key; what says no project belongs to the first
    one. `before`: what changed on earlier days, as whole rows; each is a complete reading, `{}` one without changes.
    """

    text: Text
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with")
    today: date = TODAY
    organisation: OrganisationSettings = Field(default_factory=OrganisationSettings)
    rules: list[dict[str, Any]] = Field(default_factory=list, description="Evaluated too: what a roll-up reads.")
    before: dict[date, GivenRows] = Field(default_factory=dict)
    given: GivenRows
    expect: Expected

    def document(self) -> dict[str, Any]:
        """Return it for a program: what is written, and the day."""
        written = self.model_dump(exclude_unset=True, by_alias=True)
        days = {day.isoformat(): rows for day, rows in written.pop("before", {}).items()}
        return {"today": self.today, **({"before": days} if days else {}), **written}


class Entry(Section):
    """What is said of one measure."""

    id: str = Field("", description="Its number in a catalogue; empty: it has none.")
    formula: Text
    na: Reasons = Field(default_factory=dict, description="Reason -> when, beyond what holds for every measure.")
    grey: Reasons = Field(default_factory=dict, description="Reason -> when.")
    basis: Text
    sources: dict[str, Literal["fully", "partly"]] = Field(default_factory=dict)
    example: WorkedExample


_FILE: TypeAdapter[dict[str, Entry]] = TypeAdapter(dict[str, Entry])


@dataclass(frozen=True, slots=True, eq=False)
class MeasureCatalogue:
    """The entries of one plugin by measure, and where each stands."""

    entries: Mapping[str, Entry]
    document: Document

    def fault(self, text: str, *keys: int | str) -> Fault:
        """Return a fault at the value at the end of these keys."""
        return self.document.fault(self.document.find(*keys), text)

    def written(self, *keys: int | str) -> str:
        """Return a value as it is written: `5.0` and not 5.0."""
        return str(getattr(self.document.find(*keys), "value", ""))

    def unmatched(self, measures: Iterable[str]) -> list[Fault]:
        """Return what is wrong with the names: a measure without entry, an entry without measure."""
        known = list(measures)
        absent = [name for name in known if name not in self.entries]
        strange = [name for name in self.entries if name not in known]
        return [
            *(self.fault(f"{quoted(name)} has no entry") for name in absent),
            *(
                self.document.fault(
                    self.document.find_key(name),
                    f"there is no measure {quoted(name)} in this folder{did_you_mean(name, absent)}",
                )
                for name in strange
            ),
        ]


def read_catalogue(folder: Path) -> MeasureCatalogue | None:
    """Read the catalogue of a plugin's folder; None where it has none.

    Raises:
        Faults: every fault, with file and line.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    document = compose(path)
    entries = validate(document, _FILE)
    return MeasureCatalogue(entries, document)
