"""What is laid open of a rule is what its findings were made with."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_measures import BANDS, BREACH, NA, POINTS, measure, points
from snapshots import catalogue, rules, snapshot

from pmo_watch.contracts import Measure
from pmo_watch.flow import Organisation, Snapshot
from pmo_watch.rules import RuleSet, Unit
from pmo_watch.scrutiny import Examined, RowSeen, ThresholdSeen, examine

TASKS = [f"plans:task:{number}" for number in range(1, 9)]


def examined(known: Snapshot, *some: Mapping[str, Any], measures: Sequence[Measure[Any]] = (POINTS,)) -> Examined:
    """Return what rules make of every task."""
    made: RuleSet = rules(catalogue(*measures), *some)
    return examine(made, known, catalogue(*measures), dict.fromkeys(made.rules, TASKS))


def row(found: Examined, uid: str = TASKS[0], rule: str = "rule-1") -> RowSeen:
    """Return what a rule makes of a task."""
    return found.rows[rule][uid]


VALUES = st.one_of(st.none(), st.integers(0, 30))


@given(st.lists(VALUES, min_size=1, max_size=8), st.sampled_from(["executing", "closed", None]))
def test_state_follows_from_what_is_laid_open(values: list[int | None], name: str | None) -> None:
    rule = {**BANDS, "only_if": {"task.name": "present"}}
    found = examined(points(*values, name=name), rule)
    states = dict(found.findings["rule-1"].frame.select("uid", "state").iter_rows())

    for uid, seen in found.rows["rule-1"].items():
        (one,) = seen.measures
        held = {each.level: each.holds for each in one.thresholds}
        expected = "red" if held["red"] else "amber" if held["amber"] else "green"
        expected = expected if one.standing == "judged" else one.standing
        in_scope = all(each.holds for each in seen.only_if)
        assert states[uid] == (expected if in_scope else "na")


def test_conditions_show_value_and_verdict() -> None:
    rule = {**BANDS, "only_if": {"task.owner": "present", "task.priority": ["4", "5"], "project.state": "executing"}}

    seen = row(examined(points(21, owner="person:ann", priority=3), rule))

    shown = [(one.subject, one.condition, one.value, one.holds, one.unknown) for one in seen.only_if]
    assert shown == [
        ("task.owner", "present", "person:ann", True, ""),
        ("task.priority", "one of 4, 5", 3, False, ""),
        ("project.state", "executing", None, None, "missing project.state"),
    ]


@pytest.mark.parametrize(
    ("parts", "name", "standing", "reason"),
    [
        ({}, "plain", "judged", ""),
        ({"not_applicable": NA}, "na", "na", "not configured"),
        ({"breach": BREACH}, "spent", "red", "budget exhausted"),
        ({"unknown": pl.lit("missing task.work")}, "plain", "grey", "missing task.work"),
    ],
)
def test_measure_shows_what_it_answers(parts: dict[str, pl.Expr], name: str, standing: str, reason: str) -> None:
    one = measure(parts={**parts, "evidence": {"points": pl.col("story_points")}})

    (seen,) = row(examined(points(12, name=name), BANDS, measures=(one,))).measures

    assert (seen.measure, seen.standing, seen.reason) == ("task.points", standing, reason)
    assert seen.evidence == {"points": Decimal(12)}


def test_thresholds_that_must_hold_together_are_shown_one_by_one() -> None:
    rule = {"measure": "task.points", "red": {"all": ["over 10", {"field": "task.priority", "is": "at least 3"}]}}

    (seen,) = row(examined(points(12, priority=1), rule)).measures

    (red,) = seen.thresholds
    assert (red.holds, [(one.condition, one.holds) for one in red.of]) == (
        False,
        [("over 10", True), ("task.priority at least 3", False)],
    )


@pytest.mark.parametrize(
    ("own", "organisation", "limit", "whose"),
    [
        ({"tolerance_time_amber": Decimal(7)}, {}, 7, "project"),
        ({}, {"time_amber": Decimal(4)}, 4, "organisation"),
        ({}, {}, 5, "rule"),
    ],
)
def test_tolerance_says_whose_it_is(
    own: dict[str, Decimal], organisation: dict[str, Decimal], limit: float, whose: str
) -> None:
    days = measure("task.days", pl.col("story_points"), Unit.WORKING_DAYS)
    known = snapshot(
        project=[{"code": "P1", **own}],
        task=[{"story_points": Decimal(6)}],
        organisation=Organisation(calendar="be", tolerances=organisation),
    )
    rule = {"measure": "task.days", "amber": "over tolerance.time.amber or 5 wd"}

    (seen,) = row(examined(known, rule, measures=(days,))).measures

    (amber,) = seen.thresholds
    assert amber == ThresholdSeen("amber", amber.condition, limit < 6, limit, whose, amber.note, "", ())


def test_rule_that_cannot_be_evaluated_has_no_rows() -> None:
    broken = measure("task.broken", pl.col("not_there"))

    found = examined(points(1), {"measure": "task.broken", "amber": "over 1"}, measures=(broken,))

    assert found.findings["rule-1"].failed
    assert found.rows == {}


def test_rule_that_is_switched_off_is_not_examined() -> None:
    found = examined(points(1), {**BANDS, "enabled": False})

    assert (set(found.wanted), dict(found.findings), dict(found.rows)) == ({"rule-1"}, {}, {})
