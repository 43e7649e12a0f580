"""The messages of a scenario that left on a day, beside those that it expects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pmo_watch.alerts import Message, Rendered
from pmo_watch.in_force import InForce
from pmo_watch.scenario import ExpectedMessage, Scenario
from pmo_watch.store import OutboxEntry

DIGEST, ALERT = "digest", "alert"


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A message as it left, or as it waits."""

    entry: OutboxEntry
    message: Message
    words: Rendered

    @property
    def to(self) -> str:
        """Who reads it."""
        return self.message.address or self.message.notifier

    def moment(self, zone: ZoneInfo) -> datetime:
        """Return when it left, or is to leave."""
        return (self.entry.settled_at or self.entry.due).astimezone(zone)

    def said(self, zone: ZoneInfo) -> str:
        """Return it in one line: reader, language, subject, reasons, when."""
        moment = self.moment(zone)
        verb = "left" if self.entry.settled_at else "leaves on"
        reasons = sorted({one.reason for one in self.message.items})
        why = f" ({', '.join(reasons)})" if reasons else ""
        when = f"{moment:%H:%M}" if self.entry.settled_at else f"{moment:%A %Y-%m-%d %H:%M}"
        return f"'{self.words.subject}' to {self.to} [{self.message.language}]{why}, {verb} {when}"

    def about(self) -> tuple[str, ...]:
        """Return what it is about, alert by alert, and why its reader gets it."""
        return tuple(
            f"about {one.subject_id or one.subject_name}: rule '{one.rule.id}', {one.level or one.reason}, "
            f"as {one.why_me or 'reader'}"
            for one in self.message.items[:5]
        )


def compared(
    expected: Sequence[ExpectedMessage],
    sent: Sequence[Sent],
    scenario: Scenario,
    uids: Mapping[str, str],
    in_force: InForce,
) -> tuple[list[Sent], list[ExpectedMessage]]:
    """Return the messages that nobody expects, and the expectations that none fulfils.

    Each message fulfils one expectation. Digests are looked at only where one is expected; messages about rules that
    the test does not name are none of its own.
    """
    own = [one for one in sent if one.message.kind == DIGEST or _is_own(one, scenario)]
    fitting = [[number for number, one in enumerate(own) if fits(want, one, uids, in_force)] for want in expected]
    taken: dict[int, int] = {}
    for number in range(len(expected)):
        _assign(number, fitting, taken, set())
    met = set(taken.values())
    uncalled = [one for number, one in enumerate(own) if number not in taken and one.message.kind != DIGEST]
    return uncalled, [want for number, want in enumerate(expected) if number not in met]


def _assign(number: int, fits: Sequence[Sequence[int]], taken: dict[int, int], tried: set[int]) -> bool:
    """Give an expectation a message, moving another expectation on where that one has a choice."""
    for one in fits[number]:
        if one in tried:
            continue
        tried.add(one)
        if one not in taken or _assign(taken[one], fits, taken, tried):
            taken[one] = number
            return True
    return False


def _is_own(one: Sent, scenario: Scenario) -> bool:
    return one.message.kind == ALERT and any(item.rule.id in scenario.rules for item in one.message.items)


def fits(want: ExpectedMessage, one: Sent, uids: Mapping[str, str], in_force: InForce) -> bool:
    """Say whether a message is what is expected, whenever it leaves."""
    message = one.message
    if (message.kind == DIGEST) != bool(want.digest) or (want.digest and message.digest != want.digest):
        return False
    if want.to not in _readers(one, in_force) and uids.get(want.to) != message.recipient:
        return False
    text = f"{one.words.subject}\n{one.words.text}"
    return (
        want.language in {"", message.language}
        and want.channel in {"", message.notifier}
        and (not want.reason or any(item.reason == want.reason for item in message.items))
        and (not want.level or any(item.level == want.level for item in message.items))
        and all(part in text for part in want.contains)
    )


def _readers(one: Sent, in_force: InForce) -> set[str]:
    """Return what the reader may be called: address, notifier, or audience."""
    reasons = {item.why_me for item in one.message.items}
    known = in_force.rules.audiences
    audiences = {name for name, each in known.items() if (each.role or name) in reasons}
    mailed = {name for name, each in known.items() if each.email and each.email == one.message.address}
    notified = {one.message.notifier} if not one.message.address else set()
    return {one.message.address, *audiences, *mailed, *notified}
