"""Trends, standstill and new baselines of a programme over six weeks, beside a computation from what another reader
found in its plans.

The plans lie in a folder beside the checkout that does not ship with it; without it this is skipped.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from oracles import ABSENT, SERIES, Days, Plan, Row, days_off
from plan_snapshots import known
from plans import read_one
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, found, rules

from pmo_watch.evaluate import wishes
from pmo_watch.flow import Outcome, Reading, SourceState, Wish
from pmo_watch.intake import frames_of
from pmo_watch.memory import changes
from pmo_watch.normalise import Accepted, Limits, accept
from pmo_watch.store import CycleChange, open_store, upgrade_schema
from pmo_watch.workdays import Calendar

pytestmark = pytest.mark.skipif(not SERIES.is_dir(), reason=ABSENT)
MEASURES = catalogue(*milestones.pmo_watch_measures())
PROJECTS = ("NOV-01", "NOV-02", "NOV-03")  # their rows keep their GUIDs; those of the fourth are numbered anew
WEEKS = tuple(sorted(one.name for one in SERIES.glob("2026-*")))
LAST = date(2026, 10, 9)
HISTORIC = ("milestone.slip_streak", "milestone.zigzag", "task.stuck_progress", "project.unapproved_rebaseline")
ASKED = [{"measure": name} for name in HISTORIC]
APPROVED_ON = date(2026, 9, 30)
APPROVED = {"project": "project:p1", "title": "C-001", "status": "approved", "decided_on": APPROVED_ON}
Answer = float | str | None


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


# --- as we see it -------------------------------------------------------------------------------------------------


@cache
def told(project: str) -> Mapping[str, Mapping[str, Answer]]:
    """Return what each measure says of each row once all weeks were read, the last one last."""
    readings = {date.fromisoformat(week): read_one_of(week, project) for week in WEEKS}
    past, state = remembered(readings)
    calendar = Calendar("plan", closed=days_off())
    today = known(readings[LAST], calendar, LAST, past=past, sources={"plans": state}, change=[APPROVED])
    found_ = found(MEASURES, today, *ASKED)
    return {name: _told(one) for name, one in zip(HISTORIC, found_, strict=True)}


def read_one_of(week: str, project: str) -> Any:
    with TemporaryDirectory() as folder:
        return read_one(Path(folder), (SERIES / week / f"{project}.xml").read_bytes())


def remembered(readings: Mapping[date, Any]) -> tuple[dict[Wish, pl.DataFrame], SourceState]:
    """Return what a store remembers of these readings, on the day of the last one, and how its source stands."""
    wanted = wishes(rules(MEASURES, *ASKED), MEASURES)
    before = Accepted(SourceState("plans", "ms_project"), {})
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/series.db"
        upgrade_schema(url)
        with closing(open_store(url)) as store:
            for day, answer in readings.items():
                frames, _, _ = frames_of("plans", answer.records)
                reading = Reading("plans", noon(day), Outcome.COMPLETE, frames)
                before = accept(reading, before.rows, before.state, Limits(), accept_shrink=True)
                store.write(CycleChange(noon(day), readings=changes({"plans": before}, [reading], day)))
            past = store.past(wanted, noon(LAST), ZoneInfo("Europe/Brussels"))
    return {wish: _of_one_project(wish, frame) for wish, frame in past.items()}, before.state


def _of_one_project(wish: Wish, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(uid=pl.lit("project:p1")) if wish.entity == "project" else frame


def _told(one: Any) -> Mapping[str, Answer]:
    assert not one.failed, one.failed
    return {
        row["uid"].rpartition("/")[2]: row["reason"] if row["state"] in {"na", "grey"} else row["value"]
        for row in one.frame.to_dicts()
    }


# --- as it follows from the other reader --------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A row week by week, since it is there."""

    weeks: tuple[tuple[date, Row], ...]

    @property
    def now(self) -> Row:
        return self.weeks[-1][1]

    def since_baseline(self) -> list[date]:
        """Return the forecasts since the baseline was last set anew."""
        first = 0
        for number, ((_, one), (_, other)) in enumerate(pairwise(self.weeks), 1):
            if other.baseline_finish != one.baseline_finish:
                first = number
        return [row.finish for _, row in self.weeks[first:] if row.finish]

    def stood_since(self) -> date:
        """Return the day from which on every reading shows the same progress."""
        since = self.weeks[-1][0]
        for day, row in reversed(self.weeks):
            if row.progress != self.now.progress:
                break
            since = day
        return since


@cache
def plans(project: str) -> tuple[tuple[date, Plan], ...]:
    return tuple((date.fromisoformat(week), Plan(SERIES / week / f"{project}.xml")) for week in WEEKS)


def rows(project: str, *, milestones_only: bool) -> Iterator[tuple[str, Told]]:
    """Yield the rows of the last week that count, each with the weeks before."""
    some = plans(project)
    for last in some[-1][1].counted:
        if last.milestone is milestones_only:
            weeks = [(day, row) for day, plan in some for row in plan.rows if row.told["guid"] == last.told["guid"]]
            yield last.told["guid"].lower(), Told(tuple(weeks))


def streak(days: Days, forecasts: list[date]) -> Answer:
    if len(forecasts) < 3:
        return f"needs 3 samples, has {len(forecasts)}"
    run = 0
    for one, other in pairwise(forecasts):
        run = run + 1 if days.between(one, other) > 0 else 0
    return run


def turns(days: Days, forecasts: list[date]) -> Answer:
    if len(forecasts) < 4:
        return f"needs 4 samples, has {len(forecasts)}"
    moves = [move for move in (days.between(*pair) for pair in pairwise(forecasts[-6:])) if move]
    return sum((one > 0) != (other > 0) for one, other in pairwise(moves))


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize(("measure", "count"), [("milestone.slip_streak", streak), ("milestone.zigzag", turns)])
def test_trends_are_those_of_the_forecasts_week_by_week(project: str, measure: str, count: Any) -> None:
    days = Days(days_off())

    theirs = {
        key: "done" if one.now.done else count(days, one.since_baseline())
        for key, one in rows(project, milestones_only=True)
    }

    assert told(project)[measure] == theirs


@pytest.mark.parametrize("project", PROJECTS)
def test_a_stuck_task_is_one_whose_progress_stands_from_week_to_week(project: str) -> None:
    days = Days(days_off())

    def stands(one: Told) -> Answer:
        if one.now.done:
            return "done"
        if one.now.progress is None or not 80 <= one.now.progress <= 99:
            return "missing task.progress" if one.now.progress is None else "out of scope"
        return days.between(one.stood_since(), LAST)

    theirs = {key: stands(one) for key, one in rows(project, milestones_only=False)}

    assert told(project)["task.stuck_progress"] == theirs


def far(days: Days, day: date) -> bool:
    """Say whether the change that was approved lies too far from a day to cover what was first seen then."""
    return abs(days.between(APPROVED_ON, day)) > 5


def promise(plan: Plan) -> tuple[date, float]:
    """Return the last day and the cost that the baseline of a plan comes to."""
    counted = plan.counted
    cost = sum(row.told["baseline_cost"] or 0 for row in counted)
    return max(row.baseline_finish for row in counted if row.baseline_finish), round(cost, 2)


@pytest.mark.parametrize("project", PROJECTS)
def test_milestones_given_another_baseline_count_but_for_those_that_a_change_covers(project: str) -> None:
    """The plan counts as one more: NOV-01 loses the cost of a row that is made inactive."""
    days = Days(days_off())
    moved = {
        key
        for key, one in rows(project, milestones_only=True)
        for (_, before), (day, after) in pairwise(one.weeks)
        if before.baseline_finish and after.baseline_finish not in {None, before.baseline_finish} and far(days, day)
    }
    promised = [(day, promise(plan)) for day, plan in plans(project)]
    whole = any(one != other and far(days, day) for (_, one), (day, other) in pairwise(promised))

    assert told(project)["project.unapproved_rebaseline"] == {"project:p1": len(moved) + whole}


def test_the_story_of_the_programme_is_told() -> None:
    """NOV-01 slips ever more, NOV-02 was promised anew with approval, NOV-03 without; its 43 stands at 90 %."""
    story = {name: {one for project in PROJECTS for one in told(project)[name].values()} for name in HISTORIC}

    assert 4 in story["milestone.slip_streak"]
    assert 25 in story["task.stuck_progress"]
    assert [told(project)["project.unapproved_rebaseline"]["project:p1"] for project in PROJECTS] == [1, 0, 3]
