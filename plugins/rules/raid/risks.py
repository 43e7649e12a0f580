"""Risks: how high they are, and whether they are reviewed and answered in time."""

from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, PluginSettings, Unit, View, WorkingDays

from .seen import CLOSED, began, first_seen, noted

HEIGHT = pl.col("likelihood") * pl.col("impact")
CHANCE = pl.when(pl.col("opportunity")).then(pl.lit("out of scope"))


class LevelParams(PluginSettings):
    """What becomes of opportunities: left out, or measured like threats."""

    opportunities: Literal["leave_out", "mirror"] = "leave_out"


class ReviewParams(PluginSettings):
    """How often a risk must be reviewed, by its level: high from 15, medium from 5.

    `review_from`: what counts as a review where the log keeps none: nothing, or any change of the row.
    """

    high: WorkingDays = 5
    medium: WorkingDays = 10
    low: WorkingDays = 20
    review_from: Literal["review", "updated"] = "review"


def level(params: LevelParams, view: View) -> Columns:
    """Return likelihood times impact, 1 to 25."""
    left_out = CLOSED if params.opportunities == "mirror" else pl.coalesce(CLOSED, CHANCE)
    counted = pl.when(left_out.is_null() & pl.col("vanished_on").is_null()).then(HEIGHT)
    highest = pl.when(pl.col("project").is_not_null()).then(counted.max().over("project"))
    return Columns(
        HEIGHT,
        not_applicable=left_out,
        evidence={"likelihood": pl.col("likelihood"), "impact": pl.col("impact"), "owner": pl.col("owner")},
        companions={"project.max_risk_level": highest},
    )


def review_late(params: ReviewParams, view: View) -> Columns:
    """Count the working days since the last review beyond those that the risk's level allows."""
    allowed = pl.when(HEIGHT >= 15).then(params.high).when(HEIGHT >= 5).then(params.medium).otherwise(params.low)
    changed = _changed(view) if params.review_from == "updated" else pl.lit(None, pl.Date)
    last = pl.coalesce("last_reviewed_on", changed, began("identified_on", view))
    since = view.working_days(last, pl.col("@today"))
    said = pl.when(changed.is_not_null()).then(pl.lit("last change taken for the review"))
    # Without a level there is no interval to measure against, although every comparison with null has an `otherwise`.
    return Columns(
        pl.when(HEIGHT.is_not_null()).then(since - allowed),
        not_applicable=CLOSED,
        note=pl.when(pl.col("last_reviewed_on").is_null()).then(pl.coalesce(said, noted("identified_on", view))),
        evidence={"last_reviewed_on": last, "allowed_days": allowed},
        companions={"risk.days_since_review": since},
    )


def _changed(view: View) -> pl.Expr:
    """Return the day, in the organisation's zone, on which the source last changed the row."""
    return pl.col("updated_at").dt.convert_time_zone(view.snapshot.organisation.timezone).dt.date()


def response_late(_: NoParams, view: View) -> Columns:
    """Count the working days since the response to a risk was due; 0 until then."""
    late = view.working_days(pl.col("target_date"), pl.col("@today"))
    return Columns(
        late.clip(lower_bound=0),
        not_applicable=pl.coalesce(CLOSED, pl.when(pl.col("action_done")).then(pl.lit("done"))),
        evidence={"target_date": pl.col("target_date"), "action": pl.col("action"), "owner": pl.col("owner")},
    )


LEVEL = Measure(
    "risk.level",
    "risk",
    Unit.STEPS,
    LevelParams,
    ("likelihood", "impact"),
    level,
    text="Likelihood times impact, 1 to 25.",
    clock="today",
    dimension="risk",
    amber="at least 3",
    red="at least 20",
    companions={"project.max_risk_level": Unit.STEPS},
)
REVIEW_LATE = Measure(
    "risk.review_late",
    "risk",
    Unit.WORKING_DAYS,
    ReviewParams,
    ("likelihood", "impact", "identified_on"),
    review_late,
    text="Working days beyond the interval at which a risk of that level is reviewed.",
    clock="today",
    dimension="risk",
    past=first_seen("risk"),
    amber="over 0 wd",
    red="over 5 wd",
    companions={"risk.days_since_review": Unit.WORKING_DAYS},
)
RESPONSE_LATE = Measure(
    "risk.response_late",
    "risk",
    Unit.WORKING_DAYS,
    NoParams,
    ("target_date",),
    response_late,
    text="Working days since the response to a risk was due.",
    clock="today",
    dimension="risk",
    amber="over 0 wd",
    red="over 5 wd",
)
