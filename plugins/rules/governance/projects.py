"""What a project says of itself: how long it is on hold, how likely a reviewer finds its delivery."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View


def on_hold_for(_: NoParams, view: View) -> Columns:
    """Return for how long a project has been on hold."""
    held = (pl.col("state") == "on_hold").fill_null(value=False)
    return Columns(
        view.working_days(pl.col("on_hold_since"), pl.col("@today")),
        not_applicable=pl.when(~held).then(pl.lit("out of scope")),
        evidence={"on_hold_since": pl.col("on_hold_since")},
    )


def confidence(_: NoParams, view: View) -> Columns:
    """Return the delivery confidence as the reviewer gave it."""
    given = pl.col("delivery_confidence")
    outside = pl.when(~given.is_between(1, 5)).then(pl.format("invalid project.delivery_confidence: {}", given))
    return Columns(given, unknown=outside)


ON_HOLD_FOR = Measure(
    "project.on_hold_for",
    "project",
    Unit.WORKING_DAYS,
    NoParams,
    ("on_hold_since",),
    on_hold_for,
    text="How long a project has been on hold.",
    clock="today",
    amber="over 20 wd",
    red="over 60 wd",
    on_hold_is_na=False,
)
CONFIDENCE = Measure(
    "project.confidence",
    "project",
    Unit.STEPS,
    NoParams,
    ("delivery_confidence",),
    confidence,
    text="Delivery confidence, from 5 (highly likely) to 1 (unachievable).",
    clock="today",
    amber="at most 3",
    red="at most 2",
)
