"""A measure of a rule with its parameters and thresholds, checked against the catalogue."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from pmo_watch.contracts import Measure
from pmo_watch.faults import quoted
from pmo_watch.rule_conflicts import conflicts
from pmo_watch.rule_grammar import read_condition, read_threshold
from pmo_watch.rule_names import Names, history_fault
from pmo_watch.rule_page import Keys, Page
from pmo_watch.rule_shape import Measured, OnSubject, RuleShape, Several
from pmo_watch.rule_values import Level, Misread, Subject
from pmo_watch.rules import Condition, Judged, Terms, Threshold, Thresholds

LEVELS: tuple[tuple[str, Level], ...] = (("amber", "amber"), ("red", "red"), ("recover", "amber"))


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A measure that a rule names: `keys` lead to the mapping that holds `measure:` and its thresholds."""

    keys: Keys
    shape: Measured | RuleShape
    measure: Measure[Any]


def judged(page: Page, chosen: Chosen, names: Names, every: str = "") -> Judged:
    """Return a measure with what judges it; `every`: how often the rule's `history` wants samples."""
    keys, shape = chosen.keys, chosen.shape
    params = _parameters(page, chosen, every, names)
    terms = _terms(page, chosen, params, names)
    measure = chosen.measure.on(terms)
    names = names.giving(measure)
    own = Subject.measure(measure.name, measure.unit)
    found = {name: _thresholds(page, (*keys, name), getattr(shape, name), own, names, level) for name, level in LEVELS}
    answer = Judged(measure.name, params, **found, terms=terms)
    given = page.data(keys)
    # Half of somebody else's thresholds would be a surprise: the measure's own hold together or not at all.
    if "amber" not in given and "red" not in given:
        answer = _with_defaults(page, keys, answer, measure, names)
    for conflict in conflicts(answer):
        page.wrong((*keys, conflict.at if conflict.at in given else "measure"), conflict.text)
    return answer


def _terms(page: Page, chosen: Chosen, params: Any, names: Names) -> Terms | None:
    """Return what the parameters make of the measure, with a fault at each character that they cannot be read at.

    Nothing is said of a parameter that was replaced, since it did not fit its own type.
    """
    if params is None:
        return None
    if fault := history_fault(chosen.measure, params):
        page.wrong((*chosen.keys, "measure"), fault)
    terms, unfit = names.terms(chosen.measure, params)
    for one in unfit:
        at = (*chosen.keys, "with", one.parameter)
        if page.data(at) == getattr(params, one.parameter):
            page.wrong(at, one.text, one.at)
    return terms


def _with_defaults(page: Page, keys: Keys, answer: Judged, measure: Measure[Any], names: Names) -> Judged:
    """Return the measure's own thresholds where the rule brings none."""
    if not (measure.amber or measure.red or measure.row_thresholds):
        text = f"{measure.name} has no thresholds of its own: 'amber' or 'red' is missing"
        page.wrong((*keys, "measure"), text)
        return answer
    try:
        default = {name: of_measure(measure, getattr(measure, name), names, level) for name, level in LEVELS}
    except Misread as error:
        page.wrong((*keys, "measure"), f"the measure's own thresholds are faulty: {error.text}")
        return answer
    return replace(answer, amber=default["amber"], red=default["red"], recover=answer.recover or default["recover"])


def of_measure(measure: Measure[Any], text: str, names: Names, level: Level) -> Thresholds | None:
    """Return a measure's own thresholds: `; ` between several, each may begin with what it is about.

    Raises:
        Misread: the text is not understood.
    """
    if not text:
        return None
    own = Subject.measure(measure.name, measure.unit)
    parts: list[Threshold] = []
    for part in text.split("; "):
        first, _, rest = part.partition(" ")
        on = first if "." in first and first[0].isalpha() and not first.startswith("tolerance.") else ""
        subject = names.subject(on) if on else own
        parts.append(read_threshold(rest if on else part, subject, names.subject, level, on))
    return Thresholds(tuple(parts))


def _thresholds(
    page: Page, keys: Keys, shape: str | Several | None, own: Subject, names: Names, level: Level
) -> Thresholds | None:
    if shape is None:
        return None
    if not isinstance(shape, Several):
        part = page.read(keys, lambda text: read_threshold(text, own, names.subject, level))
        return Thresholds((part,)) if part else None
    how = "any" if shape.any_of is not None else "all"
    parts: list[Threshold | None] = []
    for number, one in enumerate(shape.any_of or shape.all_of or ()):
        at = (*keys, how, number)
        if isinstance(one, OnSubject):
            parts.append(_on_subject(page, at, one, names, level))
        elif one is not None:
            parts.append(page.read(at, lambda text: read_threshold(text, own, names.subject, level)))
    return Thresholds(tuple(part for part in parts if part), "any" if how == "any" else "all")


def _on_subject(page: Page, keys: Keys, shape: OnSubject, names: Names, level: Level) -> Threshold | None:
    kind = "measure" if shape.measure is not None else "field"
    name = shape.measure or shape.field or ""
    subject = page.read((*keys, kind), lambda _: _of_kind(kind, name, names))
    if subject is None:
        return None
    return page.read((*keys, "is"), lambda text: read_threshold(text, subject, names.subject, level, name))


def _of_kind(kind: str, name: str, names: Names) -> Subject:
    subject = names.subject(name)
    if names.is_field(name) != (kind == "field"):
        other = "field" if kind == "measure" else "measure"
        raise Misread(f"{quoted(name)} is a {other}: write `{other}: {name}`")
    return subject


def unjudged(page: Page, keys: Keys, shape: Measured | RuleShape) -> None:
    """Look at the thresholds of a measure that is not known: words and numbers, without units."""
    anything = Subject("the measure", "number", any_unit=True)
    for name, level in LEVELS:
        if isinstance(getattr(shape, name), str):
            page.read((*keys, name), partial(_loosely, anything, level))


def _loosely(subject: Subject, level: Level, text: str) -> Condition:
    return read_condition(text.partition(" when ")[0], subject, level)


def _parameters(page: Page, chosen: Chosen, every: str, names: Names) -> Any:
    """Return the measure's parameters as its own model; None with a fault where they do not fit."""
    keys, measure = chosen.keys, chosen.measure
    given = page.data((*keys, "with"))
    if not isinstance(given, dict | None):
        return None
    sampled = {"every": every} if every and "every" in measure.params.model_fields else {}
    adapter: TypeAdapter[BaseModel] = TypeAdapter(measure.params)
    try:
        return adapter.validate_python({**sampled, **(given or {})})
    except ValidationError as error:
        faults = error.errors(include_url=False)
    missing = [str(one["loc"][0]) for one in faults if one["type"] == "missing" and len(one["loc"]) == 1]
    wrong_sample = next((one for one in faults if sampled and one["loc"][:1] == ("every",)), None)
    # What `history:` sets has its place there, not under `with:`.
    if wrong_sample is not None and "every" not in (given or {}):
        known = str(wrong_sample.get("ctx", {}).get("expected", "another period")).replace("'", "")
        page.wrong((*keys[:2], "history", "every"), f"{measure.name} takes samples every {known}, not every {every}")
    elif not measure.params.model_fields:
        page.wrong_key((*keys, "with"), f"{measure.name} takes no parameters; leave `with` out")
    elif missing and not given:
        wanted = ", ".join(f"{name}: ..." for name in missing)
        page.wrong((*keys, "measure"), f"{measure.name} needs parameters; add `with: {{{wanted}}}`")
    else:
        _terms(page, chosen, page.shaped((*keys, "with"), adapter), names)
    return None
