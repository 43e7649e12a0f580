"""What a silence holds back, and when it is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from factories import MONDAY, Story, a_rule

from pmo_watch.alerts import Alert, Silence
from pmo_watch.silences import going_on, hidden, is_silenced, matches, over

RULE = a_rule(tags=("schedule",))


def a_silence(**parts: Any) -> Silence:
    """Return a silence of five days from Monday."""
    usual = {"id": "s1", "who": "pmo", "why": "migration", "since": MONDAY, "until": MONDAY + timedelta(days=5)}
    return Silence(**{**usual, **parts})


def an_alert() -> Alert:
    """Return an open alert on milestone M1 of NOV-01."""
    story = Story()
    story.see("red")
    return story.alert


@pytest.mark.parametrize(
    ("parts", "fits"),
    [
        ({"rule": "slip"}, True),
        ({"rule": "cost"}, False),
        ({"project": "nov-01"}, True),
        ({"project": "NOV-02"}, False),
        ({"entity": "M1"}, True),
        ({"entity": "plans:task:M1"}, True),
        ({"entity": "M2"}, False),
        ({"tag": "schedule"}, True),
        ({"tag": "cost"}, False),
        ({"rule": "slip", "project": "NOV-01"}, True),
        ({"rule": "slip", "project": "NOV-02"}, False),
        ({}, False),
    ],
)
def test_every_part_that_is_given_must_fit(parts: dict[str, str], *, fits: bool) -> None:
    assert matches(a_silence(**parts), an_alert(), RULE) is fits


def test_a_recurring_silence_without_parts_is_over_everything_but_sources() -> None:
    freeze = a_silence(name="year-end")

    assert matches(freeze, an_alert(), RULE)
    assert matches(freeze, an_alert(), None)
    assert not matches(freeze, replace(an_alert(), entity="source"), RULE)
    assert not matches(a_silence(name="year-end", project="NOV-02"), an_alert(), RULE)


def test_a_tag_fits_no_alert_of_a_rule_that_is_gone() -> None:
    assert not matches(a_silence(tag="schedule"), an_alert(), None)


def test_it_holds_from_its_beginning_to_its_end() -> None:
    silence = a_silence(rule="slip")
    before, end = MONDAY - timedelta(seconds=1), MONDAY + timedelta(days=5)

    assert going_on([silence], before) == []
    assert going_on([silence], MONDAY) == [silence]
    assert going_on([silence], end) == []
    assert over([silence], end) == [silence]
    assert over([a_silence(ended=True)], end) == []


def test_it_says_how_many_open_alerts_it_hides() -> None:
    alert = an_alert()

    assert is_silenced(alert, RULE, [a_silence(project="NOV-02"), a_silence(rule="slip")])
    assert hidden(a_silence(rule="slip"), [alert], {"slip": RULE}) == 1
    assert hidden(a_silence(project="NOV-02"), [alert], {"slip": RULE}) == 0
