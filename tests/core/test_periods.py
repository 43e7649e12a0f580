"""ISO periods: bounds, the period of a day, and what comes before."""

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_watch.periods import Every, bounds, latest, length_of, period_of

EVERY: tuple[Every, ...] = ("day", "week", "month", "quarter")


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2026-07-31", date(2026, 7, 31), date(2026, 7, 31)),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-Q3", date(2026, 7, 1), date(2026, 9, 30)),
    ],
)
def test_bounds(period: str, first: date, last: date) -> None:
    assert bounds(period) == (first, last)


@pytest.mark.parametrize("text", ["2026-W54", "2025-W53", "2026-13", "2026-Q5", "week 3", "", "2026-02-30"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the date library words some of these itself
        bounds(text)


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.sampled_from(EVERY))
def test_a_day_lies_in_its_period(day: date, every: Every) -> None:
    period = period_of(day, every)
    first, last = bounds(period)

    assert first <= day <= last
    assert length_of(period) == every
    assert period_of(first, every) == period_of(last, every) == period


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)), st.sampled_from(EVERY), st.integers(1, 12))
def test_latest_periods_follow_each_other_without_gap(day: date, every: Every, number: int) -> None:
    found = latest(every, day, number)

    assert len(found) == number
    assert found[-1] == period_of(day, every)
    for before, after in itertools.pairwise(found):
        assert (bounds(after)[0] - bounds(before)[1]).days == 1
