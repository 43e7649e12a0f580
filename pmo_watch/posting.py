"""JSON to one address, for notifiers that post: time-outs, no redirects, what answers mean (channels 1.3, 3.5)."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

import httpx2
from pydantic import Field

from pmo_watch.contracts import PluginSettings
from pmo_watch.errors import DeliveryDeferred, DeliveryRejected
from pmo_watch.rest_tls import no_cookies
from pmo_watch.telling import NotifierContext

__all__ = ["LOOPBACK", "PostSettings", "Posted", "Poster", "checked_address", "packed"]

CONNECT_SECONDS = 5
MOST_READ = 16 * 1024
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 3600.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
THROTTLED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
# Reason, and whether the channel is at fault; other statuses from 400 to 499 mean that the body was refused.
REFUSED: Mapping[int, tuple[str, bool]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: ("auth", True),
        HTTPStatus.FORBIDDEN: ("auth", True),
        HTTPStatus.NOT_FOUND: ("not_found", True),
        HTTPStatus.GONE: ("not_found", True),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", False),
    }
)


class PostSettings(PluginSettings):
    """What every notifier that posts can set about its connections."""

    proxy: str | None = Field(None, description="URL of a proxy.")
    ca_file: Path | None = Field(None, description="Certificates to trust in place of the system's.")
    timeout_seconds: float = Field(10, gt=0, description="Limit of one operation.")
    total_timeout_seconds: float = Field(20, gt=0, description="Limit of one post.")


@dataclass(frozen=True, slots=True)
class Posted:
    """What was answered: status, the beginning of the body, and for how many seconds we should leave it alone."""

    status: int
    body: bytes = b""
    wait: float | None = None


class Poster:
    """Posts JSON; stops altogether while it was asked to wait. `called`: what is posted to, as faults name it."""

    def __init__(
        self,
        settings: PostSettings,
        context: NotifierContext,
        called: str,
        refused: Mapping[int, tuple[str, bool]] = REFUSED,
    ) -> None:
        self._total_seconds = settings.total_timeout_seconds
        self._called = called
        self._refused = refused
        self._resume_at = 0.0
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(settings.timeout_seconds, connect=min(CONNECT_SECONDS, settings.timeout_seconds)),
            follow_redirects=False,
            cookies=no_cookies(),
            headers={"User-Agent": context.user_agent, "Content-Type": "application/json; charset=utf-8"}
            | {"Accept-Encoding": "identity"},
            verify=_trusting(settings, context.folder),
            proxy=settings.proxy,
        )

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Bound what is done for one message, and do not begin it while we were asked to wait.

        Raises:
            DeliveryDeferred: it is not the time, or there was no answer in time.
        """
        pause = self._resume_at - asyncio.get_running_loop().time()
        if pause > 0:
            raise DeliveryDeferred("throttled", f"{self._called} asked us to wait", retry_after=pause)
        try:
            async with asyncio.timeout(self._total_seconds):
                yield
        except TimeoutError:
            raise DeliveryDeferred("timeout", "no answer in time") from None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Posted:
        """Post the body and return the answer, whatever it is.

        Raises:
            DeliveryDeferred: there was none.
        """
        return await self._asked("POST", url, body, headers)

    async def reach(self, url: str) -> Posted:
        """Ask which methods are offered there, which changes nothing, and return the answer, whatever it is.

        Raises:
            DeliveryDeferred: there was none.
        """
        return await self._asked("OPTIONS", url)

    async def _asked(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Posted:
        try:
            async with self._client.stream(method, url, content=body, headers=headers) as response:
                return Posted(response.status_code, await _beginning(response), _wait(response.headers))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unanswered(error) from None  # its text and request hold the URL

    def judge(self, answer: Posted, said: str) -> str:
        """Return what was said when the post was taken.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        status, wait = answer.status, answer.wait
        if 200 <= status < 300:
            return said
        if wait is not None and (status in THROTTLED or status >= 500):
            self._resume_at = asyncio.get_running_loop().time() + wait
        if status in THROTTLED:
            raise DeliveryDeferred("throttled", said, retry_after=wait)
        if status >= 500:
            raise DeliveryDeferred("server_error", said, retry_after=wait)
        usual = ("bad_request", False) if status >= 400 else ("config", True)
        reason, channel_fault = self._refused.get(status, usual)
        raise DeliveryRejected(reason, said, channel_fault=channel_fault)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


def packed(payload: object) -> bytes:
    """Return a body as it is sent: compact JSON, and every sign as itself."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def checked_address(address: str) -> SplitResult:
    """Return the parts of an address that may be posted to: https, or http to this machine.

    Raises:
        ValueError: it may not; the text says why, without the address.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("url should begin with https://")
    if not host:
        raise ValueError("url names no host")
    return parts


async def _beginning(response: httpx2.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= MOST_READ:
            break
    return body[:MOST_READ]


def _wait(headers: httpx2.Headers) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or a date, between a second and an hour."""
    asked = headers.get("Retry-After", "").strip()
    if not asked:
        return None
    try:
        seconds = float(asked) if asked.isdigit() else _until(asked, headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
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


def _trusting(settings: PostSettings, folder: Path) -> ssl.SSLContext:
    path = folder / settings.ca_file if settings.ca_file else None
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        said = f"ca_file {path}: {error.strerror or 'holds no certificates'}"
        raise DeliveryDeferred("config", said, channel_fault=True) from None
