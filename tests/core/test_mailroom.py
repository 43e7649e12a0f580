"""Delivery over the notifiers of real settings: one that cannot be opened, fallbacks, secrets, and what is counted."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from mail_server import TOKEN, Mailbox, OAuthMailbox, certificates, smtp_server
from messages import CONTEXT, NOW, a_message, an_item
from pytest_httpserver import HTTPServer

from pmo_watch import in_force
from pmo_watch.clock import FixedClock
from pmo_watch.errors import DeliveryDeferred
from pmo_watch.in_force import InForce, open_notifiers
from pmo_watch.mailroom import Mailroom
from pmo_watch.render import render
from pmo_watch.store import CycleChange, OutboxQuery, OutboxState, Store, open_store
from pmo_watch.tally import tell_outbox
from pmo_watch.telemetry import Names, Telemetry
from pmo_watch.telling import Probed

SETTINGS = """
database: {{url: "sqlite:///{folder}/pmo-watch.db"}}
rules: rules.d
notifiers:
  broken: {{type: email, host: localhost, from: pmo@pmo.test, ca_file: none.pem}}
  mail: {{type: email, host: localhost, port: {port}, from: pmo@pmo.test, starttls: "off", fallback: spare}}
  spare: {{type: email, host: localhost, port: {port}, from: spare@pmo.test, starttls: "off"}}
"""


def settings(folder: Path, port: int = 1) -> InForce:
    (folder / "rules.d").mkdir()
    (folder / "pmo-watch.yaml").write_text(SETTINGS.format(folder=folder, port=port))
    return in_force.load(folder / "pmo-watch.yaml")


def written(store: Store, notifier: str, address: str, fallback: str = "") -> str:
    message = a_message(an_item(), notifier=notifier, address=address, fallback=fallback)
    message = replace(message, id=f"{notifier}-{address}")
    store.write(CycleChange(NOW, messages=[(message, render(message, CONTEXT)[0])]))
    return message.id


async def test_notifier_that_cannot_be_opened_keeps_its_messages_and_no_others(tmp_path: Path) -> None:
    box, telemetry = Mailbox(), Telemetry()
    with smtp_server(box) as port:
        loaded = settings(tmp_path, port)
        telemetry.start(Names(notifiers=("broken", "mail", "spare")), "1")
        store = open_store(loaded.settings.database.url.get_secret_value())
        waits, goes = written(store, "broken", "ann@pmo.test"), written(store, "mail", "bob@pmo.test")
        room = Mailroom(store, loaded, FixedClock(NOW), telemetry)

        made = await room.drain()
        await room.close()

    entries = {one.id: one for one in store.outbox(OutboxQuery())}
    assert made == 2
    assert (entries[waits].state, entries[waits].reason) == (OutboxState.DEFERRED, "config")
    assert entries[waits].answer == f"ca_file {tmp_path / 'none.pem'}: No such file or directory"
    assert entries[goes].state == OutboxState.ACCEPTED
    tell_outbox(telemetry, store, loaded.notifiers())
    text = telemetry.render(openmetrics=False).decode()
    assert 'pmo_watch_notifier_healthy{notifier="broken"} 0.0' in text
    assert 'pmo_watch_notifier_healthy{notifier="mail"} 1.0' in text
    assert 'pmo_watch_deliveries_total{notifier="mail",outcome="accepted"} 1.0' in text
    assert 'pmo_watch_delivery_failures_total{notifier="broken",reason="config"} 1.0' in text
    store.close()


async def test_notifier_whose_plugin_fails_at_opening_keeps_its_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = settings(tmp_path)
    store = open_store(loaded.settings.database.url.get_secret_value())
    waits = written(store, "spare", "ann@pmo.test")

    def fail(*_: object) -> None:
        raise KeyError("address")

    kind = loaded.plugins.notifiers[loaded.notifiers()["spare"].type]
    monkeypatch.setitem(loaded.plugins.notifiers, kind.name, replace(kind, open=fail))  # type: ignore[arg-type]
    room = Mailroom(store, loaded, FixedClock(NOW), Telemetry())

    await room.drain()
    await room.close()

    (entry,) = [one for one in store.outbox(OutboxQuery()) if one.id == waits]
    assert (entry.state, entry.answer) == (OutboxState.DEFERRED, "its plugin failed: KeyError")
    store.close()


async def test_refused_mail_goes_out_over_the_fallback(tmp_path: Path) -> None:
    box = Mailbox()
    with smtp_server(box) as port:
        loaded = settings(tmp_path, port)
        store = open_store(loaded.settings.database.url.get_secret_value())
        refused = written(store, "mail", "spam@pmo.test", "spare")
        box_accepts = written(store, "mail", "ann@pmo.test", "spare")
        room = Mailroom(store, loaded, FixedClock(NOW))

        await room.drain()
        await room.drain()
        await room.close()

    entries = {one.id: one for one in store.outbox(OutboxQuery())}
    assert entries[refused].state == OutboxState.REJECTED
    assert entries[refused].fallback_id == f"{refused}-spare"
    assert entries[f"{refused}-spare"].notifier == "spare"
    assert entries[box_accepts].state == OutboxState.ACCEPTED
    store.close()


async def test_what_is_wrong_with_a_notifier_is_said_when_it_is_tried(tmp_path: Path) -> None:
    broken = open_notifiers(settings(tmp_path))["broken"]

    assert isinstance(broken, Probed)
    with pytest.raises(DeliveryDeferred, match="No such file"):
        await broken.probe()
    await broken.close()


OAUTH = """
database: {{url: "sqlite:///{folder}/pmo-watch.db"}}
rules: rules.d
notifiers:
  mail: {{type: email, host: localhost, port: {port}, from: pmo@pmo.test, ca_file: ca.pem, username: pmo@pmo.test,
         oauth: {{client_id: app, client_secret: canary, token_url: "{url}"}}}}
"""


async def test_end_of_an_access_token_is_shown(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/token").respond_with_json({"access_token": TOKEN, "expires_in": 3599})
    authority, context = certificates()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    telemetry = Telemetry()
    (tmp_path / "rules.d").mkdir()
    with smtp_server(OAuthMailbox(), tls_context=context, auth_require_tls=True) as port:
        text = OAUTH.format(folder=tmp_path, port=port, url=httpserver.url_for("/token"))
        (tmp_path / "pmo-watch.yaml").write_text(text)
        loaded = in_force.load(tmp_path / "pmo-watch.yaml")
        store = open_store(loaded.settings.database.url.get_secret_value())
        written(store, "mail", "ann@pmo.test")
        room = Mailroom(store, loaded, FixedClock(NOW), telemetry)

        await room.drain()
        await room.close()

    shown = telemetry.registry.get_sample_value("pmo_watch_oauth_token_expiry_timestamp_seconds", {"notifier": "mail"})
    assert shown == NOW.timestamp() + 3599
    store.close()


class Slow:
    """A notifier that takes its time, and notes what is done with it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.begun, self.closed = asyncio.Event(), asyncio.Event()

    async def send(self, row: object) -> str:
        """Take a moment."""
        self.begun.set()
        await asyncio.sleep(0.2)
        self.done.append("sent")
        return "ok"

    async def close(self) -> None:
        """Note it."""
        self.done.append("closed")
        self.closed.set()


async def test_reload_closes_a_notifier_only_when_its_messages_have_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = settings(tmp_path)
    store = open_store(loaded.settings.database.url.get_secret_value())
    written(store, "mail", "ann@pmo.test")
    opened: list[Slow] = []

    def open_slow(*_: object) -> dict[str, Slow]:
        opened.append(Slow())
        return {"mail": opened[-1]}

    monkeypatch.setattr("pmo_watch.mailroom.open_notifiers", open_slow)
    room, stop = Mailroom(store, loaded, FixedClock(NOW)), asyncio.Event()
    work = asyncio.create_task(room.run(stop))
    await asyncio.wait_for(opened[0].begun.wait(), 5)

    await room.swap(in_force.load(loaded.settings.path))
    await asyncio.wait_for(opened[0].closed.wait(), 5)
    stop.set()
    await work
    await room.close()

    assert opened[0].done == ["sent", "closed"]
    assert opened[1].done == ["closed"]
    store.close()
