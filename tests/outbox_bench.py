"""A deliverer over an outbox in memory and notifiers that answer as they are told."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from messages import NOW

from pmo_watch.alerts import OutboxRow, Rendered
from pmo_watch.clock import FixedClock
from pmo_watch.deliver import Attempt, Channel, Deliverer
from pmo_watch.errors import StoreError
from pmo_watch.store import Circuit, OutboxInsert, OutboxState, Settlement

Answer = str | BaseException


@dataclass
class MemoryOutbox:
    """An outbox as the store keeps it, without a database; `down` is how often it will not answer."""

    rows: dict[str, OutboxRow] = field(default_factory=dict)
    states: dict[str, OutboxState] = field(default_factory=dict)
    settled: list[Settlement] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    down: int = 0

    def add(self, *rows: OutboxRow) -> "MemoryOutbox":
        for row in rows:
            self.rows[row.id], self.states[row.id] = row, OutboxState.WAITING
        return self

    def _answer(self) -> None:
        if self.down:
            self.down -= 1
            raise StoreError("the database does not answer")

    def lease(
        self, now: datetime, *, limit: int, seconds: float, notifiers: Collection[str] | None = None
    ) -> list[OutboxRow]:
        self._answer()
        self.limits.append(limit)
        self.seconds.append(seconds)
        free = (OutboxState.WAITING, OutboxState.DEFERRED)
        due = [
            row
            for row in self.rows.values()
            if self.states[row.id] in free and (row.due or now) <= now and row.notifier in (notifiers or ())
        ]
        taken = [replace(row, attempts=row.attempts + 1) for row in due[:limit]]
        for row in taken:
            self.rows[row.id], self.states[row.id] = row, OutboxState.LEASED
        return taken

    def settle(self, settlement: Settlement) -> bool:
        self._answer()
        self.settled.append(settlement)
        self.states[settlement.row.id] = settlement.outcome
        if settlement.due:
            self.rows[settlement.row.id] = replace(settlement.row, due=settlement.due)
        return True

    def expired(self, now: datetime, limit: int = 100) -> list[OutboxRow]:
        self._answer()
        free = (OutboxState.WAITING, OutboxState.DEFERRED)
        return [
            row
            for row in self.rows.values()
            if self.states[row.id] in free and row.expires_at is not None and row.expires_at <= now
        ][:limit]

    def circuits(self) -> dict[str, Circuit]:
        self._answer()
        found: dict[str, Circuit] = {}
        for one in self.settled:
            known = found.get(one.row.notifier, Circuit(one.row.notifier))
            deferrals = known.deferrals + 1 if one.outcome == OutboxState.DEFERRED else 0
            fault = None if one.outcome == OutboxState.ACCEPTED else known.fault_since
            found[one.row.notifier] = replace(
                known, deferrals=deferrals, fault_since=one.at if one.channel_fault else fault
            )
        return found


@dataclass
class Scripted:
    """A notifier that answers by message id; what has no answer is accepted."""

    answers: dict[str, Answer] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    now: int = 0
    most: int = 0
    hold: asyncio.Event | None = None
    held: Collection[str] = ()
    closed: bool = False

    async def send(self, row: OutboxRow) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            if self.hold is not None and (row.id in self.held or not self.held):
                await self.hold.wait()
        finally:
            self.now -= 1
        self.sent.append(row.id)
        answer = self.answers.get(row.id, "250 ok")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


def a_row(name: str = "m1", notifier: str = "mail", **parts: Any) -> OutboxRow:
    usual = OutboxRow(name, notifier, "person:a", "Ann", "ann@pmo.test", "en", Rendered("s", "t"), due=NOW)
    return replace(usual, **parts)


def rows(number: int, notifier: str = "mail") -> Iterable[OutboxRow]:
    return (a_row(f"{notifier}{n}", notifier) for n in range(number))


@dataclass
class Bench:
    """A deliverer over the outbox and channels, and what it noted."""

    outbox: MemoryOutbox
    notifiers: dict[str, Any]
    in_flight: int = 1
    deadline: float = 5.0
    reroute: Callable[[OutboxRow], OutboxInsert | None] = lambda _: None
    clean: Callable[[str], str] = lambda text: text
    attempts: list[Attempt] = field(default_factory=list)

    def deliverer(self) -> Deliverer:
        channels = {name: Channel(one, self.in_flight, self.deadline) for name, one in self.notifiers.items()}
        return Deliverer(self.outbox, channels, FixedClock(NOW), self.reroute, self.attempts.append, self.clean)
