"""The views that dashboards read, of one database."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from pmo_watch.store.database import open_engine, reading


class Views:
    """The views of one database."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._schema = "pmo_watch." if self._engine.dialect.name == "postgresql" else ""

    def rows(self, view: str) -> list[dict[str, Any]]:
        """Return what a view holds; moments as they are in Python, dates as texts."""
        with reading(self._engine) as connection:
            found = connection.execute(text(f"SELECT * FROM {self._schema}{view}")).mappings().all()
        return [{name: _plain(name, value) for name, value in row.items()} for row in found]

    def columns(self, view: str) -> list[str]:
        """Return the columns of a view, in their order."""
        with reading(self._engine) as connection:
            return list(connection.execute(text(f"SELECT * FROM {self._schema}{view}")).keys())

    def raw(self, query: str) -> Any:
        """Return one value as the driver gives it."""
        with reading(self._engine) as connection:
            return connection.execute(text(query)).scalar()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, str) and value.endswith("Z") and (name.startswith("time") or name.endswith(("_at", "_since"))):
        return datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return bool(value) if name == "done" else value
