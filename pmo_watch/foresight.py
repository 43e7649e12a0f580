"""What happens next of itself: the days ahead are taken through the very steps that a cycle takes.

An alert is looked at as if it stayed as it is and was found the same every day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pmo_watch import confirm
from pmo_watch.alerts import Alert, Reason, Transition
from pmo_watch.confirm import Moment
from pmo_watch.digests import due
from pmo_watch.escalations import newly_told
from pmo_watch.flow import Snapshot
from pmo_watch.lifecycle import CLOSED, LEVELS, Evaluation, Found, Trail
from pmo_watch.reminders import fall_due
from pmo_watch.rules import Digest, Rule
from pmo_watch.subjects import Subject

FARTHEST = 190  # days ahead that are looked at: the longest acknowledgement, and as much again
FARTHEST_DIGEST = 100
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Something that will happen to an alert on a day, unless it changes before; `to`: audiences that are told."""

    on: date
    reason: str
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirming:
    """A level that was seen and is not taken over yet: `seen` times of `wanted`, or since `since` until `on`.

    `level`: amber, red or closed. `on`: the first day on which it may be confirmed; None where that needs a number of
    evaluations.
    """

    level: str
    seen: int
    wanted: str
    since: datetime | None
    on: date | None = None


def ahead(alert: Alert, rule: Rule, subject: Subject, at: Moment) -> list[Ahead]:
    """Return the first time that each of the things happens which time alone brings about, in order."""
    trail, found = Trail(alert), Found(alert.level or "")
    first: dict[tuple[str, tuple[str, ...]], Ahead] = {}
    for moment in _days(at, FARTHEST):
        before = len(trail.steps)
        fall_due(trail, Evaluation(found, rule, subject, moment))
        for step in trail.steps[before:]:
            to = _told(Transition(step.after, step.before, step.reason, moment.now), rule)
            first.setdefault((step.reason.value, to), Ahead(moment.today, step.reason.value, to))
    return list(first.values())


def _told(transition: Transition, rule: Rule) -> tuple[str, ...]:
    if transition.reason == Reason.ESCALATED:
        return newly_told(transition)
    return rule.remind.to if rule.remind and transition.reason == Reason.REMINDED else ()


def confirming(alert: Alert, rule: Rule, at: Moment) -> Confirming | None:
    """Return what waits to be confirmed; None where nothing does."""
    if not alert.seen or (alert.seen not in LEVELS and alert.seen != CLOSED):
        return None
    span = rule.confirm_after
    wanted = f"{span.number} {span.unit}"
    if span.unit == "evaluations":
        return Confirming(alert.seen, alert.streak, wanted, alert.seen_since)
    days = (moment.today for moment in _days(at, FARTHEST) if confirm.confirmed(alert, span, moment))
    return Confirming(alert.seen, alert.streak, wanted, alert.seen_since, next(days, None))


def _days(at: Moment, number: int) -> Iterator[Moment]:
    """Yield this moment, and the end of each day after it."""
    yield at
    for past in range(1, number):
        day = at.today + timedelta(days=past)
        yield replace(at, now=datetime.combine(day, time.max, at.zone), today=day)


def leaves_next(digest: Digest, snapshot: Snapshot) -> datetime | None:
    """Return when a digest leaves next after now; None where no day of the next months is one for it."""
    zone = ZoneInfo(snapshot.organisation.timezone)
    for past in range(FARTHEST_DIGEST):
        day = snapshot.today + timedelta(days=past)
        evening = datetime.combine(day, time.max, zone)
        found = due(digest, snapshot.now, replace(snapshot, now=evening, today=day))
        if found is not None:
            return found.at
    return None
