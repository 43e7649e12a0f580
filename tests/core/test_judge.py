"""How rows are judged: levels and recovery, thresholds of several kinds, tolerances, the worst of several measures."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from made_measures import BANDS, BREACH, MAY_13, NA, POINTS, measure, points
from snapshots import catalogue, finding, found, snapshot, states

from pmo_watch.contracts import Columns, Measure, PluginSettings
from pmo_watch.flow import Organisation
from pmo_watch.rules import Unit


@pytest.mark.parametrize(
    ("value", "state", "recovered"),
    [
        (5, "green", True),
        (9, "green", False),
        (8, "green", True),
        (10, "green", False),
        (11, "amber", False),
        (20, "amber", False),
        (21, "red", False),
        (None, "grey", False),
    ],
)
def test_levels_and_recovery_h01_to_h06(value: float | None, state: str, *, recovered: bool) -> None:
    one = finding(catalogue(POINTS), points(value), BANDS)

    assert (one["state"], one["recovered"]) == (state, recovered)


def test_finding_says_what_it_met_and_what_it_rests_on() -> None:
    one = finding(catalogue(POINTS), points(21), BANDS)

    assert one == {
        "uid": "plans:task:1",
        "state": "red",
        "value": 21.0,
        "numerator": None,
        "denominator": None,
        "reason": None,
        "threshold": "over 20",
        "limit": 20.0,
        "recovered": False,
        "note": None,
        "as_of": MAY_13,
        "as_of_note": "status date assumed",
        "unit": "count",
        "measure": "task.points",
        "source": "plans",
        "usable": True,
        "reading": 1,
        "evidence": {},
    }


def test_few_rows_cap_red_at_amber_h07() -> None:
    share = measure(
        "task.share",
        pl.lit(25.0),
        Unit.PERCENT,
        parts={"numerator": pl.lit(1), "denominator": pl.lit(4), "sample": pl.lit(4)},
    )
    rule = {"measure": "task.share", "amber": "over 10 %", "red": "over 20 %"}

    few = finding(catalogue(share), points(1), rule)

    assert (few["state"], few["note"]) == ("amber", "small sample: 1 of 4")
    assert (few["threshold"], few["limit"]) == ("over 10 %", 10)


def test_few_rows_without_an_amber_threshold_are_still_told() -> None:
    share = measure(
        "task.share",
        pl.lit(25.0),
        Unit.PERCENT,
        parts={"numerator": pl.lit(1), "denominator": pl.lit(4), "sample": pl.lit(4)},
    )

    few = finding(catalogue(share), points(1), {"measure": "task.share", "red": "over 20 %"})

    assert (few["state"], few["threshold"], few["note"]) == ("amber", "over 20 %", "small sample: 1 of 4")


class Sampled(PluginSettings):
    min_sample: int = 0


def test_a_measure_may_say_how_few_are_too_few() -> None:
    answer = Columns(pl.lit(25.0), numerator=pl.lit(1), denominator=pl.lit(4), sample=pl.lit(4))
    share = Measure("task.share", "task", Unit.PERCENT, Sampled, (), lambda _, __: answer)
    rule = {"measure": "task.share", "amber": "over 10 %", "red": "over 20 %"}

    states_of = [finding(catalogue(share), points(1), {**rule, "with": {"min_sample": n}})["state"] for n in (0, 5)]

    assert states_of == ["red", "amber"]


def test_red_without_a_value_is_amber_where_the_rule_has_no_red() -> None:
    spent = measure(parts={"breach": BREACH})

    one = finding(catalogue(spent), points(None, name="spent"), {"measure": "task.points", "amber": "over 10"})

    assert (one["state"], one["reason"]) == ("amber", "budget exhausted")


@pytest.mark.parametrize(("priority", "state"), [(5, "red"), (4, "amber"), (None, "grey")])
def test_a_threshold_may_hold_only_for_some_rows(priority: int | None, state: str) -> None:
    rule = {"measure": "task.points", "amber": "over 10", "red": "over 10 when task.priority is 5"}

    one = finding(catalogue(POINTS), points(11, priority=priority), rule)

    assert one["state"] == state
    assert one["reason"] == ("missing task.priority" if state == "grey" else None)
    assert one["threshold"] == {"red": "over 10 when task.priority is 5", "amber": "over 10"}.get(state)


def test_what_cannot_hold_needs_no_other_field() -> None:
    rule = {"measure": "task.points", "red": "over 10 when task.priority is 5"}

    assert finding(catalogue(POINTS), points(9), rule)["state"] == "green"


@pytest.mark.parametrize(
    ("how", "value", "priority", "state", "threshold"),
    [
        ("any", 21, 1, "red", "over 20"),
        ("any", 1, 5, "red", "task.priority is 5"),
        ("any", 1, 1, "green", None),
        ("any", 21, None, "red", "over 20"),
        ("any", 1, None, "grey", None),
        ("all", 21, 5, "red", "over 20 and task.priority is 5"),
        ("all", 21, 1, "green", None),
        ("all", 21, None, "grey", None),
        ("all", 1, None, "green", None),
    ],
)
def test_any_and_all_of_several_thresholds(
    how: str, value: float, priority: int | None, state: str, threshold: str | None
) -> None:
    rule = {"measure": "task.points", "red": {how: ["over 20", {"field": "task.priority", "is": "is 5"}]}}

    one = finding(catalogue(POINTS), points(value, priority=priority), rule)

    assert (one["state"], one["threshold"]) == (state, threshold)
    assert one["limit"] == (20 if threshold and threshold.startswith("over") else None)


def test_a_threshold_may_name_another_measure_or_a_companion() -> None:
    hours = measure("task.hours", pl.col("work"), Unit.HOURS, needs=("work",))
    slope = measure(parts={"companions": {"task.slope": pl.col("cost")}}, companions={"task.slope": Unit.RATIO})
    both = {"any": [{"measure": "task.hours", "is": "over 5 h"}, {"measure": "task.slope", "is": "at least 1"}]}
    known = snapshot(
        task=[
            {"story_points": Decimal(1), "work": Decimal(9)},
            {"story_points": Decimal(1), "work": Decimal(1), "cost": Decimal(1)},
            {"story_points": Decimal(1), "work": Decimal(1)},
            {"story_points": Decimal(1)},
        ]
    )

    (one,) = found(catalogue(slope, hours), known, {"measure": "task.points", "red": both})

    assert states(one) == ["red", "red", "green", "grey"]
    assert one.frame["reason"][3] == "missing task.work"
    assert one.evidence(one.frame["uid"])["task.slope"].to_list() == [None, "1", None, None]


TOLERATED = {"measure": "project.over", "amber": "over tolerance.cost.amber or 5 %", "red": "over tolerance.cost.red"}


OVER = measure("project.over", pl.lit(7.0), Unit.PERCENT)


@pytest.mark.parametrize(
    ("own", "program", "portfolio", "common", "state", "note"),
    [
        (10, 1, 1, 1, "green", None),
        (None, 10, 1, 1, "green", None),
        (None, None, 10, 1, "green", None),
        (None, None, None, 10, "green", "no project tolerance: 10 of the organisation"),
        (None, None, None, None, "amber", "no project tolerance: 5 %"),
        (6, None, None, None, "amber", None),
    ],
)
def test_the_nearest_tolerance_counts(
    own: int | None, program: int | None, portfolio: int | None, common: int | None, state: str, note: str | None
) -> None:
    def tolerances(amber: int | None) -> dict[str, Any]:
        return {"tolerance_cost_amber": None if amber is None else Decimal(amber)}

    known = snapshot(
        organisation=Organisation(
            calendar="be", tolerances={"cost_red": Decimal(50), **({"cost_amber": Decimal(common)} if common else {})}
        ),
        portfolio=[{"uid": "portfolio:ict", "id": "ict", **tolerances(portfolio)}],
        program=[{"uid": "program:nova", "id": "nova", "portfolio": "portfolio:ict", **tolerances(program)}],
        project=[{"program": "program:nova", "tolerance_cost_red": Decimal(50), **tolerances(own)}],
    )

    one = finding(catalogue(OVER), known, TOLERATED)

    assert (one["state"], one["note"]) == (state, note)
    assert one["limit"] == (None if state == "green" else own or 5)


@pytest.mark.parametrize(
    ("own", "common", "value", "recovered"),
    [(10, None, 9, True), (10, None, 9.5, False), (None, 10, 9, True), (None, 10, 9.5, False), (None, None, 4, True),
     (None, None, 4.5, False)],
)  # fmt: skip
def test_recovery_may_lie_so_much_under_the_tolerance(
    own: int | None, common: int | None, value: float, recovered: bool
) -> None:
    given = {"cost_amber": Decimal(common)} if common else {}
    known = snapshot(
        organisation=Organisation(calendar="be", tolerances=given),
        project=[{"tolerance_cost_amber": None if own is None else Decimal(own)}],
    )
    rule = {**TOLERATED, "red": "over 50 %", "recover": "at most tolerance.cost.amber - 1 pp or 4 %"}

    one = finding(catalogue(measure("project.over", pl.lit(value), Unit.PERCENT)), known, rule)

    assert (one["state"], one["recovered"]) == ("green", recovered)


def test_a_tolerance_that_nobody_set_leaves_it_open() -> None:
    one = finding(catalogue(OVER), snapshot(), {"measure": "project.over", "red": "over tolerance.cost.red"})

    assert (one["state"], one["reason"]) == ("grey", "missing project.tolerance_cost_red")


def test_worst_of_several_measures_decides() -> None:
    hours = measure("task.hours", pl.col("work"), Unit.HOURS, needs=("work",), parts={"not_applicable": NA})
    rule = {
        "for_each": "task",
        "measures": [BANDS, {"measure": "task.hours", "amber": "over 5 h", "red": "over 50 h"}],
        "overall": "worst",
    }
    rows = [(5, 6), (21, 6), (None, 6), (None, 1), (9, 1), (5, 1)]
    known = snapshot(
        task=[{"story_points": None if a is None else Decimal(a), "work": Decimal(b)} for a, b in rows]
        + [{"name": "na", "story_points": Decimal(5)}, {"name": "na"}]
    )

    (one,) = found(catalogue(POINTS, hours), known, rule)

    assert states(one) == ["amber", "red", "amber", "grey", "green", "green", "green", "grey"]
    assert one.rows()["threshold"].to_list() == ["over 5 h", "over 20", "over 5 h", *[None] * 5]
    assert one.frame["measure"].to_list()[:4] == ["task.hours", "task.points", "task.hours", "task.points"]
    assert one.frame["unit"].to_list()[:2] == ["h", "count"]
    assert one.frame["recovered"].to_list() == [False, False, False, False, False, True, True, False]


def test_only_rows_that_met_a_condition_keep_which() -> None:
    (one,) = found(catalogue(POINTS), points(5, 21, 25), BANDS)

    assert one.met.rows() == [("plans:task:2", "over 20", 20.0), ("plans:task:3", "over 20", 20.0)]
    assert one.rows(pl.col("state") == "green")["threshold"].to_list() == [None]


def test_only_what_is_asked_nowhere_is_not_applicable() -> None:
    hours = measure("task.hours", pl.col("work"), Unit.HOURS, parts={"not_applicable": pl.lit("not configured")})
    other = measure(parts={"not_applicable": pl.lit("done")})
    rule = {"for_each": "task", "measures": [BANDS, {"measure": "task.hours", "amber": "over 5 h"}]}

    one = finding(catalogue(other, hours), points(21), rule)

    assert (one["state"], one["reason"]) == ("na", "done")
