"""When persons are away: their absences as stretches that do not overlap, counted in working days."""

import polars as pl

from pmo_watch.api import View

DAY = pl.duration(days=1)
STRETCH = ("away_from", "away_to", "away_before")


def with_days_off(rows: pl.DataFrame, day: str, name: str, view: View) -> pl.DataFrame:
    """Add as `name` on how many of their working days persons were away up to a day, that day included.

    `rows` has `person`, `@calendar` (in which days are counted) and the day, which is never null. Only the difference
    of two days means something.
    """
    stretches = _stretches(rows, view)
    found = rows.sort(day, maintain_order=True).join_asof(
        stretches, left_on=day, right_on="away_from", by=["person", "@calendar"], check_sortedness=False
    )
    here = view.working_days(pl.col("away_from") - DAY, pl.min_horizontal(day, "away_to"))
    off = pl.col("away_before").fill_null(0) + here.fill_null(0)
    return found.with_columns(off.alias(name)).drop(STRETCH)


def _stretches(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return `person`, `@calendar`, `away_from`, `away_to`, `away_before`: working days away in earlier stretches."""
    persons = rows.select("person", "@calendar").unique(maintain_order=True)
    joined = view.once("resources: absences", lambda: _joined(view)).join(persons, on="person")
    counted = joined.with_columns(days=view.working_days(pl.col("away_from") - DAY, pl.col("away_to")).fill_null(0))
    whose = ["person", "@calendar"]
    counted = counted.sort("away_from", maintain_order=True)
    return counted.with_columns(away_before=(pl.col("days").cum_sum() - pl.col("days")).over(whose)).drop("days")


def _joined(view: View) -> pl.DataFrame:
    """Return the absences of each person with those that overlap or follow each other made one."""
    given = view.snapshot.frame("absence").filter(
        pl.col("vanished_on").is_null() & (pl.col("from") <= pl.col("to")) & pl.col("person").is_not_null()
    )
    rows = given.select("person", "from", "to").sort("person", "from", "to")
    earlier = pl.col("to").cum_max().shift(1).over("person")
    begins = (pl.col("from") > earlier + DAY).fill_null(value=True)
    numbered = rows.with_columns(stretch=begins.cast(pl.Int64).cum_sum().over("person"))
    found = numbered.group_by("person", "stretch", maintain_order=True)
    return found.agg(away_from=pl.col("from").min(), away_to=pl.col("to").max()).drop("stretch")
