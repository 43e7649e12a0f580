"""What falls due on an open alert with time: ends of acknowledgements, missed promises, escalation, reminders."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from pmo_watch import escalations
from pmo_watch.acknowledgements import forgotten
from pmo_watch.alerts import Alert, Reason
from pmo_watch.confirm import Moment, working_days
from pmo_watch.lifecycle import Evaluation, Trail
from pmo_watch.rules import Escalation, Reminder

DAY = timedelta(days=1)


def fall_due(trail: Trail, evaluation: Evaluation) -> None:
    """Take an open alert through what is due today; nothing is while it is acknowledged or unknown."""
    before, at = trail.alert, evaluation.at
    if before is None or before.level is None or before.closed_at is not None:
        return
    _end_acknowledgement(trail, before, at)
    alert = trail.alert = _paused(escalations.named(trail.alert or before, evaluation.rule.escalate), before, at)
    if alert.paused_on is not None:
        return
    for number, step, audiences in escalations.left(evaluation.rule.escalate, alert.steps):
        if _escalates(alert, step, at):
            alert = replace(escalations.taken(alert, number, step, audiences), escalated_on=at.today)
            trail.take(Reason.ESCALATED, alert, number)
    remind = evaluation.rule.remind
    if remind is not None and _reminds(alert, remind, evaluation.subject.due, at):
        trail.take(Reason.REMINDED, replace(alert, reminded_on=at.today))


def _end_acknowledgement(trail: Trail, alert: Alert, at: Moment) -> None:
    """End what has run out. What is said then is a reminder too: the next one counts from here.

    A promised date that has passed ends an acknowledgement that would last longer. Where nothing can be said of the
    alert now, nothing can be said of the promise either: it waits.
    """
    missed = alert.new_date if alert.unknown_since is None else None
    if missed is not None and at.today > missed:
        broken = replace(forgotten(alert), new_date=None, missed_date=missed, reminded_on=at.today)
        trail.take(Reason.PROMISE_MISSED, broken)
    elif alert.acknowledged_until is not None and at.today > alert.acknowledged_until:
        trail.take(Reason.ACKNOWLEDGEMENT_ENDED, replace(forgotten(alert), reminded_on=at.today))


def _paused(alert: Alert, before: Alert, at: Moment) -> Alert:
    """Return the alert with the pause that begins, goes on or is over: acknowledged and unknown days do not count.

    `before`: the alert before an acknowledgement ended by itself today.
    """
    begun = before.paused_on or _since(before, at)
    if alert.acknowledged_until is not None or alert.unknown_since is not None:
        return alert if alert.paused_on else replace(alert, paused_on=begun)
    if begun is None:
        return alert
    last = at.today - DAY
    if before.acknowledged_until is not None:
        last = min(last, before.acknowledged_until)  # however long nobody looked since
    pause = (f"{begun}/{last}",) if last > begun else ()
    return replace(alert, paused_on=None, pauses=(*alert.pauses, *pause))


def _since(alert: Alert, at: Moment) -> date | None:
    if alert.acknowledged_until is not None:
        return alert.acknowledged_on or at.today
    return _day(alert.unknown_since, at) if alert.unknown_since else None


def _escalates(alert: Alert, step: Escalation, at: Moment) -> bool:
    """Say whether the alert has been at that level, or a worse one, for so many working days that count."""
    since = alert.opened_at if step.while_level == "amber" else alert.since
    at_level = step.while_level == "amber" or alert.level == "red"
    if not at_level or since is None:
        return False
    return _days(alert, _day(since, at), at) >= step.after.number


def _days(alert: Alert, since: date, at: Moment) -> int:
    """Count the working days after a day, up to today, without those of pauses."""
    counted = working_days(since, at.today, at.calendar)
    for pause in alert.pauses:
        first, last = map(date.fromisoformat, pause.split("/"))
        if last > since:
            counted -= working_days(max(first, since), last, at.calendar)
    return counted


def _day(moment: datetime, at: Moment) -> date:
    return moment.astimezone(at.zone).date()


def _reminds(alert: Alert, remind: Reminder, due: date | None, at: Moment) -> bool:
    since = _day(alert.since, at) if alert.since else at.today
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
