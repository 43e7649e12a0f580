"""One alert through one evaluation: the state machine of spec alerts, "Alert state machine"."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from pmo_watch import confirm
from pmo_watch.acknowledgements import forgotten
from pmo_watch.alerts import CLOSING, Alert, Reason
from pmo_watch.confirm import Moment
from pmo_watch.rules import Rule
from pmo_watch.subjects import Subject

Level = Literal["amber", "red"]
LEVELS: dict[str, Level] = {"amber": "amber", "red": "red"}
CLOSED = "closed"  # what `Alert.seen` says while a closing waits for confirmation
FLAPS = 3  # openings and closings ...
WITHIN = 10  # ... in so many evaluations
AT_ONCE = frozenset({Reason.ENTITY_DONE, Reason.ENTITY_GONE})  # closings that need no confirmation
FINISHED = frozenset({"done", "finished", "closed"})  # spec measures 1.10


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A finding's row that matters: of an alert, or amber or red. `unknown`: why an unusable one says nothing."""

    state: str
    usable: bool = True
    reading: int = 0
    reason: str = ""
    recovered: bool = False
    value: float | None = None
    unit: str = ""
    source: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One evaluation of one entity by one rule."""

    found: Found
    rule: Rule
    subject: Subject
    at: Moment


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A change of the alert with its reason; `number` is that of an escalation step."""

    before: Alert | None
    after: Alert
    reason: Reason
    number: int = 0


class Trail:
    """An alert on its way through an evaluation, and the steps it took; `alert` is None where none came of it."""

    def __init__(self, alert: Alert | None) -> None:
        self.alert = alert
        self.steps: list[Step] = []

    def take(self, reason: Reason, after: Alert, number: int = 0) -> None:
        """Change the alert for a reason that the log keeps."""
        self.steps.append(Step(self.alert, after, reason, number))
        self.alert = after


def follow(trail: Trail, evaluation: Evaluation) -> None:
    """Take an alert through an evaluation: one that is pending, open, remembered, or none yet."""
    alert = trail.alert
    if alert is None or alert.closed_at is not None:
        _begin(trail, evaluation, alert)
        return
    verdict = _verdict(evaluation, alert)
    alert = trail.alert = _noted(_named(alert, evaluation.subject), evaluation.found, verdict, evaluation.at.now)
    if verdict == "ignored":
        return
    if alert.level is None:
        _pending(trail, alert, evaluation, verdict)
    elif verdict == "unknown":
        _lose_sight(trail, alert, evaluation)
    else:
        _open(trail, alert, evaluation, verdict)


def remove(trail: Trail, now: datetime) -> None:
    """Close an alert whose rule was removed or disabled; forget one that is only remembered."""
    alert = trail.alert
    if alert is None or alert.closed_at is not None:
        trail.alert = alert and replace(alert, recent=())
        return
    reason = Reason.RULE_REMOVED if alert.level else Reason.CLEARED_UNCONFIRMED
    trail.take(reason, replace(alert, closed_at=now, close_reason=reason.value, recent=()))


def _verdict(evaluation: Evaluation, alert: Alert | None) -> str:
    """Return green, amber, red or na; unknown where nothing may be concluded; ignored where the rule wants it so."""
    found, no_data, at = evaluation.found, evaluation.rule.no_data, evaluation.at
    if not found.usable:
        return "unknown"
    if found.state != "grey":
        return found.state
    if no_data.state == "ignore":
        return "ignored"
    # That data are missing is no evidence that a red alert has become amber.
    if no_data.state == "grey" or (no_data.state == "amber" and alert is not None and alert.level == "red"):
        return "unknown"
    since = (alert.grey_since if alert else None) or at.now
    return no_data.state if no_data.after is None or at.passed(no_data.after, since) else "unknown"


def _named(alert: Alert, subject: Subject) -> Alert:
    """Return the alert with what people call its subject now, so that its end can be told when the row is gone."""
    project, code = (subject.project.uid, subject.project.code) if subject.project else ("", "")
    kept = (alert.entity, alert.subject_id, alert.subject_name, alert.project, alert.project_code)
    if subject.gone or kept == (subject.entity, subject.id, subject.name, project, code):
        return alert
    return replace(
        alert,
        entity=subject.entity,
        subject_id=subject.id,
        subject_name=subject.name,
        project=project,
        project_code=code,
    )


def _noted(alert: Alert, found: Found, verdict: str, now: datetime) -> Alert:
    """Return the alert with what the finding says beside its state."""
    if found.source and found.source != alert.source:
        alert = replace(alert, source=found.source)
    if found.usable and found.state == "grey":
        return alert if alert.grey_since else replace(alert, grey_since=now)
    if verdict == "unknown":
        return alert
    if found.value is None or (found.value == alert.value and alert.grey_since is None):
        return replace(alert, grey_since=None) if alert.grey_since else alert
    return replace(alert, value=found.value, unit=found.unit, grey_since=None)


# --- none, remembered, pending ------------------------------------------------------------------------------------


def _begin(trail: Trail, evaluation: Evaluation, remembered: Alert | None) -> None:
    found, at = evaluation.found, evaluation.at
    verdict = _verdict(evaluation, None)
    waits = found.usable and verdict == "unknown" and evaluation.rule.no_data.state in LEVELS
    if verdict not in LEVELS and not waits:
        trail.alert = remembered and _remembered(remembered, found, at)
        return
    trail.alert = None
    alert = _new(evaluation, remembered)
    if waits:
        trail.take(Reason.PENDING, replace(alert, grey_since=at.now))
        return
    alert = _noted(_counted(alert, found, at), found, verdict, at.now)
    _confirm_opening(trail, alert, evaluation, verdict)
    if trail.alert is None:
        trail.take(Reason.PENDING, confirm.seen_again(alert, verdict, at.now))


def _remembered(alert: Alert, found: Found, at: Moment) -> Alert:
    """Return a closed alert after one more evaluation of its subject that gave nothing to open."""
    if not found.usable or not confirm.counts(alert, found.reading, at.today):
        return alert
    return replace(alert, recent=()) if found.reason == "vanished" else _counted(alert, found, at)


def _counted(alert: Alert, found: Found, at: Moment) -> Alert:
    return _recalled(confirm.counted(alert, found.reading, at.today))


def _new(evaluation: Evaluation, remembered: Alert | None) -> Alert:
    rule, subject, now = evaluation.rule, evaluation.subject, evaluation.at.now
    born = [rule.id, subject.uid, now.isoformat()]
    if remembered is not None and remembered.began_at == now:  # over and back at one instant, as a clock stands still
        born.append(remembered.id)
    begun = Alert(
        id=hashlib.sha256("\0".join(born).encode()).hexdigest()[:16],
        rule=rule.id,
        subject=subject.uid,
        source=evaluation.found.source,
        began_at=now,
        value=evaluation.found.value,
        unit=evaluation.found.unit,
        recent=remembered.recent if remembered else (),
        evaluations=remembered.evaluations if remembered else 0,
        flapping=remembered.flapping if remembered else False,
    )
    return _named(begun, subject)


def _pending(trail: Trail, alert: Alert, evaluation: Evaluation, verdict: str) -> None:
    found, at = evaluation.found, evaluation.at
    if verdict == "unknown":
        return
    is_counted = confirm.counts(alert, found.reading, at.today)
    if is_counted:
        alert = trail.alert = _counted(alert, found, at)
    if verdict not in LEVELS:
        cleared = Reason.CLEARED_UNCONFIRMED
        trail.take(cleared, replace(alert, closed_at=at.now, close_reason=cleared.value))
        return
    if not is_counted and evaluation.rule.confirm_after.unit == "evaluations":
        return
    _confirm_opening(trail, alert, evaluation, verdict)


def _confirm_opening(trail: Trail, alert: Alert, evaluation: Evaluation, level: str) -> None:
    """Open the alert at this level if that is confirmed; else remember that it was seen, where the alert is known."""
    at = evaluation.at
    seen = confirm.seen_again(alert, level, at.now)
    if not confirm.confirmed(seen, evaluation.rule.confirm_after, at):
        trail.alert = trail.alert and _if_waited(alert, seen, evaluation)
        return
    opened = replace(
        confirm.unseen(seen),
        level=LEVELS[level],
        peak=LEVELS[level],
        opened_at=at.now,
        since=at.now,
        value_at_open=alert.value,
        recent=(*alert.recent, f"o{alert.evaluations}"),
    )
    trail.take(Reason.OPENED, opened)


def _if_waited(alert: Alert, seen: Alert, evaluation: Evaluation) -> Alert:
    """Return the alert that has seen a level once more; a span of time needs no count of how often."""
    same = alert.seen == seen.seen and evaluation.rule.confirm_after.unit != "evaluations"
    return alert if same else seen


# --- open ---------------------------------------------------------------------------------------------------------


def _lose_sight(trail: Trail, alert: Alert, evaluation: Evaluation) -> None:
    why = evaluation.found.unknown or evaluation.found.reason
    if alert.unknown_since is None:
        trail.take(Reason.UNKNOWN, replace(alert, unknown_since=evaluation.at.now, unknown_reason=why))
    elif alert.unknown_reason != why:
        trail.alert = replace(alert, unknown_reason=why)


def _open(trail: Trail, alert: Alert, evaluation: Evaluation, verdict: str) -> None:
    found, at = evaluation.found, evaluation.at
    reason = _reason(alert, evaluation, verdict)
    if alert.unknown_since is not None and reason != Reason.ENTITY_GONE:
        alert = replace(alert, unknown_since=None, unknown_reason="")
        trail.take(Reason.KNOWN_AGAIN, alert)
    is_counted = confirm.counts(alert, found.reading, at.today)
    if is_counted:
        alert = trail.alert = _counted(alert, found, at)
    if reason in AT_ONCE:
        trail.take(reason, _closed(alert, reason, at.now))
        return
    if not is_counted and evaluation.rule.confirm_after.unit == "evaluations":
        return
    if reason is None:
        trail.alert = confirm.unseen(alert)
        return
    _change(trail, alert, evaluation, reason)


def _reason(alert: Alert, evaluation: Evaluation, verdict: str) -> Reason | None:
    """Return what the finding would make of an open alert; None leaves it as it is."""
    if verdict == "green":
        return Reason.RECOVERED if evaluation.found.recovered else None
    if verdict == "na":
        return ending(evaluation.found.reason, evaluation.subject)
    if verdict == alert.level:
        return None
    return Reason.WORSENED if verdict == "red" else Reason.IMPROVED


def ending(reason: str, subject: Subject) -> Reason:
    """Say how an alert ends whose rule no longer applies, for the reason a finding gives (spec measures 1.10)."""
    if reason == "vanished":
        return Reason.ENTITY_GONE
    states = {subject.text("state"), subject.text("status"), subject.project.text("state") if subject.project else ""}
    if reason == "cancelled" or (reason in FINISHED and "cancelled" in states):
        return Reason.ENTITY_CANCELLED
    if reason == "closed" and "proposed" in states:
        return Reason.OUT_OF_SCOPE
    return Reason.ENTITY_DONE if reason in FINISHED else Reason.OUT_OF_SCOPE


def _change(trail: Trail, alert: Alert, evaluation: Evaluation, reason: Reason) -> None:
    """Take over a new level, or close, once that is confirmed."""
    at = evaluation.at
    level = {Reason.WORSENED: "red", Reason.IMPROVED: "amber"}.get(reason, CLOSED)
    seen = confirm.seen_again(alert, level, at.now)
    if not confirm.confirmed(seen, evaluation.rule.confirm_after, at):
        trail.alert = _if_waited(alert, seen, evaluation)
        return
    alert = confirm.unseen(seen)
    if reason in CLOSING:
        trail.take(reason, _closed(alert, reason, at.now))
    elif reason == Reason.WORSENED:
        trail.take(reason, replace(forgotten(alert), level="red", peak="red", since=at.now))
    else:
        trail.take(reason, replace(alert, level="amber", since=at.now))


def _closed(alert: Alert, reason: Reason, now: datetime) -> Alert:
    recent = () if reason == Reason.ENTITY_GONE else (*alert.recent, f"c{alert.evaluations}")
    turns = [one[0] for one in recent]
    flaps = turns.count("o") >= FLAPS and turns.count("c") >= FLAPS
    return replace(
        confirm.unseen(alert),
        closed_at=now,
        close_reason=reason.value,
        recent=recent,
        flapping=alert.flapping or flaps,
    )


def _recalled(alert: Alert) -> Alert:
    """Return the alert with the openings and closings of its last evaluations; without any it no longer flaps."""
    recent = tuple(one for one in alert.recent if int(one[1:]) > alert.evaluations - WITHIN)
    return alert if recent == alert.recent else replace(alert, recent=recent, flapping=alert.flapping and bool(recent))
