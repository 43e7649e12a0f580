"""Series of an indicator that look wrong: values that never move, and one that is far from all before it."""

import polars as pl

from pmo_watch.api import Measure, NoParams, Periods, PluginSettings, Unit, View, last_submitted

SERIES = ["indicator", "scope"]
LEAST_VALUES = 3  # fewer say nothing about a value that never moves
OUT_OF_RANGE = "kpi.out_of_range"  # 1 where the newest value is none that the indicator can have
RUNNING = "executing"  # a null state is evaluated, too


class PlausibleParams(PluginSettings):
    """With how many earlier values a value is compared at most, and at least."""

    over: Periods = 12
    at_least: Periods = 5


def _values(view: View) -> pl.DataFrame:
    """Return one value per period of each series, in order: `indicator`, `scope`, `period`, `value`, `accepted`."""
    values = last_submitted(view.snapshot.frame("observation").filter(pl.col("value").is_not_null()))
    return values.select(*SERIES, "period", "accepted", value=pl.col("value").cast(pl.Float64))


def unchanged(_: NoParams, view: View) -> pl.DataFrame:
    """Count the accepted values at the end of a series that are equal."""
    place = pl.int_range(pl.len()).over(SERIES)
    moved = pl.col("value").ne_missing(pl.col("value").shift(1).over(SERIES))
    values = view.once("collection.values", lambda: _values(view)).filter("accepted")
    runs = (
        values.with_columns(place=place, moved=moved)
        .group_by(SERIES)
        .agg(
            values=pl.len().cast(pl.Int64),
            began=pl.col("place").filter("moved").max(),
            last_value=pl.col("value").last(),
            since=pl.col("period").filter("moved").last(),
        )
    )
    found = view.rows.select("uid", *SERIES, "indicator.constant", "project.state")
    found = found.join(runs, on=SERIES, how="left", maintain_order="left").with_columns(pl.col("values").fill_null(0))
    idle = pl.col("indicator.constant") | (pl.col("project.state") != RUNNING)
    few = pl.format(f"needs {LEAST_VALUES} samples, has {{}}", "values")
    return found.select(
        "uid",
        value=pl.col("values") - pl.col("began"),
        not_applicable=pl.when(idle.fill_null(value=False)).then(pl.lit("out of scope")),
        unknown=pl.when(pl.col("values") < LEAST_VALUES).then(few),
        indicator_value="last_value",
        unchanged_since="since",
    )


def implausible(params: PlausibleParams, view: View) -> pl.DataFrame:
    """Return by how many median deviations the newest value of a series lies from the median of those before it."""
    newest = _newest(view)
    usual = _usual(params, view, newest)
    found = newest.join(usual, on=SERIES, how="left", maintain_order="left").with_columns(pl.col("values").fill_null(0))
    value, few = pl.col("value"), pl.col("values") < params.at_least
    impossible = (~pl.col("accepted")).fill_null(value=False) & value.is_not_null()
    compared = value.is_not_null() & ~few & ~impossible
    too_early = pl.when(pl.col("period").is_null() & value.is_null()).then(pl.lit("too early"))
    steady = pl.when(compared & (pl.col("spread") == 0)).then(pl.lit("out of scope"))
    absent = pl.when(value.is_null()).then(pl.format("missing observation.value {}", "period"))
    short = pl.when(few & ~impossible).then(pl.format(f"needs {params.at_least} samples, has {{}}", "values"))
    return found.select(
        "uid",
        value=pl.when(compared & (pl.col("spread") > 0)).then((value - pl.col("usual")).abs() / pl.col("spread")),
        not_applicable=pl.coalesce(too_early, steady),
        unknown=pl.coalesce(absent, short),
        breach=pl.when(impossible).then(pl.lit("out of range")),
        period="of",
        indicator_value="value",
        usual_value="usual",
        least_plausible="indicator.min",
        most_plausible="indicator.max",
        **{OUT_OF_RANGE: pl.when(impossible).then(1)},
    )


def _newest(view: View) -> pl.DataFrame:
    """Return each series with its newest value; null where that of the last closed period has not come."""
    values = view.once("collection.values", lambda: _values(view))
    last = values.unique(SERIES, keep="last", maintain_order=True).rename({"period": "of"})
    rows = view.rows.select(
        "uid",
        *SERIES,
        "period",
        pl.col("indicator.min").cast(pl.Float64),
        pl.col("indicator.max").cast(pl.Float64),
    )
    found = rows.join(last, on=SERIES, how="left", maintain_order="left")
    is_due = (pl.col("of") < pl.col("period")).fill_null(value=False)
    return found.with_columns(pl.when(~is_due).then("value").alias("value"))


def _usual(params: PlausibleParams, view: View, newest: pl.DataFrame) -> pl.DataFrame:
    """Return the median of the accepted values before the newest, their median deviation and their number."""
    accepted = view.once("collection.values", lambda: _values(view)).filter("accepted")
    before = accepted.join(newest.select(*SERIES, "of"), on=SERIES).filter(pl.col("period") < pl.col("of"))
    latest = before.group_by(SERIES, maintain_order=True).tail(params.over)
    middle = pl.col("value").median()
    return latest.group_by(SERIES).agg(
        values=pl.len().cast(pl.Int64), usual=middle, spread=(pl.col("value") - middle).abs().median()
    )


UNCHANGED = Measure(
    "kpi.unchanged",
    "kpi",
    Unit.PERIODS,
    NoParams,
    ("observation.value",),
    unchanged,
    text="Periods running in which an indicator had the same value.",
    clock="today",
    dimension="data",
    amber="at least 3 periods",
    red="at least 4 periods",
)
IMPLAUSIBLE = Measure(
    "kpi.implausible",
    "kpi",
    Unit.RATIO,
    PlausibleParams,
    ("observation.value",),
    implausible,
    text="Distance of an indicator's newest value from those before it, in their median deviations.",
    clock="today",
    dimension="data",
    amber="over 5",
    red=f"{OUT_OF_RANGE} at least 1",
    companions={OUT_OF_RANGE: Unit.COUNT},
)
