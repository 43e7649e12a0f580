"""Brings the tables up to date, once, at start; the migrations are in the wheel, without an ini file."""

import threading

from sqlalchemy import Connection, Engine, inspect, text

from pmo_watch.errors import StoreError
from pmo_watch.store import migrations
from pmo_watch.store.changes import SchemaStatus
from pmo_watch.store.dashboards import create_views, drop_views
from pmo_watch.store.database import place_of, reading, sqlite_file, writing

LOCK = 7_261_953  # arbitrary, the same in every release
_ONE_AT_A_TIME = threading.Lock()  # Alembic's context is one global per process


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Return the schema before and after. Several daemons starting at once take turns.

    Raises:
        StoreError: also when a newer pmo-watch made the tables.
    """
    with reading(engine) as connection:
        before = _checked(engine, connection)
    # Alembic takes a third of a second to import: not when there is nothing to do.
    if before == migrations.NEWEST:
        return before, before
    with _ONE_AT_A_TIME, writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = _checked(engine, connection)
        if before != migrations.NEWEST:
            _stay_in_place(connection)
            granted = drop_views(connection)
            _migrate(connection)
            create_views(connection, granted)
    return before, migrations.NEWEST


def can_be_read(engine: Engine) -> bool:
    """Say whether the tables are as this version needs them; False: there is no database, or it has no tables yet.

    Raises:
        StoreError: they must be brought up to date first, or a newer pmo-watch made them.
    """
    if engine.dialect.name == "sqlite" and not sqlite_file(engine.url).exists():
        return False
    with reading(engine) as connection:
        revision = _checked(engine, connection)
    if revision not in {None, migrations.NEWEST}:
        raise StoreError(
            f"{place_of(engine.url)}: its tables (schema {revision}) are older than this pmo-watch "
            f"({migrations.NEWEST}): take a copy with 'pmo-watch db backup', then run 'pmo-watch db upgrade'"
        )
    return revision is not None


def revision_of(connection: Connection) -> str | None:
    """Return the schema of the database; None when it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
    return found


def status_of(engine: Engine) -> SchemaStatus:
    """Return what `db status` shows; a SQLite file that is not there yet is not made."""
    url = engine.url
    file = sqlite_file(url) if url.get_backend_name() == "sqlite" else None
    if file is not None and not file.exists():
        return SchemaStatus(place_of(url), "sqlite", None, migrations.NEWEST, None)
    with reading(engine) as connection:
        revision = revision_of(connection)
        if file is not None:
            size = sum(part.stat().st_size for part in (file, file.with_name(f"{file.name}-wal")) if part.exists())
        else:
            size = connection.execute(text("select pg_database_size(current_database())")).scalar_one()
    return SchemaStatus(place_of(url), engine.dialect.name, revision, migrations.NEWEST, size)


def _checked(engine: Engine, connection: Connection) -> str | None:
    revision = revision_of(connection)
    if revision is not None and revision not in migrations.KNOWN:
        raise StoreError(
            f"{place_of(engine.url)}: its tables (schema {revision}) were made by a newer pmo-watch; this one knows "
            f"{migrations.NEWEST}: install the newer version, or restore a backup made with this one"
        )
    return revision


def _stay_in_place(connection: Connection) -> None:
    """Make new tables beside the old ones: a schema of views that has the name of the user would come first."""
    if connection.dialect.name != "postgresql":
        return
    query = text(
        "SELECT quote_ident(schemaname) FROM pg_tables "
        "WHERE tablename = 'alembic_version' AND schemaname = ANY (current_schemas(false))"
    )
    place = connection.execute(query).scalar()
    if place is not None:
        connection.execute(text("SELECT set_config('search_path', :place, true)"), {"place": place})


def _migrate(connection: Connection, to: str = "head") -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, needed once
    from alembic.config import Config  # noqa: PLC0415

    config = Config()  # no alembic.ini: it would not be in the wheel
    config.set_main_option("script_location", "pmo_watch.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
