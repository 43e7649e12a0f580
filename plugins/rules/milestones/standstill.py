"""What stands still: tasks that stay nearly done, plans in which nobody changes anything."""

import polars as pl
from pydantic import Field

from pmo_watch.api import Measure, NoParams, Percent, PluginSettings, Since, Unit, View, Wish

from .rows import OPEN, beside, rows

PROGRESS = Since("task", "progress")
KNOWN = Since("task", "project")  # a row never changes its project: since when the row is known
LEAST = 2  # readings on different days, before a value can have stood


class StuckParams(PluginSettings):
    """Between which progress, both included, a task is looked at."""

    from_: Percent = Field(80, alias="from")
    to: Percent = 99


def stuck_wishes(_: StuckParams) -> tuple[Wish, ...]:
    """Return the wishes to know since when progress has stood, and since when the row is known."""
    return (PROGRESS, KNOWN)


def stuck_progress(params: StuckParams, view: View) -> pl.DataFrame:
    """Count the working days since the progress of a nearly done task last changed.

    Of one that never changed since it is known, since then: it may stand for longer.
    """
    found = (
        view.rows.select("uid", "source", "done", "progress", "@calendar", "@as_of", "@today")
        .join(_since(view, PROGRESS, "stood"), on="uid", how="left", maintain_order="left")
        .join(_since(view, KNOWN, "known"), on="uid", how="left", maintain_order="left")
        .join(_looked(view), on="source", how="left", maintain_order="left")
    )
    inside = pl.col("progress").is_between(params.from_, params.to)
    once = pl.col("known").is_null() | (pl.coalesce("looked", "@today") <= pl.col("known"))
    return found.select(
        "uid",
        value=pl.when(inside & ~once).then(view.working_days(pl.col("stood"), pl.col("@as_of")).clip(0)),
        not_applicable=pl.when("done").then(pl.lit("done")).when(~inside).then(pl.lit("out of scope")),
        unknown=pl.when(inside & once).then(pl.lit(f"needs {LEAST} samples, has 1")),
        progress="progress",
        unchanged_since="stood",
    )


def _since(view: View, wish: Since, name: str) -> pl.DataFrame:
    found = view.snapshot.past.get(wish)
    if found is None:
        return pl.DataFrame(schema={"uid": pl.String, name: pl.Date})
    return found.select("uid", pl.col("since").alias(name))


def _looked(view: View) -> pl.DataFrame:
    """Return of each source the day of its last complete reading."""
    states = view.snapshot.sources.values()
    moments = pl.DataFrame(
        {"source": [one.name for one in states], "last_good": [one.last_good for one in states]},
        schema={"source": pl.String, "last_good": pl.Datetime("us", "UTC")},
    )
    return moments.with_columns(looked=_day(pl.col("last_good"), view))


def _day(moment: pl.Expr, view: View) -> pl.Expr:
    return moment.dt.convert_time_zone(view.snapshot.organisation.timezone).dt.date()


def inactivity(_: NoParams, view: View) -> pl.DataFrame:
    """Count the working days since anything open in a project was last changed in its source.

    Where a source does not date its rows, such as a plan file, the project's own last change stands for them.
    """
    facts = view.rows.select("uid", "@calendar", "@today").join(
        beside(view, _newest(view)), on="uid", how="left", maintain_order="left"
    )
    idle = view.working_days(pl.col("newest"), pl.col("@today")).clip(0)
    unread = view.working_days(pl.col("looked"), pl.col("@today"))
    nobody_looked = (unread >= idle) & (unread > 0)
    lacking, number = pl.col("lacking"), pl.col("open")
    return facts.select(
        "uid",
        value=idle,
        not_applicable=pl.when(number == 0).then(pl.lit("done")).when(number.is_null()).then(pl.lit("nothing due yet")),
        unknown=pl.coalesce(
            pl.when((lacking > 0) & (lacking == number)).then(pl.lit("missing task.updated_at")),
            pl.when(lacking > 0).then(pl.format("missing task.updated_at on {} of {} rows", lacking, number)),
            pl.when(nobody_looked).then(pl.format("source {} not read since {}", "source", "since")),
        ),
        changed_row="called",
        changed_on="newest",
    )


def _newest(view: View) -> pl.DataFrame:
    """Return by `subject` how many rows are open, the newest change of one, and the source read longest ago."""
    plan = rows(view)
    whole = view.rows.select(subject="uid", whole="updated_at")
    newest = (
        plan.filter(OPEN)
        .select("subject", "called", "updated_at", "source")
        .join(whole, on="subject", how="left", maintain_order="left")
        .with_columns(changed=pl.coalesce("updated_at", "whole"))
    )
    sums = newest.group_by("subject").agg(
        open=pl.len().cast(pl.Int64),
        lacking=pl.col("changed").is_null().sum().cast(pl.Int64),
        newest=_day(pl.col("changed").max(), view),
        called=pl.when(pl.col("updated_at").is_not_null()).then("called").get(pl.col("changed").arg_max()),
    )
    read = (
        newest.select("subject", "source")
        .unique()
        .join(_looked(view), on="source")
        .filter(pl.col("last_good").is_not_null())
    )
    oldest = read.sort("last_good", "source").group_by("subject", maintain_order=True).first()
    told = oldest.select("subject", "source", "looked", since=pl.col("last_good").dt.strftime("%Y-%m-%dT%H:%M:%S%:z"))
    every = (
        plan.select("subject").unique().join(sums, on="subject", how="left").with_columns(pl.col("open").fill_null(0))
    )
    return every.join(told, on="subject", how="left")


STUCK_PROGRESS = Measure(
    "task.stuck_progress",
    "task",
    Unit.WORKING_DAYS,
    StuckParams,
    ("progress",),
    stuck_progress,
    text="Working days since the progress of a nearly done task last changed.",
    dimension="schedule",
    past=stuck_wishes,
    amber="at least 10 wd",
    red="at least 20 wd",
    finished_is_na=True,
)
INACTIVITY = Measure(
    "project.inactivity",
    "project",
    Unit.WORKING_DAYS,
    NoParams,
    ("task.updated_at",),
    inactivity,
    text="Working days since anything open in the project was last changed.",
    clock="today",
    dimension="schedule",
    amber="over 10 wd",
    red="over 20 wd",
    finished_is_na=True,
)
