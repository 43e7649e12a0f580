"""Alerts as rules see them: red without a plan, not acknowledged, left open by a committee (GO-03, GO-07, GO-08)."""

from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import governance
from snapshots import catalogue, finding, snapshot

MEASURES = catalogue(*governance.pmo_watch_measures())


def of(measure: str, *meetings: dict[str, Any], **alert: Any) -> dict[str, Any]:
    """Return the finding on an alert of P1, which belongs to programme D."""
    given = {"id": "0123456789abcdef", "level": "red", "since": date(2026, 5, 4), "rule": "slip", **alert}
    known = snapshot(
        project=[{"code": "P1", "program": "program:d"}],
        program=[{"uid": "program:d", "id": "D", "portfolio": "portfolio:all"}],
        portfolio=[{"uid": "portfolio:all", "id": "ALL"}],
        meeting=[{"kind": "steering_committee", **one} for one in meetings],
        alert=[given],
    )
    return finding(MEASURES, known, {"measure": measure})


@pytest.mark.parametrize(
    ("since", "value", "state"),
    [(date(2026, 5, 6), 5, "green"), (date(2026, 5, 5), 6, "amber"), (date(2026, 4, 27), 11, "red")],
)
def test_red_alert_without_a_plan_ages_in_working_days(since: date, value: int, state: str) -> None:
    answer = of("alert.red_without_plan", since=since)

    assert (answer["value"], answer["state"]) == (value, state)


@pytest.mark.parametrize(
    ("alert", "reason"),
    [({"level": "amber"}, "out of scope"), ({"action": "plans:action:A1"}, "done"), ({"level": None}, "closed")],
    ids=["amber", "plan", "ended"],
)
def test_alert_that_needs_no_plan(alert: dict[str, Any], reason: str) -> None:
    answer = of("alert.red_without_plan", **alert)

    assert (answer["state"], answer["reason"]) == ("na", reason)


@pytest.mark.parametrize(
    ("told", "value", "state"),
    [(date(2026, 5, 11), 2, "green"), (date(2026, 5, 8), 3, "amber"), (date(2026, 5, 5), 6, "red")],
)
def test_alert_that_nobody_acknowledged_ages_from_the_day_it_was_told(told: date, value: int, state: str) -> None:
    answer = of("alert.unacknowledged", told_on=told)

    assert (answer["value"], answer["state"]) == (value, state)
    assert answer["evidence"].get("rule", "slip") == "slip"


@pytest.mark.parametrize(
    ("alert", "reason"),
    [
        ({"told_on": None}, "nothing due yet"),
        ({"told_on": date(2026, 5, 4), "acknowledged_on": date(2026, 5, 5)}, "done"),
        ({"told_on": date(2026, 5, 4), "level": None}, "closed"),
    ],
    ids=["nobody told", "acknowledged", "ended"],
)
def test_alert_that_nobody_must_acknowledge(alert: dict[str, Any], reason: str) -> None:
    answer = of("alert.unacknowledged", **alert)

    assert (answer["state"], answer["reason"]) == ("na", reason)


STEERING = {"escalated_to": "steering_committee", "escalated_on": date(2026, 5, 4)}


@pytest.mark.parametrize(
    ("meetings", "value", "state"),
    [
        ([{"held_on": date(2026, 5, 4)}], 0, "green"),
        ([{"held_on": date(2026, 5, 5)}], 1, "red"),
        ([{"held_on": date(2026, 5, 5)}, {"held_on": date(2026, 5, 12)}], 2, "red"),
        ([{"held_on": date(2026, 5, 5), "cancelled": True}, {"held_on": date(2026, 4, 1)}], 0, "green"),
        ([{"held_on": date(2026, 5, 5), "kind": "management_committee"}], 0, "green"),
        ([{"held_on": date(2026, 5, 5), "scope": "project:p2"}], 0, "green"),
        ([{"held_on": date(2026, 5, 5), "scope": "project:p1"}], 1, "red"),
        ([{"held_on": date(2026, 5, 5), "scope": "program:d"}], 1, "red"),
        ([{"held_on": date(2026, 5, 5), "scope": "portfolio:all"}], 1, "red"),
    ],
    ids=["same day", "one", "two", "cancelled", "another body", "another", "its project", "programme", "portfolio"],
)
def test_meetings_of_the_committee_since_the_escalation_count(
    meetings: list[dict[str, Any]], value: int, state: str
) -> None:
    answer = of("alert.meetings_without_decision", *meetings, **STEERING)

    assert (answer["value"], answer["state"]) == (value, state)


def test_meeting_counts_no_more_once_a_plan_names_the_alert() -> None:
    answer = of(
        "alert.meetings_without_decision", {"held_on": date(2026, 5, 5)}, **STEERING, action="plans:decision:D1"
    )

    assert (answer["value"], answer["state"]) == (0, "green")


@pytest.mark.parametrize(
    ("alert", "state", "reason"),
    [
        ({}, "na", "out of scope"),
        ({"escalated_to": "programme_manager", "escalated_on": date(2026, 5, 4)}, "na", "out of scope"),
        ({**STEERING, "level": None}, "na", "closed"),
        (STEERING, "grey", "missing meeting.held_on"),
    ],
    ids=["not escalated", "to a person", "ended", "no meeting is known"],
)
def test_alert_that_no_committee_can_have_left_open(alert: dict[str, Any], state: str, reason: str) -> None:
    answer = of("alert.meetings_without_decision", {"held_on": None, "planned_on": date(2026, 5, 5)}, **alert)

    assert (answer["state"], answer["reason"]) == (state, reason)
