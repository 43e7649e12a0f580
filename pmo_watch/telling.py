"""What a notifier or observer implements, and a message and a cycle as they see them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, runtime_checkable

import polars as pl

from pmo_watch.alerts import Alert, OutboxRow, Transition
from pmo_watch.contracts import SettingsT
from pmo_watch.errors import DeliveryError
from pmo_watch.flow import Findings, Outcome, Snapshot, SourceState
from pmo_watch.rules import RuleSet

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
Defect = Callable[[str, str], None]  # told of each exception that left a plugin: the kind and name of what it offers


@dataclass(frozen=True, slots=True, eq=False)
class MessageView:
    """A message in the recipient's words, for a notifier that makes its own form of it.

    Every text is untrusted until the notifier escapes it. `sections`: one per project, worst first.
    """

    id: str
    kind: str
    language: str
    level: str  # worst level: red, amber, green, grey
    level_text: str  # symbol and word
    subject: str
    title: str
    summary: str
    speak: str
    sections: tuple["SectionView", ...]
    data_basis: str
    why_me: str
    more: str  # "+ {n} more", with {n} to fill in
    links: Mapping[str, str] = field(default_factory=dict)  # label -> address
    mentions: tuple[tuple[str, str], ...] = ()  # name, account
    lines: tuple[str, ...] = ()  # sentences of a notice, a test or an empty digest
    expected: tuple[tuple[str, str], ...] = ()  # rule, what is expected of the reader; each text once
    labels: Mapping[str, str] = field(default_factory=dict)  # words for headings, by their key in the glossary
    decisions: tuple[tuple[str, str, str], ...] = ()  # decision, project, needed by
    tables: tuple["TableView", ...] = ()  # of a digest: how projects stand
    charts: tuple["ChartView", ...] = ()
    owed: tuple["TableView", ...] = ()  # what was not delivered: one table, or none
    preheader: str = ""  # level and value, the first thing a list of messages shows
    recipient: str = ""  # person uid, e-mail address or notifier
    recipient_name: str = ""
    made_at: datetime | None = None  # UTC


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell of a table: its text, the level it speaks of, and what stands beside it in brackets."""

    text: str
    level: str = ""  # red, amber, green, grey; empty for none
    beside: str = ""


@dataclass(frozen=True, slots=True)
class TableView:
    """A table in words; the first cell of each row names it. `rest`: how many rows it leaves out.

    `name`: movements, matrix, owed, or the chart whose figures it holds.
    """

    name: str
    heading: str
    head: tuple[str, ...]
    rows: tuple[tuple[CellView, ...], ...]
    note: str = ""
    rest: int = 0


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart: what it shows in one sentence, as an SVG document of that size, and as a table of the same figures.

    `picture`: name of the picture that shows it in a mail; empty where the table stands in its place.
    """

    name: str
    heading: str
    finding: str
    svg: str
    width: int
    height: int
    table: TableView
    picture: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SectionView:
    """One project of a message, or one part of a digest."""

    code: str
    name: str
    program: str
    items: tuple["ItemView", ...]
    heading: str = ""  # project, or the part of a digest
    links: Mapping[str, str] = field(default_factory=dict)  # label -> address


@dataclass(frozen=True, slots=True, eq=False)
class ItemView:
    """One alert of a message, in words."""

    level: str
    level_text: str
    what: str  # rule and subject
    subject: str
    when: str
    how_much: str
    change: str  # from amber to red, recovered ...
    since: str
    facts: tuple[tuple[str, str], ...]
    why: str
    advice: str
    url: str = ""  # into the source, for mail and pages only
    rule: str = ""
    project: str = ""
    alert: str = ""  # its id, the same in every message on it
    rule_id: str = ""
    reason: str = ""  # why it is here: opened, worsened, recovered ..., open
    subject_id: str = ""  # what people call the subject; empty where names are held back
    since_at: datetime | None = None  # of the present level, UTC


class OwnMetrics(Protocol):
    """The daemon's metrics about itself, for an observer that serves them beside its own."""

    def render(self, *, openmetrics: bool) -> bytes:
        """Return them in text 0.0.4, or in OpenMetrics with its end mark."""
        ...

    def exposed(self, series: int, dropped: int, seconds: float, at: datetime) -> None:
        """Note a rendering of the portfolio: how many series, how many left out, how long it took."""
        ...

    def not_exposed(self) -> None:
        """Note a rendering that failed: the bytes before it stay in service."""
        ...


@dataclass(frozen=True, slots=True)
class NotifierContext:
    """What a notifier is given when it is opened; `metrics` only where the daemon keeps any.

    `token_taken`: called with the seconds for which an access token that was just taken is good. `now`: the moment, in
    UTC.
    """

    name: str
    folder: Path
    user_agent: str
    external_url: str = ""
    metrics: OwnMetrics | None = None
    token_taken: Callable[[float], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def unnoticed(_kind: str, _name: str) -> None:
    """Count no defect: nobody keeps metrics."""


class Notifier(Protocol):
    """Sends over one channel, in the event loop: it never blocks."""

    async def send(self, row: OutboxRow) -> str:
        """Send one row and return what the other side answered when it accepted.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A notifier whose channel takes only so many messages in a time."""

    async def turn(self) -> None:
        """Wait until one more may be sent; the wait is not part of the attempt."""
        ...


@runtime_checkable
class Probed(Protocol):
    """A notifier that can be tried without sending anything."""

    async def probe(self) -> None:
        """Connect and sign in, and let go again.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class NotifierType(Generic[SettingsT]):
    """A kind of notifier; `payload` makes its own form of a message for the outbox, and says how many items it cut.

    `in_flight`: how many messages it sends at a time. `deadline_seconds`: after so long an attempt is given up.
    """

    name: str
    settings: type[SettingsT]
    open: Callable[[SettingsT, NotifierContext], Notifier]
    addresses: bool = True  # True: one message per person's address; False: one channel
    payload: Callable[[SettingsT, MessageView], tuple[Mapping[str, Any], int]] | None = None
    check: Callable[[SettingsT], Sequence[str]] = lambda _: ()  # warnings that need no network
    in_flight: int = 1
    deadline_seconds: Callable[[SettingsT], float] = lambda _: 60.0


@dataclass(frozen=True, slots=True, eq=False)
class CycleReport:
    """A finished cycle, for observers: what was known, found, changed and is open, as committed."""

    number: int
    started: datetime
    ended: datetime
    snapshot: Snapshot
    rules: RuleSet
    findings: Sequence[Findings]
    alerts: Sequence[Alert]  # pending and open
    transitions: Sequence[Transition]
    silenced: frozenset[str] = frozenset()  # ids of the alerts whose messages a silence holds back
    measures: Mapping[tuple[str, str], pl.DataFrame] = field(default_factory=dict)  # (measure, "") -> uid, value
    readings: Mapping[str, Outcome] = field(default_factory=dict)
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    colours: pl.DataFrame = field(default_factory=pl.DataFrame)  # project (uid), dimension, state: `rollup.py`
    headline: Callable[[Alert, str], str] = lambda alert, _: alert.rule  # an alert in one line of a language


class Observer(Protocol):
    """Shows a finished cycle; it is read from outside, so nothing counts as sent."""

    def wishes(self) -> Sequence[str]:
        """Return the measures it shows, computed with default parameters in each cycle."""
        ...

    def cycle_finished(self, report: CycleReport) -> None:
        """Take in a finished cycle; called in a worker thread."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


@runtime_checkable
class ServesHttp(Protocol):
    """An observer that also answers requests."""

    def mounts(self) -> Mapping[str, AsgiApp]:
        """Return path -> ASGI application."""
        ...


@runtime_checkable
class Pushes(Protocol):
    """An observer that also keeps sending what it shows: what is lost is made good by the next push.

    Its methods are called in the event loop. They return by member, of those it sends to, why it did not take what was
    sent; None where it did.
    """

    async def push(self) -> Mapping[str, DeliveryError | None]:
        """Send what is known now; nothing, to nobody, before the first cycle."""
        ...

    async def push_test(self) -> Mapping[str, DeliveryError | None]:
        """Send something that is clearly a test."""
        ...

    async def probe(self) -> Mapping[str, DeliveryError | None]:
        """See who would take a push, without sending anything that shows."""
        ...

    async def end(self) -> None:
        """Let go of connections; nothing is pushed after it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ObserverType(Generic[SettingsT]):
    """A kind of observer; set under `notifiers:` like the others.

    `every`: how often what it opens is to push, which then must be a `Pushes`; None: it is read from outside.
    `deadline_seconds`: after so long a push is given up.
    """

    name: str
    settings: type[SettingsT]
    open: Callable[[SettingsT, NotifierContext], Observer]
    check: Callable[[SettingsT], Sequence[str]] = lambda _: ()  # warnings that need no network
    every: Callable[[SettingsT], timedelta] | None = None
    deadline_seconds: Callable[[SettingsT], float] = lambda _: 60.0
