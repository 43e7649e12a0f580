"""Messages: leased by one daemon at a time, settled once, expired, sent again by hand, counted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from messages import a_message, an_alert, an_item
from watched import day

from pmo_watch.alerts import Message, OutboxRow, Rendered, WaitingMessage
from pmo_watch.store import (
    Circuit,
    CycleChange,
    OutboxInsert,
    OutboxQuery,
    OutboxState,
    Settlement,
    Store,
    StoreConflict,
)

NOW = day(0)
RENDERED = Rendered("Go-live slips", "It slips.", "<p>It slips.</p>", {"type": "card", "n": [1]}, {"X-A": "é"}, 3)
CARD = OutboxInsert("f1", "teams", "teams", "", "", "en", Rendered("s", "t", payload={"card": 1}))


def minutes(number: float) -> datetime:
    """Return the moment so many minutes on."""
    return NOW + timedelta(minutes=number)


def put(store: Store, *ids: str, at: datetime = NOW, **parts: object) -> None:
    """Write messages with these ids."""
    messages = [(message(one, **parts), RENDERED) for one in ids]
    store.write(CycleChange(at, messages=messages))


def message(name: str, **parts: object) -> Message:
    """Return a message with this id."""
    return replace(a_message(an_item(1)), id=name, **parts)  # type: ignore[arg-type] # fields by name


def lease(
    store: Store, at: datetime = NOW, limit: int = 10, seconds: float = 120, **more: Sequence[str]
) -> list[OutboxRow]:
    """Lease for two minutes."""
    return store.lease(at, limit=limit, seconds=seconds, **more)


def ids(rows: Sequence[OutboxRow]) -> list[str]:
    """Return the ids in order."""
    return [one.id for one in rows]


def state_of(store: Store, name: str) -> OutboxState:
    """Return where a message stands."""
    found = store.message(name)
    assert found
    return found[0].state


def deferred(row: OutboxRow, at: datetime, due: datetime, **parts: object) -> Settlement:
    """Return a settlement that puts the row off."""
    settlement = Settlement(row, OutboxState.DEFERRED, at, "timeout", "no answer", due)
    return replace(settlement, **parts)  # type: ignore[arg-type] # fields by name


def test_leased_row_holds_the_whole_message(store: Store) -> None:
    put(store, "m1", fallback="teams", kind="digest")

    (row,) = lease(store)

    assert row == OutboxRow(
        "m1",
        "mail",
        "person:m.rossi@example.org",
        "Maria Rossi",
        "m.rossi@example.org",
        "en",
        RENDERED,
        "digest",
        1,
        NOW,
        "teams",
        NOW + timedelta(days=3),
    )


def test_message_written_twice_is_one(store: Store) -> None:
    put(store, "m1")
    store.settle(Settlement(lease(store)[0], OutboxState.ACCEPTED, NOW))

    put(store, "m1", "m2", at=minutes(5))

    assert ids(lease(store, minutes(5))) == ["m2"]
    assert state_of(store, "m1") == OutboxState.ACCEPTED


def test_leased_row_is_nobody_elses_until_the_lease_runs_out(store: Store) -> None:
    put(store, "m1")
    first = lease(store)

    assert lease(store, minutes(1.9)) == []
    again = lease(store, minutes(2))

    assert [(one.id, one.attempts) for one in (*first, *again)] == [("m1", 1), ("m1", 2)]


def test_rows_are_leased_oldest_due_first_and_only_when_due(store: Store) -> None:
    put(store, "later", not_before=minutes(60))
    put(store, "second", at=minutes(2))
    put(store, "first", at=minutes(1))

    assert ids(lease(store, minutes(3), limit=1)) == ["first"]
    assert ids(lease(store, minutes(3))) == ["second"]
    assert ids(lease(store, minutes(60), seconds=1e6)) == ["first", "second", "later"]


def test_what_was_written_first_leaves_first_where_several_are_due_at_once(store: Store) -> None:
    put(store, "b-beginning", at=minutes(1), not_before=minutes(60))
    put(store, "a-end", at=minutes(2), not_before=minutes(60))

    assert ids(lease(store, minutes(60))) == ["b-beginning", "a-end"]


def test_only_rows_of_the_named_notifiers_are_leased(store: Store) -> None:
    put(store, "m1")
    put(store, "t1", notifier="teams")

    assert lease(store, notifiers=[]) == []
    assert ids(lease(store, notifiers=["teams"])) == ["t1"]


def test_accepted_row_is_never_sent_again(store: Store) -> None:
    put(store, "m1")
    (row,) = lease(store)

    assert store.settle(Settlement(row, OutboxState.ACCEPTED, minutes(1), answer="250 2.0.0 queued"))

    found = store.message("m1")
    assert found
    assert (found[0].state, found[0].answer, found[0].settled_at) == ("accepted", "250 2.0.0 queued", minutes(1))
    assert lease(store, day(2)) == []


def test_deferred_row_is_due_when_it_says(store: Store) -> None:
    put(store, "m1")

    store.settle(deferred(lease(store)[0], minutes(1), minutes(10)))

    assert lease(store, minutes(9)) == []
    (row,) = lease(store, minutes(10))
    assert (row.attempts, row.due) == (2, minutes(10))


def test_settlement_after_the_lease_ran_out_counts_only_when_accepted(store: Store) -> None:
    put(store, "m1")
    (slow,) = lease(store)
    (quick,) = lease(store, minutes(3))

    assert not store.settle(Settlement(slow, OutboxState.REJECTED, minutes(4), "rejected", fallback=CARD))
    assert not store.settle(deferred(slow, minutes(4), minutes(9)))
    assert state_of(store, "m1") == OutboxState.LEASED
    assert store.message("f1") is None
    assert store.settle(Settlement(slow, OutboxState.ACCEPTED, minutes(4)))
    assert not store.settle(Settlement(quick, OutboxState.REJECTED, minutes(5), "rejected"))
    assert not store.settle(Settlement(quick, OutboxState.ACCEPTED, minutes(5)))

    assert state_of(store, "m1") == OutboxState.ACCEPTED


def test_rejected_row_takes_its_fallback_in_the_same_transaction(store: Store) -> None:
    put(store, "m1")
    (row,) = lease(store)

    store.settle(Settlement(row, OutboxState.REJECTED, minutes(1), "rejected", "550 no such user", fallback=CARD))

    assert store.outbox(OutboxQuery(dead_letters=True)) == []
    found = store.message("m1")
    assert found
    assert (found[0].state, found[0].fallback_id) == (OutboxState.REJECTED, "f1")
    (card,) = lease(store, minutes(1))
    assert (card.id, card.notifier, card.rendered.payload) == ("f1", "teams", {"card": 1})
    assert card.expires_at == minutes(1) + timedelta(days=3)
    assert store.alerts_of("f1") == store.alerts_of("m1") == [an_alert(1).id]


def test_rejected_row_without_fallback_is_a_dead_letter(store: Store) -> None:
    put(store, "m1")

    store.settle(Settlement(lease(store)[0], OutboxState.REJECTED, minutes(1), "rejected", "5" * 900))

    (dead,) = store.outbox(OutboxQuery(dead_letters=True))
    assert (dead.id, dead.reason, len(dead.answer)) == ("m1", "rejected", 500)
    assert store.outbox_figures().dead_letters == {"mail": 1}


def test_row_past_its_expiry_is_not_leased_and_expires_once(store: Store) -> None:
    put(store, "m1")
    store.settle(deferred(lease(store)[0], minutes(1), day(4)))
    assert store.expired(day(2)) == []
    assert store.next_due() == day(3)

    (row,) = store.expired(day(3))
    assert lease(store, day(5)) == []
    expiry = Settlement(row, OutboxState.EXPIRED, day(3), fallback=CARD)
    assert store.settle(expiry)
    assert not store.settle(expiry)

    assert store.expired(day(5)) == []
    found = store.message("m1")
    assert found
    assert (found[0].state, found[0].reason, found[0].fallback_id) == ("expired", "timeout", "f1")
    assert store.circuits()["mail"].deferrals == 1


def test_row_that_is_being_sent_does_not_expire_meanwhile(store: Store) -> None:
    put(store, "m1")
    lease(store, day(3) - timedelta(seconds=10))

    assert store.expired(day(3)) == []
    assert len(store.expired(day(3) + timedelta(minutes=2))) == 1


def test_expiry_is_counted_from_when_a_message_may_leave(store: Store) -> None:
    put(store, "m1", not_before=day(10))

    assert ids(lease(store, day(11))) == ["m1"]


def test_deferrals_running_are_counted_per_notifier(store: Store) -> None:
    put(store, "m1")
    for number in range(5):
        (row,) = lease(store, minutes(10 * number))
        store.settle(deferred(row, minutes(10 * number), minutes(10 * number + 10)))
    assert store.circuits() == {"mail": Circuit("mail", 5)}

    store.settle(Settlement(lease(store, minutes(50))[0], OutboxState.REJECTED, minutes(50), "rejected"))

    assert store.circuits() == {"mail": Circuit("mail", 0)}


def test_channel_fault_stays_until_something_is_accepted(store: Store) -> None:
    put(store, "m1", "m2", "m3")
    one, two, three = lease(store)
    store.settle(deferred(one, NOW, minutes(9), reason="auth", answer="535", channel_fault=True))
    store.settle(deferred(two, minutes(1), minutes(9), reason="auth", answer="535 again", channel_fault=True))
    assert store.circuits()["mail"] == Circuit("mail", 2, NOW, "auth", "535 again")

    store.settle(Settlement(three, OutboxState.ACCEPTED, minutes(2)))

    assert store.circuits()["mail"] == Circuit("mail")


def test_circuit_is_forgotten_when_settings_change(store: Store) -> None:
    put(store, "m1")
    store.settle(deferred(lease(store)[0], NOW, minutes(9), channel_fault=True))

    store.reset_circuit("mail")

    assert store.circuits() == {}


@pytest.mark.parametrize("outcome", [OutboxState.REJECTED, OutboxState.DEFERRED])
def test_retry_sends_again_from_now_on(store: Store, outcome: OutboxState) -> None:
    put(store, "m1")
    store.settle(deferred(lease(store)[0], NOW, day(2), outcome=outcome))

    entry = store.retry("m1", "Ann", day(5))

    assert entry
    assert (entry.state, entry.who, entry.due, entry.expires_at) == ("waiting", "Ann", day(5), day(8))
    assert ids(lease(store, day(5))) == ["m1"]


def test_dropped_row_is_given_up_and_can_be_taken_back(store: Store) -> None:
    put(store, "m1")

    entry = store.drop("m1", "Ann", minutes(1))

    assert entry
    assert (entry.state, entry.who, entry.settled_at) == ("dropped", "Ann", minutes(1))
    assert lease(store, minutes(2)) == []
    store.retry("m1", "Bo", minutes(3))
    assert ids(lease(store, minutes(3))) == ["m1"]


def test_hand_does_not_reach_what_is_accepted_or_under_way(store: Store) -> None:
    put(store, "m1", "m2")
    one, _ = lease(store)
    store.settle(Settlement(one, OutboxState.ACCEPTED, NOW))

    found = [act(name, "Ann", NOW) for act in (store.retry, store.drop) for name in ("m1", "m2", "none")]

    assert [entry and (entry.state, entry.who) for entry in found] == [("accepted", ""), ("leased", ""), None] * 2


def test_messages_are_listed_newest_first_without_bodies(store: Store) -> None:
    for number in range(5):
        put(store, f"m{number}", at=minutes(number // 2))
    put(store, "t1", notifier="teams", recipient="teams", at=minutes(9))

    assert [one.id for one in store.outbox(OutboxQuery())] == ["t1", "m4", "m3", "m2", "m1", "m0"]
    assert [one.id for one in store.outbox(OutboxQuery(limit=2, after="m4"))] == ["m3", "m2"]
    assert [one.id for one in store.outbox(OutboxQuery(notifier="teams"))] == ["t1"]
    assert [one.id for one in store.outbox(OutboxQuery(recipient="teams"))] == ["t1"]
    assert store.outbox(OutboxQuery(states=[OutboxState.ACCEPTED, OutboxState.EXPIRED])) == []
    assert not hasattr(store.outbox(OutboxQuery(limit=1))[0], "text")


def test_figures_count_by_notifier_and_state(store: Store) -> None:
    put(store, "m1", "m2", at=minutes(1))
    put(store, "t1", notifier="teams", not_before=day(1))
    lease(store, minutes(1), limit=1)

    figures = store.outbox_figures()

    counts = {("mail", OutboxState.LEASED): 1, ("mail", OutboxState.WAITING): 1, ("teams", OutboxState.WAITING): 1}
    assert figures.counts == counts
    assert figures.oldest_due == {"mail": minutes(1), "teams": day(1)}
    assert figures.dead_letters == {}


def test_next_due_is_the_next_thing_to_do(store: Store) -> None:
    assert store.next_due() is None
    put(store, "m1")
    put(store, "t1", notifier="teams", not_before=minutes(30))
    assert store.next_due() == NOW

    lease(store)

    assert store.next_due() == minutes(2)
    assert store.next_due(["teams"]) == minutes(30)


def test_message_that_waits_for_hours_is_given_back_with_its_facts(store: Store) -> None:
    put(store, "w1", not_before=day(1), facts='{"items": []}')
    put(store, "no facts", not_before=day(1))
    put(store, "due", facts="{}")

    assert store.waiting(NOW) == [
        WaitingMessage("w1", "person:m.rossi@example.org", "mail", day(1), '{"items": []}'),
    ]
    assert store.waiting(day(1)) == []


def test_message_takes_the_place_of_those_it_replaces(store: Store) -> None:
    put(store, "w1", "w2", "w3", not_before=minutes(5))

    change = CycleChange(NOW, messages=[(message("m1", replaces=("w1", "w2")), RENDERED)], withdrawn=["w3"])
    store.write(change)

    assert [one.id for one in store.outbox(OutboxQuery())] == ["m1"]
    assert store.alerts_of("w1") == []


def test_message_that_says_the_same_at_another_time_takes_its_own_place(store: Store) -> None:
    put(store, "w1", not_before=minutes(5), facts="{}")

    store.write(CycleChange(NOW, messages=[(message("w1", not_before=day(1), facts="{}", replaces=("w1",)), RENDERED)]))

    assert [(one.id, one.not_before) for one in store.waiting(NOW)] == [("w1", day(1))]


def test_what_left_or_is_to_leave_is_given_with_its_hour_and_what_was_dropped_is_not(store: Store) -> None:
    put(store, "now", "gone")
    put(store, "later", not_before=day(1), facts="{}")
    put(store, "digest", kind="digest")
    put(store, "notice", kind="notice")
    store.drop("gone", "Ann", NOW)

    assert [(one.id, one.recipient, one.notifier, one.at) for one in store.left(NOW - timedelta(days=1))] == [
        (name, "person:m.rossi@example.org", "mail", at)
        for name, at in (("digest", NOW), ("later", day(1)), ("now", NOW))
    ]
    assert [one.id for one in store.left(minutes(1))] == ["later"]


@pytest.mark.parametrize("by", ["lease", "drop"])
def test_message_that_left_meanwhile_is_not_replaced(store: Store, by: str) -> None:
    put(store, "w1", "w2")
    if by == "lease":
        lease(store, limit=1)
    else:
        store.drop("w1", "Ann", NOW)

    for parts in ({"messages": [(message("m1", replaces=("w1",)), RENDERED)]}, {"withdrawn": ["w1", "w2"]}):
        with pytest.raises(StoreConflict, match="was sent or dropped meanwhile: decide again"):
            store.write(CycleChange(NOW, **parts))

    assert [one.id for one in store.outbox(OutboxQuery())] == ["w2", "w1"]


# --- a daemon that was killed --------------------------------------------------------------------------------------


def test_lease_of_a_killed_daemon_is_free_for_the_next_one_of_its_name(store: Store) -> None:
    store.deliver_as("host 127.0.0.1:9464", NOW)
    put(store, "a", "b")
    lease(store, limit=1)

    assert store.deliver_as("host 127.0.0.1:9464", NOW) == 1

    again = lease(store)
    assert ids(again) == ["a", "b"]
    assert [one.attempts for one in again] == [2, 1]


def test_lease_of_another_daemon_or_a_command_is_left_alone(store: Store) -> None:
    put(store, "a", "b")
    lease(store, limit=1)
    store.deliver_as("host 127.0.0.1:9464", NOW)
    lease(store, limit=1)

    assert store.deliver_as("host 127.0.0.1:9465", NOW) == 0
    assert lease(store) == []


def test_what_was_settled_or_ran_out_is_nobodys_lease(store: Store) -> None:
    store.deliver_as("one", NOW)
    put(store, "a", "b")
    first, _ = lease(store)
    store.settle(Settlement(first, OutboxState.ACCEPTED, NOW, answer="250"))

    assert store.deliver_as("one", NOW) == 1
    assert state_of(store, "a") == OutboxState.ACCEPTED
    assert store.deliver_as("one", NOW) == 0


def test_messages_about_an_alert_are_found_oldest_first(store: Store) -> None:
    put(store, "m1")
    other = replace(a_message(an_item(2)), id="m2")
    both = replace(a_message(an_item(1), an_item(2)), id="m3")
    store.write(CycleChange(minutes(5), messages=[(other, RENDERED), (both, RENDERED)]))
    one, two = (an_item(number).alert.id for number in (1, 2))

    found = store.messages_about([one, two, "nobody"])

    assert {alert: [entry.id for entry in entries] for alert, entries in found.items()} == {
        one: ["m1", "m3"],
        two: ["m2", "m3"],
    }
