"""One file of a scenario test: what it gives, changes and expects, and all its faults at their places."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pmo_watch.entities import ENTITIES
from pmo_watch.faults import Faults, did_you_mean, or_known, quoted
from pmo_watch.rule_names import Catalogue
from pmo_watch.rule_page import Keys, Page
from pmo_watch.rules import Rule, RuleSet
from pmo_watch.scenario import (
    Acknowledgement,
    Change,
    ExpectedMessage,
    ExpectedState,
    Hushed,
    Level,
    Moment,
    Named,
    Scenario,
)
from pmo_watch.scenario_rows import RowReader
from pmo_watch.scenario_shape import STATES, DayShape, MessageShape, ScenarioHead
from pmo_watch.yaml_faults import compose_in_part

HEAD: TypeAdapter[ScenarioHead] = TypeAdapter(ScenarioHead)
DAY: TypeAdapter[DayShape] = TypeAdapter(DayShape)
WHEN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2}))?")
LEVELS: tuple[Level, ...] = ("amber", "red")
OF_SETTINGS = "; define it under `calendars:` of the settings"
Listed = tuple[Keys, tuple[date, time | None], DayShape]  # a day of the list: where it stands, when, and what happens
LONGEST_DAYS = 800  # a longer story is a mistake in a date


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What a test may name beside its own rows."""

    rules: RuleSet
    catalogue: Catalogue
    notifiers: Sequence[str] = ()
    language: str = "en"
    own_rules: Mapping[str, Rule] = field(default_factory=dict)  # built in, in force only where a test names them

    def every_rule(self) -> dict[str, Rule]:
        """Return the rules that a test may name."""
        return {**self.own_rules, **self.rules.rules}


def read_scenario(path: Path, around: Surroundings, text: str | None = None) -> Scenario:
    """Read one test.

    Raises:
        Faults: every fault, in the order of the file.
    """
    document, faults = compose_in_part(path, text)
    if not isinstance(document.data, dict):
        raise Faults([*faults, document.fault(document.root, "a test begins with keys: `test:`, `given:`, `days:`")])
    page = Page(document, around.catalogue, around.language, faults)
    made = _Reader(page, around).scenario(path)
    if page.faults or made is None:
        raise Faults(sorted(dict.fromkeys(page.faults), key=lambda one: (one.line, one.column)))
    return made


def levels_of(rule: Rule) -> tuple[Level, ...]:
    """Return the levels that a rule's thresholds, or what it makes of missing data, can reach."""
    has = {level for level in LEVELS for one in rule.measures if getattr(one, level) is not None}
    return tuple(one for one in LEVELS if one in has or one == rule.no_data.state or not rule.measures)


class _Reader:
    """Goes through one page."""

    def __init__(self, page: Page, around: Surroundings) -> None:
        self._page, self._around = page, around
        self._rows = RowReader(page)
        self._rules: dict[str, Rule] = {}

    def scenario(self, path: Path) -> Scenario | None:
        """Return the test; with faults on the page, what is left of it."""
        head = self._page.shaped((), HEAD, {"test": "a test"})
        if head is None:
            return None
        self._rules = self._in_force(head.rules)
        calendar = self._known(("calendar",), head.calendar, "calendar", self._around.catalogue.calendars, OF_SETTINGS)
        self._complete()
        given = self._rows.read(("given",), self._page.data(("given",))) if head.given else ()
        moments = self._moments(given, list(self._days(head.days)))
        self._expects_something(moments)
        covers = self._covers(head.covers)
        place = self._page.place(("covers",)) if covers else None
        name = self._page.place(("test",))
        return Scenario(path, head.test, name, tuple(self._rules), given, moments, calendar, covers, place)

    def _complete(self) -> None:
        for name, why in (("given", "the rows that there are on the first day"), ("days", "what happens, day by day")):
            if name not in (self._page.data(()) or {}):
                self._page.wrong((), f"{quoted(name)} is missing: {why}")

    def _moments(self, given: tuple[Named, ...], shapes: Sequence[Listed]) -> tuple[Moment, ...]:
        added = {
            keys: self._rows.read((*keys, "add"), self._page.data((*keys, "add")))
            for keys, _, shape in shapes
            if shape.add
        }
        self._rows.check_references()
        moments = tuple(self._moment(keys, when, shape, added.get(keys, ())) for keys, when, shape in shapes)
        self._in_order(shapes)
        self._there(given, shapes, added)
        return moments

    def _there(
        self, given: tuple[Named, ...], shapes: Sequence[Listed], added: Mapping[Keys, tuple[Named, ...]]
    ) -> None:
        """Note a fault for each row that changes or goes on a day on which the source does not have it."""
        present = {one.uid for one in given}
        for keys, (day, _), shape in shapes:
            present |= {one.uid for one in added.get(keys, ())}
            gone = [
                uid for uid in (*shape.change, *_listed(shape.remove)) if uid in self._rows.rows and uid not in present
            ]
            for uid in gone:
                self._page.wrong_key(keys, f"the source does not have {quoted(uid)} on {day}: see `add:` and `remove:`")
            present -= set(_listed(shape.remove))

    # --- names ----------------------------------------------------------------------------------------------------

    def _known(self, keys: Keys, name: str | None, what: str, known: Iterable[str], remedy: str = "") -> str:
        """Return a name that must exist; empty where none is given, or with a fault where there is none such."""
        if name is None:
            return ""
        words = list(known)
        if name not in words:
            self._page.wrong(keys, f"there is no {what} {quoted(name)}{or_known(name, words) or remedy}")
        return name

    def _tested(self, keys: Keys, name: str | None) -> str:
        """Return a rule of this test; empty where none is given, or with a fault where it is none."""
        if name is not None and name not in self._rules:
            self._page.wrong(keys, f"{quoted(name)} is no rule of this test{or_known(name, self._rules)}")
        return name or ""

    def _in_force(self, names: object) -> dict[str, Rule]:
        every = self._around.every_rule()
        if names is None:
            return {name: one for name, one in self._around.rules.rules.items() if one.enabled}
        found = {}
        for number, name in enumerate(_listed(names)):
            keys = ("rules",) if isinstance(names, str) else ("rules", number)
            if self._known(keys, name, "rule", every) in every:
                found[name] = every[name]
                if not every[name].enabled:
                    self._page.wrong(keys, f"the rule {quoted(name)} is switched off: it finds nothing")
        if not found and not self._page.faults:
            self._page.wrong(("rules",), "no rule is named here; leave the key out to test with all of them")
        return found

    def _covers(self, written: object) -> dict[str, tuple[Level, ...]]:
        if written is None:
            return {}
        pairs: list[tuple[Keys, str, object]] = [(("covers",), name, written) for name in self._rules]
        if isinstance(written, dict):
            pairs = [(("covers", name), name, some) for name, some in written.items()]
        found: dict[str, tuple[Level, ...]] = {}
        for keys, name, some in pairs:
            if name not in self._rules:
                self._page.wrong_key(keys, f"{quoted(name)} is no rule of this test{or_known(name, self._rules)}")
                continue
            levels = [one for one in _listed(some) if one in LEVELS]
            if some in (None, []) or len(levels) != len(_listed(some)):
                self._page.wrong(keys, "give the levels that are reached: [amber], [red] or [amber, red]")
            for one in levels:
                if one not in levels_of(self._rules[name]):
                    self._page.wrong(keys, f"the rule {quoted(name)} has no {one}: it can never be reached")
            found[name] = tuple(levels)
        return found

    # --- days -----------------------------------------------------------------------------------------------------

    def _days(self, written: Sequence[object]) -> Iterator[Listed]:
        if not written and self._page.data(("days",)) == []:
            self._page.wrong(("days",), "no day is listed: write `- 2026-03-02: {...}`")
        for number in range(len(written)):
            one = self._page.data(("days", number))  # as it stands there: what holds nothing was left out, and said
            if not isinstance(one, dict) or len(one) != 1:
                self._page.wrong(("days", number), "should be one day with what happens: `- 2026-03-02: {...}`")
                continue
            (key,) = one
            keys: Keys = ("days", number, key)
            when = self._when(keys, str(key))
            shape = self._page.shaped(keys, DAY) if one[key] is not None else None
            if when is not None and shape is not None:
                yield keys, when, shape

    def _when(self, keys: Keys, text: str) -> tuple[date, time | None] | None:
        found = WHEN.fullmatch(text)
        try:
            if found:
                at = time.fromisoformat(found[2].zfill(5)) if found[2] else None
                return date.fromisoformat(found[1]), at
        except ValueError:
            pass
        self._page.wrong_key(keys, f"{quoted(text)} is no day; write it as in 2026-03-02, or 2026-03-02 14:30")
        return None

    def _in_order(self, shapes: Sequence[Listed]) -> None:
        before: tuple[date, time] | None = None
        for keys, (day, at), _ in shapes:
            now = (day, at or time(9))
            if before is not None and now <= before:
                self._page.wrong_key(
                    keys, f"{day} does not come after {before[0]} {before[1]:%H:%M}; put days in order"
                )
            before = now
        if len(shapes) > 1 and (shapes[-1][1][0] - shapes[0][1][0]).days > LONGEST_DAYS:
            last = shapes[-1]
            self._page.wrong_key(last[0], f"{last[1][0]} is more than {LONGEST_DAYS} days after the first day")

    def _moment(self, keys: Keys, when: tuple[date, time | None], shape: DayShape, added: tuple[Named, ...]) -> Moment:
        removed = [name for number, name in enumerate(_listed(shape.remove))
                   if self._rows.known(self._item(keys, "remove", number), name, key=False)]  # fmt: skip
        said = shape.messages is not None
        return Moment(
            when[0],
            when[1],
            self._page.key_place(keys),
            tuple(self._changes((*keys, "change"), shape.change)),
            tuple(removed),
            added,
            shape.source,
            tuple(self._acknowledged((*keys, "ack"), shape)),
            tuple(self._hushed((*keys, "silence"), shape)),
            tuple(self._states((*keys, "expect"), shape)),
            tuple(self._messages((*keys, "messages"), shape.messages or ())) if said else None,
            self._page.key_place((*keys, "messages")) if said else None,
        )

    def _item(self, keys: Keys, name: str, number: int) -> Keys:
        return (*keys, name, number) if isinstance(self._page.data((*keys, name)), list) else (*keys, name)

    def _changes(self, keys: Keys, some: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
        for uid, written in some.items():
            row = self._rows.known((*keys, uid), uid, key=True)
            if row is None:
                continue
            if "uid" in written:
                self._page.wrong_key((*keys, uid, "uid"), "a uid stays; remove the row and add another")
            fields = {name: value for name, value in written.items() if name != "uid"}
            values = self._rows.values((*keys, uid), ENTITIES[row.entity], row.called, fields)
            yield Change(uid, values, self._page.key_place((*keys, uid)))

    def _acknowledged(self, keys: Keys, shape: DayShape) -> Iterator[Acknowledgement]:
        for uid, one in shape.ack.items():
            if self._rows.known((*keys, uid), uid, key=True) is None:
                continue
            rule = self._tested((*keys, uid, "rule"), one.rule)
            place = self._page.key_place((*keys, uid))
            yield Acknowledgement(uid, one.until, one.by, one.why, place, rule, one.new_date)

    def _hushed(self, keys: Keys, shape: DayShape) -> Iterator[Hushed]:
        for number, one in enumerate(shape.silence):
            if one is None:
                continue
            at = (*keys, number)
            if not (one.rule or one.project or one.entity or one.tag):
                self._page.wrong(
                    at, "name a rule, a project, an entity or a tag: a silence over everything is not offered"
                )
            rule = self._tested((*at, "rule"), one.rule)
            project = self._called((*at, "project"), one.project, "code")
            entity = self._called((*at, "entity"), one.entity, "id")
            yield Hushed(one.until, one.by, one.why, self._page.place(at), rule, project, entity, one.tag or "")

    def _called(self, keys: Keys, uid: str | None, name: str) -> str:
        """Return what a row of the test is known by."""
        row = self._rows.known(keys, uid, key=False) if uid else None
        return str(row.row.get(name) or row.uid) if row else ""

    # --- what is expected -----------------------------------------------------------------------------------------

    def _states(self, keys: Keys, shape: DayShape) -> Iterator[ExpectedState]:
        for uid, state in shape.expect.items():
            row = self._rows.known((*keys, uid), uid, key=True)
            if isinstance(state, list):
                self._page.wrong((*keys, uid), f"should be one of {', '.join(STATES)}, or rule: state")
            elif row is not None and isinstance(state, str):
                if self._rules and not any(one.for_each == row.called for one in self._rules.values()):
                    self._page.wrong_key((*keys, uid), f"no rule of this test is for each {row.called}")
                yield ExpectedState(uid, state, self._page.place((*keys, uid)))
            elif row is not None and isinstance(state, dict):
                for name, one in state.items():
                    yield from self._state((*keys, uid, name), row, name, one)

    def _state(self, keys: Keys, row: Named, name: str, state: str) -> Iterator[ExpectedState]:
        rule = self._rules.get(name)
        if rule is None:
            self._page.wrong_key(keys, f"{quoted(name)} is no rule of this test{or_known(name, self._rules)}")
        elif rule.for_each != row.called:
            self._page.wrong_key(
                keys, f"the rule {quoted(name)} is for each {rule.for_each}, not for each {row.called}"
            )
        else:
            yield ExpectedState(row.uid, state, self._page.place(keys), name)

    def _messages(self, keys: Keys, shapes: Iterable[MessageShape | None]) -> Iterator[ExpectedMessage]:
        for number, one in enumerate(shapes):
            if one is None:
                continue
            at = (*keys, number)
            self._recipient((*at, "to"), one.to)
            channel = self._known((*at, "channel"), one.channel, "notifier", self._around.notifiers)
            digest = self._known((*at, "digest"), one.digest, "digest", self._around.rules.digests)
            contains = tuple(_listed(one.contains) if one.contains is not None else ())
            place = self._page.place(at)
            yield ExpectedMessage(one.to, place, one.language or "", contains, one.reason or "", channel,
                                  one.level or "", digest)  # fmt: skip

    def _recipient(self, keys: Keys, name: str) -> None:
        persons = [uid for uid, one in self._rows.rows.items() if one.entity == "person"]
        known = [*persons, *self._around.rules.audiences, *self._around.notifiers]
        if name not in known and "@" not in name:
            near = did_you_mean(name, known) or f"; known here: {', '.join(known[:12])}"
            self._page.wrong(keys, f"nobody is called {quoted(name)}{near}")

    def _expects_something(self, moments: Sequence[Moment]) -> None:
        if moments and not any(one.states or one.messages is not None for one in moments) and not self._page.faults:
            self._page.wrong(("test",), "the test expects nothing: give `expect:` or `messages:` on a day")


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value if one is not None] if isinstance(value, list) else []
