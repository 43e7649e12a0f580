"""Dates of Dataverse: instants that mean a local day, days, wall clocks; what stands where there is none (spec 3.5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import polars as pl

from .metadata import DAY, LOCAL, LOCAL_DAY, WALL
from .plain import texts

WRITTEN = "%Y-%m-%dT%H:%M:%S%.fZ"
DAY_WRITTEN = "%Y-%m-%d"
# The plan's own calendar is not read: its usual bounds hold (spec model 1.7).
DAY_START, DAY_END = time(8), time(17)
GUARD_DAYS = 366
SATURDAY, SUNDAY = 6, 7
ALWAYS_INSTANTS = frozenset({"createdon", "modifiedon"})
WALL_PREFIX = "msdyn_tza"  # wall clock of the project's calendar


@dataclass(frozen=True, slots=True)
class Snap:
    """How a day is taken from an instant of a plan: a `finish` before work begins is the working day before."""

    is_finish: bool


def kind_of_date(column: str, known: Mapping[str, str]) -> str:
    """Return how a column's values are meant; without metadata as the documentation says."""
    if column in known:
        return known[column]
    return LOCAL if column in ALWAYS_INSTANTS else WALL if column.startswith(WALL_PREFIX) else LOCAL_DAY


def instants(raw: Sequence[object]) -> pl.Series:
    """Read moments; null where a text is none."""
    return texts(raw).str.strptime(pl.Datetime("us"), WRITTEN, strict=False).dt.replace_time_zone("UTC")


class Days:
    """Turns the values of date columns into civil days of a zone; days in `placeholders` are kept as they are."""

    def __init__(self, zone: tzinfo, placeholders: Iterable[date]) -> None:
        self._zone = zone.key if isinstance(zone, ZoneInfo) else str(zone)
        self._placeholders = pl.Series("", sorted(set(placeholders)), dtype=pl.Date)

    def read(
        self, raw: Sequence[object], kind: str, snap: Snap | None = None, movable: pl.Series | None = None
    ) -> pl.Series:
        """Return the days; `movable` says of which rows a time at the edge of a working day may move the day."""
        found = texts(raw)
        if kind == DAY:
            return found.str.head(10).str.strptime(pl.Date, DAY_WRITTEN, strict=False)
        moments = found.str.strptime(pl.Datetime("us"), WRITTEN, strict=False)
        if kind == WALL:
            return self._day(moments, moments, snap, movable, midnight_counts=True)
        local = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(self._zone).dt.replace_time_zone(None)
        return self._day(moments, local, snap, movable, midnight_counts=kind != LOCAL_DAY)

    def _day(  # two clocks of one moment
        self,
        moments: pl.Series,
        local: pl.Series,
        snap: Snap | None,
        movable: pl.Series | None,
        *,
        midnight_counts: bool,
    ) -> pl.Series:
        frame = pl.DataFrame({"utc": moments, "local": local})
        day = pl.col("local").dt.date()
        if snap is not None:
            frame = frame.with_columns(movable=movable if movable is not None else pl.lit(value=True))
            day = pl.when("movable").then(_snapped(snap, midnight_counts=midnight_counts)).otherwise(day)
        placeholder = (
            pl.when((pl.col("utc").dt.time() == time()) & pl.col("utc").dt.date().is_in(self._placeholders.implode()))
            .then(pl.col("utc").dt.date())
            .when(pl.col("local").dt.date().is_in(self._placeholders.implode()))
            .then(pl.col("local").dt.date())
        )
        return frame.select(pl.coalesce(placeholder, day)).to_series()


def _snapped(snap: Snap, *, midnight_counts: bool) -> pl.Expr:
    """Return the working day that a moment at the edge of one belongs to."""
    day, clock = pl.col("local").dt.date(), pl.col("local").dt.time()
    if not snap.is_finish:
        return pl.when(clock >= DAY_END).then(_next_workday(day)).otherwise(day)
    early = (clock <= DAY_START) if midnight_counts else (clock <= DAY_START) & (clock != time())
    return pl.when(early).then(_workday_before(day)).otherwise(day)


def _workday_before(day: pl.Expr) -> pl.Expr:
    weekday = day.dt.weekday()
    back = pl.when(weekday == 1).then(3).when(weekday == SUNDAY).then(2).otherwise(1)
    return day - pl.duration(days=back)


def _next_workday(day: pl.Expr) -> pl.Expr:
    weekday = day.dt.weekday()
    on = pl.when(weekday == SATURDAY - 1).then(3).when(weekday == SATURDAY).then(2).otherwise(1)
    return day + pl.duration(days=on)


def empty_days(frames: Iterable[pl.DataFrame], placeholders: Iterable[date]) -> list[date]:
    """Return the placeholders that stand for no date here: those without another date within a year (model 1.7)."""
    dates = {
        day
        for frame in frames
        for name, dtype in frame.schema.items()
        if dtype == pl.Date
        for day in frame[name].drop_nulls().unique().to_list()
    }
    listed = set(placeholders)
    others = sorted(dates - listed)
    near = timedelta(days=GUARD_DAYS)
    return sorted(one for one in dates & listed if not any(abs(other - one) <= near for other in others))


def without_days(frame: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Return the frame with these days as null wherever they stand."""
    columns = [name for name, dtype in frame.schema.items() if dtype == pl.Date]
    if not days or not columns:
        return frame
    listed = pl.Series("", days, dtype=pl.Date).implode()
    return frame.with_columns(pl.when(~pl.col(name).is_in(listed)).then(name).alias(name) for name in columns)
