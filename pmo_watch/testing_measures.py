"""What the conformance kit asks of a measure: made-up portfolios, full, empty and full of nulls (house-style 7, 8)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from time import process_time
from typing import Any

import polars as pl

from pmo_watch.contracts import Measure, Unfit
from pmo_watch.entities import ENTITIES
from pmo_watch.entities.readable import PREFIXES
from pmo_watch.evaluate import evaluate
from pmo_watch.flow import Findings, Snapshot
from pmo_watch.model import Field, Kind
from pmo_watch.rollup import DIMENSIONS
from pmo_watch.rule_files import Readable, rules_from_texts
from pmo_watch.rule_names import Catalogue, Names
from pmo_watch.rules import Judged, Rule, RuleSet, Terms
from pmo_watch.testing_rows import INDICATOR, generated_snapshot
from pmo_watch.view import ROWS_OF, column_of

FEW, MANY = 1_000, 100_000
WORDS = (Kind.TEXT, Kind.ENUM, Kind.FLAG, Kind.REF, Kind.LIST)
FIGURES = frozenset(Kind).difference(WORDS)  # dates and numbers: what values are made from
LONGEST_SECONDS = 5.0  # house-style 7 says one: machines that run tests differ


def check_measure(measure: Measure[Any], *, rows: int = MANY, longest_seconds: float = LONGEST_SECONDS) -> list[str]:
    """Return what is wrong with a measure, each with its name; nothing when it keeps the contract.

    `rows`: how many it is timed with.
    """
    faults = [*_declared(measure)]
    if not faults:
        faults = [fault for one in measure.subjects for fault in _answers(measure, one)]
        faults += _in_time(measure, rows, longest_seconds)
    return [f"{measure.name}: {fault}" for fault in faults]


def measured_seconds(measure: Measure[Any], rows: int = MANY) -> float:
    """Return how long one evaluation takes over a made-up portfolio, the better of two."""
    snapshot = _portfolio(rows)
    return min(_timed(measure, snapshot) for _ in range(2))


# --- what it says of itself ---------------------------------------------------------------------------------------


def _declared(measure: Measure[Any]) -> Iterator[str]:
    entity, _, figure = measure.name.partition(".")
    if strange := [one for one in measure.subjects if one not in PREFIXES]:
        yield f"there are no rules for each '{strange[0]}'; there is {', '.join(PREFIXES)}"
        return
    if (entity != measure.entity and entity in PREFIXES) or not (entity.isidentifier() and figure.isidentifier()):
        # A topic, as in `schedule.leads` for each project, is as good as the entity; the name of another one misleads.
        yield f"its name must be '{measure.entity}.', then a word for the figure"
    if not measure.text:
        yield "it has no `text` for the catalogue"
    if measure.clock not in {"as_of", "today"}:
        yield f"its clock '{measure.clock}' is neither as_of nor today"
    if measure.dimension and measure.dimension not in DIMENSIONS:
        yield f"dimension '{measure.dimension}' does not exist; there is {', '.join(DIMENSIONS)}"
    if parameters(measure) is None:
        yield "a parameter without default is no text and shows no example: the kit cannot make one up"
        return
    if not measure.needs and measure.terms is None:
        yield "it names no field that it needs"
    yield from _needs(measure)
    yield from _defined(measure)
    yield from _own_thresholds(measure)


def _needs(measure: Measure[Any]) -> Iterator[str]:
    yield from (f"it needs '{need}', which is no field" for need in measure.needs if _need(measure, need) is None)
    if measure.also_for and any("." not in need for need in measure.needs):
        yield f"what it needs must bear a prefix, since it is also for each {', '.join(measure.also_for)}"


def _defined(measure: Measure[Any]) -> Iterator[str]:
    """Yield what its parameters define wrongly, as their examples have them, for each entity."""
    for one in measure.subjects if measure.terms else ():
        terms, unfit = _terms(measure, one)
        yield from (f"its example is not understood for each {one}: {fault.text}" for fault in unfit)
        if not unfit and terms and not terms.needs and not terms.reads:
            yield f"its example names no field that it needs for each {one}"


def _terms(measure: Measure[Any], for_each: str) -> tuple[Terms | None, Sequence[Unfit]]:
    return Names(Catalogue({measure.name: measure}), for_each).terms(measure, parameters(measure))


def _own_thresholds(measure: Measure[Any]) -> Iterator[str]:
    """Yield what a rule that says no more than the measure's name runs into."""
    if measure.amber or measure.red or measure.row_thresholds:
        given = _required(measure)
        rule = {"id": "it", "name": "It", "measure": measure.name, **({"with": given} if given else {})}
        text = json.dumps({"rules": [rule]})
        loaded = rules_from_texts(Path("rules.d"), Readable({"it.yaml": text}), Catalogue({measure.name: measure}))
        yield from (f"its own thresholds make no rule: {fault.text}" for fault in loaded.faults)


def parameters(measure: Measure[Any]) -> Any:
    """Return parameters with their defaults, else their first example or a text; None where none can be made up."""
    required = _required(measure)
    return None if None in required.values() else measure.params(**required)


def _required(measure: Measure[Any]) -> dict[str, Any]:
    required = {name: one for name, one in measure.params.model_fields.items() if one.is_required()}
    return {
        name: one.examples[0] if one.examples else INDICATOR if one.annotation is str else None
        for name, one in required.items()
    }


def _need(measure: Measure[Any], need: str) -> tuple[str, Field] | None:
    """Return the entity and field that a need names: of the row, of a parent, or of any other entity."""
    if column := column_of(measure.entity, need):
        return column.entity, column.field
    entity, _, name = need.rpartition(".")
    entity = ROWS_OF.get(entity, entity)
    field = ENTITIES[entity].field(name) if entity in ENTITIES else None
    return (entity, field) if field else None


# --- what it answers ----------------------------------------------------------------------------------------------


def _answers(measure: Measure[Any], for_each: str) -> Iterator[str]:
    few = _portfolio(FEW)
    first, again = _found(measure, few, for_each), _found(measure, few, for_each)
    if first.failed:
        yield f"on a portfolio without history: {first.failed}"
        return
    uids = first.frame["uid"]
    if not (first.frame.equals(again.frame) and first.evidence(uids).equals(again.evidence(uids))):
        yield "the same rows gave another answer the second time"
    if first.frame["uid"].n_unique() != first.frame.height:
        yield "a row was answered for more than once"
    yield from _without_rows(measure, for_each)
    yield from _without_needs(measure, few, for_each)


def _without_rows(measure: Measure[Any], for_each: str) -> Iterator[str]:
    found = _found(measure, _portfolio(0), for_each)
    if found.failed:
        yield f"on a portfolio without rows: {found.failed}"
    alone = _portfolio(FEW)
    own = {ROWS_OF.get(for_each, for_each), "project", "indicator"}
    frames = {name: frame if name in own else frame.clear() for name, frame in alone.frames.items()}
    found = _found(measure, replace(alone, frames=frames), for_each)
    if found.failed:
        yield f"on rows that nothing else is known about: {found.failed}"


def _without_needs(measure: Measure[Any], snapshot: Snapshot, for_each: str) -> Iterator[str]:
    """Yield rows with a value although all that the measure needs is null, and no other date or number is known.

    A measure may fall back on others than it names: actual cost is what the project says, else what was booked.
    """
    found = _found(measure, replace(snapshot, frames=_nulled(measure, snapshot.frames)), for_each)
    if found.failed:
        yield f"where all that it needs is null: {found.failed}"
        return
    said = found.frame.filter(pl.col("value").is_not_null())
    if said.height:
        yield f"{said.height} of {found.frame.height} rows have a value where nothing is known to make it from"


def _nulled(measure: Measure[Any], frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    needs = [need for one in measure.subjects for need in measure.on(_terms(measure, one)[0]).needs]
    named = {(entity, field.name) for need in needs for entity, field in filter(None, [_need(measure, need)])}
    return {
        entity: frame.with_columns(
            pl.lit(None, field.dtype).alias(field.name)
            for field in ENTITIES[entity].fields
            if field.kind in FIGURES or (entity, field.name) in named
        )
        for entity, frame in frames.items()
    }


def _in_time(measure: Measure[Any], rows: int, longest_seconds: float) -> Iterator[str]:
    seconds = measured_seconds(measure, rows)
    if seconds > longest_seconds:
        yield f"{seconds:.1f} s for {rows} rows, and {longest_seconds:g} s is the limit"


def _timed(measure: Measure[Any], snapshot: Snapshot) -> float:
    begun = process_time()  # not the clock on the wall: a machine that runs tests does other things as well
    _found(measure, snapshot, measure.entity)
    return process_time() - begun


def _found(measure: Measure[Any], snapshot: Snapshot, for_each: str) -> Findings:
    """Evaluate the measure with nothing but itself, as a rule without thresholds."""
    judged = Judged(measure.name, parameters(measure), terms=_terms(measure, for_each)[0])
    rule = Rule("it", {"en": "It"}, for_each, (judged,))
    (found,) = evaluate(RuleSet({"it": rule}), snapshot, {measure.name: measure}).findings
    return found


@lru_cache(maxsize=4)
def _portfolio(rows: int) -> Snapshot:
    return generated_snapshot(rows)
