"""The thresholds of one level as expressions: when it is met, by which of them, and what cannot be said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from pmo_watch.conditions import Operand, Scope, Verdict, compile_condition
from pmo_watch.rules import Condition, Quantity, Threshold, Thresholds, Tolerance, Value


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One threshold: `text` as written, the rest as in `Verdict`.

    `of`: its parts, where they must hold together. `guard`: the rows that it is for; None is all.
    """

    text: str
    holds: pl.Expr
    unknown: pl.Expr | None = None
    limit: pl.Expr | float | None = None
    note: pl.Expr | None = None
    whose: pl.Expr | None = None
    of: tuple["Part", ...] = ()
    guard: pl.Expr | None = None

    def only_where(self, guard: pl.Expr) -> "Part":
        """Return the same threshold for some of the rows; elsewhere it does not hold."""
        holds = pl.when(guard).then(self.holds).otherwise(pl.lit(value=False))
        unknown = None if self.unknown is None else pl.when(guard).then(self.unknown)
        note = None if self.note is None else pl.when(guard).then(self.note)
        return replace(self, holds=holds, unknown=unknown, note=note, guard=guard)


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The thresholds of one level, of which one is enough."""

    parts: tuple[Part, ...] = ()

    @property
    def holds(self) -> pl.Expr | None:
        """Whether any is met: null where that hangs on what is missing; None without thresholds."""
        if len(self.parts) < 2:
            return self.parts[0].holds if self.parts else None
        return pl.any_horizontal([one.holds for one in self.parts])

    @property
    def unknown(self) -> pl.Expr | None:
        """Why it cannot be said, as text, where `holds` is null; None where it always can."""
        reasons = [one.unknown for one in self.parts if one.unknown is not None]
        return pl.coalesce(reasons) if reasons else None


def band(thresholds: Thresholds | None, own: Operand, scope: Scope) -> Band:
    """Compile the thresholds of one level on the rule's own measure, `own`.

    Raises:
        RuleError: a name in them is not known, or is compared with what it cannot be.
    """
    if thresholds is None:
        return Band()
    parts = tuple(_part(one, own, scope) for one in thresholds.parts)
    return Band((_all_of(parts),)) if thresholds.how == "all" and len(parts) > 1 else Band(parts)


def _part(threshold: Threshold, own: Operand, scope: Scope) -> Part:
    operand = scope.operand(threshold.on) if threshold.on and threshold.on != own.name else own
    verdict = compile_condition(threshold.condition, operand, scope)
    limit = verdict.limit if operand is own else None
    text = said(threshold)
    if threshold.when is None:
        return Part(text, verdict.holds, _why(verdict, operand.name), limit, verdict.note, verdict.whose)
    asked = scope.test(threshold.when)
    holds = verdict.holds & asked.holds
    reasons = [one for one in (_why(verdict, operand.name), _why(asked, threshold.when.subject)) if one is not None]
    unknown = pl.when(holds.is_null()).then(pl.coalesce(reasons)) if reasons else None
    return Part(text, holds, unknown, limit, verdict.note, verdict.whose)


def _why(verdict: Verdict, name: str) -> pl.Expr | None:
    """Return why a verdict is null, never null itself there."""
    if verdict.unknown is None:
        return None
    return pl.when(verdict.holds.is_null()).then(pl.coalesce(verdict.unknown, pl.lit(f"missing {name}")))


def _all_of(parts: Sequence[Part]) -> Part:
    holds = pl.all_horizontal([one.holds for one in parts])
    reasons = [one.unknown for one in parts if one.unknown is not None]
    return Part(
        " and ".join(one.text for one in parts),
        holds,
        pl.when(holds.is_null()).then(pl.coalesce(reasons)) if reasons else None,
        next((one.limit for one in parts if one.limit is not None), None),
        next((one.note for one in parts if one.note is not None), None),
        of=tuple(parts),
    )


# --- in words -----------------------------------------------------------------------------------------------------


def said(threshold: Threshold) -> str:
    """Return a threshold as a rule would write it."""
    text = written(threshold.condition)
    if threshold.on:
        text = f"{threshold.on} {text}"
    if threshold.when is None:
        return text
    return f"{text} when {threshold.when.subject} {written(threshold.when.condition)}"


def written(condition: Condition) -> str:
    """Return a condition as it was written, or as it would be."""
    if condition.text:
        return condition.text
    separator = ", " if condition.op == "one of" else " and "
    return f"{condition.op} {separator.join(_value(one) for one in condition.values)}".rstrip()


def _value(value: Value) -> str:
    if isinstance(value, Quantity):
        return f"{value.number:f} {value.unit}".rstrip()
    if isinstance(value, Tolerance):
        default = f" or {_value(value.default)}" if value.default else ""
        less = f" - {_value(value.less)}" if value.less else ""
        return f"tolerance.{value.dimension}.{value.level}{less}{default}"
    return str(value)
