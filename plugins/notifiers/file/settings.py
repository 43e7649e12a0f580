"""The settings of a folder of messages, checked without touching it."""

from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from pmo_watch.api import PluginSettings, is_address


class Settings(PluginSettings):
    """Where messages are written in place of being sent."""

    model_config = ConfigDict(populate_by_name=True)

    folder: Path | None = Field(None, description="Folder for the messages; it is made where it is missing.")
    console: bool = Field(default=False, description="Print each message as text on standard error.")
    formats: list[Literal["eml", "html", "json"]] = Field(
        ["eml", "html"], min_length=1, description="Files of a message: the mail, its page, its parts as data."
    )
    keep: int = Field(500, ge=1, le=100_000, description="Messages in the folder; older ones are deleted.")
    from_: str = Field("PMO watch <pmo-watch@localhost>", alias="from", description="Who writes, in the mails.")

    @field_validator("from_")
    @classmethod
    def _sender(cls, value: str) -> str:
        if not is_address(parseaddr(value)[1]):
            raise ValueError(f"'{value}' is no sender: write an address, or a name and an address")
        return value

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.folder is None and not self.console:
            raise ValueError("folder is missing: a folder for the messages, such as outbox; or console: true")
        return self

    @property
    def sender(self) -> Address:
        """Who writes."""
        name, address = parseaddr(self.from_)
        return Address(display_name=name, addr_spec=address)

    @property
    def domain(self) -> str:
        """The domain of message ids."""
        return parseaddr(self.from_)[1].rpartition("@")[2]

    @property
    def subject_prefix(self) -> str:
        """Nothing: what is tried out is told from what is sent by where it lies."""
        return ""

    @property
    def subjects(self) -> str:
        """Each subject says level and value: nobody threads files."""
        return "state"


def warnings(settings: Settings) -> list[str]:
    """Say what is easily overlooked."""
    return [] if settings.folder else ["console alone keeps nothing: what was printed counts as sent"]
