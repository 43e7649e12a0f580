"""A formula as columns: one lazy query for all rows, each operation a column of it, and why a row has no value.

A row without a value says why in one of two texts: `na` where the question does not arise, `unknown` where something
is missing. Null is never 0: it makes all that is computed from it null.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from pmo_watch.api import Kind, View

from .meaning import Term

DECIMALS = 6  # what is compared, or divided by, is rounded as values are
MOST_SHOWN = 8  # of what a formula names
_LONGEST = 60  # of a part of a formula in a reason
PER_DAY = "project.minutes_per_day"  # the length of a day, for durations
NO_TEXT = pl.lit(None, pl.String)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A part of a formula: its value, and texts that say why there is none; None where there always is one."""

    value: pl.Expr
    na: pl.Expr | None = None
    unknown: pl.Expr | None = None


def computed(term: Term, view: View) -> pl.DataFrame:
    """Return a formula's answer as a measure gives it: `uid`, `value`, why there is none, what it is made from."""
    query = _Query(view, term)
    whole = query.known(term)
    wanted = {"value": whole.value, "not_applicable": _text(whole.na), "unknown": _text(whole.unknown)}
    if fraction := _fraction(term):
        top, bottom = (query.known(one).value for one in fraction)
        wanted |= {"numerator": top, "denominator": bottom}
    shown = {name: column for name, column in query.shown().items() if name not in wanted}
    return query.rows.select("uid", **wanted, **shown).collect()


def _text(reason: pl.Expr | None) -> pl.Expr:
    return NO_TEXT if reason is None else reason


def _fraction(term: Term) -> tuple[Term, ...]:
    """Return what is divided by what, also in 100 * a / b and a / b * 100; nothing for any other formula."""
    term = _without_factor(term)
    return (_without_factor(term.parts[0]), term.parts[1]) if term.kind == "/" else ()


def _without_factor(term: Term) -> Term:
    """Return a product of something and a number as the something; any other term as it is."""
    others = [one for one in term.parts if one.kind != "number"]
    return others[0] if term.kind == "*" and len(others) == 1 else term


_NUMBERS = frozenset({Kind.COUNT, Kind.NUMBER, Kind.PERCENT, Kind.HOURS, Kind.MONEY})
_ARITHMETIC: Mapping[str, Callable[..., pl.Expr]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "minus": lambda one: -one,
    "abs": lambda one: one.abs(),
}
_COMPARISONS: Mapping[str, Callable[..., pl.Expr]] = {
    "over": lambda left, right: left > right,
    "under": lambda left, right: left < right,
    "at least": lambda left, right: left >= right,
    "at most": lambda left, right: left <= right,
    "is": lambda left, right: left == right,
    "is not": lambda left, right: left != right,
}
_LOGIC: Mapping[str, Callable[..., pl.Expr]] = {
    "and": lambda left, right: left & right,
    "or": lambda left, right: left | right,
    "not": lambda one: ~one,
}


class _Query:
    """The rows with a column for each operation; the same part of a formula is computed once."""

    def __init__(self, view: View, term: Term) -> None:
        self._view = view
        names = {str(one.value): one for one in term.walk() if one.kind == "name"}
        self._fields = {name: one for name, one in names.items() if one.field}
        self._measured = [name for name, one in names.items() if not one.field]
        self.rows = self._table().lazy()
        self._made: dict[Term, Known] = {}
        self._count = 0

    def _table(self) -> pl.DataFrame:
        """Return the rows with the columns that the formula reads, and those of other measures' answers."""
        rows = self._view.rows
        per_day = [name for name in (PER_DAY,) if name in rows.columns]
        columns = dict.fromkeys(
            ("uid", "@calendar", "@as_of", "@today", *per_day, *map(self._column, self._fields), *self._currencies())
        )
        answers = [
            one.alias(f"{name}|{one.name}")
            for name in self._measured
            for one in self._view.measured(name).iter_columns()
        ]
        return rows.select(list(columns)).hstack(answers)

    def _column(self, name: str) -> str:
        return name.removeprefix(f"{self._view.entity}.")

    def _currencies(self) -> list[str]:
        """Return the columns that say in which currency a project's amounts were written, one for each field group."""
        fields = [one.field for one in self._fields.values() if one.field and one.field.kind == Kind.MONEY]
        columns = dict.fromkeys(f"@currency:{one.group}" for one in fields)
        return [name for name in columns if name in self._view.rows.columns] if len(columns) > 1 else []

    # --- parts ------------------------------------------------------------------------------------------------------

    def known(self, term: Term) -> Known:
        """Return the part as columns."""
        if term not in self._made:
            self._made[term] = self._MAKERS[term.kind](self, term)
        return self._made[term]

    def shown(self) -> dict[str, pl.Expr]:
        """Return what the formula names, as far as a message shows it."""
        of_fields = {
            name: self.known(one).value if one.field and one.field.kind == Kind.MINUTES else pl.col(self._column(name))
            for name, one in self._fields.items()
            if one.type.kind != "other"
        }
        of_measures = {name: pl.col(f"{name}|value") for name in self._measured}
        return dict(list((of_fields | of_measures).items())[:MOST_SHOWN])

    def _bound(self, value: pl.Expr) -> pl.Expr:
        """Make a column of it: what is used twice is then computed once."""
        self._count += 1
        name = f"@{self._count}"
        self.rows = self.rows.with_columns(value.alias(name))
        return pl.col(name)

    def _bound_text(self, reason: pl.Expr | None) -> pl.Expr | None:
        return None if reason is None else self._bound(reason)

    def _parts(self, term: Term) -> list[Known]:
        return [self.known(one) for one in term.parts]

    # --- leaves -----------------------------------------------------------------------------------------------------

    def _number(self, term: Term) -> Known:
        return Known(pl.lit(float(str(term.value)), pl.Float64))

    def _constant(self, term: Term) -> Known:
        return Known(pl.lit(term.value))

    def _clock(self, term: Term) -> Known:
        return Known(pl.col(f"@{term.value}"))

    def _name(self, term: Term) -> Known:
        name = str(term.value)
        if term.field is None:
            return Known(*(pl.col(f"{name}|{part}") for part in ("value", "not_applicable", "unknown")))
        value = pl.col(self._column(name))
        missing = pl.when(value.is_null()).then(pl.lit(f"missing {name}"))
        mixed = self._mixed_currencies() if term.field.kind == Kind.MONEY else None
        counted = self._of_kind(term.field.kind, value)
        return Known(
            counted if mixed is None else pl.when(mixed.is_null()).then(counted), None, _first([missing, mixed])
        )

    def _of_kind(self, kind: Kind, value: pl.Expr) -> pl.Expr:
        """Return a field's value as formulas count it: durations in working days, instants as days."""
        if kind == Kind.MINUTES:
            return value.cast(pl.Float64) / self._minutes_per_day()
        if kind == Kind.MOMENT:
            return value.dt.convert_time_zone(self._view.snapshot.organisation.timezone).dt.date()
        return value.cast(pl.Float64) if kind in _NUMBERS else value

    def _minutes_per_day(self) -> pl.Expr:
        snapshot = self._view.snapshot
        usual = snapshot.calendars[snapshot.organisation.calendar].minutes_per_day
        return pl.col(PER_DAY).fill_null(usual).cast(pl.Float64)

    def _mixed_currencies(self) -> pl.Expr | None:
        """Return that a project's amounts were written in two currencies: they are never computed with."""
        columns = self._currencies()
        if not columns:
            return None
        several = pl.concat_list(columns).list.drop_nulls().list.unique().list.sort()
        return pl.when(several.list.len() > 1).then(pl.format("mixed currencies: {}", several.list.join(", ")))

    # --- numbers ----------------------------------------------------------------------------------------------------

    def _arithmetic(self, term: Term) -> Known:
        parts = self._parts(term)
        result = self._bound(_ARITHMETIC[term.kind](*[one.value for one in parts]))
        # What no number can hold must not go on as 0, as 1 / infinity would.
        too_large = pl.when(~result.is_finite()).then(pl.lit(f"invalid formula: {_short(term)} = ∞"))
        value = self._bound(pl.when(result.is_finite()).then(result))
        return Known(value, _first([one.na for one in parts]), _first([*[one.unknown for one in parts], too_large]))

    def _division(self, term: Term) -> Known:
        top, bottom = self._parts(term)
        by_zero = self._bound(bottom.value.round(DECIMALS) == 0)
        nothing = self._bound(by_zero & (top.value.round(DECIMALS) == 0))
        result = self._bound(pl.when(~by_zero).then(top.value / bottom.value))
        below = term.parts[1]
        said = f"invalid {below.value}: 0" if below.kind == "name" else f"invalid formula: {_short(below)} = 0"
        zero = pl.when(by_zero & ~nothing).then(pl.lit(said))
        too_large = pl.when(~result.is_finite()).then(pl.lit(f"invalid formula: {_short(term)} = ∞"))
        return Known(
            self._bound(pl.when(result.is_finite()).then(result)),
            _first([top.na, bottom.na, pl.when(nothing).then(pl.lit("nothing due yet"))]),
            _first([top.unknown, bottom.unknown, zero, too_large]),
        )

    def _extreme(self, term: Term) -> Known:
        parts = self._parts(term)
        values = [one.value for one in parts]
        chosen = pl.min_horizontal(values) if term.kind == "min" else pl.max_horizontal(values)
        every = pl.all_horizontal([one.is_not_null() for one in values])  # Polars would leave nulls out
        value = self._bound(pl.when(every).then(chosen))
        return Known(value, _first([one.na for one in parts]), _first([one.unknown for one in parts]))

    def _first_known(self, term: Term) -> Known:
        """Return the first value that is there; na where all of them are, else what is missing first."""
        parts = self._parts(term)
        value = self._bound(pl.coalesce([one.value for one in parts]))
        nas = [self._bound_text(one.na) for one in parts]
        # A sum may say both; where the question does not arise, nothing is missing.
        unknowns = [_where_asked(one.unknown, na) for one, na in zip(parts, nas, strict=True)]
        missing, nothing = value.is_null(), pl.lit(value=False)
        all_na = pl.all_horizontal([nothing if one is None else one.is_not_null() for one in nas])
        na, unknown = _first(nas), _first(unknowns)
        return Known(
            value,
            None if na is None else self._bound(pl.when(missing & all_na).then(na)),
            None if unknown is None else self._bound(pl.when(missing & ~all_na).then(unknown)),
        )

    def _chosen(self, term: Term) -> Known:
        asked, yes, no = self._parts(term)
        holds = self._bound(asked.value)

        def either(one: pl.Expr | None, other: pl.Expr | None) -> pl.Expr | None:
            if one is None and other is None:
                return None
            return pl.when(holds).then(_text(one)).when(~holds).then(_text(other))

        unclear = None if asked.unknown is None else pl.when(holds.is_null()).then(asked.unknown)
        return Known(
            self._bound(pl.when(holds).then(yes.value).when(~holds).then(no.value)),
            self._bound_text(either(yes.na, no.na)),
            self._bound_text(_first([unclear, either(yes.unknown, no.unknown)])),
        )

    def _days(self, term: Term) -> Known:
        start, end = self._parts(term)
        if term.kind == "d":
            days, beyond = (end.value - start.value).dt.total_days(), None
        else:
            days = self._view.working_days(start.value, end.value)
            beyond = pl.format("invalid calendar.id: {}", "@calendar")
        value = self._bound(days.cast(pl.Float64))
        outside = None if beyond is None else pl.when(value.is_null()).then(beyond)
        return Known(value, _first([start.na, end.na]), _first([start.unknown, end.unknown, outside]))

    # --- conditions -------------------------------------------------------------------------------------------------

    def _comparison(self, term: Term) -> Known:
        """Compare; where the question does not arise for a measure, the answer is no, as in a rule's conditions."""
        left, right = self._parts(term)
        values = [left.value, right.value]
        if term.parts[0].type.kind == "number":
            values = [one.round(DECIMALS) for one in values]
        elif term.parts[0].type.kind == "flag":
            values[1] = pl.lit(value=term.parts[1].value == "true")
        holds = _COMPARISONS[term.kind](*values)
        unknown = _first([left.unknown, right.unknown])
        na = self._bound_text(_first([left.na, right.na]))
        if na is None:
            return Known(self._bound(holds), None, unknown)
        holds = pl.when(na.is_not_null()).then(pl.lit(value=False)).otherwise(holds)
        return Known(self._bound(holds), None, _where_asked(unknown, na))

    def _logic(self, term: Term) -> Known:
        parts = self._parts(term)
        value = self._bound(_LOGIC[term.kind](*[one.value for one in parts]))
        unknown = _first([one.unknown for one in parts])
        return Known(value, None, None if unknown is None else self._bound(pl.when(value.is_null()).then(unknown)))

    def _existence(self, term: Term) -> Known:
        (named,) = self._parts(term)
        field = term.parts[0].field
        empty = named.value.is_null()
        if field is not None and field.kind == Kind.LIST:
            empty = ~(named.value.list.len() > 0).fill_null(value=False)
        holds = empty if term.kind == "missing" else ~empty
        if named.na is not None:
            holds = holds & named.na.is_null()
        return Known(self._bound(holds))

    _MAKERS: ClassVar[Mapping[str, Callable[["_Query", Term], Known]]] = {
        "number": _number,
        **dict.fromkeys(("date", "text"), _constant),
        "clock": _clock,
        "name": _name,
        **dict.fromkeys(_ARITHMETIC, _arithmetic),
        "/": _division,
        **dict.fromkeys(("min", "max"), _extreme),
        "first": _first_known,
        "if": _chosen,
        **dict.fromkeys(("wd", "d"), _days),
        **dict.fromkeys(_COMPARISONS, _comparison),
        **dict.fromkeys(_LOGIC, _logic),
        **dict.fromkeys(("missing", "present"), _existence),
    }


def _where_asked(unknown: pl.Expr | None, na: pl.Expr | None) -> pl.Expr | None:
    return unknown if unknown is None or na is None else pl.when(na.is_null()).then(unknown)


def _first(reasons: list[pl.Expr | None]) -> pl.Expr | None:
    known = [one for one in reasons if one is not None]
    return pl.coalesce(known) if known else None


def _short(term: Term) -> str:
    return term.text if len(term.text) <= _LONGEST else f"{term.text[: _LONGEST - 1]}…"
