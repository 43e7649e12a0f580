"""Step 3: rules against the snapshot. Pure: the same rules and the same snapshot give the same findings.

Each measure is computed once per set of parameters, each `only_if` once, and a rule then costs a few comparisons of
whole columns. What one rule cannot do is said in its findings; the others go on.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl

from pmo_watch import row_thresholds
from pmo_watch.bands import band
from pmo_watch.conditions import Operand, Scope, Verdict
from pmo_watch.contracts import Measure, View
from pmo_watch.errors import PmoWatchError, RuleError
from pmo_watch.facts import evidence
from pmo_watch.flow import FRAME_SCHEMA, Findings, Snapshot
from pmo_watch.judge import NO_TEXT, Judgement, Levels, Sheet, gated, judge, worst
from pmo_watch.measured import GREY, NA, Measured, compute
from pmo_watch.model import Kind
from pmo_watch.needed import LEVELS, Measures, defaults, giver, in_rule, reads_findings, settled, wishes
from pmo_watch.plain import shorten
from pmo_watch.rollup import dimensions_of
from pmo_watch.rules import Judged, Rule, RuleSet, Test, Unit
from pmo_watch.view import Tables

__all__ = ["Asked", "Evaluated", "Evaluation", "LaidOpen", "Weighed", "evaluate", "wishes"]

T = TypeVar("T")
MOST_SAID = 300  # characters of why a rule failed
GROUPS = ("program", "portfolio")  # of projects, whose rows they pool


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """What an evaluation found.

    `findings`: of each enabled rule, in order. `values`: of each further measure that was asked for, with default
    parameters: `uid`, `value`, `unit`, `reason` (why there is no value). `failed`: why one of those has none at all.
    `defects`: measures whose plugin raised what it should not.
    """

    findings: tuple[Findings, ...]
    values: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    defects: tuple[str, ...] = ()


def evaluate(
    rules: RuleSet,
    snapshot: Snapshot,
    measures: Measures,
    extra: Sequence[str] = (),
) -> Evaluated:
    """Evaluate every enabled rule on every row it is for; those that read others' findings come last."""
    enabled = [rule for rule in rules.rules.values() if rule.enabled and rule.measures]
    last = [rule.id for rule in enabled if reads_findings(rule, measures)]
    evaluation = Evaluation(rules, snapshot, measures)
    found = {rule.id: evaluation.findings(rule) for rule in enabled if rule.id not in last}
    evaluation.go_on_with(found)
    found |= {rule.id: evaluation.findings(rule) for rule in enabled if rule.id in last}
    answers = {name: evaluation.values(name) for name in dict.fromkeys(extra)}
    return Evaluated(
        tuple(found[rule.id] for rule in enabled),
        {name: answer for name, answer in answers.items() if isinstance(answer, pl.DataFrame)},
        {name: answer for name, answer in answers.items() if isinstance(answer, str)},
        tuple(evaluation.defects),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A measure that was computed; `key` is the prefix of its columns in the sheet."""

    key: str
    answer: Measured


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A measure of a rule with what it is compared with."""

    judged: Judged
    asked: Asked
    levels: Levels


@dataclass(frozen=True, slots=True, eq=False)
class LaidOpen:
    """What a rule compares, as expressions over one sheet: its conditions and its measures."""

    sheet: Sheet
    only_if: tuple[tuple[Test, Operand, Verdict], ...]
    weighed: tuple[Weighed, ...]


class Evaluation:
    """Holds what rules share: tables, measures already computed, conditions already decided."""

    def __init__(self, rules: RuleSet, snapshot: Snapshot, measures: Measures) -> None:
        self._rules, self._snapshot, self._measures = rules, snapshot, measures
        self.defects: list[str] = []
        self._tables = Tables(snapshot)
        self._found: Mapping[str, Findings] = {}
        self._shared: dict[Hashable, Any] = {}
        self._sheets: dict[str, Sheet] = {}
        self._asked: dict[str, Measured | str] = {}
        self._gates: dict[object, pl.DataFrame | None] = {}
        self._gated: dict[object, tuple[str, pl.DataFrame]] = {}

    def go_on_with(self, found: Mapping[str, Findings]) -> None:
        """Let measures see what rules found so far."""
        self._found = dict(found)

    # --- one rule, one measure --------------------------------------------------------------------------------------

    def findings(self, rule: Rule) -> Findings:
        """Evaluate one rule; what goes wrong becomes its own failure and nobody else's."""
        found = _attempt(lambda: self._findings(rule))
        if isinstance(found, Findings):
            return found
        return Findings(rule.id, pl.DataFrame(schema=FRAME_SCHEMA), failed=found)

    def laid_open(self, rule: Rule) -> LaidOpen:
        """Return what `findings` compares for a rule, for whoever wants to see it row by row.

        Raises:
            RuleError: the rule cannot be evaluated.
        """
        asked, scopes = self._scopes(rule)
        table = scopes[0]
        only_if = tuple((test, table.operand(test.subject), table.test(test)) for test in rule.only_if)
        levels = [
            self._levels(judged, one.answer, one.key, scope)
            for judged, one, scope in zip(rule.measures, asked, scopes, strict=True)
        ]
        weighed = (Weighed(*each) for each in zip(rule.measures, asked, levels, strict=True))
        return LaidOpen(self._sheet(rule.for_each), only_if, tuple(weighed))

    def values(self, name: str) -> pl.DataFrame | str:
        """Return a measure's values with default parameters, or why there are none."""
        return _attempt(lambda: self._values(name))

    def _values(self, name: str) -> pl.DataFrame:
        measure = self._measure(name)
        frame = self._ask(measure, _required_defaults(measure), measure.entity).answer.frame
        silent = pl.col("standing").is_in([NA, GREY]) | pl.col("general").is_not_null() | pl.col("value").is_null()
        why = pl.when(silent).then(pl.coalesce("general", "reason")).alias("reason")
        return frame.select("uid", "value", "unit", why)

    def _findings(self, rule: Rule) -> Findings:
        asked, scopes = self._scopes(rule)
        table = self._tables.table(rule.for_each)
        judged = [self._judge(rule, *each) for each in zip(rule.measures, asked, scopes, strict=True)]
        whole = worst(judged) if len(judged) > 1 else judged[0]
        shown = evidence(table, [one.answer for one in asked], rule.show)
        return Findings(rule.id, whole.frame, shown, met=whole.met)

    def _scopes(self, rule: Rule) -> tuple[list[Asked], list[Scope]]:
        """Return a rule's measures, computed, and what names mean beside each of them."""
        asked = [self._ask(self._in_rule(one), settled(rule, one), rule.for_each) for one in rule.measures]
        table = self._tables.table(rule.for_each)
        return asked, [Scope(table, self._operands(rule.for_each, [one, *asked])) for one in asked]

    def _judge(self, rule: Rule, judged: Judged, asked: Asked, scope: Scope) -> Judgement:
        measure = asked.answer.measure
        conditions = (rule.for_each, rule.only_if, asked.key if self._measures_among(rule.only_if) else "")
        unset = not (judged.amber or judged.red) and measure.row_thresholds
        together = (asked.key, conditions, unset)
        sheet = self._sheet(rule.for_each)
        if together not in self._gated:
            if conditions not in self._gates:
                self._gates[conditions] = self._gate(rule.only_if, scope)
            gate = self._gates[conditions]
            if unset:
                gate = _with_unset(gate, sheet.select({"unset": row_thresholds.unset(unset, scope)}))
            answers, key = gated(asked.answer.frame, gate), f"#{len(self._gated)}"
            sheet.add(key, answers.select("standing", "sample", "value", "unit"))
            self._gated[together] = (key, answers)
        key, answers = self._gated[together]
        return judge(answers, key, self._levels(judged, asked.answer, key, scope), sheet)

    def _measures_among(self, tests: Sequence[Test]) -> bool:
        return any(giver(test.subject, self._measures) for test in tests)

    def _gate(self, only_if: Sequence[Test], scope: Scope) -> pl.DataFrame | None:
        """Decide a rule's conditions: one that is false puts the row out of scope, else one unknown leaves it open."""
        if not only_if:
            return None
        tests = [(test.subject, scope.test(test)) for test in only_if]
        reasons = [
            pl.when(one.holds.is_null()).then(
                pl.coalesce(NO_TEXT if one.unknown is None else one.unknown, pl.lit(said))
            )
            for one, said in [(one, f"missing {name}") for name, one in tests]
        ]
        out = pl.any_horizontal([~one.holds.fill_null(value=True) for _, one in tests])
        scoped = pl.when(out).then(pl.lit("out of scope"))
        return self._sheet(scope.table.entity).select({"out": scoped, "open": pl.coalesce(reasons)})

    def _levels(self, judged: Judged, answer: Measured, key: str, scope: Scope) -> Levels:
        measure = answer.measure
        unit = pl.col(f"{key}:unit") if measure.unit in {Unit.MONEY, Unit.INDICATOR} else None
        own = Operand(measure.name, Kind.NUMBER, pl.col(f"{key}:value"), unit=unit)
        bands = {name: band(getattr(judged, name), own, scope) for name in LEVELS}
        if prefix := measure.row_thresholds:
            bands = {name: row_thresholds.brought(name, prefix, one, own, scope) for name, one in bands.items()}
        least = getattr(answer.params, "min_sample", None)
        return Levels(**bands, least_sample=self._snapshot.organisation.min_sample if least is None else least)

    # --- names ------------------------------------------------------------------------------------------------------

    def _operands(self, for_each: str, asked: Sequence[Asked]) -> Callable[[str], Operand | None]:
        """Return what finds a measure or companion by name: the rule's own first, with its parameters."""

        def find(name: str) -> Operand | None:
            for one in asked:
                if name == one.answer.measure.name or name in one.answer.measure.companions:
                    return _operand(name, one)
            measure = giver(name, self._measures)
            if measure is None or for_each not in measure.subjects:
                return None
            return _operand(name, self._ask(measure, _required_defaults(measure), for_each))

        return find

    def _measure(self, name: str) -> Measure[Any]:
        measure = self._measures.get(name)
        if measure is None:
            raise RuleError(f"there is no measure '{name}': its plugin is not loaded")
        return measure

    def _in_rule(self, judged: Judged) -> Measure[Any]:
        return in_rule(self._measure(judged.measure), judged, self._measures)

    def _sheet(self, entity: str) -> Sheet:
        if entity not in self._sheets:
            self._sheets[entity] = Sheet(self._tables.table(entity))
        return self._sheets[entity]

    def _ask(self, measure: Measure[Any], params: Any, for_each: str) -> Asked:
        """Compute a measure once per set of parameters; one that failed fails again without being asked."""
        key = f"{for_each} {measure.name} {params.model_dump_json()}"
        if key not in self._asked:
            table = self._tables.table(for_each)
            view = View(
                for_each,
                table.rows,
                self._snapshot,
                self._found,
                self._rules,
                dimensions_of(self._rules, self._measures),
                self._shared,
                self._tables.table("project").rows if for_each in GROUPS else None,
                lambda name: self._measured(name, for_each),
            )
            self._asked[key] = f"{measure.name} cannot be computed from itself"
            answer = _attempt(lambda: compute(measure, params, table, view), lambda: self.defects.append(measure.name))
            if isinstance(answer, Measured):
                self._sheet(for_each).add(key, answer.frame)
            self._asked[key] = answer
        found = self._asked[key]
        if isinstance(found, str):
            raise RuleError(found)
        return Asked(key, found)

    def _measured(self, name: str, for_each: str) -> pl.DataFrame:
        """Return what a measure or companion answers with default parameters; see `View.measured`."""
        measure = giver(name, self._measures)
        if measure is None or for_each not in measure.subjects:
            raise RuleError(f"there is no measure '{name}' for {for_each}")
        key = self._ask(measure, _required_defaults(measure), for_each).key
        na = pl.col(f"{key}:general").is_not_null() | (pl.col(f"{key}:standing") == NA)
        value = pl.when(~na).then(pl.col(f"{key}:{'value' if name == measure.name else name}"))
        why = pl.coalesce(pl.col(f"{key}:general"), pl.col(f"{key}:reason"), pl.lit(f"missing {name}"))
        return self._sheet(for_each).select(
            {
                "value": value,
                "not_applicable": pl.when(na).then(why),
                "unknown": pl.when(~na & value.is_null()).then(why),
            }
        )


def _attempt(call: Callable[[], T], surprised: Callable[[], None] = lambda: None) -> T | str:
    """Return what the call gives, or why it failed: one rule's error is its own (house-style 5).

    `surprised`: called when it failed by what nobody means to raise.
    """
    try:
        return call()
    except PmoWatchError as error:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  a measure may raise anything, an exit; Polars may refuse, and panic
        surprised()
        first = shorten(str(error).strip().partition("\n")[0], MOST_SAID)
        return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _required_defaults(measure: Measure[Any]) -> Any:
    params = defaults(measure)
    if params is None:
        raise RuleError(f"{measure.name} needs parameters")
    return params


def _with_unset(gate: pl.DataFrame | None, unset: pl.DataFrame) -> pl.DataFrame:
    if gate is None:
        return unset.select(out="unset", open=pl.when(pl.lit(value=False)).then("unset"))
    return gate.hstack(unset).select(out=pl.coalesce("out", "unset"), open="open")


def _operand(name: str, asked: Asked) -> Operand:
    """Return a measure that a condition names: na is false, grey is unknown for its own reason.

    A companion that is missing adds nothing.
    """
    key = asked.key
    if name != asked.answer.measure.name:
        return Operand(name, Kind.NUMBER, pl.col(f"{key}:{name}"), extra=True)
    na = pl.col(f"{key}:general").is_not_null() | (pl.col(f"{key}:standing") == NA)
    value = pl.when(~na).then(pl.col(f"{key}:value"))
    why = pl.when(value.is_null()).then(pl.coalesce(pl.col(f"{key}:reason"), pl.lit(f"missing {name}")))
    return Operand(name, Kind.NUMBER, value, why, na)
