"""What the names of a formula are, and whether its parts fit: numbers, dates, words, yes or no, and their units."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pmo_watch.api import Field, Kind, Misread, Unit, did_you_mean, quoted

from . import units
from .grammar import Node

CLOCKS = ("today", "as_of")
_KINDS: Mapping[Kind, Literal["date", "flag", "text", "other"]] = {
    Kind.DATE: "date",
    Kind.MOMENT: "date",
    Kind.FLAG: "flag",
    Kind.ENUM: "text",
    Kind.TEXT: "text",
    Kind.LIST: "other",
    Kind.REF: "other",
}
_IN_WORDS = {
    "date": "a date",
    "flag": "yes or no",
    "text": "a word",
    "other": "a list or another row",
    "number": "a number",
}
_REMEDY = {
    "date": "count days with wd(from, to) or d(from, to)",
    "flag": "write if(condition, 1, 0)",
    "text": "compare it, as in `project.state is executing`",
    "other": "a formula can only ask whether it is `missing` or `present`",
}
_VERBS = {
    "+": "added",
    "-": "subtracted",
    **dict.fromkeys(("first", "if"), "alternatives of each other"),
}


@dataclass(frozen=True, slots=True)
class Type:
    """What a part of a formula is; `unit` of a number (`units`), `one_of` of a word.

    `unknown`: something is wrong with it that was said already.
    """

    kind: Literal["number", "date", "flag", "text", "other", "unknown"]
    unit: str = ""
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a formula that is understood: as its node, with its type, its text and its names in full.

    `field`: of a name that is a field's; None for a measure's. A clock has the kind `clock`.
    """

    kind: str
    type: Type
    text: str
    parts: tuple["Term", ...] = ()
    value: Decimal | date | str = ""
    field: Field | None = None

    def walk(self) -> Iterator["Term"]:
        """Yield the term and all below it, from left to right."""
        yield self
        for part in self.parts:
            yield from part.walk()


UNKNOWN, FLAG = Type("unknown"), Type("flag")
Nodes = tuple[Node, ...]
Parts = tuple[Term, ...]
Meaning = Callable[[str], Field | Unit]


def understood(text: str, tree: Node, for_each: str, meaning: Meaning) -> tuple[Term, list[Misread]]:
    """Return a formula with the type of each part, and all that does not fit.

    `meaning`: returns what a name stands for, or raises Misread.
    """
    reader = _Reader(text, for_each, meaning)
    term = reader.read(tree)
    if term.type.kind not in {"number", "unknown"}:
        said = f"the formula gives {_IN_WORDS[term.type.kind]}, not a number; {_REMEDY[term.type.kind]}"
        reader.faults.append(Misread(said, tree.start))
    if all(one.kind != "name" for one in term.walk()) and not reader.faults:
        reader.faults.append(Misread("the formula names no field or measure, so it is the same for every row"))
    return term, reader.faults


class _Reader:
    """Goes through a tree from its leaves; a fault in one part does not hide those of others."""

    def __init__(self, text: str, for_each: str, meaning: Meaning) -> None:
        self._text, self._for_each, self._meaning = text, for_each, meaning
        self.faults: list[Misread] = []

    def read(self, node: Node) -> Term:
        """Return the node with its type."""
        reader = self._READERS.get(node.kind)
        return reader(self, node) if reader else self._leaf(node)

    # --- leaves -----------------------------------------------------------------------------------------------------

    def _leaf(self, node: Node) -> Term:
        if node.kind == "number":
            return self._term(node, Type("number", units.BARE))
        if node.kind == "date":
            return self._term(node, Type("date"))
        if node.kind == "text":
            return self._term(node, Type("text"))
        return self._name(node)

    def _name(self, node: Node) -> Term:
        name = str(node.value)
        if name.lower() in CLOCKS:
            return Term("clock", Type("date"), self._source(node), value=name.lower())
        try:
            found = self._meaning(name)
        except Misread as error:
            return self._wrong(node, error.text, node.at)
        full = name if "." in name else f"{self._for_each}.{name}"
        if isinstance(found, Unit):
            return self._term(node, Type("number", units.of_measure(found)), value=full)
        if _in_another_currency(full, found):
            self._wrong(
                node, f"{full} may be in another currency than the row; name amounts of the row's own project", node.at
            )
        return self._term(node, _type_of(found), value=full, field=found)

    # --- operations -------------------------------------------------------------------------------------------------

    def _sum(self, node: Node) -> Term:
        parts = self._parts(node)
        if node.kind == "-" and all(one.type.kind == "date" for one in parts):
            right, left = (one.text for one in reversed(parts))
            return self._wrong(
                node, f"dates are not subtracted; write wd({right}, {left}) or d({right}, {left})", node.at
            )
        self._each(node.parts, parts, "number")
        return self._term(node, self._same(node, parts), parts)

    def _product(self, node: Node) -> Term:
        parts = self._parts(node)
        if not self._each(node.parts, parts, "number"):
            return self._term(node, UNKNOWN, parts)
        combine = units.product if node.kind == "*" else units.quotient
        return self._term(node, Type("number", combine(parts[0].type.unit, parts[1].type.unit)), parts)

    def _same_number(self, node: Node) -> Term:
        parts = self._parts(node)
        return self._term(node, parts[0].type if self._each(node.parts, parts, "number") else UNKNOWN, parts)

    def _choice(self, node: Node) -> Term:
        parts = self._parts(node)
        return self._term(node, self._alternatives(node, node.parts, parts), parts)

    def _if(self, node: Node) -> Term:
        parts = self._parts(node)
        self._condition(node.parts[0], parts[0])
        return self._term(node, self._alternatives(node, node.parts[1:], parts[1:]), parts)

    def _alternatives(self, node: Node, nodes: Nodes, parts: Parts) -> Type:
        """Return the type of what stands for each other: all dates, or all numbers of one unit."""
        if any(one.type.kind == "date" for one in parts):
            return Type("date") if self._each(nodes, parts, "date", "all of them are dates, or none") else UNKNOWN
        self._each(nodes, parts, "number")
        return self._same(node, parts)

    def _days(self, node: Node) -> Term:
        parts = self._parts(node)
        self._each(node.parts, parts, "date", f"as in {node.kind}(project.baseline_finish, today)")
        return self._term(node, Type("number", node.kind), parts)

    def _logic(self, node: Node) -> Term:
        parts = self._parts(node)
        for below, part in zip(node.parts, parts, strict=True):
            self._condition(below, part)
        return self._term(node, FLAG, parts)

    def _existence(self, node: Node) -> Term:
        parts = self._parts(node)
        if parts[0].kind != "name" and parts[0].type != UNKNOWN:
            self._wrong(node, f"`{node.kind}` asks of a field or measure by its name", node.at)
        return self._term(node, FLAG, parts)

    def _comparison(self, node: Node) -> Term:
        left = self.read(node.parts[0])
        if left.type.kind in {"text", "flag"}:
            return self._meant(node, left)
        right = self.read(node.parts[1])
        parts = (left, right)
        if left.type.kind == "date" or right.type.kind == "date":
            self._each(node.parts, parts, "date", "the other side is one")
        elif self._each(node.parts, parts, "number"):
            self._same(node, parts)
        return self._term(node, FLAG, parts)

    def _meant(self, node: Node, left: Term) -> Term:
        """Read what a word or a yes or no is compared with: a word that stands there is no name."""
        right, said = node.parts[1], self._source(node.parts[1])
        word = str(right.value) if right.kind == "text" else said
        if node.kind not in {"is", "is not"}:
            kind = _IN_WORDS[left.type.kind]
            return self._wrong(
                node, f"`{node.kind}` compares numbers and dates, and {left.text} is {kind}; write `is`", node.at
            )
        if right.kind not in {"text", "name", "number"} or ("." in word and right.kind == "name"):
            return self._wrong(right, f"{left.text} is compared with a word: write it in quotes", right.at)
        known = ("true", "false") if left.type.kind == "flag" else left.type.one_of
        if left.type.kind == "flag" and word not in known:
            return self._wrong(right, f"{left.text} is true or false, not {quoted(word)}", right.at)
        if known and word not in known:
            near = did_you_mean(word, known) or f"; known here: {', '.join(known)}"
            return self._wrong(right, f"{left.text} is never {quoted(word)}{near}", right.at)
        return self._term(node, FLAG, (left, Term("text", Type("text"), said, value=word)))

    # --- what fits --------------------------------------------------------------------------------------------------

    def _each(self, nodes: Nodes, parts: Parts, kind: str, remedy: str = "") -> bool:
        """Note each part that is of another kind; say whether there is none."""
        for below, part in zip(nodes, parts, strict=True):
            if part.type.kind not in {kind, "unknown"}:
                is_what = f"{quoted(part.text)} is {_IN_WORDS[part.type.kind]}"
                said = f"{is_what}, and {_IN_WORDS[kind]} is wanted here; {remedy or _REMEDY[part.type.kind]}"
                self._wrong(below, said, below.start)
        return all(part.type.kind == kind for part in parts)

    def _condition(self, node: Node, term: Term) -> None:
        if term.type.kind not in {"flag", "unknown"}:
            said = f"{quoted(term.text)} is no condition; write one, as in `{term.text} over 5`"
            self._wrong(node, said, node.start)

    def _same(self, node: Node, parts: Parts) -> Type:
        """Return the type of numbers that must be of one unit."""
        if any(one.type.kind != "number" for one in parts):
            return UNKNOWN
        whole = parts[0]
        for part in parts[1:]:
            unit = units.together(whole.type.unit, part.type.unit)
            if not unit:
                self._wrong(node, _unlike(node, whole, part), node.at)
                return UNKNOWN
            whole = whole if unit == whole.type.unit else replace(part, type=Type("number", unit))
        return whole.type

    # --- results ----------------------------------------------------------------------------------------------------

    def _parts(self, node: Node) -> Parts:
        return tuple(self.read(one) for one in node.parts)

    def _term(
        self,
        node: Node,
        kind: Type,
        parts: Parts = (),
        *,
        value: Decimal | date | str | None = None,
        field: Field | None = None,
    ) -> Term:
        return Term(node.kind, kind, self._source(node), parts, node.value if value is None else value, field)

    def _wrong(self, node: Node, text: str, at: int) -> Term:
        self.faults.append(Misread(text, at))
        return self._term(node, UNKNOWN)

    def _source(self, node: Node) -> str:
        return " ".join(self._text[node.start : node.end].split())

    # How each kind of node is read; a leaf is none of them.
    _READERS: ClassVar[Mapping[str, Callable[["_Reader", Node], Term]]] = {
        **dict.fromkeys(("+", "-"), _sum),
        **dict.fromkeys(("*", "/"), _product),
        **dict.fromkeys(("minus", "abs"), _same_number),
        **dict.fromkeys(("min", "max", "first"), _choice),
        **dict.fromkeys(("wd", "d"), _days),
        **dict.fromkeys(("and", "or", "not"), _logic),
        **dict.fromkeys(("missing", "present"), _existence),
        **dict.fromkeys(("over", "under", "at least", "at most", "is", "is not"), _comparison),
        "if": _if,
    }


def _type_of(field: Field) -> Type:
    if unit := units.of_field(field):
        return Type("number", unit)
    return Type(_KINDS[field.kind], one_of=field.one_of)


def _in_another_currency(name: str, field: Field) -> bool:
    """Say whether an amount belongs to a row of another project, as the two ends of a link may."""
    return field.kind == Kind.MONEY and name.partition(".")[0] in {"predecessor", "successor"}


def _unlike(node: Node, left: Term, right: Term) -> str:
    verb = _VERBS.get(node.kind, "compared")
    is_what = [f"{quoted(one.text)} is {units.standing(one.type.unit)}" for one in (left, right)]
    remedy = "; multiply the ratio by 100" if {left.type.unit, right.type.unit} == {units.RATIO, "%"} else ""
    return f"{' and '.join(is_what)}: they cannot be {verb}{remedy}"
