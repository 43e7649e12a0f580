"""The pages: who may see and do what, in which language, and what a form of theirs does (spec channels 7.1 to 7.3)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from pmo_watch.acknowledgements import Wanted
from pmo_watch.errors import ConfigError
from pmo_watch.operations import Hush, NotOpen, acknowledge_alerts, add_silence
from pmo_watch.silence_preview import Preview
from pmo_watch.telemetry import Telemetry
from pmo_watch.web_access import Caller, is_ours
from pmo_watch.web_acts import Acts
from pmo_watch.web_answers import SHOWN, BadRequest, notice
from pmo_watch.web_forms import COOKIE, PROOF, Tokens, typed
from pmo_watch.web_page_alerts import alert, alerts, path_of, portfolio
from pmo_watch.web_page_lists import PARTS, day_of, outbox, rules, silences, sources, status
from pmo_watch.web_reader import Behind, Reader, language_of
from pmo_watch.web_view import Page, html
from pmo_watch.words import words

LOG = structlog.get_logger("pmo_watch.web")
PAGES: dict[str, Callable[[Behind, Reader], Page]] = {
    "/": portfolio,
    "/alerts": alerts,
    "/alerts/{id}": alert,
    "/silences": silences,
    "/sources": sources,
    "/rules": rules,
    "/outbox": outbox,
    "/status": status,
}
DONE = ("acknowledged", "silenced", "ended", "retried")
PATTERNS = (*PAGES, "/alerts/{id}/ack", "/silences/{id}/end", "/outbox/{id}/retry")


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who works with a page: the name that is written beside what is done, and whether anything may be."""

    name: str
    may_act: bool


class Pages:
    """Answers pages, and what their forms send; `origin`: our own address as browsers know it, empty where not set."""

    def __init__(self, behind: Behind, acts: Acts, telemetry: Telemetry, tokens: Tokens, origin: str) -> None:
        self._behind = behind
        self._acts = acts
        self._telemetry = telemetry
        self._tokens = tokens
        self._origin = origin

    def routes(self) -> list[Route]:
        """Return the routes."""
        forms = {
            "/alerts/{id}/ack": self._acknowledge,
            "/silences": self._silence,
            "/silences/{id}/end": self._end,
            "/outbox/{id}/retry": self._retry,
        }
        shown = [
            Route(
                path,
                self._answer(build, forms.get(path)),
                methods=["GET", "HEAD", *(["POST"] if path in forms else [])],
            )
            for path, build in PAGES.items()
        ]
        sent = [
            Route(path, self._answer(None, act), methods=["POST"]) for path, act in forms.items() if path not in PAGES
        ]
        return [*sent, *shown]

    def _answer(
        self,
        build: Callable[[Behind, Reader], Page] | None,
        act: Callable[[Reader, str], Response] | None,
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if request.method == "POST" and act is not None:
                return await run_in_threadpool(self._done, act, request, typed(await request.body()))
            assert build is not None  # a route without a page takes POST alone
            return await run_in_threadpool(self._shown, build, request)

        return answer

    # --- looking ------------------------------------------------------------------------------------------------------

    def _shown(self, build: Callable[[Behind, Reader], Page], request: Request) -> Response:
        reader = self._reader(request)
        try:
            done = request.query_params.get("done", "")
            reader = replace(reader, said=reader.words(f"page.done.{done}") if done in DONE else "")
            return self._html(build(self._behind, reader), reader, request)
        except BadRequest as fault:
            return notice(fault.status, SHOWN.get(fault.status, "page_bad_request"), reader.words)

    def _html(self, page: Page, reader: Reader, request: Request, status: int = 200) -> Response:
        said = reader.words
        answer = HTMLResponse(html(page, said, reader.name, self._behind.moment(self._behind.now(), said)), status)
        if reader.may_act and request.cookies.get(COOKIE) != reader.seed:
            secure = request.url.scheme == "https" or self._origin.startswith("https:")
            answer.set_cookie(COOKIE, reader.seed, httponly=True, samesite="strict", secure=secure)
        answer.headers["Content-Language"] = said.language
        answer.headers["Vary"] = "Accept-Language, Cookie"
        return answer

    def _reader(self, request: Request) -> Reader:
        caller: Caller = request.scope["state"]["caller"]
        language = language_of(request.headers.get("accept-language", ""), self._behind.in_use.organisation.language)
        seed = self._tokens.seed(request.cookies.get(COOKIE, ""))
        given = {**request.query_params, **request.path_params}
        return Reader(words(language), caller.name, caller.role == "operator", self._tokens, seed, given)

    # --- doing --------------------------------------------------------------------------------------------------------

    def _done(self, act: Callable[[Reader, str], Response], request: Request, sent: dict[str, str]) -> Response:
        """Do what a form asks for, if it is one of ours; the role was looked at before."""
        reader = replace(self._reader(request), typed=sent)
        cookie = request.cookies.get(COOKIE, "")
        if not is_ours(request, self._origin) or not self._tokens.is_right(
            sent.get(PROOF, ""), cookie, request.url.path
        ):
            return notice(403, "page_form_old", reader.words)
        try:
            return act(reader, reader.name or "operator on this machine")
        except BadRequest as fault:
            return notice(fault.status, SHOWN.get(fault.status, "page_bad_request"), reader.words)

    def _acknowledge(self, reader: Reader, who: str) -> Response:
        one, sent = reader.given["id"], reader.typed
        try:
            promised = day_of(sent["new_date"]) if sent.get("new_date", "").strip() else None
            wanted = Wanted(day_of(sent.get("until", "")), who, sent.get("reason", ""), "page", promised)
            acknowledge_alerts(self._behind.store, [one], wanted, self._behind.now(), self._behind.zone)
        except NotOpen:
            return self._again(alert, reader, 409, "page_nothing_to_acknowledge")
        except (ValueError, ConfigError):
            return self._again(alert, reader, 422, "page_ack_missing")
        self._telemetry.acknowledgements.labels("page").inc()
        return _back(path_of(one), "acknowledged")

    def _silence(self, reader: Reader, who: str) -> Response:
        sent = reader.typed
        try:
            parts = {name: sent.get(name, "").strip() for name in PARTS}
            wanted = Hush(who, sent.get("reason", ""), day_of(sent.get("until", "")), **parts)
            if sent.get("do") != "set":
                return self._again(silences, reader, 200, "page_preview_only", self._acts.seen(wanted))
            add_silence(self._behind.store, wanted, self._behind.now(), self._behind.zone)
        except BadRequest as fault:  # what is asked, or no cycle yet: what is typed is kept
            return self._again(
                silences, reader, fault.status, "page_silence_missing" if fault.status == 422 else "page_failed"
            )
        except (ValueError, ConfigError):
            return self._again(silences, reader, 422, "page_silence_missing")
        return _back("/silences", "silenced")

    def _end(self, reader: Reader, who: str) -> Response:
        if self._behind.store.end_silence(reader.given["id"], who, self._behind.now()) is None:
            return self._again(silences, reader, 409, "page_silence_over")
        return _back("/silences", "ended")

    def _retry(self, reader: Reader, who: str) -> Response:
        after = self._behind.store.retry(reader.given["id"], who, self._behind.now())
        if after is None:
            return notice(404, "page_not_found", reader.words)
        return _back("/outbox", "retried")

    def _again(
        self,
        build: Callable[..., Page],
        reader: Reader,
        status: int,
        key: str,
        seen: Preview | None = None,
    ) -> Response:
        """Return a page with what was typed, and what is to be said of it."""
        reader = replace(reader, said=reader.words(key))
        page = build(self._behind, reader, seen) if seen else build(self._behind, reader)
        said = reader.words
        return HTMLResponse(html(page, said, reader.name, self._behind.moment(self._behind.now(), said)), status)


def _back(path: str, done: str) -> Response:
    return RedirectResponse(f"{quote(path)}?done={done}", 303)
