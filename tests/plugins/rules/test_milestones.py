"""Milestones against their dates: vectors M-01 to M-23, M-29, M-32 of spec measures 4.2, and what lies beside them."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import milestones
from snapshots import catalogue, finding, found, snapshot

from pmo_watch.flow import First, Since, Wish

MEASURES = catalogue(*milestones.pmo_watch_measures())
JULY_17 = date(2026, 7, 17)


def day(text: str) -> date:
    return date.fromisoformat(text)


def of(measure: str, known: Any, **params: Any) -> dict[str, Any]:
    """Return the only finding of a measure, with its default thresholds."""
    return finding(MEASURES, known, {"measure": measure, **({"with": params} if params else {})})


# --- MS-02 slip ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forecast", "value", "state"),
    [
        pytest.param("2026-07-10", -5, "green", id="M-01"),
        pytest.param("2026-07-24", 4, "green", id="M-02"),
        pytest.param("2026-07-27", 5, "green", id="M-03"),
        pytest.param("2026-07-28", 6, "amber", id="M-04"),
        pytest.param("2026-08-03", 10, "amber", id="M-05"),
        pytest.param("2026-08-04", 11, "red", id="M-06"),
    ],
)
def test_slip(forecast: str, value: float, state: str) -> None:
    slipped = of("milestone.slip", snapshot(milestone=[{"baseline_finish": JULY_17, "forecast_finish": day(forecast)}]))

    assert (slipped["value"], slipped["state"]) == (value, state)


def test_slip_without_baseline_is_grey_m07() -> None:
    slipped = of("milestone.slip", snapshot(milestone=[{"forecast_finish": JULY_17}]))

    assert (slipped["value"], slipped["state"]) == (None, "grey")
    assert slipped["reason"] == "missing milestone.baseline_finish"


def test_slip_of_a_done_milestone_stays_visible_m08() -> None:
    row = {"baseline_finish": JULY_17, "forecast_finish": JULY_17, "actual_finish": day("2026-07-28")}

    slipped = of("milestone.slip", snapshot(milestone=[row]))

    assert (slipped["value"], slipped["state"], slipped["reason"]) == (6, "na", "done")


def test_slip_against_the_first_baseline() -> None:
    past: dict[Wish, pl.DataFrame] = {
        First("task", "baseline_finish"): pl.DataFrame(
            {"uid": ["plans:task:1"], "baseline_finish": [day("2026-07-10")]}
        )
    }
    row = {"baseline_finish": JULY_17, "forecast_finish": day("2026-07-28")}
    known = snapshot(milestone=[row], past=past)

    against_current, against_first = of("milestone.slip", known), of("milestone.slip", known, baseline="first")

    assert (against_current["value"], against_current["evidence"]["milestone.slip_first"]) == (6, "11")
    assert (against_first["value"], against_first["state"]) == (11, "red")
    assert MEASURES["milestone.slip"].past(MEASURES["milestone.slip"].params()) == (First("task", "baseline_finish"),)


def test_slip_against_a_first_baseline_that_nobody_knows_is_grey() -> None:
    slipped = of("milestone.slip", snapshot(milestone=[{"forecast_finish": JULY_17}]), baseline="first")

    assert slipped["reason"] == "missing milestone.first_baseline_finish"


# --- MS-01 overdue, MS-06 forecast in the past --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "value", "state"),
    [
        pytest.param("2026-05-13", 0, "green", id="M-10"),
        pytest.param("2026-05-14", 0, "green", id="M-11 Ascension"),
        pytest.param("2026-05-15", 1, "amber", id="M-12"),
        pytest.param("2026-05-21", 5, "amber", id="M-13"),
        pytest.param("2026-05-22", 6, "red", id="M-14"),
    ],
)
def test_overdue(as_of: str, value: float, state: str) -> None:
    known = snapshot(day(as_of), milestone=[{"baseline_finish": day("2026-05-13")}])

    late = of("milestone.overdue", known)

    assert (late["value"], late["state"]) == (value, state)


def test_overdue_counts_to_the_status_date() -> None:
    known = snapshot(
        day("2026-05-22"), project=[{"status_date": day("2026-05-15")}], milestone=[{"deadline": day("2026-05-13")}]
    )

    late = of("milestone.overdue", known)

    assert (late["value"], late["as_of"], late["as_of_note"]) == (1, day("2026-05-15"), "")


def test_overdue_without_any_date_is_grey() -> None:
    late = of("milestone.overdue", snapshot(milestone=[{"name": "Go-live"}]))

    assert (late["state"], late["reason"]) == ("grey", "missing milestone.committed_finish")


def test_forecast_in_the_past_m29() -> None:
    known = snapshot(day("2026-03-13"), milestone=[{"forecast_finish": day("2026-03-06")}])

    past = of("milestone.forecast_in_past", known)

    assert (past["value"], past["state"]) == (5, "amber")


# --- MS-03 readiness ----------------------------------------------------------------------------------------------


def waiting_for(done: int, of_all: int, due: str, **milestone: Any) -> Any:
    """Return a snapshot of 2026-05-18 with a milestone that waits for tasks, some of them done."""
    tasks = [{"name": f"Task {n}", "done": n < done, "forecast_finish": day("2026-05-20")} for n in range(of_all)]
    links = [{"predecessor": f"plans:task:{n + 2}", "successor": "plans:task:1"} for n in range(of_all)]
    return snapshot(
        day("2026-05-18"),
        milestone=[{"name": "Go-live", "baseline_finish": day(due), **milestone}],
        task=tasks,
        dependency=links,
    )


@pytest.mark.parametrize(
    ("done", "due", "value", "state"),
    [
        pytest.param(6, "2026-05-29", 75, "amber", id="M-20 8 wd left"),
        pytest.param(7, "2026-05-29", 87.5, "green", id="M-21 8 wd left"),
        pytest.param(7, "2026-05-22", 87.5, "red", id="M-22 4 wd left"),
    ],
)
def test_readiness(done: int, due: str, value: float, state: str) -> None:
    ready = of("milestone.readiness", waiting_for(done, 8, due))

    assert (ready["value"], ready["state"]) == (value, state)
    assert (ready["numerator"], ready["denominator"]) == (done, 8)


def test_readiness_names_what_is_open_and_the_threshold_that_was_met() -> None:
    ready = of("milestone.readiness", waiting_for(6, 8, "2026-05-22"))

    assert ready["evidence"]["open_predecessors"] == "Task 6, Task 7"
    assert ready["threshold"] == "under 90 % when milestone.days_left at most 5 wd"
    assert ready["limit"] == 90


def test_readiness_out_of_its_window_is_not_asked_m23() -> None:
    ready = of("milestone.readiness", waiting_for(0, 8, "2026-06-04"))

    assert (ready["state"], ready["reason"]) == ("na", "not in window")


def test_readiness_of_few_predecessors_is_capped_at_amber() -> None:
    ready = of("milestone.readiness", waiting_for(1, 4, "2026-05-22"))

    assert (ready["value"], ready["state"], ready["note"]) == (25, "amber", "small sample: 1 of 4")


def test_readiness_without_predecessors_looks_at_siblings() -> None:
    parent: dict[str, Any] = {"uid": "plans:task:phase", "name": "Phase"}
    siblings: list[dict[str, Any]] = [
        {"parent": "plans:task:phase", "name": "Build", "done": True, "forecast_finish": day("2026-05-20")},
        {"parent": "plans:task:phase", "name": "Test", "forecast_finish": day("2026-05-26")},
        {"parent": "plans:task:phase", "name": "After", "forecast_finish": day("2026-06-30")},
    ]
    due = {"parent": "plans:task:phase", "baseline_finish": day("2026-05-29"), "forecast_finish": day("2026-05-29")}

    ready = of("milestone.readiness", snapshot(day("2026-05-18"), milestone=[due], task=[parent, *siblings]))

    assert (ready["numerator"], ready["denominator"]) == (1, 2)


def test_readiness_with_neither_predecessor_nor_sibling_is_grey() -> None:
    ready = of("milestone.readiness", waiting_for(0, 0, "2026-05-22"))

    assert (ready["state"], ready["reason"]) == ("grey", "missing milestone.predecessor_count")


def test_readiness_counts_the_leaves_of_a_summary_and_all_that_is_upstream() -> None:
    tasks: list[dict[str, Any]] = [
        {"name": "Phase"},
        {"name": "Build", "parent": "plans:task:2", "done": True},
        {"name": "Test", "parent": "plans:task:2"},
        {"name": "Design", "done": True},
    ]
    links = [
        {"predecessor": "plans:task:2", "successor": "plans:task:1"},
        {"predecessor": "plans:task:5", "successor": "plans:task:3"},
        {"predecessor": "plans:task:1", "successor": "plans:task:5"},  # a circle ends
    ]
    known = snapshot(
        day("2026-05-18"), milestone=[{"baseline_finish": day("2026-05-29")}], task=tasks, dependency=links
    )

    direct, deep = of("milestone.readiness", known), of("milestone.readiness", known, depth="all")

    assert (direct["numerator"], direct["denominator"]) == (1, 2)
    assert (deep["numerator"], deep["denominator"]) == (2, 4)


def test_readiness_may_ask_for_a_confirmed_date() -> None:
    ready, asked = (
        of("milestone.readiness", waiting_for(8, 8, "2026-05-22", confirmed_on=confirmed), require_confirmation=True)
        for confirmed in (day("2026-05-15"), None)
    )

    assert ready["state"] == "green"
    assert (asked["state"], asked["value"]) == ("red", 100)
    assert asked["threshold"] == "milestone.unconfirmed at least 1 when milestone.days_left at most 5 wd"
    measure = MEASURES["milestone.readiness"]
    assert measure.past(measure.params(require_confirmation=True)) == (Since("task", "forecast_finish"),)


# --- MS-09 deadline breach ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forecast", "value", "state", "recovered"),
    [
        pytest.param("2026-06-24", -4, "amber", False, id="M-32"),
        ("2026-06-30", 0, "amber", False),
        ("2026-07-01", 1, "red", False),
        ("2026-06-23", -5, "green", False),
        ("2026-06-19", -7, "green", True),
    ],
)
def test_deadline_breach(forecast: str, value: float, state: str, recovered: bool) -> None:
    row = {"deadline": day("2026-06-30"), "forecast_finish": day(forecast)}

    breach = of("milestone.deadline_breach", snapshot(milestone=[row]))

    assert (breach["value"], breach["state"], breach["recovered"]) == (value, state, recovered)


@pytest.mark.parametrize(
    ("row", "value", "state", "reason"),
    [
        ({"forecast_finish": JULY_17}, None, "na", "not configured"),
        ({"deadline": JULY_17}, None, "grey", "missing milestone.forecast_finish"),
        ({"deadline": JULY_17, "actual_finish": day("2026-07-20")}, 1, "na", "done"),
        ({"deadline": JULY_17, "forecast_finish": day("2026-07-16"), "done": True}, -1, "na", "done"),
    ],
)
def test_deadline_breach_that_is_not_judged(row: dict[str, Any], value: float | None, state: str, reason: str) -> None:
    breach = of("milestone.deadline_breach", snapshot(milestone=[row]))

    assert (breach["value"], breach["state"], breach["reason"]) == (value, state, reason)


# --- all of them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_measure_survives_a_portfolio_without_rows(name: str) -> None:
    (one,) = found(MEASURES, snapshot(project=[]), {"measure": name})

    assert not one.failed
    assert one.frame.is_empty()


def test_readme_lists_every_measure_as_it_is() -> None:
    readme = (Path(milestones.__file__).parent / "README.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line[1:].split("|")] for line in readme.splitlines() if line.startswith("|")]
    rows = {cells[0].strip("`"): cells for cells in lines}

    for name, one in MEASURES.items():
        cells = rows[name]
        assert cells[1:3] == [", ".join(one.subjects), one.unit.value]
        assert cells[4] == one.text[0].lower() + one.text[1:].rstrip(".")
        assert cells[5] == one.amber
        assert {cells[3].split("`")[1]} <= {need if "." in need else f"{one.entity}.{need}" for need in one.needs}
