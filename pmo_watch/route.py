"""Step 5: transitions x audiences -> messages in facts, and the book of who was told what (spec alerts).

Pure: what was told, what waits and what was marked comes in, and goes out changed, to be stored with the messages in
one transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.alerts import Alert, Left, Message, Silence, Thread, Told, Transition, WaitingMessage
from pmo_watch.at_once import MARGIN, AtOnce
from pmo_watch.audiences import Audiences, Channels, Recipient
from pmo_watch.desk import Desk
from pmo_watch.digests import last_left
from pmo_watch.finding_rows import FindingRows
from pmo_watch.flow import Findings, Snapshot
from pmo_watch.news import read
from pmo_watch.notices import Notices
from pmo_watch.overviews import Overviews
from pmo_watch.pace import Pace
from pmo_watch.recurring import turned
from pmo_watch.rollup import no_colours
from pmo_watch.rules import Audience, Digest, RuleSet
from pmo_watch.silences import going_on, over
from pmo_watch.standing import LookBack
from pmo_watch.standings import Known, Standings
from pmo_watch.subjects import Subjects
from pmo_watch.told import ToldBook

Marks = Mapping[tuple[str, str], str]  # kind ("digest", "flag") and name -> text


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What a cycle brought: transitions in order, every alert pending or open after them, the findings.

    `flapping`: alerts that are marked so, also closed ones. `colours`: of projects, as `rollup.computed_colours` says.
    """

    transitions: Sequence[Transition] = ()
    alerts: Sequence[Alert] = ()
    findings: Sequence[Findings] = ()
    flapping: Sequence[Alert] = ()
    colours: pl.DataFrame = field(default_factory=no_colours)


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """What the store keeps of messages: who was told, silences, what waits, threads, marks.

    `silences`: those not ended, and times of recurring ones that a person ended. `faults`: notifiers that do not work,
    since when, and what the other side said. `look_back`: what was, where a digest leaves. `templates`: those that
    failed on a message, and how. `left`: what left in the last day or two, or waits to leave.
    """

    told: Sequence[Told] = ()
    silences: Sequence[Silence] = ()
    waiting: Sequence[WaitingMessage] = ()
    threads: Sequence[Thread] = ()
    marks: Marks = field(default_factory=dict)
    faults: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    look_back: LookBack = field(default_factory=LookBack)
    templates: Mapping[str, str] = field(default_factory=dict)
    left: Sequence[Left] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """The messages of a cycle, and what the store must keep with them.

    `silences`: those whose end was said, as ended, and recurring ones that begin now or have other days than before.
    `standing`: all that are known after this cycle. `threads`: that start now; their subject is the rendered one.
    `marks`: None deletes. `replaces`: waiting messages that go without a successor (`Message.replaces` names the
    others). `held`: messages held back, by reason. `unresolved`: how often an audience resolved to nobody.
    """

    messages: tuple[Message, ...] = ()
    told_added: tuple[Told, ...] = ()
    told_removed: tuple[Told, ...] = ()
    silences: tuple[Silence, ...] = ()
    standing: tuple[Silence, ...] = ()
    threads: tuple[Thread, ...] = ()
    marks: Mapping[tuple[str, str], str | None] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()
    held: Mapping[str, int] = field(default_factory=dict)
    unresolved: Mapping[str, int] = field(default_factory=dict)


def route(
    changes: Changes,
    ledger: Ledger,
    rules: RuleSet,
    snapshot: Snapshot,
    channels: Channels,
    former: RuleSet | None = None,
) -> Routed:
    """Say who is told what over which channel, and when.

    `former`: the rules in force at the last cycle, which name a rule that was removed and its owner.
    """
    begun = _begun(ledger, rules, snapshot)
    ledger = _with(ledger, begun)
    desk = desk_of(changes, ledger, rules, former or RuleSet(), snapshot, channels)
    at_once = AtOnce(desk, _pace(desk, ledger))
    at_once.gather(changes.transitions)
    ended = over(ledger.silences, snapshot.now)
    found = FindingRows(changes.findings)
    at_once.speak_again(ended, changes.alerts, found)
    at_once.speak_to_successors(changes.alerts, found)
    at_once.merge(ledger.waiting, changes.transitions)
    threads = {(one.notifier, one.recipient, one.project): one for one in ledger.threads}
    messages, started, empty = at_once.messages(threads)
    notices = Notices(desk, ledger.marks)
    notices.on_sources()
    notices.on_channels(ledger.faults)
    notices.on_files()
    notices.on_vacancies()
    notices.on_templates(ledger.templates)
    notices.on_removed(changes.transitions)
    notices.on_flapping(changes.flapping)
    notices.on_unknown(changes.transitions, changes.alerts)
    overviews = _overviews(desk, changes, ledger)
    overviews.make(ledger.marks)
    digests = [at_once.taken(one) for one in overviews.messages]
    later, begun_later, _ = at_once.messages(threads)
    return Routed(
        messages=(*messages, *later, *notices.messages, *digests),
        told_added=desk.book.added(),
        told_removed=desk.book.removed(),
        silences=tuple({**begun, **{one.id: replace(one, ended=True) for one in ended}}.values()),
        standing=tuple(ledger.silences),
        threads=(*started, *begun_later),
        marks={**notices.marks, **overviews.marks},
        replaces=tuple(empty),
        held=dict(desk.held),
        unresolved=dict(desk.unresolved),
    )


def overview(
    changes: Changes,
    ledger: Ledger,
    rules: RuleSet,
    snapshot: Snapshot,
    channels: Channels,
    wanted: tuple[Audience, Digest, Recipient | None],
) -> list[Message]:
    """Return what an audience would read if a digest left now, one message for each who reads it; nobody is told.

    With a recipient in `wanted` it is one message to that one, of all that any of them would read.
    """
    audience, digest, reader = wanted
    ledger = _with(ledger, _begun(ledger, rules, snapshot))
    desk = desk_of(changes, ledger, rules, RuleSet(), snapshot, channels)
    # What ended is noted for the digests that began to tell of it.
    AtOnce(desk, _pace(desk, ledger)).gather(changes.transitions)
    return _overviews(desk, changes, ledger).now(audience, digest, last_left(digest.name, ledger.marks), reader)


def _pace(desk: Desk, ledger: Ledger) -> Pace:
    """Return what says when messages leave: what still waits and may be taken back counts for nothing."""
    after = desk.snapshot.now + MARGIN
    waits = {one.id for one in ledger.waiting if one.not_before > after}
    return Pace(desk, (one for one in ledger.left if one.id not in waits), ledger.marks)


def _begun(ledger: Ledger, rules: RuleSet, snapshot: Snapshot) -> dict[str, Silence]:
    """Return the recurring silences that begin now or have other days than before, by id."""
    zone = ZoneInfo(snapshot.organisation.timezone)
    begun = turned(rules.silences, snapshot.calendars, ledger.silences, snapshot.now, zone)
    return {one.id: one for one in begun}


def _with(ledger: Ledger, begun: Mapping[str, Silence]) -> Ledger:
    known = {one.id: one for one in ledger.silences}
    return replace(ledger, silences=tuple({**known, **begun}.values()))


def _overviews(desk: Desk, changes: Changes, ledger: Ledger) -> Overviews:
    known = Known(desk.snapshot, changes.colours, ledger.look_back)
    return Overviews(desk, changes.alerts, changes.findings, Standings(known))


def desk_of(
    changes: Changes, ledger: Ledger, rules: RuleSet, former: RuleSet, snapshot: Snapshot, channels: Channels
) -> Desk:
    """Return what every message is made with; `former`: see `route`."""
    spoken_of = [one.alert for one in changes.transitions]
    spoken_of += [one for one in changes.alerts if one.unknown_since or ledger.silences]
    spoken_of += [news.alert for message in ledger.waiting for news in read(message.facts)]
    subjects = Subjects(snapshot, ((one.entity, one.subject) for one in spoken_of))
    audiences = Audiences(rules, snapshot, channels, subjects)
    silences = going_on(ledger.silences, snapshot.now)
    return Desk(rules, former, snapshot, channels, subjects, audiences, silences, ToldBook(ledger.told))
