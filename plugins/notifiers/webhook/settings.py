"""The settings of a webhook, checked without a network."""

import base64
import binascii
import re
from typing import Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator

from pmo_watch.api import PostSettings, checked_address

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes, as Standard Webhooks has them
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # the name of a header, RFC 9110
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
_OURS = ("webhook-", "content-", "host", "connection", "transfer-encoding", "user-agent", "accept-encoding", "cookie")
_REMEDY = f"make one with: echo {PREFIX}$(openssl rand -base64 32)"


class Settings(PostSettings):
    """Where messages are posted, and what they are signed with."""

    model_config = ConfigDict(hide_input_in_errors=True)  # the address may be a secret as a whole

    url: SecretStr = Field(description="Address of the receiver; it may hold a token, so all of it is a secret.")
    secrets: list[SecretStr] = Field(
        min_length=1, max_length=5, description="Keys that messages are signed with; several while they are exchanged."
    )
    headers: dict[str, SecretStr] = Field({}, description="Further headers, such as Authorization.")
    language: Literal["en", "fr", "nl"] = Field("en", description="Language of the texts.")
    max_bytes: int = Field(20_000, ge=16_000, le=1_000_000, description="Size of a body.")
    max_items: int = Field(50, ge=1, le=500, description="Alerts in a body; what is left out is counted.")

    @field_validator("url")
    @classmethod
    def _reachable(cls, value: SecretStr) -> SecretStr:
        address = value.get_secret_value().strip()
        checked_address(address)
        return SecretStr(address)

    @field_validator("secrets")
    @classmethod
    def _keys(cls, value: list[SecretStr]) -> list[SecretStr]:
        keys = [key_of(one) for one in value]
        if len(set(keys)) < len(keys):
            raise ValueError("secrets holds the same key twice")
        return value

    @field_validator("headers")
    @classmethod
    def _allowed(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, text in value.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"'{name}' is no name of a header")
            if name.lower().startswith(_OURS):
                raise ValueError(f"the header '{name}' is ours to set")
            if not _VALUE.fullmatch(text.get_secret_value()):
                raise ValueError(f"the value of the header '{name}' should be one line of ASCII")
        return value


def key_of(secret: SecretStr) -> bytes:
    """Return the bytes of a key as it is written down.

    Raises:
        ValueError: it is no key; the text says how to make one, without the key.
    """
    text = secret.get_secret_value().strip()
    if not text.startswith(PREFIX):
        raise ValueError(f"a key begins with {PREFIX}: {_REMEDY}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a key is base64 after {PREFIX}: {_REMEDY}") from None
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"a key has {SHORTEST_KEY} to {LONGEST_KEY} bytes, this one {len(key)}: {_REMEDY}")
    return key


def warnings(settings: Settings) -> list[str]:
    """Say what looks forgotten."""
    many = len(settings.secrets) > 2
    return ["more than two secrets: take out those that the receiver no longer checks"] if many else []
