"""What an alert is about, looked up in the snapshot: its name, its project and what stands above, calendar, due day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from pmo_watch.alerts import Alert
from pmo_watch.entities.readable import PREFIXES
from pmo_watch.flow import Snapshot
from pmo_watch.references import one_project
from pmo_watch.row_names import READ as NAMED_FROM
from pmo_watch.row_names import spoken, with_link_names
from pmo_watch.workdays import Calendar

Row = Mapping[str, Any]

READ = (  # the columns that any step asks for: a task has seventy
    *("uid", "source", "id", "name", "title", "artefact", "email", "code", "kind", "period", "url", "indicator"),
    *("project", "scope", "program", "portfolio", "owner", "leader", "manager", "provider", "person", "calendar"),
    *("language", "state", "status", "active", "body", "@usable", "@reading"),
    *("name_en", "name_fr", "name_nl"),
)
NAMED_BY = ("name", "title", "artefact", "email", "code", "period", "kind", "id")  # the first that is filled
NOT_GOING_ON = ("proposed", "on_hold", "closed", "cancelled")  # projects whose work is none for those assigned to it
DUE = {
    "milestone": ("committed_finish",),
    "task": ("committed_finish",),
    "project": ("deadline", "forecast_finish"),
    "decision": ("needed_by",),
    "action": ("due",),
    "risk": ("target_date",),
    "issue": ("target_date",),
    "document": ("review_due",),
    "status_report": ("due_on",),
    "submission": ("due_on",),
    "gate": ("planned_on",),
    "meeting": ("planned_on",),
    "dependency": ("needed_on",),
    "sprint": ("end_on",),
    "release": ("release_date",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A project, programme or portfolio: where roles are held and where languages and calendars are set."""

    entity: str
    uid: str
    code: str
    name: str
    row: Row

    def text(self, column: str) -> str:
        """Return a text of its row; empty when null."""
        return str(self.row.get(column) or "")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What an alert is about. One whose row is gone has its last name, and a `row` of only `uid` and `project`."""

    entity: str
    uid: str
    id: str
    name: str
    calendar: Calendar
    row: Row
    names: Mapping[str, str] = field(default_factory=dict)  # by language, where the source has several
    project: Place | None = None
    program: Place | None = None
    portfolio: Place | None = None
    works_for: tuple[tuple[Place, ...], ...] = ()  # of a person: each project, with what stands above it
    language: str = ""  # the project's, then the programme's, the portfolio's, the organisation's

    @property
    def gone(self) -> bool:
        """Whether the snapshot no longer has its row."""
        return "source" not in self.row

    @property
    def chains(self) -> tuple[tuple[Place, ...], ...]:
        """The project, the programme, the portfolio: those it has, nearest first; of a person those of each project."""
        own = tuple(one for one in (self.project, self.program, self.portfolio) if one is not None)
        return self.works_for or (own,)

    @property
    def places(self) -> tuple[Place, ...]:
        """The projects, programmes and portfolios that it belongs to."""
        return tuple(dict.fromkeys(place for chain in self.chains for place in chain))

    @property
    def due(self) -> date | None:
        """The day that it is due on."""
        found = (self.row.get(column) for column in DUE.get(self.entity, ()))
        return next((day for day in found if isinstance(day, date)), None)

    def text(self, column: str) -> str:
        """Return a text of its row; empty when null or gone."""
        return str(self.row.get(column) or "")


class Subjects:
    """The subjects of some alerts; their rows are fetched at once, entity by entity."""

    def __init__(self, snapshot: Snapshot, wanted: Iterable[tuple[str, str]]) -> None:
        self._snapshot = snapshot
        self._rows: dict[tuple[str, str], Row] = {}
        self._made: dict[tuple[str, str], Subject] = {}
        self._places = {
            entity: {
                row["uid"]: _place_of(entity, row)
                for row in _columns(snapshot.frame(entity), READ).iter_rows(named=True)
            }
            for entity in ("project", "program", "portfolio")
        }
        self._indicators: dict[str, Row] | None = None
        self._own_calendars: dict[str, str] | None = None
        self._working_for: dict[str, list[str]] | None = None
        self.fetch(wanted)

    def fetch(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Fetch further rows, named by entity and uid."""
        uids: dict[str, list[str]] = {}
        for entity, uid in wanted:
            if (entity, uid) not in self._rows:
                uids.setdefault(entity, []).append(uid)
        for entity, some in uids.items():
            for row in _rows_of(self._snapshot, entity, some):
                self._rows[entity, row["uid"]] = row

    def find(self, entity: str, uid: str) -> Subject | None:
        """Return the subject; None when the snapshot has no such row."""
        row = self._rows.get((entity, uid))
        if row is None:
            return None
        if (entity, uid) not in self._made:  # each audience of an alert asks for it
            self._made[entity, uid] = self._of_row(entity, uid, row)
        return self._made[entity, uid]

    def _of_row(self, entity: str, uid: str, row: Row) -> Subject:
        names = self._names(row) or spoken(entity, row)
        shown = next((str(row[column]) for column in NAMED_BY if row.get(column)), uid)
        known_as = str(row.get("code") or "") if entity == "project" else ""
        return self._subject(
            entity,
            row,
            known_as or str(row.get("id") or names.get("id") or shown),
            names.get("en") or names.get("id") or shown,
            {language: name for language, name in names.items() if language != "id"},
        )

    def of(self, alert: Alert) -> Subject:
        """Return the subject of an alert, from what the alert remembers when its row is gone."""
        known_as = alert.subject_id or alert.subject
        last_seen = {"uid": alert.subject, "project": alert.project}
        return self.find(alert.entity, alert.subject) or self._subject(
            alert.entity, last_seen, known_as, alert.subject_name or known_as, {}
        )

    def projects_of(self, entity: str, uids: pl.DataFrame) -> Iterable[str]:
        """Return the uids of the projects that these rows of an entity belong to; `uids` is a column of that name."""
        if entity not in PREFIXES:
            return ()
        frame = self._snapshot.frame(next(iter(PREFIXES[entity].values())))
        if entity == "project" or "project" not in frame.columns:
            return uids["uid"] if entity == "project" else ()
        return (
            frame.select("uid", one_project(frame.schema))
            .join(uids, on="uid", how="semi")["project"]
            .drop_nulls()
            .unique()
        )

    def _subject(self, entity: str, row: Row, known_as: str, name: str, names: Mapping[str, str]) -> Subject:
        uids = (row.get("scope"), row["uid"])
        project = self._place("project", row.get("project"), *uids)
        program = self._place("program", project and project.row.get("program"), row.get("program"), *uids)
        above = [place.row.get("portfolio") for place in (project, program) if place is not None]
        portfolio = self._place("portfolio", *above, row.get("portfolio"), *uids)
        return Subject(
            entity,
            row["uid"],
            known_as,
            name,
            self._calendar(entity, row, project),
            row,
            names,
            project,
            program,
            portfolio,
            self._works_for(row["uid"]) if entity == "person" else (),
            self._language(project, program, portfolio),
        )

    def _works_for(self, person: str) -> tuple[tuple[Place, ...], ...]:
        """Return the projects that go on in which a person has something left to do, each with what stands above."""
        if self._working_for is None:
            self._working_for = _projects_of_persons(self._snapshot)
        chains = []
        for uid in self._working_for.get(person, ()):
            project = self._place("project", uid)
            if project is None or project.text("state") in NOT_GOING_ON:
                continue
            program = self._place("program", project.row.get("program"))
            above = [place.row.get("portfolio") for place in (project, program) if place is not None]
            chain = (project, program, self._place("portfolio", *above))
            chains.append(tuple(place for place in chain if place is not None))
        return tuple(chains)

    def _place(self, entity: str, *uids: object) -> Place | None:
        known = self._places[entity]
        for uid in uids:
            if isinstance(uid, str) and uid in known:
                return known[uid]
        return None

    def _names(self, row: Row) -> dict[str, str]:
        """Return the names of a row by language: its own, or those of the indicator that it is about, with its `id`."""
        if row.get("indicator") and self._indicators is None:
            self._indicators = {one["uid"]: one for one in self._snapshot.frame("indicator").iter_rows(named=True)}
        found = (self._indicators or {}).get(row["indicator"], {}) if row.get("indicator") else row
        if "name_en" not in found:
            return {}
        named = {language: str(found.get(f"name_{language}") or "") for language in ("en", "fr", "nl")}
        return {"id": str(found.get("id") or ""), **{language: name for language, name in named.items() if name}}

    def indicator_provider(self, row: Row) -> str:
        """Return the uid of the person who delivers the indicator of a series; empty when nobody is named."""
        self._names(row)
        return str((self._indicators or {}).get(row.get("indicator") or "", {}).get("provider") or "")

    def _calendar(self, entity: str, row: Row, project: Place | None) -> Calendar:
        calendars, default = self._snapshot.calendars, self._snapshot.organisation.calendar
        person = row.get("uid") if entity == "person" else row.get("provider")
        own = self._calendar_of_person(str(person)) if person else ""
        for name in (own, project.text("calendar") if project else "", default):
            if name in calendars:
                return calendars[name]
        return Calendar(default)

    def _calendar_of_person(self, uid: str) -> str:
        if self._own_calendars is None:
            known = self._snapshot.frame("person").filter(pl.col("calendar").is_not_null()).select("uid", "calendar")
            self._own_calendars = dict(known.iter_rows())
        return self._own_calendars.get(uid, "")

    def _language(self, *places: Place | None) -> str:
        said = (place.text("language") for place in places if place is not None)
        return next((language for language in said if language), self._snapshot.organisation.language)


def _place_of(entity: str, row: Row) -> Place:
    code = str(row.get("code") or row.get("id") or row["uid"])
    return Place(entity, str(row["uid"]), code, str(row.get("name") or code), row)


def _projects_of_persons(snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the uids of the projects in which each person is on a row that is not done."""
    left = pl.col("countable") & ~pl.col("done").fill_null(value=False)
    tasks = snapshot.frame("task").filter(left).select("project", task="uid")
    given = snapshot.frame("assignment").filter(pl.col("vanished_on").is_null()).select("person", "task")
    found = given.drop_nulls().join(tasks, on="task").group_by("person").agg(pl.col("project").unique().sort())
    return dict(found.iter_rows())


def _rows_of(snapshot: Snapshot, entity: str, uids: list[str]) -> Iterable[Row]:
    if entity not in PREFIXES:
        return ()
    stored_as = next(iter(PREFIXES[entity].values()))
    frame = snapshot.frame(stored_as)
    columns = _columns(frame, dict.fromkeys((*READ, *NAMED_FROM, *DUE.get(entity, ()))))
    found = columns.filter(pl.col("uid").is_in(uids))
    if entity == "dependency":
        found = with_link_names(found, snapshot.frame("task"))
    if "project" in found.columns:
        found = found.with_columns(one_project(found.schema))
    return found.iter_rows(named=True)


def _columns(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    return frame.select([name for name in names if name in frame.columns])
