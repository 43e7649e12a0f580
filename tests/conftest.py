"""Databases for tests: each test has one of its own, SQLite or PostgreSQL, with the tables already made."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import fresh_database
from postgres import postgres

from pmo_watch.store import Store, open_store, upgrade_schema


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the tables and no rows."""
    file = tmp_path_factory.mktemp("template") / "empty.db"
    upgrade_schema(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Give the URL of a PostgreSQL server, one for each process that runs tests."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """Return the name of a database with the tables and no rows."""
    upgrade_schema(fresh_database(postgres_server, "template0", "template_tables"))
    return "template_tables"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'pmo-watch.db'}"
    return fresh_database(request.getfixturevalue("postgres_server"), "template0")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database with the tables and no rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "pmo-watch.db")
        return f"sqlite:///{tmp_path / 'pmo-watch.db'}"
    return fresh_database(request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give a store without rows."""
    opened = open_store(store_url)
    yield opened
    opened.close()
