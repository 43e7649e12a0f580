"""Formulas against a naive evaluation, row by row, in Python; and against any text whatever."""

import json
import re
import time
from dataclasses import dataclass, replace
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_measures import measure
from pmo_watch_plugins.rules import expression
from rule_texts import load
from snapshots import catalogue, found, snapshot

from pmo_watch.flow import Snapshot
from pmo_watch.rules import Unit

# --- a formula as a tree of its own, its text, and its value --------------------------------------------------------

FIELDS = ("tolerance_time_amber", "tolerance_time_red", "tolerance_cost_amber")
FIGURE = measure(
    "project.figure",
    pl.col("tolerance_scope_amber"),
    Unit.COUNT,
    needs=("tolerance_scope_amber",),
    parts={"not_applicable": pl.when(pl.col("tolerance_scope_red").is_null()).then(pl.lit("not configured"))},
)
MEASURES = catalogue(*expression.pmo_watch_measures(), FIGURE)
Row = dict[str, Decimal | None]


@dataclass(frozen=True)
class Tree:
    """`op`: a sign, a function, `name` or `number`; `written`: how a sign is spelt here."""

    op: str
    parts: tuple["Tree", ...] = ()
    written: str = ""


@dataclass(frozen=True)
class Answer:
    """A value, or why there is none; a condition's value is a bool."""

    value: float | bool | None = None
    na: str | None = None
    grey: str | None = None


STRENGTH = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6, "minus": 7}
COMPARED = {
    "over": ("over", ">", "OVER"),
    "under": ("under", "<"),
    "at least": ("at least", ">="),
    "at most": ("at  most", "<="),
    "is": ("is", "="),
    "is not": ("is not",),
}


def text_of(tree: Tree, least: int = 0) -> str:
    """Return the formula, with brackets only where it would mean something else without."""
    if not tree.parts:
        return tree.written
    own = STRENGTH.get("compare" if tree.op in COMPARED or tree.op in {"missing", "present"} else tree.op, 9)
    if own == 9:
        return f"{tree.written}({', '.join(map(text_of, tree.parts))})"
    if tree.op in {"missing", "present"}:
        text = f"{text_of(tree.parts[0], own + 1)} {tree.op}"
    elif tree.op in {"not", "minus"}:
        text = f"{tree.written}{text_of(tree.parts[0], own + 1 if tree.op == 'minus' else own)}"
    else:
        left, right = tree.parts
        text = f"{text_of(left, own)} {tree.written} {text_of(right, own + 1)}"
    return f"({text})" if own < least else text


def value_of(tree: Tree, row: Row) -> Answer:
    """Evaluate by the words of docs/rules.md, one row at a time."""
    if tree.op == "number":
        return Answer(float(tree.written))
    if tree.op == "name":
        return named(tree.written, row)
    if tree.op in {"missing", "present"}:
        one = named(tree.parts[0].written, row)
        return Answer(one.na is None and (one.value is None) == (tree.op == "missing"))
    parts = [value_of(one, row) for one in tree.parts]
    if tree.op in {"and", "or", "not"}:
        return logic(tree.op, parts)
    if tree.op in COMPARED:
        return compared(tree.op, parts)
    return chosen(tree.op, parts) if tree.op in {"first", "if"} else calculated(tree, parts)


def named(name: str, row: Row) -> Answer:
    if name == "project.figure":
        if row["tolerance_scope_red"] is None:
            return Answer(na="not configured")
        name = "project.tolerance_scope_amber"
    value = row[name.removeprefix("project.")]
    full = name if "." in name else f"project.{name}"
    return Answer(grey=f"missing {full}") if value is None else Answer(float(value))


def reasons(parts: list[Answer]) -> Answer:
    """Return why something made from these has no value; where the question does not arise comes first."""
    na = next((one.na for one in parts if one.na), None)
    return Answer(na=na, grey=None if na else next((one.grey for one in parts if one.grey), None))


def logic(op: str, parts: list[Answer]) -> Answer:
    values = [one.value for one in parts]
    if op == "not":
        return parts[0] if values[0] is None else Answer(not values[0])
    decisive = op == "or"
    if decisive in values:
        return Answer(decisive)
    return reasons(parts) if None in values else Answer(not decisive)


def compared(op: str, parts: list[Answer]) -> Answer:
    if any(one.na for one in parts):
        return Answer(value=False)
    if any(one.grey for one in parts):
        return reasons(parts)
    left, right = (round(float(one.value or 0), 6) for one in parts)
    return Answer(
        {
            "over": left > right,
            "under": left < right,
            "at least": left >= right,
            "at most": left <= right,
            "is": left == right,
            "is not": left != right,
        }[op]
    )


def chosen(op: str, parts: list[Answer]) -> Answer:
    if op == "if":
        asked, yes, no = parts
        return asked if asked.value is None else yes if asked.value else no
    for one in parts:
        if one.value is not None:
            return one
    if all(one.na for one in parts):
        return reasons(parts)
    return Answer(grey=next(one.grey for one in parts if one.grey))


def calculated(tree: Tree, parts: list[Answer]) -> Answer:
    if any(one.value is None for one in parts):
        return reasons(parts)
    values = [float(one.value or 0) for one in parts]
    if tree.op == "/":
        return divided(tree.parts[1], *values)
    if tree.op in {"minus", "abs"}:
        return Answer(-values[0] if tree.op == "minus" else abs(values[0]))
    left, right = values[0], values[-1]
    simple = {"+": left + right, "-": left - right, "*": left * right, "min": min(values), "max": max(values)}
    return Answer(simple[tree.op])


def divided(bottom: Tree, left: float, right: float) -> Answer:
    if round(right, 6) != 0:
        return Answer(left / right)
    return Answer(na="nothing due yet") if round(left, 6) == 0 else Answer(grey="by zero")


# --- formulas of any shape --------------------------------------------------------------------------------------------

NAMES = ("project.figure", *FIELDS, *(f"project.{one}" for one in FIELDS))
# Quarters are exact in floats, so that a naive evaluation cannot differ by a rounding.
QUARTERS = st.integers(-12, 12).map(lambda number: Decimal(number) / 4)


@st.composite
def numbers(draw: st.DrawFn, depth: int = 4) -> Tree:
    """Return a formula that gives a number."""
    op = draw(st.sampled_from(("name", "name", "number", *"+-*/", "min", "max", "first", "minus", "abs", "if")))
    if op == "number" or (depth == 0 and op != "name" and draw(st.booleans())):
        return Tree("number", written=draw(st.sampled_from(("0", "1", "2.5", "0.25", "4"))))
    if op == "name" or depth == 0:
        return Tree("name", written=draw(st.sampled_from(NAMES)))
    if op in {"minus", "abs"}:
        return Tree(op, (draw(numbers(depth - 1)),), "-" if op == "minus" else "abs")
    parts = tuple(draw(numbers(depth - 1)) for _ in range(draw(st.integers(2, 3)) if len(op) > 2 else 2))
    return Tree(op, (draw(conditions(depth - 1)), *parts) if op == "if" else parts, op.upper())


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> Tree:
    """Return a formula that gives yes or no."""
    op = draw(st.sampled_from(("and", "or", "not", "missing", "present", *COMPARED)))
    if op in {"missing", "present"}:
        return Tree(op, (Tree("name", written=draw(st.sampled_from(NAMES))),), op)
    if op in COMPARED or depth == 0:
        op = op if op in COMPARED else "over"
        sides = (draw(numbers(max(0, depth - 1))), draw(numbers(max(0, depth - 1))))
        return Tree(op, sides, draw(st.sampled_from(COMPARED[op])))
    parts = tuple(draw(conditions(depth - 1)) for _ in range(1 if op == "not" else 2))
    return Tree(op, parts, "not " if op == "not" else op)


def is_allowed(tree: Tree) -> bool:
    text = text_of(tree)
    return len(text) <= 1_000 and len(re.findall(r"[\w.]+", text)) <= 100 and ("tolerance" in text or "figure" in text)


TREES = numbers().filter(is_allowed)
ROWS = st.fixed_dictionaries(
    {name: st.none() | QUARTERS for name in (*FIELDS, "tolerance_scope_amber", "tolerance_scope_red")}
)


PROJECTS = snapshot(project=[{"code": f"P{number}"} for number in range(1, 7)])


def with_rows(rows: list[Row]) -> Snapshot:
    """Return as many projects with these figures; deriving all that follows from them would be most of the test."""
    projects = PROJECTS.frame("project").head(len(rows))
    given = pl.DataFrame(rows, schema={name: projects.schema[name] for name in rows[0]}, orient="row")
    return replace(PROJECTS, frames={**PROJECTS.frames, "project": projects.with_columns(given.iter_columns())})


@settings(max_examples=400, deadline=None)
@given(TREES, st.lists(ROWS, min_size=1, max_size=6))
def test_columns_give_what_each_row_gives_by_itself(tree: Tree, rows: list[Row]) -> None:
    known = with_rows(rows)
    rule = {
        "measure": "rule.formula",
        "with": {"formula": text_of(tree), "unit": "count"},
        "red": "over 100000000",
    }

    (one,) = found(MEASURES, known, rule)

    assert not one.failed
    for answer, row in zip(one.frame.iter_rows(named=True), rows, strict=True):
        expected = value_of(tree, row)
        state = "na" if expected.na else "grey" if expected.grey else "green"
        assert answer["state"] in {state, "red"}, answer
        if expected.value is None:
            assert answer["reason"] == (expected.na or expected.grey) or (
                expected.grey == "by zero" and answer["reason"].startswith("invalid ")
            )
        else:
            assert answer["value"] == pytest.approx(expected.value, rel=1e-9, abs=2e-6)


# --- any text -------------------------------------------------------------------------------------------------------

WORDS = (
    *("project.budget", "project.actual_cost", "project.state", "project.forecast_finish", "budget", "project.cpi"),
    *(
        "today",
        "as_of",
        "min",
        "max",
        "abs",
        "first",
        "if",
        "wd",
        "d",
        "and",
        "or",
        "not",
        "over",
        "under",
        "at",
        "least",
    ),
    *("is", "missing", "present", "between", "true", "executing", "1", "2.5", "1,5", "2026-05-13", "1e9", '"a"', "'"),
    *(
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "<",
        ">",
        "=",
        "<=",
        "==",
        "%",
        "^",
        ";",
        "é",
        "\u2028",
        "٣",
        "\t",
        "\x00",
        "∞",
    ),
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=20).map("".join),
    st.text(max_size=60),
)


def faults_or_rules(formula: str, unit: str = "money", for_each: str = "project") -> list[str]:
    rule = {
        "id": "it",
        "name": "It",
        "for_each": for_each,
        "measure": "rule.formula",
        "with": {"formula": formula, "unit": unit},
        "red": "over 5",
    }
    loaded = load(a=json.dumps({"rules": [rule]}))
    assert bool(loaded.faults) != bool(loaded.rules.rules)
    assert all(one.line == 1 and one.column >= 1 and one.text for one in loaded.faults)
    assert all(one.shown().replace("\n", "").isprintable() for one in loaded.faults)
    return [one.text for one in loaded.faults]


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_any_text_is_a_formula_or_has_faults(text: str) -> None:
    faults_or_rules(text)


@settings(max_examples=200, deadline=None)
@given(TREES, st.data())
def test_any_slip_in_a_formula_has_faults_or_means_another(tree: Tree, data: st.DataObject) -> None:
    text = text_of(tree)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))

    faults_or_rules(text[:start] + data.draw(st.sampled_from(WORDS)) + text[end:], "count")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200_000,
        "(" * 900,
        "-" * 900 + "1",
        "not " * 240 + "project.strategic",
        "1" * 200_000,
        "1." + "1" * 900,
        "project.budget" + "+1" * 400,
        "a." * 490 + "b",
        "a" * 999,
        '"' * 999,
        "max(" * 200,
        "if(" * 200,
        "1 / (" * 180,
        "<" * 999,
        " " * 1_000,
        "\n" * 1_000,
    ],
    ids=range(16),
)
def test_hostile_text_is_refused_at_once(text: str) -> None:
    begun = time.perf_counter()

    assert faults_or_rules(text)

    assert time.perf_counter() - begun < 5  # milliseconds each, but for a text of 200 kB


def test_the_deepest_and_longest_formula_is_computed_in_time() -> None:
    nested = "1 / (project.tolerance_time_amber + " * 18 + "1" + ")" * 18
    chain = "if(project.tolerance_time_red over 1, first(project.figure, 2), 3) + project.tolerance_cost_amber / 3"
    long = " + ".join([chain] * 9)
    rows = [{"code": f"P{number}", "tolerance_time_amber": Decimal(number % 7)} for number in range(2_000)]
    begun = time.perf_counter()

    results = [
        found(
            MEASURES,
            snapshot(project=rows),
            {"measure": "rule.formula", "with": {"formula": text, "unit": "count"}, "red": "over 9"},
        )
        for text in (nested, long)
    ]

    assert [one.failed for (one,) in results] == ["", ""]
    assert time.perf_counter() - begun < 20  # under a second each; were each part computed at each use, for ever
