"""Cards made of messages, as tests of the Teams notifier look at them."""

from dataclasses import replace
from datetime import date
from typing import Any

from messages import CONTEXT, EVIL, NOW, SLIP, a_message, an_alert, an_item
from pmo_watch_plugins.notifiers.teams import TEAMS
from pmo_watch_plugins.notifiers.teams.settings import Settings

from pmo_watch.alerts import Awaited, Item, Message, OutboxRow
from pmo_watch.render import render_for

ID = "0123456789abcdef0123456789abcdef"


URL = "https://prod-1.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?sig=canary-sig-42"


def settings(**parts: Any) -> Settings:
    return Settings.model_validate({"url": URL, **parts})


def to_channel(*items: Item, **parts: Any) -> Message:
    usual = {"address": "", "notifier": "teams", "recipient": "teams", "recipient_name": "", "thread": ""}
    return a_message(*items, **{**usual, **parts})


def payload(message: Message, **parts: Any) -> dict[str, Any]:
    rendered, _ = render_for(message, CONTEXT, TEAMS, settings(**parts))
    assert rendered.payload is not None
    return dict(rendered.payload)


def card(message: Message, **parts: Any) -> dict[str, Any]:
    return dict(payload(message, **parts)["attachments"][0]["content"])


def row(message: Message | None = None, **parts: Any) -> OutboxRow:
    rendered, _ = render_for(message or to_channel(an_item()), CONTEXT, TEAMS, settings())
    usual = OutboxRow(ID, "teams", "teams", "", "", "en", rendered)
    return replace(usual, **parts)


def texts(element: Any) -> list[str]:
    """Return the texts that a reader sees, in order; hidden elements are left out."""
    if isinstance(element, list):
        return [text for one in element for text in texts(one)]
    if not isinstance(element, dict) or element.get("isVisible") is False:
        return []
    own = [element["text"]] if "text" in element else []
    facts = [f"{one['title']}: {one['value']}" for one in element.get("facts", [])]
    return own + facts + texts([element.get(key, []) for key in ("items", "columns", "inlines")])


def many(number: int) -> Message:
    return to_channel(
        *(an_item(n, project_code=f"P-{n // 4:03}", subject_name=f"Milestone {n}") for n in range(number))
    )


def every_kind() -> dict[str, Message]:
    """Return a message to a channel of every kind, and such as are hard to show."""
    grey: dict[str, Any] = {
        "state": "grey",
        "value": None,
        "limit": None,
        "reason": "missing baseline_finish",
        "evidence": {},
    }
    unknown = an_item(4, alert=an_alert(4, unknown_since=NOW), reason="unknown", level="grey", finding=grey)
    awaited = Awaited("D-3", "Choose the hosting contract", "ATL-7", "Atlas", date(2026, 5, 20))
    mixed = (an_item(), an_item(2, level="amber"), an_item(3, reason="recovered", level="green"), unknown)
    return {
        "red": to_channel(an_item(), mentions=(("Maria Rossi", "m.rossi@example.org"),)),
        "amber": to_channel(an_item(level="amber")),
        "green": to_channel(an_item(reason="recovered", level="green")),
        "grey": to_channel(unknown),
        "several": to_channel(*mixed, an_item(5, project_code="ATL-7")),
        "digest": to_channel(*mixed, kind="digest", digest="daily", decisions=(awaited,)),
        "empty digest": to_channel(kind="digest", digest="daily"),
        "notice": to_channel(kind="notice", title="Rule file has faults", lines=("a", "b")),
        "test": to_channel(kind="test"),
        "five hundred": many(500),
        "hostile": to_channel(
            an_item(subject_name=EVIL, project_name=EVIL, rule=replace(SLIP, name={"en": EVIL}, advice={"en": EVIL})),
            mentions=((EVIL, "x@example.org"),),
        ),
    }
