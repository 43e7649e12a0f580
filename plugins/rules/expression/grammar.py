"""A formula as a tree: sums, products, functions and comparisons, bound as in school and as in spreadsheets.

    formula    = any; or < and < not < comparison < + - < * / < sign
    any        = number | date | "word" | name | function(any, ...) | (any)
    comparison = any over any | under | at least | at most | is | is not | > < >= <= = | missing | present

What a name or word means, and whether it fits, is `meaning`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from pmo_watch.api import Misread, did_you_mean, quoted

from .signs import Sign, read_signs

LONGEST = 1_000  # characters
MOST_DEPTH = 20  # brackets in brackets
MOST_PARTS = 100  # numbers, names and words
FUNCTIONS: Mapping[str, tuple[int, int, str]] = {  # fewest and most values, and how it is written
    "min": (2, MOST_PARTS, "min(a, b)"),
    "max": (2, MOST_PARTS, "max(a, b)"),
    "abs": (1, 1, "abs(a)"),
    "first": (2, MOST_PARTS, "first(a, b)"),
    "if": (3, 3, "if(condition, a, b)"),
    "wd": (2, 2, "wd(from, to)"),
    "d": (2, 2, "d(from, to)"),
}
_OTHERS = {  # what people know from elsewhere
    **dict.fromkeys(("sum", "average", "avg", "mean", "count", "median", "sumif", "countif"), "rows"),
    **dict.fromkeys(("previous", "prev", "lag", "delta", "change", "trend", "history", "yesterday"), "past"),
    **dict.fromkeys(("coalesce", "ifnull", "nvl", "iferror", "ifna", "isnull", "default"), "first(a, b)"),
    **dict.fromkeys(("networkdays", "workdays", "workday", "working_days", "days_between"), "wd(from, to)"),
    **dict.fromkeys(("days", "datedif", "datediff", "date_diff"), "d(from, to)"),
    **dict.fromkeys(("now", "today", "date"), "`today`, without brackets"),
    **dict.fromkeys(("iif", "ifs", "case", "switch", "when"), "if(condition, a, b)"),
    **dict.fromkeys(("isblank", "empty"), "`a missing`"),
    **dict.fromkeys(("minimum", "least"), "min(a, b)"),
    **dict.fromkeys(("maximum", "greatest"), "max(a, b)"),
}
_WHY_NOT = {
    "rows": "a formula looks at one row, not at several; choose a measure that adds rows up",
    "past": "a formula looks at today's values; choose a measure that reads the history, such as a trend",
}
_ORDER = {"or": 1, "and": 2, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6}
_NOT, _MINUS = 3, 7
_COMPARISONS = {">": "over", "<": "under", ">=": "at least", "<=": "at most", "=": "is"}
_WORDS = frozenset({"over", "under", "is"})
_ALONE = frozenset({"missing", "present"})


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a formula: `start` to `end` in its text, `at` the sign or word that says what it is.

    `kind`: number, date, text, name, minus, not, a function's name, `+ - * /`, a comparison in words, and, or.
    """

    kind: str
    start: int
    end: int
    at: int
    parts: tuple["Node", ...] = ()
    value: Decimal | date | str = ""


@lru_cache(maxsize=2_000)  # formulas: each is read when its file is, and then once in every evaluation
def read_formula(text: str) -> Node:
    """Return the tree of a formula.

    Raises:
        Misread: what is wrong at which character, and the remedy.
    """
    if len(text) > LONGEST:
        raise Misread(f"the formula is longer than {LONGEST} characters")
    signs = read_signs(text)
    if signs[0].kind == "end":
        raise Misread("the formula is empty; write it as in `100 * project.actual_cost / project.budget`")
    if signs[0].word == "=":
        raise Misread("a formula begins without `=` here", signs[0].at)
    if sum(one.kind not in {"sign", "end"} for one in signs) > MOST_PARTS:
        raise Misread(f"the formula holds more than {MOST_PARTS} names, numbers and words")
    reader = _Reader(signs)
    tree = reader.any_of(0, 0)
    if reader.here.kind != "end":
        raise reader.too_much()
    return tree


class _Reader:
    """Reads signs from left to right; an operation binds what stands on its right as long as that binds stronger."""

    def __init__(self, signs: list[Sign]) -> None:
        self._signs, self._next = signs, 0

    @property
    def here(self) -> Sign:
        return self._signs[self._next]

    def _take(self) -> Sign:
        sign = self.here
        self._next += 1
        return sign

    def any_of(self, least: int, depth: int) -> Node:
        """Return what stands here, with all operations that bind stronger than `least`."""
        if depth > MOST_DEPTH:
            raise Misread(f"the formula is nested too deeply; at most {MOST_DEPTH} levels", self.here.at)
        left = self._operand(depth)
        compared = False
        while (kind := self._operation()) and _ORDER[kind] > least:
            if kind == "compare" and compared:
                raise Misread("compare once, and join two comparisons with `and`: a over 1 and a under 3", self.here.at)
            compared = kind == "compare"
            left = self._compared(left, depth) if compared else self._joined(kind, left, depth)
        return left

    def _operation(self) -> str:
        word = self.here.word
        if word in _ORDER:
            return word
        return "compare" if word in _COMPARISONS or word in _WORDS or word in _ALONE or word == "at" else ""

    def _joined(self, kind: str, left: Node, depth: int) -> Node:
        sign = self._take()
        right = self.any_of(_ORDER[kind], depth)
        return Node(kind, left.start, right.end, sign.at, (left, right))

    def _compared(self, left: Node, depth: int) -> Node:
        sign = self._take()
        if sign.word in _ALONE:
            return Node(sign.word, left.start, sign.end, sign.at, (left,))
        kind = self._comparison(sign)
        if self._is_word_of_the_language(self.here):
            raise Misread(f"write `{self.here.word}` without `{kind}`", self.here.at)
        right = self.any_of(_ORDER["compare"], depth)
        return Node(kind, left.start, right.end, sign.at, (left, right))

    def _comparison(self, sign: Sign) -> str:
        """Return the comparison in words that begins with this sign."""
        if sign.word == "at":
            if self.here.word not in {"least", "most"}:
                raise Misread("write `at least` or `at most`", sign.at)
            return f"at {self._take().word}"
        if sign.word == "is" and self.here.word == "not":
            self._take()
            return "is not"
        return _COMPARISONS.get(sign.word, sign.word)

    def _operand(self, depth: int) -> Node:
        sign = self._take()
        if sign.word == "(":
            inner = self.any_of(0, depth + 1)
            return Node(inner.kind, sign.at, self._closed(sign), inner.at, inner.parts, inner.value)
        if sign.word in {"-", "+", "not"}:
            inner = self.any_of(_NOT if sign.word == "not" else _MINUS, depth + 1)
            if sign.word == "+":
                return Node(inner.kind, sign.at, inner.end, inner.at, inner.parts, inner.value)
            return Node("minus" if sign.word == "-" else "not", sign.at, inner.end, sign.at, (inner,))
        if sign.kind == "name" and (self.here.word == "(" or sign.word in FUNCTIONS):
            return self._function(sign, depth)
        if sign.kind in {"sign", "end"} or self._is_word_of_the_language(sign):
            raise self._nothing(sign)
        return Node(sign.kind, sign.at, sign.end, sign.at, (), _value(sign))

    @staticmethod
    def _is_word_of_the_language(sign: Sign) -> bool:
        return sign.word in {"and", "or", "at", *_WORDS, *_ALONE}

    def _nothing(self, sign: Sign) -> Misread:
        if sign.kind == "end":
            return Misread("something is missing at the end: a name, a number or a function", sign.at)
        return Misread(f"a name, a number or a function is missing before {quoted(sign.text)}", sign.at)

    def _closed(self, opened: Sign) -> int:
        if self.here.word == ")":
            return self._take().end
        if self.here.kind == "end":
            raise Misread("this bracket is not closed; a `)` is missing", opened.at)
        raise self.too_much()

    def _function(self, name: Sign, depth: int) -> Node:
        if name.word not in FUNCTIONS:
            raise Misread(_no_function(name.text), name.at)
        opened = self._take()
        if opened.word != "(":
            raise Misread(f"{quoted(name.text)} is a function; write {FUNCTIONS[name.word][2]}", name.at)
        parts: list[Node] = []
        while self.here.word != ")":
            parts.append(self.any_of(0, depth + 1))
            if self.here.word != ",":
                break
            self._take()
            if self.here.word == ")":
                raise self._nothing(self.here)
        end = self._closed(opened)
        fewest, most, written = FUNCTIONS[name.word]
        if not fewest <= len(parts) <= most:
            wanted = (
                f"{fewest} values" if fewest == most and fewest > 1 else "1 value" if most == 1 else "2 or more values"
            )
            raise Misread(f"{name.word} takes {wanted}, not {len(parts)}; write {written}", name.at)
        return Node(name.word, name.at, end, name.at, tuple(parts))

    def too_much(self) -> Misread:
        """Return what is wrong with a sign behind something that is complete."""
        sign = self.here
        if sign.word == ")":
            return Misread("this bracket closes nothing; delete it, or open one before", sign.at)
        if sign.word == ",":
            return Misread("a `,` stands only between the values of a function; a decimal point is a `.`", sign.at)
        if sign.word in {"between", "not", "like"}:
            return Misread(
                f"{quoted(sign.text)} is not known in a formula; write a at least 1 and a at most 3", sign.at
            )
        if sign.word in {"then", "else"}:
            return Misread(f"{quoted(sign.text)} is not known in a formula; write if(condition, a, b)", sign.at)
        return Misread(f"an operation such as + or * is missing before {quoted(sign.text)}", sign.at)


def _value(sign: Sign) -> Decimal | date | str:
    if sign.kind == "number":
        return Decimal(sign.text)
    if sign.kind == "text":
        return sign.text[1:-1]
    if sign.kind == "date":
        try:
            return date.fromisoformat(sign.text)
        except ValueError:
            raise Misread(f"{quoted(sign.text)} is not a day of the calendar", sign.at) from None
    return sign.text


def _no_function(name: str) -> str:
    if name.lower() in {"and", "or"}:
        return f"{quoted(name)} stands between two conditions; write a over 1 {name.lower()} b under 3"
    meant = _OTHERS.get(name.lower(), "")
    if meant in _WHY_NOT:
        return f"there is no function {quoted(name)}: {_WHY_NOT[meant]}"
    near = f"; write {meant}" if meant else did_you_mean(name, FUNCTIONS)
    known = ", ".join(FUNCTIONS)
    return f"there is no function {quoted(name)}{near or f'; there is {known}'}"
