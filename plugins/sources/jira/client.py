"""Asks a Jira: signs requests, knows the two flavours, and says in words what a refusal means (spec sources 2)."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pmo_watch.api import Answer, Headers, Request, Rest, SourceContext, SourceDataError, SourceRefused

from .settings import Settings

CLOUD, DATA_CENTER = "cloud", "datacenter"
LONGEST_SAID = 300
LIST_PAGE = 50
REFUSALS = frozenset({400, 401, 403, 404, 410})
MOST_PAGES = 2_000  # of a list of projects, boards, versions or sprints: beyond it, the server goes in circles


class Refusal(SourceRefused):
    """The server said no to one request; `status` is its answer's."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Client:
    """One site or server. `flavour` is empty until it is known."""

    def __init__(
        self, settings: Settings, context: SourceContext, pause: Callable[[float], object] | None = None
    ) -> None:
        self.settings = settings
        self.flavour = _told_flavour(settings)
        base = settings.url
        if settings.cloud_id:
            base = f"{settings.gateway_url}/ex/jira/{settings.cloud_id}"
        self._rest = Rest(base, settings, context, sign=_signing(settings), near_limit=_near_limit, pause=pause)
        self._base = base
        self.refused_sign_in = False

    @property
    def is_cloud(self) -> bool:
        """Whether it is Jira Cloud."""
        return self.flavour == CLOUD

    @property
    def api(self) -> str:
        """The path of the REST interface."""
        return "rest/api/3" if self.is_cloud else "rest/api/2"

    @property
    def cost(self) -> Mapping[str, float]:
        """What the reading cost so far."""
        return self._rest.cost

    def close(self) -> None:
        """Let go of connections; a request that goes on ends."""
        self._rest.close()

    def begin(self, flavour: str = "") -> dict[str, Any]:
        """Start a reading and return the account; nothing else is asked before it is known to be signed in.

        `flavour`: which Jira it was the last time.

        Raises:
            SourceRefused: not signed in, or no Jira.
        """
        self._rest.begin()
        self.flavour = self.flavour or flavour
        got = self._rest.get(f"{self.api}/myself", allow=REFUSALS)
        self.refused_sign_in = got.status == 401
        account = got.data if isinstance(got.data, dict) else {}
        if got.status != 200 or not (account.get("accountId") or account.get("name")):
            raise SourceRefused(self._not_signed_in(got))
        if not self.flavour:
            self.flavour = self._found_flavour()
        return account

    def server(self) -> dict[str, Any]:
        """Return what the server says of itself; nothing when it refuses."""
        got = self._rest.get("rest/api/2/serverInfo", allow=REFUSALS)
        return got.data if got.status == 200 and isinstance(got.data, dict) else {}

    def _found_flavour(self) -> str:
        """Ask the server; `*.atlassian.net` is Cloud where it does not say."""
        kind = str(self.server().get("deploymentType") or "").lower()
        if kind:
            return CLOUD if kind == "cloud" else DATA_CENTER
        host = urlsplit(self.settings.url).hostname or ""
        return CLOUD if host.endswith(".atlassian.net") else DATA_CENTER

    # --- asking ---------------------------------------------------------------------------------------------------

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return the JSON below the base.

        Raises:
            Refusal, SourceUnavailable, SourceDataError
        """
        got = self._rest.get(path, params, allow=REFUSALS)
        return self.expected(got, path)

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON that answers a question sent as JSON."""
        got = self._rest.ask(path, body, allow=REFUSALS)
        return self.expected(got, path)

    def try_asking(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Send a question whose refusal the caller words."""
        return self._rest.ask(path, body, allow=REFUSALS)

    def pages(self, path: str, params: Mapping[str, str] | None = None, start: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the objects of an offset list, from `start` on.

        Raises:
            SourceDataError: it has no `values`, or does not end.
        """
        for _ in range(MOST_PAGES):
            asked = {**(params or {}), "startAt": str(start), "maxResults": str(LIST_PAGE)}
            page = self.get(path, asked)
            values = page.get("values") if isinstance(page, dict) else None
            if not isinstance(values, list):
                raise SourceDataError(f"{path}: its answer has no list 'values'")
            yield from (one for one in values if isinstance(one, dict))
            start += len(values)
            total = page.get("total")
            if not values or page.get("isLast") is True or (isinstance(total, int) and start >= total):
                return
        raise SourceDataError(f"{path}: the list does not end after {MOST_PAGES} pages")

    # --- what a refusal means -------------------------------------------------------------------------------------

    def expected(self, got: Answer, path: str) -> Any:
        """Return the data of a good answer.

        Raises:
            Refusal: it is none.
        """
        if got.status == 200:
            return got.data
        place = f"{urlsplit(self._base).netloc}/{path}"
        text = f"{place} answered {got.status}: {said(got) or 'nothing more'}{self._remedy(got)}"
        raise Refusal(text, got.status)

    def _remedy(self, got: Answer) -> str:
        if got.headers.get("X-Authentication-Denied-Reason", "").startswith("CAPTCHA"):
            return f". Too many wrong sign-ins: sign in once in a browser as {self.settings.user or 'this account'}"
        if got.status == 401:
            return ". The sign-in is not accepted, or no longer: check 'user' and 'token'"
        if got.status == 403:
            return ". The account may not see this: give it the right, or the token the scope"
        if got.status == 410:
            return ". This is Jira Cloud: set 'flavour: cloud'"
        return ""

    def _not_signed_in(self, got: Answer) -> str:
        place = self._base
        if got.status == 404:
            return f"no Jira answers below {place}: is the context path right? ('url')"
        if got.status == 200:
            return f"{place} answers as to somebody who is not signed in: check 'user' and 'token'"
        return f"{place}: the sign-in was answered with {got.status}: {said(got) or 'nothing more'}{self._remedy(got)}"

    # --- tokens with scopes ---------------------------------------------------------------------------------------

    def cloud_id_found(self) -> str:
        """Return the id of the Cloud site, which it tells everybody; empty when it does not."""
        got = self._rest.get("_edge/tenant_info", allow=REFUSALS)
        found = got.data.get("cloudId") if isinstance(got.data, dict) else None
        return found if isinstance(found, str) else ""


def said(got: Answer) -> str:
    """Return what a refusal says: Jira's own sentences, or those of a gateway in front of it."""
    body = got.data
    if not isinstance(body, dict):
        return ""
    texts = [one for one in body.get("errorMessages") or () if isinstance(one, str)]
    errors = body.get("errors")
    if isinstance(errors, dict):
        texts += [f"{name}: {one}" for name, one in errors.items()]
    texts += [str(body[name]) for name in ("message", "error") if isinstance(body.get(name), str)]
    return " ".join(" ".join(texts).split())[:LONGEST_SAID]


def _told_flavour(settings: Settings) -> str:
    if settings.flavour != "auto":
        return settings.flavour
    return CLOUD if settings.cloud_id else ""


def _signing(settings: Settings) -> Callable[[Request], None]:
    token = settings.token.get_secret_value()
    value = f"Bearer {token}"
    if settings.user:
        value = f"Basic {base64.b64encode(f'{settings.user}:{token}'.encode()).decode()}"

    def sign(request: Request) -> None:
        request.headers["Authorization"] = value

    return sign


def _near_limit(headers: Headers) -> bool:
    return bool(headers.get("X-RateLimit-NearLimit", "").lower() == "true")
