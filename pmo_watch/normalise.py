"""Step 2: a reading against what is known of its source: what changed, what is missing, what must be held.

Pure. A source's own rows are frames with `uid`, the entity's stored fields, `@part` and `@missing` (number of the
reading in which the row was first missing; null while present), plus `@unseen` (true while the last reading was
partial without the row). The snapshot is made from them by `merge.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Outcome, Reading, Records, Rejected, SourceState, Summary
from pmo_watch.model import Entity, Kind

Rows = Mapping[str, pl.DataFrame]
LINKS = frozenset({"dependency", "assignment"})  # replanned wholesale: their disappearance says nothing


@dataclass(frozen=True, slots=True)
class Limits:
    """When a reading is too strange to be believed: shares from 0 to 1, and the least number of rows."""

    shrink: float = 0.2
    rejects: float = 0.2
    renamed: float = 0.3
    least: int = 5


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """What a reading makes of its source: the rows that hold from now on, and the difference to write.

    `changed`: rows that are new or differ, by entity. `missing`: uids first missing in this reading. `vanished`: uids
    missing in two complete readings running, no longer among `rows`. `returned`: uids that were missing and are back
    with the same content.
    """

    state: SourceState
    rows: Rows
    changed: Rows = field(default_factory=dict)
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    vanished: Mapping[str, Sequence[str]] = field(default_factory=dict)
    returned: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()

    @property
    def moved(self) -> bool:
        """Whether any row is other than before."""
        return any(any(part.values()) for part in (self.missing, self.vanished, self.returned)) or any(
            frame.height for frame in self.changed.values()
        )


def row_schema(entity: Entity) -> dict[str, pl.DataType]:
    """Return the columns of a source's own rows of the entity."""
    return {"uid": pl.String(), **entity.stored_schema(), "@part": pl.String(), "@missing": pl.Int64()}


def frames_of(source: str, records: Sequence[Records]) -> tuple[dict[str, pl.DataFrame], list[Rejected], int]:
    """Check records against the model and gather them by entity.

    Returns the frames, what was rejected, and how many rows were left out as a whole.

    Raises:
        ValueError: a plugin yields what the contract does not allow: its defect, not the data's.
    """
    gathered: dict[str, list[pl.DataFrame]] = {}
    for one in records:
        gathered.setdefault(one.entity, []).append(_shaped(one))
    frames: dict[str, pl.DataFrame] = {}
    rejected: list[Rejected] = []
    lost = 0
    for name, parts in gathered.items():
        entity = ENTITIES[name]
        frame = pl.concat(parts).with_columns(uid=pl.format("{}:{}:{}", pl.lit(source), pl.lit(name), pl.col("key")))
        frame, left_out = _without_faulty_rows(entity, frame)
        lost += len(left_out)
        frame, words = _without_unknown_words(entity, frame)
        rejected += left_out + words
        frames[name] = frame.select(*row_schema(entity)).sort("uid")
    return frames, rejected, lost


def _shaped(records: Records) -> pl.DataFrame:
    """Give a batch every stored column of its entity, in order.

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
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in wanted.items() if name not in records.frame.columns]
    return records.frame.with_columns(
        *absent, pl.lit(records.part).alias("@part"), pl.lit(None, pl.Int64).alias("@missing")
    ).select("key", *wanted, "@part", "@missing")


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
        )
        for part, key, fault in bad.select("@part", "key", "@fault").iter_rows()
    ]
    return marked.filter(pl.col("@fault").is_null() & ~pl.col("@twice")), rejected


def _without_unknown_words(entity: Entity, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejected]]:
    rejected: list[Rejected] = []
    for one in entity.stored():
        if one.kind != Kind.ENUM:
            continue
        unknown = frame.filter(pl.col(one.name).is_not_null() & ~pl.col(one.name).is_in(one.one_of))
        if unknown.is_empty():
            continue
        for word, part in unknown.group_by(one.name).agg(pl.col("@part").first()).sort(one.name).iter_rows():
            allowed = ", ".join(one.one_of)
            rejected.append(Rejected(part or entity.name, one.name, str(word)[:200], f"not one of {allowed}"))
        known = pl.when(pl.col(one.name).is_in(one.one_of)).then(one.name)
        frame = frame.with_columns(known.alias(one.name))
    return frame, rejected


def accept(
    reading: Reading, known: Rows, state: SourceState, limits: Limits, *, accept_shrink: bool = False
) -> Accepted:
    """Compare a reading with what is known of its source and say what holds from now on.

    A failed or held reading leaves the rows as they are. `accept_shrink`: a person or a setting accepts whatever the
    reading lacks or renames.
    """
    if reading.outcome == Outcome.FAILED:
        return Accepted(_failed(state, reading), known)
    if reading.unchanged and _parts(known) <= set(reading.summary.unchanged):
        again = replace(_good(state, reading.read_at, Outcome.COMPLETE), cursor=reading.summary.cursor)
        return Accepted(again, known)
    strange = {} if accept_shrink else _strange_parts(reading, known, limits)
    if strange and _parts(reading.frames) <= set(strange):
        held = replace(
            _failed(state, reading), outcome=Outcome.HELD, held="; ".join(strange.values()), error=strange_text(strange)
        )
        return Accepted(held, known, rejected=reading.summary.rejected)
    return _compare(reading, known, state, strange)


def strange_text(strange: Mapping[str, str]) -> str:
    """Say what is held and how a person accepts it."""
    return "held: " + "; ".join(strange.values())


def _failed(state: SourceState, reading: Reading) -> SourceState:
    return replace(
        state,
        outcome=Outcome.FAILED,
        read_at=reading.read_at,
        failing_since=state.failing_since or reading.read_at,
        failures=state.failures + 1,
        error=reading.error,
        rejected=len(reading.summary.rejected),
        held="",
    )


def _good(state: SourceState, at: datetime, outcome: Outcome) -> SourceState:
    return replace(
        state,
        outcome=outcome,
        read_at=at,
        last_good=at if outcome == Outcome.COMPLETE else state.last_good,
        failing_since=None,
        failures=0,
        error="",
        held="",
    )


# --- guards -------------------------------------------------------------------------------------------------------


def _strange_parts(reading: Reading, known: Rows, limits: Limits) -> dict[str, str]:
    """Return the parts that must not be believed, each with the reason and the remedy."""
    strange: dict[str, str] = {}
    for name, before in known.items():
        present = before.filter(pl.col("@missing").is_null())
        after = reading.frames.get(name, present.clear())
        if "name" in present.columns:
            strange |= _renumbered(name, present, after, limits)
        if name not in LINKS:
            strange |= _shrunken(reading, name, present, after, limits)
    return strange


def _renumbered(entity: str, before: pl.DataFrame, after: pl.DataFrame, limits: Limits) -> dict[str, str]:
    plain = pl.col("name").str.replace_all(r"[^A-Za-z0-9]", "").str.to_lowercase()
    both = before.select("uid", old=plain).join(after.select("uid", "@part", new=plain), on="uid")
    counted = both.group_by("@part").agg(kept=pl.len(), renamed=(pl.col("old") != pl.col("new")).sum())
    too_many = (pl.col("renamed") >= limits.least) & (pl.col("renamed") >= limits.renamed * pl.col("kept"))
    return {
        part: f"{part or 'the reading'}: {renamed} of {kept} known {entity} keys carry another name: the file was "
        "renumbered. Set 'key:' to a field that stays (such as Text1 or path), or accept it with "
        "'pmo-watch sources accept'"
        for part, kept, renamed in counted.filter(too_many).sort("@part").iter_rows()
    }


def _shrunken(
    reading: Reading, entity: str, before: pl.DataFrame, after: pl.DataFrame, limits: Limits
) -> dict[str, str]:
    if not (reading.summary.listed and reading.outcome == Outcome.COMPLETE):
        return {}
    expected = before.filter(~pl.col("@part").is_in(list(reading.summary.unchanged)))
    gone = expected.join(after, on="uid", how="anti")
    if gone.height < limits.least or gone.height <= limits.shrink * before.height:
        return {}
    text = (
        f"{gone.height} of {before.height} known {entity} rows are gone. If that is right, accept it with "
        "'pmo-watch sources accept' or set 'accept_shrink: true'"
    )
    return dict.fromkeys(sorted(_parts(reading.frames) | set(gone["@part"].unique())), text)


def _parts(rows: Rows) -> set[str]:
    return {part for frame in rows.values() for part in frame["@part"].unique()}


# --- what changed -------------------------------------------------------------------------------------------------


def _compare(reading: Reading, known: Rows, state: SourceState, strange: Mapping[str, str]) -> Accepted:
    whole = reading.outcome == Outcome.COMPLETE and not strange
    outcome = Outcome.COMPLETE if whole else Outcome.PARTIAL
    number = state.reading + 1 if whole else state.reading
    rows: dict[str, pl.DataFrame] = {}
    changed: dict[str, pl.DataFrame] = {}
    missing: dict[str, Sequence[str]] = {}
    vanished: dict[str, Sequence[str]] = {}
    returned: dict[str, Sequence[str]] = {}
    for name in sorted({*known, *reading.frames}):
        empty = pl.DataFrame(schema=row_schema(ENTITIES[name]))
        before = known.get(name, empty).select(empty.columns)
        after = reading.frames.get(name, empty).filter(~pl.col("@part").is_in(list(strange)))
        absent = before.join(after, on="uid", how="anti")
        kept = pl.col("@part").is_in([*reading.summary.unchanged, *strange])
        changed[name] = _different(before, after)
        back = before.filter(pl.col("@missing").is_not_null()).join(after, on="uid", how="semi")
        returned[name] = back.join(changed[name], on="uid", how="anti")["uid"].to_list()
        if whole and reading.summary.listed:
            gone = absent.filter(~kept)
            vanished[name] = gone.filter(pl.col("@missing") < number)["uid"].to_list()
            missing[name] = gone.filter(pl.col("@missing").is_null())["uid"].to_list()
            first = pl.when(kept).then("@missing").otherwise(pl.col("@missing").fill_null(number))
            absent = absent.with_columns(first.alias("@missing")).filter(~pl.col("uid").is_in(vanished[name]))
        unseen = pl.col("@part").is_in(list(strange)) | (
            pl.lit(not whole) & ~pl.col("@part").is_in(list(reading.summary.unchanged))
        )
        rows[name] = pl.concat(
            [after.with_columns(pl.lit(False).alias("@unseen")), absent.with_columns(unseen.alias("@unseen"))]
        ).sort("uid")
    after_state = _after(state, reading, outcome, number, sum(frame.height for frame in rows.values()), strange)
    return Accepted(after_state, rows, changed, missing, vanished, returned, reading.summary.rejected)


def _different(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `after` that `before` lacks or has otherwise, null and null being alike."""
    fields = [name for name in after.columns if name not in {"uid", "@missing"}]
    joined = after.join(before, on="uid", how="left", suffix="@old")
    known = pl.col("uid").is_in(before["uid"].implode())
    differs = pl.any_horizontal([pl.col(name).ne_missing(pl.col(f"{name}@old")) for name in fields])
    return joined.filter(~known | differs).select(after.columns)


def _after(
    state: SourceState, reading: Reading, outcome: Outcome, number: int, rows: int, strange: Mapping[str, str]
) -> SourceState:
    good = _good(state, reading.read_at, outcome)
    return replace(
        good,
        reading=number,
        as_of=reading.summary.as_of,
        rows=rows,
        rejected=len(reading.summary.rejected),
        degraded=tuple(reading.summary.degraded),
        # A part that is held must be read again: the cursor that calls it known is not taken over.
        cursor=state.cursor if strange else reading.summary.cursor,
        error=strange_text(strange) if strange else reading.error,
        held="; ".join(strange.values()),
    )


def summary_rejects(summary: Summary, rejected: Sequence[Rejected], lost: int) -> Summary:
    """Add what the core rejected to what the source rejected."""
    return replace(summary, rejected=(*summary.rejected, *rejected), lost_records=summary.lost_records + lost)
