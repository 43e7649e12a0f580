"""Opens SQLite or PostgreSQL, and says in words what goes wrong with either."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pmo_watch.errors import StoreError

BUSY_MS = 30_000  # a first load of a million rows holds the only writer's place for about 20 s
CONNECT_SECONDS = 10
IDLE_SECONDS = 60  # in the middle of a transaction: no step of ours thinks so long there
REMEDIES = {
    "unable to open": "cannot be opened: does its folder exist, and may this user write there?",
    "readonly": "cannot be written: give this user the right to write the file and its folder",
    "read-only": "the server takes no changes: is it a standby, or is default_transaction_read_only set?",
    "locked": "is held by another process: try again, and stop the other pmo-watch if it stays so",
    "is full": "the disk is full: free some space; nothing was written",
    "no space left": "the disk is full: free some space; nothing was written",
    "not a database": "is no SQLite database: check 'database: url'",
    "malformed": "is damaged: stop pmo-watch and bring back a copy with 'pmo-watch db restore FILE'",
    "disk i/o": "the disk does not answer as it should: check it, then restore a backup if the file is damaged",
    "password authentication": "the server refused user or password: check 'database: url' and its secret",
    "does not exist": "check the names in 'database: url', and create what is missing",
    "permission denied for database": "make this user its owner, or grant it CREATE on the database",
    "permission denied": "this user lacks a right: make it the owner of the database or of its schema",
    "resolve host": "check 'database: url'",
    "connection": "check 'database: url', and that the server runs and lets this machine in",
}


def place_of(url: URL) -> str:
    """Return what a person knows the database by: the file, or the address without user and password."""
    if url.get_backend_name() == "sqlite":
        return url.database or "SQLite in memory"
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host if isinstance(host, str) else host[0]}{port}/{url.database or ''}"


def read_url(text: str) -> URL:
    """Return the URL of a SQLite file or of a PostgreSQL database.

    Raises:
        StoreError: it is neither; the text is not repeated, since it may hold a password.
    """
    try:
        url = make_url(text)
        kind = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as fault:
        raise StoreError(_unknown_url()) from fault
    if kind not in {"sqlite", "postgresql"}:
        raise StoreError(_unknown_url())
    if kind == "sqlite" and (not url.database or url.database == ":memory:"):
        raise StoreError(
            "database: url names no file, and what is only in memory is lost: write sqlite:///pmo-watch.db"
        )
    return url.set(drivername="postgresql+psycopg") if kind == "postgresql" else url


def _unknown_url() -> str:
    return "database: url is not understood: write sqlite:////path/to/pmo-watch.db or postgresql://user@host/name"


def open_engine(text: str, *, only_to_read: bool = False) -> Engine:
    """Return an engine for SQLite or PostgreSQL; it connects on first use.

    `only_to_read`: a SQLite file is opened so that nothing is made beside it either.

    Raises:
        StoreError
    """
    url = read_url(text)
    try:
        if url.get_backend_name() == "postgresql":  # what only reads is a transaction that cannot write: see `reading`
            return create_engine(url, pool_pre_ping=True, connect_args=_session_options())
    except ModuleNotFoundError as fault:
        raise StoreError("PostgreSQL needs psycopg: pip install 'pmo-watch[postgres]'") from fault
    engine = create_engine(url, creator=partial(_only_to_read, url)) if only_to_read else create_engine(url)
    if not only_to_read:
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _session_options() -> dict[str, Any]:
    """Return what every session is opened with.

    Each opened store has a name of its own, by which another daemon ends all sessions of one that gives no sign of
    life. A stopped process would hold what it has locked for ever: the server ends a transaction in which nothing
    happens. A server that vanished is noticed on either side.
    """
    return {
        "options": f"-c timezone=UTC -c idle_in_transaction_session_timeout={IDLE_SECONDS * 1000}",
        "application_name": f"pmo-watch {token_hex(8)}",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }


def _only_to_read(url: URL) -> sqlite3.Connection:
    """Connect to a file without making the two beside it; a daemon that has it open has made them."""
    file = sqlite_file(url)
    is_open = file.with_name(f"{file.name}-wal").exists()
    how = "mode=ro" if is_open else "mode=ro&immutable=1"
    connection = sqlite3.connect(
        f"file:{quote(str(file.absolute()))}?{how}", uri=True, check_same_thread=False, timeout=BUSY_MS / 1000
    )
    connection.isolation_level = None
    return connection


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # sqlite3 would open no transaction for a SELECT
    # The time-out first: switching to WAL already waits for others.
    for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer must queue before it reads, or SQLite refuses the later write at once.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection on which every read sees the same moment; nothing can be written.

    Raises:
        StoreError
    """
    options: dict[str, Any] = {"reads_only": True}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with in_words(engine), engine.connect() as connection, connection.execution_options(**options).begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose changes are committed together at the end, or not at all.

    Raises:
        StoreError
    """
    with in_words(engine), engine.begin() as connection:
        yield connection


@contextmanager
def in_words(engine: Engine) -> Iterator[None]:
    """Turn what the driver raises into a `StoreError`."""
    driver = engine.dialect.loaded_dbapi
    try:
        yield
    except PoolTimeout as fault:
        raise StoreError(f"{place_of(engine.url)}: every connection is in use: is the server overloaded?") from fault
    except DBAPIError as fault:
        raise StoreError(explain(engine.url, fault.orig)) from fault
    except driver.Error as fault:
        raise StoreError(explain(engine.url, fault)) from fault


def explain(url: URL, fault: BaseException | None) -> str:
    """Return place, fact and remedy; of a driver's text only the first line, which holds no values and no secret."""
    if url.get_backend_name() == "sqlite" and sqlite_file(url).is_dir():
        return f"{place_of(url)}: is a folder: 'database: url' names a file, such as {place_of(url)}/pmo-watch.db"
    first = next(iter(str(fault).strip().splitlines()), type(fault).__name__)
    said = first.lower()
    remedy = next((text for sign, text in REMEDIES.items() if sign in said), "")
    if url.get_backend_name() == "sqlite":
        return f"{place_of(url)}: {remedy or first}"
    return f"{place_of(url)}: {first}{f': {remedy}' if remedy else ''}"


def sqlite_file(url: URL) -> Path:
    """Return the file of a SQLite database."""
    return Path(url.database or "")
