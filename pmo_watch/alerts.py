"""What passes between advance, route, the store and deliver: alerts, transitions, messages, outbox rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from pmo_watch.rules import Rule
from pmo_watch.standing import Owed, Standing


class Reason(StrEnum):
    """Why a transition happened: the closed list that log, metrics and messages read."""

    PENDING = "pending"
    CLEARED_UNCONFIRMED = "cleared_unconfirmed"
    OPENED = "opened"
    WORSENED = "worsened"
    IMPROVED = "improved"
    RECOVERED = "recovered"
    ENTITY_DONE = "entity_done"
    ENTITY_CANCELLED = "entity_cancelled"
    OUT_OF_SCOPE = "out_of_scope"
    ENTITY_GONE = "entity_gone"
    RULE_REMOVED = "rule_removed"
    UNKNOWN = "unknown"
    KNOWN_AGAIN = "known_again"
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGEMENT_ENDED = "acknowledgement_ended"
    PROMISE_MISSED = "promise_missed"
    ESCALATED = "escalated"
    REMINDED = "reminded"


CLOSING = frozenset(
    {
        Reason.RECOVERED,
        Reason.ENTITY_DONE,
        Reason.ENTITY_CANCELLED,
        Reason.OUT_OF_SCOPE,
        Reason.ENTITY_GONE,
        Reason.RULE_REMOVED,
    }
)


@dataclass(frozen=True, slots=True)
class Alert:
    """What is pending or open; identity is (rule, subject). A closed alert is one with `closed_at`.

    A closed alert whose `recent` is not empty is still remembered, because it may open again and be flapping: it is
    given to `advance` like an open one, until `advance` returns it without `recent`.
    `level` is None while pending. `seen` is the level that `streak` counted evaluations in a row gave and that is not
    yet taken over; `counted_reading` and `counted_on` say which evidence counted last.
    """

    id: str  # 16 hex digits, of rule, subject and the moment it began
    rule: str
    subject: str  # uid
    entity: str = ""
    subject_id: str = ""  # what people call the subject, as last seen
    subject_name: str = ""
    project: str = ""  # uid of its project, else empty
    project_code: str = ""
    source: str = ""
    level: Literal["amber", "red"] | None = None
    began_at: datetime | None = None  # first amber or red finding
    opened_at: datetime | None = None
    since: datetime | None = None  # of the present level
    closed_at: datetime | None = None
    close_reason: str = ""
    peak: Literal["amber", "red"] | None = None
    value_at_open: float | None = None
    value: float | None = None
    unit: str = ""
    seen: str = ""
    seen_since: datetime | None = None
    streak: int = 0
    counted_reading: int = 0
    counted_on: date | None = None
    grey_since: datetime | None = None
    unknown_since: datetime | None = None
    unknown_reason: str = ""
    acknowledged_until: date | None = None
    acknowledged_level: str = ""
    acknowledged_by: str = ""
    acknowledged_on: date | None = None
    acknowledged_reason: str = ""
    new_date: date | None = None  # that somebody promised; it outlasts the acknowledgement
    new_date_by: str = ""  # who promised `new_date`, or `missed_date` where that has passed
    missed_date: date | None = None  # the last promised date that passed while the alert was open
    paused_on: date | None = None  # day on which the pause began that goes on: acknowledged or unknown since
    pauses: tuple[str, ...] = ()  # pauses that are over, "2026-11-16/2026-11-20": the first day counts, the last not
    escalation_step: int = 0  # number of the last step taken, from 1, in the rule as it was then
    steps: tuple[str, ...] = ()  # every audience told by an escalation step: see `escalations`
    escalated_on: date | None = None  # day of the last step
    reminded_on: date | None = None
    flapping: bool = False
    recent: tuple[str, ...] = ()  # "o" and "c" with the evaluation number: openings and closings, newest last
    evaluations: int = 0


def state_of(alert: Alert, *, silenced: bool) -> str:
    """Return one word, though several may hold: the first of closed, pending, silenced, acknowledged, unknown, open."""
    if alert.closed_at is not None:
        return "closed"
    if alert.level is None:
        return "pending"
    if silenced:
        return "silenced"
    if alert.acknowledged_until:
        return "acknowledged"
    return "unknown" if alert.unknown_since else "open"


@dataclass(frozen=True, slots=True, eq=False)
class Transition:
    """A change of an alert with its reason, as written to the append-only log."""

    alert: Alert  # after
    before: Alert | None
    reason: Reason
    at: datetime
    finding: Mapping[str, Any] = field(default_factory=dict)  # the finding's row and its evidence under "evidence"
    rule_version: str = ""
    who: str = "engine"
    step: int = 0  # of an escalation


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds messages back, never state: matches when every given part does.

    One time of a recurring silence may have no part at all: then it is over everything.
    """

    id: str
    who: str
    why: str
    until: datetime
    since: datetime
    rule: str = ""
    project: str = ""  # code
    entity: str = ""  # id or uid
    tag: str = ""
    ended: bool = False
    name: str = ""  # of the recurring silence in the rule files that this is one time of; empty: a person's own
    ended_by: str = ""  # who ended it by hand

    @property
    def over_everything(self) -> bool:
        """Whether it holds back all alerts but those on sources, which are for who runs the service."""
        return bool(self.name) and not (self.rule or self.project or self.entity or self.tag)


@dataclass(frozen=True, slots=True)
class Told:
    """Who was told of an alert over which notifier; lasts until the closing message is written.

    One for each (alert, recipient, notifier).
    """

    alert: str  # Alert.id
    recipient: str  # person uid, e-mail address or notifier
    notifier: str
    address: str
    audience: str
    language: str
    told_at: datetime
    level: str = ""  # the level last told
    digest: str = ""  # name of the digest it was told in; empty when it was told at once
    thread: str = ""  # thread it was told in, empty when not threaded
    ended: str = ""  # facts of the closing that the digest still owes; empty while the alert is open
    in_place_of: str = ""  # uid of the absent person in whose place the recipient was told; empty: in their own


@dataclass(frozen=True, slots=True)
class StandIn:
    """In whose place somebody is told: of an absent person, else of a role that nobody holds.

    `until`: the last day of the absence; None where the message speaks of what was told during it.
    """

    person: str = ""  # uid of the absent person
    name: str = ""
    until: date | None = None
    role: str = ""  # a role or audience that resolves to nobody


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One alert in a message: facts, not words."""

    alert: Alert
    rule: Rule
    reason: str  # a Reason, or "open", "silenced" in a digest
    level: str  # the level to show: amber, red, green for a closing, grey
    before: str  # level before, or empty
    subject_id: str
    subject_name: str
    project_code: str
    project_name: str
    program_name: str = ""
    url: str = ""
    finding: Mapping[str, Any] = field(default_factory=dict)
    why_me: str = ""  # the audience
    stands_in: StandIn | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """A decision that a committee is asked for."""

    id: str
    title: str
    project_code: str
    project_name: str
    needed_by: date | None = None
    url: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """What one recipient gets over one channel; `id` is a stable hash of recipient, channel and transitions.

    `facts` is kept with the outbox row and given back as `WaitingMessage` while nobody has tried to send it.
    `replaces`: ids of such rows, which this message takes in: they go in the same transaction.
    """

    id: str
    kind: Literal["alert", "digest", "notice", "test"]
    recipient: str  # person uid, e-mail address or notifier name
    recipient_name: str
    notifier: str
    address: str  # e-mail address; empty for a channel
    language: str
    zone: str
    items: tuple[Item, ...] = ()
    not_before: datetime | None = None
    digest: str = ""  # name of the digest
    title: str = ""  # of a notice
    lines: tuple[str, ...] = ()  # of a notice: plain sentences
    fallback: str = ""  # notifier to use when this one rejects
    data_basis: tuple[tuple[str, date, bool], ...] = ()  # source, as of, assumed
    no_names: bool = False  # committees: counts and movements only
    thread: str = ""  # thread id, empty when not threaded
    thread_subject: str = ""  # empty when this message starts the thread: its subject is made now, once
    mentions: tuple[tuple[str, str], ...] = ()  # name and account of persons to call in a channel, at most 5
    day: date | None = None  # of a digest: the day it is for
    counts: Mapping[str, int] = field(default_factory=dict)  # of a digest: red, amber, new, ended, not_assessed ...
    decisions: tuple[Awaited, ...] = ()  # of a committee's digest
    owed: tuple[Owed, ...] = ()  # of a digest: what was not delivered; of a committee's only the number is shown
    standing: Standing | None = None  # of a digest: how the reader's projects stand; None: nothing to compare with
    stands_in: tuple[StandIn, ...] = ()  # in whose place the recipient reads this, or some of it
    facts: str = ""
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message at once that waits for its recipient's hours: never leased, `not_before` still ahead."""

    id: str
    recipient: str
    notifier: str
    not_before: datetime
    facts: str


@dataclass(frozen=True, slots=True)
class Left:
    """A message that says alerts, and when it left or is to leave; `id` and `facts` as in `WaitingMessage`."""

    id: str
    recipient: str
    notifier: str
    at: datetime
    facts: str


@dataclass(frozen=True, slots=True)
class Thread:
    """The last thread of (notifier, recipient, project); `subject` is filled in when its first message is rendered."""

    notifier: str
    recipient: str
    project: str  # uid
    number: int
    id: str  # 16 hex digits: spec channels 2.4
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture inside a mail: its HTML shows it as `cid:{name}`; `alt` says what it shows."""

    name: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words: mail parts, and `payload` (JSON) where the notifier makes its own, such as a card."""

    subject: str
    text: str
    html: str = ""
    payload: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    trimmed: int = 0
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message as a notifier gets it; the same `id` at every attempt."""

    id: str
    notifier: str
    recipient: str
    recipient_name: str
    address: str
    language: str
    rendered: Rendered
    kind: str = "alert"
    attempts: int = 0  # this one included
    due: datetime | None = None
    fallback: str = ""  # notifier to use when this one rejects
    expires_at: datetime | None = None
