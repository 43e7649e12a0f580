"""HTTP for sources: one rule set of time-outs, tries, redirects and limits for every live system (spec sources 1.3).

A source asks through `Rest`, and all it gets is data or a SourceError in words. What is written here once: who is
asked how often, what is tried again, which links may be followed, how large and how deep an answer may be.
"""

import contextlib
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import httpx2
import structlog
from httpx2 import Headers, Request
from pydantic import Field

from pmo_watch import __version__
from pmo_watch.contracts import PluginSettings, SourceContext
from pmo_watch.errors import SourceDataError, SourceRefused, SourceUnavailable
from pmo_watch.rest_calls import (
    Call,
    Received,
    Spent,
    any_json,
    data_of,
    origin,
    secrets_of,
    site,
    target_of,
    written,
)
from pmo_watch.rest_faults import AGAIN, PROXY_REFUSES, Again, of_transport, phrase, retry_after, what_it_says
from pmo_watch.rest_tls import no_cookies, trusting
from pmo_watch.rest_turns import Turns, join, leave

__all__ = ["Answer", "Headers", "HttpSettings", "Request", "Rest"]

LOG = structlog.get_logger("pmo_watch.rest")
USER_AGENT = f"pmo-watch/{__version__}"
TRIES = 5
WAITS = (5.0, 10.0, 20.0, 40.0)
JITTER = 0.2
REDIRECTS = 3
NEAR_LIMIT_SECONDS = 1.0
MEGABYTE = 1024 * 1024
_SPREAD = random.Random()  # noqa: S311  # spreads retries; nothing secret hangs on it
PLAIN = "$,'()/:@*"  # characters of a query that stay as they are
ENDED = "the reading was ended"
PUBLIC_FIELDS = frozenset({"grant_type", "client_id", "scope", "resource"})  # of a form for a token


class HttpSettings(PluginSettings):
    """What may be set for every source that asks a live system."""

    verify: Path | None = Field(None, description="File of a private CA, trusted besides those of the system.")
    proxy: str = Field("", description="URL of a proxy; else the variables HTTPS_PROXY and NO_PROXY hold.")
    timeout_connect_seconds: float = Field(10, gt=0, description="Longest wait for a connection.")
    timeout_read_seconds: float = Field(60, gt=0, description="Longest wait between two bytes of an answer.")
    timeout_reading_minutes: float = Field(30, gt=0, description="Longest time for a whole reading.")
    retry_after_limit_minutes: float = Field(
        15, ge=0, description="A longer wait that the system asks for ends the reading; the next one begins after it."
    )
    max_body_mb: float = Field(64, gt=0, description="Largest answer, unpacked.")
    parallel: int = Field(1, ge=1, le=16, description="Requests in flight to one host, over all sources.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered: `data` is its JSON with a Decimal for every fraction, None for an empty body."""

    status: int
    headers: Headers
    data: Any


def never(_: Headers) -> bool:
    """Return False: a system that does not say how near its limits are."""
    return False


class Rest:
    """Asks one system. Its methods may be called from several threads, `parallel` of them at a time.

    `sign` adds the Authorization header to each request to the system's own host. `aliases`: further origins that are
    the same system. `near_limit`: whether these headers of an answer say that the limit is near; the next request then
    waits a second. `pause`: how to wait so many seconds; the default waits until `close`.
    """

    def __init__(  # noqa: PLR0913  # three that every source gives, and by name what only some do
        self,
        base: str,
        settings: HttpSettings,
        context: SourceContext,
        *,
        sign: Callable[[Request], None],
        aliases: Sequence[str] = (),
        near_limit: Callable[[Headers], bool] = never,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._base = base.rstrip("/")
        self._settings = settings
        self._name, self._progress = context.name, context.progress
        self._sign, self._near_limit = sign, near_limit
        self._origins = {origin(one) for one in (base, *aliases)}
        self._closed = threading.Event()
        self._pause = self._closed.wait if pause is None else pause
        self._turns: dict[str, Turns] = {}
        self._lock = threading.Lock()
        self._near = False
        self._signatures: deque[str] = deque(maxlen=8)  # what the last requests were signed with: in no message
        # A request that hangs ends only with its connection; the library hands connections out nowhere else.
        self._streams: deque[Any] = deque(maxlen=8 + 4 * settings.parallel)
        self._client = _client(settings, context.folder)
        self.begin()

    # --- what a source calls --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a reading: its deadline and its cost start again."""
        self._spent = Spent()

    @property
    def cost(self) -> Mapping[str, float]:
        """What the reading cost so far: requests, retries, bytes, seconds."""
        return {**self._spent.sums, "seconds": round(time.monotonic() - self._spent.began, 3)}

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Container[int] = (),
    ) -> Answer:
        """Ask for what lies at a path below the base; a status in `allow` is answered, not raised.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        return self._exchanged(self._call("GET", self._below(path, params), headers, allow))

    def ask(self, path: str, json: Any, headers: Mapping[str, str] | None = None, allow: Container[int] = ()) -> Answer:
        """Send a question as JSON to a path below the base: a POST that only reads, tried again like a GET.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        said = {"Content-Type": "application/json", **(headers or {})}
        call = self._call("POST", self._below(path, None), said, allow)
        return self._exchanged(replace(call, content=written(json)))

    def form(self, url: str, fields: Mapping[str, str], allow: Container[int] = ()) -> Answer:
        """Send a form to a token endpoint, on whichever host, without signing; what it holds is in no message.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        said = {"Content-Type": "application/x-www-form-urlencoded"}
        call = self._call("POST", url, said, allow)
        secrets = [value for name, value in fields.items() if name not in PUBLIC_FIELDS]
        hidden = (*secrets, *map(quote_plus, secrets))  # some repeat the form as it was sent
        return self._exchanged(replace(call, content=urlencode(fields).encode(), signed=False, hidden=hidden))

    def follow(self, link: str, headers: Mapping[str, str] | None = None, allow: Container[int] = ()) -> Answer:
        """Ask for a link that an answer held, byte for byte, once it is seen to lead to the same system.

        Raises:
            SourceRefused: it leads elsewhere; nothing was sent there.
            SourceUnavailable, SourceDataError
        """
        link = f"{site(self._base)}{link}" if link.startswith("/") and not link.startswith("//") else link
        self._must_be_known(link, "a link in an answer")
        return self._exchanged(self._call("GET", link, headers, allow))

    def close(self) -> None:
        """Let go of connections; a wait and a request that go on end with SourceUnavailable."""
        with self._lock:
            self._closed.set()
            joined, self._turns = self._turns, {}
        for host, turns in joined.items():
            leave(host, turns, self._settings.parallel)
        for stream in tuple(self._streams):
            _shut(stream)
        self._client.close()

    # --- one request ----------------------------------------------------------------------------------------------

    def _below(self, path: str, params: Mapping[str, str] | None) -> str:
        url = f"{self._base}/{path.lstrip('/')}"
        # Spaces as %20 and `$` as it is: so OData writes them, and nobody reads them otherwise.
        return f"{url}?{urlencode(params, safe=PLAIN, quote_via=quote)}" if params else url

    def _call(self, method: str, url: str, headers: Mapping[str, str] | None, allow: Container[int]) -> Call:
        try:
            parsed = httpx2.URL(url)
        except httpx2.InvalidURL:
            raise SourceRefused(f"{site(url)}: its address cannot be asked: check 'url:'") from None
        return Call(method, parsed, target_of(url, parsed), headers or {}, allow)

    def _exchanged(self, call: Call) -> Answer:
        """Try as often as it makes sense."""
        damaged = False
        for number in range(1, TRIES + 1):
            try:
                return self._followed(call)
            except Again as trouble:
                if number == TRIES or (damaged and trouble.damaged):
                    raise trouble.final(number) from None
                damaged = damaged or trouble.damaged
                self._wait(trouble, number)
        raise AssertionError("the last try returns or raises")

    def _wait(self, trouble: Again, number: int) -> None:
        """Wait before the next try; what was damaged is asked for again at once."""
        self._spent.add("retries", 1)
        usual = 0.0 if trouble.damaged else WAITS[number - 1] * (1 + _SPREAD.uniform(-JITTER, JITTER))
        seconds = usual if trouble.wait is None else max(usual, trouble.wait) if trouble.wait else 0.0
        limit = self._settings.retry_after_limit_minutes * 60
        if trouble.wait is not None and trouble.wait > limit:
            text = f"{trouble}, and asks for {trouble.wait:.0f} s of rest: more than retry_after_limit_minutes allows"
            raise SourceUnavailable(text, retry_after=trouble.wait)
        if seconds >= self._left():
            raise SourceUnavailable(f"{trouble}; {self._too_long()}", retry_after=trouble.wait or 0)
        LOG.info("asking again", source=self._name, why=str(trouble), wait_seconds=round(seconds, 1))
        self._progress(f"{trouble}; asking again in {seconds:.0f} s")
        if seconds:
            self._pause(seconds)

    def _followed(self, call: Call) -> Answer:
        """Ask, and follow redirects within the same system."""
        for _ in range(REDIRECTS + 1):
            got = self._sent(call)
            if not 300 <= got.status < 400 or got.status in call.allow:
                return self._answer(call, got)
            call = self._redirected(call, got)
        raise SourceRefused(f"{call.place}: more than {REDIRECTS} redirects")

    def _redirected(self, call: Call, got: Received) -> Call:
        location = got.headers.get("Location", "")
        if not location:
            raise SourceRefused(f"{call.place} answered {phrase(got.status)} without saying where to go")
        try:
            target = str(call.url.join(location))
        except httpx2.InvalidURL:
            raise SourceRefused(f"{call.place} answered {phrase(got.status)} to an address that is none") from None
        self._must_be_known(target, f"{call.place} answered {phrase(got.status)} and")
        if call.method != "GET":
            raise SourceRefused(f"{call.place} answered {phrase(got.status)} to a POST: check 'url:'")
        return self._call("GET", target, call.headers, call.allow)

    def _must_be_known(self, url: str, what: str) -> None:
        if origin(url) not in self._origins or urlsplit(url).username is not None:
            own = sorted(f"{scheme}://{host}:{port}" for scheme, host, port in self._origins)
            raise SourceRefused(
                f"{what} leads to {site(url)}, which is not {' or '.join(own)}: not followed. "
                "A sign-in page in front is the usual cause; else check 'url:'"
            )

    def _sent(self, call: Call) -> Received:
        """Send one request when it is our turn, and take its answer in."""
        if self._near:
            self._near = False
            self._pause(NEAR_LIMIT_SECONDS)
        request = self._request(call)  # signing may itself ask the same host for a token: before taking a turn
        with self._turn(call):
            self._spent.add("requests", 1)
            try:
                got = self._received(call, request)
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError, RuntimeError) as fault:
                self._must_go_on()
                raise of_transport(call.place, fault, self._settings.timeout_read_seconds) from None
        self._near = self._near or self._near_limit(got.headers)
        return got

    def _request(self, call: Call) -> Request:
        self._must_go_on()
        left, settings = self._left(), self._settings
        timeout = httpx2.Timeout(
            min(settings.timeout_read_seconds, left), connect=min(settings.timeout_connect_seconds, left), pool=None
        )
        request = self._client.build_request(
            call.method,
            call.url,
            headers=dict(call.headers),
            content=call.content,
            timeout=timeout,
            extensions={"trace": self._note, "target": call.target},
        )
        if call.signed:
            self._sign(request)
            self._signatures.extend(secrets_of(request.headers.get("Authorization", "")))
        return request

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._streams.append(info["return_value"])

    @contextlib.contextmanager
    def _turn(self, call: Call) -> Iterator[None]:
        turns = self._turns_at(call)
        if not turns.take(self._closed.is_set, self._left()):
            raise SourceUnavailable(ENDED if self._closed.is_set() else self._too_long())
        try:
            yield
        finally:
            turns.give_back()

    def _turns_at(self, call: Call) -> Turns:
        """Return the turns of the host, which all names of the system share."""
        host = call.url.host if origin(str(call.url)) not in self._origins else urlsplit(self._base).hostname or ""
        with self._lock:
            if self._closed.is_set():
                raise SourceUnavailable(ENDED)
            if host not in self._turns:
                self._turns[host] = join(host, self._settings.parallel)
            return self._turns[host]

    def _received(self, call: Call, request: Request) -> Received:
        most = self._settings.max_body_mb * MEGABYTE
        body = bytearray()
        response = self._client.send(request, stream=True)
        try:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > most:
                    raise SourceDataError(f"{call.place}: its answer is larger than max_body_mb, {most / MEGABYTE:g}")
                self._must_go_on()
        finally:
            self._spent.add("bytes", response.num_bytes_downloaded)
            response.close()
        return Received(response.status_code, response.headers, bytes(body))

    def _left(self) -> float:
        """Return the seconds that are left of the reading."""
        return self._spent.began + self._settings.timeout_reading_minutes * 60 - time.monotonic()

    def _must_go_on(self) -> None:
        if self._closed.is_set():
            raise SourceUnavailable(ENDED)
        if self._left() <= 0:
            raise SourceUnavailable(self._too_long())

    def _too_long(self) -> str:
        return f"not read to its end within {self._settings.timeout_reading_minutes:g} minutes"

    # --- what an answer means -------------------------------------------------------------------------------------

    def _answer(self, call: Call, got: Received) -> Answer:
        if got.status in call.allow:
            return Answer(got.status, got.headers, any_json(got.body))
        if got.status >= 400:
            raise self._refusal(call, got)
        if not got.body.strip() and got.status != 200:
            return Answer(got.status, got.headers, None)
        return Answer(got.status, got.headers, data_of(call.place, got.body))

    def _refusal(self, call: Call, got: Received) -> Exception:
        said = what_it_says(got.body, (*call.hidden, *self._signatures))
        text = f"{call.place} answered {phrase(got.status)}{f': {said}' if said else ''}"
        if got.status in AGAIN:
            return Again(text, wait=retry_after(got.headers))
        if got.status >= 500:
            return SourceUnavailable(text)
        return SourceRefused(f"{call.url.host}: {PROXY_REFUSES}" if got.status == 407 else text)


def _client(settings: HttpSettings, folder: Path) -> httpx2.Client:
    try:
        return httpx2.Client(
            follow_redirects=False,
            cookies=no_cookies(),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"},
            verify=trusting(folder / settings.verify if settings.verify else None),
            proxy=settings.proxy or None,
            timeout=httpx2.Timeout(settings.timeout_read_seconds, connect=settings.timeout_connect_seconds, pool=None),
        )
    except (httpx2.InvalidURL, ValueError, ImportError):  # the last: a SOCKS proxy; its address may hold a password
        raise SourceRefused(
            "the proxy cannot be used: 'proxy:' or the variable HTTPS_PROXY must be an address such as "
            "http://proxy.example.org:3128"
        ) from None


def _shut(stream: Any) -> None:
    with contextlib.suppress(OSError, AttributeError):
        # Not the method of a TLS socket: it would take itself apart while another thread reads from it.
        socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)
