"""JSON over the wire: exact, bounded, and half a text known as such."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_watch.rest_json import HalfText, looks_like_json, read_json

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
DOCUMENTS = st.lists(VALUES) | st.dictionaries(st.text(), VALUES)


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


@settings(deadline=None)
@given(DOCUMENTS)
def test_what_was_written_is_read_with_exact_fractions(value: Any) -> None:
    body = json.dumps(value).encode()

    assert read_json(body) == json.loads(body, parse_float=Decimal)


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1) | st.dictionaries(st.text(), VALUES, min_size=1), st.data())
def test_every_beginning_of_a_text_is_half_of_it(value: Any, data: st.DataObject) -> None:
    body = written(value) if not _has_halves(value) else json.dumps(value).encode()
    length = data.draw(st.integers(1, len(body) - 1))

    with pytest.raises(HalfText):
        read_json(body[:length])


def _has_halves(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["lists", "objects"])
@pytest.mark.parametrize(("depth", "is_read"), [(100, True), (101, False), (200_000, False)])
def test_a_hundred_levels_are_the_deepest(opening: bytes, depth: int, *, is_read: bool) -> None:
    closing = b"]" if opening == b"[" else b"}"
    body = opening * (depth - 1) + (b"[]" if opening == b"[" else b"{}") + closing * (depth - 1)

    if is_read:
        read_json(body)
    else:
        with pytest.raises(ValueError, match="nested more than 100 deep"):
            read_json(body)


@settings(deadline=None)
@given(st.lists(st.text(alphabet='[]{}"\\ab')))
def test_brackets_in_texts_are_no_levels(texts: list[str]) -> None:
    assert read_json(json.dumps([*texts, "[" * 300]).encode()) == [*texts, "[" * 300]


def test_both_kinds_of_level_count() -> None:
    body = b'[{"a":' * 51 + b"1" + b"}]" * 51

    with pytest.raises(ValueError, match="nested more than 100 deep"):
        read_json(body)


def test_halves_of_characters_become_question_marks() -> None:
    found = read_json(rb'{"a\ud83d": ["x\ud83d\ude00", "\udc00y"]}')

    assert found == {"a\ufffd": ["x\U0001f600", "\ufffdy"]}
    json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": 1,}', "line 1, column 9: "),
        (b'{"a": ]}', "line 1, column 7: "),
        (b'{"a": "\xff"}', "it is no UTF-8"),
        (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
    ],
    ids=str,
)
def test_what_is_no_json_is_said_without_its_text(body: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words) as fault:
        read_json(body)

    assert not isinstance(fault.value, HalfText)


@pytest.mark.parametrize(
    ("body", "is_json"),
    [(b" \r\n{}", True), (b"\xef\xbb\xbf[1]", True), (b"<html>", False), (b"", False), (b"12", False)],
)
def test_data_begins_as_an_object_or_a_list(body: bytes, *, is_json: bool) -> None:
    assert looks_like_json(body) is is_json


def test_text_with_a_mark_of_its_order_is_read() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": 0.1}') == {"a": Decimal("0.1")}
