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
    """Return each milestone's forecasts, oldest first, milestone after milestone.

    Columns: `of` (number of the milestone among the rows in view), `@calendar`, `ends` (last day of the period),
    `forecast_finish`, `previous` (the forecast before; null for the oldest) and `back` (0 is the newest).
    """
    return view.once(("milestones: forecasts", wish), lambda: _forecasts(wish, view))


def _forecasts(wish: Samples, view: View) -> pl.DataFrame:
    found = view.snapshot.past.get(wish)
    if found is None:
        found = pl.DataFrame(schema={"uid": pl.String, "ends": pl.Date, "forecast_finish": pl.Date})
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    mine = view.rows.select("uid", "@calendar", of=number)
    samples = found.select("uid", "ends", "forecast_finish").drop_nulls().join(mine, on="uid").drop("uid")
    first = pl.col("of").ne_missing(pl.col("of").shift(1))
    newest = pl.when(pl.col("of").ne_missing(pl.col("of").shift(-1))).then(number).backward_fill()
    return samples.sort("of", "ends").with_columns(
        previous=pl.when(~first).then(pl.col("forecast_finish").shift(1)), back=newest - number
    )


def sampled(wish: Samples, view: View) -> pl.DataFrame:
    """Return `of`, `uid`, `done`, `samples` (how many forecasts are known) and `missing` (periods without one)."""
    known = forecasts(wish, view)
    counted = known.group_by("of").agg(samples=pl.len().cast(pl.Int64))
    return (
        view.rows.select("uid", "done", of=pl.int_range(pl.len(), dtype=pl.Int64))
        .join(counted, on="of", how="left", maintain_order="left")
        .join(_gaps(wish.every, known), on="of", how="left", maintain_order="left")
        .with_columns(pl.col("samples").fill_null(0))
    )


def too_few(at_least: int) -> pl.Expr:
    """Return why a milestone with fewer samples cannot be judged."""
    few = pl.format(f"needs {at_least} samples, has {{}}", "samples")
    return pl.when(pl.col("samples") < at_least).then(few)


MISSING_PERIODS = pl.when(pl.col("missing") != "").then(pl.format("missing periods: {}", "missing"))


def _gaps(every: Every, samples: pl.DataFrame) -> pl.DataFrame:
    """Return the periods between the first and the last sample that gave none, as text; of most there is none."""
    step, form = PERIOD[every]
    first_day = pl.col("ends").dt.truncate(step)
    told = samples.select("of", first_day=first_day)
    # A period follows the one before it: what does not has a gap, and only those are listed.
    torn = told.filter((pl.col("of") == pl.col("of").shift(1)) & (pl.col("first_day") != _next("first_day", step)))
    spans = (
        told.join(torn.select("of").unique(), on="of", how="semi")
        .group_by("of")
        .agg(there="first_day", since=pl.col("first_day").min(), until=pl.col("first_day").max())
    )
    each = pl.date_ranges("since", "until", interval=step)
    names = pl.element().dt.strftime(form)
    return spans.select("of", missing=each.list.set_difference("there").list.sort().list.eval(names).list.join(", "))


def _next(first_day: str, step: str) -> pl.Expr:
    return pl.col(first_day).shift(1).dt.offset_by(step)
