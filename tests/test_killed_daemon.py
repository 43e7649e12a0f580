"""`kill -9` at fifty random instants of the running daemon: nothing is lost, and nothing is said that is not true."""

import asyncio
import multiprocessing
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from lives import live
from mail_server import Mailbox, smtp_server
from office import LEADERS, NOW, Office, Reach
from running import until

from pmo_watch.store import OutboxQuery, OutboxState, Store, TransitionQuery

KILLS = 50
LONGEST_LIFE = 2.5  # of the time from the start to the first mail
SAVE_SECONDS = 0.3
# What was leased at a death is free after twice the longest attempt.
SHORT_LEASE = "starttls: off, timeout_seconds: 2, total_timeout_seconds: 3"
STARTED = datetime.now(UTC)
STEADY = ("P01", "P02")  # plans that are late from the first state on, whatever else happens


class SlowMailbox(Mailbox):
    """Takes a moment for each mail, so that many are under way when the daemon dies."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    async def handle_DATA(self, _server, _session, _envelope):  # type: ignore[no-untyped-def]  # noqa: N802  # aiosmtpd names it
        """Take it, later."""
        await asyncio.sleep(self._random.uniform(0, 0.1))
        return await super().handle_DATA(_server, _session, _envelope)


class Writer:
    """Saves a plan every third of a second: in place, sometimes only a part of it, on time or late."""

    def __init__(self, office: Office, random: Random) -> None:
        self._office, self._random = office, random
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.recovered: set[str] = set()  # projects whose plan was ever saved without delay after it had one

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and leave every plan whole."""
        self._over.set()
        self._thread.join()
        for code in self._office.codes:
            self._office.save(code, 12)

    def _write(self) -> None:
        while not self._over.wait(SAVE_SECONDS):
            code = self._random.choice(self._office.codes)
            late = 12 if code in STEADY else self._random.choice((0, 7, 12))
            if late == 0:
                self.recovered.add(code)
            self._office.save(code, late, share=self._random.choice((1.0, 1.0, 0.6)))


@pytest.mark.timeout(400)  # about a minute on a quiet machine
def test_killing_the_daemon_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The process that all lives are forked from is told of modules by name and gets no other path.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    random = Random(20261122)
    mailbox = SlowMailbox(random)
    with smtp_server(mailbox) as smtp:
        office = Office(tmp_path, Reach(smtp, mail=SHORT_LEASE), projects=8, every="1s")
        for code in STEADY:
            office.save(code, 12)
        longest = LONGEST_LIFE * seconds_to_the_first_mail(office, mailbox)
        print(f"{KILLS} lives of at most {longest:.1f} s")
        writer = Writer(office, random)
        writer.start()
        live_and_die(office, [random.uniform(0, longest) for _ in range(KILLS)])
        writer.stop()
        live_until_quiet(office)

    store = office.open()
    everything_was_accepted(store, mailbox)
    everybody_was_told(store, office)
    nothing_false_was_said(store, mailbox, writer)
    assert "Traceback" not in (tmp_path / "log.txt").read_text(encoding="utf-8")
    store.close()


@contextmanager
def life(office: Office) -> Iterator[None]:
    """Let a daemon live from its first moment to the end of the block."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lives"])
    ours, theirs = context.Pipe(duplex=False)
    shift = (NOW - STARTED).total_seconds()
    process = context.Process(target=live, args=(office.config, shift, office.folder / "log.txt", theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.recv()
        yield
        assert process.is_alive()
    finally:
        process.kill()
        process.join()
        ours.close()


def seconds_to_the_first_mail(office: Office, mailbox: Mailbox) -> float:
    with life(office):
        began = time.monotonic()
        until(lambda: mailbox.mails, "the first mail")
        return time.monotonic() - began


def live_and_die(office: Office, lives: list[float]) -> None:
    for seconds in lives:
        with life(office):
            time.sleep(seconds)


def live_until_quiet(office: Office) -> None:
    """Let one more daemon run until nothing waits, whatever was leased when another one died."""
    store = office.open()
    with life(office):
        until(lambda: len(store.told()) == len(office.codes) and not undelivered(store), "everything delivered", 200)
    store.close()


def undelivered(store: Store) -> list[str]:
    states = (OutboxState.WAITING, OutboxState.LEASED, OutboxState.DEFERRED)
    return [one.id for one in store.outbox(OutboxQuery(states, limit=1000))]


def everything_was_accepted(store: Store, mailbox: Mailbox) -> None:
    written = store.outbox(OutboxQuery(limit=10_000))
    taken = Counter(re.findall(r"<m\.(.*)@", str(mail["Message-ID"]))[0] for mail in mailbox.mails)
    print(f"{len(written)} messages, {sum(taken.values())} mails, {sum(taken.values()) - len(taken)} of them twice")
    assert {one.state for one in written} == {OutboxState.ACCEPTED}
    assert set(taken) == {one.id[:20] for one in written}


def everybody_was_told(store: Store, office: Office) -> None:
    """Every open alert was told to its leader, by a message that was accepted."""
    open_ones = [one for one in store.alerts() if one.level and not one.closed_at]
    assert sorted(one.project_code for one in open_ones) == office.codes
    told = {(one.alert, one.address) for one in store.told()}
    assert told == {(one.id, LEADERS.format(one.project_code.lower())) for one in open_ones}
    mailed = {
        (alert, entry.address)
        for entry in store.outbox(OutboxQuery(limit=10_000))
        for alert in store.alerts_of(entry.id)
    }
    assert told <= mailed


def nothing_false_was_said(store: Store, mailbox: Mailbox, writer: Writer) -> None:
    steps = store.transitions(TransitionQuery(limit=100_000))
    closed = {one.project for one in steps if one.reason == "recovered"}
    assert closed <= {f"project:{code.lower()}" for code in writer.recovered}
    assert {one.reason for one in steps} <= {"opened", "worsened", "improved", "recovered", "unknown", "known_again"}
    said = [str(mail["Subject"]) for mail in mailbox.mails if "RECOVERED" in str(mail["Subject"])]
    assert [subject for subject in said if re.search("|".join(STEADY), subject)] == []
    for code in STEADY:
        about = [one.reason for one in steps if one.project == f"project:{code.lower()}"]
        assert about.count("opened") == 1
        assert len({str(mail["Message-ID"]) for mail in mailbox.mails if f"[RED] {code}" in str(mail["Subject"])}) == 1
