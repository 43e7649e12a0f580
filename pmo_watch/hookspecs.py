"""The four hooks; pluggy calls each once, at start-up."""

from collections.abc import Iterable
from typing import Any

import pluggy

from pmo_watch.contracts import Measure, SourceType
from pmo_watch.telling import NotifierType, ObserverType

hookspec = pluggy.HookspecMarker("pmo_watch")
hookimpl = pluggy.HookimplMarker("pmo_watch")


@hookspec
def pmo_watch_sources() -> Iterable[SourceType[Any]]:
    """Return the kinds of source this plugin adds."""


@hookspec
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return the measures this plugin adds."""


@hookspec
def pmo_watch_notifiers() -> Iterable[NotifierType[Any]]:
    """Return the kinds of notifier this plugin adds."""


@hookspec
def pmo_watch_observers() -> Iterable[ObserverType[Any]]:
    """Return the kinds of observer this plugin adds."""
