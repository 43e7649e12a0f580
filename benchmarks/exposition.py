"""/metrics over a real socket, beside the same bytes served by an application that does nothing else."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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


def _exporter(series: int) -> Exporter:
    """Return an exporter that has rendered milestones enough."""
    rows = series // 2  # a milestone has two series or more
    exporter = Exporter(Settings(max_series=100 * series), None)
    exporter.cycle_finished(
        CycleReport(
            number=1,
            started=READ,
            ended=READ,
            snapshot=portfolio(rows),
            rules=RuleSet(),
            findings=(),
            alerts=(),
            transitions=(),
            silenced=frozenset(),
            measures={},
            sources={},
        )
    )
    return exporter


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
