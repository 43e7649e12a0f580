"""A valid alert, rule, item and message in one call; every part can be replaced."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pmo_watch.alerts import Alert, Item, Message
from pmo_watch.flow import Organisation
from pmo_watch.rules import Rule
from pmo_watch.wording import RenderContext
from pmo_watch.workdays import Calendar

NOW = datetime(2026, 5, 12, 8, 30, tzinfo=UTC)  # a Tuesday
SLIP = Rule(
    id="key-milestone-slip",
    name={
        "en": "Key milestone slips against its baseline",
        "fr": "Jalon clé en glissement",
        "nl": "Kernmijlpaal loopt uit",
    },
    for_each="milestone",
    measures=(),
    advice={
        "en": "Confirm the new date or propose a recovery plan.",
        "fr": "Confirmez la nouvelle date ou proposez un plan de redressement.",
        "nl": "Bevestig de nieuwe datum of stel een herstelplan voor.",
    },
)
EVIDENCE = {"baseline_finish": "2026-05-01", "forecast_finish": "2026-05-19"}
FINDING: dict[str, Any] = {
    "state": "red",
    "value": 12.0,
    "limit": 10.0,
    "threshold": "over 10 wd",
    "unit": "wd",
    "measure": "milestone.slip",
    "reason": None,
    "note": "",
    "as_of": date(2026, 5, 12),
    "as_of_note": "status date assumed",
    "source": "ict-plans",
    "evidence": EVIDENCE,
}
CONTEXT = RenderContext(
    now=NOW,
    organisation=Organisation(),
    calendar=Calendar("be", closed=frozenset({date(2026, 5, 14), date(2026, 5, 25)})),
    source_kinds={"ict-plans": "ms_project", "kpi-sheet": "csv_file"},
    external_url="https://pmo.example.org",
    grafana_url="https://grafana.example.org",
    acknowledge=lambda message: f"https://pmo.example.org/ack/v1.k1.{message.id}.mac",
)


def an_alert(number: int = 1, **parts: Any) -> Alert:
    """Return an open alert on a milestone, red since the day before."""
    since = NOW - timedelta(days=1)
    alert = Alert(
        id=f"{number:016x}",
        rule=SLIP.id,
        subject=f"task:prj-042/{number}",
        entity="milestone",
        project="project:prj-042",
        source="ict-plans",
        level="red",
        began_at=since,
        opened_at=since,
        since=since,
        unit="wd",
    )
    return replace(alert, **parts)


def an_item(number: int = 1, **parts: Any) -> Item:
    """Return a newly red alert on the milestone Go-live; `finding` is laid over the usual one."""
    alert = parts.pop("alert", None) or an_alert(number)
    finding = {**FINDING, **parts.pop("finding", {})}
    item = Item(
        alert=alert,
        rule=SLIP,
        reason="opened",
        level="red",
        before="",
        subject_id=f"M{number}",
        subject_name="Go-live",
        project_code="PRJ-042",
        project_name="Harbour Bridge",
        program_name="Mobility",
        finding=finding,
        why_me="project_leader",
    )
    return replace(item, **parts)


def a_message(*items: Item, **parts: Any) -> Message:
    """Return a message to a project leader over the notifier mail."""
    message = Message(
        id="0123456789abcdef0123456789abcdef",
        kind="alert",
        recipient="person:m.rossi@example.org",
        recipient_name="Maria Rossi",
        notifier="mail",
        address="m.rossi@example.org",
        language="en",
        zone="Europe/Brussels",
        items=items,
        data_basis=(("ict-plans", date(2026, 5, 12), True),),
        thread="00112233aabbccdd",
    )
    return replace(message, **parts)
