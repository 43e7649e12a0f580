"""What a sprint was begun with and what became of it: kept, carried over, changed, estimated."""

from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View

from .contents import closed, contents, latest_closed, names, uncertain

Weigh = Literal["items", "points"]
COMMITTED = pl.col("committed").fill_null(value=False)
REMOVED = pl.col("removed_on").is_not_null()
NO_POINTS = pl.col("committed_points").is_null()
# A list may say how much a sprint began with, and of nothing that was in it.
UNTOLD = pl.when(pl.col("rows").is_null() & (pl.col("committed_items") > 0)).then(
    pl.lit("missing sprint_item.committed")
)


class PredictabilityParams(PluginSettings):
    """What a ticket counts, and how many there must be for red."""

    weigh: Weigh = "items"
    min_sample: int = 5


class SpilloverParams(PluginSettings):
    """What a ticket counts, whether one that was taken out counts as carried over, how many there must be for red."""

    weigh: Weigh = "points"
    removed_counts: bool = True
    min_sample: int = 5


class ScopeParams(PluginSettings):
    """What a ticket counts."""

    weigh: Weigh = "points"


class UnestimatedParams(PluginSettings):
    """How many tickets there must be for red."""

    min_sample: int = 5


def predictability(params: PredictabilityParams, view: View) -> pl.DataFrame:
    """Return which share of what a sprint began with was done at its close; what was taken out was not."""
    kept = COMMITTED & pl.col("done")
    late = names(COMMITTED & ~pl.col("done"), pl.col("start"))
    sums = _sums(view, items=kept.sum(), points=_points("start", kept), late=late)
    asked = closed(view)
    by_items = params.weigh == "items"
    bottom = pl.col("committed_items" if by_items else "committed_points").cast(pl.Float64)
    top = pl.col("items" if by_items else "points").cast(pl.Float64)
    missing = pl.when(NO_POINTS & (pl.col("committed_items") > 0)).then(pl.lit("missing sprint.committed_points"))
    return asked.rows.join(sums, on="uid", how="left", maintain_order="left").select(
        "uid",
        value=Columns.ratio(top * 100, bottom),
        numerator=top,
        denominator=bottom.fill_null(pl.when(pl.col("committed_items") == 0).then(0.0)),
        sample="committed_items",
        not_applicable=asked.not_applicable,
        unknown=pl.coalesce(asked.unknown, "uncertain", UNTOLD, pl.lit(None) if by_items else missing),
        not_finished="late",
    )


def spillover(params: SpilloverParams, view: View) -> pl.DataFrame:
    """Return which share of what a sprint began with was not done at its close."""
    late = COMMITTED & ~pl.col("done")
    late = late if params.removed_counts else late & ~REMOVED
    sums = _sums(view, items=late.sum(), points=_points("start", late), left=names(late, pl.col("start")))
    asked = closed(view)
    by_items = pl.lit(value=True) if params.weigh == "items" else NO_POINTS
    top = pl.when(by_items).then("items").otherwise("points").cast(pl.Float64)
    bottom = pl.when(by_items).then("committed_items").otherwise("committed_points").cast(pl.Float64)
    fell_back = by_items & (params.weigh == "points") & (pl.col("committed_items") > 0)
    return asked.rows.join(sums, on="uid", how="left", maintain_order="left").select(
        "uid",
        value=Columns.ratio(top * 100, bottom),
        numerator=top,
        denominator=bottom,
        sample="committed_items",
        not_applicable=asked.not_applicable,
        unknown=pl.coalesce(asked.unknown, "uncertain", UNTOLD),
        note=pl.when(fell_back).then(pl.lit("items counted: no estimates")),
        not_finished="left",
    )


def scope_change(params: ScopeParams, view: View) -> pl.DataFrame:
    """Return what was added, taken out and estimated anew during a sprint, as a share of what it began with."""
    unit = params.weigh
    bottom, top = pl.col(f"committed_{unit}").cast(pl.Float64), pl.col(unit).cast(pl.Float64)
    empty = (bottom == 0) | (bottom.is_null() & (pl.col("committed_items") == 0))
    none = pl.when(empty).then(pl.lit(f"invalid sprint.committed_{unit}: 0"))
    missing = pl.when(bottom.is_null()).then(pl.lit(f"missing sprint.committed_{unit}"))
    left_out = pl.format("{} of {} rows left out", "pointless", "items")
    asked = closed(view)
    return asked.rows.join(_changes(view), on="uid", how="left", maintain_order="left").select(
        "uid",
        value=Columns.ratio(top * 100, bottom),
        numerator=top,
        denominator=pl.when(bottom > 0).then(bottom),
        not_applicable=asked.not_applicable,
        unknown=pl.coalesce(asked.unknown, "uncertain", none, missing, UNTOLD),
        note=pl.when((pl.col("pointless") > 0) & (unit == "points")).then(left_out),
        added="came",
        removed="went",
    )


def _changes(view: View) -> pl.DataFrame:
    """Return how many items were added or taken out, the points that changed, and how many have none."""
    added, out = ~COMMITTED, COMMITTED & REMOVED
    again = pl.when(COMMITTED & ~REMOVED).then((pl.col("close") - pl.col("start")).abs())
    pointless = (added & pl.col("close").is_null()) | (out & pl.col("start").is_null())
    return _sums(
        view,
        items=(added | out).sum(),
        points=_points("close", added) + _points("start", out) + again.sum(),
        pointless=pointless.sum(),
        came=names(added, pl.col("close")),
        went=names(out, pl.col("start")),
    )


def unestimated(params: UnestimatedParams, view: View) -> pl.DataFrame:
    """Return which share of what a sprint began with has no estimate; a team that estimates nothing is not asked."""
    without = COMMITTED & ~pl.col("estimated")
    sums = _sums(view, without=without.sum(), left=names(without, pl.col("close")))
    teams = contents(view).group_by("board").agg(estimates=pl.col("estimated").any())
    old = (pl.col("state") == "closed") & ~pl.col("uid").is_in(latest_closed(view.rows).implode())
    out = (
        pl.when(pl.col("state") == "future")
        .then(pl.lit("not started"))
        .when(old)
        .then(pl.lit("older sprint"))
        .when(~pl.col("estimates"))
        .then(pl.lit("not configured"))
    )
    rows = view.rows.join(sums, on="uid", how="left", maintain_order="left")
    return rows.join(teams, on="board", how="left", maintain_order="left").select(
        "uid",
        value=Columns.ratio(pl.col("without") * 100, pl.col("committed_items")),
        numerator="without",
        denominator="committed_items",
        sample="committed_items",
        not_applicable=out,
        unknown=pl.coalesce("uncertain", UNTOLD),
        not_estimated="left",
    )


def _sums(view: View, **wanted: pl.Expr) -> pl.DataFrame:
    """Return sums over the tickets of each sprint, and that some are not known to have been in it from its begin."""
    unsure = pl.col("committed").is_null().sum()
    sums = contents(view).group_by(uid="sprint").agg(**wanted, unsure=unsure, rows=pl.len())
    return sums.with_columns(uncertain=uncertain(pl.col("unsure"), pl.col("rows"))).drop("unsure")


def _points(name: str, among: pl.Expr) -> pl.Expr:
    """Return the points of some tickets; one without an estimate adds none."""
    return pl.col(name).filter(among).sum()


PREDICTABILITY = Measure(
    "sprint.predictability",
    "sprint",
    Unit.PERCENT,
    PredictabilityParams,
    ("committed_items",),
    predictability,
    text="Share of what a closed sprint began with that was done at its close.",
    clock="today",
    dimension="scope",
    amber="under 85 %",
    red="under 70 %",
    recover="at least 85 %",
)
SPILLOVER = Measure(
    "sprint.spillover",
    "sprint",
    Unit.PERCENT,
    SpilloverParams,
    ("committed_points", "committed_items"),
    spillover,
    text="Share of what a closed sprint began with that was not done at its close.",
    clock="today",
    dimension="scope",
    amber="over 15 %",
    red="over 25 %",
    recover="at most 15 %",
)
SCOPE_CHANGE = Measure(
    "sprint.scope_change",
    "sprint",
    Unit.PERCENT,
    ScopeParams,
    ("committed_points",),
    scope_change,
    text="What was added to, taken out of and estimated anew in a closed sprint, as a share of what it began with.",
    clock="today",
    dimension="scope",
    amber="over 10 %",
    red="over 20 %",
    recover="at most 8 %",
)
UNESTIMATED = Measure(
    "sprint.unestimated",
    "sprint",
    Unit.PERCENT,
    UnestimatedParams,
    ("committed_items",),
    unestimated,
    text="Share of what a sprint began with that has no estimate.",
    clock="today",
    dimension="scope",
    amber="over 10 %",
    red="over 25 %",
)
