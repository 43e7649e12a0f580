"""Types that mean the same on SQLite and PostgreSQL, and frames' columns in the form that either stores.

SQLite keeps `Numeric` as a float and drops the zone of a moment, so money is kept there in ten-thousandths, other
decimals as text (six decimals beside eighteen digits do not fit its 64 bits), and moments in UTC. Rows of entities are
only written and read as frames, a column at a time, by what stands below; SQLAlchemy's types carry the rest.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Integer, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from pmo_watch.model import MONEY_SCALE, NUMBER_SCALE, Kind

SQLITE_MOMENT = "%Y-%m-%d %H:%M:%S%.6f"  # as SQLAlchemy writes a DateTime
DECIMALS = frozenset({Kind.NUMBER, Kind.PERCENT, Kind.HOURS})


class PlainText(TypeDecorator[str]):
    """A text without the character 0, which PostgreSQL refuses: a name from a broken file must not stop a cycle."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Leave the character out; a word of an enumeration becomes its text."""
        return None if value is None else str(value).replace("\0", "")


class Moment(TypeDecorator[datetime]):
    """An aware instant. SQLite drops the zone without converting, so it gets UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without zone; a wrong hour would be silent."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return it in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Listed(TypeDecorator[tuple[Any, ...]]):
    """Texts or numbers in order, kept as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[Any, ...] | None, dialect: Dialect) -> str | None:
        """Write the list."""
        return None if value is None else json.dumps(list(value), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Any, ...] | None:
        """Read the list."""
        return None if value is None else tuple(json.loads(value))


class Json(TypeDecorator[Mapping[str, Any]]):
    """A JSON object; dates, moments and decimals in it become text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        """Write the object."""
        return None if value is None else json.dumps(dict(value), ensure_ascii=False, default=_plain)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, Any] | None:
        """Read the object."""
        if value is None:
            return None
        found: Mapping[str, Any] = json.loads(value)
        return found


def _plain(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def money() -> TypeEngine[Any]:
    """Return the type of an exact amount with four decimals; in ten-thousandths on SQLite."""
    return Numeric(18, MONEY_SCALE).with_variant(BigInteger(), "sqlite")


def number() -> TypeEngine[Any]:
    """Return the type of an exact number with six decimals; as text on SQLite."""
    return Numeric(24, NUMBER_SCALE).with_variant(Text(), "sqlite")


def number_key() -> TypeEngine[int]:
    """Return the type of a key that counts up by itself; SQLite does so only for INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")


def column_type(kind: Kind) -> TypeEngine[Any]:
    """Return the type of a column that holds a field of that kind."""
    if kind in DECIMALS:
        return number()
    types: dict[Kind, TypeEngine[Any]] = {
        Kind.FLAG: Boolean(),
        Kind.COUNT: BigInteger(),
        Kind.MINUTES: BigInteger(),
        Kind.MONEY: money(),
        Kind.DATE: Date(),
        Kind.MOMENT: Moment(),
        Kind.LIST: Listed(),
    }
    return types.get(kind, Text())


# --- columns of frames --------------------------------------------------------------------------------------------


def packed(name: str, kind: Kind, dialect: str) -> pl.Expr:
    """Turn a frame's column into what the driver stores: numbers, flags, and texts."""
    column = pl.col(name)
    if kind == Kind.LIST:
        whole = pl.struct(v=column).struct.json_encode()  # {"v":[...]}
        return pl.when(column.is_not_null()).then(whole.str.slice(5).str.head(-1)).alias(name)
    if dialect != "sqlite":
        return column.dt.to_string(f"{SQLITE_MOMENT}+00") if kind == Kind.MOMENT else column
    if kind == Kind.MONEY:
        return column.to_physical().cast(pl.Int64)
    if kind in DECIMALS:
        return column.cast(pl.String)
    if kind == Kind.DATE:
        return column.dt.to_string("%Y-%m-%d")
    return column.dt.to_string(SQLITE_MOMENT) if kind == Kind.MOMENT else column


def packed_dtype(kind: Kind, dialect: str) -> pl.DataType:
    """Return what arrives for such a column when rows are read back by `fetched`."""
    if kind in {Kind.COUNT, Kind.MINUTES, Kind.FLAG}:
        return pl.Int64()
    if kind == Kind.MONEY:
        return pl.Int64() if dialect == "sqlite" else pl.String()
    if kind in {Kind.DATE, Kind.MOMENT} and dialect != "sqlite":
        return pl.Int64()
    return pl.String()


def unpacked(name: str, kind: Kind, dialect: str) -> pl.Expr:
    """Turn what arrived back into the frame's column."""
    column = pl.col(name)
    if kind == Kind.LIST:
        return column.str.json_decode(pl.List(pl.String))
    if kind == Kind.FLAG:
        return column.cast(pl.Boolean)
    if kind in DECIMALS:
        return column.cast(pl.Decimal(24, NUMBER_SCALE))
    if kind == Kind.MONEY:
        return _amount(column) if dialect == "sqlite" else column.cast(pl.Decimal(18, MONEY_SCALE))
    if kind == Kind.DATE:
        return column.str.to_date("%Y-%m-%d") if dialect == "sqlite" else column.cast(pl.Int32).cast(pl.Date)
    if kind == Kind.MOMENT:
        moment = column.str.to_datetime("%Y-%m-%d %H:%M:%S%.6f", time_unit="us") if dialect == "sqlite" else column
        return moment.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if packed_dtype(kind, dialect) == pl.String:
        return column + ""  # a copy: a column that is cut out of something larger keeps all of that in memory
    return column


def _amount(ten_thousandths: pl.Expr) -> pl.Expr:
    smallest = pl.lit(Decimal(1).scaleb(-MONEY_SCALE))
    return (ten_thousandths.cast(pl.Decimal(38, 0)) * smallest).cast(pl.Decimal(18, MONEY_SCALE))


def fetched(name: str, kind: Kind, dialect: str) -> str:
    """Return the SQL that selects a column in a form without the server's or session's habits."""
    quoted = f'"{name}"'
    if dialect == "sqlite":
        return quoted
    if kind == Kind.DATE:
        return f"{quoted} - date '1970-01-01'"
    if kind == Kind.MOMENT:
        return f"(extract(epoch from {quoted}) * 1000000)::bigint"
    return f"{quoted}::int" if kind == Kind.FLAG else quoted
