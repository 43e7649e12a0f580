"""Asks the Web API of Dataverse: addresses, sign-in, and what an answer that is no answer means (spec 3.3, 3.8)."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pmo_watch.api import Answer, Headers, Request, Rest, SourceContext, SourceDataError, SourceRefused

from .settings import Settings
from .sign_in import SignIn

REQUESTS_LIMIT = 6000  # per user and server in five minutes
WORK_SECONDS_LIMIT = 1200
NEAR = 0.1
LONGEST_SAID = 300
LEFT_REQUESTS = "x-ms-ratelimit-burst-remaining-xrm-requests"
LEFT_SECONDS = "x-ms-ratelimit-time-remaining-xrm-requests"
OWN_WORDS = frozenset({400, 401, 403, 404, 410, 412, 413, 501})  # said here, in terms of settings and rights
NOT_FOR_READERS = frozenset({412, 413, 501})
CLOUD_HOST = re.compile(r"(?P<org>[^.]+)(?P<api>\.api)?(?P<rest>\.crm\d*\..+)")
HEADERS = {"OData-MaxVersion": "4.0", "OData-Version": "4.0", "If-None-Match": "null"}


class Answered(Exception):
    """The server answered no: what that means depends on what was asked for. `text` is its own sentence."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{status} {text}" if text else str(status))
        self.status = status
        self.code = code
        self.text = text

    @property
    def unknown_column(self) -> str:
        """The column that the table does not have, where that was the fault."""
        found = re.search(r"Could not find a property named '([^']+)' on type", self.text)
        return found[1] if found and self.status == 400 else ""

    @property
    def privilege(self) -> str:
        """The right that the application user lacks, as the server names it."""
        found = re.search(r"\bprv\w+", self.text)
        return found[0] if found else ""

    @property
    def no_tracking(self) -> bool:
        """Whether the table does not track changes."""
        return self.status == 400 and "change tracking" in self.text.lower()

    @property
    def expired(self) -> bool:
        """Whether a delta link is too old: everything must be read again."""
        words = ("full sync", "has expired", "deltatoken", "delta token")
        lower = self.text.lower()
        return self.status == 410 or (
            self.status == 400 and (self.code == "0x80044352" or any(one in lower for one in words))
        )


def plain_address(url: str) -> str:
    """Return an environment's address without `.api` in the name of its host."""
    parts = urlsplit(url)
    found = CLOUD_HOST.fullmatch(parts.netloc)
    return urlunsplit((parts.scheme, f"{found['org']}{found['rest']}" if found else parts.netloc, parts.path, "", ""))


def addresses(url: str) -> tuple[str, ...]:
    """Return every address that is the same environment: with and without `.api`."""
    plain = plain_address(url)
    parts = urlsplit(plain)
    found = CLOUD_HOST.fullmatch(parts.netloc)
    if not found:
        return (plain,)
    return plain, urlunsplit((parts.scheme, f"{found['org']}.api{found['rest']}", parts.path, "", ""))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def near_limit(headers: Headers) -> bool:
    """Say whether less than a tenth of what the server allows is left."""
    return (
        _left(headers, LEFT_REQUESTS) < NEAR * REQUESTS_LIMIT
        or _left(headers, LEFT_SECONDS) < NEAR * WORK_SECONDS_LIMIT
    )


def _left(headers: Headers, name: str) -> float:
    try:
        return float(headers.get(name, "").replace(",", ""))
    except ValueError:
        return float("inf")


class Dataverse:
    """One environment. `pause` waits so many seconds; the default waits until `close`."""

    def __init__(
        self, settings: Settings, context: SourceContext, pause: Callable[[float], object] | None = None
    ) -> None:
        self.host = urlsplit(settings.url).netloc
        self._settings = settings
        self._token = ""
        self._sign_in = SignIn(settings, context, f"{plain_address(settings.url)}/.default", pause)
        self._rest = Rest(
            f"{settings.url}/api/data/{settings.api_version}",
            settings,
            context,
            sign=self._sign,
            aliases=addresses(settings.url),
            near_limit=near_limit,
            pause=pause,
        )

    def _sign(self, request: Request) -> None:
        self._token = self._sign_in.token()
        request.headers["Authorization"] = f"Bearer {self._token}"

    def begin(self) -> None:
        """Start a reading."""
        self._rest.begin()
        self._sign_in.begin()

    @property
    def cost(self) -> Mapping[str, float]:
        """What the reading cost so far, signing in included."""
        own, other = self._rest.cost, self._sign_in.cost
        return {name: value + (other.get(name, 0) if name != "seconds" else 0) for name, value in own.items()}

    def close(self) -> None:
        """Let go of connections; what goes on ends."""
        self._rest.close()
        self._sign_in.close()

    def organisation(self) -> str:
        """Return the id of the environment's organisation: the first question of every reading.

        Raises:
            SourceRefused: the application may not read here, or this is no Dataverse.
        """
        try:
            found = self.get("WhoAmI")
        except Answered as no:
            raise self._refused(no) from None
        if not isinstance(found.get("OrganizationId"), str):
            raise SourceDataError(f"{self.host}: WhoAmI names no OrganizationId: is 'url:' an environment's address?")
        return str(found["OrganizationId"]).lower()

    def _refused(self, no: Answered) -> SourceRefused:
        if no.status in {401, 403}:
            said = f" ({no.text})" if no.text else ""
            return SourceRefused(
                f"{self.host}: signed in, and refused with {no.status}{said}: make an application user for "
                f"client_id {self._settings.client_id} in this environment, with a security role that reads its tables"
            )
        return SourceRefused(
            f"{self.host}: no Web API {self._settings.api_version} answers here ({no}): check 'url:' and 'api_version:'"
        )

    def get(self, path: str, params: Mapping[str, str] | None = None, prefer: str = "") -> Mapping[str, Any]:
        """Ask for what lies at a path.

        Raises:
            Answered: the server said no in its own words.
            SourceUnavailable, SourceRefused, SourceDataError
        """
        headers = {**HEADERS, "Prefer": prefer} if prefer else HEADERS
        return self._answered(path, lambda: self._rest.get(path, params, headers, OWN_WORDS))

    def follow(self, link: str, prefer: str) -> Mapping[str, Any]:
        """Ask for a link that the server gave, byte for byte; raises like `get`."""
        headers = {**HEADERS, "Prefer": prefer}
        return self._answered("a link of the server", lambda: self._rest.follow(link, headers, OWN_WORDS))

    def check(self, link: str) -> None:
        """Make sure that a link leads to the same environment, before it is kept for the next reading.

        Raises:
            SourceRefused: it leads elsewhere.
        """
        if _origin(link) not in {_origin(one) for one in addresses(self._settings.url)}:
            elsewhere = "://".join(_origin(link))
            raise SourceRefused(f"{self.host}: a link for changes leads to {elsewhere}: not kept; check 'url:'")

    def _answered(self, what: str, ask: Callable[[], Answer]) -> Mapping[str, Any]:
        answer = ask()
        if answer.status == 401:  # the token ran out, or was withdrawn
            self._sign_in.forget()
            answer = ask()
        if answer.status >= 400:
            raise self._no(answer)
        if not isinstance(answer.data, dict):
            raise SourceDataError(f"{self.host}: {what}: the answer is no JSON object")
        return answer.data

    def _no(self, answer: Answer) -> Exception:
        error = answer.data.get("error") if isinstance(answer.data, dict) else None
        said = error if isinstance(error, dict) else {}
        text = str(said.get("message") or "")[:LONGEST_SAID]
        text = text.replace(self._token, "***") if self._token else text  # some servers repeat what they were sent
        no = Answered(answer.status, str(said.get("code") or ""), text)
        if no.status in NOT_FOR_READERS:
            return SourceDataError(f"{self.host} answered {no}, which no reader should meet: is 'api_version:' right?")
        return self._refused(no) if no.status == 401 else no
