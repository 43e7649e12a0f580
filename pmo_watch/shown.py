"""What a cycle shows through the database: projects, milestones and indicators under the labels that metrics have.

Views for dashboards read it: the rows that sources deliver are not merged there, and have neither labels nor slips.
"""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from pmo_watch import workdays
from pmo_watch.flow import Snapshot
from pmo_watch.labels import described, known_as, labelled
from pmo_watch.periods import bounds, length_of
from pmo_watch.view import Tables

READ = ("portfolio", "program", "project", "task", "indicator", "observation")
RAG = ("schedule", "cost", "scope", "risk", "resources", "quality")
DECLARED = {"overall": "declared_rag", **{name: f"declared_rag_{name}" for name in RAG}}
LEVELS = ("green", "amber", "red", "grey")
TEXT = pl.String()


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is known of projects at the end of a cycle; every frame is sorted by its first column.

    `projects`: uid, project (its label), name. `declared`: project (uid), dimension, state: the colours that projects
    declare. `milestones`: uid, project and milestone (labels), name, kind, baseline_finish, forecast_finish (the day it
    was reached once done), done, slip_wd (working days, positive is late; null where a day is unknown).
    `observations`: uid, time (UTC), scope (label of a project or programme), kpi, value, unit, target.
    """

    projects: pl.DataFrame
    declared: pl.DataFrame
    milestones: pl.DataFrame
    observations: pl.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Showing:
    """What one cycle changes of what is shown. `shown`: None where nothing of it can have changed.

    `silenced`: ids of the alerts that a silence holds back. `before`: what the same writer left in the database, which
    need not be read again then; None where it does not know.
    """

    silenced: Collection[str]
    shown: Shown | None = None
    before: Shown | None = None


def shown_of(snapshot: Snapshot) -> Shown:
    """Return what is shown of a snapshot."""
    labels = labelled(snapshot, "project")
    return Shown(_projects(snapshot, labels), _declared(snapshot), _milestones(snapshot, labels), _values(snapshot))


def same_rows(before: Snapshot | None, now: Snapshot) -> bool:
    """Say whether the very same rows are there, so that nothing of what is shown can differ."""
    if before is None or before.today != now.today:
        return False
    return all(before.frames.get(name) is now.frames.get(name) for name in READ)


def _projects(snapshot: Snapshot, labels: pl.DataFrame) -> pl.DataFrame:
    rows = snapshot.frame("project")
    named = rows.select("uid", described(rows["name"]).alias("name"))
    return labels.join(named, on="uid").select("uid", "project", "name").sort("uid")


def _declared(snapshot: Snapshot) -> pl.DataFrame:
    rows = snapshot.frame("project").filter(pl.col("vanished_on").is_null())
    wide = rows.select("uid", **{name: pl.col(column).cast(TEXT) for name, column in DECLARED.items()})
    long = wide.unpivot(index="uid", variable_name="dimension", value_name="state")
    known = long.filter(pl.col("state").is_in(LEVELS))
    return known.select(project="uid", dimension="dimension", state="state").sort("project", "dimension")


def _milestones(snapshot: Snapshot, labels: pl.DataFrame) -> pl.DataFrame:
    rows = Tables(snapshot).table("milestone").rows
    choose = workdays.each_in_its_own(snapshot.working_calendars(), snapshot.organisation.calendar)
    reached = pl.coalesce("actual_finish", "forecast_finish")
    finish = pl.when("done").then(reached).otherwise("forecast_finish")
    slip = choose(lambda calendar: workdays.count(pl.col("baseline_finish"), finish, calendar))
    called = labels.select(pl.col("uid").alias("project"), pl.col("project").alias("@label"))
    rows = rows.with_columns(id=pl.coalesce("id", "uid"), forecast_finish=finish, slip_wd=slip.cast(pl.Float64))
    rows = rows.join(called, on="project", maintain_order="left").drop("project").rename({"@label": "project"})
    names = (known_as(rows, "id", within=("project",)).alias("milestone"), described(rows["name"]).alias("name"))
    texts = pl.col("kind").cast(TEXT), pl.col("done").fill_null(value=False)
    wanted = ("uid", "project", "milestone", "name", "kind", "baseline_finish", "forecast_finish", "done", "slip_wd")
    return rows.with_columns(*names).with_columns(*texts).select(wanted).sort("uid")


def _values(snapshot: Snapshot) -> pl.DataFrame:
    """Return every accepted value at the end of its period, or on the day it was submitted where that was earlier."""
    indicators = snapshot.frame("indicator").filter(pl.col("vanished_on").is_null())
    named = indicators.select(
        indicator="uid", kpi=known_as(indicators, "id"), unit=described(indicators["unit"]), usual="target"
    )
    scopes = pl.concat(
        [labelled(snapshot, one).rename({"uid": "scope", one: "@scope"}) for one in ("project", "program")]
    )
    rows = snapshot.frame("observation").filter(
        pl.col("accepted") & pl.col("value").is_not_null() & pl.col("vanished_on").is_null()
    )
    rows = rows.join(named, on="indicator").join(scopes, on="scope").with_columns(scope="@scope")
    day = pl.min_horizontal(_last_days(rows["period"]), "submitted_on")
    zone = snapshot.organisation.timezone
    moment = day.cast(pl.Datetime("us")).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    target = pl.coalesce("target", "usual").cast(pl.Float64)
    figures = {"time": moment.dt.convert_time_zone("UTC"), "value": pl.col("value").cast(pl.Float64), "target": target}
    known = rows.with_columns(**figures).filter(pl.col("time").is_not_null())
    return known.select("uid", "time", "scope", "kpi", "value", "unit", "target").sort("uid")


def _last_days(periods: pl.Series) -> pl.Expr:
    """Return the last day of each period; null for a text that is none."""
    every = [one for one in periods.unique().to_list() if one]
    days = [_last_day(one) for one in every]
    return pl.lit(periods.replace_strict(every, pl.Series(days, dtype=pl.Date), default=None, return_dtype=pl.Date))


def _last_day(period: str) -> object:
    try:
        return bounds(period)[1] if length_of(period) else None
    except ValueError:
        return None
