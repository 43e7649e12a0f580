"""Links that acknowledge: signed, good for some days, and worth nothing to whoever only opens them (channels 7.4)."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PURPOSE = b"pmo_watch ack\0"
CONFIRM = b"pmo_watch confirm\0"
LONGEST_TOKEN = 300
CONFIRM_SECONDS = 3600
_TOKEN = re.compile(r"(v1\.([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]+)")


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
    """What a token says: which message, made for whom, good until when.

    `recipient` is empty where it was too long for a token: the message knows it.
    """

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
    token = _signed(message, recipient, now + valid, keys[0])
    return token if len(token) <= LONGEST_TOKEN else _signed(message, "", now + valid, keys[0])


def _signed(message: str, recipient: str, expires: datetime, key: Key) -> str:
    said = {"m": message, "p": recipient, "x": int(expires.timestamp())}
    payload = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
    head = f"v1.{key.id}.{_text(payload.encode())}"
    return f"{head}.{_mac(PURPOSE, head, key)}"


def read_token(token: str, now: datetime, keys: Sequence[Key]) -> Link:
    """Return what a token says.

    Raises:
        BadLink: malformed, of an unknown key, with a wrong signature, or past its end. The signature is compared
            before the payload is looked at.
    """
    parts = _TOKEN.fullmatch(token) if len(token) <= LONGEST_TOKEN else None
    key = next((one for one in keys if parts and one.id == parts[2]), None)
    if parts is None or key is None:
        raise BadLink("malformed")
    if not hmac.compare_digest(parts[4], _mac(PURPOSE, parts[1], key)):
        raise BadLink("signature")
    link = _read(parts[3])
    if link.expires < now:
        raise BadLink("expired")
    return link


def _read(payload: str) -> Link:
    try:
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return Link(str(said["m"]), str(said["p"]), datetime.fromtimestamp(said["x"], UTC))
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        raise BadLink("malformed") from None


def confirmation(token: str, shown: str, now: datetime, key: Key) -> str:
    """Return what a page hides in its form: proof of what was shown and when."""
    moment = str(int(now.timestamp()))
    return f"{moment}.{_mac(CONFIRM, f'{token}|{shown}|{moment}', key)}"


def is_confirmed(given: str, token: str, shown: str, now: datetime, key: Key) -> bool:
    """Say whether a form was made within the last hour for what is still so."""
    parts = re.fullmatch(r"([0-9]{1,12})\.([A-Za-z0-9_-]+)", given)
    if parts is None or not 0 <= int(now.timestamp()) - int(parts[1]) <= CONFIRM_SECONDS:
        return False
    return hmac.compare_digest(parts[2], _mac(CONFIRM, f"{token}|{shown}|{parts[1]}", key))


def _mac(purpose: bytes, text: str, key: Key) -> str:
    return _text(hmac.new(key.secret, purpose + text.encode(), hashlib.sha256).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
