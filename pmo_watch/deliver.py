"""Step 7: outbox rows -> notifiers. Nothing counts as sent before the other side has accepted it.

Each notifier has a task of its own and a few messages in flight, so that neither a channel nor a mailbox holds up
another. The outbox is the store's; a crash between acceptance and settlement sends a message twice, under the same id,
and never not at all.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from pmo_watch.alerts import OutboxRow
from pmo_watch.clock import Clock
from pmo_watch.errors import DeliveryDeferred, DeliveryError, DeliveryRejected, StoreError
from pmo_watch.plain import NOTE, plain
from pmo_watch.store import Circuit, OutboxInsert, OutboxState, Settlement
from pmo_watch.telling import Notifier, Paced

LOG = structlog.get_logger("pmo_watch.deliver")
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
JITTER = 0.2  # of a wait, so that what failed together is not tried together
PROBE_AFTER = 5  # deferrals running after which a channel is tried with one message at a time
FIRST_PROBE_SECONDS, LONGEST_PROBE_SECONDS = 15.0, 300.0  # between two tries of a channel that cannot be reached
POLL_SECONDS = 5.0  # how often a daemon looks for messages that another one wrote
EXPIRY_SECONDS = 60.0
PACE_SECONDS = 60.0  # the longest wait for a turn: the slowest rate is one in a minute
STOP_SECONDS = 3.0  # what is under way when we stop may end within; else it stays leased and is sent again
CLOSE_SECONDS = 2.0
SETTLE_TRIES, SETTLE_WAIT_SECONDS, LONGEST_SETTLE_WAIT = 25, 0.5, 15.0  # twice as long each time: five minutes
# Reasons that speak of the channel; the others may be about one recipient or one message.
_UNREACHABLE = {"timeout", "connect", "tls", "auth", "config", "disconnected"}


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
    """An open notifier: how many messages it sends at a time, and after how many seconds an attempt is given up.

    `defect`: called when its plugin raises what it should not.
    """

    notifier: Notifier
    in_flight: int = 1
    deadline_seconds: float = 60.0
    defect: Callable[[], None] = lambda: None

    @property
    def lease_seconds(self) -> float:
        """How long a message is ours: twice the deadline, or as long as the wait for its turn asks for."""
        wait = PACE_SECONDS if isinstance(self.notifier, Paced) else 0.0
        return self.deadline_seconds + max(self.deadline_seconds, wait)


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
AnswerT = TypeVar("AnswerT")


class Health:
    """Whether a channel works, and when it is tried again where it does not."""

    def __init__(self) -> None:
        self._deferrals, self._fault = 0, False
        self._pause, self._resume_at = 0.0, 0.0

    @property
    def is_broken(self) -> bool:
        """Whether it is tried with one message at a time."""
        return self._fault or self._deferrals >= PROBE_AFTER

    def learn(self, circuit: Circuit | None) -> None:
        """Take over what the store knows: other daemons deliver too, and a reload forgets faults."""
        self._deferrals = circuit.deferrals if circuit else 0
        self._fault = circuit is not None and circuit.fault_since is not None
        if not self.is_broken:
            self._pause, self._resume_at = 0.0, 0.0

    def note(self, settlement: Settlement, now: float) -> None:
        """Count one attempt; after a try of a channel that cannot be reached, wait before the next one."""
        deferred = settlement.outcome == OutboxState.DEFERRED
        self._deferrals = self._deferrals + 1 if deferred else 0
        self._fault = settlement.channel_fault or (self._fault and settlement.outcome != OutboxState.ACCEPTED)
        if self.is_broken and (settlement.channel_fault or settlement.reason in _UNREACHABLE):
            self._pause = min(max(2 * self._pause, FIRST_PROBE_SECONDS), LONGEST_PROBE_SECONDS)
            self._resume_at = now + self._pause
        elif not self.is_broken:
            self._pause, self._resume_at = 0.0, 0.0

    def pause(self, now: float) -> float:
        """Return how many seconds to wait before the channel is tried again."""
        return max(self._resume_at - now, 0.0)


class Deliverer:
    """Sends what is due over open channels."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        clock: Clock,
        reroute: Reroute = lambda _: None,
        noted: Callable[[Attempt], None] = lambda _: None,
        clean: Callable[[str], str] = lambda text: text,
    ) -> None:
        self._outbox = outbox
        self._channels = dict(channels)
        self._clock = clock
        self._reroute = reroute
        self._noted = noted
        self._clean = clean
        self._health = {name: Health() for name in self._channels}
        self._news = {name: asyncio.Event() for name in self._channels}
        self._surprises: set[tuple[str, str]] = set()
        self._store_answers = True
        self._jitter = random.Random()  # noqa: S311  # spreads retries; nothing secret hangs on it

    def wake(self) -> None:
        """Look for messages now: a cycle has written some."""
        for news in self._news.values():
            news.set()

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
        """Deliver what is due now, each message once, and return how many attempts were made.

        What waits for a channel that cannot be reached goes on waiting.
        """
        await self._expire()
        made = await asyncio.gather(*[self._drain(name) for name in self._channels])
        return sum(made)

    async def close(self) -> None:
        """Let go of every channel."""
        for name, channel in self._channels.items():
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await channel.notifier.close()
            except TimeoutError:
                LOG.warning("notifier takes too long to close", notifier=name)
            except Exception as surprise:  # noqa: BLE001  # a plugin's bug keeps no other channel open
                self._surprised(name, surprise)

    async def _serve(self, name: str, stop: asyncio.Event) -> None:
        sending: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                self._news[name].clear()
                rows = await self._take(name, len(sending))
                sending |= {asyncio.create_task(self._send(name, row)) for row in rows}
                if not rows:
                    await _first(self._rest(name), sending, stop, self._news[name])
                sending = {task for task in sending if not _ended(task)}
        finally:
            await _finish(sending)

    def _rest(self, name: str) -> float:
        """Return how long to wait when there is nothing to take."""
        return max(self._health[name].pause(_now()), POLL_SECONDS)

    async def _drain(self, name: str) -> int:
        made = 0
        while rows := await self._take(name, 0):
            await asyncio.gather(*[self._send(name, row) for row in rows])
            made += len(rows)
        return made

    async def _take(self, name: str, under_way: int) -> list[OutboxRow]:
        """Lease as many messages as the channel has room for; one alone while it does not work."""
        channel, health = self._channels[name], self._health[name]
        if under_way >= channel.in_flight:
            return []
        circuits = await self._ask(self._outbox.circuits)
        if circuits is None:
            return []
        health.learn(circuits.get(name))
        room = (1 if health.is_broken else channel.in_flight) - under_way
        if room <= 0 or health.pause(_now()) > 0:
            return []

        def lease() -> list[OutboxRow]:
            return self._outbox.lease(self._clock.now(), limit=room, seconds=channel.lease_seconds, notifiers=(name,))

        return await self._ask(lease) or []

    async def _expire_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._expire()
            await _first(EXPIRY_SECONDS, set(), stop)

    async def _expire(self) -> None:
        now = self._clock.now()
        while rows := await self._ask(lambda: self._outbox.expired(now)):
            for row in rows:
                expiry = Settlement(row, OutboxState.EXPIRED, now, "other", "expired", fallback=self._reroute(row))
                await self._settle(expiry, 0.0)

    async def _ask(self, question: Callable[[], AnswerT]) -> AnswerT | None:
        """Ask the store in a thread; None while it does not answer, which is said once."""
        try:
            answer = await asyncio.to_thread(question)
        except StoreError as fault:
            if self._store_answers:
                LOG.warning("the outbox does not answer", error=str(fault))
            self._store_answers = False
            return None
        self._store_answers = True
        return answer

    async def _send(self, name: str, row: OutboxRow) -> None:
        surprise = await self._turn(name)
        began = _now()
        settlement = await self._attempt(name, row) if surprise is None else self._failed(row, surprise)
        # The answer of the other side must not be lost to a stop that comes right now.
        await asyncio.shield(self._settle(settlement, _now() - began))
        self._health[name].note(settlement, _now())

    async def _turn(self, name: str) -> DeliveryDeferred | None:
        """Wait for the channel's turn; return why there is none where its plugin fails."""
        notifier = self._channels[name].notifier
        try:
            if isinstance(notifier, Paced):
                await notifier.turn()
        except Exception as surprise:  # noqa: BLE001  # a plugin's bug is this attempt's error, not ours
            return self._surprised(name, surprise)
        return None

    async def _attempt(self, name: str, row: OutboxRow) -> Settlement:
        channel = self._channels[name]
        try:
            async with asyncio.timeout(channel.deadline_seconds):
                answer = await channel.notifier.send(row)
        except DeliveryError as fault:
            return self._failed(row, fault)
        except TimeoutError:
            return self._failed(row, DeliveryDeferred("timeout", f"no end within {channel.deadline_seconds:g} s"))
        except Exception as surprise:  # noqa: BLE001  # a plugin's bug is this attempt's error, not ours
            return self._failed(row, self._surprised(name, surprise))
        return Settlement(row, OutboxState.ACCEPTED, self._clock.now(), answer=self._shown(answer))

    def _surprised(self, name: str, surprise: Exception) -> DeliveryDeferred:
        """Count what a notifier did not mean to raise, log it once with its traceback, and let the message wait."""
        self._channels[name].defect()
        kind = (name, type(surprise).__name__)
        if kind not in self._surprises:
            LOG.error("notifier raised what it should not", notifier=name, exc_info=surprise)
        self._surprises.add(kind)
        return DeliveryDeferred("other", type(surprise).__name__)

    def _failed(self, row: OutboxRow, fault: DeliveryError) -> Settlement:
        now = self._clock.now()
        refused = isinstance(fault, DeliveryRejected)
        retry_after = fault.retry_after if isinstance(fault, DeliveryDeferred) else None
        due = now + self._wait(row.attempts, retry_after)
        said = Settlement(
            row,
            OutboxState.REJECTED if refused else OutboxState.DEFERRED,
            now,
            reason=fault.reason,
            answer=self._shown(fault.answer),
            due=None if refused else due,
            channel_fault=fault.channel_fault,
        )
        return replace(said, fallback=self._reroute(row)) if refused else said

    def _shown(self, answer: str) -> str:
        return self._clean(plain(answer, NOTE))

    def _wait(self, attempts: int, retry_after: float | None) -> timedelta:
        """Return how long to wait before the next attempt: twice as long each time, or as the other side says."""
        usual = min(FIRST_WAIT * (1 << min(max(attempts - 1, 0), 12)), LONGEST_WAIT)
        spread = usual * (1 + self._jitter.uniform(-JITTER, JITTER))
        return max(spread, timedelta(seconds=retry_after)) if retry_after is not None else spread

    async def _settle(self, settlement: Settlement, seconds: float) -> None:
        """Write how an attempt ended; while the store does not answer, try again, for the other side has decided."""
        for tries in range(SETTLE_TRIES):
            written = await self._ask(lambda: self._outbox.settle(settlement))
            if written is not None:
                self._note(settlement, seconds)
                return
            await asyncio.sleep(min(SETTLE_WAIT_SECONDS * (1 << tries), LONGEST_SETTLE_WAIT))
        LOG.error("the outcome could not be written: the message is sent again", message=settlement.row.id)

    def _note(self, settlement: Settlement, seconds: float) -> None:
        row, outcome, reason = settlement.row, settlement.outcome, settlement.reason
        delay = (settlement.at - row.due).total_seconds() if row.due else 0.0
        self._noted(Attempt(row.notifier, outcome, reason, seconds, delay, settlement.channel_fault))
        if outcome != OutboxState.ACCEPTED:
            facts = {"notifier": row.notifier, "message": row.id, "reason": reason, "attempt": row.attempts}
            LOG.info("not delivered", outcome=outcome.value, answer=settlement.answer, **facts)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ended(task: asyncio.Task[None]) -> bool:
    """Say whether a task has ended; what it raised is a defect of ours and goes on."""
    if task.done():
        task.result()
    return task.done()


async def _finish(tasks: set[asyncio.Task[None]]) -> None:
    """Give what is under way a moment, then let go of it."""
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first(seconds: float, tasks: set[asyncio.Task[None]], *events: asyncio.Event) -> None:
    """Wait until one of the tasks has ended or one of the events is set, or so long."""
    waits = {asyncio.create_task(event.wait()) for event in events}
    try:
        await asyncio.wait({*waits, *tasks}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
