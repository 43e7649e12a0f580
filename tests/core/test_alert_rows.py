"""Alerts as rows of the model: what they are about, who reacted, which plan names them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from factories import MONDAY, a_rule, a_snapshot

from pmo_watch.alert_rows import alert_rows
from pmo_watch.alerts import Alert
from pmo_watch.rules import Audience, Escalation, RuleSet, Span

PLACES: dict[str, list[dict[str, Any]]] = {
    "portfolio": [{"uid": "portfolio:ict", "id": "ICT", "name": "ICT"}],
    "program": [{"uid": "program:d", "id": "D", "name": "Digital", "portfolio": "portfolio:ict"}],
    "project": [{"uid": "project:a", "code": "A", "name": "Counter", "program": "program:d"}],
    "task": [{"uid": "plans:task:M1", "id": "M1", "name": "Go-live", "project": "project:a", "is_milestone": True}],
    "person": [{"uid": "person:ann@example.org", "email": "ann@example.org", "name": "Ann"}],
}
STEPS = (Escalation(Span(5, "wd"), "red", ("manager",)), Escalation(Span(10, "wd"), "red", ("pmo", "board")))
AUDIENCES = {
    "manager": Audience("manager", role="programme_manager"),
    "board": Audience("board", role="management_committee"),
}
RULES = RuleSet({"slip": a_rule(escalate=STEPS), "unread": a_rule(id="unread", for_each="alert")}, audiences=AUDIENCES)


def alert(**parts: Any) -> Alert:
    """Return an open alert on the milestone M1."""
    known = Alert("0123456789abcdef", "slip", "plans:task:M1", "milestone", level="red", opened_at=MONDAY, since=MONDAY)
    return replace(known, source="plans", **parts)


def row(one: Alert, *plans: dict[str, Any], told_on: datetime | None = None, log: str = "action") -> dict[str, Any]:
    """Return the only row that is made of the alert, beside plans in that log."""
    told = {one.id: told_on} if told_on else {}
    (made,) = alert_rows([one], told, RULES, a_snapshot(rows={**PLACES, log: plans})).to_dicts()
    return made


def test_row_says_what_the_alert_is_about_in_every_language_and_where_that_stands() -> None:
    made = row(alert())

    assert (made["uid"], made["rule"], made["about"], made["subject"]) == (
        "alert:0123456789abcdef",
        "slip",
        "milestone",
        "M1",
    )
    assert (made["name"], made["name_nl"]) == ("Milestone slips: Go-live", "Mijlpaal loopt uit: Go-live")
    assert made["name_fr"] == "Jalon en glissement\u00a0: Go-live"
    assert (made["project"], made["program"], made["portfolio"]) == ("project:a", "program:d", "portfolio:ict")


def test_days_are_those_of_the_organisation() -> None:
    late = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)

    made = row(alert(since=late, acknowledged_on=date(2026, 11, 17), acknowledged_by="Ann@Example.org"), told_on=late)

    assert (made["opened_on"], made["since"], made["told_on"]) == (
        date(2026, 11, 16),
        date(2026, 11, 17),
        date(2026, 11, 17),
    )
    assert (made["acknowledged_on"], made["acknowledged_by"]) == (date(2026, 11, 17), "person:ann@example.org")


def test_alert_on_a_programme_stands_in_it() -> None:
    made = row(alert(subject="program:d", entity="program"))

    assert (made["project"], made["program"], made["portfolio"]) == (None, "program:d", "portfolio:ict")


def test_alert_whose_subject_is_gone_keeps_its_name() -> None:
    made = row(alert(subject="plans:task:M9", subject_id="M9", subject_name="Old", project="project:a"))

    assert (made["subject"], made["name"], made["project"]) == ("M9", "Milestone slips: Old", "project:a")


@pytest.mark.parametrize(
    ("steps", "to"),
    [
        ((), None),
        (("red:manager",), "programme_manager"),
        (("red:manager", "red:pmo", "red:board"), "management_committee"),
        (("red:manager", "red:board"), "management_committee"),
        (("#2",), None),
    ],
    ids=["none", "a role", "a committee", "a step that is no more", "of an earlier version"],
)
def test_escalation_went_to_the_committee_of_its_last_step_else_to_the_role(
    steps: tuple[str, ...], to: str | None
) -> None:
    made = row(alert(escalation_step=len(steps), steps=steps, escalated_on=MONDAY.date() if steps else None))

    assert (made["escalated_to"], made["escalation_step"]) == (to, len(steps))


@pytest.mark.parametrize(
    "left_out",
    [alert(rule="unread"), alert(level=None), alert(subject="person:ann@example.org", entity="person")],
    ids=["about an alert", "pending", "on a person"],
)
def test_alerts_that_rules_do_not_see(left_out: Alert) -> None:
    assert alert_rows([left_out], {}, RULES, a_snapshot(rows=PLACES)).is_empty()


def test_alert_that_ends_has_no_level() -> None:
    assert row(alert(closed_at=MONDAY))["level"] is None


def test_evaluation_that_counts_for_the_alert_counts_for_who_looks_at_it() -> None:
    assert row(alert(evaluations=7))["@reading"] == 7


# --- plans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "plan"),
    [
        ("action", {"title": "Catch up", "origin": "alert 0123456789ABCDEF"}),
        ("action", {"title": "Catch up", "description": "see https://pmo/alerts/0123456789abcdef."}),
        ("issue", {"title": "0123456789abcdef: no testers"}),
        ("decision", {"title": "New date", "description": "for 0123456789abcdef"}),
        ("action", {"title": "Catch up", "project": "project:a", "origin": "slip"}),
        ("action", {"title": "Catch up", "project": "project:a", "origin": "Alert: slip m1"}),
    ],
    ids=["number as origin", "number in a text", "issue", "decision", "rule", "rule and subject"],
)
def test_plan_names_the_alert(entity: str, plan: dict[str, Any]) -> None:
    made = row(alert(), {"uid": f"log:{entity}:1", **plan}, log=entity)

    assert made["action"] == f"log:{entity}:1"


@pytest.mark.parametrize(
    ("entity", "other"),
    [
        ("action", {"title": "Catch up", "project": "project:b", "origin": "slip"}),
        ("action", {"title": "Catch up", "project": "project:a", "origin": "slip M2"}),
        ("action", {"title": "Catch up", "project": "project:a", "origin": "meeting"}),
        ("action", {"title": "0123456789abcdef", "status": "cancelled"}),
        ("action", {"title": "0123456789abcdef", "vanished_on": date(2026, 11, 2)}),
        ("issue", {"title": "slip"}),
        ("issue", {"title": "00123456789abcdef0"}),
    ],
    ids=["another project", "another subject", "a meeting", "cancelled", "gone", "no number", "a longer number"],
)
def test_what_does_not_name_the_alert_is_no_plan_for_it(entity: str, other: dict[str, Any]) -> None:
    made = row(alert(), {"uid": f"log:{entity}:1", **other}, log=entity)

    assert made["action"] is None


def test_number_comes_before_the_rule_and_the_first_of_several_is_taken() -> None:
    plans = [
        {"uid": "log:action:1", "title": "By rule", "project": "project:a", "origin": "slip"},
        {"uid": "log:action:3", "title": "0123456789abcdef"},
        {"uid": "log:action:2", "title": "0123456789abcdef"},
    ]

    assert row(alert(), *plans)["action"] == "log:action:2"
