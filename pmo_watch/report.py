"""A digest or a committee's page as it would be now, whoever it would go to; nothing is told, and nothing written."""

from dataclasses import dataclass, replace
from datetime import datetime

from pmo_watch.alerts import Message
from pmo_watch.audiences import PERSONAL, Recipient
from pmo_watch.cycle import Engine
from pmo_watch.digests import last_left
from pmo_watch.errors import ConfigError
from pmo_watch.faults import did_you_mean
from pmo_watch.in_force import InForce
from pmo_watch.look_back import look_back
from pmo_watch.outgoing import channels
from pmo_watch.route import Changes, Ledger, overview
from pmo_watch.rules import Audience, Digest
from pmo_watch.store import MarkKind, Store

NOW = Digest("now", on="")  # what an audience reads that is told at once alone


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page: `to` is one reader by name, address or id, else all together; `digest` one of several; `language`."""

    audience: str
    to: str = ""
    digest: str = ""
    language: str = ""


def report(in_force: InForce, store: Store, wanted: Wanted, now: datetime) -> Message:
    """Return the page from what is stored, evaluated at that moment.

    Alerts on single persons are counted: whoever asks for the page may not be one of those who may know of whom.

    Raises:
        ConfigError: there is no such audience, digest or reader, or the digest must be named.
    """
    audience = _audience(in_force, wanted.audience)
    digest = _digest(in_force, audience, wanted.digest)
    reader = None if wanted.to else _everybody(in_force, audience)
    messages = _messages(in_force, store, (audience, digest, reader), now)
    message = _to(messages, wanted) if wanted.to else messages[0]
    message = replace(message, items=tuple(one for one in message.items if one.alert.entity != PERSONAL))
    return replace(message, language=wanted.language) if wanted.language else message


def _audience(in_force: InForce, name: str) -> Audience:
    known = in_force.rules.audiences
    if name not in known:
        hint = did_you_mean(name, known) or f"; there is {', '.join(known) or 'none'}"
        raise ConfigError(f"there is no audience '{name}'{hint}")
    return known[name]


def _digest(in_force: InForce, audience: Audience, name: str) -> Digest:
    known = in_force.rules.digests
    read = [one for one in dict.fromkeys(audience.deliver.values()) if one in known]
    if name and name not in read:
        raise ConfigError(
            f"the audience '{audience.name}' reads no digest '{name}'; it reads {', '.join(read) or 'none'}"
        )
    if not name and len(read) > 1:
        raise ConfigError(f"the audience '{audience.name}' reads {', '.join(read)}: name one with --digest")
    return known[name or read[0]] if read else NOW


def _everybody(in_force: InForce, audience: Audience) -> Recipient:
    """Return who stands for all readers together."""
    organisation = in_force.organisation
    calendar = in_force.calendars[organisation.calendar]
    language = audience.language or organisation.language
    return Recipient(audience.name, audience.name, "", "", language, organisation.timezone, calendar)


def _messages(
    in_force: InForce, store: Store, wanted: tuple[Audience, Digest, Recipient | None], now: datetime
) -> list[Message]:
    engine = Engine(store, in_force)
    draft = engine.preview(now, ())
    snapshot = draft.picture.snapshot
    marks = {(MarkKind.DIGEST.value, name): text for name, text in store.marks(MarkKind.DIGEST).items()}
    name = wanted[1].name
    was = look_back(store, snapshot, {name: last_left(name, marks)})
    changes = Changes(
        draft.advanced.transitions,
        draft.advanced.current,
        draft.findings,
        draft.advanced.flapping,
        draft.change.colours if draft.change.colours is not None else Changes().colours,
    )
    ledger = Ledger(store.told(), draft.silences, marks=marks, look_back=was)
    return overview(changes, ledger, draft.rules, snapshot, channels(in_force), wanted)


def _to(messages: list[Message], wanted: Wanted) -> Message:
    name = wanted.to.casefold()
    for one in messages:
        if name in {one.recipient.casefold(), one.recipient_name.casefold(), one.address.casefold()}:
            return one
    readers = ", ".join(sorted({one.address or one.recipient for one in messages})) or "nobody"
    raise ConfigError(f"'{wanted.to}' does not read what the audience '{wanted.audience}' is sent; {readers} would")
