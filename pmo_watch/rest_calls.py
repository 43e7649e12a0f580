"""One request of a source: what is sent where, what came back, and what that is as data."""

import base64
import json
import threading
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
from httpx2 import Headers

from pmo_watch.errors import SourceRefused
from pmo_watch.rest_faults import Again
from pmo_watch.rest_json import HalfText, looks_like_json, read_json


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as often as it takes; `hidden` are texts that no message may repeat."""

    method: str
    url: httpx2.URL
    target: bytes
    headers: Mapping[str, str]
    allow: Container[int]
    content: bytes | None = None
    signed: bool = True
    hidden: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Host and path, without the query: what a message may show."""
        port = f":{self.url.port}" if self.url.port else ""
        host = f"[{self.url.host}]" if ":" in self.url.host else self.url.host
        return f"{host}{port}{self.url.path}"


@dataclass(frozen=True, slots=True)
class Received:
    status: int
    headers: Headers
    body: bytes


@dataclass(slots=True)
class Spent:
    """What a reading cost so far; several threads add to it."""

    began: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    sums: dict[str, float] = field(default_factory=lambda: {"requests": 0, "retries": 0, "bytes": 0})

    def add(self, name: str, number: float) -> None:
        with self.lock:
            self.sums[name] += number


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def secrets_of(authorization: str) -> list[str]:
    """Return what an Authorization header holds that some systems repeat in what they say."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return [value] if value else []
    try:
        password = base64.b64decode(value).decode().partition(":")[2]
    except ValueError:
        password = ""
    return [one for one in (value, password) if one]


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port; an address that is none is equal to no other."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ("", url, None)
    return (parts.scheme.lower(), (parts.hostname or "").lower(), port)


def site(url: str) -> str:
    """Return scheme, host and port of an address as a message may show them."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "an address without a host"


def target_of(url: str, parsed: httpx2.URL) -> bytes:
    """Return path and query exactly as written: a page's link must come back byte for byte."""
    rest = url.partition("://")[2]
    start = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    written = rest[start:].partition("#")[0]
    written = written if written.startswith("/") else f"/{written}"
    return written.encode() if written.isascii() and written.isprintable() and " " not in written else parsed.raw_path


def data_of(place: str, body: bytes) -> Any:
    """Return the JSON of a good answer.

    Raises:
        SourceRefused: a web page came, or nothing.
        Again: it was cut off, or is not JSON.
    """
    if not looks_like_json(body):
        start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start in {b"", b"<"}:
            what = "a web page" if start else "nothing"
            host = place.partition("/")[0]
            raise SourceRefused(f"{place}: {what} came instead of data: is {host} behind a sign-in?")
        raise Again(f"{place}: its answer is not JSON", damaged=True)
    try:
        return read_json(body)
    except HalfText:
        raise Again(f"{place}: only half of the answer came") from None
    except ValueError as fault:
        raise Again(f"{place}: its answer is not JSON: {fault}", damaged=True) from None


def any_json(body: bytes) -> Any:
    """Return the JSON of an answer that the source reads itself; None where there is none."""
    try:
        return read_json(body) if looks_like_json(body) else None
    except ValueError:
        return None
