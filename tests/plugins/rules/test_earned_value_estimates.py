"""Estimates at completion and what they ask of the rest: spec measures 4.3, and what value and cost are made of."""

from decimal import Decimal
from typing import Any

import pytest
from snapshots import snapshot
from valued_plans import day, of, plan, simple, task, v1, v2

from pmo_watch.flow import SourceState


@pytest.mark.parametrize(
    ("method", "of_v1", "of_v2"),
    [("cpi", 125, 59_090.909091), ("at_plan", 110, 54_000), ("cpi_spi", 181.25, 63_603.305785)],
)
def test_estimate_by_each_method(method: str, of_v1: float, of_v2: float) -> None:
    first, second = (of("project.eac", known, eac_method=method) for known in (v1(40, 50, "04-30"), v2()))

    assert (first["value"], second["value"]) == (pytest.approx(of_v1), pytest.approx(of_v2, abs=1e-6))
    assert first["note"] == f"estimate at completion: {method}"


@pytest.mark.parametrize(
    ("against", "of_v1", "of_v2"),
    [("bac", (1.2, "red"), (1.166667, "red")), ("eac", (0.8, "green"), (0.846154, "green"))],
)
def test_to_complete_index(against: str, of_v1: tuple[float, str], of_v2: tuple[float, str]) -> None:
    first, second = (of("project.tcpi", known, against=against) for known in (v1(40, 50, "04-30"), v2()))

    assert (first["value"], first["state"]) == (pytest.approx(of_v1[0], abs=1e-6), of_v1[1])
    assert (second["value"], second["state"]) == (pytest.approx(of_v2[0], abs=1e-6), of_v2[1])


def test_declared_estimate_that_needs_a_better_pace_e02() -> None:
    known = v1(40, 50, "04-30", declared_eac=Decimal(110))

    index, realism = of("project.tcpi", known, against="eac"), of("project.eac_realism", known)

    assert index["value"] == 1
    assert (realism["value"], realism["state"]) == (pytest.approx(0.2), "red")
    assert (realism["evidence"]["index_wanted"], realism["evidence"]["index_so_far"]) == ("1", "0.8")


def test_what_was_to_be_spent_is_spent_and_work_is_left_e08() -> None:
    found = of("project.tcpi", simple(70, 100))

    assert (found["state"], found["value"], found["reason"]) == ("red", None, "budget exhausted")


@pytest.mark.parametrize("measure", ["project.tcpi", "project.eac_realism"])
def test_nothing_is_left_to_complete_e09(measure: str) -> None:
    found = of(measure, simple(100, 90, declared_eac=Decimal(95)))

    assert (found["state"], found["reason"]) == ("na", "done")


@pytest.mark.parametrize(
    ("measure", "known", "reason"),
    [
        ("project.tcpi", simple(10, 15), "too early"),
        ("project.eac_realism", simple(10, 15, declared_eac=Decimal(90)), "too early"),
        ("project.tcpi", simple(0, 0), "not started"),
        ("project.cv_percent", simple(0, 8), "too early"),
        ("project.eac", simple(0, None, actual_start=None), "not started"),
    ],
    ids=["early index", "early realism", "nothing yet", "nothing earned", "not begun"],
)
def test_question_does_not_arise(measure: str, known: Any, reason: str) -> None:
    found = of(measure, known)

    assert (found["state"], found["reason"]) == ("na", reason)


@pytest.mark.parametrize(
    ("measure", "params", "known", "reason"),
    [
        ("project.tcpi", {}, simple(20, 0), "invalid project.actual_cost: 0"),
        ("project.tcpi", {}, simple(20, None), "missing project.actual_cost"),
        ("project.tcpi", {"against": "eac", "eac_method": "declared"}, simple(20, 30), "missing project.declared_eac"),
        ("project.eac_realism", {}, simple(20, 30), "missing project.declared_eac"),
        ("project.eac_realism", {}, simple(20, 30, declared_eac=Decimal(30)), "invalid project.declared_eac: 30.0"),
        ("project.cv_percent", {}, simple(20, None), "missing project.actual_cost"),
        ("project.eac", {"eac_method": "cpi"}, simple(20, 0), "invalid project.actual_cost: 0"),
        ("project.eac", {"eac_method": "cpi"}, simple(0, 8), "invalid project.cpi: 0"),
        ("project.eac", {"eac_method": "cpi_spi"}, simple(20, 8, "03-01"), "invalid project.pv: 0"),
        ("project.eac", {"eac_method": "bottom_up"}, simple(20, 8), "missing project.remaining_cost"),
        ("project.eac", {"eac_method": "bottom_up"}, simple(20, None), "missing project.actual_cost"),
        ("project.eac", {}, simple(10, 15), "missing project.remaining_cost"),
        ("project.vac_percent", {}, simple(10, 15), "missing project.remaining_cost"),
    ],
)
def test_what_is_missing_is_named(measure: str, params: dict[str, Any], known: Any, reason: str) -> None:
    found = of(measure, known, **params)

    assert (found["state"], found["reason"]) == ("grey", reason)


def test_variances_show_their_amounts() -> None:
    cost, whole = of("project.cv_percent", v2()), of("project.vac_percent", v2())

    assert (cost["value"], cost["state"]) == (pytest.approx(-18.181818, abs=1e-6), "red")
    assert cost["evidence"]["project.cv"] == "-4000"
    assert whole["evidence"]["project.vac"] == "-9090.909091"


# --- hours and money ----------------------------------------------------------------------------------------------


def hours(**project: Any) -> Any:
    """Return a plan whose value is 100 hours, of which 50 are earned for 60."""
    rows = [
        task("03-02", "03-20", None, 50, baseline_work=Decimal(80), actual_work=Decimal(50)),
        task("03-02", "03-20", None, 50, baseline_work=Decimal(20), actual_work=Decimal(10)),
    ]
    return plan(rows, "03-13", None, ("03-02", "03-20"), **project)


def test_an_estimate_from_hours_is_in_hours_and_a_declared_one_in_money() -> None:
    counted, declared = of("project.eac", hours()), of("project.eac", hours(declared_eac=Decimal(9_000)))

    assert (counted["value"], counted["unit"]) == (120, "h")
    assert (declared["value"], declared["unit"]) == (9_000, "EUR")


def test_money_is_never_set_against_hours() -> None:
    known = hours(declared_eac=Decimal(9_000))

    realism, index = of("project.eac_realism", known), of("project.tcpi", known, against="eac")

    assert (realism["state"], realism["reason"]) == ("grey", "missing task.baseline_cost")
    assert index["value"] == pytest.approx(50 / 60), "by the cost index, which is in hours"
    assert of("project.vac_percent", known)["reason"] == "missing project.baseline_cost"


def test_who_asks_for_hours_gets_no_money() -> None:
    known = plan([task("03-02", "03-20", None, 50)], "03-13", 40, ("03-02", "03-20"), baseline_cost=Decimal(100))

    found = of("project.ev", known, value="work")

    assert (found["state"], found["reason"]) == ("grey", "missing task.baseline_work")


def test_value_in_another_currency_than_cost_gives_no_index() -> None:
    known = simple(40, 50, **{"currency": "EUR", "@currency:cost": "EUR", "@currency:schedule": "USD"})

    found = of("project.cpi", known)

    assert (found["state"], found["reason"]) == ("grey", "mixed currencies: EUR, USD")
    assert of("project.ac", known)["value"] == 50


# --- what earns value ---------------------------------------------------------------------------------------------


def tickets(*points: tuple[int | None, bool]) -> list[dict[str, Any]]:
    return [{"story_points": None if one is None else Decimal(one), "done": done} for one, done in points]


def test_story_points_earn_value_and_tickets_without_any_are_said() -> None:
    known = plan(tickets((5, True), (3, True), (8, False), (None, True)), "03-13", 50, ("03-02", "03-20"),
                 baseline_cost=Decimal(200))  # fmt: skip

    found = of("project.cpi", known, ev_progress="points")

    assert found["value"] == 2, "8 of 16 points earn 100 of 200"
    assert found["note"] == "1 of 4 rows left out: no story points"


def test_without_story_points_nothing_can_be_earned_by_them() -> None:
    known = plan(tickets((None, True)), "03-13", 50, ("03-02", "03-20"), baseline_cost=Decimal(200))

    found = of("project.ev", known, ev_progress="points")

    assert (found["state"], found["reason"]) == ("grey", "missing task.story_points")


def test_only_what_is_done_earns_where_the_rule_says_so() -> None:
    known = v2(progress=Decimal(60))

    assert of("project.ev", known, ev_progress="done_only")["value"] == 10_000


@pytest.mark.parametrize(("progress", "value"), [(60, 0), (100, 100)])
def test_a_project_without_a_plan_is_done_or_not(progress: int, value: int) -> None:
    known = snapshot(project=[{"code": "P1", "actual_start": day("03-02"), "baseline_cost": Decimal(100),
                               "progress": Decimal(progress)}])  # fmt: skip

    assert of("project.ev", known, ev_progress="done_only")["value"] == value


def test_physical_progress_earns_where_the_row_says_so() -> None:
    row = task("03-02", "03-20", 100, 80, physical_progress=Decimal(30), ev_method="physical")

    assert of("project.ev", plan([row], "03-13", 50, ("03-02", "03-20")))["value"] == 30


def test_rows_without_a_value_are_left_out_and_counted() -> None:
    rows = [task("03-02", "03-20", 10, 50) for _ in range(19)] + [task("03-02", "03-20", None, 0)]

    found = of("project.bac", plan(rows, "03-13", 50, ("03-02", "03-20")))

    assert (found["value"], found["note"]) == (190, "1 of 20 rows left out: no baseline value")


# --- what was spent -----------------------------------------------------------------------------------------------


def test_costs_of_rows_add_up_where_nothing_else_is_known() -> None:
    rows = [task("03-02", "03-20", 50, 50, actual_cost=Decimal(20)), task("03-16", "03-20", 50, 0)]

    assert of("project.ac", plan(rows, "03-13", None, ("03-02", "03-20")))["value"] == 20


def test_a_row_that_began_and_does_not_say_its_cost_makes_the_sum_unknown() -> None:
    rows = [task("03-02", "03-20", 50, 50, actual_cost=Decimal(20)), task("03-02", "03-20", 50, 50)]

    found = of("project.cpi", plan(rows, "03-13", None, ("03-02", "03-20")))

    assert (found["state"], found["reason"]) == ("grey", "missing task.actual_cost on 1 of 2 rows")


def test_a_total_of_another_day_says_so() -> None:
    found = of("project.cpi", v2(actual_cost_as_of=day("02-27")))

    assert found["note"] == "actual cost of 2026-02-27"


def test_progress_by_effort_says_that_the_index_follows_from_the_estimate() -> None:
    known = snapshot(
        day("03-13"),
        project=[{"code": "P1", "status_date": day("03-13"), "actual_start": day("03-02"), "actual_cost": Decimal(50)}],
        task=[task("03-02", "03-20", 100, 40)],
        sources={"plans": SourceState("plans", "dynamics")},
    )

    assert of("project.cpi", known)["note"] == "derived from EAC"
    assert of("project.eac", known)["note"] == "estimate at completion: cpi; derived from EAC"
    assert not of("project.spi", known)["note"]


MONEYS: dict[str, Any] = {"currency": "EUR", "@currency:schedule": "EUR", "@currency:cost": "USD"}


def test_amounts_are_shown_in_the_currency_they_are_in() -> None:
    known = simple(40, 50, declared_eac=Decimal(120), **MONEYS)

    units = {name: of(f"project.{name}", known)["unit"] for name in ("bac", "ev", "ac", "eac")}

    assert units == {"bac": "EUR", "ev": "EUR", "ac": "USD", "eac": "USD"}


@pytest.mark.parametrize(
    ("measure", "params"),
    [("project.vac_percent", {}), ("project.tcpi", {"against": "eac"}), ("project.eac_realism", {})],
)
def test_an_estimate_in_another_currency_is_never_set_against_value(measure: str, params: dict[str, Any]) -> None:
    known = snapshot(
        day("03-13"),
        project=[{"code": "P1", "status_date": day("03-13"), "declared_eac": Decimal(120), **MONEYS}],
        task=[task("03-02", "05-12", 100, 40)],
        cost_entry=[{"booked_on": day("03-05"), "amount": Decimal(50), "currency": "EUR"}],
    )

    found = of(measure, known, **params)

    assert (found["state"], found["reason"]) == ("grey", "mixed currencies: EUR, USD")


def test_an_estimate_and_a_baseline_in_one_currency_need_no_cost_in_it() -> None:
    known = snapshot(
        day("03-13"),
        project=[{"code": "P1", "status_date": day("03-13"), "declared_eac": Decimal(120), "currency": "EUR"}],
        task=[task("03-02", "05-12", 100, 40)],
        cost_entry=[{"booked_on": day("03-05"), "amount": Decimal(50), "currency": "USD"}],
    )

    assert of("project.vac_percent", known)["value"] == -20


@pytest.mark.parametrize(("earned", "method"), [(15, "cpi"), (14, "bottom_up")])
def test_the_cost_index_is_believed_from_the_earned_share_on(earned: int, method: str) -> None:
    found = of("project.eac", simple(earned, 20, remaining_cost=Decimal(70)))

    assert found["note"] == f"estimate at completion: {method}"
