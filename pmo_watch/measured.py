"""A measure's answer for every row: a value, or why there is none (spec measures 1.2, 1.5, 1.10)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pmo_watch.contracts import Columns, Measure, View
from pmo_watch.errors import RuleError
from pmo_watch.provenance import with_sources
from pmo_watch.rules import Unit
from pmo_watch.view import Table

# What a row's answer comes to before any threshold is looked at; the numbers are those of `judge.STATES`.
TO_JUDGE, BREACH, GREY, NA = 0, 2, 3, 4
DECIMALS = 6
PARTS = ("value", "numerator", "denominator", "not_applicable", "unknown", "breach", "note", "sample", "unit")
TEXT = pl.lit(None, pl.String)
NUMBER = pl.lit(None, pl.Float64)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A measure with parameters, computed for every row of its table, in the table's order.

    `frame`: `uid`, `value`, `numerator`, `denominator`, `standing` (see above), `reason`, `general` (why no rule asks
    about the row), `note`, `sample`, `as_of`, `as_of_note`, `unit`, `measure`, `source`, `usable`, `reading`, and the
    companions under their names. `evidence`: further columns of any type.
    """

    measure: Measure[Any]
    params: Any
    frame: pl.DataFrame
    evidence: pl.DataFrame


def compute(measure: Measure[Any], params: Any, table: Table, view: View) -> Measured:
    """Ask the measure once for all rows.

    Raises:
        RuleError: the measure's answer is not what its contract says.
    """
    table.require(need if "." in need else f"{table.entity}.{need}" for need in measure.needs)
    rows = with_sources(measure, table)
    shown = replace(view, rows=rows)
    answer = measure.measure(params, shown)
    if isinstance(answer, pl.DataFrame):
        answer, added = _as_columns(measure, answer, rows)
        rows = rows.hstack(added)
    wanted = [answer.value, *answer.evidence.values(), *answer.companions.values()]
    wanted += [one for name in PARTS if (one := getattr(answer, name)) is not None]
    table.require(name for one in wanted for name in one.meta.root_names())
    rows = _with_absent(rows, table)
    raw = rows.select("uid", **_raw(answer))
    frame = _standing(measure, raw.hstack(rows.select(_needed(measure, table, rows))))
    return Measured(measure, params, _finished(measure, frame, rows), rows.select("uid", **answer.evidence).drop("uid"))


def _as_columns(measure: Measure[Any], answer: pl.DataFrame, rows: pl.DataFrame) -> tuple[Columns, pl.DataFrame]:
    """Return a frame's answer as expressions over rows to which its columns were added."""
    found = rows.select("uid").join(answer, on="uid", how="left", maintain_order="left").drop("uid")
    if found.height != rows.height or "value" not in answer.columns:
        raise RuleError(f"{measure.name} must answer with `value` and each `uid` once")
    added = found.rename({name: f"@answer:{name}" for name in found.columns})
    named = {name: pl.col(f"@answer:{name}") for name in found.columns}
    companions = {name: named.pop(name) for name in measure.companions if name in named}
    parts = {name: named.pop(name) for name in PARTS if name in named}
    return Columns(**parts, evidence=named, companions=companions), added


def _with_absent(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Add the columns that were joined to the table since `rows` was taken from it."""
    absent = [name for name in table.rows.columns if name not in rows.columns]
    return rows.hstack(table.rows.select(absent)) if absent else rows


def _raw(answer: Columns) -> dict[str, pl.Expr]:
    """Return the parts of an answer, each with its type; a value that is not finite is none."""
    value = answer.value.cast(pl.Float64)
    texts = {"not_applicable", "unknown", "breach", "note", "unit"}
    parts: dict[str, pl.Expr] = {"value": pl.when(value.is_finite()).then(value.round(DECIMALS))}
    for name in PARTS[1:]:
        given = getattr(answer, name)
        if given is None:
            parts[name] = TEXT if name in texts else NUMBER
        else:
            parts[name] = given.cast(pl.String) if name in texts else given.cast(pl.Float64)
    numbers = {name: one.cast(pl.Float64) for name, one in answer.companions.items()}
    return parts | {name: pl.when(one.is_finite()).then(one.round(DECIMALS)) for name, one in numbers.items()}


def _needed(measure: Measure[Any], table: Table, rows: pl.DataFrame) -> list[pl.Expr]:
    """Return what decides beside the answer: the first missing need as a reason, and what the row's project says."""
    days = table.snapshot.organisation.status_date_max_age
    too_old = (
        pl.when(pl.col("@status_age") > days).then(
            pl.format("project.status_date is {} wd old, limit {}", "@status_age", pl.lit(days))
        )
        if measure.strict_age
        else TEXT
    )
    held = pl.when("@held").then(pl.lit("on hold")) if measure.on_hold_is_na else TEXT
    finished = pl.when("@finished").then(pl.lit("finished")) if measure.finished_is_na else TEXT
    return [
        pl.coalesce("@na", held, finished).alias("general"),
        too_old.alias("too_old"),
        _blamed(measure, table, rows).alias("blamed"),
    ]


def _blamed(measure: Measure[Any], table: Table, rows: pl.DataFrame) -> pl.Expr:
    """Return why a row without a value has none: the first null among the needs, else its calendar, else the value."""
    reasons: list[pl.Expr] = []
    elsewhere = ""
    for need in measure.needs:
        name = need if "." in need else f"{table.entity}.{need}"
        column = table.column(name)
        if column and column.name in rows.columns:
            reasons.append(pl.when(pl.col(column.name).is_null()).then(pl.lit(f"missing {name}")))
        else:
            elsewhere = elsewhere or f"missing {name}"
    if elsewhere:
        return pl.coalesce(*reasons, pl.lit(elsewhere))
    ends = {
        name: f"invalid calendar.id: {name} " + (f"ends {one.last}" if one.last else f"begins {one.first}")
        for name, one in table.snapshot.calendars.items()
        if one.last or one.first
    }
    calendar = pl.col("@calendar").replace_strict(list(ends), list(ends.values()), default=None, return_dtype=pl.String)
    return pl.coalesce(*reasons, calendar, pl.lit("missing value"))


def _standing(measure: Measure[Any], raw: pl.DataFrame) -> pl.DataFrame:
    """Decide each row in the order of spec measures 1.2: na, grey, red without a value, the denominator, the value."""
    due = pl.col("denominator") == 0
    none_due = pl.when(due & (pl.col("numerator").fill_null(0) == 0)).then(pl.lit("nothing due yet"))
    first = next((one for one in measure.needs), "value")
    first = first if "." in first else f"{measure.entity}.{first}"
    steps = [
        ("not_applicable", pl.col("not_applicable"), NA),
        ("too_old", pl.col("too_old"), GREY),
        ("unknown", pl.col("unknown"), GREY),
        ("breach", pl.col("breach"), BREACH),
        ("denominator", none_due, NA),
        ("denominator", pl.when(due).then(pl.lit(f"invalid {first}: 0")), GREY),
        ("value", pl.when(pl.col("value").is_null()).then("blamed"), GREY),
    ]
    # A column that holds nothing decides nothing: most measures use two or three of these steps.
    told = [step for step in steps if step[0] == "value" or raw[step[0]].null_count() < raw.height]
    standing = pl.coalesce(
        *[pl.when(reason.is_not_null()).then(pl.lit(code, pl.UInt8)) for _, reason, code in told],
        pl.lit(TO_JUDGE, pl.UInt8),
    )
    return raw.with_columns(
        standing.alias("standing"), pl.coalesce([reason for _, reason, _ in told]).alias("reason")
    ).drop("too_old", "blamed", "not_applicable", "unknown", "breach")


def _finished(measure: Measure[Any], frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add what every finding says of its row; a value that is not relied on is not shown."""
    at_as_of = measure.clock == "as_of"
    relied_on = pl.col("standing").is_in([TO_JUDGE, NA])
    about = rows.select(
        pl.col("@as_of" if at_as_of else "@today").alias("as_of"),
        (pl.col("@as_of_note") if at_as_of else pl.lit("")).alias("as_of_note"),
        pl.col("source"),
        pl.col("@usable").fill_null(value=True).alias("usable"),
        pl.col("@reading").fill_null(0).alias("reading"),
        pl.lit(measure.name).alias("measure"),
        _own_unit(measure, rows.columns).alias("@unit"),
    )
    return (
        frame.with_columns(pl.when(relied_on).then("value").alias("value"))
        .hstack(about)
        .with_columns(pl.coalesce("unit", "@unit").alias("unit"))
        .drop("@unit")
    )


def _own_unit(measure: Measure[Any], columns: Sequence[str]) -> pl.Expr:
    if measure.unit == Unit.MONEY:
        return pl.col("@currency")
    if measure.unit == Unit.INDICATOR and "indicator.unit" in columns:
        return pl.col("indicator.unit").fill_null("")
    return pl.lit(measure.unit.value)
