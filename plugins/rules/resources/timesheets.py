"""Hours that persons who were on a project have not booked, or that nobody has approved."""

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View, Weeks

from .absences import DAY, with_days_off
from .assigned import assignments

ISO_WEEK = "%G-W%V"
SUNDAY = pl.duration(days=6)


class TimesheetParams(PluginSettings):
    """How many complete weeks are looked at, and how many bookings must be expected for red."""

    weeks: Weeks = 4
    min_sample: int = 5


def timesheets_missing(params: TimesheetParams, view: View) -> pl.DataFrame:
    """Return the share of the expected weeks of persons for which no hours are approved, in per cent."""
    rows = _expected(params, view).join(_approved(view), on=["person", "project", "iso_week"], how="left")
    lacks = pl.col("approved").is_null()
    sums = rows.group_by(uid="project").agg(
        expected=pl.len().cast(pl.Int64),
        lacking=lacks.sum().cast(pl.Int64),
        persons=pl.col("person").filter(lacks).n_unique().cast(pl.Int64),
        iso_weeks=pl.col("iso_week").filter(lacks).unique().sort().str.join(", "),
    )
    found = view.rows.select("uid").join(sums, on="uid", how="left", maintain_order="left")
    nobody_books = view.snapshot.frame("timesheet").is_empty()
    return found.select(
        "uid",
        value=Columns.ratio(pl.col("lacking") * 100, pl.col("expected")),
        numerator=pl.col("lacking").fill_null(0),
        denominator=pl.col("expected").fill_null(0),
        sample="expected",
        unknown=pl.when(nobody_books).then(pl.lit("missing timesheet.hours")),
        persons_lacking="persons",
        weeks_lacking=pl.when(pl.col("lacking") > 0).then("iso_weeks"),
    )


def _expected(params: TimesheetParams, view: View) -> pl.DataFrame:
    """Return `person`, `project` and `iso_week` of each complete week in which an active person was on a project.

    Weeks in which the person is away on every working day are left out.
    """
    end = (pl.col("@as_of") + DAY).dt.truncate("1w")
    projects = view.rows.select("@calendar", project="uid", end=end)
    people = view.snapshot.frame("person").filter("active").select("calendar", person="uid")
    ago = pl.select(ago=pl.int_range(1, params.weeks + 1, dtype=pl.Int64))
    rows = _stays(view).join(projects, on="project").join(people, on="person").join(ago, how="cross")
    rows = rows.with_columns(monday=pl.col("end") - pl.duration(weeks=pl.col("ago")))
    rows = rows.filter((pl.col("from") <= pl.col("monday") + SUNDAY) & (pl.col("to") >= pl.col("monday")))
    rows = rows.unique(["person", "project", "monday"], keep="first", maintain_order=True)
    rows = rows.with_columns(pl.coalesce("calendar", "@calendar").alias("@calendar")).drop("from", "to")
    return _at_work(rows, view).with_columns(iso_week=pl.col("monday").dt.strftime(ISO_WEEK))


def _stays(view: View) -> pl.DataFrame:
    """Return when persons are on projects: `person`, `project`, `from`, `to`, a row for each assignment with days."""
    begins, ends = pl.coalesce("actual_start", "start"), pl.coalesce("actual_finish", "finish")
    return assignments(view).select("person", "project", begins.alias("from"), to=ends).drop_nulls()


def _at_work(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    """Leave out the weeks in which a person does not work at all."""
    rows = rows.with_columns(eve=pl.col("monday") - DAY, sunday=pl.col("monday") + SUNDAY)
    rows = with_days_off(with_days_off(rows, "sunday", "off", view), "eve", "off_before", view)
    worked = view.working_days(pl.col("eve"), pl.col("sunday")) - pl.col("off") + pl.col("off_before")
    return rows.filter((worked > 0).fill_null(value=True)).select("person", "project", "monday")


def _approved(view: View) -> pl.DataFrame:
    """Return `person`, `project` and `iso_week` for which hours are approved."""
    booked = view.snapshot.frame("timesheet").filter(
        (pl.col("status") == "approved") & (pl.col("hours") > 0) & pl.col("vanished_on").is_null()
    )
    named = booked.select("person", "project", iso_week=pl.col("week").str.to_uppercase())
    return named.unique().with_columns(approved=pl.lit(value=True))


TIMESHEETS_MISSING = Measure(
    "project.timesheets_missing",
    "project",
    Unit.PERCENT,
    TimesheetParams,
    ("timesheet.hours",),
    timesheets_missing,
    text="Weeks in which persons were on the project and for which no hours are approved.",
    dimension="resources",
    amber="over 10 %",
    red="over 25 %",
)
