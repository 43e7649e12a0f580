"""Signs an application in to Entra ID with a secret or a certificate, over our own HTTP (spec sources 3.2)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pmo_watch.api import Answer, Request, Rest, SourceContext, SourceDataError, SourceRefused

from .settings import Settings

REFUSALS = frozenset(range(400, 500)) - {407, 408, 425, 429}
WARN_DAYS = 30
REMEDIES = {  # number behind AADSTS -> what it means and what to do
    7000215: "the client secret is wrong: set 'client_secret:' to the secret's value, not its id",
    7000222: "the client secret has expired: make a new one in the app registration and set 'client_secret:'",
    700016: "the application is unknown in this tenant: check 'client_id:' and 'tenant:'",
    90002: "the tenant is unknown: check 'tenant:'",
    900021: "the tenant is unknown: check 'tenant:'",
    500011: "the environment is unknown in this tenant: check 'url:' and 'tenant:'",
    700027: "the certificate is not the application's: upload it to the app registration, or check 'certificate:'",
    50034: "the application is unknown in this tenant: check 'client_id:' and 'tenant:'",
    7000112: "the application is disabled: enable it in Entra ID",
    530004: "a policy for conditional access keeps the application out: ask for an exception",
    53003: "a policy for conditional access keeps the application out: ask for an exception",
}


def unsigned(_: Request) -> None:
    """Add nothing: what asks for a token holds its proof in the form."""


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer as msal expects it."""

    status_code: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def raise_for_status(self) -> None:
        """Do nothing: what is not 4xx has been raised already."""


class _Transport:
    """Lets msal ask over our HTTP: proxy, trust store, time-outs and tries hold for it too."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.refused: Mapping[str, Any] = {}

    def get(self, url: str, **_: Any) -> _Response:
        return self._response(self._rest.follow(url, allow=REFUSALS))

    def post(self, url: str, data: Mapping[str, str] | None = None, **_: Any) -> _Response:
        return self._response(self._rest.form(url, {name: str(one) for name, one in (data or {}).items()}, REFUSALS))

    def _response(self, answer: Answer) -> _Response:
        if answer.status >= 400 and isinstance(answer.data, dict):
            self.refused = answer.data
        return _Response(answer.status, json.dumps(answer.data or {}, default=str), dict(answer.headers))

    def close(self) -> None:
        """Do nothing: its owner closes the connections."""


class SignIn:
    """Keeps an access token for one environment; `scope` is what it is asked for."""

    def __init__(
        self,
        settings: Settings,
        context: SourceContext,
        scope: str,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._settings, self._scope = settings, scope
        self._folder = context.folder
        self._rest = Rest(settings.authority, settings, context, sign=unsigned, pause=pause)
        self._transport = _Transport(self._rest)
        self._app: Any = None

    def begin(self) -> None:
        """Start a reading: its time and cost start again."""
        self._rest.begin()

    @property
    def cost(self) -> Mapping[str, float]:
        """What asking for tokens cost so far."""
        return self._rest.cost

    def close(self) -> None:
        """Let go of connections."""
        self._rest.close()

    def token(self) -> str:
        """Return a token that is good for five minutes at least.

        Raises:
            SourceRefused: the sign-in was refused; the text names the setting at fault and never the answer's words.
            SourceUnavailable, SourceDataError
        """
        self._transport.refused = {}
        try:
            self._app = self._app or self._opened()
            answer = self._app.acquire_token_for_client([self._scope])
        except (ValueError, KeyError):  # what msal makes of a discovery that was refused, or is none
            raise self._refusal(self._transport.refused) from None
        if "access_token" not in answer:
            raise self._refusal(answer)
        return str(answer["access_token"])

    def forget(self) -> None:
        """Drop the token: the next one is asked for anew."""
        if self._app is not None:
            self._app.remove_tokens_for_client()

    def _opened(self) -> Any:
        from msal import ConfidentialClientApplication  # noqa: PLC0415  # slow to import, for those who sign in

        settings = self._settings
        return ConfidentialClientApplication(
            settings.client_id,
            client_credential=self._credential(),
            authority=f"{settings.authority}/{settings.tenant}",
            instance_discovery=False,  # the authority is a setting, and need not be asked about
            http_client=self._transport,
        )

    def _credential(self) -> Any:
        if self._settings.client_secret is not None:
            return self._settings.client_secret.get_secret_value()
        from .certificate import read_certificate  # noqa: PLC0415  # slow to import, for those who have one

        pem = read_certificate(self._settings, self._folder)
        password = self._settings.certificate_password
        more = {"passphrase": password.get_secret_value()} if password else {}
        return {"private_key": pem, "public_certificate": pem, **more}

    def _refusal(self, answer: Mapping[str, Any]) -> Exception:
        host = urlsplit(self._settings.authority).netloc
        codes = [int(one) for one in answer.get("error_codes") or () if str(one).isdigit()]
        if not codes and not answer.get("error"):
            return SourceDataError(f"{host}: its answer is no sign-in: check 'authority:' and 'tenant:'")
        known = next((one for one in codes if one in REMEDIES), None)
        number = f" (AADSTS{known or codes[0]})" if codes else f" ({str(answer.get('error'))[:60]})"
        remedy = REMEDIES[known] if known else "look the number up, and check 'tenant:', 'client_id:' and the secret"
        return SourceRefused(f"{host}: sign-in refused{number}: {remedy}")


def running_out(settings: Settings, folder: Path, now: datetime) -> str:
    """Say that the secret or certificate ends within 30 days, or has ended; empty when it does not."""
    end = settings.secret_expires
    what = "the client secret"
    if settings.certificate is not None:
        from .certificate import last_day  # noqa: PLC0415  # slow to import, for those who have one

        end, what = last_day(settings, folder), "the certificate"
    return f"{what} {_ends(end, now.date())}" if end and end - now.date() <= timedelta(days=WARN_DAYS) else ""


def _ends(end: date, today: date) -> str:
    remedy = "make a new one in the app registration"
    return f"expired on {end}: {remedy}" if end < today else f"expires on {end}: {remedy}"
