"""Every commit of a store, numbered and named; the process killed right before or right after one of them."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, event

from pmo_watch import store

STORE = Path(store.__file__).parent
OPENS = "database.py"  # what gives connections to all others


class CommitPoints:
    """Notes the name of each commit in a file; kills the process before or after the one with the number `dies_at`."""

    def __init__(self, book: Path, dies_at: int = 0, *, before: bool = True) -> None:
        self._book, self._dies_at, self._before = book, dies_at, before
        self._number = 0
        self._of_thread = threading.local()

    def watch(self, engine: Engine) -> None:
        """Take part in every commit of the engine that may have changed something."""
        event.listen(engine, "commit", self._about_to)
        dialect = engine.dialect
        commit: Callable[[object], None] = dialect.do_commit  # type: ignore[assignment]  # the driver's connection

        def committed(connection: object) -> None:
            commit(connection)
            self._done()

        dialect.do_commit = committed  # type: ignore[method-assign,assignment]

    def _about_to(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        self._of_thread.counts = not (options.get("reads_only") or options.get("postgresql_readonly"))
        if not self._of_thread.counts:
            return
        self._number += 1
        with self._book.open("a", encoding="utf-8") as book:
            book.write(f"{_caller()}\n")
        if self._before:
            self._die()

    def _done(self) -> None:
        if getattr(self._of_thread, "counts", False) and not self._before:
            self._die()

    def _die(self) -> None:
        if self._number == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


def _caller() -> str:
    """Return which method of the store commits."""
    frame = sys._getframe(1)
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.parent == STORE and file.name != OPENS:
            return frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere"
