"""Webhook: posts each message as signed JSON to a program of your own."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pmo_watch_plugins.notifiers.webhook.body import message_body, text_body, trimmed
from pmo_watch_plugins.notifiers.webhook.settings import Settings, key_of, warnings

from pmo_watch.api import NotifierContext, NotifierType, OutboxRow, Posted, Poster, hookimpl, packed

AT_A_TIME = 10


class Hook:
    """One receiver; posts several messages at a time and stops altogether when it is asked to wait."""

    def __init__(self, settings: Settings, context: NotifierContext) -> None:
        self._settings = settings
        self._now = context.now
        self._poster = Poster(settings, context, "the receiver")

    async def send(self, row: OutboxRow) -> str:
        """Post one message and return the status of the answer.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        async with self._poster.attempt():
            body = row.rendered.payload or text_body(row, self._settings)
            answer = await self._post(row.id, body)
            if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                smaller, _ = trimmed(body, self._settings.max_bytes // 2, self._settings.max_items)
                answer = await self._post(row.id, smaller)
        accepted: str = self._poster.judge(answer, _said(answer))
        return accepted

    async def probe(self) -> None:
        """Ask what may be asked there: whatever it answers, it is reached and its certificate is good.

        Raises:
            DeliveryDeferred
        """
        async with self._poster.attempt():
            await self._poster.reach(self._settings.url.get_secret_value())

    async def close(self) -> None:
        """Let go of connections."""
        await self._poster.close()

    async def _post(self, message: str, body: Mapping[str, Any]) -> Posted:
        content = packed(body)
        own = {name: text.get_secret_value() for name, text in self._settings.headers.items()}
        return await self._poster.post(
            self._settings.url.get_secret_value(), content, own | self._signed(message, content)
        )

    def _signed(self, message: str, content: bytes) -> dict[str, str]:
        """Return the headers that say which message this is, when it was sent, and that it is ours."""
        name = re.sub(r"[^A-Za-z0-9_-]", "-", message)  # a full stop would part what is signed elsewhere
        at = str(int(self._now().timestamp()))
        told = f"{name}.{at}.".encode() + content
        macs = [hmac.digest(key_of(one), told, hashlib.sha256) for one in self._settings.secrets]
        signatures = " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
        return {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": signatures}


def _said(answer: Posted) -> str:
    """Return the status in words; the body may repeat what we sent."""
    try:
        return f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return str(answer.status)


WEBHOOK = NotifierType(
    "webhook",
    Settings,
    open=Hook,
    addresses=False,
    payload=message_body,
    check=warnings,
    in_flight=AT_A_TIME,
    deadline_seconds=lambda settings: settings.total_timeout_seconds,
)


@hookimpl
def pmo_watch_notifiers() -> Iterable[NotifierType[Any]]:
    """Return the kind `webhook`."""
    return [WEBHOOK]
