"""The native key of each record: which columns it is made of, and which records cannot have one (spec sources 5.2)."""

from dataclasses import dataclass

import polars as pl
from pmo_watch_plugins.sources.csv_file.cells import mark_of, stripped, unmarked
from pmo_watch_plugins.sources.csv_file.column import listed
from pmo_watch_plugins.sources.csv_file.dates import MONTHS
from pmo_watch_plugins.sources.csv_file.grid import ROW
from pmo_watch_plugins.sources.csv_file.header import Wanted
from pmo_watch_plugins.sources.csv_file.profile import Form
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.shape import key_columns
from pmo_watch_plugins.sources.csv_file.values import RAW, Values

from pmo_watch.api import SourceDataError

KEY = "key"
SCOPE = "@scope"
SCOPES = ("scope", "project_id", "program_id")
# What Excel makes of codes: 1,23457E+11 of a long number, days of 3-4 or mar1. Capitals are nobody's display of a day.
_ROUNDED = r"^\d(?:[.,]\d+)?E\+\d{2,3}$"
_MONTH = "(?:" + "|".join(sorted((name for name in MONTHS if len(name) > 2), key=len, reverse=True)) + r")\.?"
_DAY = (
    r"^\d{1,2}[/-]\d{1,2}[/-](?:\d{4}|\d{2})$|^\d{1,2}\.\d{1,2}\.\d{4}$|^\d{4}-\d\d-\d\d$"
    rf"|^\d{{1,2}}-(?i:{_MONTH})$|^[\p{{L}}]\p{{Ll}}+\.?-\d{{2}}$"
)
_MONTH_YEAR = rf"^(?i:{_MONTH})-\d{{2}}$"
LONGEST_DAY = len("septembre.-26")
_LETTERS_FIRST = r"^\p{L}"


@dataclass(frozen=True, slots=True, eq=False)
class Keyed:
    """The records that have a key, with a column `key`; the columns it is made of; whether each key occurs once."""

    frame: pl.DataFrame
    columns: tuple[str, ...]
    unique: bool


def with_keys(values: Values, wanted: Wanted, settled: tuple[str, ...], report: Report) -> Keyed:
    """Give every record its key; reject those without, and those that Excel damaged.

    `settled`: the columns the key was made of before, so that it does not change by itself.

    Raises:
        SourceDataError: the file has no longer the columns that the key was made of.
    """
    other = wanted.profile.widened_by
    frame = _with_scope(values.frame)
    named = key_columns(wanted, dict.fromkeys(frame.columns, ""))
    frame = _reject_damaged(values, frame, named, wanted, report)
    frame = _reject_without_key(values, frame, named, wanted, report)
    wide = (*named, other)
    may_widen = len(named) == 1 and not wanted.key() and other in frame.columns
    if settled and settled not in (named, wide):
        raise SourceDataError(
            f"{values.table.grid.header_place}: rows were known by {listed(settled, 'and')} when the list was last "
            f"read, now it would be {listed(named, 'and')}: set 'key:' to the columns that identify a row"
        )
    keyed = frame.with_columns(_joined(named, frame, wanted))
    unique = _is_unique(keyed[KEY])
    columns = settled or (wide if may_widen and not unique and _one_key_in_several(keyed, other) else named)
    if columns != named:
        keyed = frame.with_columns(_joined(columns, frame, wanted))
    return Keyed(keyed, columns, unique)


def _with_scope(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a scope is read from: its own column, a project, a programme."""
    found = [one for one in SCOPES if one in frame.columns]
    return frame.with_columns(pl.coalesce(found).alias(SCOPE)) if found else frame


def key_part(name: str, frame: pl.DataFrame) -> pl.Expr:
    """Return a part of a key as text: as written, before `maps` touches it."""
    column = SCOPE if name == "scope" else name
    if f"{RAW}{name}" in frame.columns:
        return pl.when(pl.col(column).is_not_null()).then(f"{RAW}{name}")
    return pl.col(column).cast(pl.String)


def _joined(columns: tuple[str, ...], frame: pl.DataFrame, wanted: Wanted) -> pl.Expr:
    parts = [key_part(one, frame) for one in columns]
    if len(parts) == 1:
        return parts[0].alias(KEY)
    lack = _may_lack(wanted)
    filled = [part.fill_null("") if one in lack else part for part, one in zip(parts, columns, strict=True)]
    return pl.concat_str(filled, separator="/").alias(KEY)


def _may_lack(wanted: Wanted) -> frozenset[str]:
    return frozenset({*wanted.profile.may_lack, *wanted.profile.more_key})


def _is_unique(key: pl.Series) -> bool:
    return key.hash().n_unique() == key.len()  # far cheaper than comparing texts


def _one_key_in_several(frame: pl.DataFrame, other: str) -> bool:
    """Say whether one key stands for rows of several projects."""
    pairs = frame.select(KEY, other).unique()
    return pairs.height > pairs[KEY].n_unique()


def _reject_damaged(
    values: Values, frame: pl.DataFrame, named: tuple[str, ...], wanted: Wanted, report: Report
) -> pl.DataFrame:
    """Reject records whose code Excel took for a number or a day."""
    bad: dict[int, tuple[str, str, str]] = {}
    for name in named:
        if name in values.table.columns and name != "name" and wanted.profile.columns[name].form == Form.TEXT:
            for row, text, reason in _damaged(values, values.table.columns[name]).iter_rows():
                bad.setdefault(row, (name, text, reason))
    for row, (name, text, reason) in sorted(bad.items()):
        report.record(values.table.grid.place(row), values.header(name), text, reason)
    return frame.filter(~pl.col(ROW).is_in(list(bad))) if bad else frame


def _damaged(values: Values, column: str) -> pl.DataFrame:
    code = pl.col(column)
    # Few codes begin with a digit or are as short as a day: only those need a closer look.
    near = values.table.cells.filter(code.is_between(pl.lit("0"), pl.lit(":")) | (code.str.len_bytes() <= LONGEST_DAY))
    suspect = code.str.contains(rf"{_ROUNDED}|{_DAY}")
    if values.table.grid.marked:
        near, suspect = values.table.cells, suspect | (mark_of(code) == "date")
    found: pl.DataFrame = near.filter(suspect).select(ROW, text=unmarked(stripped(column)), native=mark_of(code))
    rounded = pl.col("text").str.contains(_ROUNDED)
    # Any word and two digits look like month and year: only those with a month's name are.
    dated = ~pl.col("text").str.contains(_LETTERS_FIRST) | pl.col("text").str.contains(_MONTH_YEAR)
    return (
        found.filter(rounded | dated | (pl.col("native") == "date").fill_null(value=False))
        .with_columns(
            reason=pl.when(rounded)
            .then(pl.lit("a number replaced the code: format the column as text and type the code again"))
            .otherwise(pl.lit("a date replaced the code: format the column as text and type the code again"))
        )
        .select(ROW, "text", "reason")
    )


def _reject_without_key(
    values: Values, frame: pl.DataFrame, named: tuple[str, ...], wanted: Wanted, report: Report
) -> pl.DataFrame:
    """Reject records that lack a part of their key; among people, a vacant role has no address."""
    needed = [one for one in named if one not in _may_lack(wanted)] or list(named)
    lacking = pl.any_horizontal([key_part(one, frame).is_null() for one in needed])
    if wanted.profile.name == "people":
        vacant = pl.col("role").is_not_null() if values.has("role") else pl.lit(value=False)
        lacking = pl.col("email").is_null() & ~vacant
    without = frame.filter(lacking)
    if without.is_empty():
        return frame
    for record in without.select(ROW, **{one: key_part(one, frame) for one in needed}).iter_rows(named=True):
        empty = [values.header("project_id" if one == "scope" else one) for one in needed if record[one] is None]
        report.record(
            values.table.grid.place(record[ROW]),
            empty[0],
            "",
            "no key: nothing readable in " + listed([f"'{one}'" for one in empty]),
        )
    return frame.filter(~lacking)


def without_repeats(values: Values, frame: pl.DataFrame, header: str, report: Report) -> pl.DataFrame:
    """Keep the first of several records of one key, and reject the others."""
    if _is_unique(frame[KEY]):
        return frame
    grid = values.table.grid
    firsts = frame.group_by(KEY, maintain_order=True).agg(pl.col(ROW).first().alias("first"))
    twice = frame.filter(~pl.col(KEY).is_first_distinct()).join(firsts, on=KEY, how="left", maintain_order="left")
    for row, text, first in twice.select(ROW, KEY, "first").iter_rows():
        report.record(
            grid.place(row), header, text, f"the key of {grid.line_word} {grid.line(first)} again: that one counts"
        )
    return frame.filter(pl.col(KEY).is_first_distinct())
