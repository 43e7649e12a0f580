"""Delivery as the daemon, `once` and the demo run it: the notifiers of the settings, opened, counted, swapped."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from pmo_watch.alerts import OutboxRow
from pmo_watch.clock import Clock
from pmo_watch.deliver import Attempt, Channel, Deliverer
from pmo_watch.errors import StoreError
from pmo_watch.in_force import InForce, open_notifiers
from pmo_watch.log import Redaction
from pmo_watch.store import OutboxInsert, OutboxState, Store
from pmo_watch.telemetry import Telemetry

LOG = structlog.get_logger("pmo_watch.deliver")


class Mailroom:
    """Holds the open channels and the deliverer over them."""

    def __init__(self, store: Store, in_force: InForce, clock: Clock, telemetry: Telemetry | None = None) -> None:
        self._store = store
        self._in_force = in_force
        self._clock = clock
        self._telemetry = telemetry
        self._changed = asyncio.Event()
        self._at_work: Deliverer | None = None
        self._deliverer = self._open()

    def _open(self) -> Deliverer:
        kinds, entries = self._in_force.plugins.notifiers, self._in_force.notifiers()
        channels = {
            name: Channel(
                notifier,
                kinds[entries[name].type].in_flight,
                kinds[entries[name].type].deadline_seconds(entries[name].settings),
                partial(self._defect, "notifier", entries[name].type),
            )
            for name, notifier in open_notifiers(self._in_force, self._token_taken, self._defect).items()
        }
        clean = Redaction(self._in_force.settings.secrets).clean
        return Deliverer(self._store, channels, self._clock, self._rerouted, self._note, clean)

    def _defect(self, kind: str, name: str) -> None:
        if self._telemetry is not None:
            self._telemetry.plugin_failed(kind, self._in_force.plugins.plugin_of(kind, name))

    def _token_taken(self, notifier: str, seconds: float) -> None:
        if self._telemetry is not None:
            self._telemetry.token_taken(notifier, self._clock.now() + timedelta(seconds=seconds))

    def _rerouted(self, row: OutboxRow) -> OutboxInsert | None:
        """Return the message for the recipient's fallback notifier; None where there is none that can take it."""
        entry = self._in_force.notifiers().get(row.fallback)
        if entry is None:
            return None
        addressed = self._in_force.plugins.notifiers[entry.type].addresses
        if addressed and not row.address:
            return None
        return OutboxInsert(
            id=f"{row.id}-{row.fallback}",
            notifier=row.fallback,
            recipient=row.recipient,
            recipient_name=row.recipient_name,
            address=row.address if addressed else "",
            language=row.language,
            rendered=replace(row.rendered, payload=None),
            kind=row.kind,
            expires=self._in_force.settings.delivery.expires,
        )

    def _note(self, attempt: Attempt) -> None:
        telemetry = self._telemetry
        if telemetry is None:
            return
        name, outcome = attempt.notifier, attempt.outcome
        accepted = outcome == OutboxState.ACCEPTED
        counted = outcome.value if outcome in {OutboxState.ACCEPTED, OutboxState.DEFERRED} else "rejected"
        telemetry.deliveries.labels(name, counted).inc()
        telemetry.delivery_seconds.labels(name).observe(attempt.seconds)
        if accepted:
            telemetry.delivery_delay.labels(name).observe(attempt.delay_seconds)
        else:
            telemetry.delivery_failures.labels(name, attempt.reason or "other").inc()

    def take_back(self, name: str) -> None:
        """Deliver under this name, which no other living process has; what a dead one had leased under it is free."""
        with suppress(StoreError):  # then the leases run out by themselves
            if taken := self._store.deliver_as(name, self._clock.now()):
                LOG.info("sends again what was under way when the last daemon ended", messages=taken)

    def wake(self) -> None:
        """Look for messages now."""
        self._deliverer.wake()

    async def drain(self) -> int:
        """Deliver everything that is due now; return how many attempts were made."""
        return await self._deliverer.drain()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop, over other channels after each swap."""
        while not stop.is_set():
            ended = asyncio.Event()
            deliverer = self._at_work = self._deliverer
            work = asyncio.create_task(deliverer.run(ended))
            waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._changed.wait())]
            await asyncio.wait([work, *waits], return_when=asyncio.FIRST_COMPLETED)
            ended.set()
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            await work
            self._at_work = None
            self._changed.clear()
            if deliverer is not self._deliverer:
                await deliverer.close()

    async def swap(self, in_force: InForce) -> None:
        """Open the notifiers of new settings; what the old ones are sending is finished first."""
        if in_force.base is self._in_force.base:
            self._in_force = in_force
            return
        old, self._in_force = self._deliverer, in_force
        for name in in_force.notifiers():
            await asyncio.to_thread(self._store.reset_circuit, name)
        self._deliverer = self._open()
        self._changed.set()
        # One at work is closed by `run` when it has ended: what it is sending would else be cut off and sent twice.
        if old is not self._at_work:
            await old.close()

    async def close(self) -> None:
        """Let go of every channel."""
        await self._deliverer.close()
