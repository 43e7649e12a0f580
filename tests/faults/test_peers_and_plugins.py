"""Channels that are slow or dead, plugins that hang, raise or leak, and ten thousand alerts at once."""

import asyncio
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from mail_server import Mailbox, silent_server, smtp_server
from office import NOW, Office, Reach, cycle
from running import Running, until
from workflows_trigger import workflows_trigger

from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.mailroom import Mailroom
from pmo_watch.store import OutboxQuery, OutboxState, Store, TransitionQuery

HASTE = "starttls: off, timeout_seconds: 2, total_timeout_seconds: 3"
OPEN_FILES = 256
ALERTS = 10_000
PLUGIN = '''"""Hangs, raises or leaks, as its settings say."""

import socket
import threading
import time

from pmo_watch.api import NotifierType, ObserverType, PluginSettings, SourceType, hookimpl

LEAKED = []


class Settings(PluginSettings):
    how: str
    timeout_seconds: float = 2


class Bad:
    def __init__(self, settings, context):
        self.how = settings.how

    def read(self, since):
        self.misbehave()
        raise AssertionError("has nothing to say")
        yield

    def cycle_finished(self, report):
        self.misbehave()

    def wishes(self):
        return ()

    def close(self):
        return None

    def misbehave(self):
        if self.how == "hangs":
            time.sleep(3600)
        if self.how == "leaks":
            LEAKED.extend(socket.socket() for _ in range(20))
            thread = threading.Thread(target=time.sleep, args=(3600,), daemon=True)
            thread.start()
        raise ZeroDivisionError("a defect")


class BadChannel(Bad):
    async def send(self, row):
        self.misbehave()

    async def close(self):
        return None


@hookimpl
def pmo_watch_sources():
    return [SourceType("bad_source", Settings, Bad)]


@hookimpl
def pmo_watch_notifiers():
    return [NotifierType("bad_channel", Settings, BadChannel, addresses=False, payload=lambda settings, view: ({}, 0))]


@hookimpl
def pmo_watch_observers():
    return [ObserverType("bad_window", Settings, Bad)]
'''


def deliver(store: Store, office: Office, now: datetime) -> int:
    async def once() -> int:
        mailroom = Mailroom(store, office.load(), FixedClock(now))
        try:
            return await mailroom.drain()
        finally:
            await mailroom.close()

    return asyncio.run(once())


@pytest.mark.timeout(300)
def test_peers_that_never_answer_cost_nothing_but_time(tmp_path: Path, book) -> None:  # type: ignore[no-untyped-def]
    mailbox = Mailbox()
    with ExitStack() as stack:
        dead, _ = stack.enter_context(silent_server())
        smtp = stack.enter_context(smtp_server(mailbox))
        trigger = stack.enter_context(workflows_trigger())
        slow = trigger.url("slow")
        office = Office(tmp_path, Reach(dead, slow, HASTE))
        store = office.open()
        engine = Engine(store, office.load())
        for code in office.codes:
            office.save(code, 12)
        cycle(engine, NOW)
        tried, now = 0, NOW
        for _ in range(3):
            tried += deliver(store, office, now)
            now += timedelta(hours=2)
        waiting = {one.notifier: one.state for one in store.outbox(OutboxQuery())}
        assert waiting["mail"] == OutboxState.DEFERRED
        assert not mailbox.mails

        office.settings(Reach(smtp, trigger.url("ok"), HASTE))
        deliver(store, office, now)

        assert {one.state for one in store.outbox(OutboxQuery())} == {OutboxState.ACCEPTED}
        assert len(mailbox.mails) == len(office.codes)
        store.close()
    book.note("SMTP that never answers, HTTP that is slow", tried, "deferred; all accepted, each once, when they work")


def insert(office: Office, before: str, lines: str) -> None:
    text = office.config.read_text(encoding="utf-8")
    assert text.count(before) == 1
    office.config.write_text(text.replace(before, f"{lines}{before}"), encoding="utf-8")


@pytest.fixture
def few_files() -> Iterator[None]:
    """Let processes that are started open few files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def with_bad_plugin(office: Office, how: str) -> None:
    (office.folder / "plugins.d").mkdir()
    (office.folder / "plugins.d" / "bad.py").write_text(PLUGIN, encoding="utf-8")
    insert(office, "rules: rules.d", "plugins_dir: plugins.d\n")
    insert(office, "  people: {type", f"  bad: {{type: bad_source, how: {how}, every: 1s}}\n")


@pytest.mark.timeout(300)
def test_source_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("pmo_watch.collect.LONGEST_READING_SECONDS", 1.0)  # else half an hour
    office = Office(tmp_path)
    with_bad_plugin(office, "hangs")
    store = office.open()
    engine = Engine(store, office.load())
    moved = []
    for number, code in enumerate(office.codes):
        office.save(code, 12)
        moved += cycle(engine, NOW + timedelta(hours=number))
    assert moved == [f"opened {code}" for code in office.codes]
    assert {one.outcome for one in store.readings("bad")} == {"failed"}
    store.close()
    book.note("source that hangs for ever", len(office.codes), "given up in time; the others are read, and alerts open")


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("few_files")
@pytest.mark.parametrize("how", ["raises", "leaks"])
def test_plugin_that_fails_holds_nobody_else_up(tmp_path: Path, how: str, book) -> None:  # type: ignore[no-untyped-def]
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp:
        office = Office(tmp_path, Reach(smtp), every="1s")
        with_bad_plugin(office, how)
        if how == "raises":
            insert(office, "  prometheus: {", f"  window: {{type: bad_window, how: {how}}}\n")
        office.save("P01", 12)
        with Running(office.config, office.http) as daemon:
            until(lambda: any("P01" in str(one["Subject"]) for one in mailbox.mails), "the first mail", 90)
            readings = {"source": "bad", "result": "failed"}
            until(lambda: (daemon.metric("pmo_watch_source_readings_total", **readings) or 0) >= 3, "three times", 90)
            office.save("P02", 12)
            until(lambda: any("P02" in str(one["Subject"]) for one in mailbox.mails), "the second mail", 90)
            times = int(daemon.metric("pmo_watch_source_readings_total", **readings) or 0)
            assert daemon.ask("/-/healthy") == (200, "ok\n")
        store = office.open()
        steps = Counter(one.reason for one in store.transitions(TransitionQuery()))
        assert steps["opened"] == len(office.codes)
        assert set(steps) == {"opened"}
        store.close()
    book.note(f"plugin that {how}", times, "the others read, told and served all the same; nothing false was said")


@pytest.mark.timeout(600)
def test_ten_thousand_alerts_opening_in_one_cycle(tmp_path: Path, book) -> None:  # type: ignore[no-untyped-def]
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp:
        office = Office(tmp_path, Reach(smtp))
        insert(office, "  people: {type", "  tickets: {type: csv_file, path: tickets.csv, profile: actions}\n")
        rows = pl.DataFrame({"number": range(ALERTS)})
        lines = (f"A{number};P01;Action {number};open;2026-09-01" for number in rows["number"])
        text = "\n".join(["ID;Project;Title;Status;Due date", *lines])
        (tmp_path / "tickets.csv").write_text(f"{text}\n", encoding="utf-8")
        office.rules("20-late.yaml", LATE_ACTIONS)
        store = office.open()
        in_force = office.load()
        assert not in_force.loaded.faults, [one.shown() for one in in_force.loaded.faults]
        engine = Engine(store, in_force)
        moved = cycle(engine, NOW + timedelta(hours=1))
        assert Counter(one.split()[0] for one in moved) == {"opened": ALERTS}
        assert cycle(engine, NOW + timedelta(hours=2)) == []
        deliver(store, office, NOW + timedelta(hours=2))

        written = store.outbox(OutboxQuery(limit=1000))
        told = {alert for one in written for alert in store.alerts_of(one.id)}
        assert {one.state for one in written} == {OutboxState.ACCEPTED}
        assert len(told) == ALERTS
        store.close()
    book.note(f"{ALERTS} alerts opening in one cycle", 1, f"all told, in {len(written)} messages that were accepted")


LATE_ACTIONS = """\
version: 1
owner: owner@pmo.test
rules:
  - id: late-action
    name: Action is late
    for_each: action
    measure: action.overdue
    red: over 5 wd
    tell: {red: [project_leader]}
"""
