"""Milestone trend analysis: the vectors M-24 to M-28 of spec measures 4.2, and what lies beside them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, finding, snapshot

from pmo_watch.flow import Samples

MEASURES = catalogue(*milestones.pmo_watch_measures())
JULY_17 = date(2026, 7, 17)


def day(text: str) -> date:
    return date.fromisoformat(text)


def of(measure: str, known: Any, **params: Any) -> dict[str, Any]:
    """Return the only finding of a measure, with its default thresholds."""
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


# --- MS-04 slip streak --------------------------------------------------------------------------------------------


def reported(
    *forecasts: str,
    ends: Sequence[str] = (),
    every: str = "week",
    measure: str = "milestone.slip_streak",
    row: dict[str, Any] | None = None,
    **params: Any,
) -> dict[str, Any]:
    """Return the streak of a milestone with these forecasts, one a week, the last of them now."""
    last = day("2026-06-19")
    days = [day(one) for one in ends] or [last - timedelta(weeks=n) for n in reversed(range(len(forecasts)))]
    wish = Samples("task", every, 13, ("forecast_finish",), "baseline_finish")  # type: ignore[arg-type]
    samples = pl.DataFrame({"uid": "plans:task:1", "ends": days, "forecast_finish": [day(one) for one in forecasts]})
    now = {"forecast_finish": day(forecasts[-1])} if forecasts else {}
    known = snapshot(last, milestone=[{**now, **(row or {})}], past={wish: samples})
    return of(measure, known, every=every, **params)


def test_streak_of_later_forecasts_m24() -> None:
    streak = reported("2026-07-03", "2026-07-03", "2026-07-08", "2026-07-10", "2026-07-15")

    assert (streak["value"], streak["state"], streak["unit"]) == (3, "red", "periods")


def test_a_forecast_that_stands_ends_the_streak_m25() -> None:
    streak = reported("2026-07-03", "2026-07-06", "2026-07-06", "2026-07-08")

    assert (streak["value"], streak["state"]) == (1, "green")


def test_a_slope_of_one_is_red_m26() -> None:
    streak = reported("2026-07-03", "2026-07-10", "2026-07-17")

    assert (streak["value"], streak["state"]) == (2, "red")
    assert streak["evidence"]["milestone.slip_slope"] == "1"
    assert streak["evidence"]["forecasts"] == "2026-07-03, 2026-07-10, 2026-07-17"
    assert streak["threshold"] == "milestone.slip_slope at least 1"


def test_two_samples_are_too_few_m27() -> None:
    streak = reported("2026-07-03", "2026-07-10")

    assert (streak["state"], streak["reason"]) == ("grey", "needs 3 samples, has 2")


def test_more_samples_may_be_asked_for() -> None:
    known = snapshot(milestone=[{"forecast_finish": JULY_17}])
    rule = {"measure": "milestone.slip_streak", "history": {"every": "month", "at_least": "6 periods"}}

    streak = finding(MEASURES, known, rule)

    assert streak["reason"] == "needs 6 samples, has 0"


def test_periods_without_a_reading_are_named() -> None:
    streak = reported("2026-07-03", "2026-07-10", "2026-07-17", ends=("2026-05-31", "2026-06-07", "2026-06-19"))

    assert streak["note"] == "missing periods: 2026-W24"


@pytest.mark.parametrize(
    ("every", "ends", "said"),
    [
        ("month", ("2026-01-31", "2026-02-28", "2026-06-19"), "2026-03, 2026-04, 2026-05"),
        ("quarter", ("2025-09-30", "2025-12-31", "2026-06-19"), "2026-Q1"),
        ("day", ("2026-06-16", "2026-06-17", "2026-06-19"), "2026-06-18"),
    ],
)
def test_missing_periods_of_every_length_are_named(every: str, ends: tuple[str, ...], said: str) -> None:
    streak = reported("2026-07-03", "2026-07-10", "2026-07-17", every=every, ends=ends)

    assert streak["note"] == f"missing periods: {said}"


# --- MS-05 zigzag -------------------------------------------------------------------------------------------------

M28 = ("2026-07-15", "2026-07-20", "2026-07-16", "2026-07-16", "2026-07-17", "2026-07-13")


def zigzag(*forecasts: str, **more: Any) -> dict[str, Any]:
    return reported(*forecasts, measure="milestone.zigzag", **more)


def test_zigzag_m28() -> None:
    found = zigzag(*M28)

    assert (found["value"], found["state"], found["unit"]) == (3, "red", "count")
    assert found["evidence"]["forecasts"] == ", ".join(M28)


@pytest.mark.parametrize(
    ("forecasts", "turns"),
    [
        pytest.param(("2026-07-03", "2026-07-06", "2026-07-06", "2026-07-10"), 0, id="a pause is no turn"),
        pytest.param(("2026-07-03", "2026-07-06", "2026-07-06", "2026-07-03"), 1, id="nor hides one"),
        pytest.param(("2026-07-03",) * 4, 0, id="no move at all"),
        pytest.param(("2026-07-03", "2026-07-04", "2026-07-03", "2026-07-05"), 0, id="weekends are no move"),
        pytest.param(("2026-07-06", "2026-07-10", *M28), 3, id="older samples do not count"),
        pytest.param(("2026-07-20", *M28), 3, id="nor does the move before the first that does"),
    ],
)
def test_zigzag_counts_changes_of_direction(forecasts: tuple[str, ...], turns: float) -> None:
    assert zigzag(*forecasts)["value"] == turns


def test_zigzag_may_look_further_back() -> None:
    assert zigzag("2026-07-20", *M28, over="7 samples")["value"] == 4


def test_zigzag_of_three_samples_is_grey() -> None:
    found = zigzag(*M28[:3])

    assert (found["value"], found["state"], found["reason"]) == (None, "grey", "needs 4 samples, has 3")


def test_zigzag_of_a_done_milestone_is_not_asked() -> None:
    found = zigzag(*M28, row={"actual_finish": JULY_17})

    assert (found["value"], found["state"], found["reason"]) == (3, "na", "done")


def test_zigzag_says_which_periods_it_does_not_know() -> None:
    found = zigzag(*M28[:4], ends=("2026-05-24", "2026-05-31", "2026-06-07", "2026-06-19"))

    assert (found["value"], found["note"]) == (1, "missing periods: 2026-W24")


def test_trends_are_read_from_the_same_history() -> None:
    streak, turns = (MEASURES[name] for name in ("milestone.slip_streak", "milestone.zigzag"))

    assert streak.past(streak.params()) == turns.past(turns.params())
