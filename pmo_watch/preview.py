"""A message as it would look now: of an open alert where there is one, else of a sample; nothing is sent or kept."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import polars as pl

from pmo_watch.alerts import Alert, Message, Reason, Rendered
from pmo_watch.audiences import PERSONAL, Audiences, Recipient
from pmo_watch.cycle import Draft, Engine
from pmo_watch.desk import Desk
from pmo_watch.errors import ConfigError
from pmo_watch.faults import did_you_mean, quoted
from pmo_watch.finding_rows import rows_of
from pmo_watch.flow import Snapshot
from pmo_watch.in_force import InForce
from pmo_watch.news import News
from pmo_watch.outgoing import channels, render_context
from pmo_watch.render import RenderContext, render, render_for
from pmo_watch.row_search import PERSON, person_called
from pmo_watch.rules import Rule, RuleSet
from pmo_watch.sample_alerts import Level, SampleAlert, sample_alert, worst_level
from pmo_watch.store import Store
from pmo_watch.subjects import Subjects
from pmo_watch.template_grammar import ENDINGS
from pmo_watch.told import ToldBook

Kind = Literal["opened", "worsened", "recovered", "digest"]
CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: a rule by its id, a person by address, name or uid; without a level the worst there is."""

    rule: str
    to: str
    level: Level | None = None
    kind: Kind = "opened"
    card: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """The message in words, and what it was made from, line by line."""

    rendered: Rendered
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """What a message is made of: alerts with what was found of each, and the desk that knows their names."""

    desk: Desk
    rule: Rule
    alerts: tuple[tuple[Alert, Mapping[str, Any]], ...]
    origin: str
    sample: SampleAlert | None = None

    def audience(self, recipient: Recipient) -> str:
        """Return the audience by which somebody is told of any of the alerts; nothing where they are not."""
        names = list(dict.fromkeys(name for some in self.rule.tell.values() for name in some))
        if self.sample is not None:
            return next(iter(names), "")
        told = (
            name
            for name in names
            for alert, _ in self.alerts
            if recipient.id in {one.id for one in self.desk.whom(name, alert)}
        )
        return next(told, "")


def preview(in_force: InForce, store: Store, wish: Wish, now: datetime) -> Preview:
    """Make a message without sending or writing anything.

    Raises:
        ConfigError: nobody or nothing is known by that name, or no notifier of the settings makes cards.
    """
    rule = _rule(in_force, wish.rule)
    draft = Engine(store, in_force).preview(now, ())
    recipient, notes = _recipient(in_force, draft.picture.snapshot, wish.to)
    known = [one for one in store.alerts() if one.rule == rule.id and one.level and one.closed_at is None]
    # Whoever asks may not be one of those who may know of a single person.
    chosen = [one for one in known if wish.level in {None, one.level} and one.entity != PERSONAL]
    material = _of_alerts(in_force, draft, rule, chosen) if chosen else _of_sample(in_force, rule, wish.level, now)
    message = _message(material, recipient, wish.kind, now)
    context = render_context(in_force, now)
    context = replace(context, overrides=context.overrides.again(), acknowledge=_harmless(context.acknowledge))
    rendered = _with_card(in_force, message, context) if wish.card else render(message, context)[0]
    notes += [material.origin]
    if not material.audience(recipient):
        notes.append(f"{recipient.name} would not be told of it: see 'tell' of the rule")
    notes.append(f"subject: {rendered.subject}")
    if not wish.card:
        notes += _templates_used(in_force, message, context)
    return Preview(rendered, tuple(notes))


def _rule(in_force: InForce, name: str) -> Rule:
    rules = in_force.rules.rules
    if name in rules:
        return rules[name]
    hint = did_you_mean(name, rules) or f"; there is {', '.join(rules) or 'none'}"
    faulty = "; rule files have faults: 'pmo-watch check' shows them" if in_force.loaded.faults else ""
    raise ConfigError(f"there is no rule {quoted(name)}{hint}{faulty}")


def _harmless(acknowledge: Callable[[Message], str]) -> Callable[[Message], str]:
    """Return what gives an address like the one that acknowledges, without the token that would do so."""

    def shown(message: Message) -> str:
        before, found, _ = acknowledge(message).partition("/ack/")
        return f"{before}{found}preview" if found else ""

    return shown


# --- to whom ------------------------------------------------------------------------------------------------------


def _recipient(in_force: InForce, snapshot: Snapshot, to: str) -> tuple[Recipient, list[str]]:
    """Return the person that is meant, as audiences know them; an address that nobody has where no person is known."""
    uid = person_called(snapshot, to.strip())
    people = snapshot.frame(PERSON).select("uid", "email", "name")
    found = people.filter(pl.col("uid") == uid).to_dicts()
    addresses = [one.email for one in in_force.rules.audiences.values() if one.email]
    if not found and to.strip().lower() not in {one.lower() for one in addresses} and ("@" not in to or people.height):
        words = [*addresses, *(word for name in ("email", "name") for word in people[name].drop_nulls())]
        unread = "" if people.height else "; no persons were read yet: give an e-mail address"
        raise ConfigError(f"nobody is known as {quoted(to)}{did_you_mean(to, words) or unread}")
    if found and not found[0]["email"]:
        raise ConfigError(f"{quoted(to)} has no e-mail address: nothing can be written to them")
    address = found[0]["email"] if found else to.strip()
    desk = _desk(in_force, snapshot, ())
    reached = [one for one in desk.audiences.owner(address) if one.address.lower() == address.lower()]
    organisation = in_force.organisation
    language, zone = organisation.language, organisation.timezone
    calendar = in_force.calendars[organisation.calendar]
    unreached = Recipient(address, found[0]["name"] or address if found else address, "", address, "", zone, calendar)
    notes = [] if found else [f"{address} is nobody that a source knows: written in {language}, for {zone}"]
    return (reached or [unreached])[0], notes


# --- of what ------------------------------------------------------------------------------------------------------


def _desk(in_force: InForce, snapshot: Snapshot, alerts: Sequence[Alert]) -> Desk:
    subjects = Subjects(snapshot, [(one.entity, one.subject) for one in alerts])
    known = channels(in_force)
    audiences = Audiences(in_force.rules, snapshot, known, subjects)
    return Desk(in_force.rules, RuleSet(), snapshot, known, subjects, audiences, (), ToldBook(()))


def _of_alerts(in_force: InForce, draft: Draft, rule: Rule, alerts: Sequence[Alert]) -> _Material:
    """Return the open alerts of a rule, worst and oldest first, with what is found of them now."""
    ordered = sorted(alerts, key=lambda one: (one.level != "red", one.opened_at.isoformat() if one.opened_at else ""))
    rows = {
        uid: row
        for one in draft.findings
        if one.rule == rule.id
        for uid, row in rows_of(one, [alert.subject for alert in ordered]).items()
    }
    first = ordered[0]
    since = f" since {first.since:%Y-%m-%d}" if first.since else ""
    origin = f"of the open alert {first.id} on {first.subject_name or first.subject}, {first.level}{since}"
    others = f"; the rule has {len(ordered)} such alerts" if len(ordered) > 1 else ""
    desk = _desk(in_force, draft.picture.snapshot, ordered)
    return _Material(desk, rule, tuple((one, rows.get(one.subject, {})) for one in ordered), origin + others)


def _of_sample(in_force: InForce, rule: Rule, level: Level | None, now: datetime) -> _Material:
    made = sample_alert(in_force, rule, level or worst_level(rule), now)
    desk = _desk(in_force, made.snapshot, [made.alert])
    return _Material(desk, rule, ((made.alert, made.finding),), made.origin, made)


# --- the message --------------------------------------------------------------------------------------------------


def _message(material: _Material, recipient: Recipient, kind: Kind, now: datetime) -> Message:
    alerts = material.alerts if kind == "digest" else material.alerts[:1]
    audience = material.audience(recipient)
    news = [_news(alert, finding, kind, audience, now) for alert, finding in alerts]
    identity = hashlib.sha256(f"preview {material.rule.id} {kind}".encode()).hexdigest()[:32]
    message = material.desk.message(recipient, "digest" if kind == "digest" else "alert", identity, news)
    if (sample := material.sample) is not None:
        message = replace(message, items=tuple(sample.named(one, message.language) for one in message.items))
    if kind == "digest":
        message = replace(message, digest=_digest(material), day=material.desk.snapshot.today)
    return message


def _news(alert: Alert, finding: Mapping[str, Any], kind: Kind, audience: str, now: datetime) -> News:
    if kind == "worsened":
        return News(replace(alert, level="red"), Reason.WORSENED.value, "amber", now, audience, finding=finding)
    if kind == "recovered":
        # What will be measured then nobody knows: the source and its day alone are said.
        known = {name: finding[name] for name in ("source", "as_of", "as_of_note") if name in finding}
        closed = replace(alert, closed_at=now, close_reason=Reason.RECOVERED.value)
        return News(closed, Reason.RECOVERED.value, alert.level or "", now, audience, finding=known)
    return News(alert, Reason.OPENED.value, "", now, audience, first=True, finding=finding)


def _digest(material: _Material) -> str:
    """Return the digest that the rule's audiences read, else any."""
    rules = material.desk.rules
    named_by = [name for some in material.rule.tell.values() for name in some]
    audiences = [rules.audiences[name] for name in named_by if name in rules.audiences]
    read = (how for one in audiences for how in one.deliver.values() if how in rules.digests)
    return next(read, next(iter(rules.digests), "daily"))


def _with_card(in_force: InForce, message: Message, context: RenderContext) -> Rendered:
    """Return the message with its card, by the first notifier of the settings that makes one."""
    for entry in in_force.notifiers().values():
        kind = in_force.plugins.notifiers[entry.type]
        if kind.payload is not None:
            rendered, _ = render_for(message, context, kind, entry.settings)
            attached = (rendered.payload or {}).get("attachments")
            if isinstance(attached, list) and any(one.get("contentType") == CARD for one in attached):
                return rendered
    raise ConfigError("no notifier of the settings makes cards: set one up, or leave --format card out")


def _templates_used(in_force: InForce, message: Message, context: RenderContext) -> list[str]:
    """Return which templates made the mail where they are the organisation's, and which could not."""
    folder = in_force.templates.folder
    chosen = {form: context.overrides.chosen(message.kind, message.language, form) for form in ENDINGS}
    used = [f"{form} made by {folder}/{name}" for form, name in chosen.items() if name]
    return [*used, *(f"not used: {folder}/{text}" for text in context.overrides.failed.values())]
