"""The preset with what the settings say on top of it: the tables that a source reads (spec sources 3.9)."""

from collections.abc import Mapping
from dataclasses import replace

from pmo_watch.api import ENTITIES, Kind

from .maps import ColumnMap, TableMap
from .presets import PRESETS
from .settings import MILESTONE, ColumnSettings, Settings, TableSettings

FOLLOWING = ("project", "board")  # the fields by which a row belongs to a project
OLD_LAG = "msdyn_projecttaskdependencylinklag"


def tables_of(settings: Settings) -> Mapping[str, TableMap]:
    """Return the tables to read, in the order in which they are read: projects first."""
    tables = dict(PRESETS[settings.preset])
    for name, said in settings.tables.items():
        tables[name] = _overlaid(tables.get(name), name, said)
    if settings.filter and "project" in tables:
        tables["project"] = replace(tables["project"], filter=_both(tables["project"].filter, settings.filter))
    tables = {name: _adapted(one, settings) for name, one in tables.items()}
    return {name: tables[name] for name in sorted(tables, key=lambda one: one != "project")}


def _overlaid(below: TableMap | None, name: str, said: TableSettings) -> TableMap:
    entity = "task" if name == MILESTONE else name
    columns = tuple(_column(field, one) for field, one in said.columns.items())
    currency = next(
        (one.currency for one in said.columns.values() if isinstance(one, ColumnSettings) and one.currency), ""
    )
    if currency and "currency" not in said.columns and ENTITIES[entity].field("currency") is not None:
        columns = (*columns, ColumnMap("currency", (currency,)))
    if name == MILESTONE:
        columns = (*columns, ColumnMap("is_milestone", value="true"))
    if below is None or (said.table and said.table != below.table):
        return _own(name, entity, said, columns)
    return replace(below.with_columns(columns), filter=_both(below.filter, said.filter), optional=False)


def _own(name: str, entity: str, said: TableSettings, columns: tuple[ColumnMap, ...]) -> TableMap:
    """Return a table that no preset knows; what must be there are the fields that the model asks for."""
    fields = {one.field for one in columns}
    needed = {one.name for one in ENTITIES[entity].stored() if one.required} | ({"name"} & fields)
    follows = next((one for one in FOLLOWING if one in fields and entity != "project"), "")
    own = tuple(one for one in (ColumnMap("updated_at", ("modifiedon",)),) if one.field not in fields)
    table = said.table or f"msdyn_{name}"
    return TableMap(
        name,
        entity,
        table,
        "",  # only metadata know the address of its rows
        (*columns, *own),
        needed=tuple(sorted(needed & (fields | {"project"}))),
        follows=follows,
        filter=said.filter,
    )


def _column(field: str, said: str | ColumnSettings) -> ColumnMap:
    if isinstance(said, str):
        return ColumnMap(field, (said,))
    columns = (said.column,) if said.column else ()
    return ColumnMap(field, columns, said.map, said.scale or "", said.unit or "", said.value, said.label)


def _both(one: str, other: str) -> str:
    """Join two filters; each stands in brackets, since either may hold `or`."""
    return f"({one}) and ({other})" if one and other else one or other


def _adapted(table: TableMap, settings: Settings) -> TableMap:
    """Apply what holds for every table: maps, amounts in the base currency, the older lag where its unit is known."""
    columns = [_mapped(table, one, settings) for one in table.columns]
    if table.name == "dependency" and "lag_unit" in settings.model_fields_set and not table.column("lag"):
        columns.append(ColumnMap("lag", (OLD_LAG,), unit=settings.lag_unit))
    return replace(table, columns=tuple(columns))


def _mapped(table: TableMap, column: ColumnMap, settings: Settings) -> ColumnMap:
    more = settings.maps.get(f"{table.entity}.{column.field}", {})
    column = replace(column, map={**column.map, **more}) if more else column
    field = ENTITIES[table.entity].field(column.field) if table.entity else None
    if settings.money == "base" and field is not None and field.kind == Kind.MONEY:
        return replace(column, columns=tuple(f"{one}_base" for one in column.columns))
    return column
