"""How a list is written: its separator, its quotation marks, the records at its beginning (spec sources 5.1)."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pmo_watch.api import SourceDataError

SEPARATORS = (";", ",", "\t", "|")
SHOWN = {";": "semicolon", ",": "comma", "\t": "tab", "|": "vertical bar"}
PROBED_RECORDS = 50
_SEP_LINE = re.compile(rb'"?sep=(.)"?\r?(?:\n|\Z)', re.I)


@dataclass(frozen=True, slots=True)
class HeadRecord:
    """A record of the beginning: its cells, the line it begins in and the line after it."""

    cells: tuple[str, ...]
    line: int
    next_line: int


def separator_line(data: bytes) -> str | None:
    """Return X of a first line `sep=X`; None without one."""
    found = _SEP_LINE.match(data)
    return found.group(1).decode("ascii", "ignore") or None if found else None


def head_records(text: str, separator: str, most: int, first_line: int = 1) -> Iterator[HeadRecord]:
    """Yield the first records, empty ones too, as the separator parts them; stops where the text cannot be parted."""
    reader = csv.reader(_lines(text), delimiter=separator)
    before = 0
    try:
        for cells in islice(reader, most):
            yield HeadRecord(tuple(cells), first_line + before, first_line + reader.line_num)
            before = reader.line_num
    except csv.Error:  # a cell longer than the reader takes: a quotation mark that never closes
        return


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end + 1
        yield text[start:end]
        start = end


def find_separator(text: str, name: str) -> str:
    """Return the separator that gives the most equal number of fields over the first records, read with quotes.

    A list of one column has none: then any will do.

    Raises:
        SourceDataError: two separators do equally well.
    """
    scores = {one: _score(text, one) for one in SEPARATORS}
    best = max(scores.values())
    if best == 0:
        return SEPARATORS[0]
    winners = [one for one, score in scores.items() if score == best]
    if len(winners) > 1:
        words = " and ".join(SHOWN[one] for one in winners)
        raise SourceDataError(
            f"{name}: {words} both part the first records alike: set 'delimiter:' to the one that separates cells"
        )
    return winners[0]


def _score(text: str, separator: str) -> int:
    """Count the records among the first that have the usual number of fields; 0 where that is one field."""
    filled = (
        len(one.cells) for one in head_records(text, separator, 10 * PROBED_RECORDS) if any(map(str.strip, one.cells))
    )
    widths = Counter(islice(filled, PROBED_RECORDS))
    usual = [(records, width) for width, records in widths.items() if width > 1]
    return max(usual)[0] if usual else 0


def has_strays(data: bytes, separator: str) -> bool:
    """Say whether a quotation mark stands where no quoted cell begins or ends."""
    if b'"' not in data:
        return False
    mark = re.escape(separator.encode())
    quoted = re.compile(rb'"(?<=[%s\n]")[^"]*(?:""[^"]*)*"(?=[%s\r\n]|\Z)' % (mark, mark))
    # The text begins a cell too: a line break in front stands for that.
    return b'"' in quoted.sub(b"", b"\n" + data)


def check_quotes(text: str, separator: str, name: str, first_line: int = 1) -> None:
    """Walk over the quotation marks of a text that has strays; one inside an unquoted cell is a letter.

    Raises:
        SourceDataError: a quoted cell never closes, or closes in the middle of a cell some lines on.
    """
    at = text.find('"')
    while at != -1:
        if at and text[at - 1] not in (separator, "\n", "\r"):
            at = text.find('"', at + 1)
            continue
        close = _closing(text, at)
        opened = f"{name}:line {{}}: a quotation mark opens here and "
        if close == -1:
            line = first_line + text.count("\n", 0, at)
            raise SourceDataError(opened.format(line) + "never closes: close it, or double it where it is meant")
        after = text[close + 1 : close + 2]
        if after not in ("", separator, "\n", "\r") and "\n" in text[at:close]:
            line = first_line + text.count("\n", 0, at)
            closes = first_line + text.count("\n", 0, close)
            raise SourceDataError(
                opened.format(line) + f"closes in the middle of a cell in line {closes}: one is missing, or too many"
            )
        at = text.find('"', close + 1)


def _closing(text: str, opening: int) -> int:
    """Return where the quoted cell closes; a doubled mark is a letter of it. -1 when it never does."""
    at = text.find('"', opening + 1)
    while at != -1 and text[at + 1 : at + 2] == '"':
        at = text.find('"', at + 2)
    return at
