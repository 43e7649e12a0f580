"""What was in a sprint: committed, added, removed, done, rebuilt from changes (spec sources 2.8)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import polars as pl

from .changes import POINTS, SPRINT, STATUS
from .columns import UTC_MICROSECONDS, days_of, frame_of, zone_name
from .report import Report
from .values import amount_of

ITEM_DAYS = ("added_on", "removed_on", "done_on")
Change = tuple[int, str | None, str | None]  # microseconds since 1970, before, after
TO_DO, DOING, DONE = "todo", "doing", "done"


@dataclass(frozen=True, slots=True)
class Span:
    """When a sprint began, was committed to, and ended, in microseconds since 1970; of an active one: the reading."""

    id: str
    begin: int
    commit: int
    end: int


@dataclass(frozen=True, slots=True)
class Track:
    """What a field of one issue was over time: its present value, and its changes, oldest first."""

    now: Any
    changes: Sequence[Change] = ()

    def at(self, moment: int) -> Any:
        """Return the value at a moment: the present one with every later change taken back."""
        value = self.now
        for when, before, _ in reversed(self.changes):
            if when <= moment:
                break
            value = before
        return value


@dataclass(frozen=True, slots=True)
class Item:
    """An issue in a sprint; moments in microseconds since 1970, None where it did not happen."""

    sprint: str
    issue: str
    committed: bool
    points_at_start: str | None
    points_at_close: str | None
    added: int | None
    removed: int | None
    done: int | None


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of one issue for its sprints; statuses in our three words."""

    issue: str
    created: int
    sprints: Track  # texts of ids, joined by ", "
    points: Track  # texts
    status: Track

    def names(self) -> set[str]:
        """Return every sprint that it is or was in."""
        texts = [self.sprints.now, *(one for change in self.sprints.changes for one in change[1:])]
        return {one for text in texts if text for one in ids_in(text)}

    def item(self, span: Span) -> Item | None:
        """Return what it was in a sprint; None when it never was in it between its begin and end."""
        if self.created > span.end or not self._was_in(span):
            return None
        committed = self.created <= span.commit and self._has(span, span.commit)
        added = None if committed else self._joined(span)
        stayed = self._has(span, span.end)
        return Item(
            span.id,
            self.issue,
            committed,
            self.points.at(span.commit if added is None else added),
            self.points.at(span.end),
            added,
            None if stayed else self._left(span),
            self._finished(span) if stayed else None,
        )

    def _has(self, span: Span, moment: int) -> bool:
        return span.id in ids_in(self.sprints.at(moment))

    def _was_in(self, span: Span) -> bool:
        if self._has(span, max(span.begin, self.created)):
            return True
        return any(span.begin < at <= span.end and span.id in ids_in(after) for at, _, after in self.sprints.changes)

    def _joined(self, span: Span) -> int | None:
        """Return when it first came in after the commitment; None when it was gone again by then."""
        if span.commit < self.created and self._has(span, self.created):
            return self.created
        for at, before, after in self.sprints.changes:
            if span.commit < at <= span.end and span.id in ids_in(after) and span.id not in ids_in(before):
                return at
        return None

    def _left(self, span: Span) -> int | None:
        moments = (
            at
            for at, before, after in reversed(self.sprints.changes)
            if span.begin < at <= span.end and span.id in ids_in(before) and span.id not in ids_in(after)
        )
        return next(moments, None)

    def _finished(self, span: Span) -> int | None:
        if self.status.at(span.end) != DONE:
            return None
        changes = reversed(self.status.changes)
        moments = (at for at, before, after in changes if at <= span.end and after == DONE and before != DONE)
        return next(moments, self.created)


def ids_in(text: str | None) -> list[str]:
    """Return the ids of a text such as `31, 32`."""
    return text.split(", ") if text else []


# --- over rows ----------------------------------------------------------------------------------------------------


def lives(tasks: pl.DataFrame, changes: pl.DataFrame, categories: Mapping[str, str | None]) -> Iterator[Life]:
    """Yield the lives of issues that are or were in a sprint; sub-tasks are left out."""
    wanted = changes.filter(pl.col("field") == SPRINT)["task"].unique()
    sprint = pl.col("sprint") if "sprint" in tasks.columns else pl.lit(None, pl.List(pl.String))
    asked = tasks.filter(
        ~pl.col("is_subtask").fill_null(value=False)
        & pl.col("created_at").is_not_null()
        & (sprint.is_not_null() | pl.col("key").is_in(wanted.implode()))
    ).select(
        "key",
        pl.col("created_at").dt.timestamp("us"),
        sprint.list.join(", "),
        pl.col("story_points").cast(pl.String),
        "status_category",
    )
    tracks = _tracks(changes, asked["key"], categories)
    for key, created, sprints, points, status in asked.iter_rows():
        own = tracks.get(key, {})
        yield Life(
            key,
            created,
            Track(sprints, own.get(SPRINT, ())),
            Track(points, own.get(POINTS, ())),
            Track(status, own.get(STATUS, ())),
        )


def _tracks(
    changes: pl.DataFrame, issues: pl.Series, categories: Mapping[str, str | None]
) -> dict[str, dict[str, list[Change]]]:
    """Return issue -> field -> its changes, oldest first; of those that happened at one moment in their order."""
    own = changes.filter(pl.col("field").is_in([SPRINT, POINTS, STATUS]) & pl.col("task").is_in(issues.implode()))
    columns = own.select("task", "field", pl.col("at").dt.timestamp("us"), "from_value", "to_value")
    found: dict[str, dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for issue, name, at, before, after in columns.sort("at", maintain_order=True).iter_rows():
        if name == STATUS:
            before, after = categories.get(before), categories.get(after)  # noqa: PLW2901  # ids become our words
        found[issue][name].append((at, before, after))
    return found


def item_frame(items: Iterable[Item], report: Report, zone: tzinfo) -> pl.DataFrame:
    """Return items as rows."""
    rows = list(items)
    plain = frame_of(
        "sprint_item",
        {
            "key": [f"{one.sprint}:{one.issue}" for one in rows],
            "sprint": [one.sprint for one in rows],
            "task": [one.issue for one in rows],
            "committed": [one.committed for one in rows],
            "points_at_start": [_points(one, one.points_at_start, report) for one in rows],
            "points_at_close": [_points(one, one.points_at_close, report) for one in rows],
        },
    )
    moments = ([one.added for one in rows], [one.removed for one in rows], [one.done for one in rows])
    name = zone_name(zone)
    days = (pl.Series(day, at, pl.Int64).cast(UTC_MICROSECONDS) for day, at in zip(ITEM_DAYS, moments, strict=True))
    return plain.with_columns(days_of(one, name).alias(one.name) for one in days)


def _points(item: Item, text: str | None, report: Report) -> Any:
    try:
        return None if text is None else amount_of(text)
    except ValueError as fault:
        report.value(f"changes of issue {item.issue}", POINTS, text, str(fault))
        return None


def actual_dates(
    tasks: pl.DataFrame, changes: pl.DataFrame, site: Mapping[str, str | None], zone: tzinfo
) -> pl.DataFrame:
    """Return the tasks with `actual_start` and `actual_finish`. `@traced`: whether all changes of the task are known.

    It started with its first change into a status of work, or when it was made in one; it was reached with the last
    change into a status of what is done, else when it was resolved.
    """
    words = pl.DataFrame({"id": list(site), "group": list(site.values())}, {"id": pl.String(), "group": pl.String()})
    own = changes.lazy().filter(pl.col("field") == STATUS).sort("at", maintain_order=True)
    for name in ("from", "to"):
        renamed = words.lazy().rename({"id": f"{name}_value", "group": name})
        own = own.join(renamed, on=f"{name}_value", how="left", maintain_order="left")
    told = own.group_by("task").agg(
        pl.len().alias("@moved"),
        pl.col("from").first().alias("@made"),
        pl.col("at").filter(pl.col("to") == DOING).min().alias("@begun"),
        pl.col("at").filter((pl.col("to") == DONE) & pl.col("from").ne_missing(DONE)).max().alias("@ended"),
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
        .drop("@moved", "@made", "@begun", "@ended")
        .collect()
    )
