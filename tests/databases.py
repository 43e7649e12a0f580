"""Databases of their own on a PostgreSQL server."""

from itertools import count

from sqlalchemy import create_engine, make_url, text

NUMBERS = count(1)


def fresh_database(server: str, template: str, name: str = "") -> str:
    """Create a database like the template and return its URL."""
    name = name or f"test_{next(NUMBERS)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)
