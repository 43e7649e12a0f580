"""Dates and durations of a plan's rows, with what a writer left out filled from what it wrote (spec sources 4.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from .calendars import PlanCalendar, PlanCalendars
from .days import DayOf, Days, Pair
from .outline import TOP, Outline
from .parse import Plan

V = TypeVar("V")
Moments = Sequence[datetime | None]
ELAPSED_FORMATS = frozenset({4, 6, 8, 10, 12, 20, 36, 38, 40, 42, 44, 52})  # clock time, not working time


@dataclass(slots=True, eq=False)
class Schedule:
    """Start, finish and duration of each row of the outline, its calendar, and how its times become days."""

    starts: list[datetime | None]
    finishes: list[datetime | None]
    durations: list[int | None]
    calendars: list[PlanCalendar]
    start_of: list[DayOf]
    finish_of: list[DayOf]


def picked(outline: Outline, column: Sequence[V]) -> list[V]:
    """Return the values of the rows of the outline."""
    rows = outline.rows
    if rows and rows[-1] - rows[0] + 1 == len(rows):  # no blank row between
        return list(column[rows[0] : rows[-1] + 1])
    return [column[row] for row in rows]


def as_days(how: Sequence[DayOf], moments: Moments) -> list[int | None]:
    """Return each row's time as its day."""
    return [day[moment] for day, moment in zip(how, moments, strict=True)]


def takes_no_time(duration: int | None, start: datetime | None, finish: datetime | None) -> bool:
    """Say whether a row is a moment: no duration, or where it is not said the same start and finish."""
    return duration == 0 or (duration is None and start is not None and start == finish)


def day_of_each(
    how: Callable[[PlanCalendar], Pair], calendars: Sequence[PlanCalendar], instants: Sequence[bool]
) -> list[DayOf]:
    """Return how the times of each row become days, in its calendar."""
    pairs = {calendar: how(calendar) for calendar in set(calendars)}
    return [pairs[calendar][instant] for calendar, instant in zip(calendars, instants, strict=True)]


def schedule_of(plan: Plan, outline: Outline, calendars: PlanCalendars, days: Days) -> Schedule:
    """Read the schedule of a plan's rows."""
    tasks = plan.tasks
    made = Schedule(
        days.kept(picked(outline, tasks.moments["Start"])),
        days.kept(picked(outline, tasks.moments["Finish"])),
        picked(outline, tasks.numbers["Duration"]),
        [calendars.of(uid) for uid in picked(outline, tasks.texts["CalendarUID"])],
        [],
        [],
    )
    _drop_texts(made, plan, outline)
    if None in made.durations or None in made.finishes or None in made.starts:
        _fill(made, plan, outline)
    instants = [takes_no_time(*row) for row in zip(made.durations, made.starts, made.finishes, strict=True)]
    made.start_of = day_of_each(days.start, made.calendars, instants)
    made.finish_of = day_of_each(days.finish, made.calendars, instants)
    return made


def _drop_texts(made: Schedule, plan: Plan, outline: Outline) -> None:
    """Forget the finish of a row scheduled by hand that says something else in words."""
    for place, text in enumerate(picked(outline, plan.tasks.texts["FinishText"])):
        if text is not None and plan.tasks.flags["Manual"][outline.rows[place]]:
            made.finishes[place] = None


def _fill(made: Schedule, plan: Plan, outline: Outline) -> None:
    """Fill what is missing; what stands there and is no date or duration stays unknown."""
    leaves = outline.leaves()
    spoilt = {(fault.row, fault.child) for fault in plan.tasks.faults}
    for place, row in enumerate(outline.rows):
        if made.durations[place] is None and (row, "Duration") not in spoilt:
            made.durations[place] = _spent_and_left(plan, row)
        if leaves[place] and made.finishes[place] is None and _may_fill_finish(plan, row, spoilt):
            made.finishes[place] = _after(made, place, plan.tasks.numbers["DurationFormat"][row])
    _span_children(made, plan, outline, spoilt)
    for place, row in enumerate(outline.rows):
        start, finish = made.starts[place], made.finishes[place]
        known = made.durations[place] is not None or (row, "Duration") in spoilt
        if not known and start is not None and finish is not None:
            made.durations[place] = made.calendars[place].minutes_between(start, finish)


def _may_fill_finish(plan: Plan, row: int, spoilt: set[tuple[int, str]]) -> bool:
    return (row, "Finish") not in spoilt and plan.tasks.texts["FinishText"][row] is None


def _spent_and_left(plan: Plan, row: int) -> int | None:
    spent, left = plan.tasks.numbers["ActualDuration"][row], plan.tasks.numbers["RemainingDuration"][row]
    return None if spent is None or left is None else spent + left


def _after(made: Schedule, place: int, duration_format: int | None) -> datetime | None:
    start, duration = made.starts[place], made.durations[place]
    if start is None or duration is None:
        return None
    try:
        if duration_format in ELAPSED_FORMATS:
            return start + timedelta(minutes=duration)
        return made.calendars[place].add(start, duration)
    except OverflowError:  # beyond the year 9999
        return None


def _span_children(made: Schedule, plan: Plan, outline: Outline, spoilt: set[tuple[int, str]]) -> None:
    """Give a summary without dates those of the rows below it, from the last row up."""
    first: dict[int, datetime] = {}
    last: dict[int, datetime] = {}
    for place in range(len(outline.rows) - 1, -1, -1):
        row, above = outline.rows[place], outline.parents[place]
        if (row, "Start") not in spoilt:
            made.starts[place] = made.starts[place] or first.get(place)
        if _may_fill_finish(plan, row, spoilt):
            made.finishes[place] = made.finishes[place] or last.get(place)
        start, finish = made.starts[place], made.finishes[place]
        if above == TOP or plan.tasks.flags["Active"][row] is False:
            continue
        if start is not None:
            first[above] = min(first.get(above, start), start)
        if finish is not None:
            last[above] = max(last.get(above, finish), finish)
