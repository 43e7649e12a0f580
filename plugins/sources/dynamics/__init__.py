"""Dynamics 365 and Dataverse: projects, tasks, baselines, costs and registers, kept in step by what changed."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import SourceType, hookimpl

from .settings import Settings
from .source import Environment

DYNAMICS = SourceType("dynamics", Settings, Environment)


@hookimpl
def pmo_watch_sources() -> Iterable[SourceType[Any]]:
    """Return the source of Dataverse's tables."""
    return [DYNAMICS]
