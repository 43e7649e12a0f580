"""What a rule makes of single rows, piece by piece: conditions, measures, thresholds, each with its value.

The pieces are the very expressions that findings are made with; they are only looked at one by one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from pmo_watch.bands import Band, Part, written
from pmo_watch.conditions import Operand, Verdict
from pmo_watch.evaluate import Evaluation, LaidOpen, Weighed
from pmo_watch.flow import Findings, Snapshot
from pmo_watch.judge import STATES, Sheet
from pmo_watch.measured import BREACH, TO_JUDGE
from pmo_watch.needed import LEVELS, Measures, reads_findings
from pmo_watch.rules import RuleSet, Test

Row = Mapping[str, Any]
STANDING = {TO_JUDGE: "judged", BREACH: "red"}  # what a measure's answer comes to; else the state itself


@dataclass(frozen=True, slots=True)
class ConditionSeen:
    """A condition of `only_if` on one row; `holds` is None where it cannot be said, `unknown` says why."""

    subject: str
    condition: str
    value: Any
    holds: bool | None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class ThresholdSeen:
    """A threshold on one row: as `ConditionSeen`, with the number it compared with and whose tolerance that was.

    `tolerance_of`: project, program, portfolio, organisation or rule; empty where it is no tolerance. `of`: the parts
    that must hold together.
    """

    level: str
    condition: str
    holds: bool | None
    limit: float | None = None
    tolerance_of: str = ""
    note: str = ""
    unknown: str = ""
    of: tuple["ThresholdSeen", ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureSeen:
    """What a measure answers for one row, before and after its thresholds.

    `standing`: judged, red (a breach without a value), grey or na. `general`: why no rule asks about the row.
    `evidence`: what it rests on, as values; null where the source does not say.
    """

    measure: str
    params: Mapping[str, Any]
    value: float | None
    unit: str
    numerator: float | None
    denominator: float | None
    standing: str
    reason: str
    general: str
    note: str
    as_of: date | None
    as_of_note: str
    evidence: Mapping[str, Any]
    thresholds: tuple[ThresholdSeen, ...]


@dataclass(frozen=True, slots=True)
class RowSeen:
    """What a rule makes of one row; `calendar`: by which its working days are counted."""

    uid: str
    calendar: str
    only_if: tuple[ConditionSeen, ...] = ()
    measures: tuple[MeasureSeen, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """The findings of those of the rules `wanted` that are in force; their rows piece by piece: rule -> uid -> row."""

    wanted: frozenset[str]
    findings: Mapping[str, Findings]
    rows: Mapping[str, Mapping[str, RowSeen]] = field(default_factory=dict)


def examine(
    rules: RuleSet,
    snapshot: Snapshot,
    measures: Measures,
    wanted: Mapping[str, Collection[str]],
    choose: Callable[[Findings], Collection[str]] = lambda _: (),
) -> Examined:
    """Evaluate the rules that are asked for as a cycle would, and lay open what they make of some rows.

    `wanted`: rule id -> uids. `choose`: further uids, by what a rule found. Rules that cannot be evaluated, or are
    switched off, have no rows.
    """
    asked = [rules.rules[name] for name in wanted if name in rules.rules and rules.rules[name].enabled]
    asked = [one for one in asked if one.measures]
    evaluation = Evaluation(rules, snapshot, measures)
    last = [one for one in asked if reads_findings(one, measures)]
    if last:
        others = (one for one in rules.rules.values() if one.enabled and one.measures)
        evaluation.go_on_with({one.id: evaluation.findings(one) for one in others if not reads_findings(one, measures)})
    findings = {one.id: evaluation.findings(one) for one in asked}
    usable = [one for one in asked if not findings[one.id].failed]
    uids = {one.id: {*wanted[one.id], *choose(findings[one.id])} for one in usable}
    rows = {one.id: _rows(evaluation.laid_open(one), uids[one.id]) for one in usable if uids[one.id]}
    return Examined(frozenset(wanted), findings, rows)


def _rows(laid: LaidOpen, uids: Collection[str]) -> dict[str, RowSeen]:
    """Return what a rule makes of these rows; those it does not look at are left out."""
    columns = {"uid": pl.col("uid"), "calendar": pl.col("@calendar"), **_conditions(laid.only_if)}
    for number, one in enumerate(laid.weighed):
        columns |= _weighed(f"{number}", one)
    found = _filtered(laid.sheet, columns, uids)
    evidence = [_evidence(one, laid.sheet, uids) for one in laid.weighed]
    return {
        row["uid"]: RowSeen(
            row["uid"],
            row["calendar"],
            tuple(_condition(f"if {number}", test, row) for number, (test, _, _) in enumerate(laid.only_if)),
            tuple(_measure(f"{number}", one, row, shown[row["uid"]])
                  for number, (one, shown) in enumerate(zip(laid.weighed, evidence, strict=True))),
        )
        for row in found.iter_rows(named=True)
    }  # fmt: skip


def _filtered(sheet: Sheet, columns: dict[str, pl.Expr], uids: Collection[str]) -> pl.DataFrame:
    named = {f"@{number}": one for number, one in enumerate(columns.values())}
    found = sheet.select(named).rename(dict(zip(named, columns, strict=True)))
    return found.filter(pl.col("uid").is_in(list(uids)))


# --- conditions ---------------------------------------------------------------------------------------------------


def _conditions(only_if: Sequence[tuple[Test, Operand, Verdict]]) -> dict[str, pl.Expr]:
    columns: dict[str, pl.Expr] = {}
    for number, (_, operand, verdict) in enumerate(only_if):
        columns |= {f"if {number} value": operand.value, f"if {number} holds": verdict.holds}
        if verdict.unknown is not None:
            columns[f"if {number} unknown"] = verdict.unknown
    return columns


def _condition(key: str, test: Test, row: Row) -> ConditionSeen:
    holds = row[f"{key} holds"]
    why = "" if holds is not None else row.get(f"{key} unknown") or f"missing {test.subject}"
    return ConditionSeen(test.subject, written(test.condition), row[f"{key} value"], holds, why)


# --- measures and thresholds --------------------------------------------------------------------------------------


ANSWERED = ("value", "unit", "numerator", "denominator", "standing", "reason", "general", "note", "as_of", "as_of_note")


def _weighed(key: str, one: Weighed) -> dict[str, pl.Expr]:
    columns = {f"{key} {name}": pl.col(f"{one.asked.key}:{name}") for name in ANSWERED}
    for level in LEVELS:
        band: Band = getattr(one.levels, level)
        for number, part in enumerate(band.parts):
            columns |= _part(f"{key} {level} {number}", part)
    return columns


def _part(key: str, part: Part) -> dict[str, pl.Expr]:
    columns = {f"{key} holds": part.holds}
    if isinstance(part.limit, pl.Expr):
        columns[f"{key} limit"] = part.limit
    others = {"note": part.note, "unknown": part.unknown, "whose": part.whose, "guard": part.guard}
    columns |= {f"{key} {name}": one for name, one in others.items() if one is not None}
    for number, each in enumerate(part.of):
        columns |= _part(f"{key}.{number}", each)
    return columns


def _evidence(one: Weighed, sheet: Sheet, uids: Collection[str]) -> Mapping[str, Row]:
    answer = one.asked.answer
    frame = answer.evidence.hstack(answer.frame.select("uid"))
    companions = answer.frame.select(name for name in answer.measure.companions if name in answer.frame.columns)
    added = companions.select(name for name in companions.columns if name not in frame.columns)
    rows = frame.hstack(added).filter(pl.col("uid").is_in(list(uids)))
    return {row.pop("uid"): row for row in rows.iter_rows(named=True)}


def _measure(key: str, one: Weighed, row: Row, evidence: Row) -> MeasureSeen:
    answer = one.asked.answer
    standing = row[f"{key} standing"]
    return MeasureSeen(
        answer.measure.name,
        answer.params.model_dump(mode="json"),
        row[f"{key} value"],
        row[f"{key} unit"] or "",
        row[f"{key} numerator"],
        row[f"{key} denominator"],
        STANDING.get(standing, STATES[standing]),
        row[f"{key} reason"] or "",
        row[f"{key} general"] or "",
        row[f"{key} note"] or "",
        row[f"{key} as_of"],
        row[f"{key} as_of_note"] or "",
        evidence,
        tuple(_thresholds(key, one, row)),
    )


def _thresholds(key: str, one: Weighed, row: Row) -> Iterator[ThresholdSeen]:
    for level in LEVELS:
        band: Band = getattr(one.levels, level)
        for number, part in enumerate(band.parts):
            if row.get(f"{key} {level} {number} guard", True):
                yield _threshold(f"{key} {level} {number}", level, part, row)


def _threshold(key: str, level: str, part: Part, row: Row) -> ThresholdSeen:
    holds = row[f"{key} holds"]
    return ThresholdSeen(
        level,
        part.text,
        holds,
        part.limit if isinstance(part.limit, float) else row.get(f"{key} limit"),
        row.get(f"{key} whose") or "",
        row.get(f"{key} note") or "",
        "" if holds is not None else row.get(f"{key} unknown") or "",
        tuple(_threshold(f"{key}.{number}", level, each, row) for number, each in enumerate(part.of)),
    )
