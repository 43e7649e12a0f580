"""What channels do to us, from plan to mailbox: servers that are away, refuse, ask for patience or know no password."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import AuthResult
from mail_server import Mailbox, certificates, free_port, smtp_server
from office import NOW, Office, Reach, cycle
from workflows_trigger import workflows_trigger

from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.mailroom import Mailroom
from pmo_watch.store import OutboxQuery, OutboxState, Store
from pmo_watch.tally import tell_outbox
from pmo_watch.telemetry import Telemetry

HOURS = timedelta(hours=1)


class Post:
    """The office's engine and mailroom at a moment that is set by hand."""

    def __init__(self, office: Office, store: Store) -> None:
        self.office, self.store = office, store
        self.now = NOW
        self.telemetry = Telemetry()
        self.engine = Engine(store, office.load())

    def cycle(self, after: timedelta = timedelta()) -> list[str]:
        """Let time pass and run a cycle over every source."""
        self.now += after
        return cycle(self.engine, self.now)

    def deliver(self, after: timedelta = timedelta()) -> int:
        """Let time pass, send what is due, and return how many attempts that took."""
        self.now += after

        async def once() -> int:
            mailroom = Mailroom(self.store, self.office.load(), FixedClock(self.now), self.telemetry)
            try:
                return await mailroom.drain()
            finally:
                await mailroom.close()

        return asyncio.run(once())

    def states(self) -> list[str]:
        """Return what became of the messages, oldest first."""
        return [one.state.value for one in reversed(self.store.outbox(OutboxQuery(limit=1000)))]

    def metric(self, name: str, **labels: str) -> float | None:
        """Return one of the daemon's own figures."""
        tell_outbox(self.telemetry, self.store, self.office.load().notifiers())
        return self.telemetry.registry.get_sample_value(f"pmo_watch_{name}", labels)


@contextmanager
def post(folder: Path, reach: Reach, projects: int = 2, refusing: str = "") -> Iterator[Post]:
    """Open an office whose first cycle is over; the mailbox of the leader of `refusing` takes nothing."""
    office = Office(folder, reach, projects=projects)
    people = folder / "people.csv"
    people.write_text(people.read_text().replace(f"leader-{refusing.lower()}@", "perm@"))
    store = office.open()
    made = Post(office, store)
    made.cycle()
    try:
        yield made
    finally:
        store.close()


def test_mails_wait_while_the_server_is_away_and_nobody_is_told_twice(tmp_path: Path) -> None:
    port = free_port()
    with post(tmp_path, Reach(port)) as office:
        office.office.save("P01", 12)
        office.cycle()
        assert (office.deliver(), office.states()) == (1, ["deferred"])
        assert office.deliver(timedelta(seconds=30)) == 0
        assert office.deliver(timedelta(minutes=2)) == 1

        mailbox = Mailbox()
        with smtp_server(mailbox, port=port):
            assert office.deliver(HOURS) == 1
            office.cycle(HOURS)
            assert office.deliver() == 0

        assert office.states() == ["accepted"]
        assert [one.rcpt_tos for one in mailbox.envelopes] == [["leader-p01@pmo.test"]]
        assert [one.told_at for one in office.store.told()] == [NOW]


def test_mailbox_that_refuses_is_a_dead_letter_and_holds_nobody_up(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp, post(tmp_path, Reach(smtp), refusing="P01") as office:
        for code in office.office.codes:
            office.office.save(code, 12)
        office.cycle()

        assert office.deliver() == 2

        (dead,) = office.store.outbox(OutboxQuery(dead_letters=True))
        assert (dead.address, dead.state, dead.reason) == ("perm@pmo.test", OutboxState.REJECTED, "rejected")
        assert dead.answer.startswith("550 5.1.1")
        assert [one.rcpt_tos for one in mailbox.envelopes] == [["leader-p02@pmo.test"]]
        assert office.store.outbox_figures().dead_letters == {"mail": 1}
        assert office.metric("deliveries_total", notifier="mail", outcome="rejected") == 1
        assert office.deliver(24 * HOURS) == 0

        retried = office.store.retry(dead.id, "ann", office.now)
        assert retried is not None
        assert (retried.state, retried.who) == (OutboxState.WAITING, "ann")
        assert office.deliver() == 1
        assert office.store.outbox_figures().dead_letters == {"mail": 1}


def test_channel_that_asks_for_patience_gets_it(tmp_path: Path) -> None:
    with (
        smtp_server(Mailbox()) as smtp,
        workflows_trigger() as trigger,
        post(tmp_path, Reach(smtp, trigger.url("patience"))) as office,
    ):
        office.office.save("P01", 12)
        office.cycle()
        office.deliver()
        (card,) = office.store.outbox(OutboxQuery(notifier="teams"))
        assert (card.state, card.reason) == (OutboxState.DEFERRED, "throttled")
        waited = card.due - office.now

        assert timedelta(minutes=59) < waited < timedelta(minutes=90)  # a day was asked for; an hour is the most
        assert office.deliver(timedelta(minutes=50)) == 0

        office.office.settings(Reach(smtp, trigger.url("ok")))
        assert office.deliver(HOURS) == 1
        assert office.states() == ["accepted", "accepted"]


def test_card_over_its_budget_says_what_it_leaves_out(tmp_path: Path) -> None:
    with (
        smtp_server(Mailbox()) as smtp,
        workflows_trigger() as trigger,
        post(tmp_path, Reach(smtp, trigger.url("ok")), projects=60) as office,
    ):
        for code in office.office.codes:
            office.office.save(code, 12)
        office.cycle()
        office.deliver()

        (card,) = office.store.outbox(OutboxQuery(notifier="teams"))
        assert card.state == OutboxState.ACCEPTED
        found = office.store.message(card.id)
        assert found is not None
        body = trigger.requests[0]["body"]
        assert found[1].trimmed >= 40
        assert len(body) <= 18_000
        assert str(found[1].trimmed) in body.decode()


def nobody(*_: object) -> AuthResult:
    """Refuse everybody's password."""
    return AuthResult(success=False, handled=False, message="535 5.7.8 wrong name or password")


def test_wrong_password_is_told_once_over_the_channel_that_works(tmp_path: Path) -> None:
    ca, context = certificates("127.0.0.1")
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    login = "tls: implicit, ca_file: ca.pem, username: pmo, password: wrong"
    options: dict[str, Any] = {"authenticator": nobody, "auth_require_tls": False}
    with smtp_server(Mailbox(), implicit=context, **options) as smtp, workflows_trigger() as trigger:
        made = Reach(smtp, trigger.url("ok"), login)
        with post(tmp_path, made) as office:
            office.office.save("P01", 7)
            office.cycle()
            office.deliver()

            assert office.states() == ["deferred"]
            circuit = office.store.circuits()["mail"]
            assert (circuit.fault_since, circuit.fault_reason) == (office.now, "auth")
            assert office.metric("notifier_healthy", notifier="mail") == 0

            for _ in range(3):
                office.cycle(HOURS / 2)
                office.deliver()

            assert len(trigger.requests) == 1
            assert "Channel mail does not work" in trigger.requests[0]["body"].decode()
            assert "auth: 535" in trigger.requests[0]["body"].decode()
