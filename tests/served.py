"""The web server in the test's own event loop, on a free port, over a real store; and a client of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
from messages import NOW, a_message, an_alert, an_item

from pmo_watch.ack_links import Key, token_for
from pmo_watch.alerts import Alert, Rendered
from pmo_watch.audiences import Channels
from pmo_watch.settings_http import Http
from pmo_watch.store import CycleChange, Store
from pmo_watch.telemetry import Names, Telemetry
from pmo_watch.telling import AsgiApp, CycleReport
from pmo_watch.web import Backend, Reloaded, listening, server
from pmo_watch.web_reader import InUse
from pmo_watch.workdays import Calendar

SECRET = "an-acknowledge-key-of-32-bytes-or-more"
MESSAGE = a_message().id
HOLIDAYS = Calendar("be", closed=frozenset({date(2026, 5, 14), date(2026, 5, 25)}))


def http(**parts: Any) -> Http:
    """Return settings of the server: a free port of this machine, and a key that signs links."""
    return Http.model_validate({"listen": "127.0.0.1:0", "ack": {"keys": [{"id": "k1", "key": SECRET}]}, **parts})


@dataclass(slots=True, eq=False)
class Daemon:
    """What stands behind the server: its parts can be changed while it serves."""

    store: Store
    now: datetime = NOW
    report: CycleReport | None = None
    waiting_for: Callable[[], list[str]] = list
    reloaded: Reloaded = field(default_factory=lambda: Reloaded(200, "in force", {"rules": 12}))
    channels: Channels = field(default_factory=lambda: Channels(("mail",)))
    mounts: Mapping[str, AsgiApp] = field(default_factory=dict)
    telemetry: Telemetry = field(default_factory=Telemetry)
    language: str = "en"
    names: Names = field(default_factory=Names)
    in_use: InUse = field(default_factory=InUse)

    def backend(self, settings: Http) -> Backend:
        """Return it as the server sees it."""

        async def reload() -> Reloaded:
            return self.reloaded

        def waiting_for() -> list[str]:
            return self.waiting_for()

        self.telemetry.start(self.names, "0.1.0")
        return Backend(
            http=settings,
            store=self.store,
            telemetry=self.telemetry,
            zone=ZoneInfo("Europe/Brussels"),
            calendar=HOLIDAYS,
            language=self.language,
            now=lambda: self.now,
            report=lambda: self.report,
            waiting_for=waiting_for,
            reload=reload,
            channels=self.channels,
            mounts=self.mounts,
            in_use=self.in_use,
        )

    def counted(self, name: str, **labels: str) -> float | None:
        """Return a metric of the daemon."""
        return self.telemetry.registry.get_sample_value(name, labels)

    # --- acknowledge links ----------------------------------------------------------------------------------------

    def told(self, *alerts: Alert, **parts: Any) -> None:
        """Let a message about these alerts be in the outbox."""
        items = [an_item(number, alert=alert) for number, alert in enumerate(alerts, 1)]
        message = a_message(*items, **parts)
        self.store.write(CycleChange(NOW, alerts=alerts, messages=[(message, Rendered("subject", "text"))]))

    def change(self, *alerts: Alert) -> None:
        """Let a cycle change alerts."""
        self.store.write(CycleChange(self.now, alerts=alerts))

    def link(self, recipient: str = "person:m.rossi@example.org", message: str = MESSAGE) -> str:
        """Return the path of an acknowledge link, as the message holds it."""
        keys = [Key("k1", SECRET.encode())]
        return f"/ack/{token_for(message, recipient, NOW, http().ack.valid, keys)}"


@asynccontextmanager
async def served(daemon: Daemon, settings: Http | None = None, **client: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve until the block ends; the client follows no redirects."""
    settings = settings or http()
    async with listening(settings) as bound:
        web = server(daemon.backend(settings))
        task = asyncio.create_task(web.serve(sockets=[bound]))
        scheme = "https" if settings.tls else "http"
        host = f"[{settings.host}]" if ":" in settings.host else "127.0.0.1"
        base = f"{scheme}://{host}:{bound.getsockname()[1]}"
        try:
            async with httpx2.AsyncClient(**{"base_url": base, **client}) as one:
                yield one
        finally:
            web.should_exit = True
            await task


def three_alerts() -> tuple[Alert, Alert, Alert]:
    """Return a red, an amber and another red alert of the project PRJ-042."""
    parts = {"project_code": "PRJ-042", "value": 12.0}
    return (
        an_alert(1, subject_id="M1", subject_name="Go-live", **parts),
        an_alert(2, subject_id="M2", subject_name="Pilot", level="amber", **parts),
        an_alert(3, subject_id="M3", subject_name="Training", **parts),
    )
