"""Risks let lie, answered late, dear or growing: the vectors R-06 and R-07 of spec measures 4.8, and the edges."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import raid
from pmo_watch_plugins.rules.raid import trend, unmanaged
from snapshots import catalogue, finding, found, snapshot, states

from pmo_watch.flow import Samples, Since, Wish

MEASURES = catalogue(*raid.pmo_watch_measures())
WEDNESDAY = date(2026, 3, 11)
FOUR_WEEKS_AGO = date(2026, 2, 15)  # the Sunday that ended the week
HIGH = {"status": "approved", "likelihood": 4, "impact": 4}


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def of_risk(measure: str, past: dict[Wish, pl.DataFrame] | None = None, /, **row: Any) -> dict[str, Any]:
    params = {"with": row.pop("params")} if "params" in row else {}
    known = snapshot(WEDNESDAY, past=past, risk=[{**HIGH, **row}])
    return finding(MEASURES, known, {"measure": measure, **params})


def of_project(
    measure: str, risks: list[dict[str, Any]], past: dict[Wish, pl.DataFrame] | None = None, /, **project: Any
) -> dict[str, Any]:
    known = snapshot(WEDNESDAY, past=past, project=[{"code": "P1", **project}], risk=risks)
    return finding(MEASURES, known, {"measure": measure})


# --- the highest of a project -------------------------------------------------------------------------------------


def test_the_highest_level_of_a_project_is_that_of_its_open_threats() -> None:
    low = {"status": "approved", "likelihood": 2, "impact": 3}
    over = [
        {"status": "closed", "likelihood": 5, "impact": 5},
        {"status": "approved", "likelihood": 5, "impact": 4, "opportunity": True},
    ]
    rule = {"measure": "risk.level", "amber": {"any": [{"measure": "project.max_risk_level", "is": "at least 15"}]}}

    (quiet,) = found(MEASURES, snapshot(WEDNESDAY, risk=[low, *over]), rule)
    (told,) = found(MEASURES, snapshot(WEDNESDAY, risk=[low, HIGH, *over]), rule)

    assert states(quiet) == ["green", "na", "na"]
    assert states(told) == ["amber", "amber", "na", "na"]


def test_risks_of_no_known_project_are_not_one_project() -> None:
    rule = {"measure": "risk.level", "amber": {"any": [{"measure": "project.max_risk_level", "is": "at least 15"}]}}
    low = {"status": "approved", "likelihood": 2, "impact": 3, "project": None}

    (told,) = found(MEASURES, snapshot(WEDNESDAY, risk=[low, {**HIGH, "project": None}]), rule)

    assert states(told) == ["green", "green"]


def test_a_chance_counts_for_the_highest_level_where_the_rule_mirrors_it() -> None:
    chance = {"status": "approved", "likelihood": 5, "impact": 4, "opportunity": True}
    rule = {
        "measure": "risk.level",
        "with": {"opportunities": "mirror"},
        "amber": {"any": [{"measure": "project.max_risk_level", "is": "at least 20"}]},
    }

    (told,) = found(MEASURES, snapshot(WEDNESDAY, risk=[HIGH, chance]), rule)

    assert states(told) == ["amber", "amber"]


# --- let lie ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "value", "state"), [("03-11", 0, "amber"), ("03-04", 5, "amber"), ("03-03", 6, "red")]
)
def test_a_high_risk_without_owner_is_found_from_its_first_day(since: str, value: int, state: str) -> None:
    found = of_risk("risk.unmanaged", strategy="reduce", action="Test", identified_on=day(since))

    assert (found["value"], found["state"], found["evidence"]["lacking"]) == (value, state, "owner")


def test_what_a_high_risk_lacks_is_named_and_what_the_rule_does_not_ask_for_is_left() -> None:
    row: dict[str, Any] = {"identified_on": day("03-02"), "owner": "person:a@example.org"}

    assert of_risk("risk.unmanaged", **row)["evidence"]["lacking"] == "strategy, action"
    assert of_risk("risk.unmanaged", params={"needs": ["owner"]}, **row)["reason"] == "done"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"status": "closed"}, "closed"),
        ({"impact": 3}, "out of scope"),
        ({"owner": "person:a@example.org", "strategy": "avoid", "action": "Stop"}, "done"),
    ],
)
def test_a_risk_that_is_low_over_or_looked_after_is_not_asked_about(row: dict[str, Any], reason: str) -> None:
    found = of_risk("risk.unmanaged", identified_on=day("03-02"), **row)

    assert (found["state"], found["reason"]) == ("na", reason)


def test_from_which_level_on_is_the_rules_own() -> None:
    found = of_risk("risk.unmanaged", params={"level": 12}, impact=3, identified_on=day("03-10"))

    assert found["value"] == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [({"impact": None}, "missing risk.impact"), ({}, "missing risk.identified_on")],
)
def test_without_a_level_or_a_first_day_nothing_can_be_said(row: dict[str, Any], reason: str) -> None:
    found = of_risk("risk.unmanaged", **row)

    assert (found["state"], found["reason"]) == ("grey", reason)


def daily(*levels: tuple[str, int, int]) -> dict[Wish, pl.DataFrame]:
    rows = [{"uid": "plans:risk:1", "ends": day(at), "likelihood": one, "impact": two} for at, one, two in levels]
    return {unmanaged.LEVELS: pl.DataFrame(rows)}


def test_it_counts_from_the_first_day_that_history_shows_it_so_high() -> None:
    past = daily(("02-20", 5, 5), ("02-27", 2, 2), ("03-03", 3, 5), ("03-09", 4, 4), ("03-11", 4, 4))

    assert of_risk("risk.unmanaged", past, identified_on=day("01-05"))["value"] == 6


def test_a_level_that_stands_for_longer_than_history_was_asked_for_counts_from_when_it_came() -> None:
    since: dict[Wish, pl.DataFrame] = {
        Since("risk", name): pl.DataFrame({"uid": ["plans:risk:1"], "since": [day(at)]})
        for name, at in (("likelihood", "01-05"), ("impact", "01-07"))
    }

    assert of_risk("risk.unmanaged", {**daily(("03-09", 4, 4)), **since})["value"] == 45


def test_its_history_is_asked_for_by_day() -> None:
    measure = MEASURES["risk.unmanaged"]

    assert unmanaged.LEVELS in measure.past(measure.params())


# --- answered late ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "value", "state"),
    [("03-12", 0, "green"), ("03-11", 0, "green"), ("03-10", 1, "amber"), ("03-03", 6, "red")],
)
def test_a_response_is_late_from_the_day_after_it_was_due(due: str, value: int, state: str) -> None:
    found = of_risk("risk.response_late", target_date=day(due))

    assert (found["value"], found["state"]) == (value, state)


@pytest.mark.parametrize(("row", "reason"), [({"action_done": True}, "done"), ({"status": "rejected"}, "closed")])
def test_a_response_that_was_given_is_not_asked_about(row: dict[str, Any], reason: str) -> None:
    found = of_risk("risk.response_late", target_date=day("03-01"), **row)

    assert (found["state"], found["reason"]) == ("na", reason)


def test_a_response_without_a_day_is_grey() -> None:
    assert of_risk("risk.response_late")["reason"] == "missing risk.target_date"


# --- in money -----------------------------------------------------------------------------------------------------

DEAR = [
    {"status": "approved", "probability": 30, "cost_impact": 50_000},
    {"status": "approved", "probability": 50, "cost_impact": 20_000},
]
LEFT = {"contingency": 40_000, "contingency_used": 10_000}


def test_expected_cost_against_the_contingency_that_is_left_r06() -> None:
    found = of_project("project.risk_exposure", DEAR, **LEFT)

    assert (found["value"], found["state"]) == (pytest.approx(0.833333, abs=1e-6), "amber")
    assert (found["numerator"], found["denominator"]) == (25_000, 30_000)


@pytest.mark.parametrize(
    ("used", "value", "state"), [(8_750, 0.8, "green"), (15_000, 1.0, "amber"), (15_001, 1.00004, "red")]
)
def test_exposure_is_judged_by_what_is_left(used: int, value: float, state: str) -> None:
    found = of_project("project.risk_exposure", DEAR, contingency=40_000, contingency_used=used)

    assert (found["value"], found["state"]) == (pytest.approx(value, abs=1e-5), state)


@pytest.mark.parametrize("used", [40_000, 50_000])
def test_exposure_without_anything_left_is_red_and_has_no_value(used: int) -> None:
    found = of_project("project.risk_exposure", DEAR, contingency=40_000, contingency_used=used)

    assert (found["state"], found["value"], found["reason"]) == ("red", None, "no contingency")


def test_a_probability_follows_from_the_likelihood_and_that_is_said() -> None:
    likely = {"status": "approved", "likelihood": 4, "cost_impact": 10_000}

    found = of_project("project.risk_exposure", [likely, DEAR[0]], **LEFT)

    assert (found["numerator"], found["note"]) == (22_000, "1 of 2 probabilities from the likelihood")


@pytest.mark.parametrize(("likelihood", "cost"), [(1, 1_000), (2, 3_000), (3, 5_000), (4, 7_000), (5, 9_000)])
def test_each_likelihood_has_its_probability(likelihood: int, cost: int) -> None:
    found = of_project("project.risk_exposure", [{"likelihood": likelihood, "cost_impact": 10_000}], **LEFT)

    assert found["numerator"] == cost


def test_a_threat_without_a_cost_is_left_out_and_that_is_said() -> None:
    found = of_project("project.risk_exposure", [*DEAR, {"status": "approved", "likelihood": 5}], **LEFT)

    assert (found["numerator"], found["note"]) == (25_000, "1 of 3 rows left out")


def test_contingency_counts_as_unused_where_nobody_says_and_that_is_said() -> None:
    found = of_project("project.risk_exposure", DEAR, contingency=50_000)

    assert (found["value"], found["note"]) == (0.5, "contingency used unknown")


@pytest.mark.parametrize(
    "risks",
    [
        [],
        [{**DEAR[0], "status": "closed"}],
        [{**DEAR[0], "opportunity": True}],
        [{"status": "approved", "probability": 0, "cost_impact": 5}],
    ],
    ids=["none", "closed", "chance", "nothing expected and nothing left"],
)
def test_a_project_without_open_threats_is_not_asked_about(risks: list[dict[str, Any]]) -> None:
    found = of_project("project.risk_exposure", risks, contingency=0)

    assert (found["state"], found["reason"]) == ("na", "nothing due yet")


@pytest.mark.parametrize(
    ("risks", "project", "reason"),
    [
        (DEAR, {}, "missing project.contingency"),
        ([{"status": "approved", "probability": 5}], LEFT, "missing risk.cost_impact"),
        ([{"status": "approved", "cost_impact": 5}], LEFT, "missing risk.probability"),
    ],
)
def test_exposure_is_grey_where_a_figure_is_missing(
    risks: list[dict[str, Any]], project: dict[str, Any], reason: str
) -> None:
    found = of_project("project.risk_exposure", risks, **project)

    assert (found["state"], found["reason"]) == ("grey", reason)


# --- growing ------------------------------------------------------------------------------------------------------


def risks(*levels: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"status": "approved", "likelihood": one, "impact": two} for one, two in levels]


def weeks_ago(*levels: tuple[int, int] | None, weeks: int = 4, **more: Any) -> dict[Wish, pl.DataFrame]:
    """Return the samples of risks, the first of them `plans:risk:1`; None for one that was not there yet."""
    ends = FOUR_WEEKS_AGO + timedelta(weeks=4 - weeks)
    common = {"source": "plans", "project": "P1", "status": "approved", "opportunity": None, "ends": ends, **more}
    rows = [
        {"uid": f"plans:risk:{number}", "likelihood": level[0], "impact": level[1], **common}
        for number, level in enumerate(levels, 1)
        if level
    ]
    fields = ("project", "status", "opportunity", "likelihood", "impact")
    schema = {"uid": pl.String, "source": pl.String, "ends": pl.Date, "opportunity": pl.Boolean}
    schema |= {"project": pl.String, "status": pl.String, "likelihood": pl.Int64, "impact": pl.Int64}
    return {Samples("risk", "week", weeks + 1, fields): pl.DataFrame(rows, schema=schema)}


SIXTY_TWO = risks((5, 5), (5, 5), (3, 4))
FIFTY = weeks_ago((5, 5), (5, 5))


def test_the_sum_of_levels_is_compared_with_that_of_weeks_ago_r07() -> None:
    found = of_project("project.risk_trend", SIXTY_TWO, FIFTY)

    assert (found["value"], found["state"]) == (24, "amber")


@pytest.mark.parametrize(
    ("now", "value", "state"),
    [
        (risks((5, 5)), -50, "green"),
        (risks((5, 5), (5, 5), (5, 1), (1, 2)), 14, "green"),
        (risks((5, 5), (5, 5), (4, 4)), 32, "red"),
        ([], -100, "green"),
    ],
)
def test_growth_is_judged_in_per_cent(now: list[dict[str, Any]], value: int, state: str) -> None:
    found = of_project("project.risk_trend", now, FIFTY)

    assert (found["value"], found["state"]) == (value, state)


def test_a_project_that_the_source_names_in_its_own_way_is_that_of_the_risk_now() -> None:
    found = of_project("project.risk_trend", risks((4, 3)), weeks_ago((5, 2), project="Network 2026"))

    assert found["value"] == 20


def test_how_many_weeks_ago_is_the_rules_own() -> None:
    known = snapshot(WEDNESDAY, past=weeks_ago((5, 2), weeks=2), risk=risks((4, 3)))
    rule = {"measure": "project.risk_trend", "with": {"over": "2 weeks"}}

    assert finding(MEASURES, known, rule)["value"] == 20


@pytest.mark.parametrize("more", [{"status": "closed"}, {"opportunity": True}])
def test_what_was_closed_or_a_chance_then_did_not_count(more: dict[str, Any]) -> None:
    found = of_project("project.risk_trend", SIXTY_TWO, weeks_ago((5, 5), **more))

    assert found["state"] != "green"
    assert found["value"] is None


def test_a_project_that_had_no_threat_then_is_not_asked_about() -> None:
    projects = [{"code": "P1"}, {"code": "P2"}]
    known = snapshot(WEDNESDAY, past=weeks_ago((5, 5), project="p2"), project=projects, risk=SIXTY_TWO)

    (told,) = found(MEASURES, known, {"measure": "project.risk_trend"})

    assert told.frame.select("state", "reason", "value").rows() == [
        ("na", "nothing due yet", None),
        ("green", None, -100),
    ]


def test_a_project_without_any_risk_is_not_asked_about() -> None:
    assert of_project("project.risk_trend", [])["reason"] == "nothing due yet"


def test_without_a_reading_that_week_it_is_grey() -> None:
    found = of_project("project.risk_trend", SIXTY_TWO)

    assert (found["state"], found["reason"]) == ("grey", "needs 2 samples, has 1")


def test_a_week_between_stands_for_no_other() -> None:
    later = {wish: frame.with_columns(ends=pl.lit(date(2026, 2, 22))) for wish, frame in FIFTY.items()}

    assert of_project("project.risk_trend", SIXTY_TWO, later)["reason"] == "needs 2 samples, has 1"


@pytest.mark.parametrize(("known", "missing"), [("impact", "likelihood"), ("likelihood", "impact")])
def test_a_threat_that_nobody_assessed_makes_it_grey(known: str, missing: str) -> None:
    now = [*SIXTY_TWO, {"status": "proposed", known: 3}]

    assert of_project("project.risk_trend", now, FIFTY)["reason"] == f"missing risk.{missing} on 1 of 4 rows"


def test_a_log_of_the_project_that_does_not_count_now_did_not_count_then() -> None:
    (wish,) = FIFTY
    other = FIFTY[wish].with_columns(uid=pl.format("other:risk:{}", pl.int_range(pl.len())), source=pl.lit("other"))

    found = of_project("project.risk_trend", SIXTY_TWO, {wish: pl.concat([FIFTY[wish], other])})

    assert found["value"] == 24


def test_the_history_that_is_asked_for_ends_with_the_week_compared_with() -> None:
    measure = MEASURES["project.risk_trend"]

    assert measure.past(measure.params()) == (trend.wish(trend.TrendParams()),)
    assert trend.wish(trend.TrendParams()).n == 5


def test_a_trend_over_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="must be at least '1 week'"):
        trend.TrendParams.model_validate({"over": "0 weeks"})
