"""Tasks, links and assignments, with what other tables say of them: baselines, owners, sprints (model 2.4 to 2.7)."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

import polars as pl

from pmo_watch.api import DTYPES, Kind

from .image import FRESH, keys, remembered
from .values import MINUTES_PER_DAY

BASELINE_FIELDS = ("baseline_start", "baseline_finish", "baseline_duration", "baseline_work")
JSON_MOMENT = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
LONGEST_STRETCH_DAYS = 366


@dataclass(frozen=True, slots=True, eq=False)
class Baselines:
    """Baselines as read: `rows` with `@task`, `@start`, `@finish`, `@days`, `@effort`, `@project`; `set_on` by project.

    `projects` are those whose baseline is known now, with or without one; None means every project.
    """

    rows: pl.DataFrame
    set_on: Mapping[str, date] = field(default_factory=dict)
    projects: frozenset[str] | None = frozenset()

    def knows(self, project: pl.Expr) -> pl.Expr:
        """Return whether a project's baseline was read."""
        return pl.lit(value=True) if self.projects is None else project.is_in(list(self.projects))


def no_baselines() -> Baselines:
    """Return that no baseline was asked for."""
    schema = {"@task": pl.String(), "@project": pl.String(), "@start": pl.Date(), "@finish": pl.Date()}
    return Baselines(pl.DataFrame(schema={**schema, "@days": DTYPES[Kind.NUMBER], "@effort": DTYPES[Kind.NUMBER]}))


def day_lengths(projects: pl.DataFrame) -> pl.DataFrame:
    """Return the working minutes per day of each project."""
    return projects.select(project="key", **{"@minutes": pl.col("minutes_per_day").fill_null(MINUTES_PER_DAY)})


# --- tasks --------------------------------------------------------------------------------------------------------


def with_progress(tasks: pl.DataFrame) -> pl.DataFrame:
    """Derive what the product does not say itself from progress: begun, done, and when (spec sources 3.6)."""
    progress, fresh = pl.col("progress"), pl.col(FRESH)
    begun = pl.coalesce("actual_start", pl.when(progress > 0).then("forecast_start"))
    ended = pl.coalesce("actual_finish", pl.when(progress == 100).then("forecast_finish"))
    return tasks.with_columns(
        pl.when(fresh).then(begun).otherwise("actual_start").alias("actual_start"),
        pl.when(fresh).then(ended).otherwise("actual_finish").alias("actual_finish"),
        pl.when(fresh).then(pl.coalesce("done", progress == 100)).otherwise("done").alias("done"),
        pl.when(fresh).then(pl.coalesce("id", "key")).otherwise("id").alias("id"),
    )


def with_durations(tasks: pl.DataFrame, projects: pl.DataFrame) -> pl.DataFrame:
    """Count durations in days of the project's own length."""
    minutes = pl.col("@minutes").fill_null(MINUTES_PER_DAY)
    scaled = (pl.col("duration") * minutes / MINUTES_PER_DAY).round().cast(pl.Int64)
    own = pl.when(pl.col(FRESH) & (minutes != MINUTES_PER_DAY)).then(scaled).otherwise("duration")
    return tasks.join(day_lengths(projects), on="project", how="left", maintain_order="left").with_columns(
        own.alias("duration")
    )


def with_baselines(tasks: pl.DataFrame, stored: pl.DataFrame | None, found: Baselines) -> pl.DataFrame:
    """Give each task its baseline: as read now, else as it is stored; `@minutes` is the length of its day."""
    tasks = remembered(tasks, stored, BASELINE_FIELDS)
    rows = found.rows.unique("@task", keep="last", maintain_order=True).drop("@project")
    days = pl.col("@days") * pl.col("@minutes").fill_null(MINUTES_PER_DAY)
    now = {
        "baseline_start": pl.col("@start"),
        "baseline_finish": pl.col("@finish"),
        "baseline_duration": days.round(0).cast(pl.Int64),
        "baseline_work": pl.col("@effort").cast(DTYPES[Kind.HOURS]),
    }
    known = found.knows(pl.col("project"))
    joined = tasks.join(rows, left_on="key", right_on="@task", how="left", maintain_order="left")
    return joined.with_columns(pl.when(known).then(one).otherwise(name).alias(name) for name, one in now.items()).drop(
        "@start", "@finish", "@days", "@effort", "@minutes"
    )


def with_owners(tasks: pl.DataFrame, assignments: pl.DataFrame) -> pl.DataFrame:
    """Name as owner the only person assigned; a task with several has none."""
    named = (
        assignments.filter(pl.col("person").is_not_null())
        .group_by("task")
        .agg(pl.col("person").n_unique().alias("@persons"), pl.col("person").first().alias("@owner"))
    )
    sole = named.filter(pl.col("@persons") == 1).select(key="task", **{"@owner": "@owner"})
    return (
        tasks.join(sole, on="key", how="left", maintain_order="left")
        .with_columns(owner=pl.col("@owner"))
        .drop("@owner")
    )


def with_sprints(tasks: pl.DataFrame, sprints: pl.DataFrame) -> pl.DataFrame:
    """Name sprint and board of what was read; a board is a project that has sprints."""
    if "@sprint" not in tasks.columns:
        return tasks
    sprint, fresh = pl.col("@sprint"), pl.col(FRESH)
    boards = sprints["board"].implode()
    one = pl.when(sprint.is_in(keys(sprints))).then(pl.concat_list("@sprint"))
    board = pl.when(pl.col("project").is_in(boards)).then("project")
    return tasks.with_columns(pl.when(fresh).then(one).otherwise("sprint").alias("sprint"), board.alias("board")).drop(
        "@sprint"
    )


def with_buckets(tasks: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """Label what was read with the name of its bucket."""
    if "@bucket" not in tasks.columns:
        return tasks
    name = pl.col("@bucket").replace_strict(names, default=None, return_dtype=pl.String)
    labels = pl.when(name.is_not_null()).then(pl.concat_list(name))
    return tasks.with_columns(pl.when(pl.col(FRESH)).then(labels).otherwise("labels").alias("labels")).drop("@bucket")


def with_addresses(tasks: pl.DataFrame, url: str, table: str) -> pl.DataFrame:
    """Name the page of each row that was read."""
    page = pl.format(f"{url}/main.aspx?pagetype=entityrecord&etn={table}&id={{}}", pl.col("key"))
    return tasks.with_columns(pl.when(pl.col(FRESH)).then(page).otherwise("url").alias("url"))


# --- links and assignments ----------------------------------------------------------------------------------------


def with_ends(links: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    """Say which links lead out of their plan, and of which project the waiting row is."""
    where = tasks.select("key", "project")
    ends = links.join(
        where.rename({"key": "predecessor", "project": "@from"}), on="predecessor", how="left", maintain_order="left"
    ).join(where.rename({"key": "successor", "project": "@to"}), on="successor", how="left", maintain_order="left")
    both = pl.col("@from").is_not_null() & pl.col("@to").is_not_null()
    return ends.with_columns(
        id=pl.coalesce("id", "key"),
        project=pl.coalesce("@to", "project"),
        external=pl.when(both).then(pl.col("@from") != pl.col("@to")),
    ).drop("@from", "@to")


def with_weeks(assignments: pl.DataFrame, zone: tzinfo) -> pl.DataFrame:
    """Spread the hours of what was read over weeks, as its contour says."""
    if "@contour" not in assignments.columns:
        return assignments
    texts = assignments["@contour"].to_list()
    weekly = pl.Series("weekly", [weeks_of(one, zone) if one else None for one in texts], dtype=pl.List(pl.String()))
    return assignments.with_columns(pl.when(pl.col(FRESH)).then(weekly).otherwise("weekly").alias("weekly")).drop(
        "@contour"
    )


def weeks_of(contour: str, zone: tzinfo) -> list[str] | None:
    """Return the hours of each ISO week, as `2026-W41=12.5`; None where the text is no contour or holds no hours.

    Hours of a stretch over several days are spread evenly over its weekdays.
    """
    try:
        parts = json.loads(contour, parse_float=Decimal)
        stretches = [(_day(one["Start"], zone), _day(one["End"], zone), Decimal(one["Hours"])) for one in parts]
    except (ValueError, KeyError, TypeError, ArithmeticError, OverflowError):
        return None
    weeks: dict[str, Decimal] = defaultdict(Decimal)
    for start, end, hours in stretches:
        days = _weekdays(start, end)
        for day in days:
            year, week, _ = day.isocalendar()
            weeks[f"{year}-W{week:02}"] += hours / len(days)
    return [f"{week}={_written(hours)}" for week, hours in sorted(weeks.items()) if hours] or None


def _day(text: str, zone: tzinfo) -> date:
    """Return the day of `/Date(1767600000000)/`, milliseconds since 1970, or of a moment in ISO form."""
    if found := JSON_MOMENT.search(text.replace("\\", "")):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1]))).astimezone(zone).date()
    return datetime.fromisoformat(text).astimezone(zone).date()


def _weekdays(start: date, end: date) -> Sequence[date]:
    span = range(min((end - start).days, LONGEST_STRETCH_DAYS) + 1)
    days = [start + timedelta(days=number) for number in span]
    return [day for day in days if day.isoweekday() < 6] or days or [start]


def _written(hours: Decimal) -> str:
    return f"{round(hours, 4).normalize():f}"
