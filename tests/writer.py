"""A daemon that does nothing but write, until it is killed: python tests/writer.py URL.

Each cycle changes forty tasks, an alert, a mark, adds a transition and a message, and sends the last message. Before
each statement it says the cycle's number, so that it can be killed at any of them.
"""

import sys
from dataclasses import replace
from datetime import timedelta

from messages import a_message, an_alert, an_item
from sqlalchemy import event
from watched import MONDAY, Watched, tasks

from pmo_watch.alerts import Reason, Rendered, Transition
from pmo_watch.normalise import Accepted
from pmo_watch.store import CycleChange, MarkKind, OutboxState, Settlement, open_store

TASKS = [f"M{number}" for number in range(40)]


def main(url: str) -> None:
    """Go on from what was committed, and write for ever."""
    store = open_store(url)
    source = Watched()
    if states := store.sources():
        source.accepted = Accepted(states["plans"], store.rows()["plans"])
    number = int(store.marks(MarkKind.FLAG).get("cycle", "0"))
    event.listen(store._engine, "before_cursor_execute", lambda *_: print(number, flush=True))
    event.listen(store._engine, "commit", lambda *_: print(number, flush=True))
    while True:
        number += 1
        at = MONDAY + timedelta(minutes=number)
        alert = an_alert(1, value=float(number))
        message = replace(a_message(an_item(1, alert=alert)), id=f"{number:06}")
        store.write(
            CycleChange(
                at,
                readings=[source.read(at, tasks(*TASKS, wbs=str(number)))],
                alerts=[alert],
                transitions=[Transition(alert, None, Reason.REMINDED, at)],
                messages=[(message, Rendered("s", "t" * 5000))],
                marks={(MarkKind.FLAG, "cycle"): str(number)},
            )
        )
        for row in store.lease(at, limit=1, seconds=60):
            store.settle(Settlement(row, OutboxState.ACCEPTED, at))


if __name__ == "__main__":
    main(sys.argv[1])
