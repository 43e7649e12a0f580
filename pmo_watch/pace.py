"""How often people are written to: what is newly red leaves as soon as it may, all else makes one message a day."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from pmo_watch.alerts import CLOSING, Item, Left, Message, Reason
from pmo_watch.audiences import COMMITTEES, Recipient, first_working, send_at
from pmo_watch.desk import Desk
from pmo_watch.digests import OPEN, due, last_left, moment_on
from pmo_watch.news import News, read
from pmo_watch.overview import MOVED
from pmo_watch.rules import Digest

# What waits for a digest leaves by itself so long after its hour, if there was none.
AFTER_DIGEST = timedelta(minutes=30)
NEWLY = frozenset({Reason.OPENED.value, Reason.WORSENED.value, Reason.ESCALATED.value})

Key = tuple[str, str]  # recipient, notifier


def is_newly_red(news: Iterable[News]) -> bool:
    """Say whether some of it is red, and its reader does not know that yet."""
    return any(one.alert.level == "red" and not one.closes and (one.first or one.reason in NEWLY) for one in news)


class Pace:
    """Says when a message to somebody leaves; `left`: what left lately, or waits and will not be taken back.

    Only persons are spared: a channel and another system get everything as soon as it may leave.
    """

    def __init__(self, desk: Desk, left: Iterable[Left], marks: Mapping[tuple[str, str], str]) -> None:
        self._desk = desk
        self._marks = marks
        self._left: dict[Key, list[Left]] = {}
        for one in left:
            self._left.setdefault((one.recipient, one.notifier), []).append(one)

    def leaves(self, recipient: Recipient, news: Sequence[News]) -> datetime | None:
        """Return when this news leaves; None is now."""
        desk = self._desk
        soonest = send_at(recipient, desk.snapshot.now, desk.channels)
        if not self._is_spared(recipient) or is_newly_red(news):
            return soonest
        zone = ZoneInfo(recipient.zone)
        day = (soonest or desk.snapshot.now).astimezone(zone).date()
        if self._has_left(recipient, day, zone):
            morning = datetime.combine(day + timedelta(days=1), desk.channels.send_from, zone)
            soonest = first_working(recipient, morning)
            day = soonest.astimezone(zone).date()
        return self._with_digest(recipient, day) or soonest

    def _has_left(self, recipient: Recipient, day: date, zone: ZoneInfo) -> bool:
        """Say whether a message leaves on that day already, besides those that say that something is newly red."""
        that_day = (one for one in self._left.get(recipient.key, ()) if one.at.astimezone(zone).date() == day)
        return any(not (one.facts and is_newly_red(read(one.facts))) for one in that_day)

    def why(self, recipient: Recipient) -> str:
        """Return why a message does not leave now, in the words of the metrics."""
        desk = self._desk
        if desk.absent_until(recipient):
            return "absent"
        return "send_window" if send_at(recipient, desk.snapshot.now, desk.channels) else "once_a_day"

    def _is_spared(self, recipient: Recipient) -> bool:
        channels = self._desk.channels
        return channels.once_a_day and recipient.notifier in channels.addressed

    def _with_digest(self, recipient: Recipient, day: date) -> datetime | None:
        """Return when news leaves that waits for a digest of that day; None where the recipient gets none later on."""
        zone = ZoneInfo(recipient.zone)
        moments = [self._gone(digest, day, zone) for digest in self._digests_of(recipient)]
        waits = min((one for one in moments if one is not None), default=None)
        until = datetime.combine(day, self._desk.channels.send_until, zone)
        return waits.astimezone(ZoneInfo("UTC")) if waits is not None and waits < until else None

    def _gone(self, digest: Digest, day: date, zone: ZoneInfo) -> datetime | None:
        """Return when a digest of that day must have left, for somebody in the zone; None: there is none to come."""
        leaves = moment_on(digest, day, self._desk.snapshot)
        if leaves is None or leaves <= self._desk.snapshot.now:
            return None
        hour, _, minute = digest.at.partition(":")
        return max(leaves, datetime.combine(day, time(int(hour), int(minute)), zone)) + AFTER_DIGEST

    def _digests_of(self, recipient: Recipient) -> list[Digest]:
        digests = self._desk.rules.digests
        return [digests[name] for name, keys in sorted(self._readers.items()) if recipient.key in keys]

    @cached_property
    def _readers(self) -> dict[str, dict[Key, Recipient]]:
        """Who reads each digest that holds what alerts say; what committees get holds counts and movements only."""
        desk = self._desk
        found: dict[str, dict[Key, Recipient]] = {}
        for audience in desk.rules.audiences.values():
            named = [name for name in audience.deliver.values() if name in desk.rules.digests]
            if named and audience.role not in COMMITTEES:
                readers = {one.key: one for one in desk.audiences.everyone(audience)}
                for name in named:
                    found.setdefault(name, {}).update(readers)
        return found

    @cached_property
    def reading_now(self) -> Mapping[Key, Recipient]:
        """Who may read a digest that leaves in this cycle, and what is to be said besides with it."""
        desk = self._desk
        if not desk.channels.once_a_day:
            return {}
        now = [name for name, one in desk.rules.digests.items() if self._is_due(name, one)]
        found = {key: one for name in now for key, one in self._readers.get(name, {}).items()}
        return {key: one for key, one in found.items() if self._is_spared(one)}

    def _is_due(self, name: str, digest: Digest) -> bool:
        return due(digest, last_left(name, self._marks), self._desk.snapshot) is not None


def joined(desk: Desk, digest: Message, news: Iterable[News]) -> Message:
    """Return a digest that also says what was to be told at once to the same reader."""
    said = [_as_in_digest(one) for one in news]
    before = {item.alert.id: item for item in digest.items}
    added = {item.alert.id: item for item in desk.items(said, digest.language)}
    counts = Counter(digest.counts)
    counts.subtract(name for alert in added for name in _counted(before.get(alert)) if counts[name])
    counts.update(name for item in added.values() for name in _counted(item))
    shown = {name: number for name, number in sorted(counts.items()) if number}
    return replace(desk.with_items(digest, {**before, **added}.values()), counts=shown)


def _as_in_digest(news: News) -> News:
    """Return news as digests say it: they know what is new, worse, better, ended, and what is open."""
    if news.closes or news.reason in MOVED:
        return news
    return replace(news, reason=Reason.OPENED.value if news.reason == Reason.ESCALATED else OPEN)


def _counted(item: Item | None) -> tuple[str, ...]:
    """Return under which words a digest counts an item."""
    if item is None:
        return ()
    return ("ended",) if item.reason in CLOSING else (MOVED[item.reason], item.alert.level or "")
