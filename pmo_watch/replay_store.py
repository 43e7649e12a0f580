"""What a cycle asks of the store, from memory: stored history to read from, and a ledger that begins empty.

Every channel accepts at once what is sent over it: a backtest tells what rules would have said, not what a mail server
did that day.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from itertools import count

import polars as pl

from pmo_watch.alerts import Alert, Left, Message, Silence, Thread, Told, WaitingMessage
from pmo_watch.flow import COLOURS, Samples, SourceState, Wish
from pmo_watch.store import (
    Circuit,
    CycleChange,
    MarkKind,
    ReadingChange,
    ReplayedPast,
    SourceRows,
    StoreConflict,
    StoredHistory,
)
from pmo_watch.store.colours import PLACE, VERSIONS, samples_of_colours
from pmo_watch.store.wishes import MOMENT, periods_of

KEPT = timedelta(days=7)  # longer than any cycle asks what left
SAYS_ALERTS = ("alert", "digest")


@dataclass(slots=True)
class Sent:
    """A message, when it was made, when it leaves, and when it left; None: it waits still."""

    message: Message
    made_at: datetime
    due: datetime
    left_at: datetime | None = None


@dataclass(slots=True)
class _Outbox:
    """Messages by id, those that wait by when they are due, and those of the last days."""

    known: dict[str, Sent] = field(default_factory=dict)
    waiting: list[tuple[datetime, int, str]] = field(default_factory=list)
    lately: dict[str, Sent] = field(default_factory=dict)
    number: "count[int]" = field(default_factory=count)

    def add(self, message: Message, at: datetime) -> None:
        if message.id in self.known:
            return
        one = Sent(message, at, max(message.not_before or at, at))
        self.known[message.id] = self.lately[message.id] = one
        heapq.heappush(self.waiting, (one.due, next(self.number), message.id))

    def withdraw(self, ids: Sequence[str]) -> None:
        for identity in ids:
            one = self.known.get(identity)
            if one is None or one.left_at is not None:
                raise StoreConflict("a message that waited was sent meanwhile: decide again")
            del self.known[identity], self.lately[identity]

    def deliver(self, until: datetime) -> list[Sent]:
        """Let everything leave that is due by then."""
        found = []
        while self.waiting and self.waiting[0][0] <= until:
            one = self.known.get(heapq.heappop(self.waiting)[2])
            if one is not None and one.left_at is None:
                one.left_at = one.due
                found.append(one)
        return found

    def forget(self, before: datetime) -> None:
        gone = [name for name, one in self.lately.items() if one.left_at is not None and one.left_at < before]
        for name in gone:
            del self.lately[name]


class ReplayStore:
    """Answers a cycle as `Store` does; see `CycleStore`."""

    def __init__(self, history: StoredHistory) -> None:
        self._past = ReplayedPast(history)
        self._alerts: dict[str, Alert] = {}
        self._told: dict[tuple[str, str, str], Told] = {}
        self._told_on: dict[str, list[tuple[str, datetime, datetime]]] = {}  # alert -> level, made, left
        self._threads: dict[tuple[str, str, str], Thread] = {}
        self._silences: dict[str, Silence] = {}
        self._marks: dict[MarkKind, dict[str, str]] = {}
        self._outbox = _Outbox()
        self._colours = pl.DataFrame(schema=VERSIONS)
        self._shown: pl.DataFrame | None = None  # colours as they were given last
        self._revision = 0

    # --- what sources said ----------------------------------------------------------------------------------------

    def sources(self) -> dict[str, SourceState]:
        return {}

    def rows(self) -> SourceRows:
        return {}

    def past(
        self, wishes: Iterable[Wish], now: datetime, zone: tzinfo, pending: Sequence[ReadingChange] = ()
    ) -> dict[Wish, pl.DataFrame]:
        wanted = list(wishes)
        colours = [one for one in wanted if isinstance(one, Samples) and one.entity == COLOURS]
        answers = self._past.answer(wanted, now, zone, pending)
        return {**answers, **{one: self._coloured(one, now, zone) for one in colours}}

    def samples_of(
        self, wish: Samples, uids: Sequence[str], now: datetime, zone: tzinfo, pending: Sequence[ReadingChange] = ()
    ) -> pl.DataFrame:
        return self._past.samples_of(wish, uids, now, zone)

    def colours_at(self, at: datetime, dimension: str) -> dict[str, str]:
        moment = pl.lit(at).cast(MOMENT)
        stood = (pl.col("from") <= moment) & (pl.col("to").is_null() | (pl.col("to") > moment))
        rows = self._colours.filter(stood & (pl.col("dimension") == dimension)).select("project", "state")
        return dict(rows.iter_rows())

    def _coloured(self, wish: Samples, now: datetime, zone: tzinfo) -> pl.DataFrame:
        looked = periods_of(wish, now, zone)
        versions = self._colours.filter(pl.col("dimension").is_in(list(wish.fields)))
        return samples_of_colours(versions, wish, looked, self._past.heard_at_all(looked))

    # --- alerts and messages --------------------------------------------------------------------------------------

    def revision(self) -> int:
        return self._revision

    def alerts(self) -> list[Alert]:
        return sorted(self._alerts.values(), key=lambda one: (one.rule, one.subject))

    def told(self) -> list[Told]:
        return [self._told[key] for key in sorted(self._told)]

    def told_on(self) -> dict[str, datetime]:
        found = {}
        for alert in self._alerts.values():
            said = self._told_on.get(alert.id, ()) if alert.closed_at is None else ()
            since = alert.since
            times = [left for level, made, left in said if level == alert.level and since and made >= since]
            if times:
                found[alert.id] = min(times)
        return found

    def threads(self) -> list[Thread]:
        return [self._threads[key] for key in sorted(self._threads)]

    def silences(self) -> list[Silence]:
        return sorted((one for one in self._silences.values() if not one.ended), key=lambda one: (one.since, one.id))

    def ended_by_hand(self) -> list[Silence]:
        return [one for one in self._silences.values() if one.ended and one.name and one.ended_by]

    def marks(self, kind: MarkKind) -> dict[str, str]:
        return dict(sorted(self._marks.get(kind, {}).items()))

    def waiting(self, now: datetime) -> list[WaitingMessage]:
        found = [one for one in self._outbox.lately.values() if one.left_at is None and one.due > now]
        return [
            WaitingMessage(one.message.id, one.message.recipient, one.message.notifier, one.due, one.message.facts)
            for one in sorted(found, key=lambda one: (one.due, one.message.id))
            if one.message.facts
        ]

    def left(self, since: datetime) -> list[Left]:
        found = [one for one in self._outbox.lately.values() if one.due >= since and one.message.kind in SAYS_ALERTS]
        return [
            Left(one.message.id, one.message.recipient, one.message.notifier, one.due, one.message.facts)
            for one in sorted(found, key=lambda one: one.message.id)
        ]

    def circuits(self) -> dict[str, Circuit]:
        return {}

    # --- writing --------------------------------------------------------------------------------------------------

    def write(self, change: CycleChange) -> None:
        replaced = [one for message, _ in change.messages for one in message.replaces]
        self._outbox.withdraw(list(dict.fromkeys([*change.withdrawn, *replaced])))
        if change.alerts or change.transitions or change.told or change.told_removed or change.based_on is not None:
            self._revision += 1
        self._past.written(change.at, change.readings)
        self._write_alerts(change.alerts)
        for one in change.told_removed:
            self._told.pop((one.alert, one.recipient, one.notifier), None)
        self._told |= {(one.alert, one.recipient, one.notifier): one for one in change.told}
        for silence in change.silences:
            known = self._silences.get(silence.id)
            self._silences[silence.id] = replace(silence, ended_by=known.ended_by) if known else silence
        self._threads |= {(one.notifier, one.recipient, one.project): one for one in change.threads}
        for message, _ in change.messages:
            self._outbox.add(message, change.at)
        self._write_marks(change)
        if change.colours is not None:
            self._write_colours(change.colours, change.at)
        self._outbox.forget(change.at - KEPT)

    def deliver(self, until: datetime) -> list[Sent]:
        """Let every message leave that is due by then, and return them in order."""
        left = self._outbox.deliver(until)
        for one in left:
            for item in one.message.items:
                said = (item.alert.level or "", one.made_at, one.due)
                self._told_on.setdefault(item.alert.id, []).append(said)
        return left

    def put_silence(self, silence: Silence) -> None:
        """Take up what a person did: a silence that begins, or one that ends now by `ended_by`."""
        self._revision += 1
        self._silences[silence.id] = silence

    def _write_alerts(self, alerts: Sequence[Alert]) -> None:
        for one in alerts:
            if one.closed_at is None or one.recent:
                self._alerts[one.id] = one
            else:
                self._alerts.pop(one.id, None)
                self._told_on.pop(one.id, None)

    def _write_marks(self, change: CycleChange) -> None:
        for (kind, key), text in change.marks.items():
            if text is None:
                self._marks.get(kind, {}).pop(key, None)
            else:
                self._marks.setdefault(kind, {})[key] = text

    def _write_colours(self, colours: pl.DataFrame, at: datetime) -> None:
        """Keep what differs from the colours known so far, as the database does."""
        now = colours.select(*PLACE, pl.col("state").cast(pl.String)).sort(PLACE)
        if self._shown is not None and now.equals(self._shown):
            return
        self._shown = now
        moment = pl.lit(at).cast(MOMENT)
        current = self._colours.filter(pl.col("to").is_null())
        same = current.join(now, on=[*PLACE, "state"], how="semi")
        ended = current.join(now, on=[*PLACE, "state"], how="anti").with_columns(to=moment)
        begun = now.join(current, on=[*PLACE, "state"], how="anti")
        begun = begun.with_columns(moment.alias("from"), pl.lit(None, MOMENT).alias("to"))
        over = self._colours.filter(pl.col("to").is_not_null())
        self._colours = pl.concat([over, ended, same, begun.select(list(VERSIONS))])
