"""The five logs in one list: each record goes to the register its type names (spec sources 5.4)."""

from collections.abc import Mapping

import polars as pl
from pmo_watch_plugins.sources.csv_file import meanings
from pmo_watch_plugins.sources.csv_file.choices import read_words
from pmo_watch_plugins.sources.csv_file.column import Column, Rules
from pmo_watch_plugins.sources.csv_file.grid import ROW
from pmo_watch_plugins.sources.csv_file.keys import KEY
from pmo_watch_plugins.sources.csv_file.profile import Form, Spec
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.values import Values
from pmo_watch_plugins.sources.csv_file.vocabulary import fold

from pmo_watch.api import ENTITIES, Kind

REGISTER = "@register"
# What the common columns are called in each log; a column of the log's own name comes before them.
COMMON: Mapping[str, Mapping[str, str]] = {
    "risk": {"identified_on": "opened_on", "target_date": "due"},
    "issue": {"raised_on": "opened_on", "target_date": "due", "resolved_on": "closed_on"},
    "decision": {"requested_on": "opened_on", "needed_by": "due", "decided_on": "closed_on"},
    "change": {"submitted_on": "opened_on", "decided_on": "@decided", "delivered_on": "@delivered"},
    "action": {"done_on": "closed_on"},
    # A need that is in no plan: what it is about stands where the path of another plan would.
    "dependency": {"provider": "owner", "needed_on": "due", "confirmed_on": "closed_on", "external_name": "title"},
}


def register_rows(frame: pl.DataFrame, values: Values, rules: Rules, report: Report) -> list[tuple[str, pl.DataFrame]]:
    """Part the records by register, each with its register's fields; a record of no known type is rejected."""
    words = meanings.by_word(meanings.REGISTER_WORDS)
    types = {text: words.get(fold(text)) for text in frame["type"].unique().drop_nulls()}
    register = pl.col("type").replace_strict(list(types), list(types.values()), default=None, return_dtype=pl.String)
    typed = frame.with_columns(register.alias(REGISTER))
    for row, text in typed.filter(pl.col(REGISTER).is_null()).select(ROW, "type").iter_rows():
        reason = "no register of that type: risk, issue, decision, change, action or dependency"
        report.record(values.table.grid.place(row), values.header("type"), text or "", reason)
    return [(entity, _register(entity, typed, values, rules, report)) for entity in COMMON]


def _register(entity: str, typed: pl.DataFrame, values: Values, rules: Rules, report: Report) -> pl.DataFrame:
    kinds = [entity, "opportunity"] if entity == "risk" else [entity]
    rows = _with_status(entity, typed.filter(pl.col(REGISTER).is_in(kinds)), values, rules, report)
    fields: dict[str, pl.Expr] = {}
    for one in ENTITIES[entity].stored():
        names = [name for name in (one.header, COMMON[entity].get(one.name, "")) if name in rows.columns]
        if names and one.kind != Kind.ENUM:
            fields[one.name] = pl.coalesce(names)
    if "@status" in rows.columns:
        fields["status"] = pl.col("@status")
    if entity == "risk":
        chance = pl.when(pl.col(REGISTER) == "opportunity").then(statement=True)
        fields["opportunity"] = pl.coalesce(chance, fields["opportunity"]) if "opportunity" in fields else chance
    if entity == "dependency":
        fields["external"] = pl.lit(value=True)
    return rows.select(ROW, KEY, **{"id": pl.col("id"), **fields})


def _with_status(entity: str, rows: pl.DataFrame, values: Values, rules: Rules, report: Report) -> pl.DataFrame:
    """Read the status by the words of the register, and the dates that hang on it."""
    field = ENTITIES[entity].field("status")
    if "status" not in rows.columns:
        return rows
    if field is None:
        _report_undated(entity, rows, values, report)
        return rows
    header = values.header("status")
    spec = Spec("status", Form.WORD, field.one_of, field="status")
    column = Column(spec, header, header, "", rows["status"], rows[ROW], values.table.grid)
    rows = rows.with_columns(read_words(column, entity, rules, report).values.alias("@status"))
    if entity != "change" or "closed_on" not in rows.columns:
        return rows
    # A change that is in place was closed by delivering it, every other by deciding.
    delivered = pl.col("@status").eq_missing(pl.lit("implemented"))
    return rows.with_columns(
        pl.when(delivered).then("closed_on").alias("@delivered"),
        pl.when(~delivered).then("closed_on").alias("@decided"),
    )


def _report_undated(entity: str, rows: pl.DataFrame, values: Values, report: Report) -> None:
    """Report decisions that were taken, but nobody says when: they count as open."""
    if entity != "decision":
        return
    taken = [
        text for text in rows["status"].unique().drop_nulls() if fold(text) in meanings.folded(meanings.DECIDED_WORDS)
    ]
    dates = [name for name in ("decided_on", "closed_on") if name in rows.columns]
    undated = pl.coalesce(dates).is_null() if dates else pl.lit(value=True)
    for row, text in rows.filter(pl.col("status").is_in(taken) & undated).select(ROW, "status").iter_rows():
        reason = "decided, but without the date: it counts as open"
        report.cell(values.table.grid.place(row), values.header("status"), text, reason)
