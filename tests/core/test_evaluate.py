"""Step 3: findings from hand-made rows, in the order of evaluation of spec measures 1.2."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import Field
from snapshots import BE, catalogue, evaluated, finding, found, rules, snapshot, states

from pmo_watch.contracts import Columns, Measure, NoParams, PluginSettings, View
from pmo_watch.derive import FIRST_BASELINE, FORECAST_SINCE
from pmo_watch.evaluate import evaluate, wishes
from pmo_watch.flow import FINDING_SCHEMA, Organisation, Outcome, Samples, SourceState
from pmo_watch.rules import RuleSet, Unit
from pmo_watch.workdays import Calendar

MAY_13 = date(2026, 5, 13)


def measure(
    name: str = "task.points", value: pl.Expr | None = None, unit: Unit = Unit.COUNT, **more: Any
) -> Measure[Any]:
    """Return a measure of story points, or of another expression; `parts` go into its answer."""
    parts = more.pop("parts", {})
    entity = name.partition(".")[0]
    answer = pl.col("story_points") if value is None else value
    needs = more.pop("needs", ("story_points",) if value is None else ())
    return Measure(name, entity, unit, NoParams, needs, lambda _, __: Columns(answer, **parts), **more)


POINTS = measure()


def points(*values: float | None, **row: Any) -> Any:
    """Return a snapshot with tasks of these story points."""
    return snapshot(task=[{"story_points": None if one is None else Decimal(str(one)), **row} for one in values])


BANDS = {"measure": "task.points", "amber": "over 10", "red": "over 20", "recover": "at most 8"}


# --- levels, recovery (spec measures 4.10) ------------------------------------------------------------------------


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


def test_value_is_rounded_to_six_decimals_before_it_meets_a_threshold() -> None:
    nearly = measure("task.nearly", pl.lit(10.0000004))

    one = finding(catalogue(nearly), points(1), {"measure": "task.nearly", "amber": "over 10"})

    assert (one["value"], one["state"]) == (10, "green")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_is_grey(value: float | None) -> None:
    odd = measure("task.odd", pl.lit(value, pl.Float64))

    one = finding(catalogue(odd), points(1), {"measure": "task.odd", "amber": "over 1"})

    assert (one["state"], one["reason"], one["value"]) == ("grey", "missing value", None)


# --- order of evaluation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("project", "reason"),
    [
        ({"state": "closed"}, "closed"),
        ({"state": "cancelled"}, "closed"),
        ({"state": "proposed"}, "closed"),
        ({"state": "on_hold"}, "on hold"),
        ({"actual_finish": MAY_13}, "finished"),
    ],
)
def test_nobody_asks_about_a_project_that_is_not_running(project: Mapping[str, Any], reason: str) -> None:
    plan = measure(finished_is_na=True)
    known = snapshot(project=[project], task=[{"story_points": Decimal(21)}])

    one = finding(catalogue(plan), known, BANDS)

    assert (one["state"], one["reason"], one["value"]) == ("na", reason, 21)


def test_only_some_measures_end_with_the_project_or_rest_while_it_is_on_hold() -> None:
    register, waiting = measure(), measure("task.waiting", on_hold_is_na=False, value=pl.col("story_points"))
    finished = snapshot(project=[{"actual_finish": MAY_13}], task=[{"story_points": Decimal(21)}])
    held = snapshot(project=[{"state": "on_hold"}], task=[{"story_points": Decimal(21)}])

    assert finding(catalogue(register), finished, BANDS)["state"] == "red"
    assert finding(catalogue(waiting), held, {"measure": "task.waiting", "red": "over 20"})["state"] == "red"


def test_a_project_whose_state_nobody_knows_is_evaluated() -> None:
    assert finding(catalogue(POINTS), points(21), BANDS)["state"] == "red"


def test_a_vanished_row_is_not_asked_about() -> None:
    level = measure("risk.impact_now", pl.col("impact"), Unit.STEPS)
    known = snapshot(risk=[{"title": "A risk", "impact": 5, "vanished_on": MAY_13}])

    one = finding(catalogue(level), known, {"measure": "risk.impact_now", "red": "at least 5"})

    assert (one["state"], one["reason"]) == ("na", "vanished")


NA = pl.when(pl.col("name") == "na").then(pl.lit("not configured"))
UNKNOWN = pl.when(pl.col("name") == "odd").then(pl.lit("invalid task.story_points: odd"))
BREACH = pl.when(pl.col("name") == "spent").then(pl.lit("budget exhausted"))


@pytest.mark.parametrize(
    ("name", "value", "state", "reason"),
    [
        ("na", None, "na", "not configured"),
        ("na", 21, "na", "not configured"),
        ("odd", 21, "grey", "invalid task.story_points: odd"),
        ("spent", None, "red", "budget exhausted"),
        ("plain", None, "grey", "missing task.story_points"),
        ("plain", 21, "red", None),
    ],
)
def test_a_measure_answers_in_four_ways(name: str, value: float | None, state: str, reason: str | None) -> None:
    four = measure(parts={"not_applicable": NA, "unknown": UNKNOWN, "breach": BREACH})

    one = finding(catalogue(four), points(value, name=name), BANDS)

    assert (one["state"], one["reason"]) == (state, reason)
    assert one["value"] == (value if state in {"na", "red"} and name != "spent" else None)
    assert (one["threshold"] is not None) == (name == "plain" and state == "red")


def test_red_without_a_value_is_amber_where_the_rule_has_no_red() -> None:
    spent = measure(parts={"breach": BREACH})

    one = finding(catalogue(spent), points(None, name="spent"), {"measure": "task.points", "amber": "over 10"})

    assert (one["state"], one["reason"]) == ("amber", "budget exhausted")


@pytest.mark.parametrize(
    ("top", "bottom", "state", "reason"),
    [
        (0, 0, "na", "nothing due yet"),
        (None, 0, "na", "nothing due yet"),
        (3, 0, "grey", "invalid task.work: 0"),
        (3, None, "grey", "missing task.work"),
        (3, 4, "amber", None),
    ],
)
def test_what_is_divided_by_decides_too(top: int | None, bottom: int | None, state: str, reason: str | None) -> None:
    over, under = pl.lit(top, pl.Int64), pl.col("work")
    share = measure(
        "task.share",
        Columns.ratio(over, under),
        Unit.RATIO,
        needs=("work",),
        parts={"numerator": over, "denominator": under},
    )
    known = snapshot(task=[{"work": None if bottom is None else Decimal(bottom)}])

    one = finding(catalogue(share), known, {"measure": "task.share", "amber": "over 0.5"})

    assert (one["state"], one["reason"]) == (state, reason)


def test_first_missing_need_is_named_and_one_elsewhere_where_nothing_here_is_missing() -> None:
    two = measure("task.two", pl.lit(None, pl.Float64), needs=("work", "project.budget", "cost_entry.amount"))
    rule = {"measure": "task.two", "amber": "over 1"}
    rows: list[dict[str, Any]] = [{}, {"work": Decimal(1)}, {"work": Decimal(1), "project": "project:p2"}]
    known = snapshot(project=[{"code": "P1"}, {"code": "P2", "budget": Decimal(1)}], task=rows)

    (one,) = found(catalogue(two), known, rule)

    assert one.frame["reason"].to_list() == ["missing task.work", "missing project.budget", "missing cost_entry.amount"]


def test_a_calendar_that_ends_is_blamed_where_nothing_is_missing() -> None:
    def left(_: NoParams, view: View) -> Columns:
        return Columns(view.working_days(pl.col("@today"), pl.col("forecast_finish")))

    days = Measure("task.left", "task", Unit.WORKING_DAYS, NoParams, ("forecast_finish",), left)
    short = Calendar("be", last=date(2026, 12, 31))
    known = snapshot(calendars=[short], task=[{"forecast_finish": date(2027, 1, 4)}, {}])

    (one,) = found(catalogue(days), known, {"measure": "task.left", "amber": "over 1 wd"})

    assert one.frame["reason"].to_list() == ["invalid calendar.id: be ends 2026-12-31", "missing task.forecast_finish"]


# --- only_if ------------------------------------------------------------------------------------------------------


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


# --- thresholds ---------------------------------------------------------------------------------------------------


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
    assert one.evidence["task.slope"].to_list() == [None, "1", None]


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
    assert one.frame["measure"].to_list()[:4] == ["task.hours", "task.points", "task.hours", "task.points"]
    assert one.frame["unit"].to_list()[:2] == ["h", "count"]
    assert one.frame["recovered"].to_list() == [False, False, False, False, False, True, True, False]


def test_only_what_is_asked_nowhere_is_not_applicable() -> None:
    hours = measure("task.hours", pl.col("work"), Unit.HOURS, parts={"not_applicable": pl.lit("not configured")})
    other = measure(parts={"not_applicable": pl.lit("done")})
    rule = {"for_each": "task", "measures": [BANDS, {"measure": "task.hours", "amber": "over 5 h"}]}

    one = finding(catalogue(other, hours), points(21), rule)

    assert (one["state"], one["reason"]) == ("na", "done")


# --- clocks, units, sources ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status_date", "as_of", "note"),
    [
        (date(2026, 5, 11), date(2026, 5, 11), ""),
        (None, MAY_13, "status date assumed"),
        (date(2026, 5, 20), MAY_13, "status date in the future"),
        (date(2026, 4, 10), MAY_13, "status date 22 wd old"),
    ],
)
def test_two_clocks(status_date: date | None, as_of: date, note: str) -> None:
    today = measure("task.today", clock="today", value=pl.col("story_points"))
    known = snapshot(project=[{"status_date": status_date}], task=[{"story_points": Decimal(21)}])

    one = finding(catalogue(POINTS), known, BANDS)
    now = finding(catalogue(today), known, {"measure": "task.today", "red": "over 20"})

    assert (one["as_of"], one["as_of_note"]) == (as_of, note)
    assert (now["as_of"], now["as_of_note"]) == (MAY_13, "")


@pytest.mark.parametrize(
    ("status_date", "state"), [(date(2026, 3, 13), "grey"), (date(2026, 5, 11), "red"), (None, "red")]
)
def test_earned_value_does_not_live_with_an_old_status_date_e16(status_date: date | None, state: str) -> None:
    strict = measure("project.strict", pl.lit(21), strict_age=True)
    known = snapshot(date(2026, 4, 27), project=[{"status_date": status_date}])

    one = finding(catalogue(strict), known, {"measure": "project.strict", "red": "over 20"})

    if state == "grey":
        assert one["reason"] == "project.status_date is 30 wd old, limit 20"
    assert one["state"] == ("red" if status_date != date(2026, 3, 13) else "grey")


def test_each_row_counts_in_its_own_calendar() -> None:
    def since(_: NoParams, view: View) -> Columns:
        return Columns(view.working_days(pl.lit(date(2026, 5, 8)), pl.col("@today")))

    days = Measure("task.since", "task", Unit.WORKING_DAYS, NoParams, (), since)
    every_day = Calendar("all", week=(True,) * 7)
    known = snapshot(
        calendars=[BE, every_day],
        project=[{"calendar": "all"}, {"calendar": "unheard of"}],
        task=[{"project": "project:p1"}, {"project": "project:p2"}],
    )

    (one,) = found(catalogue(days), known, {"measure": "task.since", "amber": "over 1 wd"})

    assert one.frame["value"].to_list() == [5, 3]


def test_money_is_shown_in_its_currency_and_never_compared_across() -> None:
    cost = measure("task.spent", pl.col("cost"), Unit.MONEY, needs=("cost",))
    known = snapshot(
        project=[{"currency": "EUR"}, {"currency": "USD"}],
        task=[{"project": "project:p1", "cost": Decimal(50)}, {"project": "project:p2", "cost": Decimal(50)}],
    )

    euro, plain = found(
        catalogue(cost),
        known,
        {"measure": "task.spent", "red": "over 40 EUR"},
        {"measure": "task.spent", "red": "over 40"},
    )

    assert euro.frame["unit"].to_list() == ["EUR", "USD"]
    assert states(euro) == ["red", "grey"]
    assert euro.frame["reason"][1] == "mixed currencies: EUR, USD"
    assert states(plain) == ["red", "red"]


def indicator_values(*indicators: Mapping[str, Any]) -> Any:
    rows = [{"uid": f"indicator:{n}", "id": f"kpi-{n}", **one} for n, one in enumerate(indicators)]
    series = [{"indicator": f"indicator:{n}", "scope": "project:p1"} for n in range(len(rows))]
    return snapshot(indicator=rows, kpi=series)


def kpi(value: float = 85, **more: Any) -> Measure[Any]:
    return measure("kpi.figure", pl.lit(value), Unit.INDICATOR, clock="today", row_thresholds="indicator", **more)


def test_an_indicator_brings_its_own_thresholds_before_the_rules() -> None:
    known = indicator_values(
        {"unit": "%", "amber": "under 90", "red": "under 80", "recover": "over 95"},
        {"unit": "%", "amber": "under 50 %"},
        {"unit": "%"},
        {"unit": "%", "amber": "below the usual"},
    )
    rule = {"measure": "kpi.figure", "amber": "under 87 %", "red": "under 86 %"}

    (one,) = found(catalogue(kpi()), known, rule)

    assert states(one) == ["amber", "red", "red", "red"]
    assert one.frame["threshold"].to_list() == ["under 90", "under 86 %", "under 86 %", "under 86 %"]
    assert set(one.frame["unit"]) == {"%"}


def test_an_indicator_whose_threshold_cannot_be_read_is_open() -> None:
    known = indicator_values({"amber": "below the usual"}, {"unit": "pp", "red": "under 90 %"}, {})

    (one,) = found(catalogue(kpi()), known, {"measure": "kpi.figure"})

    assert one.frame["state"].to_list() == ["grey", "grey", "na"]
    assert one.frame["reason"].to_list() == [
        "invalid indicator.amber: below the usual",
        "invalid indicator.unit: pp",
        "not configured",
    ]


def test_recovery_of_an_indicator_is_its_own() -> None:
    known = indicator_values({"red": "under 80", "recover": "over 90"}, {"red": "under 80"})

    (one,) = found(catalogue(kpi()), known, {"measure": "kpi.figure"})

    assert one.frame["recovered"].to_list() == [False, True]


def test_measure_may_show_another_unit_than_the_indicators() -> None:
    change = kpi(parts={"unit": pl.when(pl.col("indicator.unit") == "%").then(pl.lit("pp"))})

    (one,) = found(
        catalogue(change), indicator_values({"unit": "%"}, {"unit": "h"}), {"measure": "kpi.figure", "red": "over 1"}
    )

    assert one.frame["unit"].to_list() == ["pp", "h"]


def state_of(
    name: str, outcome: Outcome = Outcome.COMPLETE, reading: int = 1, as_of: date | None = None
) -> SourceState:
    return SourceState(name, "csv_file", outcome, reading, as_of=as_of, last_good=datetime(2026, 5, 13, tzinfo=UTC))


@pytest.mark.parametrize(
    ("outcome", "usable", "source"),
    [(Outcome.COMPLETE, True, "plans"), (Outcome.FAILED, False, "sheet"), (Outcome.PARTIAL, False, "sheet")],
)
def test_a_project_rests_on_the_sources_of_what_its_measure_needs(outcome: Outcome, usable: bool, source: str) -> None:
    spent = measure("project.spent", pl.lit(21), needs=("forecast_finish", "actual_cost"))
    dates = measure("project.dates", pl.lit(21), needs=("forecast_finish",))
    merged = {"@source:schedule": "plans", "@source:cost": "sheet", "source": "register"}
    known = snapshot(
        project=[merged],
        sources={"plans": state_of("plans", reading=3), "sheet": state_of("sheet", outcome, reading=4)},
    )

    both = finding(catalogue(spent), known, {"measure": "project.spent", "red": "over 20"})
    one = finding(catalogue(dates), known, {"measure": "project.dates", "red": "over 20"})

    assert (both["usable"], both["reading"], both["source"]) == (usable, 7, source)
    assert (one["usable"], one["reading"], one["source"]) == (True, 3, "plans")


def test_the_earlier_day_counts_where_two_sources_meet_and_both_are_named() -> None:
    spent = measure("project.spent", pl.col("@as_of").dt.day(), needs=("forecast_finish", "actual_cost"))
    merged = {"@source:schedule": "plans", "@source:cost": "sheet", "status_date": date(2026, 5, 11)}
    sources = {"plans": state_of("plans"), "sheet": state_of("sheet", as_of=date(2026, 5, 5))}

    one = finding(
        catalogue(spent), snapshot(project=[merged], sources=sources), {"measure": "project.spent", "red": "over 1"}
    )

    assert (one["value"], one["as_of"]) == (5, date(2026, 5, 5))
    assert one["as_of_note"] == "schedule from plans, cost from sheet"


def test_a_row_that_a_source_no_longer_shows_is_not_relied_on() -> None:
    known = points(21, **{"@usable": False, "@reading": 7})

    one = finding(catalogue(POINTS), known, BANDS)

    assert (one["state"], one["usable"], one["reading"]) == ("red", False, 7)


# --- evidence -----------------------------------------------------------------------------------------------------


def test_evidence_is_text_and_only_of_rows_that_are_told() -> None:
    shown = {
        "day": pl.col("forecast_finish"),
        "share": pl.col("progress"),
        "flag": pl.col("manual"),
        "labels": pl.col("labels"),
        "seen": pl.col("created_at"),
    }
    told = measure(
        parts={"evidence": shown, "companions": {"task.slope": pl.lit(0.5)}}, companions={"task.slope": Unit.RATIO}
    )
    rule = {**BANDS, "show": ["task.owner", "task.parent", "project.code", "wbs"]}
    row = {
        "name": "Build",
        "forecast_finish": MAY_13,
        "progress": Decimal("12.50"),
        "labels": ["a", "b"],
        "created_at": datetime(2026, 5, 13, 22, 30, tzinfo=UTC),
        "owner": "person:ann",
        "wbs": "1.2",
    }
    known = snapshot(
        person=[{"uid": "person:ann", "name": "Ann", "email": "ann@example.org"}],
        task=[{**row, "story_points": Decimal(21)}, {**row, "story_points": Decimal(1)}],
    )

    (one,) = found(catalogue(told), known, rule)

    assert one.evidence.to_dicts() == [
        {
            "uid": "plans:task:1",
            "day": "2026-05-13",
            "share": "12.5",
            "flag": "false",
            "labels": "a, b",
            "seen": "2026-05-14 00:30",
            "task.slope": "0.5",
            "task.owner": "Ann",
            "task.parent": None,
            "project.code": "P1",
            "task.wbs": "1.2",
        }
    ]


def test_evidence_is_in_the_order_of_the_findings() -> None:
    told = measure(parts={"evidence": {"points": pl.col("story_points")}})

    (one,) = found(catalogue(told), points(21, 1, None, 11), BANDS)

    assert one.evidence.rows() == [("plans:task:1", "21"), ("plans:task:3", None), ("plans:task:4", "11")]


# --- measures that answer with a frame, and those that fail -------------------------------------------------------


def frame_measure(answer: pl.DataFrame, **more: Any) -> Measure[Any]:
    return Measure("task.framed", "task", Unit.COUNT, NoParams, (), lambda _, __: answer, **more)


FRAMED = {"measure": "task.framed", "red": "over 20"}


def test_a_measure_may_answer_with_a_frame_that_leaves_rows_out() -> None:
    answer = pl.DataFrame({"uid": ["plans:task:2"], "value": [21], "note": ["seen"], "parts": [3]})

    (one,) = found(catalogue(frame_measure(answer)), points(1, 2), FRAMED)

    assert one.frame.select("state", "note").rows() == [("grey", None), ("red", "seen")]
    assert one.evidence["parts"].to_list() == [None, "3"]


def boom(_: NoParams, __: View) -> Columns:
    raise ZeroDivisionError("no such luck\nsecond line")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (Measure("task.bad", "task", Unit.COUNT, NoParams, (), boom), "ZeroDivisionError: no such luck"),
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
    assert middle.frame.schema == pl.Schema(FINDING_SCHEMA)
    assert middle.frame.is_empty()
    assert middle.evidence.is_empty()


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


# --- which rules, which measures, in which order ------------------------------------------------------------------


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


# --- properties ---------------------------------------------------------------------------------------------------

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
    alone = evaluate(made, snapshot(task=[rows[0]]), catalogue(POINTS)).findings

    for one, two, first in zip(straight, mixed, alone, strict=True):
        assert_frame_equal(one.frame, two.frame)
        assert_frame_equal(one.evidence, two.evidence)
        assert_frame_equal(one.frame.head(1), first.frame)


@settings(max_examples=25, deadline=None)
@given(VALUES)
def test_states_are_those_of_the_plain_words(values: list[int | None]) -> None:
    def plainly(value: int | None) -> str:
        return "grey" if value is None else "red" if value > 20 else "amber" if value > 10 else "green"

    (one,) = found(catalogue(POINTS), snapshot(task=rows_of(values)), BANDS)

    assert states(one) == [plainly(value) for value in values]
    assert one.evidence["uid"].to_list() == one.frame.filter(pl.col("state") != "green")["uid"].to_list()
