"""Whether a project has the documents that it must have by now."""

import polars as pl

from pmo_watch.api import Columns, Measure, PluginSettings, Unit, View

from .wanted import lacking, mandatory, no_register, rank, standing


class CompleteParams(PluginSettings):
    """Few documents are no small sample: each of them is asked for."""

    min_sample: int = 0


class FoundingParams(PluginSettings):
    """Without which documents a project must not be running."""

    documents: tuple[str, ...] = ("project_charter", "business_case")


def complete(_: CompleteParams, view: View) -> pl.DataFrame:
    """Return which share of the documents due in the current and earlier phases is approved, in per cent."""
    phases = view.rows.select("uid", reached=rank(pl.col("phase")))
    due = mandatory(view).join(phases, left_on="project", right_on="uid")
    due = standing(due.filter(rank(pl.col("for_phase")) <= pl.col("reached")), view)
    counted = due.group_by("project").agg(
        pl.col("approved").sum().alias("numerator"),
        pl.len().alias("denominator"),
        lacking().alias("missing_documents"),
    )
    facts = view.rows.select("uid", "phase").join(
        counted, left_on="uid", right_on="project", how="left", maintain_order="left"
    )
    known = pl.col("phase").is_not_null()
    return facts.select(
        "uid",
        "missing_documents",
        value=Columns.ratio(pl.col("numerator") * 100, pl.col("denominator")),
        numerator="numerator",
        denominator=pl.col("denominator").fill_null(0),
        not_applicable=pl.when(known & pl.col("denominator").is_null()).then(pl.lit("nothing due yet")),
        unknown=pl.coalesce(no_register(view), pl.when(~known).then(pl.lit("missing project.phase"))),
    )


def founding_missing(params: FoundingParams, view: View) -> pl.DataFrame:
    """Count the founding documents that a running project has not approved."""
    names = pl.DataFrame({"artefact": list(dict.fromkeys(params.documents))}, schema={"artefact": pl.String})
    asked = standing(view.rows.select(project="uid").join(names, how="cross"), view)
    counted = asked.group_by("project").agg((~pl.col("approved")).sum().alias("number"), lacking().alias("which"))
    facts = view.rows.select("uid", "state").join(
        counted, left_on="uid", right_on="project", how="left", maintain_order="left"
    )
    running = pl.col("state").is_in(["executing", "closing"])
    return facts.select(
        "uid",
        value=pl.when(pl.col("state").is_not_null()).then(pl.col("number").fill_null(0)),
        not_applicable=pl.when(~running).then(pl.lit("not started")),
        unknown=pl.when(running).then(no_register(view)),
        missing_documents="which",
    )


COMPLETE = Measure(
    "project.documents_complete",
    "project",
    Unit.PERCENT,
    CompleteParams,
    ("phase",),
    complete,
    text="Approved share of the documents mandatory by now.",
    clock="today",
    dimension="quality",
    amber="under 100 %",
    red="under 80 %",
    recover="at least 100 %",
)
FOUNDING_MISSING = Measure(
    "project.founding_documents_missing",
    "project",
    Unit.COUNT,
    FoundingParams,
    ("state",),
    founding_missing,
    text="Founding documents that a running project has not approved.",
    clock="today",
    dimension="quality",
    red="at least 1",
)
