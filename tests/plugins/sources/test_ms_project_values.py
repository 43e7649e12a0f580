"""Values of Project XML: the conversion vectors C-01 to C-18, units, placeholders and the status date."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import plan, read, read_one, task, write
from pmo_watch_plugins.sources.ms_project.values import (
    clock_minutes,
    fine,
    flag,
    hours_of,
    minutes_of,
    moment,
    money_of,
    share,
    tenths,
    whole,
)

from pmo_watch.workdays import Calendar

MONDAY = date(2026, 3, 2)


def only(folder: Path, **elements: Any) -> dict[str, Any]:
    """Return the row of a task with these elements in a plan of 2026."""
    return read_one(folder, plan(task(1, **elements), task(2))).row("task", "plan/1")


def link(folder: Path, **elements: Any) -> dict[str, Any]:
    """Return the link of a plan with one."""
    linked = task(2, PredecessorLink={"PredecessorUID": 1, **elements})
    return read_one(folder, plan(task(1), linked)).row("dependency")


def span(start: str, finish: str) -> dict[str, Any]:
    return {"Start": f"{start}:00", "Finish": f"{finish}:00"}


# --- the vectors of the model, section 5 --------------------------------------------------------------------------


def test_c01_cost_is_in_hundredths(tmp_path: Path) -> None:
    assert only(tmp_path, Cost=120000)["cost"] == Decimal("1200.00")


def test_c02_cost_is_exact(tmp_path: Path) -> None:
    cost = only(tmp_path, ActualCost="29908.45")["actual_cost"]

    assert cost == Decimal("299.0845")
    assert f"{cost:.2f}" == "299.08"


def test_c03_slack_is_in_tenths_of_a_minute(tmp_path: Path) -> None:
    slack = only(tmp_path, TotalSlack=48000)["total_slack"]

    assert (slack, slack / 480) == (4800, 10)


def test_c04_lag_is_in_tenths_of_a_minute(tmp_path: Path) -> None:
    found = link(tmp_path, LinkLag=9600, LagFormat=7)

    assert (found["lag"], found["lag"] / 480, found["lag_elapsed"]) == (960, 2, False)


def test_c05_lead_in_clock_time(tmp_path: Path) -> None:
    found = link(tmp_path, LinkLag=-4800, LagFormat=8)

    assert (found["lag"], found["lag_elapsed"]) == (-480, True)


def test_c06_lag_in_percent(tmp_path: Path) -> None:
    found = link(tmp_path, LinkLag=25, LagFormat=19)

    assert (found["lag"], found["lag_percent"]) == (None, Decimal(25))


def test_c07_duration_is_working_time(tmp_path: Path) -> None:
    duration = only(tmp_path, Duration="PT288H0M0S")["duration"]

    assert (duration, duration / 480) == (17280, 36)


def test_c08_a_finish_at_the_start_of_a_day_is_of_the_day_before(tmp_path: Path) -> None:
    found = only(tmp_path, **span("2016-02-15T08:00", "2016-02-23T08:00"), Duration="PT48H0M0S")

    assert found["forecast_finish"] == date(2016, 2, 22)


def test_c09_early_and_late_finish_are_as_far_apart_as_the_slack(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        **span("2016-02-01T08:00", "2016-02-08T17:00"),
        EarlyFinish="2016-02-08T17:00:00",
        LateFinish="2016-02-23T08:00:00",
        TotalSlack=48000,
    )

    assert Calendar("plain").count(found["early_finish"], found["late_finish"]) == 10 == found["total_slack"] / 480


def test_c10_a_milestone_stays_where_people_see_it(tmp_path: Path) -> None:
    at = span("2026-03-02T08:00", "2026-03-02T08:00")

    assert only(tmp_path, **at, Duration="PT0H0M0S", Milestone=1)["forecast_finish"] == date(2026, 3, 2)


def test_c11_a_start_at_the_end_of_a_day_is_of_the_next(tmp_path: Path) -> None:
    assert only(tmp_path, **span("2026-03-06T17:00", "2026-03-09T17:00"))["forecast_start"] == date(2026, 3, 9)


def test_c12_a_file_without_clock_times_is_taken_as_it_stands(tmp_path: Path) -> None:
    days = task(1, **span("2026-03-02T00:00", "2026-03-06T00:00"), Duration="PT40H0M0S")

    assert read_one(tmp_path, plan(days)).row("task")["forecast_finish"] == date(2026, 3, 6)


def test_c13_midnight_in_another_file_is_the_day_before(tmp_path: Path) -> None:
    found = only(tmp_path, **span("2026-03-02T08:00", "2026-03-06T00:00"), Duration="PT32H0M0S")

    assert found["forecast_finish"] == date(2026, 3, 5)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("previous_day", date(2015, 2, 23)), ("same_day", date(2015, 2, 24))],
    ids=["C-14", "switched off"],
)
def test_c14_a_status_date_at_midnight(tmp_path: Path, setting: str, expected: date) -> None:
    content = plan(task(1, **span("2015-02-02T08:00", "2015-02-20T17:00")), StatusDate="2015-02-24T00:00:00")

    answer = read_one(tmp_path, content, status_date_midnight=setting)

    assert answer.row("project")["status_date"] == expected
    assert not answer.summary.status_date_assumed


def test_c15_units(tmp_path: Path) -> None:
    assigned = {"Assignment": {"UID": 1, "TaskUID": 1, "ResourceUID": -65535, "Units": "0.5"}}

    assert read_one(tmp_path, plan(task(1), Assignments=assigned)).row("assignment")["units"] == Decimal(50)


def test_c16_c18_placeholders_are_no_dates(tmp_path: Path) -> None:
    baseline = {"Number": 0, "Start": "1969-12-31T21:00:00", "Finish": "1984-01-01T00:00:00"}

    found = only(tmp_path, Baseline=baseline, Deadline="2049-12-31T23:59:00")

    assert (found["baseline_start"], found["baseline_finish"], found["deadline"]) == (None, None, None)


def test_c17_a_placeholder_among_dates_of_its_time_is_a_date(tmp_path: Path) -> None:
    old = task(1, **span("2000-01-01T08:00", "2000-01-14T17:00"), Duration="PT80H0M0S")

    assert read_one(tmp_path, plan(old)).row("task")["forecast_start"] == date(2000, 1, 1)


# --- value types, spec sources 4.2 --------------------------------------------------------------------------------


def day_minutes(text: str) -> object:
    return minutes_of(text, 420)


@pytest.mark.parametrize(
    ("read_as", "text", "expected"),
    [
        (moment, "2026-01-05T08:00:00", datetime(2026, 1, 5, 8)),  # noqa: DTZ001  the plan's local time
        (moment, "2026-01-05", datetime(2026, 1, 5)),  # noqa: DTZ001
        (moment, "2026-12-31T24:00:00", datetime(2027, 1, 1)),  # noqa: DTZ001
        (moment, "2026-01-05T08:00:00.000+02:00", datetime(2026, 1, 5, 8)),  # noqa: DTZ001
        (moment, "2026-01-05T08:00Z", datetime(2026, 1, 5, 8)),  # noqa: DTZ001
        (day_minutes, "PT40H0M0S", 2400),
        (day_minutes, "PT9H9M9.9S", 549),
        (day_minutes, "PT0H0M30S", 0),
        (day_minutes, "PT0H1M30S", 2),
        (day_minutes, "PT-8H0M0S", -480),
        (day_minutes, "-PT8H", -480),
        (day_minutes, "P5D", 2100),
        (day_minutes, "P1DT2H", 540),
        (day_minutes, "0", 0),
        (flag, "TRUE", True),
        (flag, "0", False),
        (fine, "66.67", 66_670_000),
        (fine, "1e1", 10_000_000),
        (share, "1", 100_000_000),
        (tenths, "-5", 0),
        (tenths, "15", 2),
        (whole, "3.0", 3),
        (clock_minutes, "24:00:00", 1440),
        (lambda text: money_of(text, Decimal(1)), "2000.00005", 20_000_000),
        (lambda text: money_of(text, Decimal(100)), "-1", -100),
        (lambda text: hours_of(text, 480), "PT1H20M0S", 1_333_333),
    ],
)
def test_values(read_as: Callable[[str], object], text: str, expected: object) -> None:
    assert read_as(text) == expected


@pytest.mark.parametrize(
    ("read_as", "text"),
    [
        (moment, "NA"),
        (moment, "2026-13-01T08:00:00"),
        (moment, "05/01/2026"),
        (moment, "2026-01-05T25:00:00"),
        (day_minutes, "P1M"),
        (day_minutes, "PT"),
        (day_minutes, "8"),
        (flag, "yes"),
        (fine, "1,5"),
        (fine, "1_000"),
        (fine, "NaN"),
        (fine, "1e30"),
        (whole, "3.5"),
        (clock_minutes, "8:00"),
        (clock_minutes, "08:61:00"),
    ],
)
def test_values_that_are_none(read_as: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_as(text)


@given(st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)))  # noqa: DTZ001
def test_every_time_is_read_as_written(written: datetime) -> None:
    plain = written.replace(microsecond=0)

    assert moment(plain.isoformat()) == plain


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_loses_nothing(amount: Decimal) -> None:
    assert Decimal(money_of(str(amount * 100), Decimal(100))) / 10_000 == amount


def test_the_empty_element_is_unknown(tmp_path: Path) -> None:
    found = only(tmp_path, Deadline="", Cost="", Critical="", Contact=" ", HyperlinkAddress="  x ")

    assert (found["deadline"], found["cost"], found["critical"], found["owner"]) == (None, None, None, None)
    assert found["url"] == "x"


def test_names_are_composed(tmp_path: Path) -> None:
    assert only(tmp_path, name="Pre\u0301parer ")["name"] == "Pr\u00e9parer"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, 1), (199, 1), (200, 2), (399, 2), (400, 3), (500, 3), (600, 3), (601, 4), (800, 4), (801, 5), (1000, 5)],
)
def test_priority_in_five_steps(tmp_path: Path, number: int, expected: int) -> None:
    assert only(tmp_path, Priority=number)["priority"] == expected


@pytest.mark.parametrize("number", [-1, 1001])
def test_a_priority_out_of_range_is_unknown(tmp_path: Path, number: int) -> None:
    assert only(tmp_path, Priority=number)["priority"] is None


def test_text_in_place_of_a_finish_is_kept_as_text(tmp_path: Path) -> None:
    found = only(tmp_path, Manual=1, FinishText="after the summer")

    assert (found["forecast_finish"], found["finish_text"]) == (None, "after the summer")


def test_own_placeholders(tmp_path: Path) -> None:
    content = plan(task(1, Deadline="2001-01-01T08:00:00"), task(2, Deadline="1984-01-01T08:00:00"))

    found = read_one(tmp_path, content, placeholder_dates=["2001-01-01"]).frame("task")["deadline"].to_list()

    assert found == [None, date(1984, 1, 1)]


# --- the status date ----------------------------------------------------------------------------------------------

HEADER = {"StatusDate": "", "CurrentDate": "2026-03-05T09:00:00", "LastSaved": "2026-03-06T18:00:00"}


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (["StatusDate", "today"], None),
        (["StatusDate", "CurrentDate"], date(2026, 3, 5)),
        (["LastSaved"], date(2026, 3, 6)),
        (["StatusDate", "file_time"], date(2026, 3, 9)),
        (["today", "CurrentDate"], None),
    ],
    ids=str,
)
def test_the_status_date_comes_from_the_first_that_is_there(
    tmp_path: Path, wishes: list[str], expected: date | None
) -> None:
    answer = read_one(tmp_path, plan(task(1), **HEADER), status_date=wishes)

    assert answer.row("project")["status_date"] == expected
    assert answer.summary.status_date_assumed == (expected is None)


def test_one_plan_without_status_date_makes_it_assumed(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", plan(task(1), StatusDate="2026-03-06T17:00:00"))
    write(tmp_path / "b.xml", plan(task(1)))

    assert read(tmp_path).summary.status_date_assumed


def test_without_last_saved_the_file_says_when_it_changed(tmp_path: Path) -> None:
    assert read_one(tmp_path, plan(task(1))).row("project")["updated_at"] == datetime(2026, 3, 9, 16, 30, tzinfo=UTC)


def test_a_summary_without_dates_takes_those_of_the_rows_that_count(tmp_path: Path) -> None:
    inside = [
        task(2, OutlineLevel=2, **span("2026-03-03T08:00", "2026-03-04T17:00")),
        task(3, OutlineLevel=2, Active=0, **span("2026-01-01T08:00", "2026-12-31T17:00")),
    ]
    above = task(1, Start=None, Finish=None, Duration=None)

    found = read_one(tmp_path, plan(above, *inside)).row("task", "plan/1")

    assert (found["forecast_start"], found["forecast_finish"]) == (date(2026, 3, 3), date(2026, 3, 4))
