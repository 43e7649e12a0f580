"""How many hours persons have to work in the coming weeks, and how many they have."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pmo_watch.api import Columns, View

from .absences import DAY, with_days_off
from .assigned import missing_on, open_work

DECIMALS = 6  # of hours: what is left of a sum of fractions is none
WEEK = timedelta(weeks=1)
PER_HOUR = 60
BLANK = (pl.col("hours") > 0) & pl.col("available").is_null()  # a week of work that the calendar does not cover
CONTOUR = r"^(\d{4}-W\d{2})=(\d+(?:\.\d+)?)$"


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """What persons have to do in a number of weeks, the current one first.

    `weeks`: `person`, `week` (its Monday), `hours`, `available` and `load` (per cent; null without available hours);
    weeks without work are among them. `spans`: `person`, `project`, `from`, `to`: the days over which the work of each
    assignment lies. `unknown`: `person` and `unknown`, why nothing can be said of who is in it.
    """

    weeks: pl.DataFrame
    spans: pl.DataFrame
    unknown: pl.DataFrame


def load_of(view: View, weeks: int) -> Load:
    """Return the load of the persons in view over so many weeks."""
    return view.once(f"resources: load of {weeks} weeks", lambda: _load(view, weeks))


def _load(view: View, weeks: int) -> Load:
    monday = view.snapshot.today - timedelta(days=view.snapshot.today.weekday())
    last = monday + WEEK * weeks - timedelta(days=1)
    persons = view.rows.select("max_units", "@calendar", person="uid")
    work = open_work(view).join(persons.drop("max_units"), on="person", maintain_order="left")
    placed = _placed(work, view, monday)
    told = _contours(work)
    contours = told.drop_nulls()
    heaps = placed.filter("heaped").select("person", "project", "hours", week=pl.col("from").dt.truncate("1w"))
    in_weeks = (
        pl.concat([contours.drop("said"), heaps])
        .group_by("person", "week", maintain_order=True)
        .agg(pl.col("hours").sum())
    )
    days = _days(persons, view, monday, last).pipe(_with_hours, placed.filter(~pl.col("heaped")))
    found = _weeks(days, in_weeks)
    uncovered = pl.concat([placed.filter(pl.col("days").is_null()), found.filter(BLANK)], how="diagonal")["person"]
    return Load(found, _spans(placed, contours), _unknown(work, told, uncovered, view))


# --- where the hours of an assignment lie -------------------------------------------------------------------------


def _placed(work: pl.DataFrame, view: View, monday: date) -> pl.DataFrame:
    """Return the remaining work that no contour spreads: over the person's working days from today to its finish.

    `heaped`: all of it lies in the week of `from`: it is late, or the person works on none of its days. `days`: null
    where the person's calendar does not cover them.
    """
    today = pl.lit(view.snapshot.today)
    spread = work.filter(
        pl.col("weekly").is_null() & (pl.col("remaining_work") > 0) & pl.col("finish").is_not_null()
    ).select("person", "project", "@calendar", "start", "finish", hours=pl.col("remaining_work").cast(pl.Float64))
    late = pl.col("finish") < today
    first = pl.min_horizontal(pl.max_horizontal("start", today), "finish")
    rows = spread.with_columns(pl.when(late).then(pl.lit(monday)).otherwise(first).alias("from"), late=late)
    rows = rows.with_columns(eve=pl.col("from") - DAY)
    rows = with_days_off(with_days_off(rows, "finish", "off", view), "eve", "off_before", view)
    days = view.working_days(pl.col("eve"), pl.col("finish")) - pl.col("off") + pl.col("off_before")
    rows = rows.with_columns(days=pl.when("late").then(0).otherwise(days))
    return rows.with_columns(heaped=(pl.col("days") <= 0).fill_null(value=False))


def _contours(work: pl.DataFrame) -> pl.DataFrame:
    """Return the hours that assignments say week by week: `person`, `project`, `hours`, `week`, and `said`, the text.

    Hours or week are null where the text is none that names them.
    """
    said = work.filter(pl.col("weekly").is_not_null()).select("person", "project", "weekly").explode("weekly")
    parts = pl.col("weekly").str.extract_groups(CONTOUR)
    week = pl.format("{}-1", parts.struct[0]).str.to_date("%G-W%V-%u", strict=False)
    hours = parts.struct[1].cast(pl.Float64)
    return said.select("person", "project", hours=hours, week=week, said=pl.col("weekly").fill_null(""))


def _spans(placed: pl.DataFrame, contours: pl.DataFrame) -> pl.DataFrame:
    ends = pl.when("late").then(pl.col("from")).otherwise("finish")
    spread = placed.select("person", "project", "from", to=ends)
    told = contours.filter(pl.col("hours") > 0)
    return pl.concat([spread, told.select("person", "project", pl.col("week").alias("from"), to="week")])


# --- days and weeks of persons ------------------------------------------------------------------------------------


def _days(persons: pl.DataFrame, view: View, monday: date, last: date) -> pl.DataFrame:
    """Return each day of each person with the hours that the person has on it; null where the calendar ends before."""
    days = pl.select(day=pl.date_range(monday, max(last, monday), closed="both" if last > monday else "none"))
    rows = persons.join(days, how="cross").with_columns(eve=pl.col("day") - DAY)
    rows = with_days_off(with_days_off(rows, "day", "off", view), "eve", "off_before", view)
    works = view.working_days(pl.col("eve"), pl.col("day")) - pl.col("off") + pl.col("off_before")
    minutes = {name: one.minutes_per_day for name, one in view.snapshot.calendars.items()}
    per_day = pl.col("@calendar").replace_strict(minutes, default=None, return_dtype=pl.Float64)
    hours = works * per_day / PER_HOUR * pl.col("max_units").cast(pl.Float64) / 100
    return rows.select("person", "day", works=works, available=hours).sort("day", "person")


def _with_hours(days: pl.DataFrame, spread: pl.DataFrame) -> pl.DataFrame:
    """Add the hours of each day: what all assignments that lie over it put on a working day."""
    rate = pl.col("hours") / pl.col("days")
    begins = spread.select("person", day="from", rate=rate)
    ends = spread.select("person", day=pl.col("finish") + DAY, rate=-rate)
    changes = pl.concat([begins, ends]).group_by("person", "day", maintain_order=True).agg(pl.col("rate").sum())
    changes = changes.sort("person", "day").with_columns(pl.col("rate").cum_sum().over("person")).sort("day")
    found = days.join_asof(changes, on="day", by="person", check_sortedness=False)
    return found.with_columns(hours=pl.col("rate").fill_null(0.0) * pl.col("works"))


def _weeks(days: pl.DataFrame, in_weeks: pl.DataFrame) -> pl.DataFrame:
    """Return the weeks of persons with the hours they have to work and those they have."""
    covered = pl.col("works").is_not_null().all()
    sums = (
        days.with_columns(week=pl.col("day").dt.truncate("1w"))
        .group_by("person", "week", maintain_order=True)
        .agg(pl.col("hours").sum(), available=pl.when(covered).then(pl.col("available").sum()))
    )
    found = sums.join(in_weeks, on=["person", "week"], how="left", maintain_order="left", suffix="_more")
    hours = (pl.col("hours") + pl.col("hours_more").fill_null(0.0)).round(DECIMALS)
    found = found.with_columns(hours=hours, available=pl.col("available").round(DECIMALS)).drop("hours_more")
    load = Columns.ratio(pl.col("hours") * 100, pl.col("available")).round(DECIMALS)
    return found.with_columns(load=load).sort("person", "week")


# --- what is not known --------------------------------------------------------------------------------------------


def _unknown(work: pl.DataFrame, told: pl.DataFrame, uncovered: pl.Series, view: View) -> pl.DataFrame:
    """Return the persons of whom nothing can be said, and why; `uncovered`: whose calendar ends before their work."""
    unread = told.filter(pl.col("hours").is_null() | pl.col("week").is_null())
    strange = unread.group_by("person", maintain_order=True).agg(pl.col("said").first())
    silent = pl.col("weekly").is_null() & pl.col("remaining_work").is_null()
    endless = pl.col("weekly").is_null() & (pl.col("remaining_work") > 0) & pl.col("finish").is_null()
    counted = work.group_by("person", "@calendar").agg(
        silent=silent.sum(), endless=endless.fill_null(value=False).sum(), rows=pl.len()
    )
    counted = counted.join(strange, on="person", how="left", maintain_order="left")
    reason = pl.coalesce(
        pl.format("invalid assignment.weekly: {}", "said"),
        missing_on("assignment.remaining_work", pl.col("silent"), pl.col("rows")),
        missing_on("assignment.finish", pl.col("endless"), pl.col("rows")),
        pl.when(pl.col("person").is_in(uncovered.unique().implode())).then(_outside(view)),
    )
    return counted.select("person", unknown=reason).drop_nulls("unknown")


def _outside(view: View) -> pl.Expr:
    """Return why days cannot be counted in a calendar: it does not cover them."""
    ends = {name: f"{name} ends {one.last}" for name, one in view.snapshot.calendars.items() if one.last}
    said = pl.col("@calendar").replace_strict(ends, default=pl.col("@calendar"), return_dtype=pl.String)
    return pl.format("invalid calendar.id: {}", said)
