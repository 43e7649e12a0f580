"""The days behind a number of working days: which lie between, and which were left out under what name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pmo_watch.workdays import Calendar

MOST_DAYS = 3660  # a longer span is a slip of a source's hand: its days are counted, and not listed
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OFF = "day off"


@dataclass(frozen=True, slots=True)
class Named:
    """A day and why it was left out, or why it counts although it is one that usually does not."""

    day: date
    why: str


@dataclass(frozen=True, slots=True)
class Counted:
    """The working days in (start, end], as `number` counts them: negative when `end` is before `start`.

    `counted`: each of them, in order. `left_out`: the others between. `brought_in`: counted days that are usually off.
    `counts_from`, `counts_to`: what both days are called.
    """

    start: date
    end: date
    number: int
    calendar: str
    counted: tuple[date, ...]
    left_out: tuple[Named, ...]
    brought_in: tuple[Named, ...] = ()
    counts_from: str = ""
    counts_to: str = ""


def days_between(start: date, end: date, calendar: Calendar) -> Counted | None:
    """Count the working days in (start, end] one by one; None outside the calendar's days, or for decades."""
    number = calendar.count(start, end)
    if number is None or abs((end - start).days) > MOST_DAYS:
        return None
    first, last = sorted((start, end))
    every = [first + timedelta(days=past) for past in range(1, (last - first).days + 1)]
    return Counted(
        start,
        end,
        number,
        calendar.id,
        tuple(day for day in every if calendar.works(day)),
        tuple(Named(day, why_off(day, calendar)) for day in every if not calendar.works(day)),
        tuple(
            Named(day, _why_on(day, calendar))
            for day in every
            if calendar.works(day) and _is_usually_off(day, calendar)
        ),
    )


def why_off(day: date, calendar: Calendar) -> str:
    """Return why a day is not worked: what it is called, else the day of the week."""
    named = calendar.names.get(day, OFF) if day in calendar.closed else ""
    weekend = "" if calendar.week[day.weekday()] else WEEKDAYS[day.weekday()]
    return weekend if weekend and named in {"", OFF} else named


def _is_usually_off(day: date, calendar: Calendar) -> bool:
    return day in calendar.names or not calendar.week[day.weekday()]


def _why_on(day: date, calendar: Calendar) -> str:
    usual = calendar.names.get(day) or WEEKDAYS[day.weekday()]
    return f"{usual}, worked all the same"


def behind(value: float | None, days: Mapping[str, date], calendar: Calendar) -> Counted | None:
    """Find the two days, among those that a measure names, whose working days are its value; None: there are none.

    `days`: name -> day, those that say most about the measure first.
    """
    if value is None or value != int(value):
        return None
    pairs = ((one, other) for number, one in enumerate(days) for other in list(days)[number + 1 :])
    for counts_from, counts_to in pairs:
        for names in ((counts_from, counts_to), (counts_to, counts_from)):
            if calendar.count(days[names[0]], days[names[1]]) == value:
                found = days_between(days[names[0]], days[names[1]], calendar)
                return found and replace(found, counts_from=names[0], counts_to=names[1])
    return None


def shown(left_out: Iterable[Named]) -> str:
    """Return days left out in words: week-ends as a number, all others by name."""
    days = list(left_out)
    weekend = sum(one.why in WEEKDAYS for one in days)
    named = [f"{one.day} {one.why}" for one in days if one.why not in WEEKDAYS]
    ends = [f"{weekend} {'day' if weekend == 1 else 'days'} of week-ends"] if weekend else []
    return ", ".join([*ends, *named])
