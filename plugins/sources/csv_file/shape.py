"""Which lines below the header are records, and what goes down from line to line (spec sources 5.2)."""

from dataclasses import dataclass, replace

import polars as pl
from pmo_watch_plugins.sources.csv_file.cells import is_blank, stripped
from pmo_watch_plugins.sources.csv_file.grid import ROW, Grid, column_names
from pmo_watch_plugins.sources.csv_file.header import Wanted
from pmo_watch_plugins.sources.csv_file.profile import TEXTS
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.vocabulary import tidy

from pmo_watch.api import SourceDataError, SourceRefused

GROUP = "@group"
_CASES = (str.lower, str.upper, str.capitalize, str.title)
TOTALS = ("total", "totaal", "somme", "sum", "gesamt")
# Alone in a cell that may be a key: a milestone may be called "Total migration", but not "Grand total".
WHOLE_TOTALS = (
    *TOTALS, "totals", "totaux", "summe", "gesamtsumme", "grand total", "general total", "subtotal", "sub-total",
    "sub total", "total général", "total general", "sous-total", "sous total", "algemeen totaal", "eindtotaal",
    "subtotaal",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The records of a file: `columns` says canonical header -> column of `cells`, where texts are trimmed."""

    grid: Grid
    cells: pl.DataFrame
    columns: dict[str, str]

    def header(self, name: str) -> str:
        """Return a column's header as the file writes it."""
        column = self.columns[name]
        return "section line" if column == GROUP else tidy(self.grid.header[int(column[1:])])

    def label(self, name: str) -> str:
        """Return a column as messages name it."""
        column = self.columns[name]
        return "the section lines" if column == GROUP else self.grid.label(int(column[1:]))


def key_columns(wanted: Wanted, columns: dict[str, str]) -> tuple[str, ...]:
    """Return the columns that identify a row: the settings', the profile's, or those for a file without its own."""
    profile = wanted.profile
    own: tuple[str, ...] = wanted.key()
    if own:
        return own
    given = set(columns) | wanted.given()
    if profile.else_key and profile.key[0] not in given:
        return (*profile.else_key, *(one for one in profile.more_key if one in given))
    own_id = len(profile.key) == 1 and profile.else_key
    return profile.key if own_id else (*profile.key, *(one for one in profile.more_key if one in given))


def shape(grid: Grid, columns: dict[str, int], wanted: Wanted, report: Report) -> Table:
    """Leave out what is no record, and reject what cannot be one.

    Raises:
        SourceRefused: there are more rows than `max_rows`.
        SourceDataError: the result of a formula in a key column was never calculated.
    """
    names = {name: f"c{position}" for name, position in columns.items()}
    keys = [names[one] for one in _key_candidates(key_columns(wanted, names)) if one in names]
    _report_uncalculated(grid, names, keys, report)
    texts = [column for name, column in names.items() if wanted.profile.columns[name].form in TEXTS]
    trimmed = grid.cells.with_columns(stripped(one) for one in texts)
    table = Table(grid, trimmed, names)
    # A line without its key, or with nothing else that a record must have, may be none.
    others = [names[one] for group in wanted.groups() for one in group if one in names and names[one] not in keys]
    odd = _odd_lines(table, [_is_empty(one, texts) for one in [*keys, *others[:1]]], keys, wanted)
    dropped = _drop_odd(table, odd, wanted, report) | _reject_shifted(grid, odd, report)
    _report_lacking(grid, dropped, report)
    groups = _group_values(trimmed, odd) if wanted.group_column() else None
    cells = trimmed if groups is None else trimmed.with_columns(groups.alias(GROUP))
    if dropped:
        cells = cells.filter(~pl.col(ROW).is_in(sorted(dropped)))
    if cells.height > wanted.settings.max_rows:
        raise SourceRefused(
            f"{grid.name}: has {cells.height} rows, more than 'max_rows: {wanted.settings.max_rows}': raise it, or "
            "part the file"
        )
    report.records += cells.height + report.lost
    return _filled(replace(table, cells=cells), wanted)


def _key_candidates(keys: tuple[str, ...]) -> list[str]:
    """Return the columns of the file that may hold a key: a scope is read from any of three."""
    return [one for key in keys for one in (("scope", "project_id", "program_id") if key == "scope" else (key,))]


def _report_uncalculated(grid: Grid, names: dict[str, str], keys: list[str], report: Report) -> None:
    for column, rows in grid.uncalculated.items():
        if column in keys:
            raise SourceDataError(
                f"{grid.place(rows[0])}: {grid.label(int(column[1:]))} identifies rows, but its formula was never "
                "calculated: open and save the workbook once"
            )
        if column in names.values():
            found = [(grid.place(row), "", "formula never calculated: open and save the workbook once") for row in rows]
            report.cells(found, tidy(grid.header[int(column[1:])]), len(found))


def _is_empty(column: str, trimmed: list[str]) -> pl.Expr:
    # Blanks alone are found in the texts of a line: to look for them everywhere would cost more than it tells.
    return pl.col(column).is_null() | (pl.col(column) == "") if trimmed else is_blank(column)


def _odd_lines(table: Table, without: list[pl.Expr], keys: list[str], wanted: Wanted) -> pl.DataFrame:
    """Return the lines that may be no record, with what speaks for it.

    `without`: whether a cell is empty in each column that every record has; lines with all of them, and no total where
    the key stands, are records.
    """
    names = column_names(len(table.grid.header))
    suspect = pl.any_horizontal(without) if without else pl.lit(value=True)
    for key in keys[:1]:
        suspect = suspect | pl.col(key).is_in([*_total_texts(wanted), table.grid.header[int(key[1:])].strip()])
    odd = table.cells.filter(suspect.fill_null(value=False)).with_columns(stripped(one).fill_null("") for one in names)
    filled = [pl.col(one) != "" for one in names]
    first = pl.coalesce([pl.when(one).then(pl.lit(name)) for one, name in zip(filled, names, strict=True)])
    same = [pl.col(one) == text.strip() for one, text in zip(names, table.grid.header, strict=True) if text.strip()]
    odd = odd.with_columns(
        filled=pl.sum_horizontal(filled),
        first=first,
        text=pl.coalesce([pl.when(one).then(pl.col(name)) for one, name in zip(filled, names, strict=True)]),
        keys=pl.sum_horizontal([pl.col(one) != "" for one in keys]) if keys else pl.lit(0),
        header=pl.all_horizontal(same),
    )
    return odd.with_columns(_verdict(keys, wanted).alias("verdict"))


def _total_texts(wanted: Wanted) -> list[str]:
    """Return the texts that a total line may have where a key would stand."""
    words = [form(one.strip()) for one in (*WHOLE_TOTALS, *wanted.settings.skip_rows) for form in _CASES]
    return [f"{word}{end}" for word in words for end in ("", ":", " :")]


def _verdict(keys: list[str], wanted: Wanted) -> pl.Expr:
    words = [one.strip().lower() for one in wanted.settings.skip_rows]
    each = pl.col("text").str.to_lowercase().str.extract_all(r"[\p{L}]+")
    has_word = each.list.set_intersection(pl.lit([*TOTALS, *words], dtype=pl.List(pl.String))).list.len() > 0
    has_word = has_word | pl.col("text").str.to_lowercase().is_in(words)
    in_key = pl.col("first").is_in(keys)
    total = (in_key & (pl.col("keys") == 1) & pl.col("text").is_in(_total_texts(wanted))) | (
        ~in_key & (pl.col("keys") == 0) & has_word
    )
    # With a key alone a row may be a record where nothing else is asked for.
    asks_more = len(wanted.groups()) > 1 or len(keys) > 1
    section = (pl.col("filled") == 1) & ((pl.col("keys") == 0) | pl.lit(asks_more))
    return (
        pl.when(pl.col("filled") == 0)
        .then(pl.lit("empty"))
        .when("header")
        .then(pl.lit("header"))
        .when(total)
        .then(pl.lit("total"))
        .when(section)
        .then(pl.lit("section"))
        .otherwise(pl.lit(""))
    )


def _drop_odd(table: Table, odd: pl.DataFrame, wanted: Wanted, report: Report) -> set[int]:
    grouped = wanted.group_column()
    for row, text, verdict in odd.select(ROW, "text", "verdict").iter_rows():
        where = table.grid.place(row)
        if verdict == "header":
            report.cell(where, "", text, "the header again: skipped")
        elif verdict == "total":
            report.cell(where, "", text, "a total line: skipped")
        elif verdict == "section" and not grouped:
            report.record(where, "", text, "one filled cell and no key: a section line? 'group_column:' takes its text")
    return set(odd.filter(pl.col("verdict") != "")[ROW])


def _reject_shifted(grid: Grid, odd: pl.DataFrame, report: Report) -> set[int]:
    """Reject rows with more filled cells than there are headers: one value stands in two columns.

    A workbook's cells know their column: what stands beside the table is a note.
    """
    shifted: dict[int, tuple[int, str]] = {row: (0, text) for row, text in grid.exceeding.items()}
    nameless = [f"c{at}" for at, text in enumerate(grid.header) if not tidy(text)]
    if nameless and not grid.marked:
        names = column_names(len(grid.header))
        beyond = grid.cells.filter(pl.any_horizontal([~is_blank(one) for one in nameless]))
        counted = beyond.select(
            ROW,
            filled=pl.sum_horizontal([~is_blank(one) for one in names]),
            text=pl.concat_str(names, separator=" | ", ignore_nulls=True),
        )
        most = len(names) - len(nameless)
        shifted |= {row: (filled, text) for row, filled, text in counted.filter(pl.col("filled") > most).iter_rows()}
    known = set(odd.filter(pl.col("verdict") != "")[ROW])
    for row, (_, text) in sorted(shifted.items()):
        if row not in known:
            report.record(grid.place(row), "", text, "more filled cells than headers: the row may be shifted")
    return set(shifted)


def _report_lacking(grid: Grid, dropped: set[int], report: Report) -> None:
    for row, number in grid.lacking.items():
        if row not in dropped:
            missing = ", ".join(f"'{tidy(one)}'" for one in grid.header[-number:])
            plural = "s" if number > 1 else ""
            report.cell(grid.place(row), "", "", f"{number} cell{plural} fewer than the header: no {missing}")


def _group_values(cells: pl.DataFrame, odd: pl.DataFrame) -> pl.Series:
    """Return for each line the text of the section line above it."""
    sections = odd.filter(pl.col("verdict") == "section").select(ROW, group="text")
    return cells.select(ROW).join(sections, on=ROW, how="left", maintain_order="left")["group"].forward_fill()


def _filled(table: Table, wanted: Wanted) -> Table:
    """Carry values down: of merged cells from the row above, of section lines to the rows below."""
    cells, columns = table.cells, dict(table.columns)
    down = [columns[one] for one in wanted.named(wanted.settings.fill_down, "fill_down") if one in columns]
    if down:
        cells = cells.with_columns(pl.when(~is_blank(one)).then(one).forward_fill().alias(one) for one in down)
    group = wanted.group_column()
    if group:
        own = columns.get(group)
        if own:
            cells = cells.with_columns(pl.when(~is_blank(own)).then(own).otherwise(GROUP).alias(own))
        else:
            columns[group] = GROUP
    return Table(table.grid, cells, columns)
