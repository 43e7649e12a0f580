"""What is known of a source's rows once a reading is laid over what is stored (spec sources 3.7)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pmo_watch.api import ENTITIES

FRESH = "@fresh"  # read now, and not only remembered
Frames = Mapping[str, pl.DataFrame]


@dataclass(slots=True, eq=False)
class Read:
    """What a reading said of one entity: its rows, the keys that are gone, and whether it named all that exist.

    `keys`: every key that exists, where only those were asked for. `complete`: read to its end.
    """

    rows: pl.DataFrame
    deleted: Sequence[str] = ()
    listed: bool = False
    keys: Sequence[str] | None = None
    complete: bool = True


def nothing(entity: str) -> pl.DataFrame:
    """Return no rows of an entity, with `key`."""
    return pl.DataFrame(schema={"key": pl.String(), **ENTITIES[entity].stored_schema()})


def keys(frame: pl.DataFrame) -> pl.Series:
    """Return the keys as one list, to look others up in."""
    return frame["key"].implode()


def laid_over(entity: str, stored: pl.DataFrame | None, read: Read) -> pl.DataFrame:
    """Return the entity's rows as they are now: what was read, and what is stored and was not read again."""
    fresh = read.rows.unique("key", keep="last", maintain_order=True).with_columns(pl.lit(value=True).alias(FRESH))
    fresh = fresh.filter(~pl.col("key").is_in(list(read.deleted)))
    if stored is None or read.listed:
        return _complete(entity, fresh)
    kept = stored.filter(~pl.col("key").is_in(keys(fresh)) & ~pl.col("key").is_in(list(read.deleted)))
    if read.keys is not None:
        kept = kept.filter(pl.col("key").is_in(list(read.keys)))
    return _complete(entity, pl.concat([fresh, kept], how="diagonal"))


def _complete(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    wanted = ENTITIES[entity].stored_schema()
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in wanted.items() if name not in frame.columns]
    return frame.with_columns(*absent, pl.col(FRESH).fill_null(value=False)).sort("key")


def remembered(frame: pl.DataFrame, stored: pl.DataFrame | None, names: Sequence[str]) -> pl.DataFrame:
    """Let rows keep what is stored of these fields, which the reading did not ask for."""
    if stored is None or not names:
        return frame
    before = stored.select("key", *names)
    return frame.drop(names).join(before, on="key", how="left", maintain_order="left")


def changed(entity: str, now: pl.DataFrame, stored: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rows to send: those that were read, and those that differ from what is stored."""
    wanted = list(ENTITIES[entity].stored_schema())
    if stored is None:
        return now.select("key", *wanted)
    before = stored.select("key", *wanted)
    pairs = now.select("key", *wanted, FRESH).join(before, on="key", how="left", suffix="@old", maintain_order="left")
    differs = pl.any_horizontal(
        [_comparable(name, now).ne_missing(_comparable(f"{name}@old", pairs)) for name in wanted]
    )
    known = pl.col("key").is_in(keys(before))
    return pairs.filter(pl.col(FRESH) | ~known | differs).select("key", *wanted)


def _comparable(name: str, frame: pl.DataFrame) -> pl.Expr:
    is_list = isinstance(frame.schema[name], pl.List)
    return pl.col(name).list.join("\n") if is_list else pl.col(name)


def gone(now: pl.DataFrame, stored: pl.DataFrame | None) -> list[str]:
    """Return the keys that are stored and are there no more."""
    if stored is None:
        return []
    return stored.filter(~pl.col("key").is_in(keys(now)))["key"].to_list()


def of_projects(frame: pl.DataFrame, column: str, projects: Collection[str] | None) -> pl.DataFrame:
    """Return the rows that follow one of the projects; all of them when it is not known which there are."""
    if projects is None or column not in frame.columns:
        return frame
    return frame.filter(pl.col(column).is_null() | pl.col(column).is_in(list(projects)))
