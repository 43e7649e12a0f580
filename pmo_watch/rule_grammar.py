"""The conditions of the rule language: `over 5 wd`, `between 1 and 3`, `is not key`, `under 90 % when ...`."""

import re
from collections.abc import Callable, Sequence
from datetime import date

from pmo_watch.faults import did_you_mean, quoted
from pmo_watch.rule_values import Level, Misread, Part, Subject, read_literal, read_quantity, read_value, unquoted
from pmo_watch.rules import Condition, Op, Quantity, Test, Threshold, Value

__all__ = ["Misread", "Subject", "read_condition", "read_list", "read_threshold"]

LONGEST = 1_000  # characters of a condition
OPERATOR = re.compile(
    r"(?P<word>not\s+between|between|at\s+least|at\s+most|over|under|is\s+not|is|like|missing|present)(?=\s|$)"
    r"|(?P<sign>>=|<=|>|<|=)(?![=>])",
    re.IGNORECASE,
)
SIGNS = {">": Op.OVER, "<": Op.UNDER, ">=": Op.AT_LEAST, "<=": Op.AT_MOST, "=": Op.IS}
COMPARISONS = frozenset({Op.OVER, Op.UNDER, Op.AT_LEAST, Op.AT_MOST})
RANGES = frozenset({Op.BETWEEN, Op.NOT_BETWEEN})
EXISTENCE = frozenset({Op.MISSING, Op.PRESENT})
WHEN = re.compile(r"(?:^|\s)when(?=\s|$)", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z_][\w-]*\.[\w.-]+(?=\s|$)")
AND = re.compile(r"\s+and\s+", re.IGNORECASE)
# What people write instead, longest first; the remedy is the word of the language.
OTHER_WORDS = {
    **dict.fromkeys(("more than", "greater than", "larger than", "above", "exceeds", "after", "later than"), "over"),
    **dict.fromkeys(
        ("less than", "lower than", "smaller than", "below", "before", "earlier than", "fewer than"), "under"
    ),
    **dict.fromkeys(
        ("minimum", "min", "no less than", "not under", "not less than", "from", "since", "=>"), "at least"
    ),
    **dict.fromkeys(("maximum", "max", "no more than", "not over", "not more than", "up to", "until", "=<"), "at most"),
    **dict.fromkeys(("equals", "equal to", "equal", "==", "is equal to"), "is"),
    **dict.fromkeys(("not equal to", "differs from", "!=", "<>", "is different from", "not"), "is not"),
    **dict.fromkeys(("empty", "null", "none", "is null", "not present", "absent", "not set"), "missing"),
    **dict.fromkeys(("not missing", "not empty", "not null", "exists", "filled", "set", "is set"), "present"),
    **dict.fromkeys(("matches", "contains", "starts with", "ends with"), "like"),
    **dict.fromkeys(("outside", "out of"), "not between"),
    **dict.fromkeys(("inside", "within", "in"), "between"),
}
_OTHER = re.compile(
    "|".join(rf"{re.escape(words)}(?=\s|$)" for words in sorted(OTHER_WORDS, key=len, reverse=True)), re.IGNORECASE
)


def read_condition(text: str, subject: Subject, level: Level = "amber", at: int = 0) -> Condition:
    """Return the condition that a text states about the subject.

    `level`: the tolerance meant by `tolerance.cost`. `at`: where the text begins, for the places of errors.

    Raises:
        Misread: what is wrong at which character, and the remedy.
    """
    part = Part.of(text, at)
    if not part.text:
        raise part.wrong("the condition is empty; write `missing` for a value that is not there")
    if len(text) > LONGEST:
        raise part.wrong(f"the condition is longer than {LONGEST} characters")
    written = " ".join(part.text.split())
    found = OPERATOR.match(part.text)
    if found is None:
        return Condition(Op.IS, (_bare(part, subject, level),), written)
    op = SIGNS[found["sign"]] if found["sign"] else Op(" ".join(found["word"].lower().split()))
    if op in COMPARISONS | RANGES and subject.kind not in {"number", "date"}:
        hint = "write true or false" if subject.kind == "flag" else "write `is`, `is not`, `missing` or `present`"
        raise part.wrong(f"`{op}` compares numbers and dates, and {subject.name} is neither; {hint}")
    return Condition(op, _values(op, part.after(found.end()), subject, level), written)


def read_list(texts: Sequence[str], subject: Subject) -> Condition:
    """Return the condition that the subject is one of these.

    Raises:
        Misread: its offset is the number of the item.
    """
    values: list[Value] = []
    for number, text in enumerate(texts):
        try:
            values.append(read_literal(Part.of(text), subject, "amber"))
        except Misread as error:
            raise Misread(error.text, number) from None
    return Condition(Op.ONE_OF, tuple(values), f"one of {', '.join(texts)}")


def read_threshold(
    text: str, subject: Subject, about: Callable[[str], Subject], level: Level = "amber", on: str = ""
) -> Threshold:
    """Return a threshold: a condition, and where `when` stands in it, what must hold for it to apply.

    `about` gives the subject of a name behind `when`, or raises Misread. `on`: the field or measure the condition is
    about, where it is not the rule's own.

    Raises:
        Misread: what is wrong at which character, and the remedy.
    """
    found = _outside_quotes(WHEN, text) if len(text) <= LONGEST else None
    if found is None:
        return Threshold(read_condition(text, subject, level), on)
    condition = read_condition(text[: found.start()], subject, level)
    return Threshold(condition, on, _read_when(Part.of(text[found.end() :], found.end()), about, level))


def _read_when(part: Part, about: Callable[[str], Subject], level: Level) -> Test:
    name = NAME.match(part.text)
    if name is None:
        raise part.wrong("after `when` comes a field and its condition: when milestone.days_left at most 5 wd")
    try:
        subject = about(name[0])
    except Misread as error:
        raise part.wrong(error.text) from None
    rest = part.after(name.end())
    return Test(name[0], read_condition(rest.text, subject, level, rest.at))


def _outside_quotes(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next((one for one in pattern.finditer(text) if text.count('"', 0, one.start()) % 2 == 0), None)


def _bare(part: Part, subject: Subject, level: Level) -> Value:
    """Return the value of a condition without a comparing word: the subject equals it."""
    other = _OTHER.match(part.text)
    # On a text `in progress` is a value; on a number or date no such word can be one.
    if other is not None and (
        subject.kind in {"number", "date", "flag"} or " " in other[0] or other[0].lower() == "not"
    ):
        raise part.wrong(f"{quoted(other[0])} is not a comparison; write `{OTHER_WORDS[other[0].lower()]}`")
    if subject.kind in {"number", "date"} and (near := _nearly(part)):
        raise part.wrong(near)
    return read_literal(part, subject, level)


def _nearly(part: Part) -> str:
    """Return what to say of a comparing word with a slip of the pen, or nothing."""
    for words in (2, 1):
        start = " ".join(part.text.split()[:words])
        known = [op.value for op in Op if len(op.value.split()) == words]
        if start[:1].isalpha() and (near := did_you_mean(start, known)):
            return f"{quoted(start)} is not a comparison{near}"
    return ""


def _values(op: Op, rest: Part, subject: Subject, level: Level) -> tuple[Value, ...]:
    if op in EXISTENCE:
        if rest.text:
            raise rest.wrong(f"{quoted(rest.text)} is too much: `{op}` stands alone")
        return ()
    if op == Op.LIKE:
        return (_pattern(rest, subject),)
    if op in {Op.IS, Op.IS_NOT}:
        return (_meant(op, rest, subject, level),)
    return _range(op, rest, subject, level) if op in RANGES else (read_value(rest, subject, level),)


def _pattern(rest: Part, subject: Subject) -> str:
    if subject.kind not in {"text", "word", "list"}:
        raise rest.wrong(f"`like` compares texts, and {subject.name} is none")
    if not rest.text:
        raise rest.wrong("a pattern is missing here, as in `like APP-*` (* any characters, ? one)")
    return unquoted(rest)


def _meant(op: Op, rest: Part, subject: Subject, level: Level) -> Value:
    """Return what `is` compares with; `is missing` and `is over 5` are refused, since they mean something else."""
    again = OPERATOR.match(rest.text)
    if rest.text in subject.one_of:
        return rest.text
    short = "missing" if rest.text.lower() in {"null", "none", "empty"} else ""
    if again is not None:
        short = again["word"] or again["sign"]
    if op == Op.IS_NOT and short in {"missing", "present"}:
        short = "present" if short == "missing" else "missing"
    if short:
        quotes = ", or put the words in quotes" if subject.kind in {"text", "list"} else ""
        raise rest.wrong(f"write `{short}` without `{op}`{quotes}")
    return read_literal(rest, subject, level)


def _range(op: Op, rest: Part, subject: Subject, level: Level) -> tuple[Value, ...]:
    # Neither numbers nor dates hold the word, so the first `and` is the one between them.
    middle = AND.search(rest.text)
    if middle is None:
        raise rest.wrong(f"`{op}` takes two values with `and` between them: {op} 5 and 10")
    first, second = rest.before(middle.start()), rest.after(middle.end())
    high = read_value(second, subject, level)
    low = _low(first, high, subject, level)
    if _is_more(low, high):
        raise first.wrong(f"{quoted(first.text)} is more than {quoted(second.text)}; put the smaller one first")
    return low, high


def _low(first: Part, high: Value, subject: Subject, level: Level) -> Value:
    """Return the first value; a unit that stands once, behind the second, holds for both."""
    if isinstance(high, Quantity) and high.unit and re.fullmatch(r"[+-]?\d+(\.\d+)?", first.text):
        return Quantity(read_quantity(first, Subject(subject.name, "number")).number, high.unit)
    return read_value(first, subject, level)


def _is_more(low: Value, high: Value) -> bool:
    if isinstance(low, Quantity) and isinstance(high, Quantity):
        return low.number > high.number
    return isinstance(low, date) and isinstance(high, date) and low > high
