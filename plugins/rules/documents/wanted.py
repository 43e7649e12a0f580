"""Which documents a project of its size must have in each phase, and which of them stand approved."""

from collections.abc import Mapping, Sequence

import polars as pl

from pmo_watch.api import View

PHASES = ("initiating", "planning", "executing", "closing")
# What PM² v3.1 asks for, by the phase it belongs to; an organisation's own sets come before it.
PM2: Mapping[str, Sequence[str]] = {
    "initiating": ("project_initiation_request", "business_case", "project_charter"),
    "planning": ("project_handbook", "project_work_plan", "risk_log", "issue_log", "decision_log", "change_log"),
    "executing": ("acceptance_note",),
    "closing": ("project_end_report",),
}
NO_SOURCE = "missing document.status"


def rank(phase: pl.Expr) -> pl.Expr:
    """Return the place of a phase among the four; null for none of them."""
    return phase.replace_strict({name: n for n, name in enumerate(PHASES)}, default=None, return_dtype=pl.Int64)


def registered(view: View) -> pl.DataFrame:
    """Return the documents that some source keeps: their project, artefact, status and what is said of their need."""
    documents = view.snapshot.frame("document").filter(pl.col("vanished_on").is_null())
    return documents.select("project", "artefact", "status", "mandatory_for", "tailored_out")


def no_register(view: View) -> pl.Expr:
    """Return why nothing can be said where no source keeps documents at all; null where one does."""
    return pl.lit(NO_SOURCE if registered(view).is_empty() else None, pl.String)


def mandatory(view: View) -> pl.DataFrame:
    """Return `project`, `artefact` and `for_phase` of each document that a project must have."""
    rows = registered(view).filter(pl.col("mandatory_for").is_not_null())
    said = rows.select("project", "artefact", for_phase="mandatory_for")
    return pl.concat([_by_set(view), said]).unique(["project", "artefact"], keep="last", maintain_order=True)


def standing(asked: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return the documents asked for, those tailored out aside, with whether each is `approved`.

    `asked` has `project` and `artefact`; a document without a row is not approved.
    """
    best = (
        registered(view)
        .group_by("project", "artefact")
        .agg(
            (pl.col("status") == "approved").any().alias("approved"),
            pl.col("tailored_out").is_not_null().any().alias("out"),
        )
    )
    return (
        asked.join(best, on=["project", "artefact"], how="left")
        .filter(~pl.col("out").fill_null(value=False))
        .with_columns(approved=pl.col("approved").fill_null(value=False))
        .drop("out")
    )


def lacking() -> pl.Expr:
    """Return the names of the documents that are not approved, as text; null where there is none."""
    names = pl.col("artefact").filter(~pl.col("approved")).sort()
    return pl.when(names.len() > 0).then(names.str.join(", "))


def _by_set(view: View) -> pl.DataFrame:
    """Return the documents that the size of each project asks for."""
    own = view.snapshot.organisation.document_sets
    rows = [
        (size, artefact, phase)
        for size, phases in {"": PM2, **own}.items()
        for phase, names in phases.items()
        for artefact in names
    ]
    table = pl.DataFrame(rows, schema=["size", "artefact", "for_phase"], orient="row")
    size = pl.when(pl.col("size_class").is_in(list(own))).then("size_class").otherwise(pl.lit(""))
    projects = view.snapshot.frame("project").select(project="uid", size=size)
    return projects.join(table, on="size").select("project", "artefact", "for_phase")
