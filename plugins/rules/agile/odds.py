"""The chance that enough is finished in some weeks, when each goes like one of those that are known."""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import polars as pl

SEARCHED_WEEKS = 104
MOST_WEEKS = 520  # a release farther away is as good as ten years away
FIRST_WEEKS = 16  # that are looked at before more are: most releases are nearer
CERTAIN = 10**12  # a chance that is less than one in so many away from certainty is taken as certain
RUNS = 10_000
HALF, LIKELY = Fraction(1, 2), Fraction(85, 100)


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance in weeks left, 0 to 1, and in how many weeks it reaches a half and 85 %; None: not in two years."""

    chance: float
    p50_weeks: int | None
    p85_weeks: int | None


def exact(weeks: Sequence[int], asked: Sequence[tuple[int, int]]) -> list[Odds]:
    """Return the odds of each asked number of items, at least one, in a number of weeks left, by convolution."""
    searches = [_Search(number, min(left, MOST_WEEKS)) for number, left in asked]
    pending, within = searches, FIRST_WEEKS
    while pending:
        pending = _searched(weeks, pending, within)
        within *= 2
    return [one.odds() for one in searches]


@dataclass(slots=True, eq=False)
class _Search:
    """What is known so far of one question."""

    number: int
    left: int
    chance: float | None = None
    reached: dict[Fraction, int] = field(default_factory=dict)

    def note(self, week: int, below: int, ways: int) -> bool:
        """Take in how many of the ways in which so many weeks can go are not enough; return whether all is known."""
        if self.chance is None and (week == self.left or below * CERTAIN < ways):
            self.chance = (ways - below) / ways
        for least in (HALF, LIKELY):
            if week <= SEARCHED_WEEKS and (ways - below) * least.denominator >= ways * least.numerator:
                self.reached.setdefault(least, week)
        return self.chance is not None and (LIKELY in self.reached or week >= SEARCHED_WEEKS)

    def odds(self) -> Odds:
        """Return the answer."""
        return Odds(self.chance or 0.0, self.reached.get(HALF), self.reached.get(LIKELY))


def _searched(weeks: Sequence[int], asked: Sequence[_Search], within: int) -> list[_Search]:
    """Look at one week after the other, and return the questions that so many do not answer.

    In how many ways each sum comes about is a digit of one large number, wide enough for the last week. So the
    convolution with one week more is a few shifts and additions.
    """
    bits = math.ceil(within * math.log2(max(len(weeks), 2))) + 8
    counts, mask = Counter(weeks), (1 << (bits * max(one.number for one in asked))) - 1
    pending, sums, ways = list(asked), 1, 1
    for week in range(within + 1):
        pending = [one for one in pending if not one.note(week, _below(sums, one.number, bits), ways)]
        if not pending:
            break
        sums = sum(times * sums << (bits * one) for one, times in counts.items()) & mask
        ways *= len(weeks)
    return pending


def _below(sums: int, number: int, bits: int) -> int:
    """Add up the digits of the sums below a number: they are its remainder, as with nines in decimal."""
    return (sums & ((1 << (bits * number)) - 1)) % ((1 << bits) - 1)


def simulated(weeks: Sequence[int], number: int, left: int, seed: str) -> Odds:
    """Return the odds as so many runs have them, each of which draws every week to come from the known ones.

    The same seed gives the same runs.
    """
    draws = random.Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))  # noqa: S311  # no secret
    known, left = pl.Series(weeks, dtype=pl.Int64), min(left, MOST_WEEKS)
    finished = pl.Series([0] * RUNS, dtype=pl.Int64)
    chances = [float((finished >= number).sum()) / RUNS]
    while len(chances) <= max(left, SEARCHED_WEEKS) and not (len(chances) > left and chances[-1] >= LIKELY):
        finished = finished + known.sample(RUNS, with_replacement=True, seed=draws.getrandbits(63))
        chances.append(float((finished >= number).sum()) / RUNS)
    reached = [
        next((k for k, one in enumerate(chances[: SEARCHED_WEEKS + 1]) if one >= least), None)
        for least in (HALF, LIKELY)
    ]
    return Odds(chances[left], *reached)
