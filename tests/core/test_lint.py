"""What `check` finds by code: examples that do not come true, and what nobody looks at any more."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_measures import measure
from pmo_watch_plugins.rules import milestones
from snapshots import BE, catalogue

from pmo_watch.contracts import Columns, Measure, NoParams, View
from pmo_watch.flow import Organisation
from pmo_watch.lint import Remark, remarks, run_examples
from pmo_watch.rule_files import Readable, rules_from_texts
from pmo_watch.rule_names import Catalogue
from pmo_watch.rules import Audience, Escalation, Recurring, Reminder, Rule, RuleSet, Span, Unit
from pmo_watch.workdays import Calendar

TODAY = date(2026, 5, 13)
MEASURES = catalogue(*milestones.pmo_watch_measures())
SLIP = """\
version: 1
rules:
  - id: slip
    name: Slips
    measure: milestone.slip
    only_if: {project.state: executing, milestone.done: false}
    amber: over 5 wd
    red: over 10 wd
    examples:
"""


def read(text: str, *more: Measure[Any]) -> RuleSet:
    loaded = rules_from_texts(Path("rules.d"), Readable({"some.yaml": text}), Catalogue(MEASURES | catalogue(*more)))
    assert not loaded.faults, "\n".join(map(str, loaded.faults))
    return loaded.rules


def wrong(text: str, *more: Measure[Any]) -> list[str]:
    """Return what is wrong with the examples of these rules."""
    faults = run_examples(
        read(text, *more), MEASURES | catalogue(*more), {"be": BE}, Organisation(calendar="be"), TODAY
    )
    return [str(one) for one in faults]


def test_examples_that_come_true_say_nothing() -> None:
    examples = """\
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-07-24}, expect: green}
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-07-28}, expect: amber}
      - {given: {milestone.baseline_finish: 2026-07-17, forecast_finish: 2026-08-04}, expect: red}
      - {given: {baseline_finish: 2026-07-17, forecast_finish: null}, expect: grey}
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-08-04, project.state: closed}, expect: na}
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-08-04, project.state: planning}, expect: na}
      - {given: {baseline_finish: 2026-07-17, actual_finish: 2026-08-04}, expect: na}
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-08-04, active: false}, expect: na}
"""

    assert wrong(SLIP + examples) == []


@pytest.mark.parametrize(
    ("expect", "given", "said"),
    [
        ("green", "forecast_finish: 2026-07-28", "got amber: milestone.slip is 6 wd, which is over 5 wd"),
        ("red", "forecast_finish: 2026-07-24", "got green: milestone.slip is 4 wd, which meets no threshold"),
        ("red", "name: Go-live", "got grey: missing milestone.forecast_finish"),
        ("red", "forecast_finish: 2026-08-04, done: true", "got na: done"),
        ("red", "forecast_finish: 2026-08-04, active: false", "got na: the row does not count"),
    ],
)
def test_an_example_that_does_not_come_true_says_what_came_instead(expect: str, given: str, said: str) -> None:
    found = wrong(f"{SLIP}      - {{given: {{baseline_finish: 2026-07-17, {given}}}, expect: {expect}}}\n")

    assert found == [f"some.yaml:10:1: example 1 of 'slip' expects {expect}, {said}"]


def test_an_example_has_its_own_day_and_what_follows_from_its_fields_is_computed() -> None:
    text = """\
version: 1
rules:
  - id: late
    name: Late
    measure: milestone.overdue
    examples:
      - {given: {baseline_finish: 2026-05-13}, expect: green}
      - {given: {baseline_finish: 2026-05-13}, today: 2026-05-15, expect: amber}
      - {given: {baseline_finish: 2026-05-13, project.status_date: 2026-05-13}, today: 2026-05-15, expect: green}
      - {given: {committed_finish: 2026-05-13}, today: 2026-05-22, expect: red}
      - {given: {committed_finish: null, baseline_finish: 2026-05-13}, expect: grey}
"""

    assert wrong(text) == []


def test_an_example_may_be_of_a_link_with_what_it_joins() -> None:
    text = """\
version: 1
rules:
  - id: broken-link
    name: Broken link
    measure: dependency.conflict
    only_if: {predecessor.kind: present}
    examples:
      - given: {external: true, predecessor.forecast_finish: 2026-07-17, successor.forecast_start: 2026-07-16}
        expect: red
"""

    assert wrong(text) == []


@pytest.mark.parametrize(
    ("for_each", "given"),
    [
        ("project", "budget: 12.5, program.name: Nova"),
        ("program", "name: Nova"),
        ("portfolio", "name: ICT"),
        ("task", "name: Build"),
        ("person", "name: Ann"),
        ("role", "code: pmo, project.name: Atlas"),
        ("risk", "title: A risk, impact: 4"),
        ("gate", "planned_on: 2026-07-17"),
        ("meeting", "kind: steering_committee"),
        ("document", "artefact: charter"),
        ("kpi", "indicator.unit: h, period: 2026-W19"),
        ("submission", "due_on: 2026-05-13"),
        ("board", "type: kanban, project: [example:project], project.code: ATL"),
        ("sprint", "end_on: 2026-05-15, board.type: scrum, project.code: ATL, committed_points: 12.5"),
        ("release", "release_date: 2026-05-15, project.code: ATL"),
        ("source", "rows: 5"),
    ],
)
def test_an_example_may_be_of_any_entity(for_each: str, given: str) -> None:
    one = measure(f"{for_each}.one", pl.lit(1))
    text = f"""\
version: 1
rules:
  - {{id: one, name: One, measure: {for_each}.one, red: at least 1, examples: [{{given: {{{given}}}, expect: red}}]}}
"""

    assert wrong(text, one) == []


def test_missing_data_may_be_meant_to_be_red() -> None:
    text = SLIP.replace("    amber:", "    no_data: {state: red, because: no date}\n    amber:")

    assert wrong(f"{text}      - {{given: {{forecast_finish: 2026-07-28}}, expect: red}}\n") == []


def test_an_example_of_a_rule_that_cannot_be_evaluated_says_so() -> None:
    def fails(_: NoParams, __: View) -> Columns:
        raise ValueError("out of ideas")

    bad = Measure("task.bad", "task", Unit.COUNT, NoParams, (), fails)
    text = """\
version: 1
rules:
  - {id: bad, name: Bad, measure: task.bad, red: over 1, examples: [{given: {name: Build}, expect: red}]}
"""

    assert wrong(text, bad) == [
        "some.yaml:3:1: example 1 of 'bad' expects red, and cannot be evaluated: ValueError: out of ideas"
    ]


def test_disabled_rules_are_tried_too() -> None:
    text = SLIP.replace("    amber:", "    enabled: false\n    amber:")

    assert len(wrong(f"{text}      - {{given: {{name: Go-live}}, expect: red}}\n")) == 1


# --- remarks ------------------------------------------------------------------------------------------------------

LEADER = Audience("leader", role="project_leader", deliver={"amber": "at once", "red": "at once"})
COMMITTEE = Audience("committee", role="management_committee", deliver={"amber": "never", "red": "monthly"})
RULE = Rule("slip", {"en": "Slips"}, "milestone", (), tell={"red": ("leader",)}, file="some.yaml", line=3)


def said(*some: Rule, calendars: tuple[Calendar, ...] = (), audiences: tuple[Audience, ...] = (LEADER,)) -> list[str]:
    made = RuleSet({one.id: one for one in some}, {one.name: one for one in audiences})
    return [str(one) for one in remarks(made, {one.id: one for one in calendars}, TODAY)]


def test_what_is_in_order_is_not_remarked_on() -> None:
    assert said(replace(RULE, review_by=TODAY), calendars=(BE, Calendar("lu", last=date(2026, 12, 31)))) == []


def test_a_rule_whose_review_is_due_is_named() -> None:
    rule = replace(RULE, review_by=date(2026, 5, 12))

    assert said(rule) == [
        "some.yaml:3: 'slip' was to be reviewed by 2026-05-12: look at it again, then set a later 'review_by'"
    ]
    assert said(replace(rule, enabled=False)) == []


def test_a_rule_that_tells_nobody_is_named() -> None:
    told = replace(RULE, tell={"amber": ("committee", "leader")})

    assert said(replace(RULE, tell={}), audiences=()) == ["some.yaml:3: 'slip' tells nobody: it has no 'tell'"]
    assert said(told, audiences=(LEADER, COMMITTEE)) == [
        "some.yaml:3: 'slip' names the audience 'committee' for amber, of which it is never told"
    ]


def test_an_audience_that_no_rule_tells_is_named() -> None:
    pmo, ict = Audience("pmo", email="pmo@example.org"), Audience("ict", email="ict@example.org")
    escalated = replace(RULE, escalate=(Escalation(Span(5, "wd"), "red", ("committee",)),))
    reminded = replace(RULE, remind=Reminder(every=Span(5, "wd"), to=("committee",)))

    assert said(RULE, audiences=(LEADER, COMMITTEE, pmo, ict)) == ["no rule tells the audience 'committee'"]
    assert said(escalated, audiences=(LEADER, COMMITTEE)) == []
    assert said(reminded, audiences=(LEADER, COMMITTEE)) == []


def test_an_escalation_that_is_never_told_is_named() -> None:
    quiet = Audience("quiet", role="pmo", deliver={"amber": "never"})
    both = (Escalation(Span(5, "wd"), "amber", ("quiet", "committee")), Escalation(Span(9, "wd"), "red", ("quiet",)))

    assert said(replace(RULE, escalate=both), audiences=(LEADER, COMMITTEE, quiet)) == [
        f"{RULE.file}:{RULE.line}: '{RULE.id}' escalates to 'quiet' at amber and red, of which it is never told",
        f"{RULE.file}:{RULE.line}: '{RULE.id}' escalates to 'quiet' at red, of which it is never told",
    ]


def test_a_recurring_silence_that_cannot_hold_is_named() -> None:
    past = Calendar("closure", closed=frozenset({date(2020, 12, 24)}))
    every = {
        "closure": Recurring("closure", "Closed", "pmo", calendar="closure", project="A", file="20.yaml", line=3),
        "freeze": Recurring("freeze", "Closed", "pmo", first=(12, 20), last=(1, 5), tag="x", file="20.yaml", line=4),
    }

    found = [str(one) for one in remarks(RuleSet(silences=every), {"closure": past}, date(2026, 11, 1))]

    assert found == [
        "20.yaml:3: the calendar 'closure' has no day off ahead that the silence 'closure' could hold on",
        "20.yaml:4: the silence 'freeze' is for the tag 'x', which no rule has",
    ]


def test_a_calendar_that_runs_out_is_named() -> None:
    ends, ended = Calendar("ends", last=date(2026, 8, 10)), Calendar("ended", last=date(2026, 5, 1))

    assert said(RULE, calendars=(ends, ended)) == [
        "calendar 'ends' ends on 2026-08-10: give it later days; what is counted beyond is grey",
        "calendar 'ended' ended on 2026-05-01: give it later days; what is counted beyond is grey",
    ]


def test_a_remark_without_a_place_is_its_text() -> None:
    assert str(Remark("a calendar ends")) == "a calendar ends"
