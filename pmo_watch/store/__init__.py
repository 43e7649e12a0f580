"""Step 6: the database. One transaction per cycle; every value survives as it was, on SQLite and PostgreSQL alike.

Methods may be called from any thread; each is a transaction of its own and blocks. Every failure is a `StoreError` in
words, with a remedy and without a secret.
"""

from pathlib import Path

from pmo_watch.store import copies
from pmo_watch.store.access import Store
from pmo_watch.store.changes import (
    AlertList,
    AlertQuery,
    Circuit,
    CycleChange,
    Deposed,
    MarkKind,
    OutboxEntry,
    OutboxFigures,
    OutboxInsert,
    OutboxQuery,
    OutboxState,
    ProjectListed,
    ReadingChange,
    ReadingEntry,
    SchemaStatus,
    Settlement,
    SourceRows,
    StoreConflict,
    TransitionEntry,
    TransitionQuery,
)
from pmo_watch.store.cycle_store import CycleStore
from pmo_watch.store.database import open_engine
from pmo_watch.store.listed import STATES as ALERT_STATES
from pmo_watch.store.replayed_past import ReplayedPast
from pmo_watch.store.seats import Seat
from pmo_watch.store.stored_history import StoredHistory
from pmo_watch.store.upgrade import can_be_read, status_of, upgrade

__all__ = [
    "ALERT_STATES",
    "AlertList",
    "AlertQuery",
    "Circuit",
    "CycleChange",
    "CycleStore",
    "Deposed",
    "MarkKind",
    "OutboxEntry",
    "OutboxFigures",
    "OutboxInsert",
    "OutboxQuery",
    "OutboxState",
    "ProjectListed",
    "ReadingChange",
    "ReadingEntry",
    "ReplayedPast",
    "SchemaStatus",
    "Seat",
    "Settlement",
    "SourceRows",
    "Store",
    "StoreConflict",
    "StoredHistory",
    "TransitionEntry",
    "TransitionQuery",
    "backup",
    "open_store",
    "open_to_read",
    "restore",
    "schema_status",
    "upgrade_schema",
]


def open_store(url: str) -> Store:
    """Open the database, bring its tables up to date, and return the store.

    `url`: `sqlite:////path/to/file.db`, `postgresql://...` or `postgresql+psycopg://...`.

    Raises:
        StoreError: it cannot be opened or written, or a newer pmo-watch made it.
    """
    engine = open_engine(url)
    try:
        upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


def open_to_read(url: str) -> Store | None:
    """Open the database to look at it: nothing is made, changed or brought up to date. None: there is none yet.

    Raises:
        StoreError: it cannot be read, or its tables are of another version.
    """
    engine = open_engine(url, only_to_read=True)
    try:
        if can_be_read(engine):
            return Store(engine)
    except BaseException:
        engine.dispose()
        raise
    engine.dispose()
    return None


def upgrade_schema(url: str) -> tuple[str | None, str]:
    """Bring the tables up to date and return the schema before (None: no tables) and after."""
    engine = open_engine(url)
    try:
        return upgrade(engine)
    finally:
        engine.dispose()


def schema_status(url: str) -> SchemaStatus:
    """Say what the database is and which schema it has, without changing anything."""
    engine = open_engine(url)
    try:
        return status_of(engine)
    finally:
        engine.dispose()


def backup(url: str, file: Path) -> None:
    """Write a consistent copy while the daemon runs (SQLite; for PostgreSQL the error names pg_dump).

    Raises:
        StoreError: also when `file` exists already.
    """
    copies.backup(url, file)


def restore(url: str, file: Path) -> None:
    """Replace the database by a copy made by `backup` (SQLite); refused while a daemon has it open."""
    copies.restore(url, file)
