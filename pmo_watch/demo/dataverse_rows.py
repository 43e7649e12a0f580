"""What a made-up environment of Dataverse holds: tables with their columns, rows, and every change of them."""

import operator
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Test = Callable[[Row], bool]

# Kind as tables below write it -> AttributeType, Format and DateTimeBehavior of the metadata.
KINDS = {
    "text": ("String", "Text", ""),
    "guid": ("Uniqueidentifier", "", ""),
    "int": ("Integer", "", ""),
    "number": ("Decimal", "", ""),
    "money": ("Money", "", ""),
    "flag": ("Boolean", "", ""),
    "choice": ("Picklist", "", ""),
    "state": ("State", "", ""),
    "status": ("Status", "", ""),
    "moment": ("DateTime", "DateAndTime", "UserLocal"),
    "day": ("DateTime", "DateOnly", "UserLocal"),
    "date": ("DateTime", "DateOnly", "DateOnly"),
    "wall": ("DateTime", "DateAndTime", "TimeZoneIndependent"),
    "ref": ("Lookup", "", ""),
}
EVERYWHERE = "statecode:state statuscode:status createdon:moment modifiedon:moment"
OPTIONS: Mapping[str, Mapping[int, str]] = {
    "statecode": {0: "Active", 1: "Inactive"},
    "statuscode": {1: "Active", 2: "Inactive", 192350000: "Closed", 192350001: "Copying"},
    "msdyn_overallprojectstatus": {1: "Green", 2: "Yellow", 3: "Red"},
    "msdyn_projecttaskdependencylinktype": {
        0: "FinishToFinish",
        1: "FinishToStart",
        2: "StartToFinish",
        3: "StartToStart",
    },
    "msdyn_linktype": {192350000: "Finish-to-Start", 192350001: "Start-to-Start", 192350003: "Start-to-Finish"},
    "msdyn_transactiontypecode": {192350000: "Cost", 192350005: "Unbilled Sales"},
    "msdyn_entrystatus": {192350000: "Draft", 192350002: "Approved", 192354320: "Cancelled"},
    "resourcetype": {1: "Generic", 2: "Contact", 3: "User", 4: "Equipment", 5: "Account"},
    "proj_state": {1: "Proposed", 2: "Approved", 3: "Closed"},
    "new_stage": {100000000: "Running", 100000001: "Waiting"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its kind as KINDS has it, and for a lookup the table it leads to."""

    name: str
    kind: str
    target: str = ""

    @property
    def reads(self) -> str:
        """The name under which it stands in a row."""
        return f"_{self.name}_value" if self.kind == "ref" else self.name


@dataclass(slots=True, eq=False)
class Table:
    """One table; `gone` are the keys of deleted rows, each with the version at which they went."""

    name: str
    set: str
    columns: dict[str, Column]
    label: str
    tracked: bool = True
    children: dict[str, tuple[str, str]] = field(default_factory=dict)  # collection -> table, its lookup
    rows: dict[str, Row] = field(default_factory=dict)
    gone: list[tuple[int, str]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The column of the primary key."""
        return f"{self.name}id"

    def reads(self, name: str) -> str:
        """Return under which name a column stands in a row, however it was written."""
        column = self.columns.get(name)
        return column.reads if column else name


def table(name: str, entity_set: str, label: str, columns: str, **more: Any) -> Table:
    """Return a table without rows; `columns` are written `name:kind` or `name:ref:target`, with blanks between."""
    found = [Column(*one.split(":")) for one in f"{name}id:guid {columns} {EVERYWHERE}".split()]
    return Table(name, entity_set, {one.name: one for one in found}, label, **more)


class Organisation:
    """All rows of one environment, and the only place that changes them; each change moves the clock by a minute."""

    def __init__(self, tables: list[Table], now: datetime) -> None:
        self.tables = {one.name: one for one in tables}
        self.id = str(uuid.uuid5(uuid.NAMESPACE_DNS, "environment.example"))
        self.now = now
        self.version = 1
        self._number = 0

    def of_set(self, entity_set: str) -> Table | None:
        """Return the table whose rows lie at that address."""
        return next((one for one in self.tables.values() if one.set == entity_set), None)

    def add(self, name: str, /, **values: Any) -> str:
        """Add a row, lookups by the name of their column; returns its key."""
        self._number += 1
        key = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name} {self._number}"))
        found = self.tables[name]
        found.rows[key] = {column.reads: None for column in found.columns.values()}
        found.rows[key] |= {found.key: key, "statecode": 0, "statuscode": 1, "createdon": stamp(self.now)}
        self._set(found, found.rows[key], values)
        return key

    def edit(self, name: str, key: str, /, **values: Any) -> None:
        """Change a row."""
        self.now += timedelta(minutes=1)
        self._set(self.tables[name], self.tables[name].rows[key], values)

    def delete(self, name: str, key: str) -> None:
        """Delete a row."""
        self.now += timedelta(minutes=1)
        self.version += 1
        del self.tables[name].rows[key]
        self.tables[name].gone.append((self.version, key))

    def _set(self, found: Table, row: Row, values: Mapping[str, Any]) -> None:
        self.version += 1
        row |= {found.columns[name].reads: value for name, value in values.items()}
        row["modifiedon"] = values.get("modifiedon") or stamp(self.now)
        row["@version"] = self.version

    def drop(self, name: str, column: str = "") -> None:
        """Let a table or one of its columns be missing."""
        if column:
            del self.tables[name].columns[column]
        else:
            del self.tables[name]


def stamp(at: datetime) -> str:
    """Return an instant as the Web API writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


# --- $filter ------------------------------------------------------------------------------------------------------

WORDS = re.compile(r"\s*('(?:[^']|'')*'|[()]|[^\s()]+)")
SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


class BadFilter(Exception):
    """The text is no filter of this table; `column` is one that it does not have."""

    def __init__(self, text: str, column: str = "") -> None:
        super().__init__(text)
        self.column = column


def parsed_filter(found: Table, text: str) -> Test:
    """Return what decides whether a row passes: comparisons, `and`, `or` and brackets.

    Raises:
        BadFilter: it is none.
    """
    words = WORDS.findall(text)
    if not words:
        return lambda _: True
    test = _any(found, words)
    if words:
        raise BadFilter(f"Syntax error near '{words[0]}'")
    return test


def _any(found: Table, words: list[str]) -> Test:
    tests = [_all(found, words)]
    while words and words[0] == "or":
        del words[0]
        tests.append(_all(found, words))
    return lambda row: any(test(row) for test in tests)


def _all(found: Table, words: list[str]) -> Test:
    tests = [_one(found, words)]
    while words and words[0] == "and":
        del words[0]
        tests.append(_one(found, words))
    return lambda row: all(test(row) for test in tests)


def _one(found: Table, words: list[str]) -> Test:
    if words and words[0] == "(":
        del words[0]
        inner = _any(found, words)
        if not words or words.pop(0) != ")":
            raise BadFilter("a bracket is not closed")
        return inner
    if len(words) < 3 or words[1] not in SIGNS:
        raise BadFilter("Syntax error in the filter")
    name, sign, value = words[0], SIGNS[words[1]], _value(words[2])
    del words[:3]
    if name not in {one.reads for one in found.columns.values()}:
        raise BadFilter("unknown column", name)
    return lambda row: _compared(row.get(name), sign, value)


def _compared(held: Any, sign: Callable[[Any, Any], bool], value: Any) -> bool:
    if held is None or value is None:
        return sign in {SIGNS["eq"], SIGNS["ne"]} and sign(held, value)
    return sign(held, value)


def _value(text: str) -> Any:
    if text in {"null", "true", "false"}:
        return {"null": None, "true": True, "false": False}[text]
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        return float(text)
    except ValueError:
        return text


def in_order(rows: Iterator[Row], text: str, key: str) -> list[Row]:
    """Return rows sorted as `$orderby` says; the key decides between equals."""
    parts = [one.split() for one in text.split(",") if one.strip()]
    found = sorted(rows, key=lambda row: str(row[key]))
    for part in reversed(parts):
        found.sort(key=lambda row, name=part[0]: (row[name] is not None, str(row[name])), reverse=part[1:] == ["desc"])  # type: ignore[misc]
    return found
