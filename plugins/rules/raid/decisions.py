"""Decisions that are awaited, and actions that should have been done."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, PluginSettings, Unit, View, WorkingDays

from .seen import began, first_seen


class DecisionParams(PluginSettings):
    """How long after it was asked for a decision is needed, where nobody says."""

    assume: WorkingDays = 10


def days_left(params: DecisionParams, view: View) -> Columns:
    """Count the working days until a decision is needed; negative is late."""
    asked = began("requested_on", view)
    assumed = view.add_working_days(asked, pl.lit(params.assume))
    needed = pl.coalesce("needed_by", assumed)
    said = pl.when(pl.col("needed_by").is_null() & assumed.is_not_null()).then(
        pl.format("assumed {} wd after it was asked for", pl.lit(params.assume))
    )
    return Columns(
        view.working_days(pl.col("@today"), needed),
        not_applicable=pl.when(~pl.col("open")).then(pl.lit("done")),
        note=said,
        evidence={"needed_by": needed, "requested_on": asked, "body": pl.col("body")},
    )


def action_overdue(_: NoParams, view: View) -> Columns:
    """Count the working days since an action was due; 0 until then."""
    late = view.working_days(pl.col("due"), pl.col("@today")).clip(lower_bound=0)
    over = pl.when(~pl.col("open")).then(pl.when(pl.col("status") == "done").then(pl.lit("done")).otherwise("status"))
    # Counted once for all rows: inside a window over owners the working days would be, owner by owner.
    counted = view.rows.select("owner", late=late, counts=pl.col("open") & pl.col("@na").is_null() & ~pl.col("@held"))
    theirs = (pl.col("counts") & (pl.col("late") > 0)).fill_null(value=False).sum().over("owner")
    of_owner = counted.select(pl.when(pl.col("owner").is_not_null()).then(theirs).alias("late_of_owner"))
    return Columns(
        pl.lit(counted["late"]),
        not_applicable=over,
        evidence={"due": pl.col("due"), "origin": pl.col("origin"), "owner": pl.col("owner")},
        companions={"action.overdue_of_owner": pl.lit(of_owner["late_of_owner"])},
    )


DECISION = Measure(
    "decision.days_left",
    "decision",
    Unit.WORKING_DAYS,
    DecisionParams,
    ("needed_by", "requested_on"),
    days_left,
    text="Working days until a decision is needed.",
    clock="today",
    dimension="risk",
    past=first_seen("decision"),
    amber="at most 5 wd",
    red="under 0 wd",
)
ACTION_OVERDUE = Measure(
    "action.overdue",
    "action",
    Unit.WORKING_DAYS,
    NoParams,
    ("due",),
    action_overdue,
    text="Working days since an action was due.",
    clock="today",
    dimension="risk",
    amber="over 0 wd",
    red="over 10 wd",
    companions={"action.overdue_of_owner": Unit.COUNT},
)
