"""Earned value and earned schedule: the vectors V-1, V-2 and E-01 to E-16 of spec measures 4.3."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from snapshots import snapshot
from valued_plans import day, of, plan, simple, task, v1, v2


@pytest.mark.parametrize(
    ("measure", "value", "state"),
    [
        ("project.bac", 50_000, "green"),
        ("project.pv", 25_000, "green"),
        ("project.ev", 22_000, "green"),
        ("project.ac", 26_000, "green"),
        ("project.spi", 0.88, "amber"),
        ("project.cpi", 0.846154, "red"),
        ("project.eac", 59_090.909091, "green"),
        ("project.vac_percent", -18.181818, "red"),
        ("project.earned_schedule", 1.8, "green"),
        ("project.spi_t", 0.9, "amber"),
    ],
)
def test_vector_v2(measure: str, value: float, state: str) -> None:
    found = of(measure, v2())

    assert (found["value"], found["state"]) == (pytest.approx(value, abs=1e-6), state)


@pytest.mark.parametrize(("method", "value"), [("cpi", 59_090.909091), ("at_plan", 54_000), ("cpi_spi", 63_603.305785)])
def test_estimate_by_each_method(method: str, value: float) -> None:
    found = of("project.eac", v2(), eac_method=method)

    assert found["value"] == pytest.approx(value, abs=1e-6)
    assert found["note"] == f"estimate at completion: {method}"


def test_the_time_index_shows_what_it_is_made_of() -> None:
    shown = of("project.spi_t", v2())["evidence"]

    assert (shown["earned_schedule"], shown["actual_time"], shown["period"]) == ("1.8", "2", "week")


@pytest.mark.parametrize(
    ("measure", "value", "state"),
    [
        ("project.pv", 70, "green"),
        ("project.ev", 40, "green"),
        ("project.spi", 0.571429, "red"),
        ("project.cpi", 0.8, "red"),
        ("project.eac", 125, "green"),
        ("project.vac_percent", -25, "red"),
        ("project.earned_schedule", 2.75, "green"),
        ("project.spi_t", 0.6875, "red"),
    ],
)
def test_vector_v1_at_the_end_of_month_four(measure: str, value: float, state: str) -> None:
    params = {"period": "month"} if measure in {"project.earned_schedule", "project.spi_t"} else {}

    found = of(measure, v1(40, 50, "04-30"), **params)

    assert (found["value"], found["state"]) == (pytest.approx(value, abs=1e-6), state)


def test_past_the_planned_finish_the_schedule_index_is_shown_and_not_judged_e01() -> None:
    known = v1(95, 110, "08-31")

    index = of("project.spi", known)
    in_time = of("project.spi_t", known, period="month")
    reached = of("project.earned_schedule", known, period="month")

    assert (index["value"], index["state"], index["reason"]) == (0.95, "na", "planned finish passed")
    assert (in_time["value"], in_time["state"]) == (0.6875, "red")
    assert reached["value"] == pytest.approx(5.5)


def test_nothing_planned_yet_e03() -> None:
    tasks = [task("05-01", "05-29", 100, 5)]

    found = of("project.spi", plan(tasks, "04-15", 5, ("05-01", "05-29")))

    assert (found["state"], found["reason"]) == ("na", "nothing due yet")


def test_earned_for_nothing_cannot_be_e04() -> None:
    found = of("project.cpi", simple(20, 0))

    assert (found["state"], found["reason"]) == ("grey", "invalid project.actual_cost: 0")


@pytest.mark.parametrize(
    ("status", "value", "state", "reason"),
    [("03-13", 0.0, "red", None), ("03-05", 0.0, "na", "too early")],
    ids=["E-05", "E-06"],
)
def test_spent_with_nothing_earned(status: str, value: float, state: str, reason: str | None) -> None:
    found = of("project.cpi", simple(0, 8, status))

    assert (found["value"], found["state"], found["reason"]) == (value, state, reason)


def test_indices_are_shown_and_not_judged_early_e07() -> None:
    found = of("project.cpi", simple(10, 15))

    assert found["value"] == pytest.approx(0.666667)
    assert (found["state"], found["reason"]) == ("na", "too early")


def test_everything_earned_is_the_planned_duration_e09() -> None:
    found = of("project.earned_schedule", simple(100, 90), period="month")

    # 2 to 31 March is whole but for nothing; May is worked to the 12th: 22/22 + 21/21 + 7/18 of its working days.
    assert found["value"] == pytest.approx(2 + 7 / 18, abs=1e-6)


@pytest.mark.parametrize(
    ("start", "finish", "status", "share"),
    [("03-09", "03-20", "03-13", 5 / 10), ("05-11", "05-22", "05-15", 4 / 9)],
    ids=["E-11", "E-12"],
)
def test_planned_share_of_a_row(start: str, finish: str, status: str, share: float) -> None:
    found = of("project.pv", plan([task(start, finish, 100, 10)], status, 10, (start, finish)))

    assert found["value"] == pytest.approx(share * 100, abs=1e-6)


@pytest.mark.parametrize(
    ("begins", "status", "time"),
    [("01-15", "02-13", 12 / 21 + 10 / 20), ("01-01", "06-30", 6), ("01-05", "06-30", 20 / 21 + 5)],
    ids=["E-13", "E-14", "E-15"],
)
def test_elapsed_months(begins: str, status: str, time: float) -> None:
    known = plan([task(begins, "12-31", 100, 50)], status, 50, (begins, "12-31"))

    found = of("project.spi_t", known, period="month")

    assert found["denominator"] == pytest.approx(time, abs=1e-6)


def test_a_status_date_that_is_too_old_is_grey_e16() -> None:
    found = of("project.cpi", simple(40, 50, "03-13", today="04-27"))

    assert (found["state"], found["reason"]) == ("grey", "project.status_date is 30 wd old, limit 20")


def test_a_project_that_has_not_begun_is_left_alone() -> None:
    known = plan([task("03-02", "03-27", 100, 0)], "03-13", None, ("03-02", "03-27"), actual_start=None)

    found = of("project.cpi", known)

    assert (found["state"], found["reason"]) == ("na", "not started")


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ([{"forecast_finish": day("03-20"), "progress": Decimal(10)}], "missing task.baseline_finish"),
        ([task("03-02", "03-20", None, 10)], "missing task.baseline_cost"),
        ([task("03-02", "03-20", 100, None), task("03-02", "03-20", 100, 5)], "missing task.progress on 1 of 2 rows"),
        ([task("03-02", "03-20", 100, 120)], "invalid task.progress: 120.0"),
    ],
    ids=["no baseline", "no value", "no progress", "progress over 100"],
)
def test_what_is_missing_is_named(tasks: list[Mapping[str, Any]], reason: str) -> None:
    found = of("project.cpi", plan(tasks, "03-13", 50, ("03-02", "03-20")))

    assert (found["state"], found["reason"]) == ("grey", reason)


@pytest.mark.parametrize(
    ("row", "known", "reason"),
    [
        ({"baseline_start": None}, ("project.ev", 250), "missing task.baseline_start on 1 of 2 rows"),
        ({"baseline_start": None, "baseline_finish": None}, ("project.bac", 400),
         "missing task.baseline_finish on 1 of 2 rows"),
    ],
    ids=["no start", "no dates"],
)  # fmt: skip
def test_half_a_baseline_is_value_that_nobody_planned(
    row: Mapping[str, Any], known: tuple[str, int], reason: str
) -> None:
    rows = [task("03-02", "03-06", 100, 100), {**task("03-09", "03-20", 300, 50), **row}]
    given = plan(rows, "03-13", 200, ("03-02", "03-27"))

    measure, value = known
    found = of("project.spi", given)

    assert of(measure, given)["value"] == value
    assert (found["state"], found["reason"]) == ("grey", reason)
    assert of("project.earned_schedule", given)["reason"] == reason


def test_a_row_that_is_over_is_planned_without_its_start_and_leaves_no_curve() -> None:
    rows = [{**task("03-02", "03-06", 100, 50), "baseline_start": None}, task("03-09", "03-20", 100, 0)]
    given = plan(rows, "03-13", 200, ("03-02", "03-27"))

    assert of("project.pv", given)["value"] == 150
    assert of("project.spi_t", given)["reason"] == "missing task.baseline_start on 1 of 2 rows"


def test_a_row_measured_by_physical_progress_is_asked_for_that() -> None:
    rows = [task("03-02", "03-20", 100, 80, ev_method="physical")]

    found = of("project.ev", plan(rows, "03-13", 50, ("03-02", "03-20")))

    assert found["reason"] == "missing task.physical_progress on 1 of 1 rows"


def test_before_the_first_planned_cost_nothing_is_due() -> None:
    known = snapshot(
        day("03-13"),
        project=[{"code": "P1", "status_date": day("03-13"), "actual_start": day("03-02"), "progress": Decimal(20),
                  "baseline_cost": Decimal(100), "actual_cost": Decimal(20)}],
        cost_entry=[{"booked_on": day("03-31"), "amount": Decimal(100), "type": "planned"}],
    )  # fmt: skip

    assert of("project.pv", known)["value"] == 0
    assert of("project.spi", known)["reason"] == "nothing due yet"


def test_costs_that_came_back_give_no_index() -> None:
    found = of("project.cpi", simple(40, -5))

    assert (found["state"], found["reason"]) == ("grey", "invalid project.actual_cost: -5.0")


def test_money_spent_for_nothing_is_no_red_while_nobody_knows_how_much_time_has_gone() -> None:
    known = snapshot(day("03-13"), project=[{"code": "P1", "status_date": day("03-13"), "progress": Decimal(0),
                                             "baseline_cost": Decimal(100), "actual_cost": Decimal(8)}])  # fmt: skip

    found = of("project.cpi", known)

    assert (found["state"], found["reason"]) == ("grey", "missing project.baseline_finish")


def test_a_plan_of_one_day_is_over_on_that_day() -> None:
    known = plan([task("03-13", "03-13", 100, 0)], "03-13", 8, ("03-13", "03-13"))

    assert (of("project.cpi", known)["value"], of("project.cpi", known)["state"]) == (0, "red")


def test_progress_tells_that_a_project_has_begun() -> None:
    found = of("project.cpi", snapshot(project=[{"code": "P1", "progress": Decimal(40)}]))

    assert (found["state"], found["reason"]) == ("grey", "missing task.baseline_finish")


def test_hours_earn_value_where_there_is_no_baseline_cost() -> None:
    rows = [
        task("03-02", "03-20", None, 50, baseline_work=Decimal(80), actual_work=Decimal(50)),
        task("03-02", "03-20", None, 50, baseline_work=Decimal(20), actual_work=Decimal(10)),
    ]

    found = of("project.ev", plan(rows, "03-13", None, ("03-02", "03-20")))
    index = of("project.cpi", plan(rows, "03-13", None, ("03-02", "03-20")))

    assert (found["value"], found["unit"]) == (50, "h")
    assert index["value"] == pytest.approx(50 / 60)


def test_a_declared_estimate_comes_before_a_computed_one() -> None:
    found = of("project.vac_percent", v2(declared_eac=Decimal(52_000)))

    assert (found["value"], found["state"]) == (-4, "green")
    assert found["note"] == "estimate at completion: declared"


def test_costs_in_two_currencies_are_never_added() -> None:
    known = snapshot(
        day("03-13"),
        project=[{"code": "P1", "status_date": day("03-13"), "actual_start": day("03-02"), "currency": "EUR"}],
        task=[task("03-02", "03-20", 100, 50)],
        cost_entry=[
            {"booked_on": day("03-05"), "amount": Decimal(10), "currency": "EUR"},
            {"booked_on": day("03-06"), "amount": Decimal(10), "currency": "USD"},
        ],
    )

    found = of("project.cpi", known)

    assert (found["state"], found["reason"]) == ("grey", "mixed currencies: EUR, USD")


def test_booked_costs_count_up_to_the_status_date() -> None:
    known = snapshot(
        day("03-13"),
        project=[{"code": "P1", "status_date": day("03-13"), "actual_start": day("03-02")}],
        task=[task("03-02", "03-20", 100, 50)],
        cost_entry=[
            {"booked_on": day("03-05"), "amount": Decimal(30)},
            {"booked_on": day("03-20"), "amount": Decimal(30)},
        ],
    )

    assert of("project.ac", known)["value"] == 30


@pytest.mark.parametrize("measure", ["project.earned_schedule", "project.spi_t"])
def test_a_portfolio_without_any_baseline_has_no_earned_schedule(measure: str) -> None:
    found = of(measure, snapshot(project=[{"code": "P1", "actual_start": day("01-05"), "status_date": day("05-12")}]))

    assert (found["state"], found["reason"]) == ("grey", "missing task.baseline_finish")


def test_the_same_rows_give_the_same_sums() -> None:
    rows = [task("01-05", "06-30", 100_003 + 7 * number, number % 100) for number in range(3_000)]
    known = plan(rows, "03-31", 1_000, ("01-05", "06-30"))

    answers = [of("project.spi", known) for _ in range(5)]

    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(("status", "state"), [("03-03", "na"), ("03-04", "red")], ids=["5 %", "10 %"])
def test_money_for_nothing_is_red_from_a_tenth_of_the_planned_time_on(status: str, state: str) -> None:
    found = of("project.cpi", plan([task("03-02", "03-30", 100, 0)], status, 8, ("03-02", "03-30")))

    assert (found["value"], found["state"]) == (0, state)
