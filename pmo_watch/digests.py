"""When a digest is due, and where an alert stands in it (spec rules-language, `digests`; spec alerts)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.alerts import Alert, Reason, Told
from pmo_watch.escalations import audiences_of
from pmo_watch.flow import Snapshot
from pmo_watch.rules import Audience, Digest, Rule
from pmo_watch.workdays import Calendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_GAP = 62  # days looked back over: a digest that was missed for longer is late anyway
AT_ONCE = "at once"
DAILY = "every working day"
OPEN, SILENCED = "open", "silenced"


@dataclass(frozen=True, slots=True)
class Due:
    """A digest that leaves now: when it was due, and of which projects or programmes; None is all.

    `since`: when it left last; None when never. `only`: uids of the persons it is for; None is everybody.
    """

    at: datetime
    scopes: frozenset[str] | None = None
    since: datetime | None = None
    only: frozenset[str] | None = None


DIGEST = "digest"  # kind of the marks that say when a digest left last


def leaving_now(
    digests: Mapping[str, Digest], marks: Mapping[tuple[str, str], str], snapshot: Snapshot
) -> dict[str, datetime | None]:
    """Return the digests that are due, each with when it left last; None when never."""
    left = {name: last_left(name, marks) for name in digests}
    return {name: left[name] for name, one in digests.items() if due(one, left[name], snapshot) is not None}


def last_left(name: str, marks: Mapping[tuple[str, str], str]) -> datetime | None:
    """Return when a digest left last; None when never."""
    text = marks.get((DIGEST, name))
    return datetime.fromisoformat(text) if text else None


def due(digest: Digest, last: datetime | None, snapshot: Snapshot) -> Due | None:
    """Return the digest's latest moment after `last` and up to now; None when there is none.

    A digest that never left is due from the beginning of today. One that was missed leaves once, not once per day.
    """
    zone = ZoneInfo(snapshot.organisation.timezone)
    midnight = datetime.combine(snapshot.today, time(), zone)
    since = last or midnight - timedelta(seconds=1)
    first = max(since.astimezone(zone).date(), snapshot.today - timedelta(days=LONGEST_GAP))
    hour, _, minute = digest.at.partition(":")
    at = time(int(hour), int(minute))
    moments = {
        datetime.combine(day, at, zone): scopes for day, scopes in _days(digest.on, first, snapshot.today, snapshot)
    }
    missed = {moment: scopes for moment, scopes in moments.items() if since < moment <= snapshot.now}
    if not missed:
        return None
    everywhere = any(scopes is None for scopes in missed.values())
    scopes = None if everywhere else frozenset().union(*(one for one in missed.values() if one is not None))
    return Due(max(missed).astimezone(ZoneInfo("UTC")), scopes, last)


def moment_on(digest: Digest, day: date, snapshot: Snapshot) -> datetime | None:
    """Return when the digest leaves on that day of the organisation; None when it does not."""
    hour, _, minute = digest.at.partition(":")
    if not any(True for _ in _days(digest.on, day, day, snapshot)):
        return None
    return datetime.combine(day, time(int(hour), int(minute)), ZoneInfo(snapshot.organisation.timezone))


def _days(on: str, first: date, last: date, snapshot: Snapshot) -> Iterator[tuple[date, frozenset[str] | None]]:
    """Return the days from first to last on which the digest leaves, each with the places it is about."""
    default = snapshot.organisation.calendar
    calendar = snapshot.calendars.get(default, Calendar(default))
    number, _, body = on.partition(" wd before ")
    if body:
        days = _before(int(number), body, calendar, snapshot)
        yield from ((day, scopes) for day, scopes in sorted(days.items()) if first <= day <= last)
        return
    for past in range((last - first).days + 1):
        day = first + timedelta(days=past)
        if _leaves(on, day, calendar):
            yield day, None


def _leaves(on: str, day: date, calendar: Calendar) -> bool:
    if not calendar.works(day):
        return False
    if on == DAILY:
        return True
    begins = day.replace(day=1) if on == "first working day of month" else day - timedelta(_days_since(on, day))
    # On a holiday it leaves on the next working day.
    return not any(calendar.works(begins + timedelta(days=past)) for past in range((day - begins).days))


def _days_since(weekday: str, day: date) -> int:
    return (day.weekday() - WEEKDAYS.index(weekday)) % 7


def _before(number: int, body: str, calendar: Calendar, snapshot: Snapshot) -> dict[date, frozenset[str] | None]:
    """Return the days that lie so many working days before planned meetings or gates, with their projects."""
    meetings = snapshot.frame("meeting").filter(
        (pl.col("kind") == body) & ~pl.col("cancelled").fill_null(value=False) & pl.col("held_on").is_null()
    )
    gates = snapshot.frame("gate").filter(
        (pl.col("code") == body)
        & ~pl.col("tailored_out").fill_null(value=False)
        & ~pl.col("passed").fill_null(value=False)
    )
    planned = [
        *meetings.select("planned_on", "scope").drop_nulls("planned_on").iter_rows(),
        *gates.select("planned_on", "project").drop_nulls("planned_on").iter_rows(),
    ]
    days: dict[date, frozenset[str] | None] = {}
    for day, scope in planned:
        leaves = calendar.add(day, -number)
        if leaves is not None:
            known = days.get(leaves, frozenset())
            days[leaves] = None if scope is None or known is None else known | {scope}
    return days


# --- what stands in it --------------------------------------------------------------------------------------------


def stands(audience: Audience, digest: str, rule: Rule, alert: Alert, told: Told | None) -> bool:
    """Say whether an open alert stands in this digest of the audience.

    It does at a level that the audience hears of; and at any level when what was told of it no longer holds.
    """
    level = alert.level or ""
    reminded = rule.remind.to if rule.remind and alert.reminded_on else ()
    if audience.name in (*rule.tell.get(level, ()), *audiences_of(alert), *reminded):
        if audience.deliver.get(level) in {digest, AT_ONCE}:
            return True
    elif not any(audience.name in names for names in rule.tell.values()):
        return False
    return told is not None and told.level != level


def section(alert: Alert, told: Told | None, *, silenced: bool) -> str:
    """Return what the digest says of an open alert: a Reason, `open` or `silenced`."""
    if silenced:
        return SILENCED
    if told is None:
        return Reason.OPENED.value
    if told.level != alert.level:
        return (Reason.WORSENED if alert.level == "red" else Reason.IMPROVED).value
    return Reason.UNKNOWN.value if alert.unknown_since else OPEN
