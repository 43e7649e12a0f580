"""How much of what remains to be done hangs on one person."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View

from .assigned import missing_on, open_work

ENOUGH = 3  # persons: of one or two, each has a large share


def key_person_share(_: NoParams, view: View) -> pl.DataFrame:
    """Return the largest share that one person has of the remaining work of a project, in per cent."""
    work = open_work(view).with_columns(hours=pl.col("remaining_work").cast(pl.Float64))
    work = work.filter(pl.col("hours").is_null() | (pl.col("hours") > 0))
    of_each = work.group_by("project", "person", maintain_order=True).agg(
        pl.col("hours").sum(), rows=pl.len(), silent=pl.col("hours").null_count()
    )
    sums = of_each.group_by(uid="project").agg(
        persons=pl.len().cast(pl.Int64),
        rows=pl.col("rows").sum(),
        silent=pl.col("silent").sum(),
        most=pl.col("hours").max(),
        hours=pl.col("hours").sum(),
    )
    found = view.rows.select("uid").join(sums, on="uid", how="left", maintain_order="left")
    few = (pl.col("persons") < ENOUGH).fill_null(value=True)
    return found.select(
        "uid",
        value=Columns.ratio(pl.col("most") * 100, pl.col("hours")),
        numerator="most",
        denominator="hours",
        not_applicable=pl.when(few).then(pl.lit("out of scope")),
        unknown=missing_on("assignment.remaining_work", pl.col("silent"), pl.col("rows")),
        persons="persons",
        largest_hours="most",
        assigned_hours="hours",
    )


KEY_PERSON_SHARE = Measure(
    "project.key_person_share",
    "project",
    Unit.PERCENT,
    NoParams,
    ("assignment.remaining_work",),
    key_person_share,
    text="Largest share that one person has of the remaining work.",
    dimension="resources",
    amber="over 40 %",
    red="over 60 %",
)
