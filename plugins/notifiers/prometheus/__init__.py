"""Prometheus: the portfolio and the daemon as metrics, served at /metrics."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import structlog
from pydantic import Field

from pmo_watch.api import AsgiApp, CycleReport, NotifierContext, ObserverType, OwnMetrics, PluginSettings, hookimpl

from .exposition import Family, exposition
from .families import HELP, fitting
from .items import OVERDUE, count_families, data_dates, kpi_families, milestone_families
from .portfolio import AMOUNTS, RATIOS, Portfolio, colour_families, fact_families
from .serving import OPENMETRICS, TEXT, Rendering, answer, header, wants_gzip, wants_openmetrics
from .states import Counts, alert_families, finding_families

LOG = structlog.get_logger("pmo_watch.prometheus")


class Settings(PluginSettings):
    """What is exported."""

    milestones: bool = Field(default=True, description="Whether each milestone has series of its own.")
    max_series: int = Field(50_000, ge=100, description="Series of the portfolio; over it whole families are left out.")
    person_labels: bool = Field(default=False, description="Whether names of persons may be labels: personal data.")


class Exporter:
    """Renders once per cycle, in the worker thread, and serves kept bytes."""

    def __init__(self, settings: Settings, metrics: OwnMetrics | None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._renderings = {False: Rendering.of(b""), True: Rendering.of(b"")}
        self._facts: tuple[object, date, list[Family]] | None = None
        self._counts = Counts()
        self._gone: list[str] = []

    def wishes(self) -> Sequence[str]:
        """Return the measures that are exported whether or not a rule uses them."""
        return [*RATIOS, *AMOUNTS, OVERDUE]

    def cycle_finished(self, report: CycleReport) -> None:
        """Render the portfolio; a rendering that fails keeps the bytes before it."""
        began = time.perf_counter()
        try:
            kept, gone = fitting(self._families(report), self._settings.max_series)
            fresh = {form: self._rendered(kept, openmetrics=form) for form in (False, True)}
        except Exception:
            if self._metrics:
                self._metrics.not_exposed()
            raise
        self._renderings = fresh
        self._say_what_is_gone(gone)
        if self._metrics:
            series, dropped = (sum(one.series for one in some) for some in (kept, gone))
            self._metrics.exposed(series, dropped, time.perf_counter() - began, report.ended)

    def _families(self, report: CycleReport) -> list[Family]:
        on = Portfolio(report)
        persons = self._settings.person_labels
        found = [*self._of_facts(on), data_dates(on), *colour_families(on), *finding_families(report, self._counts)]
        found += alert_families(on, person_labels=persons)
        order = {name: place for place, name in enumerate(HELP)}
        return sorted(found, key=lambda one: order[one.name])

    def _of_facts(self, on: Portfolio) -> list[Family]:
        """Return what follows from the sources' rows and the day alone: it is kept while these are the very same."""
        frames, today = on.snapshot.frames, on.snapshot.today
        if self._facts and self._facts[0] is frames and self._facts[1] == today:
            return self._facts[2]
        self._facts = None  # what it holds may be large, and is needed no more
        found = [*fact_families(on, person_labels=self._settings.person_labels), *count_families(on)]
        if self._settings.milestones:
            found += milestone_families(on)
        found += kpi_families(on)
        self._facts = (frames, today, found)
        return found

    def _rendered(self, families: list[Family], *, openmetrics: bool) -> Rendering:
        body, before = exposition(families, openmetrics=openmetrics), self._renderings[openmetrics]
        return before if before.body == body else Rendering.of(body)

    def _say_what_is_gone(self, gone: list[Family]) -> None:
        names = [one.name for one in gone]
        if names != self._gone:
            say = LOG.warning if names else LOG.info
            say("families left out", over=self._settings.max_series, families=names)
        self._gone = names

    def close(self) -> None:
        """Hold nothing that needs letting go."""

    def mounts(self) -> Mapping[str, AsgiApp]:
        """Serve the metrics."""
        return {"/metrics": self._serve}

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await answer(send, 405, {"allow": "GET, HEAD"}, b"")
            return
        openmetrics = wants_openmetrics(header(scope, b"accept"))
        packed = wants_gzip(header(scope, b"accept-encoding"))
        own = self._metrics.render(openmetrics=openmetrics) if self._metrics else b"# EOF\n" if openmetrics else b""
        told = {
            "content-type": OPENMETRICS if openmetrics else TEXT,
            "vary": "Accept, Accept-Encoding",
            "cache-control": "no-store",
            **({"content-encoding": "gzip"} if packed else {}),
        }
        parts = self._renderings[openmetrics].parts(own, packed=packed)
        await answer(send, 200, told, *parts, bodyless=scope["method"] == "HEAD")


def _open(settings: Settings, context: NotifierContext) -> Exporter:
    return Exporter(settings, context.metrics)


PROMETHEUS = ObserverType("prometheus", Settings, _open)


@hookimpl
def pmo_watch_observers() -> Iterable[ObserverType[Any]]:
    """Add the exporter."""
    return [PROMETHEUS]
