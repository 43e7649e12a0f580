"""Persons, their days off and their assignments (spec model 2.7, 2.8)."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from .calendars import EPOCH, PlanCalendar
from .columns import Values, frame_of
from .conversion import Project
from .phases import Phase
from .values import FINE_UNIT

WORK = 1  # Type of a resource; 0 is material, 2 a cost
UNASSIGNED = frozenset({None, "-65535"})
LONGEST_STRETCH = timedelta(days=3660)
NOBODY = frozenset({None, "0"})  # UID of the empty resource


@dataclass(slots=True, eq=False)
class People:
    """The persons of a plan: by the UID of their resource, and by name or e-mail address in lower case.

    `things`: UIDs of material and costs, whose assignments are no work. `sole`: the only person assigned to a row of
    the outline, None where there are several.
    """

    keys: dict[str, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    things: set[str] = field(default_factory=set)
    sole: dict[int, str | None] = field(default_factory=dict)

    def find(self, name: str) -> str:
        """Return the key of the person of that name or address; the name itself when the plan knows no such person."""
        return self.called.get(name.lower(), name)


def people_of(project: Project) -> tuple[People, pl.DataFrame]:
    """Find the persons of a plan and return them with their rows."""
    resources = project.plan.resources
    people = People()
    rows: dict[str, int] = {}
    for row in range(len(resources)):
        uid, name, email = (resources.texts[one][row] for one in ("UID", "Name", "EmailAddress"))
        people.known.add(uid or "")
        if _is_thing(project, row):
            people.things.add(uid or "")
        called = (email or name or "").lower()
        if not called or _is_thing(project, row) or resources.flags["IsNull"][row] or resources.flags["IsGeneric"][row]:
            continue
        key = f"{project.place.key}/{called}"
        rows.setdefault(key, row)
        people.keys[uid or ""] = key
        for word in filter(None, (email, name)):
            people.called.setdefault(word.lower(), key)
    _find_assigned(project, people)
    return people, _person_frame(project, list(rows.values()))


def _is_thing(project: Project, row: int) -> bool:
    resources = project.plan.resources
    kind = resources.numbers["Type"][row]
    return (kind is not None and kind != WORK) or bool(resources.flags["IsCostResource"][row])


def _find_assigned(project: Project, people: People) -> None:
    texts = project.plan.assignments.texts
    for task, resource in zip(texts["TaskUID"], texts["ResourceUID"], strict=True):
        place, key = project.by_uid.get(task or ""), people.keys.get(resource or "")
        if place is not None and key is not None and people.sole.setdefault(place, key) != key:
            people.sole[place] = None


def _person_frame(project: Project, rows: list[int]) -> pl.DataFrame:
    resources = project.plan.resources
    emails = [(resources.texts["EmailAddress"][row] or "").lower() or None for row in rows]
    names = [resources.texts["Name"][row] for row in rows]
    ids = [email or name for email, name in zip(emails, names, strict=True)]
    return frame_of(
        "person",
        {
            "key": [f"{project.place.key}/{(one or '').lower()}" for one in ids],
            "id": ids,
            "name": names,
            "email": emails,
            "organisation": [resources.texts["Group"][row] for row in rows],
            "max_units": [resources.numbers["MaxUnits"][row] for row in rows],
            "active": [not resources.flags["IsInactive"][row] for row in rows],
        },
    )


def absence_frame(project: Project, people: People) -> pl.DataFrame:
    """Return the days off in the persons' own calendars."""
    resources = project.plan.resources
    periods = sorted(
        {
            (key, first, last)
            for uid, calendar in zip(resources.texts["UID"], resources.texts["CalendarUID"], strict=True)
            if (key := people.keys.get(uid or "")) is not None
            for first, last in project.calendars.own_days_off(calendar)
        }
    )
    return frame_of(
        "absence",
        {
            "key": [f"{key}/{first}/{last}" for key, first, last in periods],
            "person": [key for key, _, _ in periods],
            "from": [(first - EPOCH).days for _, first, _ in periods],
            "to": [(last - EPOCH).days for _, _, last in periods],
        },
    )


# --- assignments --------------------------------------------------------------------------------------------------


def assignment_frame(project: Project, people: People) -> pl.DataFrame:
    """Return the work of persons on tasks; an assignment to a row that is not there is reported."""
    place_of = project.by_uid
    table = project.plan.assignments
    rows = [row for row in range(len(table)) if _is_work(project, people, place_of, row)]
    places = [place_of[table.texts["TaskUID"][row] or ""] for row in rows]
    columns: dict[str, Values] = {
        "key": _keys(project, rows, places),
        "project": [project.place.key] * len(rows),
        "task": [project.keys[place] for place in places],
        "person": [people.keys.get(table.texts["ResourceUID"][row] or "") for row in rows],
        "units": [table.numbers["Units"][row] for row in rows],
        "work": [table.numbers["Work"][row] for row in rows],
        "actual_work": [table.numbers["ActualWork"][row] for row in rows],
        "remaining_work": [table.numbers["RemainingWork"][row] for row in rows],
        "start": _days_of(project, "Start", rows, places),
        "finish": _days_of(project, "Finish", rows, places),
    }
    if project.facts.settings.timephased:
        weekly = project.plan.phases
        columns["weekly"] = [
            _weeks(weekly[row], project.schedule.calendars[place]) if row in weekly else None
            for row, place in zip(rows, places, strict=True)
        ]
    return frame_of("assignment", columns)


def _is_work(project: Project, people: People, place_of: dict[str, int], row: int) -> bool:
    texts = project.plan.assignments.texts
    task, resource = texts["TaskUID"][row], texts["ResourceUID"][row]
    if task not in place_of:
        if task != "0":  # the project's own row is no task
            project.reject(f"assignment {texts['UID'][row]}", "TaskUID", task or "", "no such task: left out")
        return False
    if resource in people.things:
        return False
    if resource not in UNASSIGNED | NOBODY | people.known and resource is not None:
        people.known.add(resource)  # reported once
        project.reject(f"assignment {texts['UID'][row]}", "ResourceUID", resource, "no such resource: unassigned")
    return True


def _keys(project: Project, rows: list[int], places: list[int]) -> list[str]:
    """Return a key for each assignment: task and resource, numbered where both come again."""
    resources = project.plan.assignments.texts["ResourceUID"]
    seen: Counter[str] = Counter()
    keys = []
    for row, place in zip(rows, places, strict=True):
        key = f"{project.keys[place]}/{resources[row]}"
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return keys


def _days_of(project: Project, name: str, rows: list[int], places: list[int]) -> list[int | None]:
    moments = project.days.kept([project.plan.assignments.moments[name][row] for row in rows])
    how = project.schedule.start_of if name == "Start" else project.schedule.finish_of
    return [how[place][moment] for place, moment in zip(places, moments, strict=True)]


def _weeks(phases: list[Phase], calendar: PlanCalendar) -> list[str]:
    """Return the hours of each ISO week, a stretch over several days spread over its working days."""
    weeks: Counter[str] = Counter()
    for phase in phases:
        days = _days_in(phase)
        worked = [day for day in days if calendar.spans(day)] or days
        for number, day in enumerate(worked):
            # Whole millionths, the rest to the first days: the sum stays exact.
            weeks[_week(day)] += phase.work // len(worked) + (number < phase.work % len(worked))
    return [f"{week}={_hours(work)}" for week, work in sorted(weeks.items()) if work]


def _days_in(phase: Phase) -> list[date]:
    """Return the days of a stretch; one of a day or less, or of absurd length, is that of its first day."""
    first = phase.start.date()
    if not timedelta(days=1) < phase.finish - phase.start < LONGEST_STRETCH:
        return [first]
    last = (phase.finish - timedelta(seconds=1)).date()  # a stretch to midnight ends on the day before
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _hours(work: int) -> str:
    whole, rest = divmod(work, FINE_UNIT)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".")
