"""A workbook's cell as text, with what its format says of it: percent, currency, date (spec sources 5.5)."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from pmo_watch_plugins.sources.csv_file.cells import MARK, MARK_END, visible
from pmo_watch_plugins.sources.csv_file.numbers import CODES, ISO_CODES

_TEXT_PARTS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_SIGN = re.compile(r'\[\$([^\]\-]+)[^\]]*\]|"\s*([^"]+?)\s*"|([€£¥$])')
EXACT_DIGITS = 15  # of a spreadsheet's number; what comes behind is noise


class Cell(Protocol):
    """What openpyxl's kinds of cell have in common."""

    @property
    def value(self) -> object:
        """What the cell holds."""
        ...

    @property
    def number_format(self) -> str:
        """How it is shown."""
        ...


def marked(kind: str, text: str) -> str:
    """Return a text with what a workbook knows of it: number, percent, date, bool, or the currency of an amount."""
    return f"{MARK}{kind}{MARK_END}{text}"


def text_of(cell: Cell) -> str | None:
    """Return the cell as text, marked with what the workbook knows of it; None when it is empty."""
    value = cell.value
    if value is None or isinstance(value, str):
        return value if value is None or value.isascii() else unicodedata.normalize("NFC", visible(value))
    if isinstance(value, bool):
        return marked("bool", "true" if value else "false")
    if isinstance(value, datetime):
        return marked("date", _moment(value))
    if isinstance(value, date | time):
        return marked("date", value.isoformat())
    if isinstance(value, timedelta):
        return marked("number", f"{_exact(value.total_seconds() / 3600)} h")
    if isinstance(value, int | float | Decimal):
        return _number(value, kind_of(cell.number_format))
    return str(value)


def _moment(value: datetime) -> str:
    # The float behind a time is off by microseconds.
    whole = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    return whole.date().isoformat() if whole.time() == time() else whole.isoformat(sep=" ")


def _number(value: float | Decimal, kind: str) -> str:
    if kind == "percent":
        return marked(kind, f"{_exact(value, 2)}%")
    return marked(kind, _exact(value))


def _exact(value: float | Decimal, shift: int = 0) -> str:
    """Return a number in full, without the noise of binary fractions; `shift` moves the point to the right."""
    number: Decimal = Decimal(f"{value:.{EXACT_DIGITS}g}").scaleb(shift)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=512)
def kind_of(number_format: str) -> str:
    """Return what a number format says: `percent`, the code of a currency, or just `number`."""
    if "%" in _TEXT_PARTS.sub("", number_format):
        return "percent"
    for found in _SIGN.finditer(number_format):
        sign: str = next(filter(None, found.groups())).strip().upper()
        code: str = CODES.get(sign, sign)
        if code in ISO_CODES:
            return code
    return "number"


def plain_text(text: str | None) -> str:
    """Return a cell's text without what the workbook knows of it."""
    if text is None or not text.startswith(MARK):
        return text or ""
    return text.partition(MARK_END)[2]
