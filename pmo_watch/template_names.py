"""The names that a template may use: fields of the message's view, filters, tests, and what a loop knows."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import GenericAlias, MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

from pmo_watch.telling import CellView, ChartView, ItemView, MessageView, SectionView, TableView

# What stands beside the message's view in every template: docs/templates.md has each with an example.
NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "view": MessageView,
        "more": str,
        "organisation": str,
        "colours": Mapping[str, str],
        "accent": str,
    }
)
# filter -> what it gives: "same" as it is given, "one" of it, or a type
FILTERS: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("capitalize", "escape", "e", "host", "join", "lower", "title", "trim"), str),
        **dict.fromkeys(("replace", "truncate", "underlined", "upper"), str),
        **dict.fromkeys(("count", "length"), int),
        **dict.fromkeys(("first", "last"), "one"),
        **dict.fromkeys(
            ("default", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique"), "same"
        ),
    }
)
TESTS = ("boolean", "defined", "divisibleby", "eq", "equalto", "even", "false", "ge", "gt", "in", "le", "lt", "ne",
         "none", "odd", "true", "undefined")  # fmt: skip
LOOP = ("cycle", "depth0", "first", "index", "index0", "last", "length", "nextitem", "previtem", "revindex")
OF_MAPPINGS = ("items", "keys", "values")
CALLED = {
    MessageView: "a message",
    SectionView: "a section",
    ItemView: "an alert",
    TableView: "a table",
    CellView: "a cell",
    ChartView: "a chart",
}


class Loop:
    """The type of `loop`."""


class Macro:
    """The type of what a template has defined with `macro`."""


def parts_of(kind: Any) -> Mapping[str, Any] | None:
    """Return the fields of one of the views with their types; None for any other type."""
    return _hints(kind) if isinstance(kind, type) and is_dataclass(kind) else None


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def is_mapping(kind: Any) -> bool:
    """Say whether a type is that of links, labels or colours."""
    return get_origin(kind) is Mapping


def many(kind: Any) -> Any:
    """Return the type of a list of these."""
    return GenericAlias(tuple, (kind, ...))


def one_of(kind: Any) -> Any:
    """Return the type of one of a list; Any where nothing is known of it."""
    found = get_args(kind) if get_origin(kind) is tuple else ()
    return found[0] if len(found) == 2 and found[1] is Ellipsis else Any


def fixed(kind: Any, number: int) -> tuple[Any, ...]:
    """Return the types of a pair or triple with so many parts; Any for each where nothing is known of it."""
    known = get_args(kind) if get_origin(kind) is tuple else ()
    return known if len(known) == number and Ellipsis not in known else (Any,) * number
