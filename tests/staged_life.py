"""Some days of an office, step by step: whoever is killed in a step begins with that step again."""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from commit_points import CommitPoints
from office import NOW, Office, cycle

from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.log import set_up_logging
from pmo_watch.mailroom import Mailroom
from pmo_watch.operations import Hush, add_silence
from pmo_watch.plugin_host import load_plugins
from pmo_watch.store import OutboxQuery, Store, database, open_store

load_plugins()  # once, before anything is forked
HOUR = timedelta(hours=1)
COMMITS = "commits.txt"


class Stage:
    """The office at the moment of a step."""

    def __init__(self, office: Office, store: Store) -> None:
        self.office, self.store = office, store
        self.in_force = office.load()
        self.engine = Engine(store, self.in_force)
        self.now = NOW

    def turn(self, code: str, late: int) -> None:
        """Save a plan, run a cycle, and deliver."""
        self.office.save(code, late)
        cycle(self.engine, self.now)
        self.deliver()

    def deliver(self) -> None:
        """Send what is due."""

        async def once() -> None:
            mailroom = Mailroom(self.store, self.in_force, FixedClock(self.now))
            mailroom.take_back("this office")
            try:
                await mailroom.drain()
            finally:
                await mailroom.close()

        asyncio.run(once())

    def silence(self) -> None:
        """Silence a project, and end it at once."""
        if not self.store.every_silence():
            wanted = Hush("ann", "the plan is being redone", self.now.date() + timedelta(days=3), project="P02")
            add_silence(self.store, wanted, self.now, self.in_force.zone)
        for one in self.store.silences():
            self.store.end_silence(one.id, "ann", self.now)
        cycle(self.engine, self.now)

    def dead_letters(self) -> None:
        """Try once more, then give up."""
        for one in self.store.outbox(OutboxQuery(dead_letters=True)):
            self.store.retry(one.id, "ann", self.now)
        self.deliver()
        for one in self.store.outbox(OutboxQuery(dead_letters=True)):
            self.store.drop(one.id, "ann", self.now)

    def circuits(self) -> None:
        """Note a fault of a channel, and forget it."""
        self.store.note_fault("mail", self.now, "auth", "535")
        self.store.reset_circuit("mail")

    def prune(self) -> None:
        """Prune nothing that stands."""
        self.store.retention(datetime(2020, 1, 1, tzinfo=UTC), self.in_force.zone)


STEPS: tuple[tuple[int, Callable[[Stage], None]], ...] = (
    (0, lambda stage: stage.turn("P01", 12)),
    (1, lambda stage: stage.turn("P02", 7)),
    (2, lambda stage: stage.turn("P03", 12)),
    (3, Stage.silence),
    (4, Stage.dead_letters),
    (5, Stage.circuits),
    (72, lambda stage: stage.turn("P01", 0)),
    (73, Stage.prune),
)


def live(office: Office, url: str, dies_at: int, *, before: bool) -> None:
    """Go through the steps that are not done yet, to the end or to death."""
    sys.stderr = (office.folder / "log.txt").open("a", encoding="utf-8")
    set_up_logging("WARNING")
    points = CommitPoints(office.folder / COMMITS, dies_at, before=before)
    made = vars(database)["create_engine"]

    def watched(*arguments: object, **options: object) -> object:
        engine = made(*arguments, **options)
        points.watch(engine)
        return engine

    vars(database)["create_engine"] = watched
    store = open_store(url)
    done = office.folder / "done.txt"
    stage = Stage(office, store)
    for number, (hours, step) in enumerate(STEPS):
        if number < _number(done):
            continue
        stage.now = NOW + hours * HOUR
        step(stage)
        done.write_text(str(number + 1), encoding="utf-8")
    os._exit(0)


def _number(done: Path) -> int:
    return int(done.read_text(encoding="utf-8")) if done.exists() else 0
