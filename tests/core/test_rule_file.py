"""One rule file: what each key means, what a rule leaves out, when its version changes."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from catalogues import CATALOGUE, ReadinessParams, SlipParams, StreakParams, measure
from pydantic import BaseModel
from rule_texts import SLIP, SPECIFIED, load, said, the_rule

from pmo_watch import rules
from pmo_watch.flow import Previous, Samples, Since, Wish
from pmo_watch.rule_files import Catalogue, Readable, rules_from_texts
from pmo_watch.rules import Condition, Op, Quantity, Span, State, Threshold, Thresholds, Unit


def over(number: int, unit: str = "wd") -> Thresholds:
    return Thresholds((Threshold(Condition(Op.OVER, (Quantity(Decimal(number), unit),), f"over {number} {unit}")),))


def test_file_of_the_specification_is_understood() -> None:
    loaded = load(a=SPECIFIED)

    assert loaded.faults == ()
    rule = loaded.rules.rules["key-milestone-slip"]
    assert (rule.for_each, rule.owner, rule.file, rule.line) == ("milestone", "pmo@example.org", "a.yaml", 21)
    assert rule.only_if == (
        rules.Test("project.state", Condition(Op.IS, ("executing",), "executing")),
        rules.Test(
            "milestone.kind", Condition(Op.ONE_OF, ("key", "gate", "contractual"), "one of key, gate, contractual")
        ),
        rules.Test("milestone.done", Condition(Op.IS, (False,), "false")),
    )
    assert (rule.measures[0].amber, rule.measures[0].red) == (over(5), over(10))
    assert rule.tell == {"amber": ("project_leader",), "red": ("project_leader", "programme_manager")}
    assert rule.escalate == (rules.Escalation(Span(10, "wd"), "red", ("committee",)),)
    assert [(one.expect, one.line) for one in rule.examples] == [(State.GREEN, 36), (State.GREY, 37)]
    assert rule.examples[1].given == {"baseline_finish": None, "forecast_finish": date(2026, 7, 28)}
    assert loaded.rules.audiences["committee"].deliver == {"amber": "never", "red": "monthly"}
    assert loaded.rules.digests["monthly"].on == "5 wd before steering_committee"
    assert loaded.rules.owners == {"a.yaml": "pmo@example.org"}


def test_entity_and_thresholds_come_from_the_measure() -> None:
    rule = the_rule("measure: milestone.slip")

    (judged,) = rule.measures
    assert rule.for_each == "milestone"
    assert (judged.amber, judged.red, judged.recover and judged.recover.parts[0].condition.text) == (
        over(5),
        over(10),
        "at most 3 wd",
    )
    assert judged.params == SlipParams()


def test_thresholds_of_the_rule_stand_alone() -> None:
    (judged,) = the_rule("measure: milestone.slip\nred: over 20 wd").measures

    assert (judged.amber, judged.red, judged.recover) == (None, over(20), None)


def test_own_thresholds_of_a_measure_may_be_about_a_companion() -> None:
    (judged,) = the_rule("measure: milestone.slip_streak").measures

    assert judged.red is not None
    assert [(part.on, part.condition.text) for part in judged.red.parts] == [
        ("", "at least 3 periods"),
        ("milestone.slip_slope", "at least 1"),
    ]
    assert judged.red.how == "any"


def test_rows_may_bring_the_thresholds() -> None:
    (judged,) = the_rule("measure: kpi.value\nwith: {indicator: availability}").measures

    assert (judged.amber, judged.red) == (None, None)


def test_several_conditions_may_be_about_other_measures_and_fields() -> None:
    (judged,) = the_rule(
        "measure: milestone.slip_streak\n"
        "amber: {all: [at least 2 periods, {field: milestone.confirmed, is: is not true}]}\n"
        "red:\n"
        "  any:\n"
        "    - at least 3 periods when milestone.kind is key\n"
        "    - {measure: milestone.slip_slope, is: at least 1}\n"
        "    - {measure: milestone.slip, is: over 20 wd}\n"
    ).measures

    assert judged.amber is not None
    assert judged.red is not None
    assert (judged.amber.how, judged.red.how) == ("all", "any")
    assert [part.on for part in judged.amber.parts] == ["", "milestone.confirmed"]
    assert [part.on for part in judged.red.parts] == ["", "milestone.slip_slope", "milestone.slip"]
    assert judged.red.parts[0].when == rules.Test("milestone.kind", Condition(Op.IS, ("key",), "is key"))


def test_several_measures_each_have_their_own_thresholds() -> None:
    rule = the_rule(
        "overall: worst\nmeasures:\n  - {measure: project.cpi, red: under 0.8}\n  - {measure: project.data_age}\n"
    )

    assert rule.for_each == "project"
    assert [(one.measure, one.red and one.red.parts[0].condition.text) for one in rule.measures] == [
        ("project.cpi", "under 0.8"),
        ("project.data_age", "over 14 d"),
    ]


def test_parameters_are_the_measures_own_model() -> None:
    (judged,) = the_rule("measure: milestone.readiness\nwith: {window: 20 wd, missing: 12.5 %}").measures

    assert judged.params == ReadinessParams.model_validate({"window": "20 wd", "missing": "12.5 %"})


def test_history_says_how_often_and_how_many() -> None:
    rule = the_rule("measure: milestone.slip_streak\nhistory: {every: month, at_least: 4 periods}")

    assert rule.history == {"every": "month", "at_least": 4}
    assert rule.measures[0].params == StreakParams(every="month")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("confirm_after: 2 evaluations", {"confirm_after": Span(2, "evaluations")}),
        ("confirm_after: 24 h", {"confirm_after": Span(24, "h")}),
        ("no_data: ignore", {"no_data": rules.NoData("ignore")}),
        (
            "no_data: {state: amber, after: 3 wd, because: The plan is late}",
            {"no_data": rules.NoData("amber", Span(3, "wd"), "The plan is late")},
        ),
        ("remind: every 5 wd", {"remind": rules.Reminder(Span(5, "wd"))}),
        ("remind: {before: 1 wd, to: pmo}", {"remind": rules.Reminder(None, Span(1, "wd"), ("pmo",))}),
        ("tell: {red: pmo}", {"tell": {"red": ("pmo",)}}),
        ("show: [deadline, project.phase]", {"show": ("milestone.deadline", "project.phase")}),
        ("tags: [steering, steering, Q3]", {"tags": ("steering", "Q3")}),
        ("enabled: false", {"enabled": False}),
        ("review_by: 2026-12-31", {"review_by": date(2026, 12, 31)}),
        ("dimension: cost", {"dimension": "cost"}),
        ("message: Late\nadvice: {fr: Agir}", {"message": {"en": "Late"}, "advice": {"fr": "Agir"}}),
    ],
)
def test_keys_of_a_rule(text: str, expected: Mapping[str, Any]) -> None:
    rule = the_rule(f"measure: milestone.slip\n{text}", "audiences: {pmo: {email: pmo@example.org, red: at once}}\n")

    assert {name: getattr(rule, name) for name in expected} == expected


def test_what_a_rule_leaves_out_has_a_default() -> None:
    rule = the_rule("measure: milestone.slip")

    assert (rule.confirm_after, rule.no_data, rule.tell, rule.enabled) == (
        Span(1, "evaluations"),
        rules.NoData("grey"),
        {},
        True,
    )


def test_defaults_of_the_file_give_way_to_the_rule() -> None:
    head = (
        "audiences: {a: {role: pmo}, b: {role: pmo}}\n"
        "defaults: {confirm_after: 3 wd, no_data: amber, tell: {amber: [a], red: [a]}, tags: [all], enabled: no}\n"
    )

    rule = the_rule("measure: milestone.slip\nno_data: red\ntell: {red: [b], grey: [b]}\nenabled: true", head)

    assert (rule.confirm_after, rule.no_data.state, rule.tags, rule.enabled) == (Span(3, "wd"), "red", ("all",), True)
    assert rule.tell == {"amber": ("a",), "red": ("b",), "grey": ("b",)}


def test_examples_hold_what_the_model_holds() -> None:
    rule = the_rule(
        "measure: milestone.slip\n"
        "examples:\n"
        "  - given: {milestone.done: true, cost: 12.50, priority: 3, labels: [a], project.state: executing,\n"
        "            owner: m.rossi, wbs: 1.10, updated_at: 2026-07-17T12:00:00Z}\n"
        "    expect: na\n"
        "    today: 2026-07-20\n"
    )

    (example,) = rule.examples
    moment = example.given.pop("updated_at")  # type: ignore[attr-defined]
    assert example.given == {
        "done": True,
        "cost": Decimal("12.50"),
        "priority": 3,
        "labels": ["a"],
        "project.state": "executing",
        "owner": "m.rossi",
        "wbs": "1.10",
    }
    assert (str(moment), example.expect, example.today) == ("2026-07-17 12:00:00+00:00", State.NA, date(2026, 7, 20))


def test_rules_may_share_keys_by_anchor() -> None:
    loaded = load(
        a="rules:\n"
        "  - &first {id: first, name: First, measure: milestone.slip, amber: over 5 wd}\n"
        "  - {<<: *first, id: second, red: over 9 wd}\n"
    )

    assert loaded.faults == ()
    assert [one.measures[0].amber for one in loaded.rules.rules.values()] == [over(5), over(5)]


def test_fault_of_a_shared_key_is_at_the_place_where_it_stands() -> None:
    loaded = load(
        a="rules:\n"
        "  - &first {id: first, name: First, measure: milestone.slip, amber: over 5}\n"
        "  - {<<: *first, id: second}\n"
    )

    assert said(loaded) == ["a.yaml:2:74: 5 has no unit; milestone.slip is counted in working days: write `5 wd`"]


def test_text_without_language_is_in_the_organisations() -> None:
    present = Readable({"a.yaml": f"rules:\n{SLIP}"})

    loaded = rules_from_texts(Path("rules.d"), present, CATALOGUE, language="fr")

    assert loaded.rules.rules["slip"].name == {"fr": "Slips"}


def test_version_changes_with_what_the_rule_says_and_with_nothing_else() -> None:
    def version(text: str, catalogue: Catalogue = CATALOGUE) -> str:
        loaded = rules_from_texts(Path("rules.d"), Readable({"a.yaml": text}), catalogue)
        return loaded.rules.rules["slip"].version

    first = version(f"rules:\n{SLIP}")
    stricter = measure("milestone.slip", Unit.WORKING_DAYS, SlipParams, amber="over 1 wd")

    assert version(f"# a comment\nrules:\n\n{SLIP}") == first
    assert version(f"defaults: {{confirm_after: 2 evaluations}}\nrules:\n{SLIP}") != first
    assert version(f"rules:\n{SLIP}".replace("Slips", "Slides")) != first
    assert version(f"rules:\n{SLIP}", Catalogue({"milestone.slip": stricter})) != first


def _refuses(_: BaseModel) -> tuple[Wish, ...]:
    raise KeyError("weeks")


@pytest.mark.parametrize(
    ("past", "fault"),
    [
        (_refuses, "KeyError: 'weeks'"),
        (lambda _: ("last week",), "str is no wish for history"),
        (
            lambda _: (Samples("task", "week", 10**7, ("forecast_finish",)),),
            "10000000 samples are not between 1 and 2000",
        ),
        (lambda _: (Previous("task", ("forecast",)),), "task keeps no field 'forecast'"),
        (lambda _: (Since("milestone", "forecast_finish"),), "there is no entity 'milestone'"),
    ],
)
def test_history_that_a_plugin_cannot_wish_for_is_a_fault_of_the_rule(past: Any, fault: str) -> None:
    broken = measure("milestone.slip", Unit.WORKING_DAYS, amber="over 5 wd", past=past)
    text = "rules:\n  - {id: slip, name: Slip, measure: milestone.slip}\n"

    loaded = rules_from_texts(Path("rules.d"), Readable({"a.yaml": text}), Catalogue({"milestone.slip": broken}))

    beginning = "a.yaml:2:37: milestone.slip cannot say what history it reads, a defect of its plugin: "
    assert said(loaded) == [beginning + fault]


def test_faulty_thresholds_of_a_plugin_are_said_and_not_raised() -> None:
    faulty = measure("milestone.slip", Unit.WORKING_DAYS, SlipParams, amber="over 5")
    present = Readable({"a.yaml": f"rules:\n{SLIP}"})

    loaded = rules_from_texts(Path("rules.d"), present, Catalogue({"milestone.slip": faulty}))

    (fault,) = said(loaded)
    assert fault == (
        "a.yaml:2:38: the measure's own thresholds are faulty: "
        "5 has no unit; milestone.slip is counted in working days: write `5 wd`"
    )
