"""What an operator does over the API: acknowledge an alert, silence alerts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pmo_watch.acknowledgements import Wanted
from pmo_watch.audiences import Channels
from pmo_watch.errors import ConfigError
from pmo_watch.operations import Hush, NotOpen, acknowledge_alerts, add_silence, open_alerts, silence_of
from pmo_watch.route import Changes, Ledger, desk_of
from pmo_watch.rules import RuleSet
from pmo_watch.silence_preview import Preview, preview
from pmo_watch.silences import going_on, is_silenced
from pmo_watch.store import AlertQuery, Store
from pmo_watch.telling import CycleReport
from pmo_watch.web_answers import BadRequest, PlainJSON
from pmo_watch.web_api import alert_row

PARTS = ("rule", "project", "entity", "tag")


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """What acts need of the daemon; `report`: the last finished cycle, `channels`: those of the settings."""

    store: Store
    now: Callable[[], datetime]
    zone: ZoneInfo
    report: Callable[[], CycleReport | None]
    channels: Channels


class Acts:
    """Changes alerts and silences in a named person's name."""

    def __init__(self, behind: Behind) -> None:
        self._store = behind.store
        self._now = behind.now
        self._zone = behind.zone
        self._report = behind.report
        self._channels = behind.channels

    async def acknowledge(self, request: Request, who: str) -> Response:
        """Acknowledge one alert: `{"until": "2026-12-01", "reason": "...", "new_date": "2027-02-20"}`.

        `new_date` may be left out.

        Raises:
            BadRequest
        """
        body = await _body(request, ("until", "reason", "new_date"))
        new_date = _day(body, "new_date") if "new_date" in body else None
        wanted = Wanted(_day(body, "until"), who, _text(body, "reason"), "api", new_date)
        return await run_in_threadpool(self._acknowledge, request.path_params["id"], wanted)

    def _acknowledge(self, alert: str, wanted: Wanted) -> Response:
        try:
            (after,) = acknowledge_alerts(self._store, [alert], wanted, self._now(), self._zone)
        except NotOpen:
            raise self._not_open(alert) from None
        except ConfigError as fault:
            raise BadRequest(str(fault), 422) from None
        return PlainJSON(alert_row(after))

    def _not_open(self, alert: str) -> BadRequest:
        found = self._store.find_alerts(AlertQuery(id=alert))
        if not found:
            return BadRequest(f"there is no alert {alert}", 404)
        closed = f"is closed ({found[0].close_reason})" if found[0].closed_at else "is not confirmed yet"
        return BadRequest(f"alert {alert} {closed}: there is nothing to acknowledge", 409)

    async def silence(self, request: Request, who: str) -> Response:
        """Add a silence: `{"match": {"project": "HB-017"}, "until": "2026-12-01", "reason": "..."}`.

        With `?preview=true` none is added, and what it would hide is answered.

        Raises:
            BadRequest
        """
        previews = _flag(request, "preview")
        body = await _body(request, ("match", "until", "reason"))
        match = body.get("match")
        if not isinstance(match, dict) or not set(match) <= set(PARTS):
            raise BadRequest(f"match: should be an object with some of {', '.join(PARTS)}", 422)
        parts = {name: _text(match, name, "match.") for name in PARTS if name in match}
        wanted = Hush(who, _text(body, "reason"), _day(body, "until"), **parts)
        return await run_in_threadpool(self._preview if previews else self._silence, wanted)

    def _preview(self, wanted: Hush) -> Response:
        seen = self.seen(wanted)
        report = self._report()
        rules = report.rules.rules if report else {}
        current = going_on(self._store.silences(), self._now())
        rows = (alert_row(one, silenced=is_silenced(one, rules.get(one.rule), current)) for one in seen.alerts)
        return PlainJSON(seen.document(rows))

    def seen(self, wanted: Hush) -> Preview:
        """Return what a silence would hide; blocks.

        Raises:
            BadRequest: what is asked cannot be, or no cycle is finished yet.
        """
        report, now = self._report(), self._now()
        if report is None:
            raise BadRequest("no cycle is finished yet: what is open is not known", 503)
        try:
            silence = silence_of(wanted, now, self._zone)
        except ConfigError as fault:
            raise BadRequest(str(fault), 422) from None
        alerts = open_alerts(self._store)
        ledger = Ledger(self._store.told(), self._store.silences())
        snapshot = replace(report.snapshot, now=now)
        desk = desk_of(Changes(alerts=alerts), ledger, report.rules, RuleSet(), snapshot, self._channels)
        return preview(silence, alerts, desk)

    def _silence(self, wanted: Hush) -> Response:
        try:
            made = add_silence(self._store, wanted, self._now(), self._zone)
        except ConfigError as fault:
            raise BadRequest(str(fault), 422) from None
        return PlainJSON(asdict(made), 201)


def _flag(request: Request, name: str) -> bool:
    """Return a parameter that is true or false; false where it is not given."""
    for given in request.query_params:
        if given != name:
            raise BadRequest(f"'{given[:40]}' is no parameter here; there is {name}")
    value = request.query_params.get(name, "false")
    if value not in {"true", "false"}:
        raise BadRequest(f"{name}: '{value[:40]}' should be true or false")
    return value == "true"


async def _body(request: Request, known: tuple[str, ...]) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("the body should be an object", 422)
    if unknown := sorted(set(body) - set(known)):
        raise BadRequest(f"'{unknown[0][:40]}' is not known here; there is {', '.join(known)}", 422)
    return body


def _text(body: Mapping[str, Any], name: str, above: str = "") -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{above}{name}: should be a text", 422)
    return value


def _day(body: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(_text(body, name))
    except ValueError:
        raise BadRequest(f"{name}: should be a date such as 2026-12-01", 422) from None
