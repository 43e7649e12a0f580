"""All that the store knows at one moment, as the next cycle would see it; nothing is read from sources or written.

The daemon may go on meanwhile: what is looked at is what the last cycle left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pmo_watch.alert_log import alert_at
from pmo_watch.alert_rows import ABOUT, about_alerts, alert_rows
from pmo_watch.alerts import Alert, Silence
from pmo_watch.desk import Desk
from pmo_watch.flow import Outcome, Snapshot, SourceState
from pmo_watch.hold_backs import by_moment
from pmo_watch.in_force import InForce
from pmo_watch.memory import Known, seen
from pmo_watch.needed import wishes
from pmo_watch.outgoing import channels
from pmo_watch.own_rules import with_own_rules
from pmo_watch.route import Changes, Ledger, desk_of
from pmo_watch.rules import RuleSet
from pmo_watch.store import AlertQuery, OutboxEntry, ReadingEntry, Store, TransitionEntry, TransitionQuery

BEGINNING = datetime.min.replace(tzinfo=UTC)
MOST_STEPS = 10_000  # transitions of one alert
MOST_ATTEMPTS = 500  # at a source, before a moment of the past


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """What the store keeps of one alert: its transitions, oldest first, and the messages about it, oldest first."""

    transitions: tuple[TransitionEntry, ...] = ()
    messages: tuple[OutboxEntry, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What was known at a moment. `rules`: with the built-in ones. `alerts`: all that are not closed; none of the past.

    `silences`: all there ever were. `past`: whether a moment of the past is asked
    about, so that the state of alerts comes from the log.
    """

    in_force: InForce
    rules: RuleSet
    snapshot: Snapshot
    alerts: tuple[Alert, ...]
    silences: tuple[Silence, ...]
    desk: Desk
    past: bool

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.snapshot.now

    def holding(self) -> list[Silence]:
        """Return the silences that hold messages back at the moment."""
        return by_moment(self.silences, self.now)


def look(store: Store, in_force: InForce, moment: datetime) -> World:
    """Return what was known at a moment, under the rules of now; of the past where anything happened since.

    Raises:
        StoreError
    """
    past = moment < _latest(store)
    known = known_at(store, moment) if past else Known.stored(store)
    history = store.past(wishes(in_force.rules, in_force.plugins.measures), moment, in_force.zone)
    rules = with_own_rules(in_force.rules)
    alerts = [] if past else [one for one in store.alerts() if one.closed_at is None]
    snapshot = _with_alerts(seen(known, in_force, moment, history), alerts, rules, store)
    silences = store.every_silence()
    ledger = Ledger(store.told(), by_moment(silences, moment))
    desk = desk_of(Changes(alerts=alerts), ledger, rules, RuleSet(), snapshot, channels(in_force))
    return World(in_force, rules, snapshot, tuple(alerts), tuple(silences), desk, past)


def _latest(store: Store) -> datetime:
    """Return when anything was last read or changed."""
    read = [one.read_at for one in store.sources().values() if one.read_at is not None]
    changed = [one.at for one in store.transitions(TransitionQuery(limit=1))]
    return max((*read, *changed), default=BEGINNING)


def alerts_on(store: Store, world: World, uid: str) -> list[Alert]:
    """Return the alerts there were on a row, newest first, each as it was at the moment."""
    found = store.find_alerts(AlertQuery(subject=uid, limit=MOST_STEPS))
    if world.past:
        logs = logs_of(store, [one.id for one in found])
        found = [then for one in found if (then := alert_at(one, logs[one.id].transitions, world.now)) is not None]
    return sorted(found, key=lambda one: (one.closed_at is None, one.began_at or world.now), reverse=True)


def _with_alerts(snapshot: Snapshot, alerts: Sequence[Alert], rules: RuleSet, store: Store) -> Snapshot:
    """Return the snapshot with alerts as rows, where rules look at them."""
    if not about_alerts(rules):
        return snapshot
    rows = alert_rows(alerts, store.told_on(), rules, snapshot)
    return replace(snapshot, frames={**snapshot.frames, ABOUT: rows})


def logs_of(store: Store, alerts: Iterable[str]) -> dict[str, Log]:
    """Return what the store keeps of each of these alerts."""
    ids = list(dict.fromkeys(alerts))
    messages = store.messages_about(ids)
    found = {}
    for one in ids:
        transitions = store.transitions(TransitionQuery(alert=one, limit=MOST_STEPS))
        found[one] = Log(tuple(reversed(transitions)), tuple(messages.get(one, ())))
    return found


# --- the past -----------------------------------------------------------------------------------------------------


def known_at(store: Store, at: datetime) -> Known:
    """Return the rows known at a moment, and the states of their sources then."""
    states = {name: state_at(state, store.readings(name, MOST_ATTEMPTS, at)) for name, state in store.sources().items()}
    return Known(store.rows(at), states)


def state_at(state: SourceState, attempts: Sequence[ReadingEntry]) -> SourceState:
    """Return what was known of a source after these attempts, newest first; one never asked has no outcome."""
    if not attempts:
        return SourceState(state.name, state.kind)
    last = attempts[0]
    good = next((one for one in attempts if one.outcome == Outcome.COMPLETE), None)
    since = attempts if good is None else attempts[: attempts.index(good)]
    failed = [one for one in since if one.outcome == Outcome.FAILED]
    return SourceState(
        state.name,
        state.kind,
        Outcome(last.outcome) if last.outcome else None,
        next((one.number for one in attempts if one.number), 0),
        last.read_at,
        good.read_at if good else None,
        good.as_of if good else None,
        failed[-1].read_at if failed else None,
        len(failed),
        last.error if last.outcome == Outcome.FAILED else "",
        last.rows,
        last.rejected,
        held=last.error if last.outcome == Outcome.HELD else "",
    )
