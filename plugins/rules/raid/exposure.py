"""What the threats of a project come to: in money against its contingency, and in levels against weeks ago."""

from datetime import date, timedelta

import polars as pl
from pydantic import field_validator

from pmo_watch.api import Columns, Measure, NoParams, PluginSettings, Samples, Unit, View, Weeks, Wish

from .risks import HEIGHT

CHANCES = {1: 10, 2: 30, 3: 50, 4: 70, 5: 90}  # likelihood -> per cent
OVER = ("rejected", "closed")
NONE_DUE = pl.lit("nothing due yet")


class TrendParams(PluginSettings):
    """With how many weeks ago the levels are compared."""

    over: Weeks = 4

    @field_validator("over")
    @classmethod
    def _some_time(cls, weeks: int) -> int:
        if weeks < 1:
            raise ValueError("must be at least '1 week'")
        return weeks


def threats(view: View) -> pl.DataFrame:
    """Return the open risks of all projects that are no opportunities; one without status counts as open."""
    risks = view.snapshot.frame("risk")
    is_open = pl.col("open").fill_null(value=True) & pl.col("vanished_on").is_null()
    return risks.filter(is_open & ~pl.col("opportunity").fill_null(value=False))


# --- in money -----------------------------------------------------------------------------------------------------


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
            _some_missing("risk.cost_impact", without_cost, rows),
            _some_missing("risk.probability", without_chance, rows),
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


def _some_missing(field: str, missing: pl.Expr, rows: pl.Expr) -> pl.Expr:
    some = pl.format(f"missing {field} on {{}} of {{}} rows", missing, rows)
    return pl.when(missing == rows).then(pl.lit(f"missing {field}")).when(missing > 0).then(some)


def _said(derived: pl.Expr, rows: pl.Expr) -> pl.Expr:
    """Say which probabilities follow from the likelihood, and that nobody says how much was used."""
    notes = [
        pl.when(derived > 0).then(pl.format("{} of {} probabilities from the likelihood", derived, rows)),
        pl.when(pl.col("contingency_used").is_null()).then(pl.lit("contingency used unknown")),
    ]
    joined = pl.concat_str(notes, separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


# --- in levels ----------------------------------------------------------------------------------------------------


def wish(params: TrendParams) -> Samples:
    """Return the weekly samples that are read: the week `over` ago is the first of them."""
    return Samples("risk", "week", params.over + 1, ("project", "status", "opportunity", "likelihood", "impact"))


def wishes(params: TrendParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return (wish(params),)


def risk_trend(params: TrendParams, view: View) -> Columns:
    """Return by how much the sum of the levels of open threats has grown since weeks ago, in per cent."""
    before = _before(params, view)
    sums = (
        view.rows.select("uid")
        .join(_levels(threats(view), "now"), left_on="uid", right_on="project", how="left", maintain_order="left")
        .join(_levels(before, "then"), left_on="uid", right_on="project", how="left", maintain_order="left")
        .join(_heard(before, view), left_on="uid", right_on="project", how="left", maintain_order="left")
    )
    rows_now, rows_then, heard = (pl.lit(sums[name]) for name in ("rows_now", "rows_then", "heard"))
    now, then = (pl.lit(sums[name].fill_null(0)) for name in ("sum_now", "sum_then"))
    none_then = rows_then.is_null() & (rows_now.is_null() | heard.fill_null(value=False))
    unassessed = [
        _some_missing("risk.likelihood", pl.lit(sums[f"unassessed_{side}"]), rows)
        for side, rows in (("now", rows_now), ("then", rows_then))
    ]
    return Columns(
        Columns.ratio((now - then) * 100, then),
        numerator=now - then,
        denominator=pl.when(then > 0).then(then),
        not_applicable=pl.when(none_then).then(NONE_DUE),
        unknown=pl.coalesce(pl.when(rows_then.is_null()).then(pl.lit("needs 2 samples, has 1")), *unassessed),
        evidence={"levels_now": now, "levels_before": then},
    )


def _before(params: TrendParams, view: View) -> pl.DataFrame:
    """Return the open threats as they were known at the end of the week `over` weeks ago."""
    fields = ("uid", "source", "project", "likelihood", "impact")
    found = view.snapshot.past.get(wish(params))
    if found is None or found.is_empty():
        return view.snapshot.frame("risk").select(fields).clear()
    standing = ~pl.col("status").is_in(OVER).fill_null(value=False) & ~pl.col("opportunity").fill_null(value=False)
    then = found.filter((pl.col("ends") == _week_end(view.snapshot.today, params.over)) & standing)
    return _at_home(then, view).select(fields)


def _week_end(today: date, weeks: int) -> date:
    return today + timedelta(days=6 - today.weekday()) - timedelta(weeks=weeks)


def _at_home(then: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return past risks with the project they were in: history has it as the source writes it."""
    projects = view.snapshot.frame("project")
    called = pl.concat([projects.select(home="uid", key=pl.col(name).str.to_lowercase()) for name in ("code", "id")])
    called = called.drop_nulls("key").unique("key", keep="first", maintain_order=True)
    risks = view.snapshot.frame("risk").select("uid", now="project")
    return (
        then.with_columns(key=pl.col("project").str.to_lowercase())
        .join(called, on="key", how="left")
        .join(risks, on="uid", how="left")
        .with_columns(project=pl.coalesce("home", "now"))
        .filter(pl.col("project").is_not_null())
    )


def _levels(risks: pl.DataFrame, side: str) -> pl.DataFrame:
    return risks.group_by("project").agg(
        HEIGHT.sum().cast(pl.Float64).alias(f"sum_{side}"),
        pl.len().alias(f"rows_{side}"),
        HEIGHT.is_null().sum().alias(f"unassessed_{side}"),
    )


def _heard(before: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return whether the source of a project's risks is known to have been read that week: it showed some risk."""
    sources = threats(view).group_by("project").agg(pl.col("source").first())
    return sources.select("project", heard=pl.col("source").is_in(before["source"].implode()))


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
RISK_TREND = Measure(
    "project.risk_trend",
    "project",
    Unit.PERCENT,
    TrendParams,
    ("risk.likelihood", "risk.impact"),
    risk_trend,
    text="Growth of the risk levels of a project in the last weeks.",
    clock="today",
    dimension="risk",
    past=wishes,
    amber="over 15 %",
    red="over 30 %",
    recover="at most 10 %",
)
