"""Whether what must come before a milestone is done, shortly before it is due."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Since, Unit, View, Wish, WorkingDays

MOST_NAMES = 50  # of open rows listed as evidence
DEEPEST = 100  # levels of an outline, links in a chain: more is a circle


class ReadinessParams(PluginSettings):
    """When a milestone is looked at, how far back, and whether its date must be confirmed."""

    window: WorkingDays = 10
    depth: Literal["direct", "all"] = "direct"
    require_confirmation: bool = False


def readiness(params: ReadinessParams, view: View) -> pl.DataFrame:
    """Return done predecessors over predecessors, in per cent.

    Predecessors are countable rows, a summary standing for its leaves; where there are none, siblings under the same
    parent that finish on or before the milestone.
    """
    rows = view.rows.select("uid", "parent", "done", "days_left", "confirmed", _finish().alias("finish"))
    soon = pl.col("days_left").is_between(0, params.window)
    asked = rows.filter(~pl.col("done").fill_null(value=False) & soon)
    tasks = view.snapshot.frame("task").select("uid", "parent", "name", "done", "countable", _finish().alias("finish"))
    before = _predecessors(asked.select(milestone="uid"), tasks, view, deep=params.depth == "all")
    alone = asked.filter(~pl.col("uid").is_in(before["milestone"].implode()))
    counted = _counted(pl.concat([before, _siblings(alone, tasks)]), tasks)
    unconfirmed = pl.lit(params.require_confirmation) & ~pl.col("confirmed").fill_null(value=False)
    return (
        rows.select("uid", "done", "days_left", "confirmed")
        .join(counted, on="uid", how="left", maintain_order="left")
        .select(
            "uid",
            "numerator",
            "denominator",
            "open_predecessors",
            value=pl.col("numerator") / pl.col("denominator") * 100,
            sample=pl.col("denominator"),
            not_applicable=pl.when("done").then(pl.lit("done")).when(~soon).then(pl.lit("not in window")),
            unknown=pl.when(pl.col("denominator").is_null() & pl.col("days_left").is_not_null()).then(
                pl.lit("missing milestone.predecessor_count")
            ),
            **{"milestone.unconfirmed": unconfirmed.cast(pl.Int64)},
        )
    )


def _finish() -> pl.Expr:
    return pl.coalesce("actual_finish", "forecast_finish", "committed_finish")


def _predecessors(milestones: pl.DataFrame, tasks: pl.DataFrame, view: View, *, deep: bool) -> pl.DataFrame:
    """Return `milestone` and `uid` of each countable row before it."""
    links = view.snapshot.frame("dependency").select("predecessor", "successor").drop_nulls()
    leaves = _leaves(tasks)
    one_step = (
        links.join(leaves, left_on="predecessor", right_on="above")
        .select(before="leaf", successor="successor")
        .unique()
    )
    found = milestones.join(one_step, left_on="milestone", right_on="successor").select("milestone", uid="before")
    reached = found.unique()
    for _ in range(DEEPEST if deep else 0):
        further = (
            found.join(one_step, left_on="uid", right_on="successor")
            .select("milestone", uid="before")
            .unique()
            .join(reached, on=["milestone", "uid"], how="anti")
        )
        if further.is_empty():
            break
        reached, found = pl.concat([reached, further]), further
    return reached


def _leaves(tasks: pl.DataFrame) -> pl.DataFrame:
    """Return `above` and `leaf`: each row with the countable rows it stands for, a countable row for itself."""
    parents = tasks.select(above="uid", parent="parent").drop_nulls()
    found = tasks.filter("countable").select(above="uid", leaf="uid")
    every = [found]
    for _ in range(DEEPEST):
        found = found.join(parents, on="above").select("leaf", above="parent").select("above", "leaf")
        if found.is_empty():
            break
        every.append(found)
    return pl.concat(every)


def _siblings(milestones: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    """Return `milestone` and `uid` of countable rows under the same parent that finish on or before it."""
    beside = milestones.filter(pl.col("parent").is_not_null()).select("parent", milestone="uid", until="finish")
    both = beside.join(tasks.filter("countable"), on="parent")
    return both.filter((pl.col("finish") <= pl.col("until")) & (pl.col("uid") != pl.col("milestone"))).select(
        "milestone", "uid"
    )


def _counted(before: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    done = pl.col("done").fill_null(value=False)
    still_open = pl.coalesce("name", "uid").filter(~done).sort()
    return (
        before.join(tasks.select("uid", "name", "done"), on="uid")
        .group_by("milestone")
        .agg(
            done.sum().cast(pl.Int64).alias("numerator"),
            pl.len().cast(pl.Int64).alias("denominator"),
            still_open.head(MOST_NAMES).str.join(", ").alias("open_predecessors"),
        )
        .rename({"milestone": "uid"})
    )


def last_change(params: ReadinessParams) -> tuple[Wish, ...]:
    """Return the wish to know since when the forecast has stood: a confirmation must not be older."""
    return (Since("task", "forecast_finish"),) if params.require_confirmation else ()


READINESS = Measure(
    "milestone.readiness",
    "milestone",
    Unit.PERCENT,
    ReadinessParams,
    ("committed_finish", "predecessor_count"),
    readiness,
    text="Share of what must come before the milestone that is done.",
    dimension="schedule",
    past=last_change,
    amber="under 80 %",
    red="under 90 % when milestone.days_left at most 5 wd; "
    "milestone.unconfirmed at least 1 when milestone.days_left at most 5 wd",
    companions={"milestone.unconfirmed": Unit.COUNT},
    finished_is_na=True,
)
