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
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import bcrypt
from starlette.requests import Request

from pmo_watch.settings_http import Http

REMEMBERED_SECONDS = 300  # bcrypt takes 100 ms: too much for every scrape
FAILURES_PER_MINUTE = 20
MOST_KEYS = 1000
LONGEST_PASSWORD = 72  # bytes that bcrypt looks at; it refuses more
RANKS = {"viewer": 1, "operator": 2}


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
        return len(self._recent(key)) >= self._most

    def note(self, key: str) -> None:
        """Count one event."""
        if len(self._events) >= MOST_KEYS:
            self._events = {one: events for one in self._events if (events := self._recent(one))}
        self._events.setdefault(key, deque(maxlen=self._most)).append(self._clock())

    def forget(self, key: str) -> None:
        """Take the last event back."""
        if events := self._events.get(key):
            events.pop()

    def _recent(self, key: str) -> deque[float]:
        events = self._events.get(key, deque())
        while events and events[0] <= self._clock() - 60:
            events.popleft()
        return events


class Access:
    """Decides who a request comes from and whether it may."""

    def __init__(self, http: Http, clock: Callable[[], float] = time.monotonic) -> None:
        self.http = http
        self._clock = clock
        self._failures = Rate(FAILURES_PER_MINUTE, clock)
        self._salt = secrets.token_bytes(32)
        self._remembered: dict[bytes, tuple[float, Caller]] = {}

    async def admit(self, request: Request, role: str, *, named: bool = False) -> Caller | Refusal:
        """Return the caller when the role suffices, else why not; `named`: somebody must have signed in."""
        caller = self.stranger(request)
        if not isinstance(caller, Refusal):
            caller = await self._caller(request)
        if isinstance(caller, Refusal):
            return caller
        if named and not caller.name:
            return Refusal(401, "this needs a login, and the settings name neither http.users nor http.proxy")
        if RANKS[caller.role] < RANKS[role]:
            who = caller.name or "without a login one from elsewhere"
            return Refusal(403, f"this needs the role {role}; {who} has {caller.role}")
        return caller

    def stranger(self, request: Request) -> Caller | Refusal:
        """Return a caller without a name, unless a page of another site lets a browser change something here."""
        if request.method not in {"GET", "HEAD"} and is_foreign(request, self.http.external_url):
            return Refusal(403, "a page of another site sends this: it is not done")
        return Caller("", "viewer")

    async def _caller(self, request: Request) -> Caller | Refusal:
        peer = peer_of(request)
        if self.http.proxy and peer and any(peer in network for network in self.http.proxy.from_):
            return self._of_proxy(request)
        if self.http.users:
            return await self._of_password(request, str(peer))
        if self.http.proxy:
            return Refusal(401, "requests must come through the reverse proxy")
        return Caller("", "operator" if self._is_on_this_machine(request) else "viewer")

    def _is_on_this_machine(self, request: Request) -> bool:
        """Say whether a person or program here asks, and not somebody elsewhere through a proxy or a browser here."""
        peer = peer_of(request)
        if peer is None or not peer.is_loopback or {"forwarded", "x-forwarded-for"} & set(request.headers.keys()):
            return False
        return _is_local(_host(f"//{request.headers.get('host', '')}"))

    def _of_proxy(self, request: Request) -> Caller | Refusal:
        assert self.http.proxy is not None
        proxy = self.http.proxy
        name = request.headers.get(proxy.user_header, "").strip()
        if not name:
            return Refusal(401, f"the reverse proxy sent no {proxy.user_header}")
        groups = [one.strip() for line in request.headers.getlist(proxy.groups_header) for one in line.split(",")]
        roles = [proxy.roles[group] for group in groups if group in proxy.roles]
        return Caller(name, max(roles, key=lambda one: RANKS[one], default="viewer"))

    async def _of_password(self, request: Request, peer: str) -> Caller | Refusal:
        given = _basic(request.headers.get("authorization", ""))
        if given is None:
            return Refusal(401, "sign in with name and password")
        name, password = given
        stamp = hmac.new(self._salt, f"{name}\0{password}".encode(), hashlib.sha256).digest()
        until, known = self._remembered.get(stamp, (0.0, None))
        if known and until > self._clock():
            return known
        if self._failures.exceeded(peer):
            return Refusal(429, "too many failed logins: wait a minute")
        self._failures.note(peer)  # before the answer is known: many may be asked for at once
        if not await asyncio.to_thread(self._is_right, name, password):
            return Refusal(401, "wrong name or password")
        self._failures.forget(peer)
        caller = Caller(name, self.http.users[name].role)
        now = self._clock()
        self._remembered = {one: kept for one, kept in self._remembered.items() if kept[0] > now}
        self._remembered[stamp] = (now + REMEMBERED_SECONDS, caller)
        return caller

    def _is_right(self, name: str, password: str) -> bool:
        """Compare a password; an unknown name takes as long as one that we know."""
        user = self.http.users.get(name)
        hashed = (user or next(iter(self.http.users.values()))).hash.get_secret_value().encode()
        right = bcrypt.checkpw(password.encode()[:LONGEST_PASSWORD], hashed)
        return right and user is not None


def peer_of(request: Request) -> IPv4Address | IPv6Address | None:
    """Return the address at the other end of the socket; an IPv4 one also where the socket is an IPv6 one."""
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_foreign(request: Request, external_url: str) -> bool:
    """Say whether a browser sends this on behalf of a page that is not ours; other programs send no such headers."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    ours = {_origin(external_url), f"{request.url.scheme}://{request.headers.get('host', '')}"}
    return origin is not None and origin not in ours


def is_ours(request: Request, external_url: str) -> bool:
    """Say whether a browser sends this from one of our own pages, and says so."""
    said_so = request.headers.get("sec-fetch-site") == "same-origin" or "origin" in request.headers
    return said_so and not is_foreign(request, external_url)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
