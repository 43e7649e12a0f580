"""Workbooks: which sheet, which rows, where formulas have no result; read by openpyxl (spec sources 5.5)."""

import dataclasses
import io
import threading
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import openpyxl
import polars as pl
from openpyxl.utils.exceptions import InvalidFileException
from pmo_watch_plugins.sources.csv_file.grid import ROW, Grid, column_names
from pmo_watch_plugins.sources.csv_file.header import SEARCHED_RECORDS, Wanted, find_header, match_columns, no_header
from pmo_watch_plugins.sources.csv_file.reading import Sheet
from pmo_watch_plugins.sources.csv_file.sheet_cells import plain_text, text_of
from pmo_watch_plugins.sources.csv_file.vocabulary import tidy
from pmo_watch_plugins.sources.csv_file.workbook import check_workbook, has_formulas

from pmo_watch.api import SourceDataError, SourceRefused

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

MOST_EMPTY_ROWS = 1000
# What a reader of broken archives and broken XML may raise: openpyxl has no error of its own for them.
BROKEN = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, KeyError, ValueError, TypeError, IndexError, SyntaxError,
    AttributeError, EOFError, OSError, NotImplementedError,
)  # fmt: skip
# Python keeps its warnings for the whole process: two workbooks at a time would put back each other's.
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Line:
    """A row that holds something: its number from 1, and the text of each cell."""

    number: int
    cells: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """The rows (from 1) and columns (from 0) that a person does not see."""

    rows: frozenset[int] = frozenset()
    columns: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Opening:
    """What is opened, and what for."""

    data: bytes
    name: str
    wanted: Wanted


def read_workbook(data: bytes, name: str, wanted: Wanted) -> Sheet:
    """Read the named sheet, or the first visible one with a header.

    Raises:
        SourceDataError: it is no workbook of a kind that is read, or no sheet has a header.
        SourceRefused: it unpacks to too much, or has no sheet of the name.
    """
    check_workbook(data, name, wanted.settings.max_size_mb)
    try:
        with ONE_AT_A_TIME, warnings.catch_warnings():
            # Styles, validations and pictures that openpyxl leaves out are no business of a list.
            warnings.simplefilter("ignore")
            return _read(Opening(data, name, wanted))
    except BROKEN as fault:
        raise SourceDataError(f"{name}: cannot be read as a workbook ({fault}): open it and save it again") from None


def _read(opening: Opening) -> Sheet:
    wanted = opening.wanted
    row = wanted.settings.header_row
    book = _opened(opening.data)
    hidden = _hidden(opening.data) if wanted.settings.skip_hidden else {}
    firsts: list[list[str]] = []
    for sheet in _sheets(book, opening.name, wanted):
        unseen = hidden.get(sheet.title, Hidden())
        lines = [line for line in islice(_lines(sheet, unseen), row or SEARCHED_RECORDS) if line.cells]
        texts = [[plain_text(one) for one in line.cells] for line in lines]
        at = find_header(texts, wanted) if row is None else _at_row(lines, row)
        if at is not None:
            above = [" | ".join(filter(None, map(tidy, cells))) for cells in texts[:at]]
            return _sheet(opening, sheet, lines[at], above, unseen)
        firsts += texts
    if row is not None:
        raise SourceDataError(f"{opening.name}: 'header_row: {row}' is empty or beyond the rows of the sheet")
    raise no_header(firsts, wanted, opening.name)


def _opened(data: bytes, *, results: bool = True) -> "Workbook":
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=results, keep_links=False)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what the file says of its own size may be wrong
    return book


def _sheets(book: "Workbook", name: str, wanted: Wanted) -> "Sequence[Worksheet]":
    said = wanted.settings.sheet
    sheets: list[Worksheet] = [*book.worksheets]
    if said is None:
        return [one for one in sheets if one.sheet_state == "visible"]
    if isinstance(said, int) and 1 <= said <= len(sheets):
        return [sheets[said - 1]]
    named = [one for one in sheets if one.title.casefold() == str(said).casefold()]
    if not named:
        titles = ", ".join(f"'{one.title}'" for one in sheets)
        raise SourceRefused(f"{name}: 'sheet: {said}' is not there; the workbook has {titles}")
    return named


def _hidden(data: bytes) -> dict[str, Hidden]:
    """Return what is hidden in each sheet: only the whole workbook in memory says that."""
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    found = {}
    for sheet in book.worksheets:
        rows = frozenset(number for number, one in sheet.row_dimensions.items() if one.hidden)
        spans = [(one.min, one.max) for one in sheet.column_dimensions.values() if one.hidden]
        columns = frozenset(at - 1 for first, last in spans for at in range(first or 1, (last or first or 1) + 1))
        found[sheet.title] = Hidden(rows, columns)
    return found


def _lines(sheet: "Worksheet", unseen: Hidden) -> Iterator[Line]:
    """Yield the rows that hold something; where too many hold nothing, a line without cells, and no more."""
    empty = 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts = [None if at in unseen.columns else text_of(cell) for at, cell in enumerate(cells)]
        if number in unseen.rows or not any(text and text.strip() for text in texts):
            empty += 1
            if empty >= MOST_EMPTY_ROWS:
                yield Line(number, ())
                return
            continue
        empty = 0
        yield Line(number, tuple(texts))


def _at_row(lines: list[Line], row: int) -> int | None:
    return next((at for at, line in enumerate(lines) if line.number == row), None)


def _sheet(opening: Opening, sheet: "Worksheet", header: Line, above: list[str], unseen: Hidden) -> Sheet:
    label = f"{opening.name}:{sheet.title}"
    limit = opening.wanted.settings.max_rows
    lines = []
    for line in _lines(sheet, unseen):
        if line.number > header.number:
            lines.append(line)
        if len(lines) > limit:
            raise SourceRefused(f"{label}: has more rows than 'max_rows: {limit}': raise it, or part the file")
    notes = [
        f"{label}: reading ended in row {one.number}, after {MOST_EMPTY_ROWS} empty ones"
        for one in lines[-1:]
        if not one.cells
    ]
    grid = _grid(header, [one for one in lines if one.cells], label)
    matched = match_columns(grid.header, opening.wanted, grid.header_place)
    grid = _with_uncalculated(opening.data, sheet, grid)
    titles = f"; above it: {' / '.join(filter(None, above))}" if any(above) else ""
    return Sheet(grid, matched, f"workbook, header in row {header.number}{titles}", tuple(notes))


def _grid(header: Line, lines: list[Line], label: str) -> Grid:
    width = max(len(line.cells) for line in [header, *lines])
    texts = [plain_text(one) for one in header.cells]
    even = [[*line.cells, *([None] * (width - len(line.cells)))] for line in lines]
    cells = pl.DataFrame(even, schema=dict.fromkeys(column_names(width), pl.String()), orient="row")
    return Grid(
        label,
        (*texts, *([""] * (width - len(texts)))),
        header.number,
        cells.with_row_index(ROW),
        header.number + 1,
        lines=pl.Series([line.number for line in lines], dtype=pl.Int64),
        marked=True,
        line_word="row",
    )


def _with_uncalculated(data: bytes, sheet: "Worksheet", grid: Grid) -> Grid:
    """Note the cells whose formula no program ever calculated.

    Where any formula of the sheet has a result, one without gave an empty text.
    """
    rows = {} if grid.lines is None else {int(number): row for row, number in enumerate(grid.lines)}
    if not rows or not has_formulas(data):
        return grid
    found: dict[str, list[int]] = {}
    last = max(rows)
    for number, cells in enumerate(_opened(data, results=False)[sheet.title].iter_rows(), 1):
        if number > last:
            break
        row = rows.get(number)
        for at, cell in enumerate(cells if row is not None else ()):
            if cell.data_type == "f" and row is not None:
                if grid.cells[f"c{at}"][row] is not None:
                    return grid
                found.setdefault(f"c{at}", []).append(row)
    return dataclasses.replace(grid, uncalculated=found)
