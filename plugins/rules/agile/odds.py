"""The chance that enough is finished in some weeks, when each goes like one of those that are known."""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import polars as pl

SEARCHED_WEEKS = 104
MOST_WEEKS = 520  # a release farther away is as good as ten years away
RUNS = 10_000
HALF, LIKELY = Fraction(1, 2), Fraction(85, 100)


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance in weeks left, 0 to 1, and in how many weeks it reaches a half and 85 %; None: not in two years."""

    chance: float
    p50_weeks: int | None
    p85_weeks: int | None


@dataclass(slots=True, eq=False)
class Exact:
    """The sums of so many weeks as they are distributed, by convolution in whole numbers: nothing is rounded.

    `weeks`: what was finished in each known week. `most`: the largest number that is asked about. How often a sum comes
    is a digit of one large number, so that a convolution is a few shifts and additions.
    """

    weeks: Sequence[int]
    most: int
    longest: int = SEARCHED_WEEKS
    _powers: list[int] = field(default_factory=lambda: [1])
    _bits: int = 0

    def __post_init__(self) -> None:
        """Choose the width of a digit: no count of any sum reaches it."""
        self._bits = math.ceil(self.longest * math.log2(max(len(self.weeks), 2))) + 8

    def chance(self, number: int, weeks: int) -> Fraction:
        """Return the chance that at least `number` are finished in so many weeks."""
        if number <= 0:
            return Fraction(1)
        if weeks * max(self.weeks) < number:
            return Fraction(0)
        below = self._power(weeks) & ((1 << (self._bits * number)) - 1)
        # The digits of a number add up to its remainder, as with nines in decimal.
        return 1 - Fraction(below % ((1 << self._bits) - 1), len(self.weeks) ** weeks)

    def _power(self, weeks: int) -> int:
        counts, mask = Counter(self.weeks), (1 << (self._bits * self.most)) - 1
        while len(self._powers) <= weeks:
            last = self._powers[-1]
            moved = (times * last << (self._bits * one) for one, times in counts.items())
            self._powers.append(sum(moved) & mask)
        return self._powers[weeks]


def exact(weeks: Sequence[int], asked: Sequence[tuple[int, int]]) -> Iterator[Odds]:
    """Yield the odds of each asked number of items in a number of weeks left."""
    if not asked:
        return
    longest = max(SEARCHED_WEEKS, *(min(left, MOST_WEEKS) for _, left in asked))
    sums = Exact(weeks, max(number for number, _ in asked), longest)
    for number, left in asked:
        reached = [_first(sums, number, least) for least in (HALF, LIKELY)]
        yield Odds(float(sums.chance(number, min(left, MOST_WEEKS))), *reached)


def _first(sums: Exact, number: int, least: Fraction) -> int | None:
    """Return the fewest weeks in which the chance is that high: it only grows with time."""
    low, high = 0, SEARCHED_WEEKS
    if sums.chance(number, high) < least:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if sums.chance(number, middle) >= least else (middle + 1, high)
    return low


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
