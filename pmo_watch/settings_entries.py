"""One entry under `sources:` or `notifiers:`: the keys that all have, and those of the plugin that its `type` names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from pydantic import BaseModel, Field, create_model

from pmo_watch.contracts import SourceType
from pmo_watch.settings_http import Section
from pmo_watch.settings_values import Duration
from pmo_watch.telling import NotifierType, ObserverType


class Kinds(Protocol):
    """What the settings need of the loaded plugins."""

    @property
    def sources(self) -> Mapping[str, SourceType[Any]]:
        """Kinds of source by name."""
        ...

    @property
    def notifiers(self) -> Mapping[str, NotifierType[Any]]:
        """Kinds of notifier by name."""
        ...

    @property
    def observers(self) -> Mapping[str, ObserverType[Any]]:
        """Kinds of observer by name."""
        ...

    def why_not(self, what: str, name: str, known: Iterable[str]) -> str:
        """Say why there is no such plugin."""
        ...


class SourceKeys(Section):
    """What every source has, whatever its type."""

    type: str = Field(description="The plugin that reads it.")
    every: Duration = Field(timedelta(minutes=15), description="How often it is read; files also when they change.")
    enabled: bool = Field(default=True, description="false: as if it were not there; its rows stay as they are.")
    accept_shrink: bool = Field(
        default=False, description="Believe readings that lack or rename many rows, without asking a person."
    )


class NotifierKeys(Section):
    """What every notifier has, whatever its type."""

    type: str = Field(description="The plugin that tells.")
    enabled: bool = Field(default=True, description="false: nothing is sent; what waits goes on waiting.")
    fallback: str = Field("", description="Another notifier, for messages that this one's channel refuses for good.")


@dataclass(frozen=True, slots=True, eq=False)
class SourceEntry:
    """A source as set; `settings` is an instance of its plugin's own model."""

    name: str
    type: str
    settings: BaseModel
    every: timedelta
    enabled: bool = True
    accept_shrink: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class NotifierEntry:
    """A notifier or observer as set; `settings` is an instance of its plugin's own model."""

    name: str
    type: str
    settings: BaseModel
    enabled: bool = True
    fallback: str = ""
    observes: bool = False  # an observer: nothing is sent to it


def source_model(kind: SourceType[Any]) -> type[BaseModel]:
    """Return the model of an entry of that kind: our keys and the plugin's in one, so that faults name either."""
    return create_model(f"source of type {kind.name}", __base__=(SourceKeys, kind.settings))


def notifier_model(kind: NotifierType[Any] | ObserverType[Any]) -> type[BaseModel]:
    """Return the model of an entry of that kind."""
    return create_model(f"notifier of type {kind.name}", __base__=(NotifierKeys, kind.settings))
