"""What a milestone's forecast was at the end of each period, since its last new baseline."""

from typing import Literal

import polars as pl

from pmo_watch.api import Samples, View

Every = Literal["day", "week", "month", "quarter"]
LOOKED_AT = 13  # samples: a quarter of weekly ones, more than any streak that needs telling
PERIOD = {  # how far apart periods are, and how one is written
    "day": ("1d", "%Y-%m-%d"),
    "week": ("1w", "%G-W%V"),
    "month": ("1mo", "%Y-%m"),
    "quarter": ("1q", "%Y-Q%q"),
}


def forecasts_wanted(every: Every, *numbers: int) -> Samples:
    """Return the wish for a forecast at the end of each period; the largest number of periods counts."""
    return Samples("task", every, max(LOOKED_AT, *numbers), ("forecast_finish",), "baseline_finish")


def forecasts(wish: Samples, view: View) -> pl.DataFrame:
    """Return each milestone's forecasts, oldest first.

    Columns: `uid`, `@calendar`, `ends` (last day of the period), `forecast_finish`, `place` (0 is the oldest) and
    `previous` (the forecast before; null for the oldest).
    """
    return view.once(("milestones: forecasts", wish), lambda: _forecasts(wish, view))


def _forecasts(wish: Samples, view: View) -> pl.DataFrame:
    found = view.snapshot.past.get(wish)
    if found is None:
        found = pl.DataFrame(schema={"uid": pl.String, "ends": pl.Date, "forecast_finish": pl.Date})
    return (
        view.rows.select("uid", "@calendar")
        .join(found.select("uid", "ends", "forecast_finish").drop_nulls(), on="uid", maintain_order="left_right")
        .with_columns(place=pl.int_range(pl.len()).over("uid"), previous=pl.col("forecast_finish").shift(1).over("uid"))
    )


def sampled(wish: Samples, view: View) -> pl.DataFrame:
    """Return `uid`, `done`, `samples` (how many forecasts are known) and `missing` (periods without one, as text)."""
    known = forecasts(wish, view)
    counted = known.group_by("uid").agg(samples=pl.len().cast(pl.Int64))
    return (
        view.rows.select("uid", "done")
        .join(counted, on="uid", how="left", maintain_order="left")
        .join(_gaps(wish.every, known), on="uid", how="left", maintain_order="left")
        .with_columns(pl.col("samples").fill_null(0))
    )


def too_few(at_least: int) -> pl.Expr:
    """Return why a milestone with fewer samples cannot be judged."""
    few = pl.format(f"needs {at_least} samples, has {{}}", "samples")
    return pl.when(pl.col("samples") < at_least).then(few)


MISSING_PERIODS = pl.when(pl.col("missing") != "").then(pl.format("missing periods: {}", "missing"))


def _gaps(every: Every, samples: pl.DataFrame) -> pl.DataFrame:
    """Return the periods between the first and the last sample that gave none, as text."""
    step, form = PERIOD[every]
    first_day = pl.col("ends").dt.truncate(step)
    spans = samples.group_by("uid").agg(first_day.alias("there"), since=first_day.min(), until=first_day.max())
    each = pl.date_ranges("since", "until", interval=step)
    names = pl.element().dt.strftime(form)
    return spans.select("uid", missing=each.list.set_difference("there").list.sort().list.eval(names).list.join(", "))
