"""Bytes to UTF-8: what the file is at all, its encoding, and text that was read wrongly before (spec sources 5.1)."""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pmo_watch_plugins.sources.csv_file.cells import visible

from pmo_watch.api import SourceDataError

HEAD_BYTES = 1 << 16  # what is looked at to tell what a file is
LEAST_SPOILED = 3  # cells: fewer may be meant as they stand
SHOWN_AROUND = 40  # letters of a cell beside the spoiled one
MARKS = (  # UTF-32 first: its mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FOREIGN = (  # how files begin that are no text
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive: unpack it"),
    (b"{\\rtf", "a word processor's document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|script)\b", re.I | re.S)
_XML = re.compile(rb"\s*<\?xml\b", re.I)
# What cp1252 makes of the bytes 80 to BF, and of those that begin a character of two, three or four bytes in UTF-8.
_TRAIL = "".join(re.escape(bytes([one]).decode("cp1252", "replace")) for one in range(0x80, 0xC0)).replace("�", "")
_TRAIL += "\x81\x8d\x8f\x90\x9d"
_RUNS = re.compile(f"[Â-ß][{_TRAIL}]|[à-ï][{_TRAIL}]{{2}}|[ð-ô][{_TRAIL}]{{3}}")
# Bytes of combining accents, of singletons such as the sign for Ångström, and of characters without width.
_UNTIDY = (b"\xcc", b"\xcd", b"\x84", b"\x8b", b"\xef")
# Characters of European writing: a run that gives another one was perhaps meant as it stands.
_EXPECTED = re.compile("[À-ÖØ-öø-ſ]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text as UTF-8 without byte order mark, how it was encoded, and whether it was checked to the end."""

    data: bytes
    encoding: str
    checked: bool


def refuse_foreign(data: bytes, name: str) -> None:
    """Raise for what is no text and no workbook.

    Raises:
        SourceDataError: it is a web page, XML, a picture, an archive or the like.
    """
    head = data[:HEAD_BYTES].removeprefix(codecs.BOM_UTF8)
    if _HTML.match(head):
        raise SourceDataError(
            f"{name}: is a web page and no list: was it saved from behind a sign-in? Export the list itself"
        )
    if _XML.match(head):
        raise SourceDataError(f"{name}: is an XML file and no list: save it as .xlsx or CSV")
    for mark, what in FOREIGN:
        if head.startswith(mark):
            raise SourceDataError(f"{name}: is {what} and no list: save it as .xlsx or CSV")


def decode(data: bytes, fallback: str | None, name: str) -> Decoded:
    """Decode by byte order mark, else as UTF-8, else by `fallback` (cp1252).

    UTF-8 is checked here only as far as its beginning: whoever reads the rest calls `decode_fallback` when it is not.

    Raises:
        SourceDataError: bytes that the encoding does not know, with line and column, or NUL bytes.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _recoded(data, encoding, name)
    if fallback is not None and fallback.startswith(("utf-16", "utf-32")):
        return _recoded(data, fallback, name)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise SourceDataError(
            f"{name}:line {line}: holds a NUL byte: UTF-16 without byte order mark (set 'encoding: utf-16-le'), "
            "or a broken file"
        )
    if data.startswith(codecs.BOM_UTF8):
        return Decoded(data[len(codecs.BOM_UTF8) :], "UTF-8 with byte order mark", checked=False)
    if _begins_as_utf8(data):
        return Decoded(data, "UTF-8", checked=data.isascii())
    return decode_fallback(data, fallback, name)


def _begins_as_utf8(data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data[:HEAD_BYTES])
    except UnicodeDecodeError:
        return False
    return True


def is_utf8(data: bytes) -> bool:
    """Say whether all of it is UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_fallback(data: bytes, fallback: str | None, name: str) -> Decoded:
    """Decode what is not UTF-8.

    Raises:
        SourceDataError: bytes that the encoding does not know.
    """
    return _recoded(data, fallback or "cp1252", name)


def _recoded(data: bytes, encoding: str, name: str) -> Decoded:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as fault:
        before = data[: fault.start].decode(encoding, "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise SourceDataError(
            f"{name}:line {line}:column {column}: the byte {data[fault.start]:02X} is no character in {encoding}: "
            "set 'encoding:' to what the file was saved in, or save it as CSV UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SourceDataError(f"{name}:line {line}: holds a NUL character: a broken file, export it again")
    return Decoded(text.removeprefix("\ufeff").encode(), encoding, checked=True)


def tidied(data: bytes) -> bytes:
    """Compose accents that follow their letter (NFC), and take out characters without width, where there are any."""
    if data.isascii() or not any(first in data for first in _UNTIDY):
        return data
    text = data.decode(errors="surrogateescape")
    whole = text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)
    plain: str = visible(whole)
    return plain.encode(errors="surrogateescape")


def unspoiled(data: bytes, name: str, separator: str, *, repair: bool) -> bytes:
    """Return the text, put right when it is UTF-8 that was read as cp1252 and saved again, and that is wished.

    Raises:
        SourceDataError: three or more cells show it, and `repair` is off.
    """
    # Ã, Ä and Å end in these bytes: without them nothing was spoiled.
    if data.isascii() or not any(last in data for last in (b"\x83", b"\x84", b"\x85")):
        return data
    try:
        text = data.decode()
    except UnicodeDecodeError:  # whoever reads it to the end finds out, and comes again
        return data
    spoiled = list(islice(_spoiled_cells(text, separator), LEAST_SPOILED)) if _RUNS.search(text) else []
    if len(spoiled) < LEAST_SPOILED:
        return data
    if repair:
        return _RUNS.sub(lambda run: _reread(run.group()) or run.group(), text).encode()
    line, cell = spoiled[0]
    raise SourceDataError(
        f"{name}:line {line}: was UTF-8 read as cp1252 and saved again: '{cell}'. Export it again as CSV UTF-8, or set "
        "'repair: true'"
    )


def _spoiled_cells(text: str, separator: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every cell with a letter that UTF-8 was, before it was read as cp1252."""
    reader = csv.reader(text.split("\n"), delimiter=separator)
    before = 0
    try:
        for row in reader:
            for cell in row:
                found = next(
                    (run for run in _RUNS.finditer(cell) if _EXPECTED.fullmatch(_reread(run.group()) or "")), None
                )
                if found is not None:
                    yield before + 1, cell[max(0, found.start() - SHOWN_AROUND) : found.end() + SHOWN_AROUND].strip()
            before = reader.line_num
    except csv.Error:  # a quotation mark that never closes: another check says so
        return


def _reread(run: str) -> str | None:
    """Return what the run was before it was read as cp1252; None where it is no UTF-8."""
    try:
        raw = b"".join(one.encode("latin-1" if one in "\x81\x8d\x8f\x90\x9d" else "cp1252") for one in run)
        return raw.decode()
    except UnicodeError:
        return None
