"""Two daemons on one PostgreSQL: one leads, the other follows and takes over, however the first one ends."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mail_server import Mailbox, smtp_server
from office import Office, Reach
from pg_office import TAKEOVER_SECONDS, Twin, share
from running import Running, pmo_watch, until
from sqlalchemy import create_engine, text

from pmo_watch.store import OutboxQuery, OutboxState, Store, TransitionQuery, open_store

LED = ("pmo_watch_cycles_total", "pmo_watch_source_readings_total", "pmo_watch_outbox_messages", "pmo_watch_rules")
END_SEAT = text(
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objsubid = 2 and granted"
    " and database = (select oid from pg_database where datname = current_database())"
)


class Pair:
    """Two machines with one office."""

    def __init__(self, office: Office, url: str) -> None:
        share(office, url)
        self.office, self.url = office, url
        self.one, self.other = Twin(office, "one"), Twin(office, "other")

    def store(self) -> Store:
        """Open their database."""
        return open_store(self.url)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def pair(tmp_path: Path, postgres_url: str, mailbox: Mailbox) -> Iterator[Pair]:
    with smtp_server(mailbox) as smtp:
        yield Pair(Office(tmp_path, Reach(smtp), every="1s"), postgres_url)


@contextmanager
def both(pair: Pair) -> Iterator[tuple[Running, Running]]:
    """Run both; the first one leads."""
    with pair.one.run() as leader:
        leader.ready()
        with pair.other.run() as standby:
            yield leader, standby.ready()


def leads(daemon: Running) -> bool:
    return daemon.metric("pmo_watch_leader") == 1


def ids(mailbox: Mailbox) -> set[str]:
    """Return the messages that arrived; one may have arrived twice."""
    return {re.findall(r"<m\.(.*)@", str(mail["Message-ID"]))[0] for mail in mailbox.mails}


def told(pair: Pair, mailbox: Mailbox) -> list[str]:
    """Return what changed, when every message about it was accepted and is in the mailbox."""
    store = pair.store()
    written = store.outbox(OutboxQuery(limit=1000))
    until(lambda: {one.state for one in store.outbox(OutboxQuery(limit=1000))} <= {OutboxState.ACCEPTED}, "accepted")
    assert ids(mailbox) == {one.id[:20] for one in written}
    steps = [f"{one.reason} {one.project}" for one in reversed(store.transitions(TransitionQuery(limit=1000)))]
    store.close()
    return steps


def test_standby_follows_and_tells_nothing_of_the_portfolio(pair: Pair, mailbox: Mailbox) -> None:
    pair.office.save("P01", 12)
    with both(pair) as (leader, standby):
        until(lambda: mailbox.mails, "a mail")

        assert (leads(leader), leads(standby)) == (True, False)
        ours, theirs = leader.ask("/metrics")[1], standby.ask("/metrics")[1]
        assert all(name in ours for name in (*LED, "pmo_project_info"))
        assert not any(name in theirs for name in (*LED, "pmo_project_info"))
        assert "pmo_watch_store_up 1.0" in theirs
        until(lambda: "P01" in standby.ask("/api/v1/alerts?state=open")[1], "alerts of the standby")
        until(lambda: '"P01"' in standby.ask("/api/v1/projects")[1], "projects of the standby")
        refused = pmo_watch(pair.one.config, "once")
        assert (refused.returncode, "a daemon runs on this database" in refused.stderr) == (4, True)
        assert pmo_watch(pair.one.config, "alerts", "list").returncode == 0


@pytest.mark.parametrize("way", ["kill", "stop", "connection"])
def test_standby_takes_over_and_nothing_is_lost_or_said_twice(pair: Pair, mailbox: Mailbox, way: str) -> None:
    pair.office.save("P01", 12)
    with both(pair) as (first, second):
        until(lambda: len(ids(mailbox)) == 1, "the first mail")
        end_of(first, way, pair)
        pair.office.save("P02", 12)

        if way == "connection":  # it lives: whoever is quicker leads
            until(lambda: leads(first) != leads(second), "one leader", TAKEOVER_SECONDS + 5)
        else:
            until(lambda: leads(second), "the other one leads", TAKEOVER_SECONDS + 5)
        until(lambda: len(ids(mailbox)) == 2, "the second mail")
        if way == "stop":
            first.process.send_signal(signal.SIGCONT)
            until(lambda: first.metric("pmo_watch_leader") == 0, "the first one steps back")
            assert "pmo_project_info" not in first.ask("/metrics")[1]
        assert told(pair, mailbox) == ["opened project:p01", "opened project:p02"]
        assert "Traceback" not in first.log.read_text(encoding="utf-8") + second.log.read_text(encoding="utf-8")


def end_of(daemon: Running, way: str, pair: Pair) -> None:
    """End a leader, or stop it in whatever it is doing, or cut the connection that makes it leader."""
    if way == "connection":
        engine = create_engine(pair.url)
        with engine.connect() as connection:
            connection.execute(END_SEAT)
        engine.dispose()
    else:
        os.kill(daemon.process.pid, signal.SIGKILL if way == "kill" else signal.SIGSTOP)


def test_second_daemon_on_one_sqlite_file_is_refused(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with Running(office.config, office.http).ready():
        twin = Twin(office, "other")
        shared = twin.config.read_text(encoding="utf-8").replace("sqlite:///", f"sqlite:///{office.folder}/")
        twin.config.write_text(shared, encoding="utf-8")
        second = pmo_watch(twin.config, "run")

        assert second.returncode == 4
        assert re.search(r"pmo-watch.db: process \d+ runs pmo-watch on it already: stop that one first", second.stderr)
        assert "Traceback" not in second.stderr
        assert pmo_watch(office.config, "alerts", "list").returncode == 0
        assert pmo_watch(office.config, "once").returncode == 4
        assert pmo_watch(office.config, "once", "--dry-run").returncode == 0
