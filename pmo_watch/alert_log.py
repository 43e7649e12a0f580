"""An alert as the append-only log says it was at a moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from pmo_watch.alerts import CLOSING, Alert, Reason
from pmo_watch.lifecycle import LEVELS
from pmo_watch.store import TransitionEntry

RISES = (Reason.OPENED, Reason.WORSENED)  # what everybody whom a rule tells at that level is told of
MOVED = (Reason.OPENED, Reason.WORSENED, Reason.IMPROVED)
NOTICE_ENDS = (Reason.ACKNOWLEDGEMENT_ENDED, Reason.PROMISE_MISSED, Reason.WORSENED, *CLOSING)
ENDS = (*CLOSING, Reason.CLEARED_UNCONFIRMED)


def alert_at(alert: Alert, log: Sequence[TransitionEntry], at: datetime) -> Alert | None:
    """Return the alert as it was at a moment; None where it had not begun.

    `log`: all its transitions, oldest first. What the log does not say (streaks, reminders) is left out.
    """
    then = [one for one in log if one.at <= at]
    if not then:
        return None
    last, moved = then[-1], _last(then, MOVED)
    opened, ended = _last(then, (Reason.OPENED,)), last if last.reason in ENDS else None
    bare = Alert(alert.id, alert.rule, alert.subject, alert.entity, alert.subject_id, alert.subject_name, alert.project)
    made = replace(
        bare,
        project_code=alert.project_code,
        source=alert.source,
        level=LEVELS.get(last.level),
        began_at=alert.began_at,
        opened_at=opened.at if opened else None,
        since=moved.at if moved else None,
        closed_at=ended.at if ended else None,
        close_reason=ended.reason if ended else "",
        value=last.value,
        unit=last.unit,
    )
    return _with_notice(_with_unknown(made, then), then)


def _last(log: Sequence[TransitionEntry], reasons: Sequence[Reason]) -> TransitionEntry | None:
    return next((one for one in reversed(log) if one.reason in reasons), None)


def _with_unknown(alert: Alert, then: Sequence[TransitionEntry]) -> Alert:
    lost = _last(then, (Reason.UNKNOWN, Reason.KNOWN_AGAIN, *CLOSING))
    if lost is None or lost.reason != Reason.UNKNOWN:
        return alert
    why = str(lost.finding.get("reason") or "its source could not be relied on")
    return replace(alert, unknown_since=lost.at, unknown_reason=why)


def _with_notice(alert: Alert, then: Sequence[TransitionEntry]) -> Alert:
    """Return the alert with the acknowledgement that held then."""
    taken = _last(then, (Reason.ACKNOWLEDGED, *NOTICE_ENDS))
    if taken is None or taken.reason != Reason.ACKNOWLEDGED:
        return alert
    until = taken.finding.get("until")
    return replace(
        alert,
        acknowledged_by=taken.who,
        acknowledged_on=taken.at.date(),
        acknowledged_until=date.fromisoformat(until) if until else taken.at.date(),
        acknowledged_reason=str(taken.finding.get("because") or ""),
    )
