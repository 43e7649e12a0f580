"""Series that look wrong, and fields that nobody filled in: the vectors Q-07 and Q-08 of spec measures 4.9."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pmo_watch_plugins.rules import collection
from pydantic import ValidationError
from snapshots import Row, catalogue, finding, found, snapshot

MEASURES = catalogue(*collection.pmo_watch_measures())
KPI = {"indicator": "indicator:k", "scope": "project:p1", "project": "project:p1"}


def values(*numbers: float | None, first: int = 1) -> list[dict[str, Any]]:
    """Return a value for each week, from W01 on; None was submitted empty."""
    return [
        {"indicator": "indicator:k", "scope": "project:p1", "period": f"2026-W{week:02}",
         "value": None if one is None else Decimal(str(one)), "submitted_on": date(2026, 1, 1)}
        for week, one in enumerate(numbers, first)
    ]  # fmt: skip


def judged(
    measure: str, rows: Sequence[Row], period: str | None = None, state: str | None = "executing", **indicator: Any
) -> dict[str, Any]:
    """Return the finding on the series, whose last closed period is that of its last value unless said otherwise."""
    known = snapshot(
        project=[{"code": "P1", "state": state}],
        indicator=[{"uid": "indicator:k", "id": "k", **indicator}],
        observation=rows,
        kpi=[{**KPI, "period": period or (rows[-1]["period"] if rows else None)}],
    )
    return finding(MEASURES, known, {"measure": measure})


# --- values that never move ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "value", "state", "reason"),
    [
        pytest.param((5, 5, 5), 3, "amber", None, id="Q-07 three"),
        pytest.param((5, 5, 5, 5), 4, "red", None, id="Q-07 four"),
        pytest.param((5, 5, 6), 1, "green", None, id="moved now"),
        pytest.param((7, 5, 5), 2, "green", None, id="moved before"),
        pytest.param((5, 7, 5, 5, 5), 3, "amber", None, id="came back"),
        pytest.param((5, None, 5, 5), 3, "amber", None, id="an empty period is no value"),
        pytest.param((0, 0, 0), 3, "amber", None, id="zeros"),
        pytest.param((5, 5), None, "grey", "needs 3 samples, has 2", id="two values"),
        pytest.param((), None, "grey", "needs 3 samples, has 0", id="no value"),
    ],
)
def test_equal_values_at_the_end_of_a_series_are_counted(
    numbers: tuple[float | None, ...], value: int | None, state: str, reason: str | None
) -> None:
    one = judged("kpi.unchanged", values(*numbers), period="2026-W09")

    assert (one["value"], one["state"], one["reason"]) == (value, state, reason)


def test_what_is_meant_to_stay_the_same_is_left_alone() -> None:
    assert judged("kpi.unchanged", values(5, 5, 5, 5), constant=True)["reason"] == "out of scope"


@pytest.mark.parametrize(("state", "expected"), [("planning", "na"), ("closing", "na"), (None, "red")])
def test_only_projects_that_are_executed_are_asked(state: str | None, expected: str) -> None:
    assert judged("kpi.unchanged", values(5, 5, 5, 5), state=state)["state"] == expected


def test_a_series_of_a_programme_is_asked_whatever_its_projects_do() -> None:
    rows = [{**one, "scope": "program:nova"} for one in values(5, 5, 5)]
    kpi = {"indicator": "indicator:k", "scope": "program:nova", "program": "program:nova", "period": "2026-W03"}
    known = snapshot(indicator=[{"uid": "indicator:k", "id": "k"}], observation=rows, kpi=[kpi])

    assert finding(MEASURES, known, {"measure": "kpi.unchanged"})["value"] == 3


def test_a_value_that_is_not_accepted_ends_no_run_and_makes_none() -> None:
    assert judged("kpi.unchanged", values(5, 5, 500, 5), max=100)["value"] == 3


def test_a_correction_stands_for_its_period() -> None:
    corrected = {**values(5, 5, 9)[2], "uid": "sheet:observation:x", "submitted_on": date(2026, 2, 1)}

    one = judged("kpi.unchanged", [*values(5, 5, 5), corrected], period="2026-W03")

    assert (one["value"], one["evidence"]) == (1, {})


def test_evidence_says_which_value_and_since_when() -> None:
    shown = judged("kpi.unchanged", values(7, 5, 5, 5))["evidence"]

    assert shown == {"indicator_value": "5", "unchanged_since": "2026-W02"}


# --- one that is far from all before it ---------------------------------------------------------------------------

EARLIER = (10, 12, 11, 13, 12)


@pytest.mark.parametrize(
    ("last", "value", "state"),
    [
        pytest.param(20, 8, "amber", id="Q-08"),
        pytest.param(4, 8, "amber", id="below"),
        pytest.param(17, 5, "green", id="at the limit"),
        pytest.param(12, 0, "green", id="as usual"),
    ],
)
def test_distance_in_median_deviations(last: float, value: float, state: str) -> None:
    one = judged("kpi.implausible", values(*EARLIER, last))

    assert (one["value"], one["state"]) == (value, state)


def test_what_is_usual_is_shown() -> None:
    shown = judged("kpi.implausible", values(*EARLIER, 20), max=50)["evidence"]

    assert shown.pop("kpi.out_of_range") is None
    assert shown == {"period": "2026-W06", "indicator_value": "20", "usual_value": "12", "least_plausible": None,
                     "most_plausible": "50"}  # fmt: skip


@pytest.mark.parametrize("numbers", [(*EARLIER, 200), (5, 200), (200,)], ids=["known", "few", "first"])
def test_a_value_out_of_range_is_red_without_a_ratio(numbers: tuple[float, ...]) -> None:
    one = judged("kpi.implausible", values(*numbers), max=100)

    assert (one["value"], one["state"], one["reason"]) == (None, "red", "out of range")


def test_a_value_that_was_rejected_is_not_compared_with() -> None:
    one = judged("kpi.implausible", values(10, 12, 900, 11, 13, 12, 20), max=100)

    assert (one["value"], one["state"]) == (8, "amber")


def test_a_steady_series_has_no_distance() -> None:
    one = judged("kpi.implausible", values(5, 5, 5, 5, 5, 9))

    assert (one["state"], one["reason"]) == ("na", "out of scope")


def test_few_values_say_nothing_of_one_within_its_range() -> None:
    one = judged("kpi.implausible", values(10, 12, 11, 13, 20), max=100)

    assert (one["state"], one["reason"]) == ("grey", "needs 5 samples, has 4")


def test_only_the_latest_values_before_count() -> None:
    rows = values(*([100, 900] * 4), *EARLIER, 20)
    known: dict[str, Any] = {
        "project": [{"code": "P1", "state": "executing"}],
        "indicator": [{"uid": "indicator:k", "id": "k"}],
        "observation": rows,
        "kpi": [{**KPI, "period": rows[-1]["period"]}],
    }

    five, twelve = (
        finding(MEASURES, snapshot(**known), {"measure": "kpi.implausible", **given})["value"]
        for given in ({"with": {"over": "5 periods"}}, {})
    )

    assert five == 8
    assert twelve < 1


def test_a_period_that_has_closed_without_a_value_is_grey() -> None:
    one = judged("kpi.implausible", values(*EARLIER), period="2026-W06")

    assert (one["state"], one["reason"]) == ("grey", "missing observation.value 2026-W06")


def test_a_value_that_came_early_is_looked_at_already() -> None:
    assert judged("kpi.implausible", values(*EARLIER, 20), period="2026-W05")["value"] == 8


def test_a_series_that_has_not_begun_is_left_alone() -> None:
    assert judged("kpi.implausible", [])["reason"] == "too early"


# --- fields that nobody filled in ---------------------------------------------------------------------------------

FULL = {
    "owner": "person:ann",
    "forecast_finish": date(2026, 7, 1),
    "baseline_finish": date(2026, 7, 1),
    "progress": Decimal(10),
}


def gaps(*rows: Row, **params: Any) -> dict[str, Any]:
    known = snapshot(task=[{**FULL, **one} for one in rows])
    return finding(MEASURES, known, {"measure": "project.empty_fields", **({"with": params} if params else {})})


def test_the_share_of_empty_cells() -> None:
    one = gaps({"owner": None}, {"owner": None, "progress": None}, *({} for _ in range(8)))

    assert (one["value"], one["numerator"], one["denominator"], one["state"]) == (7.5, 3, 40, "amber")
    assert one["evidence"] == {"empty_fields": "task.owner: 2, task.progress: 1"}


@pytest.mark.parametrize(("empty", "state"), [(2, "green"), (3, "amber"), (6, "amber"), (7, "red")])
def test_a_share_of_empty_cells_is_judged(empty: int, state: str) -> None:
    rows = [{"owner": None} for _ in range(empty)] + [{} for _ in range(10 - empty)]

    assert gaps(*rows)["state"] == state


def test_few_rows_are_amber_at_worst() -> None:
    one = gaps({"owner": None, "baseline_finish": None})

    assert (one["value"], one["state"], one["note"]) == (50, "amber", "small sample: 2 of 4")


def test_rows_that_are_done_or_do_not_count_are_not_asked() -> None:
    one = gaps(
        {}, {"done": True, "owner": None}, {"active": False, "owner": None}, {"progress": Decimal(100), "owner": None}
    )

    assert (one["value"], one["denominator"]) == (0, 4)


def test_a_project_without_open_rows_is_left_alone() -> None:
    assert gaps({"done": True})["reason"] == gaps()["reason"] == "nothing due yet"


def test_milestones_count_but_are_not_asked_how_far_they_are() -> None:
    known = snapshot(milestone=[{**FULL, "progress": None}, {**FULL, "progress": None, "owner": None}])

    one = finding(MEASURES, known, {"measure": "project.empty_fields"})

    assert (one["numerator"], one["denominator"]) == (1, 6)


def test_fields_may_be_of_milestones_and_of_registers() -> None:
    known = snapshot(
        task=[{"owner": None}],
        milestone=[{"owner": None}, {"owner": "person:ann"}],
        risk=[
            {"status": "approved", "owner": None},
            {"status": "closed", "owner": None},
            {"status": "approved", "owner": "x"},
        ],
        decision=[{"title": "Go", "needed_by": None}],
    )
    fields = ["milestone.owner", "risk.owner", "decision.needed_by"]

    one = finding(MEASURES, known, {"measure": "project.empty_fields", "with": {"fields": fields, "min_sample": 0}})

    assert (one["numerator"], one["denominator"], one["state"]) == (3, 5, "red")
    assert one["evidence"] == {"empty_fields": "milestone.owner: 1, risk.owner: 1, decision.needed_by: 1"}


def test_each_project_answers_for_its_own_rows() -> None:
    known = snapshot(
        project=[{"code": "P1"}, {"code": "P2"}],
        task=[{**FULL, "owner": None}, {**FULL, "project": "project:p2"}],
    )

    (one,) = found(MEASURES, known, {"measure": "project.empty_fields"})

    assert one.frame["value"].to_list() == [25, 0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (["task.mood"], "'task.mood' is no field; `pmo-watch fields task` lists them"),
        (["milestone.uid"], "'milestone.uid' is no field"),
        (["person.email"], "'person.email' must begin with task, milestone or risk"),
        (["owner"], "'owner' must begin with task"),
        ([], "names no field; leave it out to look at the usual ones"),
    ],
)
def test_a_field_that_is_none_is_named(fields: list[str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MEASURES["project.empty_fields"].params.model_validate({"fields": fields})
