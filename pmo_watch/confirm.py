"""When an evaluation counts, when a level is confirmed, when a span of time has passed (spec alerts, "Time")."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from pmo_watch.alerts import Alert
from pmo_watch.rules import Span
from pmo_watch.workdays import Calendar

WEEKDAYS = Calendar("weekdays")  # counts on where the configured calendar ends: a lost alert would be worse


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, as the entity of an alert sees it: its civil date and its working days."""

    now: datetime
    today: date
    zone: tzinfo
    calendar: Calendar

    def passed(self, span: Span, since: datetime | date) -> bool:
        """Say whether the span has passed since that instant or day; a span in evaluations is never a time."""
        if span.unit == "evaluations":
            return False
        begun = since.astimezone(self.zone).date() if isinstance(since, datetime) else since
        if span.unit == "h" and isinstance(since, datetime):
            return self.now - since >= timedelta(hours=span.number)
        if span.unit == "wd":
            return working_days(begun, self.today, self.calendar) >= span.number
        return (self.today - begun) >= (timedelta(hours=span.number) if span.unit == "h" else timedelta(span.number))

    def left(self, unit: str, day: date) -> int:
        """Return the days from today to that day, working days for `wd`; negative when it has passed."""
        return working_days(self.today, day, self.calendar) if unit == "wd" else (day - self.today).days


def working_days(start: date, end: date, calendar: Calendar) -> int:
    """Count the working days in (start, end], Monday to Friday where the calendar does not cover them."""
    counted = calendar.count(start, end)
    return (WEEKDAYS.count(start, end) or 0) if counted is None else counted


def counts(alert: Alert, reading: int, today: date) -> bool:
    """Say whether an evaluation counts: new complete reading, or another civil date, since the last that counted."""
    return alert.counted_on is None or today != alert.counted_on or reading != alert.counted_reading


def counted(alert: Alert, reading: int, today: date) -> Alert:
    """Return the alert after an evaluation that counts."""
    return replace(alert, counted_reading=reading, counted_on=today, evaluations=alert.evaluations + 1)


def seen_again(alert: Alert, level: str, now: datetime) -> Alert:
    """Return the alert after one more evaluation in a row that gave this level."""
    if alert.seen != level:
        return replace(alert, seen=level, seen_since=now, streak=1)
    return replace(alert, streak=alert.streak + 1)


def unseen(alert: Alert) -> Alert:
    """Return the alert without a level that waits for confirmation."""
    return replace(alert, seen="", seen_since=None, streak=0) if alert.seen else alert


def confirmed(alert: Alert, span: Span, at: Moment) -> bool:
    """Say whether the level that the alert has seen is confirmed."""
    if span.unit == "evaluations":
        return alert.streak >= span.number
    return at.passed(span, alert.seen_since or at.now)
