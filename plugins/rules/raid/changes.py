"""Requests for change: how long they wait for a decision, and how much work those taken over add."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View

from .seen import began, first_seen, noted

WAITING = ("submitted", "assessing", "waiting_approval")
TAKEN_OVER = ("approved", "implemented")


def change_age(_: NoParams, view: View) -> Columns:
    """Count the working days that a request for change has waited for its decision."""
    start, status = began("submitted_on", view), pl.col("status")
    over = pl.when(~pl.col("open")).then(pl.lit("closed")).when(status == "approved").then(pl.lit("done"))
    return Columns(
        view.working_days(start, pl.col("@today")),
        not_applicable=pl.when(~status.is_in(WAITING)).then(over.otherwise(pl.lit("out of scope"))),
        unknown=pl.when(status.is_null()).then(pl.lit("missing change.status")),
        note=noted("submitted_on", view),
        evidence={"submitted_on": start, "status": status, "owner": pl.col("owner")},
    )


def change_volume(_: NoParams, view: View) -> Columns:
    """Return the effort of the changes taken over, in per cent of the effort that was planned at first."""
    taken = _taken_over(view).rename({"project": "uid"})
    sums = view.rows.select("uid").join(taken, on="uid", how="left", maintain_order="left")
    effort, rows, unknown = (pl.lit(sums[name]) for name in ("effort", "rows", "unknown"))
    planned = pl.col("effort_baseline").cast(pl.Float64)
    some = pl.format("missing change.effort on {} of {} rows", unknown, rows)
    return Columns(
        Columns.ratio(effort * 100, planned),
        numerator=effort,
        denominator=pl.when(planned > 0).then(planned),
        not_applicable=pl.when(rows.is_null()).then(pl.lit("nothing due yet")),
        unknown=pl.coalesce(
            pl.when(planned.is_null()).then(pl.lit("missing project.effort_baseline")),
            pl.when(planned <= 0).then(pl.format("invalid project.effort_baseline: {}", planned.cast(pl.Int64))),
            pl.when(unknown == rows).then(pl.lit("missing change.effort")).when(unknown > 0).then(some),
        ),
        evidence={"change_effort": effort, "effort_baseline": pl.col("effort_baseline"), "changes": rows},
    )


def _taken_over(view: View) -> pl.DataFrame:
    effort = pl.col("effort").cast(pl.Float64)
    changes = view.snapshot.frame("change")
    taken = changes.filter(pl.col("status").is_in(TAKEN_OVER) & pl.col("vanished_on").is_null())
    return taken.group_by("project").agg(effort=effort.sum(), rows=pl.len(), unknown=effort.is_null().sum())


CHANGE_AGE = Measure(
    "change.age",
    "change",
    Unit.WORKING_DAYS,
    NoParams,
    ("submitted_on", "status"),
    change_age,
    text="Working days that a request for change has waited for its decision.",
    clock="today",
    dimension="scope",
    past=first_seen("change"),
    amber="over 10 wd",
    red="over 20 wd",
)
CHANGE_VOLUME = Measure(
    "project.change_volume",
    "project",
    Unit.PERCENT,
    NoParams,
    ("effort_baseline", "change.effort"),
    change_volume,
    text="Effort of the changes taken over, against the effort planned at first.",
    clock="today",
    dimension="scope",
    amber="over 10 %",
    red="over 20 %",
)
