"""Formulas: what they give, when they are grey or not applicable, and what they are shown with."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from made_measures import measure
from pmo_watch_plugins.rules import budget, expression
from snapshots import catalogue, finding, found, rules, snapshot

from pmo_watch.contracts import Measure
from pmo_watch.flow import Organisation, Since
from pmo_watch.needed import wishes
from pmo_watch.rules import Unit

INDEX = measure("project.index", pl.col("tolerance_scope_amber"), Unit.RATIO, needs=("tolerance_scope_amber",))
MEASURES = catalogue(*expression.pmo_watch_measures(), *budget.pmo_watch_measures(), INDEX)


def asked(formula: str, unit: str, for_each: str = "project", **more: Any) -> dict[str, Any]:
    """Return a rule with that formula, which is never over its threshold."""
    suffix = "" if unit in {"ratio", "count", "money", "steps"} else f" {unit}"
    params = {"formula": formula, "unit": unit}
    return {"for_each": for_each, "measure": "rule.formula", "with": params, "red": f"over 999999{suffix}", **more}


def of(formula: str, unit: str = "count", **project: Any) -> dict[str, Any]:
    """Return the finding on one project; numbers are amounts and figures."""
    row = {name: Decimal(str(one)) if type(one) in {int, float} else one for name, one in project.items()}
    return finding(MEASURES, snapshot(project=[{"code": "P1", **row}]), asked(formula, unit))


@pytest.mark.parametrize(
    ("formula", "unit", "value"),
    [
        ("project.actual_cost - project.budget", "money", -40),
        ("actual_cost / budget", "ratio", 0.6),
        ("100 * project.actual_cost / project.budget", "%", 60),
        ("project.actual_cost / project.budget * 100", "%", 60),
        ("project.budget - project.actual_cost - 10 - 5", "money", 25),
        ("project.budget - (project.actual_cost - 10)", "money", 50),
        ("2 + 3 * 4 - project.budget / 5 / 2", "money", 4),
        ("-project.budget + 2", "money", -98),
        ("abs(project.actual_cost - project.budget)", "money", 40),
        ("min(project.budget, project.actual_cost, 70)", "money", 60),
        ("MAX(project.budget, project.actual_cost)", "money", 100),
        ("first(project.committed_cost, project.actual_cost)", "money", 60),
        ("first(project.committed_cost, 0) + project.actual_cost", "money", 60),
        ("if(project.actual_cost over 50, 1, project.budget)", "money", 1),
        ("if(project.actual_cost at most 50, 1, project.budget)", "money", 100),
        ("if(project.state is executing and not project.strategic, 1, 0) + 0 * project.budget", "count", 1),
        ('if(project.state = "planning" or project.strategic is true, 1, 0)', "count", 0),
        ("if(project.state is not planning, 1, 0)", "count", 1),
        ("if(project.committed_cost missing and project.budget present, 1, 0)", "count", 1),
        ("if(project.baseline_finish under project.forecast_finish, 1, 0)", "count", 1),
        ("if(project.baseline_finish >= 2026-06-01, 1, 0)", "count", 0),
        ("wd(project.baseline_finish, project.forecast_finish)", "wd", 3),
        ("d(project.baseline_finish, project.forecast_finish)", "d", 6),
        ("wd(today, project.forecast_finish)", "wd", 2),
        ("d(as_of, today)", "d", 2),
        ("wd(project.baseline_finish, max(project.forecast_finish, today))", "wd", 3),
        ("if(project.progress under 50, 2, 1) * project.index", "ratio", 1.6),
        ("project.budget_used - project.progress", "pp", 20),
        ("1.5 * project.index", "ratio", 1.2),
    ],
)
def test_formula_gives(formula: str, unit: str, value: float) -> None:
    if "project." not in formula and "cost" not in formula:
        formula = f"{formula} + 0 * project.progress"

    result = of(
        formula,
        unit,
        budget=100,
        actual_cost=60,
        progress=40,
        tolerance_scope_amber=0.8,
        state="executing",
        strategic=False,
        baseline_finish=date(2026, 5, 12),
        forecast_finish=date(2026, 5, 18),
        status_date=date(2026, 5, 11),
    )

    assert (result["value"], result["state"], result["unit"]) == (value, "green", "EUR" if unit == "money" else unit)


TOO_LARGE = " * ".join(["999999999999999"] * 21)


@pytest.mark.parametrize(
    ("formula", "unit", "project", "reason"),
    [
        ("project.actual_cost - project.budget", "money", {"budget": 1}, "missing project.actual_cost"),
        ("actual_cost - budget", "money", {"budget": 1}, "missing project.actual_cost"),
        ("max(project.actual_cost, project.budget)", "money", {"budget": 1}, "missing project.actual_cost"),
        ("first(project.actual_cost, project.budget)", "money", {}, "missing project.actual_cost"),
        ("actual_cost / budget", "ratio", {"budget": 0, "actual_cost": 1}, "invalid project.budget: 0"),
        (
            "1 / (budget - actual_cost - 0.1)",
            "ratio",
            {"budget": 0.3, "actual_cost": 0.2},
            "invalid formula: (budget - actual_cost - 0.1) = 0",
        ),
        ("if(budget over 1, 1, 2)", "count", {}, "missing project.budget"),
        ("if(budget over 1, actual_cost, 2)", "money", {"budget": 2}, "missing project.actual_cost"),
        ("if(strategic or budget over 1, 1, 2)", "count", {"strategic": False}, "missing project.budget"),
        ("wd(baseline_finish, today)", "wd", {}, "missing project.baseline_finish"),
        ("wd(baseline_finish, 2150-01-01)", "wd", {"baseline_finish": date(2026, 5, 1)}, "invalid calendar.id: be"),
        ("project.index * 2", "ratio", {}, "missing project.tolerance_scope_amber"),
        ("project.budget_used / 100", "ratio", {"budget": 0}, "missing project.budget"),
        (f"{TOO_LARGE} * budget", "money", {"budget": 1}, f"invalid formula: {TOO_LARGE[:59]}… = ∞"),
        (f"budget / ({TOO_LARGE})", "ratio", {"budget": 1}, f"invalid formula: ({TOO_LARGE[:58]}… = ∞"),
    ],
)
def test_formula_without_a_value_is_grey_and_says_why(
    formula: str, unit: str, project: dict[str, Any], reason: str
) -> None:
    result = of(formula, unit, **project)

    assert (result["state"], result["reason"], result["value"]) == ("grey", reason, None)


@pytest.mark.parametrize(
    ("formula", "project", "reason"),
    [
        ("actual_cost / budget", {"budget": 0, "actual_cost": 0}, "nothing due yet"),
        ("actual_cost / budget", {"budget": 1, "actual_cost": 1, "state": "closed"}, "closed"),
        ("project.index * project.done_share", {"tolerance_scope_amber": 1}, "not started"),
        ("first(project.done_share, project.done_share * 2)", {}, "not started"),
    ],
)
def test_formula_is_not_applicable_where_nothing_is_asked_of_its_parts(
    formula: str, project: dict[str, Any], reason: str
) -> None:
    row = {name: Decimal(one) if isinstance(one, int) else one for name, one in project.items()}

    result = finding({**MEASURES, **NOT_STARTED}, snapshot(project=[{"code": "P1", **row}]), asked(formula, "ratio"))

    assert (result["state"], result["reason"]) == ("na", reason)


NOT_STARTED = catalogue(
    measure(
        "project.done_share",
        pl.lit(0.5),
        Unit.RATIO,
        parts={"not_applicable": pl.when(pl.col("actual_start").is_null()).then(pl.lit("not started"))},
        companions={"project.done_twice": Unit.RATIO},
    )
)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("first(project.done_share, 7)", 7),
        ("if(project.done_share over 0.1, 1, 2)", 2),
        ("if(project.done_share missing or project.done_share present, 1, 2)", 2),
        ("if(not project.done_share over 0.1, 1, 2)", 1),
    ],
)
def test_a_condition_on_a_measure_that_does_not_apply_is_false_as_in_rules(formula: str, value: float) -> None:
    result = finding({**MEASURES, **NOT_STARTED}, snapshot(), asked(formula, "count"))

    assert (result["state"], result["value"]) == ("green", value)


def test_formula_reads_what_a_measure_gives_beside_its_value() -> None:
    spare = measure("project.spare", pl.lit(3.0), companions={"project.left": Unit.COUNT}, parts=COMPANION)

    result = finding(
        {**MEASURES, **catalogue(spare)}, snapshot(), asked("project.left * project.spare", "count", red="over 1")
    )

    assert (result["value"], result["evidence"]) == (12, {"project.left": "4", "project.spare": "3"})


COMPANION = {"companions": {"project.left": pl.lit(4.0)}}


def test_formula_over_a_milestone_reads_its_project_and_its_own_calendar() -> None:
    row = {"baseline_finish": date(2026, 5, 11), "forecast_finish": date(2026, 5, 15), "cost": Decimal(20)}
    known = snapshot(project=[{"code": "P1", "budget": Decimal(80)}], milestone=[row])
    slip = "wd(milestone.baseline_finish, milestone.forecast_finish)"

    days = finding(MEASURES, known, asked(slip, "wd", "milestone", red="over 2 wd"))
    share = finding(MEASURES, known, asked("100 * milestone.cost / project.budget", "%", "milestone", red="over 20 %"))

    assert (days["value"], share["value"]) == (3, 25)  # Ascension day is no working day
    assert days["evidence"] == {"milestone.baseline_finish": "2026-05-11", "milestone.forecast_finish": "2026-05-15"}
    assert share["evidence"] == {"milestone.cost": "20", "project.budget": "80"}
    assert (share["numerator"], share["denominator"]) == (20, 80)


def test_durations_count_in_working_days_of_the_plan() -> None:
    tasks = [{"duration": 960, "project": "project:p1"}, {"duration": 960, "project": "project:p2"}]
    known = snapshot(project=[{"code": "P1"}, {"code": "P2", "minutes_per_day": 240}], task=tasks)

    (one,) = found(MEASURES, known, asked("task.duration + 1", "wd", "task"))

    assert one.frame["value"].to_list() == [3, 5]


def test_instants_count_as_days_of_the_organisation() -> None:
    late = datetime(2026, 5, 11, 23, 30, tzinfo=UTC)
    known = snapshot(task=[{"created_at": late}], organisation=Organisation(calendar="be"))

    assert finding(MEASURES, known, asked("d(task.created_at, today)", "d", "task"))["value"] == 1


def test_amounts_in_two_currencies_are_never_computed_with() -> None:
    amounts = {"budget": Decimal(100), "actual_cost": Decimal(50)}
    written = {"@currency:register": "USD", "@currency:cost": "EUR"}
    known = snapshot(project=[{"code": "P1", **amounts, **written}, {"code": "P2", **amounts}])

    two, one = found(
        MEASURES,
        known,
        asked("first(project.budget - project.actual_cost, 0)", "money"),
        asked("project.budget + 1", "money"),
    )

    assert two.frame["reason"].to_list() == [None, None]
    assert two.frame["value"].to_list() == [0, 50]
    assert one.frame["value"].to_list() == [101, 101]
    (bare,) = found(MEASURES, known, asked("project.budget - project.actual_cost", "money"))
    assert bare.frame["reason"].to_list() == ["mixed currencies: EUR, USD", None]


@pytest.mark.parametrize(("critical", "value"), [(True, 1), (False, 2), (None, None)])
def test_a_flag_that_nobody_knows_is_neither_yes_nor_no(critical: bool | None, value: float | None) -> None:
    known = snapshot(milestone=[{"critical": critical}])

    result = finding(MEASURES, known, asked("if(not milestone.critical, 2, 1)", "count", "milestone"))

    assert (result["value"], result["reason"]) == (value, None if value else "missing milestone.critical")


def test_a_list_without_items_is_missing() -> None:
    tasks: list[dict[str, Any]] = [{"labels": ["a"]}, {"labels": []}, {}]

    (one,) = found(MEASURES, snapshot(task=tasks), asked("if(task.labels missing, 1, 0)", "count", "task"))

    assert one.frame["value"].to_list() == [0, 1, 1]


@pytest.mark.parametrize(
    ("for_each", "formula", "note"),
    [
        ("project", "project.budget * 1", "as_of"),
        ("project", "d(project.baseline_finish, today)", "today"),
        ("risk", "risk.likelihood * risk.impact", "today"),
        ("milestone", "wd(milestone.deadline, as_of)", "as_of"),
    ],
)
def test_formula_is_dated_by_the_clock_it_reads(for_each: str, formula: str, note: str) -> None:
    unit = "money" if "budget" in formula else formula[: formula.index("(")] if "(" in formula else "count"
    project = {"code": "P1", "status_date": date(2026, 5, 4)}
    known = snapshot(project=[project], milestone=[{}], risk=[{}])

    (one,) = found(MEASURES, known, asked(formula, unit, for_each))

    assert one.frame["as_of"].to_list() == [date(2026, 5, 4) if note == "as_of" else date(2026, 5, 13)]


def test_formula_asks_for_the_history_of_the_measures_it_names() -> None:
    wish = Since("project", "state")
    aged: Measure[Any] = measure("project.aged", pl.lit(1.0), past=lambda _: (wish,))
    known = {**MEASURES, **catalogue(aged)}

    assert wishes(rules(known, asked("project.aged * 2", "count")), known) == {wish}
    assert wishes(rules(known, asked("project.budget * 2", "money")), known) == set()


def test_measure_that_a_formula_names_is_asked_with_its_own_defaults() -> None:
    rule = asked("project.budget_used + 0", "%")
    both = {
        "for_each": "project",
        "measures": [
            {name: rule[name] for name in ("measure", "with", "red")},
            {"measure": "project.budget_used", "with": {"require_approved": False}},
        ],
    }
    project = {"code": "P1", "budget": Decimal(10), "actual_cost": Decimal(5), "budget_status": "draft"}

    result = finding(MEASURES, snapshot(project=[project]), both)

    assert (result["state"], result["reason"]) == ("grey", "invalid project.budget_status: draft")


def test_formula_that_names_others_findings_is_evaluated_after_them() -> None:
    seen: list[list[str]] = []

    def findings(_: Any, view: Any) -> Any:
        seen.append(sorted(view.findings))
        return view.rows.select("uid", value=pl.lit(float(len(view.findings))))

    late = Measure("project.found", "project", Unit.COUNT, INDEX.params, (), findings, after_others=True)
    known = {**MEASURES, **catalogue(late)}

    formula, _ = found(
        known, snapshot(), asked("project.found * 1", "count"), asked("d(project.deadline, today)", "d", id="other")
    )

    assert formula.frame["value"].to_list() == [1]
    assert seen == [["other"]]


def test_measures_that_read_each_other_are_named_and_do_not_loop() -> None:
    def read(name: str) -> Any:
        return lambda _, view: view.rows.select("uid").hstack([view.measured(name)["value"]])

    known = catalogue(
        Measure("project.hen", "project", Unit.COUNT, INDEX.params, (), read("project.egg")),
        Measure("project.egg", "project", Unit.COUNT, INDEX.params, (), read("project.hen")),
    )

    (one,) = found(known, snapshot(), {"measure": "project.hen", "red": "over 1"})

    assert one.failed == "project.hen cannot be computed from itself"


def test_conditions_on_the_formula_mean_the_one_beside_them() -> None:
    def item(formula: str, unit: str, red: str) -> dict[str, Any]:
        condition = {"any": [{"measure": "rule.formula", "is": red}]}
        return {"measure": "rule.formula", "with": {"formula": formula, "unit": unit}, "red": condition}

    project = {"code": "P1", "budget": Decimal(50), "effort_actual": Decimal(7)}
    items = [item("project.budget * 1", "money", "over 90"), item("project.effort_actual * 1", "h", "over 5 h")]

    result = finding(MEASURES, snapshot(project=[project]), {"for_each": "project", "measures": items})

    assert (result["state"], result["value"], result["unit"]) == ("red", 7, "h")
