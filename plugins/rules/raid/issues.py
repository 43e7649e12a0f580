"""Issues: open for too long, overdue, or grave and not escalated."""

import polars as pl
from pydantic import Field

from pmo_watch.api import Columns, Measure, NoParams, PluginSettings, Unit, View

from .seen import CLOSED, began, first_seen, noted


class EscalationParams(PluginSettings):
    """From which severity on, 1 to 5, an issue must be escalated."""

    severity: int = Field(5, ge=1, le=5)


def issue_age(_: NoParams, view: View) -> Columns:
    """Count the working days that an issue has been open."""
    start = began("raised_on", view)
    return Columns(
        pl.when(pl.col("severity").is_not_null()).then(view.working_days(start, pl.col("@today"))),
        not_applicable=CLOSED,
        note=noted("raised_on", view),
        evidence={"raised_on": start, "severity": pl.col("severity"), "owner": pl.col("owner")},
    )


def not_escalated(params: EscalationParams, view: View) -> Columns:
    """Count the working days that a grave issue has been open without being escalated; 0 once it is."""
    start = began("raised_on", view)
    waited = view.working_days(start, pl.col("@today"))
    mild = pl.when(pl.col("severity") < params.severity).then(pl.lit("out of scope"))
    return Columns(
        pl.when(pl.col("severity").is_not_null()).then(pl.when("escalated").then(0).otherwise(waited)),
        not_applicable=pl.coalesce(CLOSED, mild),
        note=noted("raised_on", view),
        evidence={"raised_on": start, "severity": pl.col("severity"), "owner": pl.col("owner")},
    )


def issue_overdue(_: NoParams, view: View) -> Columns:
    """Count the working days since an issue should have been resolved; 0 until then."""
    late = view.working_days(pl.col("target_date"), pl.col("@today"))
    return Columns(
        late.clip(lower_bound=0),
        not_applicable=CLOSED,
        evidence={"target_date": pl.col("target_date"), "owner": pl.col("owner")},
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
    past=first_seen("issue"),
    amber="over 5 wd when issue.severity is 5; over 10 wd when issue.severity is 4; "
    "over 20 wd when issue.severity at most 3",
    red="over 10 wd when issue.severity is 5; over 20 wd when issue.severity is 4; "
    "over 40 wd when issue.severity at most 3",
)
NOT_ESCALATED = Measure(
    "issue.not_escalated",
    "issue",
    Unit.WORKING_DAYS,
    EscalationParams,
    ("severity", "raised_on"),
    not_escalated,
    text="Working days that a grave issue has been open without being escalated.",
    clock="today",
    dimension="risk",
    past=first_seen("issue"),
    # One that was escalated is at 0 wd as well, and nobody need be told of it again.
    amber="at least 0 wd when issue.escalated is false",
    red="over 2 wd",
)
ISSUE_OVERDUE = Measure(
    "issue.overdue",
    "issue",
    Unit.WORKING_DAYS,
    NoParams,
    ("target_date",),
    issue_overdue,
    text="Working days since an issue should have been resolved.",
    clock="today",
    dimension="risk",
    amber="over 0 wd",
    red="over 5 wd",
)
