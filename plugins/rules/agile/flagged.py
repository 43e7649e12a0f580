"""Work of a team that is blocked."""

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Since, Unit, View, Wish

MOST_NAMES = 50


class BlockedParams(PluginSettings):
    """How many items there must be in progress for red."""

    min_sample: int = 5


def flags(_: BlockedParams) -> tuple[Wish, ...]:
    """Return the history that says since when an item is blocked."""
    return (Since("task", "flagged"),)


def blocked(params: BlockedParams, view: View) -> pl.DataFrame:
    """Return which share of a team's items in progress is blocked."""
    fields = ("id", "name", "board", "status_category", "flagged", "flagged_since")
    items = view.work_items(*fields).filter(pl.col("status_category") == "doing").drop_nulls("board")
    flagged = pl.col("flagged").fill_null(value=False)
    called = (
        pl.coalesce("id", "name", "uid")
        .filter(flagged)
        .sort_by(pl.col("flagged_since").filter(flagged), nulls_last=True)
    )
    sums = items.group_by(board="board").agg(
        doing=pl.len().cast(pl.Int64),
        blocked=flagged.sum().cast(pl.Int64),
        unknown=pl.col("flagged").is_null().sum(),
        since=pl.col("flagged_since").filter(flagged).min(),
        which=called.head(MOST_NAMES).str.join(", "),
    )
    rows = view.rows.join(sums, left_on="uid", right_on="board", how="left", maintain_order="left")
    doing = pl.col("doing").fill_null(0)
    some = pl.format("missing task.flagged on {} of {} rows", "unknown", "doing")
    all_of_them = pl.when(pl.col("unknown") == pl.col("doing")).then(pl.lit("missing task.flagged"))
    return rows.select(
        "uid",
        value=Columns.ratio(pl.col("blocked") * 100, doing),
        numerator=pl.col("blocked").fill_null(0),
        denominator=doing,
        sample=doing,
        unknown=pl.coalesce(all_of_them, pl.when(pl.col("unknown") > 0).then(some)),
        blocked_items="which",
        **{"board.blocked_age": view.working_days(pl.col("since"), pl.col("@today"))},
    )


BLOCKED = Measure(
    "board.blocked",
    "board",
    Unit.PERCENT,
    BlockedParams,
    ("task.flagged",),
    blocked,
    text="Share of a team's items in progress that is blocked.",
    clock="today",
    dimension="scope",
    past=flags,
    amber="over 15 %; board.blocked_age over 5 wd",
    red="over 30 %; board.blocked_age over 10 wd",
    companions={"board.blocked_age": Unit.WORKING_DAYS},
)
