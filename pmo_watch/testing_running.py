"""What the conformance kit asks of sources and notifiers that run: the same records twice, errors by consequence."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from pmo_watch.contracts import Source, SourceContext, SourceType
from pmo_watch.entities import ENTITIES
from pmo_watch.errors import DeliveryDeferred, DeliveryRejected, SourceError
from pmo_watch.flow import PastState, Records, Summary

AGAIN, NEVER = (408, 429, 500, 502, 503, 504), (400, 401, 403, 404, 410, 422)

Piece = Records | PastState | Summary


def check_source(kind: SourceType[Any], settings: Mapping[str, Any], context: SourceContext) -> list[str]:
    """Read a source twice from the beginning and return what is wrong with what it yields.

    `settings`: of a source that can be read, relative paths starting from `context.folder`.
    """
    checked = kind.settings.model_validate(settings, context={"folder": context.folder})
    first, again = (_read(kind.open(checked, context)) for _ in range(2))
    faults = [*_yielded(first)]
    if [_compared(one) for one in first] != [_compared(one) for one in again]:
        faults.append("the same input gave other records the second time")
    return [*faults, *_closed(kind.open(checked, context))]


def _read(source: Source) -> list[Piece]:
    try:
        return list(source.read(None))
    finally:
        source.close()


def _yielded(pieces: list[Piece]) -> Iterator[str]:
    if [isinstance(one, Summary) for one in pieces].count(True) != 1 or not isinstance(pieces[-1], Summary):
        yield "it must yield one summary, last"
    for one in pieces:
        if isinstance(one, Records):
            yield from _records(one)
    past = [one for one in pieces if isinstance(one, PastState)]
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


def _compared(piece: Piece) -> object:
    if isinstance(piece, PastState):
        return piece.at, piece.of, [_compared(one) for one in piece.records]
    if isinstance(piece, Records):
        return piece.entity, piece.part, piece.frame.columns, piece.frame.rows()
    return piece.listed, piece.whole, piece.as_of, piece.rejected, piece.lost_records, piece.error


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
