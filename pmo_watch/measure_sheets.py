"""All that is known of each measure, from its code, its plugin's catalogue and the glossary: to read and search."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pmo_watch.contracts import Measure
from pmo_watch.faults import Faults, did_you_mean, quoted
from pmo_watch.measure_catalogue import Entry, GivenRows, WorkedExample, read_catalogue
from pmo_watch.plugin_host import Plugins
from pmo_watch.words import LANGUAGES, words

Fact = tuple[str, str]  # a name as files and messages have it, and what is said of it; either may be empty
CLOCKS = {"as_of": "status date of the project", "today": "today"}
FINISHED = {"finished": "the project has ended"}
TOO_OLD = {"project.status_date is n wd old, limit 20": "the plan is too old to be reckoned with"}


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One measure. `entry`: None where its plugin has no catalogue, or none of this measure."""

    measure: Measure[Any]
    entry: Entry | None = None
    plugin: str = ""

    @property
    def id(self) -> str:
        """Its number in the catalogue; empty where it has none."""
        return self.entry.id if self.entry else ""

    @property
    def names(self) -> dict[str, str]:
        """What people call it, by language; nothing where the glossary does not know it."""
        return {one: words(one)(self.measure.name) for one in LANGUAGES if words(one).has(self.measure.name)}

    def na(self) -> dict[str, str]:
        """Return when it is not applicable: reason -> when, beside what holds for every measure."""
        own = self.entry.na if self.entry else {}
        return {**own, **(FINISHED if self.measure.finished_is_na else {})}

    def grey(self) -> dict[str, str]:
        """Return when it is grey: reason -> when."""
        own = self.entry.grey if self.entry else {}
        return {**own, **(TOO_OLD if self.measure.strict_age else {})}

    def parameters(self) -> list[str]:
        """Return each parameter with its default, as a rule would write it under `with:`."""
        defaults = self.measure.params.model_construct().model_dump(mode="json", by_alias=True)
        fields = self.measure.params.model_fields.items()
        keys = [(field.alias or name, field.is_required()) for name, field in fields]
        return [f"{key} (required)" if required else f"{key}: {_written(defaults[key])}" for key, required in keys]

    def facts(self) -> dict[str, list[Fact]]:
        """Return what a page says of it, by heading; what it lacks is left out."""
        one, entry = self.measure, self.entry
        rows = f"those of the {one.row_thresholds} come first" if one.row_thresholds else ""
        every: dict[str, list[Fact]] = {
            "number": [("", self.id)],
            **{f"name ({language})": [("", name)] for language, name in self.names.items()},
            "formula": [("", entry.formula if entry else "")],
            "unit": [("", one.unit.value)],
            "for each": [("", name) for name in one.subjects],
            "needs": [(need, "") for need in one.needs],
            "parameters": [(text, "") for text in self.parameters()],
            "date": [("", "as the parameters say" if one.terms else CLOCKS[one.clock])],
            "dimension": [("", one.dimension)],
            "amber": [("", one.amber)],
            "red": [("", one.red)],
            "recover": [("", one.recover)],
            "thresholds": [("", rows)],
            "basis": [("", entry.basis if entry else "")],
            "companions": [(name, unit.value) for name, unit in one.companions.items()],
            "na": [*self.na().items()],
            "grey": [*self.grey().items()],
            "sources": [(name, how) for name, how in self._sources().items()],
        }
        return {what: said for what, said in every.items() if any(word for fact in said for word in fact)}

    def _sources(self) -> Mapping[str, str]:
        return self.entry.sources if self.entry else {}

    def document(self) -> dict[str, Any]:
        """Return all of it for a program."""
        one, entry = self.measure, self.entry
        return {
            "measure": one.name,
            "id": self.id or None,
            "names": self.names,
            "unit": one.unit.value,
            "for_each": one.entity,
            "also_for": list(one.also_for),
            "meaning": one.text,
            "formula": entry.formula if entry else None,
            "needs": list(one.needs),
            "parameters": self.parameters(),
            "companions": {name: unit.value for name, unit in one.companions.items()},
            "dimension": one.dimension,
            "date": one.clock,
            "na": self.na(),
            "grey": self.grey(),
            **{name: getattr(one, name) for name in ("amber", "red", "recover")},
            "basis": entry.basis if entry else None,
            "sources": self._sources(),
            "example": entry.example.document() if entry else None,
            "plugin": self.plugin,
        }


def sheets_of(plugins: Plugins, left_out: Callable[[str], None]) -> list[Sheet]:
    """Return a sheet of each measure, by name; of a catalogue that cannot be read `left_out` is told why."""
    folders = {one.name: one.folder for one in plugins.loaded if "measure" in one.kinds}
    entries: dict[str, Mapping[str, Entry]] = {}
    for plugin, folder in folders.items():
        try:
            found = read_catalogue(folder) if folder else None
        except Faults as fault:
            left_out(str(fault))
            found = None
        entries[plugin] = found.entries if found else {}
    made = []
    for name, measure in sorted(plugins.measures.items()):
        plugin = plugins.plugin_of("measure", name)
        made.append(Sheet(measure, entries.get(plugin, {}).get(name), plugin))
    return made


# --- searching ----------------------------------------------------------------------------------------------------


def matching(sheets: Iterable[Sheet], text: str) -> list[Sheet]:
    """Return the measures that have every word of a text in name, id, meaning, companions or a name in any language.

    Case and accents do not count.
    """
    wanted = folded(text).split()
    return [one for one in sheets if all(word in _searched(one) for word in wanted)]


def called(sheets: Iterable[Sheet], text: str) -> Sheet | None:
    """Return the measure of that name, number or companion; None where there is none."""
    name = text.strip().lower()
    return next((one for one in sheets if name in {one.measure.name, one.id.lower(), *one.measure.companions}), None)


def nothing_called(sheets: Iterable[Sheet], text: str) -> str:
    """Say that nothing matches, with the nearest name or word there is."""
    known = list(sheets)
    every = [one.measure.name for one in known]
    own = dict.fromkeys(word for one in known for name in one.names.values() for word in name.split() if len(word) > 3)
    hint = did_you_mean(text, every) or did_you_mean(text, own) or "; 'pmo-watch measures' lists what there is"
    return f"no measure has {quoted(text)} in its name, number or meaning{hint}"


def folded(text: str) -> str:
    """Return a text without accents and capitals."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in parts if not unicodedata.combining(one))


def _searched(sheet: Sheet) -> str:
    one = sheet.measure
    return folded(" ".join((one.name, sheet.id, one.text, *one.companions, *sheet.names.values())))


# --- examples in words --------------------------------------------------------------------------------------------


def example_lines(example: WorkedExample) -> Iterator[str]:
    """Yield what an example gives, one row on each line."""
    if example.parameters:
        yield f"with {_row(example.parameters)}"
    if example.organisation.model_fields_set:
        yield f"organisation: {_row(example.organisation.model_dump(exclude_unset=True))}"
    for rule in example.rules:
        yield f"rule: {_row(rule)}"
    for day, rows in sorted(example.before.items()):
        yield from _dated(day, rows)
    yield from _dated(example.today, example.given)


def _dated(day: date, rows: GivenRows) -> Iterator[str]:
    yield f"on {day}{'' if any(rows.values()) else ': nothing changes'}"
    for entity, some in rows.items():
        yield from (f"  {entity}: {_row(row)}" for row in some)


def outcome(sheet: Sheet, example: WorkedExample) -> str:
    """Return what an example comes to: value with its unit, state, and what the finding says beside."""
    expected = example.expect
    unit = expected.unit or sheet.measure.unit.value
    shown = unit not in {"ratio", "count", "steps", "indicator"}
    value = (
        ""
        if expected.value is None
        else f"{expected.value:.6f}".rstrip("0").rstrip(".") + (f" {unit}" if shown else "")
    )
    said = "; ".join(filter(None, (expected.reason, expected.note)))
    return ", ".join(filter(None, (value, expected.state))) + (f" ({said})" if said else "")


def _row(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_written(value)}" for name, value in fields.items())


def _written(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return f"{{{_row(value)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
