"""Programmes and portfolios: colours rolled up, G-04; benefits, G-05; and late reports (spec measures 3.11)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pmo_watch_plugins.rules import governance, raid
from snapshots import catalogue, evaluated, evidence, finding, snapshot

MEASURES = catalogue(*governance.pmo_watch_measures(), *raid.pmo_watch_measures())
RISK = {"id": "risk", "measure": "risk.level"}
RISKS: dict[str, dict[str, Any]] = {
    "green": {"likelihood": 2, "impact": 1},
    "amber": {"likelihood": 2, "impact": 2},
    "red": {"likelihood": 5, "impact": 5},
    "grey": {"likelihood": 2},
    "na": {"likelihood": 2, "impact": 2, "status": "closed"},
}
DIGITAL = {"uid": "program:d", "id": "D", "portfolio": "portfolio:all"}


def rolled(*projects: dict[str, Any], for_each: str = "program", **params: Any) -> dict[str, Any]:
    """Return the roll-up of projects, each with a `colour` and its fields."""
    rows = [
        {
            "code": f"P{number}",
            "program": "program:d",
            "portfolio": "portfolio:all",
            "currency": "EUR",
            **{name: value for name, value in one.items() if name != "colour"},
        }
        for number, one in enumerate(projects, 1)
    ]
    risks = [
        {"project": f"project:p{number}", "status": "approved", **RISKS[one["colour"]]}
        for number, one in enumerate(projects, 1)
        if one.get("colour")
    ]
    known = snapshot(project=rows, program=[DIGITAL], portfolio=[{"uid": "portfolio:all", "id": "ALL"}], risk=risks)
    rule = {"id": "it", "for_each": for_each, "measure": "program.rollup", "with": params}
    one = next(one for one in evaluated(MEASURES, known, rule, RISK).findings if one.rule == "it")
    assert not one.failed, one.failed
    row = one.rows().row(0, named=True)
    return {**row, "evidence": evidence(one).get(row["uid"], {})}


@pytest.mark.parametrize("for_each", ["program", "portfolio"])
@pytest.mark.parametrize(
    ("colours", "value", "state"),
    [
        (("green", "green"), 0, "green"),
        (("green", "amber", "grey"), 1, "amber"),
        (("red", "grey"), 2, "red"),
        (("green", "na"), 0, "green"),
    ],
)
def test_worst_project_decides(for_each: str, colours: tuple[str, ...], value: int, state: str) -> None:
    answer = rolled(*[{"colour": one} for one in colours], for_each=for_each)

    assert (answer["value"], answer["state"], answer["unit"]) == (value, state, "steps")


@pytest.mark.parametrize(
    ("projects", "state", "reason"),
    [
        ([], "na", "out of scope"),
        ([{"colour": "red", "state": "closed"}, {"colour": "red", "state": "on_hold"}], "na", "out of scope"),
        ([{"colour": "na"}], "na", "closed"),
        ([{}], "grey", "missing project.computed_rag"),
        ([{"colour": "grey"}], "grey", "missing risk.impact"),
        ([{"colour": "green"}, {"colour": "grey"}], "grey", "missing project.computed_rag on 1 of 2 rows"),
    ],
    ids=["no project", "none that runs", "none that applies", "nothing found", "grey", "green beside grey"],
)
def test_roll_up_without_a_colour(projects: list[dict[str, Any]], state: str, reason: str) -> None:
    answer = rolled(*projects or [{"program": None, "colour": "red"}])

    assert (answer["state"], answer["reason"], answer["value"]) == (state, reason, None)


def test_projects_are_named_by_colour_with_the_declared_colour_beside_the_computed_one() -> None:
    answer = rolled(
        {"colour": "red", "declared_rag": "green"}, {"colour": "amber", "declared_rag": "amber"}, {"colour": "red"}
    )

    evidence = answer["evidence"]
    assert (evidence["declared_status"], evidence["computed_status"]) == ("amber", "red")
    assert (evidence["red_projects"], evidence["amber_projects"]) == ("P1, P3", "P2")


def test_many_projects_of_a_colour_are_named_in_part() -> None:
    answer = rolled(*[{"colour": "red"}] * 12)

    assert answer["evidence"]["red_projects"] == "P1, P10, P11, P12, P2, P3, P4, P5, P6, P7 + 2"


def test_dimension_rolls_up_alone() -> None:
    assert rolled({"colour": "red"}, dimension="risk")["state"] == "red"
    assert rolled({"colour": "red"}, dimension="cost")["state"] == "grey"


# --- weighted -----------------------------------------------------------------------------------------------------


def test_share_of_red_projects_by_budget_g04() -> None:
    answer = rolled({"colour": "red", "budget": 300_000}, {"colour": "green", "budget": 1_700_000}, how="weighted")

    assert (answer["state"], answer["threshold"]) == ("amber", "program.red_share over 10 %")
    assert answer["evidence"]["program.red_share"] == "15"
    assert answer["value"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("red", "green", "state"), [(100, 900, "green"), (250, 750, "amber"), (260, 740, "red")], ids=["10", "25", "26"]
)
def test_share_is_compared_with_its_own_thresholds(red: int, green: int, state: str) -> None:
    answer = rolled({"colour": "red", "budget": red}, {"colour": "green", "budget": green}, how="weighted")

    assert answer["state"] == state


@pytest.mark.parametrize(
    ("projects", "reason"),
    [
        (({"budget": 5}, {}), "missing project.budget on 1 of 2 rows"),
        (({"budget": 5}, {"budget": 5, "currency": "USD"}), "mixed currencies: EUR, USD"),
        (({"budget": 0}, {"budget": 0}), "invalid project.budget: 0"),
    ],
)
def test_projects_that_cannot_be_weighed_are_grey(projects: tuple[dict[str, Any], ...], reason: str) -> None:
    answer = rolled(*[{"colour": "green", **one} for one in projects], how="weighted")

    assert (answer["state"], answer["reason"]) == ("grey", reason)


@pytest.mark.parametrize("colours", [("amber", "amber"), ("amber", "amber", "amber", "green")], ids=["mean 1", "less"])
def test_weighted_only_the_share_of_red_projects_decides(colours: tuple[str, ...]) -> None:
    answer = rolled(*[{"colour": one} for one in colours], how="weighted", weights="equal")

    assert (answer["state"], answer["evidence"].get("program.red_share", "0")) == ("green", "0")


def test_projects_may_weigh_the_same() -> None:
    answer = rolled({"colour": "red"}, {"colour": "green"}, {"colour": "grey"}, how="weighted", weights="equal")

    assert answer["state"] == "red"
    assert answer["evidence"]["program.red_share"] == "33.333333"
    assert answer["note"] == "1 of 3 rows left out"


# --- GO-09 --------------------------------------------------------------------------------------------------------


def benefit(*observations: dict[str, Any], for_each: str = "project", **indicator: Any) -> dict[str, Any]:
    """Return what is realised of one benefit of a project in programme D, whose last closed period is 2026-04."""
    about = {"uid": "indicator:b", "id": "B", "benefit": True, "unit": "EUR", **indicator}
    series = {"uid": "kpi|b", "indicator": "indicator:b", "scope": "project:p1", "project": "project:p1"}
    values = [
        {
            "indicator": "indicator:b",
            "scope": "project:p1",
            **{name: Decimal(told) if name in {"value", "target"} else told for name, told in one.items()},
        }
        for one in observations
    ]
    known = snapshot(
        project=[{"code": "P1", "program": "program:d"}],
        program=[DIGITAL],
        indicator=[about],
        kpi=[{**series, "program": "program:d", "period": "2026-04" if observations else None}],
        observation=values,
    )
    return finding(MEASURES, known, {"for_each": for_each, "measure": "project.benefit_realised"})


MARCH = {"period": "2026-03", "value": 30, "target": 40}
APRIL = {"period": "2026-04", "value": 50, "target": 60}


@pytest.mark.parametrize("for_each", ["project", "program"])
def test_benefits_are_summed_over_closed_periods_g05(for_each: str) -> None:
    may = {"period": "2026-05", "value": 1, "target": 60}

    answer = benefit(MARCH, APRIL, may, for_each=for_each)

    assert (answer["value"], answer["state"]) == (80, "amber")
    assert (answer["numerator"], answer["denominator"]) == (80, 100)


def test_a_correction_stands_for_its_period_unless_it_is_none_that_can_be() -> None:
    corrected = {"period": "2026-04", "value": 45, "target": 60, "uid": "b", "submitted_on": date(2026, 5, 2)}
    first = {**corrected, "value": 50, "uid": "a", "submitted_on": date(2026, 5, 1)}
    typo = {**corrected, "value": 9999, "uid": "c", "submitted_on": date(2026, 5, 3)}

    assert benefit(first, corrected, typo, max=Decimal(100))["numerator"] == 45


@pytest.mark.parametrize(("value", "state"), [(90, "green"), (89, "amber"), (75, "amber"), (74, "red")])
def test_benefit_thresholds(value: int, state: str) -> None:
    assert benefit({"period": "2026-04", "value": value, "target": 100})["state"] == state


def test_target_of_the_indicator_holds_where_the_period_has_none() -> None:
    assert benefit({"period": "2026-04", "value": 30}, target=Decimal(40))["value"] == 75


@pytest.mark.parametrize(
    ("observations", "reason"),
    [
        (({"period": "2026-04", "value": 30},), "missing observation.target"),
        (({"period": "2026-04", "target": 30},), "missing observation.value"),
        ((MARCH, {"period": "2026-04", "target": 30}), "missing observation.value on 1 of 2 rows"),
        (({"period": "2026-04", "value": 3, "target": 0},), "invalid observation.target: 0"),
    ],
)
def test_benefit_that_cannot_be_compared_is_grey(observations: tuple[dict[str, Any], ...], reason: str) -> None:
    answer = benefit(*observations)

    assert (answer["state"], answer["reason"]) == ("grey", reason)


def test_value_outside_the_plausible_range_is_not_counted_as_reached() -> None:
    answer = benefit({"period": "2026-04", "value": 999, "target": 30}, max=Decimal(100))

    assert (answer["state"], answer["reason"]) == ("grey", "missing observation.value")


def test_last_closed_period_that_nobody_delivered_is_missing() -> None:
    assert benefit(MARCH, target=Decimal(40))["reason"] == "missing observation.value on 1 of 2 rows"


def test_benefits_in_several_units_are_not_added_up() -> None:
    series = {"scope": "project:p1", "project": "project:p1", "period": "2026-04"}
    units = {"a": "EUR", "b": "h"}
    known = snapshot(
        indicator=[{"uid": f"indicator:{name}", "benefit": True, "unit": unit} for name, unit in units.items()],
        kpi=[{"uid": f"kpi|{name}", "indicator": f"indicator:{name}", **series} for name in units],
        observation=[
            {"indicator": f"indicator:{name}", "scope": "project:p1", "period": "2026-04", "value": 1, "target": 1}
            for name in units
        ],
    )

    answer = finding(MEASURES, known, {"measure": "project.benefit_realised"})

    assert (answer["state"], answer["reason"]) == ("grey", "invalid indicator.unit: EUR, h")


def test_no_benefit_and_no_closed_period_are_no_fault() -> None:
    assert benefit(benefit=False)["reason"] == "not configured"
    assert benefit()["reason"] == "nothing due yet"


# --- GO-02 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "submitted", "value", "state"),
    [
        (date(2026, 5, 13), None, 0, "green"),
        (date(2026, 5, 20), None, 0, "green"),
        (date(2026, 5, 12), None, 1, "amber"),
        (date(2026, 5, 8), None, 3, "red"),
        (date(2026, 4, 30), date(2026, 5, 4), 1, "amber"),
        (date(2026, 4, 30), date(2026, 4, 29), 0, "green"),
    ],
    ids=["due today", "ahead", "a day", "three days", "came late, 1 May between", "came early"],
)
def test_report_is_late_from_its_due_day_on(due: date, submitted: date | None, value: int, state: str) -> None:
    answer = report(due_on=due, submitted_on=submitted)

    assert (answer["value"], answer["state"]) == (value, state)


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        ({"due_on": None}, "grey", "missing status_report.due_on"),
        ({"due_on": date(2026, 5, 1), "kind": "contractor"}, "na", "out of scope"),
    ],
)
def test_report_of_a_contractor_or_without_a_day(row: dict[str, Any], state: str, reason: str) -> None:
    answer = report(**row)

    assert (answer["state"], answer["reason"]) == (state, reason)


def report(**row: Any) -> dict[str, Any]:
    known = snapshot(status_report=[{"period": "2026-04", **row}])
    return finding(MEASURES, known, {"measure": "status_report.days_late"})
