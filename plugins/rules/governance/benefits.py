"""Benefits: what indicators that measure one have reached, against what was planned to date."""

import polars as pl

from pmo_watch.api import Measure, NoParams, Unit, View, last_submitted

SERIES = ("indicator", "scope")
LEFT_OUT = ("proposed", "cancelled")  # states of projects whose benefits nobody expects
CURRENCY = "^[A-Z]{3}$"


def benefit_realised(_: NoParams, view: View) -> pl.DataFrame:
    """Return the benefits reached in percent of those planned, over all periods that are closed."""
    due = _due(view)
    summed = due.group_by("subject").agg(
        pl.len().alias("rows"),
        numerator=pl.col("value").sum(),
        denominator=pl.col("target").sum(),
        without_target=pl.col("target").null_count(),
        without_value=pl.col("value").null_count(),
        units=pl.col("unit").fill_null("").unique().sort(),
        until=pl.col("period").max(),
    )
    configured = _series(view).select(uid="subject", configured=pl.lit(value=True)).unique()
    rows = view.rows.select("uid").join(configured, on="uid", how="left", maintain_order="left")
    found = rows.join(summed.rename({"subject": "uid"}), on="uid", how="left", maintain_order="left")
    nothing = pl.when(pl.col("configured").is_null()).then(pl.lit("not configured"))
    none_closed = pl.when(pl.col("rows").is_null()).then(pl.lit("nothing due yet"))
    ratio = pl.when(pl.col("denominator") != 0).then(pl.col("numerator") * 100 / pl.col("denominator"))
    return found.select(
        "uid",
        "numerator",
        "denominator",
        value=ratio,
        not_applicable=pl.coalesce(nothing, none_closed),
        unknown=pl.coalesce(_missing("target"), _missing("value"), _mixed()),
        benefit_reached="numerator",
        benefit_planned="denominator",
        period="until",
    )


def _series(view: View) -> pl.DataFrame:
    """Return the series of indicators that measure a benefit, with the row of the view that each counts for."""
    benefits = view.snapshot.frame("indicator").filter("benefit").select("unit", own="target", indicator="uid")
    kpi = view.snapshot.frame("kpi").select(*SERIES, last="period", subject=view.entity)
    series = kpi.join(benefits, on="indicator").drop_nulls("subject")
    if view.projects is None:
        return series
    gone = view.projects.filter(
        pl.col("state").is_in(LEFT_OUT) | pl.col("@held") | pl.col("vanished_on").is_not_null()
    ).select(scope="uid")
    return series.join(gone, on="scope", how="anti")


def _due(view: View) -> pl.DataFrame:
    """Return every closed period of a benefit with its target and value; the last one also if nothing came."""
    series = _series(view).drop_nulls("last")
    counts = (pl.col("accepted") & pl.col("value").is_not_null()).fill_null(value=False)
    told = view.snapshot.frame("observation").filter(counts | ~counts.any().over(*SERIES, "period"))
    seen = last_submitted(told).select(
        *SERIES,
        "period",
        value=pl.when("accepted").then("value").cast(pl.Float64),
        target=pl.col("target").cast(pl.Float64),
    )
    same_form = pl.col("period").str.len_chars() == pl.col("last").str.len_chars()
    closed = seen.join(series, on=SERIES).filter(same_form & (pl.col("period") <= pl.col("last")))
    periods = pl.concat([closed.select(*SERIES, "period"), series.select(*SERIES, period="last")]).unique()
    due = periods.join(series, on=SERIES).join(seen, on=[*SERIES, "period"], how="left")
    return due.with_columns(target=pl.coalesce("target", pl.col("own").cast(pl.Float64))).sort("subject", "period")


def _missing(field: str) -> pl.Expr:
    number = pl.col(f"without_{field}")
    several = pl.format(f"missing observation.{field} on {{}} of {{}} rows", number, "rows")
    only = pl.when(pl.col("rows") == 1).then(pl.lit(f"missing observation.{field}")).otherwise(several)
    return pl.when(number > 0).then(only)


def _mixed() -> pl.Expr:
    """Return that the indicators cannot be added up, since they are in several units."""
    units = pl.col("units")
    money = units.list.eval(pl.element().str.contains(CURRENCY)).list.all()
    text = units.list.join(", ")
    said = pl.when(money).then(pl.format("mixed currencies: {}", text))
    return pl.when(units.list.len() > 1).then(said.otherwise(pl.format("invalid indicator.unit: {}", text)))


BENEFIT_REALISED = Measure(
    "project.benefit_realised",
    "project",
    Unit.PERCENT,
    NoParams,
    ("observation.target", "observation.value"),
    benefit_realised,
    text="Benefits reached in percent of those planned to date.",
    clock="today",
    amber="under 90 %",
    red="under 75 %",
    recover="at least 92 %",
    also_for=("program",),
)
