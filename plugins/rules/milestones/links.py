"""Links between rows of plans: whether the dates of both sides still fit."""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View

MINUTES_A_DAY = 24 * 60
# Which date of the predecessor must come before which of the successor.
SIDES: Mapping[str, tuple[str, str]] = {
    "fs": ("finish", "start"),
    "ss": ("start", "start"),
    "ff": ("finish", "finish"),
    "sf": ("start", "finish"),
}


class ConflictParams(PluginSettings):
    """Which links are looked at: those that lead out of a plan, or all."""

    scope: Literal["external", "all"] = "external"


def day_of(side: str, end: str) -> pl.Expr:
    """Return a row's start or finish: the actual day where there is one; a milestone starts on the day it finishes."""
    day = pl.coalesce(f"{side}.actual_{end}", f"{side}.forecast_{end}")
    if end == "finish":
        return day
    return pl.coalesce(day, pl.when(pl.col(f"{side}.is_milestone")).then(day_of(side, "finish")))


def room(view: View) -> pl.Expr:
    """Count the working days between what a link asks for and what is planned; negative is a conflict.

    Over columns `type`, `lag`, `lag_percent`, `lag_elapsed`, `project.minutes_per_day` and the dates of both sides as
    `predecessor.<field>` and `successor.<field>`. Of a lag in per cent only the sign is known: it counts as none.
    """
    lag = pl.when(pl.col("lag_percent").is_null()).then("lag").fill_null(0)
    day = pl.col("project.minutes_per_day")
    whole = pl.when(day > 0).then(lag / day).round(mode="half_to_even").cast(pl.Int64)
    working = pl.when(lag == 0).then(0).otherwise(whole)
    elapsed = (lag / MINUTES_A_DAY).round(mode="half_to_even").cast(pl.Int64)
    found: pl.Expr = pl.lit(None, pl.Int64)
    for kind, (before, after) in SIDES.items():
        first = day_of("predecessor", before)
        moved = (
            pl.when(pl.col("lag_elapsed").fill_null(value=False))
            .then(first + pl.duration(days=elapsed))
            .otherwise(view.add_working_days(first, working))
        )
        days = view.working_days(moved, day_of("successor", after))
        found = pl.when(link_type() == kind).then(days).otherwise(found)
    return found


def link_type() -> pl.Expr:
    """Return the kind of link; one that blocks is like finish to start, and so is one that does not say."""
    return pl.when(pl.col("type") == "blocks").then(pl.lit("fs")).otherwise(pl.col("type").fill_null("fs"))


def conflict(params: ConflictParams, view: View) -> Columns:
    """Count the working days that are left between two linked rows; negative when the link is broken."""
    missing: pl.Expr = pl.lit(None, pl.String)
    for kind, ends in SIDES.items():
        for side, end in zip(("successor", "predecessor"), reversed(ends), strict=True):
            here = (link_type() == kind) & day_of(side, end).is_null()
            missing = pl.when(here).then(pl.lit(f"missing {side}.forecast_{end}")).otherwise(missing)
    day = pl.col("project.minutes_per_day")
    endless = pl.when((day <= 0) & (pl.col("lag") != 0)).then(pl.format("invalid project.minutes_per_day: {}", day))
    crossing = pl.col("predecessor.project") != pl.col("successor.project")
    external = pl.any_horizontal("external", "predecessor.external", "successor.external", crossing)
    inside = pl.lit(params.scope == "external") & ~external.fill_null(value=False)
    over = pl.col("predecessor.done") | pl.col("successor.actual_start").is_not_null()
    return Columns(
        room(view),
        not_applicable=pl.when(inside).then(pl.lit("out of scope")).when(over).then(pl.lit("done")),
        unknown=pl.coalesce(missing, endless),
        evidence={
            "predecessor": pl.coalesce("predecessor.name", "external_name"),
            "predecessor_finish": day_of("predecessor", "finish"),
            "successor": pl.col("successor.name"),
            "successor_start": day_of("successor", "start"),
        },
    )


CONFLICT = Measure(
    "dependency.conflict",
    "dependency",
    Unit.WORKING_DAYS,
    ConflictParams,
    ("predecessor.forecast_finish", "successor.forecast_start"),
    conflict,
    text="Working days left between two linked rows; negative is a broken link.",
    dimension="schedule",
    amber="under 5 wd",
    red="under 0 wd",
    recover="at least 5 wd",
    finished_is_na=True,
)
