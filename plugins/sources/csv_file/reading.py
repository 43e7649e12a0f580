"""A list's bytes to its grid: encoding, separator, header, rows (spec sources 5.1 and 5.2)."""

import re
from dataclasses import dataclass
from itertools import islice

from pmo_watch_plugins.sources.csv_file.decoding import (
    Decoded,
    decode,
    decode_fallback,
    is_utf8,
    refuse_foreign,
    tidied,
    unspoiled,
)
from pmo_watch_plugins.sources.csv_file.dialect import (
    SHOWN,
    HeadRecord,
    check_quotes,
    find_separator,
    has_strays,
    head_records,
    separator_line,
)
from pmo_watch_plugins.sources.csv_file.grid import Grid, NotUtf8Error, read_rows
from pmo_watch_plugins.sources.csv_file.header import (
    SEARCHED_RECORDS,
    Matched,
    Wanted,
    find_header,
    match_columns,
    no_header,
)
from pmo_watch_plugins.sources.csv_file.vocabulary import tidy

from pmo_watch.api import SourceDataError

HEAD_BYTES = 1 << 18  # where separator and header are looked for, before the whole file is
_LONE_RETURN = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A list as it was found: its rows, which columns are whose, and how it is written."""

    grid: Grid
    matched: Matched
    said: str
    notes: tuple[str, ...] = ()


def read_list(data: bytes, name: str, wanted: Wanted) -> Sheet:
    """Read a text file.

    Raises:
        SourceDataError: it is no list of this profile, or its bytes, quotes or header say too little or too much.
    """
    refuse_foreign(data, name)
    fallback = wanted.settings.encoding
    decoded = decode(data, fallback, name)
    try:
        return _read_text(decoded, name, wanted)
    except NotUtf8Error:
        return _read_text(decode_fallback(data, fallback, name), name, wanted)


def _read_text(decoded: Decoded, name: str, wanted: Wanted) -> Sheet:
    data = _with_line_feeds(decoded.data)
    marked = separator_line(data)
    first_line = 2 if marked else 1
    separator = marked or wanted.settings.delimiter or find_separator(_head(data, first_line), name)
    data = tidied(unspoiled(data, name, separator, repair=wanted.settings.repair))
    plain = not has_strays(data, separator)
    if not plain:
        check_quotes(_whole(data), separator, name)
    header, titles = _header(data, separator, first_line, name, wanted)
    grid = read_rows(data, separator, header, name, plain=plain)
    matched = match_columns(header.cells, wanted, grid.header_place)
    said = f"{decoded.encoding}, {SHOWN.get(separator, separator)}, header in line {header.line}"
    above = f"; above it: {' / '.join(titles)}" if titles else ""
    return Sheet(grid, matched, said + above)


def _with_line_feeds(data: bytes) -> bytes:
    """Make every line end in a line feed where cells may hold line breaks, and drop blank lines at the end."""
    if b"\r" in data:
        data = _LONE_RETURN.sub(b"\n", data)
        data = data.replace(b"\r\n", b"\n") if b'"' in data else data
    if data.endswith((b"\n\n", b"\n\r\n")):
        data = data.rstrip(b"\r\n") + b"\n"
    return data


def _head(data: bytes, first_line: int, *, whole: bool = False) -> str:
    """Return the beginning as text, from the first line that is data."""
    text = (data if whole else data[:HEAD_BYTES]).decode(errors="ignore")
    return text.split("\n", 1)[1] if first_line > 1 and "\n" in text else "" if first_line > 1 else text


def _whole(data: bytes) -> str:
    if not is_utf8(data):
        raise NotUtf8Error
    return data.decode()


def _header(data: bytes, separator: str, first_line: int, name: str, wanted: Wanted) -> tuple[HeadRecord, list[str]]:
    """Return the header and the texts above it."""
    row = wanted.settings.header_row
    for whole in (False, True):
        text = _head(data, first_line, whole=whole)
        records = list(
            islice(head_records(text, separator, row or SEARCHED_RECORDS, first_line), row or SEARCHED_RECORDS)
        )
        at = find_header((one.cells for one in records), wanted) if row is None else row - 1
        # A record that the beginning cuts in two is no header.
        if at is not None and at < len(records) and (whole or at < len(records) - 1 or len(data) <= HEAD_BYTES):
            above = [" | ".join(filter(None, map(tidy, one.cells))) for one in records[:at]]
            return records[at], [one for one in above if one]
    if row is not None:
        raise SourceDataError(f"{name}: 'header_row: {row}' is beyond its {len(records)} rows")
    raise no_header([one.cells for one in records], wanted, name)
