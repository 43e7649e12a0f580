"""Rule files with anything in them: in force as a whole, or with faults inside, and never a traceback."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_texts import SPECIFIED, load

from pmo_watch.yaml_faults import compose


def lines_or_faults(text: str) -> None:
    """Check that a text is in force as a whole, or has faults inside it, and that all can be shown."""
    loaded = load(a=text)
    height = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))

    assert bool(loaded.faults) != bool(loaded.texts)
    if not loaded.faults:
        written = compose(Path("a.yaml"), text).data
        assert isinstance(written, dict)
        assert len(loaded.rules.rules) == len(written.get("rules", []))
    assert all(1 <= fault.line <= height and fault.column >= 1 for fault in loaded.faults)
    assert all(fault.shown().replace("\n", "").isprintable() for fault in loaded.faults)


WORDS = sorted({word for line in SPECIFIED.splitlines() for word in line.split()})
LONG = 200_000


@pytest.mark.parametrize(
    "text",
    [
        "a" * LONG,
        f"rules: [{'a' * LONG}: 1]",
        "rules: [{id: a, name: A, measure: milestone.slip, amber: over 5 wd" + " when over" * (LONG // 10) + "}]",
        f"rules: [{{id: a, name: A, measure: milestone.slip, only_if: {{{'a.' * (LONG // 2)}b: 1}}}}]",
        f"rules: [{{id: {'a-' * (LONG // 2)}, name: {'A' * LONG}, measure: {'m' * LONG}}}]",
        f"rules: [{{id: a, name: A, measure: milestone.slip, tell: {{red: {'a' * LONG}}}}}]",
        "password" * (LONG // 8) + ": [",
        "://" * (LONG // 3) + ": [",
    ],
    ids=["word", "key", "condition", "field", "names", "audience", "secrets", "addresses"],
)
def test_long_text_takes_no_longer_than_its_length(text: str) -> None:
    begun = time.perf_counter()

    lines_or_faults(text)

    assert time.perf_counter() - begun < 20  # under a second each; by the square of the length it would be minutes


PIECES = st.sampled_from([*WORDS, *"[]{}:,-&*!?|>'\"#%@`\n\t ", "null", "~", "true", "<<: *x", "&x ", "5", "-", "\x00"])


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES, max_size=40).map(" ".join) | st.text(max_size=80))
def test_any_text_loads_or_has_faults(text: str) -> None:
    lines_or_faults(text)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_slip_in_a_good_file_loads_or_has_faults(data: st.DataObject) -> None:
    text = SPECIFIED
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(PIECES | st.text(max_size=5)) + text[end:]

    lines_or_faults(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(WORDS),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), below, max_size=3)
    ),
    max_leaves=6,
)
KEYS = (
    *(
        "id",
        "name",
        "message",
        "advice",
        "for_each",
        "only_if",
        "measure",
        "with",
        "measures",
        "overall",
        "amber",
        "red",
    ),
    *("recover", "confirm_after", "no_data", "tell", "escalate", "remind", "history", "show", "tags", "enabled"),
    *("review_by", "dimension", "examples"),
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=4))
def test_any_value_under_any_key_loads_or_has_faults(given_keys: dict[str, object]) -> None:
    rule = {"id": "a", "name": "A", "measure": "milestone.slip", **given_keys}

    lines_or_faults(json.dumps({"rules": [rule]}))
