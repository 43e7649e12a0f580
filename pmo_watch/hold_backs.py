"""What holds messages about an alert back, or keeps it from moving: by whom, since when and until when."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pmo_watch.alerts import Alert, Silence
from pmo_watch.desk import AT_ONCE, NEVER
from pmo_watch.foresight import Confirming
from pmo_watch.routings import TELL, Reader, Routing
from pmo_watch.rules import Rule, RuleSet
from pmo_watch.silences import holding
from pmo_watch.store import OutboxEntry, OutboxState

Kind = Literal[
    "pending",
    "silenced",
    "acknowledged",
    "unknown",
    "rule_failed",
    "rule_off",
    "stale_rule_file",
    "flapping",
    "nobody_named",
    "never",
    "digest",
    "counted",
    "send_window",
    "absent",
    "deferred",
    "rejected",
    "expired",
    "dropped",
]
ENGINE = "pmo-watch"
RULES = "the rules"  # the author of what rule files say, where they name no owner


@dataclass(frozen=True, slots=True)
class HeldBack:
    """One thing that holds back: `who` is its author, `why` in that author's words or ours.

    `until`: its end, a last day or a moment; None where it has none of itself. `what`: what it concerns, such as an
    audience.
    """

    kind: Kind
    what: str
    why: str
    who: str
    since: datetime | date | None = None
    until: datetime | date | None = None


def of_rule(rule: Rule, rules: RuleSet, failed: str) -> Iterator[HeldBack]:
    """Yield what keeps a rule from speaking; `failed`: why it could not be evaluated."""
    owner = rule.owner or RULES
    if rule.id not in rules.rules:
        yield HeldBack("rule_off", rule.id, "no rule file has it any more", owner)
    elif not rule.enabled:
        yield HeldBack("rule_off", rule.id, f"switched off in {rule.file}", owner)
    elif failed:
        yield HeldBack("rule_failed", rule.id, f"{failed}: its alerts stay as they are", ENGINE)
    if why := rules.stale_files.get(rule.file):
        yield HeldBack("stale_rule_file", rule.file, f"its last good version is in force: {why}", owner)


def of_alert(alert: Alert, rule: Rule, silences: Iterable[Silence], waits: Confirming | None) -> Iterator[HeldBack]:
    """Yield what holds an alert itself back.

    `silences`: those that hold at the moment asked about. `waits`: the level that is not confirmed yet.
    """
    if waits is not None:
        yield _pending(alert, waits)
    for one in holding(alert, rule, silences):
        yield HeldBack("silenced", one.name or one.id, one.why, one.who, one.since, one.until)
    if alert.acknowledged_until is not None:
        why = f"{alert.acknowledged_reason}: nobody is reminded, nothing escalates"
        who, on = alert.acknowledged_by, alert.acknowledged_on
        yield HeldBack("acknowledged", alert.id, why, who, on, alert.acknowledged_until)
    if alert.unknown_since is not None:
        why = f"{alert.unknown_reason}: nothing closes, changes or escalates without evidence"
        yield HeldBack("unknown", alert.id, why, ENGINE, alert.unknown_since)
    if alert.flapping:
        why = "opened and closed three times in ten evaluations: it goes on; confirm_after and recover are the remedies"
        yield HeldBack("flapping", alert.id, why, ENGINE)


def _pending(alert: Alert, waits: Confirming) -> HeldBack:
    seen = f"{waits.seen} of {waits.wanted}" if waits.on is None else waits.wanted
    what = "opens" if alert.level is None else "changes"
    why = f"{waits.level} is seen and not confirmed yet ({seen}): nobody hears of it before, and it {what} then"
    return HeldBack("pending", alert.id, why, "confirm_after of the rule", waits.since, waits.on)


def of_routings(
    routings: Sequence[Routing], level: str, rule: Rule, reached: Collection[str] = ()
) -> Iterator[HeldBack]:
    """Yield what audiences and their readers' hours hold back of an alert at a level.

    `reached`: ids of readers for whom there is a message about this level, or who were told of it.
    """
    named = [one for one in routings if (one.by == TELL and one.level == level) or one.taken]
    if not named:
        owner = rule.owner or RULES
        yield HeldBack("nobody_named", rule.id, f"tell names nobody for {level or 'an alert'}", owner)
    for one in named:
        yield from _of_routing(one, level, reached)


def _of_routing(one: Routing, level: str, reached: Collection[str]) -> Iterator[HeldBack]:
    waiting = [reader for reader in one.readers if reader.id not in reached]
    if one.counted:
        yield HeldBack("counted", one.audience, "on a single person: it reads how many there are, and no more", RULES)
    elif one.how == NEVER:
        yield HeldBack("never", one.audience, f"is never told of {level or one.level}", RULES)
    elif one.how != AT_ONCE and (waiting or not one.readers):
        yield HeldBack("digest", one.audience, f"reads it in the digest '{one.how}'", RULES, until=one.leaves_on)
    for reader in waiting:
        if one.how != NEVER:
            yield from _of_reader(one, reader)


def _of_reader(one: Routing, reader: Reader) -> Iterator[HeldBack]:
    if reader.away_until is not None:
        yield HeldBack(
            "absent", reader.name, "is away: what is told waits for the return", reader.name, until=reader.away_until
        )
    elif reader.hours_begin is not None and one.how == AT_ONCE:
        why = "reads within working hours: what is told now waits until then"
        yield HeldBack("send_window", reader.name, why, reader.name, until=reader.hours_begin)


def of_message(one: OutboxEntry, at: datetime) -> HeldBack | None:
    """Return what holds a message back that was written; None where it left or is under way."""
    to = one.recipient_name or one.recipient
    if one.state == OutboxState.WAITING and one.due > at and not one.attempts:
        why = f"message {one.id[:12]} waits for the reader's hours, or as one a day is enough of what is not newly red"
        return HeldBack("send_window", to, why, to, one.created_at, one.due)
    if one.state == OutboxState.DEFERRED:
        why = f"message {one.id[:12]} was put off after {one.attempts} tries: {one.answer or one.reason}"
        return HeldBack("deferred", to, why, one.notifier, one.created_at, one.due)
    if one.state in {OutboxState.REJECTED, OutboxState.EXPIRED} and not one.fallback_id:
        why = f"message {one.id[:12]}: {one.answer or one.reason}; 'pmo-watch outbox retry' sends it again"
        return HeldBack(
            "rejected" if one.state == OutboxState.REJECTED else "expired", to, why, one.notifier, one.settled_at
        )
    if one.state == OutboxState.DROPPED:
        return HeldBack("dropped", to, f"message {one.id[:12]} was given up", one.who, one.settled_at)
    return None


def by_moment(silences: Iterable[Silence], at: datetime) -> list[Silence]:
    """Return the silences that held at a moment, also those that are over by now."""
    return [one for one in silences if one.since <= at < one.until]
