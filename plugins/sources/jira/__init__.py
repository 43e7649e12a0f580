"""Jira Cloud and Data Center: issues, sprints, versions and registers, kept in step by what changed."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import SourceType, hookimpl

from .settings import Settings
from .source import Jira

JIRA = SourceType("jira", Settings, Jira)


@hookimpl
def pmo_watch_sources() -> Iterable[SourceType[Any]]:
    """Return the source of Jira's issues."""
    return [JIRA]
