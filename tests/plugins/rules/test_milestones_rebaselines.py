"""Baselines changed without approval: SCH-07 of spec measures 3.1."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, finding, found, snapshot

from pmo_watch.flow import Samples, Since, Wish

MEASURES = catalogue(*milestones.pmo_watch_measures())
TODAY = date(2026, 5, 13)
Versions = Mapping[str, Sequence[str | None]]  # number of the milestone -> its baseline week by week, the last one now
WEEKLY = Samples("task", "week", 13, ("baseline_finish",))
OF_PROJECT = Samples("project", "week", 13, ("baseline_finish", "baseline_cost"))
OLD, NEW = "2026-06-12", "2026-06-26"
SEEN = "2026-05-07"  # in the last whole week
OTHER = {"title": "Other", "project": "project:p1", "status": "submitted"}


def day(text: str) -> date:
    return date.fromisoformat(text)


def promised(versions: Versions, *, approved: Sequence[Mapping[str, Any]] = (OTHER,), **more: Any) -> Any:
    """Return what is known of milestones whose baselines were these at the end of the last weeks."""
    rows = [{"name": f"M{n}", "baseline_finish": some[-1] and day(some[-1])} for n, some in versions.items()]
    samples = [
        {
            "uid": f"plans:task:{n}",
            "ends": TODAY - timedelta(weeks=len(some) - 1 - week),
            "baseline_finish": one and day(one),
        }
        for n, some in versions.items()
        for week, one in enumerate(some)
    ]
    schema = {"uid": pl.String, "ends": pl.Date, "baseline_finish": pl.Date}
    past = {WEEKLY: pl.DataFrame(samples, schema=schema), **more.pop("past", {})}
    return snapshot(milestone=rows, change=[dict(one) for one in approved], past=past, **more)


def rebaselined(known: Any, **params: Any) -> dict[str, Any]:
    """Return the only finding, with the default thresholds."""
    rule = {"measure": "project.unapproved_rebaseline", **({"with": params} if params else {})}
    return finding(MEASURES, known, rule)


def approval(decided: str | None, status: str = "approved") -> dict[str, Any]:
    return {**OTHER, "status": status, "decided_on": decided and day(decided)}


def test_each_milestone_with_a_new_baseline_counts_once() -> None:
    versions = {"1": (OLD, NEW, "2026-07-03"), "2": (OLD, OLD, OLD), "3": (OLD, OLD, NEW)}

    moved = rebaselined(promised(versions))

    assert (moved["value"], moved["state"]) == (2, "red")
    assert moved["evidence"] == {"rebaselined": "M1, M3", "first_seen": "2026-05-13"}


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param((OLD, OLD), id="the same"),
        pytest.param((None, OLD), id="the first one"),
        pytest.param((OLD, None, OLD), id="lost for a while"),
        pytest.param((OLD, None), id="lost since"),
        pytest.param((OLD, NEW, *[NEW] * 5), id="long ago"),
    ],
)
def test_a_baseline_that_did_not_change_lately_is_none_of_it(versions: tuple[str | None, ...]) -> None:
    moved = rebaselined(promised({"1": versions, "2": (OLD, OLD)}))

    assert (moved["value"], moved["state"]) == (0, "green")


def test_how_long_a_change_is_looked_back_on_may_be_set() -> None:
    known = promised({"1": (OLD, NEW, NEW)})  # seen by 6 May, five working days ago

    assert [rebaselined(known, window=one)["value"] for one in ("5 wd", "4 wd")] == [1, 0]


@pytest.mark.parametrize(
    ("decided", "status", "silent"),
    [
        ("2026-05-07", "approved", 0),
        ("2026-05-07", "implemented", 0),
        ("2026-04-29", "approved", 0),
        ("2026-04-28", "approved", 1),
        ("2026-05-15", "approved", 0),
        ("2026-05-18", "approved", 1),
        ("2026-05-07", "rejected", 1),
        ("2026-05-07", "waiting_approval", 1),
        (None, "approved", 1),
    ],
)
def test_a_change_approved_near_the_day_it_was_seen_covers_it(decided: str | None, status: str, silent: float) -> None:
    seen: dict[Wish, pl.DataFrame] = {
        Since("task", "baseline_finish"): pl.DataFrame({"uid": ["plans:task:1"], "since": [day(SEEN)]})
    }

    moved = rebaselined(promised({"1": (OLD, OLD, NEW)}, approved=[approval(decided, status)], past=seen))

    assert moved["value"] == silent


def test_a_change_of_another_project_covers_nothing() -> None:
    other = {**approval("2026-05-13"), "project": "project:p2"}
    known = promised({"1": (OLD, NEW)}, approved=[other], project=[{"code": "P1"}, {"code": "P2"}])

    (one,) = found(MEASURES, known, {"measure": "project.unapproved_rebaseline"})

    assert one.frame.select("value", "state").rows()[0] == (1, "red")


def of_project(costs: Sequence[int | None], finishes: Sequence[str]) -> dict[Wish, pl.DataFrame]:
    rows = [
        {
            "uid": "project:p1",
            "ends": TODAY - timedelta(weeks=len(costs) - 1 - n),
            "baseline_cost": cost,
            "baseline_finish": day(finish),
        }
        for n, (cost, finish) in enumerate(zip(costs, finishes, strict=True))
    ]
    schema: Any = {"uid": pl.String, "ends": pl.Date, "baseline_cost": pl.Decimal(18, 4), "baseline_finish": pl.Date}
    return {OF_PROJECT: pl.DataFrame(rows, schema=schema)}


@pytest.mark.parametrize(
    ("costs", "finishes", "value"),
    [
        ((100, 100), (OLD, OLD), 0),
        ((100, 120), (OLD, OLD), 1),
        ((100, 100), (OLD, NEW), 1),
        ((100, 120), (OLD, NEW), 1),
    ],
)
def test_the_project_itself_counts_as_one_more(costs: Sequence[int], finishes: Sequence[str], value: float) -> None:
    project = [{"code": "P1", "baseline_cost": costs[-1], "baseline_finish": day(finishes[-1])}]
    known = promised({"1": (OLD, OLD)}, past=of_project(costs, finishes), project=project)

    moved = rebaselined(known)

    assert moved["value"] == value
    assert moved["evidence"].get("rebaselined") == ("P1" if value else None)


@pytest.mark.parametrize(
    ("versions", "approved", "state", "reason"),
    [
        ((OLD,), (OTHER,), "na", "too early"),
        ((None,), (OTHER,), "na", "not configured"),
        ((OLD, NEW), (), "grey", "missing change.status"),
        ((OLD, OLD), (), "grey", "missing change.status"),
    ],
)
def test_a_rebaseline_that_cannot_be_told(
    versions: tuple[str | None, ...], approved: tuple[Mapping[str, Any], ...], state: str, reason: str
) -> None:
    moved = rebaselined(promised({"1": versions}, approved=approved))

    assert (moved["value"], moved["state"], moved["reason"]) == (None, state, reason)


def test_the_history_that_is_asked_for_reaches_back_beyond_the_window() -> None:
    measure = MEASURES["project.unapproved_rebaseline"]

    usual, long = (measure.past(measure.params.model_validate({"window": f"{one} wd"})) for one in (20, 120))

    assert (WEEKLY in usual, OF_PROJECT in usual, Since("task", "baseline_finish") in usual) == (True, True, True)
    assert Samples("task", "week", 27, ("baseline_finish",)) in long
