"""Gates, founding documents, ageing, approval and minutes: the vector D-03 of spec measures 4.9, and the edges."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import documents
from snapshots import catalogue, finding, snapshot

from pmo_watch.flow import Organisation, Since, Wish
from pmo_watch.needed import wishes
from pmo_watch.rules import RuleSet

MEASURES = catalogue(*documents.pmo_watch_measures())
TODAY = date(2026, 5, 13)
PLANNING = {"M": {"planning": ("work_plan", "risk_log", "handbook")}}
SETS = Organisation(calendar="be", document_sets=PLANNING)


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def approved(*names: str) -> list[dict[str, Any]]:
    return [{"artefact": name, "status": "approved"} for name in names]


# --- gates --------------------------------------------------------------------------------------------------------


def gate(rows: list[dict[str, Any]], params: dict[str, Any] | None = None, **gate: Any) -> dict[str, Any]:
    known = snapshot(
        TODAY,
        project=[{"code": "P1", "size_class": "M"}],
        gate=[{"code": "rfe", **gate}],
        document=rows,
        organisation=SETS,
    )
    return finding(MEASURES, known, {"measure": "gate.documents_missing", **({"with": params} if params else {})})


@pytest.mark.parametrize(("planned", "state"), [("06-02", "amber"), ("05-29", "red"), ("05-04", "red")])
def test_documents_that_a_near_gate_lacks_are_counted_d03(planned: str, state: str) -> None:
    found = gate(approved("work_plan"), planned_on=day(planned))

    assert (found["value"], found["state"]) == (2, state)
    assert found["evidence"]["missing_documents"] == "handbook, risk_log"


def test_a_gate_is_near_from_twenty_working_days_on() -> None:
    assert gate(approved("work_plan"), planned_on=day("06-12"))["value"] == 2
    assert gate(approved("work_plan"), planned_on=day("06-15"))["reason"] == "not in window"


def test_a_near_gate_with_all_its_documents_is_green() -> None:
    found = gate(approved("work_plan", "risk_log", "handbook"), planned_on=day("05-20"))

    assert (found["value"], found["state"]) == (0, "green")


def test_a_rule_may_say_which_documents_a_gate_asks_for() -> None:
    params = {"documents": {"rfe": ["project_charter", "quality_plan", "work_plan"]}}

    found = gate(approved("work_plan"), params, planned_on=day("05-20"))

    assert found["evidence"]["missing_documents"] == "project_charter, quality_plan"


def test_what_a_rule_says_of_one_gate_leaves_the_others_as_they_are() -> None:
    params = {"documents": {"rfp": ["project_charter"]}}

    assert gate(approved("work_plan"), params, planned_on=day("05-20"))["value"] == 2


def test_a_document_tailored_out_is_not_asked_for_at_a_gate() -> None:
    rows = [*approved("work_plan"), {"artefact": "risk_log", "tailored_out": "one supplier"}]

    assert gate(rows, planned_on=day("05-20"))["evidence"]["missing_documents"] == "handbook"


def test_a_milestone_stands_for_a_gate_that_nobody_lists() -> None:
    milestone = {"kind": "gate", "gate_code": "rfe", "baseline_finish": day("05-20")}
    project = [{"code": "P1", "size_class": "M"}]
    known = snapshot(TODAY, project=project, milestone=[milestone], document=approved("work_plan"), organisation=SETS)

    found = finding(MEASURES, known, {"measure": "gate.documents_missing"})

    assert (found["value"], found["state"]) == (2, "red")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"planned_on": "05-20", "passed_on": "05-11"}, "done"),
        ({"planned_on": "05-20", "tailored_out": True}, "out of scope"),
        ({"planned_on": "06-15"}, "not in window"),
        ({"planned_on": "05-20", "code": None}, "not configured"),
    ],
)
def test_a_gate_that_is_passed_far_off_or_of_no_kind_is_not_asked_about(row: dict[str, Any], reason: str) -> None:
    dated: dict[str, Any] = {name: day(value) if name.endswith("_on") else value for name, value in row.items()}

    found = gate(approved("work_plan"), **dated)

    assert (found["state"], found["reason"]) == ("na", reason)


def test_how_near_a_gate_must_be_is_the_rules_own() -> None:
    assert gate(approved("work_plan"), {"window": "30 wd"}, planned_on=day("06-15"))["value"] == 2


def test_a_gate_without_day_or_register_of_documents_is_grey() -> None:
    assert gate(approved("work_plan"))["reason"] == "missing gate.planned_on"
    assert gate([], planned_on=day("05-20"))["reason"] == "missing document.status"


# --- founding documents -------------------------------------------------------------------------------------------


def founding(state: str | None, rows: list[dict[str, Any]], params: dict[str, Any] | None = None) -> dict[str, Any]:
    known = snapshot(TODAY, project=[{"code": "P1", "state": state}], document=rows)
    rule = {"measure": "project.founding_documents_missing", **({"with": params} if params else {})}
    return finding(MEASURES, known, rule)


@pytest.mark.parametrize("state", ["executing", "closing"])
def test_a_running_project_without_a_founding_document_is_red(state: str) -> None:
    found = founding(state, [*approved("project_charter"), {"artefact": "business_case", "status": "in_review"}])

    assert (found["value"], found["state"]) == (1, "red")
    assert found["evidence"]["missing_documents"] == "business_case"


def test_a_running_project_with_its_founding_documents_is_green() -> None:
    assert founding("executing", approved("project_charter", "business_case"))["state"] == "green"


def test_a_project_of_unknown_state_is_asked_for_that_before_documents() -> None:
    found = founding(None, [])

    assert (found["state"], found["reason"]) == ("grey", "missing project.state")


def test_which_documents_found_a_project_is_the_rules_own() -> None:
    found = founding("executing", approved("project_charter"), {"documents": ["project_charter", "dossier", "dossier"]})

    assert (found["value"], found["evidence"]["missing_documents"]) == (1, "dossier")


@pytest.mark.parametrize(
    ("state", "rows", "expected"),
    [
        ("planning", approved("other"), ("na", "not started")),
        ("planning", [], ("na", "not started")),
        ("executing", [], ("grey", "missing document.status")),
        (None, approved("other"), ("grey", "missing project.state")),
    ],
)
def test_founding_documents_are_asked_for_once_the_project_runs(
    state: str | None, rows: list[dict[str, Any]], expected: tuple[str, str]
) -> None:
    found = founding(state, rows)

    assert (found["state"], found["reason"]) == expected


# --- ageing -------------------------------------------------------------------------------------------------------


def of(measure: str, past: dict[Wish, pl.DataFrame] | None = None, /, **row: Any) -> dict[str, Any]:
    entity = measure.partition(".")[0]
    rows: dict[str, Any] = {entity: [row]}
    return finding(MEASURES, snapshot(TODAY, past=past, **rows), {"measure": measure})


@pytest.mark.parametrize(
    ("artefact", "updated", "value", "state"),
    [
        ("risk_log", "04-28", 10, "green"),
        ("risk_log", "04-27", 11, "amber"),
        ("risk_log", "04-13", 21, "red"),
        ("project_work_plan", "04-13", 21, "green"),
        ("project_work_plan", "02-13", 61, "amber"),
        ("quality_plan", "02-16", 60, "green"),
    ],
)
def test_logs_must_be_younger_than_plans(artefact: str, updated: str, value: int, state: str) -> None:
    found = of("document.age", artefact=artefact, status="approved", updated_on=day(updated))

    assert (found["value"], found["state"]) == (value, state)


def test_a_plan_that_is_half_a_year_old_is_red() -> None:
    found = of("document.age", artefact="risk_plan", status="approved", updated_on=date(2025, 11, 3))

    assert found["state"] == "red"


@pytest.mark.parametrize(("due", "state"), [("05-12", "amber"), ("05-13", "green")])
def test_a_review_that_is_overdue_makes_a_young_document_amber(due: str, state: str) -> None:
    row = {"artefact": "risk_plan", "status": "approved", "updated_on": day("05-11"), "review_due": day(due)}

    assert of("document.age", **row)["state"] == state


def test_how_often_a_document_is_brought_up_to_date_may_be_said() -> None:
    row: dict[str, Any] = {"artefact": "stakeholder_matrix", "status": "draft", "updated_on": day("04-10")}

    assert of("document.age", living="log", **row)["state"] == "red"
    assert of("document.age", **row)["reason"] == "out of scope"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"status": None}, "not started"),
        ({"status": "obsolete"}, "closed"),
        ({"status": "approved", "tailored_out": "none needed"}, "out of scope"),
    ],
)
def test_a_document_that_is_not_there_or_not_valid_any_more_does_not_age(row: dict[str, Any], reason: str) -> None:
    found = of("document.age", artefact="risk_log", updated_on=day("01-05"), **row)

    assert (found["state"], found["reason"]) == ("na", reason)


def test_a_living_document_of_unknown_age_is_grey() -> None:
    found = of("document.age", artefact="risk_log", status="approved")

    assert (found["state"], found["reason"]) == ("grey", "missing document.updated_on")


# --- approval -----------------------------------------------------------------------------------------------------


def since(text: str) -> dict[Wish, pl.DataFrame]:
    return {Since("document", "status"): pl.DataFrame({"uid": ["plans:document:1"], "since": [day(text)]})}


@pytest.mark.parametrize(
    ("text", "value", "state"), [("05-06", 5, "green"), ("05-05", 6, "amber"), ("04-27", 11, "red")]
)
def test_a_document_in_review_waits_since_it_came_there(text: str, value: int, state: str) -> None:
    found = of("document.approval_pending", since(text), artefact="a", status="in_review")

    assert (found["value"], found["state"]) == (value, state)


@pytest.mark.parametrize(
    ("status", "reason"),
    [("approved", "done"), ("draft", "not started"), ("missing", "not started"), ("obsolete", "closed")],
)
def test_a_document_that_is_not_in_review_waits_for_nothing(status: str, reason: str) -> None:
    found = of("document.approval_pending", since("04-27"), artefact="a", status=status)

    assert (found["state"], found["reason"]) == ("na", reason)


def test_without_history_it_is_unknown_since_when_a_document_waits() -> None:
    found = of("document.approval_pending", artefact="a", status="in_review")

    assert (found["state"], found["reason"]) == ("grey", "missing document.status_since")


def test_its_history_is_asked_for() -> None:
    assert Since("document", "status") in wishes(RuleSet({}), MEASURES, ["document.approval_pending"])


# --- minutes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "value", "state"), [("05-08", 3, "green"), ("05-07", 4, "amber"), ("05-05", 6, "red")]
)
def test_minutes_are_awaited_from_the_day_of_the_meeting(held: str, value: int, state: str) -> None:
    found = of("meeting.minutes_pending", kind="steering_committee", held_on=day(held))

    assert (found["value"], found["state"]) == (value, state)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"held_on": "05-05", "minutes_on": "05-07"}, "done"),
        ({"planned_on": "05-05", "cancelled": True}, "out of scope"),
        ({"planned_on": "05-13"}, "not started"),
        ({"held_on": "05-20"}, "not started"),
        ({}, "not started"),
    ],
)
def test_a_meeting_to_come_cancelled_or_with_minutes_is_not_asked_about(row: dict[str, Any], reason: str) -> None:
    dated = {name: day(value) if name.endswith("_on") else value for name, value in row.items()}

    found = of("meeting.minutes_pending", **dated)

    assert (found["state"], found["reason"]) == ("na", reason)


def test_a_meeting_whose_day_has_passed_without_a_word_is_grey() -> None:
    found = of("meeting.minutes_pending", planned_on=day("05-12"))

    assert (found["state"], found["reason"]) == ("grey", "missing meeting.held_on")


def test_a_meeting_of_a_programme_is_asked_about_as_well() -> None:
    known = snapshot(
        TODAY,
        program=[{"uid": "program:nova", "id": "NOVA"}],
        meeting=[{"scope": "program:nova", "held_on": day("05-05")}],
    )

    assert finding(MEASURES, known, {"measure": "meeting.minutes_pending"})["state"] == "red"
