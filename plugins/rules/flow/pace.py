"""How much a team finishes from week to week, and how much comes in."""

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View, Weeks

from .teams import of_boards, weeks_back


class ThroughputParams(PluginSettings):
    """Which weeks are compared with which before them, and how many there must be in all."""

    recent: Weeks = 4
    before: Weeks = 12
    at_least: Weeks = 8


class ArrivalParams(PluginSettings):
    """Over how many complete weeks."""

    over: Weeks = 4


def throughput_change(params: ThroughputParams, view: View) -> pl.DataFrame:
    """Return by how much the mean weekly throughput differs from that of the weeks before, in per cent."""
    first = weeks_back(pl.min_horizontal("made", "started", "finished"), view)
    back = weeks_back(pl.col("finished"), view)
    sums = (
        of_boards(view)
        .with_columns(first=first, back=back)
        .group_by("board")
        .agg(
            known=pl.col("first").max().clip(0, params.recent + params.before).cast(pl.Int64),
            late=pl.col("back").is_between(1, params.recent).sum().cast(pl.Float64),
            early=pl.col("back").is_between(params.recent + 1, params.recent + params.before).sum().cast(pl.Float64),
        )
    )
    rows = view.rows.select("uid").join(sums, left_on="uid", right_on="board", how="left", maintain_order="left")
    known = pl.col("known")
    now = pl.col("late") / params.recent if params.recent else pl.lit(None, pl.Float64)
    then = Columns.ratio(pl.col("early"), known - params.recent)
    few = pl.format(f"needs {params.at_least} samples, has {{}}", known)
    none = pl.when(pl.col("early") == 0).then(pl.lit("only 0 items, needs 1"))
    return rows.select(
        "uid",
        value=Columns.ratio((now - then) * 100, then),
        numerator=now - then,
        denominator=pl.when(then > 0).then(then),
        unknown=pl.coalesce(
            pl.when(known.is_null()).then(pl.lit("missing task.actual_finish")),
            pl.when(known < max(params.at_least, params.recent + 1)).then(few),
            none,
        ),
        weekly_now=now.round(1),
        weekly_before=then.round(1),
    )


def arrival_ratio(params: ArrivalParams, view: View) -> pl.DataFrame:
    """Return how many items came in for each one that was finished, over the last complete weeks."""
    lately = {
        name: weeks_back(pl.col(name), view).is_between(1, params.over).sum().cast(pl.Int64)
        for name in ("made", "finished")
    }
    sums = of_boards(view).group_by("board").agg(unknown=pl.col("made").is_null().sum(), rows=pl.len(), **lately)
    rows = view.rows.select("uid").join(sums, left_on="uid", right_on="board", how="left", maintain_order="left")
    some = pl.format("missing task.created_at on {} of {} rows", "unknown", "rows")
    all_of_them = pl.when(pl.col("unknown") == pl.col("rows")).then(pl.lit("missing task.created_at"))
    nothing = pl.when((pl.col("finished") == 0) & (pl.col("made") > 0)).then(pl.lit("nothing finished"))
    return rows.select(
        "uid",
        value=Columns.ratio(pl.col("made"), pl.col("finished")),
        numerator="made",
        denominator="finished",
        unknown=pl.coalesce(all_of_them, pl.when(pl.col("unknown") > 0).then(some)),
        breach=nothing,
        created="made",
        finished="finished",
    )


THROUGHPUT_CHANGE = Measure(
    "board.throughput_change",
    "board",
    Unit.PERCENT,
    ThroughputParams,
    ("task.actual_finish",),
    throughput_change,
    text="Items that a team finishes in a week, against the weeks before.",
    clock="today",
    dimension="scope",
    amber="under -20 %",
    red="under -40 %",
    recover="at least -15 %",
)
ARRIVAL_RATIO = Measure(
    "board.arrival_ratio",
    "board",
    Unit.RATIO,
    ArrivalParams,
    ("task.created_at",),
    arrival_ratio,
    text="Items that came in for each one that was finished.",
    clock="today",
    dimension="scope",
    amber="over 1.1",
    red="over 1.3",
    recover="at most 1.05",
)
