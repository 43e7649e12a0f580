"""Projects and their plans as they were at the ends of earlier periods, so that any figure can be computed of then.

Each project of each period stands in one view as a row of its own: one call answers for all of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import polars as pl

from pmo_watch.api import ENTITIES, Samples, View, Wish, is_done, periods

Every = Literal["week", "month", "quarter"]
OF_TASKS = (
    "project",
    "parent",
    "is_milestone",
    "is_subtask",
    "active",
    "external",
    "done",
    "baseline_start",
    "baseline_finish",
    "baseline_cost",
    "baseline_work",
    "actual_start",
    "actual_finish",
    "progress",
    "physical_progress",
    "ev_method",
    "actual_cost",
    "actual_work",
    "story_points",
)
OF_PROJECTS = (
    "status_date",
    "baseline_start",
    "baseline_finish",
    "actual_start",
    "actual_finish",
    "progress",
    "baseline_cost",
    "actual_cost",
    "actual_cost_as_of",
)
AT = " @ "  # between the uid of a row and the period in which it is looked at


def wishes(every: Every, n: int) -> tuple[Wish, ...]:
    """Return the history that is read: of plans and of what projects say themselves."""
    return Samples("task", every, n, OF_TASKS), Samples("project", every, n, OF_PROJECTS)


def earlier(view: View, every: Every, n: int) -> View:
    """Return a view of projects as they were at the end of each of the last `n` periods but the current one.

    Its rows carry `@of` (the project's uid) and `@period`; their `uid` names both. A status date too old for earned
    value leaves its row out.
    """
    over = periods.latest(every, view.snapshot.today, n)[:-1]
    tasks, projects = (_of(view.snapshot.past.get(wish), over) for wish in wishes(every, n))
    rows = _projects(view, projects)
    frames = {**view.snapshot.frames, "task": _tasks(view, rows, tasks), "cost_entry": _entries(view, rows)}
    return replace(view, rows=rows, snapshot=replace(view.snapshot, frames=frames), shared={})


def _of(found: pl.DataFrame | None, over: Sequence[str]) -> pl.DataFrame:
    """Return the samples of periods that are over; none where history was not asked."""
    if found is None:
        return pl.DataFrame(schema={"uid": pl.String, "period": pl.String, "ends": pl.Date})
    return found.filter(pl.col("period").is_in(list(over)))


def _projects(view: View, found: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of projects with what they said then; a project without a sample has no row."""
    then = {name: f"@then:{name}" for name in OF_PROJECTS if name in found.columns}
    told = found.select("uid", "period", "ends", *then).rename(then)
    rows = view.rows.join(told, on="uid", maintain_order="left")
    said = [pl.col(column).cast(rows.schema[name]).alias(name) for name, column in then.items()]
    rows = rows.with_columns(said).drop(then.values())
    old = view.working_days(pl.col("status_date"), pl.col("ends")) > view.snapshot.organisation.status_date_max_age
    day = pl.when(pl.col("status_date") <= pl.col("ends")).then("status_date").otherwise("ends")
    return rows.filter(~old.fill_null(value=False)).with_columns(
        pl.format(f"{{}}{AT}{{}}", "uid", "period").alias("uid"),
        day.alias("@as_of"),
        pl.col("uid").alias("@of"),
        pl.col("period").alias("@period"),
    )


def _tasks(view: View, rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of plans as they were, each in the project's row of its period."""
    if found.is_empty() or rows.is_empty():
        return ENTITIES["task"].empty()
    now = view.snapshot.frame("task").select("uid", "source", own="project")
    # A row that has vanished since belongs where the others of its source do that name the same project.
    known = found.select("uid", "source", "project").join(now.select("uid", "own"), on="uid")
    places = known.drop_nulls().unique(["source", "project"], keep="first", maintain_order=True)
    placed = found.join(now.select("uid", "own"), on="uid", how="left", maintain_order="left").join(
        places.select("source", "project", also="own"), on=["source", "project"], how="left", maintain_order="left"
    )
    uid, above = (pl.format(f"{{}}{AT}{{}}", one, "period") for one in (pl.col("uid"), _parent()))
    made = placed.with_columns(project=pl.format(f"{{}}{AT}{{}}", pl.coalesce("own", "also"), "period"))
    made = made.with_columns(uid=uid, parent=above).join(rows.select(project="uid"), on="project", how="semi")
    return _counted(made).select("uid", "countable", "vanished_on", *OF_TASKS)


def _parent() -> pl.Expr:
    """Return the uid of the row above: a source names it by its own key."""
    own = pl.format("{}:task:{}", "source", "parent")
    return pl.when(pl.col("parent").is_not_null()).then(own)


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what follows from a row and its plan: whether it counts, and whether it is done."""
    yes, no = pl.lit(value=True), pl.lit(value=False)
    rows = rows.with_columns(
        pl.coalesce("active", yes).alias("active"),
        pl.coalesce("external", no).alias("external"),
        pl.coalesce("is_milestone", no).alias("is_milestone"),
        is_done().alias("done"),
    )
    leaf = ~pl.col("uid").is_in(rows["parent"].drop_nulls().unique().implode())
    gone = pl.lit(None, pl.Date)  # every sample was there
    return rows.with_columns(countable=leaf & pl.col("active") & ~pl.col("external"), vanished_on=gone)


def _entries(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    """Return booked costs once for each period of their project; the status date of then cuts them."""
    booked = view.snapshot.frame("cost_entry")
    each = rows.select(project="@of", then="uid")
    return booked.join(each, on="project", maintain_order="left").with_columns(project="then").drop("then")
