"""The year replayed through the product: its lists saved as people save them, its cycles run, its messages delivered.

Nothing is left out but the clock and the mail server: files are read, cycles decide and commit, rows of the outbox are
leased when they are due and accepted. Who is told what, and when, is what came out of it.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from year_days import after, works
from year_life import Life, steady
from year_office import set_up
from year_problems import ICT, PMO, Problem, manager

from pmo_watch.alerts import CLOSING, Alert, Message, OutboxRow, Reason, Transition
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Draft, Engine
from pmo_watch.deliver import Channel, Deliverer
from pmo_watch.flow import Outcome
from pmo_watch.in_force import InForce
from pmo_watch.store import Store, open_store

ZONE = ZoneInfo("Europe/Brussels")
SAVED, LATER = time(10), time(15)
LOOKED = (time(8, 31), time(12, 30), time(18, 30))  # every day: digests leave with the first
EVENING = 2  # the weekday on which there is a cycle in the evening at least
SAID = frozenset({Reason.OPENED, Reason.WORSENED, Reason.IMPROVED, *CLOSING})


Week = tuple[str, date]  # somebody's address, a Monday


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the other side accepted, and when."""

    at: datetime
    message: Message


@dataclass(slots=True, eq=False)
class Year:
    """What came of it.

    `shown`: amber and red findings of all cycles, by whom the rules tell them to and the Monday of the week: one mail
    each is what a tool sends that knows no alerts. `moved`: the changes of alerts that anybody might be told, likewise.
    """

    problems: Sequence[Problem]
    sent: list[Sent] = field(default_factory=list)
    steps: list[Transition] = field(default_factory=list)
    shown: Counter[Week] = field(default_factory=Counter)
    moved: Counter[Week] = field(default_factory=Counter)
    unfit: dict[str, list[datetime]] = field(default_factory=dict)  # source -> cycles in which it gave nothing
    cycles: int = 0
    weeks: float = 0
    owed: frozenset[tuple[str, str, str]] = frozenset()  # alert, recipient, notifier: who has still to hear of an end


class _Post:
    """A channel that accepts everything, and notes when."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self.accepted: list[tuple[datetime, str]] = []

    async def send(self, row: OutboxRow) -> str:
        self.accepted.append((self._clock.now(), row.id))
        return "250 accepted"

    async def close(self) -> None:
        return None


def at(day: date, clock: time) -> datetime:
    """Return a moment of that day in Brussels."""
    return datetime.combine(day, clock, ZONE).astimezone(UTC)


# --- lists --------------------------------------------------------------------------------------------------------


class Lists:
    """The folder in which everybody saves; a list whose content is the same is not written again."""

    def __init__(self, folder: Path, life: Life, problems: Sequence[Problem]) -> None:
        self._folder = folder / "lists"
        self._folder.mkdir(parents=True)
        self._life = life
        self._outages = [one for one in problems if one.kind == "outage"]
        self._texts: dict[str, str] = {}

    def save(self, day: date, clock: time, *, late: bool = False) -> list[str]:
        """Save the lists of a day as they are at an hour, and return those that have changed."""
        moment, saved = at(day, clock), day if works(day) else after(day, -1)
        wanted = {**steady(), **self._life.lists(saved, late=late)}
        wanted |= {one.subject: "<html>Service unavailable</html>\n" for one in self._outages if _is_down(one, day)}
        return [name for name, text in wanted.items() if self.write(name, text, moment)]

    def write(self, name: str, text: str, moment: datetime) -> bool:
        """Write a list as it is at a moment; say whether it is another one than before."""
        if self._texts.get(name) == text:
            return False
        path = self._folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        os.utime(path, (moment.timestamp(), moment.timestamp()))
        self._texts[name] = text
        return True

    def text(self, name: str) -> str:
        """Return what a list says now."""
        return self._texts[name]


def _is_down(one: Problem, day: date) -> bool:
    return after(one.since, -1) <= day < one.until


# What breaks for half a day: a list in the middle of being saved, or with a line that nobody can read.
MISHAPS = ("risks", "actions", "decisions", "projects", "observations")


def mishap(day: date) -> tuple[str, bool] | None:
    """Return the list that is unfit at noon of that day, and whether only a part of it is; most days have none."""
    if day.day not in {5, 19} or not works(day):
        return None
    return MISHAPS[(day.month + day.day) % len(MISHAPS)], day.day == 19


# --- the replay ---------------------------------------------------------------------------------------------------


class Replay:
    """One replay from a day to another one.

    `often`: three cycles every day; else the evenings are left out but for one in a week, and days off have one.
    """

    def __init__(
        self, folder: Path, first: date, last: date, problems: Sequence[Problem], *, often: bool = False
    ) -> None:
        self._often = often
        self._days = [first + timedelta(days=past) for past in range((last - first).days + 1)]
        whole = [one for one in problems if after(one.since, -2) > first and one.until <= last]
        self._life = Life(whole)
        self._folder = folder
        self._lists = Lists(folder, self._life, whole)
        self._clock = FixedClock(at(first, LOOKED[0]))
        self._waiting: set[datetime] = set()
        self._messages: dict[str, Message] = {}
        self.year = Year(whole, weeks=len(self._days) / 7)

    def run(self) -> Year:
        """Let every day pass."""
        in_force = set_up(self._folder)
        store = open_store(f"sqlite:///{self._folder / 'year.db'}")
        try:
            asyncio.run(self._run(in_force, store))
        finally:
            store.close()
        return self.year

    async def _run(self, in_force: InForce, store: Store) -> None:
        engine, post = Engine(store, in_force), _Post(self._clock)
        deliverer = Deliverer(store, {"mail": Channel(post, in_flight=20)}, self._clock)
        for day in self._days:
            for clock, due in self._looks(day, list(in_force.sources())):
                await self._deliver(deliverer, at(day, clock))
                draft = engine.cycle(self._clock.moment, due)
                self._note(draft)
                await self._deliver(deliverer, self._clock.moment)
        await self._deliver(deliverer, self._clock.moment + timedelta(days=7))
        self.year.owed = frozenset((one.alert, one.recipient, one.notifier) for one in store.told())
        self.year.sent = [Sent(when, self._messages[identity]) for when, identity in post.accepted]

    def _looks(self, day: date, every: Sequence[str]) -> Iterator[tuple[time, Sequence[str]]]:
        """Give the cycles of a day with the sources that are due; what people save between two comes before the later.

        In the morning all sources are asked, whether they have changed or not; after that those that have.
        """
        if day == self._days[0]:
            self._lists.save(day, time(7))
        yield LOOKED[0], every
        if not works(day) and not self._often:
            return
        saved = self._lists.save(day, SAVED)
        yield LOOKED[1], [*saved, *self._break(day, saved)]
        if self._often or mishap(day) or self._life.flaps(day) or day.weekday() == EVENING:
            yield LOOKED[2], self._lists.save(day, LATER, late=True) if works(day) else []

    def _break(self, day: date, saved: Sequence[str]) -> list[str]:
        """Let a list be unfit at noon; return it where it is not asked anyway."""
        found = mishap(day)
        if found is None:
            return []
        name, partly = found
        text = self._lists.text(name)
        nobody = "," * text.partition("\n")[0].count(",") + "\n"
        self._lists.write(name, text + nobody if partly else "<html>busy</html>\n", at(day, SAVED))
        return [name] if name not in saved else []

    async def _deliver(self, deliverer: Deliverer, until: datetime) -> None:
        """Let time pass up to a moment, with everything leaving when its hour comes."""
        for moment in sorted(one for one in self._waiting if one < until):
            self._clock.moment = max(moment, self._clock.moment)
            await deliverer.drain()
        self._waiting = {one for one in self._waiting if one >= until}
        self._clock.moment = until
        await deliverer.drain()

    def _note(self, draft: Draft) -> None:
        year = self.year
        year.cycles += 1
        year.steps += draft.advanced.transitions
        for message, _ in draft.messages:
            self._messages[message.id] = message
            if message.not_before is not None:
                self._waiting.add(message.not_before)
        unfit = [name for name, one in draft.accepted.items() if one.state.outcome == Outcome.FAILED or one.state.held]
        for name in unfit:
            year.unfit.setdefault(name, []).append(draft.now)
        shown = [one for one in draft.advanced.current if one.unknown_since is None]
        year.shown.update(week for one in shown for week in self._told_of(one, draft.now))
        moved = [one.alert for one in draft.advanced.transitions if one.reason in SAID]
        year.moved.update(week for one in moved for week in self._told_of(one, draft.now))

    def _told_of(self, alert: Alert, now: datetime) -> Iterator[Week]:
        """Give everybody to whom the rules tell a finding, where each one is a mail."""
        day = now.astimezone(ZONE).date()
        if not alert.project_code:
            yield ICT, monday(day)
            return
        project = int(alert.project_code[1:])
        yield self._life.leader(project, day), monday(day)
        yield PMO, monday(day)
        if "red" in {alert.level, alert.seen}:
            yield manager(project), monday(day)


def monday(day: date) -> date:
    """Return the first day of the week."""
    return day - timedelta(days=day.weekday())
