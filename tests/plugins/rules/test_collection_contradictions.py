"""Data that contradict themselves: each kind of spec measures 3.10, counted by rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import collection
from pmo_watch_plugins.rules.collection.contradictions import KINDS, LOST, PREVIOUS, SAID
from snapshots import Row, catalogue, finding, found, snapshot

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import CONTRADICTION_SCHEMA, Snapshot, Wish

MEASURES = catalogue(*collection.pmo_watch_measures())
AS_OF = date(2026, 5, 12)
STARTED = date(2026, 5, 4)
PROJECT = {"code": "P1", "status_date": AS_OF}
Past = Mapping[Wish, pl.DataFrame]


def counted(known: Snapshot, **params: Any) -> dict[str, Any]:
    """Return the finding on the only project."""
    rule = {"measure": "project.contradictions", **({"with": params} if params else {})}
    return finding(MEASURES, known, rule)


def kinds(known: Snapshot, **params: Any) -> dict[str, str]:
    """Return how often each kind was found, of those that were."""
    one = counted(known, **params)
    assert one["value"] == (1 if one["evidence"] else 0)
    return {name: one["evidence"][name] for name in KINDS if one["evidence"].get(name)}


def of_row(**fields: Any) -> dict[str, str]:
    return kinds(snapshot(project=[PROJECT], task=[{"name": "Build", **fields}]))


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        pytest.param({"done": True, "progress": Decimal(90)}, "done_incomplete", id="done under 100 %"),
        pytest.param({"done": True, "progress": Decimal(100)}, "", id="done at 100 %"),
        pytest.param({"done": True}, "", id="done, progress unknown"),
        pytest.param({"done": False, "progress": Decimal(100)}, "complete_open", id="100 % and not done"),
        pytest.param({"progress": Decimal(100)}, "", id="100 % makes it done where nobody says"),
        pytest.param({"actual_finish": AS_OF}, "never_started", id="finished and never started"),
        pytest.param({"actual_start": STARTED, "actual_finish": AS_OF}, "", id="started and finished"),
        pytest.param({"actual_start": AS_OF, "actual_finish": STARTED}, "finish_before_start", id="actual"),
        pytest.param({"forecast_start": AS_OF, "forecast_finish": STARTED}, "finish_before_start", id="forecast"),
        pytest.param({"baseline_start": AS_OF, "baseline_finish": STARTED}, "finish_before_start", id="baseline"),
        pytest.param({"baseline_start": AS_OF, "baseline_finish": AS_OF}, "", id="one day"),
        pytest.param({"baseline_start": AS_OF, "forecast_finish": STARTED}, "", id="of two plans"),
        pytest.param({"actual_start": date(2026, 5, 13)}, "actual_in_future", id="a start after the status date"),
        pytest.param({"actual_start": AS_OF}, "", id="a start on the status date"),
        pytest.param({"forecast_start": date(2026, 9, 1)}, "", id="a plan for the future"),
        pytest.param({}, "", id="nothing is known"),
    ],
)
def test_a_row_that_says_what_cannot_be(fields: Row, kind: str) -> None:
    assert of_row(**fields) == ({kind: "1"} if kind else {})


def test_a_row_with_two_contradictions_counts_once() -> None:
    one = counted(
        snapshot(project=[PROJECT], task=[{"done": True, "progress": Decimal(5), "actual_finish": date(2026, 6, 1)}])
    )

    assert one["value"] == 1
    assert [name for name in KINDS if one["evidence"][name]] == ["done_incomplete", "actual_in_future", "never_started"]


def test_a_milestone_needs_no_start() -> None:
    assert kinds(snapshot(project=[PROJECT], milestone=[{"actual_finish": AS_OF}])) == {}
    assert kinds(snapshot(project=[PROJECT], milestone=[{"done": False, "progress": Decimal(100)}])) == {
        "complete_open": "1"
    }


def test_rows_that_do_not_count_are_not_asked() -> None:
    broken = {"done": True, "progress": Decimal(5)}

    assert of_row(active=False, **broken) == of_row(external=True, **broken) == {}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"forecast_start": AS_OF, "forecast_finish": STARTED}, "finish_before_start"),
        ({"actual_start": STARTED, "actual_finish": AS_OF, "progress": Decimal(90)}, "done_incomplete"),
        ({"actual_start": date(2026, 6, 1)}, "actual_in_future"),
        ({"progress": Decimal(100)}, ""),
    ],
)
def test_the_project_itself_is_a_row(fields: Row, kind: str) -> None:
    assert kinds(snapshot(project=[{**PROJECT, **fields}])) == ({kind: "1"} if kind else {})


# --- after what they said before ----------------------------------------------------------------------------------


def before(*rows: Row) -> Past:
    """Return what rows say and said, in the order of `plans:task:1`, `plans:task:2` and so on."""
    types = ENTITIES["task"].stored_schema()
    schema = {"uid": pl.String(), "source": pl.String(), **{name: types[name] for name in SAID}}
    schema |= {f"{name}_before": types[name] for name in SAID}
    made = [{"uid": f"plans:task:{number}", "source": "plans", **row} for number, row in enumerate(rows, 1)]
    return {PREVIOUS: pl.DataFrame(made, schema=schema, orient="row")}


def then(**fields: Any) -> dict[str, str]:
    """Return the kinds found of a row that says, and said before, what these fields hold."""
    now = {name: value for name, value in fields.items() if name in SAID}
    return kinds(snapshot(project=[PROJECT], task=[{"name": "Build", **now}], past=before(fields)))


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"progress": Decimal(40), "progress_before": Decimal(60)}, "progress_fell"),
        ({"progress": Decimal(40), "progress_before": Decimal(45)}, ""),
        ({"progress": Decimal(40), "progress_before": Decimal("45.01")}, "progress_fell"),
        ({"progress": Decimal(60), "progress_before": Decimal(40)}, ""),
        ({"progress": None, "progress_before": Decimal(40)}, ""),
        ({"progress": Decimal(40), "progress_before": None}, ""),
        ({"done": False, "done_before": True}, "reopened"),
        ({"done": True, "done_before": False}, ""),
        ({"actual_finish_before": AS_OF}, "reopened"),
        ({"progress": Decimal(97), "progress_before": Decimal(100)}, "reopened"),
        ({"done": False}, ""),
    ],
)  # fmt: skip
def test_a_row_that_takes_back_what_it_said(fields: Row, kind: str) -> None:
    assert then(**fields) == ({kind: "1"} if kind else {})


def test_how_far_progress_may_fall_is_a_parameter() -> None:
    known = snapshot(
        task=[{"progress": Decimal(40)}], past=before({"progress": Decimal(40), "progress_before": Decimal(60)})
    )

    assert counted(known, progress_drop="20 pp")["value"] == 0
    assert counted(known, progress_drop="19.5 pp")["value"] == 1


def test_a_row_of_which_nothing_older_is_known_takes_nothing_back() -> None:
    assert kinds(snapshot(task=[{"progress": Decimal(40)}])) == {}


def lost(entity: str, *rows: Row) -> Past:
    """Return rows that vanished, three days before today unless they say when."""
    wish = LOST[entity]
    types = ENTITIES[wish.entity].stored_schema()
    schema = {
        "uid": pl.String(),
        "source": pl.String(),
        "vanished_on": pl.Date(),
        **{name: types[name] for name in wish.fields},
    }
    usual = {"source": "plans", "vanished_on": date(2026, 5, 8), "project": "project:p1"}
    made = [{**usual, "uid": f"plans:{entity}:gone{number}", **row} for number, row in enumerate(rows)]
    return {wish: pl.DataFrame(made, schema=schema, orient="row")}


@pytest.mark.parametrize(
    ("entity", "row", "counts"),
    [
        ("milestone", {"is_milestone": True}, True),
        ("milestone", {"is_milestone": True, "done": True}, False),
        ("milestone", {"is_milestone": True, "actual_finish": AS_OF}, False),
        ("milestone", {"is_milestone": False}, False),
        ("milestone", {"is_milestone": None}, False),
        ("risk", {"status": "approved"}, True),
        ("risk", {"status": "closed"}, False),
        ("risk", {"status": None}, False),
        ("issue", {"status": "postponed"}, True),
        ("issue", {"status": "resolved"}, False),
    ],
)
def test_what_is_gone_before_it_was_done(entity: str, row: Row, counts: bool) -> None:
    known = snapshot(project=[PROJECT], past=lost(entity, {"name": "Go-live", "title": "Late", **row}))

    assert kinds(known) == ({"vanished_open": "1"} if counts else {})


@pytest.mark.parametrize(("day", "counts"), [(date(2026, 4, 14), True), (date(2026, 4, 13), False)])
def test_what_is_gone_is_forgotten_after_twenty_working_days(day: date, counts: bool) -> None:
    known = snapshot(project=[PROJECT], past=lost("risk", {"status": "approved", "vanished_on": day}))

    assert bool(kinds(known)) is counts, "20 and 21 working days have passed; the first of May is none"


def test_what_is_gone_of_an_unknown_project_is_nobodys() -> None:
    known = snapshot(project=[PROJECT], past=lost("risk", {"status": "approved", "project": None}))

    assert kinds(known) == {}


# --- between sources ----------------------------------------------------------------------------------------------


def said(known: Snapshot, *rows: Row) -> Snapshot:
    """Return the snapshot with what sources say against each other, and what was left out."""
    usual = {"project": "project:p1", "row": "project:p1", "name": "P1", "kind": "disagreement"}
    made = pl.DataFrame([{**usual, **row} for row in rows], schema=CONTRADICTION_SCHEMA, orient="row")
    return replace(known, contradictions=made)


def test_two_sources_that_disagree_count_and_both_values_are_shown() -> None:
    one = counted(said(snapshot(), {"field": "actual_cost", "said": "54000 (plans), 61000 (register)"},
                       {"field": "forecast_finish", "said": "2026-07-01 (plans), 2026-08-01 (register)"}))  # fmt: skip

    assert (one["value"], one["state"]) == (1, "amber")
    assert one["evidence"]["disagreement"] == "1"
    assert one["evidence"]["disagreements"] == (
        "actual_cost: 54000 (plans), 61000 (register); forecast_finish: 2026-07-01 (plans), 2026-08-01 (register)"
    )


def test_a_record_that_was_left_out_counts_once_however_much_of_it_is_wrong() -> None:
    left_out = {"kind": "rejected", "row": "sheet|risks.csv:line 4", "name": "risks.csv:line 4"}

    one = counted(said(snapshot(), left_out, left_out, {**left_out, "row": "sheet|risks.csv:line 9"}))

    assert (one["value"], one["evidence"]["rejected"]) == (2, "2")


def test_a_row_with_a_reference_that_leads_nowhere_and_a_broken_date_counts_once() -> None:
    known = snapshot(project=[PROJECT], task=[{"name": "Build", "actual_start": date(2026, 6, 1)}])
    dangling = {"kind": "leads_nowhere", "row": "plans:task:1", "name": "Build", "field": "owner"}

    assert counted(said(known, dangling))["value"] == 1


# --- per project --------------------------------------------------------------------------------------------------

BROKEN = {"done": True, "progress": Decimal(5), "actual_start": STARTED}


def states(numbers: Sequence[int]) -> list[tuple[Any, ...]]:
    projects = [{"code": f"P{number}", "status_date": AS_OF} for number, _ in enumerate(numbers, 1)]
    rows = [{**BROKEN, "project": f"project:p{number}"} for number, some in enumerate(numbers, 1) for _ in range(some)]
    (one,) = found(MEASURES, snapshot(project=projects, task=rows), {"measure": "project.contradictions"})
    return one.frame.select("value", "state").rows()


def test_each_project_answers_for_its_own_rows() -> None:
    assert states([0, 1, 5, 6]) == [(0, "green"), (1, "amber"), (5, "amber"), (6, "red")]


def test_the_rows_are_named() -> None:
    rows = [{**BROKEN, "name": "Build"}, {**BROKEN, "id": "T2"}]

    assert counted(snapshot(project=[PROJECT], task=rows))["evidence"]["affected_rows"] == "Build, T2"


def test_a_project_that_is_held_or_closed_is_left_alone() -> None:
    reasons = [
        counted(snapshot(project=[{"code": "P1", "state": state}], task=[BROKEN]))["reason"]
        for state in ("on_hold", "closed")
    ]

    assert reasons == ["on hold", "closed"]
