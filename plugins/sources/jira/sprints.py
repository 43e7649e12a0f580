"""What was in a sprint: committed, added, removed, done, rebuilt from changes (spec sources 2.8).

The value of a field at a moment is its present value with every later change taken back: what stood before the first
change later than the moment, else the present value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

import polars as pl

from .changes import POINTS, SPRINT, STATUS
from .columns import UTC_MICROSECONDS, zone_name
from .report import Report

DOING, DONE = "doing", "done"
PAIR = ("task", "sprint")
EXACT = pl.Decimal(24, 6)
NO_IDS = pl.lit([], pl.List(pl.String))
Categories = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Span:
    """When a sprint began, was committed to, and ended, in microseconds since 1970; of an active one: the reading."""

    id: str
    begin: int
    commit: int
    end: int


def sprint_items(
    tasks: pl.DataFrame,
    changes: pl.DataFrame,
    spans: Iterable[Span],
    categories: Categories,
    report: Report,
    zone: tzinfo,
) -> pl.DataFrame:
    """Return the issues that were in these sprints, as rows of `sprint_item`; sub-tasks are left out.

    `tasks`: `key`, `is_subtask`, `created_at`, `sprint`, `story_points`, `status_category`, as they are now; `changes`:
    theirs. `categories`: status id -> todo, doing or done.
    """
    issues = _issues(tasks)
    moves = _moves(changes)
    pairs = _pairs(issues, moves, spans)
    stays = _stays(pairs, moves)
    points = _tracks(changes, POINTS)
    start = pl.coalesce("added", "commit")
    told = stays.join(_valued(stays, points, start, "points", "points_at_start"), on=PAIR, how="left")
    told = told.join(_valued(stays, points, pl.col("end"), "points", "points_at_close"), on=PAIR, how="left")
    return _rows(told.join(_finished(stays, changes, categories), on=PAIR, how="left").collect(), report, zone)


def _issues(tasks: pl.DataFrame) -> pl.LazyFrame:
    absent = [] if "sprint" in tasks.columns else [pl.lit(None, pl.List(pl.String)).alias("sprint")]
    own = ~pl.col("is_subtask").fill_null(value=False) & pl.col("created_at").is_not_null()
    return (
        tasks.lazy()
        .with_columns(absent)
        .filter(own)
        .select(
            pl.col("key").alias("task"),
            pl.col("created_at").alias("created"),
            pl.col("sprint").fill_null(NO_IDS).alias("now"),
            pl.col("story_points").cast(pl.String).alias("points"),
            pl.col("status_category").alias("group"),
        )
    )


def _tracks(changes: pl.DataFrame, field: str) -> pl.LazyFrame:
    """Return the changes of a field, oldest first."""
    own = changes.lazy().filter(pl.col("field") == field).sort("at", maintain_order=True)
    return own.select("task", "at", pl.col("from_value").alias("before"), pl.col("to_value").alias("after"))


def _moves(changes: pl.DataFrame) -> pl.LazyFrame:
    """Return the changes of the list of sprints, as lists of ids."""
    ids = (pl.col(one).str.split(", ").fill_null(NO_IDS) for one in ("before", "after"))
    return _tracks(changes, SPRINT).with_columns(ids)


def _pairs(issues: pl.LazyFrame, moves: pl.LazyFrame, spans: Iterable[Span]) -> pl.LazyFrame:
    """Return each issue with each of the sprints that it is or was in."""
    rows = [(one.id, one.begin, one.commit, one.end) for one in spans]
    moments = {name: pl.Int64() for name in ("begin", "commit", "end")}
    known = pl.DataFrame(rows, {"sprint": pl.String(), **moments}, orient="row").with_columns(
        pl.col(*moments).cast(UTC_MICROSECONDS)
    )
    named = pl.concat(
        [
            issues.select("task", pl.col("now").alias("sprint")),
            *(moves.select("task", pl.col(one).alias("sprint")) for one in ("before", "after")),
        ]
    )
    each = named.explode("sprint").drop_nulls().unique(maintain_order=True)
    return each.join(known.lazy(), on="sprint").join(issues, on="task")


def _before_first(later: pl.Expr, before: pl.Expr, now: pl.Expr) -> pl.Expr:
    """Return what stood before the first of the later changes, else what is there now; for one group of changes."""
    return pl.when(later.any()).then(before.filter(later).first()).otherwise(now.first())


def _stays(pairs: pl.LazyFrame, moves: pl.LazyFrame) -> pl.LazyFrame:
    """Return what each issue was in each sprint; those that were never in it between begin and end are left out."""
    at, sprint = pl.col("at"), pl.col("sprint")
    was_in, is_in = pl.col("before").list.contains(sprint), pl.col("after").list.contains(sprint)
    each = pairs.join(moves, on="task", how="left", maintain_order="left_right").with_columns(
        was_in.alias("was_in"), is_in.alias("is_in"), pl.col("now").list.contains(sprint).alias("in_now")
    )
    entered, left = pl.col("is_in") & ~pl.col("was_in"), pl.col("was_in") & ~pl.col("is_in")
    first = pl.max_horizontal("begin", "created")

    def held(moment: pl.Expr) -> pl.Expr:
        return _before_first((at > moment).fill_null(value=False), pl.col("was_in"), pl.col("in_now"))

    found = each.group_by(PAIR, maintain_order=True).agg(
        pl.col("begin", "commit", "end", "created", "points", "group").first(),
        held(first).alias("at_begin"),
        held(pl.col("commit")).alias("at_commit"),
        held(pl.col("end")).alias("at_end"),
        held(pl.col("created")).alias("from_the_start"),
        (pl.col("is_in") & at.is_between("begin", "end", closed="right")).any().alias("came"),
        at.filter(entered & at.is_between("commit", "end", closed="right")).min().alias("joined"),
        at.filter(left & at.is_between("begin", "end", closed="right")).max().alias("left"),
    )
    committed = (pl.col("created") <= pl.col("commit")) & pl.col("at_commit")
    made_in_it = pl.when((pl.col("created") > pl.col("commit")) & pl.col("from_the_start")).then("created")
    considered = (pl.col("created") <= pl.col("end")) & (pl.col("at_begin") | pl.col("came").fill_null(value=False))
    return found.filter(considered).with_columns(
        committed.alias("committed"),
        pl.when(~committed).then(pl.coalesce(made_in_it, "joined")).alias("added"),
        pl.when(~pl.col("at_end")).then("left").alias("removed"),
    )


def _valued(stays: pl.LazyFrame, tracks: pl.LazyFrame, moment: pl.Expr, now: str, name: str) -> pl.LazyFrame:
    """Return the value of a field at a moment of each stay."""
    each = stays.select(*PAIR, now, moment.alias("moment")).join(
        tracks, on="task", how="left", maintain_order="left_right"
    )
    later = (pl.col("at") > pl.col("moment")).fill_null(value=False)
    return each.group_by(PAIR).agg(_before_first(later, pl.col("before"), pl.col(now)).alias(name))


def _finished(stays: pl.LazyFrame, changes: pl.DataFrame, categories: Categories) -> pl.LazyFrame:
    """Return when what was done at the end was done: with the last change into such a status, else from the start."""
    own = stays.filter("at_end")
    tracks = _in_words(_tracks(changes, STATUS), categories)
    at_end = _valued(own, tracks, pl.col("end"), "group", "at_end_is")
    each = own.select(*PAIR, "end", "created").join(tracks, on="task", how="left")
    reached = (pl.col("after") == DONE) & pl.col("before").ne_missing(DONE) & (pl.col("at") <= pl.col("end"))
    last = each.group_by(PAIR).agg(pl.col("at").filter(reached).max().alias("last"), pl.col("created").first())
    done = pl.when(pl.col("at_end_is") == DONE).then(pl.coalesce("last", "created"))
    return at_end.join(last, on=PAIR).select(*PAIR, done.alias("done"))


def _in_words(tracks: pl.LazyFrame, categories: Categories) -> pl.LazyFrame:
    """Return changes of status in our three words; null for a status that is no longer listed."""
    ids, words = list(categories), list(categories.values())
    known = (
        pl.col(one).replace_strict(ids, words, default=None, return_dtype=pl.String) for one in ("before", "after")
    )
    return tracks.with_columns(known)


def _rows(told: pl.DataFrame, report: Report, zone: tzinfo) -> pl.DataFrame:
    name = zone_name(zone)
    days = {"added_on": "added", "removed_on": "removed", "done_on": "done"}
    points = ("points_at_start", "points_at_close")
    exact = told.with_columns(
        pl.col(one).str.replace(",", ".").cast(EXACT, strict=False).alias(f"{one}@") for one in points
    )
    for one in points:
        for task, text in (
            exact.filter(pl.col(one).is_not_null() & pl.col(f"{one}@").is_null()).select("task", one).rows()
        ):
            report.value(f"changes of issue {task}", POINTS, text, "no number")
    return exact.select(
        pl.format("{}:{}", "sprint", "task").alias("key"),
        "sprint",
        "task",
        "committed",
        *(pl.col(f"{one}@").alias(one) for one in points),
        *(pl.col(one).dt.convert_time_zone(name).dt.date().alias(day) for day, one in days.items()),
    )


def actual_dates(tasks: pl.DataFrame, changes: pl.DataFrame, categories: Categories, zone: tzinfo) -> pl.DataFrame:
    """Return the tasks with `actual_start` and `actual_finish`. `@traced`: whether all changes of the task are known.

    It started with its first change into a status of work, or when it was made in one; it was reached with the last
    change into a status of what is done, else when it was resolved.
    """
    at, before, after = pl.col("at"), pl.col("before"), pl.col("after")
    told = (
        _in_words(_tracks(changes, STATUS), categories)
        .group_by("task")
        .agg(
            before.first().alias("@made"),
            at.filter(after == DOING).min().alias("@begun"),
            at.filter((after == DONE) & before.ne_missing(DONE)).max().alias("@ended"),
            pl.len().alias("@moved"),
        )
    )
    never_moved = pl.col("@traced") & pl.col("@moved").is_null() & (pl.col("status_category") == DOING)
    begun = pl.when((pl.col("@made") == DOING) | never_moved).then("created_at").otherwise("@begun")
    ended = pl.when(pl.col("status_category") == DONE).then(pl.coalesce("@ended", "resolved_at"))
    name = zone_name(zone)
    return (
        tasks.lazy()
        .join(told.rename({"task": "key"}), on="key", how="left", maintain_order="left")
        .with_columns(
            begun.dt.convert_time_zone(name).dt.date().alias("actual_start"),
            ended.dt.convert_time_zone(name).dt.date().alias("actual_finish"),
        )
        .drop("@made", "@begun", "@ended", "@moved")
        .collect()
    )
