"""Cards made of messages, as tests of the Teams notifier look at them."""

from dataclasses import replace
from typing import Any

from messages import CONTEXT, a_message, an_item
from pmo_watch_plugins.notifiers.teams import TEAMS
from pmo_watch_plugins.notifiers.teams.settings import Settings

from pmo_watch.alerts import Item, Message, OutboxRow
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
