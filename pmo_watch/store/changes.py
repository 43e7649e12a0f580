"""What goes into the store and what comes out of it, apart from the values that the steps pass to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import polars as pl

from pmo_watch.alerts import Alert, Message, OutboxRow, Rendered, Silence, Thread, Told, Transition
from pmo_watch.errors import StoreError
from pmo_watch.flow import Imported, SourceState
from pmo_watch.shown import Showing

SourceRows = dict[str, dict[str, pl.DataFrame]]  # source -> entity -> uid, stored fields, @part, @missing


class StoreConflict(StoreError):
    """What was read is no longer so: alerts were changed, or a waiting message left. Read again and decide again."""


class Deposed(StoreError):
    """Another daemon runs the cycles now: what this one has decided is not kept, nor what it decides next."""


class MarkKind(StrEnum):
    """What small keyed texts are kept for; the text is the writer's own (a date, a number, JSON)."""

    DIGEST = "digest"  # digest and recipient -> when it was last written
    FLAG = "flag"  # "held:ict-plans" -> since when it was said
    RULE_TEXT = "rule_text"  # file -> its last good text
    HELD = "held"  # reason -> number of messages held back


@dataclass(frozen=True, slots=True, eq=False)
class ReadingChange:
    """One attempt at a source: its state afterwards, and what the reading changed among its rows.

    `changed`: by entity, the rows that are new or differ (`uid`, stored fields, `@part`; further columns are ignored).
    `missing`: uids first missing in this reading. `vanished`: uids now missing for the second time: their version ends
    with the reading in which they were first missing. `returned`: uids that were missing and are back as they were.
    `deleted`: uids that the source itself calls deleted: they end now. `today`: civil date of the attempt, kept as
    `vanished_on`. `refiled`: rows as they were that came from another part (`uid`, `@part`): no new version.
    `imported`: what the reading tells of the past: of it enters history what nothing is known about
    (see `store.imports`). A failed or held attempt has no rows.
    """

    state: SourceState
    today: date
    changed: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    vanished: Mapping[str, Sequence[str]] = field(default_factory=dict)
    returned: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refiled: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    hash: str = ""  # of what was read, where the source knows one
    cost: Mapping[str, float] = field(default_factory=dict)
    imported: Imported | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CycleChange:
    """Everything that one cycle, or one act of a person, changes; `Store.write` takes all of it or nothing.

    `based_on`: what `Store.revision` said before alerts were read; None writes without asking. `alerts`: every alert
    that differs from what was read, closed ones with `closed_at`. `told`: added or replaced by (alert, recipient,
    notifier). `told_removed`: whoever got the closing message and is owed nothing any more.
    `silences`: replaced as given, such as one whose end was said. `messages`: one outbox row each; an id that exists
    already is left as it is. What a message `replaces`, and the messages `withdrawn` without a successor, go if nobody
    has tried to send them. `threads`: replaced by (notifier, recipient, project). `marks`: None deletes. `colours`: as
    `rollup.computed_colours` gives them, all of them; None leaves them as they are. `showing`: what dashboards read of
    the cycle; None leaves it as it is.
    """

    at: datetime
    based_on: int | None = None
    readings: Sequence[ReadingChange] = ()
    alerts: Sequence[Alert] = ()
    transitions: Sequence[Transition] = ()
    told: Sequence[Told] = ()
    told_removed: Sequence[Told] = ()
    silences: Sequence[Silence] = ()
    messages: Sequence[tuple[Message, Rendered]] = ()
    withdrawn: Sequence[str] = ()
    expires: timedelta = timedelta(days=3)
    threads: Sequence[Thread] = ()
    marks: Mapping[tuple[MarkKind, str], str | None] = field(default_factory=dict)
    colours: pl.DataFrame | None = None
    showing: Showing | None = None


@dataclass(frozen=True, slots=True)
class ReadingEntry:
    """One attempt at a source, as kept; `changed` counts the versions it began.

    `number` is that of a complete reading; None for an attempt that failed, was held or partial, or found the very
    same files as before, which gives no new reading; 0 for a past state, with the instant from which it was so. A first
    reading that tells the past is noted as of the instant at which what it found was written.
    """

    source: str
    number: int | None
    read_at: datetime
    as_of: date | None
    outcome: str
    rows: int
    changed: int
    rejected: int
    error: str
    hash: str
    cost: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts to list, in the order of their ids; empty means any.

    `after`: id of the last one had. `begins`: how the id begins.
    """

    id: str = ""
    state: str = ""  # pending, open, closed
    rule: str = ""
    subject: str = ""
    project: str = ""
    level: str = ""
    limit: int = 100
    after: str = ""
    begins: str = ""


@dataclass(frozen=True, slots=True)
class AlertList:
    """Which alerts a page lists; empty means any, `state` is one of `ALERT_STATES`. `skip`: how many come before."""

    state: str = "open"
    level: str = ""
    rule: str = ""
    project: str = ""  # code
    limit: int = 50
    skip: int = 0


@dataclass(frozen=True, slots=True)
class ProjectListed:
    """A project as the portfolio shows it: `state` is its computed colour, `red` and `amber` count open alerts.

    `label`: what dashboards call it. `code`: as its alerts name it; empty where none is open.
    """

    uid: str
    label: str
    name: str
    state: str
    code: str
    red: int
    amber: int


@dataclass(frozen=True, slots=True)
class TransitionQuery:
    """Which transitions to list, newest first; empty means any. `before`: number of the last one had."""

    alert: str = ""
    rule: str = ""
    subject: str = ""
    project: str = ""
    reason: str = ""
    since: datetime | None = None
    limit: int = 100
    before: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TransitionEntry:
    """A line of the append-only log. Levels are amber, red or empty; `finding` holds the row and its evidence."""

    number: int
    alert: str
    rule: str
    subject: str
    project: str
    at: datetime
    reason: str
    level_before: str
    level: str
    value: float | None
    unit: str
    reading: int | None
    rule_version: str
    who: str
    step: int
    finding: Mapping[str, Any]


# --- outbox -------------------------------------------------------------------------------------------------------


class OutboxState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    LEASED = "leased"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, eq=False)
class OutboxInsert:
    """A message for another notifier, written with the settlement that makes it necessary."""

    id: str
    notifier: str
    recipient: str
    recipient_name: str
    address: str
    language: str
    rendered: Rendered
    kind: str = "alert"
    fallback: str = ""
    due: datetime | None = None  # None is at once
    expires: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """How one attempt ended. `row` is the leased row (or one of `Store.expired`).

    `outcome`: accepted, deferred, rejected or expired. `due`: of the next attempt, when deferred. `fallback`: written
    in the same transaction; the row then is no dead letter.
    """

    row: OutboxRow
    outcome: OutboxState
    at: datetime
    reason: str = ""
    answer: str = ""
    due: datetime | None = None
    channel_fault: bool = False
    fallback: OutboxInsert | None = None


@dataclass(frozen=True, slots=True)
class OutboxQuery:
    """Which messages to list, newest first; empty means any. `after`: id of the last one had."""

    states: Sequence[OutboxState] = ()
    notifier: str = ""
    recipient: str = ""
    dead_letters: bool = False
    limit: int = 100
    after: str = ""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A message without its body. `who` dropped it or had it sent again; `fallback_id` took its place."""

    id: str
    notifier: str
    recipient: str
    recipient_name: str
    address: str
    language: str
    kind: str
    subject: str
    state: OutboxState
    created_at: datetime
    due: datetime
    expires_at: datetime
    attempts: int
    lease_until: datetime | None
    settled_at: datetime | None
    reason: str
    answer: str
    fallback: str
    fallback_id: str
    who: str


@dataclass(frozen=True, slots=True)
class Circuit:
    """How a notifier fares: deferrals running, and since when and why the fault is the channel's own."""

    notifier: str
    deferrals: int = 0
    fault_since: datetime | None = None
    fault_reason: str = ""
    fault_answer: str = ""


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """For metrics: messages per notifier and state, due time of the oldest undelivered one, dead letters."""

    counts: Mapping[tuple[str, OutboxState], int]
    oldest_due: Mapping[str, datetime]
    dead_letters: Mapping[str, int]


# --- the database -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """What `db status` shows; `revision` is None for a database without tables. `place` never shows a password."""

    place: str
    kind: str  # sqlite, postgresql
    revision: str | None
    newest: str
    size_bytes: int | None
