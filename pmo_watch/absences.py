"""When persons are away: the days of their absences, both ends included, as stretches that do not overlap."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import polars as pl

from pmo_watch.flow import Snapshot
from pmo_watch.workdays import LAST

Stretch = tuple[date, date]  # first and last day
DAY = timedelta(days=1)


def absences(snapshot: Snapshot) -> Mapping[str, tuple[Stretch, ...]]:
    """Return, by the uid of a person, when they are away: what is not over yet, in any zone, in order."""
    given = snapshot.frame("absence").filter(
        pl.col("vanished_on").is_null()
        & pl.col("person").is_not_null()
        & (pl.col("from") <= pl.col("to"))
        & (pl.col("to") >= pl.lit(snapshot.today - DAY))
    )
    days = given.select("person", "from", to=pl.min_horizontal("to", pl.lit(LAST))).sort("person", "from", "to")
    found: dict[str, list[Stretch]] = {}
    for person, first, last in days.iter_rows():
        found.setdefault(person, []).append((first, last))
    return {person: tuple(_joined(some)) for person, some in found.items()}


def _joined(some: Iterable[Stretch]) -> list[Stretch]:
    """Make one stretch of those that overlap or follow each other; they come in order."""
    made: list[Stretch] = []
    for first, last in some:
        if made and first <= made[-1][1] + DAY:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return made


def last_day(away: Iterable[Stretch], day: date) -> date | None:
    """Return the last day of the stretch that holds the day; None when the person is there."""
    return next((last for first, last in away if first <= day <= last), None)
