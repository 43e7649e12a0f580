"""Text that others wrote, made harmless before any channel escapes it in its own way (spec channels 1.4)."""

import re
import unicodedata
from urllib.parse import urlsplit

TITLE = 120  # a title or subject
NAME = 200  # the name of a project, milestone or person
NOTE = 500  # a comment, advice, reason or remote answer
ADDRESS = 2000  # a link

_NO_BREAK = frozenset("\u00a0\u202f")
_RUN = re.compile(r"\s+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]")
# Other control characters, and what hides or turns the characters around it.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str, limit: int) -> str:
    """Return `text` on one line, without control or direction characters, at most `limit` characters long."""
    whole = unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))
    shown = _HIDDEN.sub("", _BREAK.sub(" ", whole))
    return shorten(_RUN.sub(_one_space, shown).strip(), limit)


def _one_space(run: re.Match[str]) -> str:
    """Return one space for several; the one that stands before a French sign stays what it is."""
    return run[0][0] if set(run[0]) <= _NO_BREAK else " "


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis as the last one."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def link(address: str) -> str:
    """Return `address` when it may be shown as a link, else nothing: http or https, a host, no user part."""
    address = address.strip()
    if not address or len(address) > ADDRESS or re.search(r"[\x00-\x20\x7f<>\"\\]", address):
        return ""
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port  # raises where it is no number
    except ValueError:
        return ""
    safe = parts.scheme in {"http", "https"} and bool(host) and "@" not in parts.netloc
    return address if safe else ""


def host(address: str) -> str:
    """Return the host of a link, written beside it."""
    return urlsplit(address).hostname or ""
