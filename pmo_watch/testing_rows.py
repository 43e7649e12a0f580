"""Rows made for the conformance kit: every field filled or null, the same each time, by the hundred thousand."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from pmo_watch.derive import derive, required_roles
from pmo_watch.entities import ENTITIES
from pmo_watch.figures import expected_figures
from pmo_watch.flow import Organisation, Snapshot
from pmo_watch.model import Field, Kind
from pmo_watch.workdays import Calendar

TODAY = date(2026, 11, 20)
SPREAD_DAYS = 400  # dates lie within so many days of today
INDICATOR = "some-id"  # of the first indicator: for measures that must be told of one
NULL_IN = 29  # one value in so many is null
# Portfolios hold programmes, programmes projects, projects the rows that come in numbers.
ROWS_PER = {"portfolio": 20_000, "program": 2_000, "indicator": 2_000, "project": 100, "person": 100, "source": 20_000}
FILLED = (
    "code",
    "progress",
    "physical_progress",
    "baseline_start",
    "baseline_finish",
    "baseline_cost",
)  # few nulls make all of it grey
# Values that let a row count: no rule asks about the others.
COUNTING = {("project", "state"): "executing", ("task", "active"): True, ("task", "external"): False}
COUNTING |= {("project", "actual_finish"): None, ("project", "status_date"): TODAY, ("person", "active"): True}
COUNTING |= {("indicator", "cadence"): "month", ("indicator", "cut_off"): None, ("observation", "period"): "2026-10"}
# What lists may say themselves follows from other rows, as it does nearly everywhere.
COUNTED = ("committed_items", "committed_points", "done_points", "remaining_items", "flagged_since", "status_since")
NUMBERS = {
    Kind.COUNT: 20,
    Kind.MINUTES: 4_800,
    Kind.NUMBER: 1_000,
    Kind.PERCENT: 101,
    Kind.HOURS: 400,
    Kind.MONEY: 90_000,
}


def generated_snapshot(rows: int, seed: int = 1) -> Snapshot:
    """Return a portfolio of about so many rows for each entity that comes in numbers; with 0 every frame is empty."""
    return known(stored_frames({name: count_of(name, rows) for name in ENTITIES}, seed))


def stored_frames(counts: Mapping[str, int], seed: int = 1) -> dict[str, pl.DataFrame]:
    """Return so many rows of each entity, with its stored fields."""
    return {name: _stored_frame(name, count, counts, seed) for name, count in counts.items()}


def known(frames: Mapping[str, pl.DataFrame]) -> Snapshot:
    """Return a snapshot of frames with stored fields; computed ones are derived, and there is no history."""
    calendars, organisation = {"default": Calendar("default")}, Organisation()
    now = datetime.combine(TODAY, time(12), UTC)
    derived = derive(frames, TODAY, calendars, organisation, {})
    derived["role"] = required_roles(derived["role"], derived["project"])
    derived |= expected_figures(derived, now, TODAY, calendars, organisation)
    final = {name: _whole(name, frame) for name, frame in derived.items()}
    return Snapshot(now, TODAY, final, calendars, organisation)


def count_of(entity: str, rows: int) -> int:
    """Return how many rows an entity has among `rows` rows."""
    if entity == "task":
        return 2 * rows  # one half of them are milestones
    return min(rows, max(rows // ROWS_PER.get(entity, 1), 1))


def _stored_frame(entity: str, count: int, counts: Mapping[str, int], seed: int) -> pl.DataFrame:
    number = pl.int_range(count, dtype=pl.UInt64)
    fields = [one for one in ENTITIES[entity].fields if not one.computed and one.name != "uid"]
    columns = [_column(entity, one, number, counts, seed + at).alias(one.name) for at, one in enumerate(fields, 1)]
    engine = {"@usable": pl.lit(value=True), "@reading": pl.lit(1, pl.Int64)}
    return pl.select(uid=_uid(entity, number)).with_columns(columns).with_columns(**engine).sort("uid")


def _uid(entity: str, number: pl.Expr) -> pl.Expr:
    return pl.format(f"made:{entity}:{{}}", number.cast(pl.String).str.zfill(7))


def _column(entity: str, field: Field, number: pl.Expr, counts: Mapping[str, int], seed: int) -> pl.Expr:
    """Return a field's values: drawn by a hash of the row's number, so that they are the same everywhere."""
    drawn = (number * 2_654_435_761 + seed * 40_503) % 4_294_967_291  # Knuth's multiplicative hash
    drawn = (drawn // 7 + drawn % 65_521 * 97) % 1_000_003
    if (entity, field.name) in COUNTING:
        return pl.lit(COUNTING[entity, field.name]).cast(field.dtype)
    if field.name == "source":
        return pl.lit("made")
    if (entity, field.name) == ("indicator", "id"):
        return pl.when(number == 0).then(pl.lit(INDICATOR)).otherwise(pl.format("indicator {}", number))
    if field.name in {"vanished_on", "parent", "same_as", *COUNTED}:
        return pl.lit(None, field.dtype)
    value = _value(field, drawn, counts).cast(field.dtype)
    return value if field.required or field.name in FILLED else pl.when(drawn % NULL_IN != 0).then(value)


def _value(field: Field, drawn: pl.Expr, counts: Mapping[str, int]) -> pl.Expr:
    if field.name == "is_milestone":
        return drawn % 2 == 0
    if field.one_of:
        return pl.lit(pl.Series(field.one_of, dtype=pl.String)).gather(drawn % len(field.one_of))
    if field.refers and field.kind == Kind.REF:
        other = field.refers[0]
        return _uid(other, drawn % max(counts.get(other, 0), 1))
    return _plain(field, drawn)


def _plain(field: Field, drawn: pl.Expr) -> pl.Expr:
    # What starts lies before today, what finishes mostly after it.
    days = (drawn % SPREAD_DAYS).cast(pl.Int64) - (SPREAD_DAYS if "start" in field.name else SPREAD_DAYS // 4)
    if field.kind == Kind.DATE:
        return pl.lit(TODAY) + pl.duration(days=days)
    if field.kind == Kind.MOMENT:
        return pl.lit(datetime.combine(TODAY, time(8), UTC) - timedelta(days=SPREAD_DAYS)) + pl.duration(days=days)
    if field.kind == Kind.FLAG:
        return drawn % 5 == 0
    if field.kind in NUMBERS:
        return drawn % NUMBERS[field.kind]
    if field.kind == Kind.LIST:
        return pl.concat_list(pl.format("word {}", drawn % 9))
    return pl.lit("EUR") if field.name == "currency" else pl.format(f"{field.name} {{}}", drawn % 5_000)


def _whole(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every field of its entity, those without a value as null."""
    schema = ENTITIES[entity].schema()
    frame = frame.with_columns(
        source=pl.lit("made"), **{"@usable": pl.lit(value=True), "@reading": pl.lit(1, pl.Int64)}
    )
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return frame.with_columns(absent).select(*schema, "@usable", "@reading")
