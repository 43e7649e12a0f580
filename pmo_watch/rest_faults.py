"""What an answer or a failed connection means for a source, in words that hold host and path and no secret."""

import re
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx2

from pmo_watch.errors import SourceDataError, SourceError, SourceRefused, SourceUnavailable
from pmo_watch.rest_json import looks_like_json, read_json

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_SAID = 300
PROXY_REFUSES = "the proxy asks for a sign-in (407): check 'proxy:' or the variable HTTPS_PROXY"


class Again(Exception):
    """A request may be tried again: after `wait` seconds where the other side named them.

    `damaged`: the answer came whole and is not what its documentation says; that is tried again once.
    """

    def __init__(self, text: str, *, wait: float | None = None, damaged: bool = False) -> None:
        super().__init__(text)
        self.wait = wait
        self.damaged = damaged

    def final(self, tries: int) -> SourceError:
        """Return what the source says when it gives up."""
        times = f", {tries} tries" if tries > 1 else ""
        if self.damaged:
            return SourceDataError(f"{self}{times}")
        return SourceUnavailable(f"{self}{times}", retry_after=self.wait or 0)


def phrase(status: int) -> str:
    """Return the status with its usual word."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def of_transport(place: str, fault: Exception, seconds: float) -> Again:
    """Return what a failed exchange means; `seconds` is the time-out between two bytes.

    Raises:
        SourceRefused: as it stands it will never work: certificate, proxy, address.
    """
    host = place.partition("/")[0]
    if untrusted := _certificate(fault):
        raise SourceRefused(
            f"{host}: its certificate is not trusted: {untrusted}: 'verify:' names the file of a private CA"
        )
    if isinstance(fault, httpx2.ProxyError) and "407" in str(fault):
        raise SourceRefused(f"{host}: {PROXY_REFUSES}")
    if isinstance(fault, (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError)):
        raise SourceRefused(f"{host}: its address cannot be asked: check 'url:' and 'proxy:'")
    if isinstance(fault, httpx2.ConnectTimeout):
        return Again(f"{place}: no connection in time")
    if isinstance(fault, httpx2.TimeoutException):
        return Again(f"{place}: nothing came for {seconds:g} s")
    if isinstance(fault, httpx2.ConnectError | httpx2.ProxyError):
        return Again(f"{place}: no connection: {_reason(fault)}")
    if isinstance(fault, httpx2.DecodingError):
        return Again(f"{place}: its compressed answer is damaged", damaged=True)
    return Again(f"{place}: the connection was cut")


def _certificate(fault: BaseException | None) -> str:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return fault.verify_message or "it cannot be verified"
        fault = fault.__cause__ or fault.__context__
    return ""


def _reason(fault: BaseException) -> str:
    """Return the system's words, without addresses: `[Errno 111] Connection refused` becomes `Connection refused`."""
    said = re.sub(r"^\[.*?\]\s*", "", str(fault)) or type(fault).__name__
    return said[:LONGEST_SAID]


def what_it_says(body: bytes, secrets: Iterable[str] = ()) -> str:
    """Return what the body of a refusal says, on one line of at most 300 characters; empty when it says nothing.

    Each secret becomes `***` before the line is cut: the beginning of one would be a secret too.
    """
    return without(_said(body), secrets)[:LONGEST_SAID]


def _said(body: bytes) -> str:
    if not body.strip():
        return ""
    if looks_like_json(body):
        try:
            return "; ".join(dict.fromkeys(_texts(read_json(body))))
        except ValueError:
            pass
    if body.lstrip()[:1] == b"<":
        return "a web page"
    return " ".join(body[: 100 * LONGEST_SAID].decode("utf-8", "replace").split())  # blanks are not counted in it


def without(text: str, secrets: Iterable[str]) -> str:
    """Return the text with `***` in place of each secret."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [" ".join(value.split())] if value.strip() else []
    if isinstance(value, dict):
        value = list(value.values())
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else []


def retry_after(headers: httpx2.Headers) -> float | None:
    """Return the seconds that the other side asks us to wait; None when it does not say, or not in a known form.

    A date counts from the answer's own `Date`, so that a clock that is wrong on either side costs nothing.
    """
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", said):
        return float(said)
    until, begin = _date(said), _date(headers.get("Date", ""))
    return None if until is None else max((until - (begin or datetime.now(UTC))).total_seconds(), 0)


def _date(said: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(said)
    except (ValueError, OverflowError):  # no date, or one of a year that no calendar holds
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
