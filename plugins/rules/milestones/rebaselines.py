"""Baselines that were changed without a change being approved."""

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Samples, Since, Unit, View, Wish, WorkingDays

from .forecasts import LOOKED_AT
from .rows import MILESTONE, beside, names, rows

APPROVED = ("approved", "implemented")
PROMISES = {"task": ("baseline_finish",), "project": ("baseline_finish", "baseline_cost")}
DAYS_A_WEEK = 5
SPARE_WEEKS = 3  # for holidays, and for the sample before the first change
LEAST = 2  # versions: the first one changes nothing


class RebaselineParams(PluginSettings):
    """How long a change is looked back on, and how far from it the day of its approval may lie."""

    window: WorkingDays = 20
    grace: WorkingDays = 5


def promises_wish(params: RebaselineParams, entity: str) -> Samples:
    """Return the wish for the baselines of an entity at the end of each week."""
    weeks = max(LOOKED_AT, params.window // DAYS_A_WEEK + SPARE_WEEKS)
    return Samples(entity, "week", weeks, PROMISES[entity])


def wishes(params: RebaselineParams) -> tuple[Wish, ...]:
    """Return the wishes for weekly baselines, and for the day on which the present ones were first seen."""
    seen = (Since(entity, name) for entity, fields in PROMISES.items() for name in fields)
    return (*(promises_wish(params, entity) for entity in PROMISES), *seen)


def unapproved_rebaseline(params: RebaselineParams, view: View) -> pl.DataFrame:
    """Count the milestones, and the project as one more, whose baseline changed lately without an approved change."""
    of_project = (_changes(_project(view, name), params, view, "project", name) for name in PROMISES["project"])
    promises = pl.concat([_changes(_milestones(view), params, view, "task", "baseline_finish"), *of_project])
    known = promises.group_by("subject").agg(samples=pl.col("samples").max(), promised=pl.col("promised").any())
    silent = _silent(promises, params, view)
    found = silent.group_by("subject").agg(
        number=pl.len().cast(pl.Int64), which=names(pl.col("whole")), seen=pl.col("seen").max()
    )
    judged = pl.col("promised") & (pl.col("samples") >= LEAST)
    unpromised = pl.when(~pl.col("promised").fill_null(value=False)).then(pl.lit("not configured"))
    no_register = pl.lit(view.snapshot.frame("change").is_empty())
    return beside(view, known.join(found, on="subject", how="left")).select(
        "uid",
        value=pl.when(judged).then(pl.col("number").fill_null(0)),
        not_applicable=pl.coalesce(unpromised, pl.when(~judged).then(pl.lit("too early"))),
        unknown=pl.when(no_register).then(pl.lit("missing change.status")),
        rebaselined="which",
        first_seen="seen",
    )


def _milestones(view: View) -> pl.DataFrame:
    """Return the milestones in view, each with what `_changes` asks of a row."""
    return (
        rows(view)
        .filter(MILESTONE)
        .select(
            *("uid", "subject", "called", "@calendar", "@as_of"),
            whole=pl.lit(value=False),
            promised=pl.col("baseline_finish").is_not_null(),
        )
    )


def _project(view: View, promise: str) -> pl.DataFrame:
    """Return the projects in view as rows of their own plans; `promise` is the field of the baseline."""
    return view.rows.select(
        "uid",
        pl.col("uid").alias("subject"),
        pl.coalesce("name", "code", "uid").alias("called"),
        *("@calendar", "@as_of"),
        whole=pl.lit(value=True),
        promised=pl.col(promise).is_not_null(),
    )


def _changes(owners: pl.DataFrame, params: RebaselineParams, view: View, entity: str, promise: str) -> pl.DataFrame:
    """Return the owners with the number of `samples` known of each, and a row for each day a change was first `seen`.

    The last change was seen on the day its value came, an earlier one by the end of its week.
    """
    found = view.snapshot.past.get(promises_wish(params, entity))
    if found is None:
        return owners.with_columns(samples=pl.lit(0, pl.Int64), seen=pl.lit(None, pl.Date))
    numbered = owners.with_columns(of=pl.int_range(pl.len(), dtype=pl.Int64))
    samples = _versions(found.select("uid", "ends", value=promise), numbered)
    counted = samples.group_by("of").agg(samples=pl.len().cast(pl.Int64))
    came = view.snapshot.past.get(Since(entity, promise), pl.DataFrame(schema={"uid": pl.String, "since": pl.Date}))
    since = numbered.select("uid", "of").join(came.select("uid", "since"), on="uid").drop("uid")
    moved = samples.filter(pl.col("value") != pl.col("before")).join(since, on="of", how="left", maintain_order="left")
    exact = pl.when(pl.col("since").is_between("eve", "ends", closed="right")).then("since")
    return (
        numbered.join(counted, on="of", how="left", maintain_order="left")
        .with_columns(pl.col("samples").fill_null(0))
        .join(moved.select("of", seen=pl.coalesce(exact, "ends")), on="of", how="left", maintain_order="left_right")
        .drop("of")
    )


def _versions(found: pl.DataFrame, numbered: pl.DataFrame) -> pl.DataFrame:
    """Return the values known of each row, oldest first, each with the one `before` it and its last day, the `eve`."""
    samples = found.drop_nulls().join(numbered.select("uid", "of"), on="uid").drop("uid").sort("of", "ends")
    follows = pl.col("of") == pl.col("of").shift(1)
    return samples.with_columns(
        before=pl.when(follows).then(pl.col("value").shift(1)), eve=pl.when(follows).then(pl.col("ends").shift(1))
    )


def _silent(promises: pl.DataFrame, params: RebaselineParams, view: View) -> pl.DataFrame:
    """Return, once each, the rows whose baseline changed lately with no approved change near that day."""
    lately = view.working_days(pl.col("seen"), pl.col("@as_of")) <= params.window
    changed = promises.filter(pl.col("seen").is_not_null() & lately)
    register = view.snapshot.frame("change").filter(
        pl.col("status").is_in(APPROVED) & pl.col("decided_on").is_not_null() & pl.col("vanished_on").is_null()
    )
    near = view.working_days(pl.col("decided_on"), pl.col("seen")).abs() <= params.grace
    approved = changed.join(register.select("decided_on", subject="project"), on="subject").filter(near)
    silent = changed.join(approved, on=["uid", "seen"], how="anti")
    return silent.sort("seen", maintain_order=True).unique("uid", keep="last", maintain_order=True)


UNAPPROVED_REBASELINE = Measure(
    "project.unapproved_rebaseline",
    "project",
    Unit.COUNT,
    RebaselineParams,
    ("change.status",),
    unapproved_rebaseline,
    text="Milestones, and the project as one more, whose baseline changed without an approved change.",
    dimension="schedule",
    past=wishes,
    red="at least 1",
    finished_is_na=True,
)
