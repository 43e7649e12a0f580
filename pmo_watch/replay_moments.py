"""The moments at which something may happen besides readings: a daemon looks every minute, a replay only at these."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pmo_watch.alerts import Alert
from pmo_watch.digests import moment_on
from pmo_watch.flow import Outcome, Snapshot, SourceState
from pmo_watch.in_force import InForce
from pmo_watch.rules import Digest, Rule, RuleSet, Span, Unit
from pmo_watch.store import StoredHistory

CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})\b")
BEFORE_BODY = " wd before "
QUARTER = 15  # minutes: findings are made anew this often at least


def clocks_of(in_force: InForce, history: StoredHistory) -> list[time]:
    """Return the times of day at which findings may change by themselves: the first is that the day begins.

    Besides when values of indicators are due, and every full hour where a rule measures in hours.
    """
    return sorted(_cut_offs(history) | ({time(hour) for hour in range(24)} if _in_hours(in_force) else {time()}))


def daily(in_force: InForce, clocks: Sequence[time], began: datetime, ended: datetime) -> Iterator[datetime]:
    """Yield those times of every day, and when digests leave."""
    zone = in_force.zone
    empty = Snapshot(began, began.astimezone(zone).date(), {}, in_force.calendars, in_force.organisation)
    day, last = began.astimezone(zone).date(), ended.astimezone(zone).date()
    while day <= last:
        of_day = [datetime.combine(day, clock, zone) for clock in clocks]
        of_day += [at for one in in_force.rules.digests.values() if (at := _leaves(one, day, empty, zone))]
        yield from (one.astimezone(UTC) for one in of_day if began <= one <= ended)
        day += timedelta(days=1)


def _leaves(digest: Digest, day: date, empty: Snapshot, zone: ZoneInfo) -> datetime | None:
    if BEFORE_BODY not in digest.on:
        return moment_on(digest, day, empty)
    hour, _, minute = digest.at.partition(":")  # when a body meets is known on the day alone
    return datetime.combine(day, time(int(hour), int(minute)), zone)


def _cut_offs(history: StoredHistory) -> set[time]:
    """Return the times of day at which values of indicators are due, where one says any."""
    frame = history.versions.get("indicator")
    texts = frame["cut_off"].drop_nulls().unique().to_list() if frame is not None else []
    found = (CLOCK.search(text) for text in texts)
    minutes = [int(one[1]) * 60 + int(one[2]) for one in found if one]
    seen = (-(-each // QUARTER) * QUARTER for each in minutes)
    return {time(each // 60, each % 60) for each in seen if each < 24 * 60}


def _in_hours(in_force: InForce) -> bool:
    known = in_force.plugins.measures
    rules = (one for one in in_force.rules.rules.values() if one.enabled)
    asked = (known.get(judged.measure) for rule in rules for judged in rule.measures)
    return any(one is not None and one.unit == Unit.HOURS for one in asked)


# --- that come up on the way --------------------------------------------------------------------------------------


def later(
    alerts: Iterable[Alert], rules: RuleSet, sources: Mapping[str, SourceState], graces: Mapping[str, Span]
) -> Iterator[datetime]:
    """Yield when spans of hours will have passed that run now: of alerts that wait, and of sources that fail."""
    for alert in alerts:
        rule = rules.rules.get(alert.rule)
        for span in _hours(rule) if rule else ():
            for since in (alert.seen_since, alert.grey_since):
                if since is not None:
                    yield since + timedelta(hours=span.number)
    for name, state in sources.items():
        grace = graces.get(name)
        if state.outcome == Outcome.FAILED and state.failing_since and grace and grace.unit == "h":
            yield state.failing_since + timedelta(hours=grace.number)


def _hours(rule: Rule) -> Iterator[Span]:
    spans = (rule.confirm_after, rule.no_data.after)
    return (one for one in spans if one is not None and one.unit == "h")
