"""Clocks that are set back and forward, and nights in which they change: nothing opens, ends or leaves twice."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from mail_server import Mailbox, smtp_server
from office import NOW, PEOPLE, Office, Reach, cycle

from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.mailroom import Mailroom
from pmo_watch.store import OutboxQuery, OutboxState, Store, TransitionQuery

QUARTER = timedelta(minutes=15)
JUMPS = (timedelta(hours=-3), timedelta(days=-2), timedelta(days=2), timedelta(days=1), timedelta(minutes=-5))
DIGEST = "digests:\n  nightly: {at: '02:30', on: sunday}\n"
WEEK = "monday, tuesday, wednesday, thursday, friday, saturday, sunday"  # digests leave on working days alone
NIGHTS = (date(2026, 10, 25), date(2027, 3, 28))  # in which Brussels sets its clocks back and forward


def deliver(store: Store, office: Office, now: datetime) -> None:
    async def once() -> None:
        mailroom = Mailroom(store, office.load(), FixedClock(now))
        try:
            await mailroom.drain()
        finally:
            await mailroom.close()

    asyncio.run(once())


def moved(store: Store) -> list[str]:
    return [f"{one.reason} {one.project}" for one in reversed(store.transitions(TransitionQuery(limit=1000)))]


@pytest.mark.timeout(300)
def test_clock_that_jumps_says_nothing_false(tmp_path: Path, book) -> None:  # type: ignore[no-untyped-def]
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp:
        office = Office(tmp_path, Reach(smtp))
        office.save("P01", 12)
        store, now = office.open(), NOW
        engine = Engine(store, office.load())
        cycle(engine, now)
        deliver(store, office, now)
        for jump in JUMPS:
            now += jump
            assert cycle(engine, now) == []
            assert cycle(Engine(store, office.load()), now) == []  # and a daemon that was started just then
            deliver(store, office, now)
        now = NOW + timedelta(days=3)
        office.save("P02", 12)
        cycle(engine, now)
        deliver(store, office, now)

        assert moved(store) == ["opened project:p01", "opened project:p02"]
        assert {one.state for one in store.outbox(OutboxQuery())} == {OutboxState.ACCEPTED}
        assert len({str(mail["Message-ID"]) for mail in mailbox.mails}) == len(mailbox.mails)
        store.close()
    book.note("clock set back and forward", len(JUMPS), "no alert moved, no message twice; what came later was told")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_night_in_which_clocks_change_has_one_digest(tmp_path: Path, night: date, book) -> None:  # type: ignore[no-untyped-def]
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp:
        office = Office(tmp_path, Reach(smtp))
        daily = PEOPLE.replace("red: at once}\n  pmo", "red: nightly}\n  pmo", 1)
        office.rules("00-people.yaml", daily.replace("audiences:", f"{DIGEST}audiences:"))
        settings = office.config.read_text(encoding="utf-8")
        office.config.write_text(settings.replace("{country: BE}", f"{{week: [{WEEK}]}}"), encoding="utf-8")
        office.save("P01", 12)
        store = office.open()
        engine = Engine(store, office.load())
        now = datetime(night.year, night.month, night.day, tzinfo=UTC) - timedelta(hours=4)
        quarters = 0
        while now < datetime(night.year, night.month, night.day, 6, tzinfo=UTC):
            cycle(engine, now)
            now += QUARTER
            quarters += 1

        digests = [one for one in store.outbox(OutboxQuery(limit=1000)) if one.kind == "digest"]
        assert moved(store) == ["opened project:p01"]
        assert len(digests) == 1, digests
        store.close()
    book.note(
        f"night of {night}: clocks change at 3:00",
        quarters,
        "one digest of 2:30, no alert moved",
    )
