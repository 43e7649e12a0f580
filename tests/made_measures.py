"""Measures made for a test, and rows for them to measure."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
from snapshots import snapshot

from pmo_watch.contracts import Columns, Measure, NoParams
from pmo_watch.rules import Unit

MAY_13 = date(2026, 5, 13)


def measure(
    name: str = "task.points", value: pl.Expr | None = None, unit: Unit = Unit.COUNT, **more: Any
) -> Measure[Any]:
    """Return a measure of story points, or of another expression; `parts` go into its answer."""
    parts = more.pop("parts", {})
    entity = name.partition(".")[0]
    answer = pl.col("story_points") if value is None else value
    needs = more.pop("needs", ("story_points",) if value is None else ())
    return Measure(name, entity, unit, NoParams, needs, lambda _, __: Columns(answer, **parts), **more)


POINTS = measure()


def points(*values: float | None, **row: Any) -> Any:
    """Return a snapshot with tasks of these story points."""
    return snapshot(task=[{"story_points": None if one is None else Decimal(str(one)), **row} for one in values])


BANDS = {"measure": "task.points", "amber": "over 10", "red": "over 20", "recover": "at most 8"}


NA = pl.when(pl.col("name") == "na").then(pl.lit("not configured"))


BREACH = pl.when(pl.col("name") == "spent").then(pl.lit("budget exhausted"))
