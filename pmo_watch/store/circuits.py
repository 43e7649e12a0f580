"""How each notifier fares: deferrals running, and since when its channel itself is at fault."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from pmo_watch.store.changes import Circuit, OutboxState, Settlement
from pmo_watch.store.rows import made_of, upsert
from pmo_watch.store.tables import CIRCUIT

ANSWER_LENGTH = 500  # spec channels 1.1


def count_attempt(connection: Connection, settlement: Settlement) -> None:
    """Keep what is known of the notifier: an answer ends a run of deferrals, an acceptance ends a fault too."""
    notifier = settlement.row.notifier
    none = _begun(connection, notifier)
    values: dict[str, object] = {"deferrals": 0}
    if settlement.outcome == OutboxState.DEFERRED:
        values = {"deferrals": CIRCUIT.c.deferrals + 1}
    elif settlement.outcome == OutboxState.ACCEPTED:
        values = none
    if settlement.channel_fault:
        values |= _fault(settlement.at, settlement.reason, settlement.answer)
    _write(connection, notifier, values)


def note_fault(connection: Connection, notifier: str, at: datetime, reason: str, answer: str) -> None:
    """Keep that a channel without messages is at fault; the moment of the first time stays."""
    _begun(connection, notifier)
    _write(connection, notifier, _fault(at, reason, answer))


def read_circuits(connection: Connection) -> dict[str, Circuit]:
    """Return how each notifier fares."""
    return {row.notifier: Circuit(**made_of(row, Circuit)) for row in connection.execute(select(CIRCUIT))}


def reset_circuit(connection: Connection, notifier: str) -> None:
    """Forget deferrals and fault."""
    connection.execute(delete(CIRCUIT).where(CIRCUIT.c.notifier == notifier))


def _begun(connection: Connection, notifier: str) -> dict[str, object]:
    """Let there be a row for the notifier, and return one that knows of nothing."""
    none = {"notifier": notifier, "deferrals": 0, "fault_since": None, "fault_reason": "", "fault_answer": ""}
    upsert(connection, CIRCUIT, [none], kept=None)
    return none


def _fault(at: datetime, reason: str, answer: str) -> dict[str, object]:
    since = func.coalesce(CIRCUIT.c.fault_since, at, type_=CIRCUIT.c.fault_since.type)
    return {"fault_since": since, "fault_reason": reason, "fault_answer": answer[:ANSWER_LENGTH]}


def _write(connection: Connection, notifier: str, values: dict[str, object]) -> None:
    connection.execute(update(CIRCUIT).where(CIRCUIT.c.notifier == notifier).values(values))
