"""What a measure answers for a row, in the order of spec measures 1.2: na, grey, red without a value, a value."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from made_measures import BANDS, BREACH, MAY_13, NA, POINTS, measure, points
from snapshots import BE, catalogue, finding, found, snapshot, states

from pmo_watch.contracts import Columns, Measure, NoParams, View
from pmo_watch.rules import Unit
from pmo_watch.workdays import Calendar


def test_value_is_rounded_to_six_decimals_before_it_meets_a_threshold() -> None:
    nearly = measure("task.nearly", pl.lit(10.0000004))

    one = finding(catalogue(nearly), points(1), {"measure": "task.nearly", "amber": "over 10"})

    assert (one["value"], one["state"]) == (10, "green")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_is_grey(value: float | None) -> None:
    odd = measure("task.odd", pl.lit(value, pl.Float64))

    one = finding(catalogue(odd), points(1), {"measure": "task.odd", "amber": "over 1"})

    assert (one["state"], one["reason"], one["value"]) == ("grey", "missing value", None)


@pytest.mark.parametrize(
    ("project", "reason"),
    [
        ({"state": "closed"}, "closed"),
        ({"state": "cancelled"}, "closed"),
        ({"state": "proposed"}, "closed"),
        ({"state": "on_hold"}, "on hold"),
        ({"actual_finish": MAY_13}, "finished"),
    ],
)
def test_nobody_asks_about_a_project_that_is_not_running(project: Mapping[str, Any], reason: str) -> None:
    plan = measure(finished_is_na=True)
    known = snapshot(project=[project], task=[{"story_points": Decimal(21)}])

    one = finding(catalogue(plan), known, BANDS)

    assert (one["state"], one["reason"], one["value"]) == ("na", reason, 21)


def test_only_some_measures_end_with_the_project_or_rest_while_it_is_on_hold() -> None:
    register, waiting = measure(), measure("task.waiting", on_hold_is_na=False, value=pl.col("story_points"))
    finished = snapshot(project=[{"actual_finish": MAY_13}], task=[{"story_points": Decimal(21)}])
    held = snapshot(project=[{"state": "on_hold"}], task=[{"story_points": Decimal(21)}])

    assert finding(catalogue(register), finished, BANDS)["state"] == "red"
    assert finding(catalogue(waiting), held, {"measure": "task.waiting", "red": "over 20"})["state"] == "red"


def test_a_project_whose_state_nobody_knows_is_evaluated() -> None:
    assert finding(catalogue(POINTS), points(21), BANDS)["state"] == "red"


def test_a_vanished_row_is_not_asked_about() -> None:
    level = measure("risk.impact_now", pl.col("impact"), Unit.STEPS)
    known = snapshot(risk=[{"title": "A risk", "impact": 5, "vanished_on": MAY_13}])

    one = finding(catalogue(level), known, {"measure": "risk.impact_now", "red": "at least 5"})

    assert (one["state"], one["reason"]) == ("na", "vanished")


UNKNOWN = pl.when(pl.col("name") == "odd").then(pl.lit("invalid task.story_points: odd"))


@pytest.mark.parametrize(
    ("name", "value", "state", "reason"),
    [
        ("na", None, "na", "not configured"),
        ("na", 21, "na", "not configured"),
        ("odd", 21, "grey", "invalid task.story_points: odd"),
        ("spent", None, "red", "budget exhausted"),
        ("plain", None, "grey", "missing task.story_points"),
        ("plain", 21, "red", None),
    ],
)
def test_a_measure_answers_in_four_ways(name: str, value: float | None, state: str, reason: str | None) -> None:
    four = measure(parts={"not_applicable": NA, "unknown": UNKNOWN, "breach": BREACH})

    one = finding(catalogue(four), points(value, name=name), BANDS)

    assert (one["state"], one["reason"]) == (state, reason)
    assert one["value"] == (value if state in {"na", "red"} and name != "spent" else None)
    assert (one["threshold"] is not None) == (name == "plain" and state == "red")


@pytest.mark.parametrize(
    ("top", "bottom", "state", "reason"),
    [
        (0, 0, "na", "nothing due yet"),
        (None, 0, "na", "nothing due yet"),
        (3, 0, "grey", "invalid task.work: 0"),
        (3, None, "grey", "missing task.work"),
        (3, 4, "amber", None),
    ],
)
def test_what_is_divided_by_decides_too(top: int | None, bottom: int | None, state: str, reason: str | None) -> None:
    over, under = pl.lit(top, pl.Int64), pl.col("work")
    share = measure(
        "task.share",
        Columns.ratio(over, under),
        Unit.RATIO,
        needs=("work",),
        parts={"numerator": over, "denominator": under},
    )
    known = snapshot(task=[{"work": None if bottom is None else Decimal(bottom)}])

    one = finding(catalogue(share), known, {"measure": "task.share", "amber": "over 0.5"})

    assert (one["state"], one["reason"]) == (state, reason)


def test_first_missing_need_is_named_and_one_elsewhere_where_nothing_here_is_missing() -> None:
    two = measure("task.two", pl.lit(None, pl.Float64), needs=("work", "project.budget", "cost_entry.amount"))
    rule = {"measure": "task.two", "amber": "over 1"}
    rows: list[dict[str, Any]] = [{}, {"work": Decimal(1)}, {"work": Decimal(1), "project": "project:p2"}]
    known = snapshot(project=[{"code": "P1"}, {"code": "P2", "budget": Decimal(1)}], task=rows)

    (one,) = found(catalogue(two), known, rule)

    assert one.frame["reason"].to_list() == ["missing task.work", "missing project.budget", "missing cost_entry.amount"]


def test_a_calendar_that_ends_is_blamed_where_nothing_is_missing() -> None:
    def left(_: NoParams, view: View) -> Columns:
        return Columns(view.working_days(pl.col("@today"), pl.col("forecast_finish")))

    days = Measure("task.left", "task", Unit.WORKING_DAYS, NoParams, ("forecast_finish",), left)
    short = Calendar("be", last=date(2026, 12, 31))
    known = snapshot(calendars=[short], task=[{"forecast_finish": date(2027, 1, 4)}, {}])

    (one,) = found(catalogue(days), known, {"measure": "task.left", "amber": "over 1 wd"})

    assert one.frame["reason"].to_list() == ["invalid calendar.id: be ends 2026-12-31", "missing task.forecast_finish"]


@pytest.mark.parametrize(
    ("status_date", "as_of", "note"),
    [
        (date(2026, 5, 11), date(2026, 5, 11), ""),
        (None, MAY_13, "status date assumed"),
        (date(2026, 5, 20), MAY_13, "status date in the future"),
        (date(2026, 4, 10), MAY_13, "status date 22 wd old"),
    ],
)
def test_two_clocks(status_date: date | None, as_of: date, note: str) -> None:
    today = measure("task.today", clock="today", value=pl.col("story_points"))
    known = snapshot(project=[{"status_date": status_date}], task=[{"story_points": Decimal(21)}])

    one = finding(catalogue(POINTS), known, BANDS)
    now = finding(catalogue(today), known, {"measure": "task.today", "red": "over 20"})

    assert (one["as_of"], one["as_of_note"]) == (as_of, note)
    assert (now["as_of"], now["as_of_note"]) == (MAY_13, "")


@pytest.mark.parametrize(
    ("status_date", "state"), [(date(2026, 3, 13), "grey"), (date(2026, 5, 11), "red"), (None, "red")]
)
def test_earned_value_does_not_live_with_an_old_status_date_e16(status_date: date | None, state: str) -> None:
    strict = measure("project.strict", pl.lit(21), strict_age=True)
    known = snapshot(date(2026, 4, 27), project=[{"status_date": status_date}])

    one = finding(catalogue(strict), known, {"measure": "project.strict", "red": "over 20"})

    if state == "grey":
        assert one["reason"] == "project.status_date is 30 wd old, limit 20"
    assert one["state"] == ("red" if status_date != date(2026, 3, 13) else "grey")


def test_each_row_counts_in_its_own_calendar() -> None:
    def since(_: NoParams, view: View) -> Columns:
        return Columns(view.working_days(pl.lit(date(2026, 5, 8)), pl.col("@today")))

    days = Measure("task.since", "task", Unit.WORKING_DAYS, NoParams, (), since)
    every_day = Calendar("all", week=(True,) * 7)
    known = snapshot(
        calendars=[BE, every_day],
        project=[{"calendar": "all"}, {"calendar": "unheard of"}],
        task=[{"project": "project:p1"}, {"project": "project:p2"}],
    )

    (one,) = found(catalogue(days), known, {"measure": "task.since", "amber": "over 1 wd"})

    assert one.frame["value"].to_list() == [5, 3]


def test_money_is_shown_in_its_currency_and_never_compared_across() -> None:
    cost = measure("task.spent", pl.col("cost"), Unit.MONEY, needs=("cost",))
    known = snapshot(
        project=[{"currency": "EUR"}, {"currency": "USD"}],
        task=[{"project": "project:p1", "cost": Decimal(50)}, {"project": "project:p2", "cost": Decimal(50)}],
    )

    euro, plain = found(
        catalogue(cost),
        known,
        {"measure": "task.spent", "red": "over 40 EUR"},
        {"measure": "task.spent", "red": "over 40"},
    )

    assert euro.frame["unit"].to_list() == ["EUR", "USD"]
    assert states(euro) == ["red", "grey"]
    assert euro.frame["reason"][1] == "mixed currencies: EUR, USD"
    assert states(plain) == ["red", "red"]


def frame_measure(answer: pl.DataFrame, **more: Any) -> Measure[Any]:
    return Measure("task.framed", "task", Unit.COUNT, NoParams, (), lambda _, __: answer, **more)


FRAMED = {"measure": "task.framed", "red": "over 20"}


def test_a_measure_may_answer_with_a_frame_that_leaves_rows_out() -> None:
    answer = pl.DataFrame({"uid": ["plans:task:2"], "value": [21], "note": ["seen"], "parts": [3]})

    (one,) = found(catalogue(frame_measure(answer)), points(1, 2), FRAMED)

    assert one.frame.select("state", "note").rows() == [("grey", None), ("red", "seen")]
    assert one.evidence(one.frame["uid"])["parts"].to_list() == [None, "3"]
