"""Step 7: outbox rows -> notifiers. Nothing counts as sent before the other side has accepted it.

Each notifier has a task of its own, so that one channel never holds up another. The outbox is the store's; a crash
between acceptance and settlement sends a message twice, under the same id, and never not at all.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from pmo_watch.alerts import OutboxRow
from pmo_watch.clock import Clock
from pmo_watch.contracts import Notifier, Paced
from pmo_watch.errors import DeliveryDeferred, DeliveryError, DeliveryRejected
from pmo_watch.store import Circuit, OutboxInsert, OutboxState, Settlement

LOG = structlog.get_logger("pmo_watch.deliver")
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
JITTER = 0.2  # of a wait, so that what failed together is not tried together
BATCH = 100  # messages taken at a time; an e-mail connection serves as many
PROBE_AFTER = 5  # deferrals running after which a channel is tried with one message at a time
POLL_SECONDS = 5.0  # how often a daemon looks for messages that another one wrote
LEASE_MARGIN_SECONDS = 30.0


class Outbox(Protocol):
    """What delivery needs of the store."""

    def lease(
        self, now: datetime, *, limit: int, seconds: float, notifiers: Collection[str] | None = None
    ) -> list[OutboxRow]:
        """Take messages that are due."""
        ...

    def settle(self, settlement: Settlement) -> bool:
        """Write how an attempt ended."""
        ...

    def expired(self, now: datetime, limit: int = 100) -> list[OutboxRow]:
        """Return messages past their expiry."""
        ...

    def circuits(self) -> dict[str, Circuit]:
        """Return how each notifier fares."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """An open notifier: how many messages it sends at a time, and after how many seconds an attempt is given up."""

    notifier: Notifier
    in_flight: int = 1
    deadline_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended, for whoever counts."""

    notifier: str
    outcome: OutboxState
    reason: str
    seconds: float
    delay_seconds: float  # from due to now
    channel_fault: bool


Reroute = Callable[[OutboxRow], OutboxInsert | None]


class Deliverer:
    """Sends what is due over open channels."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        clock: Clock,
        reroute: Reroute = lambda _: None,
        noted: Callable[[Attempt], None] = lambda _: None,
    ) -> None:
        self._outbox = outbox
        self._channels = dict(channels)
        self._clock = clock
        self._reroute = reroute
        self._noted = noted
        self._news = asyncio.Event()
        self._jitter = random.Random()  # noqa: S311  # spreads retries; nothing secret hangs on it

    def wake(self) -> None:
        """Look for messages now: a cycle has written some."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop; attempts under way are given a moment, then stay leased and are sent again."""
        tasks = [asyncio.create_task(self._serve(name, stop), name=f"deliver {name}") for name in self._channels]
        tasks.append(asyncio.create_task(self._expire_until(stop), name="expire"))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> int:
        """Deliver everything that is due now, each message once, and return how many attempts were made."""
        await self._expire()
        made = await asyncio.gather(*[self._drain(name) for name in self._channels])
        return sum(made)

    async def _drain(self, name: str) -> int:
        made = 0
        while rows := await self._lease(name):
            await self._send_all(name, rows)
            made += len(rows)
        return made

    async def _serve(self, name: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._news.clear()
            rows = await self._lease(name)
            if rows:
                await self._send_all(name, rows)
            else:
                await _first(POLL_SECONDS, stop, self._news)

    async def _expire_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._expire()
            await _first(60.0, stop)

    async def _lease(self, name: str) -> list[OutboxRow]:
        """Take what is due for a channel; one message alone while the channel does not work."""
        channel = self._channels[name]
        circuit = (await asyncio.to_thread(self._outbox.circuits)).get(name)
        broken = circuit is not None and (circuit.deferrals >= PROBE_AFTER or circuit.fault_since is not None)
        limit = 1 if broken else BATCH
        # Serial sends of a whole batch must fit into the lease, at worst each up to its deadline.
        rounds = -(-limit // channel.in_flight)
        seconds = 2 * channel.deadline_seconds * rounds + LEASE_MARGIN_SECONDS
        now = self._clock.now()
        return await asyncio.to_thread(self._outbox.lease, now, limit=limit, seconds=seconds, notifiers=(name,))

    async def _send_all(self, name: str, rows: Sequence[OutboxRow]) -> None:
        slots = asyncio.Semaphore(self._channels[name].in_flight)

        async def one(row: OutboxRow) -> None:
            async with slots:
                await self._send(name, row)

        await asyncio.gather(*[one(row) for row in rows])

    async def _send(self, name: str, row: OutboxRow) -> None:
        channel = self._channels[name]
        if isinstance(channel.notifier, Paced):
            await channel.notifier.turn()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(channel.deadline_seconds):
                answer = await channel.notifier.send(row)
            settlement = Settlement(row, OutboxState.ACCEPTED, self._clock.now(), answer=answer[:500])
        except DeliveryError as fault:
            settlement = self._failed(row, fault)
        except TimeoutError:
            settlement = self._failed(row, DeliveryDeferred("timeout", f"no end within {channel.deadline_seconds:g} s"))
        except Exception:
            LOG.exception("notifier raised what it should not", notifier=name)
            settlement = self._failed(row, DeliveryDeferred("other"))
        # The answer of the other side must not be lost to a stop that comes right now.
        await asyncio.shield(asyncio.to_thread(self._outbox.settle, settlement))
        self._note(settlement, asyncio.get_running_loop().time() - began)

    def _failed(self, row: OutboxRow, fault: DeliveryError) -> Settlement:
        now = self._clock.now()
        refused = isinstance(fault, DeliveryRejected)
        retry_after = fault.retry_after if isinstance(fault, DeliveryDeferred) else None
        due = now + self._wait(row.attempts, retry_after)
        if not refused and row.expires_at is not None and due >= row.expires_at:
            return replace(self._expiry(row, now), reason=fault.reason, answer=fault.answer)
        return Settlement(
            row,
            OutboxState.REJECTED if refused else OutboxState.DEFERRED,
            now,
            reason=fault.reason,
            answer=fault.answer,
            due=None if refused else due,
            channel_fault=fault.channel_fault,
            fallback=self._reroute(row) if refused else None,
        )

    def _wait(self, attempts: int, retry_after: float | None) -> timedelta:
        """Return how long to wait before the next attempt: twice as long each time, or as the other side says."""
        doublings = min(max(attempts - 1, 0), 12)
        usual: timedelta = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
        spread = usual * (1 + self._jitter.uniform(-JITTER, JITTER))
        return max(spread, timedelta(seconds=retry_after)) if retry_after is not None else spread

    async def _expire(self) -> None:
        now = self._clock.now()
        for row in await asyncio.to_thread(self._outbox.expired, now):
            settlement = self._expiry(row, now)
            await asyncio.to_thread(self._outbox.settle, settlement)
            self._note(settlement, 0.0)

    def _expiry(self, row: OutboxRow, now: datetime) -> Settlement:
        return Settlement(row, OutboxState.EXPIRED, now, reason="other", answer="expired", fallback=self._reroute(row))

    def _note(self, settlement: Settlement, seconds: float) -> None:
        row = settlement.row
        delay = (settlement.at - row.due).total_seconds() if row.due else 0.0
        self._noted(
            Attempt(row.notifier, settlement.outcome, settlement.reason, seconds, delay, settlement.channel_fault)
        )
        if settlement.outcome != OutboxState.ACCEPTED:
            LOG.info(
                "not delivered",
                notifier=row.notifier,
                message=row.id,
                outcome=settlement.outcome.value,
                reason=settlement.reason,
                attempt=row.attempts,
            )

    async def close(self) -> None:
        """Let go of every channel."""
        for name, channel in self._channels.items():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await channel.notifier.close()
            LOG.debug("closed", notifier=name)


async def _first(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of the events is set, or so long."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
