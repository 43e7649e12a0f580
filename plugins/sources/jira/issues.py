"""Issues are taken apart as they come: what is read of them is kept as lists, so that pages can go (spec model 2.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import polars as pl

from .columns import joined
from .fields import Fields
from .links import Link, links_of
from .people import People
from .registers import register_rows
from .report import Report
from .settings import Settings
from .sprint_texts import sprint_id
from .task_rows import task_frame
from .values import folded
from .words import Vocabulary

ISSUE = "issue "
Raw = list[Any]
ProjectWord = tuple[str, str, Any]  # project, when the issue was changed, value as it came
PLAIN = (  # fields that are kept as they come
    *("summary", "created", "updated", "duedate", "resolutiondate"),
    *("timeoriginalestimate", "timeestimate", "timespent"),
)


@dataclass(slots=True, eq=False)
class Site:
    """What holds for all issues of a reading. `sprints`, `projects`: id -> what issues show of them."""

    settings: Settings
    fields: Fields
    vocabulary: Vocabulary
    people: People
    report: Report
    zone: tzinfo
    sprints: dict[str, Any] = field(default_factory=dict)
    projects: dict[str, Any] = field(default_factory=dict)
    register_of: Mapping[str, str] = field(init=False)  # issue type -> register

    def __post_init__(self) -> None:
        registers = self.settings.registers.items()
        self.register_of = {folded(one): register for register, entry in registers for one in entry.issue_types}


def sound(issues: Sequence[Any], report: Report) -> list[dict[str, Any]]:
    """Return the issues that can be read; the others are left out and reported."""
    found = []
    for number, one in enumerate(issues, 1):
        key = one.get("id") if type(one) is dict else None
        if type(key) is not str and (type(key) is not int):
            report.record(f"{ISSUE}{number} of a page", "id", one, "an issue without id")
        elif type(one.get("fields")) is not dict:
            report.record(f"{ISSUE}{one.get('key') or key}", "fields", one.get("fields"), "its fields are no object")
        else:
            found.append(one)
    return found


def inside(objects: Raw, member: str) -> Raw:
    """Return a member of each object; None where there is none."""
    return [one.get(member) if type(one) is dict else None for one in objects]


class Intake:
    """Some issues, taken apart: `raw` holds a list for each thing that is read of a task."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.raw: dict[str, Raw] = {}
        self._entries: dict[str, Raw] = {register: [] for register in site.settings.registers}
        self._links: list[tuple[str, Link]] = []
        self._of_projects: dict[str, list[ProjectWord]] = {}

    def __len__(self) -> int:
        return len(self.raw.get("key", ())) + sum(len(one) for one in self._entries.values())

    def add(self, issues: Sequence[dict[str, Any]]) -> None:
        """Take issues apart; those of the type of a register are kept as they are."""
        tasks = self._parted(issues)
        values = [one["fields"] for one in tasks]
        projects = [one.get("project") for one in values]
        self._site.projects |= {one["id"]: one for one in projects if type(one) is dict and type(one.get("id")) is str}
        self._keep("key", [str(one["id"]) for one in tasks])
        self._keep("id", [one.get("key") or str(one["id"]) for one in tasks])
        self._keep("project", inside(projects, "id"))
        mapped = self._site.fields.mapped
        own = {number for name, number in mapped.items() if not name.startswith("project.")}
        for name in dict.fromkeys((*PLAIN, *self._site.fields.points, *sorted(own))):
            self._keep(name, [one.get(name) for one in values])
        self._keep_objects(values)
        self._keep_lists(values)
        self._links += [(str(one["id"]), link) for one in tasks for link in links_of(one)]
        self._keep_words(values, projects)

    def _keep(self, name: str, values: Raw) -> None:
        self.raw.setdefault(name, []).extend(values)

    def _parted(self, issues: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        if not self._site.register_of:
            return issues
        tasks: Raw = []
        for one in issues:
            kind = one["fields"].get("issuetype")
            name = folded(str(kind.get("name"))) if type(kind) is dict else ""
            register = self._site.register_of.get(name)
            (tasks if register is None else self._entries[register]).append(one)
        return tasks

    def _keep_objects(self, values: Raw) -> None:
        """Keep what is read of objects: names, ids, what a status means."""
        kinds, statuses = [one.get("issuetype") for one in values], [one.get("status") for one in values]
        self._keep("issue_type", inside(kinds, "name"))
        self._keep("is_subtask", inside(kinds, "subtask"))
        self._keep("status", inside(statuses, "name"))
        numbers = inside(statuses, "id")
        groups = {number: self._site.vocabulary.category(one) for number, one in zip(numbers, statuses, strict=True)}
        self._keep("status_category", [groups[number] for number in numbers])
        for name in ("resolution", "priority"):
            self._keep(name, inside([one.get(name) for one in values], "name"))
        self._keep("owner", self._site.people.keys([one.get("assignee") for one in values]))
        self._keep("parent", self._parents(values))

    def _parents(self, values: Raw) -> Raw:
        """Return the parent's id; of an epic or parent link its key, which means the same row."""
        found = inside([one.get("parent") for one in values], "id")
        for name in self._site.fields.parents:
            further = [one.get(name) for one in values]
            links = [one.get("key") if type(one) is dict else one for one in further]
            found = [own if own is not None else other for own, other in zip(found, links, strict=True)]
        return found

    def _keep_lists(self, values: Raw) -> None:
        versions = [one.get("fixVersions") for one in values]
        self._keep("labels", [joined(one.get("labels")) for one in values])
        self._keep("release", [joined(inside(one, "id")) if type(one) is list else None for one in versions])
        if self._site.fields.sprint and self._site.settings.boards != "none":
            self._keep("sprint", [self._sprints(one.get(self._site.fields.sprint)) for one in values])

    def _sprints(self, value: Any) -> str | None:
        if type(value) is not list:
            return None
        found, known = [], self._site.sprints
        for one in value:
            number = sprint_id(one)
            if number is not None:
                known[number] = one
                found.append(number)
        return joined(found)

    def _keep_words(self, values: Raw, projects: Raw) -> None:
        """Keep what issues say of their project."""
        for name, number in self._site.fields.mapped.items():
            if name.startswith("project."):
                said = zip(inside(projects, "id"), values, strict=True)
                words = [(str(key), str(one.get("updated")), one.get(number)) for key, one in said if one.get(number)]
                self._of_projects.setdefault(name, []).extend(words)

    # --- as rows --------------------------------------------------------------------------------------------------

    def tasks(self) -> pl.DataFrame | None:
        """Return the tasks, of each its newest state; None when there is none."""
        if not self.raw.get("key"):
            return None
        return task_frame(self.raw, self._site).unique("key", keep="last", maintain_order=True)

    def entries(self, changes: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Return the entries of registers, of each its newest state. `changes`: those of these issues."""
        found = {}
        for register, issues in self._entries.items():
            if issues:
                rows = register_rows(register, issues, changes, self._site)
                found[register] = rows.unique("key", keep="last", maintain_order=True)
        return found

    def keys(self) -> list[str]:
        """Return the ids of all issues, in the order in which they came."""
        return [*self.raw.get("key", ()), *(str(one["id"]) for many in self._entries.values() for one in many)]

    def batch(self, tasks: pl.DataFrame | None, changes: pl.DataFrame) -> "Batch":
        """Return it as rows."""
        frames = {"task": tasks} if tasks is not None else {}
        return Batch({**frames, **self.entries(changes)}, self._links, self._of_projects)


@dataclass(slots=True, eq=False)
class Batch:
    """Some issues as rows; tasks also have the columns of `task_rows.POINTS`."""

    frames: dict[str, pl.DataFrame]
    links: list[tuple[str, Link]]  # with the issue that shows it
    of_projects: dict[str, list[ProjectWord]]
