"""What the daemon keeps between cycles: each source's rows and state, the snapshot made of them, and its findings.

The store holds all of it too; keeping it here makes a cycle with nothing new cheap. Nothing is kept of a cycle that was
not committed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from pmo_watch.errors import StoreError
from pmo_watch.evaluate import Evaluated, evaluate, wishes
from pmo_watch.flow import Outcome, Reading, Snapshot, SourceState, Wish
from pmo_watch.in_force import InForce
from pmo_watch.merge import Merged, merge_rows, with_history
from pmo_watch.normalise import Accepted, accept
from pmo_watch.settings import database_url
from pmo_watch.store import CycleStore, ReadingChange, open_to_read
from pmo_watch.telling import Observer

Past = Callable[[Iterable[Wish]], Mapping[Wish, pl.DataFrame]]  # answers wishes for history
SourceRows = Mapping[str, Mapping[str, pl.DataFrame]]
QUARTER_HOUR = 900  # cut-offs of indicators pass during the day: a snapshot is made anew this often at least


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Rows and states of all sources at one moment."""

    rows: SourceRows
    states: Mapping[str, SourceState]

    def state(self, name: str, kind: str) -> SourceState:
        """Return the state of a source that is of this kind now."""
        return self.states.get(name, SourceState(name, kind)).of_kind(kind)

    @classmethod
    def stored(cls, store: CycleStore, ahead: "Known | None" = None) -> "Known":
        """Return what the store holds. `ahead`: what it held a moment ago, good as long as no source was read since."""
        states = store.sources()
        return ahead if ahead is not None and ahead.states == states else cls(store.rows(), states)

    def after(self, accepted: Mapping[str, Accepted]) -> "Known":
        """Return what is known once these readings are taken in."""
        return Known(
            {**self.rows, **{name: one.rows for name, one in accepted.items()}},
            {**self.states, **{name: one.state for name, one in accepted.items()}},
        )


def known_ahead(path: Path | None) -> Known | None:
    """Return what the database of these settings holds, for a start: while it is read, plugins can be loaded.

    None where there is nothing to read yet, or where opening the store will say what is wrong.
    """
    url = database_url(path)
    if url is None:
        return None
    try:
        store = open_to_read(url)
        if store is None:
            return None
        with closing(store):
            states = store.sources()  # first: what changes in between makes them differ later
            return Known(store.rows(), states)
    except StoreError:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A snapshot with its findings; `key` says what it was made of, so that the same is not made twice."""

    key: tuple[object, ...]
    snapshot: Snapshot
    evaluated: Evaluated
    known: Known = field(default_factory=lambda: Known({}, {}))


def take_in(
    readings: Sequence[Reading], known: Known, in_force: InForce, accepting: frozenset[str]
) -> dict[str, Accepted]:
    """Compare each reading with what is known of its source; of those in `accepting` a person believes it."""
    entries = in_force.settings.sources
    limits = in_force.settings.reading_limits()
    found: dict[str, Accepted] = {}
    for reading in readings:
        entry = entries[reading.source]
        state = known.state(reading.source, entry.type)
        believed = entry.accept_shrink or reading.source in accepting
        rows = known.rows.get(reading.source, {})
        found[reading.source] = accept(reading, rows, state, limits, accept_shrink=believed)
    return found


def changes(accepted: Mapping[str, Accepted], readings: Sequence[Reading], today: date) -> list[ReadingChange]:
    """Return what each reading changes, for the store."""
    costs = {one.source: one.summary.cost for one in readings}
    return [
        ReadingChange(
            one.state,
            today,
            one.changed,
            one.missing,
            one.vanished,
            one.returned,
            deleted=one.deleted,
            refiled=one.refiled,
            cost=costs.get(name, {}),
            imported=one.imported,
        )
        for name, one in accepted.items()
    ]


def picture(
    before: Picture | None,
    known: Known,
    in_force: InForce,
    when: tuple[datetime, int],
    past: Past,
    shown: Sequence[str],
) -> Picture:
    """Make the snapshot and its findings, or give back the one before with the new moment when nothing has changed.

    `when`: now, and the part of the day, which differs where findings of the same rows on the same day may. `shown`:
    measures that observers show besides.
    """
    now, part_of_day = when
    context = in_force.context(now)
    key = (
        context.today,
        part_of_day,
        in_force.rules.hash,
        id(in_force.base),
        tuple(sorted((name, state.reading, _seen(state)) for name, state in known.states.items())),
    )
    if before and before.key == key and _same_rows(before.known.rows, known.rows):
        snapshot = replace(before.snapshot, now=now, sources=known.states)
        return replace(before, snapshot=snapshot, known=known)
    measures = in_force.plugins.measures
    asked = wishes(in_force.rules, measures, shown)
    with ThreadPoolExecutor(max_workers=1) as beside:  # history comes out of the database while rows are merged
        history = beside.submit(past, asked)
        snapshot = with_history(merged(known, in_force, now), history.result())
    evaluated = evaluate(in_force.rules, snapshot, measures, shown)
    return Picture(key, snapshot, evaluated, known)


def seen(known: Known, in_force: InForce, now: datetime, history: Mapping[Wish, pl.DataFrame]) -> Snapshot:
    """Return the snapshot of what is known, at this moment."""
    return with_history(merged(known, in_force, now), history)


def merged(known: Known, in_force: InForce, now: datetime) -> Merged:
    """Return the rows of all sources as one, without what follows from history and the day."""
    # A source that is switched off keeps its rows; one that has left the settings takes them with it.
    rows = {name: known.rows[name] for name in in_force.settings.sources if name in known.rows}
    return merge_rows(rows, known.states, in_force.context(now))


def shown_measures(observers: Mapping[str, Observer]) -> list[str]:
    """Return the measures that observers show."""
    return sorted({name for observer in observers.values() for name in observer.wishes()})


def _seen(state: SourceState) -> bool:
    return state.outcome in {Outcome.COMPLETE, Outcome.PARTIAL}


def _same_rows(before: SourceRows, now: SourceRows) -> bool:
    """Say whether the very same frames are there: readings that change nothing keep them."""
    if before.keys() != now.keys():
        return False
    return all(
        before[name].keys() == now[name].keys() and all(before[name][one] is now[name][one] for one in now[name])
        for name in now
    )
