"""Projects with what their tasks, baselines and bookings say of them; programmes and boards behind them (model 2.3)."""

from collections.abc import Mapping

import polars as pl

from pmo_watch.api import DTYPES, Kind

from .choices import CLOSED_REASON
from .image import FRESH, nothing, remembered
from .plans import Baselines
from .report import Report

BASELINE_FIELDS = ("baseline_start", "baseline_finish", "effort_baseline", "baseline_set_on")
MINUTES_PER_HOUR = 60
KNOWN_REASONS = (1, 2, CLOSED_REASON)


def with_state(projects: pl.DataFrame, table: str, words: Mapping[str, str], report: Report) -> pl.DataFrame:
    """Say which of the projects that were read are closed; what else they are only a register knows.

    `words`: reason -> state, as the settings say.
    """
    if "@state" not in projects.columns:
        return projects
    reason = pl.col("@reason") if "@reason" in projects.columns else pl.lit(None, pl.Int64)
    said = reason.cast(pl.String).replace_strict(dict(words), default=None, return_dtype=pl.String)
    is_closed = (pl.col("@state") == 1).fill_null(value=False) | (reason == CLOSED_REASON).fill_null(value=False)
    closed = pl.when(is_closed).then(pl.lit("closed"))
    unknown = projects.filter(~is_closed & said.is_null() & reason.is_not_null() & ~reason.is_in(KNOWN_REASONS))
    for one in sorted(unknown.select(reason).to_series().unique().to_list()):
        place = f"maps: {{project.state: {{{one}: ...}}}}"
        report.word(table, "statuscode", one, f"not known: '{place}' says what it means")
    return projects.with_columns(state=pl.when(FRESH).then(pl.coalesce(said, closed)).otherwise("state"))


def with_day_length(projects: pl.DataFrame) -> pl.DataFrame:
    """Take the working minutes per day from the hours that the project says."""
    if "@hours_per_day" not in projects.columns:
        return projects
    minutes = (pl.col("@hours_per_day") * MINUTES_PER_HOUR).round(0).cast(pl.Int64)
    useful = pl.when((minutes > 0) & (minutes <= 24 * MINUTES_PER_HOUR)).then(minutes)
    return projects.with_columns(
        minutes_per_day=pl.when(pl.col(FRESH)).then(pl.coalesce("minutes_per_day", useful)).otherwise("minutes_per_day")
    )


def with_baselines(
    projects: pl.DataFrame, stored: pl.DataFrame | None, found: Baselines, tasks: pl.DataFrame
) -> pl.DataFrame:
    """Give each project the span of its baseline and its effort; rows with rows below them are counted once."""
    projects = remembered(projects, stored, BASELINE_FIELDS)
    parents = tasks["parent"].drop_nulls().unique().implode()
    leaf = ~pl.col("@task").is_in(parents)
    spans = found.rows.group_by("@project").agg(
        pl.col("@start").min(),
        pl.col("@finish").max(),
        pl.col("@effort").filter(leaf & pl.col("@effort").is_not_null()),
    )
    spans = spans.with_columns(
        pl.when(pl.col("@effort").list.len() > 0).then(pl.col("@effort").list.sum()).cast(DTYPES[Kind.HOURS])
    )
    known = found.knows(pl.col("key"))
    set_on = pl.col("key").replace_strict(dict(found.set_on), default=None, return_dtype=pl.Date)
    now = {
        "baseline_start": pl.col("@start"),
        "baseline_finish": pl.col("@finish"),
        "effort_baseline": pl.col("@effort"),
        "baseline_set_on": set_on,
    }
    joined = projects.join(spans, left_on="key", right_on="@project", how="left", maintain_order="left")
    return joined.with_columns(pl.when(known).then(one).otherwise(name).alias(name) for name, one in now.items()).drop(
        "@start", "@finish", "@effort"
    )


def with_last_change(projects: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    """Date each project by the newest change of itself or its tasks."""
    newest = tasks.group_by("project").agg(pl.col("updated_at").max().alias("@newest"))
    joined = projects.join(newest, left_on="key", right_on="project", how="left", maintain_order="left")
    return joined.with_columns(updated_at=pl.max_horizontal("updated_at", "@newest")).drop("@newest")


def with_booked_cost(projects: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """Sum the bookings of each project: its actual cost where the table of projects has no such column."""
    sums = entries.group_by("project").agg(pl.col("amount").sum().alias("@booked"))
    joined = projects.join(sums, left_on="key", right_on="project", how="left", maintain_order="left")
    return joined.with_columns(actual_cost=pl.col("@booked").cast(DTYPES[Kind.MONEY])).drop("@booked")


def programs_of(projects: pl.DataFrame, stored: pl.DataFrame | None) -> pl.DataFrame:
    """Return the programmes that projects name, by the names that were read or are stored."""
    named = projects.filter(pl.col("program").is_not_null())
    name = pl.col("@program_name") if "@program_name" in projects.columns else pl.lit(None, pl.String)
    now = named.select(key="program", name=name).drop_nulls("name").unique("key", keep="last", maintain_order=True)
    before = nothing("program") if stored is None else stored
    kept = before.filter(pl.col("key").is_in(named["program"].implode()) & ~pl.col("key").is_in(now["key"].implode()))
    found = pl.concat([now, kept.select("key", "name")]) if now.height or kept.height else nothing("program")
    return found.select("key", id="key", name="name").sort("key")


def boards_of(sprints: pl.DataFrame, projects: pl.DataFrame) -> pl.DataFrame:
    """Return a board for each project that has sprints: there is no other team in these tables."""
    owners = sprints["board"].drop_nulls().unique().implode()
    found = projects.filter(pl.col("key").is_in(owners))
    return found.select(
        "key", id="key", name="name", type=pl.lit("scrum"), project=pl.concat_list("key").cast(pl.List(pl.String()))
    )


def sprint_items_of(tasks: pl.DataFrame) -> pl.DataFrame:
    """Return what is in which sprint."""
    inside = tasks.filter(pl.col("sprint").list.len() > 0).select("key", sprint=pl.col("sprint").list.last())
    return inside.select(key=pl.format("{}:{}", "sprint", "key"), sprint="sprint", task="key").sort("key")


def late_totals(projects: pl.DataFrame, booked: pl.DataFrame, table: str, report: Report) -> None:
    """Note projects whose totals are older than hours approved since: the product refreshes them late (model 4.3).

    `booked`: time entries as read now; a project that was not read now has not changed since.
    """
    newest = (
        booked.filter(pl.col("status") == "approved")
        .group_by("project")
        .agg(pl.col("updated_at").max().alias("@newest"))
    )
    late = projects.join(newest, left_on="key", right_on="project").filter(
        ~pl.col(FRESH) | (pl.col("updated_at") < pl.col("@newest"))
    )
    for name, key in late.select("name", "key").sort("key").iter_rows():
        text = "hours were approved after the project's totals were last computed: actual effort may be too low"
        report.value(f"{table} {name or key}", "msdyn_effortcompleted", "", text)
