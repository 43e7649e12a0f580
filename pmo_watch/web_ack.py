"""The page behind an acknowledge link: a GET shows, only a POST with a fresh confirmation changes (channels 7.4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pmo_watch.ack_links import BadLink, Key, Link, confirmation, is_confirmed, read_token
from pmo_watch.acknowledgements import LONGEST, Wanted
from pmo_watch.alerts import Alert
from pmo_watch.errors import ConfigError
from pmo_watch.operations import NotOpen, acknowledge_alerts
from pmo_watch.plain import NAME, plain
from pmo_watch.store import AlertQuery, Store
from pmo_watch.telemetry import Telemetry
from pmo_watch.telling import CycleReport
from pmo_watch.templates import page
from pmo_watch.web_access import Caller, Rate, peer_of
from pmo_watch.web_answers import PAGE, STYLESHEET, notice
from pmo_watch.words import MISSING, Words, pick, words
from pmo_watch.workdays import Calendar

AHEAD_WORKING_DAYS = 5  # what the page proposes
POSTS_PER_MINUTE = 20
MOST_FIELDS = 1000  # a message holds at most 100 alerts
LABELS = ("alert", "value", "since", "ack_until", "new_date", "ack_name", "cause_action_owner_date", "acknowledge")
REFUSED = {"malformed": (404, "ack_not_found"), "signature": (404, "ack_not_found"), "expired": (410, "ack_expired")}
ENDED = {
    "recovered": "recovered",
    "entity_done": "closed_done",
    "entity_gone": "closed_gone",
    "rule_removed": "closed_rule_removed",
}


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """What the pages need of the daemon; `report`: the last finished cycle, which knows the rules' names."""

    store: Store
    telemetry: Telemetry
    zone: ZoneInfo
    calendar: Calendar
    report: Callable[[], CycleReport | None]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One request for the page: the link, who holds it, and the alerts of its message as they are now."""

    token: str
    link: Link
    caller: Caller
    peer: str
    words: Words
    alerts: tuple[Alert, ...]

    @property
    def open(self) -> tuple[Alert, ...]:
        """Those that can be acknowledged."""
        return tuple(one for one in self.alerts if one.closed_at is None and one.level is not None)

    @property
    def shown(self) -> str:
        """What the page shows, for the confirmation."""
        return ",".join(f"{one.id}:{one.level}" for one in self.open)

    @property
    def is_channel(self) -> bool:
        """Whether the link was made for a channel, which is nobody in particular."""
        # A person has a uid, such as person:ann@example.org, or an address; a channel only a name.
        return not (self.caller.name or ":" in self.link.recipient or "@" in self.link.recipient)


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody put into the form."""

    confirm: str = ""
    until: str = ""
    new_date: str = ""
    reason: str = ""
    name: str = ""
    ticked: tuple[str, ...] = ()


class AckPages:
    """Serves acknowledge links."""

    def __init__(self, keys: Sequence[Key], behind: Behind) -> None:
        self._keys = keys
        self._behind = behind
        self._store = behind.store
        self._telemetry = behind.telemetry
        self._zone = behind.zone
        self._rate = Rate(POSTS_PER_MINUTE)

    async def show(self, request: Request, now: datetime, language: str) -> Response:
        """Show the alerts of the message as they are now; change nothing."""
        return await run_in_threadpool(self._show, request, now, language)

    def _show(self, request: Request, now: datetime, language: str) -> Response:
        asked = self._asked(request, now, language)
        if isinstance(asked, Response):
            return asked
        return self._page(asked, now, 200, "ack_done" if request.query_params.get("done") == "1" else "")

    async def post(self, request: Request, now: datetime, language: str) -> Response:
        """Acknowledge what was ticked, or show the page again."""
        typed = _typed(await request.body())
        return await run_in_threadpool(self._post, request, typed, now, language)

    def _post(self, request: Request, typed: Typed, now: datetime, language: str) -> Response:
        asked = self._asked(request, now, language)
        if isinstance(asked, Response):
            return asked
        if self._rate.exceeded(asked.token):
            return notice(429, "ack_too_often", asked.words, {"Retry-After": "60"})
        self._rate.note(asked.token)
        if not is_confirmed(typed.confirm, asked.token, asked.shown, now, self._keys[0]):
            return self._changed(asked, typed, now)
        ids = [one.id for one in asked.open if one.id in typed.ticked]
        try:
            wanted = self._wanted(asked, typed, ids)
            acknowledge_alerts(self._store, ids, wanted, now, self._zone)
        except NotOpen:
            now_closed = self._asked(request, now, language)
            return now_closed if isinstance(now_closed, Response) else self._changed(now_closed, typed, now)
        except (ValueError, ConfigError):
            return self._page(asked, now, 422, "ack_missing", typed)
        self._telemetry.acknowledgements.labels("link").inc(len(ids))
        return RedirectResponse(f"/ack/{asked.token}?done=1", 303)

    def _changed(self, asked: Asked, typed: Typed, now: datetime) -> Response:
        self._telemetry.links_refused.labels("confirm").inc()
        return self._page(asked, now, 409, "ack_changed", typed)

    def _wanted(self, asked: Asked, typed: Typed, ids: Sequence[str]) -> Wanted:
        """Return what is asked for, in the name of whoever signed in, else of whom the link was made for.

        Raises:
            ValueError: a date is none.
            ConfigError: nothing is ticked, or a name is needed and missing.
        """
        recipient = asked.link.recipient.removeprefix("person:")
        name = asked.caller.name or (plain(typed.name, NAME) if asked.is_channel else recipient)
        if len(name) < 2 or not ids:
            raise ConfigError("tick at least one alert, and say who you are")
        made_for = "" if name == recipient else f" made for {recipient}"
        by, promised = f"link{made_for}, {asked.peer}", typed.new_date.strip()
        new_date = date.fromisoformat(promised) if promised else None
        return Wanted(date.fromisoformat(typed.until), name, typed.reason, by, new_date)

    def _asked(self, request: Request, now: datetime, language: str) -> Asked | Response:
        token, said = request.path_params["token"], words(language)
        try:
            link = read_token(token, now, self._keys)
        except BadLink as bad:
            self._telemetry.links_refused.labels(bad.reason).inc()
            return notice(*REFUSED[bad.reason], said)
        if found := self._store.message(link.message):
            said = words(found[0].language)
            link = link if link.recipient else replace(link, recipient=found[0].recipient)
        caller: Caller = request.scope["state"]["caller"]
        asked = Asked(token, link, caller, str(peer_of(request)), said, self._alerts_of(link.message))
        if not asked.open:
            self._telemetry.links_refused.labels("closed").inc()
            return self._ended(asked)
        return asked

    def _alerts_of(self, message: str) -> tuple[Alert, ...]:
        found = (self._store.find_alerts(AlertQuery(id=one)) for one in self._store.alerts_of(message))
        return tuple(sorted((one for some in found for one in some), key=lambda one: (one.level != "red", one.id)))

    # --- pages ----------------------------------------------------------------------------------------------------

    def _page(self, asked: Asked, now: datetime, status: int, text: str, typed: Typed | None = None) -> Response:
        said, today = asked.words, now.astimezone(self._zone).date()
        proposed = self._behind.calendar.add(today, AHEAD_WORKING_DAYS) or today
        body = page(
            PAGE,
            stylesheet=STYLESHEET,
            language=said.language,
            title=said.beginning("acknowledge"),
            text=said(text) if text else "",
            done=text == "ack_done",
            alerts=[self._row(one, said) for one in asked.open],
            ticked=typed.ticked if typed else tuple(one.id for one in asked.open),
            labels={name: said.beginning(name) for name in LABELS},
            confirm=confirmation(asked.token, asked.shown, now, self._keys[0]),
            until=(typed.until if typed else "") or proposed.isoformat(),
            today=today.isoformat(),
            latest=(today + LONGEST).isoformat(),
            typed=typed or Typed(),
            ask_name=asked.is_channel,
        )
        return HTMLResponse(body, status)

    def _row(self, alert: Alert, said: Words) -> Mapping[str, str]:
        return {
            "id": alert.id,
            "level": alert.level or "",
            "level_text": said(alert.level or "grey"),
            "what": self._what(alert, said),
            "value": said.quantity(alert.value, alert.unit) if alert.value is not None else MISSING,
            "since": self._day(alert.since, said),
            "note": _note(alert, said),
        }

    def _ended(self, asked: Asked) -> Response:
        """Say since when each alert is closed, and why."""
        said = asked.words
        lines = [
            f"{self._what(one, said)}: {said(ENDED.get(one.close_reason, 'closed_out_of_scope'))}, "
            f"{self._day(one.closed_at, said)}"
            for one in asked.alerts
        ]
        return notice(410, "ack_closed", said, lines=lines)

    def _what(self, alert: Alert, said: Words) -> str:
        """Return project, subject and rule in one line."""
        report = self._behind.report()
        rule = report.rules.rules.get(alert.rule) if report else None
        name = plain(pick(rule.name, said.language), NAME) if rule else ""
        both = (plain(alert.project_code, NAME), plain(alert.subject_name or alert.subject_id, NAME))
        subject = " ".join(one for one in dict.fromkeys(both) if one)
        return said.pair(subject, name) if name else subject

    def _day(self, moment: datetime | None, said: Words) -> str:
        return said.day(moment.astimezone(self._zone).date()) if moment else MISSING


def _note(alert: Alert, said: Words) -> str:
    """Return who has acknowledged it until when, and which new date was promised or not met."""
    notes = []
    if alert.acknowledged_until:
        by = f"{said('acknowledged_by')} {plain(alert.acknowledged_by, NAME)}"
        notes.append(said("until", text=by, date=said.day(alert.acknowledged_until)))
    if alert.new_date:
        notes.append(said("new_date_promised", date=said.day(alert.new_date)))
    elif alert.missed_date:
        notes.append(said("promise_missed", date=said.day(alert.missed_date)))
    return ", ".join(notes)


def _typed(body: bytes) -> Typed:
    """Read the form; of anything else than a form nothing is taken."""
    try:
        form = parse_qsl(body.decode(), max_num_fields=MOST_FIELDS)
    except ValueError:
        return Typed()
    given = {name: value for name, value in form if name in {"confirm", "until", "new_date", "reason", "name"}}
    return Typed(**given, ticked=tuple(value for name, value in form if name == "alert"))
