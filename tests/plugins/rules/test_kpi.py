"""Indicators: the vectors K-01 to K-06 of spec measures 4.9."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import kpi
from snapshots import catalogue, found, snapshot

from pmo_watch.flow import Snapshot

MEASURES = catalogue(*kpi.pmo_watch_measures())


def series(values: dict[str, str | None], period: str | None = "2026-W30", **indicator: Any) -> Snapshot:
    """Return what is known of one indicator of project P1."""
    about = {
        name: Decimal(str(value)) if name in {"target", "min", "max"} else value for name, value in indicator.items()
    }
    return snapshot(
        indicator=[
            {"uid": "indicator:kpi-1", "id": "KPI-1", **about},
            {"uid": "indicator:other", "id": "OTHER"},
        ],
        kpi=[
            {
                "uid": f"kpi|indicator:{name}|project:p1",
                "indicator": f"indicator:{name}",
                "scope": "project:p1",
                "project": "project:p1",
                "period": period,
            }
            for name in ("kpi-1", "other")
        ],
        observation=[
            {
                "indicator": "indicator:kpi-1",
                "scope": "project:p1",
                "period": when,
                "value": None if value is None else Decimal(value),
            }
            for when, value in values.items()
        ],
    )


def test_a_correction_replaces_the_value_of_its_period() -> None:
    known = series({"2026-W30": "92"})
    late = pl.col("submitted_on")
    first = known.frame("observation").with_columns(late.fill_null(date(2026, 7, 27)).alias("submitted_on"))
    later = {"uid": pl.lit("z"), "value": pl.lit(80, pl.Decimal(18, 4)), "submitted_on": pl.lit(date(2026, 7, 28))}
    both = pl.concat([first, first.with_columns(**later)], how="vertical_relaxed")

    answer = of("kpi.value", replace(known, frames={**known.frames, "observation": both}), amber="under 90")

    assert (answer["value"], answer["state"]) == (80, "amber")


def of(measure: str, known: Snapshot, amber: str = "", **params: Any) -> dict[str, Any]:
    """Return the finding on KPI-1."""
    rule: dict[str, Any] = {"measure": measure, "with": {"indicator": "KPI-1", **params}}
    if amber:
        rule["amber"] = amber
    frame = found(MEASURES, known, rule)[0].frame
    return frame.filter(frame["uid"].str.contains("kpi-1")).row(0, named=True)


@pytest.mark.parametrize(
    ("direction", "target", "value", "shortfall", "state"),
    [
        pytest.param("higher_better", 95, "92", 3.157895, "green", id="K-01 green"),
        pytest.param("higher_better", 95, "90", 5.263158, "amber", id="K-01 amber"),
        pytest.param("higher_better", 95, "85", 10.526316, "red", id="K-01 red"),
        pytest.param("lower_better", 5, "6", 20, "red", id="K-02"),
        pytest.param("target", 50, "47", 6, "amber", id="K-03"),
    ],
)
def test_against_target(direction: str, target: int, value: str, shortfall: float, state: str) -> None:
    known = series({"2026-W30": value}, direction=direction, target=target)

    answer = of("kpi.against_target", known)

    assert (answer["value"], answer["state"], answer["unit"]) == (pytest.approx(shortfall, abs=1e-6), state, "%")


def test_change_k04() -> None:
    known = series({"2026-W29": "90", "2026-W30": "92"}, unit="%")

    absolute = of("kpi.change", known, "under -5 pp")
    percent = of("kpi.change", known, "under -5 %", **{"as": "percent"})

    assert (absolute["value"], absolute["unit"]) == (2, "pp")
    assert (percent["value"], percent["unit"]) == (pytest.approx(2.222222, abs=1e-6), "%")


@pytest.mark.parametrize(
    ("before", "now"),
    [("2026-W52", "2027-W01"), ("2026-12", "2027-01"), ("2026-Q4", "2027-Q1"), ("2026-12-31", "2027-01-01")],
)
def test_the_period_before_is_found_over_the_turn_of_the_year(before: str, now: str) -> None:
    if before == "2026-W52":
        before = "2026-W53"

    answer = of("kpi.change", series({before: "1", now: "4"}, now), "under -5")

    assert answer["value"] == 3


def test_a_target_of_zero_has_no_percentage_k05() -> None:
    answer = of("kpi.against_target", series({"2026-W30": "3"}, direction="lower_better", target=0))

    assert (answer["state"], answer["reason"]) == ("grey", "invalid indicator.target: 0")


def test_a_missing_value_names_its_period_k06() -> None:
    answer = of("kpi.value", series({"2026-W29": "90"}), "under 80")

    assert (answer["state"], answer["reason"]) == ("grey", "missing observation.value 2026-W30")


def test_a_value_may_be_carried_where_the_rule_says_so() -> None:
    answer = of("kpi.value", series({"2026-W29": "70"}), "under 80", carry="1 period")

    assert (answer["value"], answer["state"], answer["note"]) == (70, "amber", "value of an earlier period")


def test_thresholds_of_the_indicator_hold_before_those_of_the_rule() -> None:
    known = series({"2026-W30": "85"}, amber="under 90", red="under 80")

    assert of("kpi.value", known, "under 10")["state"] == "amber"


def test_a_value_outside_the_plausible_range_is_not_used() -> None:
    answer = of("kpi.value", series({"2026-W30": "995"}, max=100), "under 80")

    assert answer["reason"] == "missing observation.value 2026-W30"


def test_no_period_closed_and_no_target_are_no_fault() -> None:
    assert of("kpi.value", series({}, None), "under 80")["reason"] == "too early"
    assert of("kpi.against_target", series({"2026-W30": "3"}))["reason"] == "not configured"


def test_rows_of_other_indicators_are_out_of_scope() -> None:
    frame = found(
        MEASURES,
        series({"2026-W30": "3"}),
        {"measure": "kpi.value", "with": {"indicator": "kpi-1"}, "amber": "under 1"},
    )[0].frame

    assert frame.filter(frame["uid"].str.contains("other"))["reason"].to_list() == ["out of scope"]
