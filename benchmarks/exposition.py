"""/metrics over a real socket, beside the same bytes served by an application that does nothing else."""

import http.client
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any

import uvicorn
from evaluation import portfolio
from pmo_watch_plugins.notifiers.prometheus import Exporter, Settings

from pmo_watch.rules import RuleSet
from pmo_watch.telling import AsgiApp, CycleReport

TIMES = 15
READ = datetime(2026, 11, 20, 9, tzinfo=UTC)


def measure_exposition(series: int) -> tuple[float, float]:
    """Return the median seconds of a request for at least so many series, and of one for the same bytes alone."""
    exporter = _exporter(series)
    with _served(exporter.mounts()["/metrics"]) as port:
        served, body = _asked(port)
    assert body.count(b"\n") >= series
    with _served(_static(body)) as port:
        static, _ = _asked(port)
    return served, static


def measure_rendering(series: int) -> tuple[float, float, float]:
    """Return the median seconds of writing so many series in both formats, packed, once rows have changed.

    Then of the same when nothing has changed, and of packing ready bytes twice, which is the least it takes.
    """
    report = _report(series // 4)  # a milestone with all its dates has four
    exporter = Exporter(Settings(max_series=100 * series), None)
    fresh, same = [], []
    for _ in range(TIMES):
        changed = replace(report, snapshot=replace(report.snapshot, frames=dict(report.snapshot.frames)))
        fresh.append(_seconds(partial(exporter.cycle_finished, changed)))
        same.append(_seconds(partial(exporter.cycle_finished, changed)))
    body = exporter._renderings[False].body  # noqa: SLF001  # what is served has the daemon's part too
    packing = median(_seconds(lambda: [zlib.compress(body, 1) for _ in range(2)]) for _ in range(TIMES))
    return median(fresh), median(same), packing


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _exporter(series: int) -> Exporter:
    """Return an exporter that has rendered milestones enough."""
    exporter = Exporter(Settings(max_series=100 * series), None)
    exporter.cycle_finished(_report(series // 2))  # a milestone has two series or more
    return exporter


def _report(milestones: int) -> CycleReport:
    return CycleReport(
        number=1,
        started=READ,
        ended=READ,
        snapshot=portfolio(milestones),
        rules=RuleSet(),
        findings=(),
        alerts=(),
        transitions=(),
        silenced=frozenset(),
        measures={},
        sources={},
    )


def _static(body: bytes) -> AsgiApp:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve


@contextmanager
def _served(app: AsgiApp) -> Iterator[int]:
    """Serve the application in a thread; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", interface="asgi3"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _asked(port: int) -> tuple[float, bytes]:
    """Return the median seconds of a request, and the last body."""
    seconds, body = [], b""
    for _ in range(TIMES):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        began = time.perf_counter()
        client.request("GET", "/metrics")
        body = client.getresponse().read()
        seconds.append(time.perf_counter() - began)
        client.close()
    return median(seconds), body
