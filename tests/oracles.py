"""Plans as another reader found them, and what follows from that by a second, plain computation.

The plans lie in a folder beside the checkout that does not ship with it, each with the answer of MPXJ beside it.
Nothing of pmo-watch is used here: dates, working days and rows that count are worked out again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1].parent / "shared" / "data"
SERIES = DATA / "programme-series"
ABSENT = f"no plans in {DATA}: they do not ship with the checkout"
DAY_STARTS, DAY_ENDS = time(8), time(17)
SATURDAY = 5
NONE_MEANT = {date(1984, 1, 1), date(1970, 1, 1), date(2000, 1, 1)}
NEAR = 366  # days: a date that means none is one, where the plan has another that close
# Rows by hand with words in place of a date, for which the other reader takes the date that is left in the file.
IN_WORDS = {("mpxj-task-textvalues-p2019.xml", 1): "start", ("mpxj-task-textvalues-p2019.xml", 2): "finish"}
MOMENTS = ("start", "finish", "actual_start", "actual_finish", "baseline_start", "baseline_finish", "deadline")


def plan_files() -> list[Path]:
    """Return the plans that have an oracle, of the published collection and of the made-up programme."""
    found = [*DATA.glob("mspdi/*.xml.oracle.json"), *SERIES.glob("2026-*/*.xml.oracle.json")]
    return sorted(one.with_name(one.name.removesuffix(".oracle.json")) for one in found)


def days_off() -> frozenset[date]:
    """Return the holidays in the programme's calendar."""
    told = json.loads((SERIES / "expected.json").read_text(encoding="utf-8"))["days_off"]
    return frozenset(map(date.fromisoformat, told))


@dataclass(frozen=True)
class Days:
    """Working days, Monday to Friday but for holidays."""

    off: frozenset[date] = frozenset()

    def works(self, day: date) -> bool:
        """Say whether it is a working day."""
        return day.weekday() < SATURDAY and day not in self.off

    def between(self, start: date, end: date) -> int:
        """Count the working days after `start` up to `end`; negative backwards."""
        if end < start:
            return -self.between(end, start)
        return sum(self.works(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))

    def within(self, start: date, end: date) -> int:
        """Count the working days from `start` to `end`, both included; 0 backwards."""
        return self.between(start - timedelta(days=1), end) if end >= start else 0

    def after(self, day: date, number: int) -> date:
        """Return the so-manieth working day after `day`, or before it."""
        step = timedelta(days=1 if number > 0 else -1)
        for _ in range(abs(number)):
            day += step
            while not self.works(day):
                day += step
        return day


@dataclass(eq=False)
class Row:
    """A row of a plan, its moments made into days."""

    told: Mapping[str, Any]
    days: Mapping[str, date | None]
    counts: bool = True
    leaves: "list[Row]" = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        if name in MOMENTS:
            return self.days[name]
        raise AttributeError(name)

    @property
    def keys(self) -> set[str]:
        """What a reading may know it by."""
        return {str(self.told["uid"]), (self.told["guid"] or "").lower()}

    @property
    def milestone(self) -> bool:
        return bool(self.told["milestone"])

    @property
    def manual(self) -> bool:
        return bool(self.told["mode"] == "MANUALLY_SCHEDULED")

    @property
    def progress(self) -> float | None:
        found: float | None = self.told["percent_complete"]
        return found

    @property
    def done(self) -> bool:
        return self.actual_finish is not None or self.progress == 100

    @property
    def begun(self) -> bool:
        return self.actual_start is not None or bool(self.progress) or self.done

    @property
    def end(self) -> Any:
        """The day it finished, else the one it is expected to; None: neither is known."""
        return self.actual_finish or self.finish

    @property
    def committed(self) -> Any:
        """The day that counts as promised; None: it has no date."""
        return self.baseline_finish or self.deadline or self.finish

    def hours(self, name: str) -> float | None:
        """Return a duration or an effort."""
        found = self.told[name]
        return None if found is None else float(found["hours"])


class Plan:
    """A plan as its oracle tells it; `rows` are those of the outline, the project's own left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told = json.loads(path.with_name(f"{path.name}.oracle.json").read_text(encoding="utf-8"))
        self.project = self.told["project"]
        self.days = Days(days_off() if SERIES in path.parents else frozenset())
        tasks = [one for one in self.told["tasks"] if one["uid"] != 0 and not one["null"] and one["name"] is not None]
        self.rows = [Row(one, {name: self._day(one, name) for name in MOMENTS}) for one in tasks]
        self.of = {one.told["uid"]: one for one in self.rows}
        parents = {one.told["parent_uid"] for one in self.rows}
        for row in self.rows:
            told = row.told
            row.counts = told["uid"] not in parents and told["active"] and not told["external"]
        for row in self.counted:
            for above in self._above(row):
                above.leaves.append(row)

    def _above(self, row: Row) -> Iterator[Row]:
        yield row
        while (above := self.of.get(row.told["parent_uid"])) is not None:
            yield above
            row = above

    @property
    def counted(self) -> list[Row]:
        """The rows that count."""
        return [one for one in self.rows if one.counts]

    @property
    def milestones(self) -> list[Row]:
        return [one for one in self.counted if one.milestone]

    @property
    def tasks(self) -> list[Row]:
        return [one for one in self.counted if not one.milestone]

    @property
    def linked(self) -> bool:
        """Whether any link is known."""
        return any(one["uid"] in self.of for row in self.rows for one in row.told["predecessors"])

    def says(self, element: str) -> bool:
        """Say whether the file itself has an element of that name, which a reader may otherwise make up."""
        return f"<{element}>".encode() in self.path.read_bytes()

    @cached_property
    def as_of(self) -> date | None:
        """The status date, meant as the end of that day."""
        told = self.project["status_date"]
        return self._finish(datetime.fromisoformat(told)) if told else None

    @property
    def ends(self) -> date:
        """The day the whole plan is expected to end."""
        return self._finish(datetime.fromisoformat(self.project["finish"]))

    @property
    def saved(self) -> date:
        """The day on which the file was saved; where it does not say, that of the files that tests write."""
        told = self.project["last_saved"]
        return datetime.fromisoformat(told).date() if told else date(2026, 3, 9)

    @property
    def middle(self) -> date:
        """A day on which some of it is over and some of it is not."""
        start, finish = (datetime.fromisoformat(self.project[name]).date() for name in ("start", "finish"))
        return start + (finish - start) / 2

    # --- moments made into days -----------------------------------------------------------------------------------

    @cached_property
    def _dates_alone(self) -> bool:
        told = [one[name] for one in self.told["tasks"] for name in MOMENTS if one[name]]
        return all(one.endswith("T00:00:00") for one in told)

    @cached_property
    def _real(self) -> list[date]:
        told = [one[name][:10] for one in self.told["tasks"] for name in MOMENTS if one[name]]
        return [one for one in map(date.fromisoformat, told) if one not in NONE_MEANT]

    def _day(self, task: Mapping[str, Any], name: str) -> date | None:
        if not task[name] or IN_WORDS.get((self.path.name, task["uid"])) == name:
            return None
        moment = datetime.fromisoformat(task[name])
        day = moment.date()
        if day in NONE_MEANT and not any(abs((one - day).days) <= NEAR for one in self._real):
            return None
        duration = task["duration"]
        if self._dates_alone or name == "deadline" or (duration is not None and duration["hours"] == 0):
            return day
        return self._finish(moment) if name.endswith("finish") else self._start(moment)

    def _finish(self, moment: datetime) -> date:
        early = moment.time() <= DAY_STARTS and not self._dates_alone
        return Days().after(moment.date(), -1) if early else moment.date()

    def _start(self, moment: datetime) -> date:
        return Days().after(moment.date(), 1) if moment.time() >= DAY_ENDS else moment.date()


# --- shares and sums ----------------------------------------------------------------------------------------------


def percent(part: float, whole: float) -> float | None:
    """Return a share in per cent; None of nothing."""
    return round(100 * part / whole, 6) if whole else None


def spread(days: Days, row: Row, on: date) -> float:
    """Return the share of a row that its baseline promises by a day."""
    if on >= row.baseline_finish:
        return 1.0
    if row.milestone or on < row.baseline_start:
        return 0.0
    return days.within(row.baseline_start, on) / days.within(row.baseline_start, row.baseline_finish)


def filled(rows: Sequence[Row], name: str) -> float:
    """Return which share of the rows have a figure."""
    return sum(one.told[name] is not None for one in rows) / len(rows) if rows else 0.0
