"""Issues become rows: tasks with their links, and entries of registers, a thousand at a time (spec model 2.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import polars as pl

from pmo_watch.api import ENTITIES, Kind

from .columns import Columns, frame_of
from .fields import Fields
from .links import Link, links_of
from .people import People
from .registers import register_rows
from .report import Report
from .settings import Milestones, Settings
from .sprint_texts import sprint_id
from .values import folded, value_of
from .words import Vocabulary

POINTS = "@points:"  # columns of the candidates, until it is known which one counts
PROGRESS = {"todo": 0, "done": 100}
ISSUE = "issue "
Raw = list[Any]
ProjectWord = tuple[str, str, Any]  # project, when the issue was changed, value as it came


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


@dataclass(slots=True, eq=False)
class Batch:
    """Some issues as rows. Tasks also have the columns of `POINTS`; `of_projects`: what issues say of their project."""

    frames: dict[str, pl.DataFrame]
    links: list[tuple[str, Link]]  # with the issue that shows it
    of_projects: dict[str, list[ProjectWord]]

    @property
    def tasks(self) -> pl.DataFrame:
        """The rows that are tasks."""
        return self.frames["task"]


def sound(issues: Sequence[Any], report: Report) -> list[dict[str, Any]]:
    """Return the issues that can be read; the others are left out and reported."""
    found = []
    for number, one in enumerate(issues, 1):
        key = one.get("id") if isinstance(one, dict) else None
        if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
            report.record(f"{ISSUE}{number} of a page", "id", one, "an issue without id")
        elif not isinstance(one.get("fields"), dict):
            report.record(f"{ISSUE}{one.get('key') or key}", "fields", one.get("fields"), "its fields are no object")
        else:
            found.append(one)
    return found


def batch_of(issues: Sequence[Mapping[str, Any]], changes: pl.DataFrame, site: Site) -> Batch:
    """Return the rows of issues; those of the types of a register are its entries. `changes`: those of these issues."""
    tasks, entries = _parted(issues, site)
    site.projects |= {
        one["id"]: one for one in (issue["fields"].get("project") for issue in issues) if _is_project(one)
    }
    rows = _Rows(tasks, site)
    frames = {"task": rows.frame()}
    for register, found in entries.items():
        frames[register] = register_rows(register, found, changes, site)
    links = [(str(one["id"]), link) for one in tasks for link in links_of(one)]
    return Batch(frames, links, rows.of_projects())


def _parted(issues: Sequence[Mapping[str, Any]], site: Site) -> tuple[Raw, dict[str, Raw]]:
    if not site.register_of:
        return list(issues), {}
    tasks: Raw = []
    entries: dict[str, Raw] = {register: [] for register in site.settings.registers}
    for one in issues:
        kind = one["fields"].get("issuetype")
        name = folded(str(kind.get("name"))) if isinstance(kind, dict) else ""
        register = site.register_of.get(name)
        (tasks if register is None else entries[register]).append(one)
    return tasks, entries


def _is_project(one: Any) -> bool:
    return type(one) is dict and type(one.get("id")) is str


def inside(objects: Raw, member: str) -> Raw:
    """Return a member of each object; None where there is none."""
    return [one.get(member) if type(one) is dict else None for one in objects]


class _Rows:
    """The columns of some issues that are tasks."""

    def __init__(self, issues: Raw, site: Site) -> None:
        self._site = site
        self._issues = issues
        self._values = [one["fields"] for one in issues]
        self._keys = [str(one["id"]) for one in issues]
        shown = [one.get("key") or key for one, key in zip(issues, self._keys, strict=True)]
        self._shown = shown
        self._columns = Columns([f"{ISSUE}{one}" for one in shown], site.report, site.zone)

    def raw(self, name: str) -> Raw:
        """Return a field as it came."""
        return [one.get(name) for one in self._values]

    def frame(self) -> pl.DataFrame:
        """Return the tasks."""
        made = {one.name: one for one in (*self._names(), *self._dates(), *self._figures(), *self._lists())}
        made |= self._custom()
        kept = pl.DataFrame(list(made.values()))
        points = self._site.fields.points
        return kept.with_columns(self._columns.numbers(one, self.raw(one)).alias(f"{POINTS}{one}") for one in points)

    def _names(self) -> list[pl.Series]:
        texts = self._columns.texts
        url = f"{self._site.settings.url}/browse/"
        kinds, projects = self.raw("issuetype"), self.raw("project")
        subtask = [found if type(found) is bool else None for found in inside(kinds, "subtask")]
        return [
            pl.Series("key", self._keys, pl.String),
            texts("id", self._shown),
            texts("name", self.raw("summary")),
            texts("project", inside(projects, "id")),
            texts("parent", self._parents()),
            texts("issue_type", inside(kinds, "name")),
            pl.Series("is_subtask", subtask, pl.Boolean),
            texts("owner", self._site.people.keys(self.raw("assignee"))),
            texts("url", [f"{url}{one}" for one in self._shown]),
            *self._standing(),
            *self._milestone(kinds),
        ]

    def _standing(self) -> list[pl.Series]:
        """Return status, what it means, priority, and whether the issue still counts."""
        vocabulary = self._site.vocabulary
        statuses = self.raw("status")
        names, endings = inside(statuses, "name"), inside(self.raw("resolution"), "name")
        groups = [vocabulary.category(one) for one in statuses]
        priorities = inside(self.raw("priority"), "name")
        return [
            self._columns.texts("status", names),
            pl.Series("status_category", groups, pl.String),
            pl.Series("done", [None if one is None else one == "done" for one in groups], pl.Boolean),
            pl.Series("progress", [PROGRESS.get(one or "") for one in groups], pl.Int64).cast(_dtype("progress")),
            pl.Series("priority", self._steps(priorities), pl.Int64),
            pl.Series("active", [not one for one in vocabulary.cancelled(names, endings)], pl.Boolean),
        ]

    def _steps(self, names: Raw) -> list[int | None]:
        vocabulary, report = self._site.vocabulary, self._site.report
        found = []
        for where, name in zip(self._columns.where, names, strict=True):
            step = vocabulary.priority(name)
            if step is None and name is not None:
                report.word(where, "priority", name, "not known: 'maps: {priority: {...: 3}}' says what it means")
            found.append(step)
        return found

    def _milestone(self, kinds: Raw) -> list[pl.Series]:
        chosen = self._site.settings.milestones
        types, marks = {folded(one) for one in chosen.issue_types}, frozenset(chosen.labels)
        labels = [one if type(one) is list else () for one in self.raw("labels")]
        named = [type(one) is str and folded(one) in types for one in inside(kinds, "name")]
        found = [one or not marks.isdisjoint(own) for one, own in zip(named, labels, strict=True)]
        return [pl.Series("is_milestone", found, pl.Boolean), *_by_label(labels, found, chosen)]

    def _parents(self) -> Raw:
        """Return the parent's id; of an epic or parent link its key, which means the same row."""
        found = inside(self.raw("parent"), "id")
        for name in self._site.fields.parents:
            further = (one.get("key") if type(one) is dict else one for one in self.raw(name))
            found = [own if own is not None else other for own, other in zip(found, further, strict=True)]
        return found

    def _dates(self) -> list[pl.Series]:
        instants = self._columns.instants
        return [
            self._columns.days("duedate", self.raw("duedate")).alias("forecast_finish"),
            instants("created", self.raw("created")).alias("created_at"),
            instants("updated", self.raw("updated")).alias("updated_at"),
            instants("resolutiondate", self.raw("resolutiondate")).alias("resolved_at"),
        ]

    def _figures(self) -> list[pl.Series]:
        hours = self._columns.hours
        work = hours("timeoriginalestimate", self.raw("timeoriginalestimate")).alias("work")
        spent = hours("timespent", self.raw("timespent")).alias("actual_work")
        left = hours("timeestimate", self.raw("timeestimate")).alias("remaining_work")
        share = _share(spent, left, work).alias("work_progress")
        return [work, spent, left, share]

    def _lists(self) -> list[pl.Series]:
        lists = self._columns.lists
        versions = [inside(one, "id") if type(one) is list else None for one in self.raw("fixVersions")]
        made = [lists("labels", self.raw("labels")), lists("release", versions)]
        if self._site.fields.sprint and self._site.settings.boards != "none":
            made.append(lists("sprint", [self._sprints(one) for one in self.raw(self._site.fields.sprint)]))
        return made

    def _sprints(self, value: Any) -> list[str] | None:
        if type(value) is not list:
            return None
        found, known = [], self._site.sprints
        for one in value:
            number = sprint_id(one)
            if number is not None:
                known[number] = one
                found.append(number)
        return found

    # --- fields of the site's own ---------------------------------------------------------------------------------

    def _custom(self) -> dict[str, pl.Series]:
        """Return what the settings, or the meaning of a custom field, fill."""
        fields = self._site.fields.mapped
        own = {name: number for name, number in fields.items() if not name.startswith("project.")}
        return {name: self._mapped(name, number) for name, number in own.items()}

    def _mapped(self, name: str, number: str) -> pl.Series:
        raw, kind = self.raw(number), _kind("task", name)
        words = self._site.settings.maps.fields.get(name, {})
        if kind == Kind.DATE and not words:
            return self._columns.days(number, raw).alias(name)
        if kind == Kind.FLAG and not words:
            raw = [False if one is None or one == [] else one for one in raw]  # a box that is not ticked is no answer
        return self._slowly(name, number, raw)

    def _slowly(self, name: str, number: str, raw: Raw) -> pl.Series:
        site, kind = self._site, _kind("task", name)
        words = site.settings.maps.fields.get(name, {})
        found = []
        for where, value in zip(self._columns.where, raw, strict=True):
            try:
                found.append(value_of(kind, value, words, site.zone))
            except ValueError as fault:
                site.report.value(where, number, value, str(fault))
                found.append(None)
            if kind == Kind.REF and found[-1] is not None:
                site.people.key(value)
        return frame_of("task", {name: found}).to_series()

    def of_projects(self) -> dict[str, list[ProjectWord]]:
        """Return what issues say of their project, by field."""
        wanted = {name: one for name, one in self._site.fields.mapped.items() if name.startswith("project.")}
        found: dict[str, list[ProjectWord]] = {}
        for name, number in wanted.items():
            rows = zip(inside(self.raw("project"), "id"), self.raw("updated"), self.raw(number), strict=True)
            found[name] = [(str(one), str(at), value) for one, at, value in rows if value not in (None, "", [])]
        return found


def _by_label(labels: Raw, is_milestone: list[bool], chosen: Milestones) -> list[pl.Series]:
    """Return kind, gate and level of milestones whose labels say them."""
    made = []
    for name, meanings in (("kind", chosen.kinds), ("gate_code", chosen.gates), ("level", chosen.levels)):
        if meanings:
            said = [next((meanings[one] for one in own if one in meanings), None) for own in labels]
            found = [one if flag else None for one, flag in zip(said, is_milestone, strict=True)]
            made.append(pl.Series(name, found, pl.String))
    return made


def _share(spent: pl.Series, left: pl.Series, planned: pl.Series) -> pl.Series:
    """Return the share of the work done in percent: of what is spent and left, else of what was estimated."""
    frame = pl.DataFrame({"spent": spent, "left": left, "planned": planned}).cast(pl.Float64)
    whole = pl.coalesce(pl.col("spent") + pl.col("left"), "planned")
    share = pl.when(whole > 0).then((pl.col("spent") / whole * 100).clip(upper_bound=100))
    return frame.select(share.round(6).alias("share")).to_series().cast(_dtype("work_progress"))


def _kind(entity: str, name: str) -> Kind:
    found = ENTITIES[entity].field(name)
    assert found is not None, name
    return found.kind


def _dtype(name: str) -> pl.DataType:
    return ENTITIES["task"].stored_schema()[name]
