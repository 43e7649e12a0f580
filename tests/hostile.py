"""Texts that try to be more than text, and every place of a message that holds a text others may have written.

The places are found in the dataclasses themselves, so that a field added tomorrow is tried without a word here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

from pmo_watch.plain import plain

MARK = "Zyxmark"  # each text begins with it, so that a test sees where it is shown
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
_EVIL = {
    "a script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "an end of an attribute": "\" onmouseover=alert(1) x='y' style=\"color:red",
    "an end of a style": "</title></style></td></table><style>*{display:none}</style>",
    "a link": "[click](http://evil.test/) **bold** _low_ ![x](http://evil.test/x.png) <http://evil.test>",
    "a mention": "<at>Everyone</at> <AT>all</AT> &lt;at&gt;x&lt;/at&gt;",
    "a date function": "{{DATE(2026-05-12T08:00:00Z,SHORT)}} {{ 7*7 }} {% for x in y %} ${x} {n} {what}",
    "further headers": "\r\nBcc: x@evil.test\r\nX-PMO-Watch-Level: green\r\n\r\n<b>body</b>\n.\nQUIT",
    "marks of direction": "\u202egnp.exe\u202c \u2066\u2067x\u2069 \u200e\u200f",
    "no width": "a\u200bb\ufeffc\u200d\u2060\u00add",
    "a lone surrogate": "a\ud800b\udfffc",
    "control characters": "a\x00b\x07c\x1b[31md\x7fe\x85f\u2028g",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈e\u0301🇧🇪",
    "ten thousand": "x" * 10_000,
    "ten thousand wide": "漢🔴" * 5_000,
    "quotation marks": '\\ " \' ` \\" \\n %s %(a)s {0}',
}
HOSTILE = {name: f"{MARK} {text}" for name, text in _EVIL.items()}
Place = tuple[Any, ...]


def places(value: Any, hint: Any = None) -> Iterator[Place]:
    """Yield the way to every text in a message; to one that could be there, where a sequence of texts is empty."""
    if isinstance(value, str) or (value is None and str in get_args(hint)):
        yield ()
    elif value == () and str in get_args(hint):
        yield ("first",)
    for step, inner, of in _parts(value):
        yield from ((step, *rest) for rest in places(inner, of))


def _parts(value: Any) -> Iterator[tuple[Any, Any, Any]]:
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        yield from ((one.name, getattr(value, one.name), hints[one.name]) for one in fields(value))
    elif isinstance(value, Mapping):
        yield from ((key, inner, None) for key, inner in value.items())
    elif isinstance(value, tuple):
        yield from ((number, inner, None) for number, inner in enumerate(value))


def put(value: Any, place: Place, text: str) -> Any:
    """Return a message with that text in that place."""
    if not place:
        return text
    first, *rest = place
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{first: put(getattr(value, first), tuple(rest), text)})
    if isinstance(value, Mapping):
        return {**value, first: put(value[first], tuple(rest), text)}
    if first == "first":
        return (text,)
    return tuple(put(one, tuple(rest), text) if number == first else one for number, one in enumerate(value))


def name_of(place: Place) -> str:
    """Return a place as a test's name shows it."""
    return ".".join(str(part) for part in place)


def shown_as(text: str) -> str:
    """Return how a hostile text begins where it is shown."""
    return plain(text, 20).rstrip("…")
