"""Messages that wait, are leased, accepted, rejected or dead; and how each notifier fares.

Every attempt begins with a lease and counts. A settlement holds only for the attempt it belongs to, so that a daemon
whose lease ran out cannot undo what another one did since; an acceptance is written whatever happened, since the
message is with its recipient.
"""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from pmo_watch.alerts import Left, Message, OutboxRow, Rendered, WaitingMessage
from pmo_watch.store.changes import (
    OutboxEntry,
    OutboxFigures,
    OutboxInsert,
    OutboxQuery,
    OutboxState,
    Settlement,
    StoreConflict,
)
from pmo_watch.store.circuits import ANSWER_LENGTH, count_attempt
from pmo_watch.store.pictures import Pictures, forget_pictures, read_pictures, write_pictures
from pmo_watch.store.rows import made_of, upsert
from pmo_watch.store.tables import OUTBOX, OUTBOX_ALERT

MOST_AT_ONCE = 500  # alerts in one question
UNDELIVERED = (OutboxState.WAITING.value, OutboxState.DEFERRED.value, OutboxState.LEASED.value)
DEAD = (OutboxState.REJECTED.value, OutboxState.EXPIRED.value)
UNTRIED = and_(OUTBOX.c.state == OutboxState.WAITING.value, OUTBOX.c.attempts == 0)
DEAD_LETTER = and_(OUTBOX.c.state.in_(DEAD), OUTBOX.c.fallback_id == "")


# --- in -----------------------------------------------------------------------------------------------------------


def write_messages(
    connection: Connection, messages: Sequence[tuple[Message, Rendered]], at: datetime, expires: timedelta
) -> None:
    """Add messages; one whose id is there already stays as it is."""
    rows = [
        {**_new_row(_insert_of(message, rendered, expires), at), "facts": message.facts}
        for message, rendered in messages
    ]
    upsert(connection, OUTBOX, rows, kept=None)
    write_pictures(connection, [(message.id, rendered) for message, rendered in messages])
    about = [
        {"message": message.id, "alert": item.alert.id, "level": item.alert.level or ""}
        for message, _ in messages
        for item in message.items
    ]
    upsert(connection, OUTBOX_ALERT, about, kept=None)


def withdraw(connection: Connection, ids: Sequence[str]) -> None:
    """Let messages go that nobody has tried to send.

    Raises:
        StoreConflict: one of them is under way or settled: what was decided about it no longer holds.
    """
    if not ids:
        return
    gone = connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(ids), UNTRIED)).rowcount
    if gone < len(set(ids)):
        raise StoreConflict("a message that waited was sent or dropped meanwhile: decide again")


def _copy_alerts(connection: Connection, one: str, other: str) -> None:
    about = connection.execute(select(OUTBOX_ALERT).where(OUTBOX_ALERT.c.message == one)).all()
    rows = [{"message": other, "alert": row.alert, "level": row.level} for row in about]
    upsert(connection, OUTBOX_ALERT, rows, kept=None)


def read_waiting(connection: Connection, now: datetime) -> list[WaitingMessage]:
    """Return messages at once that wait for their recipient's hours."""
    waits = and_(UNTRIED, OUTBOX.c.due > now, OUTBOX.c.facts != "")
    query = select(OUTBOX.c.id, OUTBOX.c.recipient, OUTBOX.c.notifier, OUTBOX.c.due, OUTBOX.c.facts).where(waits)
    return [WaitingMessage(*row) for row in connection.execute(query.order_by(OUTBOX.c.due, OUTBOX.c.id))]


def read_left(connection: Connection, since: datetime) -> list[Left]:
    """Return alerts and digests that left since then, or wait to leave; those that were dropped are none."""
    is_said = and_(OUTBOX.c.kind.in_(("alert", "digest")), OUTBOX.c.state != OutboxState.DROPPED.value)
    query = select(OUTBOX.c.id, OUTBOX.c.recipient, OUTBOX.c.notifier, OUTBOX.c.due, OUTBOX.c.facts)
    return [Left(*row) for row in connection.execute(query.where(is_said, OUTBOX.c.due >= since).order_by(OUTBOX.c.id))]


def read_alerts_of(connection: Connection, message_id: str) -> list[str]:
    """Return the ids of the alerts that a message is about."""
    query = select(OUTBOX_ALERT.c.alert).where(OUTBOX_ALERT.c.message == message_id).order_by(OUTBOX_ALERT.c.alert)
    return list(connection.execute(query).scalars())


def _insert_of(message: Message, rendered: Rendered, expires: timedelta) -> OutboxInsert:
    return OutboxInsert(
        message.id,
        message.notifier,
        message.recipient,
        message.recipient_name,
        message.address,
        message.language,
        rendered,
        message.kind,
        message.fallback,
        message.not_before,
        expires,
    )


def _new_row(one: OutboxInsert, at: datetime) -> dict[str, Any]:
    due = max(one.due, at) if one.due else at
    return {
        "id": one.id,
        "kind": one.kind,
        "notifier": one.notifier,
        "recipient": one.recipient,
        "recipient_name": one.recipient_name,
        "address": one.address,
        "language": one.language,
        "subject": one.rendered.subject,
        "text": one.rendered.text,
        "html": one.rendered.html,
        "payload": one.rendered.payload,
        "headers": one.rendered.headers,
        "trimmed": one.rendered.trimmed,
        "fallback": one.fallback,
        "fallback_id": "",
        "facts": "",
        "state": OutboxState.WAITING.value,
        "created_at": at,
        "due": due,
        "expires_at": due + one.expires,
        "attempts": 0,
        "lease_until": None,
        "leased_by": None,
        "settled_at": None,
        "reason": "",
        "answer": "",
        "who": "",
    }


# --- lease and settle ---------------------------------------------------------------------------------------------


def lease(
    connection: Connection,
    now: datetime,
    until: datetime,
    limit: int,
    notifiers: Collection[str] | None,
    daemon: str | None = None,
) -> list[OutboxRow]:
    """Take messages that are due; on PostgreSQL rows that another daemon is just taking are passed over."""
    ready = (
        select(OUTBOX.c.id)
        .where(_free(now), OUTBOX.c.due <= now, OUTBOX.c.expires_at > now, *_only(notifiers))
        .order_by(OUTBOX.c.due, OUTBOX.c.created_at, OUTBOX.c.id)  # a beginning before its end
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(ready).scalars().all()
    taken = {
        "state": OutboxState.LEASED.value,
        "lease_until": until,
        "leased_by": daemon,
        "attempts": OUTBOX.c.attempts + 1,
    }
    rows = connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(taken).returning(OUTBOX)).all()
    return _outbox_rows(connection, sorted(rows, key=lambda row: (row.due, row.created_at, row.id)))


def end_leases(connection: Connection, daemon: str, now: datetime) -> int:
    """Let the leases of a daemon run out now and return how many there were."""
    held = and_(OUTBOX.c.state == OutboxState.LEASED.value, OUTBOX.c.leased_by == daemon, OUTBOX.c.lease_until > now)
    return connection.execute(update(OUTBOX).where(held).values(lease_until=now)).rowcount


def _free(now: datetime) -> ColumnElement[bool]:
    waits = OUTBOX.c.state.in_((OutboxState.WAITING.value, OutboxState.DEFERRED.value))
    return or_(waits, and_(OUTBOX.c.state == OutboxState.LEASED.value, OUTBOX.c.lease_until <= now))


def _only(notifiers: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if notifiers is None else [OUTBOX.c.notifier.in_(list(notifiers))]


def _outbox_rows(connection: Connection, rows: Sequence[Row[Any]]) -> list[OutboxRow]:
    shown = read_pictures(connection, [row.id for row in rows])
    return [_outbox_row(row, shown.get(row.id, ())) for row in rows]


def _outbox_row(row: Row[Any], pictures: Pictures) -> OutboxRow:
    return OutboxRow(
        row.id,
        row.notifier,
        row.recipient,
        row.recipient_name,
        row.address,
        row.language,
        _rendered(row, pictures),
        kind=row.kind,
        attempts=row.attempts,
        due=row.due,
        fallback=row.fallback,
        expires_at=row.expires_at,
    )


def _rendered(row: Row[Any], pictures: Pictures) -> Rendered:
    return Rendered(row.subject, row.text, row.html, row.payload, row.headers, row.trimmed, pictures)


def expired(connection: Connection, now: datetime, limit: int) -> list[OutboxRow]:
    """Return undelivered messages past their expiry that nobody is sending."""
    query = select(OUTBOX).where(_free(now), OUTBOX.c.expires_at <= now).order_by(OUTBOX.c.due, OUTBOX.c.id)
    return _outbox_rows(connection, connection.execute(query.limit(limit)).all())


def settle(connection: Connection, settlement: Settlement) -> bool:
    """Write how an attempt ended; see `Store.settle`."""
    query = update(OUTBOX).where(OUTBOX.c.id == settlement.row.id, _still_ours(settlement))
    if connection.execute(query.values(_settled(settlement))).rowcount == 0:
        return False
    if settlement.outcome == OutboxState.ACCEPTED:  # nobody sends it again
        forget_pictures(connection, settlement.row.id)
    if settlement.fallback is not None:
        _write_fallback(connection, settlement.row.id, settlement.fallback, settlement.at)
    if settlement.outcome != OutboxState.EXPIRED:
        count_attempt(connection, settlement)
    return True


def _still_ours(settlement: Settlement) -> ColumnElement[bool]:
    if settlement.outcome == OutboxState.ACCEPTED:
        return OUTBOX.c.state != OutboxState.ACCEPTED.value
    if settlement.outcome == OutboxState.EXPIRED:
        return and_(_free(settlement.at), OUTBOX.c.expires_at <= settlement.at)
    return and_(OUTBOX.c.state == OutboxState.LEASED.value, OUTBOX.c.attempts == settlement.row.attempts)


def _settled(settlement: Settlement) -> dict[str, object]:
    values: dict[str, object] = {"state": settlement.outcome.value, "lease_until": None, "leased_by": None}
    if settlement.outcome != OutboxState.EXPIRED:  # what the last attempt said says why it expired
        values |= {"reason": settlement.reason, "answer": settlement.answer[:ANSWER_LENGTH]}
    if settlement.outcome == OutboxState.DEFERRED:
        return {**values, "due": settlement.due or settlement.at}
    fallback_id = settlement.fallback.id if settlement.fallback else ""
    return {**values, "settled_at": settlement.at, "fallback_id": fallback_id}


def _write_fallback(connection: Connection, message_id: str, fallback: OutboxInsert, at: datetime) -> None:
    upsert(connection, OUTBOX, [_new_row(fallback, at)], kept=None)
    write_pictures(connection, [(fallback.id, fallback.rendered)])
    _copy_alerts(connection, message_id, fallback.id)


# --- by hand ------------------------------------------------------------------------------------------------------


def retry(connection: Connection, message_id: str, who: str, now: datetime) -> OutboxEntry | None:
    """Have a message sent again."""
    row = _locked(connection, message_id)
    if row is not None and row.state in {OutboxState.DEFERRED, OutboxState.DROPPED, *DEAD}:
        values = {
            "state": OutboxState.WAITING.value,
            "due": now,
            "expires_at": now + (row.expires_at - row.created_at),
            "settled_at": None,
            "fallback_id": "",
            "who": who,
        }
        connection.execute(update(OUTBOX).where(OUTBOX.c.id == message_id).values(values))
    return _entry(connection, message_id)


def drop(connection: Connection, message_id: str, who: str, now: datetime) -> OutboxEntry | None:
    """Give a message up."""
    row = _locked(connection, message_id)
    if row is not None and row.state in {OutboxState.WAITING, OutboxState.DEFERRED, *DEAD}:
        values = {"state": OutboxState.DROPPED.value, "settled_at": now, "who": who}
        connection.execute(update(OUTBOX).where(OUTBOX.c.id == message_id).values(values))
    return _entry(connection, message_id)


def _locked(connection: Connection, message_id: str) -> Row[Any] | None:
    return connection.execute(select(OUTBOX).where(OUTBOX.c.id == message_id).with_for_update()).first()


def _entry(connection: Connection, message_id: str) -> OutboxEntry | None:
    row = connection.execute(select(OUTBOX).where(OUTBOX.c.id == message_id)).first()
    return _entry_of(row) if row else None


def _entry_of(row: Row[Any]) -> OutboxEntry:
    return OutboxEntry(**{**made_of(row, OutboxEntry), "state": OutboxState(row.state)})


# --- lists and figures --------------------------------------------------------------------------------------------


def read_outbox(connection: Connection, query: OutboxQuery) -> list[OutboxEntry]:
    """Return messages without their bodies, newest first."""
    columns = [OUTBOX.c[one.name] for one in fields(OutboxEntry)]
    wanted = select(*columns).order_by(OUTBOX.c.created_at.desc(), OUTBOX.c.id.desc()).limit(query.limit)
    if query.states:
        wanted = wanted.where(OUTBOX.c.state.in_([one.value for one in query.states]))
    if query.dead_letters:
        wanted = wanted.where(DEAD_LETTER)
    if query.notifier:
        wanted = wanted.where(OUTBOX.c.notifier == query.notifier)
    if query.recipient:
        wanted = wanted.where(OUTBOX.c.recipient == query.recipient)
    if query.after:
        last = select(OUTBOX.c.created_at).where(OUTBOX.c.id == query.after).scalar_subquery()
        same = and_(OUTBOX.c.created_at == last, OUTBOX.c.id < query.after)
        wanted = wanted.where(or_(OUTBOX.c.created_at < last, same))
    return [_entry_of(row) for row in connection.execute(wanted)]


def read_messages_about(connection: Connection, alerts: Sequence[str]) -> dict[str, list[OutboxEntry]]:
    """Return the messages about each of these alerts, oldest first; an alert without any is left out."""
    columns = [OUTBOX.c[one.name] for one in fields(OutboxEntry)]
    found: dict[str, list[OutboxEntry]] = {}
    for first in range(0, len(alerts), MOST_AT_ONCE):
        some = alerts[first : first + MOST_AT_ONCE]
        query = select(OUTBOX_ALERT.c.alert.label("about"), *columns).join(
            OUTBOX, OUTBOX.c.id == OUTBOX_ALERT.c.message
        )
        query = query.where(OUTBOX_ALERT.c.alert.in_(some)).order_by(OUTBOX.c.created_at, OUTBOX.c.id)
        for row in connection.execute(query):
            found.setdefault(row.about, []).append(_entry_of(row))
    return found


def read_message(connection: Connection, message_id: str) -> tuple[OutboxEntry, Rendered] | None:
    """Return a message with its body."""
    row = connection.execute(select(OUTBOX).where(OUTBOX.c.id == message_id)).first()
    shown = read_pictures(connection, [message_id])
    return (_entry_of(row), _rendered(row, shown.get(message_id, ()))) if row else None


def next_due(connection: Connection, notifiers: Collection[str] | None) -> datetime | None:
    """Return when the next message is due, runs out of its lease, or expires."""
    leased = OUTBOX.c.state == OutboxState.LEASED.value
    ready = case((leased, OUTBOX.c.lease_until), else_=OUTBOX.c.due)
    first = case((OUTBOX.c.expires_at < ready, OUTBOX.c.expires_at), else_=ready)
    query = select(func.min(first)).where(OUTBOX.c.state.in_(UNDELIVERED), *_only(notifiers))
    found: datetime | None = connection.execute(query).scalar()
    return found


def read_figures(connection: Connection) -> OutboxFigures:
    """Count messages for metrics."""
    each = select(OUTBOX.c.notifier, OUTBOX.c.state, func.count()).group_by(OUTBOX.c.notifier, OUTBOX.c.state)
    counts = {(notifier, OutboxState(state)): number for notifier, state, number in connection.execute(each)}
    oldest = select(OUTBOX.c.notifier, func.min(OUTBOX.c.due)).where(OUTBOX.c.state.in_(UNDELIVERED))
    dead = select(OUTBOX.c.notifier, func.count()).where(DEAD_LETTER).group_by(OUTBOX.c.notifier)
    return OutboxFigures(
        counts,
        dict(connection.execute(oldest.group_by(OUTBOX.c.notifier)).all()),
        dict(connection.execute(dead).all()),
    )


def forget_settled(connection: Connection, before: datetime) -> int:
    """Delete messages that nobody waits for any more and return how many."""
    done = OUTBOX.c.state.not_in(UNDELIVERED) & (OUTBOX.c.settled_at < before)
    return connection.execute(delete(OUTBOX).where(done)).rowcount
