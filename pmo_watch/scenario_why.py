"""Why a scenario came out as it did, in the words of `pmo-watch why`: values, thresholds, days, what holds back."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from pmo_watch.errors import ConfigError
from pmo_watch.in_force import InForce
from pmo_watch.inquiry import look
from pmo_watch.scenario_messages import Sent
from pmo_watch.store import Store
from pmo_watch.why_asked import ask_why
from pmo_watch.why_shown import parts

OF_STATE = frozenset(
    {"finding", "only if", "measure", "evidence", "days", "threshold", "confirmed", "last alert", "note"}
)
OF_MESSAGE = frozenset({"finding", "held back", "tells", "confirmed", "last alert"})
MOST_ALERTS = 3  # of which is said why nobody was told


def why_state(store: Store, in_force: InForce, now: datetime, uid: str, rules: Sequence[str]) -> list[str]:
    """Return why a row is in its state by these rules."""
    return [line for rule in rules for line in _asked(store, in_force, now, uid, rule, OF_STATE)]


def why_sent(
    store: Store, in_force: InForce, now: datetime, waiting: Sequence[Sent], sent: Sequence[Sent]
) -> list[str]:
    """Return what came instead of an expected message, what leaves later, and what held back."""
    found = [f"what left: {one.said(in_force.zone)}" for one in sent] or ["what left: nothing"]
    found += [f"what waits: {one.said(in_force.zone)}" for one in waiting]
    alerts = [one for one in store.alerts() if one.closed_at is None and one.rule in in_force.rules.rules]
    for alert in alerts[:MOST_ALERTS]:
        found += _asked(store, in_force, now, alert.subject, alert.rule, OF_MESSAGE)
    return found if alerts else [*found, "no alert is open"]


def _asked(
    store: Store, in_force: InForce, now: datetime, uid: str, rule: str, wanted: frozenset[str]
) -> Iterator[str]:
    try:
        answer = ask_why(store, look(store, in_force, now), uid, rule)
    except ConfigError as fault:
        yield str(fault)
        return
    about, *each = parts(answer)
    yield from (f"note: {line['is']}" for line in about.lines if line["what"] == "note")
    for part in each:
        yield part.heading
        for line in part.lines:
            if line["what"] in wanted:
                yield from (f"  {line['what']}: {text}" for text in line["is"].split("\n"))
