"""A person's word on an alert: taken notice of until a day or until it gets worse; with a new date where one is set."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from pmo_watch.alerts import Alert, Reason, Transition
from pmo_watch.errors import ConfigError

LONGEST = timedelta(days=90)  # spec channels 7.4
LONGEST_PROMISE = timedelta(days=5 * 365)  # a date farther ahead is a slip of the pen
REASON_LENGTH = (3, 500)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An acknowledgement as asked for; `by`: what the log adds to the name, such as how it was given.

    `new_date`: the day by which what the alert is about will be done or in order; None promises nothing, and leaves
    a promise as it is that was made before.
    """

    until: date
    who: str
    reason: str
    by: str = ""
    new_date: date | None = None


def acknowledge(alert: Alert, wanted: Wanted, at: datetime, today: date) -> Transition | None:
    """Acknowledge an open alert until a day, that day included; None when it says what already holds.

    Raises:
        ConfigError: the alert is not open, a day is past or too far ahead, the reason or the person is missing.
    """
    fault = acknowledgement_fault(alert, wanted, today)
    if fault:
        raise ConfigError(fault)
    who = wanted.who.strip()
    after = replace(
        alert,
        acknowledged_until=wanted.until,
        acknowledged_level=alert.level or "",
        acknowledged_by=who,
        acknowledged_on=today,
        acknowledged_reason=wanted.reason.strip(),
        new_date=wanted.new_date or alert.new_date,
        new_date_by=who if wanted.new_date else alert.new_date_by,
    )
    if replace(after, acknowledged_on=alert.acknowledged_on) == alert:
        return None
    said = {"because": after.acknowledged_reason, "until": wanted.until, "new_date": wanted.new_date}
    return Transition(after, alert, Reason.ACKNOWLEDGED, at, {key: one for key, one in said.items() if one}, who=who)


def acknowledgement_fault(alert: Alert, wanted: Wanted, today: date) -> str:
    """Say what stands in the way of an acknowledgement, with the remedy; empty when nothing does."""
    if alert.closed_at is not None:
        return (
            f"alert {alert.id} was closed on {alert.closed_at:%Y-%m-%d} ({alert.close_reason}): nothing to acknowledge"
        )
    if alert.level is None:
        return f"alert {alert.id} is pending, nobody was told yet: acknowledge it once it is open"
    if fault := _day_fault("until", wanted.until, today, LONGEST):
        return fault
    if wanted.new_date and (fault := _day_fault("new_date", wanted.new_date, today, LONGEST_PROMISE)):
        return fault
    if not REASON_LENGTH[0] <= len(wanted.reason.strip()) <= REASON_LENGTH[1]:
        return f"reason: give {REASON_LENGTH[0]} to {REASON_LENGTH[1]} characters that say why"
    return "" if wanted.who.strip() else "who: say who acknowledges"


def _day_fault(name: str, day: date, today: date, longest: timedelta) -> str:
    if day < today:
        return f"{name}: {day} is past, give today or a later day"
    if day > today + longest:
        return f"{name}: {day} is more than {longest.days} days ahead, give {today + longest} or an earlier day"
    return ""


def forgotten(alert: Alert) -> Alert:
    """Return the alert without its acknowledgement; a promised date stays."""
    return replace(
        alert,
        acknowledged_until=None,
        acknowledged_level="",
        acknowledged_by="",
        acknowledged_on=None,
        acknowledged_reason="",
    )
