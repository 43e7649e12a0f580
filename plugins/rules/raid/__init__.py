"""RAID: risks too high or not reviewed, issues too old, decisions awaited."""

from collections.abc import Iterable
from typing import Any, Literal

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, PluginSettings, Unit, View, WorkingDays, hookimpl

CLOSED = pl.when(~pl.col("open")).then(pl.lit("closed"))


class LevelParams(PluginSettings):
    """What becomes of opportunities: left out, or measured like threats."""

    opportunities: Literal["leave_out", "mirror"] = "leave_out"


class ReviewParams(PluginSettings):
    """How often a risk must be reviewed, by its level: high from 15, medium from 5."""

    high: WorkingDays = 5
    medium: WorkingDays = 10
    low: WorkingDays = 20


class DecisionParams(PluginSettings):
    """How long after it was asked for a decision is needed, where nobody says."""

    assume: WorkingDays = 10


def level(params: LevelParams, view: View) -> Columns:
    """Return likelihood times impact, 1 to 25."""
    chance = pl.when(pl.col("opportunity")).then(pl.lit("out of scope"))
    value = pl.col("likelihood") * pl.col("impact")
    return Columns(
        value,
        not_applicable=CLOSED if params.opportunities == "mirror" else pl.coalesce(CLOSED, chance),
        evidence={"likelihood": pl.col("likelihood"), "impact": pl.col("impact"), "owner": pl.col("owner")},
        companions={"project.max_risk_level": value.max().over("project")},
    )


def review_late(params: ReviewParams, view: View) -> Columns:
    """Count the working days since the last review beyond those that the risk's level allows."""
    height = pl.col("likelihood") * pl.col("impact")
    allowed = pl.when(height >= 15).then(params.high).when(height >= 5).then(params.medium).otherwise(params.low)
    last = pl.coalesce("last_reviewed_on", "identified_on")
    since = view.working_days(last, pl.col("@today"))
    # Without a level there is no interval to measure against, although every comparison with null has an `otherwise`.
    return Columns(
        pl.when(height.is_not_null()).then(since - allowed),
        not_applicable=CLOSED,
        evidence={"last_reviewed_on": last, "allowed_days": allowed},
        companions={"risk.days_since_review": since},
    )


def issue_age(_: NoParams, view: View) -> Columns:
    """Count the working days that an issue has been open."""
    age = view.working_days(pl.col("raised_on"), pl.col("@today"))
    return Columns(
        pl.when(pl.col("severity").is_not_null()).then(age),
        not_applicable=CLOSED,
        evidence={"raised_on": pl.col("raised_on"), "severity": pl.col("severity"), "owner": pl.col("owner")},
    )


def days_left(params: DecisionParams, view: View) -> Columns:
    """Count the working days until a decision is needed; negative is late."""
    assumed = view.add_working_days(pl.col("requested_on"), pl.lit(params.assume))
    needed = pl.coalesce("needed_by", assumed)
    said = pl.when(pl.col("needed_by").is_null() & assumed.is_not_null()).then(
        pl.format("assumed {} wd after it was asked for", pl.lit(params.assume))
    )
    return Columns(
        view.working_days(pl.col("@today"), needed),
        not_applicable=pl.when(~pl.col("open")).then(pl.lit("done")),
        note=said,
        evidence={"needed_by": needed, "requested_on": pl.col("requested_on"), "body": pl.col("body")},
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
    amber="over 0 wd",
    red="over 5 wd",
    companions={"risk.days_since_review": Unit.WORKING_DAYS},
)
ISSUE_AGE = Measure(
    "issue.age",
    "issue",
    Unit.WORKING_DAYS,
    NoParams,
    ("raised_on", "severity"),
    issue_age,
    text="Working days that an issue has been open.",
    clock="today",
    dimension="risk",
    amber="over 5 wd when issue.severity is 5; over 10 wd when issue.severity is 4; "
    "over 20 wd when issue.severity at most 3",
    red="over 10 wd when issue.severity is 5; over 20 wd when issue.severity is 4; "
    "over 40 wd when issue.severity at most 3",
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
    amber="at most 5 wd",
    red="under 0 wd",
)


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return RK-01, RK-03, IS-01 and DE-01 of the catalogue."""
    return [LEVEL, REVIEW_LATE, ISSUE_AGE, DECISION]
