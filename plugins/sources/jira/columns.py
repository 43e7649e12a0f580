"""Lists of raw values become columns of the model's types, many values at a time.

What is as documented is converted as a whole; only where something is not is each value looked at, and reported.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

import polars as pl

from pmo_watch.api import ENTITIES, Kind

from .report import Report
from .values import MICRO, MONEY_UNIT, amount_of, text_of, texts_of

Raw = Sequence[Any]
INSTANT = "%Y-%m-%dT%H:%M:%S%.f%z"
BETWEEN = "\x1f"  # the separator of units, which nobody can type into a label
SECONDS_PER_HOUR = 3_600
LARGEST_SECONDS = 10**13
UNITS = {Kind.MONEY: MONEY_UNIT, Kind.NUMBER: MICRO, Kind.PERCENT: MICRO, Kind.HOURS: MICRO}
UTC_MICROSECONDS = pl.Datetime("us", "UTC")


def joined(many: Any) -> str | None:
    """Return a list of texts as one text: columns of texts are made much faster than columns of lists."""
    if type(many) is not list or not many:
        return None
    try:
        return BETWEEN.join(many)
    except TypeError:
        return BETWEEN.join(texts_of(many)) or None


class Columns:
    """Makes columns for the same rows; `names`, each behind `what`, name the rows in what is reported."""

    def __init__(self, names: Sequence[str], what: str, report: Report, zone: tzinfo) -> None:
        self._names, self._what = names, what
        self._report = report
        self._zone = zone_name(zone)

    def where(self, row: int) -> str:
        """Return what a row is called in what is reported."""
        return f"{self._what}{self._names[row]}"

    def many(self, raw: Mapping[str, Raw], wanted: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
        """Return several columns at once. `wanted`: column -> its name among `raw`, and text, instant, day or list."""
        plain = {name: _plain(name, raw[name]) for name, _ in wanted.values()}
        tidy = pl.DataFrame(list(plain.values())).select(_tidy(one) for one in plain.values())
        made = tidy.select(READ[kind](name).alias(field) for field, (name, kind) in wanted.items())
        for field, (name, kind) in wanted.items():
            if kind in REASONS:
                self._check(name, tidy[name], made[field], REASONS[kind])
        return made

    def texts(self, name: str, raw: Raw) -> pl.Series:
        """Return texts, composed (NFC) and trimmed; null for what is empty."""
        return self.many({name: raw}, {name: (name, "text")}).to_series()

    def days(self, name: str, raw: Raw) -> pl.Series:
        """Return civil days, as written."""
        return self.many({name: raw}, {name: (name, "day")}).to_series()

    def instants(self, name: str, raw: Raw) -> pl.Series:
        """Return moments in UTC."""
        return self.many({name: raw}, {name: (name, "instant")}).to_series()

    def days_of(self, instants: pl.Series) -> pl.Series:
        """Return the days of moments in the organisation's zone."""
        return days_of(instants, self._zone)

    def hours(self, name: str, raw: Raw) -> pl.Series:
        """Return hours of seconds, exact to a millionth."""
        try:
            seconds = pl.Series(name, raw, pl.Int64)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            seconds = pl.Series(name, self.each(name, raw, _whole_seconds), pl.Int64)
        seconds = seconds.to_frame().select(pl.when(pl.col(name).abs() < LARGEST_SECONDS).then(name)).to_series()
        return _scaled((seconds * MICRO / SECONDS_PER_HOUR).round(mode="half_to_even").cast(pl.Int64), MICRO)

    def numbers(self, name: str, raw: Raw) -> pl.Series:
        """Return exact numbers."""
        return _scaled(pl.Series(name, self.each(name, raw, _micros), pl.Int64), MICRO)

    def each(self, name: str, raw: Raw, read: Callable[[Any], Any]) -> list[Any]:
        """Read values one by one; what cannot be read is null and reported."""
        found = []
        for row, value in enumerate(raw):
            try:
                found.append(None if value is None else read(value))
            except ValueError as fault:
                self._report.value(self.where(row), name, value, str(fault))
                found.append(None)
        return found

    def _check(self, name: str, before: pl.Series, after: pl.Series, reason: str) -> None:
        """Report what became null."""
        if after.null_count() > before.null_count():
            for row in (before.is_not_null() & after.is_null()).arg_true():
                self._report.value(self.where(row), name, before[row], reason)


def _plain(name: str, raw: Raw) -> pl.Series:
    try:
        return pl.Series(name, raw, pl.String)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [text_of(one) for one in raw], pl.String)


def _tidy(plain: pl.Series) -> pl.Expr:
    """Compose and trim texts; what is plain ASCII is composed already."""
    text = pl.col(plain.name)
    is_ascii = plain.str.len_bytes().sum() == plain.str.len_chars().sum()
    tidy = (text if is_ascii else text.str.normalize("NFC")).str.strip_chars()
    return pl.when(tidy != "").then(tidy).alias(plain.name)


def _instant(name: str) -> pl.Expr:
    text = pl.col(name)
    offset = pl.when(text.str.ends_with("Z")).then(text.str.head(-1) + "+0000").otherwise(text)
    return offset.str.to_datetime(INSTANT, time_unit="us", strict=False).cast(UTC_MICROSECONDS)


def _day(name: str) -> pl.Expr:
    day = pl.col(name).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day.dt.year().is_between(1, 9999)).then(day)


READ: Mapping[str, Callable[[str], pl.Expr]] = {
    "text": pl.col,
    "instant": _instant,
    "day": _day,
    "list": lambda name: pl.col(name).str.split(BETWEEN),  # of texts that were `joined`; null for none
}
REASONS = {"instant": "no moment with its offset", "day": "no date"}


def frame_of(entity: str, columns: Mapping[str, Raw]) -> pl.DataFrame:
    """Return rows of an entity from plain values: Decimals, dates, aware moments."""
    return pl.DataFrame([_series(entity, name, values) for name, values in columns.items()])


def _series(entity: str, name: str, values: Raw) -> pl.Series:
    field = ENTITIES[entity].field(name)
    if field is None:  # the key
        return pl.Series(name, values, pl.String)
    if unit := UNITS.get(field.kind):
        return _scaled(pl.Series(name, [None if one is None else int(one * unit) for one in values], pl.Int64), unit)
    return pl.Series(name, values, field.dtype)


def _scaled(whole: pl.Series, unit: int) -> pl.Series:
    """Return small units as exact numbers of whole ones."""
    scale = 6 if unit == MICRO else 4
    exact = whole.cast(pl.Decimal(38, 0)) * pl.Series([1 / Decimal(unit)])
    return exact.cast(pl.Decimal(24 if unit == MICRO else 18, scale)).alias(whole.name)


@lru_cache(maxsize=1 << 12, typed=True)
def _known_micros(value: int | Decimal) -> int:
    return int(amount_of(value) * MICRO)


def _micros(value: Any) -> int:
    """Return millionths; the same few numbers come again and again."""
    return _known_micros(value) if type(value) in {int, Decimal} else int(amount_of(value) * MICRO)


def _whole_seconds(value: Any) -> int:
    return int(amount_of(value))


def days_of(instants: pl.Series, zone: str) -> pl.Series:
    """Return the days of moments in a zone."""
    return instants.dt.convert_time_zone(zone).dt.date()


def zone_name(zone: tzinfo) -> str:
    """Return the name by which columns know a zone."""
    return str(getattr(zone, "key", "UTC"))
