"""Computed fields of logs, documents and gates (spec model 2.12, 2.15, 3.7, 3.8)."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from pmo_watch import workdays
from pmo_watch.flow import Organisation
from pmo_watch.workdays import Calendar

CLOSED = {
    "risk": ("rejected", "closed"),
    "issue": ("resolved", "closed"),
    "change": ("rejected", "merged", "implemented"),
    "action": ("done", "cancelled"),
}
LOGS = ("risk", "issue", "decision", "change", "action")


def is_open(entity: str) -> pl.Expr:
    """Return whether a row of a log with a status is open; null where that is unknown."""
    return ~pl.col("status").is_in(CLOSED[entity])


def log(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the entries of a log with whether they are open, and how severe an issue is."""
    if entity == "decision":
        return frame.with_columns(pl.col("decided_on").is_null().alias("open"))
    frame = frame.with_columns(is_open(entity).alias("open"))
    if entity == "issue":
        return frame.with_columns(pl.max_horizontal("urgency", "impact").alias("severity"))
    return frame


def documents(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the documents with how often each must be brought up to date: logs, plans, and those that are finished."""
    artefact = pl.col("artefact")
    plan = artefact.str.ends_with("_plan") | (artefact == "project_handbook")
    kind = pl.when(artefact.str.ends_with("_log")).then(pl.lit("log")).when(plan).then(pl.lit("plan"))
    return frame.with_columns(living=pl.coalesce("living", kind.otherwise(pl.lit("none"))))


def gates(
    rows: pl.DataFrame,
    tasks: pl.DataFrame,
    zones: pl.DataFrame,
    today: date,
    calendars: Mapping[str, Calendar],
    organisation: Organisation,
) -> pl.DataFrame:
    """Return the gates with whether they were passed and the days left; milestones stand for those nobody lists."""
    own = rows.with_columns(pl.col("passed_on").is_not_null().alias("passed"), name=pl.lit(None, pl.String))
    listed = rows.filter(pl.col("vanished_on").is_null())["project"].drop_nulls().unique()
    every = pl.concat([own, _stand_ins(tasks, listed)], how="diagonal_relaxed").select(own.columns).sort("uid")
    choose = workdays.each_in_its_own(calendars, organisation.calendar)
    left = choose(lambda calendar: workdays.count(pl.lit(today), pl.col("planned_on"), calendar))
    zoned = every.join(zones.select("project", "@calendar"), on="project", how="left", maintain_order="left")
    return zoned.with_columns(left.alias("days_left")).drop("@calendar")


def _stand_ins(tasks: pl.DataFrame, listed: pl.Series) -> pl.DataFrame:
    """Return the gates that milestones stand for, in projects that list none."""
    meant = (pl.col("kind") == "gate") & pl.col("is_milestone") & pl.col("countable")
    found = tasks.filter(meant & ~pl.col("project").is_in(listed.implode()))
    engine = [name for name in found.columns if name.startswith("@")]
    return found.select(
        *("uid", "source", "vanished_on", "updated_at", "id", "project", "name"),
        code="gate_code",
        planned_on="committed_finish",
        passed_on="actual_finish",
        tailored_out=pl.lit(value=False),
        passed=pl.col("done").fill_null(value=False) | pl.col("actual_finish").is_not_null(),
        **{name: name for name in engine},
    )
