"""Databases for tests: each test has one of its own, SQLite or PostgreSQL, with the tables already made."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import database, fresh_database
from hypothesis import HealthCheck, settings
from postgres import postgres

from pmo_watch.store import Store, open_store, upgrade_schema

# The same cases in every run, however slow the machine; `--hypothesis-profile=default` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")


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
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'pmo-watch.db'}"
        return
    with database(request.getfixturevalue("postgres_server"), "template0") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """Give the URL of a PostgreSQL database with the tables and no rows."""
    with database(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """Return the URL of a SQLite database with the tables and no rows."""
    shutil.copy(sqlite_template, tmp_path / "pmo-watch.db")
    return f"sqlite:///{tmp_path / 'pmo-watch.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a database with the tables and no rows."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give a store without rows."""
    opened = open_store(store_url)
    yield opened
    opened.close()
