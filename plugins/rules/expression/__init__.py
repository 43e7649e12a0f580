"""Formulas: a measure that a rule writes itself, for what the catalogue lacks."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import polars as pl
from pydantic import Field

from pmo_watch.api import PREFIXES, Measure, Misread, Namespace, PluginSettings, Terms, Unfit, Unit, View, hookimpl

from . import units
from .columns import PER_DAY, computed
from .grammar import LONGEST, read_formula
from .meaning import Term, understood

PLANS = frozenset({"project", "milestone", "task", "dependency"})  # rows that a plan's status date is about


class FormulaParams(PluginSettings):
    """The formula, and the unit of what it gives."""

    formula: str = Field(
        max_length=LONGEST,
        examples=[
            "d(updated_at, today)",  # the first one is a formula of any row
            "100 * project.actual_cost / project.budget",
            "wd(milestone.baseline_finish, max(milestone.forecast_finish, today))",
            "if(risk.probability over 50, risk.cost_impact, 0)",
        ],
        description="A formula over the fields and measures of a row: + - * / min max abs first if wd d.",
    )
    unit: Literal["wd", "d", "h", "%", "pp", "money", "ratio", "count", "periods", "steps"] = Field(
        examples=["d"], description="The unit of what the formula gives; thresholds carry it."
    )


def terms(params: FormulaParams, names: Namespace) -> tuple[Terms, Sequence[Unfit]]:
    """Return the unit, the fields and measures that a formula reads, and all that is wrong with it."""
    declared = Unit(params.unit)
    try:
        term, faults = understood(params.formula, read_formula(params.formula), names.for_each, names.meaning)
    except Misread as error:
        return Terms(declared), [Unfit("formula", error.text, error.offset)]
    found = [Unfit("formula", one.text, one.offset) for one in faults]
    if not found and not units.fits(term.type.unit, declared):
        found.append(Unfit("unit", _misdeclared(term.type.unit, declared)))
    return _terms(term, declared, names.for_each), found


def _terms(term: Term, declared: Unit, for_each: str) -> Terms:
    named = dict.fromkeys((str(one.value), one.field) for one in term.walk() if one.kind == "name")
    clocks = {one.value for one in term.walk() if one.kind == "clock"}
    needs = [name for name, field in named if field is not None]
    if any(field is not None and units.is_duration(field) for _, field in named):
        needs.append(PER_DAY)
    reads = tuple(name for name, field in named if field is None)
    clock = "as_of" if "as_of" in clocks or (for_each in PLANS and "today" not in clocks) else "today"
    return Terms(declared, tuple(dict.fromkeys(needs)), reads, clock)


def _misdeclared(unit: str, declared: Unit) -> str:
    given = units.IN_WORDS[unit]
    if unit in {units.RATIO, units.QUOTIENT} and declared in {Unit.PERCENT, Unit.POINTS}:
        return f"the formula gives {given}, not '{declared}': write 100 * in front of it, or `unit: ratio`"
    return f"the formula gives {given}, not '{declared}': write `unit: {units.usual(unit)}`"


def formula(params: FormulaParams, view: View) -> pl.DataFrame:
    """Compute a formula for all rows at once."""

    def meaning(name: str) -> Any:
        return view.field(name) or Unit.COUNT  # units were looked at when the rule was read

    term, _ = understood(params.formula, read_formula(params.formula), view.entity, meaning)
    return computed(term, view)


FORMULA = Measure(
    "rule.formula",
    "project",
    Unit.DECLARED,
    FormulaParams,
    (),
    formula,
    text="A formula over the fields and measures of a row, written in the rule.",
    also_for=tuple(one for one in PREFIXES if one != "project"),
    terms=terms,
)


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return the formula."""
    return [FORMULA]
