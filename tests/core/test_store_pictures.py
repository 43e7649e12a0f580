"""Pictures of mails: they wait with the mail, go with it to another channel, and leave once it was accepted."""

from dataclasses import replace
from datetime import timedelta

from messages import NOW, a_message

from pmo_watch.alerts import OutboxRow, Picture, Rendered
from pmo_watch.store import CycleChange, OutboxInsert, OutboxState, Settlement, Store

PICTURE = Picture("trend.1@pmo-watch", "Two milestones moved later", b"\x89PNG\0\xff")
RENDERED = Rendered("Monthly overview", "text", "<p>html</p>", pictures=(PICTURE,))


def leased(store: Store) -> OutboxRow:
    store.write(CycleChange(NOW, messages=[(replace(a_message(), id="m1"), RENDERED)]))
    (row,) = store.lease(NOW, limit=5, seconds=60)
    return row


def kept(store: Store, message: str) -> tuple[Picture, ...]:
    found = store.message(message)
    assert found is not None
    return found[1].pictures


def test_a_mail_is_leased_with_its_pictures_which_go_when_it_was_accepted(store: Store) -> None:
    row = leased(store)
    assert row.rendered.pictures == (PICTURE,)

    store.settle(Settlement(row, OutboxState.ACCEPTED, NOW, answer="250"))

    assert kept(store, "m1") == ()


def test_a_mail_that_may_be_sent_again_keeps_its_pictures_and_hands_them_to_its_fallback(store: Store) -> None:
    row = leased(store)
    other = OutboxInsert("m1-post", "post", "r", "", "a@b.org", "en", row.rendered)

    store.settle(Settlement(row, OutboxState.REJECTED, NOW, reason="rejected", fallback=other))

    assert kept(store, "m1") == kept(store, "m1-post") == (PICTURE,)


def test_a_mail_that_expired_is_read_with_its_pictures(store: Store) -> None:
    store.write(CycleChange(NOW, messages=[(replace(a_message(), id="m1"), RENDERED)], expires=timedelta(hours=1)))

    (row,) = store.expired(NOW + timedelta(hours=2))

    assert row.rendered.pictures == (PICTURE,)
