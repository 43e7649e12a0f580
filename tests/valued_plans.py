"""Plans with a baseline: the vectors V-1 and V-2 of spec measures 4.3, and one task of value 100."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pmo_watch_plugins.rules import earned_value
from snapshots import catalogue, finding, snapshot

from pmo_watch.flow import Snapshot

MEASURES = catalogue(*earned_value.pmo_watch_measures())


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def of(measure: str, known: Snapshot, **params: Any) -> dict[str, Any]:
    """Return the only finding of a measure; one without thresholds of its own gets some that are never met."""
    rule: dict[str, Any] = {"measure": measure, **({"with": params} if params else {})}
    if not MEASURES[measure].amber:
        rule["amber"] = _never(measure)
    return finding(MEASURES, known, rule)


def _never(measure: str) -> str:
    return "under -1000000 periods" if MEASURES[measure].unit.value == "periods" else "under -1000000"


def task(start: str, finish: str, cost: int | None, progress: int | None, **more: Any) -> Mapping[str, Any]:
    """Return a row of a plan with a baseline."""
    return {
        "baseline_start": day(start),
        "baseline_finish": day(finish),
        "forecast_finish": day(finish),
        "baseline_cost": None if cost is None else Decimal(cost),
        "progress": None if progress is None else Decimal(progress),
        **more,
    }


def plan(
    tasks: Sequence[Mapping[str, Any]],
    status: str,
    ac: int | None,
    span: tuple[str, str],
    milestones: Sequence[Mapping[str, Any]] = (),
    today: str = "",
    **project: Any,
) -> Snapshot:
    """Return a project with this plan, looked at on its status date."""
    row = {
        "code": "P1",
        "status_date": day(status),
        "actual_cost": None if ac is None else Decimal(ac),
        "actual_start": day(span[0]),
        "baseline_start": day(span[0]),
        "baseline_finish": day(span[1]),
        **project,
    }
    return snapshot(day(today or status), project=[row], task=list(tasks), milestone=list(milestones))


def v2(**project: Any) -> Snapshot:
    """Return V-2: three tasks in four weeks, the second one behind."""
    tasks = [
        task("03-02", "03-06", 10_000, 100, done=True, actual_finish=day("03-06")),
        task("03-09", "03-20", 30_000, 40),
        task("03-23", "03-27", 10_000, 0),
    ]
    end = [{"baseline_start": day("03-27"), "baseline_finish": day("03-27"), "forecast_finish": day("03-27")}]
    return plan(tasks, "03-13", 26_000, ("03-02", "03-27"), end, **project)


def v1(ev: int, ac: int, status: str, **project: Any) -> Snapshot:
    """Return V-1: six months that earn 10, 15, 20, 25, 20 and 10 of 100, all progress in the first rows."""
    months = [
        ("01-01", "01-31"),
        ("02-01", "02-28"),
        ("03-01", "03-31"),
        ("04-01", "04-30"),
        ("05-01", "05-31"),
        ("06-01", "06-30"),
    ]
    values = (10, 15, 20, 25, 20, 10)
    tasks, left = [], ev
    for (start, finish), value in zip(months, values, strict=True):
        earned = min(left, value)
        left -= earned
        tasks.append({**task(start, finish, value, 0), "progress": Decimal(earned * 100) / value})
    return plan(tasks, status, ac, ("01-01", "06-30"), **project)


def simple(ev: int, ac: int | None, status: str = "03-13", **more: Any) -> Snapshot:
    """Return one task of value 100 over the 50 working days from 2 March to 12 May 2026."""
    return plan([task("03-02", "05-12", 100, ev)], status, ac, ("03-02", "05-12"), **more)
