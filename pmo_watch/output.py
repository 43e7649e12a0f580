"""How commands print: a table for people, JSON alone on standard output for programs; all else on standard error."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.table import Table

Rows = Sequence[Mapping[str, Any]]

NARROW, LONG_NAME, UNFOLDED = 120, 40, 4000  # signs


class Format(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


def said(text: str = "") -> None:
    """Print a line for people: on standard error, so that it never gets into a result."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # this module is what prints


def printed(text: str) -> None:
    """Print a result as it is."""
    print(text, flush=True)  # noqa: T201  # this module is what prints


def as_json(value: object) -> object:
    """Turn what JSON does not know into text: dates, moments in RFC 3339, exact amounts."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def show_json(value: object) -> None:
    """Print a result as JSON."""
    printed(json.dumps(value, default=as_json, ensure_ascii=False, indent=2))


def show(
    rows: Rows, columns: Sequence[str], form: Format, empty: str = "nothing", narrow: Sequence[str] | None = None
) -> None:
    """Print rows as a table of these columns, or all that they hold as JSON.

    `narrow`: the columns of a terminal of fewer than 120 signs, where that many do not fit; None: the same.
    """
    if form is Format.JSON:
        show_json(rows)
        return
    if not rows:
        said(empty)
        return
    console = _console()
    shown = narrow if narrow and console.width < NARROW else columns
    console.print(_table(rows, shown), soft_wrap=not console.is_terminal)


def _console() -> Console:
    """Return where tables go. Without a terminal nothing is folded: a line is a row, for grep and for reading logs."""
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = UNFOLDED
    return console


def _table(rows: Rows, columns: Sequence[str]) -> Table:
    """Return the table of these columns. The first names the row, and stays whole unless it is very long."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    for number, column in enumerate(columns):
        whole = number == 0 and all(len(one[0]) <= LONG_NAME for one in cells)
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=whole)
    for one in cells:
        table.add_row(*one)
    return table


def cell(value: object) -> str:
    """Return a value as a table shows it; what is missing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(one) for one in value)
    return str(value)
