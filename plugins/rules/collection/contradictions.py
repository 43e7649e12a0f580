"""Data that contradict themselves: rows of plans, what sources say against each other, what could not be taken in."""

from collections.abc import Iterator, Mapping

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Points, Previous, Unit, Vanished, View, Wish, is_done, is_open

DATES = ("actual_start", "actual_finish", "forecast_start", "forecast_finish", "baseline_start", "baseline_finish")
SAID = ("progress", "done", "actual_finish")  # what says how far a row is
PREVIOUS = Previous("task", SAID)
KEPT_DAYS = 20  # working days that what vanished before it was done is held against its project
LONGEST_SPAN = 60  # calendar days that hold so many working days, holidays included
LOST = {
    "milestone": Vanished("task", LONGEST_SPAN, ("project", "name", "is_milestone", *SAID)),
    "risk": Vanished("risk", LONGEST_SPAN, ("project", "title", "status")),
    "issue": Vanished("issue", LONGEST_SPAN, ("project", "title", "status")),
}
MOST_NAMES, MOST_SAID = 10, 3
# In the order in which they are shown; each is the name of the evidence that counts its rows.
KINDS = (
    "disagreement",
    "vanished_open",
    "reopened",
    "progress_fell",
    "done_incomplete",
    "complete_open",
    "actual_in_future",
    "finish_before_start",
    "never_started",
    "rejected",
    "leads_nowhere",
)
COLUMNS = ("project", "row", "name", "kind", "said")


class ContradictionParams(PluginSettings):
    """By how much progress may fall from one version of a row to the next."""

    progress_drop: Points = 5


def wishes(_: ContradictionParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return (PREVIOUS, *LOST.values())


def contradictions(params: ContradictionParams, view: View) -> pl.DataFrame:
    """Count the rows of each project with at least one contradiction."""
    pieces = [*_in_plans(params, view), *_in_projects(view), *_vanished(view), _between_sources(view)]
    found = pl.concat(pieces).drop_nulls("project")
    said = found.drop_nulls("said").group_by("project", maintain_order=True)
    texts = said.agg(disagreements=pl.col("said").head(MOST_SAID).str.join("; "))
    counts = (
        found.unique(["project", "row", "kind"], maintain_order=True)
        .group_by("project")
        .agg(
            pl.col("row").n_unique().alias("value"),
            *[(pl.col("kind") == one).sum().alias(one) for one in KINDS],
            affected_rows=pl.col("name").drop_nulls().unique(maintain_order=True).head(MOST_NAMES).str.join(", "),
        )
    )
    counts = counts.join(texts, on="project", how="left")
    joined = view.rows.select("uid", "code").join(counts, left_on="uid", right_on="project", how="left")
    # Every project has a code; of one without, nothing that is reported could be told to be its own.
    return joined.select(
        "uid",
        value=pl.when(pl.col("code").is_not_null()).then(pl.col("value").fill_null(0)),
        **{one: pl.when(pl.col(one) > 0).then(one) for one in KINDS},
        disagreements="disagreements",
        affected_rows="affected_rows",
    )


def _in_plans(params: ContradictionParams, view: View) -> Iterator[pl.DataFrame]:
    """Yield the rows of plans that say what cannot be, by itself or after what they said before."""
    rows = view.plan_rows("id", "name", "is_milestone", "done", "progress", *DATES)
    done, progress = pl.col("done"), pl.col("progress")
    checks = {"complete_open": (progress == 100) & ~done, **_impossible(done, ~pl.col("is_milestone"))}
    yield from _kinds(rows.with_columns(pl.coalesce("name", "id").alias("name")), checks)
    if (past := view.snapshot.past.get(PREVIOUS)) is not None:
        fell = pl.col("progress_before") - pl.col("progress") > params.progress_drop
        before = past.select("uid", fell=fell, reopened=is_done("_before") & ~is_done())
        changed = rows.join(before.filter(pl.col("fell") | pl.col("reopened")), on="uid")
        yield from _kinds(changed, {"progress_fell": pl.col("fell"), "reopened": pl.col("reopened")})


def _in_projects(view: View) -> Iterator[pl.DataFrame]:
    """Yield the projects that say of themselves what cannot be."""
    rows = view.rows.select("uid", "@as_of", "progress", *DATES, project="uid", name="code")
    return _kinds(rows, _impossible(pl.col("actual_finish").is_not_null(), pl.lit(value=True)))


def _impossible(done: pl.Expr, starts: pl.Expr) -> dict[str, pl.Expr]:
    """Return what cannot be of one row: kind -> where. `starts`: where it has a start besides its finish."""
    late = [pl.col(name) > pl.col("@as_of") for name in ("actual_start", "actual_finish")]
    swapped = [pl.col(f"{one}_finish") < pl.col(f"{one}_start") for one in ("actual", "forecast", "baseline")]
    return {
        "done_incomplete": done & (pl.col("progress") < 100),
        "never_started": starts & pl.col("actual_finish").is_not_null() & pl.col("actual_start").is_null(),
        "finish_before_start": pl.any_horizontal(swapped),
        "actual_in_future": pl.any_horizontal(late),
    }


def _kinds(rows: pl.DataFrame, checks: Mapping[str, pl.Expr]) -> Iterator[pl.DataFrame]:
    """Yield, for each kind that occurs, the rows of which it is so."""
    marks = rows.select(**checks)
    for kind in checks:
        if marks[kind].any():
            yield _told(rows.filter(marks[kind]).select("project", "name", row="uid"), kind)


def _told(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    return rows.with_columns(kind=pl.lit(kind), said=pl.lit(None, pl.String)).select(COLUMNS)


def _vanished(view: View) -> Iterator[pl.DataFrame]:
    """Yield milestones that are gone without being done, and risks and issues that are gone while open."""
    for entity, wish in LOST.items():
        gone = view.snapshot.past.get(wish)
        if gone is None or gone.is_empty():
            continue
        clocks = view.rows.select("@calendar", "@today", project="uid")
        ago = view.working_days(pl.col("vanished_on"), pl.col("@today"))
        is_milestone = entity == "milestone"
        unfinished = pl.col("is_milestone") & ~is_done() if is_milestone else is_open(entity)
        lately = gone.join(clocks, on="project").filter(unfinished & (ago <= KEPT_DAYS))
        name = "name" if is_milestone else "title"
        yield _told(lately.select("project", pl.col(name).alias("name"), row="uid"), "vanished_open")


def _between_sources(view: View) -> pl.DataFrame:
    """Return what sources say against each other, both values of it, and what of theirs was left out."""
    both = pl.when(pl.col("said").is_not_null()).then(pl.format("{}: {}", "field", "said"))
    return view.snapshot.contradictions.with_columns(said=both).select(COLUMNS)


CONTRADICTIONS = Measure(
    "project.contradictions",
    "project",
    Unit.COUNT,
    ContradictionParams,
    # A reading of any source that says something of the project is a new look at what it contradicts.
    ("code", "forecast_finish", "baseline_finish", "actual_cost", "effort_actual", "declared_rag"),
    contradictions,
    text="Rows whose data contradict themselves, what they were, or another source.",
    clock="today",
    dimension="data",
    past=wishes,
    amber="at least 1",
    red="over 5",
)
