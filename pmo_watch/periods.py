"""ISO periods as text: 2026-07-31, 2026-W30, 2026-07, 2026-Q3; their days, and which come before which."""

import calendar
import re
from datetime import date, timedelta
from typing import Literal

Every = Literal["day", "week", "month", "quarter"]

FORMS: dict[Every, re.Pattern[str]] = {
    "day": re.compile(r"(\d{4})-(\d{2})-(\d{2})"),
    "week": re.compile(r"(\d{4})-W(\d{2})"),
    "month": re.compile(r"(\d{4})-(\d{2})"),
    "quarter": re.compile(r"(\d{4})-Q([1-4])"),
}


def period_of(day: date, every: Every) -> str:
    """Return the period that the day lies in."""
    if every == "day":
        return day.isoformat()
    if every == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    if every == "month":
        return f"{day.year}-{day.month:02}"
    return f"{day.year}-Q{(day.month + 2) // 3}"


def length_of(period: str) -> Every | None:
    """Return how long the period is by its form; None for a text that is no period."""
    return next((every for every, form in FORMS.items() if form.fullmatch(period)), None)


def bounds(period: str) -> tuple[date, date]:
    """Return the first and the last day of the period.

    Raises:
        ValueError: the text is no period, or names one that does not exist.
    """
    every = length_of(period)
    if every is None:
        raise ValueError(f"'{period}' is no period such as 2026-W30, 2026-07, 2026-Q3 or 2026-07-31")
    numbers = [int(part) for part in re.findall(r"\d+", period)]
    if every == "day":
        day = date(*numbers)
        return day, day
    if every == "week":
        monday = date.fromisocalendar(numbers[0], numbers[1], 1)
        return monday, monday + timedelta(days=6)
    first_month, last_month = (numbers[1], numbers[1]) if every == "month" else (3 * numbers[1] - 2, 3 * numbers[1])
    days = calendar.monthrange(numbers[0], last_month)[1]
    return date(numbers[0], first_month, 1), date(numbers[0], last_month, days)


def latest(every: Every, day: date, number: int) -> list[str]:
    """Return the period of the day and those before it, `number` in all, oldest first."""
    found: list[str] = []
    while len(found) < number:
        period = period_of(day, every)
        found.append(period)
        day = bounds(period)[0] - timedelta(days=1)
    return found[::-1]
