"""The promises of the product, each by an attempt to break it; 1 is also held by test_killed_daemon.py."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from mail_server import Mailbox, smtp_server
from office import NOW, Office, Reach, cycle

from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.errors import StoreError
from pmo_watch.in_force import with_rules
from pmo_watch.mailroom import Mailroom
from pmo_watch.operations import Hush, add_silence
from pmo_watch.store import CycleChange, MarkKind, OutboxQuery, Store, TransitionQuery

DAY = timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office of two projects."""
    return Office(tmp_path)


@pytest.fixture
def store(office: Office) -> Iterator[Store]:
    """Give its store."""
    opened = office.open()
    yield opened
    opened.close()


def titles(store: Store) -> list[str]:
    return [one.subject for one in reversed(store.outbox(OutboxQuery(limit=1000)))]


def test_1_state_and_message_are_written_together_or_not_at_all(office: Office, store: Store) -> None:
    engine = Engine(store, office.load())
    office.save("P01", 12)
    write = store.write

    def torn(change: CycleChange) -> None:
        assert change.transitions
        assert change.messages
        raise StoreError("the disk is full")

    store.write = torn  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        cycle(engine)
    store.write = write  # type: ignore[method-assign]

    assert (store.alerts(), store.told(), titles(store)) == ([], [], [])
    assert cycle(engine) == ["opened P01"]
    assert len(titles(store)) == len(store.told()) == 1


@pytest.mark.parametrize("trouble", ["cut off", "emptied", "deleted", "whole folder gone"])
def test_2_source_that_fails_is_never_a_recovery(office: Office, store: Store, trouble: str) -> None:
    engine = Engine(store, office.load())
    office.save("P01", 12)
    cycle(engine)
    plan = office.folder / "plans" / "P01.xml"
    if trouble == "cut off":
        office.save("P01", 0, share=0.6)
    elif trouble == "emptied":
        plan.write_bytes(b"")
    elif trouble == "deleted":
        plan.unlink()
    else:
        (office.folder / "plans").rename(office.folder / "moved")

    reasons = {one.split()[0] for one in cycle(engine, NOW + timedelta(minutes=20))}

    assert reasons <= {"unknown"}
    (alert,) = store.alerts()
    assert (alert.level, alert.closed_at) == ("red", None)
    assert not any("RECOVERED" in one or "CLOSED" in one for one in titles(store))


def test_3_whoever_heard_of_the_beginning_hears_of_the_end(office: Office, store: Store) -> None:
    engine = Engine(store, office.load())
    office.save("P01", 12)
    cycle(engine)
    add_silence(store, Hush("ann", "move", (NOW + 5 * DAY).date(), project="P01"), NOW, office.load().zone)
    office.slip_rule(red="over 9 wd")
    engine = Engine(store, office.load())  # a restart, with other rules
    office.save("P01", 0)

    assert cycle(engine, NOW + timedelta(hours=1)) == ["recovered P01"]

    for days in range(1, 9):
        cycle(engine, NOW + days * DAY)
    assert sum("RECOVERED" in one for one in titles(store)) == 1
    assert store.told() == []


def test_4_bad_rule_file_stops_no_good_one(office: Office, store: Store) -> None:
    engine = Engine(store, office.load())
    cycle(engine)
    office.rules("10-slip.yaml", "version: 1\nrules:\n  - id: {{ oops }}\n")
    office.rules("05-junk.yaml", "\t:::")
    in_force = with_rules(office.load(), store.marks(MarkKind.RULE_TEXT))
    engine.swap(in_force, {})
    office.save("P01", 12)

    assert cycle(engine, NOW + timedelta(hours=1)) == ["opened P01"]
    notices = [one for one in store.outbox(OutboxQuery()) if one.kind == "notice"]
    assert sorted(one.address for one in notices) == ["owner@pmo.test", "pmo@pmo.test"]  # nobody owns the junk


def test_5_what_is_missing_is_grey_and_named(office: Office, store: Store) -> None:
    without = re.sub("<Baseline>.*?</Baseline>", "", office.plan("P01", 12).decode(), flags=re.DOTALL)
    (office.folder / "plans" / "P01.xml").write_text(without)

    draft = Engine(store, office.load()).cycle(NOW, ["plans", "people"])

    found = next(one for one in draft.findings if one.rule == "milestone-slip").frame
    greys = found.filter(found["state"] == "grey")
    assert greys["value"].to_list() == [None]
    assert "baseline_finish" in greys["reason"][0]
    assert draft.advanced.transitions == ()


def test_6_same_input_gives_the_same_result(tmp_path: Path) -> None:
    told = []
    for name in ("one", "other"):
        office = Office(tmp_path / name)
        office.save("P01", 12)
        store = office.open()
        draft = Engine(store, office.load()).cycle(NOW, ["plans", "people"])
        told.append([(message.id, rendered.subject, rendered.text) for message, rendered in draft.messages])
        store.close()

    assert told[0]
    assert told[0] == told[1]


def test_7_what_a_person_wrote_is_never_executed(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp:
        office = Office(tmp_path, Reach(smtp))
        store = office.open()
        evil = "{{ 7 * 7 }}{% raise %} <script>alert(1)</script> =cmd()"
        text = office.plan("P01", 12).decode()
        escaped = evil.replace("<", "&lt;").replace(">", "&gt;")
        (office.folder / "plans" / "P01.xml").write_text(text.replace("Go-live", escaped))
        cycle(Engine(store, office.load()))
        asyncio.run(_deliver(office, store))
        store.close()

    (mail,) = mailbox.mails
    plain, page = (part.get_content() for part in mail.iter_parts())
    assert "{{ 7 * 7 }}" in plain
    assert "49" not in str(mail["Subject"])
    assert "<script>" not in page


async def _deliver(office: Office, store: Store) -> None:
    mailroom = Mailroom(store, office.load(), FixedClock(NOW))
    await mailroom.drain()
    await mailroom.close()


def test_7_entities_in_a_plan_are_refused(office: Office, store: Store) -> None:
    bomb = '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    text = office.plan("P01", 12).decode().replace("?>", f"?>{bomb}", 1).replace("Go-live", "&x;")
    (office.folder / "plans" / "P01.xml").write_text(text)

    draft = Engine(store, office.load()).cycle(NOW, ["plans", "people"])

    assert "P01.xml" in draft.accepted["plans"].state.error
    assert store.transitions(TransitionQuery()) == []
