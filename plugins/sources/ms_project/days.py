"""Times become days: placeholders out, then each finish and start put on the day it belongs to (spec model 1.7)."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta

from .calendars import EPOCH, PlanCalendar

END_OF_RANGES = date(2049, 12, 31)  # what some writers put behind the last day of anything
NEAR = timedelta(days=366)  # a listed date with another one so near is a real date


class NumberOf(dict[datetime | None, int | None]):
    """The number that each time becomes, worked out once."""

    def __init__(self, number: Callable[[datetime], int | None]) -> None:
        super().__init__({None: None})
        self._number = number

    def __missing__(self, moment: datetime | None) -> int | None:
        assert moment is not None
        number = self[moment] = self._number(moment)
        return number


class DayOf(NumberOf):
    """The day of each time, as days since 1970."""

    def __init__(self, day: Callable[[datetime], date]) -> None:
        super().__init__(lambda moment: (day(moment) - EPOCH).days)


Pair = tuple[DayOf, DayOf]  # of rows that take time, and of instants: those stay where people see them


class Days:
    """How the times of one plan become days.

    `schedule`: every time of its rows. When all of them are midnight the file knows days only and nothing is snapped.
    """

    def __init__(self, schedule: Iterable[datetime], others: Iterable[datetime], placeholders: Iterable[date]) -> None:
        times = set(schedule)
        listed = frozenset(placeholders) | {END_OF_RANGES}
        self.nothing = _meaningless({one.date() for one in (*times, *others)}, listed)
        self.only_days = all(one.time() == time() for one in times if one.date() not in self.nothing)
        self.plain = DayOf(datetime.date)
        self._starts: dict[PlanCalendar, Pair] = {}
        self._finishes: dict[PlanCalendar, Pair] = {}

    def kept(self, moments: Sequence[datetime | None]) -> list[datetime | None]:
        """Return the times without placeholders."""
        if not self.nothing:
            return list(moments)
        return [None if one is not None and one.date() in self.nothing else one for one in moments]

    def finish(self, calendar: PlanCalendar) -> Pair:
        """Return how finishes become days."""
        return self._pair(calendar, calendar.finish_day, self._finishes)

    def start(self, calendar: PlanCalendar) -> Pair:
        """Return how starts become days."""
        return self._pair(calendar, calendar.start_day, self._starts)

    def _pair(self, calendar: PlanCalendar, day: Callable[[datetime], date], made: dict[PlanCalendar, Pair]) -> Pair:
        if calendar not in made:
            made[calendar] = (self.plain if self.only_days else DayOf(day)), self.plain
        return made[calendar]


def _meaningless(seen: set[date], listed: frozenset[date]) -> frozenset[date]:
    """Return the listed days among those seen that have no other day near them."""
    real = sorted(seen - listed)
    return frozenset(day for day in seen & listed if not _has_near(real, day))


def _has_near(real: list[date], day: date) -> bool:
    at = bisect_left(real, day)
    return any(abs(one - day) <= NEAR for one in real[max(at - 1, 0) : at + 1])
