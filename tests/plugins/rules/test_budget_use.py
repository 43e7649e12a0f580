"""Budgets, reserves and effort in use: the vectors B-04, B-09 to B-12 of spec measures 4.4."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import budget
from pmo_watch_plugins.rules.budget.effort import SAID
from snapshots import catalogue, finding, snapshot

MEASURES = catalogue(*budget.pmo_watch_measures())
TWO_CURRENCIES: dict[str, Any] = {"currency": "EUR", "@currency:cost": "EUR", "@currency:register": "USD"}


def of(measure: str, params: dict[str, Any] | None = None, past: Any = None, **project: Any) -> dict[str, Any]:
    """Return the finding on a project that has begun; numbers are amounts."""
    row = {name: Decimal(value) if isinstance(value, int) else value for name, value in project.items()}
    known = snapshot(project=[{"code": "P1", "actual_start": date(2026, 1, 5), **row}], past=past)
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


SPEND: dict[str, Any] = {"actual_cost": 26, "budget": 60, "progress": 30}
COMMITTED: dict[str, Any] = {"actual_cost": 80, "committed_cost": 35, "budget": 120}
EFFORT: dict[str, Any] = {"effort_baseline": 100, "effort_actual": 60, "effort_remaining": 55}
RESERVE: dict[str, Any] = {"contingency": 50, "contingency_used": 30, "progress": 45}


@pytest.mark.parametrize(
    ("measure", "project", "value", "state"),
    [
        pytest.param("project.spend_ahead", SPEND, 13.333333, "amber", id="B-04"),
        ("project.spend_ahead", {**SPEND, "progress": 20}, 23.333333, "red"),
        ("project.spend_ahead", {**SPEND, "progress": 60}, -16.666667, "green"),
        pytest.param("project.committed_used", COMMITTED, 95.833333, "amber", id="B-09"),
        ("project.committed_used", {**COMMITTED, "committed_cost": 40}, 100, "red"),
        ("project.committed_used", {**COMMITTED, "committed_cost": 0}, 66.666667, "green"),
        pytest.param("project.effort_variance", EFFORT, -15, "amber", id="B-10"),
        ("project.effort_variance", {**EFFORT, "effort_remaining": 61}, -21, "red"),
        ("project.effort_variance", {**EFFORT, "effort_remaining": 40}, 0, "green"),
        pytest.param("project.contingency_ahead", RESERVE, 15, "amber", id="B-11"),
        ("project.contingency_ahead", {**RESERVE, "progress": 39}, 21, "red"),
        ("project.contingency_ahead", {**RESERVE, "progress": 60}, 0, "green"),
    ],
)
def test_value_and_state(measure: str, project: dict[str, Any], value: float, state: str) -> None:
    found = of(measure, **project)

    assert (found["value"], found["state"]) == (pytest.approx(value, abs=1e-6), state)


@pytest.mark.parametrize(
    ("measure", "project", "reason"),
    [
        ("project.spend_ahead", {**SPEND, "progress": None}, "missing project.progress"),
        ("project.spend_ahead", {**SPEND, "budget": None}, "missing project.budget"),
        ("project.spend_ahead", {**SPEND, "actual_cost": None}, "missing project.actual_cost"),
        ("project.committed_used", {**COMMITTED, "committed_cost": None}, "missing project.committed_cost"),
        ("project.committed_used", {**COMMITTED, "budget": 0}, "missing project.budget"),
        ("project.committed_used", {**COMMITTED, "actual_cost": None}, "missing project.actual_cost"),
        ("project.effort_variance", {**EFFORT, "effort_baseline": None}, "missing project.effort_baseline"),
        ("project.effort_variance", {**EFFORT, "effort_baseline": 0}, "missing project.effort_baseline"),
        ("project.effort_variance", {**EFFORT, "effort_remaining": None}, "missing project.effort_remaining"),
        ("project.effort_variance", {**EFFORT, "effort_actual": None}, "missing project.effort_actual"),
        ("project.contingency_ahead", {**RESERVE, "contingency_used": None}, "missing project.contingency_used"),
        ("project.contingency_ahead", {**RESERVE, "progress": None}, "missing project.progress"),
        ("project.contingency_ahead", {**RESERVE, "contingency": -5}, "invalid project.contingency: -5.0"),
    ],
)
def test_what_is_missing_is_named(measure: str, project: dict[str, Any], reason: str) -> None:
    found = of(measure, **project)

    assert (found["state"], found["reason"]) == ("grey", reason)


@pytest.mark.parametrize("reserve", [None, 0])
def test_a_project_without_a_reserve_uses_none(reserve: int | None) -> None:
    found = of("project.contingency_ahead", **{**RESERVE, "contingency": reserve})

    assert (found["state"], found["reason"]) == ("na", "not configured")


def test_a_project_that_has_not_begun_spends_nothing_ahead() -> None:
    found = of("project.spend_ahead", **{**SPEND, "actual_cost": None, "actual_start": None, "progress": 0})

    assert (found["state"], found["reason"]) == ("na", "not started")


@pytest.mark.parametrize(
    ("measure", "project"),
    [
        pytest.param("project.budget_used", {"actual_cost": 100, "budget": 200}, id="B-12"),
        ("project.spend_ahead", SPEND),
        ("project.committed_used", COMMITTED),
        ("project.forecast_overrun", {"actual_cost": 100, "remaining_cost": 50, "budget": 200}),
        ("project.forecast_overrun", {"actual_cost": 100, "declared_eac": 190, "budget": 200}),
        ("project.runway_gap", {"actual_cost": 100, "budget": 200, "forecast_finish": date(2026, 12, 31)}),
    ],
)
def test_cost_and_budget_in_two_currencies_are_never_compared(measure: str, project: dict[str, Any]) -> None:
    found = of(measure, **{**project, **TWO_CURRENCIES})

    assert (found["state"], found["reason"]) == ("grey", "mixed currencies: EUR, USD")


def test_booked_costs_in_another_currency_than_the_budget_are_not_compared_either() -> None:
    known = snapshot(
        project=[{"code": "P1", "actual_start": date(2026, 1, 5), "budget": Decimal(60), "currency": "EUR"}],
        cost_entry=[{"booked_on": date(2026, 2, 2), "amount": Decimal(30), "currency": "USD"}],
    )

    found = finding(MEASURES, known, {"measure": "project.budget_used"})

    assert (found["state"], found["reason"]) == ("grey", "mixed currencies: EUR, USD")


# --- effort: which plan -------------------------------------------------------------------------------------------

PLANNED: dict[str, Any] = {"effort_planned": 115, "effort_actual": 60, "effort_remaining": 55}


def weeks(*said: tuple[int, int, int]) -> dict[Any, pl.DataFrame]:
    """Return what the project said in earlier weeks: planned, actual and remaining effort."""
    rows = [{"uid": "project:p1", **dict(zip(SAID.fields, map(Decimal, one), strict=True))} for one in said]
    return {SAID: pl.DataFrame(rows)}


def test_a_plan_that_the_source_recalculates_is_no_plan() -> None:
    now, always = of("project.effort_variance", **PLANNED), of(
        "project.effort_variance", past=weeks((110, 50, 60), (112, 55, 57)), **PLANNED
    )  # fmt: skip

    for found in (now, always):
        assert (found["state"], found["reason"]) == (
            "grey",
            "invalid project.effort_planned: recalculated by the source",
        )


def test_a_plan_that_once_differed_is_one() -> None:
    found = of(
        "project.effort_variance", past=weeks((100, 0, 100), (100, 55, 57)), **{**PLANNED, "effort_planned": 100}
    )

    assert (found["value"], found["state"]) == (-15, "amber")
    assert found["evidence"]["compared_with"] == "effort_planned"


def test_a_plan_that_is_two_hours_off_is_one() -> None:
    found = of("project.effort_variance", **{**PLANNED, "effort_planned": 117})

    assert found["value"] == pytest.approx(2 / 117 * 100)


def test_the_first_plan_that_the_project_has_counts() -> None:
    both = {**PLANNED, "effort_baseline": 100, "effort_planned": 120}

    assert of("project.effort_variance", **both)["value"] == -15
    found = of("project.effort_variance", {"plan": ["effort_planned"]}, **both)
    assert found["value"] == pytest.approx(5 / 120 * 100)


@pytest.mark.parametrize("measure", ["project.budget_used", "project.spend_ahead", "project.committed_used"])
def test_a_total_of_another_day_says_so_where_value_is_in_hours_too(measure: str) -> None:
    row = {"baseline_start": date(2026, 3, 2), "baseline_finish": date(2026, 6, 26), "progress": Decimal(50),
           "baseline_work": Decimal(100), "actual_work": Decimal(40)}  # fmt: skip
    spent = {**COMMITTED, "progress": 30, "actual_cost_as_of": date(2026, 4, 30)}
    project = {name: Decimal(value) if isinstance(value, int) else value for name, value in spent.items()}

    found = finding(MEASURES, snapshot(project=[{"code": "P1", **project}], task=[row]), {"measure": measure})

    assert found["note"] == "actual cost of 2026-04-30"


def test_a_budget_below_nothing_is_none() -> None:
    found = of("project.budget_used", **{**SPEND, "budget": -60})

    assert (found["state"], found["reason"]) == ("grey", "invalid project.budget: -60.0")
