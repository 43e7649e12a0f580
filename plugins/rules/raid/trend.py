"""How the levels of a project's threats have grown in the last weeks."""

from datetime import date, timedelta

import polars as pl
from pydantic import field_validator

from pmo_watch.api import Columns, Measure, PluginSettings, Samples, Unit, View, Weeks, Wish

from .risks import HEIGHT
from .threats import NONE_DUE, some_missing, threats

OVER = ("rejected", "closed")
SCORES = ("likelihood", "impact")


class TrendParams(PluginSettings):
    """With how many weeks ago the levels are compared."""

    over: Weeks = 4

    @field_validator("over")
    @classmethod
    def _some_time(cls, weeks: int) -> int:
        if weeks < 1:
            raise ValueError("must be at least '1 week'")
        return weeks


def wish(params: TrendParams) -> Samples:
    """Return the weekly samples that are read: the week `over` ago is the first of them."""
    return Samples("risk", "week", params.over + 1, ("project", "status", "opportunity", *SCORES))


def wishes(params: TrendParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return (wish(params),)


def risk_trend(params: TrendParams, view: View) -> Columns:
    """Return by how much the sum of the levels of open threats has grown since weeks ago, in per cent."""
    sums = _sums(params, view)
    rows_now, rows_then, heard = (pl.lit(sums[name]) for name in ("rows_now", "rows_then", "heard"))
    now, then = (pl.lit(sums[name].fill_null(0)) for name in ("sum_now", "sum_then"))
    none_then = rows_then.is_null() & (rows_now.is_null() | heard.fill_null(value=False))
    unassessed = [
        some_missing(f"risk.{score}", pl.lit(sums[f"{score}_{side}"]), rows)
        for side, rows in (("now", rows_now), ("then", rows_then))
        for score in SCORES
    ]
    return Columns(
        Columns.ratio((now - then) * 100, then),
        numerator=now - then,
        denominator=pl.when(then > 0).then(then),
        not_applicable=pl.when(none_then).then(NONE_DUE),
        unknown=pl.coalesce(pl.when(rows_then.is_null()).then(pl.lit("needs 2 samples, has 1")), *unassessed),
        evidence={"levels_now": now, "levels_before": then},
    )


def _sums(params: TrendParams, view: View) -> pl.DataFrame:
    """Return what the levels came to then and now, in the order of the projects."""
    before = _before(params, view)
    sums = view.rows.select("uid")
    for one in (_levels(threats(view), "now"), _levels(before, "then"), _heard(before, view)):
        sums = sums.join(one.rename({"project": "uid"}), on="uid", how="left", maintain_order="left")
    return sums


def _before(params: TrendParams, view: View) -> pl.DataFrame:
    """Return the open threats as they were known at the end of the week `over` weeks ago."""
    fields = ("uid", "source", "project", *SCORES)
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
    risks = view.snapshot.frame("risk")
    # Of several logs of a project one counts; history has the rows of all of them.
    counting = risks.group_by("project").agg(log=pl.col("source").first())
    return (
        then.with_columns(key=pl.col("project").str.to_lowercase())
        .join(called, on="key", how="left")
        .join(risks.select("uid", now="project"), on="uid", how="left")
        .with_columns(project=pl.coalesce("home", "now"))
        .filter(pl.col("project").is_not_null())
        .join(counting, on="project", how="left")
        .filter(pl.col("log").is_null() | (pl.col("log") == pl.col("source")))
    )


def _levels(risks: pl.DataFrame, side: str) -> pl.DataFrame:
    return risks.group_by("project").agg(
        HEIGHT.sum().cast(pl.Float64).alias(f"sum_{side}"),
        pl.len().alias(f"rows_{side}"),
        *(pl.col(score).is_null().sum().alias(f"{score}_{side}") for score in SCORES),
    )


def _heard(before: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return whether the source of a project's risks is known to have been read that week: it showed some risk."""
    sources = threats(view).group_by("project").agg(pl.col("source").first())
    return sources.select("project", heard=pl.col("source").is_in(before["source"].implode()))


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
