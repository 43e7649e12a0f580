"""What rules would have done on stored history, in figures: per rule, per person and week, and beside other rules.

Pure. Days are civil days of the organisation, working days those of its calendar.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil
from statistics import fmean, median
from zoneinfo import ZoneInfo

from pmo_watch.alerts import CLOSING, Alert, Message, Reason, Transition
from pmo_watch.confirm import working_days
from pmo_watch.workdays import Calendar

OFTEN = 0.95  # percentile


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when is counted, in which zone and calendar; `false_start`: days within which one recovers."""

    since: datetime
    until: datetime
    zone: ZoneInfo
    calendar: Calendar
    false_start: int = 5

    def day(self, moment: datetime) -> date:
        """Return the civil day of a moment."""
        return moment.astimezone(self.zone).date()

    def holds(self, moment: datetime) -> bool:
        """Say whether a moment is counted."""
        return self.since <= moment <= self.until


@dataclass(frozen=True, slots=True)
class Course:
    """An alert from its opening to its end. `due`: the day that its row was due on when it opened; None: it has none.

    `closed`: None while open; then `reason` is empty. `peak`: the worst level it had.
    """

    alert: Alert
    opened: datetime
    level: str
    peak: str
    due: date | None
    closed: datetime | None = None
    reason: str = ""

    def lead(self, span: Span) -> int | None:
        """Return the working days from the opening to the miss; negative: it came after. None: nothing was missed.

        Missed is what was still open when the day had passed on which the row was due as the alert opened.
        """
        ended = span.day(self.closed or span.until)
        if self.due is None or ended <= self.due:
            return None
        opened = span.day(self.opened)
        if opened <= self.due:
            return working_days(opened, self.due, span.calendar)
        return -working_days(self.due, opened, span.calendar)

    def is_false_start(self, span: Span) -> bool:
        """Say whether it recovered so soon that nobody needed to hear of it."""
        soon = timedelta(days=span.false_start)
        return self.reason == Reason.RECOVERED and self.closed is not None and self.closed - self.opened <= soon


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule: alerts that opened in the span, by the level they opened at, and what became of them.

    `worsened`: those that opened amber and became red. `leads`: working days before each miss; see `Course.lead`.
    """

    rule: str
    amber: int
    red: int
    worsened: int
    closed: Mapping[str, int]
    still_open: int
    leads: tuple[int, ...]
    false_starts: int

    @property
    def lead(self) -> float | None:
        """The median of the lead times; None where nothing was missed, or the rows have no date."""
        return median(self.leads) if self.leads else None


@dataclass(frozen=True, slots=True)
class Reader:
    """One person or channel: messages in all, a week on average, and in the fullest week, which begins on that day."""

    name: str
    messages: int
    mean: float
    most: int
    fullest: date | None


@dataclass(frozen=True, slots=True)
class Load:
    """Messages to a person in a week, over everybody who got any in the span and every week of it."""

    mean: float = 0.0
    often: int = 0  # 95th percentile
    most: int = 0
    weeks: int = 0
    readers: tuple[Reader, ...] = ()  # the one with the fullest week first


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a set of rules would have done."""

    rules: tuple[RuleFigures, ...]
    load: Load
    courses: tuple[Course, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Sending:
    """A message and when it left."""

    at: datetime
    message: Message


def backtest(
    rules: Sequence[str],
    transitions: Sequence[Transition],
    due: Mapping[str, date],
    sent: Sequence[Sending],
    span: Span,
) -> Backtest:
    """Count what a replay gave. `rules`: those that are listed, also without any alert. `due`: alert id -> day."""
    followed = [one for one in courses(transitions, due) if span.holds(one.opened)]
    by_rule: dict[str, list[Course]] = {name: [] for name in rules}
    for one in followed:
        by_rule.setdefault(one.alert.rule, []).append(one)
    figures = tuple(_figures(name, some, span) for name, some in by_rule.items())
    return Backtest(figures, load(sent, span), tuple(followed))


def courses(transitions: Sequence[Transition], due: Mapping[str, date]) -> list[Course]:
    """Follow every alert that opened, in the order in which they did."""
    begun: dict[str, Transition] = {}
    peaks: dict[str, str] = {}
    ended: dict[str, Transition] = {}
    for one in transitions:
        if one.reason == Reason.OPENED:
            begun[one.alert.id] = one
        if one.alert.level == "red" or one.alert.id not in peaks:
            peaks[one.alert.id] = one.alert.level or peaks.get(one.alert.id, "")
        if one.reason in CLOSING:
            ended[one.alert.id] = one
    return [_course(one, peaks[name] or "", due.get(name), ended.get(name)) for name, one in begun.items()]


def _course(opened: Transition, peak: str, due: date | None, end: Transition | None) -> Course:
    level = opened.alert.level or ""
    closed, reason = (end.at, end.reason.value) if end else (None, "")
    return Course(opened.alert, opened.at, level, peak or level, due, closed, reason)


def _figures(rule: str, some: Sequence[Course], span: Span) -> RuleFigures:
    ended = [one for one in some if one.closed is not None]
    leads = sorted(lead for one in some if (lead := one.lead(span)) is not None)
    return RuleFigures(
        rule,
        sum(one.level == "amber" for one in some),
        sum(one.level == "red" for one in some),
        sum(one.level == "amber" and one.peak == "red" for one in some),
        dict(sorted(Counter(one.reason for one in ended).items())),
        len(some) - len(ended),
        tuple(leads),
        sum(one.is_false_start(span) for one in some),
    )


# --- messages -----------------------------------------------------------------------------------------------------


def load(sent: Sequence[Sending], span: Span) -> Load:
    """Count messages by person and week; a channel counts as a person."""
    counted: dict[str, Counter[date]] = defaultdict(Counter)
    for one in sent:
        if span.holds(one.at):
            counted[one.message.address or one.message.recipient][_monday(span.day(one.at))] += 1
    weeks = (_monday(span.day(span.until)) - _monday(span.day(span.since))).days // 7 + 1
    if not counted:
        return Load(weeks=weeks)
    each = sorted(count for weekly in counted.values() for count in weekly.values())
    every = [0] * (weeks * len(counted) - len(each)) + each
    readers = [_reader(name, weekly, weeks) for name, weekly in counted.items()]
    often = every[max(ceil(OFTEN * len(every)) - 1, 0)]
    ordered = tuple(sorted(readers, key=lambda one: (-one.most, -one.messages, one.name)))
    return Load(fmean(every), often, every[-1], weeks, ordered)


def _reader(name: str, weekly: Counter[date], weeks: int) -> Reader:
    most = max(weekly.values())
    fullest = min(day for day, count in weekly.items() if count == most)
    total = sum(weekly.values())
    return Reader(name, total, total / weeks, most, fullest)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


# --- beside another set -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Differing:
    """An alert that only one of two sets of rules opens, or that they open on other days.

    `days`: civil days by which the other set is later; negative: earlier; None where one of them does not open it.
    """

    rule: str
    subject: str
    project: str
    here: datetime | None
    other: datetime | None
    days: int | None = None


def differences(here: Backtest, other: Backtest, span: Span) -> list[Differing]:
    """Pair the openings of each rule on each row in their order, and return the pairs that are not alike."""
    mine, theirs = _openings(here), _openings(other)
    found: list[Differing] = []
    for key in sorted({*mine, *theirs}):
        ours, others = mine.get(key, []), theirs.get(key, [])
        for number in range(max(len(ours), len(others))):
            one = ours[number] if number < len(ours) else None
            two = others[number] if number < len(others) else None
            made = _differing(key[0], one, two, span)
            if made.days != 0:
                found.append(made)
    return found


def _openings(made: Backtest) -> dict[tuple[str, str], list[Course]]:
    found: dict[tuple[str, str], list[Course]] = {}
    for one in made.courses:
        found.setdefault((one.alert.rule, one.alert.subject), []).append(one)
    return found


def _differing(rule: str, one: Course | None, two: Course | None, span: Span) -> Differing:
    shown = one or two
    assert shown is not None  # as the caller has seen: one of them has an opening of that number
    days = (span.day(two.opened) - span.day(one.opened)).days if one and two else None
    subject = shown.alert.subject_id or shown.alert.subject_name or shown.alert.subject
    here, other = (each.opened if each else None for each in (one, two))
    return Differing(rule, subject, shown.alert.project_code, here, other, days)
