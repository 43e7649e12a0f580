"""The values of the rule language: numbers with their unit, tolerances, dates, words, spans of time.

What is not understood is said at its place inside the text, with what to write instead.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Literal

from babel.core import get_global

from pmo_watch.entities.shared import DIMENSIONS
from pmo_watch.faults import did_you_mean, or_known, quoted
from pmo_watch.model import Field, Kind
from pmo_watch.rules import Quantity, Span, Today, Tolerance, Unit, Value

Level = Literal["amber", "red"]

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?![\d.,])")
COMMA = re.compile(r"[+-]?\d+,\d+")
GROUPED = re.compile(r"[+-]?\d{1,3}(?:[ \u00a0\u202f'_.]\d{3})+(?!\d)")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
EXPONENT = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+(?![\w.,])")
LONGER = (GROUPED, DATE_LIKE, EXPONENT)  # what begins with a number and is none
TODAY = re.compile(r"today(?:\s*([+-])\s*(\d{1,4})\s*(wd|d))?$")
TOLERANCE = re.compile(r"tolerance\.(\w+)(?:\.(\w+))?(?:\s*-\s*(\S.*?))?(?:\s+or\s+(\S.*))?$")
SPAN = re.compile(r"(\d{1,4})\s*([a-z]+)$")
MOST_DIGITS = 15

FACTS = {  # of a measure, by its unit
    Unit.WORKING_DAYS: "is counted in working days",
    Unit.DAYS: "is counted in calendar days",
    Unit.HOURS: "is counted in hours",
    Unit.PERCENT: "is a percentage",
    Unit.POINTS: "is counted in percentage points",
    Unit.PERIODS: "is counted in periods",
    Unit.RATIO: "is a ratio and takes no unit",
    Unit.COUNT: "is a count and takes no unit",
    Unit.STEPS: "is a number of steps and takes no unit",
    Unit.MONEY: "is an amount of money and takes a currency code or no unit",
}
BARE = frozenset({Unit.RATIO, Unit.COUNT, Unit.STEPS})
SINGULAR = {"period": "periods", "evaluation": "evaluations"}
UNITS = ("wd", "d", "h", "%", "pp", "periods")
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN")  # to suggest
SPELT_OUT = {
    **dict.fromkeys(("day", "days"), "wd (working days) or d (calendar days)"),
    **dict.fromkeys(("workday", "workdays", "working", "bd"), "wd"),
    **dict.fromkeys(("hour", "hours", "hrs"), "h"),
    **dict.fromkeys(("percent", "pct", "pc"), "%"),
    **dict.fromkeys(("points", "point", "percentage"), "pp"),
    **dict.fromkeys(("week", "weeks"), "wd (5 wd are a week)"),
    **dict.fromkeys(("€", "euro", "euros", "k€"), "a currency code such as EUR"),
    **dict.fromkeys(("$", "dollar", "dollars"), "a currency code such as USD"),
}


class Misread(ValueError):
    """A text of a rule that is not understood: what is wrong at which character, and the remedy."""

    def __init__(self, text: str, offset: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a rule's text, without blanks around it, and where it begins."""

    text: str
    at: int = 0

    @classmethod
    def of(cls, text: str, at: int = 0) -> "Part":
        """Return the text without the blanks around it."""
        return cls(text.strip(), at + len(text) - len(text.lstrip()))

    def after(self, end: int) -> "Part":
        """Return what stands behind that character."""
        return Part.of(self.text[end:], self.at + end)

    def before(self, end: int) -> "Part":
        """Return what stands before that character."""
        return Part.of(self.text[:end], self.at)

    @property
    def word(self) -> str:
        """The first word."""
        return self.text.split(maxsplit=1)[0] if self.text else ""

    def wrong(self, text: str, offset: int = 0) -> Misread:
        """Return the error that says this of the piece."""
        return Misread(text, self.at + offset)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is about, and what it may be compared with.

    `units`: those a number may carry; `money` stands for any currency code. `unit_needed`: a number without one is an
    error. `any_unit`: it is not known here. `fact` says so in words.
    """

    name: str
    kind: Literal["number", "date", "flag", "word", "text", "list", "reference"]
    units: tuple[str, ...] = ()
    unit_needed: bool = False
    any_unit: bool = False
    fact: str = "takes no unit"
    one_of: tuple[str, ...] = ()

    @classmethod
    def measure(cls, name: str, unit: Unit) -> "Subject":
        """Return a measure as the subject of a threshold: the number must carry its unit."""
        if unit in {Unit.INDICATOR, Unit.DECLARED}:
            return cls(name, "number", any_unit=True)
        units = () if unit in BARE else (unit.value,)
        return cls(name, "number", units, unit_needed=bool(units) and unit != Unit.MONEY, fact=FACTS[unit])

    @classmethod
    def field(cls, name: str, field: Field) -> "Subject":
        """Return a field as the subject of a condition."""
        if field.name == "days_left":
            return cls(name, "number", ("wd",), fact=FACTS[Unit.WORKING_DAYS])
        if field.kind in FIELD_UNITS:
            units, fact = FIELD_UNITS[field.kind]
            return cls(name, "number", units, unit_needed=field.kind == Kind.MINUTES, fact=fact)
        return cls(name, FIELD_KINDS[field.kind], one_of=field.one_of)


FIELD_UNITS: Mapping[Kind, tuple[tuple[str, ...], str]] = {
    Kind.COUNT: ((), "is a count and takes no unit"),
    Kind.NUMBER: ((), "is a number and takes no unit"),
    Kind.PERCENT: (("%",), FACTS[Unit.PERCENT]),
    Kind.HOURS: (("h",), FACTS[Unit.HOURS]),
    Kind.MINUTES: (("wd", "h"), "is a duration, in wd or h"),  # a bare number would be minutes, which nobody means
    Kind.MONEY: (("money",), FACTS[Unit.MONEY]),
}
FIELD_KINDS: Mapping[Kind, Literal["date", "flag", "word", "text", "list", "reference"]] = {
    Kind.DATE: "date",
    Kind.MOMENT: "date",
    Kind.FLAG: "flag",
    Kind.ENUM: "word",
    Kind.TEXT: "text",
    Kind.LIST: "list",
    Kind.REF: "reference",
}


def read_value(part: Part, subject: Subject, level: Level) -> Value:
    """Return what a comparison compares with: a quantity, a tolerance, a date or today."""
    if not part.text:
        raise part.wrong(f"a {'date' if subject.kind == 'date' else 'number'} is missing here, as in {_like(subject)}")
    if subject.kind == "date":
        return read_date(part)
    if part.text.startswith("tolerance"):
        return _read_tolerance(part, subject, level)
    return read_quantity(part, subject)


def read_quantity(part: Part, subject: Subject) -> Quantity:
    """Return a number with its unit, which must be one of the subject's."""
    # `1 000` begins with the number 1, and 2026-07-17 with 2026: the longer reading is what was meant.
    found, other = NUMBER.match(part.text), next((one for kind in LONGER if (one := kind.match(part.text))), None)
    if found is None or (other is not None and len(other[0]) > len(found[0])):
        raise _no_number(part, subject)
    if len(found[0]) > MOST_DIGITS:
        raise part.wrong(f"{quoted(found[0])} has more than {MOST_DIGITS} digits")
    unit = part.after(found.end())
    if more := unit.after(len(unit.word)).text:
        raise unit.after(len(unit.word)).wrong(f"{quoted(more)} is too much here")
    return Quantity(Decimal(found[0]), _fitting(unit, found[0], part, subject))


def _no_number(part: Part, subject: Subject) -> Misread:
    if DATE_LIKE.match(part.text) or part.word == "today":
        return part.wrong(f"{subject.name} is a number, not a date; write it as in {_like(subject)}")
    if found := GROUPED.match(part.text):
        return part.wrong(f"{quoted(found[0])} is not a number here; write {re.sub(r'[^0-9+-]', '', found[0])}")
    if found := EXPONENT.match(part.text):
        return part.wrong(f"{quoted(found[0])} is not a number here; write it in digits, as in {_like(subject)}")
    if found := COMMA.match(part.text):
        return part.wrong(f"{quoted(found[0])} is not a number here; write {found[0].replace(',', '.')}")
    return part.wrong(f"{quoted(part.word)} is not a number; write it as in {_like(subject)}")


def _fitting(unit: Part, number: str, whole: Part, subject: Subject) -> str:
    """Return the unit in its one spelling when it fits the subject."""
    written = SINGULAR.get(unit.text, unit.text)
    share = Decimal(number) / 100 if written == "%" and subject.fact == FACTS[Unit.RATIO] else number
    remedy = f"{subject.name} {subject.fact}: write {_written(str(share), subject)}"
    if subject.any_unit:
        return written
    if not written:
        if subject.unit_needed:
            raise whole.wrong(f"{number} has no unit; {remedy}")
        return ""
    if written in subject.units or ("money" in subject.units and written in _currencies()):
        return written
    if written in UNITS or written in _currencies() or not subject.units:
        raise unit.wrong(f"{quoted(unit.text)} does not fit; {remedy}")
    if spelt := SPELT_OUT.get(unit.text.lower()):
        raise unit.wrong(f"{quoted(unit.text)} is not a unit here; write {spelt}")
    near = did_you_mean(unit.text, CURRENCIES if "money" in subject.units else UNITS)
    raise unit.wrong(f"{quoted(unit.text)} is not a unit{near or f'; {remedy}'}")


@cache
def _currencies() -> frozenset[str]:
    return frozenset(get_global("all_currencies"))


def _written(number: str, subject: Subject) -> str:
    unit = next(iter(subject.units), "")
    return f"`{number}`" if unit in {"", "money"} else f"`{number} {unit}`"


def _like(subject: Subject) -> str:
    if subject.kind == "date":
        return "`over 2026-07-17` or `under today + 5 wd`"
    return _written("over 5", subject)


def _read_tolerance(part: Part, subject: Subject, level: Level) -> Tolerance:
    found = TOLERANCE.match(part.text)
    if found is None:
        raise part.wrong("a tolerance is written as `tolerance.cost.amber`, or `tolerance.cost.amber or 5 %`")
    dimension, written, less, default = found.groups()
    if dimension not in DIMENSIONS:
        raise part.wrong(
            f"there is no tolerance of {quoted(dimension)}{or_known(dimension, DIMENSIONS)}", found.start(1)
        )
    if written not in {"amber", "red", None}:
        near = or_known(written, ("amber", "red"))
        raise part.wrong(f"a tolerance has no level {quoted(written)}{near}", found.start(2))
    value = read_quantity(part.after(found.start(4)), subject) if default else None
    nearer = read_quantity(part.before(found.end(3)).after(found.start(3)), _difference(subject)) if less else None
    return Tolerance(dimension, "red" if (written or level) == "red" else "amber", value, nearer)


def _difference(subject: Subject) -> Subject:
    """Return what a difference of two values of the subject is: of percentages, percentage points."""
    if subject.units != ("%",):
        return subject
    return replace(subject, units=("pp",), fact=f"is in %: how much nearer is in {Unit.POINTS}")


def read_date(part: Part) -> date | Today:
    """Return a day of the calendar, or one counted from today."""
    if found := TODAY.match(part.text):
        sign, number, unit = found.groups()
        days = int(number or 0) * (-1 if sign == "-" else 1)
        return Today(days, "wd" if unit == "wd" else "d")
    if part.word.startswith("today"):
        raise part.wrong("write `today`, `today + 5 wd` (working days) or `today - 10 d` (calendar days)")
    if not DATE.fullmatch(part.text):
        raise part.wrong(f"{quoted(part.text)} is not a date; write it as in 2026-07-17, or `today + 5 wd`")
    try:
        return date.fromisoformat(part.text)
    except ValueError:
        raise part.wrong(f"{quoted(part.text)} is not a day of the calendar") from None


def read_literal(part: Part, subject: Subject, level: Level) -> Value:
    """Return what `is` and lists compare with, as the subject's kind wants it."""
    if subject.kind in {"number", "date"}:
        return read_value(part, subject, level)
    if not part.text:
        raise part.wrong("a word is missing here; write `missing` for a value that is not there")
    if subject.kind == "flag":
        return _read_flag(part, subject)
    if subject.kind == "reference":
        raise part.wrong(
            f"{subject.name} leads to another row: write `missing` or `present`, or name a field of that row"
        )
    text = unquoted(part)
    # A word that the field can never hold would switch the rule off without a sound.
    if subject.one_of and text not in subject.one_of:
        raise part.wrong(f"{subject.name} is never {quoted(text)}{or_known(text, subject.one_of)}")
    return text


def unquoted(part: Part) -> str:
    """Return the word or text, without quotes around it.

    Raises:
        Misread: a word that has a meaning of its own stands without quotes.
    """
    sign = part.text[:1]
    if sign in {'"', "'"} and len(part.text) > 1 and part.text.endswith(sign):
        return part.text[1:-1]
    return part.text


def _read_flag(part: Part, subject: Subject) -> bool:
    if part.text.lower() in {"true", "false"}:
        return part.text.lower() == "true"
    said = {"yes": "true", "no": "false", "on": "true", "off": "false", "1": "true", "0": "false"}
    if meant := said.get(part.text.lower()):
        raise part.wrong(f"{subject.name} is true or false: write {meant}")
    raise part.wrong(f"{subject.name} is true or false, not {quoted(part.text)}")


def read_span(text: str, *units: Literal["evaluations", "wd", "h", "d"]) -> Span:
    """Return a span of time in one of these units: `2 evaluations`, `3 wd`, `24 h`."""
    part = Part.of(text)
    examples = " or ".join(f"`{2 if unit != 'h' else 24} {unit}`" for unit in units)
    found = SPAN.match(part.text)
    if found is None:
        raise part.wrong(f"{quoted(part.text)} is not a span of time; write it as in {examples}")
    unit = next((one for one in units if one == SINGULAR.get(found[2], found[2])), None)
    if unit is None:
        spelt = SPELT_OUT.get(found[2], "")
        remedy = spelt if spelt.partition(" ")[0] in units else f"it as in {examples}"
        raise part.wrong(f"{quoted(found[2])} does not fit here; write {remedy}", found.start(2))
    if int(found[1]) < 1:
        raise part.wrong(f"a span of 0 {unit} is none; write at least 1")
    return Span(int(found[1]), unit)
