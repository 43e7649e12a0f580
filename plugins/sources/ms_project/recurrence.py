"""Recurring exceptions of a calendar: every third Monday, 1 May of each year (Project XML schema, Exception)."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from lxml import etree

from .elements import child, texts_of
from .values import moment, whole

LAST_OF_MONTH = 4
ITEM_DAY, ITEM_WEEKDAY, ITEM_WEEKEND, ITEM_SUNDAY = 0, 1, 2, 3
ONE_DAY = timedelta(days=1)
LONGEST_DAYS = 3660  # ten years of single days are spelt out, no more


class Every(IntEnum):
    """How an exception comes back; other types mean every day of the period."""

    DAY = 1
    YEAR_DATE = 2
    YEAR_POSITION = 3
    MONTH_DATE = 4
    MONTH_POSITION = 5
    WEEK = 6


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The days from `first` to `last` that a pattern picks."""

    first: date
    last: date
    every: int = Every.DAY
    period: int = 1
    weekdays: int = 0  # bits, 1 is Sunday
    month: int = 0  # January is 0
    month_day: int = 1
    item: int = 0
    position: int = 0

    def covers(self, day: date) -> bool:
        """Say whether the day is one of them."""
        if not self.first <= day <= self.last:
            return False
        months = (day.year - self.first.year) * 12 + day.month - self.first.month
        in_month = months % self.period == 0
        in_year = day.month == self.month + 1
        if self.every == Every.YEAR_DATE:
            return in_year and day.day == self.month_day
        if self.every == Every.YEAR_POSITION:
            return in_year and self._is_in_position(day)
        if self.every == Every.MONTH_DATE:
            return in_month and day.day == self.month_day
        if self.every == Every.MONTH_POSITION:
            return in_month and self._is_in_position(day)
        if self.every == Every.WEEK:
            return self._is_in_week(day)
        return self.every != Every.DAY or (day - self.first).days % self.period == 0

    def _is_in_week(self, day: date) -> bool:
        week = ((day - self.first).days + self.first.isoweekday() % 7) // 7  # weeks begin on Sunday
        return week % self.period == 0 and bool(self.weekdays >> day.isoweekday() % 7 & 1)

    def _is_in_position(self, day: date) -> bool:
        month = [day.replace(day=number + 1) for number in range(monthrange(day.year, day.month)[1])]
        fitting = [one for one in month if self._is_item(one)]
        if self.position >= LAST_OF_MONTH:
            return bool(fitting) and fitting[-1] == day
        return 0 <= self.position < len(fitting) and fitting[self.position] == day

    def _is_item(self, day: date) -> bool:
        if self.item == ITEM_DAY:
            return True
        if self.item in {ITEM_WEEKDAY, ITEM_WEEKEND}:
            return (day.isoweekday() > 5) == (self.item == ITEM_WEEKEND)
        return day.isoweekday() % 7 == self.item - ITEM_SUNDAY

    def stretches(self) -> Iterator[tuple[date, date]]:
        """Yield the days as unbroken stretches, first and last day of each."""
        if self.every == Every.DAY and self.period == 1:
            yield self.first, self.last
            return
        begun: date | None = None
        for number in range(min((self.last - self.first).days + 1, LONGEST_DAYS)):
            day = self.first + number * ONE_DAY
            if not self.covers(day):
                continue
            begun = begun or day
            if day == self.last or not self.covers(day + ONE_DAY):
                yield begun, day
                begun = None


def read_recurrence(element: etree._Element) -> Recurrence:
    """Read the period and pattern of an `Exception`, `WeekDay` or `WorkWeek`.

    Raises:
        ValueError: no period, or a number that is none.
    """
    period = child(element, "TimePeriod")
    if period is None:
        raise ValueError("TimePeriod is missing")
    dates, texts = texts_of(period), texts_of(element)
    first = moment(dates.get("FromDate", "")).date()
    last = moment(dates.get("ToDate", "")).date()
    return Recurrence(
        first,
        last,
        whole(texts.get("Type", "1")),
        max(whole(texts.get("Period", "1")), 1),
        whole(texts.get("DaysOfWeek", "0")),
        whole(texts.get("Month", str(first.month - 1))),
        whole(texts.get("MonthDay", str(first.day))),
        whole(texts.get("MonthItem", "0")),
        whole(texts.get("MonthPosition", "0")),
    )
