"""Who may do what over HTTP: passwords, a reverse proxy, loopback alone; and how often one may try (channels 7.2)."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

import bcrypt
from starlette.requests import Request

from pmo_watch.settings_http import Http

REMEMBERED_SECONDS = 300  # bcrypt takes 100 ms: too much for every scrape
FAILURES_PER_MINUTE = 20
RANKS = {"viewer": 1, "operator": 2}
DUMMY = bcrypt.hashpw(b"nobody", bcrypt.gensalt(rounds=10))  # an unknown user costs as much as a wrong password


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in which role; `name` is empty where nobody signed in."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: an HTTP status and a sentence."""

    status: int
    text: str


class Rate:
    """Counts events per key within a minute."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._events: dict[str, deque[float]] = {}

    def exceeded(self, key: str) -> bool:
        """Say whether the key has used up its minute."""
        events = self._events.get(key)
        if not events:
            return False
        while events and events[0] < self._clock() - 60:
            events.popleft()
        if not events:
            del self._events[key]
        return len(events) >= self._most

    def note(self, key: str) -> None:
        """Count one event."""
        self._events.setdefault(key, deque(maxlen=self._most)).append(self._clock())


class Access:
    """Decides who a request comes from and whether it may."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._failures = Rate(FAILURES_PER_MINUTE)
        self._salt = secrets.token_bytes(32)
        self._remembered: dict[bytes, tuple[float, Caller]] = {}

    async def admit(self, request: Request, role: str) -> Caller | Refusal:
        """Return the caller when the role suffices, else why not."""
        caller = await self._caller(request)
        if isinstance(caller, Refusal):
            return caller
        if RANKS[caller.role] < RANKS[role]:
            return Refusal(403, f"this needs the role {role}; {caller.name or 'without a login you'} has {caller.role}")
        return caller

    async def _caller(self, request: Request) -> Caller | Refusal:
        peer = request.client.host if request.client else ""
        if self._http.proxy and self._is_proxy(peer):
            return self._of_proxy(request)
        if self._http.users:
            return await self._of_password(request, peer)
        if self._http.proxy:
            return Refusal(401, "requests must come through the reverse proxy")
        # Without any authentication only this machine may change anything.
        return Caller("", "operator" if _is_loopback(peer) else "viewer")

    def _is_proxy(self, peer: str) -> bool:
        assert self._http.proxy is not None
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._http.proxy.from_)

    def _of_proxy(self, request: Request) -> Caller | Refusal:
        assert self._http.proxy is not None
        proxy = self._http.proxy
        name = request.headers.get(proxy.user_header, "").strip()
        if not name:
            return Refusal(401, f"the reverse proxy sent no {proxy.user_header}")
        groups = [one.strip() for one in request.headers.get(proxy.groups_header, "").split(",")]
        ranks = [proxy.roles[group] for group in groups if group in proxy.roles]
        return Caller(name, max(ranks, key=lambda one: RANKS[one], default="viewer"))

    async def _of_password(self, request: Request, peer: str) -> Caller | Refusal:
        if self._failures.exceeded(peer):
            return Refusal(429, "too many failed logins: wait a minute")
        given = _basic(request.headers.get("authorization", ""))
        if given is None:
            return Refusal(401, "sign in with name and password")
        name, password = given
        stamp = hmac.new(self._salt, f"{name}\0{password}".encode(), hashlib.sha256).digest()
        known = self._remembered.get(stamp)
        if known and known[0] > time.monotonic():
            return known[1]
        user = self._http.users.get(name)
        hashed = user.hash.get_secret_value().encode() if user else DUMMY
        good = await asyncio.to_thread(bcrypt.checkpw, password.encode()[:72], hashed)
        if not good or user is None:
            self._failures.note(peer)
            return Refusal(401, "wrong name or password")
        caller = Caller(name, user.role)
        self._remembered = {one: kept for one, kept in self._remembered.items() if kept[0] > time.monotonic()}
        self._remembered[stamp] = (time.monotonic() + REMEMBERED_SECONDS, caller)
        return caller


def _basic(header: str) -> tuple[str, str] | None:
    kind, _, coded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False
