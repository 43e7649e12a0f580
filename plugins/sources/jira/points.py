"""Which of several fields holds the story points (spec sources 2.5)."""

from collections.abc import Mapping, Sequence

import polars as pl

from .changes import AT
from .changes import POINTS as CHANGED
from .report import Report
from .task_rows import POINTS

CHOICE, USED, FIELD = "@choice", "@used", "@field"


def with_points(
    tasks: pl.DataFrame, candidates: Sequence[str], boards: Mapping[str, str], names: Mapping[str, str], report: Report
) -> pl.DataFrame:
    """Return the tasks with `story_points`, `@choice` and `@used`: the field that counts for the issue's project, and
    the one that its value came from.

    The field that the boards of its project estimate with comes first, then the one that more issues fill. `boards`:
    project -> field; `names`: what the fields are called.
    """
    if not candidates:
        return tasks.with_columns(pl.lit(None, pl.String).alias(CHOICE), pl.lit(None, pl.String).alias(USED))
    columns = {one: pl.col(f"{POINTS}{one}") for one in candidates}
    filled = tasks.select(column.count().alias(one) for one, column in columns.items()).row(0, named=True)
    order = sorted(candidates, key=lambda one: -filled[one])
    known = {project: one for project, one in boards.items() if one in columns}
    choice = pl.lit(order[0])
    if known:
        choice = pl.col("project").replace_strict(known, default=order[0], return_dtype=pl.String)
    _say(tasks, candidates, order, known, names, report)
    by_turn = [pl.when(pl.col(CHOICE) == one).then(columns[one]) for one in order] + [columns[one] for one in order]
    named = [pl.when((pl.col(CHOICE) == one) & columns[one].is_not_null()).then(pl.lit(one)) for one in order]
    named += [pl.when(columns[one].is_not_null()).then(pl.lit(one)) for one in order]
    chosen = tasks.with_columns(choice.alias(CHOICE))
    return chosen.with_columns(pl.coalesce(by_turn).alias("story_points"), pl.coalesce(named).alias(USED)).drop(
        [f"{POINTS}{one}" for one in candidates]
    )


def _say(
    tasks: pl.DataFrame,
    candidates: Sequence[str],
    order: Sequence[str],
    known: Mapping[str, str],
    names: Mapping[str, str],
    report: Report,
) -> None:
    """Say which field was taken where there are two, and where both say something else."""
    if len(candidates) < 2:
        return
    called = [f"'{names.get(one, one)}' ({one})" for one in order]
    columns = [pl.col(f"{POINTS}{one}") for one in order]
    apart = [(first != second).fill_null(value=False) for first in columns for second in columns]
    number = tasks.select(pl.any_horizontal(apart).sum()).item()
    if number:
        report.degrade(f"{number} issues have different story points in {' and '.join(called)}: set 'fields'")
    if not set(tasks["project"].drop_nulls()) <= set(known):
        report.decide(f"story points are those of {called[0]}, which more issues fill, where no board says it")


def counted_changes(changes: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    """Return the changes of tasks, those of story points only of the field that counts."""
    own = changes.join(
        tasks.select(pl.col("key").alias("task"), CHOICE, USED), on="task", how="inner", maintain_order="left"
    )
    number = pl.col("field").str.strip_prefix(f"{CHANGED}{AT}")
    is_points = pl.col("field").str.starts_with(CHANGED)
    own = own.with_columns(pl.when(is_points).then(number).alias(FIELD))
    by_choice = pl.when((pl.col(FIELD) == pl.col(CHOICE)).any().over("task")).then(CHOICE)
    counts = pl.coalesce(USED, by_choice, pl.col(FIELD).drop_nulls().first().over("task"))
    kept = own.filter(~is_points | (pl.col(FIELD) == counts))
    return kept.with_columns(pl.when(is_points).then(pl.lit(CHANGED)).otherwise("field").alias("field")).drop(
        CHOICE, USED, FIELD
    )
