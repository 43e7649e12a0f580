"""How long the rest of the budget lasts: the vector B-08 of spec measures 4.4."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import budget
from pmo_watch_plugins.rules.budget.runway import RunwayParams, wish
from snapshots import catalogue, finding, snapshot

MEASURES = catalogue(*budget.pmo_watch_measures())
STATUS = date(2026, 4, 30)  # April is full: a status date means the end of its day
PROJECT = {"code": "P1", "actual_start": date(2026, 1, 5), "status_date": STATUS, "budget": Decimal(120),
           "actual_cost": Decimal(80), "forecast_finish": date(2026, 9, 30)}  # fmt: skip
BOOKED = (("01-31", 50), ("02-27", 10), ("03-31", 12), ("04-30", 8))


def entries(*booked: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"booked_on": date.fromisoformat(f"2026-{on}"), "amount": Decimal(amount)} for on, amount in booked]


def of(
    cost_entry: Any = (), past: Any = None, params: Any = None, today: date = STATUS, **project: Any
) -> dict[str, Any]:
    known = snapshot(today, project=[{**PROJECT, **project}], cost_entry=cost_entry, past=past)
    rule = {"measure": "project.runway_gap", **({"with": params} if params else {})}
    return finding(MEASURES, known, rule)


def totals(*known: tuple[str, int]) -> dict[Any, pl.DataFrame]:
    """Return what had been spent in all by the end of some months."""
    rows = [{"uid": "project:p1", "period": f"2026-{month}", "actual_cost": Decimal(cost)} for month, cost in known]
    return {wish(RunwayParams()): pl.DataFrame(rows)}


def test_money_for_four_months_and_five_to_go_b08() -> None:
    found = of(entries(*BOOKED))

    assert (found["value"], found["state"]) == (pytest.approx(-1), "amber")
    assert found["evidence"] == {"monthly_cost": "10", "still_to_spend": "40", "months_left": "5"}


def test_what_readings_said_at_the_ends_of_months_serves_where_nothing_is_booked() -> None:
    found = of(past=totals(("01", 50), ("02", 60), ("03", 72), ("04", 80)))

    assert (found["value"], found["state"]) == (pytest.approx(-1), "amber")


@pytest.mark.parametrize(
    ("finish", "value", "state"),
    [
        (date(2026, 9, 29), 4 - (4 + 21 / 22), "amber"),
        (date(2026, 5, 15), 4 - 9 / 18, "green"),
        (date(2026, 11, 30), -3, "red"),
        (date(2026, 4, 30), 4, "green"),
    ],
    ids=["one day less", "within the next month", "two months more", "today"],
)
def test_months_left_count_by_their_working_days(finish: date, value: float, state: str) -> None:
    found = of(entries(*BOOKED), forecast_finish=finish)

    assert (found["value"], found["state"]) == (pytest.approx(value, abs=1e-6), state)


def test_a_month_that_has_begun_is_no_full_one() -> None:
    found = of(entries(*BOOKED, ("05-08", 99)), today=date(2026, 5, 12), status_date=date(2026, 5, 12))

    assert found["evidence"]["monthly_cost"] == "10"


def test_a_month_without_costs_counts_as_nothing_spent() -> None:
    found = of(entries(("01-31", 50), ("02-27", 10), ("04-30", 20)))

    assert found["evidence"]["monthly_cost"] == "10"


def test_pace_over_more_months() -> None:
    found = of(entries(*BOOKED), params={"over": "4 months"})

    assert found["evidence"]["monthly_cost"] == "20"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"cost_entry": entries(*BOOKED[2:])}, "needs 3 samples, has 2"),
        ({"past": totals(("02", 60), ("03", 72), ("04", 80))}, "needs 3 samples, has 2"),
        ({"past": totals(("01", 50), ("02", 60), ("03", 72))}, "needs 3 samples, has 0"),
        ({}, "needs 3 samples, has 0"),
        ({"cost_entry": entries(*BOOKED), "budget": None}, "missing project.budget"),
        ({"cost_entry": entries(*BOOKED), "forecast_finish": None}, "missing project.forecast_finish"),
        ({"actual_cost": None}, "missing project.actual_cost"),
        ({"cost_entry": entries(("01-31", 80), ("04-30", -30))}, "invalid project.actual_cost: -10.0"),
    ],
)
def test_what_is_missing_is_named(given: dict[str, Any], reason: str) -> None:
    found = of(**given)

    assert (found["state"], found["reason"]) == ("grey", reason)


def test_without_any_pace_the_question_does_not_arise() -> None:
    found = of(entries(("01-31", 80)))

    assert (found["state"], found["reason"]) == ("na", "nothing due yet")


def test_a_pace_in_another_currency_than_the_budget_tells_nothing() -> None:
    booked = [{**one, "currency": "USD"} for one in entries(*BOOKED)]

    found = of(booked, currency="EUR")

    assert (found["state"], found["reason"]) == ("grey", "mixed currencies: EUR, USD")


def test_a_project_that_ends_this_month_has_a_part_of_it_left() -> None:
    found = of(entries(*BOOKED), status_date=date(2026, 4, 15), forecast_finish=date(2026, 4, 29))

    # 72 in three months, and 10 of the 21 working days of April.
    assert found["value"] == pytest.approx(40 / 24 - 10 / 21, abs=1e-6)
