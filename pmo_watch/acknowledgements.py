"""A person's word on an alert: taken notice of until a day, or until it gets worse."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from pmo_watch.alerts import Alert, Reason, Transition
from pmo_watch.errors import ConfigError

LONGEST = timedelta(days=90)  # spec channels 7.4
REASON_LENGTH = (3, 500)


def acknowledge(alert: Alert, until: date, who: str, reason: str, at: datetime, today: date) -> Transition | None:
    """Acknowledge an open alert until a day, that day included; None when it says what already holds.

    Raises:
        ConfigError: the alert is not open, the day is past or too far ahead, the reason or the person is missing.
    """
    why = reason.strip()
    fault = acknowledgement_fault(alert, until, who, why, today)
    if fault:
        raise ConfigError(fault)
    after = replace(
        alert,
        acknowledged_until=until,
        acknowledged_level=alert.level or "",
        acknowledged_by=who.strip(),
        acknowledged_on=today,
        acknowledged_reason=why,
    )
    if replace(after, acknowledged_on=alert.acknowledged_on) == alert:
        return None
    return Transition(after, alert, Reason.ACKNOWLEDGED, at, who=who.strip())


def acknowledgement_fault(alert: Alert, until: date, who: str, reason: str, today: date) -> str:
    """Say what stands in the way of an acknowledgement, with the remedy; empty when nothing does."""
    if alert.closed_at is not None:
        return (
            f"alert {alert.id} was closed on {alert.closed_at:%Y-%m-%d} ({alert.close_reason}): nothing to acknowledge"
        )
    if alert.level is None:
        return f"alert {alert.id} is pending, nobody was told yet: acknowledge it once it is open"
    if until < today:
        return f"until: {until} is past, give today or a later day"
    if until > today + LONGEST:
        return f"until: {until} is more than {LONGEST.days} days ahead, give {today + LONGEST} or an earlier day"
    if not REASON_LENGTH[0] <= len(reason) <= REASON_LENGTH[1]:
        return f"reason: give {REASON_LENGTH[0]} to {REASON_LENGTH[1]} characters that say why"
    return "" if who.strip() else "who: say who acknowledges"


def forgotten(alert: Alert) -> Alert:
    """Return the alert without its acknowledgement."""
    return replace(
        alert,
        acknowledged_until=None,
        acknowledged_level="",
        acknowledged_by="",
        acknowledged_on=None,
        acknowledged_reason="",
    )
