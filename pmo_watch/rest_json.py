"""JSON as it comes over the wire: exact numbers, bounded depth, and what half a text is (spec sources 1.3)."""

import json
import re
from decimal import Decimal
from typing import Any

DEEPEST = 100
_BRACKETS = b"{}[]"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_CURLY = bytes.maketrans(b"[]", b"{}")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LONE = re.compile(rb"\\u[dD][89a-fA-F]")


class HalfText(ValueError):
    """The text ends before its value does: the answer was cut off."""


def read_json(body: bytes) -> Any:
    """Return the value: every fraction a Decimal, every text without halves of characters.

    Raises:
        HalfText: it was cut off.
        ValueError: it is not JSON, or nested more than 100 deep.
    """
    if not _is_shallow(body):
        raise ValueError(f"nested more than {DEEPEST} deep")
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except ValueError as fault:
        if _is_half(body):
            raise HalfText("the text ends too early") from None
        raise ValueError(_where(fault)) from None
    return _mended(found) if _LONE.search(body) else found


def _where(fault: ValueError) -> str:
    """Return what is wrong without the text itself."""
    if isinstance(fault, json.JSONDecodeError):
        return f"line {fault.lineno}, column {fault.colno}: {fault.msg}"
    return "it is no UTF-8" if isinstance(fault, UnicodeDecodeError) else str(fault)


def _is_half(body: bytes) -> bool:
    """Say whether a text, a bracket or a quoted word of it is never closed."""
    rest = _TEXT.sub(b"", body)
    if b'"' in rest:
        return True
    return rest.count(b"{") + rest.count(b"[") > rest.count(b"}") + rest.count(b"]")


def looks_like_json(body: bytes) -> bool:
    """Say whether a body begins as an object or a list does."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _is_shallow(body: bytes) -> bool:
    """Say whether no value lies deeper than allowed.

    Without all but its brackets a text loses one level each time the empty pairs are taken out; only brackets inside
    texts keep it from becoming empty.
    """
    if _settles(body):
        return True
    open_now = 0
    for bracket in _TEXT.sub(b"", body).translate(None, _OTHERS):
        open_now += 1 if bracket in b"{[" else -1
        if open_now > DEEPEST:
            return False
    return True


def _settles(body: bytes) -> bool:
    rest = body.translate(_CURLY, _OTHERS)
    for _ in range(DEEPEST):
        if not rest:
            return True
        rest = rest.replace(b"{}", b"")
    return not rest


def _mended(value: Any) -> Any:
    """Replace halves of characters, which no database takes, by a question mark."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(one) for one in value]
    return {_mended(name): _mended(one) for name, one in value.items()} if isinstance(value, dict) else value
