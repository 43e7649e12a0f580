"""Milestones and schedules of real plans, beside a second computation from what another reader found in them.

The plans lie in a folder beside the checkout that does not ship with it; without it this is skipped.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from oracles import ABSENT, DATA, Plan, Row, filled, percent, plan_files, spread
from plan_snapshots import known
from plans import read_one
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, found

from pmo_watch.flow import Findings, Snapshot
from pmo_watch.workdays import Calendar

MEASURES = catalogue(*milestones.pmo_watch_measures())
PLANS = plan_files()
WITHOUT = [pytest.param(Path(), marks=pytest.mark.skip(reason=ABSENT))]
EVERY_PLAN = pytest.mark.parametrize(
    "path", PLANS or WITHOUT, ids=lambda one: one.relative_to(DATA).as_posix() if one.name else "none"
)
WINDOW = 400  # working days: every milestone that lies ahead is near
WITH = {"milestone.readiness": {"window": f"{WINDOW} wd"}, "dependency.conflict": {"scope": "all"}}
Answer = float | str | None


@cache
def read(path: Path) -> tuple[Plan, Snapshot]:
    """Return a plan as its oracle tells it, and as we read it; without status date, in the middle of its time."""
    plan = Plan(path)
    with TemporaryDirectory() as folder:
        answer = read_one(Path(folder), path.read_bytes())
    return plan, known(answer, Calendar("plan", closed=plan.days.off), plan.as_of or plan.middle)


@cache
def answers(path: Path) -> Mapping[str, Mapping[str, Answer]]:
    """Return what each measure says of each row: a value, or the reason why it says none."""
    some = [{"measure": name, **({"with": WITH[name]} if name in WITH else {})} for name in ASKED]
    return {name: _told(one) for name, one in zip(ASKED, found(MEASURES, read(path)[1], *some), strict=True)}


def _told(one: Findings) -> Mapping[str, Answer]:
    assert not one.failed, one.failed
    silent = {"na", "grey"}
    return {
        row["uid"]: row["reason"] if row["state"] in silent else round(row["value"], 6) for row in one.frame.to_dicts()
    }


def by_row(plan: Plan, rows: list[Row], ours: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return our answers by the number of the row in the plan."""
    numbers = {key: str(row.told["uid"]) for row in plan.rows for key in row.keys if key}
    told = {numbers[uid.rpartition("/")[2]]: answer for uid, answer in ours.items()}
    assert len(told) == len(rows)
    return told


# --- milestones ---------------------------------------------------------------------------------------------------


def late(plan: Plan, row: Row, on: date) -> Answer:
    if row.done:
        return "done"
    return max(0, plan.days.between(row.committed, on)) if row.committed else "missing milestone.committed_finish"


def slipped(plan: Plan, row: Row, _: date) -> Answer:
    if row.done or row.baseline_finish is None:
        return "done" if row.done else "missing milestone.baseline_finish"
    return plan.days.between(row.baseline_finish, row.finish)


def expected_past(plan: Plan, row: Row, on: date) -> Answer:
    return "done" if row.done else max(0, plan.days.between(row.finish, on))


def breached(plan: Plan, row: Row, _: date) -> Answer:
    if row.done or row.deadline is None:
        return "done" if row.done else "not configured"
    return plan.days.between(row.deadline, row.finish)


def before(plan: Plan, row: Row) -> list[Row]:
    """Return what must be done before a row: what stands for its predecessors, else rows beside it that end by then."""
    linked = [
        leaf
        for one in row.told["predecessors"]
        for leaf in (plan.of[one["uid"]].leaves if one["uid"] in plan.of else [])
    ]
    if linked:
        return list(dict.fromkeys(linked))
    beside = [one for one in plan.counted if one.told["parent_uid"] == row.told["parent_uid"] and one is not row]
    inside = plan.of.get(row.told["parent_uid"]) is not None
    ends = [one for one in beside if inside and (one.end or one.committed) and row.end]
    return [one for one in ends if (one.end or one.committed) <= row.end]


def ready(plan: Plan, row: Row, on: date) -> Answer:
    if row.done:
        return "done"
    if not 0 <= plan.days.between(on, row.committed) <= WINDOW:
        return "not in window"
    rows = before(plan, row)
    return percent(sum(one.done for one in rows), len(rows)) if rows else "missing milestone.predecessor_count"


OF_MILESTONES: Mapping[str, Callable[[Plan, Row, date], Answer]] = {
    "milestone.overdue": late,
    "milestone.slip": slipped,
    "milestone.forecast_in_past": expected_past,
    "milestone.deadline_breach": breached,
    "milestone.readiness": ready,
}


@EVERY_PLAN
@pytest.mark.parametrize("measure", OF_MILESTONES)
def test_milestones_are_those_of_the_other_reader(measure: str, path: Path) -> None:
    plan, ours = read(path)

    theirs = {str(one.told["uid"]): OF_MILESTONES[measure](plan, one, ours.today) for one in plan.milestones}

    assert by_row(plan, plan.milestones, answers(path)[measure]) == theirs


@EVERY_PLAN
def test_float_is_that_of_the_other_reader_where_the_plan_has_one(path: Path) -> None:
    plan, ours = read(path)
    given = set(ours.frame("task").drop_nulls("total_slack")["uid"])
    told = {uid: one for uid, one in answers(path)["milestone.float"].items() if uid in given}

    def slack(row: Row) -> Answer:
        if row.done or row.manual:
            return "done" if row.done else "invalid milestone.total_slack: manual row"
        minutes = (row.hours("total_slack") or 0) * 60
        return (
            round(minutes / plan.project["minutes_per_day"], 6)
            if plan.linked
            else "missing milestone.predecessor_count"
        )

    asked = [one for one in plan.milestones if any(uid.endswith(f"/{key}") for uid in given for key in one.keys)]
    assert by_row(plan, asked, told) == {str(one.told["uid"]): slack(one) for one in asked}


# --- links --------------------------------------------------------------------------------------------------------


@EVERY_PLAN
def test_links_fit_as_the_other_reader_has_them(path: Path) -> None:
    plan, ours = read(path)
    numbers = {key: str(row.told["uid"]) for row in plan.rows for key in row.keys if key}
    links = {
        row["uid"]: (numbers[row["predecessor"].rpartition("/")[2]], numbers[row["successor"].rpartition("/")[2]])
        for row in ours.frame("dependency").drop_nulls(["predecessor", "successor"]).to_dicts()
    }
    told = {links[uid]: one for uid, one in answers(path)["dependency.conflict"].items() if uid in links}

    theirs = {
        (str(one["uid"]), str(row.told["uid"])): fits(plan, plan.of[one["uid"]], row, one)
        for row in plan.counted
        for one in row.told["predecessors"]
        if one["uid"] in plan.of and plan.of[one["uid"]].counts
    }
    assert told == theirs


def fits(plan: Plan, first: Row, then: Row, link: Mapping[str, Any]) -> Answer:
    """Return the working days between what a link asks for and what is planned."""
    if first.done or then.actual_start:
        return "done"
    ends = {"FS": ("finish", "start"), "SS": ("start", "start"), "FF": ("finish", "finish"), "SF": ("start", "finish")}
    left, right = ends[link["type"]]
    lag = round(link["lag"]["hours"] * 60 / plan.project["minutes_per_day"])
    sides = [
        (one.end if side == "finish" else one.actual_start or one.start) for one, side in ((first, left), (then, right))
    ]
    for name, side, one in (("successor", right, sides[1]), ("predecessor", left, sides[0])):
        if one is None:
            return f"missing {name}.forecast_{side}"
    return plan.days.between(plan.days.after(sides[0], lag), sides[1])


# --- projects -----------------------------------------------------------------------------------------------------


def in_time(plan: Plan, on: date) -> Answer:
    promised = [one for one in plan.milestones if one.baseline_finish]
    due = [one for one in promised if one.baseline_finish <= on]
    if plan.milestones and not promised:
        return "missing milestone.baseline_finish"
    reached = [one for one in due if one.done and one.end <= one.baseline_finish]
    return percent(len(reached), len(due)) if due else "nothing due yet"


def overdue(plan: Plan, on: date) -> Answer:
    going = [one for one in plan.tasks if not one.done]
    dated = [one for one in going if one.finish]
    if not going:
        return "done" if plan.tasks else "nothing due yet"
    if len(going) - len(dated) > 0.2 * len(going):
        return f"missing task.forecast_finish on {len(going) - len(dated)} of {len(going)} rows"
    return percent(sum(one.finish < on for one in dated), len(dated))


def not_begun(plan: Plan, on: date) -> Answer:
    promised = [one for one in plan.tasks if one.baseline_start]
    due = [one for one in promised if one.baseline_start <= on]
    if plan.tasks and not promised:
        return "missing task.baseline_start"
    return percent(sum(not one.begun for one in due), len(due)) if due else "nothing due yet"


def worst(plan: Plan, _: date) -> Answer:
    going = [one for one in plan.tasks if not one.done]
    if not going:
        return "done" if plan.tasks else "nothing due yet"
    if not plan.says("Critical"):
        return "missing task.critical"
    path = [one for one in going if one.told["critical"]]
    without = sum(one.baseline_finish is None for one in path)
    if without:
        return "missing task.baseline_finish" + (f" on {without} of {len(path)} rows" if without < len(path) else "")
    slips = [plan.days.between(one.baseline_finish, one.finish) for one in path]
    return max(slips) if slips else "nothing due yet"


def later(plan: Plan, _: date) -> Answer:
    rows = [one for one in plan.counted if one.baseline_start and one.baseline_finish]
    if not rows:
        return "missing project.baseline_start"
    start, finish = min(one.baseline_start for one in rows), max(one.baseline_finish for one in rows)
    return percent(plan.days.between(finish, plan.ends), plan.days.between(start, finish))


def behind(plan: Plan, on: date) -> Answer:
    rows = [one for one in plan.counted if one.baseline_finish]
    tasks = [one for one in rows if not one.milestone]
    if not any(not one.milestone for one in rows):
        return (
            "not started"
            if plan.counted and not any(one.begun for one in plan.counted)
            else "missing task.baseline_finish"
        )
    if not any(one.begun for one in plan.counted) and not plan.project.get("actual_start"):
        return "not started"
    known = [one for one in ("baseline_cost", "baseline_work", "baseline_duration") if filled(tasks, one) >= 0.95]
    if not known:
        return "missing task.baseline_duration"
    weight = known[0]
    weights = [row.told[weight] if weight == "baseline_cost" else row.hours(weight) for row in rows]
    weighed = [(row, heavy) for row, heavy in zip(rows, weights, strict=True) if heavy]
    total = sum(heavy for _, heavy in weighed)
    planned = sum(heavy * spread(plan.days, row, on) for row, heavy in weighed)
    actual = sum(heavy * (row.progress or 0) / 100 for row, heavy in weighed)
    return round(100 * (planned - actual) / total, 6)


def idle(plan: Plan, on: date) -> Answer:
    if not any(not one.done for one in plan.counted):
        return "done" if plan.counted else "nothing due yet"
    return max(0, plan.days.between(plan.saved, on))


OF_PROJECTS: Mapping[str, Callable[[Plan, date], Answer]] = {
    "project.milestones_on_time": in_time,
    "project.overdue_tasks": overdue,
    "project.late_starts": not_begun,
    "project.critical_slip": worst,
    "project.finish_variance": later,
    "project.behind_plan": behind,
    "project.inactivity": idle,
}


@EVERY_PLAN
@pytest.mark.parametrize("measure", OF_PROJECTS)
def test_projects_are_those_of_the_other_reader(measure: str, path: Path) -> None:
    plan, ours = read(path)

    (told,) = answers(path)[measure].values()

    theirs = OF_PROJECTS[measure](plan, ours.today)
    assert told == (pytest.approx(theirs, abs=2e-6) if isinstance(theirs, float) else theirs)


ASKED = (*OF_MILESTONES, "milestone.float", "dependency.conflict", *OF_PROJECTS)


@pytest.mark.skipif(not PLANS, reason=ABSENT)
@pytest.mark.parametrize("measure", ASKED)
def test_the_plans_put_every_measure_to_the_test(measure: str) -> None:
    told = [one for path in PLANS for one in answers(path)[measure].values()]

    assert len({one for one in told if isinstance(one, float)}) > 1
    assert any(isinstance(one, str) for one in told)
