"""The JSON Schema for editors: it lets good files through, and knows the names of this installation."""

import json
from pathlib import Path
from typing import Any

import pytest
from catalogues import CATALOGUE
from jsonschema import Draft202012Validator
from rule_texts import SLIP, SPECIFIED

from pmo_watch.rule_files import Catalogue
from pmo_watch.rule_schema import json_schema
from pmo_watch.yaml_faults import compose

SCHEMA = json_schema(CATALOGUE)


def objections(text: str) -> list[str]:
    """Return what an editor would underline: the keys and items that lead to each place."""
    data: Any = json.loads(json.dumps(compose(Path("a.yaml"), text).data, default=str))
    return ["/".join(map(str, one.absolute_path)) for one in Draft202012Validator(SCHEMA).iter_errors(data)]


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator.check_schema(json_schema(Catalogue()))


@pytest.mark.parametrize(
    "text",
    [
        SPECIFIED,
        f"rules:\n{SLIP}",
        "rules: [{id: a, name: A, measures: [{measure: project.cpi, red: under 0.8}], overall: worst}]",
        "rules: [{id: a, name: A, measure: project.rag_gap, amber: 1, red: {any: [2, {field: project.code, is: A}]}}]",
        "rules: [{id: a, name: A, measure: milestone.slip, no_data: {state: amber}, remind: {before: 1 wd}}]",
        "rules: [{id: a, name: A, measure: milestone.slip_streak, history: {every: week, at_least: 3 periods}}]",
        "rules: [{id: a, name: A, measure: milestone.readiness, with: {window: 15 wd, depth: all}}]",
        "rules: [{id: a, name: A, measure: rule.formula, with: {formula: project.cpi * 2, unit: ratio}, red: over 1}]",
        "rules: [{id: a, name: A, measures: [{measure: kpi.value, with: {indicator: AVAIL}}]}]",
    ],
)
def test_good_file_is_not_underlined(text: str) -> None:
    assert objections(text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rule: []", ""),
        ("rules: [{id: a, name: A, measure: milestone.slpi}]", "rules/0/measure"),
        ("rules: [{id: Late One, name: A, measure: milestone.slip}]", "rules/0/id"),
        ("rules: [{id: a, name: A, measure: milestone.slip, for_each: assignment}]", "rules/0/for_each"),
        ("rules: [{id: a, name: A, measure: milestone.slip, only_if: {milestone.knd: key}}]", "rules/0/only_if"),
        ("rules: [{id: a, measure: milestone.slip}]", "rules/0"),
        ("rules: [{id: a, name: A, measure: milestone.slip, amber: }]", "rules/0/amber"),
        ("rules: [{id: a, name: A, measure: milestone.readiness, with: {windw: 15 wd}}]", "rules/0/with"),
        ("rules: [{id: a, name: A, measure: milestone.readiness, with: {window: 15}}]", "rules/0/with/window"),
        ("rules: [{id: a, name: A, measure: rule.formula, with: {formula: project.cpi}, red: over 1}]", "rules/0/with"),
        (
            "rules: [{id: a, name: A, measure: rule.formula, with: {formula: project.cpi, unit: eur}, red: over 1}]",
            "rules/0/with/unit",
        ),
        ("audiences: {pmo: {role: chief}}", "audiences/pmo/role"),
        ("audiences: {pmo: {notifier: pigeon}}", "audiences/pmo/notifier"),
        ("digests: {daily: {at: 8h}}", "digests/daily/at"),
    ],
)
def test_fault_is_underlined_at_its_place(text: str, place: str) -> None:
    assert objections(text) == [place]


def test_measures_are_described() -> None:
    about = SCHEMA["$defs"]["RuleShape"]["properties"]["measure"]["oneOf"]

    assert {"const": "milestone.slip", "description": "Measures milestone.slip. (wd)"} in about
