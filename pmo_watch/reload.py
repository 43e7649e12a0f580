"""Notices that people changed settings or rules; plans the new set whole, and keeps the old one where it must."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pmo_watch.alerts import CLOSING, Alert, Reason
from pmo_watch.errors import ConfigError
from pmo_watch.evaluate import evaluate
from pmo_watch.flow import Snapshot
from pmo_watch.in_force import InForce, load, with_rules
from pmo_watch.second_round import advance_twice


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a reload would do. `in_force`: the new set; None keeps the old one whole. `status` as HTTP says it.

    `text`: what is wrong, as `check` prints it, or what waits. `opens` and `closes`: alerts it would open and close
    beyond what the old set would at the same moment.
    """

    status: int
    text: str
    in_force: InForce | None = None
    opens: int = 0
    closes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The alerts as they stand, and by id when somebody was first told of each one's level."""

    alerts: list[Alert]
    told_on: Mapping[str, datetime]


def plan_reload(
    old: InForce, last_good: Mapping[str, str], standing: Standing, snapshot: Snapshot | None, *, approved: bool
) -> Plan:
    """Load everything again and say what would become of it; nothing is swapped here."""
    try:
        new = load(old.settings.path, last_good)
    except ConfigError as fault:
        # The settings keep their last good version; rules are still taken up, so that one does not hold the other.
        new = with_rules(old, last_good)
        return _judged(old, new, str(fault), standing, snapshot, approved=approved)
    faults = "\n".join(fault.shown() for fault in new.loaded.faults)
    return _judged(old, new, faults, standing, snapshot, approved=approved)


def _judged(
    old: InForce, new: InForce, faults: str, standing: Standing, snapshot: Snapshot | None, *, approved: bool
) -> Plan:
    opens, closes = mass(old, new, standing, snapshot) if snapshot else (0, 0)
    limits = new.settings.limits
    still_open = sum(one.level is not None and one.closed_at is None for one in standing.alerts)
    most = max(limits.mass_change, limits.mass_change_share * still_open)
    if opens + closes > most and not approved:
        text = (
            f"the change would open {opens} and close {closes} alerts, more than {most:.0f}: it waits for "
            "'pmo-watch alerts approve', then reload again"
        )
        return Plan(202, text, None, opens, closes)
    counts = {
        "rules": len(new.rules.rules),
        "opens": opens,
        "closes": closes,
        "stale_files": len(new.rules.stale_files),
    }
    return Plan(422 if faults else 200, faults or "everything is in force", new, opens, closes, counts)


def mass(old: InForce, new: InForce, standing: Standing, snapshot: Snapshot) -> tuple[int, int]:
    """Return how many more alerts the new rules would open and close than the old ones, on the same data."""
    before, after = _moves(old, standing, snapshot), _moves(new, standing, snapshot)
    opens = len(after["opened"] - before["opened"])
    closes = len(after["closed"] - before["closed"])
    return opens, closes


def _moves(in_force: InForce, standing: Standing, snapshot: Snapshot) -> dict[str, set[tuple[str, str]]]:
    rules, measures = in_force.rules, in_force.plugins.measures
    found = evaluate(rules, snapshot, measures).findings
    rounds = advance_twice(standing.alerts, found, rules, snapshot, measures, lambda: standing.told_on)
    moves: dict[str, set[tuple[str, str]]] = {"opened": set(), "closed": set()}
    for one in rounds.advanced.transitions:
        identity = (one.alert.rule, one.alert.subject)
        # One that waits for confirmation will open like the others: it counts.
        if one.reason in {Reason.OPENED, Reason.PENDING}:
            moves["opened"].add(identity)
        elif one.reason in CLOSING:
            moves["closed"].add(identity)
    return moves
