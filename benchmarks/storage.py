"""How long the store takes, each figure beside its floor of the same run: python benchmarks/storage.py [ROWS].

The floor of writing is the driver alone with rows made ready beforehand, into a table of the same columns and indexes:
`executemany` for SQLite, one `COPY` of ready bytes for PostgreSQL. The floor of reading is the driver's own fetch.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection, insert

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import First, Outcome, Reading, Samples, Since, SourceState, Summary, Wish
from pmo_watch.model import Field, Kind
from pmo_watch.normalise import Accepted, Limits, accept
from pmo_watch.store import CycleChange, ReadingChange, Store, open_store
from pmo_watch.store.columns import packed
from pmo_watch.store.database import open_engine, writing
from pmo_watch.store.tables import VERSIONS

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
SOURCE = "plans"
TIMES = 3
FILLED = frozenset({
    "id", "project", "parent", "wbs", "outline_level", "position", "name", "is_milestone", "active", "manual",
    "done", "status", "owner", "baseline_start", "baseline_finish", "baseline_duration", "baseline_work",
    "baseline_cost", "forecast_start", "forecast_finish", "actual_start", "duration", "remaining_duration",
    "progress", "work", "actual_work", "remaining_work", "cost", "actual_cost", "remaining_cost", "total_slack",
    "critical", "priority", "constraint_type", "labels",
})  # fmt: skip
WISHES: tuple[Wish, ...] = (
    Samples("task", "week", 6, ("forecast_finish",), restart_on="baseline_finish"),
    Since("task", "progress"),
    First("task", "forecast_finish"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A median in seconds beside its floor; a floor of None means that there is nothing to compare with."""

    name: str
    seconds: float
    floor: float | None = None


def task_rows(count: int) -> pl.DataFrame:
    """Return rows of tasks as a reading holds them, filled as plans usually are."""
    stored = [_values(one).alias(one.name) for one in ENTITIES["task"].stored()]
    uid = pl.format("{}:task:{}", pl.lit(SOURCE), pl.col("n").cast(pl.String).str.zfill(7))
    part = pl.format("plan-{}.xml", pl.col("n") // 500)
    frame = pl.DataFrame({"n": pl.int_range(count, eager=True)})
    missing = pl.lit(None, pl.Int64).alias("@missing")
    return frame.select(uid.alias("uid"), *stored, part.alias("@part"), missing).sort("uid")


def _values(one: Field) -> pl.Expr:
    n = pl.col("n")
    if one.name not in FILLED:
        return pl.lit(None, one.dtype)
    values: Mapping[Kind, pl.Expr] = {
        Kind.ENUM: pl.lit((one.one_of or ("",))[0]),
        Kind.FLAG: n % 3 == 0,
        Kind.COUNT: n % 997,
        Kind.MINUTES: n % 997 * 60,
        Kind.DATE: pl.lit(date(2026, 1, 5)) + pl.duration(days=n % 500),
        Kind.LIST: pl.concat_list(pl.lit("red"), pl.format("label {}", n % 7)),
        Kind.TEXT: pl.format(f"{one.name} {{}} of the plan", n),
        Kind.REF: pl.format(f"{one.name}-{{}}", n % 500),
    }
    return values.get(one.kind, (n % 1000) / 4).cast(one.dtype)


def slipped(rows: pl.DataFrame, every: int) -> pl.DataFrame:
    """Return the rows with the forecast of each `every`-th a week later."""
    later = pl.col("forecast_finish") + pl.duration(days=7)
    return rows.with_columns(pl.when(pl.int_range(pl.len()) % every == 0).then(later).otherwise("forecast_finish"))


def measure_store(database: Callable[[], str], count: int) -> list[Figure]:
    """Measure on databases that `database` makes, each without rows."""
    rows = task_rows(count)
    changed = slipped(rows, 100)
    first = median(first_load(database(), rows) for _ in range(TIMES))
    floor = median(driver_alone(database(), rows) for _ in range(TIMES))
    with _opened(database()) as store:
        known = _written(store, Accepted(SourceState(SOURCE, "ms_project"), {}), rows, 0)
        unchanged, known = _repeated(store, known, [rows] * TIMES, 1)
        one_percent, known = _repeated(store, known, [changed, rows, changed], 10)
        again = median(_timed(store.rows)[0] for _ in range(TIMES))
        then = median(_timed(lambda: store.rows(NOW))[0] for _ in range(TIMES))
        asked, answered = (_asked(store, 13) for _ in range(2))
        known = _written(store, known, rows, 14)
        moved = _asked(store, 14)
    return [
        Figure("first load", first, floor),
        Figure("re-read, unchanged: compare and write", unchanged),
        Figure("re-read, 1 % changed: compare and write", one_percent, driver_alone(database(), rows[: count // 100])),
        Figure("load the current rows", again, fetch_alone(database, rows)),
        Figure("load the rows as of a past moment", then),
        Figure("six weeks of samples, since, first: asked first", asked),
        Figure("the same in a quiet cycle", answered),
        Figure("the same after 1 % changed", moved),
    ]


def first_load(url: str, rows: pl.DataFrame) -> float:
    """Return how long rows take into a database without any, compared and put down with their reading."""
    with _opened(url) as store:
        seconds, _ = _timed(lambda: _written(store, Accepted(SourceState(SOURCE, "ms_project"), {}), rows, 0))
    return seconds


def _repeated(store: Store, known: Accepted, readings: list[pl.DataFrame], hour: int) -> tuple[float, Accepted]:
    seconds = []
    for number, rows in enumerate(readings):
        # A source makes new frames at each reading: comparing the very same one would cost nothing.
        fresh = pl.concat([rows[: rows.height // 2], rows[rows.height // 2 :]]).rechunk()
        taken, known = _timed(partial(_written, store, known, fresh, hour + number))
        seconds.append(taken)
    return median(seconds), known


def _written(store: Store, known: Accepted, rows: pl.DataFrame, hour: int) -> Accepted:
    at = NOW + timedelta(hours=hour)
    reading = Reading(SOURCE, at, Outcome.COMPLETE, {"task": rows}, Summary())
    after = accept(reading, known.rows, known.state, Limits())
    changes = (after.changed, after.missing, after.vanished, after.returned)
    store.write(CycleChange(at, readings=[ReadingChange(after.state, at.date(), *changes)]))
    return after


def _asked(store: Store, hour: int) -> float:
    at, zone = NOW + timedelta(hours=hour), ZoneInfo("Europe/Brussels")
    return _timed(lambda: store.past(WISHES, at, zone))[0]


# --- floors -------------------------------------------------------------------------------------------------------


def driver_alone(url: str, rows: pl.DataFrame) -> float:
    """Return how long the driver takes for rows that are ready for it."""
    engine = open_engine(url)
    with writing(engine) as connection:
        dialect = connection.dialect.name
        kinds = {one.name: one.kind for one in ENTITIES["task"].stored()}
        stored = rows.select("uid", *kinds)
        ready = stored.select(
            [packed(name, kinds.get(name, Kind.TEXT), dialect).alias(name) for name in stored.columns]
        )
        moment = "2026-11-16 09:00:00.000000" if dialect == "sqlite" else "2026-11-16 09:00:00+00"
        engine_columns = {"source": SOURCE, "part": "plan.xml", "known_from": moment}
        whole = ready.with_columns([pl.lit(value).alias(name) for name, value in engine_columns.items()])
        seconds = _insert_many(connection, whole) if dialect == "sqlite" else _copy(connection, whole)
    engine.dispose()
    return seconds


def _insert_many(connection: Connection, ready: pl.DataFrame) -> float:
    table = VERSIONS["task"]
    statement = str(insert(table).compile(dialect=connection.dialect, column_keys=ready.columns))
    order = [column.name for column in table.columns if column.name in ready.columns]
    tuples = ready.select(order).rows()
    cursor = connection.connection.cursor()
    seconds, _ = _timed(lambda: (cursor.executemany(statement, tuples), cursor.execute("COMMIT")))
    cursor.execute("BEGIN")
    return seconds


def _copy(connection: Connection, ready: pl.DataFrame) -> float:
    text = ready.write_csv(include_header=False, null_value=r"\N", quote_style="non_numeric").encode()
    columns = ", ".join(f'"{name}"' for name in ready.columns)
    cursor = connection.connection.cursor()

    def copy() -> None:
        with cursor.copy(f"COPY task_version ({columns}) FROM STDIN (FORMAT csv, NULL '\\N')") as opened:
            opened.write(text)
        connection.connection.commit()

    return _timed(copy)[0]


def fetch_alone(database: Callable[[], str], rows: pl.DataFrame) -> float:
    """Return how long the driver takes to fetch the rows as Python values."""
    url = database()
    driver_alone(url, rows)
    engine = open_engine(url)
    with engine.connect() as connection:
        cursor = connection.connection.cursor()

        def fetch() -> None:
            cursor.execute("SELECT * FROM task_version WHERE known_to IS NULL")
            cursor.fetchall()

        seconds = median(_timed(fetch)[0] for _ in range(TIMES))
    engine.dispose()
    return seconds


# --- running ------------------------------------------------------------------------------------------------------


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


@contextmanager
def _opened(url: str) -> Iterator[Store]:
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def sqlite_databases(folder: Path) -> Callable[[], str]:
    """Return a function that makes a new SQLite database in the folder."""

    def make() -> str:
        url = f"sqlite:///{folder / f'{len(list(folder.iterdir()))}.db'}"
        open_store(url).close()
        return url

    return make


def postgres_databases(server: str) -> Callable[[], str]:
    """Return a function that makes a new database on a PostgreSQL server."""
    from databases import fresh_database

    def make() -> str:
        url = fresh_database(server, "template0")
        open_store(url).close()
        return url

    return make


def main(count: int) -> None:
    """Measure both databases and print the figures."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from postgres import postgres

    with tempfile.TemporaryDirectory() as name, postgres() as server:
        databases = {"SQLite": sqlite_databases(Path(name)), "PostgreSQL": postgres_databases(server)}
        for kind, database in databases.items():
            print(f"{kind}, {count:,} tasks of {task_rows(1).width} columns, seconds")
            for one in measure_store(database, count):
                beside = f"  floor {one.floor:6.3f}  x {one.seconds / one.floor:.2f}" if one.floor else ""
                print(f"  {one.name:50s} {one.seconds:6.3f}{beside}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
