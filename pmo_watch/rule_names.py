"""The names that a rule may use: measures of the catalogue, fields of the model, and what each may be compared with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pmo_watch.contracts import Measure, Unfit
from pmo_watch.entities import ENTITIES
from pmo_watch.entities.readable import PREFIXES, readable_fields
from pmo_watch.faults import LONGEST_WORD, did_you_mean, quoted
from pmo_watch.flow import COLOURS, First, Previous, Samples, Since, Vanished, Wish
from pmo_watch.model import Field
from pmo_watch.plain import shorten
from pmo_watch.rule_values import Misread, Subject
from pmo_watch.rules import Terms, Unit
from pmo_watch.workdays import Calendar

MOST_SAMPLES = 2000  # as many weeks as nobody has kept


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """What rules may name beside the model: measures, and the notifiers and calendars of the settings.

    `failed`: plugins that were left out, whose measures are therefore not known. `persons`: whether rules may look at
    single persons. Two catalogues with the same measures are equal, so that rule files already read are not read again.
    """

    measures: Mapping[str, Measure[Any]] = field(default_factory=dict)
    notifiers: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    persons: bool = True
    calendars: Mapping[str, Calendar] = field(default_factory=dict)

    def _key(self) -> tuple[object, ...]:
        # A measure is a constant of its module: the same object is the same measure.
        measures, calendars = tuple(id(one) for one in self.measures.values()), tuple(self.calendars.items())
        return measures, self.notifiers, self.failed, self.persons, calendars

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def measure(self, name: str) -> Measure[Any]:
        """Return the measure of that name.

        Raises:
            Misread: there is none.
        """
        if found := self.measures.get(name):
            return found
        if any(name in readable_fields(one) for one in PREFIXES):
            raise Misread(f"{quoted(name)} is a field, not a measure; `pmo-watch measures` lists the measures")
        left_out = f"; left out are the plugins {', '.join(sorted(self.failed))}: `pmo-watch plugins` says why"
        near = did_you_mean(name, self.measures) or (left_out if self.failed else "; `pmo-watch measures` lists them")
        raise Misread(f"there is no measure {quoted(name)}{near}")


def entity_named(name: str) -> str:
    """Return a name that `for_each` may have.

    Raises:
        Misread: there is none such.
    """
    if name in PREFIXES:
        return name
    if name in ENTITIES:
        raise Misread(f"a rule cannot be for each {name}; choose one of {', '.join(PREFIXES)}")
    near = did_you_mean(name, PREFIXES) or f"; choose one of {', '.join(PREFIXES)}"
    raise Misread(f"there is no entity {quoted(name)}{near}")


class Names:
    """What a rule for each of these may name; `own` are the measures that it gives parameters to."""

    def __init__(self, catalogue: Catalogue, for_each: str, own: tuple[Measure[Any], ...] = ()) -> None:
        self._catalogue, self._own = catalogue, own
        self.for_each = for_each
        self.fields = readable_fields(for_each)

    def giving(self, measure: Measure[Any]) -> "Names":
        """Return these names for a measure of the rule as its parameters make it, with its unit."""
        return Names(self._catalogue, self.for_each, (measure, *self._own))

    def subject(self, name: str) -> Subject:
        """Return the field, measure or companion of that name, ready to be compared.

        Raises:
            Misread: there is none that this rule can read.
        """
        if found := self.fields.get(name):
            return Subject.field(name, found)
        own = next((one for one in self._own if one.name == name), None)
        measure = own or self._catalogue.measures.get(name)
        if measure is not None and self.for_each in measure.subjects:
            self._refuse_parameters(measure)
            return Subject.measure(name, measure.unit)
        for giver in self._here():
            if name in giver.companions:
                self._refuse_parameters(giver)
                return Subject.measure(name, giver.companions[name])
        raise Misread(self._why_not(name))

    def meaning(self, name: str) -> Field | Unit:
        """Return the field of that name, or the unit of the measure; a field of the rule's own entity needs no prefix.

        Raises:
            Misread: there is none that this rule can read, or the measure needs parameters.
        """
        if found := self.fields.get(name) or self.fields.get(f"{self.for_each}.{name}"):
            return found
        for giver in self._here():
            if name == giver.name or name in giver.companions:
                if required := _required(giver):
                    raise Misread(f"{giver.name} needs parameters ({required}) and cannot stand in a formula")
                return giver.companions.get(name, giver.unit)
        raise Misread(self._why_not(name))

    def terms(self, measure: Measure[Any], params: Any) -> tuple[Terms | None, Sequence[Unfit]]:
        """Return what parameters make of a measure among these names, and what is wrong with them."""
        return measure.terms(params, self) if measure.terms else (None, ())

    def field(self, name: str) -> Field:
        """Return the field of that name; one of the rule's own entity needs no prefix.

        Raises:
            Misread: there is none that this rule can read.
        """
        found = self.fields.get(name) or self.fields.get(f"{self.for_each}.{name}")
        if found is None:
            raise Misread(self._why_not(name))
        return found

    def is_field(self, name: str) -> bool:
        """Say whether a name is a field's and not a measure's."""
        return name in self.fields

    def _here(self) -> Iterator[Measure[Any]]:
        return (one for one in self._catalogue.measures.values() if self.for_each in one.subjects)

    def _refuse_parameters(self, measure: Measure[Any]) -> None:
        required = _required(measure)
        if required and all(one.name != measure.name for one in self._own):
            raise Misread(f"{measure.name} needs parameters ({required}), so it can only stand under `measure:`")

    def _why_not(self, name: str) -> str:
        measure = self._catalogue.measures.get(name)
        if measure is not None:
            asked = " or ".join(measure.subjects)
            return f"{name} is measured for each {asked}, and this rule is for each {self.for_each}"
        prefix, _, last = name[-LONGEST_WORD:].rpartition(".")
        if last in {"uid", "source"} and prefix in {"", *PREFIXES[self.for_each]}:
            return f"{quoted(name)} is internal and cannot be named; use `{self.for_each}.id`"
        here = [one for one in PREFIXES[self.for_each] if f"{one}.{last}" in self.fields]
        if here:
            nearest = next(iter(get_close_matches(prefix, here, n=1, cutoff=0)), here[0])
            return f"{quoted(name)} is not known here, did you mean '{nearest}.{last}'?"
        known = [*self.fields, *(name for one in self._here() for name in (one.name, *one.companions))]
        return f"there is no field or measure {quoted(name)}{self._nearest(name, known)}"

    def _nearest(self, name: str, known: list[str]) -> str:
        """Return a suggestion among what has the same prefix; else how to see what the rule can read."""
        prefix, _, last = name[-LONGEST_WORD:].rpartition(".")
        prefixes = PREFIXES[self.for_each]
        near = get_close_matches(prefix or self.for_each, prefixes, n=1)
        if not near:
            return f": a rule for each {self.for_each} reads {', '.join(prefixes)}, not {quoted(prefix)}"
        below = {one.removeprefix(f"{near[0]}."): one for one in known if one.startswith(f"{near[0]}.")}
        likely = get_close_matches(last, below, n=1)
        return f", did you mean '{below[likely[0]]}'?" if likely else f"; `pmo-watch fields {self.for_each}` lists them"


def _required(measure: Measure[Any]) -> str:
    return ", ".join(name for name, one in measure.params.model_fields.items() if one.is_required())


def history_fault(measure: Measure[Any], params: Any) -> str:
    """Return what is wrong with the history that a measure wishes for by these parameters, else nothing.

    A plugin's defect, found when a rule is read: in a cycle it would cost the findings of every other rule.
    """
    try:
        wrong = [fault for wish in measure.past(params) if (fault := _wish_fault(wish))]
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        wrong = [shorten(f"{type(error).__name__}: {error}", LONGEST_WORD)]
    return f"{measure.name} cannot say what history it reads, a defect of its plugin: {wrong[0]}" if wrong else ""


def _wish_fault(wish: Wish) -> str:
    if not isinstance(wish, (Samples, Since, First, Previous, Vanished)):
        return f"{type(wish).__name__} is no wish for history"
    if isinstance(wish, Samples) and not 0 < wish.n <= MOST_SAMPLES:
        return f"{wish.n} samples are not between 1 and {MOST_SAMPLES}"
    if isinstance(wish, Samples) and wish.entity == COLOURS:
        return ""
    if wish.entity not in ENTITIES:
        return f"there is no entity {quoted(str(wish.entity))}"
    asked = (wish.field,) if isinstance(wish, (Since, First)) else wish.fields
    stored = {one.name for one in ENTITIES[wish.entity].stored()}
    return next((f"{wish.entity} keeps no field {quoted(str(one))}" for one in asked if one not in stored), "")
