"""Writes small plans in Project XML, and reads them with the plugin as the daemon would."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from pmo_watch_plugins.sources.ms_project import MS_PROJECT
from pmo_watch_plugins.sources.ms_project.source import PlanFiles

from pmo_watch.api import Organisation, PastState, Records, SourceContext, Summary

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
SAVED = datetime(2026, 3, 9, 16, 30, tzinfo=UTC).timestamp()  # long ago for the file system: no second look
NAMESPACE = "http://schemas.microsoft.com/project"
Elements = Mapping[str, Any]


def xml(name: str, content: Any) -> str:
    """Return an element; a mapping holds child elements, a list the same element several times."""
    if isinstance(content, list):
        return "".join(xml(name, one) for one in content)
    if isinstance(content, Mapping):
        content = "".join(xml(key, value) for key, value in content.items())
    return f"<{name}>{content}</{name}>"


def plan(*tasks: Elements, namespace: str = NAMESPACE, **header: Any) -> str:
    """Return a plan; `Resources`, `Assignments` and the like may stand in the header as mappings."""
    declared = f' xmlns="{namespace}"' if namespace else ""
    rows = "".join(xml("Task", one) for one in tasks)
    before, behind = dict(header), {}
    for name in ("Resources", "Assignments"):
        if name in before:
            behind[name] = before.pop(name)
    body = "".join(xml(name, content) for name, content in before.items())
    tail = "".join(xml(name, content) for name, content in behind.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Project{declared}>{body}<Tasks>{rows}</Tasks>{tail}</Project>\n'


def task(uid: int | str, name: str = "", **elements: Any) -> dict[str, Any]:
    """Return a task of one day in March 2026, at the top of the outline; None leaves an element out."""
    given: dict[str, Any] = {
        "UID": uid,
        "Name": name or f"Task {uid}",
        "OutlineLevel": 1,
        "Start": "2026-03-09T08:00:00",
        "Finish": "2026-03-09T17:00:00",
        "Duration": "PT8H0M0S",
        **elements,
    }
    return {key: value for key, value in given.items() if value is not None}


def write(path: Path, content: str | bytes, *, at: float = SAVED) -> Path:
    """Write a file as it would lie there since a while."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (at, at))
    return path


@dataclass(slots=True)
class Answer:
    """What a source yielded: rows by entity, put together over its parts, and the summary."""

    records: list[Records] = field(default_factory=list)
    past: list[PastState] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)

    def frame(self, entity: str) -> pl.DataFrame:
        """Return the rows of an entity; empty where it was not yielded."""
        frames = [one.frame for one in self.records if one.entity == entity]
        return pl.concat(frames, how="diagonal") if frames else pl.DataFrame()

    def rows(self, entity: str) -> list[dict[str, Any]]:
        """Return the rows of an entity."""
        return self.frame(entity).to_dicts()

    def row(self, entity: str, key: str = "") -> dict[str, Any]:
        """Return the only row of an entity, or the one of that key."""
        (found,) = [one for one in self.rows(entity) if key in {"", one["key"]}]
        return found

    @property
    def parts(self) -> list[str]:
        """The files that gave a project."""
        return [one.part for one in self.records if one.entity == "project"]

    @property
    def reported(self) -> list[tuple[str, str, str, str]]:
        """What was rejected."""
        return [(one.where, one.field, one.value, one.reason) for one in self.summary.rejected]


def open_source(folder: Path, pause: Any = None, **settings: Any) -> PlanFiles:
    """Open a source over a folder."""
    context = SourceContext("plans", folder, NOW, ZoneInfo("Europe/Brussels"), Organisation(), {})
    return PlanFiles(MS_PROJECT.settings(**{"path": "**/*.xml", **settings}), context, pause)


def read(folder: Path, since: Mapping[str, Any] | None = None, pause: Any = None, **settings: Any) -> Answer:
    """Read a folder once."""
    answer = Answer()
    for piece in open_source(folder, pause, **settings).read(since):
        if isinstance(piece, Summary):
            answer.summary = piece
        elif isinstance(piece, PastState):
            answer.past.append(piece)
        else:
            answer.records.append(piece)
    return answer


def read_one(folder: Path, content: str | bytes, **settings: Any) -> Answer:
    """Read one plan called `plan.xml`."""
    write(folder / "plan.xml", content)
    return read(folder, **settings)
