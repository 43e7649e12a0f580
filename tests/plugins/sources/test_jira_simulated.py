"""The independent simulator of Jira, where it is at hand: its own figures of sprints are the truth."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import polars as pl
import pytest
from jira_bench import NOW, Follower

from pmo_watch.flow import Outcome

FILE = Path(__file__).parents[4] / "shared" / "tools" / "jira_sim" / "jira_sim.py"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE} is not here: an independent simulator")
FLAVOURS = pytest.mark.parametrize("flavour", ["cloud", "datacenter"])
SOON = timedelta(minutes=30)


def simulator() -> ModuleType:
    if "jira_sim" not in sys.modules:
        spec = importlib.util.spec_from_file_location("jira_sim", FILE)
        assert spec is not None
        assert spec.loader is not None
        sys.modules["jira_sim"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["jira_sim"])
    return sys.modules["jira_sim"]


@contextmanager
def followed(flavour: str, issues: int = 100, **given: Any) -> Iterator[tuple[Any, Follower]]:
    """Serve a simulated site, and follow it."""
    jira = simulator()
    with jira.serve(jira.Settings(issues=issues, flavour=flavour)) as site:
        like = SimpleNamespace(url=site.url, cloud=flavour == "cloud", requests=site.requests)
        said = {"token": "good-token", "jql": "project in (PMO, OPS, MOB)", "history_days": 500, **given}
        follower = Follower(like, said)  # type: ignore[arg-type]
        yield site, follower


def figures(follower: Follower, sprint: Any) -> dict[str, Any]:
    """Return what the rows say of a sprint, as the simulator says it."""
    keys = dict(follower.stored("task").select("key", "id").iter_rows())
    own = follower.stored("sprint_item").filter(pl.col("sprint") == str(sprint.id))
    committed, done = own.filter("committed"), own.filter(pl.col("done_on").is_not_null())
    groups = {
        "committed": committed,
        "added": own.filter(~pl.col("committed") & pl.col("added_on").is_not_null()),
        "removed": own.filter(pl.col("removed_on").is_not_null()),
        "done": done,
    }
    points = {"committed_points": committed["points_at_start"], "done_points": done["points_at_close"]}
    return {
        **{name: sorted(keys[one] for one in rows["task"]) for name, rows in groups.items()},
        **{name: float(one.sum() or 0) for name, one in points.items()},
    }


@FLAVOURS
def test_every_sprint_holds_what_the_simulator_says(flavour: str) -> None:
    with followed(flavour, 300) as (site, follower):
        assert follower.read().outcome is Outcome.COMPLETE

        for sprint in site.sprints.values():
            if sprint.state != "future":
                told = site.sprint_figures(sprint)
                assert figures(follower, sprint) == {
                    name: sorted(one) if isinstance(one, list) else one for name, one in told.items()
                }


@FLAVOURS
def test_fields_are_those_that_the_simulator_holds(flavour: str) -> None:
    with followed(flavour) as (site, follower):
        follower.read()

        rows = {row["key"]: row for row in follower.stored("task").to_dicts()}
        assert {key for key in rows if not key.startswith("version:")} == {str(one) for one in site.issues}
        for issue in site.issues.values():
            row = rows[str(issue.id)]
            assert (row["id"], row["name"], row["status"]) == (issue.key, issue.summary, issue.status)
            assert (row["forecast_finish"], row["forecast_start"]) == (issue.due, issue.start)
            assert row["story_points"] == issue.points
            assert row["sprint"] == ([str(one) for one in issue.sprints] or None)
            assert row["release"] == ([str(one) for one in issue.versions] or None)
            assert row["is_milestone"] is (issue.type == "Milestone")


@FLAVOURS
def test_edits_moves_and_deletions_arrive(flavour: str) -> None:
    with followed(flavour) as (site, follower):
        follower.read()
        site.edit("PMO-3", due="2026-12-24", status="Done")
        site.edit("PMO-4", project="OPS")
        moved = site.find("PMO-4").key
        site.delete("PMO-5")

        follower.read(NOW + SOON)
        assert str(follower.row("task", "PMO-3")["forecast_finish"]) == "2026-12-24"
        assert moved in follower.ids()
        follower.read(NOW + timedelta(days=1))

        assert "PMO-5" not in follower.ids()


@FLAVOURS
@pytest.mark.parametrize("kind", ["cut", "drop", "half_body", "short_page", "status", "slow", "no_last"])
def test_bad_day_costs_no_issue(flavour: str, kind: str) -> None:
    jira = simulator()
    with followed(flavour, 250, page_size=50) as (site, follower):
        site.faults.append(jira.Fault(kind, path="/search", skip=1, seconds=0.01, times=1))

        follower.read()
        follower.read(NOW + SOON)

        assert len(follower.ids()) == 250 + 15


@FLAVOURS
def test_renamed_field_and_lost_permission(flavour: str) -> None:
    with followed(flavour) as (site, follower):
        follower.read()
        site.labels["points"] = "Punten"
        site.edit("PMO-3", points=40)
        follower.read(NOW + SOON)
        assert follower.row("task", "PMO-3")["story_points"] == 40
        site.issues_visible = False
        site.edits += 1

        reading = follower.read(NOW + timedelta(days=1))

        assert reading.refused
        assert len(follower.ids()) == 115


@FLAVOURS
def test_second_sync_of_a_large_site_asks_for_little(flavour: str) -> None:
    with followed(flavour, 3_000) as (site, follower):
        follower.read()
        for number in range(10, 20):
            site.edit(f"PMO-{number}", due="2027-01-15")
        site.requests.clear()

        assert follower.read(NOW + SOON).outcome is Outcome.COMPLETE

        asked = [f"{one['method']} {one['path'].partition('?')[0].rpartition('/rest/')[2]}" for one in site.requests]
        searches = [one for one in asked if "search" in one]
        changes = [one for one in asked if "bulkfetch" in one]
        lists = [one for one in asked if one.endswith(("/version", "/sprint"))]
        names = [one for one in asked if one.endswith(("/myself", "/field"))]  # field: this server names none itself
        assert (len(searches), len(lists)) == (1, 5)
        assert len(changes) == (1 if flavour == "cloud" else 0)
        assert len(asked) == len([*searches, *changes, *lists, *names])
        assert len(names) == (1 if flavour == "cloud" else 2)
        due = {str(follower.row("task", f"PMO-{number}")["forecast_finish"]) for number in range(10, 20)}
        assert due == {"2027-01-15"}
