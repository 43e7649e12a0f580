"""Around every request: who may, limits, headers, errors in words, counting, one access line (spec channels 7)."""

import time
from collections.abc import Sequence
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from pmo_watch.telemetry import Telemetry
from pmo_watch.telling import AsgiApp
from pmo_watch.web_access import Access, Caller, Refusal
from pmo_watch.web_answers import BODY_BYTES, HEADER_BYTES, HEADERS, STYLESHEET, BadRequest, refusal
from pmo_watch.words import words

LOG = structlog.get_logger("pmo_watch.web")
METRICS, ACK = "/metrics", "/ack/{token}"
OPEN = ("/-/healthy", "/-/ready", STYLESHEET)
UNMATCHED = "other"


class Guard:
    """Lets requests through to the routes, or answers itself."""

    def __init__(
        self, app: AsgiApp, routes: Sequence[Route], access: Access, telemetry: Telemetry, language: str
    ) -> None:
        self._app = app
        self._routes = routes
        self._http = access.http
        self._telemetry = telemetry
        self._said = words(language)
        self._access = access
        telemetry.serve([*(route.path for route in routes), UNMATCHED])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        began, status = time.perf_counter(), [500]
        handler = self._handler(scope)

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                message["headers"] = self._with_headers(handler, message["headers"])
            await send(message)

        request = Request(scope, receive)
        try:
            answer = await self._refused(handler, request) or self._app
            await answer(scope, _limited(receive), told)
        finally:
            self._count(request, handler, status[0], time.perf_counter() - began)

    def _handler(self, scope: Any) -> str:
        """Return the pattern of the route, never the path: a token is in some."""
        return next((one.path for one in self._routes if one.matches(scope)[0] is not Match.NONE), UNMATCHED)

    async def _refused(self, handler: str, request: Request) -> Response | None:
        if _header_bytes(request) > HEADER_BYTES:
            return self._refusal(request, 431, "the headers are larger than 16 KiB")
        if _announced(request) > BODY_BYTES:
            return self._refusal(request, 413, "the body is larger than 64 KiB")
        caller = await self._admitted(handler, request)
        if isinstance(caller, Refusal):
            return self._refusal(request, caller.status, caller.text)
        request.scope.setdefault("state", {})["caller"] = caller
        return None

    async def _admitted(self, handler: str, request: Request) -> Caller | Refusal:
        if handler in OPEN or (handler == METRICS and self._http.open_metrics):
            return Caller("", "viewer")
        if handler == ACK:
            return await self._with_token(request)
        needed = "viewer" if request.method in {"GET", "HEAD"} else "operator"
        return await self._access.admit(request, needed)

    async def _with_token(self, request: Request) -> Caller | Refusal:
        """Let whoever holds a link act with it: the token says what for; the settings may ask for a login too."""
        if self._http.ack.login == "required":
            return await self._access.admit(request, "viewer", named=True)
        return self._access.stranger(request)

    def _refusal(self, request: Request, status: int, text: str) -> Response:
        headers = {"Retry-After": "60"} if status == 429 else {}
        if status == 401 and self._http.users:
            headers["WWW-Authenticate"] = 'Basic realm="pmo_watch"'
        return refusal(request.scope["path"], status, text, self._said, headers)

    def _with_headers(self, handler: str, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in headers}
        added = {**HEADERS, "strict-transport-security": "max-age=31536000"} if self._http.tls else {**HEADERS}
        if handler == STYLESHEET:
            added["cache-control"] = "public, max-age=31536000, immutable"  # its name changes with what it says
        return [*headers, *((n.encode(), v.encode()) for n, v in added.items() if n.encode() not in given)]

    def _count(self, request: Request, handler: str, status: int, seconds: float) -> None:
        self._telemetry.requests.labels(handler, f"{status // 100}xx").inc()
        self._telemetry.request_seconds.labels(handler).observe(seconds)
        caller = request.scope.get("state", {}).get("caller")
        say = LOG.debug if request.method in {"GET", "HEAD"} else LOG.info
        peer = request.client.host if request.client else ""
        name = caller.name if caller else ""
        say("request", handler=handler, method=request.method, status=status, peer=peer, user=name)


def _header_bytes(request: Request) -> int:
    headers = sum(len(name) + len(value) for name, value in request.headers.raw)
    return headers + len(request.scope["raw_path"]) + len(request.scope["query_string"])


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdigit() and len(length) < 20 else 0


def _limited(receive: Any) -> Any:
    """Let only so much of a body through: not every client says beforehand how long it is."""
    taken = 0

    async def limited() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_BYTES:
            raise BadRequest("the body is larger than 64 KiB", 413)
        return message

    return limited
