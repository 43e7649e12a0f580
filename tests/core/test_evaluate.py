"""Step 3 as a whole: conditions, failures, order, and what does not depend on what."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_measures import BANDS, NA, POINTS, measure, points
from polars.testing import assert_frame_equal
from pydantic import Field
from snapshots import catalogue, evaluated, finding, found, rules, snapshot, states

from pmo_watch.contracts import Columns, Measure, NoParams, PluginSettings, View
from pmo_watch.derive import FIRST_BASELINE, FORECAST_SINCE
from pmo_watch.evaluate import evaluate, wishes
from pmo_watch.flow import FINDING_SCHEMA, Samples
from pmo_watch.rules import RuleSet, Unit


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        ({"owner": "person:ann", "priority": 5}, "red", None),
        ({"owner": "person:ann", "priority": 1}, "na", "out of scope"),
        ({"owner": None, "priority": 5}, "na", "out of scope"),
        ({"owner": "person:ann", "priority": None}, "grey", "missing task.priority"),
        ({"owner": None, "priority": None}, "na", "out of scope"),
    ],
)
def test_one_false_condition_is_enough_and_an_unknown_one_leaves_it_open(
    row: Mapping[str, Any], state: str, reason: str | None
) -> None:
    rule = {**BANDS, "only_if": {"task.owner": "present", "task.priority": ["4", "5"]}}

    one = finding(catalogue(POINTS), points(21, **row), rule)

    assert (one["state"], one["reason"]) == (state, reason)
    assert one["value"] == (None if state == "grey" else 21)


def test_a_lost_value_leaves_it_open_before_the_measure_is_asked() -> None:
    done = measure(parts={"not_applicable": pl.lit("done")})
    rule = {**BANDS, "only_if": {"project.state": "executing"}}

    one = finding(catalogue(done), points(21), rule)

    assert (one["state"], one["reason"]) == ("grey", "missing project.state")


@pytest.mark.parametrize(
    ("name", "work", "state", "reason"),
    [
        ("plain", 9, "red", None),
        ("plain", 1, "na", "out of scope"),
        ("plain", None, "grey", "missing task.work"),
        ("na", 9, "na", "out of scope"),
    ],
)
def test_a_condition_may_name_a_measure(name: str, work: int | None, state: str, reason: str | None) -> None:
    hours = measure("task.hours", pl.col("work"), Unit.HOURS, needs=("work",), parts={"not_applicable": NA})
    rule = {**BANDS, "only_if": {"task.hours": "over 5 h"}}

    one = finding(catalogue(POINTS, hours), points(21, name=name, work=None if work is None else Decimal(work)), rule)

    assert (one["state"], one["reason"]) == (state, reason)


def test_what_is_done_is_done_also_for_a_rule_that_asks_for_open_rows() -> None:
    done = pl.when("done").then(pl.lit("done"))
    counted = measure(parts={"not_applicable": done})
    rule = {**BANDS, "only_if": {"task.done": False}}

    one = finding(catalogue(counted), points(21, done=True), rule)

    assert (one["state"], one["reason"]) == ("na", "done")


def boom(_: NoParams, __: View) -> Columns:
    raise ZeroDivisionError("no such luck\nsecond line")


def panic(_: NoParams, __: View) -> Columns:
    raise pl.exceptions.PanicException("index out of bounds " + "!" * 1000)


def leave(_: NoParams, __: View) -> Columns:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (Measure("task.bad", "task", Unit.COUNT, NoParams, (), boom), "ZeroDivisionError: no such luck"),
        (Measure("task.bad", "task", Unit.COUNT, NoParams, (), panic), "PanicException: index out of bounds"),
        (Measure("task.bad", "task", Unit.COUNT, NoParams, (), leave), "SystemExit: 3"),
        (measure("task.bad", pl.col("no_such_column")), 'ColumnNotFoundError: unable to find column "no_such_column"'),
        (
            Measure(
                "task.bad", "task", Unit.COUNT, NoParams, (), lambda _, __: pl.DataFrame({"uid": ["plans:task:1"]})
            ),
            "task.bad must answer with `value` and each `uid` once",
        ),
        (
            Measure(
                "task.bad",
                "task",
                Unit.COUNT,
                NoParams,
                (),
                lambda _, __: pl.DataFrame({"uid": ["plans:task:1"] * 2, "value": [1, 2]}),
            ),
            "task.bad must answer with `value` and each `uid` once",
        ),
    ],
)
def test_one_rule_that_fails_does_not_stop_the_others(bad: Measure[Any], said: str) -> None:
    first, middle, last = found(
        catalogue(POINTS, bad), points(21), BANDS, {"measure": "task.bad", "red": "over 20"}, BANDS
    )

    assert states(first) == states(last) == ["red"]
    assert middle.failed.startswith(said)
    assert len(middle.failed) < 400
    assert middle.rows().schema == pl.Schema(FINDING_SCHEMA)
    assert middle.frame.is_empty()
    assert middle.evidence(["plans:task:1"]).is_empty()


def test_every_rule_on_a_failing_measure_says_why_and_it_is_asked_once() -> None:
    asked = []

    def fails(_: NoParams, __: View) -> Columns:
        asked.append(1)
        raise ValueError("out of ideas")

    bad = Measure("task.bad", "task", Unit.COUNT, NoParams, (), fails)
    rule = {"measure": "task.bad", "red": "over 20"}

    both = found(catalogue(POINTS, bad), points(21), rule, {**BANDS, "only_if": {"task.bad": "over 1"}})

    assert [one.failed for one in both] == ["ValueError: out of ideas"] * 2
    assert len(asked) == 1


def test_a_measure_whose_plugin_is_gone_fails_its_rules_alone() -> None:
    made = rules(catalogue(POINTS), BANDS)

    (one,) = evaluate(made, points(21), {}).findings

    assert one.failed == "there is no measure 'task.points': its plugin is not loaded"


def test_each_measure_is_computed_once_per_set_of_parameters() -> None:
    asked: list[int] = []

    class Factor(PluginSettings):
        factor: int = Field(default=1)

    def times(params: Factor, _: View) -> Columns:
        asked.append(params.factor)
        return Columns(pl.col("story_points") * params.factor)

    scaled = Measure("task.scaled", "task", Unit.COUNT, Factor, (), times)
    rule = {"measure": "task.scaled", "amber": "over 10"}
    twice = {**rule, "with": {"factor": 2}}

    answers = found(
        catalogue(scaled), points(6), rule, twice, {**rule, "amber": "over 3"}, {**twice, "amber": "over 20"}
    )

    assert [states(one) for one in answers] == [["green"], ["amber"], ["amber"], ["green"]]
    assert asked == [1, 2]


def test_what_several_measures_need_is_made_once() -> None:
    made: list[str] = []

    def doubled(view: View) -> pl.Expr:
        def make() -> pl.Series:
            made.append(view.entity)
            return view.rows["story_points"] * 2

        return pl.lit(view.once("doubled", make))

    one = Measure("task.one", "task", Unit.COUNT, NoParams, (), lambda _, view: Columns(doubled(view)))
    other = Measure("task.other", "task", Unit.COUNT, NoParams, (), lambda _, view: Columns(doubled(view) + 1))
    rule = {"measure": "task.one", "amber": "over 10"}

    first, second = found(catalogue(one, other), points(6), rule, {"measure": "task.other", "amber": "over 13"})

    assert (states(first), states(second)) == (["amber"], ["green"])
    assert made == ["task"]


def rows_of_plans(_: NoParams, view: View) -> pl.DataFrame:
    """Count the rows of the plans of what is in view."""
    return view.plan_rows().group_by(uid="subject").agg(value=pl.len())


PLANNED = Measure(
    "project.planned", "project", Unit.COUNT, NoParams, ("task.name",), rows_of_plans, also_for=("program",)
)


def test_a_measure_of_projects_pools_their_rows_for_each_programme() -> None:
    states_of = ("executing", "closed", "on_hold", "cancelled", "proposed", None)
    projects = [
        {"code": f"P{number}", "program": "plans:program:1", "state": one} for number, one in enumerate(states_of, 1)
    ]
    outside = {"code": "P7", "program": "plans:program:2"}
    tasks = [{"project": f"project:p{number}"} for number in range(1, 8)]
    known = snapshot(program=[{"id": "A"}, {"id": "B"}, {"id": "C"}], project=[*projects, outside], task=tasks)

    of_programs, of_projects = found(
        catalogue(PLANNED),
        known,
        {"for_each": "program", "measure": "project.planned", "red": "at least 3"},
        {"measure": "project.planned", "red": "at least 3"},
    )

    assert of_programs.frame.select("uid", "value", "state", "reason").rows() == [
        ("plans:program:1", 3, "red", None),
        ("plans:program:2", 1, "green", None),
        ("plans:program:3", None, "grey", "missing task.name"),
    ]
    assert of_projects.frame.filter(pl.col("state") == "green")["value"].to_list() == [1, 1, 1]


def test_a_condition_of_a_programme_may_name_a_measure_that_pools_its_projects() -> None:
    known = snapshot(
        program=[{"id": "A"}, {"id": "B"}],
        project=[{"code": "P1", "program": "plans:program:1"}, {"code": "P2", "program": "plans:program:2"}],
        task=[{"project": "project:p1"}, {"project": "project:p1"}, {"project": "project:p2"}],
    )
    one = measure("program.one", pl.lit(1.0))
    rule = {"measure": "program.one", "red": "at least 1", "only_if": {"project.planned": "at least 2"}}

    (asked,) = found(catalogue(PLANNED, one), known, rule)

    assert states(asked) == ["red", "na"]


def test_findings_come_in_the_order_of_the_rules_though_some_read_the_others() -> None:
    def count(_: NoParams, view: View) -> Columns:
        red = [one.rule for one in view.findings.values() if "red" in one.frame["state"]]
        return Columns(pl.lit(len(red)))

    last = Measure("project.reds", "project", Unit.COUNT, NoParams, (), count, after_others=True)
    rule = {"id": "reds", "measure": "project.reds", "red": "at least 2"}

    reds, *others = found(catalogue(POINTS, last), points(21), rule, {**BANDS, "id": "one"}, {**BANDS, "id": "two"})

    assert (reds.rule, reds.frame["value"].to_list(), states(reds)) == ("reds", [2], ["red"])
    assert [one.rule for one in others] == ["one", "two"]


def test_disabled_rules_and_those_of_the_product_are_left_out() -> None:
    assert found(catalogue(POINTS), points(21), {**BANDS, "enabled": False}) == []


def test_extra_measures_are_computed_with_default_parameters() -> None:
    class Required(PluginSettings):
        indicator: str

    needy = Measure("task.needy", "task", Unit.COUNT, Required, (), lambda _, __: Columns(pl.lit(1)))
    done = measure("task.done_points", pl.col("story_points"), parts={"not_applicable": NA})
    known = snapshot(task=[{"story_points": Decimal(3)}, {"name": "na", "story_points": Decimal(4)}, {}])

    made = evaluated(catalogue(done, needy), known, extra=["task.done_points", "task.needy", "task.unheard"])

    assert made.values["task.done_points"].rows() == [
        ("plans:task:1", 3, "count", None),
        ("plans:task:2", 4, "count", "not configured"),
        ("plans:task:3", None, "count", "missing value"),
    ]
    assert made.failed == {
        "task.needy": "task.needy needs parameters",
        "task.unheard": "there is no measure 'task.unheard': its plugin is not loaded",
    }


def test_wishes_are_those_of_measures_conditions_and_shown_fields() -> None:
    weekly, monthly, yearly = (Samples("task", "week", n, ("progress",)) for n in (1, 2, 3))
    trend = measure("task.trend", pl.lit(1), past=lambda _: (weekly,))
    other = measure("task.other", pl.lit(1), past=lambda _: (monthly,))
    extra = measure("task.extra", pl.lit(1), past=lambda _: (yearly,), needs=("confirmed",))
    unused = measure("task.unused", pl.lit(1), past=lambda _: (Samples("task", "day", 9, ("work",)),))
    some = catalogue(trend, other, extra, unused)
    rule = {
        "measure": "task.trend",
        "red": {"any": ["over 1", {"measure": "task.other", "is": "over 1"}]},
        "show": ["task.first_baseline_finish"],
    }

    asked = wishes(rules(some, rule, {**rule, "measure": "task.unused", "enabled": False}), some, ["task.extra"])

    assert asked == {weekly, monthly, yearly, FIRST_BASELINE, FORECAST_SINCE}
    assert wishes(RuleSet(), some) == frozenset()


VALUES = st.lists(st.one_of(st.none(), st.integers(-5, 40)), min_size=1, max_size=30)


SEVERAL = (
    BANDS,
    {**BANDS, "only_if": {"task.priority": "over 2"}},
    {"measure": "task.points", "amber": "not between 5 and 15", "red": "over 30 when task.priority at least 3"},
)


def rows_of(values: Sequence[int | None]) -> list[dict[str, Any]]:
    return [
        {
            "uid": f"plans:task:{n:03}",
            "story_points": None if one is None else Decimal(one),
            "priority": None if one is None or one % 7 == 0 else one % 5 + 1,
        }
        for n, one in enumerate(values)
    ]


@settings(max_examples=25, deadline=None)
@given(VALUES, st.randoms())
def test_findings_do_not_depend_on_the_order_of_rows_nor_on_each_other(values: list[int | None], chance: Any) -> None:
    rows = rows_of(values)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    made = rules(catalogue(POINTS), *SEVERAL)

    straight = evaluate(made, snapshot(task=rows), catalogue(POINTS)).findings
    mixed = evaluate(made, snapshot(task=shuffled), catalogue(POINTS)).findings
    again = evaluate(made, snapshot(task=rows), catalogue(POINTS)).findings
    alone = evaluate(made, snapshot(task=[rows[0]]), catalogue(POINTS)).findings

    for one, two, three, first in zip(straight, mixed, again, alone, strict=True):
        assert_frame_equal(one.frame, two.frame)
        assert_frame_equal(one.frame, three.frame)
        assert_frame_equal(one.evidence(one.frame["uid"]), two.evidence(one.frame["uid"]))
        assert_frame_equal(one.frame.head(1), first.frame)


@settings(max_examples=25, deadline=None)
@given(VALUES)
def test_states_are_those_of_the_plain_words(values: list[int | None]) -> None:
    def plainly(value: int | None) -> str:
        return "grey" if value is None else "red" if value > 20 else "amber" if value > 10 else "green"

    (one,) = found(catalogue(POINTS), snapshot(task=rows_of(values)), BANDS)

    assert states(one) == [plainly(value) for value in values]
