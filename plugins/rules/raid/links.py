"""Dependencies on others that nobody has confirmed yet."""

from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View

DONE = pl.lit("done")


class ScopeParams(PluginSettings):
    """Which links are asked about: those that lead out of a plan, or all."""

    scope: Literal["external", "all"] = "external"


def unconfirmed(params: ScopeParams, view: View) -> Columns:
    """Count the working days until something is needed that nobody has confirmed; negative is late."""
    start = pl.col("successor.forecast_start")
    needed = pl.coalesce("needed_on", start)
    elsewhere = (pl.col("predecessor.project") != pl.col("successor.project")).fill_null(value=False)
    outside = pl.col("external") | pl.col("predecessor.external").fill_null(value=False) | elsewhere
    inside = pl.when(~outside).then(pl.lit("out of scope")) if params.scope == "external" else pl.lit(None, pl.String)
    return Columns(
        view.working_days(pl.col("@today"), needed),
        not_applicable=pl.coalesce(
            inside, pl.when(pl.col("confirmed_on").is_not_null() | pl.col("predecessor.done")).then(DONE)
        ),
        note=pl.when(pl.col("needed_on").is_null() & start.is_not_null()).then(
            pl.lit("needed when the successor starts")
        ),
        evidence={"needed_on": needed, "provider": pl.col("provider"), "external_name": pl.col("external_name")},
    )


UNCONFIRMED = Measure(
    "dependency.unconfirmed",
    "dependency",
    Unit.WORKING_DAYS,
    ScopeParams,
    ("needed_on",),
    unconfirmed,
    text="Working days until something is needed from elsewhere that nobody has confirmed.",
    clock="today",
    dimension="risk",
    amber="at most 20 wd",
    red="at most 10 wd",
)
