"""Collection: figures that are late, and data that grow old."""

from collections.abc import Iterable
from typing import Any, Literal

import polars as pl

from pmo_watch.api import Columns, Measure, Periods, PluginSettings, Unit, View, hookimpl

Of = Literal["observation", "status_report", "declared_rag", "plan"]


class LateParams(PluginSettings):
    """How many of the last periods are looked at."""

    keep: Periods = 2


class AgeParams(PluginSettings):
    """What counts as data of a project."""

    of: tuple[Of, ...] = ("observation", "status_report", "declared_rag", "plan")


def days_late(params: LateParams, view: View) -> Columns:
    """Count the working days from the day an indicator was due to the day it came, or to today; 0 before it is due."""
    due = pl.col("due_on")
    late = view.working_days(due, pl.coalesce("received_on", "@today")).clip(lower_bound=0)
    late = pl.when(due > pl.col("@today")).then(pl.lit(0, pl.Int64)).otherwise(late)
    # The latest periods that are due; those before are history, whatever became of them.
    behind = pl.when(due <= pl.col("@today")).then(due).rank("dense", descending=True).over("indicator", "scope")
    return Columns(
        late,
        not_applicable=pl.when(behind > params.keep).then(pl.lit("not in window")),
        evidence={"period": pl.col("period"), "due_on": due, "received_on": pl.col("received_on")},
    )


def data_age(params: AgeParams, view: View) -> pl.DataFrame:
    """Return the calendar days since anything new was heard of a project."""
    snapshot = view.snapshot
    seen = snapshot.frame("observation").filter(pl.col("value").is_not_null())
    zone = snapshot.organisation.timezone
    parts = {
        "observation": seen.group_by(uid="scope").agg(day=pl.col("submitted_on").max()),
        "status_report": snapshot.frame("status_report").group_by(uid="project").agg(day=pl.col("submitted_on").max()),
        "declared_rag": view.rows.select("uid", day="declared_on"),
        "plan": view.rows.select("uid", day=pl.col("updated_at").dt.convert_time_zone(zone).dt.date()),
    }
    heard = pl.concat([parts[name].select("uid", "day", kind=pl.lit(name)) for name in params.of]).drop_nulls("day")
    newest = heard.sort("day").group_by("uid", maintain_order=True).last()
    facts = view.rows.select("uid", "@today").join(newest, on="uid", how="left", maintain_order="left")
    return facts.select(
        "uid",
        value=(pl.col("@today") - pl.col("day")).dt.total_days().clip(lower_bound=0),
        unknown=pl.when(pl.col("day").is_null()).then(pl.lit("missing observation.submitted_on")),
        newest_on="day",
        newest_of="kind",
    )


DAYS_LATE = Measure(
    "submission.days_late",
    "submission",
    Unit.WORKING_DAYS,
    LateParams,
    ("due_on",),
    days_late,
    text="Working days from the day an indicator was due to the day it came.",
    clock="today",
    dimension="data",
    amber="over 0 wd",
    red="over 2 wd",
)
DATA_AGE = Measure(
    "project.data_age",
    "project",
    Unit.DAYS,
    AgeParams,
    ("observation.submitted_on",),
    data_age,
    text="Calendar days since anything new was heard of a project.",
    clock="today",
    dimension="data",
    amber="over 7 d",
    red="over 14 d",
    recover="at most 7 d",
)


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return DQ-01 and DQ-03 of the catalogue."""
    return [DAYS_LATE, DATA_AGE]
