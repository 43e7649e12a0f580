"""Step 2, first half: what a source yields, checked against the model and gathered by entity; pure."""

import json
from collections.abc import Iterable

import polars as pl

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Records, Rejected, Summary
from pmo_watch.model import Entity, Kind, lean


def row_schema(entity: Entity) -> dict[str, pl.DataType]:
    """Return the columns of a source's own rows of the entity."""
    return {"uid": pl.String(), **entity.stored_schema(), "@part": pl.String(), "@missing": pl.Int64()}


def frames_of(source: str, records: Iterable[Records]) -> tuple[dict[str, pl.DataFrame], list[Rejected], int]:
    """Check records against the model, as they come, and gather them by entity.

    Returns the frames, what was rejected, and how many rows were left out as a whole.

    Raises:
        ValueError: a plugin yields what the contract does not allow: its defect, not the data's.
    """
    gathered: dict[str, list[pl.DataFrame]] = {}
    for one in records:
        gathered.setdefault(one.entity, []).append(_checked(one))
    frames: dict[str, pl.DataFrame] = {}
    rejected: list[Rejected] = []
    lost = 0
    for name in list(gathered):
        entity = ENTITIES[name]
        frame = _shaped(source, entity, pl.concat(gathered.pop(name), how="diagonal"))
        frame, left_out = _without_faulty_rows(entity, frame)
        lost += len(left_out)
        frame, words = _without_unknown_words(entity, frame)
        rejected += left_out + words
        frames[name] = lean(frame.select(*row_schema(entity)).sort("uid"))
    return frames, rejected, lost


def must_be_kept(summary: Summary) -> None:
    """Look at what a summary leaves behind: its cursor, and the keys that it names.

    Raises:
        ValueError: the cursor is no JSON, or some keys are no texts.
    """
    try:
        json.dumps(dict(summary.cursor), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as fault:
        raise ValueError(f"the cursor cannot be kept as JSON: {fault}") from None
    for entity, keys in (*summary.census.items(), *summary.deleted.items()):
        try:
            pl.Series(values=keys, dtype=pl.String)
        except TypeError:
            raise ValueError(f"the summary names keys of {entity} that are no texts") from None


def _checked(records: Records) -> pl.DataFrame:
    """Return a batch as it came, with its part.

    Raises:
        ValueError: an unknown entity or column, or a column of another type than the model's.
    """
    entity = ENTITIES.get(records.entity)
    if entity is None:
        raise ValueError(f"there is no entity '{records.entity}'")
    wanted = entity.stored_schema()
    for name, dtype in records.frame.schema.items():
        if name != "key" and name not in wanted:
            raise ValueError(f"{records.entity} has no field '{name}'")
        if name != "key" and dtype != wanted[name]:
            raise ValueError(f"{records.entity}.{name} must be {wanted[name]}, not {dtype}")
    return records.frame.with_columns(pl.lit(records.part).alias("@part"))


def _shaped(source: str, entity: Entity, frame: pl.DataFrame) -> pl.DataFrame:
    """Give rows their uid and every stored column of their entity, in order."""
    wanted = entity.stored_schema()
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in wanted.items() if name not in frame.columns]
    return frame.with_columns(
        *absent,
        pl.lit(None, pl.Int64).alias("@missing"),
        uid=pl.format("{}:{}:{}", pl.lit(source), pl.lit(entity.name), pl.col("key")),
    ).select("key", "uid", *wanted, "@part", "@missing")


def _without_faulty_rows(entity: Entity, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejected]]:
    required = [one.name for one in entity.stored() if one.required]
    first_null = pl.coalesce(
        pl.when(pl.col("key").is_null()).then(pl.lit("key")),
        *[pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in required],
        pl.lit(None, pl.String),
    )
    marked = frame.with_columns(first_null.alias("@fault"), (~pl.col("uid").is_first_distinct()).alias("@twice"))
    bad = marked.filter(pl.col("@fault").is_not_null() | pl.col("@twice"))
    rejected = [
        Rejected(
            part or entity.name,
            fault or "key",
            key or "",
            f"{entity.name} without {fault}" if fault else f"{entity.name} {key} occurs twice: the first one counts",
            project or "",
        )
        for part, key, fault, project in bad.select("@part", "key", "@fault", _project_of(entity, bad)).iter_rows()
    ]
    return marked.filter(pl.col("@fault").is_null() & ~pl.col("@twice")), rejected


def _project_of(entity: Entity, frame: pl.DataFrame) -> pl.Expr:
    """Return the project of a row as its source writes it; null where a row has none, or several."""
    if entity.name == "project":
        return pl.col("key").alias("@project")
    single = frame.schema.get("project") == pl.String()
    return (pl.col("project") if single else pl.lit(None, pl.String)).alias("@project")


def _without_unknown_words(entity: Entity, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejected]]:
    rejected: list[Rejected] = []
    for one in entity.stored():
        if one.kind != Kind.ENUM:
            continue
        unknown = frame.filter(pl.col(one.name).is_not_null() & ~pl.col(one.name).is_in(one.one_of))
        if unknown.is_empty():
            continue
        first = (pl.col("@part").first(), _project_of(entity, unknown).first())
        for word, part, project in unknown.group_by(one.name).agg(*first).sort(one.name).iter_rows():
            reason = f"not one of {', '.join(one.one_of)}"
            rejected.append(Rejected(part or entity.name, one.name, str(word)[:200], reason, project or ""))
        known = pl.when(pl.col(one.name).is_in(one.one_of)).then(one.name)
        frame = frame.with_columns(known.alias(one.name))
    return frame, rejected
