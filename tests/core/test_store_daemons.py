"""Several daemons on one database: no message is sent by two of them."""

import threading
from dataclasses import replace
from datetime import timedelta

from messages import a_message, an_item
from watched import day

from pmo_watch.alerts import Rendered
from pmo_watch.store import CycleChange, OutboxState, Settlement, Store, open_store, outbox
from pmo_watch.store.database import open_engine, writing

NOW = day(0)


def put(store: Store, *ids: str) -> None:
    """Write messages with these ids."""
    messages = [(replace(a_message(an_item(1)), id=one), Rendered("Go-live slips", "It slips.")) for one in ids]
    store.write(CycleChange(NOW, messages=messages))


def test_two_daemons_never_lease_the_same_row(store: Store, store_url: str) -> None:
    put(store, *[f"m{number:03}" for number in range(120)])
    taken: list[list[str]] = [[], [], []]
    stores = [open_store(store_url) for _ in taken]

    def work(number: int) -> None:
        while rows := stores[number].lease(NOW, limit=7, seconds=120):
            taken[number] += [one.id for one in rows]
            for row in rows:
                stores[number].settle(Settlement(row, OutboxState.ACCEPTED, NOW))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for opened in stores:
        opened.close()

    assert sorted(name for part in taken for name in part) == [f"m{number:03}" for number in range(120)]
    assert store.outbox_figures().counts == {("mail", OutboxState.ACCEPTED): 120}


def test_row_that_another_daemon_is_just_taking_is_passed_over(postgres_url: str) -> None:
    one, other = open_engine(postgres_url), open_store(postgres_url)
    put(other, "m1", "m2")

    with writing(one) as connection:
        taken = outbox.lease(connection, NOW, NOW + timedelta(minutes=2), 1, None)
        passed = other.lease(NOW, limit=10, seconds=120)

    assert [[one.id for one in rows] for rows in (taken, passed)] == [["m1"], ["m2"]]
    one.dispose()
    other.close()
