"""What the server answers with: JSON that reads as it is, errors in words, pages with their headers (channels 7.1)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from pmo_watch.templates import built_in_text, page
from pmo_watch.words import Words

BODY_BYTES = 64 * 1024
HEADER_BYTES = 16 * 1024
PAGE = "acknowledge.html.j2"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
STYLE = built_in_text("page.css")
STYLESHEET = f"/static/page-{hashlib.sha256(STYLE.encode()).hexdigest()[:12]}.css"  # another name when it changes
CODES = {
    400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    409: "conflict", 413: "too_large", 422: "invalid", 429: "too_many_requests", 431: "too_large",
    503: "unavailable",
}  # fmt: skip
SHOWN = {401: "page_login", 403: "page_forbidden", 404: "page_not_found", 429: "ack_too_often"}


class BadRequest(Exception):
    """What is wrong with a request: status and a sentence that names the part at fault."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class PlainJSON(JSONResponse):
    """A JSON answer with dates and exact amounts as text."""

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return json.dumps(content, default=plain_json, ensure_ascii=False, separators=(",", ":")).encode()


def plain_json(value: object) -> object:
    """Turn what JSON does not know into text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as the API words it."""
    told = {"error": {"code": CODES.get(status, "error"), "message": text}}
    return JSONResponse(told, status, headers=dict(headers or {}))


def refusal(path: str, status: int, text: str, said: Words, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error: in JSON below /api and /-/, elsewhere a page."""
    if path.startswith(("/api/", "/-/")):
        return error(status, text, headers)
    return notice(status, SHOWN.get(status, "page_failed"), said, headers)


def notice(status: int, key: str, said: Words, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return a page that says one thing, by its key among the words."""
    body = page(
        PAGE, language=said.language, title="pmo-watch", text=said(key), alerts=[], stylesheet=STYLESHEET, **more
    )
    return HTMLResponse(body, status, headers=dict(headers or {}))
