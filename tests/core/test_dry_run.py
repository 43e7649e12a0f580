"""`once --dry-run`: it says what a run would do, and writes nothing at all."""

import sqlite3
from pathlib import Path

import pytest
from office import NOW, Office, cycle
from typer.testing import CliRunner, Result

from pmo_watch.cli import app
from pmo_watch.cycle import Engine
from pmo_watch.errors import StoreError
from pmo_watch.store import CycleChange, MarkKind, open_to_read, schema_status


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office with one late project."""
    office = Office(tmp_path)
    office.save("P01", 12)
    return office


def dry_run(office: Office) -> Result:
    return CliRunner().invoke(app, ["once", "--dry-run", "--now", NOW.isoformat(), "--config", str(office.config)])


def files(office: Office) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in office.folder.rglob("*") if path.is_file()}


def test_without_a_database_it_shows_a_first_run_and_makes_none(office: Office) -> None:
    before = files(office)

    done = dry_run(office)

    assert (done.exit_code, files(office)) == (0, before)
    assert "there is no database yet: this is what a first run would do" in done.stderr
    assert "opened" in done.stdout


def test_database_stays_as_it_is_byte_for_byte(office: Office) -> None:
    store = office.open()
    cycle(Engine(store, office.load()))
    store.close()
    office.save("P02", 12)
    before = files(office)

    done = dry_run(office)

    assert (done.exit_code, files(office)) == (0, before)
    assert done.stdout.count("opened") == 1


def test_what_a_running_daemon_wrote_is_seen(office: Office) -> None:
    store = office.open()  # open as in a daemon: what it wrote last lies beside the database
    cycle(Engine(store, office.load()))
    before = files(office)

    done = dry_run(office)

    assert (done.exit_code, "opened" in done.stdout) == (0, False)
    assert files(office).keys() == before.keys()
    store.close()


def test_older_tables_are_left_and_the_remedy_is_named(office: Office) -> None:
    office.open().close()
    with sqlite3.connect(office.folder / "pmo-watch.db") as older:
        older.execute("update alembic_version set version_num = '0001'")
    older.close()
    before = files(office)

    done = dry_run(office)

    assert isinstance(done.exception, StoreError)
    assert "its tables (schema 0001) are older than this pmo-watch" in str(done.exception)
    assert "'pmo-watch db upgrade'" in str(done.exception)
    assert files(office) == before


def test_empty_database_is_none_yet(empty_url: str) -> None:
    assert open_to_read(empty_url) is None
    assert schema_status(empty_url).revision is None


def test_file_that_is_looked_at_cannot_be_written(office: Office) -> None:
    office.open().close()

    looked = open_to_read(office.url)

    assert looked is not None
    assert looked.alerts() == []
    with pytest.raises(StoreError, match="cannot be written"):
        looked.write(CycleChange(NOW, marks={(MarkKind.FLAG, "a"): "b"}))
    looked.close()


def test_server_is_looked_at_as_it_is(postgres_url: str) -> None:
    looked = open_to_read(postgres_url)

    assert looked is not None
    assert looked.alerts() == []
    looked.close()
