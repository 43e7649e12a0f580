"""Why an alert came, or did not: every value, day counted, suppression and reader, rule by rule, on one row.

What is found is found again by the steps of a cycle; what happened comes from the log and the outbox.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pmo_watch.alert_log import RISES
from pmo_watch.alerts import Alert, Told
from pmo_watch.audiences import PERSONAL, unnamed
from pmo_watch.confirm import Moment
from pmo_watch.counted_days import Counted, behind
from pmo_watch.finding_rows import rows_of
from pmo_watch.flow import SourceState
from pmo_watch.foresight import Ahead, Confirming, ahead, confirming
from pmo_watch.hold_backs import HeldBack, of_alert, of_message, of_routings, of_rule
from pmo_watch.inquiry import Log, World
from pmo_watch.routings import Router, Routing
from pmo_watch.rules import Rule, Unit
from pmo_watch.scrutiny import Examined, MeasureSeen, RowSeen
from pmo_watch.store import OutboxEntry, TransitionEntry
from pmo_watch.subjects import Subject
from pmo_watch.workdays import Calendar

WORST_FIRST = ("red", "amber", "grey", "green", "na", "")


@dataclass(frozen=True, slots=True)
class DataBasis:
    """A source that the row rests on, as it stood; instants are UTC, None is never.

    `usable`: whether alerts may be concluded from it now.
    """

    source: str
    outcome: str
    as_of: date | None
    read_at: datetime | None
    last_good: datetime | None
    failing_since: datetime | None
    error: str
    held: str
    usable: bool


@dataclass(frozen=True, slots=True)
class MeasureShown:
    """A measure on the row with the days behind its value, where two that it names give it."""

    seen: MeasureSeen
    days: Counted | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RuleOnRow:
    """What one rule makes of the row, and what became of it.

    `finding`: the row of the finding with its evidence; empty where the rule does not look at the row. `row`: the
    same piece by piece; None then, and for a single person. `alert`: the one that is pending or open, else the last
    one; `earlier`: ids of those before. `waits`: a level that is not confirmed yet. `told`: who is owed its end.
    """

    rule: Rule
    finding: Mapping[str, Any]
    row: RowSeen | None
    measures: tuple[MeasureShown, ...] = ()
    alert: Alert | None = None
    earlier: tuple[str, ...] = ()
    waits: Confirming | None = None
    transitions: tuple[TransitionEntry, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    routings: tuple[Routing, ...] = ()
    told: tuple[Told, ...] = ()
    messages: tuple[OutboxEntry, ...] = ()
    ahead: tuple[Ahead, ...] = ()

    @property
    def level(self) -> str:
        """The level of the alert where one is open, else the state that was found."""
        is_open = self.alert is not None and self.alert.closed_at is None and self.alert.level
        return str(is_open or self.finding.get("state") or "")


@dataclass(frozen=True, slots=True, eq=False)
class Why:
    """The answer: the row, what it rests on, and every rule about it, the worst first.

    `notes`: what else keeps rules from looking at it. `personal`: the row is a person: nothing found of it is shown.
    """

    subject: Subject
    at: datetime
    zone: str
    sources: tuple[DataBasis, ...]
    rules: tuple[RuleOnRow, ...]
    notes: tuple[str, ...] = field(default=())
    personal: bool = False


def rules_about(world: World, entity: str, wanted: str = "") -> list[Rule]:
    """Return the rules for each row of an entity, those that are switched off among them; only `wanted` where given."""
    return [one for one in world.rules.rules.values() if one.for_each == entity and wanted in {"", one.id}]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked: about which row, what rules make of it, the alerts on it, and what the store keeps of those.

    `alerts`: as `inquiry.alerts_on` gives them. `logs`: by alert id.
    """

    world: World
    subject: Subject
    examined: Examined
    alerts: Sequence[Alert]
    logs: Mapping[str, Log]


def why(asked: Asked) -> Why:
    """Answer for the rules that were examined, and those of them that are switched off."""
    world, subject = asked.world, asked.subject
    router = Router(world.desk)
    personal = subject.entity == PERSONAL
    rules = [one for one in rules_about(world, subject.entity) if one.id in asked.examined.wanted]
    gone = sorted(asked.examined.wanted - {*world.rules.rules})  # rules that are no more, whose alerts still are
    rules += [world.desk.rule(one) for one in gone]
    found = [_on_row(asked, router, one) for one in rules]
    if personal:
        found = [_without_person(one) for one in found]
    return Why(
        subject,
        world.now,
        world.snapshot.organisation.timezone,
        tuple(_sources(world, subject)),
        tuple(sorted(found, key=lambda one: (WORST_FIRST.index(one.level), one.rule.id))),
        tuple(_notes(world, subject, found)),
        personal,
    )


def _on_row(asked: Asked, router: Router, rule: Rule) -> RuleOnRow:
    uid, snapshot = asked.subject.uid, asked.world.snapshot
    findings = asked.examined.findings.get(rule.id)
    finding = rows_of(findings, [uid]).get(uid, {}) if findings else {}
    row = asked.examined.rows.get(rule.id, {}).get(uid)
    seen = row.measures if row else ()
    shown = [MeasureShown(one, _days(one, row, snapshot.calendars, snapshot.today)) for one in seen if row]
    alerts = [one for one in asked.alerts if one.rule == rule.id]
    found = RuleOnRow(rule, finding, row, tuple(shown), earlier=tuple(one.id for one in alerts[1:]))
    found = _with_log(found, alerts[0], asked) if alerts else found
    return _with_holds(found, router, asked, findings.failed if findings else "")


def _with_log(found: RuleOnRow, alert: Alert, asked: Asked) -> RuleOnRow:
    """Return it with the last alert, and what the store keeps of that up to the moment."""
    log, world = asked.logs.get(alert.id, Log()), asked.world
    return replace(
        found,
        alert=alert,
        transitions=tuple(one for one in log.transitions if one.at <= world.now),
        told=() if world.past else tuple(world.desk.book.about(alert.id)),
        messages=tuple(one for one in log.messages if one.created_at <= world.now),
    )


def _with_holds(found: RuleOnRow, router: Router, asked: Asked, failed: str) -> RuleOnRow:
    """Return it with whom the rule tells, what holds that back, and what comes next."""
    rule, subject, world = found.rule, asked.subject, asked.world
    alert = found.alert if found.alert and found.alert.closed_at is None else None
    at = moment(world, subject)
    waits = confirming(alert, rule, at) if alert else None
    routings = router.routings(rule, alert or stand_in(rule, subject))
    held = [*of_rule(rule, world.rules, failed)]
    held += of_alert(alert, rule, world.holding(), waits) if alert else ()
    held += of_routings(routings, alert.level, rule, _reached(found, alert)) if alert and alert.level else ()
    held += [one for message in found.messages if (one := of_message(message, world.now)) is not None]
    comes = tuple(ahead(alert, rule, subject, at)) if alert and rule.enabled else ()
    return replace(found, waits=waits, routings=tuple(routings), held_back=tuple(held), ahead=comes)


def _reached(found: RuleOnRow, alert: Alert) -> set[str]:
    """Return who was told of the alert since it became as bad as it was last, or has a message on the way."""
    rose = next((one.at for one in reversed(found.transitions) if one.reason in RISES), alert.began_at)
    told = {one.recipient for one in found.told if one.level in {alert.level, "red"}}
    return told | {one.recipient for one in found.messages if rose is not None and one.created_at >= rose}


def moment(world: World, subject: Subject) -> Moment:
    """Return the moment as alerts on the subject see it."""
    snapshot = world.snapshot
    return Moment(snapshot.now, snapshot.today, ZoneInfo(snapshot.organisation.timezone), subject.calendar)


def stand_in(rule: Rule, subject: Subject, level: str = "") -> Alert:
    """Return what stands for an alert that there is not; it is kept nowhere."""
    project = subject.project
    return Alert(
        "",
        rule.id,
        subject.uid,
        subject.entity,
        subject.id,
        subject.name,
        project.uid if project else "",
        project.code if project else "",
        subject.text("source"),
        level="red" if level == "red" else "amber" if level == "amber" else None,
    )


# --- days, sources, what else -------------------------------------------------------------------------------------


def _days(seen: MeasureSeen, row: RowSeen, calendars: Mapping[str, Calendar], today: date) -> Counted | None:
    """Return the days behind a value in working days: between two days of its evidence, or one and the clock."""
    if seen.unit != Unit.WORKING_DAYS.value or row.calendar not in calendars:
        return None
    named = {name: _day(value) for name, value in seen.evidence.items()}
    clocks = {"as_of": seen.as_of, "today": today}
    days = {name: day for name, day in {**named, **clocks}.items() if day is not None}
    return behind(seen.value, days, calendars[row.calendar])


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def _sources(world: World, subject: Subject) -> Iterator[DataBasis]:
    """Yield the sources of the row: the one it comes from, and where several make a row of one thing all of them."""
    states = world.snapshot.sources
    own = subject.text("source")
    merged = bool(own) and not subject.uid.startswith(f"{own}:") and subject.uid != f"source:{own}"
    names = [own, *(name for name in states if name != own)] if merged else [own]
    usable = subject.row.get("@usable") is not False
    yield from (_basis(states[name], usable=usable) for name in names if name in states)


def _basis(state: SourceState, *, usable: bool) -> DataBasis:
    return DataBasis(
        state.name,
        state.outcome.value if state.outcome else "",
        state.as_of,
        state.read_at,
        state.last_good,
        state.failing_since,
        state.error,
        state.held,
        usable,
    )


def _notes(world: World, subject: Subject, found: Iterable[RuleOnRow]) -> Iterator[str]:
    """Yield what keeps rules from looking at the row although there are some for such rows."""
    if subject.gone:
        had = "had this row then" if world.past else "has this row any more"
        yield f"no source {had}: what is shown is what alerts remember of it"
    seen = list(found)
    if not seen:
        yield f"no rule is for each {subject.entity}"
    elif not subject.gone and all(not one.finding for one in seen if one.rule.enabled):
        yield _overlooked(subject)
    for file, fault in world.rules.unused_files.items():
        yield f"{file} has faults, and nothing of it is in force: {fault}"


def _overlooked(subject: Subject) -> str:
    if subject.row.get("active") is False:
        return "no rule looks at it: it was taken out of the plan"
    return "no rule looks at it: it is a summary, external, or otherwise none of the rows that rules are for"


def for_anybody(alert: Alert) -> Alert:
    """Return an alert as it may be shown to whoever asks: one on a person without the name and what was found."""
    return replace(unnamed(alert), value=None, value_at_open=None) if alert.entity == PERSONAL else alert


def _without_person(one: RuleOnRow) -> RuleOnRow:
    """Return what may be shown to anybody of a rule on a single person: that there is an alert, and who holds it."""
    transitions = tuple(replace(each, finding={}, value=None) for each in one.transitions)
    alert = for_anybody(one.alert) if one.alert else None
    return replace(one, finding={}, row=None, measures=(), alert=alert, transitions=transitions, told=(), messages=())
