"""What the conformance kit asks of sources and notifiers that run: the same records twice, errors by consequence."""

import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from pmo_watch.contracts import Cursor, Remembers, Source, SourceContext, SourceType
from pmo_watch.entities import ENTITIES
from pmo_watch.errors import DeliveryDeferred, DeliveryRejected, SourceError
from pmo_watch.flow import PastState, Records, Summary
from pmo_watch.intake import frames_of
from pmo_watch.telling import NotifierContext, ObserverType, Pushes

LONGEST_CURSOR = 64 * 1024  # spec sources 1.1
AGAIN, NEVER = (408, 429, 500, 502, 503, 504), (400, 401, 403, 404, 410, 422)

Piece = Records | PastState | Summary


def check_source(kind: SourceType[Any], settings: Mapping[str, Any], context: SourceContext) -> list[str]:
    """Read a source twice from the beginning and return what is wrong with what it yields.

    One that `Remembers` is also read on from where the first reading ended. `settings`: of a source that can be read,
    relative paths starting from `context.folder`.
    """
    checked = kind.settings.model_validate(settings, context={"folder": context.folder})
    first, again = (_read(kind.open(checked, context)) for _ in range(2))
    faults = [*_yielded(first)]
    if [_compared(one) for one in first] != [_compared(one) for one in again]:
        faults.append("the same input gave other records the second time")
    if not faults:
        faults += _gone_on(kind.open(checked, context), first)
    return [*faults, *_closed(kind.open(checked, context))]


def _read(source: Source, cursor: Cursor | None = None, known: Mapping[str, pl.DataFrame] | None = None) -> list[Piece]:
    try:
        if isinstance(source, Remembers):
            source.recall(known or {})
        return list(source.read(cursor))
    finally:
        source.close()


def _gone_on(source: Source, first: list[Piece]) -> Iterator[str]:
    """Yield what is wrong when a source that remembers is told what it delivered and read on from its own cursor."""
    if not isinstance(source, Remembers):
        source.close()
        return
    frames, _, _ = frames_of("it", [one for one in first if isinstance(one, Records)])
    known = {
        name: frame.select(pl.col("uid").str.strip_prefix(f"it:{name}:").alias("key"), *ENTITIES[name].stored_schema())
        for name, frame in frames.items()
        if frame.height
    }
    (summary,) = [one for one in first if isinstance(one, Summary)]
    for fault in _yielded(_read(source, summary.cursor or None, known)):
        yield f"read on from its own cursor: {fault}"


def _yielded(pieces: list[Piece]) -> Iterator[str]:
    if [isinstance(one, Summary) for one in pieces].count(True) != 1 or not isinstance(pieces[-1], Summary):
        yield "it must yield one summary, last"
    sent = [one for one in pieces if isinstance(one, Records)]
    for records in sent:
        yield from _records(records)
    for one in pieces:
        if isinstance(one, Summary):
            yield from _summary(one, sent)
    yield from _past([one for one in pieces if isinstance(one, PastState)])


def _past(past: list[PastState]) -> Iterator[str]:
    for state in past:
        for records in state.records:
            yield from _records(records)
    if any(one.at.tzinfo is None for one in past):
        yield "a past state has a moment without a time zone"
    elif [one.at for one in past] != sorted(one.at for one in past):
        yield "past states must come in the order of time"


def _records(one: Records) -> Iterator[str]:
    if one.entity not in ENTITIES:
        yield f"there is no entity '{one.entity}'"
        return
    schema = {"key": ENTITIES["project"].schema()["uid"], **ENTITIES[one.entity].stored_schema()}
    for name, dtype in one.frame.schema.items():
        if name not in schema:
            yield f"{one.entity}.{name} is no field that a source may deliver"
        elif dtype != schema[name]:
            yield f"{one.entity}.{name} is {dtype}, and must be {schema[name]}"
    if "key" not in one.frame.columns or one.frame["key"].null_count():
        yield f"{one.entity}: each row must have a key"


def _summary(summary: Summary, sent: Sequence[Records]) -> Iterator[str]:
    yield from _cursor(summary.cursor)
    for what, named in (("census", summary.census), ("deleted", summary.deleted)):
        yield from (f"{what}: there is no entity '{entity}'" for entity in named if entity not in ENTITIES)
        yield from (
            f"{what}: the keys of {entity} must be texts"
            for entity, keys in named.items()
            if not all(isinstance(key, str) for key in keys)
        )
    for records in sent:
        if records.entity in summary.census and "key" in records.frame.columns:
            absent = set(records.frame["key"].drop_nulls()) - set(summary.census[records.entity])
            yield from (
                [f"census: {records.entity} lacks rows that were sent, such as '{min(absent)}'"] if absent else []
            )


def _cursor(cursor: Cursor) -> Iterator[str]:
    try:
        length = len(json.dumps(dict(cursor)).encode())
    except (TypeError, ValueError):
        yield "its cursor must be JSON"
        return
    if length > LONGEST_CURSOR:
        yield f"its cursor has {length} bytes, and may have {LONGEST_CURSOR}"


def _compared(piece: Piece) -> object:
    if isinstance(piece, PastState):
        return piece.at, piece.of, [_compared(one) for one in piece.records]
    if isinstance(piece, Records):
        return piece.entity, piece.part, piece.frame.columns, piece.frame.rows()
    return (
        piece.listed,
        piece.census,
        piece.deleted,
        piece.whole,
        piece.as_of,
        piece.rejected,
        piece.lost_records,
        piece.error,
    )


def _closed(source: Source) -> Iterator[str]:
    """Yield whether a source goes on to further parts although it was closed after the first piece."""
    pieces = source.read(None)
    first = next(pieces, None)
    source.close()
    rest: list[Piece] = []
    with contextlib.suppress(SourceError):  # a reading that was ended may say so
        rest.extend(pieces)
    if isinstance(first, Records) and {one.part for one in rest if isinstance(one, Records)} - {first.part}:
        yield "it went on to other parts after it was closed"


async def check_answers(send: Callable[[int], Awaitable[str]]) -> list[str]:
    """Let a notifier over HTTP meet each answer and return what it makes of them wrongly.

    `send` sends one message to a server that answers with this status.
    """
    faults = []
    for status in (*AGAIN, *NEVER):
        wanted = DeliveryDeferred if status in AGAIN else DeliveryRejected
        try:
            await send(status)
        except (DeliveryDeferred, DeliveryRejected) as error:
            if not isinstance(error, wanted):
                faults.append(f"HTTP {status} must be {wanted.__name__}, not {type(error).__name__}")
            if "://" in f"{error} {error.__cause__ or ''}":
                faults.append(f"HTTP {status}: the error shows an address: {type(error).__name__}")
        else:
            faults.append(f"HTTP {status} must be {wanted.__name__}, and counted as sent")
    return faults


async def check_pusher(kind: ObserverType[Any], given: Mapping[str, Any], context: NotifierContext) -> list[str]:
    """Open an observer that pushes, let nobody be there, and return what is wrong with how it behaves.

    `given`: settings under which nobody takes what it pushes.
    """
    if kind.every is None:
        return ["its type says no 'every': nothing would ask it to push"]
    opened = kind.open(kind.settings.model_validate(given), context)
    if not isinstance(opened, Pushes):
        return ["what it opens lacks push, push_test, probe or end"]
    faults = ["it pushes before it was told anything"] if await opened.push() else []
    for name, ask in (("push_test", opened.push_test), ("probe", opened.probe)):
        try:
            took = await ask()
        except Exception as error:  # noqa: BLE001  # whatever leaves it is what we look for
            faults.append(f"{name} must return what went wrong, not raise {type(error).__name__}")
            continue
        if not took or not all(took.values()):
            faults.append(f"{name} counted as taken although nobody was there")
        faults += [f"{name}: the error shows an address" for fault in took.values() if fault and "://" in str(fault)]
    await opened.end()
    return faults
