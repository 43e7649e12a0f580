"""Subjects: state word, project, rule with its subject, value; threads; what gives way when it is long."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from messages import CONTEXT, NB, SLIP, a_message, an_alert, an_item

from pmo_watch.alerts import Item, Message
from pmo_watch.render import render

SUBJECTS = {
    "en": '[RED] PRJ-042 Key milestone "Go-live" slips 12 working days',
    "fr": f"[ROUGE] PRJ-042 Jalon clé «{NB}Go-live{NB}»{NB}: glissement de 12 jours ouvrés",
    "nl": '[ROOD] PRJ-042 Kernmijlpaal "Go-live" loopt 12 werkdagen uit',
}


THREADS = {
    "en": 'PRJ-042 Key milestone "Go-live" slips',
    "fr": f"PRJ-042 Jalon clé «{NB}Go-live{NB}»{NB}: glissement",
    "nl": 'PRJ-042 Kernmijlpaal "Go-live" loopt uit',
}


@pytest.mark.parametrize("language", SUBJECTS)
def test_subject_follows_the_pattern_of_the_glossary(language: str) -> None:
    rendered, view = render(a_message(an_item(), language=language), CONTEXT)

    assert rendered.subject == view.subject == SUBJECTS[language]
    assert rendered.headers["thread-subject"] == THREADS[language]


def test_thread_keeps_the_subject_of_its_first_message() -> None:
    message = a_message(an_item(reason="recovered", level="green"), thread_subject="PRJ-042 as it began (+2)")

    rendered, _ = render(message, CONTEXT)

    assert rendered.headers["thread-subject"] == "PRJ-042 as it began (+2)"
    assert rendered.subject == '[RECOVERED] PRJ-042 Key milestone "Go-live" slips'


def named(text: str, **parts: Any) -> Item:
    rule = replace(SLIP, name={"en": text}, advice={})
    return an_item(rule=rule, finding={"measure": "x", **parts.pop("finding", {})}, **parts)


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (
            a_message(an_item(), an_item(2), an_item(3)),
            '[RED] PRJ-042 Key milestone "Go-live" slips 12 working days (+2)',
        ),
        (a_message(an_item(), an_item(2, project_code="ATL-7")), "[RED] 2 alerts in 2 projects"),
        (a_message(named("Risk too high")), '[RED] PRJ-042 Risk "Go-live" too high: 12 working days'),
        (a_message(named("Too many risks")), '[RED] PRJ-042 Too many risks "Go-live": 12 working days'),
        (
            a_message(named("Spends too much", alert=an_alert(entity="project"), finding={"value": 1.5, "unit": "%"})),
            "[RED] PRJ-042 Spends too much: 1.5%",
        ),
        (
            a_message(
                named("Budget", alert=an_alert(entity="project"), finding={"value": None, "reason": "budget exhausted"})
            ),
            "[RED] PRJ-042 Budget: budget exhausted",
        ),
        (a_message(an_item(reason="entity_done", level="green")), '[CLOSED] PRJ-042 Key milestone "Go-live" slips'),
        (
            a_message(named("Go", level="grey", reason="unknown", finding={"state": "grey", "value": None})),
            '[NO DATA] PRJ-042 Go "Go-live"',
        ),
        (a_message(kind="digest", digest="weekly", day=date(2026, 11, 23)), "Weekly overview 2026-11-23"),
        (a_message(kind="digest", digest="friday-list", day=date(2026, 11, 27)), "friday-list 2026-11-27"),
        (a_message(kind="notice", title="Rule file\nhas faults"), "Rule file has faults"),
        (
            a_message(named("Too much work", alert=an_alert(entity="person"), project_code="", project_name="")),
            "[RED] Too much work: 12 working days",
        ),
        (a_message(kind="test"), "[TEST] Test message"),
    ],
)
def test_subject_says_state_project_and_rule_with_its_subject(message: Message, subject: str) -> None:
    assert render(message, CONTEXT)[0].subject == subject


def test_subject_of_a_long_name_keeps_the_value_and_the_count() -> None:
    items = [an_item(number, subject_name="Go-live of " * 30) for number in (1, 2)]

    subject = render(a_message(*items), CONTEXT)[0].subject

    assert len(subject) <= 120
    assert subject.startswith('[RED] PRJ-042 Key milestone "Go-live of')
    assert subject.endswith('…" slips 12 working days (+1)')
