"""What rules ask for before they can be evaluated: measures, and history of the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
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
            yield from _history(measure.on(judged.terms).needs)
    others = [asked for name in _names(rule) if (asked := giver(name, measures)) and asked.name not in own]
    for asked in (*others, *_read(rule, measures)):
        params = defaults(asked)
        if params is not None:
            yield from asked.past(params)
            yield from _history(asked.needs)


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


def _read(rule: Rule, measures: Measures) -> list[Measure[Any]]:
    """Return the measures that a rule's own ones read, by their parameters."""
    names = [name for judged in rule.measures if judged.terms for name in judged.terms.reads]
    return [asked for name in dict.fromkeys(names) if (asked := giver(name, measures))]


def in_rule(measure: Measure[Any], judged: Judged, measures: Measures) -> Measure[Any]:
    """Return a measure as a rule's parameters make it; it needs what the measures need that it reads."""
    if judged.terms is None:
        return measure
    others = [one for name in judged.terms.reads if (one := giver(name, measures))]
    own = measure.on(judged.terms)
    below = [need if "." in need else f"{one.entity}.{need}" for one in others for need in one.needs]
    return replace(own, needs=tuple(dict.fromkeys((*own.needs, *below))))


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
    return any(one is not None and one.after_others for one in (*asked, *_read(rule, measures)))


def settled(rule: Rule, judged: Judged) -> Any:
    """Return a measure's parameters with what the rule's `history` says of samples."""
    least = rule.history.get("at_least")
    if least is None or "at_least" not in type(judged.params).model_fields:
        return judged.params
    return judged.params.model_copy(update={"at_least": least})
