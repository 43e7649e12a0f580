"""High risks that nobody looks after: without owner, strategy or action."""

from typing import Literal

import polars as pl
from pydantic import Field

from pmo_watch.api import Columns, Measure, PluginSettings, Samples, Since, Unit, View, Wish

from .risks import HEIGHT
from .seen import CLOSED, since

DAYS_BACK = 92  # calendar days: a risk that was let lie for a quarter needs no more exact count
LEVELS = Samples("risk", "day", DAYS_BACK, ("likelihood", "impact"))
PAIR = (Since("risk", "likelihood"), Since("risk", "impact"))


class UnmanagedParams(PluginSettings):
    """From which level on a risk must be looked after, and what it must then have."""

    level: int = Field(15, ge=1, le=25)
    needs: tuple[Literal["owner", "strategy", "action"], ...] = ("owner", "strategy", "action")


def wishes(_: UnmanagedParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return (LEVELS, *PAIR)


def unmanaged(params: UnmanagedParams, view: View) -> Columns:
    """Count the working days that a risk has been high while something it must have is lacking."""
    start = pl.coalesce(pl.lit(_high_since(params, view)), "identified_on")
    lacking = [pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in params.needs]
    absent = pl.concat_str(lacking, separator=", ", ignore_nulls=True) if lacking else pl.lit("")
    return Columns(
        pl.when(HEIGHT.is_not_null()).then(view.working_days(start, pl.col("@today"))),
        not_applicable=pl.coalesce(
            CLOSED,
            pl.when(HEIGHT.lt(params.level)).then(pl.lit("out of scope")),
            pl.when(absent == "").then(pl.lit("done")),
        ),
        evidence={"lacking": absent, "high_since": start, "risk_level": HEIGHT},
    )


def _high_since(params: UnmanagedParams, view: View) -> pl.Series:
    """Return since which day the level of each risk has been that high, as far back as history shows."""
    known = [since(wish, view) for wish in PAIR]
    # A pair of values that both still stand has stood since the later of them came.
    pair = pl.when(known[0].is_not_null() & known[1].is_not_null()).then(pl.max_horizontal(*known))
    runs = view.rows.select("uid").join(_runs(params, view), on="uid", how="left", maintain_order="left")
    return runs.select(since=pl.min_horizontal("run", pair))["since"]


def _runs(params: UnmanagedParams, view: View) -> pl.DataFrame:
    """Return the first day of the run of days, up to now, on which a risk was seen to be that high."""
    found = view.snapshot.past.get(LEVELS)
    if found is None:
        return pl.DataFrame(schema={"uid": pl.String, "run": pl.Date})
    high = HEIGHT.ge(params.level).fill_null(value=False)
    lower = pl.col("ends").filter(~high).max().over("uid")
    running = found.filter(high & (lower.is_null() | (pl.col("ends") > lower)))
    return running.group_by("uid").agg(run=pl.col("ends").min())


UNMANAGED = Measure(
    "risk.unmanaged",
    "risk",
    Unit.WORKING_DAYS,
    UnmanagedParams,
    ("likelihood", "impact", "identified_on"),
    unmanaged,
    text="Working days that a high risk lacks an owner, a strategy or an action.",
    clock="today",
    dimension="risk",
    past=wishes,
    amber="at least 0 wd",
    red="over 5 wd",
)
