"""What a release holds: how its scope grows, and which blockers are open in it."""

from typing import Literal

import polars as pl
from pydantic import Field

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View

RELEASED = pl.when(pl.col("released")).then(pl.lit("done"))
WINDOW = 10  # working days before a release from which open blockers count
MOST_NAMES = 50


class GrowthParams(PluginSettings):
    """What an item counts; the baseline is in the same measure."""

    weigh: Literal["items", "points"] = "items"


class BlockerParams(PluginSettings):
    """Which types of tickets count, and from which priority on: 5 is the highest."""

    types: tuple[str, ...] = ("Bug",)
    priority: int = Field(5, ge=1, le=5)


def in_releases(view: View) -> pl.DataFrame:
    """Return the items of releases, one row for each release they are meant for."""
    fields = ("id", "name", "release", "done", "story_points", "issue_type", "priority", "board")
    linked = view.once("agile releases", lambda: view.work_items(*fields).explode("release").drop_nulls("release"))
    return linked.with_columns(called=pl.coalesce("id", "name", "uid"))


def scope_growth(params: GrowthParams, view: View) -> pl.DataFrame:
    """Return by how much the scope of a release has grown since its baseline, in per cent."""
    points = pl.col("story_points").cast(pl.Float64)
    sums = (
        in_releases(view)
        .group_by(uid="release")
        .agg(items=pl.len().cast(pl.Float64), points=points.sum(), pointless=points.is_null().sum())
    )
    base = pl.col("scope_baseline").cast(pl.Float64)
    by_items = params.weigh == "items"
    now = pl.col("items" if by_items else "points").fill_null(0.0)  # a release that nothing is meant for any more
    none = pl.when(base <= 0).then(pl.format("invalid release.scope_baseline: {}", base.cast(pl.Int64)))
    rows = view.rows.join(sums, on="uid", how="left", maintain_order="left")
    return rows.select(
        "uid",
        value=Columns.ratio((now - base) * 100, base),
        numerator=now - base,
        denominator=pl.when(base > 0).then(base),
        not_applicable=RELEASED,
        unknown=none,
        note=pl.when((pl.col("pointless") > 0) & (not by_items)).then(
            pl.format("{} of {} rows left out", "pointless", pl.col("items").cast(pl.Int64))
        ),
        scope_now=now,
        scope_baseline="scope_baseline",
        scope_baseline_on="scope_baseline_on",
    )


def open_blockers(params: BlockerParams, view: View) -> pl.DataFrame:
    """Count the open tickets of a release that are of a type and of a priority."""
    types = [one.strip().lower() for one in params.types]
    meant = pl.col("issue_type").str.strip_chars().str.to_lowercase().is_in(types).fill_null(value=False)
    asked = in_releases(view).filter(meant & ~pl.col("done"))
    high = (pl.col("priority") >= params.priority).fill_null(value=False)
    sums = asked.group_by(uid="release").agg(
        blockers=high.sum().cast(pl.Int64),
        unknown=pl.col("priority").is_null().sum(),
        rows=pl.len(),
        which=pl.col("called").filter(high).sort().head(MOST_NAMES).str.join(", "),
    )
    rows = view.rows.join(sums, on="uid", how="left", maintain_order="left")
    some = pl.format("missing task.priority on {} of {} rows", "unknown", "rows")
    dated = pl.col("release_date").is_not_null()
    return rows.select(
        "uid",
        value=pl.when(dated & pl.col("remaining_items").is_not_null()).then(pl.col("blockers").fill_null(0)),
        not_applicable=pl.coalesce(RELEASED, pl.when(pl.col("days_left") > WINDOW).then(pl.lit("not in window"))),
        unknown=pl.coalesce(
            pl.when(~dated).then(pl.lit("missing release.release_date")),
            pl.when(pl.col("unknown") > 0).then(some),
        ),
        release_date="release_date",
        open_blockers="which",
    )


SCOPE_GROWTH = Measure(
    "release.scope_growth",
    "release",
    Unit.PERCENT,
    GrowthParams,
    ("scope_baseline",),
    scope_growth,
    text="Growth of what a release is meant to hold since its baseline.",
    clock="today",
    dimension="scope",
    amber="over 10 %",
    red="over 25 %",
    recover="at most 8 %",
)
OPEN_BLOCKERS = Measure(
    "release.open_blockers",
    "release",
    Unit.COUNT,
    BlockerParams,
    ("release_date", "remaining_items", "task.priority"),
    open_blockers,
    text="Open tickets of the highest priority in a release that is near.",
    clock="today",
    dimension="quality",
    amber="at least 1",
    red="at least 1 when release.days_left at most 5 wd",
)
