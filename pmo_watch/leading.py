"""Whether this daemon leads: it asks for the seat every so often, and keeps it by signs of life."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog

from pmo_watch.errors import StoreError
from pmo_watch.store import Seat, Store
from pmo_watch.telemetry import Telemetry

LOG = structlog.get_logger("pmo_watch.leading")
SIGNS, TRIES = 5, 15  # within the time of a takeover: signs of life of who leads, tries of who would


class Leading:
    """This daemon and the seat. `changed` is called when it leads, follows, or has lost the database."""

    def __init__(self, store: Store, takeover: timedelta, telemetry: Telemetry, changed: Callable[[], None]) -> None:
        self._store = store
        self._seat: Seat = store.seat(takeover)
        self._seconds = takeover.total_seconds()
        self._telemetry = telemetry
        self._changed = changed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="seat")  # others wait for a database that hangs
        self._look = asyncio.Event()
        self.term: int | None = None  # in which we lead; None: we do not, or the database is away
        self.follows = False  # another one leads, as far as we know

    async def begin(self) -> None:
        """Take the seat if it is free.

        Raises:
            StoreError: the database does not answer, or is a SQLite file on which another process runs.
        """
        await self._hold()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the seat, or wait for it, until told to stop."""
        while not stop.is_set():
            await self._rest(stop)
            try:
                await self._hold()
            except StoreError as fault:
                self._lost(fault)

    def look(self) -> None:
        """Look at once: something speaks for another leader."""
        self._look.set()

    async def end(self) -> None:
        """Let the next one lead."""
        self.term = None
        await asyncio.get_running_loop().run_in_executor(self._thread, self._seat.leave)
        self._thread.shutdown(wait=False)

    async def _hold(self) -> None:
        term = await asyncio.get_running_loop().run_in_executor(self._thread, self._seat.hold)
        if term is not None and term != self.term:
            self._store.lead_in(term)
            LOG.info("leads", term=term)
        if term is None and not self.follows:
            LOG.info("follows: another daemon leads")
        changed = (term, term is None) != (self.term, self.follows)
        self.term, self.follows = term, term is None
        if changed:
            self._changed()

    def _lost(self, fault: StoreError) -> None:
        self._telemetry.store_up.set(0)
        if self.term is not None or self.follows:
            LOG.error("the database does not answer: what is known stays in service", error=str(fault))
        self.term, self.follows = None, False
        self._changed()

    async def _rest(self, stop: asyncio.Event) -> None:
        seconds = self._seconds / (TRIES if self.term is None else SIGNS)
        waits = [asyncio.create_task(event.wait()) for event in (stop, self._look)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        self._look.clear()


@contextmanager
def leading_once(store: Store, takeover: timedelta) -> Iterator[None]:
    """Lead until the block ends, for one cycle.

    Raises:
        StoreError: a daemon leads, and does what the cycle would.
    """
    seat = store.seat(takeover)
    over = threading.Event()

    def give_signs() -> None:
        while not over.wait(takeover.total_seconds() / SIGNS):
            with suppress(StoreError):  # then the cycle is not committed, and says why
                seat.hold()

    try:
        term = seat.hold()
        if term is None:
            raise StoreError("a daemon runs on this database and does all that 'once' would: add --dry-run to look")
        store.lead_in(term)
        signs = threading.Thread(target=give_signs, daemon=True)
        signs.start()
        try:
            yield
        finally:
            over.set()
            signs.join()
    finally:
        seat.leave()
