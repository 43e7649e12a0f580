"""What a table's rows become before they are laid over what is stored: which of them count, and what they lack."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from .choices import CANCELLED_ENTRY, COST, UNFINISHED_REASONS
from .maps import TableMap
from .people import of_team, resources, users

REGISTERS = ("risk", "issue", "decision", "change", "action")
NAMED_BY_KEY = (*REGISTERS, "project", "sprint", "document", "gate", "meeting", "release", "status_report", "program")


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Rows as fields of the model, and the keys of those that do not count: if they are stored, they are gone."""

    rows: pl.DataFrame
    dropped: list[str] = field(default_factory=list)


def prepared(table: TableMap, frame: pl.DataFrame, addresses: Mapping[str, str]) -> Prepared:
    """Return the rows of one table that count; `addresses`: key of a user -> e-mail address."""
    if table.name == "user":
        return Prepared(users(frame))
    if table.name == "resource":
        return Prepared(*resources(frame, addresses))
    dropped: list[str] = []
    for column, counts in _COUNTING.get(table.name, ()):
        if column in frame.columns:
            frame, other = _parted(frame, counts)
            dropped += other
    if table.active_only and "@state" in frame.columns:
        frame, other = _parted(frame, (pl.col("@state") == 0).fill_null(value=True))
        dropped += other
    return Prepared(of_team(frame) if table.name == "team" else _named(table, frame), dropped)


# Which rows of a table count, by a column of ours.
_COUNTING = {
    "project": (("@reason", ~pl.col("@reason").is_in(UNFINISHED_REASONS).fill_null(value=False)),),
    "cost_entry": (("@type", pl.col("@type") == COST),),
    "timesheet": (("@reason", (pl.col("@reason") != CANCELLED_ENTRY).fill_null(value=True)),),
}


def _named(table: TableMap, frame: pl.DataFrame) -> pl.DataFrame:
    """Give rows the period or week of their day, and their key as what people call them."""
    if table.name == "timesheet" and "@day" in frame.columns:
        frame = frame.with_columns(week=pl.col("@day").dt.strftime("%G-W%V"))
    if table.name == "status_report" and table.column("period") is None and "submitted_on" in frame.columns:
        frame = frame.with_columns(period=pl.col("submitted_on").dt.strftime("%Y-%m"))
    if table.entity in NAMED_BY_KEY and "id" not in frame.columns:
        frame = frame.with_columns(id=pl.col("key"))
    return frame


def _parted(frame: pl.DataFrame, counts: pl.Expr) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows that count and the keys of the others."""
    kept = frame.filter(counts.fill_null(value=False))
    return kept, frame.filter(~counts.fill_null(value=False))["key"].to_list()
