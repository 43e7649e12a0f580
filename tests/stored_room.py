"""The post room over a real store: SQLite in memory, empty before each story, written and leased as the daemon does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo

from postroom import Kept, PostRoom
from sqlalchemy import Engine, create_engine, delete, event
from sqlalchemy.pool import StaticPool

from pmo_watch.acknowledgements import Wanted
from pmo_watch.advance import Advanced
from pmo_watch.alerts import Left, Message, Rendered
from pmo_watch.operations import Hush, acknowledge_alerts, add_silence
from pmo_watch.rules import Rule
from pmo_watch.store import CycleChange, MarkKind, OutboxQuery, OutboxState, Settlement, Store
from pmo_watch.store.database import _begin_sqlite, _prepare_sqlite
from pmo_watch.store.tables import metadata
from pmo_watch.store.upgrade import upgrade

BRUSSELS = ZoneInfo("Europe/Brussels")
KINDS = (MarkKind.DIGEST, MarkKind.FLAG)


@cache
def engine() -> Engine:
    """Return a database in memory with the tables, one for the process."""
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    event.listen(made, "connect", _prepare_sqlite)
    event.listen(made, "begin", _begin_sqlite)
    upgrade(made)
    return made


class StoredRoom(PostRoom):
    """Cycles of advance and route, each committed; messages are leased when due, and accepted."""

    def __init__(self, *rules: Rule) -> None:
        super().__init__(*rules)
        with engine().begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        self.store = Store(engine())
        self.written: dict[str, Message] = {}
        self.written_in: dict[str, int] = {}  # message id -> number of the cycle
        self.revision = 0

    @property
    def kept(self) -> Kept:
        """What the store keeps now."""
        store = self.store
        self.revision = store.revision()
        marks = [(kind.value, key, text) for kind in KINDS for key, text in store.marks(kind).items()]
        silences = [*store.silences(), *store.ended_by_hand()]
        return Kept(store.alerts(), store.told(), silences, store.threads(), store.waiting(self.now), marks)

    def _keep(self, kept: Kept, made: Advanced) -> None:
        routed = self.last
        rendered = Rendered("subject", "text")
        change = CycleChange(
            self.now,
            based_on=self.revision,
            alerts=made.alerts,
            transitions=made.transitions,
            told=routed.told_added,
            told_removed=routed.told_removed,
            silences=routed.silences,
            messages=[(one, rendered) for one in routed.messages],
            withdrawn=routed.replaces,
            threads=[replace(one, subject=f"subject of {one.number}") for one in routed.threads],
            marks={(MarkKind(kind), key): text for (kind, key), text in routed.marks.items()},
            expires=timedelta(days=60),
        )
        self.store.write(change)
        for gone in (*routed.replaces, *(one for message in routed.messages for one in message.replaces)):
            del self.written[gone]
        for one in routed.messages:
            assert one.id not in self.written, "one id for two messages: the second would be lost"
            self.written[one.id] = one
            self.written_in[one.id] = self.reading
        self.deliver()

    def _left(self) -> list[Left]:
        return self.store.left(self.now - timedelta(days=2))

    def deliver(self) -> None:
        """Let the channels accept what is due."""
        while rows := self.store.lease(self.now, limit=50, seconds=60):
            for row in rows:
                self.sent.append(self.written[row.id])
                assert self.store.settle(Settlement(row, OutboxState.ACCEPTED, self.now, answer="250"))

    def restart(self) -> None:
        """Let another process go on from what the store holds; it knows no rules from before."""
        self.store = Store(engine())
        self.former = None

    def left_over(self) -> Iterator[str]:
        """Return the messages that wait, and who is owed an end."""
        waiting = self.store.outbox(OutboxQuery((OutboxState.WAITING, OutboxState.LEASED, OutboxState.DEFERRED)))
        yield from (one.id for one in waiting)
        yield from (f"{one.alert} {one.recipient}" for one in self.store.told())

    # --- what people do -------------------------------------------------------------------------------------------

    def hush(self, days: int, **match: str) -> None:
        """Set a silence to the end of a day so many days ahead."""
        until = self.now.astimezone(BRUSSELS).date() + timedelta(days=days)
        add_silence(self.store, Hush("pmo", "re-planning", until, **match), self.now, BRUSSELS)

    def unhush(self) -> None:
        """End every silence by hand."""
        for one in self.store.silences():
            self.store.end_silence(one.id, "pmo", self.now)

    def acknowledge(self, days: int, promised: int | None = None) -> None:
        """Acknowledge every open alert for so many days, and promise a date so many days ahead."""
        today = self.now.astimezone(BRUSSELS).date()
        ids = [one.id for one in self.store.alerts() if one.level is not None and one.closed_at is None]
        new_date = today + timedelta(days=promised) if promised is not None else None
        wanted = Wanted(today + timedelta(days=days), "pmo", "because", new_date=new_date)
        acknowledge_alerts(self.store, ids, wanted, self.now, BRUSSELS)
