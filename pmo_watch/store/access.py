"""The store, open: each method is a transaction of its own, may be called from any thread, and blocks."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo

import polars as pl
from sqlalchemy import Engine

from pmo_watch.alerts import Alert, Left, OutboxRow, Rendered, Silence, Thread, Told, WaitingMessage
from pmo_watch.errors import StoreError
from pmo_watch.flow import Samples, SourceState, Wish
from pmo_watch.store import alerts, circuits, colours, listed, migrations, outbox, snapshots
from pmo_watch.store.changes import (
    AlertList,
    AlertQuery,
    Circuit,
    CycleChange,
    MarkKind,
    OutboxEntry,
    OutboxFigures,
    OutboxQuery,
    ProjectListed,
    ReadingChange,
    ReadingEntry,
    Settlement,
    SourceRows,
    TransitionEntry,
    TransitionQuery,
)
from pmo_watch.store.database import reading, writing
from pmo_watch.store.history import Past, Question, samples_of, token_of
from pmo_watch.store.retention import prune
from pmo_watch.store.seats import Seat, check_term, seat_at
from pmo_watch.store.shown import write_shown
from pmo_watch.store.stored_history import StoredHistory, read_history
from pmo_watch.store.upgrade import revision_of


class Store:
    """The database, open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._past = Past()
        self._daemon: str | None = None
        self._term: int | None = None

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def answers(self) -> bool:
        """Say whether the database answers."""
        try:
            with reading(self._engine) as connection:
                return revision_of(connection) == migrations.NEWEST
        except StoreError:
            return False

    # --- who runs the cycles ---

    def seat(self, takeover: timedelta) -> Seat:
        """Return the seat from which cycles are run; `takeover`: how long its holder may give no sign of life."""
        return seat_at(self._engine, takeover)

    def lead_in(self, term: int) -> None:
        """Write cycles in this term of the seat from now on; once another has begun they are refused (`Deposed`)."""
        self._term = term

    # --- what sources said ---

    def sources(self) -> dict[str, SourceState]:
        """Return the state of every source ever asked, by name."""
        with reading(self._engine) as connection:
            return snapshots.read_states(connection)

    def known_since(self) -> dict[str, datetime]:
        """Return how far back each source's history goes: to its first attempt, or its oldest past state."""
        with reading(self._engine) as connection:
            return snapshots.read_beginnings(connection)

    def rows(self, as_of: datetime | None = None) -> SourceRows:
        """Return each source's own rows, by entity, sorted by uid: those of now, or what was known at `as_of`.

        Columns as `intake.row_schema`: `uid`, the stored fields, `@part`, `@missing` (number of the reading in
        which the row was first missing; always null with `as_of`). Sources and entities without rows are left out.
        """
        with reading(self._engine) as connection:
            return snapshots.read_rows(connection, as_of)

    def vanished(self, since: date) -> SourceRows:
        """Return the last version of rows that vanished on or after the day, shaped as `rows` plus `vanished_on`.

        A row that came back since is not among them.
        """
        with reading(self._engine) as connection:
            return snapshots.read_vanished(connection, since)

    def readings(self, source: str = "", limit: int = 100, until: datetime | None = None) -> list[ReadingEntry]:
        """Return the attempts at a source (at all sources when empty), newest first; `until`: those by then."""
        with reading(self._engine) as connection:
            return snapshots.read_attempts(connection, source, limit, until)

    def past(
        self, wishes: Iterable[Wish], now: datetime, zone: tzinfo, pending: Sequence[ReadingChange] = ()
    ) -> dict[Wish, pl.DataFrame]:
        """Answer wishes for history, in the uids and texts of the sources' own rows (merge them as `rows`).

        `pending`: what this cycle has read and will write at its end counts as written.

        Samples: `uid`, `source`, `period` (ISO text, as observations have it), `ends` (last day of the period, today
        for the current one), the fields; sorted by uid, oldest first. A period in which the source gave no complete
        reading is left out. Since: `uid`, `source`, `since` (date in `zone`). First: `uid`, `source`, the field; rows
        that never had a value are left out. Since and First speak of present rows only. A wish for an entity or field
        that is not stored gives no rows. Answers are kept until rows, readings or the day change, so that asking in
        every cycle is cheap.
        """
        question = Question(now, zone, pending)
        with reading(self._engine) as connection:
            wanted = list(wishes)
            return self._past.answer(connection, wanted, question) | colours.read_colours(connection, wanted, now, zone)

    def samples_of(
        self, wish: Samples, uids: Sequence[str], now: datetime, zone: tzinfo, pending: Sequence[ReadingChange] = ()
    ) -> pl.DataFrame:
        """Answer a wish for samples of these rows alone, as `past` does for all rows; nothing of it is kept."""
        with reading(self._engine) as connection:
            return samples_of(connection, wish, uids, Question(now, zone, pending))

    def colours_at(self, at: datetime, dimension: str) -> dict[str, str]:
        """Return the computed colour of each project in a dimension, by uid, as known at that moment."""
        with reading(self._engine) as connection:
            return colours.read_colours_at(connection, at, dimension)

    def history(self, zone: tzinfo) -> StoredHistory:
        """Return all that is kept of the past, to be lived again: see `StoredHistory`."""
        with reading(self._engine) as connection:
            return read_history(connection, zone)

    # --- alerts ---

    def revision(self) -> int:
        """Return a number that grows with every change of alerts; read it before `alerts`, pass it as `based_on`."""
        with reading(self._engine) as connection:
            return alerts.revision_of_alerts(connection)

    def alerts(self) -> list[Alert]:
        """Return the alerts that are pending, open, or closed and remembered (`Alert.recent`), by rule and subject."""
        with reading(self._engine) as connection:
            return alerts.read_alerts(connection)

    def find_alerts(self, query: AlertQuery) -> list[Alert]:
        """Return alerts, closed ones included."""
        with reading(self._engine) as connection:
            return alerts.find_alerts(connection, query)

    def list_alerts(self, query: AlertList) -> tuple[list[Alert], int]:
        """Return a page of alerts, the most urgent first, and how many there are on all pages."""
        with reading(self._engine) as connection:
            return listed.list_alerts(connection, query), listed.count_alerts(connection, query)

    def silenced_among(self, alert_ids: Sequence[str]) -> set[str]:
        """Return those of these alerts whose messages a silence held back in the last cycle."""
        with reading(self._engine) as connection:
            return listed.silenced_among(connection, alert_ids)

    def open_by_rule(self) -> dict[str, int]:
        """Count open alerts by rule."""
        with reading(self._engine) as connection:
            return listed.open_by_rule(connection)

    def list_projects(self, limit: int) -> tuple[list[ProjectListed], dict[str, int]]:
        """Return the first projects, the worst first, and how many there are of each computed colour."""
        with reading(self._engine) as connection:
            return listed.list_projects(connection, limit), listed.count_colours(connection)

    def told(self) -> list[Told]:
        """Return who is owed a closing message."""
        with reading(self._engine) as connection:
            return alerts.read_told(connection)

    def told_on(self) -> dict[str, datetime]:
        """Return, by alert id, when the first message about the present level of an open alert was accepted."""
        with reading(self._engine) as connection:
            return alerts.read_told_on(connection)

    def threads(self) -> list[Thread]:
        """Return the last thread of each notifier, recipient and project."""
        with reading(self._engine) as connection:
            return alerts.read_threads(connection)

    def transitions(self, query: TransitionQuery) -> list[TransitionEntry]:
        """Return transitions, newest first."""
        with reading(self._engine) as connection:
            return alerts.read_transitions(connection, query)

    def silences(self) -> list[Silence]:
        """Return silences that are not `ended`, also those whose `until` has passed and whose end nobody said yet."""
        with reading(self._engine) as connection:
            return alerts.read_silences(connection)

    def ended_by_hand(self) -> list[Silence]:
        """Return times of recurring silences that a person ended: they do not begin again."""
        with reading(self._engine) as connection:
            return alerts.read_ended_by_hand(connection)

    def every_silence(self) -> list[Silence]:
        """Return all silences there ever were, oldest first."""
        with reading(self._engine) as connection:
            return alerts.read_every_silence(connection)

    def add_silence(self, silence: Silence) -> None:
        """Keep a silence; the same id again replaces it."""
        with writing(self._engine) as connection:
            alerts.raise_revision(connection, None)  # a cycle that is deciding decides again, and no cycle rests
            alerts.write_silences(connection, [silence])

    def end_silence(self, silence_id: str, who: str, now: datetime) -> Silence | None:
        """Let a silence end now and return it; None when there is none of that id that goes on.

        It stays among `silences` until a cycle has said what is open and writes it back as `ended`.
        """
        with writing(self._engine) as connection:
            alerts.raise_revision(connection, None)
            return alerts.end_silence(connection, silence_id, who, now)

    def marks(self, kind: MarkKind) -> dict[str, str]:
        """Return the small keyed texts of that kind."""
        with reading(self._engine) as connection:
            return alerts.read_marks(connection, kind)

    # --- writing ---

    def write(self, change: CycleChange) -> None:
        """Write everything in one transaction, or nothing.

        Raises:
            StoreConflict: alerts changed since `change.based_on`, or a message that was to go has been leased.
            StoreError
        """
        with writing(self._engine) as connection:
            check_term(connection, self._term)
            before = token_of(connection)
            if change.alerts or change.transitions or change.told or change.told_removed or change.based_on is not None:
                alerts.raise_revision(connection, change.based_on)
            written = [(one, snapshots.write_reading(connection, one)) for one in change.readings]
            alerts.write_alerts(connection, change.alerts)
            alerts.write_transitions(connection, change.transitions)
            alerts.write_told(connection, change.told, change.told_removed)
            alerts.write_silences(connection, change.silences)
            alerts.write_threads(connection, change.threads)
            replaced = [one for message, _ in change.messages for one in message.replaces]
            # First: what says the same at another time is the same message, by its id, and takes its own place.
            outbox.withdraw(connection, [*change.withdrawn, *replaced])
            outbox.write_messages(connection, change.messages, change.at, change.expires)
            alerts.write_marks(connection, change.marks, change.at)
            if change.colours is not None:
                colours.write_colours(connection, change.colours, change.at)
            if change.showing is not None:
                write_shown(connection, change.showing, change.at)
            after = token_of(connection)
        self._past.written(before, after, written)

    def retention(self, before: datetime, zone: tzinfo) -> int:
        """Prune what ended before the moment and return how many versions went.

        The first version of a row and the one known at the end of each week stay, and a kept version then stands until
        the next kept one. Attempts at sources and settled messages go too; alerts and transitions stay.
        """
        with writing(self._engine) as connection:
            check_term(connection, self._term)
            pruned = prune(connection, before, zone)
        self._past.forget()
        return pruned

    # --- outbox ---

    def lease(
        self, now: datetime, *, limit: int, seconds: float, notifiers: Collection[str] | None = None
    ) -> list[OutboxRow]:
        """Take up to `limit` messages that are due, oldest first, for so many seconds; nobody else gets them meanwhile.

        A lease that ran out is taken up again. Each lease is an attempt: `OutboxRow.attempts` counts this one.
        Messages past their expiry are not leased: see `expired`. `notifiers`: only of these; None is all.
        """
        with writing(self._engine) as connection:
            return outbox.lease(connection, now, now + timedelta(seconds=seconds), limit, notifiers, self._daemon)

    def deliver_as(self, daemon: str, now: datetime) -> int:
        """Lease under this name from now on; what was leased under it is free at once. Return how many those are.

        Only one living process may have a name: whoever has it calls this before it delivers.
        """
        self._daemon = daemon
        with writing(self._engine) as connection:
            return outbox.end_leases(connection, daemon, now)

    def settle(self, settlement: Settlement) -> bool:
        """Write how an attempt ended, with the fallback's message; keeps count of the notifier's deferrals.

        Returns False, and writes nothing, when the lease had run out and somebody else took the message up. An
        acceptance is always written.
        """
        with writing(self._engine) as connection:
            return outbox.settle(connection, settlement)

    def expired(self, now: datetime, limit: int = 100) -> list[OutboxRow]:
        """Return undelivered messages past their expiry, for `settle` with outcome expired (and a fallback)."""
        with reading(self._engine) as connection:
            return outbox.expired(connection, now, limit)

    def next_due(self, notifiers: Collection[str] | None = None) -> datetime | None:
        """Return when the next message is due or the next lease runs out; None when nothing waits."""
        with reading(self._engine) as connection:
            return outbox.next_due(connection, notifiers)

    def waiting(self, now: datetime) -> list[WaitingMessage]:
        """Return messages at once that wait for their recipient's hours: never leased, due after now."""
        with reading(self._engine) as connection:
            return outbox.read_waiting(connection, now)

    def left(self, since: datetime) -> list[Left]:
        """Return the alerts and digests that left since then, or wait to leave."""
        with reading(self._engine) as connection:
            return outbox.read_left(connection, since)

    def alerts_of(self, message_id: str) -> list[str]:
        """Return the ids of the alerts that a message is about."""
        with reading(self._engine) as connection:
            return outbox.read_alerts_of(connection, message_id)

    def circuits(self) -> dict[str, Circuit]:
        """Return how each notifier fares that was ever used."""
        with reading(self._engine) as connection:
            return circuits.read_circuits(connection)

    def reset_circuit(self, notifier: str) -> None:
        """Forget deferrals and fault of a notifier, after its settings changed."""
        with writing(self._engine) as connection:
            circuits.reset_circuit(connection, notifier)

    def note_fault(self, notifier: str, at: datetime, reason: str, answer: str) -> None:
        """Keep that the channel of a notifier that sends no messages does not work; see `Circuit`."""
        with writing(self._engine) as connection:
            circuits.note_fault(connection, notifier, at, reason, answer)

    def outbox(self, query: OutboxQuery) -> list[OutboxEntry]:
        """Return messages without their bodies."""
        with reading(self._engine) as connection:
            return outbox.read_outbox(connection, query)

    def messages_about(self, alerts: Sequence[str]) -> dict[str, list[OutboxEntry]]:
        """Return the messages about each of these alerts (ids), oldest first; an alert without any is left out."""
        with reading(self._engine) as connection:
            return outbox.read_messages_about(connection, alerts)

    def message(self, message_id: str) -> tuple[OutboxEntry, Rendered] | None:
        """Return a message with its body; None when there is none of that id."""
        with reading(self._engine) as connection:
            return outbox.read_message(connection, message_id)

    def retry(self, message_id: str, who: str, now: datetime) -> OutboxEntry | None:
        """Have a deferred, rejected, expired or dropped message sent again, from now on and with a new expiry.

        Returns it as it is afterwards, unchanged where it was accepted, leased or waiting; None: no such message.
        """
        with writing(self._engine) as connection:
            return outbox.retry(connection, message_id, who, now)

    def drop(self, message_id: str, who: str, now: datetime) -> OutboxEntry | None:
        """Give a message up; returns it as `retry` does, unchanged where it was accepted or is leased."""
        with writing(self._engine) as connection:
            return outbox.drop(connection, message_id, who, now)

    def outbox_figures(self) -> OutboxFigures:
        """Count messages for metrics."""
        with reading(self._engine) as connection:
            return outbox.read_figures(connection)
