"""A source as the daemon watches it: its rows in memory, each reading compared, accepted and written."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
from rows import reading, records

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Outcome, PastState, Records, SourceState, Summary
from pmo_watch.normalise import Accepted, Limits, accept
from pmo_watch.past_states import PastStates
from pmo_watch.store import CycleChange, ReadingChange, Store

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
GENEROUS = Limits(shrink=1, renamed=2)


def day(number: int) -> datetime:
    """Return nine o'clock, so many days after the first Monday."""
    return MONDAY + timedelta(days=number)


class Watched:
    """One source over time."""

    def __init__(self, name: str = "plans") -> None:
        self.name = name
        self.accepted = Accepted(SourceState(name, "ms_project"), {})

    def read(
        self,
        at: datetime,
        *batches: Records,
        outcome: Outcome = Outcome.COMPLETE,
        past: Sequence[PastState] = (),
    ) -> ReadingChange:
        """Return what this reading changes, and remember its rows; `past` is what it tells of earlier days."""
        one = reading(self.name, *batches, at=at, outcome=outcome, summary=Summary(cursor={"seen": at.isoformat()}))
        states = PastStates(self.name, GENEROUS)
        for state in past:
            states.add(state)
        one = replace(one, imported=states.imported({batch.part for batch in batches}))
        self.accepted = accept(one, self.accepted.rows, self.accepted.state, GENEROUS)
        return ReadingChange(
            self.accepted.state,
            at.date(),
            self.accepted.changed,
            self.accepted.missing,
            self.accepted.vanished,
            self.accepted.returned,
            refiled=self.accepted.refiled,
            imported=self.accepted.imported,
        )

    def write(
        self,
        store: Store,
        at: datetime,
        *batches: Records,
        outcome: Outcome = Outcome.COMPLETE,
        past: Sequence[PastState] = (),
    ) -> ReadingChange:
        """Read and write."""
        change = self.read(at, *batches, outcome=outcome, past=past)
        store.write(CycleChange(at, readings=[change]))
        return change

    def frame(self, entity: str) -> pl.DataFrame:
        """Return the rows in memory, without what only the daemon knows."""
        return self.accepted.rows[entity].drop("@unseen", "@left_out")


def tasks(*names: str, **fields: object) -> Records:
    """Return tasks of the project P1 with these keys, which are their names too, and the same fields."""
    return records("task", *[{"key": name, "project": "P1", "name": name, **fields} for name in names])


def stored_fields(entity: str) -> list[str]:
    """Return the names of the fields that a source may deliver."""
    return [one.name for one in ENTITIES[entity].stored()]
