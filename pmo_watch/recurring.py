"""Silences that come back by themselves, such as a year-end freeze: when they hold, and what the store keeps of it.

Each time is kept as a silence of its own from its first moment on, so that it is listed, ended by hand and spoken of at
its end like one that a person set.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from pmo_watch.alerts import Silence
from pmo_watch.rules import Recurring, RuleSet
from pmo_watch.workdays import Calendar

LONGEST_DAYS = 90  # spec alerts: of any silence
DAY = timedelta(days=1)
LAST_SECOND = time(23, 59, 59)

Period = tuple[date, date]  # first and last day, both silent


@lru_cache(maxsize=64)
def periods_of(calendar: Calendar) -> tuple[Period, ...]:
    """Return the periods of days off that the calendar names, in order.

    Days that are not worked anyway, such as a weekend, do not interrupt a period.
    """
    found: list[Period] = []
    for day in sorted(calendar.closed - calendar.opened):
        if found and _joined(found[-1][1], day, calendar):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return tuple(found)


def _joined(last: date, day: date, calendar: Calendar) -> bool:
    between = (day - last).days - 1
    return between <= LONGEST_DAYS and not any(calendar.works(last + n * DAY) for n in range(1, between + 1))


def periods(recurring: Recurring, calendars: Mapping[str, Calendar], year: int) -> Iterator[Period]:
    """Yield the periods of a recurring silence that touch a year; none where nobody knows its calendar."""
    if recurring.calendar:
        known = calendars.get(recurring.calendar)
        yield from (one for one in (periods_of(known) if known else ()) if one[0].year <= year <= one[1].year)
        return
    over_new_year = recurring.last < recurring.first
    for begins in (year - 1, year) if over_new_year else (year,):
        first, last = date(begins, *recurring.first), date(begins + over_new_year, *recurring.last)
        yield first, last


def coming(recurring: Recurring, calendars: Mapping[str, Calendar], today: date) -> list[Period]:
    """Return the period that holds today and those that come this year and in the next, in order."""
    years = (today.year, today.year + 1)
    return sorted({one for year in years for one in periods(recurring, calendars, year) if one[1] >= today})


def turned(
    every: Mapping[str, Recurring],
    calendars: Mapping[str, Calendar],
    known: Sequence[Silence],
    now: datetime,
    zone: ZoneInfo,
) -> list[Silence]:
    """Return the silences that begin now, that have other days than was known, and that end with their entry.

    `known`: those not ended, and times that a person ended by hand, which do not begin again.
    """
    today = now.astimezone(zone).date()
    today_of = {name: one for name, recurring in every.items() if (one := _on(today, recurring, calendars))}
    found = [one for name, period in today_of.items() for one in _time(every[name], period, known, zone)]
    left = (one for one in known if one.name and not one.ended and one.name not in today_of)
    return [*found, *(replace(one, until=now) for one in left if one.until > now)]


def next_times(
    rules: RuleSet, calendars: Mapping[str, Calendar], ended: Sequence[Silence], today: date, zone: ZoneInfo
) -> Iterator[Silence]:
    """Yield the time of each recurring silence that holds today or comes next; of one that never comes, none.

    `ended`: times that a person ended.
    """
    for recurring in rules.silences.values():
        times = (silence_of(recurring, one, zone) for one in coming(recurring, calendars, today))
        over = [one for one in ended if one.name == recurring.name]
        yield from islice((one for one in times if not any(_meets(one, other) for other in over)), 1)


def _time(recurring: Recurring, period: Period, known: Sequence[Silence], zone: ZoneInfo) -> Iterator[Silence]:
    """Yield the silence of a period, where it is not known as it is; none where a person ended it."""
    made = silence_of(recurring, period, zone)
    same = [one for one in known if one.name == recurring.name and _meets(one, made)]
    going_on = next((one for one in same if not one.ended), None)
    if any(one.ended_by for one in same):
        return
    if going_on is None:
        yield made
    elif (changed := replace(made, id=going_on.id, since=going_on.since)) != going_on:
        yield changed


def _meets(one: Silence, other: Silence) -> bool:
    return one.since < other.until and other.since < one.until


def _on(day: date, recurring: Recurring, calendars: Mapping[str, Calendar]) -> Period | None:
    return next((one for one in periods(recurring, calendars, day.year) if one[0] <= day <= one[1]), None)


def silence_of(recurring: Recurring, period: Period, zone: ZoneInfo) -> Silence:
    """Return one time of a recurring silence, from the first moment of its first day to the last of its last."""
    first, last = period
    identity = "\0".join([recurring.name, first.isoformat(), last.isoformat()])
    return Silence(
        id=hashlib.sha256(identity.encode()).hexdigest()[:8],
        who=recurring.who,
        why=recurring.why,
        until=datetime.combine(last, LAST_SECOND, zone),
        since=datetime.combine(first, time(), zone),
        rule=recurring.rule,
        project=recurring.project,
        entity=recurring.entity,
        tag=recurring.tag,
        name=recurring.name,
    )


def too_long(some: Iterable[Period]) -> Period | None:
    """Return the first period that lasts longer than a silence may."""
    return next((one for one in some if (one[1] - one[0]).days + 1 > LONGEST_DAYS), None)
