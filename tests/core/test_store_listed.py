"""What pages list, on both databases: alerts by urgency and filter, projects by colour."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from messages import NOW, an_alert

from pmo_watch.alerts import Alert
from pmo_watch.shown import Showing
from pmo_watch.store import ALERT_STATES, AlertList, CycleChange, ProjectListed, Store

LATER = NOW + timedelta(hours=1)
ALERTS = {
    "old red": an_alert(3, since=NOW - timedelta(days=9), project_code="A"),
    "red": an_alert(1, project_code="A"),
    "amber": an_alert(2, level="amber", project_code="B", project="project:b", acknowledged_until=NOW.date()),
    "unknown": an_alert(4, level="amber", rule="other", unknown_since=NOW),
    "pending": an_alert(5, level=None, opened_at=None),
    "closed": an_alert(6, closed_at=NOW, close_reason="recovered"),
}


def called(found: list[Alert]) -> list[str]:
    names = {one.id: name for name, one in ALERTS.items()}
    return [names[one.id] for one in found]


@pytest.fixture
def stored(store: Store) -> Store:
    """Return a store that knows the alerts; the red one is silenced."""
    store.write(CycleChange(NOW, alerts=list(ALERTS.values()), showing=Showing({ALERTS["red"].id})))
    return store


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["old red", "red", "amber", "unknown"]),
        ({"state": "acknowledged"}, ["amber"]),
        ({"state": "unknown"}, ["unknown"]),
        ({"state": "silenced"}, ["red"]),
        ({"state": "pending"}, ["pending"]),
        ({"state": "closed"}, ["closed"]),
        ({"level": "red"}, ["old red", "red"]),
        ({"rule": "other"}, ["unknown"]),
        ({"project": "A"}, ["old red", "red"]),
    ],
)
def test_alerts_are_listed_by_urgency_and_filter(stored: Store, asked: dict[str, Any], names: list[str]) -> None:
    found, total = stored.list_alerts(AlertList(**asked))

    assert called(found) == names
    assert total == len(names)


def test_page_is_cut_and_everything_counted(stored: Store) -> None:
    found, total = stored.list_alerts(AlertList(limit=1, skip=1))

    assert (called(found), total) == (["red"], 4)
    assert {stored.list_alerts(AlertList(state=one, limit=1))[1] for one in ALERT_STATES} == {1, 4}


def test_open_alerts_are_counted_by_rule(stored: Store) -> None:
    assert stored.open_by_rule() == {"key-milestone-slip": 3, "other": 1}
    assert stored.silenced_among([one.id for one in ALERTS.values()]) == {ALERTS["red"].id}


def test_projects_are_listed_the_worst_first(stored: Store) -> None:
    colours = pl.DataFrame(
        {
            "project": ["project:b", "project:c", "project:prj-042"],
            "dimension": "overall",
            "state": ["amber", "green", "red"],
        }
    )
    stored.write(CycleChange(LATER, colours=colours))

    listed, counted = stored.list_projects(2)

    assert listed == [
        ProjectListed("project:prj-042", "project:prj-042", "", "red", "A", 2, 1),
        ProjectListed("project:b", "project:b", "", "amber", "B", 0, 1),
    ]
    assert counted == {"red": 1, "amber": 1, "green": 1}
