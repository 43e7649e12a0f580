"""Microsoft Project XML: plans of Microsoft Project and of the many tools that write its format."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import SourceType, hookimpl

from .settings import Settings
from .source import open_plans

MS_PROJECT = SourceType("ms_project", Settings, open_plans)


@hookimpl
def pmo_watch_sources() -> Iterable[SourceType[Any]]:
    """Return the kind of source that reads plans."""
    return [MS_PROJECT]
