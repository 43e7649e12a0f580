"""The forms in which values are stored: exact on both databases, and readable with plain SQL."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from rows import records
from sqlalchemy import text
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from watched import Watched, day

from pmo_watch.store import open_store
from pmo_watch.store.columns import Json, Listed, Moment
from pmo_watch.store.database import open_engine

ROW = {
    "key": "T1",
    "project": "P1",
    "cost": Decimal("99999999999999.9999"),
    "work": Decimal("-123456789012345678.000001"),
    "deadline": date(2026, 11, 20),
    "created_at": datetime(2026, 11, 20, 12, tzinfo=UTC),
    "flagged": True,
    "labels": ["a", "é"],
}
SQLITE: Mapping[str, Any] = {
    "cost": 999999999999999999,
    "work": "-123456789012345678.000001",
    "deadline": "2026-11-20",
    "created_at": "2026-11-20 12:00:00.000000",
    "flagged": 1,
    "labels": '["a","é"]',
    "known_from": "2026-11-16 09:00:00.000000",
}
POSTGRESQL = {**ROW, "labels": '["a","é"]', "known_from": day(0)}
DIALECT = SQLiteDialect_pysqlite()


def test_values_are_stored_in_the_form_that_is_documented(store_url: str) -> None:
    store, engine = open_store(store_url), open_engine(store_url)
    Watched().write(store, day(0), records("task", ROW))

    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM task_version")).mappings().one()

    wanted = SQLITE if engine.dialect.name == "sqlite" else POSTGRESQL
    assert {name: row[name] for name in SQLITE} == {name: wanted[name] for name in SQLITE}
    engine.dispose()
    store.close()


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-11-20 12:00:00 has no time zone"):
        Moment().process_bind_param(datetime(2026, 11, 20, 12), DIALECT)  # noqa: DTZ001 - that is the point


def test_moment_is_stored_and_given_back_in_utc() -> None:
    brussels = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))

    stored = Moment().process_bind_param(brussels, DIALECT)

    assert stored == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert stored.tzinfo is UTC
    assert Moment().process_result_value(datetime(2026, 11, 20, 12), DIALECT) == stored  # noqa: DTZ001 - as SQLite gives it
    assert Moment().process_result_value(brussels, DIALECT) == stored


@pytest.mark.parametrize("kind", [Moment(), Listed(), Json()], ids=lambda kind: type(kind).__name__)
def test_none_stays_none(kind: Any) -> None:
    assert kind.process_bind_param(None, DIALECT) is None
    assert kind.process_result_value(None, DIALECT) is None


def test_json_takes_what_findings_hold() -> None:
    value = {"day": date(2026, 11, 20), "cost": Decimal("1.50"), "who": {"b", "a"}, "at": day(0), "in": {"x": (1, 2)}}

    found = Json().process_result_value(Json().process_bind_param(value, DIALECT), DIALECT)

    assert found == {
        "day": "2026-11-20",
        "cost": "1.50",
        "who": ["a", "b"],
        "at": "2026-11-16T09:00:00+00:00",
        "in": {"x": [1, 2]},
    }


def test_json_refuses_what_has_no_form() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        Json().process_bind_param({"x": object()}, DIALECT)
