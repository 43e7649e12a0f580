"""The settings of a Teams channel, checked without a network (spec channels 3.1)."""

from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from pmo_watch.api import LOOPBACK, PostSettings, checked_address

KNOWN_HOSTS = (".logic.azure.com", ".environment.api.powerplatform.com")
_WORKFLOWS = "create a flow 'post to a channel when a webhook request is received' in Workflows and give its URL"


class Settings(PostSettings):
    """A channel, by the URL of the flow that posts to it."""

    model_config = ConfigDict(hide_input_in_errors=True)  # all of the URL is a secret

    url: SecretStr = Field(description="URL of the Workflows flow; all of it is a secret.")
    language: Literal["en", "fr", "nl"] = Field("en", description="Language of the channel.")
    card_version: Literal["1.4", "1.5"] = Field("1.4", description="1.5 marks the title as a heading.")
    max_bytes: int = Field(18_000, ge=4_000, le=28_000, description="Size of a post; more than 28 KB is refused.")
    max_items: int = Field(20, ge=1, le=100, description="Alerts in a post; what is left out is counted.")
    mentions: bool = Field(default=True, description="Whether persons are called by name when something turns red.")

    @field_validator("url")
    @classmethod
    def _workflow(cls, value: SecretStr) -> SecretStr:
        address = value.get_secret_value().strip()
        host = urlsplit(address).hostname or ""
        if host.endswith(".webhook.office.com") or (
            host == "outlook.office.com" and urlsplit(address).path.startswith("/webhook")
        ):
            raise ValueError(f"connectors of Office are gone: {_WORKFLOWS}")
        if "sig" not in parse_qs(checked_address(address).query):
            raise ValueError(
                "url has no sig parameter: set 'Who can trigger the flow?' to Anyone and copy the URL again"
            )
        return SecretStr(address)


def warnings(settings: Settings) -> list[str]:
    """Say what looks unusual: hosts have changed before, and sovereign clouds and proxies exist."""
    host = urlsplit(settings.url.get_secret_value()).hostname or ""
    known = host in LOOPBACK or host.endswith(KNOWN_HOSTS)
    return [] if known else [f"{host} is no host of Workflows that we know ({', '.join(KNOWN_HOSTS)})"]
