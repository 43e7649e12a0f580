"""Rows as the Web API sends them become columns of the model's types, some thousand at a time (spec sources 3.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from operator import itemgetter
from typing import Any

import polars as pl

from pmo_watch.api import DTYPES, Kind, SourceDataError

from .dates import Days, Snap, instants, kind_of_date
from .maps import ColumnMap, field_of, kind_of, plain_name
from .metadata import Readable
from .plain import numbers, texts
from .report import Report

Row = Mapping[str, Any]
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
PROGRESS_SLACK = 1e-6
MINUTES_PER_DAY = 480  # spec model 2.16; a project's own hours per day are applied where they are known
MINUTES = {"seconds": (1, 60), "minutes": (1, 1), "hours": (60, 1), "days": (MINUTES_PER_DAY, 1)}
HOURS = {"seconds": (1, 3600), "minutes": (1, 60), "hours": (1, 1), "days": (8, 1)}
SNAPPED = {"forecast_start": False, "forecast_finish": True, "actual_start": False, "actual_finish": True}
SNAPPED |= {"@start": False, "@finish": True}
PERSON = "person"
WHO = "@who."  # begins the column with the name of whom a reference means
RATINGS = range(1, 6)  # scales of registers: spec model 2.12


class ScaleError(SourceDataError):
    """A share is larger than its scale allows: no value of the reading can be believed."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How values are understood; `currencies`: key of a currency -> its ISO code."""

    zone: tzinfo
    placeholders: tuple[date, ...]
    progress_scale: str = "fraction"
    duration_unit: str = "days"
    currencies: Mapping[str, str] = field(default_factory=dict)


class Converter:
    """Makes frames of one table's rows, or of the rows expanded below them."""

    def __init__(self, table: Readable, rules: Rules, report: Report, *, below: bool = False) -> None:
        self._table, self._rules, self._report = table, rules, report
        self._columns = table.map.expanded if below else table.map.columns
        self._entity = table.map.entity
        self._where = table.map.table
        self._days = Days(rules.zone, rules.placeholders)

    def frame(self, rows: Sequence[Row], keys: Sequence[str]) -> pl.DataFrame:
        """Return a column for each field, and `key` in lower case.

        Raises:
            ScaleError: a share is larger than its scale allows.
        """
        made: dict[str, pl.Series] = {"key": pl.Series(keys, dtype=pl.String).str.to_lowercase()}
        for column in sorted(self._columns, key=lambda one: one.field in SNAPPED):  # what moves them comes first
            made[column.field] = self._series(column, rows, made).alias(column.field)
            if self._is_person(column):
                made[f"{WHO}{column.field}"] = self._names(column, rows)
        return pl.DataFrame(made)

    def _is_person(self, column: ColumnMap) -> bool:
        """Say whether the column leads to somebody, whose name may be all that there is."""
        found = field_of(self._entity, column.field)
        return found is not None and PERSON in found.refers and self._table.is_lookup(column)

    def _names(self, column: ColumnMap, rows: Sequence[Row]) -> pl.Series:
        reads = self._table.reads(column.columns[0]) + FORMATTED
        return _text(column_of(rows, reads))

    def _series(self, column: ColumnMap, rows: Sequence[Row], made: Mapping[str, pl.Series]) -> pl.Series:
        kind = kind_of(self._entity, column.field)
        if column.value is not None:
            return self._constant(column, kind, len(rows))
        found: pl.Series | None = None
        for name in column.columns:
            one = self._one(column, name, kind, rows, made)
            found = one if found is None else found.zip_with(found.is_not_null(), one)
        assert found is not None, "a column that is not there was taken out of the map"
        return found

    def _constant(self, column: ColumnMap, kind: Kind, rows: int) -> pl.Series:
        text = pl.Series([column.value], dtype=pl.String)
        if kind == Kind.FLAG:
            return (text == "true").new_from_index(0, rows)
        if kind == Kind.LIST:
            return text.implode().new_from_index(0, rows)
        return text.cast(DTYPES[kind], strict=False).new_from_index(0, rows)

    def _one(
        self,
        column: ColumnMap,
        name: str,
        kind: Kind,
        rows: Sequence[Row],
        made: Mapping[str, pl.Series],
    ) -> pl.Series:
        """Return the values of one column of Dataverse as the field holds them."""
        reads = self._table.reads(name)
        is_lookup = reads != plain_name(name)
        if column.label or (is_lookup and kind == Kind.TEXT and column.field != "currency"):
            return _text(column_of(rows, reads + FORMATTED))
        raw = column_of(rows, reads)
        if is_lookup:
            return self._lookup(column, raw)
        if column.map or (kind == Kind.COUNT and self._is_rating(column.field)):
            return self._mapped(column, name, kind, raw, rows)
        if kind == Kind.DATE:
            return self._date(column.field, name, raw, made)
        made_of = self._plain(column, kind, raw)
        self._report.faulty(self._where, name, raw, made_of, f"no {kind} that the model knows")
        return made_of

    def _plain(self, column: ColumnMap, kind: Kind, raw: Sequence[Any]) -> pl.Series:
        if kind in {Kind.TEXT, Kind.REF}:
            return _text(raw)
        if kind == Kind.ENUM:
            return _text(raw).str.to_lowercase()
        if kind == Kind.LIST:
            return _text(raw).str.split(",").list.eval(pl.element().str.strip_chars())
        if kind == Kind.MOMENT:
            return instants(raw)
        if kind == Kind.FLAG:
            return pl.Series([one if isinstance(one, bool) else None for one in raw], dtype=pl.Boolean)
        if kind == Kind.COUNT:
            return numbers(raw).cast(pl.Int64, strict=False)
        return self._number(column, kind, numbers(raw))

    def _number(self, column: ColumnMap, kind: Kind, numbers: pl.Series) -> pl.Series:
        if kind == Kind.PERCENT:
            numbers = self._share(column, numbers)
        if kind == Kind.MINUTES:
            top, bottom = MINUTES[column.unit or self._rules.duration_unit]
            return (numbers * top / bottom).round(0).cast(pl.Int64, strict=False)
        if kind == Kind.HOURS and column.unit:
            top, bottom = HOURS[column.unit]
            numbers = numbers * top / bottom
        return numbers.cast(DTYPES[kind], strict=False)

    def _share(self, column: ColumnMap, numbers: pl.Series) -> pl.Series:
        """Return shares in percent; never guessed value by value.

        Raises:
            ScaleError: one is larger than the whole.
        """
        scale = column.scale or self._rules.progress_scale
        whole = 1 if scale == "fraction" else 100
        largest = numbers.cast(pl.Float64).max()
        if isinstance(largest, float) and largest > whole + PROGRESS_SLACK:
            other = "percent" if scale == "fraction" else "fraction"
            hint = f"; set 'progress_scale: {other}'" if scale == "fraction" else ""
            place = f"{self._where}.{column.columns[0]}"
            raise ScaleError(f"{place} holds {largest:g}, above {whole}, with 'progress_scale: {scale}'{hint}")
        return numbers * (100 if scale == "fraction" else 1)

    def _date(self, field: str, name: str, raw: Sequence[Any], made: Mapping[str, pl.Series]) -> pl.Series:
        kind = kind_of_date(name, self._table.dates)
        snap = Snap(SNAPPED[field]) if field in SNAPPED else None
        days = self._days.read(raw, kind, snap, _movable(made) if snap else None)
        self._report.faulty(self._where, name, raw, days, "no date that the model knows")
        return days

    def _lookup(self, column: ColumnMap, raw: Sequence[Any]) -> pl.Series:
        keys = texts(raw).str.to_lowercase()
        if column.field == "currency":
            return keys.replace_strict(self._rules.currencies, default=None, return_dtype=pl.String)
        return keys

    # --- choices ----------------------------------------------------------------------------------------------------

    def _is_rating(self, field: str) -> bool:
        return self._entity in {"risk", "issue"} and field in {"likelihood", "impact", "urgency"}

    def _mapped(self, column: ColumnMap, name: str, kind: Kind, raw: Sequence[Any], rows: Sequence[Row]) -> pl.Series:
        """Turn choice values into words; each value that the map lacks is reported once."""
        words = dict(column.map) or {str(one): str(one) for one in RATINGS}
        raw = [str(one) if isinstance(one, list | dict) else one for one in raw]
        found = {value: words.get(_written(value)) for value in set(raw)}
        for value in sorted((one for one, word in found.items() if word is None and one is not None), key=_written):
            text, at = _written(value), raw.index(value)
            label = rows[at].get(self._table.reads(name) + FORMATTED)
            shown = f"{text} ({label})" if label and label != text else text
            place = f"maps: {{{self._entity}.{column.field}: {{{text}: ...}}}}"
            self._report.word(self._where, name, shown, f"not known: '{place}' says what it means")
        made = pl.Series([found.get(one) for one in raw], dtype=pl.String)
        return made == "true" if kind == Kind.FLAG else made.cast(DTYPES[kind], strict=False)


def column_of(rows: Sequence[Row], name: str) -> list[Any]:
    """Return what stands under a name in each row; None where it does not stand at all."""
    try:
        return list(map(itemgetter(name), rows))  # the usual case, at the speed of C
    except KeyError:
        return [row.get(name) for row in rows]


def _written(value: object) -> str:
    """Return a choice's value as maps write it."""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _text(raw: Sequence[Any]) -> pl.Series:
    """Return texts, trimmed and composed; what is empty is null."""
    found = texts(raw).alias("text")
    if found.str.len_bytes().sum() != found.str.len_chars().sum():  # composing is slow, and most texts are plain
        found = found.str.normalize("NFC")
    plain = pl.col("text").str.strip_chars()
    return found.to_frame().select(pl.when(plain != "").then(plain)).to_series()


def _movable(made: Mapping[str, pl.Series]) -> pl.Series | None:
    """Say which rows last: the day of those without duration is as people see it."""
    for name in ("duration", "@days"):
        if name in made:
            return (made[name] > 0).fill_null(value=True) & ~_flag(made, "is_milestone")
    return ~_flag(made, "is_milestone") if "is_milestone" in made else None


def _flag(made: Mapping[str, pl.Series], name: str) -> pl.Series:
    if name in made:
        return made[name].fill_null(value=False)
    return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(made["key"]))
