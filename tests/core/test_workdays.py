"""Counting working days: the vectors W-01 to W-46 of spec measures 4.1, for values and for columns alike."""

from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from pmo_watch import workdays
from pmo_watch.calendars import build_calendars
from pmo_watch.settings_shape import CalendarSettings
from pmo_watch.workdays import Calendar

HERE = Path(__file__).parent
SPECS = {
    "BE": CalendarSettings(country="BE"),
    "bridge": CalendarSettings(country="BE", extra_days=(date(2026, 8, 14),)),
    "EU-2023": CalendarSettings(file=Path("calendars/eu-2023.ics")),
    "saturday": CalendarSettings(country="BE", removed_days=(date(2026, 10, 3), date(2026, 7, 21))),
}

COUNTS = [
    ("W-01", "BE", "2026-03-04", "2026-03-04", 0),
    ("W-02", "BE", "2026-10-02", "2026-10-05", 1),
    ("W-03", "BE", "2026-10-02", "2026-10-03", 0),
    ("W-04", "BE", "2026-10-03", "2026-10-05", 1),
    ("W-05", "BE", "2026-10-04", "2026-10-02", 0),
    ("W-06", "BE", "2026-09-30", "2026-09-25", -3),
    ("W-07", "BE", "2026-07-17", "2026-07-24", 4),
    ("W-08", "BE", "2026-07-20", "2026-07-22", 1),
    ("W-09", "BE", "2026-05-13", "2026-05-18", 2),
    ("W-10", "BE", "2026-05-22", "2026-05-26", 1),
    ("W-11", "BE", "2026-04-02", "2026-04-07", 2),
    ("W-12", "BE", "2026-04-30", "2026-05-04", 1),
    ("W-13", "BE", "2026-08-14", "2026-08-17", 1),
    ("W-14", "BE", "2026-10-30", "2026-11-02", 1),
    ("W-15", "BE", "2026-11-10", "2026-11-12", 1),
    ("W-16", "BE", "2026-12-24", "2026-12-28", 1),
    ("W-17", "BE", "2026-12-31", "2027-01-04", 1),
    ("W-18", "BE", "2027-01-04", "2026-12-31", -1),
    ("W-19", "BE", "2026-03-27", "2026-03-30", 1),
    ("W-20", "BE", "2028-02-28", "2028-03-01", 2),
    ("W-21", "BE", "2025-12-31", "2026-12-31", 253),
    ("W-22", "BE", "2026-08-13", "2026-08-18", 3),
    ("W-23", "bridge", "2026-08-13", "2026-08-18", 2),
    ("W-24", "BE", "2016-02-08", "2016-02-22", 10),
    ("W-30", "BE", "2023-04-03", "2023-04-14", 8),
    ("W-31", "BE", "2023-05-08", "2023-05-19", 8),
    ("W-32", "BE", "2023-10-31", "2023-11-03", 2),
    ("W-33", "BE", "2023-11-10", "2023-11-14", 2),
    ("W-34", "BE", "2023-12-22", "2023-12-29", 4),
    ("W-30-EU", "EU-2023", "2023-04-03", "2023-04-14", 6),
    ("W-31-EU", "EU-2023", "2023-05-08", "2023-05-19", 6),
    ("W-32-EU", "EU-2023", "2023-10-31", "2023-11-03", 1),
    ("W-33-EU", "EU-2023", "2023-11-10", "2023-11-14", 2),
    ("W-34-EU", "EU-2023", "2023-12-22", "2023-12-29", 0),
    # days(a, b), both ends included, is the count from the day before a
    ("W-45", "BE", "2026-03-08", "2026-03-20", 10),
    ("W-46", "BE", "2026-05-10", "2026-05-22", 9),
    ("worked-saturday", "saturday", "2026-10-02", "2026-10-05", 2),
    ("worked-saturday-back", "saturday", "2026-10-05", "2026-10-02", -2),
    ("worked-holiday", "saturday", "2026-07-20", "2026-07-22", 2),
    ("first-covered-day", "EU-2023", "2023-01-01", "2023-01-03", 1),
    ("before-the-file", "EU-2023", "2022-12-30", "2023-01-03", None),
    ("after-the-file", "EU-2023", "2023-12-29", "2024-01-02", None),
]
ADDS = [
    ("W-40", "BE", "2026-07-20", 1, "2026-07-22"),
    ("W-41", "BE", "2026-07-22", -1, "2026-07-20"),
    ("W-42", "BE", "2026-05-13", 1, "2026-05-15"),
    ("W-43", "BE", "2026-12-24", 2, "2026-12-29"),
    ("W-44", "BE", "2026-05-11", 10, "2026-05-27"),
    ("zero", "BE", "2026-10-04", 0, "2026-10-04"),
    ("from-a-sunday", "BE", "2026-10-04", 1, "2026-10-05"),
    ("back-from-a-sunday", "BE", "2026-10-04", -1, "2026-10-02"),
    ("onto-a-worked-saturday", "saturday", "2026-10-02", 1, "2026-10-03"),
    ("back-onto-it", "saturday", "2026-10-05", -1, "2026-10-03"),
    ("past-the-file", "EU-2023", "2023-12-21", 2, None),
    ("before-the-file", "EU-2023", "2023-01-03", -1, None),
]


@cache
def calendar(name: str) -> Calendar:
    return build_calendars({name: SPECS[name]}, HERE)[name]


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


@pytest.mark.parametrize(
    ("name", "start", "end", "expected"), [row[1:] for row in COUNTS], ids=[row[0] for row in COUNTS]
)
def test_count_of_two_dates(name: str, start: str, end: str, expected: int | None) -> None:
    assert calendar(name).count(date.fromisoformat(start), date.fromisoformat(end)) == expected


@pytest.mark.parametrize("name", SPECS)
def test_count_of_two_columns(name: str) -> None:
    rows = [row for row in COUNTS if row[1] == name]
    frame = pl.DataFrame({"a": [day(row[2]) for row in rows], "b": [day(row[3]) for row in rows]})

    counted = frame.select(n=workdays.count(pl.col("a"), pl.col("b"), calendar(name)))["n"].to_list()

    assert dict(zip([row[0] for row in rows], counted, strict=True)) == {row[0]: row[4] for row in rows}


@pytest.mark.parametrize(
    ("name", "start", "number", "expected"), [row[1:] for row in ADDS], ids=[row[0] for row in ADDS]
)
def test_add_to_a_date(name: str, start: str, number: int, expected: str | None) -> None:
    assert calendar(name).add(date.fromisoformat(start), number) == day(expected)


@pytest.mark.parametrize("name", sorted({row[1] for row in ADDS}))
def test_add_to_a_column(name: str) -> None:
    rows = [row for row in ADDS if row[1] == name]
    frame = pl.DataFrame({"a": [day(row[2]) for row in rows], "n": [row[3] for row in rows]})

    added = frame.select(d=workdays.add(pl.col("a"), pl.col("n"), calendar(name)))["d"].to_list()

    assert dict(zip([row[0] for row in rows], added, strict=True)) == {row[0]: day(row[4]) for row in rows}


def test_null_in_null_out() -> None:
    frame = pl.DataFrame(
        {"a": [None, date(2026, 3, 4)], "b": [date(2026, 3, 4), None]}, schema={"a": pl.Date, "b": pl.Date}
    )
    plain = calendar("BE")

    answer = frame.select(
        n=workdays.count(pl.col("a"), pl.col("b"), plain), d=workdays.add(pl.col("a"), pl.lit(None, pl.Int64), plain)
    )

    assert answer.to_dict(as_series=False) == {"n": [None, None], "d": [None, None]}


def test_each_row_in_its_own_calendar() -> None:
    calendars = {name: calendar(name) for name in ("BE", "EU-2023")}
    frame = pl.DataFrame(
        {
            "a": [date(2023, 4, 3)] * 4,
            "b": [date(2023, 4, 14)] * 4,
            "@calendar": ["EU-2023", "BE", None, "nowhere"],
        }
    )

    choose = workdays.each_in_its_own(calendars, "BE")
    counted = frame.select(n=choose(lambda one: workdays.count(pl.col("a"), pl.col("b"), one)))["n"].to_list()

    assert counted == [6, 8, 8, 8]


def test_each_row_is_added_to_in_its_own_calendar_and_never_beyond_it() -> None:
    calendars = {name: calendar(name) for name in ("BE", "EU-2023", "saturday")}
    rows = [(row[1], day(row[2]), row[3], day(row[4])) for row in ADDS if row[1] in calendars]
    frame = pl.DataFrame(rows, schema=["@calendar", "a", "n", "expected"], orient="row")

    choose = workdays.each_in_its_own(calendars, "BE")
    added = frame.select(d=choose(lambda one: workdays.add(pl.col("a"), pl.col("n"), one)))["d"]

    assert added.to_list() == frame["expected"].to_list()


def test_an_expression_of_another_one_does_not_grow_with_the_number_of_calendars() -> None:
    def written(*names: str) -> str:
        choose = workdays.each_in_its_own({name: calendar(name) for name in names}, "BE")
        later = choose(lambda one: workdays.add(pl.col("a"), pl.lit(10), one))
        counted = choose(lambda one: workdays.count(pl.col("b"), later, one))
        tree = counted.meta.tree_format(return_as_string=True)
        assert tree is not None
        return tree

    assert written("BE", "EU-2023", "saturday", "bridge").count("\n") == written("BE", "EU-2023").count("\n")
