"""Databases of their own on a PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sqlalchemy import create_engine, make_url, text

NUMBERS = count(1)


@contextmanager
def database(server: str, template: str) -> Iterator[str]:
    """Give the URL of a new database like the template, and drop it afterwards: each is ten megabytes of files."""
    url = fresh_database(server, template)
    yield url
    _run(server, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def fresh_database(server: str, template: str, name: str = "") -> str:
    """Create a database like the template and return its URL."""
    name = name or f"test_{next(NUMBERS)}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY WAL_LOG")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _run(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
