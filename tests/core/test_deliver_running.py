"""Delivery while it runs, stops, and while the store does not answer."""

import asyncio
from collections.abc import Callable
from typing import Self

import pytest
from outbox_bench import Bench, MemoryOutbox, Scripted, a_row, rows
from structlog.testing import capture_logs

from pmo_watch import deliver
from pmo_watch.alerts import OutboxRow
from pmo_watch.deliver import Deliverer
from pmo_watch.store import OutboxState


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # what is waited for happens inside the code under test
            await asyncio.sleep(0.001)


class Running:
    """Runs a deliverer beside the test and stops it at the end."""

    def __init__(self, deliverer: Deliverer) -> None:
        self.deliverer, self.stop = deliverer, asyncio.Event()

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.deliverer.run(self.stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        async with asyncio.timeout(5):
            await self.task


async def test_ten_are_in_flight_and_never_more() -> None:
    notifier = Scripted()
    outbox = MemoryOutbox().add(*rows(50, "teams"))

    async with Running(Bench(outbox, {"teams": notifier}, in_flight=10).deliverer()):
        await until(lambda: len(outbox.settled) == 50)

    assert notifier.most == 10


async def test_slow_mailbox_and_slow_channel_hold_up_nobody_else() -> None:
    release = asyncio.Event()
    mail, teams = Scripted(hold=release, held=["mail0"]), Scripted(hold=release)
    outbox = MemoryOutbox().add(*rows(30), *rows(2, "teams"))

    async with Running(Bench(outbox, {"mail": mail, "teams": teams}, in_flight=2).deliverer()):
        await until(lambda: len(outbox.settled) == 29)
        waiting = {name for name, state in outbox.states.items() if state == OutboxState.LEASED}
        release.set()

    assert waiting == {"mail0", "teams0", "teams1"}


async def test_new_messages_are_sent_as_soon_as_a_cycle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "POLL_SECONDS", 3600.0)
    outbox, notifier = MemoryOutbox(), Scripted()

    async with Running(Bench(outbox, {"mail": notifier, "other": Scripted()}).deliverer()) as running:
        await until(lambda: len(outbox.limits) == 2)
        outbox.add(a_row())
        running.deliverer.wake()
        await until(lambda: notifier.sent == ["m1"])


async def test_attempt_under_way_when_we_stop_is_finished_and_settled() -> None:
    release = asyncio.Event()
    notifier = Scripted(hold=release)
    outbox = MemoryOutbox().add(*rows(2))

    async with Running(Bench(outbox, {"mail": notifier}).deliverer()) as running:
        await until(lambda: notifier.now == 1)
        running.stop.set()
        release.set()

    assert outbox.states == {"mail0": OutboxState.ACCEPTED, "mail1": OutboxState.WAITING}


async def test_attempt_that_does_not_end_when_we_stop_stays_leased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "STOP_SECONDS", 0.02)
    notifier = Scripted(hold=asyncio.Event())
    outbox = MemoryOutbox().add(a_row())

    async with Running(Bench(outbox, {"mail": notifier}).deliverer()):
        await until(lambda: notifier.now == 1)

    assert outbox.states == {"m1": OutboxState.LEASED}
    assert outbox.settled == []


async def test_channels_are_closed_even_when_one_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(Scripted):
        async def close(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(deliver, "CLOSE_SECONDS", 0.02)
    quick = Scripted()

    await Bench(MemoryOutbox(), {"a": Stuck(), "b": quick}).deliverer().close()

    assert quick.closed


async def test_outbox_that_does_not_answer_is_asked_again_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "POLL_SECONDS", 0.001)
    outbox = MemoryOutbox(down=4).add(a_row())

    with capture_logs() as lines:
        async with Running(Bench(outbox, {"mail": Scripted()}).deliverer()):
            await until(lambda: len(outbox.settled) == 1)

    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["the outbox does not answer"]


async def test_outcome_is_written_once_the_store_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "SETTLE_WAIT_SECONDS", 0.0)

    class GoesDown(Scripted):
        async def send(self, row: OutboxRow) -> str:
            outbox.down = 3
            return await super().send(row)

    outbox = MemoryOutbox().add(a_row())
    notifier = GoesDown()

    await Bench(outbox, {"mail": notifier}).deliverer().drain()

    assert notifier.sent == ["m1"]
    assert outbox.states == {"m1": OutboxState.ACCEPTED}
