"""What an environment has: which tables and columns, which kinds of dates, which tables track changes (spec 3.6)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from pmo_watch.api import SourceDataError

from .client import Answered, Dataverse
from .maps import OWN, ColumnMap, TableMap, field_of, is_read_form, plain_name, read_name

LOOKUPS = frozenset({"Lookup", "Owner", "Customer"})
MODIFIED = "modifiedon"
OPTION_KINDS = ("Picklist", "State", "Status")
LINK_WORDS = {"finishtostart": "fs", "starttostart": "ss", "finishtofinish": "ff", "starttofinish": "sf"}
OLD_LINK_TYPE = "msdyn_linktype"

# How the values of a date column are meant (spec 3.5).
LOCAL, LOCAL_DAY, DAY, WALL = "local", "local_day", "day", "wall"


@dataclass(frozen=True, slots=True)
class Facts:
    """What metadata say of one table; `types` is None where they may not be asked: then everything may be there.

    `dates`: column -> how its values are meant. `words`: choice column -> value -> word, where the labels say it.
    """

    set: str
    key: str
    tracked: bool = True
    types: Mapping[str, str] | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Readable:
    """A table as it can be read: the map without the columns that are not there, and how each column is read."""

    map: TableMap
    set: str
    key: str
    tracked: bool
    lookups: frozenset[str]
    dates: Mapping[str, str]
    has_modified: bool = True

    def reads(self, column: str) -> str:
        """Return the name under which a column stands in a row."""
        return read_name(column) if column in self.lookups or is_read_form(column) else column

    def is_lookup(self, column: ColumnMap) -> bool:
        """Say whether a field comes from a lookup."""
        return bool(column.columns) and self.reads(column.columns[0]) != plain_name(column.columns[0])

    @property
    def wants_names(self) -> bool:
        """Whether texts that people see are needed besides the values."""
        return any(one.label or self._leads_to_person(one) for one in self.map.columns)

    def _leads_to_person(self, column: ColumnMap) -> bool:
        found = field_of(self.map.entity, column.field)
        return found is not None and "person" in found.refers and self.is_lookup(column)

    def select(self) -> str:
        """Return the columns to ask for."""
        names = [self.key, *(self.reads(one) for column in self.map.columns for one in column.columns)]
        return ",".join(dict.fromkeys([*names, MODIFIED] if self.has_modified else names))

    def expansion(self) -> str:
        """Return the collection to read with each row, and which columns of it."""
        names = ",".join(one for column in self.map.expanded for one in column.columns)
        return f"{self.map.expand}($select={names})" if self.map.expand else ""

    def without(self, column: str) -> "Readable":
        """Return it without a column that the table turned out to lack."""
        lacks = plain_name(column)
        kept = tuple(_narrowed(one, lambda name: plain_name(name) != lacks) for one in self.map.columns)
        has = self.has_modified and lacks != MODIFIED
        return replace(
            self, map=replace(self.map, columns=tuple(one for one in kept if _is_filled(one))), has_modified=has
        )

    @property
    def lacks_needed(self) -> list[str]:
        """The fields without which it is not read and that it lacks."""
        return [one for one in self.map.needed if self.map.column(one) is None]


def facts_of(client: Dataverse, table: TableMap) -> Facts | None:
    """Ask for the metadata of a table; None where there is no such table.

    Raises:
        Answered: metadata may not be asked, or were refused otherwise.
        SourceUnavailable, SourceRefused, SourceDataError
    """
    path = f"EntityDefinitions(LogicalName='{table.table}')"
    asked = {
        "$select": "LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,ChangeTrackingEnabled",
        "$expand": "Attributes($select=LogicalName,AttributeType)",
    }
    try:
        found = client.get(path, asked)
    except Answered as no:
        if no.status == 404:
            return None
        raise
    types = {str(one["LogicalName"]): str(one.get("AttributeType")) for one in listed(found, "Attributes")}
    if not found.get("EntitySetName") or not types:
        raise SourceDataError(f"{path}: its answer names neither an address nor columns")
    return Facts(
        str(found["EntitySetName"]),
        str(found.get("PrimaryIdAttribute") or table.key),
        bool(found.get("ChangeTrackingEnabled")),
        types,
        _date_kinds(client, path, types),
        _link_words(client, path, table, types),
    )


def _date_kinds(client: Dataverse, path: str, types: Mapping[str, str]) -> Mapping[str, str]:
    """Return how each date is meant; nothing where the server does not say."""
    if "DateTime" not in types.values():
        return {}
    try:
        found = client.get(
            f"{path}/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata",
            {"$select": "LogicalName,Format,DateTimeBehavior"},
        )
    except Answered:
        return {}
    return {str(one["LogicalName"]): _date_kind(one) for one in listed(found, "value")}


def _date_kind(attribute: Mapping[str, Any]) -> str:
    behaviour = attribute.get("DateTimeBehavior")
    behaviour = behaviour.get("Value") if isinstance(behaviour, Mapping) else behaviour
    if behaviour == "DateOnly":
        return DAY
    if behaviour == "TimeZoneIndependent":
        return WALL
    return LOCAL_DAY if attribute.get("Format") == "DateOnly" else LOCAL


def _link_words(
    client: Dataverse, path: str, table: TableMap, types: Mapping[str, str]
) -> Mapping[str, Mapping[str, str]]:
    """Return what the values of the older link type mean by their labels: the number for one of them differs."""
    if OLD_LINK_TYPE not in types or not any(OLD_LINK_TYPE in one.columns for one in table.columns):
        return {}
    labels = options_of(client, path).get(OLD_LINK_TYPE, {})
    words = {value: LINK_WORDS.get(re.sub("[^a-z]", "", label.lower())) for value, label in labels.items()}
    return {OLD_LINK_TYPE: {value: word for value, word in words.items() if word}}


def options_of(client: Dataverse, path: str) -> dict[str, dict[str, str]]:
    """Return the labels of every choice column of a table: column -> value -> label, English where there is one."""
    found: dict[str, dict[str, str]] = {}
    for kind in OPTION_KINDS:
        asked = {"$select": "LogicalName", "$expand": "OptionSet"}
        if kind == "Picklist":
            asked["$expand"] = "OptionSet,GlobalOptionSet"
        try:
            answer = client.get(f"{path}/Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata", asked)
        except Answered:
            continue
        for one in listed(answer, "value"):
            options = listed(_object(one, "OptionSet") or _object(one, "GlobalOptionSet"), "Options", "Value")
            found[str(one["LogicalName"])] = {str(option["Value"]): _label(option) for option in options}
    return found


def listed(answer: Mapping[str, Any], name: str, needs: str = "LogicalName") -> list[Mapping[str, Any]]:
    """Return the objects of a list that have a member of that name; other things are no metadata."""
    held = answer.get(name)
    return [one for one in held if isinstance(one, dict) and needs in one] if isinstance(held, list) else []


def _object(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    held = answer.get(name)
    return held if isinstance(held, dict) else {}


def _label(option: Mapping[str, Any]) -> str:
    label = _object(option, "Label")
    said = [*listed(label, "LocalizedLabels", "Label"), _object(label, "UserLocalizedLabel")]
    english = next((one for one in said if one.get("LanguageCode") == 1033), said[-1])
    return str(english.get("Label") or "")


# --- the map and what is there ------------------------------------------------------------------------------------


def readable_of(table: TableMap, facts: Facts) -> Readable:
    """Return the table without what the environment lacks."""
    types = facts.types

    def has(name: str) -> bool:
        return types is None or plain_name(name) in types

    columns = tuple(_labelled(one, facts) for one in (_narrowed(each, has) for each in table.columns))
    lookups = frozenset(name for name, kind in (types or {}).items() if kind in LOOKUPS)
    return Readable(
        replace(table, columns=tuple(one for one in columns if _is_filled(one))),
        facts.set,
        facts.key,
        facts.tracked and not table.filter and not table.expand,
        lookups,
        facts.dates,
        has(MODIFIED),
    )


def _labelled(column: ColumnMap, facts: Facts) -> ColumnMap:
    words = next((facts.words[one] for one in column.columns if one in facts.words), {})
    return replace(column, map={**column.map, **words}) if words else column


def _narrowed(column: ColumnMap, has: Callable[[str], bool]) -> ColumnMap:
    return replace(column, columns=tuple(one for one in column.columns if has(one)))


def _is_filled(column: ColumnMap) -> bool:
    return bool(column.columns) or column.value is not None


# What is worked out of columns that are no fields themselves; of the other ones nobody need know.
FEEDS = {
    "@hours_per_day": "minutes_per_day",
    "@bucket": "labels",
    "@sprint": "sprint",
    "@contour": "weekly hours",
    "@kind_of_person": "external",
    "@disabled": "active",
    "@state": "whether a row is active",
}


def missing(table: TableMap, readable: Readable, facts: Facts | None = None) -> Iterator[tuple[str, str]]:
    """Yield each field whose column is not there, and what a person should know of it.

    `facts`: of the whole table, for the name that was perhaps meant.
    """
    for column in table.columns:
        field = FEEDS.get(column.field, column.field)
        if readable.map.column(column.field) is None and not field.startswith(OWN):
            name = plain_name(column.columns[0])
            near = get_close_matches(name, (facts.types if facts else None) or (), 1, 0.8)
            hint = f" (did you mean {near[0]}?)" if near else ""
            yield field, f"{table.table} has no {name}{hint}: {field} unknown"


def whole_table(table: TableMap, lacks: Sequence[str]) -> str:
    """Say that a table is not read because what identifies its rows is not there."""
    names = " and ".join(one.lstrip("@") for one in lacks)
    return f"{table.table} has no column for {names}: {table.name} not read; 'tables:' can name other columns"
