"""What a plugin implements: sources, measures, notifiers, observers; and what it is given."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import polars as pl
from pydantic import BaseModel, ConfigDict

from pmo_watch import workdays
from pmo_watch.alerts import Alert, OutboxRow, Transition
from pmo_watch.flow import Findings, Organisation, Outcome, Records, Snapshot, SourceState, Summary, Wish
from pmo_watch.rules import RuleSet, Unit
from pmo_watch.workdays import Calendar

Cursor = Mapping[str, Any]  # what `Summary.cursor` held last time
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
SettingsT = TypeVar("SettingsT", bound=BaseModel)


class PluginSettings(BaseModel):
    """What a person may set for a plugin; unknown names are errors with a suggestion."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- sources ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source is given when it is opened: its name, the moment, and what holds for the organisation.

    `folder`: what relative paths start from. `progress`: called with a text while a long reading goes on.
    """

    name: str
    folder: Path
    now: datetime
    zone: tzinfo
    organisation: Organisation
    calendars: Mapping[str, Calendar]
    rejects_limit: float = 0.2
    decimal: str = ""  # the organisation's writing, where it says one: comma or point
    dates: str = ""  # dmy, mdy or ymd
    progress: Callable[[str], None] = lambda _: None


class Source(Protocol):
    """Reads one system, in a worker thread: it may block."""

    def read(self, since: Cursor | None) -> Iterator[Records | Summary]:
        """Yield records part by part and one summary last; an error before the first record fails the reading.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; a reading that goes on ends."""
        ...


@runtime_checkable
class Watches(Protocol):
    """A source that reads files and wants to be read when they change."""

    def paths(self) -> Sequence[Path]:
        """Return the files and folders to watch; a folder is watched with all below it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SourceType(Generic[SettingsT]):
    """A kind of source: `name` is the folder's and the `type:` of the settings."""

    name: str
    settings: type[SettingsT]
    open: Callable[[SettingsT, SourceContext], Source]


# --- measures -----------------------------------------------------------------------------------------------------


class NoParams(PluginSettings):
    """The parameters of a measure that has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A measure's answer: expressions over `View.rows`, one value per row.

    `not_applicable`: text, why the question does not arise; null where it does. `unknown`: text, why the row is grey,
    where "missing <first null of needs>" does not say it. `breach`: text, why the row is red without a value.
    `note`: text, said with the result. `numerator` and `denominator` for ratios; a denominator of 0 makes the row na
    (`nothing due yet`), a null one grey. `sample`: number of rows the denominator counted, for the small-sample cap.
    `unit`: text, the unit to show where it is not the measure's own (`pp` for the change of an indicator in `%`).
    """

    value: pl.Expr
    numerator: pl.Expr | None = None
    denominator: pl.Expr | None = None
    not_applicable: pl.Expr | None = None
    unknown: pl.Expr | None = None
    breach: pl.Expr | None = None
    note: pl.Expr | None = None
    sample: pl.Expr | None = None
    unit: pl.Expr | None = None
    evidence: Mapping[str, pl.Expr] = field(default_factory=dict)
    companions: Mapping[str, pl.Expr] = field(default_factory=dict)  # further measures that thresholds may name

    @staticmethod
    def ratio(top: pl.Expr, bottom: pl.Expr) -> pl.Expr:
        """Divide as floats; null when either side is null or `bottom` is 0."""
        low = bottom.cast(pl.Float64)
        return pl.when(low != 0).then(top.cast(pl.Float64) / low)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One entity's rows as a measure and a rule see them.

    `rows`: the entity's own fields under their names, those of its parents as `project.<field>`, `program.<field>`,
    `indicator.<field>` and so on, and the engine's: `@calendar` (id of the row's calendar), `@as_of` and `@today`
    (dates), `@as_of_note` (text). For `milestone` and `task` only the countable rows of spec model 1.1. Rows of plans
    (`milestone`, `task`, `dependency`) come by the hundred thousand: of their parents they hold only what a rule or the
    `needs` of a measure names; the expressions of `Columns` may name any field.
    `snapshot` gives every other entity; `findings` those of the rules already evaluated in this cycle.
    """

    entity: str
    rows: pl.DataFrame
    snapshot: Snapshot
    findings: Mapping[str, Findings] = field(default_factory=dict)
    rules: RuleSet | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)  # rule id -> dimension of the colour it counts in

    def working_days(self, start: pl.Expr, end: pl.Expr) -> pl.Expr:
        """Count the working days in (start, end], each row in its own calendar; null when either is null."""

        choose = workdays.each_in_its_own(self.snapshot.calendars, self.snapshot.organisation.calendar)
        return choose(lambda calendar: workdays.count(start, end, calendar))

    def add_working_days(self, day: pl.Expr, number: pl.Expr) -> pl.Expr:
        """Return the `number`-th working day after `day`, each row in its own calendar."""

        choose = workdays.each_in_its_own(self.snapshot.calendars, self.snapshot.organisation.calendar)
        return choose(lambda calendar: workdays.add(day, number, calendar))

    def planned_share(self) -> pl.Expr:
        """Return the share of a row that its baseline promises by the status date, 0 to 1; milestones are 0 or 1.

        Over the columns of `plan_rows` with `baseline_start`, `baseline_finish` and `is_milestone`.
        """
        start, end, day = pl.col("baseline_start"), pl.col("baseline_finish"), pl.col("@as_of")
        eve = start - pl.duration(days=1)
        so_far, whole = self.working_days(eve, day), self.working_days(eve, end)
        share = pl.when(whole > 0).then(so_far / whole).otherwise(pl.when(whole == 0).then(0.0))
        return pl.when(day >= end).then(1.0).when(pl.col("is_milestone") | (day < start)).then(0.0).otherwise(share)

    def plan_rows(self, *fields: str) -> pl.DataFrame:
        """Return the countable rows of the plans of the projects in view, milestones included.

        Columns: `uid`, `project`, the fields, and the project's `@calendar`, `@as_of` and `@today`.
        """
        clocks = self.rows.select("@calendar", "@as_of", "@today", project="uid")
        tasks = self.snapshot.frame("task").lazy().filter("countable").select("uid", "project", *fields)
        return tasks.join(clocks.lazy(), on="project").collect()


def no_past(_: Any) -> tuple[Wish, ...]:
    """Return no wish for history."""
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Measure(Generic[SettingsT]):
    """A number, or null, for every row of one entity.

    `measure` is pure. It returns `Columns`, or a frame with `uid`, `value` and any of the other parts of `Columns`
    as columns of that name; further columns are evidence, and a row it leaves out is null. `needs` are the fields a
    null is blamed on, most telling first (`baseline_finish`, or with a prefix: `task.progress`). `clock` is `as_of` or
    `today`. `entities` may name a second one it pools to (`program`).

    `amber`, `red` and `recover` are the default thresholds as a rule would write them, with `; ` between several of
    which one is enough; a part may begin with the companion or field it is about:
    `at least 3 periods; milestone.slip_slope at least 1`. `row_thresholds`: the prefix of the rows' own thresholds
    (`indicator`: `indicator.amber` and so on), which come before those of the rule.
    """

    name: str  # "milestone.slip": names are unique over all folders
    entity: str
    unit: Unit
    params: type[SettingsT]
    needs: tuple[str, ...]
    measure: Callable[[SettingsT, View], Columns | pl.DataFrame]
    text: str = ""  # one line for the catalogue
    clock: str = "as_of"
    dimension: str = ""  # spec measures 1.11; empty: none
    past: Callable[[SettingsT], tuple[Wish, ...]] = no_past
    amber: str = ""  # default thresholds, as a rule would write them
    red: str = ""
    recover: str = ""
    companions: Mapping[str, Unit] = field(default_factory=dict)
    strict_age: bool = False  # earned value: a status date that is too old makes it grey
    finished_is_na: bool = False  # milestones, earned value, budget, schedule: spec measures 1.2
    on_hold_is_na: bool = True  # all but the one that measures how long
    row_thresholds: str = ""
    after_others: bool = False  # reads findings of other rules: evaluated last


# --- notifiers and observers --------------------------------------------------------------------------------------


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
    preheader: str = ""  # level and value, the first thing a list of messages shows


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
    """What a notifier is given when it is opened; `metrics` only where the daemon keeps any."""

    name: str
    folder: Path
    user_agent: str
    external_url: str = ""
    metrics: OwnMetrics | None = None


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


@dataclass(frozen=True, slots=True, eq=False)
class ObserverType(Generic[SettingsT]):
    """A kind of observer; set under `notifiers:` like the others."""

    name: str
    settings: type[SettingsT]
    open: Callable[[SettingsT, NotifierContext], Observer]
