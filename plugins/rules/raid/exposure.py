"""What the threats of a project are expected to cost, against the contingency that is left."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View

from .threats import NONE_DUE, some_missing, threats

CHANCES = {1: 10, 2: 30, 3: 50, 4: 70, 5: 90}  # likelihood -> per cent


def risk_exposure(_: NoParams, view: View) -> Columns:
    """Return the expected cost of the open threats, divided by the contingency that is left."""
    expected = _expected(view).rename({"project": "uid"})
    sums = view.rows.select("uid").join(expected, on="uid", how="left", maintain_order="left")
    rows, exposure, without_cost, without_chance, derived = (
        pl.lit(sums[name]) for name in ("rows", "exposure", "without_cost", "without_chance", "derived")
    )
    left = (pl.col("contingency") - pl.col("contingency_used").fill_null(0)).cast(pl.Float64)
    nothing = rows.is_null() | ((exposure == 0) & (left <= 0) & (without_cost + without_chance == 0))
    return Columns(
        Columns.ratio(exposure, left),
        numerator=exposure,
        denominator=pl.when(left > 0).then(left),
        not_applicable=pl.when(nothing).then(NONE_DUE),
        unknown=pl.coalesce(
            some_missing("risk.cost_impact", without_cost, rows),
            some_missing("risk.probability", without_chance, rows),
        ),
        breach=pl.when((left <= 0) & (exposure > 0)).then(pl.lit("no contingency")),
        note=_said(derived, rows),
        evidence={"exposure": exposure, "contingency_left": left, "open_threats": rows},
    )


def _expected(view: View) -> pl.DataFrame:
    cost = pl.col("cost_impact").cast(pl.Float64)
    own = pl.col("probability").cast(pl.Float64)
    chance = pl.coalesce(own, pl.col("likelihood").replace_strict(CHANCES, default=None, return_dtype=pl.Float64))
    return (
        threats(view)
        .group_by("project")
        .agg(
            rows=pl.len(),
            exposure=(chance / 100 * cost).sum(),
            without_cost=cost.is_null().sum(),
            without_chance=chance.is_null().sum(),
            derived=(own.is_null() & chance.is_not_null()).sum(),
        )
    )


def _said(derived: pl.Expr, rows: pl.Expr) -> pl.Expr:
    """Say which probabilities follow from the likelihood, and that nobody says how much was used."""
    notes = [
        pl.when(derived > 0).then(pl.format("{} of {} probabilities from the likelihood", derived, rows)),
        pl.when(pl.col("contingency_used").is_null()).then(pl.lit("contingency used unknown")),
    ]
    joined = pl.concat_str(notes, separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


RISK_EXPOSURE = Measure(
    "project.risk_exposure",
    "project",
    Unit.RATIO,
    NoParams,
    ("risk.cost_impact", "risk.probability", "contingency"),
    risk_exposure,
    text="Expected cost of the open threats, against the contingency that is left.",
    clock="today",
    dimension="risk",
    amber="over 0.8",
    red="over 1.0",
    recover="at most 0.75",
)
