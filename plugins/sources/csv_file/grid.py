"""The rows below a header as columns of text: read by Polars, by Python's `csv` only where Polars will not do."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
from pmo_watch_plugins.sources.csv_file.dialect import HeadRecord
from pmo_watch_plugins.sources.csv_file.header import letter
from pmo_watch_plugins.sources.csv_file.vocabulary import tidy

from pmo_watch.api import SourceDataError

ROW = "@row"


class NotUtf8Error(Exception):
    """The bytes below the header are not UTF-8: they must be decoded otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The rows of a file, as text.

    `cells`: `@row` (number from 0) and one column per header cell, `c0`, `c1` ...; null or blank where a cell is empty.
    `lines`: the line of each row where they do not simply follow `first_line`. `marked`: whether cells carry what a
    workbook knows of them. `lacking` and `exceeding`: rows with fewer cells than the header, or with filled cells
    beyond it, and which. `uncalculated`: rows by column whose formula has no result.
    """

    name: str
    header: tuple[str, ...]
    header_line: int
    cells: pl.DataFrame
    first_line: int
    lines: pl.Series | None = None
    marked: bool = False
    line_word: str = "line"
    lacking: Mapping[int, int] = field(default_factory=dict)
    exceeding: Mapping[int, str] = field(default_factory=dict)
    uncalculated: Mapping[str, list[int]] = field(default_factory=dict)

    def line(self, row: int) -> int:
        """Return the line that a row begins in."""
        return self.first_line + row if self.lines is None else int(self.lines[row])

    def place(self, row: int) -> str:
        """Return file and line of a row, as reports name it."""
        return f"{self.name}:{self.line_word} {self.line(row)}"

    @property
    def header_place(self) -> str:
        """Return file and line of the header."""
        return f"{self.name}:{self.line_word} {self.header_line}"

    def label(self, position: int) -> str:
        """Return a column as messages name it: letter and header."""
        return f"column {letter(position)} '{tidy(self.header[position])}'"


def column_names(count: int) -> list[str]:
    """Return the names of a grid's text columns."""
    return [f"c{number}" for number in range(count)]


def read_rows(data: bytes, separator: str, header: HeadRecord, name: str, *, plain: bool) -> Grid:
    """Read what stands below the header.

    `data`: UTF-8 without carriage returns inside cells. `plain`: every quotation mark begins or ends a cell.

    Raises:
        NotUtf8Error: see there.
        SourceDataError: a cell is longer than any spreadsheet's.
    """
    frame = _by_polars(data, separator, header) if plain else None
    if frame is not None and _is_even(frame, data, separator, header):
        lines = _lines_of(frame, header.next_line) if b'"' in data else None
        return Grid(name, header.cells, header.line, frame.with_row_index(ROW), header.next_line, lines)
    return _by_csv(data, separator, header, name)


def _by_polars(data: bytes, separator: str, header: HeadRecord) -> pl.DataFrame | None:
    names = column_names(len(header.cells))
    try:
        return pl.read_csv(
            data,
            has_header=False,
            separator=separator,
            quote_char='"' if b'"' in data else None,
            schema=dict.fromkeys(names, pl.String()),
            skip_lines=header.next_line - 1,
            raise_if_empty=False,
            missing_columns="insert",
            truncate_ragged_lines=False,
        )
    except pl.exceptions.ComputeError as fault:
        if "utf-8" in str(fault):
            raise NotUtf8Error from None
        return None  # a record with more cells than the header
    except pl.exceptions.PolarsError:
        return None


def _is_even(frame: pl.DataFrame, data: bytes, separator: str, header: HeadRecord) -> bool:
    """Say whether no record has fewer cells than the header; Polars has refused those with more."""
    if frame.is_empty():
        return True
    if not frame[:, -1].has_nulls():  # what is missing would be null
        return True
    start = 0
    for _ in range(header.next_line - 1):
        start = data.find(b"\n", start) + 1
    marks = data.count(separator.encode(), start)
    if b'"' in data:
        inside = frame.select(pl.sum_horizontal(pl.all().str.count_matches(separator, literal=True).sum())).item()
        marks -= int(inside or 0)
    return marks == frame.height * (frame.width - 1)


def _lines_of(frame: pl.DataFrame, first_line: int) -> pl.Series | None:
    """Return the line each record begins in; None when none of them spans lines."""
    breaks = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True))).to_series()
    if not breaks.sum():
        return None
    return breaks.cum_sum().shift(1, fill_value=0).cast(pl.Int64) + pl.int_range(
        first_line, first_line + frame.height, eager=True
    )


def _by_csv(data: bytes, separator: str, header: HeadRecord, name: str) -> Grid:
    width = len(header.cells)
    rows, lines = _parted(data, separator, header, name)
    lacking = {at: width - len(row) for at, row in enumerate(rows) if len(row) < width and any(map(str.strip, row))}
    exceeding = {
        at: separator.join(row) for at, row in enumerate(rows) if len(row) > width and any(map(str.strip, row[width:]))
    }
    even = [[*row[:width], *([None] * (width - len(row)))] for row in rows]
    schema = dict.fromkeys(column_names(width), pl.String())
    cells = pl.DataFrame(even, schema=schema, orient="row").with_row_index(ROW)
    numbers = pl.Series(lines, dtype=pl.Int64)
    return Grid(name, header.cells, header.line, cells, header.next_line, numbers, lacking=lacking, exceeding=exceeding)


def _parted(data: bytes, separator: str, header: HeadRecord, name: str) -> tuple[list[list[str]], list[int]]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise NotUtf8Error from None
    below = text.split("\n", header.next_line - 1)
    body = below[-1] if len(below) == header.next_line else ""
    pieces = body.removesuffix("\n").split("\n") if body else []
    reader = csv.reader((f"{line}\n" for line in pieces), delimiter=separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    before = 0
    try:
        for row in reader:
            rows.append(row)
            lines.append(header.next_line + before)
            before = reader.line_num
    except csv.Error as fault:
        raise SourceDataError(
            f"{name}:line {header.next_line + before}: {fault}: is a quotation mark missing?"
        ) from None
    return rows, lines
