"""How often a year of a hundred projects writes to people, beside what tools send that know no alerts.

python benchmarks/year.py. The year is that of tests/year_replay.py, with three cycles each day. The floor of other
tools is one mail for each amber or red finding of each evaluation, to everybody whom the rules name; and one for each
change of such a finding.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from year_claims import CLAIMS, local
from year_days import FIRST, LAST
from year_life import hours
from year_problems import problems
from year_replay import Replay, Week, Year, monday

from pmo_watch.log import set_up_logging


@dataclass(frozen=True, slots=True)
class Spread:
    """Messages to a person in a week: mean, median, 95th percentile, most."""

    mean: float
    median: int
    often: int
    most: int

    @classmethod
    def of(cls, counted: Counter[Week], weeks: int) -> "Spread":
        """Return the spread over everybody who may be written to and every week, also those without a message."""
        people = len(hours())
        each = sorted([*counted.values(), *[0] * (people * weeks - len(counted))])
        return cls(sum(each) / len(each), each[len(each) // 2], each[int(len(each) * 0.95)], each[-1])


@dataclass(frozen=True, slots=True)
class Told:
    """What the year came to: messages, one mail for each change, one for each finding; promises that were not kept."""

    messages: Spread
    changes: Spread
    findings: Spread
    broken: int
    problems: int
    cycles: int
    seconds: float


def a_year() -> tuple[Year, float]:
    """Replay the year; return it with the seconds that it took."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="pmo-bench-") as name:
        year = Replay(Path(name), FIRST, LAST, problems(), often=True).run()
    return year, time.perf_counter() - began


def told(year: Year, seconds: float) -> Told:
    """Count what the year came to."""
    weeks = len({monday(FIRST), *(monday(local(one).date()) for one in year.sent)})
    sent = Counter((one.message.address, monday(local(one).date())) for one in year.sent)
    spreads = [Spread.of(one, weeks) for one in (sent, year.moved, year.shown)]
    broken = sum(len(claim(year)) for claim in CLAIMS)
    return Told(*spreads, broken, len(year.problems), year.cycles, seconds)


def lines(one: Told) -> Iterator[str]:
    """Return the figures as rows of a table."""
    yield f"\n{one.problems} problems in a year of 100 projects, {one.cycles} cycles in {one.seconds:.0f} s"
    yield "\n| mails to a person in a week | mean | median | 95th percentile | most |\n| --- | --- | --- | --- | --- |"
    for what, spread in (
        ("pmo-watch", one.messages),
        ("one for each change of a finding", one.changes),
        ("one for each finding of each evaluation", one.findings),
    ):
        yield f"| {what} | {spread.mean:.2f} | {spread.median} | {spread.often} | {spread.most} |"
    yield f"\nPromises not kept (late, too often, at a bad time, without an end, without a cause): {one.broken}"


def main() -> None:
    """Print the figures, and every promise that was not kept."""
    year, seconds = a_year()
    for line in lines(told(year, seconds)):
        print(line)
    for claim in CLAIMS:
        for case in claim(year):
            print(f"{claim.__name__}: {case}")


if __name__ == "__main__":
    set_up_logging("ERROR")
    main()
