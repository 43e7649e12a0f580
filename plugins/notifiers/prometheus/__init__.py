"""Prometheus: the portfolio and the daemon as metrics, served at /metrics."""

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmo_watch_plugins.notifiers.prometheus.exposition import Family, exposition
from pmo_watch_plugins.notifiers.prometheus.items import item_families, kpi_families, milestone_families
from pmo_watch_plugins.notifiers.prometheus.portfolio import WISHES, Portfolio
from pmo_watch_plugins.notifiers.prometheus.states import alert_families, finding_families
from pydantic import Field

from pmo_watch.api import AsgiApp, CycleReport, NotifierContext, ObserverType, OwnMetrics, PluginSettings, hookimpl

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# Whole families go when there are too many series, in this order; what is not named here stays (spec channels 4.4).
GIVEN_UP = (("pmo_milestone_",), ("pmo_kpi_",), ("pmo_alerts", "pmo_alert_since_"), ("pmo_project_",))


class Settings(PluginSettings):
    """What is exported."""

    milestones: bool = Field(default=True, description="Whether each milestone has series of its own.")
    max_series: int = Field(50_000, ge=100, description="Series of the portfolio; over it whole families are left out.")
    person_labels: bool = Field(default=False, description="Whether names of persons may be labels: personal data.")


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """One form of the portfolio part, and its beginning of a gzip stream."""

    body: bytes
    packed: bytes
    packer: Any  # zlib's compressor: its type has no public name

    @classmethod
    def of(cls, body: bytes) -> "Rendering":
        """Compress the body once; each request goes on from there with the daemon's own part."""
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        packed = packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH)
        return cls(body, packed, packer)

    def gzip(self, rest: bytes) -> bytes:
        """Return body and rest as one gzip member."""
        packer = self.packer.copy()
        end: bytes = packer.compress(rest) + packer.flush()
        return self.packed + end


class Exporter:
    """Renders once per cycle, in the worker thread, and serves kept bytes."""

    def __init__(self, settings: Settings, metrics: OwnMetrics | None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._renderings = {False: Rendering.of(b""), True: Rendering.of(b"")}

    def wishes(self) -> Sequence[str]:
        """Return the measures that are exported whether or not a rule uses them."""
        wanted: Sequence[str] = WISHES
        return wanted

    def cycle_finished(self, report: CycleReport) -> None:
        """Render the portfolio; a rendering that fails keeps the bytes before it."""
        began = time.perf_counter()
        try:
            families, dropped = self._kept(self._families(report))
            fresh = {form: Rendering.of(exposition(families, openmetrics=form)) for form in (False, True)}
        except Exception:
            if self._metrics:
                self._metrics.not_exposed()
            raise
        self._renderings = fresh
        if self._metrics:
            series = sum(one.series for one in families)
            self._metrics.exposed(series, dropped, time.perf_counter() - began, report.ended)

    def _families(self, report: CycleReport) -> list[Family]:
        portfolio = Portfolio(report, person_labels=self._settings.person_labels)
        found = [*portfolio.families(), *item_families(portfolio)]
        if self._settings.milestones:
            found += milestone_families(portfolio)
        found += [*kpi_families(portfolio), *finding_families(report)]
        return [*found, *alert_families(report, person_labels=self._settings.person_labels)]

    def _kept(self, families: list[Family]) -> tuple[list[Family], int]:
        """Leave out whole families until the series fit; return how many series went."""
        dropped = 0
        for names in GIVEN_UP:
            total = sum(one.series for one in families)
            if total <= self._settings.max_series:
                break
            families = [one for one in families if not one.name.startswith(names)]
            dropped += total - sum(one.series for one in families)
        return families, dropped

    def close(self) -> None:
        """Hold nothing that needs letting go."""

    def mounts(self) -> Mapping[str, AsgiApp]:
        """Serve the metrics."""
        return {"/metrics": self._serve}

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, {"allow": "GET, HEAD"}, b"")
            return
        openmetrics = wants_openmetrics(headers.get("accept", ""))
        own = self._metrics.render(openmetrics=openmetrics) if self._metrics else b"# EOF\n" if openmetrics else b""
        kept = self._renderings[openmetrics]
        packed = wants_gzip(headers.get("accept-encoding", ""))
        body = kept.gzip(own) if packed else kept.body + own
        told = {
            "content-type": OPENMETRICS if openmetrics else TEXT,
            "vary": "Accept, Accept-Encoding",
            "cache-control": "no-store",
            **({"content-encoding": "gzip"} if packed else {}),
        }
        await _answer(send, 200, told, body, bodyless=scope["method"] == "HEAD")


async def _answer(send: Any, status: int, headers: Mapping[str, str], body: bytes, *, bodyless: bool = False) -> None:
    told = {**headers, "content-length": str(len(body))}
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if bodyless else body})


def wants_openmetrics(accept: str) -> bool:
    """Say whether OpenMetrics 1.0.0 is asked for and no accepted text range is preferred (spec channels 4.2)."""
    best = {True: 0.0, False: 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = [piece.strip() for piece in part.split(";")]
        values = dict(pair.partition("=")[::2] for pair in parameters)
        quality = _quality(values.get("q", "1"))
        if kind == "application/openmetrics-text" and values.get("version", "1.0.0") == "1.0.0":
            best[True] = max(best[True], quality)
        elif kind == "text/plain":
            best[False] = max(best[False], quality)
    return best[True] > 0 and best[True] >= best[False]


def wants_gzip(accept_encoding: str) -> bool:
    """Say whether gzip is accepted."""
    for part in accept_encoding.lower().split(","):
        name, *parameters = [piece.strip() for piece in part.split(";")]
        values = dict(pair.partition("=")[::2] for pair in parameters)
        if name == "gzip":
            return _quality(values.get("q", "1")) > 0
    return False


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _open(settings: Settings, context: NotifierContext) -> Exporter:
    return Exporter(settings, context.metrics)


PROMETHEUS = ObserverType("prometheus", Settings, _open)


@hookimpl
def pmo_watch_observers() -> Iterable[ObserverType[Any]]:
    """Add the exporter."""
    return [PROMETHEUS]
