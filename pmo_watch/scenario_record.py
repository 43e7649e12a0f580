"""Writes a scenario from the stored history: what a row and all around it were, day by day, and what came of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from pmo_watch.alert_log import alert_at
from pmo_watch.alerts import Alert, Reason
from pmo_watch.errors import ConfigError
from pmo_watch.faults import Fault
from pmo_watch.flow import Outcome
from pmo_watch.in_force import InForce
from pmo_watch.inquiry import Log, known_at, logs_of, look
from pmo_watch.memory import merged
from pmo_watch.row_search import Candidate, candidates, nothing_found
from pmo_watch.scenario import (
    MORNING,
    Acknowledgement,
    Answers,
    Change,
    ExpectedMessage,
    ExpectedState,
    Hushed,
    Moment,
    Named,
    Row,
    Scenario,
)
from pmo_watch.scenario_history import Names, named_rows, rows_about
from pmo_watch.store import AlertQuery, OutboxState, ReadingEntry, Store
from pmo_watch.why_asked import several

NOWHERE = Fault(Path(), 1, 1, "")
MOST = 1_000_000  # attempts, alerts
ANSWERS: Mapping[str, Answers] = {Outcome.FAILED: "down", Outcome.HELD: "down", Outcome.PARTIAL: "partial"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be recorded: a row, by what people call it, and from when on; `until`: now."""

    subject: str
    since: datetime
    until: datetime
    pseudonyms: bool = False


def record(store: Store, in_force: InForce, wish: Wish) -> Scenario:
    """Return the scenario of a row since a moment.

    Raises:
        ConfigError: nothing or too much is called so, or nothing is known of it since then.
    """
    return _Recorder(store, in_force, wish).scenario()


@dataclass(slots=True, eq=False)
class _Recorder:
    store: Store
    in_force: InForce
    wish: Wish
    names: Names = field(init=False)
    subject: Candidate = field(init=False)
    alerts: Sequence[Alert] = field(init=False)
    logs: Mapping[str, Log] = field(init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.wish.pseudonyms)
        self.subject = self._meant()
        found = self.store.find_alerts(AlertQuery(subject=self.subject.uid, limit=MOST))
        known = self.in_force.rules.rules
        self.alerts = [one for one in found if one.rule in known]
        self.logs = logs_of(self.store, [one.id for one in self.alerts])

    def _meant(self) -> Candidate:
        """Return the row that is meant: one that there is now, or that there was at the beginning."""
        for at in (self.wish.until, self.wish.since):
            world = look(self.store, self.in_force, at)
            found = candidates(world.snapshot, self.wish.subject)
            if len(found) > 1:
                raise ConfigError(several(world, self.wish.subject, found))
            if found:
                return found[0]
        raise ConfigError(nothing_found(look(self.store, self.in_force, self.wish.until).snapshot, self.wish.subject))

    def scenario(self) -> Scenario:
        """Return the scenario."""
        moments = self._moments()
        pictures = {at: self._rows(at) for at in moments}
        moments = [at for at in moments if any(pictures[one] for one in moments if one <= at)]
        if not moments:
            raise ConfigError(f"nothing is known of '{self.wish.subject}' from {self.wish.since:%Y-%m-%d} on")
        first, *later = moments
        made = [self._moment(first, pictures[first], pictures[first], first=True)]
        for before, at in zip(moments, later, strict=False):
            made.append(self._moment(at, pictures[before], pictures[at]))
        rules = sorted({one.rule for one in self.alerts}) or self._rules()
        name = f"{self.names.known[self.subject.uid]} since {self._local(first):%Y-%m-%d}, as it was"
        calendar = self.in_force.organisation.calendar
        given = tuple(pictures[first].values())
        telling = _telling(list(self._with_messages(_one_a_minute(made))))
        return Scenario(Path(), name, NOWHERE, tuple(rules), given, tuple(telling), calendar)

    def _rules(self) -> list[str]:
        """Return the rules for such rows, where none of them ever said anything."""
        return sorted(name for name, one in self.in_force.rules.rules.items() if one.for_each == self.subject.entity)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.in_force.zone)

    # --- when something happened ----------------------------------------------------------------------------------

    def _moments(self) -> list[datetime]:
        """Return the beginning, every reading that brought something or failed, the next one, and people's acts."""
        found = {self.wish.since}
        for name in self.in_force.settings.sources:
            told = False
            for one in sorted(self.store.readings(name, MOST, self.wish.until), key=lambda one: one.read_at):
                tells = bool(one.changed) or one.outcome != Outcome.COMPLETE
                if (tells or told) and one.read_at >= self.wish.since:
                    found.add(one.read_at)
                told = tells  # what was missing is gone at the next reading; what failed may be back
        found |= {step.at for log in self.logs.values() for step in log.transitions
                  if step.reason == Reason.ACKNOWLEDGED and self.wish.since <= step.at <= self.wish.until}  # fmt: skip
        found |= {one.since for one in self.store.every_silence()
                  if not one.name and self.wish.since <= one.since <= self.wish.until}  # fmt: skip
        return sorted(found)

    def _rows(self, at: datetime) -> dict[str, Named]:
        known = known_at(self.store, at)
        rows: dict[str, tuple[str, Row]] = rows_about(merged(known, self.in_force, at), self.subject.uid)
        return named_rows(rows, self.names)

    # --- one moment -----------------------------------------------------------------------------------------------

    def _moment(
        self, at: datetime, before: Mapping[str, Named], after: Mapping[str, Named], *, first: bool = False
    ) -> Moment:
        local = self._local(at)
        return Moment(
            local.date(),
            time(local.hour, local.minute),
            NOWHERE,
            tuple(_changes(before, after)),
            tuple(one.uid for uid, one in before.items() if uid not in after),
            tuple(one for uid, one in after.items() if uid not in before),
            self._answers(at),
            tuple(self._acknowledged(at)),
            tuple(self._hushed(at)),
            () if first else tuple(self._states(at)),
        )

    def _answers(self, at: datetime) -> Answers:
        """Return whether the source of the row could be read at its last attempt up to then."""
        sources = self._sources()
        last = [one for name in sources if (one := self._last(name, at)) is not None]
        return next((ANSWERS[one.outcome] for one in last if one.outcome in ANSWERS), "back")

    def _sources(self) -> list[str]:
        named = self.subject.uid.partition(":")[0]
        return [named] if named in self.in_force.settings.sources else list(self.in_force.settings.sources)

    def _last(self, name: str, at: datetime) -> ReadingEntry | None:
        return next(iter(self.store.readings(name, 1, at)), None)

    def _acknowledged(self, at: datetime) -> Iterator[Acknowledgement]:
        uid = self.names.known[self.subject.uid]
        for alert in self.alerts:
            for step in self.logs[alert.id].transitions:
                if step.reason == Reason.ACKNOWLEDGED and step.at == at:
                    until, promised = (step.finding.get(name) for name in ("until", "new_date"))
                    day = date.fromisoformat(str(until)) if until else at.date()
                    new = date.fromisoformat(str(promised)) if promised else None
                    by, why = self._person(step.who), str(step.finding.get("because") or "as it was")
                    why = "as it was" if self.wish.pseudonyms else why
                    yield Acknowledgement(uid, day, by, why, NOWHERE, alert.rule, new)

    def _person(self, who: str) -> str:
        return "somebody" if self.wish.pseudonyms else who

    def _hushed(self, at: datetime) -> Iterator[Hushed]:
        """Yield the silences that a person began then and that fit what is recorded."""
        for one in self.store.every_silence():
            project, entity = (self._row_called(name) for name in (one.project, one.entity))
            fits = (not one.project or project) and (not one.entity or entity)
            if one.since == at and not one.name and fits:
                why = "as it was" if self.wish.pseudonyms else one.why
                until = self._local(one.until).date()
                yield Hushed(until, self._person(one.who), why, NOWHERE, one.rule, project, entity, one.tag)

    def _row_called(self, name: str) -> str:
        """Return the uid in the test of the row that a silence names by its uid, or by its id or code."""
        if name in self.names.known:
            return self.names.known[name]
        ends = [test for uid, test in self.names.known.items() if name and uid.lower().endswith(f":{name.lower()}")]
        return ends[0] if len(ends) == 1 else ""

    def _states(self, at: datetime) -> Iterator[ExpectedState]:
        uid = self.names.known[self.subject.uid]
        for alert in sorted(self.alerts, key=lambda one: one.began_at or at):
            then = alert_at(alert, self.logs[alert.id].transitions, at)
            if then is None:
                continue
            if then.closed_at is None:
                yield ExpectedState(uid, then.level or "pending", NOWHERE, alert.rule)
            elif then.close_reason in {Reason.RECOVERED, Reason.CLEARED_UNCONFIRMED}:
                yield ExpectedState(uid, "green", NOWHERE, alert.rule)

    # --- messages -------------------------------------------------------------------------------------------------

    def _with_messages(self, made: Sequence[Moment]) -> Iterator[Moment]:
        """Yield the moments with the messages that left until the next one, and those days on which alone some did."""
        left = sorted(self._left(), key=lambda one: one[0])
        listed = {one.day for one in made}
        start = made[0]
        more = {at.date() for at, _ in left} - listed
        days = [Moment(day, None, NOWHERE, source=_source_then(made, day)) for day in more if day > start.day]
        ordered = sorted([*made, *days], key=_when)
        for number, one in enumerate(ordered):
            if number == 0:
                yield one  # what was open then is new to the test: nothing is said of messages
                continue
            since = _when(one) if ordered[number - 1].day == one.day else datetime.combine(one.day, time())
            same = number + 1 < len(ordered) and ordered[number + 1].day == one.day
            until = _when(ordered[number + 1]) if same else datetime.combine(one.day, time()) + timedelta(days=1)
            messages = tuple(message for at, message in left if since <= at.replace(tzinfo=None) < until)
            yield replace(one, messages=messages, messages_place=NOWHERE)

    def _left(self) -> Iterator[tuple[datetime, ExpectedMessage]]:
        """Yield every message at once about the row that left, with its local time, each once."""
        seen = set()
        for log in self.logs.values():
            for one in log.messages:
                is_ours = one.kind == "alert" and one.state == OutboxState.ACCEPTED and one.settled_at is not None
                if is_ours and one.id not in seen and one.settled_at is not None:
                    seen.add(one.id)
                    to = self.names.known.get(one.recipient) or self._reader(one.address or one.recipient)
                    yield self._local(one.settled_at), ExpectedMessage(to, NOWHERE, one.language)

    def _reader(self, address: str) -> str:
        """Return an audience of that address, else the address."""
        audiences = self.in_force.rules.audiences.values()
        return next((one.name for one in audiences if one.email and one.email == address), address)


def _changes(before: Mapping[str, Named], after: Mapping[str, Named]) -> Iterator[Change]:
    for uid, now in after.items():
        then = before.get(uid)
        if then is None or then.row == now.row:
            continue
        fields = dict.fromkeys((*then.row, *now.row))
        values = {name: now.row.get(name) for name in fields if then.row.get(name) != now.row.get(name)}
        yield Change(now.uid, values, NOWHERE)


def _when(one: Moment) -> datetime:
    return datetime.combine(one.day, one.at or MORNING)


def _source_then(made: Iterable[Moment], day: date) -> Answers:
    """Return whether the source answered when the day began."""
    return next((one.source for one in reversed(list(made)) if one.day < day), "back")


def _one_a_minute(made: Sequence[Moment]) -> list[Moment]:
    """Make one entry of those that fall into the same minute: nothing finer can be written."""
    found: list[Moment] = []
    for one in made:
        same = found and _when(found[-1]) == _when(one)
        found.append(_joined(found.pop(), one) if same else one)
    return found


def _telling(made: Sequence[Moment]) -> Iterator[Moment]:
    """Yield the first entry and those in which something happens, or that make certain of what happened before."""
    for number, one in enumerate(made):
        before = made[number - 1]
        happens = one.changes or one.removed or one.added or one.acknowledged or one.hushed or one.messages
        follows = before.removed or before.source != one.source or before.states != one.states
        if not number or happens or follows:
            yield one


def _joined(last: Moment, one: Moment) -> Moment:
    return replace(
        one,
        changes=(*last.changes, *one.changes),
        removed=(*last.removed, *one.removed),
        added=(*last.added, *one.added),
        acknowledged=(*last.acknowledged, *one.acknowledged),
        hushed=(*last.hushed, *one.hushed),
    )
