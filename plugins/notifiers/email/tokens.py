"""Access tokens for XOAUTH2: one at a time, kept in memory until shortly before they end (spec channels 2.6)."""

import asyncio
from http import HTTPStatus
from typing import Any

import httpx2
from pmo_watch_plugins.notifiers.email.settings import OAuth

from pmo_watch.api import DeliveryDeferred, NotifierContext, plain

KEPT_BACK_SECONDS = 300  # a token is not used in its last five minutes
TOTAL_SECONDS = 15
_LONGEST_ANSWER = 500


class Tokens:
    """Asks for tokens and keeps the present one."""

    def __init__(self, settings: OAuth, context: NotifierContext) -> None:
        self._settings = settings
        self._taken = context.token_taken
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(10, connect=5), follow_redirects=False, headers={"User-Agent": context.user_agent}
        )
        self._lock = asyncio.Lock()
        self._token, self._good_until = "", 0.0

    async def token(self) -> str:
        """Return an access token.

        Raises:
            DeliveryDeferred: none can be had now; a channel fault where our registration is refused.
        """
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now >= self._good_until:
                self._token, seconds = await self._ask()
                self._good_until = now + seconds - KEPT_BACK_SECONDS
                self._taken(seconds)
            return self._token

    def drop(self) -> None:
        """Forget the present token: the server did not take it."""
        self._good_until = 0.0

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.aclose()

    async def _ask(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "scope": self._settings.scope,
        }
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                response = await self._client.post(self._settings.endpoint, data=form)
        except (TimeoutError, httpx2.TimeoutException):
            raise DeliveryDeferred("timeout", "no access token in time") from None
        except httpx2.HTTPError as error:  # its text may hold the form
            raise DeliveryDeferred("connect", f"no access token: {type(error).__name__}") from None
        return _read(response)


def _read(response: httpx2.Response) -> tuple[str, float]:
    try:
        answer: Any = response.json()
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if response.status_code != HTTPStatus.OK:
        raise _refused(response.status_code, answer)
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    try:
        lifetime = float(seconds) if isinstance(token, str) and token else None
    except (TypeError, ValueError):
        lifetime = None
    if lifetime is None:
        raise DeliveryDeferred("server_error", "the answer of the token endpoint holds no token")
    return str(token), lifetime


def _refused(status: int, answer: dict[str, Any]) -> DeliveryDeferred:
    codes = answer.get("error_codes")
    shown = " ".join(str(code) for code in codes) if isinstance(codes, list) else ""
    said = plain(f"no access token: {status} {answer.get('error') or ''} {shown}", _LONGEST_ANSWER)
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        return DeliveryDeferred("auth", said, channel_fault=True)
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}:
        return DeliveryDeferred("throttled", said)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return DeliveryDeferred("server_error", said)
    return DeliveryDeferred("config", said, channel_fault=True)
