"""Values of fields as people write them in YAML, in examples of rules and measures: read as the model holds them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from pmo_watch.faults import or_known, quoted
from pmo_watch.model import Field, Kind
from pmo_watch.rule_values import Misread

NUMBERS = frozenset({Kind.NUMBER, Kind.PERCENT, Kind.HOURS, Kind.MONEY})
WHOLE = frozenset({Kind.COUNT, Kind.MINUTES})
LISTS = frozenset({Kind.LIST})


def given_value(name: str, field: Field, value: object, written: str) -> object:
    """Return a value as the model holds it; None for none. `name`: what messages call it, `written`: its text.

    Raises:
        Misread: it is no such value.
    """
    if value is None:
        return None
    if field.kind in LISTS:
        return _texts(name, value)
    if isinstance(value, (dict, list)):
        raise Misread(f"{name} holds one value, not {'a list' if isinstance(value, list) else 'keys with values'}")
    if field.kind in READERS:
        return READERS[field.kind](name, value)
    if field.kind in NUMBERS or field.kind in WHOLE:
        return _number(name, field.kind, written)
    if field.one_of and written not in field.one_of:
        raise Misread(f"{name} is never {quoted(written)}{or_known(written, field.one_of)}")
    return written


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or any(isinstance(one, (dict, list)) for one in value):
        raise Misread(f"{name} is a list of texts; write it as in [a, b]")
    return [str(one) for one in value if one is not None]


def _number(name: str, kind: Kind, written: str) -> Decimal | int:
    # From the text and not from the float that YAML makes of it: 12.50 stays 12.50.
    try:
        number = Decimal(written)
    except InvalidOperation:
        raise Misread(f"{name} is a number without a unit here, not {quoted(written)}") from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 12:
        raise Misread(f"{name} is a number of at most 12 digits, not {quoted(written)}")
    if kind not in WHOLE:
        return number
    if number != number.to_integral_value():
        raise Misread(f"{name} is a whole number, not {quoted(written)}")
    return int(number)


def _date(name: str, value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise Misread(f"{name} is a date; write it as in 2026-07-17, not {quoted(value)}")


def _moment(name: str, value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    raise Misread(f"{name} is a moment; write it as in 2026-07-17T12:00:00Z, not {quoted(value)}")


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Misread(f"{name} is true or false, not {quoted(value)}")


READERS: Mapping[Kind, Callable[[str, object], object]] = {Kind.DATE: _date, Kind.MOMENT: _moment, Kind.FLAG: _flag}
