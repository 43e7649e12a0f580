"""Earned schedule: how far the earned value of a project reaches along its own plan, in weeks or months.

Pure columns over the figures of `earning.py`. Source: W. Lipke and K. Henderson, "Earned Schedule" (2006).
"""

import polars as pl

from pmo_watch.contracts import View
from pmo_watch.earning import ROUNDED, Basis, valued

WEEKS_BELOW = 130  # working days of the baseline: shorter projects count weeks, longer ones months


def schedule_position(view: View, figures: pl.DataFrame, basis: Basis, period: str) -> pl.DataFrame:
    """Return, for each project, how far its earned value reaches along its own plan, in periods.

    `figures`: of `earning.earned`. `period`: auto, week or month. Columns: `uid`, `es` (earned schedule), `at` (actual
    time), `pd` (planned duration), `tf` (time of the forecast finish), `every` (week or month).
    """
    spans = _spans(view, figures, period)
    ends = _period_ends(view, spans)
    curve = _curve(view, ends, figures, basis)
    reached = _reached(curve, figures)
    times = spans.select("uid", "every").join(_times(view, ends), on="uid", how="left")
    found = times.join(reached, on="uid", how="left")
    bac, ev = pl.col("bac"), pl.col("ev")
    es = pl.when(ev == 0).then(0.0).when(ev >= bac).then("pd").otherwise("reached")
    return found.join(figures.select("uid", "bac", "ev"), on="uid").select("uid", "at", "pd", "tf", "every", es=es)


def _spans(view: View, figures: pl.DataFrame, period: str) -> pl.DataFrame:
    """Return each project's baseline, the day it is looked at, its forecast and its period."""
    rows = view.rows.select("uid", "actual_finish", "forecast_finish", "@as_of", "@calendar").join(
        figures.select("uid", "basis", begins="starts", ends="ends"), on="uid", maintain_order="left"
    )
    rows = rows.with_columns(day=pl.min_horizontal("@as_of", "actual_finish")).filter(
        pl.col("begins").is_not_null() & (pl.col("ends") >= pl.col("begins"))
    )
    chosen = (
        pl.when(view.working_days(pl.col("begins"), pl.col("ends")) < WEEKS_BELOW)
        .then(pl.lit("week"))
        .otherwise(pl.lit("month"))
    )
    return rows.with_columns(every=chosen if period == "auto" else pl.lit(period)).select(
        "uid", "basis", "begins", "ends", "day", "forecast_finish", "every", "@calendar"
    )


def _period_ends(view: View, spans: pl.DataFrame) -> pl.DataFrame:
    """Return one row per project and period: `first`, `last`, and its working days, `whole`."""
    until = pl.max_horizontal("ends", "day", "forecast_finish")
    weekly = spans.filter(pl.col("every") == "week").with_columns(
        first=pl.date_ranges(pl.col("begins").dt.truncate("1w"), until, "1w")
    )
    monthly = spans.filter(pl.col("every") == "month").with_columns(
        first=pl.date_ranges(pl.col("begins").dt.truncate("1mo"), until, "1mo")
    )
    rows = pl.concat([weekly, monthly]).explode("first")
    last = (
        pl.when(pl.col("every") == "week")
        .then(pl.col("first") + pl.duration(days=6))
        .otherwise(pl.col("first").dt.month_end())
    )
    return rows.with_columns(last=last).with_columns(whole=_days(view, pl.col("first"), pl.col("last")))


def _days(view: View, first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Count the working days from `first` to `last`, both included; 0 when `last` is before `first`."""
    return view.working_days(first - pl.duration(days=1), last).clip(lower_bound=0)


def _share(view: View, until: pl.Expr) -> pl.Expr:
    """Return which share of a period lies between the project's start and a day."""
    begins = pl.max_horizontal("first", "begins")
    worked = _days(view, begins, pl.min_horizontal(pl.col("last"), until))
    return pl.when(pl.col("whole") > 0).then(worked / pl.col("whole")).otherwise(0.0)


def _times(view: View, ends: pl.DataFrame) -> pl.DataFrame:
    """Return actual time, planned duration and time of the forecast finish, in periods."""
    # The shares come before the groups: within groups of a frame without rows Polars loses the type of a lookup.
    forecast = pl.when(pl.col("forecast_finish").is_not_null()).then(_share(view, pl.col("forecast_finish")))
    rows = ends.select("uid", at=_share(view, pl.col("day")), pd=_share(view, pl.col("ends")), tf=forecast)
    sums = rows.group_by("uid", maintain_order=True).agg(
        pl.col("at", "pd", "tf").sum(), known=pl.col("tf").is_not_null().any()
    )
    return sums.select("uid", "at", "pd", tf=pl.when("known").then("tf"))


def _curve(view: View, ends: pl.DataFrame, figures: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Return planned value at each period end up to the baseline finish, with the time there; the start first."""
    inside = ends.filter(pl.col("first") <= pl.col("ends")).with_columns(
        at_end=pl.min_horizontal("last", "ends"), share=_share(view, pl.col("ends"))
    )
    inside = inside.sort("uid", "first").with_columns(time=pl.col("share").cum_sum().over("uid"))
    rows = valued(view, basis, "auto").filter("weighs", pl.col("baseline_finish").is_not_null())
    planned = _planned_sums(view, rows, inside)
    along = inside.sort("at_end").join_asof(
        planned, left_on="at_end", right_on="day", by_left="uid", by_right="project", check_sortedness=False
    )
    worked = view.working_days(pl.col("begins"), pl.col("at_end"))
    level = (pl.col("level") + pl.col("slope") * worked).round(ROUNDED).fill_null(0.0)
    # At the baseline finish all of it is planned, whatever rows reach beyond it or bookings fall short of it.
    whole = along.join(figures.select("uid", "bac"), on="uid", how="left")
    pv = pl.when(pl.col("at_end") == pl.col("ends")).then("bac").otherwise(level)
    curve = whole.select("uid", "time", pv=pv)
    zero = inside.select("uid").unique().with_columns(time=pl.lit(0.0), pv=pl.lit(0.0))
    return pl.concat([zero, curve]).sort("uid", "time", maintain_order=True)


def _planned_sums(view: View, rows: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return, for each project and day, `level` and `slope` of planned value: level + slope * working days so far.

    A row adds its value in a straight line from start to finish, a planned cost all of it on its day. Adding up where
    lines begin and end costs one pass; asking each row at each period end took seconds for a hundred thousand rows.
    """
    clocks = spans.select("begins", "@calendar", project="uid").unique()
    start, finish = pl.col("baseline_start"), pl.col("baseline_finish")
    eve = start - pl.duration(days=1)
    rows = rows.join(clocks, on="project").with_columns(
        whole=view.working_days(eve, finish), before=view.working_days(pl.col("begins"), eve)
    )
    grows = ~pl.col("is_milestone") & (start <= finish) & (pl.col("whole") > 0)
    slope = pl.when(grows.fill_null(value=False)).then(pl.col("value") / pl.col("whole")).otherwise(0.0)
    rows = rows.with_columns(slope=slope, level=-(slope * pl.col("before").fill_null(0)))
    begun = rows.filter(pl.col("slope") != 0).select("project", "level", "slope", day=start)
    done = rows.select("project", level=pl.col("value") - pl.col("level"), slope=-pl.col("slope"), day=finish)
    events = pl.concat([begun, done, _booked_plan(view, spans)]).sort("project", "day", maintain_order=True)
    sums = events.with_columns(pl.col("level", "slope").cum_sum().over("project"))
    return sums.unique(["project", "day"], keep="last", maintain_order=True).sort("day", maintain_order=True)


def _booked_plan(view: View, spans: pl.DataFrame) -> pl.DataFrame:
    """Return the planned costs of projects whose rows have no baseline value."""
    own = spans.filter(pl.col("basis") == "project").select(project="uid").unique()
    planned = view.snapshot.frame("cost_entry").filter(pl.col("type") == "planned").join(own, on="project")
    amount = pl.col("amount").cast(pl.Float64)
    return planned.select("project", level=amount, slope=pl.lit(0.0), day=pl.col("booked_on")).drop_nulls()


def _reached(curve: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """Return where on its curve each project's earned value lies, between two period ends in a straight line."""
    steps = curve.with_columns(
        next_pv=pl.col("pv").shift(-1).over("uid"), next_time=pl.col("time").shift(-1).over("uid")
    ).join(figures.select("uid", "ev"), on="uid")
    last = steps.filter(pl.col("pv") <= pl.col("ev")).group_by("uid", maintain_order=True).last()
    rise = pl.col("next_pv") - pl.col("pv")
    part = pl.when(rise > 0).then((pl.col("ev") - pl.col("pv")) / rise).otherwise(0.0)
    along = pl.col("time") + part * (pl.col("next_time") - pl.col("time"))
    return last.select("uid", reached=pl.coalesce(along, "time"))
