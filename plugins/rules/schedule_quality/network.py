"""Forward and backward pass over the networks of plans, in working minutes.

One axis per plan: minute 0 is the end of its status date, a day is as long as the project says. The end of a working
day and the beginning of the next are the same minute, so that dates, durations and lags add up. The passes go once
over lists, since each row waits for those before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from pmo_watch.api import Calendar

FROM_START = frozenset({"ss", "sf"})  # links that begin at the start of the predecessor
TO_START = frozenset({"fs", "ss"})  # links that lead to the start of the successor
LONG_AGO, NEVER = -(10**12), 10**12  # minutes
MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns calendar time into working minutes, in whole days: `day` ends at minute 0."""

    calendar: Calendar
    day: date
    minutes_per_day: int

    def after(self, minute: int, lag: int, *, at_start: bool) -> int:
        """Return the working minute that lies `lag` minutes of calendar time after a start or a finish.

        What lies outside the days of the calendar moves by nothing.
        """
        per_day = self.minutes_per_day
        number = minute // per_day + 1 if at_start else -(-minute // per_day)
        begun = self._nth(number)
        if begun is None:
            return minute
        moved = begun + timedelta(days=round(lag / MINUTES_A_DAY) - (1 if at_start else 0))
        found = self.calendar.count(self.day, moved)
        return minute if found is None else found * per_day

    def _nth(self, number: int) -> date | None:
        """Return the working day that so many days end with; the 0th is the last on or before `day`."""
        if number > 0:
            return self.calendar.add(self.day, number)
        return self.calendar.add(self.day + timedelta(days=1), number - 1)


@dataclass(slots=True, eq=False)
class Link:
    """What ties a row to another one: `lag` is in working minutes, or in calendar time where there is a clock."""

    other: int
    kind: str
    lag: int
    clock: Clock | None

    def forward(self, start: int, finish: int) -> int:
        """Return the minute that the successor must wait for."""
        at_start = self.kind in FROM_START
        at = start if at_start else finish
        return at + self.lag if self.clock is None else self.clock.after(at, self.lag, at_start=at_start)

    def backward(self, start: int, finish: int) -> int:
        """Return the minute that the predecessor must keep."""
        at_start = self.kind in TO_START
        at = start if at_start else finish
        return at - self.lag if self.clock is None else self.clock.after(at, -self.lag, at_start=at_start)


@dataclass(slots=True, eq=False)
class Held:
    """What holds a row beside its links, in minutes; None does not.

    The row starts at `start` or finishes at `finish` whatever its links say; else it finishes no earlier than
    `no_earlier`, and keeps `latest_start` and `latest_finish` even where its links do not let it.
    """

    start: int | None
    finish: int | None
    no_earlier: int | None
    latest_start: int | None
    latest_finish: int | None

    def place(self, start: int, duration: int) -> int:
        """Return when the row starts that could start at `start`."""
        if self.start is not None:
            return self.start
        if self.finish is not None:
            return self.finish - duration
        if self.no_earlier is not None:
            start = max(start, self.no_earlier - duration)
        if self.latest_start is not None:
            start = min(start, self.latest_start)
        return start if self.latest_finish is None else min(start, self.latest_finish - duration)


@dataclass(slots=True, eq=False)
class Network:
    """Rows of all plans by number. All times are minutes.

    `plans`: the plan of each row, by number. `earliest`: before which no row starts. `latest`: after which it should
    not finish. `counts`: whether its finish may be the end of the plan. `begun`: whether it has started.
    """

    plans: Sequence[int]
    durations: list[int]
    earliest: Sequence[int]
    latest: Sequence[int]
    counts: Sequence[bool]
    begun: Sequence[bool]
    held: Mapping[int, Held]
    before: list[list[Link]] = field(default_factory=list)
    after: list[list[Link]] = field(default_factory=list)

    def tie(self, links: Iterable[tuple[int, int, str, int, Clock | None]]) -> None:
        """Take the links: predecessor, successor, kind, lag and clock of each."""
        self.before = [[] for _ in self.plans]
        self.after = [[] for _ in self.plans]
        for first, then, kind, lag, clock in links:
            self.before[then].append(Link(first, kind, lag, clock))
            self.after[first].append(Link(then, kind, lag, clock))

    def order(self) -> list[int]:
        """Return the rows, each after all it waits for; those in a circle of links, and behind one, are left out."""
        waits = [len(links) for links in self.before]
        found = [row for row, number in enumerate(waits) if not number]
        for row in found:  # grows while it is read
            for link in self.after[row]:
                waits[link.other] -= 1
                if not waits[link.other]:
                    found.append(link.other)
        return found

    def start(self, row: int, starts: Sequence[int], finishes: Sequence[int], duration: int) -> int:
        """Return when a row of that duration starts at the earliest."""
        begin, end = self.earliest[row], LONG_AGO
        for link in self.before[row]:
            at = link.forward(starts[link.other], finishes[link.other])
            if link.kind in TO_START:
                begin = max(begin, at)
            else:
                end = max(end, at)
        begin = max(begin, end - duration)
        held = self.held.get(row)
        return begin if held is None else held.place(begin, duration)

    def forward(self, order: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return the earliest start and finish of each row; a row that is not in `order` has none to speak of."""
        starts, finishes = [LONG_AGO] * len(self.plans), [LONG_AGO] * len(self.plans)
        for row in order:
            starts[row] = self.start(row, starts, finishes, self.durations[row])
            finishes[row] = starts[row] + self.durations[row]
        return starts, finishes

    def delayed(
        self, order: Sequence[int], delays: Mapping[int, int], starts: Sequence[int], finishes: Sequence[int]
    ) -> list[int]:
        """Return the earliest finish of each row when some take so many minutes longer, from what it was before."""
        new_starts, new_finishes = list(starts), list(finishes)
        touched = set(delays)
        for row in order:
            if row not in touched:
                continue
            duration = self.durations[row] + delays.get(row, 0)
            new_starts[row] = self.start(row, new_starts, new_finishes, duration)
            new_finishes[row] = new_starts[row] + duration
            if new_finishes[row] != finishes[row] or new_starts[row] != starts[row]:
                touched.update(link.other for link in self.after[row])
        return new_finishes

    def ends(self, order: Sequence[int], finishes: Sequence[int], number: int) -> list[int]:
        """Return the last finish of each of so many plans."""
        found = [LONG_AGO] * number
        for row in order:
            if self.counts[row] and finishes[row] > found[self.plans[row]]:
                found[self.plans[row]] = finishes[row]
        return found

    def backward(self, order: Sequence[int], ends: Sequence[int]) -> list[int]:
        """Return the latest finish of each row that moves neither the end of its plan nor what holds a later row."""
        late = [NEVER] * len(self.plans)
        for row in reversed(order):
            limit = min(ends[self.plans[row]], self.latest[row])
            for link in self.after[row]:
                if self.begun[link.other] and link.kind in TO_START:
                    continue  # what has started waits no longer
                finish = late[link.other]
                at = link.backward(finish - self.durations[link.other], finish)
                limit = min(limit, at + self.durations[row] if link.kind in FROM_START else at)
            late[row] = limit
        return late
