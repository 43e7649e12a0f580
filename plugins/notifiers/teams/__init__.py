"""Teams: posts cards to a channel through the URL of a Workflows flow."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from aiolimiter import AsyncLimiter
from pmo_watch_plugins.notifiers.teams.card import message_payload, text_payload
from pmo_watch_plugins.notifiers.teams.settings import Settings, warnings
from pmo_watch_plugins.notifiers.teams.sizes import fault, trim

from pmo_watch.api import (
    DeliveryRejected,
    NotifierContext,
    NotifierType,
    OutboxRow,
    Posted,
    Poster,
    hookimpl,
    packed,
    plain,
)

BURST, BURST_SECONDS = 4, 4  # one post per second, four at once
AT_A_TIME = 10
_LONGEST_CODE = 100


class Channel:
    """One flow; posts several cards at a time and stops altogether when it is asked to wait."""

    def __init__(self, settings: Settings, context: NotifierContext) -> None:
        self._settings = settings
        self._poster = Poster(settings, context, "the flow")
        self._limiter = AsyncLimiter(BURST, BURST_SECONDS)

    async def turn(self) -> None:
        """Wait until the rate allows one more post."""
        await self._limiter.acquire()

    async def send(self, row: OutboxRow) -> str:
        """Post one card and return what the flow answered.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        async with self._poster.attempt():
            payload = self._body(row)
            answer = await self._post(payload)
            if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                smaller, _ = trim(payload, self._settings.max_bytes // 2)
                answer = await self._post(smaller)
        accepted: str = self._poster.judge(answer, f"{answer.status} {_code(answer.body)}".rstrip())
        return accepted

    async def close(self) -> None:
        """Let go of connections."""
        await self._poster.close()

    def _body(self, row: OutboxRow) -> Mapping[str, Any]:
        rendered = row.rendered
        body = rendered.payload or text_payload(rendered.subject, rendered.text, row.id, self._settings)
        if wrong := fault(body):
            raise DeliveryRejected("bad_request", wrong)
        return body

    async def _post(self, payload: Mapping[str, Any]) -> Posted:
        return await self._poster.post(self._settings.url.get_secret_value(), packed(payload))


def _code(body: bytes) -> str:
    """Return the code of an error body; its message may repeat what we sent."""
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return plain(str(code), _LONGEST_CODE)


TEAMS = NotifierType(
    "teams",
    Settings,
    open=Channel,
    addresses=False,
    payload=message_payload,
    check=warnings,
    in_flight=AT_A_TIME,
    deadline_seconds=lambda settings: settings.total_timeout_seconds,
)


@hookimpl
def pmo_watch_notifiers() -> Iterable[NotifierType[Any]]:
    """Return the kind `teams`."""
    return [TEAMS]
