"""The chance that enough is finished in some weeks, when each goes like one of those that are known."""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

SEARCHED_WEEKS = 104
MOST_WEEKS = 520  # a release farther away is as good as ten years away
FIRST_WEEKS = 16  # that are looked at before more are: most releases are nearer
CERTAIN = 10**12  # a chance that is less than one in so many away from certainty is taken as certain
RUNS = 10_000
HALF, LIKELY = (1, 2), (85, 100)  # chances, as so many of so many


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance in weeks left, 0 to 1, and in how many weeks it reaches a half and 85 %; None: not in two years."""

    chance: float
    p50_weeks: int | None
    p85_weeks: int | None


def exact(weeks: Sequence[int], asked: Sequence[tuple[int, int]]) -> list[Odds]:
    """Return the odds of each asked number of items, at least one, in a number of weeks left, by convolution."""
    near = [(number, min(left, MOST_WEEKS)) for number, left in asked]
    searches = {number: _Search(number) for number, _ in near}
    for number, left in near:
        searches[number].awaited.add(left)
    pending, within = list(searches.values()), FIRST_WEEKS
    while pending:
        pending = _searched(weeks, pending, within)
        within *= 2
    return [searches[number].odds(left) for number, left in near]


@dataclass(slots=True, eq=False)
class _Search:
    """What is known so far of a number of items; `awaited`: the weeks whose chance is asked and not yet known."""

    number: int
    awaited: set[int] = field(default_factory=set)
    chances: dict[int, float] = field(default_factory=dict)
    reached: dict[tuple[int, int], int] = field(default_factory=dict)

    def note(self, week: int, below: int, ways: int) -> bool:
        """Take in how many of the ways in which so many weeks can go are not enough; return whether all is known."""
        known = set(self.awaited) if below * CERTAIN < ways else self.awaited & {week}
        if known:
            self.chances |= dict.fromkeys(known, (ways - below) / ways)
            self.awaited -= known
        for least in (HALF, LIKELY) if week <= SEARCHED_WEEKS else ():
            if least not in self.reached and (ways - below) * least[1] >= ways * least[0]:
                self.reached[least] = week
        return not self.awaited and (LIKELY in self.reached or week >= SEARCHED_WEEKS)

    def odds(self, left: int) -> Odds:
        """Return the answer for so many weeks left."""
        return Odds(self.chances[left], self.reached.get(HALF), self.reached.get(LIKELY))


def _searched(weeks: Sequence[int], asked: Sequence[_Search], within: int) -> list[_Search]:
    """Look at one week after the other, and return the questions that so many do not answer.

    In how many ways no more than each sum comes about is a digit of one large number, wide enough for the last week.
    So the convolution with one week more is a few shifts and additions.
    """
    bits = math.ceil(within * math.log2(max(len(weeks), 2))) + 8
    digit = (1 << bits) - 1
    counts, mask = Counter(weeks), (1 << (bits * max(one.number for one in asked))) - 1
    pending, sums, ways = list(asked), mask // digit, 1  # in no week nothing is done: one way for every sum
    for week in range(within + 1):
        pending = [one for one in pending if not one.note(week, sums >> bits * (one.number - 1) & digit, ways)]
        if not pending:
            break
        sums = sum(times * sums << (bits * one) for one, times in counts.items()) & mask
        ways *= len(weeks)
    return pending


def simulated(weeks: Sequence[int], number: int, left: int, seed: str) -> Odds:
    """Return the odds as so many runs have them, each of which draws every week to come from the known ones.

    The same seed gives the same runs.
    """
    draws = random.Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))  # noqa: S311  # no secret
    known, left = pl.Series(weeks, dtype=pl.Int64), min(left, MOST_WEEKS)
    finished = pl.Series([0] * RUNS, dtype=pl.Int64)
    chances = [float((finished >= number).sum()) / RUNS]
    while len(chances) <= max(left, SEARCHED_WEEKS) and not (
        len(chances) > left and chances[-1] >= LIKELY[0] / LIKELY[1]
    ):
        finished = finished + known.sample(RUNS, with_replacement=True, seed=draws.getrandbits(63))
        chances.append(float((finished >= number).sum()) / RUNS)
    reached = [
        next((k for k, one in enumerate(chances[: SEARCHED_WEEKS + 1]) if one >= some / of), None)
        for some, of in (HALF, LIKELY)
    ]
    return Odds(chances[left], *reached)
