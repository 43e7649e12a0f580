"""The plan's own calendars: working times, and the day that a finish or start belongs to (spec model 1.7).

They only serve to snap, and to fill what a writer left out; working days in rules use the configured calendars.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from lxml import etree

from .elements import child, children, texts_of
from .recurrence import Recurrence, read_recurrence
from .values import clock_minutes

Spans = tuple[tuple[int, int], ...]  # from and to, minutes since midnight

STANDARD_DAY: Spans = ((480, 720), (780, 1020))  # 08:00 to 12:00 and 13:00 to 17:00, Project's default
DEFAULT_BOUNDS = (480, 1020)
MIDNIGHT = 1440
ONE_DAY = timedelta(days=1)
LONGEST_SEARCH_DAYS = 36525  # a hundred years: a calendar without working days ends the search
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """Days on which other hours are worked, or none."""

    when: Recurrence
    spans: Spans | None  # None: worked, the hours not said


@dataclass(frozen=True, slots=True)
class WorkWeek:
    """A period with a week of its own."""

    first: date
    last: date
    week: Mapping[int, Spans | None]


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A calendar as written: what it says itself, the rest is its base calendar's. Monday is 0."""

    uid: str
    name: str
    base: str
    week: Mapping[int, Spans | None] = field(default_factory=dict)
    exceptions: tuple[Exceptional, ...] = ()
    work_weeks: tuple[WorkWeek, ...] = ()


def read_calendar(element: etree._Element) -> CalendarEntry:
    """Read a `Calendar`.

    Raises:
        ValueError: a time, day or number in it is none.
    """
    texts = texts_of(element)
    written = list(children(child(element, "WeekDays"), "WeekDay"))
    separate = child(element, "Exceptions")
    # Exceptions are written a second time as week days of type 0, for older readers.
    entries = children(separate, "Exception") if separate is not None else _typed(written, "0")
    return CalendarEntry(
        texts.get("UID", ""),
        texts.get("Name", ""),
        texts.get("BaseCalendarUID", "-1"),
        _week(written),
        tuple(Exceptional(read_recurrence(one), _spans(one)) for one in entries),
        tuple(_work_weeks(element)),
    )


def _typed(days: list[etree._Element], day_type: str) -> Iterator[etree._Element]:
    return (one for one in days if texts_of(one).get("DayType") == day_type)


def _week(days: list[etree._Element]) -> dict[int, Spans | None]:
    return {
        (int(day_type) + 5) % 7: _spans(one)  # 1 is Sunday
        for one in days
        if (day_type := texts_of(one).get("DayType", "0")) != "0"
    }


def _work_weeks(element: etree._Element) -> Iterator[WorkWeek]:
    for one in children(child(element, "WorkWeeks"), "WorkWeek"):
        when = read_recurrence(one)
        yield WorkWeek(when.first, when.last, _week(list(children(child(one, "WeekDays"), "WeekDay"))))


def _spans(element: etree._Element) -> Spans | None:
    """Read the working times of a day; none when it is not worked, None when the hours are not said."""
    if texts_of(element).get("DayWorking", "1") in {"0", "false"}:
        return ()
    found = []
    for one in children(child(element, "WorkingTimes"), "WorkingTime"):
        texts = texts_of(one)
        if "FromTime" in texts and "ToTime" in texts:
            end = clock_minutes(texts["ToTime"])
            found.append((clock_minutes(texts["FromTime"]), end or MIDNIGHT))  # 00:00 is the end of the day
    return tuple(sorted(found)) or None


class PlanCalendar:
    """A calendar with everything its base calendars say."""

    def __init__(self, entry: CalendarEntry, base: "PlanCalendar | None", bounds: tuple[int, int]) -> None:
        self.name = entry.name
        self._entry = entry
        self._base = base
        self._bounds = bounds
        self._known: dict[date, Spans] = {}

    def spans(self, day: date) -> Spans:
        """Return the working times of the day; none when it is not worked."""
        found = self._known.get(day)
        if found is None:
            found = self._known[day] = self._look_up(day)
        return found

    def _look_up(self, day: date) -> Spans:
        for one in self._entry.exceptions:
            if one.when.covers(day):
                return (self._bounds,) if one.spans is None else one.spans
        weeks = [one.week for one in self._entry.work_weeks if one.first <= day <= one.last]
        for week in (*weeks, self._entry.week):
            if day.weekday() in week:
                spans = week[day.weekday()]
                return (self._bounds,) if spans is None else spans
        if self._base is not None:
            return self._base.spans(day)
        return STANDARD_DAY if day.weekday() < 5 else ()

    def bounds(self, day: date) -> tuple[int, int]:
        """Return the first and last working minute of the day; the plan's usual ones when it is not worked."""
        spans = self.spans(day)
        return (spans[0][0], max(end for _, end in spans)) if spans else self._bounds

    def finish_day(self, moment: datetime) -> date:
        """Return the day a finish belongs to: at the start of a day it is the working day before."""
        if _since_midnight(moment) <= self.bounds(moment.date())[0]:
            return self._worked(moment.date(), -ONE_DAY)
        return moment.date()

    def start_day(self, moment: datetime) -> date:
        """Return the day a start belongs to: at the end of a day it is the next working day."""
        if _since_midnight(moment) >= self.bounds(moment.date())[1]:
            return self._worked(moment.date(), ONE_DAY)
        return moment.date()

    def _worked(self, day: date, step: timedelta) -> date:
        """Return the next worked day after `day` in that direction; `day` itself when there is none."""
        at = day
        for _ in range(LONGEST_SEARCH_DAYS):
            if at in {date.min, date.max}:
                break
            at += step
            if self.spans(at):
                return at
        return day

    def add(self, start: datetime, minutes: int) -> datetime | None:
        """Return when so much working time after `start` is over; None when it never is."""
        left: float = minutes
        day, at = start.date(), _since_midnight(start)
        if left <= 0:
            return start
        for _ in range(LONGEST_SEARCH_DAYS):
            for begin, end in self.spans(day):
                free = end - max(begin, at)
                if free >= left:
                    return datetime.combine(day, time()) + timedelta(minutes=end - free + left)
                left -= max(free, 0)
            if day == date.max:
                break
            day, at = day + ONE_DAY, 0.0
        return None

    def minutes_between(self, start: datetime, finish: datetime) -> int:
        """Return the working minutes from `start` to `finish`; 0 when it is not after it."""
        total, days = 0.0, (finish.date() - start.date()).days
        for number in range(min(days, LONGEST_SEARCH_DAYS) + 1):
            day = start.date() + number * ONE_DAY
            low = _since_midnight(start) if number == 0 else 0
            high = _since_midnight(finish) if number == days else MIDNIGHT
            total += sum(max(min(end, high) - max(begin, low), 0) for begin, end in self.spans(day))
        return round(total)


def _since_midnight(moment: datetime) -> float:
    return moment.hour * 60 + moment.minute + moment.second / 60


class PlanCalendars:
    """All calendars of a plan; an unknown one is the project's, and is noted once."""

    def __init__(self, entries: Mapping[str, CalendarEntry], project: str | None, bounds: tuple[int, int]) -> None:
        self._entries = entries
        self._bounds = bounds
        self._made: dict[str, PlanCalendar] = {}
        self.unknown: set[str] = set()
        standard = PlanCalendar(CalendarEntry("", "", "-1"), None, bounds)
        self.project = self._find(project, standard)

    def of(self, uid: str | None) -> PlanCalendar:
        """Return the calendar of a row that names it."""
        return self._find(uid, self.project)

    def _find(self, uid: str | None, otherwise: PlanCalendar) -> PlanCalendar:
        if uid in {None, "", "-1"}:
            return otherwise
        assert uid is not None
        if uid not in self._entries:
            self.unknown.add(uid)
            return otherwise
        return self._make(uid, frozenset())

    def _make(self, uid: str, above: frozenset[str]) -> PlanCalendar:
        if uid not in self._made:
            entry = self._entries[uid]
            known = entry.base in self._entries and entry.base not in above | {uid}  # a circle has no base
            base = self._make(entry.base, above | {uid}) if known else None
            self._made[uid] = PlanCalendar(entry, base, self._bounds)
        return self._made[uid]

    def own_days_off(self, uid: str | None) -> list[tuple[date, date]]:
        """Return the periods that a resource's own calendar closes, first and last day."""
        entry = self._entries.get(uid or "")
        if entry is None or entry.base not in self._entries:
            return []
        return sorted({stretch for one in entry.exceptions if one.spans == () for stretch in one.when.stretches()})
