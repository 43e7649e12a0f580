"""Schedule variance, earned schedule and the duration it forecasts: spec measures 4.3."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from snapshots import snapshot
from valued_plans import day, of, plan, simple, task, v1, v2

from pmo_watch.flow import Snapshot

MONTH = {"period": "month"}


@pytest.mark.parametrize(
    ("measure", "params", "first", "second"),
    [
        ("project.sv", {}, (-30, "amber"), (-3_000, "amber")),
        ("project.sv_t_percent", {}, (-20.833333, "red"), (-5, "amber")),
        ("project.duration_overrun", {}, (45.454545, "red"), (11.111111, "red")),
        ("project.duration_overrun", {"method": "at_plan"}, ((7.25 - 6) / 6 * 100, "red"), (5, "green")),
        ("project.tspi", {}, (1.625, "red"), (1.1, "amber")),
    ],
)
def test_vectors(measure: str, params: dict[str, Any], first: tuple[float, str], second: tuple[float, str]) -> None:
    monthly = {**params, **(MONTH if measure != "project.sv" else {})}

    one, two = of(measure, v1(40, 50, "04-30"), **monthly), of(measure, v2(), **params)

    assert (one["value"], one["state"]) == (pytest.approx(first[0], abs=1e-6), first[1])
    assert (two["value"], two["state"]) == (pytest.approx(second[0], abs=1e-6), second[1])


def test_companions_are_in_periods() -> None:
    variance, overrun = of("project.sv_t_percent", v2()), of("project.duration_overrun", v2())

    assert variance["evidence"]["project.sv_t"] == "-0.2"
    assert overrun["evidence"]["project.ieac_t"] == "4.444444"


def test_past_the_planned_finish_no_pace_is_enough_e01() -> None:
    found = of("project.tspi", v1(95, 110, "08-31"), period="month")

    assert (found["state"], found["value"], found["reason"]) == ("red", None, "planned finish passed")


def test_everything_is_earned_e09() -> None:
    found = of("project.tspi", simple(100, 90))

    assert (found["state"], found["reason"]) == ("na", "done")


@pytest.mark.parametrize(("finish", "value"), [("04-10", (4 - 1.8) / (6 - 2)), ("03-20", 2.2)])
def test_pace_until_the_forecast_finish(finish: str, value: float) -> None:
    found = of("project.tspi", v2(forecast_finish=day(finish)), against="forecast")

    # The week after 27 March is 14, that of 6 April has four working days: Easter Monday.
    assert found["value"] == pytest.approx(value)


def test_a_forecast_finish_that_has_passed_leaves_no_time() -> None:
    found = of("project.tspi", v2(forecast_finish=day("03-13")), against="forecast")

    assert (found["state"], found["reason"]) == ("red", "planned finish passed")


@pytest.mark.parametrize(
    ("measure", "params", "known", "reason"),
    [
        ("project.tspi", {"against": "forecast"}, v2(), "missing project.forecast_finish"),
        ("project.duration_overrun", {"min_progress": "0 %"}, simple(0, 8), "invalid project.spi_t: 0"),
        ("project.sv", {}, plan([{"progress": Decimal(10)}], "03-13", 5, ("03-02", "03-20")),
         "missing task.baseline_finish"),
        ("project.sv_t_percent", {}, simple(20, 8, status="03-13", today="04-27"),
         "project.status_date is 30 wd old, limit 20"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(measure: str, params: dict[str, Any], known: Snapshot, reason: str) -> None:
    found = of(measure, known, **params)

    assert (found["state"], found["reason"]) == ("grey", reason)


@pytest.mark.parametrize(
    ("measure", "status", "reason"),
    [
        ("project.sv_t_percent", "03-01", "nothing due yet"),
        ("project.duration_overrun", "03-01", "nothing due yet"),
        ("project.duration_overrun", "03-13", "too early"),
    ],
)
def test_question_does_not_arise(measure: str, status: str, reason: str) -> None:
    found = of(measure, simple(10, 8, status))

    assert (found["state"], found["reason"]) == ("na", reason)


def booked_plan(ev: int, *planned: tuple[date, int]) -> Snapshot:
    """Return a project without a plan of rows, whose planned costs are booked month by month."""
    project = {"code": "P1", "status_date": day("04-30"), "actual_start": day("01-01"), "baseline_start": day("01-01"),
               "baseline_finish": day("06-30"), "baseline_cost": Decimal(100), "progress": Decimal(ev)}  # fmt: skip
    rows = [{"booked_on": on, "amount": Decimal(amount), "type": "planned"} for on, amount in planned]
    return snapshot(day("04-30"), project=[project], cost_entry=rows)


def test_planned_costs_make_the_curve_of_a_project_without_baseline_rows() -> None:
    ends = ("01-31", "02-28", "03-31", "04-30", "05-31", "06-30")
    known = booked_plan(40, *zip(map(day, ends), (10, 15, 20, 25, 20, 10), strict=True))

    position, index = of("project.earned_schedule", known, **MONTH), of("project.spi_t", known, **MONTH)

    assert position["value"] == pytest.approx(2.75), "as V-1"
    assert index["value"] == pytest.approx(0.6875)


def test_at_the_baseline_finish_all_is_planned_whatever_was_booked() -> None:
    known = booked_plan(90, (day("01-31"), 10), (day("05-31"), 70))

    found = of("project.earned_schedule", known, **MONTH)

    assert found["value"] == pytest.approx(5.5), "half way from 80 in May to 100 in June"


def test_the_plan_tells_when_the_project_does_not_say_its_baseline() -> None:
    known = plan([task("03-02", "03-13", 100, 90)], "03-20", 90, ("03-02", "03-13"), baseline_start=None,
                 baseline_finish=None)  # fmt: skip

    found = of("project.spi", known)

    assert (found["state"], found["reason"]) == ("na", "planned finish passed")


@pytest.mark.parametrize(("finish", "period"), [("07-09", "week"), ("07-10", "month")], ids=["129 wd", "130 wd"])
def test_long_projects_count_months(finish: str, period: str) -> None:
    known = plan([task("01-05", finish, 100, 10)], "03-13", 50, ("01-05", finish))

    assert of("project.sv_t_percent", known)["evidence"]["period"] == period
