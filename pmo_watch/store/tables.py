"""The tables: one of versions for each entity, made from the model; alerts and what is sent, made from their values.

A field added to the model, or to one of the values below, is a column here at once and needs a migration:
`tests/core/test_store_schema.py` says which column is missing.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeEngine

from pmo_watch.alerts import Alert, Silence, Thread, Told
from pmo_watch.entities import ENTITIES
from pmo_watch.entities.shared import ORIGIN
from pmo_watch.flow import SourceState
from pmo_watch.model import Entity
from pmo_watch.store.columns import Json, Listed, Moment, PlainText, column_type, number_key

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)
ENGINE_COLUMNS = ("version_id", "uid", "source", "part", "known_from", "known_to", "missing", "vanished_on")
TYPES: dict[Any, TypeEngine[Any]] = {
    str: PlainText(),
    int: BigInteger(),
    float: Double(),
    bool: Boolean(),
    date: Date(),
    datetime: Moment(),
    Mapping[str, Any]: Json(),
}


def _delivered(entity: Entity) -> bool:
    """Say whether a source may deliver anything of it besides where it comes from."""
    origin = {one.name for one in ORIGIN}
    return any(one.name not in origin for one in entity.stored())


STORED = {name: entity for name, entity in ENTITIES.items() if _delivered(entity)}


def _versions(entity: Entity) -> Table:
    """Return the table of an entity's versions; one per uid has no `known_to` and is current."""
    name = f"{entity.name}_version"
    table = Table(
        name,
        metadata,
        Column("version_id", number_key(), primary_key=True),
        Column("uid", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("part", Text, nullable=False),
        Column("known_from", Moment, nullable=False),
        Column("known_to", Moment),
        Column("missing", BigInteger),  # number of the reading in which the row was first missing
        Column("vanished_on", Date),
        *(Column(one.name, column_type(one.kind)) for one in entity.stored()),
    )
    current, gone = text("known_to IS NULL"), text("vanished_on IS NOT NULL")
    Index(f"ix_{name}_current", "uid", unique=True, sqlite_where=current, postgresql_where=current, _table=table)
    Index(f"ix_{name}_vanished", "vanished_on", sqlite_where=gone, postgresql_where=gone, _table=table)
    return table


def _columns_of(value: type, *keys: str) -> list[Column[Any]]:
    """Return a column for every field of a dataclass; those that may be None are nullable."""
    hints = get_type_hints(value)
    return [_column_of(one.name, hints[one.name], is_key=one.name in keys) for one in fields(value)]


def _column_of(name: str, hint: Any, *, is_key: bool) -> Column[Any]:
    parts = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    kind = next(part for part in parts if part is not NoneType)
    return Column(name, _type_of(kind), primary_key=is_key, nullable=NoneType in parts)


def _type_of(kind: Any) -> TypeEngine[Any]:
    origin = get_origin(kind)
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, str)):
        return PlainText()
    return Listed() if origin is tuple else TYPES[kind]


VERSIONS = {name: _versions(entity) for name, entity in STORED.items()}

SOURCE = Table(
    "source_state",
    metadata,
    *_columns_of(SourceState, "name"),
    Column("last_change", BigInteger, nullable=False),  # id of the last attempt that changed rows
)
READING = Table(
    "reading",
    metadata,
    Column("id", number_key(), primary_key=True),
    Column("source", PlainText, nullable=False),
    Column("number", BigInteger),  # of complete readings
    Column("read_at", Moment, nullable=False),
    Column("as_of", Date),
    Column("outcome", PlainText, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("error", PlainText, nullable=False),
    Column("hash", PlainText, nullable=False),
    Column("cost", Json, nullable=False),
    Index("ix_reading_source", "source", "read_at"),
)
_NOT_CLOSED = text("closed_at IS NULL")
_REMEMBERED = text("closed_at IS NOT NULL AND recent <> '[]'")
ALERT = Table(
    "alert",
    metadata,
    *_columns_of(Alert, "id"),
    Index("ix_alert_open", "rule", "subject", unique=True, sqlite_where=_NOT_CLOSED, postgresql_where=_NOT_CLOSED),
    Index("ix_alert_remembered", "id", sqlite_where=_REMEMBERED, postgresql_where=_REMEMBERED),
)
TRANSITION = Table(
    "transition",
    metadata,
    Column("number", number_key(), primary_key=True),
    Column("alert", PlainText, nullable=False),
    Column("rule", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("project", PlainText, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("level_before", PlainText, nullable=False),
    Column("level", PlainText, nullable=False),
    Column("value", Double),
    Column("unit", PlainText, nullable=False),
    Column("reading", BigInteger),
    Column("rule_version", PlainText, nullable=False),
    Column("who", PlainText, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("finding", Json, nullable=False),
    Index("ix_transition_alert", "alert"),
    Index("ix_transition_subject", "subject"),
    Index("ix_transition_at", "at"),
)
_CURRENT = text("known_to IS NULL")


def _colours(name: str) -> Table:
    """Return a table of colours of projects; one per project and dimension has no `known_to` and is current."""
    current = f"ix_{name}_current"
    return Table(
        name,
        metadata,
        Column("number", number_key(), primary_key=True),
        Column("project", PlainText, nullable=False),
        Column("dimension", PlainText, nullable=False),
        Column("state", PlainText, nullable=False),
        Column("known_from", Moment, nullable=False),
        Column("known_to", Moment),
        Index(current, "project", "dimension", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
    )


COLOUR = _colours("colour")  # the computed ones
SHOWN_COLOUR = _colours("shown_colour")  # those that projects declare
SHOWN_PROJECT = Table(
    "shown_project",
    metadata,
    Column("uid", PlainText, primary_key=True),
    Column("project", PlainText, nullable=False),  # its label
    Column("name", PlainText),
)
SHOWN_MILESTONE = Table(
    "shown_milestone",
    metadata,
    Column("uid", PlainText, primary_key=True),
    Column("project", PlainText, nullable=False),
    Column("milestone", PlainText, nullable=False),
    Column("name", PlainText),
    Column("kind", PlainText),
    Column("baseline_finish", Date),
    Column("forecast_finish", Date),
    Column("done", Boolean, nullable=False),
    Column("slip_wd", Double),
)
SHOWN_OBSERVATION = Table(
    "shown_observation",
    metadata,
    Column("uid", PlainText, primary_key=True),
    Column("time", Moment, nullable=False),
    Column("scope", PlainText, nullable=False),
    Column("kpi", PlainText, nullable=False),
    Column("value", Double, nullable=False),
    Column("unit", PlainText),
    Column("target", Double),
)
SHOWN_SILENCED = Table("shown_silenced", metadata, Column("alert", PlainText, primary_key=True))
TOLD = Table("told", metadata, *_columns_of(Told, "alert", "recipient", "notifier"))
THREAD = Table("thread", metadata, *_columns_of(Thread, "notifier", "recipient", "project"))
SILENCE = Table(
    "silence",
    metadata,
    *_columns_of(Silence, "id"),
)
MARK = Table(
    "mark",
    metadata,
    Column("kind", PlainText, primary_key=True),
    Column("key", PlainText, primary_key=True),
    Column("value", PlainText, nullable=False),
    Column("at", Moment, nullable=False),
)
COUNTER = Table(
    "counter",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
OUTBOX = Table(
    "outbox",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("kind", PlainText, nullable=False),
    Column("notifier", PlainText, nullable=False),
    Column("recipient", PlainText, nullable=False),
    Column("recipient_name", PlainText, nullable=False),
    Column("address", PlainText, nullable=False),
    Column("language", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("text", PlainText, nullable=False),
    Column("html", PlainText, nullable=False),
    Column("payload", Json),
    Column("headers", Json, nullable=False),
    Column("trimmed", BigInteger, nullable=False),
    Column("fallback", PlainText, nullable=False),
    Column("fallback_id", PlainText, nullable=False),
    Column("facts", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("lease_until", Moment),
    Column("leased_by", PlainText),  # the daemon, while it is leased; null: a command, or an older version
    Column("settled_at", Moment),
    Column("reason", PlainText, nullable=False),
    Column("answer", PlainText, nullable=False),
    Column("who", PlainText, nullable=False),
    Index("ix_outbox_state", "state", "due"),
)
OUTBOX_ALERT = Table(
    "outbox_alert",
    metadata,
    Column("message", PlainText, ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Column("alert", PlainText, primary_key=True),
    Column("level", PlainText, nullable=False),
    Index("ix_outbox_alert_alert", "alert"),
)
OUTBOX_PICTURE = Table(
    "outbox_picture",
    metadata,
    Column("message", PlainText, ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Column("name", PlainText, primary_key=True),
    Column("alt", PlainText, nullable=False),
    Column("png", LargeBinary, nullable=False),
)
CIRCUIT = Table(
    "circuit",
    metadata,
    Column("notifier", PlainText, primary_key=True),
    Column("deferrals", BigInteger, nullable=False),
    Column("fault_since", Moment),
    Column("fault_reason", PlainText, nullable=False),
    Column("fault_answer", PlainText, nullable=False),
)
