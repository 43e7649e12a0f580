"""What falls due on an open alert with time: the end of an acknowledgement, escalation, reminders."""

from dataclasses import replace
from datetime import date

from pmo_watch.acknowledgements import forgotten
from pmo_watch.alerts import Alert, Reason
from pmo_watch.confirm import Moment, working_days
from pmo_watch.lifecycle import Evaluation, Trail
from pmo_watch.rules import Escalation, Reminder


def fall_due(trail: Trail, evaluation: Evaluation) -> None:
    """Take an open alert through what is due today; nothing is while it is acknowledged or unknown."""
    alert, at = trail.alert, evaluation.at
    if alert is None or alert.level is None or alert.closed_at is not None:
        return
    if alert.acknowledged_until is not None and at.today > alert.acknowledged_until:
        # What is said now is a reminder too: the next one counts from here.
        alert = replace(forgotten(alert), reminded_on=at.today)
        trail.take(Reason.ACKNOWLEDGEMENT_ENDED, alert)
    if alert.acknowledged_until is not None or alert.unknown_since is not None:
        return
    for number, step in enumerate(evaluation.rule.escalate, start=1):
        if number not in alert.escalated and _escalates(alert, step, at):
            steps = (*alert.escalated, number)
            alert = replace(alert, escalation_step=number, escalated=steps, escalated_on=at.today)
            trail.take(Reason.ESCALATED, alert, number)
    remind = evaluation.rule.remind
    if remind is not None and _reminds(alert, remind, evaluation.subject.due, at):
        trail.take(Reason.REMINDED, replace(alert, reminded_on=at.today))


def _escalates(alert: Alert, step: Escalation, at: Moment) -> bool:
    """Say whether the alert has been at that level, or a worse one, for so long."""
    since = alert.opened_at if step.while_level == "amber" else alert.since
    at_level = step.while_level == "amber" or alert.level == "red"
    return at_level and since is not None and at.passed(step.after, since)


def _reminds(alert: Alert, remind: Reminder, due: date | None, at: Moment) -> bool:
    since = alert.since.astimezone(at.zone).date() if alert.since else at.today
    last = max(since, alert.reminded_on or since)
    if remind.every is not None and at.passed(remind.every, last):
        return True
    if remind.before is None or due is None or last == at.today:
        return False
    span = remind.before
    already = alert.reminded_on is not None and _ahead(span.unit, alert.reminded_on, due, at) <= span.number
    return due >= at.today and at.left(span.unit, due) <= span.number and not already


def _ahead(unit: str, day: date, due: date, at: Moment) -> int:
    return working_days(day, due, at.calendar) if unit == "wd" else (due - day).days
