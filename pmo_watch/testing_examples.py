"""What the conformance kit asks of a catalogue of measures: an entry for each, and examples that come true.

An example is taken as a source's rows and goes the way of every reading: checked, stored, merged, derived, evaluated.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from pmo_watch.contracts import Measure
from pmo_watch.evaluate import evaluate
from pmo_watch.example_portfolio import asked_in, snapshot_of
from pmo_watch.example_rows import ExampleRows
from pmo_watch.faults import Fault, Faults
from pmo_watch.flow import Snapshot
from pmo_watch.measure_catalogue import Entry, MeasureCatalogue, read_catalogue
from pmo_watch.needed import wishes
from pmo_watch.plugin_host import load_plugins
from pmo_watch.rollup import computed_colours, dimensions_of
from pmo_watch.rule_files import Readable, rules_from_texts
from pmo_watch.rule_names import Catalogue, Names
from pmo_watch.rules import Judged, Rule, RuleSet

Measures = Mapping[str, Measure[Any]]
Finding = Mapping[str, Any]
IT = "it"  # the rule that an example is asked by
WHOLE_NUMBERS_TO = 6  # decimals: those of a finding


def check_catalogue(folder: Path, measures: Measures) -> Iterator[str]:
    """Yield what is wrong with a folder's catalogue of measures, where it has one."""
    try:
        catalogue = read_catalogue(folder)
    except Faults as error:
        yield from map(str, error.faults)
        return
    if catalogue is None:
        return
    yield from map(str, catalogue.unmatched(measures))
    for name in catalogue.entries:
        if name in measures:
            yield from map(str, example_faults(catalogue, measures[name], measures))


def example_faults(catalogue: MeasureCatalogue, measure: Measure[Any], measures: Measures) -> list[Fault]:
    """Return why the example of a measure does not come true; nothing when it does. `measures`: its folder's."""
    entry = catalogue.entries[measure.name]
    known = {**(load_plugins(installed=False).measures if entry.example.rules else {}), **measures}
    rows = ExampleRows(catalogue, measure.name, measure.entity)
    if rows.faults:
        return rows.faults
    try:
        finding = _finding(_rules(entry, measure, known), rows, known)
    except (_Unasked, ValidationError) as error:
        rows.fault(f"the example cannot be asked: {error}")
    if rows.faults:
        return rows.faults
    return [
        catalogue.fault(f"{one.what} is {one.got}, not {one.wanted}{one.why}", measure.name, "example", "expect")
        for one in _differences(catalogue, measure.name, entry, finding)
    ]


class _Unasked(Exception):
    """The example is no question that the engine can be asked."""


def _rules(entry: Entry, measure: Measure[Any], known: Measures) -> RuleSet:
    """Return the rule that asks, and those whose findings it reads; a measure without thresholds is asked bare."""
    beside = [{"id": f"beside-{n}", "name": "Beside", **one} for n, one in enumerate(entry.example.rules, 1)]
    given = {"with": entry.example.parameters} if entry.example.parameters else {}
    judged = measure.amber or measure.red or measure.row_thresholds
    written = [*beside, {"id": IT, "name": "It", "measure": measure.name, **given}] if judged else beside
    text = json.dumps({"rules": written}, default=str)
    loaded = rules_from_texts(Path("rules.d"), Readable({"it.yaml": text}), Catalogue(known))
    if loaded.faults:
        raise _Unasked("; ".join(fault.text for fault in loaded.faults))
    if judged:
        return loaded.rules
    params = measure.params(**entry.example.parameters)
    terms, unfit = Names(Catalogue(known), measure.entity).terms(measure, params)
    if unfit:
        raise _Unasked("; ".join(one.text for one in unfit))
    bare = Rule(IT, {"en": "It"}, measure.entity, (Judged(measure.name, params, terms=terms),))
    return RuleSet({**loaded.rules.rules, IT: bare})


def _finding(rules: RuleSet, rows: ExampleRows, known: Measures) -> Finding:
    snapshot = snapshot_of(rows, wishes(rules, known), lambda past: _colours(rules, past, known))
    found = evaluate(rules, snapshot, known).findings
    for one in found:
        if one.failed:
            raise _Unasked(one.failed)
    frame = next(one.rows() for one in found if one.rule == IT)
    return asked_in(rows, frame) or {"state": "na", "reason": "the row does not count"}


def _colours(rules: RuleSet, snapshot: Snapshot, known: Measures) -> pl.DataFrame:
    return computed_colours(evaluate(rules, snapshot, known).findings, dimensions_of(rules, known), snapshot)


# --- what came out ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Difference:
    what: str
    got: str
    wanted: str
    why: str


def _differences(catalogue: MeasureCatalogue, name: str, entry: Entry, finding: Finding) -> Iterator[_Difference]:
    expected = entry.example.expect
    for what in sorted(expected.model_fields_set):
        got, wanted = finding.get(what), getattr(expected, what)
        if what == "value":
            if not _same(got, wanted, catalogue.written(name, "example", "expect", "value")):
                yield _Difference(what, _shown(got), _shown(wanted), _why(finding))
        elif (got or None) != (wanted or None):
            yield _Difference(what, _shown(got), _shown(wanted), "" if what == "reason" else _why(finding))


def _same(got: float | None, wanted: float | None, written: str) -> bool:
    """Say whether a value is the one written, to the digits written; a whole number is meant exactly."""
    if got is None or wanted is None:
        return got is wanted
    digits = len(written.partition(".")[2]) or WHOLE_NUMBERS_TO
    return round(got, digits) == round(wanted, digits)


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _why(finding: Finding) -> str:
    return f" ({finding['reason']})" if finding.get("reason") else ""
