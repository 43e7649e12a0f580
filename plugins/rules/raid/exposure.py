"""What the threats of a project are expected to cost, against the contingency that is left."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View

from .threats import NONE_DUE, some_missing, threats

CHANCES = {1: 10, 2: 30, 3: 50, 4: 70, 5: 90}  # likelihood -> per cent


def risk_exposure(_: NoParams, view: View) -> Columns:
    """Return the expected cost of the open threats, divided by the contingency that is left.

    A threat of which nobody knows the cost is left out, and said; where that holds for all of them nothing is known.
    """
    expected = _expected(view).rename({"project": "uid"})
    sums = view.rows.select("uid").join(expected, on="uid", how="left", maintain_order="left")
    rows, exposure, without_cost, without_chance, derived = (
        pl.lit(sums[name]) for name in ("rows", "exposure", "without_cost", "without_chance", "derived")
    )
    left = (pl.col("contingency") - pl.col("contingency_used").fill_null(0)).cast(pl.Float64)
    known = (without_chance == 0) & (without_cost < rows)
    nothing = rows.is_null() | ((exposure == 0) & (left <= 0) & known)
    return Columns(
        Columns.ratio(exposure, left),
        numerator=exposure,
        denominator=pl.when(left > 0).then(left),
        not_applicable=pl.when(nothing).then(NONE_DUE),
        unknown=pl.coalesce(
            pl.when(without_cost == rows).then(pl.lit("missing risk.cost_impact")),
            some_missing("risk.probability", without_chance, rows),
        ),
        breach=pl.when((left <= 0) & (exposure > 0)).then(pl.lit("no contingency")),
        note=_said(without_cost, derived, rows),
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
            without_chance=(cost.is_not_null() & chance.is_null()).sum(),
            derived=(cost.is_not_null() & own.is_null() & chance.is_not_null()).sum(),
        )
    )


def _said(without_cost: pl.Expr, derived: pl.Expr, rows: pl.Expr) -> pl.Expr:
    """Say what is left out, which probabilities follow from the likelihood, that nobody says how much was used."""
    notes = [
        pl.when(without_cost > 0).then(pl.format("{} of {} rows left out", without_cost, rows)),
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
