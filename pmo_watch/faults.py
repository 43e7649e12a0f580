"""What is wrong with a file that a person wrote: where, in plain words, with the line and a caret."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pmo_watch.errors import ConfigError

WIDTH = 110  # of a shown line; a longer one is cut around the place
LONGEST_WORD = 60  # what a person wrote is quoted up to here

_SENSITIVE = r"(?i:password|passwd|passphrase|secret|token|api_?key|private_key)"
_SECRET = re.compile(_SENSITIVE)
# Bounded, so that a line of a million letters costs no more than its length.
_SECRET_KEY = re.compile(rf"[\w.-]{{0,40}}{_SENSITIVE}[\w.-]{{0,40}}[\"']?\s{{0,9}}:(?:\s+|$)")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"?|'(?:''|[^'])*'?")
_URL_LOGIN = re.compile(r"://[^/\s@\"']+@")
_URL_SIGNATURE = re.compile(r"(?i)[?&](?:sig|signature|token|key|code|secret)=([^&\s\"']+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one file; line and column count from 1. `snippet` is the line as `masked` gives it."""

    path: Path
    line: int
    column: int
    text: str
    snippet: str = ""

    def __str__(self) -> str:
        return f"{printable(str(self.path))}:{self.line}:{self.column}: {self.text}"

    def shown(self) -> str:
        """Return the fault with its line and a caret under the place."""
        if not self.snippet.strip():
            return str(self)
        first = max(0, min(self.column - 1 - WIDTH // 2, len(self.snippet) - WIDTH))
        line = self.snippet[first : first + WIDTH].rstrip()
        number = f"{self.line:>5} | "
        caret = " " * (self.column - 1 - first) + "^"
        return f"{self}\n{number}{line}\n{' ' * 5} | {caret}"


class Faults(ConfigError):
    """Every fault found, in the order of the file; the text has one line per fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))

    def shown(self) -> str:
        """Return all faults, each with its line and caret."""
        return "\n".join(one.shown() for one in self.faults)


def printable(text: str) -> str:
    """Return a text for one line of a terminal: a dot for each character that would do something to it."""
    return "".join(sign if sign.isprintable() else "·" for sign in text)


def quoted(word: object) -> str:
    """Return what a person wrote between quotes: cut, on one line, without control characters."""
    text = printable(str(word))
    return f"'{text if len(text) <= LONGEST_WORD else text[: LONGEST_WORD - 1] + '…'}'"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return `, did you mean 'x'?` for the nearest known word, or nothing; `a.same` is near to `b.same`."""
    words = {one.lower(): one for one in known}
    given = str(word)[:LONGEST_WORD].lower()
    before, _, last = given.rpartition(".")
    same = [one for one in words if before and one.rpartition(".")[2] == last]
    near = get_close_matches(given, same or words, n=1, cutoff=0.0 if same else 0.6)
    return f", did you mean {quoted(words[near[0]])}?" if near else ""


def or_known(word: object, known: Iterable[str], most: int = 12) -> str:
    """Return `did_you_mean`, else the known words when they are few enough to read."""
    words = list(known)
    if near := did_you_mean(word, words):
        return near
    return f"; known here: {printable(', '.join(words))}" if 0 < len(words) <= most else ""


def masked(lines: list[str], line: int) -> str:
    """Return that line (from 1) fit to be shown: without secrets, control characters or tabs, places unchanged."""
    text = lines[line - 1] if line <= len(lines) else ""
    if _below_a_secret(lines, line):
        return " " * (len(text) - len(text.lstrip())) + "*" * len(text.strip())
    for found in _SECRET_KEY.finditer(text) if _SECRET.search(text) else ():
        text = _starred(text, found.end(), _value_end(text, found.end()))
    for found in _URL_LOGIN.finditer(text):
        text = _starred(text, found.start() + 3, found.end() - 1)
    for found in _URL_SIGNATURE.finditer(text):
        text = _starred(text, found.start(1), found.end(1))
    return printable(text.replace("\t", " "))


def _starred(text: str, start: int, end: int) -> str:
    return text[:start] + "*" * (end - start) + text[end:]


def _value_end(text: str, start: int) -> int:
    """Return where a secret's value ends: after its quote or bracket; a comma ends it only inside of brackets."""
    if closed := _QUOTED.match(text, start):
        return closed.end()
    inside = any(sign in text[:start] for sign in "{[")
    ends = {"[": "]", "{": "}"}.get(text[start : start + 1], ",}]" if inside else "")
    return min((at for at in (text.find(sign, start) for sign in ends) if at >= 0), default=len(text))


def _below_a_secret(lines: list[str], line: int) -> bool:
    """Say whether the line continues a secret's value, as in a block text below its key."""
    own = _indent(lines[line - 1]) if line <= len(lines) else 0
    for number in range(line - 2, -1, -1) if own else ():
        above = lines[number]
        if above.strip() and _indent(above) < own:
            found = _SECRET_KEY.search(above)
            return found is not None and above[found.end() :].strip()[:1] in {"", "|", ">", '"', "'"}
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
