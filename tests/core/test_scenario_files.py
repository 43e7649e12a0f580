"""Files of scenario tests, whatever they hold, and the schema by which editors complete them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from scenario_texts import FILES, around

from pmo_watch import starter_tests
from pmo_watch.faults import Fault, Faults
from pmo_watch.scenario_file import Surroundings, read_scenario
from pmo_watch.scenario_schema import scenario_schema
from pmo_watch.scenario_text import scenario_text
from pmo_watch.yaml_faults import compose

SCHEMA = scenario_schema()
GOOD = [starter_tests.MILESTONES, starter_tests.PLANS, starter_tests.MONEY]
WORDS = re.compile(r"[\w.@-]+|[{}\[\]:,]|\n *")
AROUND = around()
STRANGE = ("null", "[]", "{}", "[a]", "{a: b}", "1.5", "true", "2026-13-01", "''", "\n", "*a", "&a", "9" * 60)


def objections(text: str) -> list[str]:
    """Return what an editor would underline."""
    data: Any = json.loads(json.dumps(compose(Path("a.yaml"), text).data, default=str))
    return ["/".join(map(str, one.absolute_path)) for one in Draft202012Validator(SCHEMA).iter_errors(data)]


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", GOOD, ids=["milestones", "plans", "money"])
def test_editor_lets_good_tests_through(text: str) -> None:
    assert objections(text) == []


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("rules:", "ruls:", ""),
        ("state: executing", "state: flying", "given/project/0/state"),
        ("leader: anna", "lead: anna", "given/project/0"),
        ("milestone: [{", "moon: [{", "given"),
        ("2026-03-02:", "monday:", "days/0"),
        ("source: down", "source: lost", "days/2/2026-03-05/source"),
        ("go-live: green", "go-live: blue", "days/0/2026-03-02/expect/go-live"),
        ("language: fr, contains", "langage: fr, contains", "days/1/2026-03-04/messages/0"),
    ],
)
def test_editor_underlines_what_is_wrong(right: str, wrong: str, place: str) -> None:
    assert starter_tests.PLANS.count(right) >= 1
    assert objections(starter_tests.PLANS.replace(right, wrong, 1)) == [place]


@given(st.data())
@settings(max_examples=60)
def test_no_change_of_a_file_is_answered_by_anything_but_faults(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([*GOOD, *[file.read_text(encoding="utf-8") for file in FILES]]))
    for _ in range(data.draw(st.integers(1, 3))):
        places = [found.span() for found in WORDS.finditer(text)]
        if not places:
            break
        start, end = data.draw(st.sampled_from(places))
        text = text[:start] + data.draw(st.sampled_from([*STRANGE, "", text[start:end] * 2])) + text[end:]

    assert all(one.line >= 1 and one.text for one in faults_of(text))


def faults_of(text: str) -> tuple[Fault, ...]:
    try:
        read_scenario(Path("a.test.yaml"), AROUND, text)
    except Faults as found:
        return found.faults
    return ()


def test_what_is_read_can_be_written_and_read_again() -> None:
    anything = Surroundings(AROUND.rules, AROUND.catalogue, ("mail",))
    text = starter_tests.PLANS.replace("milestone-slip", "slip").replace("covers: amber\n", "")

    once = scenario_text(read_scenario(Path("a.test.yaml"), anything, text))

    assert scenario_text(read_scenario(Path("a.test.yaml"), anything, once)) == once
    assert objections(once) == []
