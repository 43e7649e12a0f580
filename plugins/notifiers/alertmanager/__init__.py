"""Alertmanager: keeps telling a cluster of Alertmanagers which alerts are open."""

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import structlog
from pmo_watch_plugins.notifiers.alertmanager.batches import (
    HEARTBEAT,
    LASTS,
    TEST,
    Pushed,
    alerts_of,
    batches,
    fault,
    pushed,
)
from pmo_watch_plugins.notifiers.alertmanager.book import Book
from pmo_watch_plugins.notifiers.alertmanager.settings import Settings, warnings

from pmo_watch.api import (
    CycleReport,
    DeliveryError,
    DeliveryRejected,
    NotifierContext,
    ObserverType,
    Posted,
    Poster,
    hookimpl,
    packed,
    plain,
)

LOG = structlog.get_logger("pmo_watch.alertmanager")
PATH = "/api/v2/alerts"
LONGEST_ANSWER = 300
BODY_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
REFUSED: Mapping[int, tuple[str, bool]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: ("auth", True),
        HTTPStatus.FORBIDDEN: ("auth", True),
        HTTPStatus.NOT_FOUND: ("config", True),  # a wrong path or prefix
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", False),
    }
)
TEXTS = {
    "heartbeat": "pmo-watch is pushing; this alert never ends while it does",
    "test": "A test of pmo-watch: nothing is wrong, and it ends by itself",
}


class Pusher:
    """Holds what is open after the last cycle and pushes it to every member."""

    def __init__(self, settings: Settings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context
        self._began = context.now()
        self._book: Book | None = None
        self._bad: set[str] = set()
        self._members = {url: Poster(settings, context, urlsplit(url).netloc, REFUSED) for url in settings.urls}

    def wishes(self) -> Sequence[str]:
        """Ask for no measure."""
        return ()

    def cycle_finished(self, report: CycleReport) -> None:
        """Note what is open now."""
        self._book = (self._book or Book()).after(report, self._settings)

    def close(self) -> None:
        """Hold nothing that needs letting go outside the event loop."""

    async def push(self) -> Mapping[str, DeliveryError | None]:
        """Push all that is open, and what has ended of late, to every member."""
        if self._book is None:
            return {}
        now = self._context.now()
        alerts = alerts_of(self._book, now, self._settings.every, self._context.external_url)
        if self._settings.heartbeat_alert:
            ends = now + LASTS * self._settings.every
            alerts.append(pushed(HEARTBEAT, self._began, ends, {"summary": TEXTS["heartbeat"]}))
        return await self._to_all([one for one in alerts if self._is_good(one)])

    async def push_test(self) -> Mapping[str, DeliveryError | None]:
        """Push an alert that says that it is a test, and ends by itself."""
        now = self._context.now()
        return await self._to_all([pushed(TEST, now, now + LASTS * self._settings.every, {"summary": TEXTS["test"]})])

    async def probe(self) -> Mapping[str, DeliveryError | None]:
        """Push no alert at all: path and password are looked at all the same."""
        return await self._to_all([])

    async def end(self) -> None:
        """Let go of connections."""
        for poster in self._members.values():
            await poster.close()

    def _is_good(self, alert: Pushed) -> bool:
        wrong = fault(alert)
        name = alert["labels"].get("alertname", "")
        if wrong and name not in self._bad:
            LOG.error("alert left out of pushes: a defect of ours", alertname=name, fault=wrong)
            self._bad.add(name)
        return not wrong

    async def _to_all(self, alerts: Sequence[Pushed]) -> dict[str, DeliveryError | None]:
        found = await asyncio.gather(*[self._to(url, poster, alerts) for url, poster in self._members.items()])
        return dict(zip((url.partition("://")[2] for url in self._members), found, strict=True))

    async def _to(self, url: str, poster: Poster, alerts: Sequence[Pushed]) -> DeliveryError | None:
        """Push every batch to a member; return the first thing that went wrong. A refused batch ends no other one."""
        refused: DeliveryError | None = None
        try:
            async with poster.attempt():
                for batch in batches(alerts):
                    answer = await poster.post(f"{url}{PATH}", packed(batch), self._signed())
                    try:
                        poster.judge(answer, _said(answer))
                    except DeliveryRejected as failed:
                        if failed.channel_fault:
                            raise
                        refused = refused or failed
        except DeliveryError as failed:
            return failed
        return refused

    def _signed(self) -> dict[str, str]:
        settings = self._settings
        if settings.bearer is not None:
            return {"Authorization": f"Bearer {settings.bearer.get_secret_value()}"}
        if settings.basic_auth is None:
            return {}
        pair = f"{settings.basic_auth.username}:{settings.basic_auth.password.get_secret_value()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _said(answer: Posted) -> str:
    """Return the status; with what is wrong where our body was refused, which helps us and holds no secret."""
    told = answer.body.decode(errors="replace") if answer.status in BODY_REFUSED else ""
    return plain(f"{answer.status} {told}", LONGEST_ANSWER)


ALERTMANAGER = ObserverType(
    "alertmanager",
    Settings,
    Pusher,
    check=warnings,
    every=lambda settings: settings.every,
    deadline_seconds=lambda settings: settings.total_timeout_seconds + 5,
)


@hookimpl
def pmo_watch_observers() -> Iterable[ObserverType[Any]]:
    """Add the pusher."""
    return [ALERTMANAGER]
