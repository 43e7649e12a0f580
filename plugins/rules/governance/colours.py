"""The computed colour of projects: beside the declared one, and how long it has been amber."""

from typing import Literal

import polars as pl

from pmo_watch.api import (
    COLOURS,
    Measure,
    Periods,
    PluginSettings,
    Samples,
    Unit,
    View,
    Wish,
    computed_colours,
    why_unassessed,
)

Dimension = Literal["overall", "schedule", "cost", "scope", "risk", "resources", "quality"]
STEPS = {"green": 0, "amber": 1, "red": 2}
LOOKED_AT = 53  # samples: a year of weekly ones
UNCOLOURED = "missing project.computed_rag"


def steps(colour: str) -> pl.Expr:
    """Return a colour as its place among green 0, amber 1, red 2; null for any other."""
    return pl.col(colour).replace_strict(STEPS, default=None, return_dtype=pl.Int64)


def colours_of(view: View, dimension: str) -> pl.DataFrame:
    """Return `project`, `computed` (a colour or null), `why` it is not green, amber or red, and `silent`.

    A colour is null where rules only said that they do not apply; `silent` is true where none said anything.
    """
    return view.once(("governance: colours", dimension), lambda: _colours(view, dimension))


def _colours(view: View, dimension: str) -> pl.DataFrame:
    findings = list(view.findings.values())
    computed = view.once("governance: computed", lambda: computed_colours(findings, view.dimensions, view.snapshot))
    known = computed.filter(pl.col("dimension") == dimension)
    projects = view.snapshot.frame("project").select(project="uid")
    coloured = projects.join(known.select("project", computed="state"), on="project", how="left")
    open_ones = coloured.filter(steps("computed").is_null()).select("project", dimension=pl.lit(dimension))
    reasons = why_unassessed(findings, view.dimensions, view.snapshot, open_ones)
    joined = coloured.join(reasons.rename({"reason": "said"}), on="project", how="left")
    why = pl.when(steps("computed").is_null()).then(pl.coalesce("said", pl.lit(UNCOLOURED)))
    return joined.select("project", "computed", why=why, silent=steps("computed").is_null() & pl.col("said").is_null())


# --- GO-01 --------------------------------------------------------------------------------------------------------


class GapParams(PluginSettings):
    """Which colour is compared."""

    dimension: Dimension = "overall"


def rag_gap(params: GapParams, view: View) -> pl.DataFrame:
    """Return by how many steps the computed colour is worse than the declared one."""
    declared = "declared_rag" if params.dimension == "overall" else f"declared_rag_{params.dimension}"
    colours = colours_of(view, params.dimension).rename({"project": "uid"})
    facts = view.rows.select("uid", declared=declared).join(colours, on="uid", how="left", maintain_order="left")
    none = pl.when(pl.col("declared").is_null()).then(pl.lit(f"missing project.{declared}"))
    return facts.select(
        "uid",
        value=steps("computed") - steps("declared"),
        unknown=pl.coalesce(none, "why"),
        declared_status="declared",
        computed_status="computed",
    )


# --- GO-04 --------------------------------------------------------------------------------------------------------


class StreakParams(PluginSettings):
    """How often the colour is looked at, and how many samples there must be."""

    every: Literal["day", "week", "month", "quarter"] = "week"
    at_least: Periods = 2


def wish(params: StreakParams) -> Samples:
    """Return the samples that are read."""
    return Samples(COLOURS, params.every, max(LOOKED_AT, params.at_least), ("overall",))


def wishes(params: StreakParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return (wish(params),)


def amber_streak(params: StreakParams, view: View) -> pl.DataFrame:
    """Count the samples running in which the computed colour was amber, the present colour being the last."""
    runs = _runs(params, view)
    rows = view.rows.select("uid").join(
        colours_of(view, "overall").rename({"project": "uid"}), on="uid", how="left", maintain_order="left"
    )
    joined = rows.join(runs, on="uid", how="left", maintain_order="left")
    samples = pl.col("earlier").fill_null(0) + 1
    few = pl.format(f"needs {params.at_least} samples, has {{}}", samples)
    run = pl.when(pl.col("computed") == "amber").then(pl.col("run").fill_null(0) + 1).otherwise(0)
    grey = pl.when((pl.col("computed") == "grey") | pl.col("silent")).then("why")
    return joined.select(
        "uid",
        value=run,
        unknown=pl.coalesce(grey, pl.when(samples < params.at_least).then(few)),
        amber_since=pl.when(run > 1).then("begun"),
    )


def _runs(params: StreakParams, view: View) -> pl.DataFrame:
    """Return, of the samples before the present one, how many there are and how many amber ones end them."""
    found = view.snapshot.past.get(wish(params))
    if found is None or found.is_empty():
        return pl.DataFrame(schema={"uid": pl.String, "earlier": pl.Int64, "run": pl.Int64, "begun": pl.Date})
    before = found.filter(pl.col("ends") < view.snapshot.today).with_columns(
        place=pl.int_range(pl.len()).over("uid"), number=pl.len().over("uid")
    )
    stopped = pl.col("place").filter(pl.col("overall") != "amber").max().fill_null(-1)
    return before.group_by("uid").agg(
        earlier=pl.len().cast(pl.Int64),
        run=(pl.len() - 1 - stopped).cast(pl.Int64),
        begun=pl.col("ends").filter(pl.col("place") > stopped).min(),
    )


RAG_GAP = Measure(
    "project.rag_gap",
    "project",
    Unit.STEPS,
    GapParams,
    ("declared_rag",),
    rag_gap,
    text="Steps by which the computed colour is worse than the declared one.",
    clock="today",
    amber="at least 1",
    red="at least 2",
    after_others=True,
)
AMBER_STREAK = Measure(
    "project.amber_streak",
    "project",
    Unit.PERIODS,
    StreakParams,
    ("code",),
    amber_streak,
    text="Periods running in which the computed colour has been amber.",
    clock="today",
    past=wishes,
    amber="at least 3 periods",
    red="at least 5 periods",
    after_others=True,
)
