"""Collected figures: the vectors Q-01 to Q-06 of spec measures 4.9 that the first delivery measures."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pmo_watch_plugins.rules import collection
from snapshots import catalogue, finding, snapshot

MEASURES = catalogue(*collection.pmo_watch_measures())


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def late(today: str, due: str, received: str | None = None, **params: Any) -> dict[str, Any]:
    """Return the finding on one expected delivery."""
    row = {
        "indicator": "indicator:k",
        "scope": "project:p1",
        "project": "project:p1",
        "period": "2026-W18",
        "due_on": day(due),
        "received_on": day(received) if received else None,
    }
    known = snapshot(day(today), submission=[row])
    return finding(MEASURES, known, {"measure": "submission.days_late", **({"with": params} if params else {})})


@pytest.mark.parametrize(
    ("today", "received", "value", "state"),
    [
        pytest.param("05-06", "05-04", 1, "amber", id="Q-02"),
        pytest.param("05-06", None, 3, "red", id="Q-03"),
        pytest.param("05-06", "04-30", 0, "green", id="Q-04"),
        ("04-29", None, 0, "green"),
        pytest.param("04-29", "05-06", 0, "green", id="a list that knows already when it will come"),
    ],
)
def test_days_late(today: str, received: str | None, value: int, state: str) -> None:
    found = late(today, "04-30", received)

    assert (found["value"], found["state"]) == (value, state)


def test_older_periods_are_history() -> None:
    rows = [
        {
            "uid": f"submission|{number}",
            "indicator": "indicator:k",
            "scope": "project:p1",
            "project": "project:p1",
            "due_on": day(due),
        }
        for number, due in enumerate(("04-17", "04-24", "04-30", "05-08"))
    ]
    known = snapshot(day("05-06"), submission=rows)

    from snapshots import found

    frame = found(MEASURES, known, {"measure": "submission.days_late"})[0].frame.sort("uid")

    assert frame["state"].to_list() == ["na", "red", "red", "green"]
    assert frame["reason"].to_list()[0] == "not in window"


@pytest.mark.parametrize(
    ("today", "value", "state"),
    [("03-09", 7, "green"), ("03-10", 8, "amber"), ("03-17", 15, "red")],
    ids=str,
)
def test_data_age_q06(today: str, value: int, state: str) -> None:
    known = snapshot(day(today), project=[{"code": "P1", "declared_on": day("03-02")}])

    found = finding(MEASURES, known, {"measure": "project.data_age"})

    assert (found["value"], found["state"]) == (value, state)
    assert found["evidence"].get("newest_of", "declared_rag") == "declared_rag"


def test_the_newest_of_all_kinds_counts() -> None:
    known = snapshot(
        day("03-17"),
        project=[{"code": "P1", "declared_on": day("03-02"), "updated_at": datetime(2026, 3, 15, 23, 30, tzinfo=UTC)}],
        observation=[{"indicator": "indicator:k", "scope": "project:p1", "period": "2026-W10", "value": 1,
                      "submitted_on": day("03-09")}],
    )  # fmt: skip

    found = finding(MEASURES, known, {"measure": "project.data_age"})

    assert found["value"] == 1, "half past eleven in the evening in UTC is the next day in Brussels"


def test_a_project_nobody_ever_reported_is_grey() -> None:
    found = finding(MEASURES, snapshot(), {"measure": "project.data_age"})

    assert (found["state"], found["reason"]) == ("grey", "missing observation.submitted_on")
