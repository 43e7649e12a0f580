"""Stored history lived again under the rules in force: the daemon's own cycles, with a clock that is set by hand."""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from pmo_watch.acknowledgements import Wanted, acknowledge
from pmo_watch.alerts import Message, Reason, Rendered, Silence, Transition
from pmo_watch.collect import Asked, let_go
from pmo_watch.cycle import Decided, Engine
from pmo_watch.errors import ConfigError, SourceError
from pmo_watch.flow import Reading, Snapshot
from pmo_watch.in_force import InForce, open_source, reads_files
from pmo_watch.normalise import Accepted
from pmo_watch.past_readings import PastReadings
from pmo_watch.replay_moments import clocks_of, daily, later
from pmo_watch.replay_store import ReplayStore, Sent
from pmo_watch.store import CycleChange, StoredHistory, TransitionEntry
from pmo_watch.subjects import Subjects

UNSAID = Rendered("", "")


@dataclass(slots=True, eq=False)
class Lived:
    """What came of it.

    `due`: alert id -> day on which its row was due as it opened. `moments`: number of cycles. `unheeded`: number of
    acknowledgements of alerts that were not open this time.
    """

    began: datetime
    ended: datetime
    transitions: list[Transition] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    due: dict[str, date] = field(default_factory=dict)
    moments: int = 0
    unheeded: int = 0


Progress = Callable[[float], None]  # the share that is done, from 0 to 1


def live(history: StoredHistory, in_force: InForce, until: datetime, progress: Progress = lambda _: None) -> Lived:
    """Let everything happen again from the first reading on, up to and including a moment.

    Raises:
        ConfigError: nothing was read before that moment.
    """
    kinds = {name: entry.type for name, entry in in_force.sources().items()}
    readings = PastReadings(history, kinds)
    first = next(iter(readings.moments), None)
    if first is None or first > until:
        raise ConfigError(f"no reading is stored before {until:%Y-%m-%d %H:%M} UTC: there is nothing to replay")
    replay = _Replay(history, in_force, readings, Lived(first, until))
    for moment in replay.moments():
        replay.step(moment)
        progress((moment - first) / max(until - first, timedelta(seconds=1)))
    return replay.over()


class _Replaying(Engine):
    """Takes readings from stored history, and puts no message into words: what it would say is enough."""

    def __init__(
        self, store: ReplayStore, in_force: InForce, readings: PastReadings, began: datetime, clocks: Sequence[time]
    ) -> None:
        super().__init__(store, in_force)
        self._readings, self._clocks = readings, clocks
        self._reads_files = _files(in_force, began)

    def _taken_in(
        self, now: datetime, due: Sequence[str], accepting: frozenset[str]
    ) -> tuple[Sequence[Reading], Mapping[str, Accepted]]:
        return (), self._readings.at(now)

    def _is_quiet(self, decided: Decided) -> bool:
        """At each of these moments something may happen, such as a digest, though all data are as they were."""
        return False

    def _part_of_day(self, now: datetime) -> int:
        """Findings look at the time of day only where a value is due or a rule measures hours."""
        return bisect_right(self._clocks, now.astimezone(self.in_force.zone).time())

    def _in_words(self, message: Message, now: datetime) -> Rendered:
        return UNSAID


def _files(in_force: InForce, now: datetime) -> dict[str, bool]:
    """Return of each source whether it reads files: it may fail for longer."""
    return {name: _is_of_files(in_force, name, now) for name in in_force.sources()}


def _is_of_files(in_force: InForce, name: str, now: datetime) -> bool:
    if not getattr(in_force.settings.sources[name].settings, "watch", False):
        return False
    try:
        source = open_source(in_force, name, now)
    except SourceError:
        return False
    try:
        return reads_files(source)
    finally:
        let_go([Asked(name, source, {}, lambda: None)])


class _Replay:
    """One replay, from its first moment to its last."""

    def __init__(self, history: StoredHistory, in_force: InForce, readings: PastReadings, lived: Lived) -> None:
        self._in_force, self._lived = in_force, lived
        self._store = ReplayStore(history)
        clocks = clocks_of(in_force, history)
        self._engine = _Replaying(self._store, in_force, readings, lived.began, clocks)
        self._acts = _acts(history)
        self._ahead = [one for one in readings.moments if one <= lived.ended]
        self._ahead += daily(in_force, clocks, lived.began, lived.ended)
        self._ahead += [one for one, _ in self._acts if lived.began <= one <= lived.ended]
        heapq.heapify(self._ahead)

    def moments(self) -> Iterator[datetime]:
        """Yield each moment at which something may happen, in order, with those that come up on the way."""
        last: datetime | None = None
        while self._ahead:
            moment = heapq.heappop(self._ahead)
            if moment != last:
                yield moment
            last = moment

    def step(self, moment: datetime) -> None:
        """Let time pass up to the moment, and run the cycle of it."""
        lived, store = self._lived, self._store
        lived.sent += store.deliver(moment)
        while self._acts and self._acts[0][0] <= moment:
            self._act(*self._acts.pop(0))
        draft = self._engine.cycle(moment, ())
        lived.sent += store.deliver(moment)
        lived.transitions += draft.advanced.transitions
        lived.due |= _due(draft.advanced.transitions, draft.picture.snapshot)
        lived.moments += 1
        graces = self._engine.graces()
        for one in later(draft.advanced.current, draft.rules, draft.picture.snapshot.sources, graces):
            if moment < one <= lived.ended:
                heapq.heappush(self._ahead, one)

    def _act(self, at: datetime, what: Silence | TransitionEntry) -> None:
        if isinstance(what, Silence):
            self._store.put_silence(what)
        elif (step := self._noticed(at, what)) is not None:
            revision = self._store.revision()
            self._store.write(CycleChange(at, revision, alerts=[step.alert], transitions=[step]))
            self._lived.transitions.append(step)
        else:
            self._lived.unheeded += 1

    def _noticed(self, at: datetime, entry: TransitionEntry) -> Transition | None:
        """Return an acknowledgement of the alert that is open now where one was open then; None where none is."""
        open_ones = (one for one in self._store.alerts() if one.closed_at is None and one.level is not None)
        alert = next((one for one in open_ones if (one.rule, one.subject) == (entry.rule, entry.subject)), None)
        if alert is None:
            return None
        said = {name: entry.finding.get(name) for name in ("until", "new_date")}
        until, promised = (date.fromisoformat(str(one)) if one else None for one in said.values())
        today = at.astimezone(self._in_force.zone).date()
        wanted = Wanted(until or today, entry.who, str(entry.finding.get("because") or ""), new_date=promised)
        try:
            return acknowledge(alert, wanted, at, today)
        except ConfigError:
            return None

    def over(self) -> Lived:
        """Return what came of it; what waits still leaves at its hour."""
        self._lived.sent += self._store.deliver(self._lived.ended + timedelta(days=7))
        return self._lived


def _due(transitions: Sequence[Transition], snapshot: Snapshot) -> dict[str, date]:
    opened = [one.alert for one in transitions if one.reason == Reason.OPENED]
    subjects = Subjects(snapshot, ((one.entity, one.subject) for one in opened))
    days = {one.id: subjects.of(one).due for one in opened}
    return {name: day for name, day in days.items() if day is not None}


# --- what people did ----------------------------------------------------------------------------------------------


def _acts(history: StoredHistory) -> list[tuple[datetime, Silence | TransitionEntry]]:
    """Return what people did, by time: silences as they stood after it, and acknowledgements."""
    found: list[tuple[datetime, Silence | TransitionEntry]] = [(one.at, one) for one in history.acknowledged]
    found += [(one.since, replace(one, ended=False, ended_by="")) for one in history.silences if not one.name]
    found += [(one.until, replace(one, ended=False)) for one in history.silences if one.ended_by]
    return sorted(found, key=lambda one: one[0])
