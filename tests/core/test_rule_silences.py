"""Recurring silences in rule files: what they say, and every fault at its place."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from catalogues import MEASURES
from rule_texts import SLIP, said

from pmo_watch.rule_files import Catalogue, LoadedRules, Readable, rules_from_texts
from pmo_watch.rules import Recurring
from pmo_watch.workdays import Calendar

FIRST = date(2026, 12, 24)
CALENDARS = {
    "freeze": Calendar("freeze", closed=frozenset({FIRST})),
    "long": Calendar("long", closed=frozenset(FIRST + timedelta(days=number) for number in range(91))),
    "none": Calendar("none"),
}


def load(silence: str, **files: str) -> LoadedRules:
    """Return what a file with this one silence comes to, beside other files."""
    text = f"owner: pmo@example.org\nsilences:\n  s: {silence}\nrules:\n{SLIP}"
    texts = {"a.yaml": text, **{f"{name}.yaml": other for name, other in files.items()}}
    return rules_from_texts(Path("rules.d"), Readable(texts), Catalogue(MEASURES, calendars=CALENDARS))


def test_a_silence_holds_on_the_days_of_a_calendar_or_every_year() -> None:
    by_calendar = load("{calendar: freeze, why: Closed, match: {rule: slip, tag: x}}")
    yearly = load("{from: 12-20, to: 1-5, every: year, why: Closed, match: {project: A, entity: M1}}")

    assert by_calendar.faults == yearly.faults == ()
    assert by_calendar.rules.silences == {
        "s": Recurring("s", "Closed", "pmo@example.org", "freeze", rule="slip", tag="x", file="a.yaml", line=3)
    }
    assert yearly.rules.silences == {
        "s": Recurring(
            *("s", "Closed", "pmo@example.org"),
            first=(12, 20),
            last=(1, 5),
            project="A",
            entity="M1",
            file="a.yaml",
            line=3,
        )
    }
    assert by_calendar.rules.hash != yearly.rules.hash


def test_a_freeze_of_the_whole_organisation_is_written_as_everything() -> None:
    loaded = load("{from: 12-20, to: 01-05, why: Closed, match: everything}")

    assert loaded.faults == ()
    parts = [getattr(loaded.rules.silences["s"], name) for name in ("rule", "project", "entity", "tag")]
    assert parts == ["", "", "", ""]


def test_ninety_days_are_not_too_long() -> None:
    assert load("{from: 01-01, to: 03-30, why: Closed, match: {tag: x}}").faults == ()
    assert load("{calendar: freeze, why: Closed, match: {rule: source-failing}}").faults == ()


LIMIT = "a silence lasts at most 90 days"
WHEN = "say when: {calendar: freeze}, or {from: 12-20, to: 01-05, every: year}, one of the two"


@pytest.mark.parametrize(
    ("silence", "fault"),
    [
        (
            "{calendar: freze, why: Closed, match: {tag: x}}",
            "3:17: the settings have no calendar 'freze', did you mean 'freeze'?",
        ),
        (
            "{calendar: none, why: Closed, match: {tag: x}}",
            "3:17: the calendar 'none' names no day off, so that nothing is ever silent",
        ),
        (
            "{calendar: long, why: Closed, match: {tag: x}}",
            "3:17: the calendar 'long' is off for 91 days from 2026-12-24 to 2027-03-24: " + LIMIT,
        ),
        (
            "{from: 12-20, to: 03-31, why: Closed, match: {tag: x}}",
            "3:24: this is silent for 103 days from 2027-12-20 to 2028-03-31: a silence lasts at most 90 days",
        ),
        (
            "{from: 02-29, to: 03-31, why: Closed, match: {tag: x}}",
            "3:13: not every year has a 29 February; write 02-28 or 03-01",
        ),
        (
            "{from: 12-20, to: 13-31, why: Closed, match: {tag: x}}",
            "3:24: there is no day '13-31': write month and day as in 12-20",
        ),
        (
            "{from: 12-20, to: soon, why: Closed, match: {tag: x}}",
            "3:24: 'soon' is no day of the year; write month and day as in 12-20",
        ),
        ("{from: 12-20, why: Closed, match: {tag: x}}", f"3:6: {WHEN}"),
        ("{calendar: freeze, every: year, why: Closed, match: {tag: x}}", f"3:6: {WHEN}"),
        ("{calendar: freeze, from: 12-20, to: 12-21, why: Closed, match: {tag: x}}", f"3:6: {WHEN}"),
        ("{why: Closed, match: {tag: x}}", f"3:6: {WHEN}"),
        (
            "{calendar: freeze, why: Closed, match: {}}",
            "3:45: name a rule, a project, an entity or a tag, or write `match: everything`",
        ),
        (
            "{calendar: freeze, why: Closed, match: all}",
            "3:45: name a rule, a project, an entity or a tag, or write `match: everything`",
        ),
        ("{calendar: freeze, why: Closed}", "3:6: 'match' is missing"),
        ("{calendar: freeze, why: Closed, match: {rule: slop}}", "3:52: there is no rule 'slop', did you mean 'slip'?"),
        ("{calendar: freeze, why: Closed, match: {rle: slip}}", "3:46: 'rle' is not known here, did you mean 'rule'?"),
        ("{calendar: freeze, why: x, match: {tag: x}}", "3:30: give 3 to 500 characters that say why"),
    ],
)
def test_a_fault_is_said_at_its_place(silence: str, fault: str) -> None:
    assert f"a.yaml:{fault}" in said(load(silence))


def test_a_name_is_defined_once_over_all_files() -> None:
    again = "silences:\n  s: {from: 12-20, to: 12-21, why: Closed, match: {tag: x}}\n"

    loaded = load("{calendar: freeze, why: Closed, match: {tag: x}}", b=again)

    assert said(loaded) == ["b.yaml:2:3: the silence 's' stands twice; first at rules.d/a.yaml:3:3"]
