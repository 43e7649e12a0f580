"""Total slack computed over real plans, beside what the tool that wrote them says.

The plans lie in a folder beside the checkout that does not ship with it; without it this is skipped.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plan_snapshots import known
from plans import read_one
from pmo_watch_plugins.rules.schedule_quality.critical import network_slack

from pmo_watch.contracts import View
from pmo_watch.view import Tables
from pmo_watch.workdays import Calendar

DATA = Path(__file__).parents[3].parent / "shared" / "data"
SERIES = DATA / "programme-series"
# Links of all kinds with lags by MS Project 2003, resources by 2007, and two that MPXJ wrote with its slack in them.
WRITTEN = ("mpxj-task-links-p2003", "mpxj-resource", "mpxjw-baseline-partial", "mpxjw-crossproject-links")
WEEKS = sorted(path.relative_to(SERIES).as_posix() for path in SERIES.glob("2026-*/NOV-0[123].xml"))
ABSENT = f"no plans in {DATA}: they do not ship with the checkout"
NO_PLAN = [pytest.param("", marks=pytest.mark.skip(reason=ABSENT))]


def differences(content: bytes, calendar: Calendar, folder: Path) -> tuple[int, Mapping[str, Any]]:
    """Return how many open rows have a slack, and those where ours is another: days, ours and the plan's."""
    plan = known(read_one(folder, content), calendar)
    ours = network_slack(View("project", Tables(plan).table("project").rows, plan))
    rows = plan.frame("task").filter(pl.col("total_slack").is_not_null() & ~pl.col("done")).join(ours, on="uid")
    wrong = rows.filter(pl.col("slack") != pl.col("total_slack"))
    found = {row["name"]: (row["slack"] / 480, row["total_slack"] / 480) for row in wrong.to_dicts()}
    return rows.height, found


@pytest.mark.parametrize("name", WRITTEN)
def test_slack_is_that_of_the_tool_that_wrote_the_plan(name: str, tmp_path: Path) -> None:
    path = DATA / "mspdi" / f"{name}.xml"
    if not path.is_file():
        pytest.skip(ABSENT)

    number, wrong = differences(path.read_bytes(), Calendar("plan"), tmp_path)

    assert number >= 2
    assert wrong == {}


@pytest.mark.parametrize("name", WEEKS or NO_PLAN)
def test_slack_of_a_programme_week_by_week(name: str, tmp_path: Path) -> None:
    """Actual dates, deadlines, milestones, inactive and manual rows, in a calendar with holidays."""
    days = json.loads((SERIES / "expected.json").read_text(encoding="utf-8"))["days_off"]
    calendar = Calendar("plan", closed=frozenset(map(date.fromisoformat, days)))

    number, wrong = differences((SERIES / name).read_bytes(), calendar, tmp_path)

    assert number >= 5
    assert wrong == {}
