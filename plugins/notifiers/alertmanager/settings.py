"""The settings of a push to Alertmanager, checked without a network (spec channels 5)."""

from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from pmo_watch.api import LOOPBACK, Duration, PluginSettings, PostSettings

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=1)


class BasicAuth(PluginSettings):
    """A name and a password."""

    model_config = ConfigDict(hide_input_in_errors=True)

    username: str = Field(min_length=1, description="Name to sign in with.")
    password: SecretStr = Field(description="Its password.")


class Severity(PluginSettings):
    """What the label `severity` says at each level."""

    red: str = Field("critical", min_length=1, max_length=128, description="Of a red alert.")
    amber: str = Field("warning", min_length=1, max_length=128, description="Of an amber alert.")


class Settings(PostSettings):
    """The members of a cluster, and how they are told."""

    model_config = ConfigDict(hide_input_in_errors=True)

    urls: list[str] = Field(min_length=1, max_length=20, description="Address of every member; no load balancer.")
    every: Duration = Field(timedelta(seconds=60), description="How often all open alerts are pushed.")
    severity: Severity = Field(Severity(), description="What the label `severity` says at each level.")
    basic_auth: BasicAuth | None = Field(None, description="Name and password, where the members ask for them.")
    bearer: SecretStr | None = Field(None, description="A token, in place of `basic_auth`.")
    heartbeat_alert: bool = Field(default=False, description="Whether an alert PmoWatchHeartbeat is always pushed.")
    language: Literal["en", "fr", "nl"] = Field("en", description="Language of the summaries.")
    total_timeout_seconds: float = Field(30, gt=0, description="Limit of one push to one member.")

    @field_validator("urls")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        found = [_address(one) for one in value]
        if len(set(found)) < len(found):
            raise ValueError("the same address stands there twice")
        return found

    @field_validator("every")
    @classmethod
    def _bounded(cls, value: timedelta) -> timedelta:
        if not SHORTEST <= value <= LONGEST:
            raise ValueError("every should be between 1s and 1d")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.basic_auth and self.bearer:
            raise ValueError("basic_auth and bearer exclude each other: keep one of them")
        if self.signs_in and any(in_clear_text(one) for one in self.urls):
            raise ValueError("a password or token would travel in clear text: every url should begin with https://")
        return self

    @property
    def signs_in(self) -> bool:
        """Whether requests carry a secret."""
        return self.basic_auth is not None or self.bearer is not None


def _address(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"'{parts.scheme}://...' is no address of a member: write https://host:9093, with its prefix")
    if "@" in parts.netloc:
        raise ValueError("an address holds no password: set basic_auth")
    if parts.query or parts.fragment or parts.path.rstrip("/").endswith("/api/v2/alerts"):
        raise ValueError("an address ends with the prefix of the member: /api/v2/alerts is added to it")
    _ = parts.port  # raises where it is no number
    return text.strip().rstrip("/")


def in_clear_text(address: str) -> bool:
    """Say whether what is sent there can be read on the way."""
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK


def warnings(settings: Settings) -> list[str]:
    """Say what is easily overlooked."""
    open_ones = [one for one in settings.urls if in_clear_text(one)]
    return [f"alerts travel in clear text to {', '.join(open_ones)}"] if open_ones else []
