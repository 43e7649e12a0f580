"""A valid alert, rule, item and message in one call; every part can be replaced."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pmo_watch.alerts import Alert, Awaited, Item, Message
from pmo_watch.flow import Organisation
from pmo_watch.render import render
from pmo_watch.rules import Rule
from pmo_watch.telling import ItemView
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
NB = "\u00a0"
EVIL = '[x](http://evil.test) **b** <at>y</at> {{DATE(0)}} <script>alert("1")</script>'
GREY: dict[str, Any] = {"state": "grey", "value": None, "limit": None, "evidence": {}}
LATE: dict[str, Any] = {
    "value": 6.0,
    "limit": 5.0,
    "threshold": "over 5 wd",
    "evidence": {"baseline_finish": "2026-05-04", "forecast_finish": "2026-05-12"},
}
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
    alerts_page="https://pmo.example.org/alerts",
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


def only(item: Item, language: str = "en", **parts: Any) -> ItemView:
    """Return the only alert of a message in words."""
    _, view = render(a_message(item, language=language, **parts), CONTEXT)
    return view.sections[0].items[0]


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


def a_digest() -> Message:
    """Return a digest with one alert in each part but one, and a decision awaited."""
    old = an_alert(2, opened_at=NOW - timedelta(days=40), since=NOW - timedelta(days=40))
    items = (
        an_item(1),
        an_item(2, alert=old, reason="open", level="amber", subject_name="Pilot", finding=LATE),
        an_item(3, reason="recovered", level="green", subject_name="Acceptance", project_code="ATL-7"),
        an_item(4, reason="silenced", level="amber", subject_name="Training", finding=LATE),
        an_item(5, reason="improved", level="amber", before="red", subject_name="Migration", finding=LATE),
        an_item(
            6,
            reason="unknown",
            level="grey",
            finding={"state": "grey", "value": None, "reason": "needs 3 samples, has 1"},
        ),
    )
    awaited = Awaited("D-3", "Choose the hosting contract", "ATL-7", "Atlas", date(2026, 5, 20))
    return a_message(*items, kind="digest", digest="daily", day=date(2026, 5, 12), thread="", decisions=(awaited,))
