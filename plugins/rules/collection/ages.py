"""How old data are: since anything new was heard of a project, since a source was last read whole."""

from typing import Literal

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, PluginSettings, Unit, View

Of = Literal["observation", "status_report", "declared_rag", "plan"]
DAY_HOURS = 24.0


class AgeParams(PluginSettings):
    """What counts as data of a project."""

    of: tuple[Of, ...] = ("observation", "status_report", "declared_rag", "plan")


def data_age(params: AgeParams, view: View) -> pl.DataFrame:
    """Return the calendar days since anything new was heard of a project."""
    snapshot = view.snapshot
    seen = snapshot.frame("observation").filter(pl.col("value").is_not_null())
    zone = snapshot.organisation.timezone
    parts = {
        "observation": seen.group_by(uid="scope").agg(day=pl.col("submitted_on").max()),
        "status_report": snapshot.frame("status_report").group_by(uid="project").agg(day=pl.col("submitted_on").max()),
        "declared_rag": view.rows.select("uid", day="declared_on"),
        "plan": view.rows.select("uid", day=pl.col("updated_at").dt.convert_time_zone(zone).dt.date()),
    }
    heard = pl.concat([parts[name].select("uid", "day", kind=pl.lit(name)) for name in params.of]).drop_nulls("day")
    newest = heard.sort("day").group_by("uid", maintain_order=True).last()
    facts = view.rows.select("uid", "@today").join(newest, on="uid", how="left", maintain_order="left")
    return facts.select(
        "uid",
        value=(pl.col("@today") - pl.col("day")).dt.total_days().clip(lower_bound=0),
        unknown=pl.when(pl.col("day").is_null()).then(pl.lit("missing observation.submitted_on")),
        newest_on="day",
        newest_of="kind",
    )


def sync_age(_: NoParams, view: View) -> Columns:
    """Return the hours since a source was last read whole: 24 in each of the organisation's working days, else none."""
    zone = view.snapshot.organisation.timezone
    read = pl.col("last_good_read").dt.convert_time_zone(zone)
    now = pl.lit(view.snapshot.now).dt.convert_time_zone(zone)
    whole_days = view.working_days(_eve(read), _eve(now))
    hours = whole_days * DAY_HOURS + _worked_since_midnight(view, now) - _worked_since_midnight(view, read)
    return Columns(
        hours.clip(lower_bound=0),  # a clock that was set back must not make a source younger than new
        evidence={"last_read": pl.col("last_good_read"), "last_error": pl.col("last_error")},
    )


def _eve(moment: pl.Expr) -> pl.Expr:
    return moment.dt.date() - pl.duration(days=1)


def _worked_since_midnight(view: View, moment: pl.Expr) -> pl.Expr:
    """Return the hours of the moment's civil day that have passed by the wall clock; none on a day off."""
    time = moment.dt
    hours = time.hour().cast(pl.Float64) + time.minute().cast(pl.Float64) / 60 + time.second().cast(pl.Float64) / 3600
    return hours * view.working_days(_eve(moment), moment.dt.date())


DATA_AGE = Measure(
    "project.data_age",
    "project",
    Unit.DAYS,
    AgeParams,
    ("observation.submitted_on",),
    data_age,
    text="Calendar days since anything new was heard of a project.",
    clock="today",
    dimension="data",
    amber="over 7 d",
    red="over 14 d",
    recover="at most 7 d",
)
SYNC_AGE = Measure(
    "source.sync_age",
    "source",
    Unit.HOURS,
    NoParams,
    ("last_good_read",),
    sync_age,
    text="Hours of working days since a source was last read whole.",
    clock="today",
    dimension="data",
    amber="over 24 h",
    red="over 48 h",
)
