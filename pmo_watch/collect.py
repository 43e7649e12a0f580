"""Step 1: asks the sources that are due, each in a thread of its own, and turns what they say into readings."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from pmo_watch.contracts import Cursor, Source
from pmo_watch.errors import SourceError, SourceRefused
from pmo_watch.flow import Outcome, Reading, Records, Rejected, Summary
from pmo_watch.normalise import Limits, frames_of, summary_rejects

LOG = structlog.get_logger("pmo_watch.collect")
LONGEST_READING_SECONDS = 1800  # spec sources 1.3: a whole reading


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A source to read: its name, the opened plugin, and what its last good reading left behind.

    `defect`: called when the plugin raises what it should not.
    """

    name: str
    source: Source
    cursor: Cursor
    defect: Callable[[], None] = lambda: None


def collect(
    asked: Sequence[Asked], now: datetime, limits: Limits, longest_seconds: float = LONGEST_READING_SECONDS
) -> list[Reading]:
    """Read every source at the same time and return a reading of each, in the order asked.

    A source that raises gives a failed reading with its error; so does one that is not done in time.
    """
    if not asked:
        return []
    pool = ThreadPoolExecutor(max_workers=len(asked), thread_name_prefix="source")
    try:
        futures = [pool.submit(read_source, one, now, limits) for one in asked]
        wait(futures, timeout=longest_seconds)
        return [_answer(one, future, now, longest_seconds) for one, future in zip(asked, futures, strict=True)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(one: Asked, future: Future[Reading], now: datetime, longest_seconds: float) -> Reading:
    if future.done():
        return future.result()
    # A thread cannot be stopped from outside: closing is the only way to end what it waits for.
    threading.Thread(target=one.source.close, daemon=True).start()
    error = f"not read to its end within {longest_seconds:.0f} s"
    return Reading(one.name, now, Outcome.FAILED, error=error)


def read_source(one: Asked, now: datetime, limits: Limits) -> Reading:
    """Read one source to its end; what goes wrong is part of the answer."""
    records: list[Records] = []
    summary: Summary | None = None
    error = ""
    try:
        for piece in one.source.read(one.cursor or None):
            if isinstance(piece, Summary):
                summary = piece
            else:
                records.append(piece)
        if summary is None:
            raise ValueError("the source ended without a summary")
        frames, rejected, lost = frames_of(one.name, records)
    except SourceError as fault:
        LOG.info("source not read", source=one.name, kind=type(fault).__name__)
        return Reading(one.name, now, Outcome.FAILED, error=str(fault), refused=isinstance(fault, SourceRefused))
    except Exception:  # a plugin's defect costs its source, never the others
        LOG.exception("source raised what it should not", source=one.name)
        one.defect()
        error = "the plugin failed; the log holds the details: please report it to its author"
        return Reading(one.name, now, Outcome.FAILED, error=error)
    return _judged(one.name, now, limits, frames, summary_rejects(summary, rejected, lost))


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
    )
    return replace(reading, unchanged=whole and not frames and bool(summary.unchanged))


def _first(summary: Summary) -> str:
    first: Rejected = summary.rejected[0] if summary.rejected else Rejected("", "", "", "no reason given")
    return f"{first.where}: {first.reason}"
