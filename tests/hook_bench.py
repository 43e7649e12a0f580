"""Webhooks as tests look at them: settings, rows, an open one, and how it fails."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from card_bench import ID, to_channel
from messages import CONTEXT, an_item
from pmo_watch_plugins.notifiers.webhook import WEBHOOK, Hook
from pmo_watch_plugins.notifiers.webhook.settings import Settings

from pmo_watch.alerts import Message, OutboxRow
from pmo_watch.api import DeliveryDeferred, DeliveryRejected, NotifierContext
from pmo_watch.render import render_for

FOLDER = Path(__file__).parents[1] / "plugins" / "notifiers" / "webhook"
SCHEMA = json.loads((FOLDER / "message.schema.json").read_text(encoding="utf-8"))
KEY, NEW_KEY = b"canary-key-of-24-bytes-1", b"canary-key-of-24-bytes-22"
OLD_SECRET, NEW_SECRET = (f"whsec_{base64.b64encode(key).decode()}" for key in (KEY, NEW_KEY))
SENT_AT = datetime(2026, 5, 12, 8, 31, 7, tzinfo=UTC)


def settings(**parts: Any) -> Settings:
    return Settings.model_validate({"url": "https://hook.example.org/canary", "secrets": [OLD_SECRET], **parts})


def body_of(message: Message, **parts: Any) -> dict[str, Any]:
    rendered, _ = render_for(message, CONTEXT, WEBHOOK, settings(**parts))
    assert rendered.payload is not None
    return dict(rendered.payload)


def row(message: Message | None = None, **parts: Any) -> OutboxRow:
    rendered, _ = render_for(message or to_channel(an_item()), CONTEXT, WEBHOOK, settings())
    return OutboxRow(parts.pop("id", ID), "hook", "hook", "", "", "en", parts.pop("rendered", rendered), **parts)


@asynccontextmanager
async def hook(url: str, folder: Path = Path(), at: datetime = SENT_AT, **parts: Any) -> AsyncIterator[Hook]:
    usual = {"timeout_seconds": 2, "total_timeout_seconds": 4}
    context = NotifierContext("hook", folder, "pmo-watch/1", now=lambda: at)
    opened = WEBHOOK.open(settings(url=url, **usual | parts), context)
    try:
        assert isinstance(opened, Hook)
        yield opened
    finally:
        await opened.close()


async def failure(url: str, folder: Path = Path(), **parts: Any) -> DeliveryDeferred | DeliveryRejected:
    async with hook(url, folder, **parts) as opened:
        try:
            await opened.send(row())
        except (DeliveryDeferred, DeliveryRejected) as error:
            return error
    pytest.fail("the receiver took the message")


def shown(error: DeliveryDeferred | DeliveryRejected) -> tuple[str, str, bool]:
    kind = "rejected" if isinstance(error, DeliveryRejected) else "deferred"
    return kind, error.reason, error.channel_fault
