"""Copies of a SQLite database: one while the daemon runs, and back."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL

from pmo_watch.errors import StoreError
from pmo_watch.store import migrations
from pmo_watch.store.database import explain, place_of, read_url, sqlite_file


def backup(text: str, file: Path) -> None:
    """Write a consistent copy; see `store.backup`."""
    url = _sqlite_only(text, "pg_dump --format=custom --file=FILE DATABASE")
    source = sqlite_file(url)
    if not source.exists():
        raise StoreError(f"{source}: there is no database yet: check 'database: url'")
    if file.exists():
        raise StoreError(f"{file} exists already: give a file that does not")
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # it holds letters to people
        with _in_words(url), closing(_readable(source)) as live, closing(sqlite3.connect(unfinished)) as copy:
            live.backup(copy)
        unfinished.rename(file)
    except OSError as fault:
        raise StoreError(f"{file}: cannot be written: {fault.strerror}") from fault
    finally:
        unfinished.unlink(missing_ok=True)


def restore(text: str, file: Path) -> None:
    """Replace the database by a copy; see `store.restore`."""
    url = _sqlite_only(text, "pg_restore --clean --dbname=DATABASE FILE")
    if not file.is_file():
        raise StoreError(
            f"{file}: is a folder: name the copy in it" if file.is_dir() else f"{file}: there is no such file"
        )
    file_url = URL.create("sqlite", database=str(file))
    with _in_words(file_url), closing(_readable(file)) as copy:
        _check(copy, file)
        with _in_words(url), closing(sqlite3.connect(sqlite_file(url), timeout=0, isolation_level=None)) as live:
            _alone(live, url)
            copy.backup(live)


def _sqlite_only(text: str, command: str) -> URL:
    url = read_url(text)
    if url.get_backend_name() != "sqlite":
        raise StoreError(f"{place_of(url)}: PostgreSQL has tools of its own for copies: {command}")
    return url


def _readable(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True)


def _check(copy: sqlite3.Connection, file: Path) -> None:
    tables = copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if not tables[0]:
        raise StoreError(f"{file}: is no copy of a pmo-watch database")
    (revision,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision not in migrations.KNOWN:
        raise StoreError(
            f"{file}: was made by a newer pmo-watch (schema {revision}); this one knows {migrations.NEWEST}: "
            "install the newer version"
        )
    (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise StoreError(f"{file}: is damaged: take another copy")


def _alone(live: sqlite3.Connection, url: URL) -> None:
    """Make sure that nobody else has the database open: a daemon would go on from what it remembers."""
    live.execute("PRAGMA journal_mode=WAL")
    live.execute("PRAGMA locking_mode=EXCLUSIVE")
    try:
        live.execute("BEGIN EXCLUSIVE")
        live.execute("COMMIT")
    except sqlite3.OperationalError as fault:
        raise StoreError(f"{place_of(url)}: is in use: stop pmo-watch, restore, then start it again") from fault
    live.execute("PRAGMA locking_mode=NORMAL")


@contextmanager
def _in_words(url: URL) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as fault:
        raise StoreError(explain(url, fault)) from fault
