"""The computed colour of a project: the worst finding of each dimension, and of all (spec measures 1.1, 1.11).

What stands above projects, a programme or portfolio, is rolled up in the same way from the colours of its projects.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pmo_watch.contracts import Measure
from pmo_watch.flow import Findings, Snapshot
from pmo_watch.references import one_project
from pmo_watch.rules import RuleSet

COUNTED = ("schedule", "cost", "scope", "risk", "resources", "quality")  # `data` is shown beside the colour
DIMENSIONS = (*COUNTED, "data")
OVERALL = "overall"
RANK = {"green": 0, "grey": 1, "amber": 2, "red": 3}  # na is left out
SCHEMA = {"project": pl.String(), "dimension": pl.String(), "state": pl.String()}


def dimensions_of(rules: RuleSet, measures: Mapping[str, Measure[Any]]) -> dict[str, str]:
    """Return, by rule id, the dimension of a project's colour that the rule counts in; empty for none."""
    return {
        rule.id: rule.dimension
        or next((one.dimension for judged in rule.measures if (one := measures.get(judged.measure))), "")
        for rule in rules.rules.values()
    }


def no_colours() -> pl.DataFrame:
    """Return the colours of no project."""
    return pl.DataFrame(schema=SCHEMA)


def computed_colours(findings: Sequence[Findings], dimensions: Mapping[str, str], snapshot: Snapshot) -> pl.DataFrame:
    """Return project (uid), dimension and state: the worst of the findings on the project and its entities.

    `dimensions`: rule id -> dimension; rules without one do not count. The dimension `overall` is the worst of all but
    `data`. A project and dimension without a finding other than na has no row.
    """
    by_dimension: dict[str, list[pl.DataFrame]] = {}
    for one in findings:
        if dimensions.get(one.rule) and not one.frame.is_empty():
            by_dimension.setdefault(dimensions[one.rule], []).append(_ranked(one))
    if not by_dimension:
        return no_colours()
    places = project_of(snapshot)
    # The worst of each row comes first: a hundred rules on the same rows are then joined to their projects once.
    worst = pl.concat(
        [
            pl.concat(parts)
            .group_by("uid")
            .agg(pl.col("rank").max())
            .join(places, on="uid")
            .group_by("project")
            .agg(pl.col("rank").max())
            .select("project", pl.lit(dimension).alias("dimension"), "rank")
            for dimension, parts in by_dimension.items()
        ]
    )
    overall = worst.filter(pl.col("dimension").is_in(COUNTED)).group_by("project").agg(pl.col("rank").max())
    both = pl.concat([worst, overall.select("project", pl.lit(OVERALL).alias("dimension"), "rank")])
    return both.select("project", "dimension", state=_state(pl.col("rank"))).sort("project", "dimension")


def worst_of(states: pl.Expr) -> pl.Expr:
    """Return the worst of the states of a group: red, amber, grey, green; na and null are left out."""
    return _state(states.replace_strict(RANK, default=None, return_dtype=pl.Int64).max())


def _state(rank: pl.Expr) -> pl.Expr:
    states = {rank: state for state, rank in RANK.items()}
    return rank.replace_strict(states, default=None, return_dtype=pl.String)


def why_unassessed(
    findings: Sequence[Findings], dimensions: Mapping[str, str], snapshot: Snapshot, projects: pl.DataFrame
) -> pl.DataFrame:
    """Return `project` and `reason`: why projects have no colour, in the words of the first rule that says so.

    `projects`: `project` and `dimension`, which may be `overall`. What could not be assessed says more than what no
    rule asks about. A project of which nothing is found at all has no row.
    """
    places = project_of(snapshot).join(projects.select("project").unique(), on="project", how="semi")
    counted = [] if places.is_empty() else [one for one in findings if dimensions.get(one.rule)]
    if not counted:
        return pl.DataFrame(schema={"project": pl.String(), "reason": pl.String()})
    said = pl.concat([_said(one, dimensions[one.rule]) for one in counted])
    asked = projects.select("project", pl.col("dimension").replace({OVERALL: None}).alias("asked"))
    counts = pl.col("dimension").eq(pl.col("asked")) | (pl.col("asked").is_null() & pl.col("dimension").is_in(COUNTED))
    here = said.join(places, on="uid", maintain_order="left").join(asked, on="project", maintain_order="left")
    first = (
        here.filter(counts)
        .group_by("project")
        .agg(grey=pl.col("reason").filter("grey").first(), reason=pl.col("reason").first())
    )
    return first.select("project", pl.coalesce("grey", "reason").alias("reason")).sort("project")


def _said(one: Findings, dimension: str) -> pl.DataFrame:
    """Return the rows that a rule does not judge, in the order of their uids; `grey`: it would have."""
    grey = pl.col("state") == "grey"
    silent = one.frame.filter((grey | (pl.col("state") == "na")) & pl.col("reason").is_not_null())
    return silent.select("uid", "reason", grey=grey, dimension=pl.lit(dimension))


def _ranked(found: Findings) -> pl.DataFrame:
    """Return how bad each finding is; na is left out."""
    return found.frame.filter(pl.col("state") != "na").select(
        "uid", rank=pl.col("state").replace_strict(RANK, return_dtype=pl.Int64)
    )


def project_of(snapshot: Snapshot) -> pl.DataFrame:
    """Return the uid of every row of every entity that belongs to a project, with the project's uid.

    A role or meeting belongs to the project that it is held for.
    """
    linked = [frame for frame in snapshot.frames.values() if "project" in frame.columns]
    parts = [frame.select("uid", one_project(frame.schema)) for frame in linked]
    projects = snapshot.frame("project").select("uid", project="uid")
    held = [snapshot.frame(entity).select("uid", project="scope") for entity in ("role", "meeting")]
    parts += [frame.join(projects, on="project", how="semi") for frame in held]
    return pl.concat([*parts, projects]).drop_nulls()
