"""What all parts of a project's conversion share: plan, rows, keys, calendars, days, and what was wrong in them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from pmo_watch.api import Rejected

from .calendars import DEFAULT_BOUNDS, MIDNIGHT, PlanCalendars
from .days import Days
from .identity import Identity, identify
from .outline import Outline, outline_of, places_of
from .parse import Plan
from .schedule import Schedule, schedule_of
from .settings import Settings
from .tables import Table
from .values import clock_minutes, moment

MICROSECONDS = 1_000_000
LONGEST_SHOWN = 200
HEADER_TIMES = ("StartDate", "FinishDate", "StatusDate", "CurrentDate", "LastSaved")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file besides its bytes; `written` is when it was last written."""

    part: str
    folder: str
    written: datetime
    zone: tzinfo
    settings: Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project's rows go: its key and code, and for one inserted in another the row above and its depth."""

    key: str
    code: str
    parent: str | None = None
    depth: int = 0
    remembered: str = ""  # what identified the rows of this plan before


@dataclass(slots=True, eq=False)
class Project:
    """One project on its way from the file's words to the model's."""

    facts: FileFacts
    place: Place
    plan: Plan
    outline: Outline
    identity: Identity
    calendars: PlanCalendars
    days: Days
    schedule: Schedule
    keys: list[str]  # of the rows of the outline, unique over the source
    by_uid: dict[str, int]  # places in the outline
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: int = 0

    def reject(self, where: str, child: str, text: str, reason: str) -> None:
        """Report a value that was left out."""
        self.rejected.append(Rejected(f"{self.facts.part}:{where}", child, text[:LONGEST_SHOWN], reason))

    def row_name(self, row: int) -> str:
        """Name a row of the file as people find it."""
        return f"task {self.plan.tasks.texts['UID'][row] or f'at place {row + 1}'}"

    def header_moment(self, name: str) -> datetime | None:
        """Return a time of the header; one that is none was reported when the project was opened."""
        return self.days.kept([_header_date(self.plan, name)])[0]

    def instant(self, local: datetime) -> int | None:
        """Return a local time as microseconds since 1970 UTC; None where no calendar reaches."""
        try:
            aware = local.replace(tzinfo=self.facts.zone).astimezone(UTC)
        except OverflowError:
            return None
        return int((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * MICROSECONDS


def open_project(plan: Plan, facts: FileFacts, place: Place) -> Project:
    """Find rows, keys, calendars and schedule of a plan.

    Raises:
        SourceDataError: none of its rows has what they were known by.
    """
    outline = outline_of(plan)
    identity = identify(plan, outline, facts.settings.key, place.remembered)
    calendars = PlanCalendars(plan.calendars, plan.header.get("CalendarUID"), _bounds(plan))
    header = [one for name in HEADER_TIMES[:3] if (one := _header_date(plan, name))]
    days = Days(
        [one for one in plan.known.schedule.values() if one],
        [*(one for one in plan.known.typed.values() if one), *header],
        facts.settings.placeholder_dates,
    )
    schedule = schedule_of(plan, outline, calendars, days)
    keys = [f"{place.key}/{key}" for key in identity.keys]
    by_uid = places_of(plan, outline)
    project = Project(facts, place, plan, outline, identity, calendars, days, schedule, keys, by_uid)
    _report(project)
    return project


def _header_date(plan: Plan, name: str) -> datetime | None:
    try:
        return moment(plan.header.get(name, ""))
    except (ValueError, OverflowError):
        return None


def _bounds(plan: Plan) -> tuple[int, int]:
    """Return when the plan's usual day begins and ends; the schema's defaults where it does not say."""
    found = []
    for name, default in zip(("DefaultStartTime", "DefaultFinishTime"), DEFAULT_BOUNDS, strict=True):
        try:
            found.append(clock_minutes(plan.header.get(name, "")))
        except ValueError:
            found.append(default)
    start, end = found[0], found[1] or MIDNIGHT
    return (start, end) if start < end else DEFAULT_BOUNDS


def _report(project: Project) -> None:
    """Report the values that are none, and what had to be mended."""
    _report_values(project)
    plan, identity = project.plan, project.identity
    for place in sorted(identity.twice):
        where = project.row_name(project.outline.rows[place])
        project.reject(where, "key", identity.keys[place], "occurs twice: the first row counts")
    project.lost += len(identity.twice)
    project.notes.extend(identity.notes)
    if (jump := project.outline.jump) is not None:
        level = str(plan.tasks.numbers["OutlineLevel"][jump])
        project.reject(project.row_name(jump), "OutlineLevel", level, "leaves a level out: put below the next smaller")
    for uid in sorted(project.calendars.unknown):
        project.reject("calendars", "CalendarUID", uid, "no such calendar: the plan's usual one was taken")


def _report_values(project: Project) -> None:
    plan = project.plan
    for name in HEADER_TIMES:
        if (text := plan.header.get(name)) and _header_date(plan, name) is None:
            project.reject("project", name, text, "not a date")
    for fault in plan.calendar_faults:
        project.reject(f"calendar {fault.child}", "Calendar", fault.text, "not a time, day or number")
    for table in plan.tables:
        for fault in table.faults:
            element = fault.child if table.layout.is_row else f"{table.layout.element}/{fault.child}"
            project.reject(_where(project, table, fault.row), element, fault.text, table.layout.meant(fault.child))


def _where(project: Project, table: Table, row: int) -> str:
    if table.parents:
        return project.row_name(table.parents[row])
    if table is project.plan.tasks:
        return project.row_name(row)
    return f"{table.layout.element.lower()} {table.texts['UID'][row] or row + 1}"
