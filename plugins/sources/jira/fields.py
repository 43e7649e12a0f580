"""Which of Jira's fields holds what: ids differ per site and names are translated, `schema.custom` stays (spec 2.5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from .settings import Settings
from .values import folded

CUSTOM_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes"
SPRINT = "com.pyxis.greenhopper.jira:gh-sprint"
EPIC_LINK = "com.pyxis.greenhopper.jira:gh-epic-link"
PARENT_LINK = "com.atlassian.jpo:jpo-custom-field-parent"
TEAM_POINTS = "com.pyxis.greenhopper.jira:jsw-story-points"
POINTS_NAMES = frozenset({"story points", "story point"})
MEANT = {  # field of the model: schema.custom, and the name it must have where the schema is anybody's
    "baseline_start": ("com.atlassian.jpo:jpo-custom-field-baseline-start", ""),
    "baseline_finish": ("com.atlassian.jpo:jpo-custom-field-baseline-end", ""),
    "forecast_start": (f"{CUSTOM_TYPES}:datepicker", "start date"),
    "flagged": (f"{CUSTOM_TYPES}:multicheckboxes", "flagged"),
}
BASE = (
    "summary",
    "status",
    "issuetype",
    "priority",
    "assignee",
    "project",
    "parent",
    "labels",
    "created",
    "updated",
    "duedate",
    "resolution",
    "resolutiondate",
    "fixVersions",
    "issuelinks",
    "timeoriginalestimate",
    "timeestimate",
    "timespent",
)
NAMES_KEPT = 4  # of a field that was renamed


@dataclass(frozen=True, slots=True)
class Known:
    """One field of the server."""

    id: str
    name: str
    custom: str

    @staticmethod
    def of(raw: Any) -> "Known | None":
        """Return a field of `GET field`; None when it is none."""
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
            return None
        schema = raw.get("schema")
        custom = schema.get("custom") if isinstance(schema, dict) else None
        return Known(raw["id"], str(raw.get("name") or raw["id"]), str(custom or ""))


@dataclass(slots=True, eq=False)
class Fields:
    """The ids of the fields that are read.

    `points`: the candidates for story points. `mapped`: field of a task or project -> id. `registers`: register -> its
    field -> id. `names`: id -> the names it has or had, newest first.
    """

    sprint: str = ""
    parents: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    mapped: dict[str, str] = field(default_factory=dict)
    registers: dict[str, dict[str, str]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def asked(self, *more: str) -> list[str]:
        """Return the fields of a search."""
        own = [*BASE, self.sprint, *self.parents, *self.points, *self.mapped.values(), *more]
        own += [one for register in self.registers.values() for one in register.values()]
        return [one for one in dict.fromkeys(own) if one]

    def watched(self) -> list[str]:
        """Return the fields whose changes are read, at most ten."""
        own = ["status", self.sprint, *self.points, self.mapped.get("flagged", ""), "duedate", "fixVersions"]
        own += [self.mapped.get("baseline_finish", ""), "resolution"]
        return [one for one in dict.fromkeys(own) if one][:10]

    def rename(self, names: Mapping[str, Any]) -> None:
        """Take in what fields are called now."""
        for number, name in names.items():
            if number in self.names and isinstance(name, str) and name not in self.names[number]:
                self.names[number] = [name, *self.names[number]][:NAMES_KEPT]

    def as_json(self) -> dict[str, Any]:
        """Return it for the cursor."""
        return {
            "sprint": self.sprint,
            "parents": list(self.parents),
            "points": list(self.points),
            "mapped": self.mapped,
            "registers": self.registers,
            "names": self.names,
        }

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "Fields":
        """Return what a cursor holds."""
        return Fields(
            kept["sprint"],
            tuple(kept["parents"]),
            tuple(kept["points"]),
            dict(kept["mapped"]),
            {name: dict(one) for name, one in kept["registers"].items()},
            {name: list(one) for name, one in kept["names"].items()},
        )


def names_of(raw: Any) -> dict[str, str]:
    """Return id -> name of the fields of the server."""
    found = (Known.of(entry) for entry in (raw if isinstance(raw, list) else ()))
    return {one.id: one.name for one in found if one is not None}


def find_fields(raw: Sequence[Any], settings: Settings, before: Fields | None = None) -> tuple[Fields, list[str]]:
    """Return the fields that are read, and what is said of those that are not there."""
    server = [one for entry in raw if (one := Known.of(entry)) is not None]
    missing: list[str] = []
    fields = Fields(sprint=_first(server, SPRINT))
    fields.parents = tuple(one for one in (_first(server, EPIC_LINK), _first(server, PARENT_LINK)) if one)
    for name, (custom, called) in MEANT.items():
        if name not in settings.fields and (number := _first(server, custom, called)):
            fields.mapped[name] = number
    for name, wanted in settings.fields.items():
        if wanted is not None and (number := _chosen(server, wanted, name, missing)):
            fields.mapped[name] = number
    if "forecast_finish" in fields.mapped and "deadline" not in settings.fields:
        fields.mapped["deadline"] = "duedate"
    fields.points = _points(server, settings, fields)
    for register, entry in settings.registers.items():
        wishes = entry.fields.items()
        found = {name: _chosen(server, wanted, f"{register}.{name}", missing) for name, wanted in wishes}
        fields.registers[register] = {name: number for name, number in found.items() if number}
    read = {*fields.asked()}
    fields.names = {one.id: [one.name] for one in server if one.id in read}
    missing += _take_over(fields, before, {one.id for one in server})
    return fields, missing


def _points(server: Sequence[Known], settings: Settings, fields: Fields) -> tuple[str, ...]:
    chosen = fields.mapped.pop("story_points", "")
    if "story_points" in settings.fields:
        return (chosen,) if chosen else ()
    team = [one.id for one in server if one.custom == TEAM_POINTS]
    company = [one.id for one in server if one.custom == f"{CUSTOM_TYPES}:float" and folded(one.name) in POINTS_NAMES]
    return tuple((team + company)[:3])


def _first(server: Iterable[Known], custom: str, called: str = "") -> str:
    fitting = (one.id for one in server if one.custom == custom and (not called or folded(one.name) == called))
    return next(fitting, "")


def _chosen(server: Sequence[Known], wanted: str, name: str, missing: list[str]) -> str:
    """Return the id of the field that a setting names, by id, `schema.custom` or name."""
    for fits in (
        [one.id for one in server if one.id == wanted],
        [one.id for one in server if one.custom and wanted in {one.custom, one.custom.rpartition(":")[2]}],
        [one.id for one in server if folded(one.name) == folded(wanted)],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            missing.append(f"{name}: {len(fits)} fields are called '{wanted}': set one of {', '.join(sorted(fits))}")
            return ""
    missing.append(f"{name}: this server has no field '{wanted}'{_near(server, wanted)}")
    return ""


def _near(server: Sequence[Known], wanted: str) -> str:
    names = {folded(one.name): f"'{one.name}' ({one.id})" for one in server} | {one.id: one.id for one in server}
    near = get_close_matches(folded(wanted), names, 3, 0.6)
    return f", did you mean {' or '.join(names[one] for one in near)}?" if near else ""


def _take_over(fields: Fields, before: Fields | None, server: set[str]) -> list[str]:
    """Keep earlier names of fields that were renamed; say which field is gone, with its last name."""
    if before is None:
        return []
    for number, names in fields.names.items():
        earlier = [one for one in before.names.get(number, []) if one not in names]
        fields.names[number] = [*names, *earlier][:NAMES_KEPT]
    gone = [number for number in before.names if number not in server]
    for number in gone:
        fields.names[number] = before.names[number]
    return [f"the field '{before.names[number][0]}' ({number}) is no longer there: unknown" for number in gone]
