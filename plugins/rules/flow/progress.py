"""How much is in progress at once, against what a team can carry."""

from datetime import timedelta

import polars as pl
from pydantic import Field

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View

from .teams import of_boards

TEAM_DAYS = 28  # who had work in them is in the team


class WipParams(PluginSettings):
    """How many items a person carries, where a board says no limit."""

    per_person: float = Field(1.5, gt=0)


def wip_used(params: WipParams, view: View) -> pl.DataFrame:
    """Return the items in progress as a share of the limit, in per cent."""
    since = view.snapshot.today - timedelta(days=TEAM_DAYS)
    busy = pl.col("started").is_not_null() & (pl.col("finished") > since).fill_null(value=True)
    persons = pl.col("owner").filter(busy).drop_nulls().n_unique()
    sums = (
        of_boards(view)
        .group_by(uid="board")
        .agg(doing=pl.col("doing").sum().cast(pl.Int64), persons=pl.when(persons > 0).then(persons))
    )
    found = view.rows.select("uid", "wip_limit", "team_size").join(sums, on="uid", how="left", maintain_order="left")
    size = pl.coalesce("team_size", "persons")
    by_team = (size * params.per_person).round(6).ceil().cast(pl.Int64)
    limit = pl.coalesce("wip_limit", by_team)
    doing = pl.col("doing").fill_null(0)
    zero = pl.when(limit <= 0).then(pl.lit("invalid board.wip_limit: 0"))
    said = (
        pl.when(pl.col("wip_limit").is_not_null())
        .then(pl.lit(None, pl.String))
        .when(pl.col("team_size").is_not_null())
        .then(pl.lit("limit from the size of the team"))
        .otherwise(pl.lit("limit from those who had work in the last four weeks"))
    )
    return found.select(
        "uid",
        value=Columns.ratio(doing * 100, limit),
        numerator=doing,
        denominator=pl.when(limit > 0).then(limit),
        unknown=zero,
        note=pl.when(limit.is_not_null()).then(said),
        in_progress=doing,
        limit=limit,
    )


WIP_USED = Measure(
    "board.wip_used",
    "board",
    Unit.PERCENT,
    WipParams,
    ("wip_limit", "team_size"),
    wip_used,
    text="Items in progress, as a share of how many there may be.",
    clock="today",
    dimension="scope",
    amber="over 100 %",
    red="over 130 %",
    recover="at most 100 %",
)
