"""Past states of a source, told in the order of time, as versions of its rows (spec model 1.10, "imported history").

Only what differs from one state to the next is kept, so that a year of weekly files takes little more memory than one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Imported, PastReading, PastState
from pmo_watch.intake import frames_of
from pmo_watch.normalise import Limits, differing, renumbered

MOMENT = pl.Datetime("us", "UTC")
ABOUT_FILES = frozenset({"@part", "@of"})  # another file with the same row is no new version of it


@dataclass(slots=True)
class PastStates:
    """Takes in the past states of a source, oldest first. `notes`: what a person should know of them."""

    source: str
    limits: Limits
    notes: list[str] = field(default_factory=list)
    _rows: dict[str, pl.DataFrame] = field(default_factory=dict)  # as of the last state of each part
    _events: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _readings: list[PastReading] = field(default_factory=list)

    def add(self, state: PastState) -> None:
        """Follow the rows of a part to the state it had next.

        Raises:
            ValueError: the state is older than the one before, has no zone, or its records break the contract.
        """
        if state.at.tzinfo is None:
            raise ValueError(f"a past state of {state.of} has no time zone")
        if self._readings and state.at < self._readings[-1].at:
            raise ValueError(f"a past state of {state.of} comes after a later one")
        frames, _, lost = frames_of(self.source, state.records)
        self._forget_other_numbers(state, frames)
        for name in sorted({*frames, *self._rows}):
            self._follow(name, frames.get(name), state)
        parts = {one.part for one in state.records}
        rows = sum(frame.height for frame in frames.values())
        self._readings.append(PastReading(state.at, min(parts, default=state.of), state.of, rows, lost))

    def imported(self, read: Iterable[str]) -> Imported | None:
        """Return the history that the states make; None where there was none. `read`: the parts read now."""
        if not self._readings:
            return None
        told = {one.of for one in self._readings}
        versions = {name: _versions(events) for name, events in self._events.items()}
        return Imported({name: one for name, one in versions.items() if one.height}, self._readings, set(read) <= told)

    def _forget_other_numbers(self, state: PastState, frames: dict[str, pl.DataFrame]) -> None:
        """Drop what is known of a part so far when this state gives its keys to other rows."""
        own = pl.col("@of") == state.of
        for name, after in frames.items():
            before = self._rows.get(name)
            if before is None or "name" not in after.columns:
                continue
            if not renumbered(name, before.filter(own), after, self.limits):
                continue
            self._rows = {entity: rows.filter(~own) for entity, rows in self._rows.items()}
            self._events = {entity: [one.filter(~own) for one in some] for entity, some in self._events.items()}
            self._readings = [one for one in self._readings if one.of != state.of]
            part = next(iter(after["@part"]), state.of)
            self.notes.append(f"{part} numbers its rows otherwise than older states: those are left out of history")
            return

    def _follow(self, name: str, frame: pl.DataFrame | None, state: PastState) -> None:
        schema = {"uid": pl.String(), **ENTITIES[name].stored_schema(), "@part": pl.String(), "@of": pl.String()}
        before = self._rows.get(name, pl.DataFrame(schema=schema))
        after = pl.DataFrame(schema=schema) if frame is None else frame.with_columns(**{"@of": pl.lit(state.of)})
        after = after.select(*schema)
        gone = before.filter(pl.col("@of") == state.of).join(after, on="uid", how="anti")
        at = pl.lit(state.at).cast(MOMENT).alias("known_from")
        events = [(differing(before, after, ABOUT_FILES), False), (gone, True)]
        moved = [rows.with_columns(at, pl.lit(ended).alias("@gone")) for rows, ended in events if rows.height]
        self._events.setdefault(name, []).extend(moved)
        others = before.filter(pl.col("@of") != state.of).join(after, on="uid", how="anti")
        self._rows[name] = pl.concat([others, after])


def _versions(events: list[pl.DataFrame]) -> pl.DataFrame:
    """Return from when to when each row was so; one that lasted no time is none."""
    if not events:
        return pl.DataFrame()
    told = pl.concat(events).sort("uid", "known_from", maintain_order=True)
    until = told.with_columns(pl.col("known_from").shift(-1).over("uid").alias("known_to"))
    lasted = pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("known_from"))
    return until.filter(~pl.col("@gone") & lasted).drop("@gone")
