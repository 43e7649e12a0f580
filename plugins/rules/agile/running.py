"""Sprints that are under way or about to begin: the burndown, and the change from one to the next."""

import polars as pl
from pydantic import Field

from pmo_watch.api import Columns, Measure, NoParams, Percent, PluginSettings, Unit, View

from .contents import LAST_DAY, contents, names

COMMITTED_POINTS = pl.col("committed_points").cast(pl.Float64)


class BurndownParams(PluginSettings):
    """From which share of the sprint's working days on it is looked at."""

    from_: Percent = Field(50, alias="from")


def burndown_gap(params: BurndownParams, view: View) -> pl.DataFrame:
    """Return how much more remains at the end of the last working day than an even burndown leaves, in per cent."""
    rows = _elapsed(view).join(_remaining(view), on="uid", how="left", maintain_order="left")
    share = Columns.ratio(pl.col("gone"), pl.col("whole"))
    gap = pl.col("remaining") - COMMITTED_POINTS * (1 - share)
    early = ((share * 100).round(6) < params.from_).fill_null(value=False)
    no_days = pl.when(pl.col("whole") <= 0).then(pl.lit("invalid sprint.end_on: no working day since sprint.start_on"))
    none = pl.when(COMMITTED_POINTS == 0).then(pl.lit("invalid sprint.committed_points: 0"))
    untold = pl.when(COMMITTED_POINTS.is_not_null() & pl.col("rows").is_null()).then(
        pl.lit("missing sprint_item.committed")
    )
    return rows.select(
        "uid",
        value=Columns.ratio(gap * 100, COMMITTED_POINTS),
        numerator=gap,
        denominator=pl.when(COMMITTED_POINTS > 0).then(COMMITTED_POINTS),
        not_applicable=pl.when(_state("future"))
        .then(pl.lit("not started"))
        .when(_state("closed"))
        .then(pl.lit("closed"))
        .when(early)
        .then(pl.lit("not in window")),
        unknown=pl.coalesce(no_days, none, untold),
        note=pl.when(pl.col("pointless") > 0).then(pl.format("{} of {} rows left out", "pointless", "rows")),
        remaining="remaining",
        days_gone="gone",
        not_finished="open",
    )


def _elapsed(view: View) -> pl.DataFrame:
    """Return of each sprint how many working days it has, and how many of them were over when today began."""
    eve = pl.col("start_on") - pl.duration(days=1)
    yesterday = pl.col("@today") - pl.duration(days=1)
    whole, gone = view.working_days(eve, pl.col("end_on")), view.working_days(eve, yesterday).clip(0)
    days = view.rows.select("uid", "state", "committed_points", whole=whole, gone=gone)
    past = pl.col("gone") > pl.col("whole")
    return days.with_columns(gone=pl.when(past).then("whole").otherwise("gone"))


def _remaining(view: View) -> pl.DataFrame:
    """Return the points that each sprint held and nobody had delivered before today began."""
    today = view.snapshot.today
    there = (pl.col("removed_on") >= today).fill_null(value=True) & (pl.col("added_on") < today).fill_null(value=True)
    still = there & (pl.col("done_on") >= today).fill_null(value=True)
    return (
        contents(view)
        .group_by(uid="sprint")
        .agg(
            remaining=pl.col("now").filter(still).sum(),
            pointless=(still & pl.col("now").is_null()).sum(),
            rows=there.sum(),
            open=names(still, pl.col("now")),
        )
    )


def _state(name: str) -> pl.Expr:
    return (pl.col("state") == name).fill_null(value=False)


def transition_late(_: NoParams, view: View) -> pl.DataFrame:
    """Count the working days by which a sprint is ended or begun late."""
    rows = view.rows.join(_pauses(view), on="board", how="left", maintain_order="left")
    due = pl.when(_state("active")).then("end_on").otherwise("start_on")
    late = view.working_days(due, pl.col("@today")).clip(0)
    idle = pl.when(~pl.col("running").fill_null(value=False)).then(
        view.working_days(pl.col("paused"), pl.col("@today"))
    )
    missing = (
        pl.when(_state("active")).then(pl.lit("missing sprint.end_on")).otherwise(pl.lit("missing sprint.start_on"))
    )
    return rows.select(
        "uid",
        value=late,
        not_applicable=pl.when(_state("closed"))
        .then(pl.lit("closed"))
        .when(pl.col("board.type") == "kanban")
        .then(pl.lit("out of scope")),
        unknown=pl.coalesce(
            pl.when(pl.col("state").is_null()).then(pl.lit("missing sprint.state")),
            pl.when(due.is_null()).then(missing),
        ),
        due_on=due,
        **{"board.no_sprint": idle},
    )


def _pauses(view: View) -> pl.DataFrame:
    """Return of each board whether a sprint is running, and when the last one was closed."""
    present = view.rows.filter(pl.col("vanished_on").is_null())
    return present.group_by("board").agg(running=_state("active").any(), paused=LAST_DAY.filter(_state("closed")).max())


BURNDOWN_GAP = Measure(
    "sprint.burndown_gap",
    "sprint",
    Unit.PERCENT,
    BurndownParams,
    ("start_on", "end_on", "committed_points"),
    burndown_gap,
    text="Points still open beyond an even burndown, as a share of what the sprint began with.",
    clock="today",
    dimension="scope",
    amber="over 15 %",
    red="over 30 %",
    recover="at most 10 %",
)
TRANSITION_LATE = Measure(
    "sprint.transition_late",
    "sprint",
    Unit.WORKING_DAYS,
    NoParams,
    ("end_on", "start_on"),
    transition_late,
    text="Working days by which a sprint is ended or begun late.",
    clock="today",
    dimension="schedule",
    amber="over 1 wd",
    red="over 3 wd",
    companions={"board.no_sprint": Unit.WORKING_DAYS},
)
