"""Step 2: a reading against what is known of its source: what changed, what is missing, what must be held.

Pure. A source's own rows are frames with `uid`, the entity's stored fields, `@part` and `@missing` (number of the
reading in which the row was first missing; null while present), plus `@unseen` (true while the last reading was
partial without the row) and `@left_out` (its part was read all the same, and did not hold it). The snapshot is made
from them by `merge.py`.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

from pmo_watch.contradictions import remembered
from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Imported, Outcome, Reading, Rejected, SourceState, Summary
from pmo_watch.intake import row_schema

Rows = Mapping[str, pl.DataFrame]
# Replanned wholesale, or a record of what once was: their disappearance says nothing.
LINKS = frozenset({"dependency", "assignment", "sprint_item", "status_change"})


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
    missing in two complete readings running, no longer among `rows`; `deleted`: those that the system said were
    deleted. `returned`: uids that were missing and are back with the same content. `refiled`: rows that came as they
    were from another part (`uid`, `@part`), such as the file of another week. `nothing_new`: the rows are the very
    same as before, and it counts as no new reading.
    """

    state: SourceState
    rows: Rows
    changed: Rows = field(default_factory=dict)
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    vanished: Mapping[str, Sequence[str]] = field(default_factory=dict)
    returned: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refiled: Rows = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()
    nothing_new: bool = False
    imported: Imported | None = None

    @property
    def moved(self) -> bool:
        """Whether any row is other than before."""
        gone = (self.missing, self.vanished, self.returned, self.deleted)
        return any(any(part.values()) for part in gone) or any(frame.height for frame in self.changed.values())


def accept(
    reading: Reading, known: Rows, state: SourceState, limits: Limits, *, accept_shrink: bool = False
) -> Accepted:
    """Compare a reading with what is known of its source and say what holds from now on.

    A failed or held reading leaves the rows as they are. `accept_shrink`: a person or a setting accepts whatever the
    reading lacks or renames.
    """
    if reading.outcome == Outcome.FAILED:
        return Accepted(_failed(state, reading), known)
    if reading.unchanged and _parts(known) <= set(reading.summary.unchanged) and not _has_unseen(known):
        again = replace(_good(state, reading.read_at, Outcome.COMPLETE), cursor=reading.summary.cursor)
        return Accepted(again, known, nothing_new=True, imported=reading.imported)
    strange = {} if accept_shrink else _strange_parts(reading, known, limits)
    if strange and _parts(reading.frames) <= set(strange):
        held = replace(
            _failed(state, reading), outcome=Outcome.HELD, held="; ".join(strange.values()), error=strange_text(strange)
        )
        return Accepted(held, known, rejected=reading.summary.rejected)
    made = _compare(reading, known, state, strange)
    made = _as_before(made, known, state) if _says_nothing_new(reading, known, made) else made
    return replace(made, imported=reading.imported and reading.imported.without(list(strange)))


def _says_nothing_new(reading: Reading, known: Rows, made: Accepted) -> bool:
    """Say whether a list of changes was read to its end and held none; a list of all that exists is news by itself."""
    summary = reading.summary
    if summary.listed or summary.census or made.moved or made.state.outcome != Outcome.COMPLETE:
        return False
    return bool(known) and not _has_unseen(known)


def _has_unseen(known: Rows) -> bool:
    """Say whether the last reading was partial without some row: seeing it again is news."""
    return any(_unseen(frame) for frame in known.values())


def _unseen(frame: pl.DataFrame) -> bool:
    return "@unseen" in frame.columns and bool(frame["@unseen"].any())


def _as_before(made: Accepted, known: Rows, state: SourceState) -> Accepted:
    """Keep the very same frames, so that nobody looks at them again, and the number of the reading."""
    return Accepted(replace(made.state, reading=state.reading), known, rejected=made.rejected, nothing_new=True)


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
            some = renumbered(name, present, after, limits, is_list=reading.summary.listed)
            strange |= {part: f"{why} {_accepting(reading.source)}" for part, why in some.items()}
        if name not in LINKS:
            strange |= _shrunken(reading, name, present, after, limits)
    return strange


def renumbered(
    entity: str, before: pl.DataFrame, after: pl.DataFrame, limits: Limits, *, is_list: bool = True
) -> dict[str, str]:
    """Return the parts of `after` in which too many keys carry another name than `before`, each with what to set.

    `is_list`: `after` names every row that there is; otherwise those that changed.
    """
    plain = pl.col("name").str.replace_all(r"[^A-Za-z0-9]", "").str.to_lowercase()
    both = before.select("uid", old=plain).join(after.select("uid", "@part", new=plain), on="uid")
    # A list of changes holds what was renamed and little else: the rows that it leaves out keep their names.
    kept = pl.len() if is_list else pl.lit(before.height)
    counted = both.group_by("@part").agg(kept=kept, renamed=(pl.col("old") != pl.col("new")).sum())
    too_many = (pl.col("renamed") >= limits.least) & (pl.col("renamed") >= limits.renamed * pl.col("kept"))
    return {
        part: f"{part or 'the reading'}: {renamed} of {kept} known {entity} keys carry another name: the file was "
        "renumbered. Set 'key:' to a field that stays (such as Text1 or path)."
        for part, kept, renamed in counted.filter(too_many).sort("@part").iter_rows()
    }


def _shrunken(
    reading: Reading, entity: str, before: pl.DataFrame, after: pl.DataFrame, limits: Limits
) -> dict[str, str]:
    if not (_lists(reading, entity) and reading.outcome == Outcome.COMPLETE):
        return {}
    expected = before.filter(~_unchanged(reading, before))
    gone = expected.filter(_not_among(after["uid"], _here(reading, entity), _deleted(reading, entity)))
    if _sees_nothing(reading, entity, gone, expected):
        text = f"it shows no {entity} any more, where {before.height} are known: may its account still see them?"
    elif gone.height < limits.least or gone.height <= limits.shrink * before.height:
        return {}
    else:
        text = f"{gone.height} of {before.height} known {entity} rows are gone."
    text += f" {_accepting(reading.source)} or set 'accept_shrink: true'"
    return dict.fromkeys(sorted(_parts(reading.frames) | set(gone["@part"].unique())), text)


def _accepting(source: str) -> str:
    return f"If that is right, accept it with 'pmo-watch sources accept {source}'"


def _sees_nothing(reading: Reading, entity: str, gone: pl.DataFrame, expected: pl.DataFrame) -> bool:
    """Say whether a census is empty although rows are stored, however few."""
    empty = entity in reading.summary.census and not reading.summary.census[entity]
    return empty and 0 < gone.height == expected.height


def _lists(reading: Reading, entity: str) -> bool:
    """Say whether the reading named every row of the entity that exists."""
    return reading.summary.listed or entity in reading.summary.census


def _here(reading: Reading, entity: str) -> pl.Series:
    """Return the uids of the rows that exist now, as the census names them."""
    return _uids(reading.source, entity, reading.summary.census.get(entity, ()))


def _deleted(reading: Reading, entity: str) -> pl.Series:
    return _uids(reading.source, entity, reading.summary.deleted.get(entity, ()))


def _uids(source: str, entity: str, keys: Sequence[str]) -> pl.Series:
    return f"{source}:{entity}:" + pl.Series("uid", keys, pl.String)


def _not_among(*uids: pl.Series) -> pl.Expr:
    return ~pl.col("uid").is_in(pl.concat([one.rename("uid") for one in uids]).implode())


def _parts(rows: Rows) -> set[str]:
    return {part for frame in rows.values() for part in frame["@part"].unique()}


# --- what changed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """One entity after a reading: its rows, and what became of those that were there before."""

    rows: pl.DataFrame
    changed: pl.DataFrame
    refiled: pl.DataFrame
    missing: Sequence[str] = ()
    vanished: Sequence[str] = ()
    returned: Sequence[str] = ()
    deleted: Sequence[str] = ()


def _compare(reading: Reading, known: Rows, state: SourceState, strange: Mapping[str, str]) -> Accepted:
    whole = reading.outcome == Outcome.COMPLETE and not strange
    number = state.reading + 1 if whole else state.reading
    found = {
        name: _compared(reading, name, known.get(name), tuple(strange), number if whole else None)
        for name in sorted({*known, *reading.frames})
    }
    rows = {name: one.rows for name, one in found.items()}
    outcome = Outcome.COMPLETE if whole else Outcome.PARTIAL
    return Accepted(
        _after(state, reading, outcome, number, sum(frame.height for frame in rows.values()), strange),
        rows,
        changed={name: one.changed for name, one in found.items()},
        missing={name: one.missing for name, one in found.items()},
        vanished={name: one.vanished for name, one in found.items()},
        returned={name: one.returned for name, one in found.items()},
        deleted={name: one.deleted for name, one in found.items()},
        refiled={name: one.refiled for name, one in found.items()},
        rejected=reading.summary.rejected,
    )


def _compared(
    reading: Reading, name: str, known: pl.DataFrame | None, strange: Sequence[str], number: int | None
) -> _Compared:
    """Compare one entity; `number` is that of a complete reading, None for one that is partial."""
    empty = pl.DataFrame(schema=row_schema(ENTITIES[name]))
    at_rest = known is not None and number is not None and _says_no_more(reading, name, known)
    if known is not None and at_rest and name not in reading.frames:
        return _Compared(known, empty, empty)
    before = empty if known is None else known.select(empty.columns)
    after = reading.frames.get(name, empty).filter(~pl.col("@part").is_in(list(strange)))
    changed = differing(before, after, {"@part"})
    refiled = after.join(before, on=["uid", "@part"], how="anti").join(changed, on="uid", how="anti")
    back = before.filter(pl.col("@missing").is_not_null()).join(after, on="uid", how="semi")
    if known is not None and at_rest and not (changed.height or refiled.height or back.height):
        return _Compared(known, empty, empty)
    returned = back.join(changed, on="uid", how="anti")["uid"].to_list()
    absent = before.join(after, on="uid", how="anti")
    deleted = absent.filter(~_not_among(_deleted(reading, name)))["uid"].to_list()
    absent = absent.filter(_not_among(_deleted(reading, name)))
    unchanged = _unchanged(reading, known)
    missing: list[str] = []
    vanished: list[str] = []
    again: list[str] = []
    if number is not None and _lists(reading, name):
        absent, again = _named_again(absent, _here(reading, name))
        absent, missing, vanished = _missed(absent, unchanged | _of(strange), _here(reading, name), number)
    partial, nothing = pl.lit(number is None), pl.lit(value=False)
    unseen = _of(strange) | (partial & ~unchanged)
    left_out = partial & ~_of(strange) & ~unchanged & _of([*_parts(reading.frames), *reading.summary.unchanged])
    rows = pl.concat(
        [
            after.with_columns(nothing.alias("@unseen"), nothing.alias("@left_out")),
            absent.with_columns(unseen.alias("@unseen"), left_out.alias("@left_out")),
        ]
    )
    parts = refiled.select("uid", "@part")
    return _Compared(rows.sort("uid"), changed, parts, missing, vanished, [*returned, *again], deleted)


def _says_no_more(reading: Reading, name: str, known: pl.DataFrame) -> bool:
    """Say whether a complete reading says nothing of the entity's rows besides those that it sent."""
    return not (_lists(reading, name) or reading.summary.deleted.get(name) or _unseen(known))


def _of(parts: Iterable[str]) -> pl.Expr:
    return pl.col("@part").is_in(list(parts))


def _unchanged(reading: Reading, known: pl.DataFrame | None) -> pl.Expr:
    """Say of which rows it holds that their part is as it was when it held them."""
    if known is None or "@left_out" not in known.columns:
        return _of(reading.summary.unchanged)
    left_out = known.filter("@left_out")["uid"]
    return _of(reading.summary.unchanged) & ~pl.col("uid").is_in(left_out.implode())


def _missed(
    absent: pl.DataFrame, kept: pl.Expr, here: pl.Series, number: int
) -> tuple[pl.DataFrame, list[str], list[str]]:
    """Return the rows that were not sent and stay, which of them are missing now, and which others are gone."""
    gone = absent.filter(~kept & _not_among(here))
    vanished = gone.filter(pl.col("@missing") < number)["uid"].to_list()
    missing = gone.filter(pl.col("@missing").is_null())["uid"].to_list()
    first = pl.when(pl.col("uid").is_in(missing)).then(pl.lit(number)).otherwise("@missing")
    return absent.with_columns(first.alias("@missing")).filter(~pl.col("uid").is_in(vanished)), missing, vanished


def _named_again(absent: pl.DataFrame, here: pl.Series) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows that were not sent, those that the census names marked as there, and which of them were not."""
    named = pl.col("uid").is_in(here.implode())
    again = absent.filter(named & pl.col("@missing").is_not_null())["uid"].to_list()
    return absent.with_columns(pl.when(~named).then("@missing").alias("@missing")), again


def differing(before: pl.DataFrame, after: pl.DataFrame, leaving_out: Container[str] = ()) -> pl.DataFrame:
    """Return the rows of `after` that `before` lacks or has otherwise, null and null being alike."""
    fields = [name for name in after.columns if name not in {"uid", "@missing"} and name not in leaving_out]
    joined = after.join(before, on="uid", how="left", suffix="@old")
    known = pl.col("uid").is_in(before["uid"].implode())
    differs = pl.any_horizontal([pl.col(name).ne_missing(pl.col(f"{name}@old")) for name in fields])
    return joined.filter(~known | differs).select(after.columns)


def _after(
    state: SourceState, reading: Reading, outcome: Outcome, number: int, rows: int, strange: Mapping[str, str]
) -> SourceState:
    good = _good(state, reading.read_at, outcome)
    lost_pages = reading.outcome == Outcome.PARTIAL
    return replace(
        good,
        reading=number,
        as_of=reading.summary.as_of,
        rows=rows,
        rejected=len(reading.summary.rejected),
        left_out=remembered(state, reading, strange),
        degraded=tuple(reading.summary.degraded),
        # A part that is held must be read again: the cursor that calls it known is not taken over. Nor does a reading
        # that broke off begin all over again because it does not say where to go on.
        cursor=state.cursor if strange else reading.summary.cursor or (state.cursor if lost_pages else {}),
        error=strange_text(strange) if strange else reading.error,
        held="; ".join(strange.values()),
    )


def summary_rejects(summary: Summary, rejected: Sequence[Rejected], lost: int) -> Summary:
    """Add what the core rejected to what the source rejected."""
    return replace(summary, rejected=(*summary.rejected, *rejected), lost_records=summary.lost_records + lost)
