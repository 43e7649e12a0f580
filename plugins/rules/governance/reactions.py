"""What becomes of alerts: red ones without a plan, unread ones, those that a committee was told of and left open."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View

CLOSED = pl.when(pl.col("level").is_null()).then(pl.lit("closed"))
ABOUT = {"rule": pl.col("rule"), "subject": pl.col("subject")}
BODIES = ("steering_committee", "management_committee")


def red_without_plan(_: NoParams, view: View) -> Columns:
    """Return for how long an alert has been red without an action, issue or decision that names it."""
    other = pl.when(pl.col("level") != "red").then(pl.lit("out of scope"))
    planned = pl.when(pl.col("action").is_not_null()).then(pl.lit("done"))
    return Columns(
        view.working_days(pl.col("since"), pl.col("@today")),
        not_applicable=pl.coalesce(CLOSED, planned, other),
        evidence={**ABOUT, "red_since": pl.col("since")},
    )


def unacknowledged(_: NoParams, view: View) -> Columns:
    """Return for how long somebody has been told of an alert that nobody took notice of."""
    noticed = pl.when(pl.col("acknowledged_on").is_not_null()).then(pl.lit("done"))
    untold = pl.when(pl.col("told_on").is_null()).then(pl.lit("nothing due yet"))
    return Columns(
        view.working_days(pl.col("told_on"), pl.col("@today")),
        not_applicable=pl.coalesce(CLOSED, noticed, untold),
        evidence={**ABOUT, "told_on": pl.col("told_on")},
    )


def meetings_without_decision(_: NoParams, view: View) -> pl.DataFrame:
    """Count the meetings of a committee since an alert was escalated to it, none of which led to a plan."""
    held = view.snapshot.frame("meeting").filter(pl.col("held_on").is_not_null() & ~pl.col("cancelled"))
    counted = _met(view.rows, held)
    rows = view.rows.select("uid", "level", "escalated_on", "escalated_to", "action", **ABOUT)
    to_body = pl.col("escalated_to").is_in(BODIES).fill_null(value=False) & pl.col("escalated_on").is_not_null()
    number = pl.col("meetings").fill_null(0)
    return rows.join(counted, on="uid", how="left", maintain_order="left").select(
        "uid",
        *ABOUT,
        "escalated_to",
        "escalated_on",
        "last_meeting",
        value=pl.when(to_body).then(pl.when(pl.col("action").is_null()).then(number).otherwise(0)),
        not_applicable=pl.coalesce(CLOSED, pl.when(~to_body).then(pl.lit("out of scope"))),
        unknown=pl.lit("missing meeting.held_on" if held.is_empty() else None, pl.String),
    )


def _met(alerts: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return how often the committee met after the escalation, for what the alert belongs to or for everybody."""
    asked = alerts.select("uid", "escalated_on", "escalated_to", "@project", "@program", "@portfolio")
    meetings = held.select("scope", "held_on", escalated_to="kind")
    met = asked.join(meetings, on="escalated_to").filter(pl.col("held_on") > pl.col("escalated_on"))
    mine = [pl.col("scope") == pl.col(f"@{place}") for place in ("project", "program", "portfolio")]
    concerned = met.filter(pl.any_horizontal(pl.col("scope").is_null(), *mine))
    return concerned.group_by("uid").agg(
        pl.len().cast(pl.Int64).alias("meetings"), last_meeting=pl.col("held_on").max()
    )


RED_WITHOUT_PLAN = Measure(
    "alert.red_without_plan",
    "alert",
    Unit.WORKING_DAYS,
    NoParams,
    ("since",),
    red_without_plan,
    text="How long an alert has been red without a plan that names it.",
    clock="today",
    amber="over 5 wd",
    red="over 10 wd",
)
UNACKNOWLEDGED = Measure(
    "alert.unacknowledged",
    "alert",
    Unit.WORKING_DAYS,
    NoParams,
    ("told_on",),
    unacknowledged,
    text="How long an alert has been told that nobody acknowledged.",
    clock="today",
    amber="over 2 wd",
    red="over 5 wd",
)
MEETINGS_WITHOUT_DECISION = Measure(
    "alert.meetings_without_decision",
    "alert",
    Unit.COUNT,
    NoParams,
    ("meeting.held_on",),
    meetings_without_decision,
    text="Meetings that a committee held since an alert was escalated to it, without a plan.",
    clock="today",
    red="at least 1",
)
