"""What rules ask for before they can be evaluated: measures, and history of the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pmo_watch.contracts import Measure
from pmo_watch.derive import HISTORY_OF
from pmo_watch.flow import Wish
from pmo_watch.rules import Judged, Rule, RuleSet, Thresholds

Measures = Mapping[str, Measure[Any]]
LEVELS = ("amber", "red", "recover")


def wishes(rules: RuleSet, measures: Measures, extra: Sequence[str] = ()) -> frozenset[Wish]:
    """Return which history the enabled rules and further measures need."""
    found: set[Wish] = set()
    for rule in rules.rules.values():
        if rule.enabled:
            found |= set(_wishes_of(rule, measures))
    for name in extra:
        measure = measures.get(name)
        params = defaults(measure) if measure else None
        if measure and params is not None:
            found |= {*measure.past(params), *_history(measure.needs)}
    return frozenset(found)


def _wishes_of(rule: Rule, measures: Measures) -> Iterator[Wish]:
    yield from _history((*_names(rule), *rule.show))
    own = {one.measure for one in rule.measures}
    for judged in rule.measures:
        if measure := measures.get(judged.measure):
            yield from measure.past(settled(rule, judged))
            yield from _history(measure.needs)
    for name in _names(rule):
        asked = giver(name, measures)
        params = defaults(asked) if asked and asked.name not in own else None
        if asked and params is not None:
            yield from asked.past(params)


def _history(names: Iterable[str]) -> Iterator[Wish]:
    """Yield the history that computed fields among the names are made from."""
    for name in names:
        if wish := HISTORY_OF.get(name.rpartition(".")[2]):
            yield wish


def _names(rule: Rule) -> list[str]:
    """Return the fields and measures that a rule's conditions name, its own measures aside."""
    names = [test.subject for test in rule.only_if]
    for judged in rule.measures:
        for level in LEVELS:
            thresholds: Thresholds | None = getattr(judged, level)
            for one in thresholds.parts if thresholds else ():
                names += [one.on, one.when.subject if one.when else ""]
    return [name for name in dict.fromkeys(names) if name]


def giver(name: str, measures: Measures) -> Measure[Any] | None:
    """Return the measure of that name, or the one that gives the companion of that name."""
    return measures.get(name) or next((one for one in measures.values() if name in one.companions), None)


def defaults(measure: Measure[Any]) -> Any:
    """Return the parameters a measure has when nobody says any; None where some must be said."""
    if any(one.is_required() for one in measure.params.model_fields.values()):
        return None
    return measure.params()


def reads_findings(rule: Rule, measures: Measures) -> bool:
    """Say whether a rule needs what other rules found."""
    asked = [giver(name, measures) for name in (*_names(rule), *[one.measure for one in rule.measures])]
    return any(one is not None and one.after_others for one in asked)


def settled(rule: Rule, judged: Judged) -> Any:
    """Return a measure's parameters with what the rule's `history` says of samples."""
    least = rule.history.get("at_least")
    if least is None or "at_least" not in type(judged.params).model_fields:
        return judged.params
    return judged.params.model_copy(update={"at_least": least})
