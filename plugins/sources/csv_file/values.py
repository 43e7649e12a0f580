"""The columns of a file as values of the model's types, each decided by all its cells before any row is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl
from pmo_watch_plugins.sources.csv_file.amounts import (
    Decided,
    read_amounts,
    read_durations,
    read_percent,
    read_steps,
)
from pmo_watch_plugins.sources.csv_file.cells import NULL_WORDS, is_formula_error, stripped, unmarked
from pmo_watch_plugins.sources.csv_file.choices import read_colours, read_flags, read_lists, read_words
from pmo_watch_plugins.sources.csv_file.column import Column, Rules
from pmo_watch_plugins.sources.csv_file.dates import read_dates, read_moments, without_placeholders
from pmo_watch_plugins.sources.csv_file.grid import ROW
from pmo_watch_plugins.sources.csv_file.header import Wanted
from pmo_watch_plugins.sources.csv_file.meanings import artefact_words
from pmo_watch_plugins.sources.csv_file.periods import read_periods
from pmo_watch_plugins.sources.csv_file.profiles import Form, Spec
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.shape import Table
from pmo_watch_plugins.sources.csv_file.vocabulary import fold, unit_of

from pmo_watch.api import SourceRefused

RAW = "@raw:"  # in front of a column's name: its texts before `maps`
TEXTS = frozenset({Form.TEXT, Form.EMAIL})
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
    constants = {wanted.column(name, "constants"): text for name, text in wanted.settings.constants.items()}
    plain = [
        one for one in table.columns if specs[one].form in TEXTS and one not in constants and not _words(one, wanted)
    ]
    frame = table.cells.select(ROW, *[_text(table, specs[one], rules) for one in plain])
    for name in plain:
        frame = _without_errors(frame, name, table, report)
    decided: dict[str, Decided] = {name: Decided(frame[name], "") for name in plain}
    for name in table.columns:
        if name not in decided and name not in constants:
            decided[name] = _decide(_column(table, name, wanted), wanted, rules, report)
    for name, text in constants.items():
        decided[name] = _constant(table, name, text, wanted, rules)
    for name in [*table.columns, *(one for one in constants if one not in table.columns)]:
        report.decisions.append(_said(table, name, decided[name], constants, specs[name]))
    currencies = {name: one.currencies for name, one in decided.items() if one.currencies is not None}
    columns = [one.values.alias(name) for name, one in decided.items()]
    mapped = [
        name for name in table.columns if specs[name].form in TEXTS and name not in plain and name not in constants
    ]
    written = [_text(table, specs[name], rules).alias(f"{RAW}{name}") for name in mapped]
    frame = table.cells.select(ROW, *written).with_columns(columns)
    dates = [name for name in decided if specs[name].form == Form.DATE]
    frame, gone = without_placeholders(frame, dates, rules.placeholders)
    report.decisions += [f"{table.grid.name}: {day} stands where there is no date: null" for day in gone]
    return Values(table, frame, currencies)


def _words(name: str, wanted: Wanted) -> dict[str, str]:
    """Return folded word -> what `maps` makes of it in this column."""
    found: dict[str, str] = {}
    for column, words in wanted.settings.maps.items():
        if wanted.column(column, "maps") == name:
            found |= {fold(word): text for word, text in words.items()}
    if name == "artefact":
        return artefact_words() | found
    return found


def _text(table: Table, spec: Spec, rules: Rules) -> pl.Expr:
    column = table.columns[spec.name]
    text = unmarked(stripped(column)) if table.grid.marked else stripped(column)
    text = text.str.to_lowercase() if spec.form == Form.EMAIL else text
    words = [form(word) for word in (*NULL_WORDS, *rules.null_words) for form in (str, str.upper, str.lower, str.title)]
    return pl.when((text != "") & ~text.is_in(words)).then(text).alias(spec.name)


def _without_errors(frame: pl.DataFrame, name: str, table: Table, report: Report) -> pl.DataFrame:
    """Make what is left of broken formulas null, and report it."""
    if not frame[name].str.starts_with("#").any():
        return frame
    broken = frame.filter(is_formula_error(pl.col(name)))
    found = [
        (table.grid.place(row), text, "the result of a formula that failed")
        for row, text in broken.select(ROW, name).iter_rows()
    ]
    if found:
        report.cells(found, table.header(name), len(found))
    return frame.with_columns(pl.when(~is_formula_error(pl.col(name))).then(name).alias(name))


def _column(table: Table, name: str, wanted: Wanted) -> Column:
    raw = table.cells[table.columns[name]]
    header = table.header(name)
    return Column(
        wanted.profile.columns[name],
        header,
        table.label(name),
        unit_of(header),
        raw,
        table.cells[ROW],
        table.grid,
        _words(name, wanted),
    )


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


def _said(table: Table, name: str, one: Decided, constants: Mapping[str, str], spec: Spec) -> str:
    where = "constant" if name in constants else table.label(name)
    return f"{table.grid.name}: {where} -> {name}: {', '.join(filter(None, (spec.form.value, one.said)))}"
