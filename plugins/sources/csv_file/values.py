"""The columns of a file as values of the model's types, each decided by all its cells before any row is read."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import polars as pl
from pmo_watch_plugins.sources.csv_file.amounts import (
    Decided,
    read_amounts,
    read_durations,
    read_percent,
    read_steps,
)
from pmo_watch_plugins.sources.csv_file.cells import NULL_WORDS, is_formula_error, unmarked
from pmo_watch_plugins.sources.csv_file.choices import read_colours, read_flags, read_lists, read_words
from pmo_watch_plugins.sources.csv_file.column import Column, Rules
from pmo_watch_plugins.sources.csv_file.dates import read_dates, read_moments, without_placeholders
from pmo_watch_plugins.sources.csv_file.grid import ROW
from pmo_watch_plugins.sources.csv_file.header import Wanted
from pmo_watch_plugins.sources.csv_file.meanings import artefact_words
from pmo_watch_plugins.sources.csv_file.periods import read_periods
from pmo_watch_plugins.sources.csv_file.profile import TEXTS, Form, Spec
from pmo_watch_plugins.sources.csv_file.report import MOST_ALIKE, Report
from pmo_watch_plugins.sources.csv_file.shape import Table
from pmo_watch_plugins.sources.csv_file.vocabulary import fold, unit_of

from pmo_watch.api import SourceRefused

RAW = "@raw:"  # in front of a column's name: its texts before `maps`
MANY_ROWS = 20_000  # from here on it pays to decide two columns at a time
READERS = {
    Form.FLAG: read_flags,
    Form.COLOUR: read_colours,
    Form.COUNT: read_amounts,
    Form.NUMBER: read_amounts,
    Form.MONEY: read_amounts,
    Form.STEPS: read_steps,
    Form.PERCENT: read_percent,
    Form.HOURS: read_durations,
    Form.MINUTES: read_durations,
    Form.DATE: read_dates,
    Form.MOMENT: read_moments,
    Form.PERIOD: read_periods,
    Form.PERIOD_END: read_periods,
    Form.WEEK: read_periods,
    Form.LIST: read_lists,
}


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The records as values: `@row` and a column per canonical header; `currencies` per column of amounts."""

    table: Table
    frame: pl.DataFrame
    currencies: Mapping[str, pl.Series]

    def has(self, name: str) -> bool:
        """Say whether the file, or a constant, gives the column."""
        return name in self.frame.columns

    def header(self, name: str) -> str:
        """Return a column's header, or its canonical one for a constant."""
        return self.table.header(name) if name in self.table.columns else name


def read_values(table: Table, wanted: Wanted, rules: Rules, report: Report) -> Values:
    """Read every column of the profile that the file has.

    Raises:
        SourceDataError: a column contradicts itself, or does not prove what must be known to read it.
        SourceRefused: a constant is no value of its column.
    """
    specs = wanted.profile.columns
    constants = wanted.constants()
    given = [name for name in table.columns if name not in constants]
    words = {name: _words(name, wanted) for name in given}
    plain = [name for name in given if specs[name].form in TEXTS and not words[name]]
    decided = _texts(table, [specs[name] for name in plain], rules, report)
    columns = [_column(table, specs[name], words[name]) for name in given if name not in decided]
    for column, (one, own) in zip(columns, _each(columns, wanted, rules, table.cells.height), strict=True):
        decided[column.spec.name] = one
        report.add(own)
    for name, text in constants.items():
        decided[name] = _constant(table, name, text, wanted, rules)
    for name in [*table.columns, *(one for one in constants if one not in table.columns)]:
        where = "constant" if name in constants else table.label(name)
        said = ", ".join(filter(None, (specs[name].form.value, decided[name].said)))
        report.decisions.append(f"{table.grid.name}: {where} -> {name}: {said}")
    written = [_text(table, one.spec).alias(f"{RAW}{one.spec.name}") for one in columns if one.spec.form in TEXTS]
    return _gathered(table, decided, written, wanted, rules, report)


def _gathered(
    table: Table, decided: dict[str, Decided], written: list[pl.Expr], wanted: Wanted, rules: Rules, report: Report
) -> Values:
    frame = table.cells.select(ROW, *written).with_columns(one.values.alias(name) for name, one in decided.items())
    dates = [name for name in decided if wanted.profile.columns[name].form == Form.DATE]
    frame, gone = without_placeholders(frame, dates, rules.placeholders)
    report.decisions += [f"{table.grid.name}: {day} stands where there is no date: null" for day in gone]
    return Values(table, frame, {name: one.currencies for name, one in decided.items() if one.currencies is not None})


def _words(name: str, wanted: Wanted) -> dict[str, str]:
    """Return folded word -> what `maps` makes of it in this column."""
    found: dict[str, str] = {}
    for column, words in wanted.settings.maps.items():
        if wanted.column(column, "maps") == name:
            found |= {fold(word): text for word, text in words.items()}
    return artefact_words() | found if name == "artefact" else found


def _each(columns: list[Column], wanted: Wanted, rules: Rules, rows: int) -> Iterable[tuple[Decided, Report]]:
    """Decide columns, several at a time where there are many rows; each has a report of its own."""

    def one(column: Column) -> tuple[Decided, Report]:
        own = Report()
        return _decide(column, wanted, rules, own), own

    if rows < MANY_ROWS:
        return map(one, columns)
    with ThreadPoolExecutor(max_workers=min(4, pl.thread_pool_size())) as pool:
        return list(pool.map(one, columns))


def _text(table: Table, spec: Spec) -> pl.Expr:
    text = pl.col(table.columns[spec.name])
    text = unmarked(text) if table.grid.marked else text
    return text.str.to_lowercase() if spec.form == Form.EMAIL else text


def _texts(table: Table, specs: list[Spec], rules: Rules, report: Report) -> dict[str, Decided]:
    """Return columns of plain text: words for unknown are null, and so are the remains of broken formulas."""
    cells = table.cells.select(ROW, *[_text(table, one).alias(one.name) for one in specs])
    words = [form(word) for word in (*NULL_WORDS, *rules.null_words) for form in (str, str.upper, str.lower, str.title)]
    filled = cells.select(
        ROW, *[pl.when((pl.col(one.name) != "") & ~pl.col(one.name).is_in(words)).then(one.name) for one in specs]
    )
    signs = filled.select(pl.col(one.name).is_between(pl.lit("#"), pl.lit("$"), closed="left").any() for one in specs)
    found = signs.row(0, named=True) if specs else {}
    return {
        name: Decided(_without_errors(filled, name, table, report) if sign else filled[name], "")
        for name, sign in found.items()
    }


def _without_errors(frame: pl.DataFrame, name: str, table: Table, report: Report) -> pl.Series:
    """Return a column without what is left of broken formulas, and report it."""
    broken = frame.filter(is_formula_error(pl.col(name)))
    reason = "the result of a formula that failed"
    found = [(table.grid.place(row), text, reason) for row, text in broken.select(ROW, name).iter_rows()]
    if found:
        report.cells(found[:MOST_ALIKE], table.header(name), len(found))
    return frame.select(pl.when(~is_formula_error(pl.col(name))).then(name).alias(name)).to_series()


def _column(table: Table, spec: Spec, words: Mapping[str, str]) -> Column:
    raw = table.cells[table.columns[spec.name]]
    header = table.header(spec.name)
    label = table.label(spec.name)
    return Column(spec, header, label, unit_of(header), raw, table.cells[ROW], table.grid, words)


def _decide(column: Column, wanted: Wanted, rules: Rules, report: Report) -> Decided:
    form = column.spec.form
    if form == Form.WORD:
        return read_words(column, _entity_of(column.spec, wanted), rules, report)
    if form in TEXTS:
        known = column.distinct(rules)
        column.report_faults(known, report)
        known = known.filter(~pl.col("null"))
        said = "mapped words" if wanted.settings.maps else "known words"
        return Decided(column.spread(known.rename({"text": "value"}), pl.String()), said)
    return READERS[form](column, rules, report)


def _entity_of(spec: Spec, wanted: Wanted) -> str:
    """Return the entity whose words a column takes; roles in a list of people are those of `role`."""
    return "role" if spec.name == "role" else wanted.profile.entity


def _constant(table: Table, name: str, text: str, wanted: Wanted, rules: Rules) -> Decided:
    grid = replace(table.grid, name="constants", lines=None, first_line=1)
    column = Column(
        wanted.profile.columns[name], name, name, "", pl.Series([text]), pl.Series([0]), grid, _words(name, wanted)
    )
    report = Report()
    decided = _decide(column, wanted, rules, report)
    if report.rejected:
        raise SourceRefused(f"'constants' gives {name}: '{text}', which is {report.rejected[0].reason}")
    height = table.cells.height
    currencies = decided.currencies
    spread = None if currencies is None else currencies.new_from_index(0, height)
    return Decided(decided.values.new_from_index(0, height), f"'{text}' in every row", spread)
