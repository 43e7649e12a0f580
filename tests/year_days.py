"""Working days of the year that is replayed: those of the ICT unit, whose office is shut at the end of the year."""

from bisect import bisect_left, bisect_right
from datetime import date, timedelta

import holidays

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
RECESS = (date(2024, 12, 27), date(2024, 12, 30), date(2024, 12, 31))
BEGAN, ENDS = date(2023, 6, 1), date(2026, 6, 30)  # what is planned reaches beyond the year


def _working() -> list[date]:
    free = {*holidays.country_holidays("BE", years=range(BEGAN.year, ENDS.year + 1)), *RECESS}
    every = (BEGAN + timedelta(days=past) for past in range((ENDS - BEGAN).days + 1))
    return [day for day in every if day.weekday() < 5 and day not in free]


WORKING = _working()
_NEW_YEAR = bisect_left(WORKING, FIRST)


def nth(number: int) -> date:
    """Return a working day by its number; 0 is the first one of the year."""
    return WORKING[_NEW_YEAR + number]


def number_of(day: date) -> int:
    """Return the number of the last working day up to this one."""
    return bisect_right(WORKING, day) - 1 - _NEW_YEAR


def after(day: date, number: int) -> date:
    """Return the working day so many after the day, or before it where the number is negative."""
    if number >= 0:
        return WORKING[bisect_right(WORKING, day) - 1 + number]
    return WORKING[bisect_left(WORKING, day) + number]


def works(day: date) -> bool:
    """Say whether the unit works on the day."""
    return WORKING[bisect_left(WORKING, day)] == day
