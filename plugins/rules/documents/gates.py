"""Whether the documents are there that a gate asks for."""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Unit, View, WorkingDays

from .wanted import lacking, mandatory, no_register, standing

CLOSED_BY = {"initiating": "rfp", "planning": "rfe", "executing": "rfc"}  # phase -> the gate that closes it


class GateParams(PluginSettings):
    """How near a gate must be, and which documents it asks for; those of the phase it closes where nobody says."""

    window: WorkingDays = 20
    documents: Mapping[Literal["rfp", "rfe", "rfc"], tuple[str, ...]] = {}


def gate_documents_missing(params: GateParams, view: View) -> pl.DataFrame:
    """Count the documents of a gate that is near or overdue which are not approved."""
    asked = standing(_asked(params, view), view)
    counted = asked.group_by("project", "code").agg(
        (~pl.col("approved")).sum().alias("number"), lacking().alias("which")
    )
    facts = view.rows.select("uid", "project", "code", "planned_on", "days_left", "passed", "tailored_out").join(
        counted, on=["project", "code"], how="left", maintain_order="left"
    )
    near = pl.col("planned_on").is_not_null() & pl.col("days_left").is_not_null()
    return facts.select(
        "uid",
        value=pl.when(near).then(pl.col("number").fill_null(0)),
        not_applicable=pl.coalesce(
            pl.when("passed").then(pl.lit("done")),
            pl.when("tailored_out").then(pl.lit("out of scope")),
            pl.when(pl.col("code").is_null()).then(pl.lit("not configured")),
            pl.when(pl.col("days_left") > params.window).then(pl.lit("not in window")),
        ),
        unknown=pl.coalesce(pl.when(~near).then(pl.lit("missing gate.planned_on")), no_register(view)),
        missing_documents="which",
        planned_on="planned_on",
        days_left="days_left",
    )


def _asked(params: GateParams, view: View) -> pl.DataFrame:
    """Return `project`, `code` of a gate and `artefact` of each document that the gate asks for in the project."""
    said = [(gate, name) for gate, names in params.documents.items() for name in dict.fromkeys(names)]
    table = pl.DataFrame(said, schema={"code": pl.String, "artefact": pl.String}, orient="row")
    listed = view.rows.select("project", "code").unique().join(table, on="code")
    code = pl.col("for_phase").replace_strict(CLOSED_BY, default=None, return_dtype=pl.String)
    by_phase = mandatory(view).select("project", "artefact", code=code)
    rest = by_phase.filter(pl.col("code").is_not_null() & ~pl.col("code").is_in(list(params.documents)))
    columns = ("project", "code", "artefact")
    return pl.concat([listed.select(columns), rest.select(columns)])


GATE_DOCUMENTS = Measure(
    "gate.documents_missing",
    "gate",
    Unit.COUNT,
    GateParams,
    ("planned_on",),
    gate_documents_missing,
    text="Documents that a near gate asks for and that are not approved.",
    clock="today",
    dimension="quality",
    amber="at least 1",
    red="at least 1 when gate.days_left at most 10 wd",
)
