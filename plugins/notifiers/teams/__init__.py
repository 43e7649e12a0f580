"""Teams: posts cards to a channel through the URL of a Workflows flow."""

import asyncio
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx2
from aiolimiter import AsyncLimiter
from pmo_watch_plugins.notifiers.teams.card import message_payload, text_payload
from pmo_watch_plugins.notifiers.teams.settings import Settings, warnings
from pmo_watch_plugins.notifiers.teams.sizes import fault, packed, trim

from pmo_watch.api import (
    DeliveryDeferred,
    DeliveryRejected,
    NotifierContext,
    NotifierType,
    OutboxRow,
    hookimpl,
    plain,
)

CONNECT_SECONDS = 5
MOST_READ = 16 * 1024
BURST, BURST_SECONDS = 4, 4  # one post per second, four at once
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 3600.0
AT_A_TIME = 10
THROTTLED = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
REFUSED: Mapping[int, tuple[str, bool]] = {  # other statuses from 400 to 499 mean that the body was refused
    HTTPStatus.UNAUTHORIZED: ("auth", True),
    HTTPStatus.FORBIDDEN: ("auth", True),
    HTTPStatus.NOT_FOUND: ("not_found", True),
    HTTPStatus.GONE: ("not_found", True),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", False),
}
_LONGEST_CODE = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What the flow said: status, the code of its error, and how long we should wait."""

    status: int
    code: str = ""
    wait: float | None = None

    def __str__(self) -> str:
        """Show status and code, without the message."""
        return f"{self.status} {self.code}".rstrip()


class Channel:
    """One flow; posts several cards at a time and stops altogether when it is asked to wait."""

    def __init__(self, settings: Settings, context: NotifierContext) -> None:
        self._settings = settings
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(settings.timeout_seconds, connect=min(CONNECT_SECONDS, settings.timeout_seconds)),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": context.user_agent, "Content-Type": "application/json; charset=utf-8"}
            | {"Accept-Encoding": "identity"},
            verify=_tls_context(settings, context.folder),
            proxy=settings.proxy,
        )
        self._limiter = AsyncLimiter(BURST, BURST_SECONDS)
        self._resume_at = 0.0

    async def turn(self) -> None:
        """Wait until the rate allows one more post."""
        await self._limiter.acquire()

    async def send(self, row: OutboxRow) -> str:
        """Post one card and return what the flow answered.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        pause = self._resume_at - asyncio.get_running_loop().time()
        if pause > 0:
            raise DeliveryDeferred("throttled", "the flow asked us to wait", retry_after=pause)
        payload = row.rendered.payload or text_payload(row.rendered.subject, row.rendered.text, row.id, self._settings)
        if wrong := fault(payload):
            raise DeliveryRejected("bad_request", wrong)
        try:
            async with asyncio.timeout(self._settings.total_timeout_seconds):
                answer = await self._post(payload)
                if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    smaller, _ = trim(payload, self._settings.max_bytes // 2)
                    answer = await self._post(smaller)
        except TimeoutError:
            raise DeliveryDeferred("timeout", "no answer in time") from None
        return self._judged(answer)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _post(self, payload: Mapping[str, Any]) -> Answer:
        url = self._settings.url.get_secret_value()
        try:
            async with self._client.stream("POST", url, content=packed(payload)) as response:
                body = b""
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) >= MOST_READ:
                        break
                return Answer(response.status_code, _code(body), _wait(response.headers))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unanswered(error) from None  # its text and request hold the URL

    def _judged(self, answer: Answer) -> str:
        """Return the answer when the flow took the post (spec channels 3.5).

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        if answer.status < 300:
            return str(answer)
        if answer.wait is not None and (answer.status in THROTTLED or answer.status >= 500):
            self._resume_at = asyncio.get_running_loop().time() + answer.wait
        if answer.status in THROTTLED:
            raise DeliveryDeferred("throttled", str(answer), retry_after=answer.wait)
        if answer.status >= 500:
            raise DeliveryDeferred("server_error", str(answer), retry_after=answer.wait)
        reason, channel_fault = REFUSED.get(answer.status, ("bad_request", False))
        if answer.status < 400:
            reason, channel_fault = "config", True
        raise DeliveryRejected(reason, str(answer), channel_fault=channel_fault)


def _code(body: bytes) -> str:
    """Return the code of an error body; its message may repeat what we sent."""
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return plain(str(code), _LONGEST_CODE)


def _wait(headers: httpx2.Headers) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or a date, between a second and an hour."""
    asked = headers.get("Retry-After", "").strip()
    if not asked:
        return None
    try:
        seconds = float(asked) if asked.isdigit() else _until(asked, headers.get("Date", ""))
    except ValueError:
        return None
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _until(moment: str, now: str) -> float:
    """Return the seconds between two dates of the same answer: its clock may not be ours."""
    return (parsedate_to_datetime(moment) - parsedate_to_datetime(now)).total_seconds()


def _unanswered(error: Exception) -> DeliveryDeferred:
    name = type(error).__name__
    if isinstance(error, httpx2.TimeoutException):
        return DeliveryDeferred("timeout", name)
    if _about_tls(error):
        return DeliveryDeferred("tls", name, channel_fault=True)
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        return DeliveryDeferred("connect", name)
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return DeliveryDeferred("config", name, channel_fault=True)
    return DeliveryDeferred("disconnected", name)


def _about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _tls_context(settings: Settings, folder: Path) -> ssl.SSLContext:
    path = folder / settings.ca_file if settings.ca_file else None
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        said = f"ca_file {path}: {error.strerror or 'holds no certificates'}"
        raise DeliveryDeferred("config", said, channel_fault=True) from None


TEAMS = NotifierType(
    "teams",
    Settings,
    open=Channel,
    addresses=False,
    payload=message_payload,
    check=warnings,
    in_flight=AT_A_TIME,
    deadline_seconds=lambda settings: settings.total_timeout_seconds,
)


@hookimpl
def pmo_watch_notifiers() -> Iterable[NotifierType[Any]]:
    """Return the kind `teams`."""
    return [TEAMS]
