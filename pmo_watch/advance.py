"""Step 4: alerts x findings -> transitions.

Pure, and nobody may fail here: a stale source or failed rule freezes its alerts and never resolves them. Only rows
that matter become Python objects: those of alerts, and amber and red ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.alerts import Alert, Transition
from pmo_watch.confirm import Moment
from pmo_watch.finding_rows import rows_of
from pmo_watch.flow import Findings, Outcome, Snapshot
from pmo_watch.lifecycle import LEVELS, Evaluation, Found, Step, Trail, follow, remove
from pmo_watch.reminders import fall_due
from pmo_watch.rules import NoData, Rule, RuleSet
from pmo_watch.subjects import Subject, Subjects


@dataclass(frozen=True, slots=True, eq=False)
class Advanced:
    """What a cycle makes of alerts.

    `alerts`: every alert that must be stored: new, changed, closed. `transitions`: in order. `current`: every alert
    that is pending or open afterwards. `flapping`: those marked so, also among the closed ones that are remembered.
    """

    alerts: tuple[Alert, ...]
    transitions: tuple[Transition, ...]
    current: tuple[Alert, ...]
    flapping: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """An alert before and after the cycle, with its steps."""

    before: Alert | None
    trail: Trail
    rule: Rule | None


def advance(alerts: Sequence[Alert], findings: Sequence[Findings], rules: RuleSet, snapshot: Snapshot) -> Advanced:
    """Take every alert through the findings of this cycle.

    `alerts`: pending and open ones, and closed ones that are remembered (`Alert.recent`). A rule without findings, or
    with findings that say it failed, leaves its alerts as they are.
    """
    known: dict[str, dict[str, Alert]] = {}
    for alert in sorted(alerts, key=lambda one: one.closed_at is None):  # one that lives hides one that is remembered
        known.setdefault(alert.rule, {})[alert.subject] = alert
    in_force = {one.id: one for one in rules.rules.values() if one.enabled}
    subjects = Subjects(snapshot, ())
    followed: list[_Followed] = []
    for one in findings:
        rule = in_force.get(one.rule)
        if rule is not None and not one.failed:
            followed += _follow_rule(rule, one, known.get(rule.id, {}), subjects, snapshot)
    for rule_id in sorted(set(known) - set(in_force)):
        followed += _remove_rule(known[rule_id], rules.rules.get(rule_id), snapshot)
    return _gathered(alerts, followed, {one.rule: one for one in findings}, snapshot)


def _follow_rule(
    rule: Rule, findings: Findings, known: Mapping[str, Alert], subjects: Subjects, snapshot: Snapshot
) -> Iterator[_Followed]:
    rows = _rows_that_matter(rule, findings.frame, known)
    subjects.fetch((rule.for_each, uid) for uid in rows)
    subjects.fetch((alert.entity, alert.subject) for alert in known.values() if alert.subject not in rows)
    zone = ZoneInfo(snapshot.organisation.timezone)
    for uid in sorted({*rows, *known}):
        alert = known.get(uid)
        about = alert or Alert("", rule.id, uid)
        if uid in rows and about.entity != rule.for_each:
            about = replace(about, entity=rule.for_each)
        subject = subjects.of(about)
        found = _found(rows[uid], snapshot) if uid in rows else _absent(known[uid], subject, snapshot)
        at = Moment(snapshot.now, snapshot.today, zone, subject.calendar)
        evaluation = Evaluation(found, rule, subject, at)
        trail = Trail(alert)
        follow(trail, evaluation)
        fall_due(trail, evaluation)
        if trail.alert is not alert or trail.steps:
            yield _Followed(alert, trail, rule)


def _rows_that_matter(rule: Rule, frame: pl.DataFrame, known: Mapping[str, Alert]) -> dict[str, Mapping[str, Any]]:
    """Return the rows of alerts and those that may begin one, by uid."""
    states = [*LEVELS, "grey"] if rule.no_data.state in LEVELS else [*LEVELS]
    matters = pl.col("state").is_in(states) & pl.col("usable")
    if known:
        matters = matters | pl.col("uid").is_in(list(known))
    return {row["uid"]: row for row in frame.filter(matters).iter_rows(named=True)}


def _found(row: Mapping[str, Any], snapshot: Snapshot) -> Found:
    source = row["source"] or ""
    return Found(
        row["state"],
        bool(row["usable"]),
        row["reading"] or 0,
        row["reason"] or "",
        bool(row["recovered"]),
        row["value"],
        row["unit"] or "",
        source,
        "" if row["usable"] else _why_unusable(row["uid"], source, snapshot),
    )


def _absent(alert: Alert, subject: Subject, snapshot: Snapshot) -> Found:
    """Return what it means that the findings no longer have the alert's subject."""
    usable = subject.row.get("@usable")
    if usable is not None:
        # The row is there, but not among those that the rule looks at: taken out of the plan, or become a summary.
        reason = "out of scope" if subject.row.get("active") is not False else "cancelled"
        source, reading = subject.text("source"), subject.row.get("@reading") or 0
        unknown = "" if usable else _why_unusable(alert.subject, source, snapshot)
        return Found("na", bool(usable), reading, reason, source=source, unknown=unknown)
    state = snapshot.sources.get(alert.source)
    gone = not alert.source or (state is not None and state.outcome == Outcome.COMPLETE)
    unknown = "" if gone else _why_unusable(alert.subject, alert.source, snapshot)
    return Found("na", gone, alert.counted_reading, "vanished", source=alert.source, unknown=unknown)


def _why_unusable(uid: str, source: str, snapshot: Snapshot) -> str:
    """Say why nothing can be concluded, in the words of spec measures 1.10."""
    state = snapshot.sources.get(source)
    if state is not None and state.outcome == Outcome.COMPLETE and not uid.startswith(f"{source}:"):
        # A row that several sources describe is only as good as the worst of them.
        others = (one for one in snapshot.sources.values() if one.outcome != Outcome.COMPLETE)
        state = next(others, state)
    if state is None:
        return f"source {source} not read since {snapshot.now.isoformat()}"
    if state.outcome == Outcome.COMPLETE:
        return "vanished"  # missing in one complete reading: the next one decides
    since = state.last_good or state.failing_since or snapshot.now
    return f"source {state.name} not read since {since.isoformat()}"


def _remove_rule(known: Mapping[str, Alert], rule: Rule | None, snapshot: Snapshot) -> Iterator[_Followed]:
    for uid in sorted(known):
        trail = Trail(known[uid])
        remove(trail, snapshot.now)
        yield _Followed(known[uid], trail, rule)


def _gathered(
    alerts: Sequence[Alert], followed: Sequence[_Followed], findings: Mapping[str, Findings], snapshot: Snapshot
) -> Advanced:
    found = {
        rule: rows_of(findings[rule], [one.trail.steps[0].after.subject for one in some])
        for rule, some in _with_steps(followed).items()
        if rule in findings
    }
    changed: list[Alert] = []
    transitions: list[Transition] = []
    after = {alert.id: alert for alert in alerts}
    for one in followed:
        now = one.trail.alert
        if one.before is not None and (now is None or now.id != one.before.id):
            # A new alert of the same identity takes the memory over.
            forgotten = replace(one.before, recent=())
            changed += [forgotten]
            after[forgotten.id] = forgotten
        if now is not None and now != one.before:
            changed.append(now)
            after[now.id] = now
        transitions += [_transition(step, one, found, snapshot) for step in one.trail.steps]
    current = tuple(alert for alert in after.values() if alert.closed_at is None)
    flapping = tuple(alert for alert in after.values() if alert.flapping and alert.recent)
    return Advanced(tuple(changed), tuple(transitions), current, flapping)


def _with_steps(followed: Sequence[_Followed]) -> dict[str, list[_Followed]]:
    found: dict[str, list[_Followed]] = {}
    for one in followed:
        if one.trail.steps:
            found.setdefault(one.trail.steps[0].after.rule, []).append(one)
    return found


def _transition(
    step: Step, one: _Followed, found: Mapping[str, Mapping[str, Mapping[str, Any]]], snapshot: Snapshot
) -> Transition:
    finding = dict(found.get(step.after.rule, {}).get(step.after.subject, {}))
    no_data = one.rule.no_data if one.rule else NoData()
    if no_data.because and no_data.state in LEVELS and finding.get("state") == "grey":
        finding["note"] = "; ".join(text for text in (finding.get("note"), no_data.because) if text)
    version = one.rule.version if one.rule else ""
    return Transition(step.after, step.before, step.reason, snapshot.now, finding, version, step=step.number)
