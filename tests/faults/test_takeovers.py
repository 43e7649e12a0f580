"""Twenty leaders of a PostgreSQL database taken away under load, and the database itself in mid transaction."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from mail_server import Mailbox, smtp_server
from office import Office, Reach
from pg_office import TAKEOVER_SECONDS, Twin, share
from postgres import postgres_server
from running import Running, until
from sqlalchemy import create_engine, text

from pmo_watch.store import OutboxQuery, OutboxState, Store, TransitionQuery, open_store

TAKEOVERS, RESTARTS = 20, 6
WAYS = ("kill -9", "SIGSTOP", "connection cut")
LATE = 12
CUT = text(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = "
    "(select a.application_name from pg_locks l join pg_stat_activity a using (pid)"
    " where l.locktype = 'advisory' and l.objsubid = 2 and l.granted limit 1)"
)


def mailed(mailbox: Mailbox) -> set[str]:
    return {re.findall(r"<m\.(.*)@", str(mail["Message-ID"]))[0] for mail in mailbox.mails}


def opened(store: Store) -> list[str]:
    return [one.project for one in store.transitions(TransitionQuery(limit=10_000)) if one.reason == "opened"]


def all_is_well(store: Store, office: Office, mailbox: Mailbox) -> int:
    """Check states, transitions and messages against what one daemon makes of these plans; return mails sent twice."""
    until(lambda: {one.state for one in store.outbox(OutboxQuery(limit=10_000))} == {OutboxState.ACCEPTED}, "sent", 300)
    steps = sorted(f"{one.reason} {one.project}" for one in store.transitions(TransitionQuery(limit=10_000)))
    assert steps == [f"opened project:{code.lower()}" for code in office.codes]
    assert sorted(one.project_code for one in store.alerts()) == office.codes
    written = store.outbox(OutboxQuery(limit=10_000))
    about = sorted(alert for one in written for alert in store.alerts_of(one.id))
    assert about == sorted(one.id for one in store.alerts())
    assert mailed(mailbox) == {one.id[:20] for one in written}
    return len(mailbox.mails) - len(written)


@contextmanager
def revived(twins: dict[str, Twin]) -> Iterator[dict[str, Running]]:
    """Run both daemons; end whatever runs at last."""
    running = {name: twin.run() for name, twin in twins.items()}
    try:
        yield running
    finally:
        for one in running.values():
            one.__exit__(None, None, None)


def leader_of(running: dict[str, Running]) -> str:
    found: list[str] = []

    def one_leads() -> bool:
        found[:] = [name for name, one in running.items() if one.metric("pmo_watch_leader") == 1]
        return len(found) == 1

    until(one_leads, "one leader", 60)
    return found[0]


@pytest.mark.timeout(1800)
def test_twenty_takeovers_end_as_if_one_daemon_had_never_died(tmp_path: Path, postgres_url: str, book) -> None:  # type: ignore[no-untyped-def]
    random, mailbox, longest, ways = Random(20261123), Mailbox(), 0.0, dict.fromkeys(WAYS, 0)
    with smtp_server(mailbox) as smtp:
        office = Office(tmp_path, Reach(smtp), projects=TAKEOVERS, every="1s")
        share(office, postgres_url)
        store = open_store(postgres_url)
        twins = {name: Twin(office, name) for name in ("one", "other")}
        with revived(twins) as running:
            for one in running.values():
                one.ready()
            for number, code in enumerate(office.codes):
                way = WAYS[number % len(WAYS)]
                leader = leader_of(running)
                office.save(code, LATE)
                time.sleep(random.uniform(0, 1.5))  # somewhere in what it does with it
                began = time.monotonic()
                taken(running[leader], way, postgres_url)
                other = next(name for name in running if name != leader)
                if way != "connection cut":
                    until(lambda other=other: running[other].metric("pmo_watch_leader") == 1, "taken over", 60)  # type: ignore[misc]
                until(lambda number=number: len(opened(store)) == number + 1, "opened", 60)  # type: ignore[misc]
                longest = max(longest, time.monotonic() - began)
                ways[way] += 1
                print(f"{number + 1}: {way}, opened after {time.monotonic() - began:.1f} s", flush=True)
                bring_back(running, leader, way, twins)
            twice = all_is_well(store, office, mailbox)
        logs = "".join(one.log.read_text(encoding="utf-8") for one in running.values())
        store.close()
    assert "Traceback" not in logs
    for way, times in ways.items():
        book.note(
            f"leader taken away under load: {way}",
            times,
            f"another led and had read and written within {longest:.1f} s (takeover {TAKEOVER_SECONDS} s); "
            f"states, transitions and messages as one daemon's; {twice} mails twice under one id",
        )


def taken(daemon: Running, way: str, url: str) -> None:
    if way == "connection cut":
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(CUT)
        engine.dispose()
    else:
        os.kill(daemon.process.pid, signal.SIGKILL if way == "kill -9" else signal.SIGSTOP)


def bring_back(running: dict[str, Running], name: str, way: str, twins: dict[str, Twin]) -> None:
    if way == "kill -9":
        running[name].__exit__(None, None, None)
        running[name] = twins[name].run().ready()
    elif way == "SIGSTOP":
        running[name].process.send_signal(signal.SIGCONT)
        until(lambda: running[name].metric("pmo_watch_leader") == 0, "the former leader steps back", 60)


@pytest.mark.timeout(900)
def test_database_restarted_in_mid_transaction(tmp_path: Path, book) -> None:  # type: ignore[no-untyped-def]
    random, mailbox = Random(20261123), Mailbox()
    with smtp_server(mailbox) as smtp, postgres_server() as server:
        office = Office(tmp_path, Reach(smtp), projects=RESTARTS, every="1s")
        share(office, server.url)
        with Running(office.config, office.http).ready() as daemon:
            for number, code in enumerate(office.codes):
                office.save(code, LATE)
                time.sleep(random.uniform(0, 1.2))
                server.stop()
                until(lambda: daemon.metric("pmo_watch_store_up") == 0, "the loss noticed", 60)
                assert daemon.metric("pmo_projects", dimension="overall", rag="red") is not None
                server.start()
                store = open_store(server.url)
                until(lambda number=number, store=store: len(opened(store)) == number + 1, "opened", 120)  # type: ignore[misc]
                store.close()
            store = open_store(server.url)
            twice = all_is_well(store, office, mailbox)
            store.close()
        assert "Traceback" not in daemon.log.read_text(encoding="utf-8")
    book.note(
        "PostgreSQL stopped at once and started again under a working daemon",
        RESTARTS,
        f"last metrics served meanwhile; reconnected; as if nothing had been; {twice} mails twice under one id",
    )
