"""The settings of a mail channel, checked without a network (spec channels 2.1, 2.6)."""

import re
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from pmo_watch.api import PluginSettings, is_address

LONGEST_DOMAIN = 50  # longer message ids are encoded by mail libraries, which breaks threads
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/")


class OAuth(PluginSettings):
    """How an access token is had, in place of a password."""

    model_config = ConfigDict(hide_input_in_errors=True)

    tenant: str = Field("", description="Directory of the organisation, a name or an id.")
    client_id: str = Field(description="Id of the application registered for pmo-watch.")
    client_secret: SecretStr = Field(description="Its secret.")
    token_url: str = Field("", description="Where tokens are had; by default from `tenant`, at Microsoft.")
    scope: str = Field("https://outlook.office365.com/.default", description="What the token is asked for.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.tenant and not self.token_url:
            raise ValueError("tenant is missing: the directory of the organisation, such as example.onmicrosoft.com")
        if self.token_url and not self.token_url.startswith("https://") and not _LOOPBACK.match(self.token_url):
            raise ValueError("token_url should begin with https://, or the secret travels in clear text")
        return self

    @property
    def endpoint(self) -> str:
        """The address that gives tokens."""
        return self.token_url or f"https://login.microsoftonline.com/{self.tenant}/oauth2/v2.0/token"


class Settings(PluginSettings):
    """A mail server, and who writes."""

    model_config = ConfigDict(populate_by_name=True, hide_input_in_errors=True)

    host: str = Field(min_length=1, description="Name of the mail server.")
    port: int = Field(0, ge=0, le=65535, description="Its port; 0 is 587, or 465 with `tls: implicit`.")
    starttls: Literal["required", "off"] = Field(
        "required", description="required: a server without STARTTLS gets nothing. off: mail travels in clear text."
    )
    tls: Literal["", "implicit"] = Field("", description="implicit: TLS from the first byte, in place of `starttls`.")
    username: str = Field("", description="Account to sign in with; empty: none.")
    password: SecretStr | None = Field(None, description="Its password.")
    oauth: OAuth | None = Field(None, description="Signs in with an access token, in place of `password`.")
    from_: str = Field(alias="from", description="Who writes: an address, or a name and an address.")
    envelope_from: str = Field("", description="Where reports of failure go; by default the address of `from`.")
    ca_file: Path | None = Field(None, description="Certificates to trust in place of the system's.")
    local_hostname: str = Field("", description="How we introduce ourselves; by default this machine's full name.")
    message_id_domain: str = Field("", description="Domain of message ids; by default the one of `from`.")
    rate: str = Field("0/min", description="Messages per minute; 0/min is no limit.")
    subject_prefix: str = Field("", max_length=40, description="Stands before every subject, such as `PMO:`.")
    subjects: Literal["thread", "state"] = Field(
        "thread", description="thread: messages on a project share a subject. state: each says level and value."
    )
    timeout_seconds: float = Field(20, gt=0, description="Limit of one command.")
    total_timeout_seconds: float = Field(60, gt=0, description="Limit of one message, connection included.")

    @field_validator("from_")
    @classmethod
    def _sender(cls, value: str) -> str:
        name, address = parseaddr(value)
        if not is_address(address):
            raise ValueError(
                f"'{value}' is no sender: write an address, or a name and an address, as in PMO <pmo@a.org>"
            )
        Address(display_name=name, addr_spec=address)
        return value

    @field_validator("envelope_from")
    @classmethod
    def _bounces(cls, value: str) -> str:
        if value and not is_address(value):
            raise ValueError(f"'{value}' is no address")
        return value

    @field_validator("local_hostname")
    @classmethod
    def _hostname(cls, value: str) -> str:
        if value and not _DOMAIN.fullmatch(value):
            raise ValueError(f"'{value}' is no host name")
        return value

    @field_validator("rate")
    @classmethod
    def _rate(cls, value: str) -> str:
        if not re.fullmatch(r"\d{1,6}/min", value):
            raise ValueError(f"'{value}' is no rate: write messages per minute, such as 25/min")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = self.model_fields_set
        if self.tls and "starttls" in given:
            raise ValueError("tls and starttls exclude each other: keep one of them")
        if self.password and self.oauth:
            raise ValueError("password and oauth exclude each other: keep one of them")
        if self.username and not (self.password or self.oauth):
            raise ValueError("username needs password or oauth")
        if (self.password or self.oauth) and not self.username:
            raise ValueError("username is missing: the account that the password belongs to")
        if self.username and self.starttls == "off" and not self.tls:
            raise ValueError("starttls: off would send the password of username in clear text; take one of them out")
        if not _DOMAIN.fullmatch(self.domain) or len(self.domain) > LONGEST_DOMAIN:
            raise ValueError(f"message_id_domain should be a domain of at most {LONGEST_DOMAIN} characters")
        return self

    @property
    def sender(self) -> Address:
        """Who writes."""
        name, address = parseaddr(self.from_)
        return Address(display_name=name, addr_spec=address)

    @property
    def bounces(self) -> str:
        """The address that the server reports failures to."""
        return self.envelope_from or self.sender.addr_spec

    @property
    def domain(self) -> str:
        """The domain of message ids."""
        return self.message_id_domain or parseaddr(self.from_)[1].rpartition("@")[2]

    @property
    def server_port(self) -> int:
        """The port to connect to."""
        return self.port or (465 if self.tls else 587)

    @property
    def per_minute(self) -> int:
        """Messages per minute; 0 is no limit."""
        return int(self.rate.partition("/")[0])
