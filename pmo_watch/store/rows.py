"""Single rows: dataclasses in and out of the tables made from them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite


def values_of(value: Any) -> dict[str, Any]:
    """Return a dataclass's fields by name, as the tables made from it take them."""
    return {one.name: getattr(value, one.name) for one in fields(value)}


def made_of(row: Row[Any], kind: type) -> dict[str, Any]:
    """Return what of a row belongs to the dataclass, by field."""
    return {one.name: row._mapping[one.name] for one in fields(kind)}  # noqa: SLF001 - SQLAlchemy's public name


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], kept: Collection[str] | None = ()
) -> None:
    """Insert rows; where the key exists, replace all but the columns `kept`, or nothing when that is None."""
    if not rows:
        return
    make = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    keys = [column.name for column in table.primary_key]
    if kept is None:
        connection.execute(make.on_conflict_do_nothing(index_elements=keys), rows)
        return
    new = {name: make.excluded[name] for name in rows[0] if name not in keys and name not in kept}
    connection.execute(make.on_conflict_do_update(index_elements=keys, set_=new), rows)
