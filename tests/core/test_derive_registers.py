"""Gates that milestones stand for, documents that are kept alive (spec model 2.15, 3.8)."""

from datetime import date
from typing import Any

import pytest
from snapshots import snapshot

GO = {"is_milestone": True, "kind": "gate", "gate_code": "rfe", "name": "Ready for executing"}


def gates(today: date = date(2026, 5, 13), **rows: Any) -> list[dict[str, Any]]:
    return snapshot(today, **rows).frame("gate").to_dicts()


def test_milestones_stand_for_the_gates_that_nobody_lists() -> None:
    (gate,) = gates(task=[{**GO, "baseline_finish": date(2026, 5, 20)}, {"is_milestone": True, "kind": "key"}])

    assert (gate["uid"], gate["name"], gate["code"]) == ("plans:task:1", "Ready for executing", "rfe")
    assert (gate["planned_on"], gate["days_left"], gate["passed"]) == (date(2026, 5, 20), 4, False)


def test_a_milestone_that_is_done_is_a_gate_that_was_passed() -> None:
    (gate,) = gates(task=[{**GO, "progress": 100}])

    assert (gate["passed"], gate["passed_on"]) == (True, None)


def test_a_milestone_that_does_not_count_stands_for_no_gate() -> None:
    assert gates(task=[{**GO, "active": False}, {**GO, "external": True}]) == []


def test_gates_that_are_listed_come_alone() -> None:
    projects = [{"code": "P1"}, {"code": "P2"}]
    tasks = [GO, {**GO, "project": "project:p2"}]

    found = gates(project=projects, task=tasks, gate=[{"code": "rfp", "planned_on": date(2026, 5, 12)}])

    assert [(one["uid"], one["project"]) for one in found] == [
        ("plans:gate:1", "project:p1"),
        ("plans:task:2", "project:p2"),
    ]
    assert (found[0]["days_left"], found[0]["passed"], found[0]["name"]) == (-1, False, None)


@pytest.mark.parametrize(
    ("artefact", "said", "living"),
    [
        ("risk_log", None, "log"),
        ("quality_plan", None, "plan"),
        ("project_handbook", None, "plan"),
        ("project_charter", None, "none"),
        ("project_charter", "log", "log"),
        ("risk_log", "none", "none"),
    ],
)
def test_how_often_a_document_is_brought_up_to_date_follows_from_what_it_is(
    artefact: str, said: str | None, living: str
) -> None:
    (found,) = snapshot(document=[{"artefact": artefact, "living": said}]).frame("document")["living"]

    assert found == living
