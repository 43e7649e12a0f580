"""Working days as Polars expressions; a calendar is a value, read from packages and files by `calendars.py`.

A calendar is spread once into two columns: for each civil day the number of working days up to it, and the working
days themselves. Counting is then a subtraction of two look-ups, with worked week-ends, negative spans and leap days
all alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

import polars as pl

FIRST, LAST = date(1970, 1, 1), date(2100, 12, 31)  # what a calendar without an end is spread over


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked.

    `week`: seven flags, Monday first. `closed`: days off that would be worked otherwise, holidays and bridge days
    alike. `opened`: days worked although the week or a holiday says otherwise. `first` and `last`: the days it
    covers, both included; None is without end. `names`: what days off are called, as far as anybody says; they count
    for nothing.
    """

    id: str
    week: tuple[bool, ...] = (True, True, True, True, True, False, False)
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()
    first: date | None = None
    last: date | None = None
    minutes_per_day: int = 480
    names: Mapping[date, str] = field(default_factory=dict, compare=False, repr=False)

    def works(self, day: date) -> bool:
        """Say whether the day is worked."""
        return day in self.opened or (self.week[day.weekday()] and day not in self.closed)

    def count(self, start: date, end: date) -> int | None:
        """Count the working days in (start, end]; negative when `end` is before `start`; None outside its days."""
        ordinals, _, first = _spread(self)
        a, b = (start - first).days, (end - first).days
        if min(a, b) < 0 or max(a, b) >= len(ordinals):
            return None
        return int(ordinals[b]) - int(ordinals[a])

    def add(self, day: date, number: int) -> date | None:
        """Return the `number`-th working day after `day`, or before it when negative; None outside its days."""
        if number == 0:
            return day
        _, days, _ = _spread(self)
        before = self.count(FIRST if self.first is None else self.first, day if number > 0 else day - timedelta(days=1))
        if before is None:
            return None
        ordinals, _, _ = _spread(self)
        index = before + int(ordinals[0]) + number - (1 if number > 0 else 0)
        return days[index] if 0 <= index < len(days) else None


@lru_cache(maxsize=64)
def _spread(calendar: Calendar) -> tuple[pl.Series, pl.Series, date]:
    """Return working days up to each day, the working days, and the first day of the first column."""
    first, last = calendar.first or FIRST, calendar.last or LAST
    every = pl.date_range(first, last, eager=True)
    usual = every.dt.weekday().is_in([day for day, works in enumerate(calendar.week, start=1) if works])
    flags = usual & ~every.is_in(list(calendar.closed)) | every.is_in(list(calendar.opened))
    return flags.cast(pl.Int64).cum_sum(), every.filter(flags), first


def in_use(calendars: Mapping[str, Calendar], default: str, *named: pl.Series) -> dict[str, Calendar]:
    """Leave out the calendars that no row names: each one costs a count of every row."""
    names = {default, *(name for one in named for name in one.unique())}
    return {name: calendar for name, calendar in calendars.items() if name in names}


Choose = Callable[[Callable[[Calendar], pl.Expr]], pl.Expr]


def each_in_its_own(calendars: Mapping[str, Calendar], default: str, column: str = "@calendar") -> Choose:
    """Return a function that applies an expression in the calendar named by `column`, row by row.

    A null or unknown name means the calendar called `default`.
    """

    def choose(build: Callable[[Calendar], pl.Expr]) -> pl.Expr:
        chosen = build(calendars[default])
        for name, calendar in calendars.items():
            if name != default:
                chosen = pl.when(pl.col(column) == name).then(build(calendar)).otherwise(chosen)
        return chosen

    return choose


def count(start: pl.Expr, end: pl.Expr, calendar: Calendar) -> pl.Expr:
    """Count the working days in (start, end], whole days; negative when `end` is before `start`.

    Null when either is null or outside the days that the calendar covers.
    """
    return _ordinal(end, calendar) - _ordinal(start, calendar)


def add(day: pl.Expr, number: pl.Expr, calendar: Calendar) -> pl.Expr:
    """Return the `number`-th working day after `day`, or before it when negative; `day` itself for 0.

    Null when either is null or the result lies outside the days that the calendar covers.
    """
    _, days, _ = _spread(calendar)
    after = _ordinal(day, calendar) + number - 1
    before = _ordinal(day - pl.duration(days=1), calendar) + number
    index = pl.when(number > 0).then(after).otherwise(before)
    inside = pl.when((index >= 0) & (index < len(days))).then(index)
    return pl.when(number == 0).then(day).otherwise(pl.lit(days).gather(inside))


def _ordinal(day: pl.Expr, calendar: Calendar) -> pl.Expr:
    ordinals, _, first = _spread(calendar)
    index = (day.cast(pl.Date) - pl.lit(first)).dt.total_days()
    inside = pl.when((index >= 0) & (index < len(ordinals))).then(index)
    return pl.lit(ordinals).gather(inside)
