"""The plan's own calendars: exceptions that come back, and working time."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pmo_watch_plugins.sources.ms_project.calendars import (
    DEFAULT_BOUNDS,
    CalendarEntry,
    Exceptional,
    PlanCalendar,
    PlanCalendars,
    read_calendar,
)
from pmo_watch_plugins.sources.ms_project.recurrence import Every, Recurrence

YEAR = (date(2026, 1, 1), date(2026, 12, 31))
PLAIN = PlanCalendar(CalendarEntry("1", "Standard", "-1"), None, DEFAULT_BOUNDS)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (Recurrence(date(2026, 3, 2), date(2026, 3, 8), Every.DAY, period=3), ["03-02", "03-05", "03-08"]),
        (Recurrence(*YEAR, Every.YEAR_DATE, month=4, month_day=1), ["05-01"]),
        (Recurrence(*YEAR, Every.YEAR_POSITION, month=4, item=4, position=4), ["05-25"]),
        (Recurrence(*YEAR, Every.YEAR_POSITION, month=4, item=4, position=0), ["05-04"]),
        (Recurrence(*YEAR, Every.YEAR_POSITION, month=4, item=1, position=0), ["05-01"]),
        (Recurrence(*YEAR, Every.YEAR_POSITION, month=4, item=2, position=1), ["05-03"]),
        (Recurrence(*YEAR, Every.YEAR_POSITION, month=1, item=0, position=4), ["02-28"]),
        (Recurrence(*YEAR, Every.MONTH_DATE, period=6, month_day=31), ["01-31", "07-31"]),
        (Recurrence(*YEAR, Every.MONTH_POSITION, period=6, item=3, position=3), ["01-25", "07-26"]),
        (Recurrence(*YEAR, Every.MONTH_POSITION, item=3, position=-65535), []),
        (Recurrence(date(2026, 3, 4), date(2026, 3, 31), Every.WEEK, 2, weekdays=0b0000010), ["03-16", "03-30"]),
        (Recurrence(date(2026, 3, 4), date(2026, 3, 8), 7), ["03-04", "03-05", "03-06", "03-07", "03-08"]),
    ],
    ids=[
        "each third day",
        "a date",
        "last Monday",
        "first Monday",
        "first weekday",
        "second weekend day",
        "last day",
        "day of month",
        "fourth Sunday",
        "no such place in a month",
        "every other Monday",
        "other types",
    ],
)
def test_exceptions_come_back(recurrence: Recurrence, expected: list[str]) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]

    assert [f"{day:%m-%d}" for day in days if recurrence.covers(day)] == expected


def test_days_off_are_told_as_stretches() -> None:
    weekly = Recurrence(date(2026, 3, 2), date(2026, 3, 13), Every.WEEK, weekdays=0b0110000)  # Thursday and Friday

    assert list(weekly.stretches()) == [(date(2026, 3, 5), date(2026, 3, 6)), (date(2026, 3, 12), date(2026, 3, 13))]


def test_a_calendar_that_is_its_own_base_has_none() -> None:
    entries = {uid: CalendarEntry(uid, uid, base) for uid, base in (("1", "2"), ("2", "1"))}

    assert PlanCalendars(entries, "1", DEFAULT_BOUNDS).project.spans(date(2026, 3, 2)) == ((480, 720), (780, 1020))


def test_a_calendar_without_working_days_ends_every_search() -> None:
    closed = PlanCalendar(CalendarEntry("1", "", "-1", dict.fromkeys(range(7), ())), None, DEFAULT_BOUNDS)

    assert closed.add(at("2026-03-02T08:00:00"), 60) is None
    assert closed.finish_day(at("2026-03-02T08:00:00")) == date(2026, 3, 2)


def test_a_worked_day_without_hours_has_the_usual_ones() -> None:
    saturday = Exceptional(Recurrence(date(2026, 3, 7), date(2026, 3, 7)), None)
    calendar = PlanCalendar(CalendarEntry("1", "", "-1", exceptions=(saturday,)), None, (540, 900))

    assert calendar.spans(date(2026, 3, 7)) == ((540, 900),)


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-03-02T08:00:00", 480, "2026-03-02T17:00:00"),
        ("2026-03-02T11:00:00", 120, "2026-03-02T14:00:00"),
        ("2026-03-06T16:00:00", 90, "2026-03-09T08:30:00"),
        ("2026-03-07T10:00:00", 60, "2026-03-09T09:00:00"),
        ("2026-03-02T08:00:00", 0, "2026-03-02T08:00:00"),
        ("2026-03-02T20:00:00", 480, "2026-03-03T17:00:00"),
    ],
)
def test_working_time_is_added(start: str, minutes: int, expected: str) -> None:
    assert PLAIN.add(at(start), minutes) == at(expected)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(1, 20_000))  # noqa: DTZ001
def test_what_was_added_lies_between(start: datetime, minutes: int) -> None:
    whole = start.replace(second=0, microsecond=0)
    finish = PLAIN.add(whole, minutes)

    assert finish is not None
    assert PLAIN.minutes_between(whole, finish) == minutes


@pytest.mark.parametrize(
    "content",
    [
        "<TimePeriod><FromDate>2026-01-01T00:00:00</FromDate></TimePeriod>",
        "<DayWorking>0</DayWorking>",
        "<Type>x</Type>",
    ],
)
def test_an_exception_without_period_is_a_fault(content: str) -> None:
    calendar = etree.fromstring(
        f"<Calendar><UID>1</UID><Exceptions><Exception>{content}</Exception></Exceptions></Calendar>"
    )

    with pytest.raises(ValueError, match=r".*"):
        read_calendar(calendar)
