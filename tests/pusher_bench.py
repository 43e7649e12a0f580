"""Pushers with a clock set by hand, and the cycles that they are told of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from exporter_bench import READ, a_report
from messages import an_alert
from pmo_watch_plugins.notifiers.alertmanager import Pusher
from pmo_watch_plugins.notifiers.alertmanager.settings import Settings

from pmo_watch.alerts import Alert, Reason, Transition
from pmo_watch.api import DeliveryError, NotifierContext
from pmo_watch.telling import CycleReport

SLIP = "key-milestone-slip"
MINUTE = timedelta(minutes=1)


def settings(*urls: str, **parts: Any) -> Settings:
    return Settings.model_validate({"urls": list(urls) or ["http://localhost:9093"], **parts})


def red(number: int = 1, **parts: Any) -> Alert:
    """Return an open red alert on a milestone of the project HB-017."""
    usual = {
        "project": "project:p1",
        "project_code": "HB-017",
        "subject_id": f"M{number}",
        "value": 12.0,
        "source": "plans",
    }
    return an_alert(number, **{**usual, **parts})


def report(*alerts: Alert, at: datetime = READ, **parts: Any) -> CycleReport:
    return a_report(alerts=alerts, ended=at, **{"silenced": frozenset(), **parts})


def step(before: Alert, after: Alert, reason: Reason) -> Transition:
    return Transition(after, before, reason, READ)


class Clocked:
    """A pusher whose clock is set by hand."""

    def __init__(self, given: Settings, folder: Path) -> None:
        self.now = READ
        external = "https://pmo.example.org"
        self._opened = Pusher(given, NotifierContext("am", folder, "pmo-watch/1", external, now=lambda: self.now))

    def cycle_finished(self, report: CycleReport) -> None:
        """Tell it of a cycle."""
        self._opened.cycle_finished(report)

    async def push(self) -> dict[str, DeliveryError | None]:
        """Let it push."""
        return dict(await self._opened.push())

    async def push_test(self) -> dict[str, DeliveryError | None]:
        """Let it push a test."""
        return dict(await self._opened.push_test())

    async def probe(self) -> dict[str, DeliveryError | None]:
        """Let it look who is there."""
        return dict(await self._opened.probe())

    async def end(self) -> None:
        """End it."""
        await self._opened.end()


@asynccontextmanager
async def pusher(*urls: str, folder: Path = Path(), **parts: Any) -> AsyncIterator[Clocked]:
    opened = Clocked(settings(*urls, **{"timeout_seconds": 2, "total_timeout_seconds": 4} | parts), folder)
    try:
        yield opened
    finally:
        await opened.end()


def shown(took: Any) -> list[tuple[str, bool] | None]:
    """Return reason and channel fault of each member."""
    return [(one.reason, one.channel_fault) if one else None for one in took.values()]
