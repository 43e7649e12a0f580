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


@dataclass(frozen=True, slots=True)
class Several:
    """The calendars of rows that each have their own: `which` is the number of the row's, counted from 0."""

    calendars: tuple[Calendar, ...]
    which: pl.Expr = field(compare=False)


@lru_cache(maxsize=16)
def _side_by_side(calendars: tuple[Calendar, ...]) -> tuple[pl.Series, int, pl.Series, int, date]:
    """Return the columns of `_spread` of all calendars, one behind the other, each with its length for one of them.

    Days that only some of them cover are null in the others.
    """
    spread = [_spread(one) for one in calendars]
    begins = min(first for *_, first in spread)
    length = max((first - begins).days + len(counted) for counted, _, first in spread)
    most = max(len(days) for _, days, _ in spread)
    ordinals = [_padded(counted, (first - begins).days, length) for counted, _, first in spread]
    worked = [_padded(days, 0, most) for _, days, _ in spread]
    return pl.concat(ordinals), length, pl.concat(worked), most, begins


def _padded(values: pl.Series, before: int, length: int) -> pl.Series:
    """Return the values with so many nulls before them, and as many after them as make up the length."""
    return pl.concat([values.clear(before), values, values.clear(length - before - len(values))])


Choose = Callable[[Callable[["Calendar | Several"], pl.Expr]], pl.Expr]


def each_in_its_own(calendars: Mapping[str, Calendar], default: str, column: str = "@calendar") -> Choose:
    """Return a function that applies an expression in the calendar named by `column`, row by row.

    A null or unknown name means the calendar called `default`. The expression is built once, however many calendars
    there are: one of another one would else grow with their square.
    """
    names = [default, *(name for name in calendars if name != default)]
    if len(names) == 1:
        return lambda build: build(calendars[default])
    which = pl.col(column).replace_strict(names, range(len(names)), default=0, return_dtype=pl.Int64)
    several = Several(tuple(calendars[name] for name in names), which)
    return lambda build: build(several)


def count(start: pl.Expr, end: pl.Expr, calendar: Calendar | Several) -> pl.Expr:
    """Count the working days in (start, end], whole days; negative when `end` is before `start`.

    Null when either is null or outside the days that the calendar covers.
    """
    return _ordinal(end, calendar) - _ordinal(start, calendar)


def add(day: pl.Expr, number: pl.Expr, calendar: Calendar | Several) -> pl.Expr:
    """Return the `number`-th working day after `day`, or before it when negative; `day` itself for 0.

    Null when either is null or the result lies outside the days that the calendar covers.
    """
    after = _ordinal(day, calendar) + number - 1
    before = _ordinal(day - pl.duration(days=1), calendar) + number
    index = pl.when(number > 0).then(after).otherwise(before)
    if isinstance(calendar, Several):
        _, _, days, length, _ = _side_by_side(calendar.calendars)
        found = _gathered(days, index, length, calendar.which)
    else:
        _, days, _ = _spread(calendar)
        found = _gathered(days, index, len(days))
    return pl.when(number == 0).then(day).otherwise(found)


def _ordinal(day: pl.Expr, calendar: Calendar | Several) -> pl.Expr:
    if isinstance(calendar, Several):
        ordinals, length, _, _, first = _side_by_side(calendar.calendars)
        return _gathered(ordinals, _days_since(first, day), length, calendar.which)
    ordinals, _, first = _spread(calendar)
    return _gathered(ordinals, _days_since(first, day), len(ordinals))


def _days_since(first: date, day: pl.Expr) -> pl.Expr:
    return (day.cast(pl.Date) - pl.lit(first)).dt.total_days()


def _gathered(values: pl.Series, index: pl.Expr, length: int, which: pl.Expr | None = None) -> pl.Expr:
    """Return the value at an index, in the part of so many values that is the row's own; null outside."""
    inside = pl.when((index >= 0) & (index < length)).then(index)
    return pl.lit(values).gather(inside if which is None else inside + which * length)
