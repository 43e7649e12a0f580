"""What a person may set for Jira (spec sources 2.11)."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from pmo_watch.api import ENTITIES, Duration, HttpSettings, PluginSettings

ORDERED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\border\s+by\b""", re.IGNORECASE)
# What the issue's own structure says is not taken from a custom field.
FIXED = frozenset({"id", "project", "parent", "is_subtask", "sprint", "release", "board", "updated_at", "created_at"})
FREE_TASK = tuple(one.name for one in ENTITIES["task"].stored() if one.name not in FIXED)
FREE_PROJECT = tuple(f"project.{one.name}" for one in ENTITIES["project"].stored() if one.name not in {"id", "code"})
EXPIRES_SOON = timedelta(days=30)
REGISTERS = ("risk", "issue", "decision", "change", "action")
Words = dict[str, str]
RegisterName = Literal["risk", "issue", "decision", "change", "action"]


def _as_texts(value: object) -> object:
    """Take what YAML made of `1` or `true` as the text that Jira writes."""
    if isinstance(value, Mapping):
        return {_as_texts(key): _as_texts(one) for key, one in value.items()}
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Texts = Annotated[Words, BeforeValidator(_as_texts)]


class Milestones(PluginSettings):
    """Which issues are milestones: of one of these types, with one of these labels, or found by `jql`."""

    issue_types: tuple[str, ...] = Field(
        ("Milestone", "Jalon", "Mijlpaal"), description="Names of issue types; case is ignored."
    )
    labels: tuple[str, ...] = Field(("milestone",), description="Labels that make an issue one.")
    versions: bool = Field(default=True, description="Whether each version is a milestone too.")
    jql: str = Field("", description="A further query; what it finds is a milestone.")
    kinds: dict[str, Literal["key", "gate", "contractual", "payment", "internal"]] = Field(
        default_factory=dict, description="Label -> kind of the milestone."
    )
    gates: dict[str, Literal["rfp", "rfe", "rfc"]] = Field(
        default_factory=dict, description="Label -> gate that the milestone stands for."
    )
    levels: dict[str, Literal["project", "program", "committee"]] = Field(
        default_factory=dict, description="Label -> who looks at the milestone."
    )

    @field_validator("jql")
    @classmethod
    def _unordered(cls, value: str) -> str:
        return without_order(value)


class Register(PluginSettings):
    """Issues that are entries of a register instead of tasks."""

    issue_types: tuple[str, ...] = Field(min_length=1, description="Names of issue types; case is ignored.")
    fields: Texts = Field(
        default_factory=dict, description="Field of the register -> id, name or schema.custom of Jira's field."
    )
    maps: Annotated[dict[str, Words], BeforeValidator(_as_texts)] = Field(
        default_factory=dict, description="Field of the register -> Jira's word -> value."
    )
    escalated: tuple[str, ...] = Field(("escalated",), description="Labels that mean that it was escalated.")


class Maps(PluginSettings):
    """Jira's words and what they mean here."""

    status: Texts = Field(default_factory=dict, description="Status -> todo, doing or done, before its category.")
    priority: Texts = Field(default_factory=dict, description="Priority -> 1 to 5, 5 is the highest.")
    resolution: Texts = Field(default_factory=dict, description="Resolution -> done or cancelled.")
    cancelled: tuple[str, ...] = Field(
        ("Cancelled", "Canceled", "Won't Do", "Won't Fix", "Duplicate", "Rejected", "Declined"),
        description="Statuses and resolutions of what was given up: it no longer counts.",
    )
    waiting: tuple[str, ...] = Field((), description="Statuses in which work waits for somebody.")
    fields: Annotated[dict[str, Words], BeforeValidator(_as_texts)] = Field(
        default_factory=dict, description="Field of a task or project -> Jira's word -> value."
    )

    @field_validator("status")
    @classmethod
    def _categories(cls, value: Words) -> Words:
        return _one_of(value, ("todo", "doing", "done"))

    @field_validator("resolution")
    @classmethod
    def _endings(cls, value: Words) -> Words:
        return _one_of(value, ("done", "cancelled"))

    @field_validator("priority")
    @classmethod
    def _steps(cls, value: Words) -> Words:
        return _one_of(value, ("1", "2", "3", "4", "5"))


class Settings(HttpSettings):
    """Settings of a source of type jira."""

    url: str = Field(description="Address of the site or server, with its context path.")
    flavour: Literal["auto", "cloud", "datacenter"] = Field("auto", description="Which Jira; auto asks the server.")
    user: str = Field("", description="E-mail address on Cloud; empty with an access token of Data Center.")
    token: SecretStr = Field(description="API token, access token or password.")
    cloud_id: str | None = Field(None, description="Id of the Cloud site, for tokens with scopes.")
    gateway_url: str = Field("https://api.atlassian.com", description="Address that tokens with scopes need.")
    token_expires: date | None = Field(None, description="Day the token runs out; said 30 days ahead.")
    jql: str = Field(min_length=1, description="Which issues; without ORDER BY.")
    census_every: Duration = Field(timedelta(hours=24), description="How often the ids of all issues are compared.")
    full_every: Duration = Field(timedelta(days=7), description="How often everything is read again.")
    overlap_minutes: int = Field(10, ge=0, le=1440, description="How far back each reading looks behind the last.")
    time_literal: Literal["epoch", "local"] = Field(
        "epoch", description="How moments are written in queries; local for servers that refuse milliseconds."
    )
    page_size: int = Field(100, ge=1, le=1000, description="Issues per page.")
    fields: dict[str, str | None] = Field(
        default_factory=dict,
        description="Field of the model -> id, name or schema.custom of Jira's field; null leaves it out.",
    )
    milestones: Milestones = Field(default_factory=Milestones, description="What is a milestone.")
    registers: dict[RegisterName, Register] = Field(
        default_factory=dict, description="Registers whose entries are issues of their own types."
    )
    maps: Maps = Field(default_factory=Maps, description="Words that mean something.")
    boards: Literal["auto", "none"] | tuple[int, ...] = Field(
        "auto", description="auto: the boards of the projects found; a list of ids; none."
    )
    sprint_history: int = Field(12, ge=0, description="Closed sprints per board that are looked at again.")
    sprint_grace: Duration = Field(
        timedelta(hours=1), description="How long after its begin a sprint is still planned."
    )
    history_days: int = Field(180, ge=0, description="How far back the first reading fetches changes.")
    timesheets: bool = Field(default=False, description="Read work logs.")
    people: Texts = Field(default_factory=dict, description="Account id or user name -> e-mail address.")
    baseline: Literal["none", "first_snapshot"] = Field(
        "none", description="first_snapshot: the first dates seen are the baseline."
    )

    @field_validator("url", "gateway_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("write the address with https:// in front, such as https://example.atlassian.net")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("an address without user, password and question mark; 'user' and 'token' sign in")
        return value.strip().rstrip("/")

    @field_validator("jql")
    @classmethod
    def _unordered(cls, value: str) -> str:
        return without_order(value)

    @field_validator("fields")
    @classmethod
    def _known(cls, value: dict[str, str | None]) -> dict[str, str | None]:
        for name in value:
            _check_field(name, (*FREE_TASK, *FREE_PROJECT), "task or project")
        return value

    @model_validator(mode="after")
    def _registers_have_their_fields(self) -> Self:
        for register, one in self.registers.items():
            known = [field.name for field in ENTITIES[register].stored() if field.name not in {"id", "updated_at"}]
            for name in (*one.fields, *one.maps):
                _check_field(name, known, register)
        return self

    def token_warning(self, today: date) -> str:
        """Return what is to be said of a token that runs out soon, or has; empty when there is nothing to say."""
        if self.token_expires is None or self.token_expires - today > EXPIRES_SOON:
            return ""
        left = (self.token_expires - today).days
        if left < 0:
            return f"the token ran out on {self.token_expires}: make a new one"
        return f"the token runs out on {self.token_expires}, in {left} days: make a new one in time"


def without_order(jql: str) -> str:
    """Return the query without blanks around it.

    Raises:
        ValueError: it has an ORDER BY, which is ours to set.
    """
    if any(found[1] is None for found in ORDERED.finditer(jql)):
        raise ValueError("leave ORDER BY out: the order is what paging needs")
    return jql.strip()


def _one_of(value: Words, allowed: tuple[str, ...]) -> Words:
    for word, meaning in value.items():
        if meaning not in allowed:
            raise ValueError(f"'{word}: {meaning}': must be {', '.join(allowed[:-1])} or {allowed[-1]}")
    return value


def _check_field(name: str, known: tuple[str, ...] | list[str], of: str) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f", did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"'{name}' is no field of a {of} that a custom field may fill{hint}")
