"""Links that acknowledge: signed, good for some days, and worth nothing to whoever only opens them (channels 7.4)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PURPOSE = b"pmo_watch ack\0"
CONFIRM = b"pmo_watch confirm\0"
LONGEST_TOKEN = 300
CONFIRM_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Key:
    """A signing key; its secret is never shown."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"Key({self.id})"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says: which message, made for whom, good until when."""

    message: str
    recipient: str
    expires: datetime


class BadLink(Exception):
    """A token that is not accepted; `reason` is malformed, signature or expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def token_for(message: str, recipient: str, now: datetime, valid: timedelta, keys: Sequence[Key]) -> str:
    """Return a signed token; the first key signs."""
    expires = int((now + valid).timestamp())
    payload = json.dumps({"m": message, "p": recipient, "x": expires}, separators=(",", ":"), ensure_ascii=False)
    head = f"v1.{keys[0].id}.{_text(payload.encode())}"
    return f"{head}.{_text(_mac(PURPOSE, head, keys[0]))}"


def read_token(token: str, now: datetime, keys: Sequence[Key]) -> Link:
    """Return what a token says.

    Raises:
        BadLink: malformed, of an unknown key, with a wrong signature, or past its end. The signature is compared
            before the payload is looked at.
    """
    parts = token.split(".")
    key = next((one for one in keys if len(parts) == 4 and one.id == parts[1]), None)
    if len(token) > LONGEST_TOKEN or key is None or parts[0] != "v1":
        raise BadLink("malformed")
    given = _bytes(parts[3])
    if not hmac.compare_digest(given, _mac(PURPOSE, ".".join(parts[:3]), key)):
        raise BadLink("signature")
    try:
        payload = json.loads(_bytes(parts[2]))
        link = Link(str(payload["m"]), str(payload["p"]), datetime.fromtimestamp(payload["x"], UTC))
    except (ValueError, KeyError, TypeError, OverflowError):
        raise BadLink("malformed") from None
    if link.expires < now:
        raise BadLink("expired")
    return link


def confirmation(token: str, shown: str, now: datetime, key: Key) -> str:
    """Return what a page hides in its form: proof of what was shown and when."""
    moment = str(int(now.timestamp()))
    return f"{moment}.{_text(_mac(CONFIRM, f'{token}|{shown}|{moment}', key))}"


def is_confirmed(given: str, token: str, shown: str, now: datetime, key: Key) -> bool:
    """Say whether a form was made within the last hour for what is still so."""
    moment, _, mac = given.partition(".")
    if not moment.isdigit() or not 0 <= now.timestamp() - int(moment) <= CONFIRM_SECONDS:
        return False
    try:
        return hmac.compare_digest(_bytes(mac), _mac(CONFIRM, f"{token}|{shown}|{moment}", key))
    except BadLink:
        return False


def _mac(purpose: bytes, text: str, key: Key) -> bytes:
    return hmac.new(key.secret, purpose + text.encode(), hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadLink("malformed") from None
