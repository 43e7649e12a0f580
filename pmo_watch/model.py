"""What an entity and a field are; from one declaration come frames, tables, CSV headers and what rules may name.

The declaration itself is `entities.py`. A frame has its entity's columns in this order, unique uids and rows sorted by
uid; an entity nobody delivered is an empty frame, not a missing one. Columns whose name begins with `@` are the
engine's own and are no fields.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Kind(StrEnum):
    """What a field holds, and in which unit; null always means that the source does not say."""

    TEXT = "text"  # NFC, trimmed
    ENUM = "enum"  # one of `Field.one_of`, lower case
    FLAG = "bool"
    COUNT = "int"
    NUMBER = "dec"  # exact, six decimals
    PERCENT = "pct"  # 0 to 100, exact, six decimals
    MINUTES = "minutes"  # working minutes
    HOURS = "hours"  # effort, exact, six decimals
    MONEY = "money"  # exact, four decimals, in the currency of the row or its project
    DATE = "date"  # a calendar day in the organisation's zone
    MOMENT = "instant"  # an instant in UTC
    REF = "ref"  # the uid of a row of `Field.refers`; in a source's own rows the text the source wrote
    LIST = "list"  # texts


MONEY_SCALE = 4
NUMBER_SCALE = 6

DTYPES: dict[Kind, pl.DataType] = {
    Kind.TEXT: pl.String(),
    Kind.ENUM: pl.String(),
    Kind.FLAG: pl.Boolean(),
    Kind.COUNT: pl.Int64(),
    Kind.NUMBER: pl.Decimal(24, NUMBER_SCALE),
    Kind.PERCENT: pl.Decimal(24, NUMBER_SCALE),
    Kind.MINUTES: pl.Int64(),
    Kind.HOURS: pl.Decimal(24, NUMBER_SCALE),
    Kind.MONEY: pl.Decimal(18, MONEY_SCALE),
    Kind.DATE: pl.Date(),
    Kind.MOMENT: pl.Datetime("us", "UTC"),
    Kind.REF: pl.String(),
    Kind.LIST: pl.List(pl.String()),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity.

    `required`: a record without it is rejected. `computed`: a pure function of current rows, history, the day and
    calendars; no source delivers it and it is not stored. `own`: written by pmo-watch itself. `refers`: the entities a
    reference may lead to, tried in this order. `group`: the field group of spec model 1.9 that it is merged with.
    `csv`: the canonical CSV header where it is not the field's name. `readable`: whether a rule may name it.
    """

    name: str
    kind: Kind
    text: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    computed: bool = False
    own: bool = False
    group: str = ""
    csv: str = ""
    readable: bool = True

    @property
    def dtype(self) -> pl.DataType:
        """The column's type in a frame."""
        return DTYPES[self.kind]

    @property
    def header(self) -> str:
        """The canonical CSV header."""
        return self.csv or self.name


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of the model: its name, a sentence, its fields, and the field group its rows belong to."""

    name: str
    text: str
    fields: tuple[Field, ...]
    group: str = ""

    def field(self, name: str) -> Field | None:
        """Return the field of that name, or None."""
        return next((one for one in self.fields if one.name == name), None)

    def stored(self) -> Iterator[Field]:
        """Yield the fields that a source may deliver and the store keeps: neither computed nor pmo-watch's own."""
        return (one for one in self.fields if not one.computed and not one.own)

    def schema(self) -> dict[str, pl.DataType]:
        """Return the frame's columns: every field, in order."""
        return {one.name: one.dtype for one in self.fields}

    def stored_schema(self) -> dict[str, pl.DataType]:
        """Return the columns of a source's own rows."""
        return {one.name: one.dtype for one in self.stored()}

    def empty(self) -> pl.DataFrame:
        """Return a frame without rows."""
        return pl.DataFrame(schema=self.schema())


def lean(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep a column without any value as one null, however many rows: few sources fill half of the model's fields."""
    bare = [name for name in frame.columns if frame[name].null_count() == frame.height]
    return frame.with_columns([pl.lit(None, frame.schema[name]).alias(name) for name in bare])
