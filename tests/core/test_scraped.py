"""What is served while a daemon starts: never an answer in which the portfolio is missing."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from office import NOW, Office, cycle

from pmo_watch import scraped
from pmo_watch.alerts import Alert
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.daemon import Daemon
from pmo_watch.store import Store
from pmo_watch.store.database import open_engine

OPEN = 'pmo_rule_alerts{rule="milestone-slip",level="red",state="open"} 1'


class SlowStore(Store):
    """A store that gives out its alerts only once it is allowed to."""

    def __init__(self, url: str) -> None:
        super().__init__(open_engine(url))
        self.asked, self.allowed = threading.Event(), threading.Event()

    def alerts(self) -> list[Alert]:
        """Return the alerts, late."""
        self.asked.set()
        assert self.allowed.wait(60)
        return super().alerts()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office that has an open alert in its database."""
    office = Office(tmp_path, every="30m")
    office.save("P01", 12)
    store = office.open()
    cycle(Engine(store, office.load()))
    store.close()
    return office


@pytest.fixture
def slow(office: Office) -> Iterator[SlowStore]:
    """Give its store, which answers slowly."""
    store = SlowStore(office.load().settings.database.url.get_secret_value())
    yield store
    store.allowed.set()
    store.close()


class Started:
    """A daemon over the slow store, until the block ends; signals stay the test's."""

    def __init__(self, office: Office, store: Store) -> None:
        self._daemon = Daemon(office.load(), store, FixedClock(NOW))
        self._address = self._daemon._http.listen

    async def __aenter__(self) -> httpx2.AsyncClient:
        """Return a client of it, once it answers."""
        self._run = asyncio.create_task(self._daemon.run())
        self._client = httpx2.AsyncClient(base_url=f"http://{self._address}", timeout=30)
        async with asyncio.timeout(30):
            while not await self._answers():
                assert not self._run.done(), self._run
                await asyncio.sleep(0.02)
        return self._client

    async def _answers(self) -> bool:
        try:
            return (await self._client.get("/-/healthy")).status_code == 200
        except httpx2.TransportError:
            return False

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        await self._client.aclose()
        self._daemon.stop()
        await self._run


async def test_scrape_waits_for_what_the_database_holds(office: Office, slow: SlowStore) -> None:
    async with Started(office, slow) as client:
        scrape = asyncio.create_task(client.get("/metrics"))
        assert await asyncio.to_thread(slow.asked.wait, 30)
        done, _ = await asyncio.wait([scrape], timeout=0.3)
        slow.allowed.set()
        answer = await scrape

    assert not done
    assert answer.status_code == 200
    assert OPEN in answer.text


async def test_scrape_that_would_wait_too_long_fails_and_shows_no_empty_portfolio(
    office: Office, slow: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scraped, "START_SECONDS", 0.1)
    async with Started(office, slow) as client:
        early = await client.get("/metrics")
        slow.allowed.set()
        async with asyncio.timeout(30):
            later = early
            while later.status_code == 503:
                later = await client.get("/metrics")

    assert (early.status_code, early.headers["retry-after"]) == (503, "10")
    assert "pmo_" not in early.text
    assert OPEN in later.text


async def test_new_database_keeps_no_scrape_waiting(tmp_path: Path) -> None:
    office = Office(tmp_path / "new", every="30m")
    store = office.open()
    async with Started(office, store) as client:
        answer = await client.get("/metrics")
    store.close()

    assert answer.status_code == 200
    assert "pmo_watch_build_info" in answer.text
