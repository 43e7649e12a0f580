"""How the schema versions write columns: short, and the same on SQLite and PostgreSQL. Never changed, only added to."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from pmo_watch.store.columns import Json, Listed, Moment, money, number, number_key

# A column is written `name:type`, with `!` where it is never null and `*` where it is (part of) the key.
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "int": sa.BigInteger(),
    "float": sa.Double(),
    "flag": sa.Boolean(),
    "date": sa.Date(),
    "moment": Moment(),
    "money": money(),
    "number": number(),
    "list": Listed(),
    "json": Json(),
    "key": number_key(),
    "bytes": sa.LargeBinary(),
}
VERSION = (
    "version_id:key* uid:text! source:text! part:text! known_from:moment! known_to:moment missing:int vanished_on:date"
)


def create_versions(table: str, words: str) -> None:
    """Create the table of an entity's versions with these stored fields."""
    op.create_table(table, *columns(f"{VERSION} {words}"))
    partial_index(f"ix_{table}_current", table, ["uid"], "known_to IS NULL", unique=True)
    partial_index(f"ix_{table}_vanished", table, ["vanished_on"], "vanished_on IS NOT NULL", unique=False)


def columns(words: str) -> list[sa.Column[Any]]:
    """Return the columns that the words write."""
    return [_column(word) for word in words.split()]


def _column(word: str) -> sa.Column[Any]:
    name, _, kind = word.partition(":")
    return sa.Column(name, TYPES[kind.rstrip("!*")], primary_key=kind.endswith("*"), nullable=kind[-1] not in "!*")


def partial_index(name: str, table: str, names: list[str], where: str, *, unique: bool) -> None:
    """Create an index over the rows that the condition names."""
    rows = sa.text(where)
    op.create_index(name, table, names, unique=unique, sqlite_where=rows, postgresql_where=rows)
