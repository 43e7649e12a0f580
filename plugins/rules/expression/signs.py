"""The words and signs of a formula, each with its place; what is none of them is said with what to write instead."""

import re
from dataclasses import dataclass
from typing import Literal

from pmo_watch.api import Misread, quoted

Kind = Literal["number", "date", "text", "name", "sign", "end"]
MOST_DIGITS = 15  # a float holds no more
_SIGN = re.compile(
    r"(?P<blank>\s+)"
    r"|(?P<date>\d{4}-\d{2}-\d{2}(?![\d-]))"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign><=|>=|\*(?!\*)|=(?![=<>])|<(?!>)|[-+/()>,])",
    re.ASCII,
)
_GROUPED = re.compile(r"\d{1,3}(?:[ \u00a0\u202f'_]\d{3})+(?!\d)", re.ASCII)
_COMMA = re.compile(r"\d+,\d+", re.ASCII)
_EXPONENT = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d+", re.ASCII)
_UNIT = re.compile(r"\s*(%|[A-Za-z€$£]\w*)", re.ASCII)
# Words that may stand behind a number; any other is meant as its unit.
_WORDS = frozenset({"and", "or", "over", "under", "at", "is", "not", "between", "missing", "present", "then", "else"})
_INSTEAD = {  # longest first
    "**": "multiply instead: there are no powers",
    "==": "write `is`",
    "!=": "write `is not`",
    "<>": "write `is not`",
    "=<": "write `at most`",
    "=>": "write `at least`",
    "&&": "write `and`",
    "||": "write `or`",
    "^": "multiply instead: there are no powers",
    ";": "write `,` between values",
    "%": "percentages count from 0 to 100; write 100 * a / b",
    "!": "write `not`",
    "&": "write `and`; texts are not joined here",
    "|": "write `or`",
    ".": "write a number with a digit before the point, as in 0.5",
    ":": "write `/` to divide",
    "×": "write `*`",
    "·": "write `*`",
    "÷": "write `/`",
    "−": "write `-`",
    "–": "write `-`",
    "—": "write `-`",
    "≥": "write `at least`",
    "≤": "write `at most`",
    "≠": "write `is not`",
    **dict.fromkeys("[]{}", "names stand without brackets, and parts of a formula in ( )"),
    **dict.fromkeys("“”„«»‘’", 'write the quotes " around a word'),
}


@dataclass(frozen=True, slots=True)
class Sign:
    """A word, number or sign; `at` is its first character, from 0. Names are as written."""

    kind: Kind
    text: str
    at: int

    @property
    def word(self) -> str:
        """The word in lower case, the sign itself; nothing for a number, date or quoted text."""
        return self.text.lower() if self.kind in {"name", "sign"} else ""

    @property
    def end(self) -> int:
        """The place behind its last character."""
        return self.at + len(self.text)


def read_signs(text: str) -> list[Sign]:
    """Return the signs of a formula in order, and one of the kind `end` behind them.

    Raises:
        Misread: a character or number that has no place in a formula.
    """
    found: list[Sign] = []
    at = 0
    while at < len(text):
        match = _SIGN.match(text, at)
        if match is None:
            raise _strange(text, at)
        kind = match.lastgroup
        if kind == "number":
            _refuse_number(text, match[0], at)
        if kind != "blank":
            found.append(Sign(kind, match[0], at))  # type: ignore[arg-type]  # the groups are named after the kinds
        at = match.end()
    return [*found, Sign("end", "", len(text.rstrip()))]


def _strange(text: str, at: int) -> Misread:
    if text[at] in "\"'":
        return Misread(f"the quote {text[at]} is not closed", at)
    wrong = next((one for one in _INSTEAD if text.startswith(one, at)), "")
    if wrong:
        return Misread(f"{quoted(wrong)} is not known in a formula; {_INSTEAD[wrong]}", at)
    return Misread(f"{quoted(text[at])} is not known in a formula; names have letters, digits, _ and . only", at)


def _refuse_number(text: str, number: str, at: int) -> None:
    """Refuse what begins with a number and means another one, or carries a unit."""
    if found := _GROUPED.match(text, at):
        raise Misread(f"{quoted(found[0])} is not a number here; write {re.sub(r'[^0-9]', '', found[0])}", at)
    if found := _COMMA.match(text, at):
        two = (
            f", or {found[0].replace(',', ', ')} for two values"
            if text.count("(", 0, at) > text.count(")", 0, at)
            else ""
        )
        raise Misread(f"{quoted(found[0])} is not a number here; write {found[0].replace(',', '.')}{two}", at)
    if found := _EXPONENT.match(text, at):
        raise Misread(f"{quoted(found[0])} is not a number here; write it in digits", at)
    if len(number) > MOST_DIGITS:
        raise Misread(f"{quoted(number)} has more than {MOST_DIGITS} digits", at)
    unit = _UNIT.match(text, at + len(number))
    if unit and unit[1].lower() not in _WORDS:
        raise Misread(f"a number has no unit in a formula; write {number} without {quoted(unit[1])}", unit.start(1))
