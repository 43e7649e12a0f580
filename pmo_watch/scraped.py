"""What observers serve, with the figures of the store brought up to date before each answer."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from pmo_watch.in_force import InForce
from pmo_watch.store import Store
from pmo_watch.tally import tell_outbox
from pmo_watch.telemetry import Telemetry
from pmo_watch.telling import AsgiApp, Defect, Observer, ServesHttp

LONGEST_SECONDS = 2.0  # a scrape must not wait for a database that hangs
START_SECONDS = 7.0  # of the ten that Prometheus waits; a large portfolio is not read from the database in a moment


class Scraped:
    """Asks the store for the figures of delivery; while it does not answer, what was known last is served.

    Nothing is served before `shown` is set: an answer without the portfolio, seconds after a start, would look as if
    every alert had ended. A scrape that fails does not.
    """

    def __init__(self, telemetry: Telemetry, store: Store) -> None:
        self._telemetry = telemetry
        self._store = store
        self._asked: asyncio.Task[None] | None = None
        self.shown = asyncio.Event()  # once what the store holds was told to observers, if there is anything

    def mounts(self, observers: Mapping[str, Observer], in_force: InForce, defect: Defect) -> dict[str, AsgiApp]:
        """Return what each observer serves by its path; `defect` is told of one that raises."""
        kinds = in_force.settings.notifiers
        return {
            path: self._serving(app, in_force.notifiers(), partial(defect, "observer", kinds[name].type))
            for name, one in observers.items()
            if isinstance(one, ServesHttp)
            for path, app in one.mounts().items()
        }

    def _serving(self, app: AsgiApp, told: Collection[str], failed: Callable[[], None]) -> AsgiApp:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if not await self._has_shown():
                await _refuse(send)
                return
            await self._ask(told)
            try:
                await app(scope, receive, send)
            except Exception:
                failed()
                raise

        return answer

    async def _has_shown(self) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.shown.wait(), START_SECONDS)
        return self.shown.is_set()

    async def _ask(self, told: Collection[str]) -> None:
        """Ask in a thread, and once only while a store that does not answer holds that thread."""
        if self._asked is None or self._asked.done():
            question = asyncio.to_thread(tell_outbox, self._telemetry, self._store, told)
            self._asked = asyncio.create_task(question)
        await asyncio.wait([self._asked], timeout=LONGEST_SECONDS)
        if self._asked.done():
            self._asked.result()
        else:
            self._telemetry.store_up.set(0)


async def _refuse(send: Any) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"10")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": b"starting: what is stored is being read\n"})
