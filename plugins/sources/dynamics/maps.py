"""What is read from which table: a column of Dataverse for each field of the model, as data (spec sources 3.6, 3.9)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as default

from pmo_watch.api import ENTITIES, Field, Kind

OWN = "@"  # begins the name of a value that is needed for working and is no field of the model
EXTRA_KINDS = {  # what such a value holds
    "@state": Kind.COUNT,
    "@reason": Kind.COUNT,
    "@type": Kind.COUNT,
    "@hours_per_day": Kind.NUMBER,
    "@currency": Kind.TEXT,
    "@program_name": Kind.TEXT,
    "@bucket": Kind.REF,
    "@sprint": Kind.REF,
    "@user": Kind.REF,
    "@kind_of_person": Kind.COUNT,
    "@disabled": Kind.FLAG,
    "@contour": Kind.TEXT,
    "@day": Kind.DATE,
    "@project": Kind.REF,
    "@task": Kind.REF,
    "@start": Kind.DATE,
    "@finish": Kind.DATE,
    "@days": Kind.NUMBER,
    "@effort": Kind.NUMBER,
    "@code": Kind.TEXT,
    "@name": Kind.TEXT,
}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Where one field comes from.

    `columns`: logical names, the first that is filled counts; a lookup may be written `_name_value`. `map`: choice
    value -> word of the model. `scale` (fraction or percent) and `unit` (days, hours, minutes, seconds) where the
    source's own setting does not hold. `value`: the same for every row, read from nowhere. `label`: the text that
    people see instead of the value.
    """

    field: str
    columns: tuple[str, ...] = ()
    map: Mapping[str, str] = default(default_factory=dict)
    scale: str = ""
    unit: str = ""
    value: str | None = None
    label: bool = False


@dataclass(frozen=True, slots=True)
class TableMap:
    """One table: `name` is what settings call it, `entity` what its rows become (empty: figures for other rows).

    `table` is the logical name, `set` the name of the rows' address where metadata may not be asked. `needed`: fields
    without which the table is not read at all. `follows`: the field that leads to the project, whose rows are left out
    with it. `active_only`: rows that were deactivated do not count. `expand`: a collection to read with each row, and
    the columns of its rows. `optional`: its absence is nothing to report.
    """

    name: str
    entity: str
    table: str
    set: str
    columns: tuple[ColumnMap, ...]
    needed: tuple[str, ...] = ()
    follows: str = ""
    filter: str = ""
    active_only: bool = False
    expand: str = ""
    expanded: tuple[ColumnMap, ...] = ()
    optional: bool = False

    @property
    def key(self) -> str:
        """The column of the primary key."""
        return f"{self.table}id"

    def column(self, name: str) -> ColumnMap | None:
        """Return where the field comes from, or None."""
        return next((one for one in self.columns if one.field == name), None)

    def with_columns(self, more: tuple[ColumnMap, ...]) -> "TableMap":
        """Return it with further columns; one of the same field is replaced, and gone when it has no column."""
        said = {one.field for one in more}
        kept = (*(one for one in self.columns if one.field not in said), *more)
        return replace(self, columns=tuple(one for one in kept if one.columns or one.value is not None))


def field_of(entity: str, name: str) -> Field | None:
    """Return the model's field of that name, None for a value of our own."""
    return ENTITIES[entity].field(name) if entity else None


def kind_of(entity: str, name: str) -> Kind:
    """Return what a field or a value of our own holds."""
    found = field_of(entity, name)
    return found.kind if found else EXTRA_KINDS[name]


def plain_name(column: str) -> str:
    """Return a column's logical name: `_ownerid_value` is how the lookup `ownerid` is read."""
    return column[1:-6] if is_read_form(column) else column


def is_read_form(column: str) -> bool:
    """Say whether a name is the one under which a lookup stands in a row."""
    return column.startswith("_") and column.endswith("_value")


def read_name(column: str) -> str:
    """Return the name under which the lookup of that logical name stands in a row."""
    return column if is_read_form(column) else f"_{column}_value"
