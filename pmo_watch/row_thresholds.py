"""Thresholds that rows bring themselves: an indicator's `under 90`, written by its owner, comes before the rule's."""

import polars as pl

from pmo_watch.bands import Band, Part, band
from pmo_watch.conditions import Operand, Scope
from pmo_watch.errors import RuleError
from pmo_watch.rule_grammar import Misread, Subject, read_threshold
from pmo_watch.rules import Thresholds
from pmo_watch.view import column_of

ALWAYS = Part("", pl.lit(value=True))


def brought(level: str, prefix: str, ruled: Band, own: Operand, scope: Scope) -> Band:
    """Return the thresholds of a level, each distinct text of the rows read once; `ruled` for rows without one.

    A text that cannot be read leaves its rows open, and says so.
    """
    column = f"{prefix}.{level}"
    scope.table.require([column])
    texts = scope.table.rows[column].drop_nulls().unique().sort().to_list()
    if level == "recover" and texts and not ruled.parts:
        ruled = Band((ALWAYS,))
    missing = pl.col(column).is_null()
    parts = [part.only_where(missing) for part in ruled.parts]
    for text in texts:
        here = pl.col(column).eq_missing(pl.lit(text))
        parts += [part.only_where(here) for part in _read(text, level, column, own, scope)]
    return Band(tuple(parts))


def _read(text: str, level: str, column: str, own: Operand, scope: Scope) -> tuple[Part, ...]:
    entity = scope.table.entity

    def about(name: str) -> Subject:
        found = column_of(entity, name)
        if found is None:
            raise Misread(f"there is no field '{name}'")
        return Subject.field(name, found.field)

    try:
        number = Subject(own.name, "number", any_unit=True)
        read = read_threshold(text, number, about, "red" if level == "red" else "amber")
        return band(Thresholds((read,)), own, scope).parts
    except (Misread, RuleError):
        return (Part(text, pl.lit(None, pl.Boolean), pl.lit(f"invalid {column}: {text}")),)


def unset(prefix: str, scope: Scope) -> pl.Expr:
    """Return why a row without thresholds of its own is not judged where the rule brings none either."""
    columns = [f"{prefix}.{level}" for level in ("amber", "red")]
    scope.table.require(columns)
    return pl.when(pl.all_horizontal([pl.col(one).is_null() for one in columns])).then(pl.lit("not configured"))
