"""What the daemon serves: health, metrics of observers, reload, the API, pages, acknowledge links (spec channels 7)."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pmo_watch.ack_links import Key
from pmo_watch.audiences import Channels
from pmo_watch.errors import SettingsError, StoreError
from pmo_watch.settings_http import Http, Tls
from pmo_watch.store import Store
from pmo_watch.telemetry import Telemetry
from pmo_watch.telling import AsgiApp, CycleReport
from pmo_watch.web_access import Access, Caller
from pmo_watch.web_ack import AckPages, Behind
from pmo_watch.web_acts import Acts
from pmo_watch.web_acts import Behind as ActsBehind
from pmo_watch.web_answers import HEADER_BYTES, STYLE, STYLESHEET, BadRequest, error, refusal
from pmo_watch.web_api import LISTS, Lists
from pmo_watch.web_forms import Tokens
from pmo_watch.web_guard import ACK, Guard
from pmo_watch.web_openapi import document
from pmo_watch.web_pages import Pages
from pmo_watch.web_reader import Behind as PagesBehind
from pmo_watch.web_reader import InUse
from pmo_watch.words import Words, words
from pmo_watch.workdays import Calendar

LOG = structlog.get_logger("pmo_watch.web")
READY_SECONDS = 2  # the store must answer in
FAULTS = {404: "there is nothing here", 405: "this method is not served here"}


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
    channels: Channels = field(default_factory=Channels)
    mounts: Mapping[str, AsgiApp] = field(default_factory=dict)
    in_use: InUse = field(default_factory=InUse)
    why: Callable[[str], Sequence[str]] = lambda _: ()  # called in a thread


class Endpoint:
    """What an observer serves, as an object: `Route` calls a plain function with a request."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, *exchange: Any) -> None:
        """Pass the exchange on."""
        await self._app(*exchange)


class Site:
    """The routes."""

    def __init__(self, backend: Backend, tokens: Tokens) -> None:
        self._backend = backend
        self._lists = Lists(backend.store, backend.report, backend.now)
        acts = ActsBehind(backend.store, backend.now, backend.zone, backend.report, backend.channels)
        self._acts = Acts(acts)
        keys = [Key(one.id, one.key.get_secret_value().encode()) for one in backend.http.ack.keys]
        behind = Behind(backend.store, backend.telemetry, backend.zone, backend.calendar, backend.report)
        self._ack = AckPages(keys, behind) if keys else None
        self._asked: asyncio.Task[list[str]] | None = None
        pages = PagesBehind(
            store=backend.store,
            now=backend.now,
            zone=backend.zone,
            calendar=backend.calendar,
            report=backend.report,
            in_use=backend.in_use,
            why=backend.why,
            waiting_for=backend.waiting_for,
        )
        self._pages = Pages(pages, self._acts, backend.telemetry, tokens, backend.http.external_url)

    def routes(self) -> list[Route]:
        """Return every route."""
        found = [
            Route("/-/healthy", self._healthy, methods=["GET", "HEAD"]),
            Route("/-/ready", self._ready, methods=["GET", "HEAD"]),
            Route("/-/reload", self._reload, methods=["POST"]),
            *[Route(f"/api/v1/{name}", self._list(name), methods=["GET"]) for name in LISTS],
            Route("/api/v1/alerts/{id}/ack", self._acknowledge, methods=["POST"]),
            Route("/api/v1/silences", self._silence, methods=["POST"]),
            Route("/api/openapi.json", self._described, methods=["GET"]),
            Route(STYLESHEET, self._style, methods=["GET", "HEAD"]),
            *self._pages.routes(),
        ]
        if self._ack:
            found.append(Route(ACK, self._ack_page, methods=["GET", "HEAD", "POST"]))
        return [*found, *(Route(path, Endpoint(app)) for path, app in self._backend.mounts.items())]

    async def _healthy(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request) -> Response:
        waiting = await self._waiting_for()
        if waiting:
            return JSONResponse({"ready": False, "waiting_for": waiting}, 503)
        return JSONResponse({"ready": True})

    async def _waiting_for(self) -> list[str]:
        """Ask in a thread, and once only while a store that does not answer holds that thread."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(run_in_threadpool(self._backend.waiting_for))
        await asyncio.wait([self._asked], timeout=READY_SECONDS)
        return self._asked.result() if self._asked.done() else ["store"]

    async def _described(self, request: Request) -> Response:
        return JSONResponse(document())

    async def _style(self, request: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def _reload(self, request: Request) -> Response:
        done = await self._backend.reload()
        if done.status >= 400:
            return error(done.status, done.text)
        return JSONResponse({"message": done.text, **done.counts}, done.status)

    def _list(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await run_in_threadpool(self._lists.answer, name, request)

        return answer

    async def _acknowledge(self, request: Request) -> Response:
        answer = await self._acts.acknowledge(request, _who(request))
        self._backend.telemetry.acknowledgements.labels("api").inc()
        return answer

    async def _silence(self, request: Request) -> Response:
        return await self._acts.silence(request, _who(request))

    async def _ack_page(self, request: Request) -> Response:
        assert self._ack is not None  # else the route is not there
        answer = self._ack.post if request.method == "POST" else self._ack.show
        return await answer(request, self._backend.now(), self._backend.language)


def _who(request: Request) -> str:
    caller: Caller = request.scope["state"]["caller"]
    return caller.name or "operator on this machine"


def site(backend: Backend, access: Access, tokens: Tokens) -> AsgiApp:
    """Return the whole application."""
    routes = Site(backend, tokens).routes()
    app = Starlette(routes=routes, exception_handlers=_handlers(words(backend.language)))
    app.router.redirect_slashes = False
    return Guard(app, routes, access, backend.telemetry, backend.language)


def _handlers(said: Words) -> dict[Any, Any]:
    """Return what is answered to faults: never a traceback, which stands in the log where it is our defect."""

    async def bad_request(request: Request, fault: BadRequest) -> Response:
        return refusal(request.url.path, fault.status, str(fault), said)

    async def no_store(request: Request, fault: StoreError) -> Response:
        return refusal(request.url.path, 503, f"the store does not answer: {fault}", said)

    async def not_served(request: Request, fault: HTTPException) -> Response:
        text = FAULTS.get(fault.status_code, fault.detail)
        return refusal(request.url.path, fault.status_code, text, said, fault.headers)

    async def defect(request: Request, fault: Exception) -> Response:
        return refusal(request.url.path, 500, "this is a defect of pmo-watch; its log says more", said)

    return {BadRequest: bad_request, StoreError: no_store, HTTPException: not_served, Exception: defect}


# --- the server ---------------------------------------------------------------------------------------------------


class Served:
    """The application as the settings in force have it; a request that is being answered goes on with what it found."""

    def __init__(self, backend: Backend) -> None:
        self._access = Access(backend.http)
        self._tokens = Tokens()
        self._app = site(backend, self._access, self._tokens)

    def take_up(self, backend: Backend) -> None:
        """Serve what changed settings say; failed logins and who is signed in are kept where `http:` is as it was."""
        if backend.http != self._access.http:
            self._access = Access(backend.http)
        self._app = site(backend, self._access, self._tokens)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; without its three arguments uvicorn would take this for something that makes one."""
        await self._app(scope, receive, send)


class Server(uvicorn.Server):
    """Leaves SIGTERM and SIGINT to the daemon, which stops everything in order."""

    def __init__(self, config: uvicorn.Config, served: Served) -> None:
        super().__init__(config)
        self.served = served

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def listening(http: Http) -> AsyncIterator[socket.socket]:
    """Bind the address before anything else is started, so that a second daemon says so at once.

    Raises:
        SettingsError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        try:
            bound = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((http.host, http.port))
            bound.listen(128)
        except OSError as fault:
            raise SettingsError(
                f"http.listen: {http.listen} cannot be bound: {fault.strerror}: is another one running?"
            ) from None
        bound.setblocking(False)
        yield bound


def server(backend: Backend) -> Server:
    """Return a server; the daemon awaits its `serve(sockets=[...])` and sets `should_exit` to end it.

    Raises:
        SettingsError: certificate or key are no use.
    """
    http = backend.http
    if http.insecure and not (http.is_local or http.users or http.proxy):
        LOG.warning("open to other machines without a login", listen=http.listen, setting="http.insecure")
    context = _tls(http.tls) if http.tls else None
    served = Served(backend)
    config = uvicorn.Config(
        served,
        http="h11",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="off",
        ws="none",
        h11_max_incomplete_event_size=4 * HEADER_BYTES,  # what is longer than we take is refused in our own words
        ssl_context_factory=(lambda *_: context) if context else None,
    )
    return Server(config, served)


def _tls(settings: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.cert, settings.key, password="")  # it would ask the terminal for one
        if settings.client_ca:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as fault:
        reason = getattr(fault, "reason", None) or fault.strerror or "unreadable"
        named = ", ".join(str(one) for one in (settings.cert, settings.key, settings.client_ca) if one)
        raise SettingsError(f"http.tls: {named}: {reason}: certificate and key in PEM, which belong together") from None
    return context
