"""A test message over the real channel, clearly marked as one, to an audience, a notifier or a person."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pmo_watch.alerts import Message, OutboxRow
from pmo_watch.audiences import Audiences, Recipient
from pmo_watch.cycle import Engine
from pmo_watch.errors import ConfigError, DeliveryError
from pmo_watch.in_force import InForce, open_notifiers
from pmo_watch.outgoing import channels, rendered
from pmo_watch.pushing import lines_of, try_out
from pmo_watch.row_search import person_called
from pmo_watch.store import Store
from pmo_watch.subjects import Subjects

KIND: Literal["test"] = "test"


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said of each recipient, and whether any of them did not accept."""

    lines: tuple[str, ...]
    failed: bool


async def send_test(in_force: InForce, store: Store, target: str, now: datetime) -> Answers:
    """Send a test message to everyone that `target` stands for, at once and past the outbox.

    Raises:
        ConfigError: it stands for nobody.
    """
    if target in in_force.pushers():
        took = await try_out(in_force, lambda one: one.push_test(), target)
        return Answers(tuple(lines_of(took)), any(any(one.values()) for one in took.values()))
    engine = Engine(store, in_force)
    notifiers = open_notifiers(in_force)
    lines, failed = [], False
    try:
        for one in _recipients(engine, in_force, target, now):
            try:
                answer = await notifiers[one.notifier].send(_row(in_force, one, now))
                lines.append(f"{one.notifier}: {one.address or one.notifier}: accepted, {answer}")
            except DeliveryError as fault:
                failed = True
                lines.append(f"{one.notifier}: {one.address or one.notifier}: {fault}")
    finally:
        for notifier in notifiers.values():
            await notifier.close()
    return Answers(tuple(lines), failed)


def _recipients(engine: Engine, in_force: InForce, target: str, now: datetime) -> list[Recipient]:
    zone, language = in_force.organisation.timezone, in_force.organisation.language
    calendar = in_force.calendars[in_force.organisation.calendar]
    entries, kinds = in_force.notifiers(), in_force.plugins.notifiers
    if target in entries and not kinds[entries[target].type].addresses:
        said = getattr(entries[target].settings, "language", language)
        return [Recipient(target, target, target, "", said, zone, calendar)]
    snapshot = engine.preview(now, ()).picture.snapshot
    audiences = Audiences(in_force.rules, snapshot, channels(in_force), Subjects(snapshot, ()))
    audience = in_force.rules.audiences.get(target)
    if audience is not None:
        found = audiences.everyone(audience)
        if not found:
            raise ConfigError(
                f"nobody stands behind the audience '{target}' now; 'pmo-watch once' reads who has which role"
            )
        return list(found)
    if uid := person_called(snapshot, target):
        person = audiences.person(uid)
        if person is None:
            raise ConfigError(f"'{target}' cannot be told: without an address, or not active")
        return [person]
    addressed = channels(in_force).addressed
    if "@" in target and addressed:
        return [Recipient(target, target, addressed[0], target, language, zone, calendar)]
    raise ConfigError(_nobody(in_force, target))


def _nobody(in_force: InForce, target: str) -> str:
    entries = in_force.notifiers()
    if "@" in target:
        return "no notifier of the settings sends to addresses"
    if target in entries:
        return f"the notifier '{target}' sends to addresses: name one, or an audience"
    if target in in_force.settings.notifiers:
        return f"the notifier '{target}' sends no messages, or is switched off"
    known = ", ".join([*in_force.rules.audiences, *entries])
    return f"'{target}' is no audience, notifier, person or address; there is {known or 'none'}"


def _row(in_force: InForce, one: Recipient, now: datetime) -> OutboxRow:
    made = hashlib.sha256(f"test\0{one.id}\0{one.notifier}\0{now.isoformat()}".encode()).hexdigest()
    message = Message(
        made,
        KIND,
        one.id,
        one.name,
        one.notifier,
        one.address,
        one.language or in_force.organisation.language,
        one.zone,
    )
    text = rendered(message, in_force, now)
    return OutboxRow(made, one.notifier, one.id, one.name, one.address, message.language, text, KIND, attempts=1)
