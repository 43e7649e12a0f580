"""Plays a scenario on the engine of the daemon, with a clock that is set by hand, and says what came out otherwise.

Each day the engine cycles when the hours of messages begin and when digests are due. On a day that the test lists the
source is read at nine, or at the times that are named; on any other in the first of those cycles. Messages are
delivered when they are due, to notifiers that take all.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from pmo_watch.acknowledgements import Wanted
from pmo_watch.alerts import Alert, Message, Rendered
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Draft, Engine
from pmo_watch.deliver import Channel, Deliverer
from pmo_watch.errors import ConfigError
from pmo_watch.example_portfolio import new_store
from pmo_watch.faults import Fault
from pmo_watch.in_force import InForce
from pmo_watch.operations import Hush, acknowledge_alerts, add_silence
from pmo_watch.rules import State
from pmo_watch.scenario import MORNING, Acknowledgement, ExpectedState, Hushed, Moment, Scenario
from pmo_watch.scenario_messages import Sent, compared, fits
from pmo_watch.scenario_stage import SOURCE, Script, Taking, staged, uids
from pmo_watch.scenario_why import why_sent, why_state
from pmo_watch.store import OutboxQuery, OutboxState, Store

WORST_FIRST = ("red", "amber", "pending", "grey", "green", "na")
MOST_MESSAGES = 100_000  # of a scenario
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Failure:
    """What came out otherwise than expected: its place with the sentence, and why, line by line."""

    place: Fault
    why: tuple[str, ...] = ()

    def shown(self) -> str:
        """Return it as it is printed: place, line with a caret, and why below it."""
        return "\n".join([self.place.shown(), *(f"        {line}" for line in self.why)])


@dataclass(frozen=True, slots=True)
class Played:
    """How a scenario went. `reached`: the levels that alerts of each rule had at some time, `looked_at`: the rules
    that found a row that counts.
    """

    scenario: Scenario
    failures: tuple[Failure, ...]
    reached: Mapping[str, frozenset[str]]
    looked_at: frozenset[str]


def play(scenario: Scenario, in_force: InForce) -> Played:
    """Play a scenario from its first day to its last.

    Raises:
        StoreError
    """
    script = Script()
    with new_store() as store, asyncio.Runner() as runner:
        stage = _Stage(scenario, staged(in_force, scenario, script), script, store, runner)
        stage.run()
        return stage.result()


@dataclass(slots=True, eq=False)
class _Stage:
    """One scenario while it is played."""

    scenario: Scenario
    in_force: InForce
    script: Script
    store: Store
    runner: asyncio.Runner
    failures: list[Failure] = field(default_factory=list)
    reached: dict[str, set[str]] = field(default_factory=dict)
    looked_at: set[str] = field(default_factory=set)  # rules that found a row that counts
    written: dict[str, tuple[Message, Rendered]] = field(default_factory=dict)
    engine: Engine = field(init=False)
    clock: FixedClock = field(init=False)
    deliverer: Deliverer = field(init=False)
    uids: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self.store, self.in_force)
        self.clock = FixedClock(self._at(self.scenario.moments[0].day, time()))
        channels = {name: Channel(Taking()) for name in self.in_force.notifiers()}
        self.deliverer = Deliverer(self.store, channels, self.clock)
        self.uids = uids(self.scenario, self.in_force)
        self.script.add(self.scenario.given)

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.in_force.zone).astimezone(UTC)

    # --- the days -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Go through all days; those that the test does not list pass as well, with what the source had before."""
        moments = self.scenario.moments
        day = moments[0].day
        while day <= moments[-1].day:
            self._day(day, [one for one in moments if one.day == day])
            day += DAY

    def _day(self, day: date, listed: Sequence[Moment]) -> None:
        begins = self._at(day, time())
        entries = {self._at(day, one.at or MORNING): one for one in listed}
        beats = self._beats(day)
        readings = set(entries) or {min(beats)}
        if day == self.scenario.moments[0].day:
            beats = {one for one in beats if one > min(readings)}
        open_entry, since = None, begins
        for now in sorted(readings | beats):
            entry = entries.get(now)
            if entry is not None and open_entry is not None:
                self._deliver(now - timedelta(microseconds=1))
                self._compare(open_entry, since, now)
                since = now
            open_entry = entry or open_entry
            self._step(now, entry, reads=now in readings)
        end = self._at(day + DAY, time())
        self._deliver(end - timedelta(microseconds=1))
        if open_entry is not None:
            self._compare(open_entry, since, end)

    def _beats(self, day: date) -> set[datetime]:
        """Return when a day's cycles are due whatever the source does: messages may leave, digests are made."""
        hours = [self.in_force.settings.delivery.send_from]
        hours += [time.fromisoformat(one.at) for one in self.in_force.rules.digests.values()]
        return {self._at(day, one) for one in hours}

    def _step(self, now: datetime, entry: Moment | None, *, reads: bool) -> None:
        """Let it be that moment: people act, the source is read, a cycle, and what is due leaves."""
        self._deliver(now)
        self.clock.moment = now
        if entry is not None:
            self._act(entry)
            self.script.take_up(entry)
        draft = self.engine.cycle(now, [SOURCE] if reads else [])
        self._note(draft)
        self._deliver(now)
        if entry is not None:
            self._look(entry, draft)

    def _note(self, draft: Draft) -> None:
        self.written |= {message.id: (message, words) for message, words in draft.messages}
        for alert in draft.advanced.current:
            if alert.level is not None and alert.closed_at is None:
                self.reached.setdefault(alert.rule, set()).add(alert.level)
        for found in draft.findings:
            if found.rule not in self.looked_at and found.rows(pl.col("state") != State.NA.value).height:
                self.looked_at.add(found.rule)

    def _deliver(self, until: datetime) -> None:
        """Let everything leave that is due by then, each at its time."""
        while (due := self.store.next_due()) is not None and due <= until:
            self.clock.moment = max(due, self.clock.moment)
            if not self.runner.run(self.deliverer.drain()):
                break

    # --- people ---------------------------------------------------------------------------------------------------

    def _act(self, entry: Moment) -> None:
        for one in entry.acknowledged:
            self._acknowledge(one)
        for hushed in entry.hushed:
            self._hush(hushed)

    def _acknowledge(self, one: Acknowledgement) -> None:
        on = [alert.id for alert in self._open(self.uids[one.uid]) if one.rule in {"", alert.rule}]
        if not on:
            self._fail(one.place, f"no alert is open on {one.uid}: there is nothing to acknowledge")
            return
        wanted = Wanted(one.until, one.by, one.why, new_date=one.new_date)
        try:
            acknowledge_alerts(self.store, on, wanted, self.clock.now(), self.in_force.zone)
        except ConfigError as fault:
            self._fail(one.place, f"cannot be acknowledged so: {fault}")

    def _hush(self, one: Hushed) -> None:
        wanted = Hush(one.by, one.why, one.until, one.rule, one.project, one.entity, one.tag)
        try:
            add_silence(self.store, wanted, self.clock.now(), self.in_force.zone)
        except ConfigError as fault:
            self._fail(one.place, f"cannot be silenced so: {fault}")

    def _open(self, uid: str) -> list[Alert]:
        known = (one for one in self.store.alerts() if one.subject == uid)
        return [one for one in known if one.level is not None and one.closed_at is None]

    # --- what is expected -----------------------------------------------------------------------------------------

    def _look(self, entry: Moment, draft: Draft) -> None:
        for expected in entry.states:
            found = dict(self._states(expected, draft))
            state = min(found.values(), key=WORST_FIRST.index, default="na")
            if state != expected.state:
                rules = sorted(rule for rule, one in found.items() if one == state) if state != "na" else list(found)
                of = f" for the rule '{expected.rule}'" if expected.rule else ""
                said = f"on {entry.day}, {expected.uid} is expected to be {expected.state}{of}, and it is {state}"
                self._fail(expected.place, said, why_state(self.store, self.in_force, self.clock.now(),
                                                           self.uids[expected.uid], rules))  # fmt: skip

    def _states(self, expected: ExpectedState, draft: Draft) -> Iterator[tuple[str, str]]:
        """Yield the state of the row by each rule: that of its alert, which outlasts what cannot be seen."""
        uid, rows = self.uids[expected.uid], self.scenario.named()
        called = rows[expected.uid].called
        alerts = {one.rule: one for one in draft.advanced.current if one.subject == uid and one.closed_at is None}
        findings = {one.rule: one for one in draft.findings}
        for name in [expected.rule] if expected.rule else self.scenario.rules:
            rule = self.engine.in_force.rules.rules.get(name)
            if rule is None or rule.for_each != called:
                continue
            if (alert := alerts.get(name)) is not None:
                yield name, alert.level or "pending"
            else:
                seen = findings[name].frame.filter(pl.col("uid") == uid) if name in findings else pl.DataFrame()
                yield name, str(seen["state"][0]) if seen.height else State.NA.value

    def _compare(self, entry: Moment, since: datetime, until: datetime) -> None:
        if entry.messages is None or entry.messages_place is None:
            return
        sent = self._sent(since, until)
        uncalled, uncame = compared(entry.messages, sent, self.scenario, self.uids, self.in_force)
        waiting = self._waiting(until) if uncame else []
        for expected in uncame:
            why = why_sent(self.store, self.in_force, self.clock.now(), waiting, sent)
            later = next((one for one in waiting if fits(expected, one, self.uids, self.in_force)), None)
            text = f"it leaves on {later.moment(self.in_force.zone):%A %Y-%m-%d %H:%M}" if later else "none left"
            self._fail(expected.place, f"on {entry.day}, {expected} is expected, and {text}", why)
        for one in uncalled:
            self._fail(
                entry.messages_place, f"on {entry.day}, nobody expects {one.said(self.in_force.zone)}", one.about()
            )

    def _sent(self, since: datetime, until: datetime) -> list[Sent]:
        """Return the messages that left in this span, the first one first."""
        rows = self.store.outbox(OutboxQuery(states=[OutboxState.ACCEPTED], limit=MOST_MESSAGES))
        left = [one for one in rows if one.settled_at is not None and since <= one.settled_at < until]
        return [Sent(one, *self.written[one.id]) for one in sorted(left, key=lambda one: (one.settled_at, one.id))
                if one.id in self.written]  # fmt: skip

    def _waiting(self, after: datetime) -> list[Sent]:
        """Return the messages that are written and leave later."""
        rows = self.store.outbox(OutboxQuery(states=[OutboxState.WAITING], limit=MOST_MESSAGES))
        return [Sent(one, *self.written[one.id]) for one in rows if one.id in self.written and one.due >= after]

    def _fail(self, place: Fault, text: str, why: Sequence[str] = ()) -> None:
        self.failures.append(Failure(replace(place, text=text), tuple(why)))

    # --- the end --------------------------------------------------------------------------------------------------

    def result(self) -> Played:
        """Return how it went, with what a test must not be: about nothing, or claiming what it never reached."""
        mine = set(self.scenario.rules)
        if not mine & self.looked_at:
            named = ", ".join(f"'{one}'" for one in sorted(mine)) or "no rule"
            self._fail(self.scenario.place, f"the test matches no row: nothing of it is looked at by {named}")
        for rule, levels in self.scenario.covers.items():
            for level in levels if mine & self.looked_at else ():
                if level not in self.reached.get(rule, set()):
                    place = self.scenario.covers_place or self.scenario.place
                    self._fail(place, f"the test says that it covers {level} of '{rule}', and it never gets there")
        reached = {rule: frozenset(levels) for rule, levels in self.reached.items() if rule in mine}
        ordered = sorted(self.failures, key=lambda one: (one.place.line, one.place.column))
        return Played(self.scenario, tuple(ordered), reached, frozenset(mine & self.looked_at))
