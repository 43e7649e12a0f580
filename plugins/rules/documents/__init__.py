"""Documents: what a project of its size and phase must have, and has approved."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Unit, View, hookimpl

PHASES = ("initiating", "planning", "executing", "closing")
# What PM² v3.1 asks for, by the phase it belongs to; an organisation's own sets come before it.
PM2: Mapping[str, Sequence[str]] = {
    "initiating": ("project_initiation_request", "business_case", "project_charter"),
    "planning": ("project_handbook", "project_work_plan", "risk_log", "issue_log", "decision_log", "change_log"),
    "executing": ("acceptance_note",),
    "closing": ("project_end_report",),
}


class CompleteParams(PluginSettings):
    """Few documents are no small sample: each of them is asked for."""

    min_sample: int = 0


def complete(_: CompleteParams, view: View) -> pl.DataFrame:
    """Return which share of the documents due in the current and earlier phases is approved, in per cent."""
    documents = view.snapshot.frame("document").select("project", "artefact", "status", "mandatory_for", "tailored_out")
    wanted = pl.concat([_by_set(view), _by_row(documents)]).unique(
        ["project", "artefact"], keep="last", maintain_order=True
    )
    best = documents.group_by("project", "artefact").agg(
        (pl.col("status") == "approved").any().alias("approved"),
        pl.col("tailored_out").is_not_null().any().alias("out"),
    )
    phases = view.rows.select("uid", reached=_rank(pl.col("phase")))
    due = (
        wanted.join(phases, left_on="project", right_on="uid")
        .filter(_rank(pl.col("for_phase")) <= pl.col("reached"))
        .join(best, on=["project", "artefact"], how="left")
        .filter(~pl.col("out").fill_null(value=False))
        .with_columns(approved=pl.col("approved").fill_null(value=False))
    )
    counted = due.group_by("project").agg(
        pl.col("approved").sum().alias("numerator"),
        pl.len().alias("denominator"),
        pl.col("artefact").filter(~pl.col("approved")).sort().str.join(", ").alias("missing_documents"),
    )
    facts = view.rows.select("uid", "phase").join(
        counted, left_on="uid", right_on="project", how="left", maintain_order="left"
    )
    none = pl.lit("missing document.status") if documents.is_empty() else pl.lit(None, pl.String)
    return facts.select(
        "uid",
        "missing_documents",
        value=pl.when(pl.col("denominator") > 0).then(pl.col("numerator") * 100 / pl.col("denominator")),
        numerator="numerator",
        denominator=pl.col("denominator").fill_null(0),
        unknown=pl.coalesce(none, pl.when(pl.col("phase").is_null()).then(pl.lit("missing project.phase"))),
    )


def _rank(phase: pl.Expr) -> pl.Expr:
    return phase.replace_strict({name: n for n, name in enumerate(PHASES)}, default=None, return_dtype=pl.Int64)


def _by_row(documents: pl.DataFrame) -> pl.DataFrame:
    """Return the documents whose own row says for which phase they are mandatory."""
    return documents.filter(pl.col("mandatory_for").is_not_null()).select(
        "project", "artefact", for_phase="mandatory_for"
    )


def _by_set(view: View) -> pl.DataFrame:
    """Return the documents that the size of each project asks for."""
    sets = {"": PM2, **view.snapshot.organisation.document_sets}
    rows = [
        (size, artefact, phase)
        for size, phases in sets.items()
        for phase, names in phases.items()
        for artefact in names
    ]
    table = pl.DataFrame(rows, schema=["size", "artefact", "for_phase"], orient="row")
    own = view.snapshot.organisation.document_sets
    size = pl.when(pl.col("size_class").is_in(list(own))).then("size_class").otherwise(pl.lit(""))
    return view.rows.select(project="uid", size=size).join(table, on="size").select("project", "artefact", "for_phase")


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


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return DO-01 of the catalogue."""
    return [COMPLETE]
