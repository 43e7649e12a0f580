"""Alert states, the append-only log of transitions, who was told, silences, and small keyed texts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from pmo_watch.alerts import Alert, Silence, Thread, Told, Transition
from pmo_watch.store.changes import (
    AlertQuery,
    MarkKind,
    OutboxState,
    StoreConflict,
    TransitionEntry,
    TransitionQuery,
)
from pmo_watch.store.rows import made_of, upsert, values_of
from pmo_watch.store.tables import ALERT, COUNTER, MARK, OUTBOX, OUTBOX_ALERT, SILENCE, THREAD, TOLD, TRANSITION

REVISION = "alerts"
REMEMBERED = and_(ALERT.c.closed_at.is_not(None), ALERT.c.recent != ())


# --- alerts -------------------------------------------------------------------------------------------------------


def revision_of_alerts(connection: Connection) -> int:
    """Return how often alerts were changed."""
    found: int | None = connection.execute(select(COUNTER.c.value).where(COUNTER.c.name == REVISION)).scalar()
    return found or 0


def raise_revision(connection: Connection, based_on: int | None) -> None:
    """Count a change of alerts; its row also makes writers on PostgreSQL take turns.

    Raises:
        StoreConflict: they were changed since `based_on`.
    """
    upsert(connection, COUNTER, [{"name": REVISION, "value": 0}], kept=None)
    query = update(COUNTER).where(COUNTER.c.name == REVISION).values(value=COUNTER.c.value + 1)
    now: int = connection.execute(query.returning(COUNTER.c.value)).scalar_one()
    if based_on is not None and now != based_on + 1:
        raise StoreConflict("alerts were changed by somebody else meanwhile: read them again")


def read_alerts(connection: Connection) -> list[Alert]:
    """Return alerts that are pending, open or remembered."""
    query = select(ALERT).where(or_(ALERT.c.closed_at.is_(None), REMEMBERED)).order_by(ALERT.c.rule, ALERT.c.subject)
    return [Alert(**made_of(row, Alert)) for row in connection.execute(query)]


def find_alerts(connection: Connection, query: AlertQuery) -> list[Alert]:
    """Return alerts in the order of their ids."""
    states = {
        "pending": and_(ALERT.c.closed_at.is_(None), ALERT.c.opened_at.is_(None)),
        "open": and_(ALERT.c.closed_at.is_(None), ALERT.c.opened_at.is_not(None)),
        "closed": ALERT.c.closed_at.is_not(None),
    }
    wanted = select(ALERT).where(ALERT.c.id > query.after).order_by(ALERT.c.id).limit(query.limit)
    if query.state:
        wanted = wanted.where(states[query.state])
    if query.begins:
        wanted = wanted.where(ALERT.c.id.startswith(query.begins, autoescape=True))
    for name in ("id", "rule", "subject", "project", "level"):
        if value := getattr(query, name):
            wanted = wanted.where(ALERT.c[name] == value)
    return [Alert(**made_of(row, Alert)) for row in connection.execute(wanted)]


def write_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Replace alerts; closed ones first, since an open one may take the place of one that closes."""
    upsert(connection, ALERT, [values_of(one) for one in sorted(alerts, key=lambda one: one.closed_at is None)])


# --- transitions --------------------------------------------------------------------------------------------------


def write_transitions(connection: Connection, transitions: Sequence[Transition]) -> None:
    """Add to the log."""
    if transitions:
        connection.execute(insert(TRANSITION), [_logged(one) for one in transitions])


def _logged(one: Transition) -> Mapping[str, object]:
    reading = one.finding.get("reading")
    return {
        "alert": one.alert.id,
        "rule": one.alert.rule,
        "subject": one.alert.subject,
        "project": one.alert.project,
        "at": one.at,
        "reason": one.reason,
        "level_before": (one.before.level if one.before else None) or "",
        "level": one.alert.level or "",
        "value": one.alert.value,
        "unit": one.alert.unit,
        "reading": reading if isinstance(reading, int) else None,
        "rule_version": one.rule_version,
        "who": one.who,
        "step": one.step,
        "finding": one.finding,
    }


def read_transitions(connection: Connection, query: TransitionQuery) -> list[TransitionEntry]:
    """Return transitions, newest first."""
    wanted = select(TRANSITION).order_by(TRANSITION.c.number.desc()).limit(query.limit)
    for name in ("alert", "rule", "subject", "project", "reason"):
        if value := getattr(query, name):
            wanted = wanted.where(TRANSITION.c[name] == value)
    if query.since is not None:
        wanted = wanted.where(TRANSITION.c.at >= query.since)
    if query.before is not None:
        wanted = wanted.where(TRANSITION.c.number < query.before)
    return [TransitionEntry(**made_of(row, TransitionEntry)) for row in connection.execute(wanted)]


# --- told ---------------------------------------------------------------------------------------------------------


def read_told(connection: Connection) -> list[Told]:
    """Return who is owed a closing message."""
    query = select(TOLD).order_by(TOLD.c.alert, TOLD.c.recipient, TOLD.c.notifier)
    return [Told(**made_of(row, Told)) for row in connection.execute(query)]


def write_told(connection: Connection, added: Sequence[Told], removed: Sequence[Told]) -> None:
    """Remove first: whoever is told again in the same cycle stays."""
    for one in removed:
        same = (TOLD.c.alert == one.alert, TOLD.c.recipient == one.recipient, TOLD.c.notifier == one.notifier)
        connection.execute(delete(TOLD).where(*same))
    upsert(connection, TOLD, [values_of(one) for one in added])


def read_told_on(connection: Connection) -> dict[str, datetime]:
    """Return when the first message about the present level of each open alert was accepted."""
    query = (
        select(ALERT.c.id, func.min(OUTBOX.c.settled_at).label("told_on"))
        .join(OUTBOX_ALERT, OUTBOX_ALERT.c.alert == ALERT.c.id)
        .join(OUTBOX, OUTBOX.c.id == OUTBOX_ALERT.c.message)
        .where(ALERT.c.closed_at.is_(None), OUTBOX_ALERT.c.level == ALERT.c.level)
        .where(OUTBOX.c.state == OutboxState.ACCEPTED.value, OUTBOX.c.created_at >= ALERT.c.since)
        .group_by(ALERT.c.id)
    )
    return {row.id: row.told_on for row in connection.execute(query)}


def read_threads(connection: Connection) -> list[Thread]:
    """Return the last thread of each notifier, recipient and project."""
    query = select(THREAD).order_by(THREAD.c.notifier, THREAD.c.recipient, THREAD.c.project)
    return [Thread(**made_of(row, Thread)) for row in connection.execute(query)]


def write_threads(connection: Connection, threads: Sequence[Thread]) -> None:
    """Replace threads."""
    upsert(connection, THREAD, [values_of(one) for one in threads])


# --- silences -----------------------------------------------------------------------------------------------------


def read_silences(connection: Connection) -> list[Silence]:
    """Return silences whose end nobody said yet."""
    query = select(SILENCE).where(SILENCE.c.ended.is_(False)).order_by(SILENCE.c.since, SILENCE.c.id)
    return [Silence(**made_of(row, Silence)) for row in connection.execute(query)]


def read_ended_by_hand(connection: Connection) -> list[Silence]:
    """Return times of recurring silences that a person ended."""
    by_hand = (SILENCE.c.ended.is_(True), SILENCE.c.name != "", SILENCE.c.ended_by != "")
    return [Silence(**made_of(row, Silence)) for row in connection.execute(select(SILENCE).where(*by_hand))]


def read_every_silence(connection: Connection) -> list[Silence]:
    """Return all silences there ever were, oldest first."""
    query = select(SILENCE).order_by(SILENCE.c.since, SILENCE.c.id)
    return [Silence(**made_of(row, Silence)) for row in connection.execute(query)]


def write_silences(connection: Connection, silences: Sequence[Silence]) -> None:
    """Replace silences; who ended one by hand stays written."""
    upsert(connection, SILENCE, [values_of(one) for one in silences], kept=("ended_by",))


def end_silence(connection: Connection, silence_id: str, who: str, now: datetime) -> Silence | None:
    """Let a silence end now."""
    goes_on = (SILENCE.c.id == silence_id, SILENCE.c.ended.is_(False), SILENCE.c.until > now)
    query = update(SILENCE).where(*goes_on).values(until=now, ended_by=who).returning(SILENCE)
    row = connection.execute(query).first()
    return Silence(**made_of(row, Silence)) if row else None


# --- marks --------------------------------------------------------------------------------------------------------


def read_marks(connection: Connection, kind: MarkKind) -> dict[str, str]:
    """Return texts by key."""
    query = select(MARK.c.key, MARK.c.value).where(MARK.c.kind == kind.value).order_by(MARK.c.key)
    return {row.key: row.value for row in connection.execute(query)}


def write_marks(connection: Connection, marks: Mapping[tuple[MarkKind, str], str | None], at: datetime) -> None:
    """Replace or delete texts."""
    for (kind, key), value in marks.items():
        if value is None:
            connection.execute(delete(MARK).where(MARK.c.kind == kind.value, MARK.c.key == key))
    kept = {key: value for key, value in marks.items() if value is not None}
    upsert(connection, MARK, [{"kind": k.value, "key": key, "value": v, "at": at} for (k, key), v in kept.items()])
