"""Indicators: their value, how it changes, how far it is from its target."""

from collections.abc import Iterable
from typing import Any, Literal

import polars as pl
from pydantic import Field

from pmo_watch.api import Measure, Periods, PluginSettings, Unit, View, hookimpl, last_submitted

TOO_EARLY = pl.when(pl.col("period").is_null()).then(pl.lit("too early"))


class IndicatorParams(PluginSettings):
    """Which indicator."""

    indicator: str


class ValueParams(IndicatorParams):
    """How many periods old a value may be and still count."""

    carry: Periods = 0


class ChangeParams(IndicatorParams):
    """Over how many periods, and whether in the indicator's unit or in per cent."""

    over: Periods = 1
    as_: Literal["absolute", "percent"] = Field("absolute", alias="as")


class TargetParams(IndicatorParams):
    """Whether the shortfall is in per cent of the target or in the indicator's unit."""

    as_: Literal["percent", "absolute"] = Field("percent", alias="as")


def _series(params: IndicatorParams, view: View) -> pl.DataFrame:
    """Return the rows of the indicator with their place among its periods; others say that they are not meant."""
    meant = pl.col("indicator") == f"indicator:{params.indicator.strip().lower()}"
    return view.rows.select(
        "uid",
        "indicator",
        "scope",
        "period",
        other=pl.when(~meant).then(pl.lit("out of scope")),
        unit=pl.col("indicator.unit"),
        direction=pl.col("indicator.direction"),
        own_target=pl.col("indicator.target").cast(pl.Float64),
    )


def _values(view: View) -> pl.DataFrame:
    """Return accepted values in the order of their periods, numbered within each series."""
    seen = view.snapshot.frame("observation").filter(pl.col("accepted") & pl.col("value").is_not_null())
    return last_submitted(seen).select(
        "indicator",
        "scope",
        "period",
        value=pl.col("value").cast(pl.Float64),
        period_target=pl.col("target").cast(pl.Float64),
    )


def _at(series: pl.DataFrame, values: pl.DataFrame, back: int, name: str) -> pl.DataFrame:
    """Add the value of the period that lies so many periods before the series' own, null where there is none."""
    period = _earlier(pl.col("period"), back)
    wanted = series.with_columns(asked=period)
    joined = wanted.join(
        values.rename({"period": "asked", "value": name}).drop("period_target"),
        on=["indicator", "scope", "asked"],
        how="left",
        maintain_order="left",
    )
    return joined.drop("asked")


def _earlier(period: pl.Expr, back: int) -> pl.Expr:
    """Return the period that lies `back` periods before, by its form: day, week, month or quarter."""
    if back == 0:
        return period
    year, number = period.str.slice(0, 4).cast(pl.Int32, strict=False), period.str.slice(6).cast(pl.Int32, strict=False)
    monday = pl.concat_str(period, pl.lit("-1")).str.to_date("%G-W%V-%u", strict=False)
    week = (monday - pl.duration(weeks=back)).dt.strftime("%G-W%V")
    month = pl.concat_str(period, pl.lit("-01")).str.to_date("%Y-%m-%d", strict=False).dt.offset_by(f"-{back}mo")
    quarters = year * 4 + number - 1 - back
    quarter = pl.format("{}-Q{}", quarters // 4, quarters % 4 + 1)
    day = (period.str.to_date("%Y-%m-%d", strict=False) - pl.duration(days=back)).dt.strftime("%Y-%m-%d")
    return (
        pl.when(period.str.contains("W"))
        .then(week)
        .when(period.str.contains("Q"))
        .then(quarter)
        .when(period.str.len_chars() == 7)
        .then(month.dt.strftime("%Y-%m"))
        .otherwise(day)
    )


def _missing(column: str, back: int = 0) -> pl.Expr:
    """Return that a value is missing, and of which period."""
    said = pl.format("missing observation.value {}", _earlier(pl.col("period"), back))
    return pl.when(pl.col(column).is_null()).then(said)


def value(params: ValueParams, view: View) -> pl.DataFrame:
    """Return the value of the last period whose cut-off has passed, or of one not older than `carry` periods."""
    found, values = _series(params, view), _values(view)
    names = [f"v{back}" for back in range(params.carry + 1)]
    for back, name in enumerate(names):
        found = _at(found, values, back, name)
    carried = pl.when(pl.col("v0").is_null() & pl.coalesce(names).is_not_null()).then(
        pl.lit("value of an earlier period")
    )
    return found.select(
        "uid",
        "period",
        "unit",
        value=pl.coalesce(names),
        not_applicable=pl.coalesce("other", TOO_EARLY),
        unknown=pl.when(pl.coalesce(names).is_null()).then(_missing("v0")),
        note=carried,
    )


def change(params: ChangeParams, view: View) -> pl.DataFrame:
    """Return how the value changed over so many periods."""
    found, values = _series(params, view), _values(view)
    found = _at(_at(found, values, 0, "now"), values, params.over, "before")
    moved = pl.col("now") - pl.col("before")
    in_percent = params.as_ == "percent"
    zero = pl.when(pl.lit(in_percent) & (pl.col("before") == 0)).then(pl.lit("invalid observation.value: 0"))
    unit = pl.lit("%") if in_percent else pl.when(pl.col("unit") == "%").then(pl.lit("pp")).otherwise("unit")
    return found.select(
        "uid",
        "period",
        value=moved * 100 / pl.col("before").abs() if in_percent else moved,
        not_applicable=pl.coalesce("other", TOO_EARLY),
        unknown=pl.coalesce(_missing("now"), _missing("before", params.over), zero),
        unit=unit,
        value_now="now",
        value_before="before",
    )


def against_target(params: TargetParams, view: View) -> pl.DataFrame:
    """Return by how much the value falls short of its target; positive is worse."""
    found, values = _series(params, view), _values(view)
    found = found.join(values, on=["indicator", "scope", "period"], how="left", maintain_order="left").with_columns(
        goal=pl.coalesce("period_target", "own_target")
    )
    short = (
        pl.when(pl.col("direction") == "higher_better")
        .then(pl.col("goal") - pl.col("value"))
        .when(pl.col("direction") == "lower_better")
        .then(pl.col("value") - pl.col("goal"))
        .when(pl.col("direction") == "target")
        .then((pl.col("goal") - pl.col("value")).abs())
    )
    in_percent = params.as_ == "percent"
    zero = pl.when(pl.lit(in_percent) & (pl.col("goal") == 0)).then(pl.lit("invalid indicator.target: 0"))
    no_way = pl.when(pl.col("direction").is_null()).then(pl.lit("missing indicator.direction"))
    return found.select(
        "uid",
        "period",
        value=short * 100 / pl.col("goal").abs() if in_percent else short,
        not_applicable=pl.coalesce(
            "other", TOO_EARLY, pl.when(pl.col("goal").is_null()).then(pl.lit("not configured"))
        ),
        unknown=pl.coalesce(_missing("value"), no_way, zero),
        unit=pl.lit("%") if in_percent else pl.col("unit"),
        indicator_value="value",
        target="goal",
    )


VALUE = Measure(
    "kpi.value",
    "kpi",
    Unit.INDICATOR,
    ValueParams,
    ("observation.value",),
    value,
    text="Value of an indicator in its last closed period.",
    clock="today",
    row_thresholds="indicator",
)
CHANGE = Measure(
    "kpi.change",
    "kpi",
    Unit.INDICATOR,
    ChangeParams,
    ("observation.value",),
    change,
    text="Change of an indicator over some periods.",
    clock="today",
)
AGAINST_TARGET = Measure(
    "kpi.against_target",
    "kpi",
    Unit.INDICATOR,
    TargetParams,
    ("observation.value", "indicator.direction"),
    against_target,
    text="By how much an indicator falls short of its target.",
    clock="today",
    amber="over 5 %",
    red="over 10 %",
    recover="at most 4 %",
)


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return KPI-01 to KPI-03 of the catalogue."""
    return [VALUE, CHANGE, AGAINST_TARGET]
