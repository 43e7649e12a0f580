"""The JSON API: flat arrays, paged, filtered by field name; and an operator's acknowledgements and silences."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pmo_watch.alerts import Alert
from pmo_watch.contracts import CycleReport
from pmo_watch.errors import ConfigError
from pmo_watch.operations import Hush, Wanted, acknowledge_alerts, add_silence
from pmo_watch.store import AlertQuery, OutboxQuery, OutboxState, Store

DEFAULT_LIMIT, MOST = 100, 1000
BODY_BYTES = 64 * 1024
Rows = Sequence[Mapping[str, Any]]


class BadRequest(Exception):
    """What is wrong with a request: status and a sentence that names the part at fault."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as the API words it."""
    codes = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict"}
    code = codes.get(status, "invalid" if status == 422 else "error")
    return JSONResponse({"error": {"code": code, "message": text}}, status, headers=dict(headers or {}))


def plain_json(value: object) -> object:
    """Turn what JSON does not know into text: dates, moments, exact amounts."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


class PlainJSON(JSONResponse):
    """A JSON answer with dates and amounts as text."""

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return json.dumps(content, default=plain_json, ensure_ascii=False, separators=(",", ":")).encode()


def alert_row(alert: Alert) -> dict[str, Any]:
    """Return an alert as the API shows it."""
    state = "pending" if alert.level is None else "open"
    if alert.closed_at:
        state = "closed"
    elif alert.acknowledged_until:
        state = "acknowledged"
    elif alert.unknown_since:
        state = "unknown"
    return {
        "id": alert.id,
        "rule": alert.rule,
        "project": alert.project_code,
        "entity": alert.subject_id,
        "name": alert.subject_name,
        "kind": alert.entity,
        "level": alert.level,
        "state": state,
        "value": alert.value,
        "unit": alert.unit,
        "opened_at": alert.opened_at,
        "since": alert.since,
        "closed_at": alert.closed_at,
        "close_reason": alert.close_reason or None,
        "unknown_since": alert.unknown_since,
        "acknowledged_until": alert.acknowledged_until,
        "acknowledged_by": alert.acknowledged_by or None,
        "acknowledged_reason": alert.acknowledged_reason or None,
        "flapping": alert.flapping,
    }


class Api:
    """The routes below /api/v1, over the store and the last finished cycle."""

    def __init__(
        self, store: Store, report: Callable[[], CycleReport | None], now: Callable[[], datetime], zone: ZoneInfo
    ) -> None:
        self._store = store
        self._report = report
        self._now = now
        self._zone = zone

    def listing(self, what: str, request: Request) -> Response:
        """Answer one list.

        Raises:
            BadRequest: an unknown parameter, or a limit that is none.
        """
        make = {
            "alerts": self._alerts,
            "findings": self._findings,
            "projects": self._projects,
            "sources": self._sources,
            "outbox": self._outbox,
        }[what]
        asked = dict(request.query_params)
        limit, after = _limit(asked.pop("limit", str(DEFAULT_LIMIT))), asked.pop("after", "")
        rows = make(asked, limit + 1, after)
        headers = {}
        if len(rows) > limit:
            rows = rows[:limit]
            query = urlencode({**asked, "limit": limit, "after": rows[-1]["id"]})
            headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
        return PlainJSON(rows, headers=headers)

    def _alerts(self, asked: dict[str, str], limit: int, after: str) -> Rows:
        known = ("state", "rule", "project", "level")
        _only(asked, known)
        state = asked.get("state", "")
        if state not in {"", "pending", "open", "closed"}:
            raise BadRequest(f"state: '{state}' is none of pending, open, closed")
        query = AlertQuery(state, asked.get("rule", ""), level=asked.get("level", ""), limit=MOST, after=after)
        rows = [alert_row(one) for one in self._store.find_alerts(query)]
        wanted = asked.get("project")
        return [one for one in rows if wanted is None or one["project"] == wanted][:limit]

    def _findings(self, asked: dict[str, str], limit: int, after: str) -> Rows:
        _only(asked, ("rule", "state", "uid"))
        report = self._report()
        rows: list[dict[str, Any]] = []
        for found in report.findings if report else ():
            if asked.get("rule", found.rule) != found.rule:
                continue
            frame = found.frame
            for name in ("state", "uid"):
                if name in asked:
                    frame = frame.filter(frame[name] == asked[name])
            rows += [{"id": f"{found.rule}|{row['uid']}", "rule": found.rule, **row} for row in frame.to_dicts()]
        return _page(rows, limit, after)

    def _projects(self, asked: dict[str, str], limit: int, after: str) -> Rows:
        _only(asked, ("code", "state", "program"))
        report = self._report()
        if report is None:
            return []
        frame = report.snapshot.frame("project")
        colours: dict[str, dict[str, str]] = {}
        for project, dimension, state in report.colours.rows() if report.colours.width else ():
            colours.setdefault(project, {})[dimension] = state
        shown = [name for name in frame.columns if not name.startswith("@")]
        rows = [{**row, "id": row["uid"], "rag": colours.get(row["uid"], {})} for row in frame.select(shown).to_dicts()]
        chosen = [row for row in rows if all(row.get(name) == value for name, value in asked.items())]
        return _page(chosen, limit, after)

    def _sources(self, asked: dict[str, str], limit: int, after: str) -> Rows:
        _only(asked, ("kind", "outcome"))
        rows = [{"id": name, **asdict(state)} for name, state in self._store.sources().items()]
        for row in rows:
            del row["cursor"]
        chosen = [row for row in rows if all(str(row.get(name)) == value for name, value in asked.items())]
        return _page(chosen, limit, after)

    def _outbox(self, asked: dict[str, str], limit: int, after: str) -> Rows:
        _only(asked, ("state", "notifier", "recipient"))
        state = asked.get("state")
        if state and state not in set(OutboxState):
            raise BadRequest(f"state: '{state}' is none of {', '.join(OutboxState)}")
        states = (OutboxState(state),) if state else ()
        query = OutboxQuery(states, asked.get("notifier", ""), asked.get("recipient", ""), limit=limit, after=after)
        return [asdict(one) for one in self._store.outbox(query)]

    async def acknowledge(self, request: Request, who: str) -> Response:
        """Acknowledge one alert: `{"until": "2026-12-01", "reason": "..."}`."""
        body = await _body(request, {"until", "reason"})
        wanted = Wanted(_day(body, "until"), who, str(body.get("reason", "")))
        alert = request.path_params["id"]
        closed = [one for one in self._store.find_alerts(AlertQuery(limit=MOST, state="closed")) if one.id == alert]
        if closed:
            raise BadRequest(f"alert {alert} is closed ({closed[0].close_reason})", 409)
        if not any(one.id == alert for one in self._store.alerts()):
            raise BadRequest(f"there is no alert {alert}", 404)
        try:
            (after,) = acknowledge_alerts(self._store, [alert], wanted, self._now(), self._zone)
        except ConfigError as fault:
            raise BadRequest(str(fault), 422) from None
        return PlainJSON(alert_row(after))

    async def silence(self, request: Request, who: str) -> Response:
        """Add a silence: `{"match": {"project": "HB-017"}, "until": "2026-12-01", "reason": "..."}`."""
        body = await _body(request, {"match", "until", "reason"})
        match = body.get("match")
        if not isinstance(match, dict) or not set(match) <= {"rule", "project", "entity", "tag"}:
            raise BadRequest("match: should be an object with rule, project, entity or tag", 422)
        parts = {str(name): str(value) for name, value in match.items()}
        wanted = Hush(who, str(body.get("reason", "")), _day(body, "until"), **parts)
        try:
            silence = add_silence(self._store, wanted, self._now(), self._zone)
        except ConfigError as fault:
            raise BadRequest(str(fault), 422) from None
        return PlainJSON(asdict(silence), 201)


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST:
        raise BadRequest(f"limit: '{text}' should be a number from 1 to {MOST}")
    return int(text)


def _only(asked: Mapping[str, str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise BadRequest(f"'{name}' is no parameter here; there is limit, after, {', '.join(known)}")


def _page(rows: list[dict[str, Any]], limit: int, after: str) -> Rows:
    rows.sort(key=lambda row: str(row["id"]))
    return [row for row in rows if str(row["id"]) > after][:limit]


async def _body(request: Request, known: set[str]) -> dict[str, Any]:
    raw = await request.body()
    if len(raw) > BODY_BYTES:
        raise BadRequest("the body is larger than 64 KiB", 413)
    try:
        body = json.loads(raw)
    except ValueError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("the body should be an object", 422)
    if unknown := sorted(set(body) - known):
        raise BadRequest(f"'{unknown[0]}' is not known here; there is {', '.join(sorted(known))}", 422)
    return body


def _day(body: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(str(body.get(name, "")))
    except ValueError:
        raise BadRequest(f"{name}: should be a date such as 2026-12-01", 422) from None
