"""Levels, reviews, age, decisions: the vectors R-01 to R-05 and R-08 to R-13 of spec measures 4.8."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pmo_watch_plugins.rules import raid
from snapshots import catalogue, finding, snapshot

MEASURES = catalogue(*raid.pmo_watch_measures())


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def of(measure: str, today: str = "03-11", params: dict[str, Any] | None = None, **row: Any) -> dict[str, Any]:
    """Return the finding on one row of the register that the measure is for."""
    entity = measure.partition(".")[0]
    rows: dict[str, Any] = {entity: [row]}
    known = snapshot(day(today), **rows)
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


@pytest.mark.parametrize(
    ("likelihood", "impact", "value", "state"),
    [(1, 2, 2, "green"), (1, 3, 3, "amber"), (4, 4, 16, "amber"), (4, 5, 20, "red")],
    ids=["R-01 low", "R-01 amber", "R-01 high amber", "R-01 red"],
)
def test_risk_level(likelihood: int, impact: int, value: int, state: str) -> None:
    found = of("risk.level", status="approved", likelihood=likelihood, impact=impact)

    assert (found["value"], found["state"]) == (value, state)


def test_a_risk_without_impact_is_grey_r02() -> None:
    found = of("risk.level", status="approved", likelihood=3)

    assert (found["state"], found["reason"]) == ("grey", "missing risk.impact")


@pytest.mark.parametrize(("status", "opportunity"), [("closed", False), ("rejected", False), ("approved", True)])
def test_closed_risks_and_chances_are_left_out(status: str, opportunity: bool) -> None:
    found = of("risk.level", status=status, likelihood=5, impact=5, opportunity=opportunity)

    assert found["state"] == "na"


def test_a_chance_is_measured_where_the_rule_mirrors_it() -> None:
    params = {"opportunities": "mirror"}

    found = of("risk.level", params=params, status="approved", likelihood=5, impact=5, opportunity=True)

    assert found["state"] == "red"


@pytest.mark.parametrize(
    ("likelihood", "impact", "today", "value", "state"),
    [
        pytest.param(4, 4, "03-11", 2, "amber", id="R-03"),
        pytest.param(4, 4, "03-17", 6, "red", id="R-04"),
        pytest.param(2, 3, "03-16", 0, "green", id="R-05"),
        pytest.param(3, 5, "03-17", 6, "red", id="15 is high"),
        pytest.param(5, 1, "03-17", 1, "amber", id="5 is medium"),
        pytest.param(4, 1, "03-17", -9, "green", id="4 is low"),
    ],
)
def test_review_late(likelihood: int, impact: int, today: str, value: int, state: str) -> None:
    row: dict[str, Any] = {
        "status": "approved",
        "likelihood": likelihood,
        "impact": impact,
        "last_reviewed_on": day("03-02"),
    }

    found = of("risk.review_late", today, **row)

    assert (found["value"], found["state"]) == (value, state)


def test_a_risk_that_was_never_reviewed_counts_from_its_beginning() -> None:
    row: dict[str, Any] = {"status": "approved", "likelihood": 4, "impact": 4, "identified_on": day("03-02")}

    assert of("risk.review_late", "03-11", **row)["value"] == 2


def test_a_change_of_the_row_counts_as_a_review_where_the_rule_says_so() -> None:
    late = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)  # the 6th in Brussels
    row: dict[str, Any] = {"status": "approved", "likelihood": 4, "impact": 4, "updated_at": late}
    params = {"review_from": "updated"}

    found = of("risk.review_late", "03-16", params, **row)
    reviewed = of("risk.review_late", "03-16", params, **row, last_reviewed_on=day("03-02"))

    assert (found["value"], found["note"]) == (1, "last change taken for the review")
    assert (reviewed["value"], reviewed["note"]) == (5, None)
    assert of("risk.review_late", "03-16", **row)["reason"] == "missing risk.identified_on"


@pytest.mark.parametrize(
    ("severity", "today", "value", "state"),
    [
        pytest.param(5, "03-16", 10, "amber", id="R-08"),
        pytest.param(5, "03-17", 11, "red", id="R-09"),
        pytest.param(3, "03-17", 11, "green", id="R-10"),
        (4, "03-17", 11, "amber"),
    ],
)
def test_issue_age(severity: int, today: str, value: int, state: str) -> None:
    found = of("issue.age", today, status="open", urgency=severity, impact=1, raised_on=day("03-02"))

    assert (found["value"], found["state"]) == (value, state)


def test_an_issue_without_severity_is_grey_and_a_resolved_one_is_over() -> None:
    assert of("issue.age", status="open", raised_on=day("03-02"))["reason"] == "missing issue.severity"
    assert of("issue.age", status="resolved", raised_on=day("03-02"), urgency=5)["reason"] == "closed"


@pytest.mark.parametrize(
    ("row", "today", "value", "state"),
    [
        pytest.param({"needed_by": "05-18"}, "05-13", 2, "amber", id="R-11"),
        pytest.param({"needed_by": "05-18"}, "05-19", -1, "red", id="R-12"),
        pytest.param({"requested_on": "05-11"}, "05-20", 4, "amber", id="R-13"),
    ],
)
def test_days_until_a_decision(row: dict[str, str], today: str, value: int, state: str) -> None:
    days: dict[str, Any] = {name: day(text) for name, text in row.items()}

    found = of("decision.days_left", today, **days)

    assert (found["value"], found["state"]) == (value, state)


def test_an_assumed_day_is_said() -> None:
    assert (
        of("decision.days_left", "05-20", requested_on=day("05-11"))["note"] == "assumed 10 wd after it was asked for"
    )
