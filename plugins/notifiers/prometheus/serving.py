"""Serves kept bytes: which format is asked for, packed or not, and the daemon's own part behind the portfolio's."""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
GZIP_MEMBER = 31  # zlib's way to say: a header and an end as gzip has them
_QUALITY = re.compile(r"(0(\.\d{0,3})?|1(\.0{0,3})?)")


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """One form of the portfolio part, and the beginning of its gzip stream."""

    body: bytes
    packed: bytes
    packer: Any  # zlib's compressor: its type has no public name

    @classmethod
    def of(cls, body: bytes) -> "Rendering":
        """Compress the body once; each request goes on from there with the daemon's own part."""
        packer = zlib.compressobj(1, zlib.DEFLATED, GZIP_MEMBER)
        return cls(body, packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH), packer)

    def parts(self, own: bytes, *, packed: bool) -> tuple[bytes, bytes]:
        """Return body and end of an answer: both together are one text, or one gzip member."""
        if not packed:
            return self.body, own
        packer = self.packer.copy()
        return self.packed, packer.compress(own) + packer.flush()


async def answer(send: Any, status: int, headers: Mapping[str, str], *parts: bytes, bodyless: bool = False) -> None:
    """Send an answer without putting its parts together: the first may be megabytes long."""
    told = {**headers, "content-length": str(sum(len(part) for part in parts))}
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    *first, last = [part for part in parts if part and not bodyless] or [b""]
    for part in first:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": last})


def header(scope: Any, name: bytes) -> str:
    """Return a request's header, all its lines as one list."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def wants_openmetrics(accept: str) -> bool:
    """Say whether OpenMetrics 1.0.0 is accepted and no text range is preferred to it (spec channels 4.2)."""
    ours, text = 0.0, 0.0
    for name, values in _ranges(accept):
        quality = _quality(values)
        if name == "application/openmetrics-text" and values.get("version", "1.0.0") == "1.0.0":
            ours = max(ours, quality)
        elif name in {"text/plain", "text/*"}:
            text = max(text, quality)
    return ours > 0 and ours >= text


def wants_gzip(accept_encoding: str) -> bool:
    """Say whether gzip is accepted."""
    return any(name == "gzip" and _quality(values) > 0 for name, values in _ranges(accept_encoding))


def _ranges(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in header.lower().split(","):
        name, *parameters = [piece.strip() for piece in part.split(";")]
        pairs = (piece.partition("=") for piece in parameters)
        yield name, {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _quality(values: Mapping[str, str]) -> float:
    """Return the weight of a range; one that is no number counts as refused."""
    given = values.get("q", "1")
    return float(given) if _QUALITY.fullmatch(given) else 0.0
