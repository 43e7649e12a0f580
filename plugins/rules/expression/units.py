"""Units of the numbers in a formula: what may be added, what a product gives, what the result may be declared as.

Only what is certain is refused. A bare number may mean anything (a rate, a day's length), so that what it multiplies is
of an unknown unit; it takes on the unit of what it is added to or compared with.
"""

from collections.abc import Mapping

from pmo_watch.api import Field, Kind, Unit

BARE, ANY = "bare", "any"  # a number as written; a number whose unit is not known
NUMBER, RATIO, QUOTIENT = "number", "ratio", "quotient"  # of a field without unit; of like by like; of two numbers
_OF_KIND: Mapping[Kind, str] = {
    Kind.COUNT: NUMBER,
    Kind.NUMBER: NUMBER,
    Kind.PERCENT: "%",
    Kind.MINUTES: "wd",
    Kind.HOURS: "h",
    Kind.MONEY: "money",
}
_OF_UNIT: Mapping[Unit, str] = {
    Unit.WORKING_DAYS: "wd",
    Unit.DAYS: "d",
    Unit.HOURS: "h",
    Unit.PERCENT: "%",
    Unit.POINTS: "%",
    Unit.MONEY: "money",
    Unit.RATIO: RATIO,
    Unit.COUNT: NUMBER,
    Unit.PERIODS: "periods",
    Unit.STEPS: NUMBER,
}
_LOOSE = frozenset({BARE, ANY, NUMBER, QUOTIENT})
_FITTING: Mapping[str, frozenset[Unit]] = {
    RATIO: frozenset({Unit.RATIO, Unit.COUNT, Unit.STEPS}),
    QUOTIENT: frozenset(Unit) - {Unit.PERCENT, Unit.POINTS},
    "%": frozenset({Unit.PERCENT, Unit.POINTS}),
    "wd": frozenset({Unit.WORKING_DAYS}),
    "d": frozenset({Unit.DAYS}),
    "h": frozenset({Unit.HOURS}),
    "money": frozenset({Unit.MONEY}),
    "periods": frozenset({Unit.PERIODS, Unit.COUNT}),
}
_USUAL = {RATIO: "ratio", QUOTIENT: "ratio", "%": '"%"'}
IN_WORDS: Mapping[str, str] = {
    RATIO: "a ratio",
    QUOTIENT: "a ratio of two numbers",
    NUMBER: "a number",
    "%": "a percentage",
    "wd": "working days",
    "d": "calendar days",
    "h": "hours",
    "money": "an amount of money",
    "periods": "periods",
}


def of_field(field: Field) -> str:
    """Return the unit of a field's numbers; nothing for a field that holds none."""
    return "wd" if field.name == "days_left" else _OF_KIND.get(field.kind, "")


def standing(unit: str) -> str:
    """Return what is said of a number of that unit: `is a ratio`, `is in hours`."""
    return f"in {IN_WORDS[unit]}" if unit in {"wd", "d", "h", "periods"} else IN_WORDS[unit]


def is_duration(field: Field) -> bool:
    """Say whether a field holds working minutes, which a formula counts in working days."""
    return field.kind == Kind.MINUTES


def usual(unit: str) -> str:
    """Return how a result of that unit is declared."""
    return _USUAL.get(unit, unit)


def of_measure(unit: Unit) -> str:
    """Return the unit of a measure's values."""
    return _OF_UNIT.get(unit, ANY)


def together(left: str, right: str) -> str:
    """Return the unit of two numbers that are added, compared or stand for each other; nothing where they cannot."""
    if right in {left, BARE}:
        return left
    if left == BARE:
        return right
    if ANY in {left, right}:
        return right if left == ANY else left
    return NUMBER if {left, right} <= {NUMBER, RATIO, QUOTIENT} else ""


def product(left: str, right: str) -> str:
    """Return the unit of a product."""
    if left == right == BARE:
        return BARE
    if BARE in {left, right}:
        return NUMBER if NUMBER in {left, right} else ANY
    if RATIO in {left, right}:
        return right if left == RATIO else left
    return NUMBER if left == right == NUMBER else ANY


def quotient(top: str, bottom: str) -> str:
    """Return the unit of a quotient."""
    if top == bottom == BARE:
        return BARE
    if top == bottom and top not in _LOOSE:
        return RATIO
    if top == bottom == NUMBER:
        return QUOTIENT
    if bottom == RATIO and top != BARE:
        return top
    return NUMBER if top == NUMBER and bottom == BARE else ANY


def fits(unit: str, declared: Unit) -> bool:
    """Say whether a result of that unit may be declared so."""
    return declared in _FITTING.get(unit, frozenset(Unit))
