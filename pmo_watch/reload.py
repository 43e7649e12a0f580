"""Notices that people changed settings or rules; plans the new set whole, and keeps the old one where it must."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pmo_watch.advance import advance
from pmo_watch.alerts import CLOSING, Alert, Reason
from pmo_watch.errors import ConfigError
from pmo_watch.evaluate import evaluate
from pmo_watch.flow import Snapshot
from pmo_watch.in_force import InForce, load, with_rules


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


def plan_reload(
    old: InForce, last_good: Mapping[str, str], alerts: list[Alert], snapshot: Snapshot | None, *, approved: bool
) -> Plan:
    """Load everything again and say what would become of it; nothing is swapped here."""
    try:
        new = load(old.settings.path, last_good)
    except ConfigError as fault:
        # The settings keep their last good version; rules are still taken up, so that one does not hold the other.
        new = with_rules(old, last_good)
        return _judged(old, new, str(fault), alerts, snapshot, approved=approved)
    faults = "\n".join(fault.shown() for fault in new.loaded.faults)
    return _judged(old, new, faults, alerts, snapshot, approved=approved)


def _judged(
    old: InForce, new: InForce, faults: str, alerts: list[Alert], snapshot: Snapshot | None, *, approved: bool
) -> Plan:
    opens, closes = mass(old, new, alerts, snapshot) if snapshot else (0, 0)
    limits = new.settings.limits
    still_open = sum(one.level is not None and one.closed_at is None for one in alerts)
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


def mass(old: InForce, new: InForce, alerts: list[Alert], snapshot: Snapshot) -> tuple[int, int]:
    """Return how many more alerts the new rules would open and close than the old ones, on the same data."""
    before, after = _moves(old, alerts, snapshot), _moves(new, alerts, snapshot)
    opens = len(after["opened"] - before["opened"])
    closes = len(after["closed"] - before["closed"])
    return opens, closes


def _moves(in_force: InForce, alerts: list[Alert], snapshot: Snapshot) -> dict[str, set[tuple[str, str]]]:
    found = evaluate(in_force.rules, snapshot, in_force.plugins.measures)
    advanced = advance(alerts, found.findings, in_force.rules, snapshot)
    moves: dict[str, set[tuple[str, str]]] = {"opened": set(), "closed": set()}
    for one in advanced.transitions:
        identity = (one.alert.rule, one.alert.subject)
        # One that waits for confirmation will open like the others: it counts.
        if one.reason in {Reason.OPENED, Reason.PENDING}:
            moves["opened"].add(identity)
        elif one.reason in CLOSING:
            moves["closed"].add(identity)
    return moves
