"""What stands still, and gates that are due: SCH-06, SCH-08 and SCH-09 of spec measures 3.1."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, finding, snapshot

from pmo_watch.flow import Since, SourceState, Wish

MEASURES = catalogue(*milestones.pmo_watch_measures())
TODAY = date(2026, 5, 13)


def day(text: str) -> date:
    return date.fromisoformat(text)


def noon(text: str) -> datetime:
    return datetime.combine(day(text), time(12), UTC)


def of(measure: str, known: Any, **params: Any) -> dict[str, Any]:
    """Return the only finding of a measure, with its default thresholds."""
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


def last_read(text: str) -> dict[str, SourceState]:
    return {"plans": SourceState("plans", "csv_file", last_good=noon(text))}


# --- SCH-06 stuck progress ----------------------------------------------------------------------------------------


def stuck(
    progress: int | None,
    stood: str = "2026-04-15",
    *,
    first: str = "2026-03-02",
    read: str = "2026-05-13",
    more: Mapping[str, Any] | None = None,
    **params: Any,
) -> dict[str, Any]:
    """Return the finding on a task of this progress since a day, known since `first` and read last on `read`."""
    since = {
        name: pl.DataFrame({"uid": ["plans:task:1"], "since": [day(at)]})
        for name, at in (("progress", stood), ("project", first))
    }
    past: dict[Wish, pl.DataFrame] = {Since("task", name): frame for name, frame in since.items()}
    known = snapshot(task=[{"progress": progress, **(more or {})}], past=past, sources=last_read(read))
    return of("task.stuck_progress", known, **params)


@pytest.mark.parametrize(
    ("stood", "value", "state"),
    [
        ("2026-05-13", 0, "green"),
        ("2026-04-29", 9, "green"),
        ("2026-04-28", 10, "amber"),
        ("2026-04-15", 19, "amber"),
        ("2026-04-14", 20, "red"),
    ],
)
def test_stuck_progress_counts_since_the_last_change(stood: str, value: float, state: str) -> None:
    found = stuck(90, stood)

    assert (found["value"], found["state"]) == (value, state)


@pytest.mark.parametrize(("progress", "asked"), [(79, False), (80, True), (99, True), (100, False), (0, False)])
def test_only_a_task_that_is_nearly_done_can_be_stuck(progress: int, asked: bool) -> None:
    assert (stuck(progress)["state"] != "na") is asked


def test_what_is_nearly_done_may_be_set() -> None:
    bounds: list[Any] = [{"from": "95 %", "to": "95 %"}, {"from": "95 %", "to": "94 %"}]
    within, beyond = (stuck(95, **one) for one in bounds)

    assert (within["state"], beyond["state"]) == ("amber", "na")


@pytest.mark.parametrize(
    ("progress", "more", "state", "reason"),
    [
        (None, {}, "grey", "missing task.progress"),
        (50, {}, "na", "out of scope"),
        (90, {"done": True}, "na", "done"),
        (None, {"done": True}, "na", "done"),
    ],
)
def test_stuck_progress_that_is_not_asked_or_not_known(
    progress: int | None, more: dict[str, Any], state: str, reason: str
) -> None:
    found = stuck(progress, more=more)

    assert (found["state"], found["reason"]) == (state, reason)


def test_one_reading_says_nothing_of_how_long_progress_has_stood() -> None:
    once, twice = (stuck(90, "2026-04-15", first="2026-04-15", read=one) for one in ("2026-04-15", "2026-04-16"))

    assert (once["state"], once["reason"]) == ("grey", "needs 2 samples, has 1")
    assert (twice["state"], twice["value"]) == ("amber", 19)


def test_a_task_without_history_is_grey() -> None:
    found = of("task.stuck_progress", snapshot(task=[{"progress": 90}]))

    assert (found["state"], found["reason"]) == ("grey", "needs 2 samples, has 1")


def test_a_change_seen_after_the_status_date_has_not_stood_at_all() -> None:
    past: dict[Wish, pl.DataFrame] = {
        Since("task", name): pl.DataFrame({"uid": ["plans:task:1"], "since": [day("2026-05-12")]})
        for name in ("progress", "project")
    }
    known = snapshot(project=[{"status_date": day("2026-05-08")}], task=[{"progress": 90}], past=past)

    assert of("task.stuck_progress", known)["value"] == 0


# --- SCH-09 inactivity --------------------------------------------------------------------------------------------


def changed(*days: str | None, **more: Any) -> list[dict[str, Any]]:
    return [{"name": f"T{n}", "updated_at": one and noon(one), **more} for n, one in enumerate(days, 1)]


@pytest.mark.parametrize(
    ("newest", "value", "state"),
    [
        ("2026-05-13", 0, "green"),
        ("2026-04-28", 10, "green"),
        ("2026-04-27", 11, "amber"),
        ("2026-04-14", 20, "amber"),
        ("2026-04-13", 21, "red"),
    ],
)
def test_inactivity_counts_from_the_newest_change(newest: str, value: float, state: str) -> None:
    known = snapshot(task=changed("2026-03-02", newest), sources=last_read("2026-05-13"))

    idle = of("project.inactivity", known)

    assert (idle["value"], idle["state"]) == (value, state)
    assert idle["evidence"] == ({} if state == "green" else {"changed_row": "T2", "changed_on": newest})


def test_inactivity_looks_at_open_rows_milestones_among_them_up_to_today() -> None:
    known = snapshot(
        project=[{"status_date": day("2026-05-04")}],
        task=[*changed("2026-05-12", done=True), *changed("2026-04-27")],
        milestone=changed("2026-05-05"),
    )

    idle = of("project.inactivity", known)

    assert (idle["value"], idle["as_of"]) == (6, TODAY)


@pytest.mark.parametrize(
    ("rows", "state", "reason"),
    [
        ([], "na", "nothing due yet"),
        (changed("2026-03-02", done=True), "na", "done"),
        (changed(None, None), "grey", "missing task.updated_at"),
        (changed("2026-03-02", None), "grey", "missing task.updated_at on 1 of 2 rows"),
    ],
)
def test_inactivity_that_cannot_be_told(rows: list[dict[str, Any]], state: str, reason: str) -> None:
    idle = of("project.inactivity", snapshot(task=rows))

    assert (idle["value"] if state == "grey" else None, idle["state"], idle["reason"]) == (None, state, reason)


def test_a_plan_that_does_not_date_its_rows_was_changed_when_it_was_saved() -> None:
    saved = {"updated_at": noon("2026-04-27")}

    alone, beside = (
        of("project.inactivity", snapshot(project=[saved], task=changed(*some)))
        for some in ((None,), (None, "2026-05-11"))
    )

    assert (alone["value"], alone["state"]) == (11, "amber")
    assert alone["evidence"] == {"changed_row": None, "changed_on": "2026-04-27"}
    assert beside["value"] == 2


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        ("2026-04-27", "source plans not read since 2026-04-27T12:00:00+00:00"),
        ("2026-04-28", None),
    ],
)
def test_inactivity_is_unknown_where_nobody_has_looked_since(read: str, reason: str | None) -> None:
    known = snapshot(task=changed("2026-04-27"), sources=last_read(read))

    idle = of("project.inactivity", known)

    assert (idle["reason"], idle["state"]) == (reason, "grey" if reason else "amber")


# --- SCH-08 gates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planned", "value", "state"),
    [
        ("2026-05-20", 0, "green"),
        ("2026-05-13", 0, "green"),
        ("2026-05-12", 1, "amber"),
        ("2026-04-28", 10, "amber"),
        ("2026-04-27", 11, "red"),
    ],
)
def test_gate_overdue(planned: str, value: float, state: str) -> None:
    late = of("gate.overdue", snapshot(gate=[{"code": "rfe", "planned_on": day(planned)}]))

    assert (late["value"], late["state"]) == (value, state)


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        ({"planned_on": day("2026-04-27"), "passed_on": day("2026-05-05")}, "na", "done"),
        ({"planned_on": day("2026-04-27"), "tailored_out": True}, "na", "out of scope"),
        ({"code": "rfp"}, "grey", "missing gate.planned_on"),
    ],
)
def test_gate_that_is_not_judged(row: dict[str, Any], state: str, reason: str) -> None:
    late = of("gate.overdue", snapshot(gate=[row]))

    assert (late["state"], late["reason"]) == (state, reason)


def test_a_milestone_stands_for_a_gate_that_nobody_lists() -> None:
    known = snapshot(milestone=[{"name": "RfE", "kind": "gate", "baseline_finish": day("2026-05-11")}, {"name": "M2"}])

    late = of("gate.overdue", known)

    assert (late["value"], late["state"]) == (2, "amber")
