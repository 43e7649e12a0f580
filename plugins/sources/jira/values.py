"""Single values as Jira writes them: text, number, option, user, version, rich text (spec sources 2.5)."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from pmo_watch.api import Kind

MICRO = 1_000_000
MONEY_UNIT = 10_000
LARGEST = 10**17  # in the smallest unit: what the model's columns hold
EARLIEST_MILLISECONDS = 10**11  # smaller numbers are seconds
BLOCKS = frozenset({"paragraph", "heading", "listItem", "codeBlock", "blockquote", "tableCell", "tableHeader"})
NAMES = ("value", "name", "displayName", "key")  # of what an object may be called, most telling first
YES, NO = frozenset({"yes", "true", "1", "y", "oui", "ja", "x"}), frozenset({"no", "false", "0", "n", "non", "nee"})
LEADING = re.compile(r"-?\d+")
AMOUNT = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
SCALE = {
    "very low": 1,
    "low": 2,
    "medium": 3,
    "moderate": 3,
    "high": 4,
    "very high": 5,
    "lowest": 1,
    "highest": 5,
    "trivial": 1,
    "minor": 2,
    "major": 4,
    "critical": 5,
    "blocker": 5,
}
Words = Mapping[str, str]


def folded(word: str) -> str:
    """Return a word for comparing: lower case, single blanks."""
    return " ".join(word.lower().split())


def text_of(value: Any) -> str | None:
    """Return the text of any value; None when there is none. A cascading choice is `parent / child`."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, list):
        return ", ".join(texts_of(value)) or None
    return _text_of_object(value) if isinstance(value, dict) else None


def _text_of_object(value: Mapping[str, Any]) -> str | None:
    if value.get("type") == "doc":
        return plain_text(value)
    own = next((text for name in NAMES if (text := value.get(name)) not in {None, ""} and isinstance(text, str)), None)
    child = value.get("child")
    below = text_of(child) if isinstance(child, dict) else None
    return f"{own} / {below}" if own and below else own


def texts_of(value: Any) -> list[str]:
    """Return the texts of a list, or of a single value."""
    many = value if isinstance(value, list) else [value]
    return [text for one in many if (text := text_of(one)) is not None]


def plain_text(document: Mapping[str, Any]) -> str | None:
    """Return the text of a rich text document, a line for each block."""
    lines = "".join(_leaves(document)).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip()) or None


def _leaves(node: Any) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    if isinstance(node.get("text"), str):
        yield node["text"]
    elif node.get("type") == "hardBreak":
        yield "\n"
    content = node.get("content")
    for child in content if isinstance(content, list) else ():
        yield from _leaves(child)
    if node.get("type") in BLOCKS:
        yield "\n"


def account_of(value: Any) -> str | None:
    """Return what identifies a user: the account on Cloud, the user name on Data Center."""
    if not isinstance(value, dict):
        return None
    return next((found for name in ("accountId", "name", "key") if isinstance(found := value.get(name), str)), None)


def instant_of(value: Any) -> datetime:
    """Return the moment of a timestamp, or of a number of milliseconds (seconds when it is small).

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if abs(value) >= EARLIEST_MILLISECONDS else value, UTC)
    if not isinstance(value, str):
        raise ValueError("no moment")
    if value.isascii() and value.isdigit():
        return instant_of(int(value))
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("a moment without its zone")
    return found.astimezone(UTC)


def day_of(value: Any, zone: tzinfo) -> date:
    """Return a day: written as one, or that of a moment in the zone.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str) and len(value) == 10 and not value.isdigit():
        return date.fromisoformat(value)
    try:
        return instant_of(value).astimezone(zone).date()
    except (OverflowError, OSError):
        raise ValueError("out of range") from None


def amount_of(value: Any) -> Decimal:
    """Return an exact number; an option or text counts by the number that is all of it.

    Raises:
        ValueError: it is no number, or larger than any column holds.
    """
    if isinstance(value, bool):
        raise ValueError("no number")
    if not isinstance(value, int | Decimal):
        text = text_of(value) or ""
        if not AMOUNT.fullmatch(text):
            raise ValueError("no number")
        value = text.replace(",", ".")
    try:
        found = Decimal(value).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    except InvalidOperation:
        raise ValueError("too large") from None
    if not found.is_finite() or abs(found) * MICRO >= LARGEST:
        raise ValueError("too large")
    return found


def step_of(value: Any) -> int:
    """Return a whole number: a number, a text that begins with one (`4 - likely`), or a word of a five-step scale.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return int(amount_of(value).to_integral_value(ROUND_HALF_EVEN))
    text = text_of(value) or ""
    if found := LEADING.match(text):
        return int(amount_of(int(found[0])))
    if (known := SCALE.get(folded(text))) is None:
        raise ValueError("neither a number nor a step known")
    return known


def flag_of(value: Any) -> bool:
    """Return whether something is said to be so; a list of ticked boxes is true when one is ticked.

    Raises:
        ValueError: a word that means neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return bool(value)
    word = folded(text_of(value) or "")
    if word in YES | NO:
        return word in YES
    raise ValueError("neither yes nor no")


def word_of(value: Any) -> str:
    """Return a text as the words of closed lists are written."""
    return folded(text_of(value) or "").replace(" ", "_").replace("-", "_")


def whom(value: Any) -> str | None:
    """Return what identifies a person: the account of a user, else the text."""
    return account_of(value) or text_of(value)


READERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: text_of,
    Kind.ENUM: word_of,
    Kind.FLAG: flag_of,
    Kind.COUNT: step_of,
    Kind.MINUTES: step_of,
    Kind.MOMENT: instant_of,
    Kind.REF: whom,
    Kind.LIST: texts_of,
}


def value_of(kind: Kind, value: Any, words: Words, zone: tzinfo) -> Any:
    """Return what a field of this kind holds; None for nothing. `words`: what the settings say words mean.

    Raises:
        ValueError: it is nothing of the kind.
    """
    if value is None or value in ("", [], {}):
        return None
    said = text_of(value) if words else None
    if said is not None and said in words:
        value = words[said]
    reader: Callable[[Any], Any] = READERS.get(kind, amount_of)
    return day_of(value, zone) if kind == Kind.DATE else reader(value)
