"""Stored history, reading by reading: what each attempt at a source had brought when it was made.

What is not stored is not known again: rows of parts that a partial reading did not show count as seen, a row that was
missing in one reading and back in the next as it was never was missing, and records that were left out stay unnamed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from pmo_watch.flow import Outcome, SourceState
from pmo_watch.model import lean
from pmo_watch.normalise import Accepted, Rows
from pmo_watch.store import ReadingEntry, StoredHistory

MOMENT = pl.Datetime("us", "UTC")
ASIDE = ("source", "known_from", "known_to", "vanished_on", "missing", "missed_at", "ends")
HELD = "held: "


class PastReadings:
    """Goes through the attempts in the order of time; `kinds`: source -> its type in the settings.

    Sources that the settings no longer name are left out, as they are by a cycle.
    """

    def __init__(self, history: StoredHistory, kinds: Mapping[str, str]) -> None:
        self._at: dict[datetime, list[ReadingEntry]] = {}
        for one in history.attempts:
            if one.source in kinds:
                self._at.setdefault(one.read_at, []).append(one)
        self._states = {name: SourceState(name, kind) for name, kind in kinds.items()}
        self._versions = {name: _by_source(history.versions, name) for name in kinds}
        self._moves = {name: _moves(versions) for name, versions in self._versions.items()}
        self._rows: dict[str, dict[str, pl.DataFrame]] = {name: {} for name in kinds}

    @property
    def moments(self) -> Sequence[datetime]:
        """The instants of attempts, oldest first."""
        return list(self._at)

    def at(self, moment: datetime) -> dict[str, Accepted]:
        """Return what the attempts of that instant brought, by source; empty where there was none.

        To be asked in the order of time.
        """
        found: dict[str, Accepted] = {}
        for one in self._at.get(moment, ()):
            found[one.source] = self._accepted(one, moment)
        return found

    def _accepted(self, entry: ReadingEntry, moment: datetime) -> Accepted:
        name, before = entry.source, self._rows[entry.source]
        moved = [entity for entity, moments in self._moves[name].items() if moment in moments]
        is_new = entry.number is not None or bool(moved) or entry.outcome == Outcome.PARTIAL
        state = self._states[name] = _after(self._states[name], entry, is_new=is_new)
        if entry.outcome in {Outcome.FAILED, Outcome.HELD}:
            return Accepted(state, before)
        if not moved:
            return Accepted(state, before, nothing_new=not is_new)
        versions = {entity: self._versions[name][entity] for entity in moved}
        self._rows[name] = {**before, **{entity: _known(frame, moment) for entity, frame in versions.items()}}
        gone = {entity: _gone(frame, moment) for entity, frame in versions.items()}
        return Accepted(
            state,
            self._rows[name],
            changed={entity: _begun(frame, moment) for entity, frame in versions.items()},
            vanished={entity: uids for entity, uids in gone.items() if uids},
        )


def _by_source(versions: Mapping[str, pl.DataFrame], source: str) -> Rows:
    """Return a source's versions by entity; what no version says is kept as one null, however many there are."""
    found = {name: frame.filter(pl.col("source") == source) for name, frame in versions.items()}
    return {name: lean(frame) for name, frame in found.items() if frame.height}


def _moves(versions: Rows) -> dict[str, frozenset[datetime]]:
    """Return the instants at which the rows of each entity were other than before."""
    instants = ("known_from", "ends", "missed_at")
    return {
        name: frozenset(one for each in instants for one in frame[each].unique() if one)
        for name, frame in versions.items()
    }


def _known(versions: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return the rows that were known, as a cycle keeps them."""
    at = pl.lit(moment).cast(MOMENT)
    known = versions.filter((pl.col("known_from") <= at) & (pl.col("ends").is_null() | (pl.col("ends") > at)))
    missing = pl.when(pl.col("missed_at") <= at).then("missing").alias("@missing")
    return known.with_columns(missing).drop(ASIDE).rename({"part": "@part"})


def _begun(versions: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    begun = versions.filter(pl.col("known_from") == pl.lit(moment).cast(MOMENT))
    return begun.drop(ASIDE).rename({"part": "@part"})


def _gone(versions: pl.DataFrame, moment: datetime) -> list[str]:
    gone = (pl.col("ends") == pl.lit(moment).cast(MOMENT)) & pl.col("vanished_on").is_not_null()
    return versions.filter(gone)["uid"].to_list()


def _after(state: SourceState, entry: ReadingEntry, *, is_new: bool) -> SourceState:
    """Return the state that the attempt left behind."""
    if entry.outcome in {Outcome.FAILED, Outcome.HELD}:
        is_held = entry.outcome == Outcome.HELD
        return replace(
            state,
            outcome=Outcome(entry.outcome),
            read_at=entry.read_at,
            failing_since=state.failing_since or entry.read_at,
            failures=state.failures + 1,
            error=f"{HELD}{entry.error}" if is_held else entry.error,
            held=entry.error if is_held else "",
            rejected=entry.rejected,
        )
    whole = entry.outcome == Outcome.COMPLETE
    return replace(
        state,
        outcome=Outcome(entry.outcome),
        reading=state.reading + 1 if whole and is_new else state.reading,
        read_at=entry.read_at,
        last_good=entry.read_at if whole else state.last_good,
        as_of=entry.as_of,
        failing_since=None,
        failures=0,
        error="" if whole else entry.error,
        held="",
        rows=entry.rows,
        rejected=entry.rejected,
    )
