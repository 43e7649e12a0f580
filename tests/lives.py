"""The daemon's life in processes that start fast: forked from one that has imported everything, to be killed."""

import asyncio
import contextlib
import os
import sys
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from pmo_watch.clock import Clock
from pmo_watch.daemon import Daemon
from pmo_watch.in_force import load
from pmo_watch.log import set_up_logging
from pmo_watch.plugin_host import load_plugins
from pmo_watch.store import open_store

load_plugins()  # once, before anything is forked


class Shifted(Clock):
    """Goes on like the wall clock, at another time."""

    def __init__(self, seconds: float) -> None:
        self._shift = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """Return the shifted moment."""
        return datetime.now(UTC) + self._shift


def live(config: Path, shift_seconds: float, log: Path, begun: Connection) -> None:
    """Say that it begins, and run the daemon until it is killed."""
    sys.stderr = log.open("a", encoding="utf-8")
    with contextlib.redirect_stdout(sys.stderr):
        set_up_logging("WARNING")
        in_force = load(config)
        store = open_store(in_force.settings.database.url.get_secret_value())
        begun.send(True)
        asyncio.run(Daemon(in_force, store, Shifted(shift_seconds)).run())
    os._exit(0)
