"""What a person may set for Project XML (spec sources 4.6)."""

from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from pmo_watch.api import ENTITIES, PluginSettings

# What writers put where there is no date (spec model 1.7).
PLACEHOLDERS = (
    date(1, 1, 1),
    date(1899, 12, 30),
    date(1900, 1, 1),
    date(1969, 12, 31),
    date(1970, 1, 1),
    date(1984, 1, 1),
    date(2000, 1, 1),
    date(9999, 12, 31),
)
FIXED = frozenset({"project", "parent", "same_as", "position", "outline_level", "weekly"})  # the structure's own
FREE_TASK = tuple(one.name for one in ENTITIES["task"].stored() if one.name not in FIXED)
FREE_PROJECT = tuple(one.name for one in ENTITIES["project"].stored() if one.name != "id")

StatusDateSource = Literal["StatusDate", "CurrentDate", "LastSaved", "file_time", "today"]


class MilestonePattern(PluginSettings):
    """Which milestones are of which kind; all conditions given must hold."""

    name: str = Field("", description="Pattern on the name; * and ? stand for anything, case is ignored.")
    flag: str = Field("", description="Alias or name of a flag field that must be set.")
    attribute: str = Field("", description="Alias or name of a field that must be filled.")
    value: str = Field("*", description="Pattern on the content of `attribute`.")
    kind: Literal["key", "gate", "contractual", "payment", "internal"] | None = Field(
        None, description="The kind of such milestones."
    )
    gate_code: Literal["rfp", "rfe", "rfc"] | None = Field(None, description="The gate they stand for.")
    level: Literal["project", "program", "committee"] | None = Field(None, description="Who looks at them.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.name or self.flag or self.attribute):
            raise ValueError("needs 'name', 'flag' or 'attribute'")
        if not (self.kind or self.gate_code or self.level):
            raise ValueError("needs 'kind', 'gate_code' or 'level'")
        return self


class Settings(PluginSettings):
    """Settings of a source of type ms_project."""

    path: str = Field(description="A file, a folder (its *.xml files) or a glob with **.")
    watch: bool = Field(default=True, description="Read when the files change, not only when the time has come.")
    key: str = Field(
        "auto", description="What identifies a row: auto, GUID, UID, path, or a field or alias such as Text1."
    )
    project_code: str | dict[str, str] = Field(
        "auto", description="Where the code comes from: auto, file_name, Name, Title, an alias, or file name: code."
    )
    attributes: dict[str, str] = Field(
        default_factory=dict, description="Field of the model: alias or field name in the plan."
    )
    baseline: Literal["auto"] | Annotated[int, Field(ge=0, le=10)] = Field(
        "auto", description="Number of the baseline, 0 to 10; auto: the plan's BaselineForEarnedValue, else 0."
    )
    status_date: tuple[StatusDateSource, ...] = Field(
        ("StatusDate", "today"), description="Where the status date comes from, first found first.", min_length=1
    )
    status_date_midnight: Literal["previous_day", "same_day"] = Field(
        "previous_day", description="What a status date before the working day begins means."
    )
    placeholder_dates: tuple[date, ...] = Field(PLACEHOLDERS, description="Days that mean that there is no date.")
    cost_scale: Decimal = Field(Decimal(100), gt=0, description="Amounts in the file per unit of the currency.")
    milestone_kind: tuple[MilestonePattern, ...] = Field(
        (), description="Patterns that give milestones their kind, gate and level; the first that fits."
    )
    timephased: bool = Field(default=False, description="Read the hours per week of assignments.")
    import_history: bool = Field(
        default=False, description="Take older files of a plan into the history, each as of when it was written."
    )
    repair: bool = Field(default=False, description="Try once more when forbidden characters are the only fault.")
    max_size_mb: int = Field(100, gt=0, description="A larger file is refused.")
    settle_seconds: float = Field(2, ge=0, description="A file must not change for so long before it is read.")

    @field_validator("attributes")
    @classmethod
    def _known_fields(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            plain = name.removeprefix("project.")
            known = FREE_PROJECT if plain != name else (*FREE_TASK, *FREE_PROJECT)
            if plain not in known:
                near = get_close_matches(plain, known, 1)
                hint = f", did you mean '{near[0]}'?" if near else ""
                raise ValueError(f"'{name}' is no field of a task or project{hint}")
        return value

    def field_words(self) -> frozenset[str]:
        """Return every alias or field name that the settings mention."""
        words = {self.key, *self.attributes.values()}
        words |= {one.flag for one in self.milestone_kind} | {one.attribute for one in self.milestone_kind}
        return frozenset(words - {"", "auto", "GUID", "UID", "path", "file_name", "Name", "Title", "folder"})
