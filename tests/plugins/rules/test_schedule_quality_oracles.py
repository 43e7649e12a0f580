"""The checks of real plans, beside a second computation from what another reader found in them.

The plans lie in a folder beside the checkout that does not ship with it; without it this is skipped. Two things are
left to other tests: the critical path test, and slack that is computed since the plan does not tell it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from oracles import ABSENT, DATA, Plan, Row, percent, plan_files
from plan_snapshots import known, uid
from plans import Answer, read_one
from pmo_watch_plugins.rules import schedule_quality
from snapshots import catalogue, found

from pmo_watch.flow import Findings, Snapshot
from pmo_watch.workdays import Calendar

MEASURES = catalogue(*schedule_quality.pmo_watch_measures())
PLANS = plan_files()
WITHOUT = [pytest.param(Path(), marks=pytest.mark.skip(reason=ABSENT))]
EVERY_PLAN = pytest.mark.parametrize(
    "path", PLANS or WITHOUT, ids=lambda one: one.relative_to(DATA).as_posix() if one.name else "none"
)
COMPUTED = "slack is computed over the network: the other reader has none to compare it with"
LIMIT = 44  # working days
MORE: Mapping[str, Mapping[str, Any]] = {"unresourced": {"red": "over 5 %"}}  # has no thresholds of its own
Told = tuple[float | None, ...] | str  # value, numerator and denominator; or the reason why there is none
Check = Callable[[Plan, date], Told]


@cache
def read(path: Path) -> tuple[Plan, Snapshot]:
    """Return a plan as its oracle tells it, and as we read it; without status date, in the middle of its time."""
    plan = Plan(path)
    return plan, as_read(plan, path.read_bytes())


def as_read(plan: Plan, content: bytes) -> Snapshot:
    """Return a plan as we read it from that content."""
    with TemporaryDirectory() as folder:
        answer = read_one(Path(folder), content)
    calendar = Calendar("plan", closed=plan.days.off)
    return known(answer, calendar, plan.as_of or plan.middle, assignment=assigned(answer))


def assigned(answer: Answer) -> list[Mapping[str, Any]]:
    return [{"task": uid(one["task"]), "person": one["person"]} for one in answer.rows("assignment")]


@cache
def answers(path: Path) -> Mapping[str, Told]:
    """Return what each check says of the plan."""
    some = [{"measure": f"schedule.{name}", **MORE.get(name, {})} for name in CHECKS]
    return dict(zip(CHECKS, asked_of(read(path)[1], *some), strict=True))


def asked_of(ours: Snapshot, *rules: Mapping[str, Any]) -> list[Told]:
    return [told(one) for one in found(MEASURES, ours, *rules)]


def told(one: Findings) -> Told:
    assert not one.failed, one.failed
    (row,) = one.frame.to_dicts()
    if row["state"] in {"na", "grey"}:
        return str(row["reason"])
    return tuple(
        row[name] if row[name] is None else round(row[name], 6) for name in ("value", "numerator", "denominator")
    )


# --- rows and shares of them --------------------------------------------------------------------------------------


def going(plan: Plan) -> list[Row]:
    return [one for one in plan.counted if not one.done]


def going_tasks(plan: Plan) -> list[Row]:
    return [one for one in plan.tasks if not one.done]


def asked(some: Callable[[Plan], list[Row]], check: Check) -> Check:
    """Ask only where some rows are open, whatever else is not known."""
    return lambda plan, on: check(plan, on) if some(plan) else "done" if plan.counted else "nothing due yet"


def share(hits: Sequence[bool]) -> Told:
    return percent(sum(hits), len(hits)), float(sum(hits)), float(len(hits))


def lacking(what: str, rows: Sequence[Row], known: Callable[[Row], bool]) -> str | None:
    """Return what is said where some rows lack what they are asked for."""
    number = sum(not known(one) for one in rows)
    some = f" on {number} of {len(rows)} rows" if number < len(rows) else ""
    return f"missing {what}{some}" if number else None


# --- links --------------------------------------------------------------------------------------------------------


def followed(plan: Plan) -> dict[int, set[int]]:
    """Return the predecessors of each row that are rows a link may lead to: those that count, external ones, groups."""
    groups = {one.told["parent_uid"] for one in plan.rows}
    ends = {
        number
        for number, one in plan.of.items()
        if one.counts or one.told["external"] or (number in groups and one.told["active"])
    }
    every = {row.told["uid"]: {one["uid"] for one in row.told["predecessors"]} & ends for row in plan.rows}
    return {number: before for number, before in every.items() if number in ends}


def loose(plan: Plan, _: date) -> Told:
    if not plan.linked:
        return NO_LINKS
    before = followed(plan)
    after = set().union(*before.values())
    first = [one for one in plan.counted if not before[one.told["uid"]]]
    last = [one for one in plan.counted if one.told["uid"] not in after]
    begins = min((one for one in first if one.start), key=lambda one: one.start, default=None)
    ends = max((one for one in last if one.finish), key=lambda one: one.finish, default=None)
    return share([(one in first and one is not begins) or (one in last and one is not ends) for one in going(plan)])


def links(plan: Plan) -> list[Mapping[str, Any]]:
    """Return the links of open rows to rows that count or lie in another plan."""
    every = [one for row in going(plan) for one in row.told["predecessors"] if one["uid"] in plan.of]
    return [one for one in every if plan.of[one["uid"]].counts or plan.of[one["uid"]].told["external"]]


def of_links(hit: Callable[[Mapping[str, Any]], bool]) -> Check:
    def answer(plan: Plan, _: date) -> Told:
        return share([hit(one) for one in links(plan)]) if plan.linked else NO_LINKS

    return answer


NO_LINKS = "missing task.predecessor_count"
leads = of_links(lambda one: one["lag"]["hours"] < 0)
lags = of_links(lambda one: one["lag"]["hours"] > 0)
fs_links = of_links(lambda one: one["type"] == "FS")


# --- what holds rows, and how long they are -----------------------------------------------------------------------


def written(plan: Plan, element: str) -> set[int]:
    """Return the rows for which the file itself has an element, which the other reader otherwise makes up."""
    tasks = ET.parse(plan.path).getroot().iterfind("{*}Tasks/{*}Task")
    return {int(one.findtext("{*}UID", "")) for one in tasks if one.findtext(f"{{*}}{element}")}


def held(*types: str) -> Check:
    def answer(plan: Plan, _: date) -> Told:
        has = written(plan, "ConstraintType")
        rows = [one for one in going(plan) if one.told["uid"] in has]
        found = share([one.told["constraint_type"] in types for one in rows])
        return found if rows else "missing task.constraint_type"

    return answer


def of_slack(some: Callable[[Plan], list[Row]], hit: Callable[[float, float], bool]) -> Check:
    def answer(plan: Plan, _: date) -> Told:
        has = written(plan, "TotalSlack")
        if plan.linked and not any(one.told["uid"] in has for one in going(plan)):
            return COMPUTED
        rows = some(plan)
        missing = lacking("task.total_slack", rows, lambda one: one.told["uid"] in has)
        per_day = plan.project["minutes_per_day"] / 60
        return missing or share([hit(one.hours("total_slack") or 0, per_day) for one in rows])

    return answer


def long_tasks(plan: Plan, _: date) -> Told:
    rows, limit = going_tasks(plan), LIMIT * plan.project["minutes_per_day"] / 60
    lengths = {one: one.hours("baseline_duration") for one in rows}
    lengths = {one: one.hours("remaining_duration") if found is None else found for one, found in lengths.items()}
    missing = lacking("task.baseline_duration", rows, lambda one: lengths[one] is not None)
    return missing or share([(lengths[one] or 0) > limit for one in rows])


def unresourced(plan: Plan, _: date) -> Told:
    def by_somebody(row: Row) -> bool:
        return any(one["resource_uid"] is not None for one in row.told["assignments"])

    if not any(map(by_somebody, plan.rows)):
        return "missing assignment.person"
    rows = going_tasks(plan)
    return share([bool(one.hours("duration")) and not one.told["cost"] and not by_somebody(one) for one in rows])


# --- dates --------------------------------------------------------------------------------------------------------


def invalid_dates(plan: Plan, on: date) -> Told:
    if plan.as_of is None:
        return "missing project.status_date"

    def wrong(row: Row) -> bool:
        ahead = any(one is not None and one > on for one in (row.actual_start, row.actual_finish))
        ends = not row.done and row.finish is not None and row.finish < on
        return ahead or ends or (not row.begun and row.start is not None and row.start < on)

    return float(sum(map(wrong, plan.counted))), None, None


def due(plan: Plan, on: date) -> list[Row]:
    return [one for one in plan.counted if one.baseline_finish and one.baseline_finish <= on]


def promised(answer: Check) -> Check:
    """Ask only where the plan has a baseline, and something of it is due."""

    def asked(plan: Plan, on: date) -> Told:
        if plan.counted and not any(one.baseline_finish for one in plan.counted):
            return "missing task.baseline_finish"
        return answer(plan, on) if due(plan, on) else "nothing due yet"

    return asked


@promised
def missed(plan: Plan, on: date) -> Told:
    return share([one.end > one.baseline_finish for one in due(plan, on)])


@promised
def execution(plan: Plan, on: date) -> Told:
    done = sum(one.done and (one.actual_finish or on) <= on for one in plan.counted)
    number = len(due(plan, on))
    return round(done / number, 6), float(done), float(number)


def length_index(plan: Plan, on: date) -> Told:
    targets = [one.baseline_finish for one in plan.counted if one.baseline_finish]
    if not targets:
        return "not configured"
    length = plan.days.between(on, plan.ends)
    spare = plan.days.between(plan.ends, max(targets))
    if length <= 0:
        return "planned finish passed"
    return round((length + spare) / length, 6), float(length + spare), float(length)


CHECKS: Mapping[str, Check] = {
    "missing_logic": asked(going, loose),
    "leads": asked(going, leads),
    "lags": asked(going, lags),
    "fs_links": asked(going, fs_links),
    "hard_constraints": asked(
        going, held("MUST_START_ON", "MUST_FINISH_ON", "START_NO_LATER_THAN", "FINISH_NO_LATER_THAN")
    ),
    "high_float": asked(going_tasks, of_slack(going_tasks, lambda slack, day: slack > LIMIT * day)),
    "negative_float": asked(going, of_slack(going, lambda slack, _: slack < 0)),
    "long_tasks": asked(going_tasks, long_tasks),
    "invalid_dates": invalid_dates,
    "unresourced": asked(going_tasks, unresourced),
    "missed_tasks": missed,
    "cpli": length_index,
    "bei": execution,
}


@EVERY_PLAN
@pytest.mark.parametrize("check", CHECKS)
def test_checks_are_those_of_the_other_reader(check: str, path: Path) -> None:
    plan, ours = read(path)

    theirs = CHECKS[check](plan, ours.today)

    if theirs == COMPUTED:
        pytest.skip(COMPUTED)
    assert answers(path)[check] == theirs


@pytest.mark.skipif(not PLANS, reason=ABSENT)
@pytest.mark.parametrize("check", sorted({*CHECKS} - {"leads", "hard_constraints"}))
def test_the_plans_put_every_check_to_the_test(check: str) -> None:
    assert len(values([answers(path)[check] for path in PLANS])) > 1


def values(some: Sequence[Told]) -> set[float | None]:
    return {one[0] for one in some if not isinstance(one, str)}


@pytest.mark.skipif(not PLANS, reason=ABSENT)
@pytest.mark.parametrize("check", ["missing_logic", "leads", "lags", "fs_links"])
def test_nothing_is_said_of_links_in_open_plans_without_any(check: str) -> None:
    without = [path for path in PLANS if not read(path)[0].linked and going(read(path)[0])]

    assert {answers(path)[check] for path in without} == {NO_LINKS}


# None of the plans has a lead or a hard constraint: what follows shows that one would have been found.


@pytest.mark.skipif(not PLANS, reason=ABSENT)
def test_lags_turned_round_are_leads_where_the_other_reader_has_lags() -> None:
    plans = [Plan(path) for path in PLANS]
    round_about = [as_read(plan, plan.path.read_bytes().replace(b"<LinkLag>", b"<LinkLag>-")) for plan in plans]

    ours = [asked_of(one, {"measure": "schedule.leads"})[0] for one in round_about]

    assert ours == [CHECKS["lags"](plan, one.today) for plan, one in zip(plans, round_about, strict=True)]
    assert len(values(ours)) > 1


@pytest.mark.skipif(not PLANS, reason=ABSENT)
def test_constraints_that_a_rule_names_are_those_of_the_other_reader() -> None:
    rule = {"measure": "schedule.hard_constraints", "with": {"types": ["start_no_earlier"]}}
    check = asked(going, held("START_NO_EARLIER_THAN"))

    ours = [asked_of(read(path)[1], rule)[0] for path in PLANS]

    assert ours == [check(plan, one.today) for plan, one in map(read, PLANS)]
    assert len(values(ours)) > 1
