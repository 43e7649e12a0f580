"""One rule, checked as a whole: every name in it exists, every unit fits, and what it leaves out is filled in."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from pmo_watch.audiences import PERSONAL
from pmo_watch.contracts import Measure, no_past
from pmo_watch.faults import quoted
from pmo_watch.rule_examples import examples
from pmo_watch.rule_grammar import read_condition, read_list
from pmo_watch.rule_names import Names, entity_named
from pmo_watch.rule_page import Keys, Page
from pmo_watch.rule_people import Shared, shared
from pmo_watch.rule_shape import KEBAB, Languages, Measured, RuleShape
from pmo_watch.rule_thresholds import Chosen, judged, unjudged
from pmo_watch.rule_values import Misread, Subject
from pmo_watch.rules import Condition, Judged, NoData, Rule, Span, Test, Texts
from pmo_watch.templates import text_fault

RULE: TypeAdapter[RuleShape] = TypeAdapter(RuleShape)
PERIODS = re.compile(r"([1-9]\d{0,2})\s*(?:periods?|samples?)")
NOT_SWITCHED_ON = (
    "rules about single persons are not switched on; agree them with those who speak for the staff, then write "
    "`people: {results: true}` in the settings"
)
OF_ONE_MEASURE = ("measure", "with", "amber", "red", "recover")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A rule while it is read: where it stands, its shape, what it measures and may name."""

    page: Page
    keys: Keys
    shape: RuleShape
    chosen: tuple[Chosen, ...]
    names: Names


def check_rule(page: Page, number: int, defaults: Shared, file: str) -> Rule | None:
    """Return the rule at that place of the file; None with faults on the page when anything in it is wrong."""
    before = len(page.faults)
    keys: Keys = ("rules", number)
    shape = page.shaped(keys, RULE, {"id": "-", "name": "-"})
    if shape is None:
        return None
    _check_id(page, keys)
    own = shared(page, keys, shape)
    texts = {name: _texts(page, keys, name, getattr(shape, name)) for name in ("name", "message", "advice")}
    chosen = _chosen(page, keys, shape)
    names = _names(page, keys, shape, chosen)
    if names is None or not chosen:
        return None
    if names.for_each == PERSONAL and not page.catalogue.persons and shape.enabled is not False:
        page.wrong((*keys, "measure"), NOT_SWITCHED_ON)
    rule = _rule(Reading(page, keys, shape, chosen, names), own.over(defaults), texts)
    node = page.node(keys)
    line = page.document.line_of(node) if node is not None else 0
    return replace(rule, file=file, line=line) if len(page.faults) == before else None


def _rule(reading: Reading, said: Shared, texts: Mapping[str, Texts]) -> Rule:
    page, keys, shape, names = reading.page, reading.keys, reading.shape, reading.names
    history = _history(page, keys, shape, reading.chosen)
    measures = tuple(judged(page, one, names, str(history.get("every", ""))) for one in reading.chosen)
    return Rule(
        id=shape.id,
        for_each=names.for_each,
        measures=measures,
        only_if=_only_if(page, keys, shape, names),
        confirm_after=said.confirm_after or Span(1, "evaluations"),
        no_data=said.no_data or NoData(),
        tell=dict(said.tell or ()),
        escalate=said.escalate or (),
        remind=said.remind,
        history=history,
        show=_show(page, keys, shape, names),
        tags=said.tags or (),
        enabled=said.enabled is not False,
        review_by=said.review_by,
        dimension=shape.dimension or "",
        examples=examples(page, (*keys, "examples"), shape.examples, names),
        owner=str(page.data(("owner",)) or ""),
        version=_version(page, keys, measures),
        name=texts["name"],
        message=texts["message"],
        advice=texts["advice"],
    )


def _check_id(page: Page, keys: Keys) -> None:
    given = page.data((*keys, "id"))
    if not isinstance(given, str) or KEBAB.fullmatch(given):
        return
    plain = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", given).lower()).strip("-")
    remedy = f"; write {plain}" if KEBAB.fullmatch(plain) else ""
    page.wrong((*keys, "id"), f"{quoted(given)} is not an id: lower-case words joined by hyphens{remedy}")


def _chosen(page: Page, keys: Keys, shape: RuleShape) -> tuple[Chosen, ...] | None:
    """Return the measures that a rule names; None when it names none that exists."""
    given = page.data(keys)
    if shape.measures is None:
        if "measures" in given:  # faulty, and said already
            return None
        if "measure" not in given:
            page.wrong(keys, "'measure' is missing; `pmo-watch measures` lists what can be measured")
            return None
        return _measures(page, [(keys, shape)]) if shape.measure is not None else None
    for name in OF_ONE_MEASURE:
        if name in given:
            page.wrong_key((*keys, name), f"with `measures`, '{name}' stands in its items")
    return _measures(page, [((*keys, "measures", number), one) for number, one in enumerate(shape.measures) if one])


def _measures(page: Page, items: list[tuple[Keys, Measured | RuleShape]]) -> tuple[Chosen, ...] | None:
    found: list[Chosen] = []
    for keys, shape in items:
        measure = page.read((*keys, "measure"), page.catalogue.measure)
        if measure is None:
            unjudged(page, keys, shape)
        else:
            found.append(Chosen(keys, shape, measure))
    return tuple(found) if found else None


def _names(page: Page, keys: Keys, shape: RuleShape, chosen: tuple[Chosen, ...] | None) -> Names | None:
    """Return what the rule may name; None when it does not say what it is for each of."""
    for_each = page.read((*keys, "for_each"), entity_named) if shape.for_each is not None else None
    measures = tuple(one.measure for one in chosen or ())
    if "for_each" not in page.data(keys) and measures:
        for_each = measures[0].entity
    if for_each is None:
        return None
    for one in chosen or ():
        if for_each not in one.measure.subjects:
            page.wrong((*one.keys, "measure"), _misplaced(one.measure, for_each))
            return None
    names = Names(page.catalogue, for_each, measures)
    if not measures:  # what can be looked at without a measure
        _only_if(page, keys, shape, names)
        _show(page, keys, shape, names)
        return None
    return names


def _misplaced(measure: Measure[Any], for_each: str) -> str:
    remedy = f"write `for_each: {measure.entity}`"
    return f"{measure.name} is measured for each {' or '.join(measure.subjects)}, not for each {for_each}; {remedy}"


def _only_if(page: Page, keys: Keys, shape: RuleShape, names: Names) -> tuple[Test, ...]:
    tests: list[Test] = []
    for name, value in (shape.only_if or {}).items():
        at = (*keys, "only_if", name)
        subject = page.read_key(at, names.subject)
        if subject is None:
            continue
        if isinstance(value, list):
            condition = _one_of(page, at, value, subject)
        else:
            condition = page.read(at, lambda text, about=subject: read_condition(text, about))  # type: ignore[misc]
        if condition is not None:
            tests.append(Test(name, condition))
    return tuple(tests)


def _one_of(page: Page, keys: Keys, items: Sequence[str | None], subject: Subject) -> Condition | None:
    for number, item in enumerate(items):
        if item is None and page.data((*keys, number)) is None:
            page.wrong((*keys, number), "nothing stands here; write `missing` as a condition of its own")
    if None in items:
        return None
    if not items:
        page.wrong(keys, "the list is empty; nothing could ever be one of it")
        return None
    try:
        return read_list([page.written((*keys, number)) for number in range(len(items))], subject)
    except Misread as error:
        page.wrong((*keys, error.offset), error.text)
        return None


def _show(page: Page, keys: Keys, shape: RuleShape, names: Names) -> tuple[str, ...]:
    shown: list[str] = []
    for number, name in enumerate(shape.show or ()):
        if name and page.read((*keys, "show", number), names.field) is not None:
            shown.append(name if name in names.fields else f"{names.for_each}.{name}")
    return tuple(dict.fromkeys(shown))


def _history(page: Page, keys: Keys, shape: RuleShape, chosen: tuple[Chosen, ...] | None) -> Mapping[str, object]:
    """Return how often samples are taken and how many there must be, where the rule says so."""
    if shape.history is None or not chosen:
        return {}
    given = page.data((*keys, "history"))
    with_past = [one.measure for one in chosen if one.measure.past is not no_past]
    if not with_past:
        page.wrong_key((*keys, "history"), f"{chosen[0].measure.name} reads no history; leave `history` out")
        return {}
    for name, what in (("every", "how often it takes samples"), ("at_least", "how many samples it needs")):
        if name in given and not any(name in one.params.model_fields for one in with_past):
            page.wrong_key((*keys, "history", name), f"{with_past[0].name} says itself {what}; leave '{name}' out")
    found: dict[str, object] = {"every": shape.history.every} if shape.history.every else {}
    if shape.history.at_least and (number := page.read((*keys, "history", "at_least"), _periods)):
        found["at_least"] = number
    return found


def _periods(text: str) -> int:
    found = PERIODS.fullmatch(text.strip())
    if found is None:
        raise Misread(f"{quoted(text)} is not a number of periods; write it as in `3 periods`")
    return int(found[1])


def _texts(page: Page, keys: Keys, name: str, shape: str | Languages | None) -> Texts:
    """Return a text by language; one without a language is in the organisation's."""
    if shape is None:
        return {}
    if isinstance(shape, str):
        _check_text(page, (*keys, name), shape)
        return {page.language: shape}
    texts: dict[str, str] = shape.model_dump(exclude_none=True)
    for language, text in texts.items():
        _check_text(page, (*keys, name, language), text)
    return texts


def _check_text(page: Page, keys: Keys, text: str) -> None:
    """Note a name between braces that no message has; the rule's own name is shown as it is."""
    if "name" not in keys and (fault := text_fault(text)):
        page.wrong(keys, fault)


def _version(page: Page, keys: Keys, measures: tuple[Judged, ...]) -> str:
    """Return a hash of what the rule says, with what it takes from the file's defaults and from its measures."""
    said = {
        "rule": page.data(keys),
        "defaults": page.data(("defaults",)),
        "measures": [_judgement(one) for one in measures],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _judgement(one: Judged) -> list[str]:
    return [one.measure, *(repr(level) for level in (one.amber, one.red, one.recover))]
