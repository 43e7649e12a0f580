"""The part `http:` of the settings: what is served, to whom, and with which keys links are signed."""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from pmo_watch.settings_values import Duration, LocalFile

MIN_KEY_BYTES = 32  # spec channels 7.4
_BCRYPT = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_LISTEN = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>[0-9]{1,5})")

Role = Literal["viewer", "operator"]
Network = IPv4Network | IPv6Network


class Section(BaseModel):
    """A part of the settings: unknown names are faults, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("should be an address such as https://pmo.example.org")
    if parts.username or parts.password:
        raise ValueError("must hold no user or password: it is printed in messages")
    return value.rstrip("/")


def _bcrypt(value: SecretStr) -> SecretStr:
    if not _BCRYPT.fullmatch(value.get_secret_value()):
        raise ValueError("should be a bcrypt hash, as 'htpasswd -nB NAME' writes it after the colon")
    return value


def _long_key(value: SecretStr) -> SecretStr:
    size = len(value.get_secret_value().encode())
    if size < MIN_KEY_BYTES:
        raise ValueError(f"has {size} bytes, at least {MIN_KEY_BYTES} are needed: make one with 'openssl rand -hex 32'")
    return value


def _address(value: str) -> str:
    found = _LISTEN.fullmatch(value)
    if found is None or int(found["port"]) > 65_535:
        raise ValueError(f"'{value}' should be host:port, such as 127.0.0.1:9464 or [::1]:9464")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError(f"'{value}' is no network such as 10.0.0.5/32 or 10.0.0.0/8") from None


def _some(value: tuple[Network, ...]) -> tuple[Network, ...]:
    if not value:
        raise ValueError("should name the proxy's address: without one nobody's headers count")
    return value


def _key_id(value: str) -> str:
    if not re.fullmatch("[A-Za-z0-9_-]{1,16}", value):
        raise ValueError(f"'{value}' is no id of a key: letters, digits, '-' and '_' only, at most 16")
    return value


class User(Section):
    """One person or program that signs in with a password."""

    hash: Annotated[SecretStr, AfterValidator(_bcrypt)] = Field(description="Bcrypt hash of the password.")
    role: Role = Field("viewer", description="What it may do: see (viewer) or also acknowledge, reload (operator).")


class Proxy(Section):
    """A reverse proxy in front that has signed the user in."""

    from_: Annotated[tuple[Annotated[Network, BeforeValidator(_network)], ...], AfterValidator(_some)] = Field(
        alias="from", description="Addresses of the proxy; from any other its headers are ignored."
    )
    user_header: str = Field("X-Forwarded-User", description="Header with the user's name.")
    groups_header: str = Field("X-Forwarded-Groups", description="Header with the user's groups, comma separated.")
    roles: dict[str, Role] = Field(default_factory=dict, description="Group -> role; without one: viewer.")


class Tls(Section):
    """Certificate and key of the server, in PEM files."""

    cert: LocalFile = Field(description="The certificate, with those between it and the root.")
    key: LocalFile = Field(description="Its private key.")
    client_ca: LocalFile | None = Field(None, description="Only clients with a certificate of this CA may connect.")


class AckKey(Section):
    """A key that signs acknowledge links."""

    id: Annotated[str, AfterValidator(_key_id)] = Field(description="Its name inside the links.")
    key: Annotated[SecretStr, AfterValidator(_long_key)] = Field(description="At least 32 random bytes.")


class Ack(Section):
    """Acknowledging by link."""

    keys: tuple[AckKey, ...] = Field((), description="The first signs, all verify; without one there are no links.")
    valid: Duration = Field(timedelta(days=7), description="How long a link can be used.")
    login: Literal["optional", "required"] = Field("optional", description="required: every link needs a login too.")

    @model_validator(mode="after")
    def _keys_once(self) -> "Ack":
        ids = [one.id for one in self.keys]
        if twice := [one for one in ids if ids.count(one) > 1]:
            raise ValueError(f"the key '{twice[0]}' stands twice: give each an id of its own")
        return self


class Http(Section):
    """The daemon's own web server."""

    listen: Annotated[str, AfterValidator(_address)] = Field("127.0.0.1:9464", description="Address and port.")
    external_url: WebAddress = Field("", description="Where people reach it; without it messages hold no link back.")
    users: dict[str, User] = Field(default_factory=dict, description="Who signs in with a password.")
    proxy: Proxy | None = Field(None, description="A reverse proxy that signs people in.")
    tls: Tls | None = Field(None, description="Certificate and key; without them plain HTTP.")
    open_metrics: bool = Field(default=False, description="Serve /metrics without a login.")
    insecure: bool = Field(default=False, description="Listen beyond this machine without login and TLS.")
    ack: Ack = Field(default_factory=Ack, description="Acknowledging by link.")

    @property
    def host(self) -> str:
        """The address part of `listen`."""
        found = _LISTEN.fullmatch(self.listen)
        assert found is not None  # checked when the settings were read
        return found["six"] or found["host"]

    @property
    def port(self) -> int:
        """The port part of `listen`."""
        return int(self.listen.rsplit(":", 1)[1])

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_guarded(self) -> bool:
        """Whether only this machine reaches it, people sign in, or it is meant to be open."""
        return self.is_local or self.insecure or self.proxy is not None or bool(self.users and self.tls)

    def served_on(self, running: "Http") -> "Http":
        """Return these settings for a server that goes on listening as `running` does, until it is started again.

        That is `running` as a whole where they would leave its address open without a login.
        """
        served = self.model_copy(update={"listen": running.listen, "tls": running.tls})
        return served if served.is_guarded else running

    def beside(self, served: "Http") -> list[str]:
        """Return the names of the settings that are served otherwise."""
        return [f"http.{name}" for name in Http.model_fields if getattr(self, name) != getattr(served, name)]

    @model_validator(mode="after")
    def _guarded(self) -> "Http":
        if not self.is_guarded:
            raise ValueError(
                f"listen: {self.listen} can be reached from other machines: set users and tls, or proxy, "
                "or insecure: true if that is meant"
            )
        return self
