"""Conditions of rules as Polars expressions over a table: true, false, or null where a value is missing.

What a condition is about and what it compares with are expressions over the same frame; no row is looked at alone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from pmo_watch import workdays
from pmo_watch.errors import RuleError
from pmo_watch.flow import Snapshot
from pmo_watch.model import Kind
from pmo_watch.rules import Condition, Op, Quantity, Test, Today, Tolerance, Value
from pmo_watch.view import Column, Table

NUMBERS = frozenset({Kind.COUNT, Kind.NUMBER, Kind.PERCENT, Kind.MINUTES, Kind.HOURS, Kind.MONEY})
MINUTES_PER_HOUR = 60
TOLERANT = ("project", "program", "portfolio")  # whose own tolerances count, the nearest first


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """What a condition is about.

    `unknown`: text, why its value is not known; null where it is; None where nobody asks about rows without a value.
    `na`: true where the question does not arise, so that every condition on it is false. `unit`: text, the unit of
    the row where rows differ (money, indicators). `extra`: true where a missing value adds nothing instead of leaving
    the question open.
    """

    name: str
    kind: Kind
    value: pl.Expr
    unknown: pl.Expr | None = None
    na: pl.Expr | None = None
    unit: pl.Expr | None = None
    extra: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """A compiled condition: `holds` is null where it cannot be said, `unknown` (text) says why.

    `unknown` is None where only the operand's own value could be missing. `limit` is the number it compares with;
    `note` what a result that used it must say; `whose` (text) whose tolerance it is.
    """

    holds: pl.Expr
    unknown: pl.Expr | None = None
    limit: pl.Expr | float | None = None
    note: pl.Expr | None = None
    whose: pl.Expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """What names mean in the conditions of one rule: `measure` knows measures and companions."""

    table: Table
    measure: Callable[[str], Operand | None]

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that the table shows."""
        return self.table.snapshot

    def operand(self, name: str) -> Operand:
        """Return what a name stands for.

        Raises:
            RuleError: it is no field that the rule may read, nor a measure.
        """
        column = self.table.column(name)
        if column is not None:
            return _field(name, column, self.table.entity)
        found = self.measure(name)
        if found is None:
            raise RuleError(f"there is no field or measure '{name}' for {self.table.entity}")
        return found

    def test(self, test: Test) -> Verdict:
        """Compile a condition on a named field or measure."""
        return compile_condition(test.condition, self.operand(test.subject), self)


def _field(name: str, column: Column, entity: str) -> Operand:
    kind, value = column.field.kind, pl.col(column.name)
    if kind == Kind.LIST:
        value = pl.when(value.list.len() > 0).then(value)
    full = name if "." in name else f"{entity}.{name}"
    return Operand(full, kind, value, pl.when(value.is_null()).then(pl.lit(f"missing {full}")))


def compile_condition(condition: Condition, operand: Operand, scope: Scope) -> Verdict:
    """Compile one condition on an operand.

    Raises:
        RuleError: the operand cannot be compared with such a value.
    """
    if condition.op in {Op.MISSING, Op.PRESENT}:
        empty = operand.value.is_null()
        holds = empty if condition.op == Op.MISSING else ~empty
        return Verdict(_unless_na(holds, operand))
    if operand.kind in NUMBERS:
        return _number(condition, operand, scope)
    holds = _other(condition, operand, scope)
    holds = _unless_na(holds.fill_null(value=False) if operand.extra else holds, operand)
    return Verdict(holds, operand.unknown)


def _unless_na(holds: pl.Expr, operand: Operand) -> pl.Expr:
    return holds if operand.na is None else pl.when(~operand.na).then(holds).otherwise(pl.lit(value=False))


# --- numbers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Bound:
    """A number to compare with: in the operand's own unit, and as the rule wrote it."""

    number: pl.Expr
    shown: pl.Expr | float
    unknown: pl.Expr | None = None
    note: pl.Expr | None = None
    whose: pl.Expr | None = None


def _number(condition: Condition, operand: Operand, scope: Scope) -> Verdict:
    bounds = [_bound(value, operand, scope) for value in condition.values]
    value = operand.value.cast(pl.Float64)
    holds = _compare(condition, operand, value, [one.number for one in bounds])
    strange = _strange_unit(condition, operand)
    if strange is not None:
        holds = pl.when(strange.is_null()).then(holds)
    reasons = [one for one in (operand.unknown, strange, *[one.unknown for one in bounds]) if one is not None]
    if operand.extra:
        holds = holds.fill_null(value=False)
    return Verdict(
        _unless_na(holds, operand),
        pl.coalesce(reasons) if reasons else None,
        _met_limit(condition, value, [one.shown for one in bounds]),
        next((one.note for one in bounds if one.note is not None), None),
        next((one.whose for one in bounds if one.whose is not None), None),
    )


COMPARE: Mapping[Op, Callable[[pl.Expr, list[pl.Expr]], pl.Expr]] = {
    Op.OVER: lambda value, bounds: value > bounds[0],
    Op.UNDER: lambda value, bounds: value < bounds[0],
    Op.AT_LEAST: lambda value, bounds: value >= bounds[0],
    Op.AT_MOST: lambda value, bounds: value <= bounds[0],
    Op.BETWEEN: lambda value, bounds: (value >= bounds[0]) & (value <= bounds[1]),
    Op.NOT_BETWEEN: lambda value, bounds: (value < bounds[0]) | (value > bounds[1]),
    Op.IS_NOT: lambda value, bounds: value != bounds[0],
    Op.IS: lambda value, bounds: value == bounds[0],
    Op.ONE_OF: lambda value, bounds: pl.any_horizontal([value == one for one in bounds]),
}


def _compare(condition: Condition, operand: Operand, value: pl.Expr, bounds: list[pl.Expr]) -> pl.Expr:
    compare = COMPARE.get(condition.op)
    if compare is None:
        raise RuleError(f"{operand.name} cannot be compared with '{condition.op}'")
    return compare(value, bounds)


def _met_limit(condition: Condition, value: pl.Expr, shown: list[pl.Expr | float]) -> pl.Expr | float:
    """Return the number that was crossed: of a range the side on which the value lies."""
    if condition.op == Op.NOT_BETWEEN:
        low, high = (one if isinstance(one, pl.Expr) else pl.lit(one) for one in shown)
        return pl.when(value > high).then(high).otherwise(low)
    return shown[0]


def _bound(value: Value, operand: Operand, scope: Scope) -> _Bound:
    if isinstance(value, Quantity):
        number = pl.lit(float(value.number), pl.Float64)
        minutes = operand.kind == Kind.MINUTES
        return _Bound(number * _factor(value, operand, scope) if minutes else number, float(value.number))
    if isinstance(value, Tolerance):
        return _tolerance(value, operand, scope)
    raise RuleError(f"{operand.name} is a number and cannot be compared with {value!r}")


def _factor(value: Quantity, operand: Operand, scope: Scope) -> pl.Expr:
    """Return the working minutes of the unit; a day is as long as the plan's calendar says."""
    if value.unit == "h":
        return pl.lit(float(MINUTES_PER_HOUR))
    if value.unit != "wd":
        raise RuleError(f"{operand.name} is a duration: give wd or h, not '{value.unit}'")
    column = scope.table.column("project.minutes_per_day")
    fallback = scope.snapshot.calendars[scope.snapshot.organisation.calendar].minutes_per_day
    per_day = pl.col(column.name).fill_null(fallback) if column else pl.lit(fallback)
    return per_day.cast(pl.Float64)


def _strange_unit(condition: Condition, operand: Operand) -> pl.Expr | None:
    """Return why a threshold does not fit the row's own unit, as text; null where it does; None where none can."""
    written = next((one.unit for one in condition.values if isinstance(one, Quantity) and one.unit), "")
    if operand.unit is None or not written:
        return None
    if re.fullmatch(r"[A-Z]{3}", written):
        pair = pl.when(operand.unit < written).then(pl.format("{}, {}", operand.unit, pl.lit(written)))
        text = pl.format("mixed currencies: {}", pair.otherwise(pl.format("{}, {}", pl.lit(written), operand.unit)))
    else:
        text = pl.format("invalid indicator.unit: {}", operand.unit)
    return pl.when(operand.unit.fill_null("") != written).then(text.fill_null("missing indicator.unit"))


def _tolerance(value: Tolerance, operand: Operand, scope: Scope) -> _Bound:
    """Return the row's own tolerance, else its programme's, portfolio's, organisation's, else the rule's.

    Where the rule asks for so much less than the tolerance, its own number is meant as it stands.
    """
    field = f"tolerance_{value.dimension}_{value.level}"
    named = {prefix: scope.table.column(f"{prefix}.{field}") for prefix in TOLERANT}
    places = {prefix: pl.col(one.name) for prefix, one in named.items() if one}
    less = value.less.number if value.less is not None else Decimal(0)
    own = pl.coalesce([*(one.cast(pl.Float64) for one in places.values()), pl.lit(None, pl.Float64)]) - float(less)
    holders = [pl.when(one.is_not_null()).then(pl.lit(prefix)) for prefix, one in places.items()]
    common = scope.snapshot.organisation.tolerances.get(f"{value.dimension}_{value.level}")
    number: Decimal | None = None if common is None else common - less
    said = f"no project tolerance: {common:f} of the organisation" if common is not None else ""
    if common is None and value.default is not None:
        number = value.default.number
        said = f"no project tolerance: {number:f} {value.default.unit}".rstrip()
    if number is None:
        missing = pl.when(own.is_null()).then(pl.lit(f"missing project.{field}"))
        return _Bound(own, own, missing, whose=pl.coalesce([*holders, pl.lit(None, pl.String)]))
    note = pl.when(own.is_null()).then(pl.lit(said))
    known = own.fill_null(float(number))
    whose = pl.coalesce([*holders, pl.lit("rule" if common is None else "organisation")])
    return _Bound(known, known, note=note, whose=whose)


# --- dates, words, flags, lists -----------------------------------------------------------------------------------


def _other(condition: Condition, operand: Operand, scope: Scope) -> pl.Expr:
    if operand.kind in {Kind.DATE, Kind.MOMENT}:
        return _dates(condition, operand, scope)
    if operand.kind == Kind.FLAG:
        return _flags(condition, operand)
    if operand.kind == Kind.LIST:
        return _lists(condition, operand)
    return _texts(condition, operand)


def _dates(condition: Condition, operand: Operand, scope: Scope) -> pl.Expr:
    value = operand.value
    if operand.kind == Kind.MOMENT:
        value = value.dt.convert_time_zone(scope.snapshot.organisation.timezone).dt.date()
    days = [_day(one, operand, scope) for one in condition.values]
    return _compare(condition, operand, value, days)


def _day(value: Value, operand: Operand, scope: Scope) -> pl.Expr:
    snapshot = scope.snapshot
    if isinstance(value, Today):
        if value.unit == "d":
            return pl.lit(snapshot.today + timedelta(days=value.offset))
        choose = workdays.each_in_its_own(snapshot.working_calendars(), snapshot.organisation.calendar)
        offset = pl.lit(value.offset)
        return choose(lambda calendar: workdays.add(pl.col("@today"), offset, calendar))
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise RuleError(f"{operand.name} is a date and cannot be compared with '{value}'") from None
    if not isinstance(value, date):
        raise RuleError(f"{operand.name} is a date and cannot be compared with {value!r}")
    return pl.lit(value)


def _flags(condition: Condition, operand: Operand) -> pl.Expr:
    wanted = [_flag(one, operand) for one in condition.values]
    if condition.op == Op.IS_NOT:
        return operand.value != wanted[0]
    if condition.op in {Op.IS, Op.ONE_OF}:
        return operand.value.is_in(wanted)
    raise RuleError(f"{operand.name} is true or false and cannot be compared with '{condition.op}'")


def _flag(value: Value, operand: Operand) -> bool:
    words = {"true": True, "false": False}
    found = value if isinstance(value, bool) else words.get(str(value).lower())
    if found is None:
        raise RuleError(f"{operand.name} is true or false, not {value!r}")
    return found


def _texts(condition: Condition, operand: Operand) -> pl.Expr:
    words = [_word(one) for one in condition.values]
    if condition.op == Op.LIKE:
        return operand.value.str.contains(_glob(words[0]))
    if condition.op == Op.IS_NOT:
        return operand.value != words[0]
    if condition.op in {Op.IS, Op.ONE_OF}:
        return operand.value.is_in(words)
    raise RuleError(f"{operand.name} is a text and cannot be compared with '{condition.op}'")


def _lists(condition: Condition, operand: Operand) -> pl.Expr:
    """Compare a list of texts: it is a word when the word is among them."""
    words = [_word(one) for one in condition.values]
    if condition.op == Op.LIKE:
        return operand.value.list.eval(pl.element().str.contains(_glob(words[0]))).list.any()
    among = operand.value.list.eval(pl.element().is_in(words)).list.any()
    if condition.op == Op.IS_NOT:
        return ~among
    if condition.op in {Op.IS, Op.ONE_OF}:
        return among
    raise RuleError(f"{operand.name} is a list of texts and cannot be compared with '{condition.op}'")


def _word(value: Value) -> str:
    if isinstance(value, Quantity):
        return f"{value.number} {value.unit}".rstrip()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _glob(pattern: str) -> str:
    """Return the regular expression of `APP-*`: * any characters, ? one, and no others; case does not matter."""
    literal = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return f"(?is)^{literal}$"
