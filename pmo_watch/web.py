"""What the daemon serves: health, metrics of observers, reload, the API, acknowledge links (spec channels 7)."""

import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pmo_watch.ack_links import Key
from pmo_watch.errors import StoreError
from pmo_watch.settings_http import Http
from pmo_watch.store import Store
from pmo_watch.telemetry import Telemetry
from pmo_watch.telling import AsgiApp, CycleReport
from pmo_watch.web_access import Access, Caller, Refusal
from pmo_watch.web_ack import AckPages
from pmo_watch.web_api import Api, BadRequest, error
from pmo_watch.workdays import Calendar

LOG = structlog.get_logger("pmo_watch.web")
LISTS = ("alerts", "findings", "projects", "sources", "outbox")
OPEN = ("/-/healthy", "/-/ready")
HEADER_BYTES = 16 * 1024
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
STYLE = """:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 }
main { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #8886 }
tr.red td:first-child { border-left: 4px solid #b3261e }
tr.amber td:first-child { border-left: 4px solid #b26a00 }
label { display: inline-block; margin-right: .5rem }
textarea, input[type=text] { width: 100%; box-sizing: border-box; font: inherit }
button { font: inherit; padding: .5rem 1.2rem }
.said { padding: .6rem 1rem; border-left: 4px solid #06c }
"""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How a reload ended: 200 in force, 202 waits for approval, 409 one is running, 422 something is as it was."""

    status: int
    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Backend:
    """What the server needs of the daemon."""

    http: Http
    store: Store
    telemetry: Telemetry
    zone: ZoneInfo
    calendar: Calendar
    language: str
    now: Callable[[], datetime]
    report: Callable[[], CycleReport | None]
    waiting_for: Callable[[], list[str]]  # called in a thread
    reload: Callable[[], Awaitable[Reloaded]]
    mounts: Mapping[str, AsgiApp] = field(default_factory=dict)


class Endpoint:
    """What an observer serves, as an object: `Route` calls a plain function with a request."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, *exchange: Any) -> None:
        """Pass the exchange on."""
        await self._app(*exchange)


class Site:
    """The routes."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._api = Api(backend.store, backend.report, backend.now, backend.zone)
        keys = [Key(one.id, one.key.get_secret_value().encode()) for one in backend.http.ack.keys]
        self._ack = AckPages(backend.store, keys, backend.telemetry, backend.zone, backend.calendar) if keys else None

    def routes(self) -> list[Route]:
        """Return every route."""
        found = [
            Route("/-/healthy", self._healthy, methods=["GET", "HEAD"]),
            Route("/-/ready", self._ready, methods=["GET", "HEAD"]),
            Route("/-/reload", self._reload, methods=["POST"]),
            Route("/api/v1/alerts/{id}/ack", self._acknowledge, methods=["POST"]),
            Route("/api/v1/silences", self._silence, methods=["POST"]),
            *[Route(f"/api/v1/{name}", self._list(name), methods=["GET"]) for name in LISTS],
            Route("/static/page.css", self._style, methods=["GET", "HEAD"]),
        ]
        if self._ack:
            found.append(Route("/ack/{token}", self._ack_page, methods=["GET", "HEAD", "POST"]))
        return [*found, *(Route(path, Endpoint(app)) for path, app in self._backend.mounts.items())]

    async def _healthy(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request) -> Response:
        waiting = await run_in_threadpool(self._backend.waiting_for)
        if waiting:
            return JSONResponse({"ready": False, "waiting_for": waiting}, 503)
        return JSONResponse({"ready": True})

    async def _style(self, request: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def _reload(self, request: Request) -> Response:
        done = await self._backend.reload()
        if done.status >= 400:
            return error(done.status, done.text)
        return JSONResponse({"message": done.text, **done.counts}, done.status)

    def _list(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await run_in_threadpool(self._api.listing, name, request)

        return answer

    async def _acknowledge(self, request: Request) -> Response:
        answer = await self._api.acknowledge(request, _who(request))
        self._backend.telemetry.acknowledgements.labels("api").inc()
        return answer

    async def _silence(self, request: Request) -> Response:
        return await self._api.silence(request, _who(request))

    async def _ack_page(self, request: Request) -> Response:
        assert self._ack is not None  # else the route is not there
        now, language = self._backend.now(), self._backend.language
        if request.method == "POST":
            return await self._ack.post(request, now, language)
        return await run_in_threadpool(self._ack.show, request, now, language)


def _who(request: Request) -> str:
    caller: Caller = request.scope["state"]["caller"]
    return caller.name or "operator on this machine"


class Guard:
    """Around every request: who may, errors in words, headers of pages, counting, one access line."""

    def __init__(self, app: AsgiApp, backend: Backend, paths: Sequence[str]) -> None:
        self._app = app
        self._backend = backend
        self._access = Access(backend.http)
        self._paths = paths

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), [500]

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                message["headers"] = self._headers(scope, message["headers"])
            await send(message)

        request = Request(scope, receive)
        refusal = await self._refusal(request)
        if refusal is not None:
            await refusal(scope, receive, told)
        else:
            await self._app(scope, receive, told)
        self._count(scope, status[0], time.perf_counter() - began)

    async def _refusal(self, request: Request) -> Response | None:
        path = request.url.path
        if sum(len(name) + len(value) for name, value in request.headers.raw) > HEADER_BYTES:
            return error(431, "the headers are larger than 16 KiB")
        public = path in OPEN or path.startswith("/static/")
        if public or (path == "/metrics" and self._backend.http.open_metrics) or self._by_token(path):
            return None
        role = "operator" if request.method not in {"GET", "HEAD"} else "viewer"
        caller = await self._access.admit(request, role)
        if isinstance(caller, Refusal):
            headers = {"WWW-Authenticate": 'Basic realm="pmo_watch"'} if caller.status == 401 else {}
            return error(caller.status, caller.text, headers)
        request.scope.setdefault("state", {})["caller"] = caller
        return None

    def _by_token(self, path: str) -> bool:
        return path.startswith("/ack/") and self._backend.http.ack.login != "required"

    def _headers(self, scope: Any, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in headers}
        added = {**PAGE_HEADERS}
        if self._backend.http.tls:
            added["strict-transport-security"] = "max-age=31536000"
        if scope["path"].startswith("/static/"):
            added["cache-control"] = "max-age=3600"
        return [*headers, *((n.encode(), v.encode()) for n, v in added.items() if n.encode() not in given)]

    def _count(self, scope: Any, status: int, seconds: float) -> None:
        handler = self._pattern(scope["path"])
        self._backend.telemetry.requests.labels(handler, f"{status // 100}xx").inc()
        self._backend.telemetry.request_seconds.labels(handler).observe(seconds)
        LOG.debug("request", handler=handler, method=scope["method"], status=status)

    def _pattern(self, path: str) -> str:
        """Return the route's pattern, never the path: a token is in some."""
        if path in self._paths:
            return path
        if path.startswith("/ack/"):
            return "/ack/{token}"
        return "/api/v1/alerts/{id}/ack" if path.startswith("/api/v1/alerts/") and path.endswith("/ack") else "other"


async def _bad_request(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, BadRequest)
    return error(fault.status, str(fault))


async def _no_store(request: Request, fault: Exception) -> Response:
    return error(503, f"the store does not answer: {fault}")


async def _http_fault(request: Request, fault: Any) -> Response:
    text = {404: "there is nothing here", 405: "this method is not served here"}.get(fault.status_code, fault.detail)
    return error(fault.status_code, text, fault.headers)


def site(backend: Backend) -> AsgiApp:
    """Return the whole application."""
    from starlette.exceptions import HTTPException  # noqa: PLC0415  # only handlers need it

    routes = Site(backend).routes()
    handlers: dict[Any, Any] = {BadRequest: _bad_request, StoreError: _no_store, HTTPException: _http_fault}
    app = Starlette(routes=routes, exception_handlers=handlers)
    return Guard(app, backend, [route.path for route in routes])


class Server(uvicorn.Server):
    """Leaves SIGTERM and SIGINT to the daemon, which stops everything in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def listening(http: Http) -> AsyncIterator[socket.socket]:
    """Bind the address before anything else is started, so that a second daemon says so at once."""
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((http.host, http.port))
        bound.listen(128)
        bound.setblocking(False)
        yield bound


def server(backend: Backend) -> Server:
    """Return a server; the daemon awaits its `serve(sockets=[...])` and sets `should_exit` to end it."""
    tls = backend.http.tls
    config = uvicorn.Config(
        site(backend),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="off",
        ssl_certfile=str(tls.cert) if tls else None,
        ssl_keyfile=str(tls.key) if tls else None,
        ssl_ca_certs=str(tls.client_ca) if tls and tls.client_ca else None,
        ssl_cert_reqs=2 if tls and tls.client_ca else 0,
    )
    return Server(config)
