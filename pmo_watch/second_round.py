"""Rules about alerts: evaluated after all others, on the alerts as those leave them.

Pure, like what it is made of. What comes in twice rounds is one cycle: its transitions are told and written together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pmo_watch.advance import Advanced, advance
from pmo_watch.alert_rows import ABOUT, about_alerts, alert_rows
from pmo_watch.alerts import Alert
from pmo_watch.evaluate import evaluate
from pmo_watch.flow import Findings, Snapshot
from pmo_watch.needed import Measures
from pmo_watch.rules import RuleSet


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """What both rounds made of the alerts, all findings, and the snapshot with the alerts as rows."""

    advanced: Advanced
    findings: tuple[Findings, ...]
    snapshot: Snapshot
    defects: tuple[str, ...] = ()


def advance_twice(
    alerts: Sequence[Alert],
    findings: Sequence[Findings],
    rules: RuleSet,
    snapshot: Snapshot,
    measures: Measures,
    told_on: Callable[[], Mapping[str, datetime]],
) -> Rounds:
    """Take alerts through the findings of this cycle, then those about alerts through what rules say of them.

    `alerts`: as `advance` takes them. `findings`: those for each alert are made again. `told_on`: gives what
    `alert_rows` takes; it is asked, and alerts are made into rows, only where there are rules about alerts.
    """
    about = about_alerts(rules)
    others = [one for one in findings if one.rule not in about]
    first = advance([one for one in alerts if one.rule not in about], others, rules, snapshot)
    if not about:
        return Rounds(first, tuple(others), snapshot)
    ended = (one for one in first.alerts if one.closed_at == snapshot.now)
    rows = alert_rows((*first.current, *ended), told_on(), rules, snapshot)
    seen = replace(snapshot, frames={**snapshot.frames, ABOUT: rows})
    own = [one for one in alerts if one.rule in about]
    found = evaluate(replace(rules, rules=about), seen, measures)
    second = advance(own, found.findings, rules, seen)
    return Rounds(_both(first, second), (*others, *found.findings), seen, found.defects)


def _both(first: Advanced, second: Advanced) -> Advanced:
    return Advanced(
        (*first.alerts, *second.alerts),
        (*first.transitions, *second.transitions),
        (*first.current, *second.current),
        (*first.flapping, *second.flapping),
    )
