"""Step 1: asks the sources that are due, each in a thread of its own, and turns what they say into readings."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl
import structlog
from pydantic import BaseModel

from pmo_watch.contracts import Cursor, Remembers, Source
from pmo_watch.entities import ENTITIES
from pmo_watch.errors import SourceError, SourceRefused, SourceUnavailable
from pmo_watch.flow import Outcome, PastState, Reading, Records, Rejected, Summary
from pmo_watch.intake import frames_of, must_be_kept
from pmo_watch.normalise import Limits, summary_rejects
from pmo_watch.past_states import PastStates
from pmo_watch.rest import HttpSettings

LOG = structlog.get_logger("pmo_watch.collect")
LONGEST_READING_SECONDS = 1800.0  # spec sources 1.3: a whole reading
CLOSING_SECONDS = 5.0  # what a source may take to let go before the cycle goes on without it
TAKING_IN_SECONDS = 120.0  # what came before a source's own limit must still become a partial reading


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A source to read: its name, the opened plugin, and what its last good reading left behind.

    `defect`: called when the plugin raises what it should not. `rows`: its own rows as stored, as `intake.row_schema`,
    for a plugin that `Remembers`.
    """

    name: str
    source: Source
    cursor: Cursor
    defect: Callable[[], None] = lambda: None
    rows: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    longest_seconds: float = LONGEST_READING_SECONDS


def longest_seconds(settings: BaseModel) -> float:
    """Return after how many seconds a reading is given up; a live source ends it by itself a little earlier."""
    if not isinstance(settings, HttpSettings):
        return LONGEST_READING_SECONDS
    return settings.timeout_reading_minutes * 60 + settings.timeout_read_seconds + TAKING_IN_SECONDS


def collect(asked: Sequence[Asked], now: datetime, limits: Limits) -> list[Reading]:
    """Read every source at the same time and return a reading of each, in the order asked.

    A source that raises gives a failed reading with its error; so does one that is not done in time.
    """
    began = time.monotonic()
    futures = [_begun(one, now, limits) for one in asked]
    return [_answer(one, future, now, began) for one, future in zip(asked, futures, strict=True)]


def _begun(one: Asked, now: datetime, limits: Limits) -> Future[Reading]:
    """Read in a thread of its own, one that keeps no process alive: a source that hangs cannot be ended."""
    future: Future[Reading] = Future()

    def read() -> None:
        try:
            future.set_result(read_source(one, now, limits))
        except BaseException as fault:  # noqa: BLE001  # a panic of Polars, an exit: it ends no more than this thread
            future.set_result(_defective(one, now, fault))

    threading.Thread(target=read, name=f"source {one.name}", daemon=True).start()
    return future


def _answer(one: Asked, future: Future[Reading], now: datetime, began: float) -> Reading:
    try:
        return future.result(timeout=max(began + one.longest_seconds - time.monotonic(), 0))
    except FutureTimeout:
        # A thread cannot be stopped from outside: closing is the only way to end what it waits for.
        let_go([one], wait_seconds=0)
        error = f"not read to its end within {one.longest_seconds:.0f} s"
        return Reading(one.name, now, Outcome.FAILED, error=error)


def let_go(some: Iterable[Asked], wait_seconds: float = CLOSING_SECONDS) -> None:
    """Close sources, each in a thread of its own, and wait no longer than that: one that hangs holds up nobody."""
    threads = [threading.Thread(target=_close, args=(one,), name=f"closing {one.name}", daemon=True) for one in some]
    for thread in threads:
        thread.start()
    end = time.monotonic() + wait_seconds
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))


def _close(one: Asked) -> None:
    try:
        one.source.close()
    except Exception:  # a plugin's defect costs its source, never the others
        LOG.exception("source cannot be closed", source=one.name)
        one.defect()


def read_source(one: Asked, now: datetime, limits: Limits) -> Reading:
    """Read one source to its end; what goes wrong is part of the answer."""
    summaries: list[Summary] = []
    past = PastStates(one.name, limits)
    try:
        if isinstance(one.source, Remembers):
            one.source.recall(remembered(one.name, one.rows))
        frames, rejected, lost = frames_of(one.name, _records(one.source.read(one.cursor or None), summaries, past))
        if not summaries:
            raise ValueError("the source ended without a summary")
        must_be_kept(summaries[-1])
    except SourceError as fault:
        LOG.info("source not read", source=one.name, kind=type(fault).__name__)
        return failed(one.name, now, fault)
    except Exception as fault:  # noqa: BLE001  # a plugin's defect costs its source, never the others
        return _defective(one, now, fault)
    said = summary_rejects(summaries[-1], rejected, lost)
    reading = _judged(one.name, now, limits, frames, replace(said, degraded=[*said.degraded, *past.notes]))
    if "requests" in said.cost:  # a file that is read again says nothing that is worth a line
        rows = sum(frame.height for frame in frames.values())
        LOG.info("source read", source=one.name, outcome=reading.outcome.value, rows=rows, **said.cost)
    read = {part for frame in frames.values() for part in frame["@part"].unique()}
    return reading if reading.outcome == Outcome.FAILED else replace(reading, imported=past.imported(read))


def _defective(one: Asked, now: datetime, fault: BaseException) -> Reading:
    """Return the reading of a source whose plugin raised what it should not, once that is logged."""
    LOG.error("source raised what it should not", source=one.name, exc_info=fault)
    one.defect()
    error = "the plugin failed; the log holds the details: please report it to its author"
    return Reading(one.name, now, Outcome.FAILED, error=error)


def failed(name: str, now: datetime, fault: SourceError) -> Reading:
    """Return the reading of a source that said why it cannot be read."""
    wait = fault.retry_after if isinstance(fault, SourceUnavailable) else 0
    refused = isinstance(fault, SourceRefused)
    return Reading(name, now, Outcome.FAILED, error=str(fault), refused=refused, retry_after=wait)


def _records(
    pieces: Iterator[Records | PastState | Summary], summaries: list[Summary], past: PastStates
) -> Iterator[Records]:
    for piece in pieces:
        if isinstance(piece, Summary):
            summaries.append(piece)
        elif isinstance(piece, PastState):
            past.add(piece)
        else:
            yield piece


def remembered(source: str, rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return a source's own rows that are present, by native key; an entity without any is absent."""
    found = {}
    for name, frame in rows.items():
        present = frame.filter(pl.col("@missing").is_null())
        if present.height:
            key = pl.col("uid").str.strip_prefix(f"{source}:{name}:").alias("key")
            found[name] = present.select(key, *ENTITIES[name].stored_schema())
    return found


def _judged(name: str, now: datetime, limits: Limits, frames: Mapping[str, Any], summary: Summary) -> Reading:
    read = sum(frame.height for frame in frames.values())
    lost = summary.lost_records
    if lost >= limits.least and lost > limits.rejects * (read + lost):
        error = f"{lost} of {read + lost} records were left out: has the format changed? First: {_first(summary)}"
        return Reading(name, now, Outcome.FAILED, summary=summary, error=error)
    whole = summary.whole and not lost
    reading = Reading(
        name,
        now,
        Outcome.COMPLETE if whole else Outcome.PARTIAL,
        frames,
        summary,
        error=summary.error or (f"{lost} records left out. First: {_first(summary)}" if lost else ""),
        retry_after=summary.retry_after,
    )
    return replace(reading, unchanged=whole and not frames and bool(summary.unchanged))


def _first(summary: Summary) -> str:
    first: Rejected = summary.rejected[0] if summary.rejected else Rejected("", "", "", "no reason given")
    return f"{first.where}: {first.reason}"
