"""All tables of a reading together: rows of the model as they are now, and what of them is to be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

import polars as pl

from pmo_watch.api import ENTITIES

from . import people, plans, projects
from .dates import empty_days, without_days
from .image import FRESH, Read, changed, gone, laid_over, nothing, of_projects
from .maps import OWN, TableMap
from .report import Report
from .rows import REGISTERS
from .settings import Settings

DERIVED = ("program", "board", "sprint_item")  # made of other rows: what they lack is gone at once


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What was read: by entity, baselines apart; `tables` are those that could be read, by name.

    `buckets`: key -> name. `whole`: nothing was left unread. `again`: entities of which rows were missing last time.
    """

    reads: Mapping[str, Read]
    tables: Mapping[str, TableMap]
    baselines: plans.Baselines
    buckets: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    again: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class Sent:
    """What a reading sends: rows by entity, keys of all that exist, keys that are gone.

    `again`: entities of which stored rows are missing; the next reading says whether they still are.
    """

    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    census: dict[str, list[str]] = field(default_factory=dict)
    deleted: dict[str, list[str]] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)


class Assembly:
    """Lays a reading over what is stored and works out what several tables say together."""

    def __init__(
        self, settings: Settings, zone: tzinfo, stored: Mapping[str, pl.DataFrame], parts: Parts, report: Report
    ) -> None:
        self._settings, self._zone, self._stored, self._parts, self._report = settings, zone, stored, parts, report
        self._now: dict[str, pl.DataFrame] = {}
        self._placeholders()

    def sent(self) -> Sent:
        """Return the rows to send, and which are gone."""
        self._now["person"] = people.with_addresses(self._laid("person"), self._settings.people)
        self._now["project"] = projects.with_day_length(self._laid("project"))
        self._kept = self._projects_kept()
        for name in self._entities():
            self._now[name] = of_projects(self._laid(name), self._follows(name), self._kept)
        self._plans()
        self._projects()
        made = Sent()
        for name, now in self._now.items():
            self._send(made, name, now)
        return made

    def _entities(self) -> Sequence[str]:
        """Return the entities that follow projects: those read now, and those the plans are made of."""
        known = {*self._parts.reads, *self._stored, "task", "assignment", "dependency", "sprint", "cost_entry"}
        return sorted(known - {"person", "project", *DERIVED})

    def _laid(self, name: str) -> pl.DataFrame:
        read = self._parts.reads.get(name) or Read(nothing(name), complete=False)
        frame = laid_over(name, self._stored.get(name), read)
        if name == "person":
            return frame
        return people.resolved(name, frame, self._now["person"], self._settings.people)

    def _placeholders(self) -> None:
        """Take out the days that stand for no date, which only all dates together can tell."""
        days = self._settings.placeholder_dates
        frames = [one.rows for one in self._parts.reads.values()]
        empty = empty_days([*frames, self._parts.baselines.rows, *self._stored.values()], days)
        for read in self._parts.reads.values():
            read.rows = without_days(read.rows, empty)
        self._baselines = plans.Baselines(
            without_days(self._parts.baselines.rows, empty),
            self._parts.baselines.set_on,
            self._parts.baselines.projects,
        )

    def _projects_kept(self) -> frozenset[str] | None:
        read = self._parts.reads.get("project")
        if "project" not in self._stored and not (read and read.listed):
            return None
        return frozenset(self._now["project"]["key"])

    def _follows(self, name: str) -> str:
        found = next((one.follows for one in self._parts.tables.values() if one.entity == name and one.follows), "")
        return found or ("board" if name == "sprint" else "project")

    # --- what several tables say together ---------------------------------------------------------------------------

    def _plans(self) -> None:
        now = self._now
        table = self._parts.tables.get("task")
        now["assignment"] = plans.with_weeks(now["assignment"], self._zone)
        tasks = plans.with_durations(plans.with_progress(now["task"]), now["project"])
        tasks = plans.with_baselines(tasks, self._stored.get("task"), self._baselines)
        if "assignment" in self._parts.tables:
            tasks = plans.with_owners(tasks, now["assignment"])
        tasks = plans.with_buckets(plans.with_sprints(tasks, now["sprint"]), self._parts.buckets)
        now["task"] = plans.with_addresses(tasks, self._settings.url, table.table) if table else tasks
        now["dependency"] = plans.with_ends(now["dependency"], now["task"])
        for name in REGISTERS:
            own = self._parts.tables.get(name)
            if own is not None and name in now:
                now[name] = plans.with_addresses(now[name], self._settings.url, own.table)

    def _projects(self) -> None:
        now, stored = self._now, self._stored
        table = self._parts.tables.get("project")
        found = now["project"]
        if table is not None:
            found = projects.with_state(found, table.table, self._settings.maps.get("project.state", {}), self._report)
            if table.column("actual_cost") is None and "cost_entry" in self._parts.tables:
                found = projects.with_booked_cost(found, now["cost_entry"])
            self._late_totals(found, table)
        now["program"] = projects.programs_of(found, stored.get("program"))
        found = projects.with_baselines(found, stored.get("project"), self._baselines, now["task"])
        now["project"] = projects.with_last_change(found, now["task"])
        now["board"] = projects.boards_of(now["sprint"], now["project"])
        now["sprint_item"] = projects.sprint_items_of(now["task"])

    def _late_totals(self, found: pl.DataFrame, table: TableMap) -> None:
        if "timesheet" in self._parts.reads and table.column("effort_actual") is not None:
            projects.late_totals(found, self._now["timesheet"].filter(FRESH), table.table, self._report)

    # --- what is sent -----------------------------------------------------------------------------------------------

    def _send(self, made: Sent, name: str, now: pl.DataFrame) -> None:
        stored = self._stored.get(name)
        if name in DERIVED:
            now = now.with_columns(pl.lit(value=False).alias(FRESH))
        rows = changed(name, _filled(name, now), stored)
        if rows.height:
            made.rows[name] = rows
        lacking = set(gone(now, stored))
        read = self._parts.reads.get(name)
        if name in DERIVED:
            deleted = lacking if self._parts.whole else set()
        else:
            deleted = set(read.deleted) & lacking if read is not None else set()
        if deleted:
            made.deleted[name] = sorted(deleted)
        if name not in DERIVED:
            self._count(made, name, now, is_missing=bool(lacking - deleted))

    def _count(self, made: Sent, name: str, now: pl.DataFrame, *, is_missing: bool) -> None:
        """Name every row that exists, where the reading can tell and it tells something."""
        read = self._parts.reads.get(name)
        is_listed = read is not None and read.complete and read.listed and (now.height > 0 or name in self._stored)
        if is_listed or is_missing or name in self._parts.again:
            made.census[name] = now["key"].to_list()
        if is_missing:
            made.again.append(name)


def _filled(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with every field of the model and without what was only needed on the way."""
    wanted = ENTITIES[name].stored_schema()
    absent = [pl.lit(None, dtype).alias(one) for one, dtype in wanted.items() if one not in frame.columns]
    extra = [one for one in frame.columns if one.startswith(OWN) and one != FRESH]
    return frame.drop(extra).with_columns(absent)
