"""The database goes away under a running daemon and comes back: nothing is lost, what is known stays in service."""

from pathlib import Path

from mail_server import Mailbox, smtp_server
from office import Office, Reach
from pg_office import share
from postgres import postgres_server
from running import Running, until

from pmo_watch.store import OutboxQuery, OutboxState, TransitionQuery, open_store


def test_database_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp, postgres_server() as server:
        office = Office(tmp_path, Reach(smtp), every="1s")
        share(office, server.url)
        office.save("P01", 12)
        with Running(office.config, office.http).ready() as daemon:
            until(lambda: mailbox.mails, "the first mail")
            before = daemon.metric("pmo_rule_alerts", level="red", state="open")

            server.stop()
            until(lambda: daemon.metric("pmo_watch_store_up") == 0, "the loss noticed")
            office.save("P02", 12)
            until(lambda: '["store"]' in daemon.ask("/-/ready")[1].replace('", "', ","), "not ready")

            assert daemon.ask("/-/healthy") == (200, "ok\n")
            assert daemon.metric("pmo_rule_alerts", level="red", state="open") == before == 1
            assert daemon.ask("/api/v1/alerts")[0] == 503
            server.start()

            until(lambda: daemon.metric("pmo_watch_store_up") == 1, "the database found again")
            until(lambda: len({str(one["Message-ID"]) for one in mailbox.mails}) == 2, "the second mail")
            assert daemon.ready().metric("pmo_watch_leader") == 1

            store = open_store(server.url)
            until(lambda: {one.state for one in store.outbox(OutboxQuery())} == {OutboxState.ACCEPTED}, "settled")
            steps = [f"{one.reason} {one.project}" for one in store.transitions(TransitionQuery())]
            assert sorted(steps) == ["opened project:p01", "opened project:p02"]
            store.close()
        log = daemon.log.read_text(encoding="utf-8")
        assert "the database does not answer: what is known stays in service" in log
        assert "Traceback" not in log
