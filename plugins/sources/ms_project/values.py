"""The value types of Project XML (spec sources 4.2): texts in, exact values out.

Amounts are kept as whole numbers of a small unit, so that nothing is ever a binary float: money in ten-thousandths,
hours and percentages in millionths.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Generic, TypeVar

V = TypeVar("V")

MONEY_UNIT = 10_000
FINE_UNIT = 1_000_000
MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)  # an offset is dropped: the time is the plan's own
CLOCK = re.compile(r"(\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?")
AMOUNT = r"-?(\d+(?:\.\d+)?)"
DURATION = re.compile(rf"-?P(?:{AMOUNT}D)?(?:T(?:{AMOUNT}H)?(?:{AMOUNT}M)?(?:{AMOUNT}S)?)?")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
FLAGS = {"0": False, "1": True, "false": False, "true": True}
REMEMBERED = 1 << 14  # the same days and durations come again in every plan of a portfolio
LARGEST = 10**18  # in the smallest unit: what the model's columns hold


class Values(dict[str | None, V | None], Generic[V]):
    """What the texts of one kind mean, each worked out once; `faulty` are those that mean nothing."""

    def __init__(self, parse: Callable[[str], V]) -> None:
        super().__init__({None: None})
        self._parse = parse
        self.faulty: set[str | None] = set()

    def __missing__(self, text: str | None) -> V | None:
        value: V | None = None
        stripped = (text or "").strip()
        try:
            value = self._parse(stripped) if stripped else None
        except (ValueError, OverflowError):
            self.faulty.add(text)
        self[text] = value
        return value


def clean(text: str | None) -> str | None:
    """Return the text composed (NFC) and trimmed; None when nothing is left."""
    if text is None:
        return None
    whole = text if text.isascii() else unicodedata.normalize("NFC", text)
    return whole.strip() or None


@lru_cache(maxsize=REMEMBERED)
def moment(text: str) -> datetime:
    """Read a local time without zone; 24:00 is the next midnight.

    Raises:
        ValueError
    """
    found = MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    day, hour, minute, second = found.groups()
    if hour == "24":
        return datetime.fromisoformat(day) + timedelta(days=1)
    return datetime.fromisoformat(f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}")


def clock_minutes(text: str) -> int:
    """Read a time of day as minutes since midnight.

    Raises:
        ValueError
    """
    found = CLOCK.fullmatch(text)
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        raise ValueError(text)
    return int(found[1]) * 60 + int(found[2])


def decimal(text: str) -> Decimal:
    """Read an exact number.

    Raises:
        ValueError
    """
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def rounded(value: Decimal) -> int:
    """Round half-even to a whole number.

    Raises:
        ValueError: it is larger than any column holds.
    """
    if abs(value) >= LARGEST:
        raise ValueError(f"{value}")
    return int(value.to_integral_value(ROUND_HALF_EVEN))


def whole(text: str) -> int:
    """Read a whole number; `3.0` is one.

    Raises:
        ValueError
    """
    value = decimal(text)
    number = rounded(value)
    if number != value:
        raise ValueError(text)
    return number


def flag(text: str) -> bool:
    """Read 0, 1, true or false.

    Raises:
        ValueError
    """
    word = text.lower()
    if word not in FLAGS:
        raise ValueError(text)
    return FLAGS[word]


def fine(text: str) -> int:
    """Read a number as millionths.

    Raises:
        ValueError
    """
    return rounded(decimal(text) * FINE_UNIT)


def share(text: str) -> int:
    """Read units, where 1 is the whole, as millionths of a percent.

    Raises:
        ValueError
    """
    return rounded(decimal(text) * 100 * FINE_UNIT)


def tenths(text: str) -> int:
    """Read tenths of a minute as minutes.

    Raises:
        ValueError
    """
    return rounded(decimal(text) / 10)


@lru_cache(maxsize=REMEMBERED)
def seconds(text: str, minutes_per_day: int) -> Decimal:
    """Read a working duration; a day in it is a working day.

    Raises:
        ValueError
    """
    if text == "0":
        return Decimal(0)
    found = DURATION.fullmatch(text)
    if found is None or text[-1] in "PT":
        raise ValueError(text)
    days, hours, minutes, rest = (Decimal(part or 0) for part in found.groups())
    total = days * minutes_per_day * 60 + hours * 3600 + minutes * 60 + rest
    # Writers put the minus before the P or before the hours; either way it is that of the whole.
    return -total if "-" in text else total


def minutes_of(text: str, minutes_per_day: int) -> int:
    """Read a working duration as minutes.

    Raises:
        ValueError
    """
    return rounded(seconds(text, minutes_per_day) / 60)


def hours_of(text: str, minutes_per_day: int) -> int:
    """Read a working duration as millionths of an hour.

    Raises:
        ValueError
    """
    return rounded(seconds(text, minutes_per_day) * FINE_UNIT / 3600)


def money_of(text: str, scale: Decimal) -> int:
    """Read an amount as ten-thousandths of the currency unit; `scale` is what the writer calls one unit.

    Raises:
        ValueError
    """
    return rounded(decimal(text) * MONEY_UNIT / scale)
