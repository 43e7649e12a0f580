"""Rows and links of plans as minutes on the axis of their plan, ready for the passes over the network."""

import polars as pl

from pmo_watch.api import View

from .logic import SIDES, links
from .network import FROM_START, MINUTES_A_DAY, TO_START
from .plan import OPEN, plan

DEEPEST = 100  # levels of an outline: more is a circle
START, FINISH = ">", "<"  # the beginning and the end of a summary, as rows of their own
PER_DAY = pl.col("project.minutes_per_day")
BEGUN = pl.col("actual_start").is_not_null() | (pl.col("progress") > 0).fill_null(value=False)
HELD = ("held_start", "held_finish", "no_earlier", "latest_start", "latest_finish")


def kind() -> pl.Expr:
    """Return the kind of link; one that blocks is like finish to start, and so is one that does not say."""
    return pl.when(pl.col("type") == "blocks").then(pl.lit("fs")).otherwise(pl.col("type").fill_null("fs"))


def start_of(day: pl.Expr, view: View) -> pl.Expr:
    """Return the minute at which a day begins, in the calendar of the row's project."""
    return view.working_days(pl.col("@as_of"), day - pl.duration(days=1)) * PER_DAY


def finish_of(day: pl.Expr, view: View) -> pl.Expr:
    """Return the minute at which a day ends."""
    return view.working_days(pl.col("@as_of"), day) * PER_DAY


def rows_in_minutes(view: View) -> pl.DataFrame:
    """Return the countable rows of plans with `minutes` (duration), `earliest`, `latest`, `begun` and `HELD`.

    `minutes` is null where an open row does not say it; `uncovered` says that a date lies outside the calendar.
    """
    spent = finish_of(pl.coalesce("actual_finish", "forecast_finish"), view)
    begins = start_of(pl.coalesce("actual_start", "forecast_start"), view)
    said = pl.coalesce("duration", pl.when("is_milestone").then(0)).cast(pl.Int64)
    rows = _with_anchors(plan(view), view).with_columns(begun=BEGUN | pl.col("done"), begins=begins)
    rows = rows.with_columns(
        held_start=pl.when("done").then(pl.coalesce("begins", spent - said, spent)).when(_set()).then("begins"),
        project_start=_project_start(view),
    )
    length = (spent - pl.col("held_start")).clip(0)
    rows = rows.with_columns(minutes=pl.when("done").then(pl.coalesce(length, said, pl.lit(0))).otherwise(said))
    return _held(rows, view).with_columns(uncovered=_uncovered(spent))


def _uncovered(spent: pl.Expr) -> pl.Expr:
    """Return whether a date of an open row lies outside the days of the calendar, so that it has no minute."""
    dates = {
        "begins": pl.coalesce("actual_start", "forecast_start"),
        "promised": pl.col("deadline"),
        "constrained": pl.col("constraint_date"),
    }
    there = [day.is_not_null() & pl.col(minute).is_null() for minute, day in dates.items()]
    ends = pl.coalesce("actual_finish", "forecast_finish").is_not_null() & spent.is_null()
    return pl.any_horizontal(*there, ends)


def _set() -> pl.Expr:
    """Return whether links do not move the start of an open row: it has begun, or is scheduled by hand."""
    return OPEN & (BEGUN | pl.col("manual").fill_null(value=False))


def _project_start(view: View) -> pl.Expr:
    first = pl.min_horizontal(start_of(pl.col("project.forecast_start"), view), pl.col("begins").min().over("project"))
    return first.fill_null(0)


def _held(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    """Add what constraints and deadlines say: to open rows that have not begun, and to the latest finish of all."""
    begin, end = (how(pl.col("constraint_date"), view) for how in (start_of, finish_of))
    given = {
        "must_start": pl.when(_is("must_start_on", "start_on")).then(begin),
        "must_finish": pl.when(_is("must_finish_on", "finish_on")).then(end),
        "start_floor": pl.when(_is("start_no_earlier")).then(begin),
        "finish_floor": pl.when(_is("finish_no_earlier")).then(end),
        "start_cap": pl.when(_is("start_no_later")).then(begin),
        "finish_cap": pl.when(_is("finish_no_later")).then(end),
        "promised": finish_of(pl.col("deadline"), view),
        "constrained": end,
    }
    rows = rows.with_columns(**given)
    free = OPEN & ~_set()
    unknown = pl.col("constraint_type").is_null() & ~pl.col("waits")
    floor = pl.coalesce("start_floor", pl.when(unknown).then("begins"))
    by_start = pl.min_horizontal("must_start", "start_cap") + pl.col("minutes")
    return rows.with_columns(
        held_start=pl.coalesce("held_start", pl.when(free).then("must_start")),
        held_finish=pl.when(free).then("must_finish"),
        no_earlier=pl.when(free).then(pl.max_horizontal("finish_floor", "anchor_finish")),
        latest_start=pl.when(free).then("start_cap"),
        latest_finish=pl.when(free).then("finish_cap"),
        earliest=pl.max_horizontal("project_start", floor, "anchor_start"),
        latest=pl.min_horizontal(by_start, "must_finish", "finish_cap", "promised"),
    )


def _is(*types: str) -> pl.Expr:
    return pl.col("constraint_type").is_in(types)


# --- links --------------------------------------------------------------------------------------------------------


def _with_anchors(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    """Add what rows of other plans ask for, by their dates: `anchor_start`, `anchor_finish`; and who `waits` at all."""
    inner, outer = _split(view)
    ends = plan_ends(view, outer["predecessor"])
    clocks = rows.select("uid", "@as_of", "@calendar", "project.minutes_per_day")
    # Of a lag in per cent nothing is known here: how long the other row takes is the other plan's.
    wait = pl.when(pl.col("lag_percent").is_null()).then("lag").fill_null(0)
    elapsed = pl.col("lag_elapsed").fill_null(value=False)
    moved = pl.duration(days=pl.when(elapsed).then((wait / MINUTES_A_DAY).round()).otherwise(0).cast(pl.Int64))
    at = (
        pl.when(pl.col("kind").is_in(FROM_START))
        .then(start_of(pl.col("begins") + moved, view))
        .otherwise(finish_of(pl.col("ends") + moved, view))
    ) + pl.when(elapsed).then(0).otherwise(wait)
    anchors = (
        outer.join(ends, left_on="predecessor", right_on="uid")
        .join(clocks, left_on="successor", right_on="uid")
        .with_columns(at=at, to_start=pl.col("kind").is_in(TO_START))
        .group_by(uid="successor")
        .agg(
            anchor_start=pl.col("at").filter("to_start").max(),
            anchor_finish=pl.col("at").filter(~pl.col("to_start")).max(),
        )
    )
    held = pl.concat([inner["successor"], anchors["uid"]]).unique()
    return rows.join(anchors, on="uid", how="left", maintain_order="left").with_columns(
        waits=pl.col("uid").is_in(held.implode())
    )


def plan_ends(view: View, wanted: pl.Series) -> pl.DataFrame:
    """Return `uid`, `begins` and `ends` (days) of rows of any plan."""
    return (
        view.snapshot.frame("task")
        .filter(pl.col("uid").is_in(wanted.implode()))
        .select(
            "uid",
            begins=pl.coalesce("actual_start", "forecast_start"),
            ends=pl.coalesce("actual_finish", "forecast_finish"),
        )
    )


def _split(view: View) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the links inside a plan, and those that come from another one."""
    known = links(view).filter(pl.all_horizontal(pl.col(f"{side}.kept").fill_null(value=False) for side in SIDES))
    known = known.filter(~pl.col("successor.elsewhere")).with_columns(kind=kind())
    same = (pl.col("predecessor.project") == pl.col("successor.project")) & ~pl.col("predecessor.elsewhere")
    return known.filter(same), known.filter(~same)


def links_in_minutes(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return `first`, `then` (keys of rows or of ends of summaries), `kind`, `lag` and `elapsed`.

    A lag in per cent is one of the predecessor's duration. A link with a summary ties the beginning or the end of all
    that lies below it; where it takes one row to say so, that is the one that starts first or finishes last.
    """
    inner, _ = _split(view)
    leaves = _leaves(inner, rows, view)
    lengths = rows.select(predecessor="uid", length="minutes")
    share = (pl.col("lag_percent") * pl.col("length") / 100).round()
    tied = (
        inner.join(lengths, on="predecessor", how="left", maintain_order="left")
        .join(_extreme(leaves, "begins", "first_leaf"), left_on="predecessor", right_on="above", how="left")
        .join(_extreme(leaves, "ends", "last_leaf"), left_on="successor", right_on="above", how="left")
        .select(
            "kind",
            first=pl.when("predecessor.countable")
            .then("predecessor")
            .when(pl.col("kind").is_in(FROM_START))
            .then("first_leaf")
            .otherwise(pl.concat_str("predecessor", pl.lit(FINISH))),
            then=pl.when("successor.countable")
            .then("successor")
            .when(pl.col("kind").is_in(TO_START))
            .then(pl.concat_str("successor", pl.lit(START)))
            .otherwise("last_leaf"),
            lag=pl.coalesce(share, "lag", pl.lit(0)).cast(pl.Int64),
            elapsed=pl.col("lag_elapsed").fill_null(value=False) & pl.col("lag_percent").is_null(),
        )
    )
    inside = [
        leaves.select(
            kind=pl.lit("fs"),
            first=first,
            then=then,
            lag=pl.lit(0, pl.Int64),
            elapsed=pl.lit(value=False),
        )
        for first, then in (
            (pl.col("uid"), pl.concat_str("above", pl.lit(FINISH))),
            (pl.concat_str("above", pl.lit(START)), pl.col("uid")),
        )
    ]
    return pl.concat([tied, *inside]).drop_nulls()


def _extreme(leaves: pl.DataFrame, by: str, name: str) -> pl.DataFrame:
    """Return for each summary the row below it that starts first, or finishes last."""
    ordered = leaves.sort(by, "uid", descending=[by == "ends", False], nulls_last=True)
    return ordered.group_by("above", maintain_order=True).agg(pl.col("uid").first().alias(name))


def _leaves(inner: pl.DataFrame, rows: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return `above` (a summary that a link names), and each countable row below it: `uid`, `begins`, `ends`."""
    named = pl.concat([inner.filter(~pl.col(f"{side}.countable"))[side].alias("uid") for side in SIDES]).unique()
    below = view.snapshot.frame("task").select("uid", "parent").drop_nulls()
    level = pl.DataFrame({"above": named, "uid": named})
    found = [level.clear()]
    for _ in range(DEEPEST):
        level = level.join(below, left_on="uid", right_on="parent").select("above", uid="uid_right")
        if level.is_empty():
            break
        found.append(level)
    ends = pl.coalesce("actual_finish", "forecast_finish")
    return pl.concat(found).unique().join(rows.select("uid", "begins", ends=ends), on="uid")
