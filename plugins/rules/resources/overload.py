"""Persons who have more to do than they can: in one of the coming weeks, and for how many weeks on end."""

import polars as pl

from pmo_watch.api import Measure, Percent, PluginSettings, Unit, View, Weeks

from .load import Load, load_of

ISO_WEEK = "%G-W%V"
MOST_NAMES = 50
OVERBOOKED = (pl.col("hours") > 0) & (pl.col("available") <= 0)


class LoadParams(PluginSettings):
    """How many weeks are looked at, the current one included."""

    look_ahead: Weeks = 6


class RunParams(PluginSettings):
    """How many weeks are looked at, and what is too much in one."""

    look_ahead: Weeks = 12
    limit: Percent = 100


def weekly_load(params: LoadParams, view: View) -> pl.DataFrame:
    """Return the largest load of one week, in per cent of the hours that the person has in it."""
    load = load_of(view, params.look_ahead)
    ranked = load.weeks.filter(pl.col("hours") > 0).with_columns(overbooked=OVERBOOKED)
    most = ranked.sort("overbooked", "load", "week", descending=[True, True, False], nulls_last=True)
    worst = most.unique("person", keep="first", maintain_order=True).sort("person")
    found = _of_persons(view, load, worst.join(_projects_in(worst, load, view), on="person", how="left"))
    return found.select(
        "uid",
        value="load",
        numerator="hours",
        denominator=pl.when(pl.col("available") > 0).then("available"),
        not_applicable=_nothing_to_do(),
        unknown="unknown",
        breach=pl.when("overbooked").then(pl.lit("no capacity")),
        iso_week=pl.col("week").dt.strftime(ISO_WEEK),
        assigned_hours="hours",
        available_hours="available",
        in_projects="in_projects",
    )


def overload_weeks(params: RunParams, view: View) -> pl.DataFrame:
    """Return in how many weeks on end the person has more to do than the limit allows."""
    load = load_of(view, params.look_ahead)
    over = (OVERBOOKED | (pl.col("load") > params.limit)).fill_null(value=False)
    weeks = load.weeks.with_columns(over=over).with_columns(run=(~pl.col("over")).cum_sum().over("person"))
    length = pl.col("over").cast(pl.Int64).cum_sum().over("person", "run")
    ends = weeks.with_columns(length=length).sort("length", "week", descending=[True, False])
    longest = ends.unique("person", keep="first", maintain_order=True).drop("hours")
    sums = load.weeks.group_by("person").agg(pl.col("hours").sum())
    found = _of_persons(view, load, longest.join(sums, on="person").sort("person"))
    first = pl.col("week") - pl.duration(weeks=pl.col("length") - 1)
    return found.select(
        "uid",
        value="length",
        not_applicable=_nothing_to_do(),
        unknown="unknown",
        first_week=pl.when(pl.col("length") > 0).then(first.dt.strftime(ISO_WEEK)),
        last_week=pl.when(pl.col("length") > 0).then(pl.col("week").dt.strftime(ISO_WEEK)),
    )


def _of_persons(view: View, load: Load, found: pl.DataFrame) -> pl.DataFrame:
    """Return the persons in view with what was found of them, and why nothing can be said."""
    rows = view.rows.select(person="uid").join(found, on="person", how="left", maintain_order="left")
    return rows.join(load.unknown, on="person", how="left", maintain_order="left").rename({"person": "uid"})


def _nothing_to_do() -> pl.Expr:
    """Return why somebody without assigned hours is left alone."""
    none = (pl.col("hours") <= 0).fill_null(value=True) & pl.col("unknown").is_null()
    return pl.when(none).then(pl.lit("nothing due yet"))


def _projects_in(worst: pl.DataFrame, load: Load, view: View) -> pl.DataFrame:
    """Return the projects that a person works for in the week in question: `person` and their codes."""
    sunday = pl.col("week") + pl.duration(days=6)
    there = load.spans.join(worst.select("person", "week"), on="person").filter(
        (pl.col("from") <= sunday) & (pl.col("to") >= pl.col("week"))
    )
    codes = view.snapshot.frame("project").select(project="uid", code=pl.coalesce("code", "id", "uid"))
    named = there.select("person", "project").unique().join(codes, on="project").sort("person", "code")
    return named.group_by("person", maintain_order=True).agg(in_projects=pl.col("code").head(MOST_NAMES).str.join(", "))


WEEKLY_LOAD = Measure(
    "person.weekly_load",
    "person",
    Unit.PERCENT,
    LoadParams,
    ("assignment.remaining_work", "assignment.weekly", "assignment.finish"),
    weekly_load,
    text="Hours assigned in the fullest of the coming weeks, as a share of the hours that the person has.",
    clock="today",
    dimension="resources",
    amber="over 100 %",
    red="over 110 %",
    recover="at most 100 %",
)
OVERLOAD_WEEKS = Measure(
    "person.overload_weeks",
    "person",
    Unit.PERIODS,
    RunParams,
    ("assignment.remaining_work", "assignment.weekly", "assignment.finish"),
    overload_weeks,
    text="Weeks on end in which the person has more to do than hours to do it in.",
    clock="today",
    dimension="resources",
    amber="at least 2 periods",
    red="at least 4 periods",
)
