"""Who runs the cycles on a database: one daemon, by a lock that falls when its process or its connection dies.

On PostgreSQL the lock is an advisory one of a session of its own; who gets it begins a term, and what a cycle writes is
refused once another term has begun. A holder that says nothing for too long (its process is stopped, its machine cut
off) is ended by the server: all its sessions with it. On SQLite the lock is on a file beside the database, and whoever
comes second is refused.
"""

import fcntl
import os
import zlib
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import DBAPIError

from pmo_watch.errors import StoreError
from pmo_watch.store.changes import Deposed
from pmo_watch.store.database import in_words, sqlite_file
from pmo_watch.store.rows import upsert
from pmo_watch.store.tables import COUNTER

LOG = structlog.get_logger("pmo_watch.store")
LOCK = 7_261_954  # arbitrary, the same in every release
TERM = "term"
SILENT_SHARE = 2 / 3  # of the takeover time: the rest is for ending the holder, and for taking the lock
ONLY_TERM = 1  # of a SQLite file: nobody else can begin another
HOLDER = text(
    "select l.pid, a.application_name, extract(epoch from clock_timestamp() - a.state_change) as silent"
    " from pg_locks l join pg_stat_activity a on a.pid = l.pid"
    " where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = :lock and l.objid = :part"
    " and l.database = (select oid from pg_database where datname = current_database())"
)
SESSIONS = text(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
    " and datname = current_database() and usename = current_user and (pid = :pid or application_name = :name)"
)


class Seat(Protocol):
    """The one place from which cycles are run. Not for several threads at a time."""

    def hold(self) -> int | None:
        """Take the seat where it is free, keep it where it is ours, and return the number of our term; else None.

        Called every so often: who does not call counts as dead.

        Raises:
            StoreError: the database does not answer; who had the seat has it no more.
        """
        ...

    def leave(self) -> None:
        """Let the next one have it."""
        ...


def seat_at(engine: Engine, takeover: timedelta) -> Seat:
    """Return the seat of a database; `takeover`: after how long without a sign its holder is followed by another."""
    if engine.dialect.name == "sqlite":
        return FileSeat(sqlite_file(engine.url))
    return ServerSeat(engine, takeover)


def check_term(connection: Connection, term: int | None) -> None:
    """Make sure that no other term begins before this transaction ends. None: whoever writes needs no seat.

    Raises:
        Deposed: another one has begun.
    """
    if term is None or connection.dialect.name == "sqlite":
        return
    query = select(COUNTER.c.value).where(COUNTER.c.name == TERM).with_for_update(read=True)
    if connection.execute(query).scalar() != term:
        raise Deposed("another daemon has taken over: nothing of this cycle is kept")


class FileSeat:
    """The seat of a SQLite file: a lock on another file beside it, which the system lets go of with the process."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._file: int | None = None

    def hold(self) -> int | None:
        """Take it.

        Raises:
            StoreError: another process has it.
        """
        if self._file is None:
            self._file = self._locked()
        return ONLY_TERM

    def _locked(self) -> int:
        name = self._database.with_name(f"{self._database.name}.lock")
        try:
            file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as fault:
            raise StoreError(f"{name}: cannot be opened: {fault.strerror}: may this user write there?") from fault
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(file, 20, 0).decode(errors="replace").strip()
            os.close(file)
            raise StoreError(self._taken(holder)) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        return file

    def _taken(self, holder: str) -> str:
        who = f"process {holder}" if holder.isdecimal() else "another process"
        return (
            f"{self._database}: {who} runs pmo-watch on it already: stop that one first, or use PostgreSQL, "
            "on which several daemons may run"
        )

    def leave(self) -> None:
        """Let go of the lock."""
        if self._file is not None:
            os.close(self._file)
        self._file = None


class ServerSeat:
    """The seat of a PostgreSQL database."""

    def __init__(self, engine: Engine, takeover: timedelta) -> None:
        self._engine = engine
        self._silent_seconds = takeover.total_seconds() * SILENT_SHARE
        self._session: Connection | None = None
        self._term: int | None = None
        self._holder = ""  # by what name we last knew who had it

    def hold(self) -> int | None:
        """Take or keep it."""
        try:
            with in_words(self._engine):
                if self._session is None:
                    self._session = self._opened()
                if self._term is None and not self._take(self._session):
                    self._end_the_silent(self._session)
                    return None
                self._term = self._kept(self._session)
        except StoreError:
            self.leave()
            raise
        return self._term

    def _opened(self) -> Connection:
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        session.detach()  # the pool would give it to others, or take it for a broken one
        return session

    def _parts(self, session: Connection) -> dict[str, int]:
        """Return the lock's two numbers: several may use a database, each in a schema of its own."""
        schema = session.execute(text("select current_schema()")).scalar() or ""
        return {"lock": LOCK, "part": zlib.crc32(schema.encode()) >> 1}

    def _take(self, session: Connection) -> bool:
        taken: bool = session.execute(
            text("select pg_try_advisory_lock(:lock, :part)"), self._parts(session)
        ).scalar_one()
        if taken:
            if self._holder:  # what it was in the middle of would keep us waiting
                session.execute(SESSIONS, {"pid": 0, "name": self._holder})
            upsert(session, COUNTER, [{"name": TERM, "value": 0}], kept=None)
            # Waits for what a former holder is just committing; what it begins later finds itself in the past.
            session.execute(update(COUNTER).where(COUNTER.c.name == TERM).values(value=COUNTER.c.value + 1))
        return taken

    def _kept(self, session: Connection) -> int:
        """Return the term, which the session's lock makes ours; asking is the sign of life that others look at."""
        found: int = session.execute(select(COUNTER.c.value).where(COUNTER.c.name == TERM)).scalar_one()
        return found

    def _end_the_silent(self, session: Connection) -> None:
        """End every session of a holder that has given no sign for too long, by the server's clock alone."""
        holder = session.execute(HOLDER, self._parts(session)).first()
        self._holder = (holder and holder.application_name) or ""
        if holder is None or holder.silent is None or holder.silent < self._silent_seconds:
            return
        LOG.warning("the leader gives no sign of life: its sessions are ended", seconds=round(float(holder.silent), 1))
        session.execute(SESSIONS, {"pid": holder.pid, "name": self._holder})

    def leave(self) -> None:
        """Close the session, and the lock with it."""
        session, self._session, self._term = self._session, None, None
        if session is not None:
            with suppress(DBAPIError):
                session.close()
