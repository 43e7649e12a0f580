"""Governance: a project that is reported better than its figures say."""

from collections.abc import Iterable
from typing import Any, Literal

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Unit, View, computed_colours, hookimpl

STEPS = {"green": 0, "amber": 1, "red": 2}


class GapParams(PluginSettings):
    """Which colour is compared."""

    dimension: Literal["overall", "schedule", "cost", "scope", "risk", "resources", "quality"] = "overall"


def rag_gap(params: GapParams, view: View) -> pl.DataFrame:
    """Return by how many steps the computed colour is worse than the declared one."""
    declared = "declared_rag" if params.dimension == "overall" else f"declared_rag_{params.dimension}"
    colours = computed_colours(list(view.findings.values()), view.dimensions, view.snapshot)
    computed = colours.filter(pl.col("dimension") == params.dimension).select(uid="project", computed="state")
    facts = view.rows.select("uid", declared=pl.col(declared)).join(
        computed, on="uid", how="left", maintain_order="left"
    )
    step = {
        name: pl.col(name).replace_strict(STEPS, default=None, return_dtype=pl.Int64)
        for name in ("computed", "declared")
    }
    none = pl.when(pl.col("declared").is_null()).then(pl.lit(f"missing project.{declared}"))
    grey = pl.when(pl.col("computed") == "grey").then(pl.lit("computed colour not assessable"))
    nothing = pl.when(pl.col("computed").is_null()).then(pl.lit("missing computed colour"))
    return facts.select(
        "uid",
        value=step["computed"] - step["declared"],
        unknown=pl.coalesce(none, nothing, grey),
        declared_status="declared",
        computed_status="computed",
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


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return GO-01 of the catalogue."""
    return [RAG_GAP]
