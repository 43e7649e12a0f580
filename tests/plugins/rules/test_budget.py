"""Budgets: the vectors B-01 to B-13 of spec measures 4.4 of what is used and forecast."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pmo_watch_plugins.rules import budget
from snapshots import catalogue, finding, snapshot

MEASURES = catalogue(*budget.pmo_watch_measures())


def of(measure: str, params: dict[str, Any] | None = None, **project: Any) -> dict[str, Any]:
    """Return the finding on a project that has begun; numbers are amounts."""
    row = {name: Decimal(value) if isinstance(value, int) else value for name, value in project.items()}
    known = snapshot(project=[{"code": "P1", "actual_start": date(2026, 1, 5), **row}])
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


@pytest.mark.parametrize(
    ("spent", "value", "state"),
    [pytest.param(54, 90, "amber", id="B-01"), pytest.param(60, 100, "red", id="B-02"), (53, 88.333333, "green")],
)
def test_budget_used(spent: int, value: float, state: str) -> None:
    found = of("project.budget_used", budget=60, actual_cost=spent)

    assert (found["value"], found["state"]) == (pytest.approx(value, abs=1e-6), state)


@pytest.mark.parametrize(
    ("project", "reason"),
    [
        pytest.param({"actual_cost": 10}, "missing project.budget", id="B-03"),
        ({"actual_cost": 10, "budget": 0}, "missing project.budget"),
        ({"budget": 60}, "missing project.actual_cost"),
        (
            {"budget": 60, "actual_cost": 10, "budget_status": "submitted"},
            "invalid project.budget_status: submitted",
        ),
    ],
)
def test_budget_used_is_grey_without_what_it_needs(project: dict[str, Any], reason: str) -> None:
    found = of("project.budget_used", **project)

    assert (found["state"], found["reason"]) == ("grey", reason)


def test_a_budget_that_nobody_approved_counts_where_the_rule_says_so() -> None:
    found = of("project.budget_used", {"require_approved": False}, budget=60, actual_cost=30, budget_status="draft")

    assert found["value"] == 50


@pytest.mark.parametrize(
    ("project", "value", "state"),
    [
        pytest.param({"declared_eac": 106}, 6, "amber", id="B-05"),
        pytest.param(
            {"declared_eac": 106, "tolerance_cost_amber": 10, "tolerance_cost_red": 15}, 6, "green", id="B-06"
        ),
        pytest.param({"declared_eac": 111}, 11, "red", id="B-07"),
        pytest.param({"actual_cost": 61, "remaining_cost": 48}, 9, "amber", id="B-13"),
    ],
)
def test_forecast_overrun(project: dict[str, Any], value: float, state: str) -> None:
    found = of("project.forecast_overrun", **{"budget": 100, "actual_cost": 50, **project})

    assert (found["value"], found["state"]) == (value, state)


def test_the_method_of_the_estimate_is_named() -> None:
    found = of("project.forecast_overrun", budget=100, actual_cost=61, remaining_cost=48)

    assert "estimate at completion: bottom_up" in found["note"]


@pytest.mark.parametrize(
    ("method", "value"), [("cpi", 25), ("at_plan", 10), ("cpi_spi", 43.75), ("bottom_up", 20), ("declared", 30)]
)
def test_forecast_by_each_method(method: str, value: float) -> None:
    known = snapshot(
        date(2026, 3, 13),
        project=[
            {
                "code": "P1",
                "actual_start": date(2026, 3, 2),
                "budget": Decimal(100),
                "actual_cost": Decimal(50),
                "remaining_cost": Decimal(70),
                "declared_eac": Decimal(130),
                "baseline_start": date(2026, 3, 2),
                "baseline_finish": date(2026, 3, 27),
            }
        ],
        task=[value_row(50, "03-02", "03-13", 80), value_row(50, "03-16", "03-27", 0)],
    )

    found = finding(MEASURES, known, {"measure": "project.forecast_overrun", "with": {"eac_method": method}})

    assert found["value"] == pytest.approx(value)


def value_row(cost: int, start: str, finish: str, progress: int) -> dict[str, Any]:
    """Return a row of a plan with a baseline cost."""
    days = {"baseline_start": start, "baseline_finish": finish}
    return {name: date.fromisoformat(f"2026-{day}") for name, day in days.items()} | {
        "baseline_cost": Decimal(cost),
        "progress": Decimal(progress),
    }


def test_value_in_hours_gives_no_forecast_in_money() -> None:
    row = {**value_row(0, "03-02", "03-13", 80), "baseline_cost": None, "baseline_work": Decimal(50)}
    known = snapshot(
        project=[{"code": "P1", "actual_start": date(2026, 3, 2), "budget": Decimal(100), "actual_cost": Decimal(50)}],
        task=[row],
    )

    auto = finding(MEASURES, known, {"measure": "project.forecast_overrun"})
    by_cpi = finding(MEASURES, known, {"measure": "project.forecast_overrun", "with": {"eac_method": "cpi"}})

    assert (auto["state"], auto["reason"]) == ("grey", "missing project.remaining_cost")
    assert (by_cpi["state"], by_cpi["reason"]) == ("grey", "missing task.baseline_cost")


def test_hours_stand_for_no_budget() -> None:
    row = {**value_row(0, "03-02", "03-13", 80), "baseline_cost": None, "baseline_work": Decimal(50)}
    known = snapshot(
        project=[{"code": "P1", "actual_start": date(2026, 3, 2), "declared_eac": Decimal(100)}], task=[row]
    )

    found = finding(MEASURES, known, {"measure": "project.forecast_overrun"})

    assert (found["state"], found["reason"]) == ("grey", "missing project.budget")


def test_a_project_that_has_not_begun_is_left_alone() -> None:
    found = of("project.forecast_overrun", budget=100, declared_eac=150, actual_start=None)

    assert (found["state"], found["reason"]) == ("na", "not started")


def test_the_rule_may_compare_with_the_baseline() -> None:
    found = of("project.forecast_overrun", {"against": "bac"}, budget=200, actual_cost=61, declared_eac=104,
               baseline_cost=100, progress=60)  # fmt: skip

    assert found["value"] == 4


def test_without_budget_or_baseline_there_is_nothing_to_compare_with() -> None:
    found = of("project.forecast_overrun", actual_cost=61, declared_eac=100)

    assert (found["state"], found["reason"]) == ("grey", "missing project.budget")


def test_the_baseline_stands_in_for_a_budget_and_says_so() -> None:
    found = of("project.forecast_overrun", actual_cost=61, declared_eac=104, baseline_cost=100, progress=60)

    assert found["value"] == 4
    assert "against the baseline" in found["note"]
