"""Frames past the driver in bulk, a column at a time where the driver lets us.

SQLite takes prepared SQL, compiled from Core once, and tuples; it gives the columns of some thousand rows as one JSON
list each, in half the time that a Python value per cell takes and without holding up other threads at each row.
PostgreSQL takes and gives `COPY`.
"""

import io
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, literal_column, select, text

from pmo_watch.model import Kind
from pmo_watch.store.columns import fetched, packed, packed_dtype, unpacked
from pmo_watch.store.tables import STORED, VERSIONS

AT_ONCE = 5_000  # rows turned into Python values at a time: memory stays flat
DECODERS = 2  # threads that take rows apart
ENGINE_KINDS = {
    "uid": Kind.TEXT,
    "source": Kind.TEXT,
    "part": Kind.TEXT,
    "known_from": Kind.MOMENT,
    "known_to": Kind.MOMENT,
    "missing": Kind.COUNT,
    "vanished_on": Kind.DATE,
}


def _kinds(entity: str) -> dict[str, Kind]:
    return {**ENGINE_KINDS, **{one.name: one.kind for one in STORED[entity].stored()}}


# --- in -----------------------------------------------------------------------------------------------------------


def insert_rows(connection: Connection, entity: str, rows: pl.DataFrame) -> None:
    """Insert versions; `rows` has any columns of the entity's table, with the model's types."""
    dialect = connection.dialect.name
    kinds = _kinds(entity)
    # In the table's order, which is that of the compiled statement.
    names = [column.name for column in VERSIONS[entity].columns if column.name in rows.columns]
    ready = _without_character_0(rows.select([packed(name, kinds[name], dialect).alias(name) for name in names]))
    if dialect == "sqlite":
        statement = str(insert(VERSIONS[entity]).compile(dialect=connection.dialect, column_keys=names))
        for piece in ready.iter_slices(AT_ONCE):
            connection.exec_driver_sql(statement, piece.rows())
        return
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f"COPY {VERSIONS[entity].name} ({columns}) FROM STDIN (FORMAT csv, NULL '\\N')"
    with connection.connection.cursor().copy(statement) as copy:
        for piece in ready.iter_slices(AT_ONCE):
            copy.write(piece.write_csv(include_header=False, null_value=r"\N", quote_style="non_numeric"))


def _without_character_0(ready: pl.DataFrame) -> pl.DataFrame:
    """Leave out the one character that PostgreSQL refuses and that ends a text for SQLite."""
    texts = [name for name, dtype in ready.schema.items() if dtype == pl.String]
    found = ready.select([pl.col(name).str.contains("\0", literal=True).any() for name in texts])
    hit = [name for name in texts if found[name][0]]
    return ready.with_columns(pl.col(hit).str.replace_all("\0", "", literal=True)) if hit else ready


# --- out ----------------------------------------------------------------------------------------------------------


def fetch(connection: Connection, entity: str, columns: Sequence[str], where: ColumnElement[bool]) -> pl.DataFrame:
    """Return columns of an entity's versions as a frame with the model's types."""
    dialect = connection.dialect.name
    kinds = _kinds(entity)
    wanted: list[ColumnElement[Any]] = [literal_column(fetched(name, kinds[name], dialect)) for name in columns]
    schema = {name: packed_dtype(kinds[name], dialect) for name in columns}
    typed = [unpacked(name, kinds[name], dialect).alias(name) for name in columns]
    if dialect == "sqlite":
        pieces = _from_json(connection, VERSIONS[entity], where, schema, typed)
    else:
        texts = _from_copy(connection, select(*wanted).select_from(VERSIONS[entity]).where(where), schema)
        pieces = (piece.select(typed) for piece in texts)
    return pl.concat([pl.DataFrame(schema=schema).select(typed), *pieces], rechunk=True)


def _from_json(
    connection: Connection,
    table: Table,
    where: ColumnElement[bool],
    schema: Mapping[str, pl.DataType],
    typed: Sequence[pl.Expr],
) -> Iterator[pl.DataFrame]:
    cursor = connection.connection.cursor()
    number = table.c.version_id
    cursor.execute(_with_values(connection, select(func.json_group_array(number)).where(where)))
    numbers = pl.Series(cursor.fetchone(), dtype=pl.String).str.json_decode(pl.List(pl.Int64)).explode().drop_nulls()
    if numbers.is_empty():
        return
    lists = [func.json_group_array(literal_column(f'"{name}"')) for name in schema]
    these = number.in_(text("SELECT value FROM json_each(?)"))
    query = _with_values(connection, select(*lists).select_from(table).where(these))
    cells = [pl.col(name).str.json_decode(pl.List(dtype)).explode() for name, dtype in schema.items()]

    def decoded(row: Any) -> pl.DataFrame:
        return pl.DataFrame([row], schema=dict.fromkeys(schema, pl.String), orient="row").select(cells).select(typed)

    # The database makes the next lists while these are taken apart; only so many wait that memory stays flat.
    with ThreadPoolExecutor(DECODERS, thread_name_prefix="rows") as pool:
        waiting: deque[Future[pl.DataFrame]] = deque()
        for at in range(0, len(numbers), AT_ONCE):
            cursor.execute(query, (json.dumps(numbers[at : at + AT_ONCE].to_list()),))
            waiting.append(pool.submit(decoded, cursor.fetchone()))
            if len(waiting) > DECODERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _from_copy(connection: Connection, query: Select[Any], schema: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
    statement = f"COPY ({_with_values(connection, query)}) TO STDOUT (FORMAT csv)"
    with connection.connection.cursor().copy(statement) as copy:
        lines = iter(copy)
        while text := b"".join(islice(lines, AT_ONCE)):
            yield pl.read_csv(io.BytesIO(text), has_header=False, schema=dict(schema))


def _with_values(connection: Connection, query: Select[Any]) -> str:
    """Return the SQL with its few moments and days written into it: `COPY` takes no parameters."""
    return str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
