"""Forms of pages: what was typed, and the proof that one of our own pages sends it (spec channels 7.2)."""

import hashlib
import hmac
import re
import secrets
from urllib.parse import parse_qsl

COOKIE = "pmo_watch_form"
PROOF = "form_token"
MOST_FIELDS = 50
_SEED = re.compile(r"[0-9a-f]{64}")


class Tokens:
    """Makes and checks the token of a form: an HMAC over a random cookie and the path that the form is sent to.

    The key lives as long as the process: after a restart a page that is still open is to be opened again.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def seed(self, cookie: str) -> str:
        """Return the random text of a browser: the one it has, else a new one."""
        return cookie if _SEED.fullmatch(cookie) else secrets.token_hex(32)

    def of(self, seed: str, path: str) -> str:
        """Return the token of the form that is sent to this path."""
        return hmac.new(self._key, f"{seed}\0{path}".encode(), hashlib.sha256).hexdigest()

    def is_right(self, token: str, cookie: str, path: str) -> bool:
        """Say whether a form that we gave to this browser for this path was sent."""
        return bool(_SEED.fullmatch(cookie)) and hmac.compare_digest(
            self.of(cookie, path).encode(), token.encode(errors="replace")
        )


def typed(body: bytes) -> dict[str, str]:
    """Return the fields of a form, the last one of each name; nothing of what is no form."""
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=MOST_FIELDS, keep_blank_values=True))
    except ValueError:
        return {}
