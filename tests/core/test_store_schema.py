"""The tables: made from nothing, equal to what the model says, refused when newer; and faults in words."""

import sqlite3
import threading
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Date, bindparam, make_url, text
from watched import Watched, day, tasks

from pmo_watch.errors import StoreError
from pmo_watch.store import CycleChange, Store, migrations, open_store, schema_status, upgrade_schema
from pmo_watch.store.columns import Moment
from pmo_watch.store.database import explain, open_engine, place_of, reading, writing
from pmo_watch.store.tables import ENGINE_COLUMNS, STORED, metadata
from pmo_watch.store.upgrade import _migrate

A_SOURCE = (
    "INSERT INTO source_state (name, kind, reading, failures, error, rows, rejected, degraded, cursor, held, "
    "last_change) VALUES ('plans', 'csv_file', 1, 0, '', 1, 2, '[]', '{}', '', 1)"
)
A_SOURCE_WITH_PLACES = A_SOURCE.replace("last_change)", "last_change, left_out)").replace("1)", "1, '[]')")


def test_migrations_make_the_tables_that_the_model_says(store_url: str) -> None:
    engine = open_engine(store_url)

    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, metadata)

    engine.dispose()
    assert difference == [], "add a migration to pmo_watch/store/migrations/versions that makes this difference"


def test_empty_database_is_brought_up_to_date_once(empty_url: str) -> None:
    assert upgrade_schema(empty_url) == (None, migrations.NEWEST)
    assert upgrade_schema(empty_url) == (migrations.NEWEST, migrations.NEWEST)


def test_several_daemons_may_start_on_an_empty_database(empty_url: str) -> None:
    stores: list[Store] = []
    threads = [threading.Thread(target=lambda: stores.append(open_store(empty_url))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert [one.answers() for one in stores] == [True] * 4
    for opened in stores:
        opened.close()


@pytest.mark.parametrize("revision", [one for one in migrations.KNOWN if one != migrations.NEWEST])
def test_older_tables_are_brought_up_to_date_with_their_rows(empty_url: str, revision: str) -> None:
    engine = open_engine(empty_url)
    with writing(engine) as connection:
        _migrate(connection, revision)
        connection.execute(
            text(
                "INSERT INTO task_version (uid, source, part, known_from, project, name, forecast_finish) "
                "VALUES ('plans:task:M1', 'plans', '', :at, 'P1', 'M1', :finish)"
            ).bindparams(bindparam("at", type_=Moment()), bindparam("finish", type_=Date())),
            {"at": day(0), "finish": date(2026, 12, 1)},
        )
        connection.execute(text(A_SOURCE if revision < "0006" else A_SOURCE_WITH_PLACES))
    engine.dispose()

    assert upgrade_schema(empty_url) == (revision, migrations.NEWEST)
    store = open_store(empty_url)
    before, source = store.rows()["plans"]["task"], store.sources()["plans"]
    Watched().write(store, day(1), tasks("M1", sprint=["7", "8"], board="5", forecast_finish=date(2026, 12, 8)))
    after = store.rows()["plans"]["task"]

    assert before.select("name", "forecast_finish", "board", "sprint").rows() == [("M1", date(2026, 12, 1), None, None)]
    assert (source.reading, source.rejected, source.left_out) == (1, 2, ())
    assert after.select("forecast_finish", "board", "sprint").rows() == [(date(2026, 12, 8), "5", ["7", "8"])]
    store.close()


def test_newer_tables_are_refused(store_url: str) -> None:
    set_revision(store_url, "9999")

    with pytest.raises(
        StoreError, match=r"schema 9999\) were made by a newer pmo-watch; this one knows 0\d\d\d: install"
    ):
        open_store(store_url)

    set_revision(store_url, migrations.NEWEST)
    open_store(store_url).close()


def test_store_of_other_tables_does_not_answer(store: Store, store_url: str) -> None:
    assert store.answers()

    set_revision(store_url, "9999")

    assert not store.answers()


def test_status_says_what_there_is_and_makes_nothing(empty_url: str) -> None:
    before = schema_status(empty_url)
    upgrade_schema(empty_url)

    after = schema_status(empty_url)

    assert (before.revision, after.revision, after.newest) == (None, migrations.NEWEST, migrations.NEWEST)
    assert after.kind == make_url(empty_url).get_backend_name()
    assert after.size_bytes
    if after.kind == "sqlite":
        assert (before.size_bytes, before.place) == (None, make_url(empty_url).database)


def test_no_field_of_the_model_has_the_name_of_an_engine_column() -> None:
    taken = {one.name for entity in STORED.values() for one in entity.stored()} & set(ENGINE_COLUMNS)

    assert not taken


def test_what_nobody_delivers_has_no_table() -> None:
    assert {"kpi", "submission", "source"}.isdisjoint(STORED)
    assert {"project", "task", "risk", "observation", "meeting"} <= set(STORED)


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://root:hunter2@db/x", "is not understood"),
        ("nonsense hunter2", "is not understood"),
        ("postgres://u:hunter2@db/x", "is not understood: write sqlite:"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////nowhere/at/all/pmo.db", "/nowhere/at/all/pmo.db: cannot be opened: does its folder exist"),
        ("postgresql://u:hunter2@127.0.0.1:1/x", "postgresql://127.0.0.1:1/x: connection"),
    ],
    ids=str,
)
def test_wrong_url_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreError) as fault:
        open_store(url)

    assert words in str(fault.value)
    assert "hunter2" not in str(fault.value)


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "plan.db"
    file.write_text("Task;Finish\n" * 100)

    with pytest.raises(StoreError) as fault:
        open_store(f"sqlite:///{file}")

    assert str(fault.value) == f"{file}: is no SQLite database: check 'database: url'"


def test_database_name_that_does_not_exist_is_named(postgres_server: str) -> None:
    url = make_url(postgres_server).set(database="nowhere").render_as_string(hide_password=False)

    with pytest.raises(StoreError, match=r'database "nowhere" does not exist.*: check the names in'):
        open_store(url)


def test_right_that_is_missing_is_named(postgres_server: str, postgres_template: str) -> None:
    server = open_engine(postgres_server)
    with server.connect() as connection:
        connection.execute(text("CREATE ROLE guest LOGIN"))
        connection.commit()
    server.dispose()
    url = make_url(postgres_server).set(username="guest", database=postgres_template)

    with pytest.raises(StoreError, match=r"permission denied for .*: this user lacks a right"):
        open_store(url.render_as_string(hide_password=False))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("database or disk is full", "the disk is full: free some space; nothing was written"),
        ("attempt to write a readonly database", "cannot be written: give this user the right"),
        ("database is locked", "is held by another process"),
        ("database disk image is malformed", "is damaged: stop pmo-watch and bring back a copy"),
        ("disk I/O error", "the disk does not answer"),
        ("no such table: x", "no such table: x"),
    ],
    ids=str,
)
def test_sqlite_faults_have_a_remedy(said: str, words: str) -> None:
    found = explain(make_url("sqlite:////var/pmo.db"), sqlite3.OperationalError(said))

    assert found.startswith("/var/pmo.db: ")
    assert words in found


def test_disk_that_is_full_writes_nothing_and_is_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pmo.db'}"
    opened = open_store(url)
    with reading(opened._engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")

    with pytest.raises(StoreError, match="the disk is full: free some space; nothing was written"):
        Watched().write(opened, day(0), tasks(*[f"M{number}" for number in range(2000)]))

    assert opened.rows() == {}
    assert opened.sources() == {}
    opened.close()


def test_file_that_another_process_holds_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmo_watch.store.database.BUSY_MS", 1)
    url = f"sqlite:///{tmp_path / 'pmo.db'}"
    one, other = open_store(url), open_engine(url)

    with writing(other), pytest.raises(StoreError, match="is held by another process: try again"):
        one.write(CycleChange(day(0)))

    one.write(CycleChange(day(0)))
    one.close()
    other.dispose()


def test_reader_sees_one_moment_while_others_write(store: Store, store_url: str) -> None:
    engine = open_engine(store_url)
    with reading(engine) as connection:
        count = text("SELECT count(*) FROM task_version")
        before = connection.execute(count).scalar()
        Watched().write(store, day(0), tasks("M1"))

        assert connection.execute(count).scalar() == before == 0

    engine.dispose()


def test_reading_cannot_write(store_url: str) -> None:
    engine = open_engine(store_url)

    if engine.dialect.name == "postgresql":
        with pytest.raises(StoreError, match="read-only transaction"), reading(engine) as connection:
            connection.execute(text("DELETE FROM mark"))

    engine.dispose()


def test_place_never_holds_user_or_password() -> None:
    assert place_of(make_url("postgresql://u:p@db.example.org:5433/pmo")) == "postgresql://db.example.org:5433/pmo"
    assert place_of(make_url("sqlite:////var/pmo.db")) == "/var/pmo.db"


def set_revision(url: str, revision: str) -> None:
    """Pretend that another version made the tables."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :one"), {"one": revision})
    engine.dispose()
