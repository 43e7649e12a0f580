"""Killing the process at any instant leaves the last committed cycle, whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from pmo_watch.store import MarkKind, OutboxQuery, Store, TransitionQuery, open_store
from pmo_watch.store.database import reading

WRITER = Path(__file__).parents[1] / "writer.py"
LIVES = 12


def live_until_killed(url: str, statements: int) -> int:
    """Start the writer, kill it the moment it begins that statement, and return the cycle it was in."""
    environment = {**os.environ, "PYTHONPATH": str(WRITER.parent), "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, str(WRITER), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(statements)]
        process.send_signal(signal.SIGKILL)
    return int(lines[-1])


def is_whole(store: Store) -> int:
    """Check that everything there is belongs to the same last cycle, and return its number."""
    cycle = int(store.marks(MarkKind.FLAG)["cycle"])
    frame = store.rows()["plans"]["task"]
    messages = store.outbox(OutboxQuery(limit=100_000))
    assert set(frame["wbs"].to_list()) == {str(cycle)}
    assert frame.height == 40
    assert [one.value for one in store.alerts()] == [float(cycle)]
    assert [one.id for one in messages] == [f"{number:06}" for number in range(cycle, 0, -1)]
    assert [one.value for one in store.transitions(TransitionQuery(limit=100_000))] == list(range(cycle, 0, -1))
    assert [one.number for one in store.readings(limit=100_000)] == list(range(cycle, 0, -1))
    assert sum(one.state != "accepted" for one in messages) <= LIVES  # leased when it was killed, to be taken up again
    return cycle


def test_killed_writer_leaves_a_whole_cycle(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pmo-watch.db'}"
    random = Random(20261122)  # the instants at which it dies

    for _ in range(LIVES):
        killed_in = live_until_killed(url, random.randint(40, 140))

        store = open_store(url)
        now = is_whole(store)
        with reading(store._engine) as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        store.close()
        assert now >= killed_in - 1
