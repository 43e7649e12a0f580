"""Why somebody was not told: every alert that concerns them, and for each the reason, or the message that told them.

Whom a rule tells, and how, is asked of the desk where messages are made; what was told is in the book and the outbox.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pmo_watch.alert_log import RISES
from pmo_watch.alerts import Alert, Reason, Silence
from pmo_watch.audiences import MAY_KNOW, PERSONAL
from pmo_watch.desk import AT_ONCE, NEVER, Desk
from pmo_watch.foresight import confirming
from pmo_watch.hold_backs import HeldBack, by_moment, of_alert, of_message, of_rule
from pmo_watch.inquiry import BEGINNING, Log, World
from pmo_watch.person_seen import PersonSeen, RoleHeld
from pmo_watch.routings import ESCALATE, REMIND, TELL, Router, Routing
from pmo_watch.rules import Rule
from pmo_watch.silences import matches
from pmo_watch.store import OutboxEntry, TransitionEntry
from pmo_watch.why import moment

Kind = Literal[
    "told",
    "on_its_way",
    "not_delivered",
    "pending",
    "unconfirmed",
    "came_and_went",
    "rule_off",
    "not_in_audience",
    "other_level",
    "escalation_to_come",
    "reminder_to_come",
    "never",
    "counted",
    "digest",
    "silenced",
    "was_silenced",
    "acknowledged",
    "joined_since",
    "rule_changed_since",
    "not_told_of_beginning",
    "cannot_be_told",
    "personal",
    "next_cycle",
]


@dataclass(frozen=True, slots=True)
class Because:
    """A reason: `who` is its author, `until` when it ends by itself (None: it does not, or nobody knows).

    `message`: id of the message that it speaks of; empty where there is none.
    """

    kind: Kind
    text: str
    who: str = ""
    until: datetime | date | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AlertForPerson:
    """An alert that concerns somebody: whether they were told, and why, or why not; the first reason decides.

    `held`: what else holds it back now. `messages`: those to this person about it.
    """

    alert: Alert
    rule: Rule
    told: bool
    because: tuple[Because, ...]
    held: tuple[HeldBack, ...] = ()
    messages: tuple[OutboxEntry, ...] = ()


class WhyNot:
    """Answers for one person."""

    def __init__(self, world: World, person: PersonSeen) -> None:
        self._world = world
        self._person = person
        self._router = Router(world.desk)
        self._places = {one.place for one in person.roles}

    @property
    def _desk(self) -> Desk:
        return self._world.desk

    def concerns(self, alert: Alert, log: Log) -> bool:
        """Say whether an alert is any of the person's business: named, told, or on something they have a role for."""
        known = [one.recipient for one in log.messages] + [one.recipient for one in self._desk.book.about(alert.id)]
        if self._person.uid in known:
            return True
        subject = self._desk.subjects.of(alert)
        own = self._person.uid in {subject.text(name) for name in ("owner", "provider", "leader", "manager")}
        by_place = any(place.uid in self._places for place in subject.places) or "" in self._places
        rule = self._desk.rule(alert.rule)
        return own or by_place or any(self._is_reader(one, alert) for one in self._router.routings(rule, alert))

    def names(self, rule: Rule) -> bool:
        """Say whether a rule names an audience of the person at all."""
        named = {name for names in rule.tell.values() for name in names}
        named |= {name for step in rule.escalate for name in step.to}
        return bool(named & {*self._person.audiences}) or bool(
            rule.remind and {*rule.remind.to} & {*self._person.audiences}
        )

    def _is_reader(self, routing: Routing, alert: Alert) -> bool:
        if alert.entity == PERSONAL:  # its readers are named nowhere
            return self._person.uid in {one.id for one in self._desk.whom(routing.audience, alert)}
        return self._person.uid in {one.id for one in routing.readers}

    def answer(self, alert: Alert, log: Log) -> AlertForPerson:
        """Return why the person was told of the alert, or was not."""
        rule = self._desk.rule(alert.rule)
        messages = tuple(one for one in log.messages if one.recipient == self._person.uid)
        if alert.entity == PERSONAL:  # a subject may say what was found
            messages = tuple(replace(one, subject="") for one in messages)
        told = next((one for one in self._desk.book.about(alert.id) if one.recipient == self._person.uid), None)
        waits = confirming(alert, rule, moment(self._world, self._desk.subjects.of(alert)))
        held = [*of_rule(rule, self._world.rules, ""), *of_alert(alert, rule, self._world.holding(), waits)]
        held += [one for message in messages if (one := of_message(message, self._world.now)) is not None]
        answer = AlertForPerson(alert, rule, False, (), tuple(held), messages)
        news = _of_messages([one for one in messages if one.created_at >= _spoken_at(alert, log)], self._world.now)
        if news:
            return replace(answer, told=news[0].kind == "told", because=news)
        if told is not None and not told.ended and told.level in {alert.level, "red"} and alert.closed_at is None:
            digest = f" in the digest '{told.digest}'" if told.digest else ""
            text = f"was told on {_day(told.told_at, self._person)} as {told.audience}{digest}"
            return replace(answer, told=True, because=(Because("told", text),))
        if told is not None and told.ended:
            text = f"its end stands in the digest '{told.digest}', which told of its beginning"
            return replace(answer, because=(Because("digest", text, until=self._router.leaves_on(told.digest)),))
        earlier = [replace(one, text=f"earlier: {one.text}") for one in _of_messages(messages, self._world.now)]
        return replace(answer, because=(*self._not_told(alert, rule, log), *earlier))

    # --- not told -------------------------------------------------------------------------------------------------

    def _not_told(self, alert: Alert, rule: Rule, log: Log) -> Iterator[Because]:
        """Yield why there is no message; the first one decides, and there always is one."""
        if self._person.problem:
            yield Because("cannot_be_told", f"{self._person.name} {self._person.problem}")
        if alert.closed_at is not None:
            yield from self._closed(alert, log)
            return
        if alert.level is None:
            yield self._pending(alert, rule)
        if not rule.enabled or rule.id not in self._world.rules.rules:
            yield Because("rule_off", f"{rule.id} is switched off or gone: the next cycle closes the alert", rule.owner)
        routings = self._router.routings(rule, alert)
        mine = [one for one in routings if self._is_reader(one, alert)]
        if not mine:
            yield self._not_named(alert, rule, routings)
            return
        at_level = [one for one in mine if (one.by == TELL and one.level == alert.level) or one.taken]
        if alert.level is not None and not at_level:
            yield from self._at_other_levels(alert, mine)
        for one in at_level:
            yield from self._named(alert, rule, one, log)

    def _pending(self, alert: Alert, rule: Rule) -> Because:
        waits = confirming(alert, rule, moment(self._world, self._desk.subjects.of(alert)))
        if waits is None:
            return Because("pending", "it waits for its value: nobody hears of it before", "no_data of the rule")
        counted = f"{waits.seen} of {waits.wanted}" if waits.on is None else waits.wanted
        text = f"{waits.level} is not confirmed yet ({counted}): nobody hears of it before"
        return Because("pending", text, "confirm_after of the rule", waits.on)

    def _not_named(self, alert: Alert, rule: Rule, routings: Sequence[Routing]) -> Because:
        if alert.entity == PERSONAL:
            text = f"on a single person: only {' and '.join(MAY_KNOW)} of theirs may know, and this is neither"
            return Because("personal", text)
        told = [one for one in routings if one.by == TELL and one.level == alert.level] or list(routings)
        named = "; ".join(_who(one) for one in told) or "nobody"
        roles = ", ".join(
            sorted(f"{one.role} of {one.where or 'the organisation'}" for one in self._person.roles if one.holds)
        )
        text = f"{rule.id} tells {named}; {self._person.name} is none of them, holding {roles or 'no role'}"
        return Because("not_in_audience", text, rule.owner)

    def _at_other_levels(self, alert: Alert, mine: Sequence[Routing]) -> Iterator[Because]:
        for one in mine:
            if one.by == TELL and alert.level is not None:
                yield Because("other_level", f"{one.audience} is told at {one.level}, and the alert is {alert.level}")
            elif one.by == ESCALATE:
                text = f"{one.audience} is told by step {one.step}, after {one.after} at {one.level}: not yet taken"
                yield Because("escalation_to_come", text)
            elif one.by == REMIND:
                yield Because(
                    "reminder_to_come", f"{one.audience} is told by the reminders of the rule: none has come yet"
                )

    def _named(self, alert: Alert, rule: Rule, one: Routing, log: Log) -> Iterator[Because]:
        """Yield why somebody has no message although the rule tells their audience at this level."""
        if one.counted:
            yield Because("counted", f"{one.audience} reads how many there are on single persons, and not which")
        elif one.how == NEVER:
            yield Because("never", f"{one.audience} is never told of {alert.level}: its delivery for that is 'never'")
        elif one.how != AT_ONCE:
            text = f"{one.audience} reads {alert.level} in the digest '{one.how}', which has not left since"
            yield Because("digest", text, until=one.leaves_on)
        else:
            yield from self._at_once(alert, rule, one, log)

    def _at_once(self, alert: Alert, rule: Rule, one: Routing, log: Log) -> Iterator[Because]:
        said = _last_said(log.transitions)
        if said is None:
            yield Because("next_cycle", "nothing of it has been said yet: the next cycle decides")
            return
        covering = [each for each in self._world.silences if matches(each, alert, rule)]
        then = by_moment(covering, said.at)
        now = by_moment(covering, self._world.now)
        yield from (_silence("silenced" if each in now else "was_silenced", each) for each in then)
        if then:
            return
        if alert.acknowledged_until is not None:
            text = f"{alert.acknowledged_reason}: taken notice of, so nobody is reminded"
            yield Because("acknowledged", text, alert.acknowledged_by, alert.acknowledged_until)
        yield self._since_then(rule, one, said, log)
        yield from (_silence("silenced", each) for each in now)

    def _since_then(self, rule: Rule, one: Routing, said: TransitionEntry, log: Log) -> Because:
        """Return what has changed since it was said last: the rule, or who is to be told."""
        day = _day(said.at, self._person)
        if said.rule_version and said.rule_version != rule.version:
            text = f"'{said.reason}' was said on {day} by an earlier version of the rule ({said.rule_version[:12]})"
            return Because("rule_changed_since", f"{text}; whoever it names now hears of the next change", rule.owner)
        told = ", ".join(dict.fromkeys(each.recipient_name or each.recipient for each in log.messages)) or "nobody"
        began = [each for each in self._person.roles if each.since and each.since > said.at.date()]
        since = f", holding {_role(began[0])} since {began[0].since}" if began else ""
        text = f"'{said.reason}' was said on {day} to {told}; {self._person.name} is {one.audience} now{since}"
        return Because("joined_since", f"{text}, and hears of it with the next cycle in which nothing holds it back")

    # --- ended ----------------------------------------------------------------------------------------------------

    def _closed(self, alert: Alert, log: Log) -> Iterator[Because]:
        ended = _day(alert.closed_at or self._world.now, self._person)
        if alert.close_reason == Reason.CLEARED_UNCONFIRMED:
            yield Because("unconfirmed", f"it went by itself on {ended}, before it was confirmed: nobody was told")
            return
        if not log.messages:
            yield from self._nobody_was(alert, log, ended)
            return
        text = f"it ended on {ended} ({alert.close_reason}); the end is told to those who were told of the beginning"
        told = ", ".join(dict.fromkeys(each.recipient_name or each.recipient for each in log.messages))
        yield Because("not_told_of_beginning", f"{text}: {told}")

    def _nobody_was(self, alert: Alert, log: Log, ended: str) -> Iterator[Because]:
        rule = self._desk.rule(alert.rule)
        lasted = [one for one in self._world.silences if matches(one, alert, rule) and _overlaps(one, alert)]
        yield from (_silence("was_silenced", one) for one in lasted)
        yield Because("came_and_went", f"it ended on {ended} ({alert.close_reason}) before anybody was told of it")


def _overlaps(silence: Silence, alert: Alert) -> bool:
    opened, closed = alert.opened_at or alert.began_at, alert.closed_at
    return opened is not None and closed is not None and silence.since <= closed and opened < silence.until


def _silence(kind: Kind, one: Silence) -> Because:
    what = ", ".join(each for each in (one.rule, one.project, one.entity, one.tag) if each) or "everything"
    by_hand = f", ended by {one.ended_by}" if one.ended_by else ""
    return Because(kind, f"silence {one.name or one.id} over {what}: {one.why}{by_hand}", one.who, one.until)


def _last_said(log: Sequence[TransitionEntry]) -> TransitionEntry | None:
    """Return the last transition that all whom the rule tells at its level are told of at once."""
    return next((one for one in reversed(log) if one.reason in RISES), None)


def _spoken_at(alert: Alert, log: Log) -> datetime:
    """Return since when a message says what holds: since its end, else since it became as bad as it was last."""
    said = _last_said(log.transitions)
    return alert.closed_at or (said.at if said else alert.began_at) or alert.began_at or BEGINNING


def _of_messages(messages: Sequence[OutboxEntry], now: datetime) -> tuple[Because, ...]:
    """Return what the messages to a person say: those that arrived first."""
    found = [_of_one(one, now) for one in messages]
    return tuple(sorted(found, key=lambda one: ("told", "on_its_way", "not_delivered").index(one.kind)))


def _of_one(one: OutboxEntry, now: datetime) -> Because:
    about = f": {one.subject}" if one.subject else ""
    over = f"{one.kind} over {one.notifier} to {one.address or one.notifier}{about}"
    if one.state == "accepted":
        return Because("told", f"{over}; {one.answer or 'accepted'}", until=None, message=one.id)
    if one.state in {"waiting", "leased", "deferred"}:
        tried = f", {one.attempts} tried: {one.answer or one.reason}" if one.attempts else ""
        return Because("on_its_way", f"{over}; {one.state}{tried}", until=max(one.due, now), message=one.id)
    if one.fallback_id:
        return Because(
            "on_its_way", f"{over}; {one.state}: {one.answer}; {one.fallback_id} took its place", message=one.id
        )
    who = one.who if one.state == "dropped" else one.notifier
    return Because("not_delivered", f"{over}; {one.state}: {one.answer or one.reason}", who, message=one.id)


def _who(one: Routing) -> str:
    readers = ", ".join(each.name for each in one.readers) or "nobody"
    when = "" if one.by == TELL else f" by {one.by}"
    return f"{one.audience}{when} ({readers})"


def _role(one: RoleHeld) -> str:
    return f"{one.role} of {one.where or 'the organisation'}"


def _day(at: datetime, person: PersonSeen) -> str:
    return at.astimezone(ZoneInfo(person.zone)).strftime("%Y-%m-%d %H:%M")
