"""What a person may set for Dynamics 365 and Dataverse (spec sources 3.10)."""

from collections.abc import Mapping
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from pmo_watch.api import ENTITIES, Duration, HttpSettings, PluginSettings, Zone

# What organisations and tools write where there is no date (spec model 1.7).
PLACEHOLDERS = (
    date(1, 1, 1),
    date(1899, 12, 30),
    date(1900, 1, 1),
    date(1969, 12, 31),
    date(1970, 1, 1),
    date(1984, 1, 1),
    date(2000, 1, 1),
    date(9999, 12, 31),
)
LOCAL = ("localhost", "127.0.0.1", "::1")
MILESTONE = "milestone"  # a row of `task` with its own table
NOT_READ = ("indicator", "observation", "kpi", "submission", "source", "alert", "board", "sprint_item", "status_change")

Scale = Literal["fraction", "percent"]
Unit = Literal["seconds", "minutes", "hours", "days"]


def _as_text(value: object) -> object:
    """Take what YAML made of `1` or `true` as the text it was."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def _as_texts(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {_as_text(key): _as_texts(one) if isinstance(one, Mapping) else _as_text(one) for key, one in value.items()}


Words = Annotated[dict[str, str], BeforeValidator(_as_texts)]
Text = Annotated[str, BeforeValidator(_as_text)]


class ColumnSettings(PluginSettings):
    """Where a field comes from, when a column's name does not say enough."""

    column: str = Field("", description="Logical name of the column; of a lookup too.")
    map: Words = Field(default_factory=dict, description="Choice value: word of the model.")
    scale: Scale | None = Field(None, description="Of a share: fraction is 0 to 1; null takes progress_scale.")
    unit: Unit | None = Field(None, description="Of a duration, lag or effort; null takes the source's own.")
    value: Text | None = Field(None, description="The same for every row; then without 'column'.")
    label: bool = Field(default=False, description="Take the text that people see instead of the value.")
    currency: str = Field("", description="Lookup that names the currency of an amount.")

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if bool(self.column) == (self.value is not None):
            raise ValueError("needs either 'column' or 'value'")
        return self


class TableSettings(PluginSettings):
    """A table of one's own, or other columns of a preset's."""

    table: str = Field("", description="Logical name of the table; empty keeps the preset's.")
    filter: str = Field("", description="OData filter: rows that it leaves out are not there.")
    columns: dict[str, str | ColumnSettings] = Field(
        default_factory=dict, description="Field of the model: column, or an entry that says more."
    )


class Settings(HttpSettings):
    """Settings of a source of type dynamics."""

    url: str = Field(min_length=1, description="Address of the environment.")
    preset: Literal["project_operations", "planner_premium", "psa", "custom"] = Field(
        "project_operations", description="Which product's tables and columns."
    )
    tables: dict[str, TableSettings] = Field(
        default_factory=dict, description="Entity of the model: table and columns, on top of the preset."
    )
    tenant: str = Field(min_length=1, description="Directory (tenant) id or domain of the application.")
    client_id: str = Field(min_length=1, description="Application (client) id.")
    client_secret: SecretStr | None = Field(None, description="Client secret; or set 'certificate'.")
    certificate: Path | None = Field(None, description="PEM file with the private key and its certificate.")
    certificate_password: SecretStr | None = Field(None, description="Password of the private key.")
    authority: str = Field("https://login.microsoftonline.com", description="Where it signs in; other clouds differ.")
    api_version: str = Field("v9.2", pattern=r"^v9\.[0-9]$", description="Version of the Web API.")
    secret_expires: date | None = Field(
        None, description="Last day of the client secret: a warning comes 30 days before."
    )
    census_every: Duration = Field(
        timedelta(hours=24), description="How often tables without change tracking list their keys."
    )
    full_every: Duration = Field(timedelta(days=7), description="How often everything is read again.")
    overlap_minutes: int = Field(10, ge=0, le=1440, description="How far back a reading by date of change looks again.")
    sync: Literal["auto", "delta", "modified", "full"] = Field(
        "auto", description="How changes are found; auto: by change tracking where the table allows it, else by date."
    )
    page_size: int = Field(500, ge=1, le=5000, description="Rows per answer.")
    progress_scale: Scale = Field("fraction", description="Whether msdyn_progress is 0 to 1 or 0 to 100.")
    duration_unit: Literal["days", "hours"] = Field("days", description="Unit of msdyn_duration of a task.")
    lag_unit: Unit = Field("seconds", description="Unit of the older lag column, which is read only when this is set.")
    money: Literal["own", "base"] = Field("own", description="Amounts in their own currency or the organisation's.")
    zone: Zone | None = Field(None, description="Zone in which dates were meant; null is the organisation's.")
    filter: str = Field("", description="OData filter on projects; the rest follows its project.")
    maps: Annotated[dict[str, Words], BeforeValidator(_as_texts)] = Field(
        default_factory=dict, description="entity.field: {choice value: word}."
    )
    people: Words = Field(default_factory=dict, description="Key or name of a person: e-mail address.")
    placeholder_dates: tuple[date, ...] = Field(PLACEHOLDERS, description="Days that mean that there is no date.")

    @field_validator("url", "authority")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ValueError("should be an address such as https://org.crm4.dynamics.com")
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            raise ValueError("must begin with https:, or the token could be read on the way")
        return value.rstrip("/")

    @field_validator("tables")
    @classmethod
    def _known_fields(cls, value: dict[str, TableSettings]) -> dict[str, TableSettings]:
        for name, table in value.items():
            entity = _entity(name)
            known = [one.name for one in ENTITIES[entity].stored()]
            for field in table.columns:
                _check_known(field, known, f"tables.{name}.columns: '{field}' is no field of {entity}")
        return value

    @field_validator("maps")
    @classmethod
    def _known_maps(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        known = [f"{entity}.{field.name}" for entity, one in ENTITIES.items() for field in one.stored()]
        for name in value:
            _check_known(name, known, f"maps: '{name}' is no field; write it as entity.field")
        return value

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        if (self.client_secret is None) == (self.certificate is None):
            raise ValueError("needs either 'client_secret' or 'certificate'")
        if self.preset == "custom" and "project" not in self.tables:
            raise ValueError("preset custom needs 'tables' with at least 'project'")
        return self


def _entity(name: str) -> str:
    """Return the entity that a table of the settings becomes."""
    known = [*(one for one in ENTITIES if one not in NOT_READ), MILESTONE]
    _check_known(name, known, f"tables: '{name}' is no entity that a table can become")
    return "task" if name == MILESTONE else name


def _check_known(name: str, known: list[str], fault: str) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        raise ValueError(fault + (f", did you mean '{near[0]}'?" if near else ""))
