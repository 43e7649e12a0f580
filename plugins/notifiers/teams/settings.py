"""The settings of a Teams channel, checked without a network (spec channels 3.1)."""

from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from pmo_watch.api import PluginSettings

KNOWN_HOSTS = (".logic.azure.com", ".environment.api.powerplatform.com")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_WORKFLOWS = "create a flow 'post to a channel when a webhook request is received' in Workflows and give its URL"


class Settings(PluginSettings):
    """A channel, by the URL of the flow that posts to it."""

    model_config = ConfigDict(hide_input_in_errors=True)  # all of the URL is a secret

    url: SecretStr = Field(description="URL of the Workflows flow; all of it is a secret.")
    language: Literal["en", "fr", "nl"] = Field("en", description="Language of the channel.")
    card_version: Literal["1.4", "1.5"] = Field("1.4", description="1.5 marks the title as a heading.")
    max_bytes: int = Field(18_000, ge=4_000, le=28_000, description="Size of a post; more than 28 KB is refused.")
    max_items: int = Field(20, ge=1, le=100, description="Alerts in a post; what is left out is counted.")
    mentions: bool = Field(default=True, description="Whether persons are called by name when something turns red.")
    proxy: str | None = Field(None, description="URL of a proxy.")
    ca_file: Path | None = Field(None, description="Certificates to trust in place of the system's.")
    timeout_seconds: float = Field(10, gt=0, description="Limit of one operation.")
    total_timeout_seconds: float = Field(20, gt=0, description="Limit of one post.")

    @field_validator("url")
    @classmethod
    def _workflow(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value().strip())
        host = parts.hostname or ""
        if host.endswith(".webhook.office.com") or (host == "outlook.office.com" and parts.path.startswith("/webhook")):
            raise ValueError(f"connectors of Office are gone: {_WORKFLOWS}")
        if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
            raise ValueError("url should begin with https://")
        if not host or "sig" not in parse_qs(parts.query):
            raise ValueError(
                "url has no sig parameter: set 'Who can trigger the flow?' to Anyone and copy the URL again"
            )
        return SecretStr(value.get_secret_value().strip())


def warnings(settings: Settings) -> list[str]:
    """Say what looks unusual: hosts have changed before, and sovereign clouds and proxies exist."""
    host = urlsplit(settings.url.get_secret_value()).hostname or ""
    known = host in _LOOPBACK or host.endswith(KNOWN_HOSTS)
    return [] if known else [f"{host} is no host of Workflows that we know ({', '.join(KNOWN_HOSTS)})"]
