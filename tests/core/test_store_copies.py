"""Copies of a SQLite database: consistent while others write, and back."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from watched import Watched, day, tasks

from pmo_watch.errors import StoreError
from pmo_watch.flow import Outcome
from pmo_watch.store import CycleChange, MarkKind, Store, backup, open_store, restore
from pmo_watch.store.database import open_engine, writing


@pytest.fixture
def url(sqlite_url: str) -> str:
    """Return the URL of a SQLite database with the tables."""
    return sqlite_url


def names(store: Store) -> list[str]:
    """Return the tasks."""
    return store.rows()["plans"]["task"]["name"].to_list()


def test_copy_holds_what_was_committed_and_only_the_owner_reads_it(url: str, tmp_path: Path) -> None:
    store = open_store(url)
    Watched().write(store, day(0), tasks("M1", "M2"))
    file = tmp_path / "copy.db"

    backup(url, file)

    store.close()
    copy = open_store(f"sqlite:///{file}")
    assert names(copy) == ["M1", "M2"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    copy.close()


def test_copy_made_while_the_daemon_writes_is_consistent(url: str, tmp_path: Path) -> None:
    store, ready = open_store(url), threading.Event()
    source = Watched()

    def write() -> None:
        for number in range(60):
            source.write(store, day(number), tasks(*[f"M{one}" for one in range(40)], wbs=str(number)))
            store.write(CycleChange(day(number), marks={(MarkKind.FLAG, "last"): str(number)}))
            if number == 5:
                ready.set()

    writer = threading.Thread(target=write)
    writer.start()
    ready.wait()
    for number in range(8):
        backup(url, tmp_path / f"{number}.db")
    writer.join()
    store.close()

    for number in range(8):
        copy = open_store(f"sqlite:///{tmp_path / f'{number}.db'}")
        values = set(copy.rows()["plans"]["task"]["wbs"].to_list())
        assert len(values) == 1
        (value,) = values
        assert int(value) - int(copy.marks(MarkKind.FLAG)["last"]) in {0, 1}
        copy.close()


def test_copy_overwrites_nothing(url: str, tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("precious")

    with pytest.raises(StoreError, match=r"precious exists already: give a file that does not"):
        backup(url, file)

    assert file.read_text() == "precious"


def test_copy_into_a_folder_that_is_not_there_says_so(url: str, tmp_path: Path) -> None:
    file = tmp_path / "none" / "copy.db"

    with pytest.raises(StoreError) as fault:
        backup(url, file)

    assert str(fault.value) == f"{file}: cannot be written: No such file or directory"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["pmo-watch.db"]


def test_copy_of_no_database_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.db: there is no database yet"):
        backup(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "copy.db")

    assert list(tmp_path.iterdir()) == []


def test_restored_database_is_the_copy(url: str, tmp_path: Path) -> None:
    store, source = open_store(url), Watched()
    source.write(store, day(0), tasks("M1"))
    backup(url, tmp_path / "copy.db")
    source.write(store, day(1), tasks("M1", "M2"))
    store.close()

    restore(url, tmp_path / "copy.db")

    store = open_store(url)
    assert names(store) == ["M1"]
    source = Watched()
    source.write(store, day(2), tasks("M1"), outcome=Outcome.COMPLETE)
    assert len(store.readings()) == 2
    store.close()


def test_restoring_makes_a_database_where_there_was_none(url: str, tmp_path: Path) -> None:
    store = open_store(url)
    Watched().write(store, day(0), tasks("M1"))
    store.close()
    backup(url, tmp_path / "copy.db")
    other = f"sqlite:///{tmp_path / 'other.db'}"

    restore(other, tmp_path / "copy.db")

    store = open_store(other)
    assert names(store) == ["M1"]
    store.close()


def test_database_in_use_is_not_replaced(url: str, tmp_path: Path) -> None:
    backup(url, tmp_path / "copy.db")
    store = open_store(url)
    Watched().write(store, day(0), tasks("M1"))

    with pytest.raises(StoreError, match="is in use: stop pmo-watch, restore, then start it again"):
        restore(url, tmp_path / "copy.db")

    assert names(store) == ["M1"]
    store.close()


def test_database_that_is_being_written_is_not_replaced(url: str, tmp_path: Path) -> None:
    backup(url, tmp_path / "copy.db")
    engine = open_engine(url)

    with writing(engine), pytest.raises(StoreError, match="is in use"):
        restore(url, tmp_path / "copy.db")

    engine.dispose()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"Task;Finish\n" * 100, "is no SQLite database"),
        (b"", "is no copy of a pmo-watch database"),
    ],
    ids=["none", "text", "empty"],
)
def test_file_that_is_no_copy_is_refused(url: str, tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "copy.db"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(StoreError) as fault:
        restore(url, file)

    assert str(fault.value).startswith(f"{file}: {words}")


def test_newer_copy_is_refused(url: str, tmp_path: Path) -> None:
    backup(url, tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    copy.close()

    with pytest.raises(StoreError, match=r"was made by a newer pmo-watch \(schema 9999\)"):
        restore(url, tmp_path / "copy.db")


def test_damaged_copy_is_refused(url: str, tmp_path: Path) -> None:
    store = open_store(url)
    Watched().write(store, day(0), tasks(*[f"M{number}" for number in range(500)]))
    store.close()
    file = tmp_path / "copy.db"
    backup(url, file)
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size - 3 * 4096)
        opened.write(b"\xff" * 4096 * 3)

    with pytest.raises(StoreError, match="is damaged"):
        restore(url, file)


def test_postgresql_has_tools_of_its_own(tmp_path: Path) -> None:
    url = "postgresql://u:hunter2@db/pmo"

    with pytest.raises(StoreError) as fault:
        backup(url, tmp_path / "copy")
    with pytest.raises(StoreError, match="pg_restore"):
        restore(url, tmp_path / "copy")

    assert str(fault.value) == (
        "postgresql://db/pmo: PostgreSQL has tools of its own for copies: pg_dump --format=custom --file=FILE DATABASE"
    )
