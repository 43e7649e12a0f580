"""The page behind an acknowledge link: a GET shows, only a POST with a fresh confirmation changes (channels 7.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pmo_watch.ack_links import BadLink, Key, Link, confirmation, is_confirmed, read_token
from pmo_watch.alerts import Alert
from pmo_watch.errors import ConfigError
from pmo_watch.operations import Wanted, acknowledge_alerts
from pmo_watch.plain import NAME, plain
from pmo_watch.store import AlertQuery, Store
from pmo_watch.telemetry import Telemetry
from pmo_watch.templates import page
from pmo_watch.web_access import Rate
from pmo_watch.words import Words, words
from pmo_watch.workdays import Calendar

AHEAD_WORKING_DAYS = 5  # what the page proposes
LONGEST = timedelta(days=90)
POSTS_PER_MINUTE = 20
WORDS = ("alert", "value", "since", "by_when", "owner", "cause_action_owner_date", "acknowledge")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One request for the page: the token, what it says, and who it may be."""

    token: str
    link: Link
    now: datetime
    words: Words
    alerts: tuple[Alert, ...]  # still open

    @property
    def shown(self) -> str:
        """What the page shows, for the confirmation: levels now."""
        return ",".join(f"{one.id}:{one.level}" for one in self.alerts)


class AckPages:
    """Serves acknowledge links."""

    def __init__(
        self, store: Store, keys: Sequence[Key], telemetry: Telemetry, zone: ZoneInfo, calendar: Calendar
    ) -> None:
        self._store = store
        self._keys = keys
        self._telemetry = telemetry
        self._zone = zone
        self._calendar = calendar
        self._rate = Rate(POSTS_PER_MINUTE)

    def show(self, request: Request, now: datetime, language: str) -> Response:
        """Show the alerts of the message as they are now; change nothing."""
        asked = self._asked(request, now, language)
        if isinstance(asked, Response):
            return asked
        done = request.query_params.get("done") == "1"
        return self._page(asked, 200, "ack_done" if done else "")

    async def post(self, request: Request, now: datetime, language: str) -> Response:
        """Acknowledge what was ticked, and show the page again."""
        asked = self._asked(request, now, language)
        if isinstance(asked, Response):
            return asked
        if self._rate.exceeded(asked.token):
            return self._refused(429, "ack_too_often", asked.words)
        self._rate.note(asked.token)
        form = {name: str(value) for name, value in (await request.form()).multi_items() if name != "alert"}
        ticked = [str(value) for name, value in (await request.form()).multi_items() if name == "alert"]
        if not is_confirmed(form.get("confirm", ""), asked.token, asked.shown, now, self._keys[0]):
            self._telemetry.links_refused.labels("confirm").inc()
            return self._page(asked, 409, "ack_changed", form)
        return self._acknowledge(asked, form, ticked or [one.id for one in asked.alerts])

    def _acknowledge(self, asked: Asked, form: Mapping[str, str], ticked: Sequence[str]) -> Response:
        known = {one.id for one in asked.alerts}
        try:
            until = date.fromisoformat(form.get("until", ""))
            who = f"{self._holder(asked, form)} (link)"
            wanted = Wanted(until, who, form.get("reason", ""))
            acknowledge_alerts(self._store, [one for one in ticked if one in known], wanted, asked.now, self._zone)
        except (ValueError, ConfigError):
            return self._page(asked, 422, "ack_missing", form)
        self._telemetry.acknowledgements.labels("link").inc()
        return RedirectResponse(f"/ack/{asked.token}?done=1", 303)

    def _holder(self, asked: Asked, form: Mapping[str, str]) -> str:
        """Return who acts: the person the link was made for, or the name typed where it belongs to a channel."""
        if asked.link.recipient.startswith("person:"):
            return asked.link.recipient.removeprefix("person:")
        name = plain(form.get("name", ""), NAME)
        if len(name) < 2:
            raise ConfigError("name: say who you are")
        return name

    def _asked(self, request: Request, now: datetime, language: str) -> Asked | Response:
        token = request.path_params["token"]
        said = words(language)
        try:
            link = read_token(token, now, self._keys)
        except BadLink as bad:
            self._telemetry.links_refused.labels(bad.reason).inc()
            status = 410 if bad.reason == "expired" else 404
            return self._refused(status, "ack_expired" if status == 410 else "ack_not_found", said)
        found = self._store.message(link.message)
        if found is not None:
            said = words(found[0].language)
        alerts = self._alerts_of(link.message)
        still = tuple(one for one in alerts if one.closed_at is None and one.level is not None)
        if not still:
            self._telemetry.links_refused.labels("closed").inc()
            return self._refused(410, "ack_closed", said)
        return Asked(token, link, now, said, still)

    def _alerts_of(self, message: str) -> list[Alert]:
        """Return the alerts that the message was about, as they are now."""
        ids = self._store.alerts_of(message)
        now = {one.id: one for one in self._store.alerts()}
        gone = [one for one in ids if one not in now]
        closed = (
            {one.id: one for one in self._store.find_alerts(AlertQuery(state="closed", limit=1000))} if gone else {}
        )
        return [one for one in (now.get(name) or closed.get(name) for name in ids) if one is not None]

    def _page(self, asked: Asked, status: int, text: str, form: Mapping[str, str] | None = None) -> Response:
        typed = form or {}
        said, today = asked.words, asked.now.astimezone(self._zone).date()
        proposed = self._calendar.add(today, AHEAD_WORKING_DAYS) or today
        body = page(
            "acknowledge.html.j2",
            language=said.language,
            title=said.beginning("acknowledge"),
            text=said(text) if text else "",
            alerts=[self._row(one, said) for one in asked.alerts],
            words={name: said.beginning(name) for name in WORDS},
            confirm=confirmation(asked.token, asked.shown, asked.now, self._keys[0]),
            until=typed.get("until") or proposed.isoformat(),
            today=today.isoformat(),
            latest=(today + LONGEST).isoformat(),
            reason=typed.get("reason", ""),
            typed_name=typed.get("name", ""),
            ask_name=not asked.link.recipient.startswith("person:"),
        )
        return HTMLResponse(body, status)

    def _row(self, alert: Alert, said: Words) -> Mapping[str, str]:
        value = said.quantity(alert.value, alert.unit) if alert.value is not None else "–"
        since = said.day(alert.since.astimezone(self._zone).date()) if alert.since else "–"
        return {
            "id": alert.id,
            "level": alert.level or "",
            "level_text": said(alert.level or "grey"),
            "project": alert.project_code,
            "name": alert.subject_name or alert.subject_id,
            "value": value,
            "since": since,
        }

    def _refused(self, status: int, text: str, said: Words) -> Response:
        body = page(
            "acknowledge.html.j2",
            language=said.language,
            title=said.beginning("acknowledge"),
            text=said(text),
            alerts=[],
        )
        return HTMLResponse(body, status)
