"""The days behind a number of working days are those that were counted, and the others are named."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_watch.counted_days import Named, behind, days_between, shown
from pmo_watch.workdays import Calendar

BE = Calendar(
    "be",
    closed=frozenset({date(2026, 5, 1), date(2026, 5, 14), date(2026, 5, 15), date(2026, 7, 5)}),
    opened=frozenset({date(2026, 5, 16)}),
    names={date(2026, 5, 14): "Ascension Day", date(2026, 7, 5): "Feast of the town"},
)
DAYS = st.dates(date(2026, 1, 1), date(2027, 1, 1))
CALENDARS = st.builds(
    lambda week, closed, opened: Calendar("any", tuple(week), frozenset(closed), frozenset(opened)),
    st.lists(st.booleans(), min_size=7, max_size=7),
    st.sets(DAYS, max_size=30),
    st.sets(DAYS, max_size=5),
)


@given(DAYS, DAYS, CALENDARS)
def test_days_that_are_listed_are_those_that_are_counted(one: date, other: date, calendar: Calendar) -> None:
    found = days_between(one, other, calendar)

    assert found is not None
    assert found.number == calendar.count(one, other)
    assert len(found.counted) == abs(found.number)
    between = {min(one, other) + timedelta(days=past) for past in range(1, abs((other - one).days) + 1)}
    assert {*found.counted, *(left.day for left in found.left_out)} == between


def test_what_is_left_out_has_its_name() -> None:
    found = days_between(date(2026, 5, 12), date(2026, 5, 19), BE)

    assert found is not None
    assert found.left_out == (
        Named(date(2026, 5, 14), "Ascension Day"),
        Named(date(2026, 5, 15), "day off"),
        Named(date(2026, 5, 17), "Sunday"),
    )
    assert found.brought_in == (Named(date(2026, 5, 16), "Saturday, worked all the same"),)
    assert shown(found.left_out) == "1 day of week-ends, 2026-05-14 Ascension Day, 2026-05-15 day off"


def test_holiday_on_a_weekend_keeps_its_name() -> None:
    found = days_between(date(2026, 7, 3), date(2026, 7, 6), BE)

    assert found is not None
    assert [one.why for one in found.left_out] == ["Saturday", "Feast of the town"]


def test_calendar_that_does_not_cover_the_days_lists_none() -> None:
    ends = Calendar("short", last=date(2026, 6, 30))

    assert days_between(date(2026, 6, 1), date(2026, 7, 1), ends) is None
    assert days_between(date(1990, 1, 1), date(2026, 7, 1), BE) is None


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        (4, ("baseline_finish", "forecast_finish")),
        (-4, ("forecast_finish", "baseline_finish")),
        (6, ("forecast_finish", "as_of")),
        (99, None),
        (2.5, None),
        (None, None),
    ],
)
def test_value_is_the_days_between_two_that_the_measure_names(
    value: float | None, pair: tuple[str, str] | None
) -> None:
    days = {
        "baseline_finish": date(2026, 6, 1),
        "forecast_finish": date(2026, 6, 5),
        "as_of": date(2026, 6, 15),
    }

    found = behind(value, days, BE)

    assert (found and (found.counts_from, found.counts_to)) == pair
