"""Reads lists with the plugin as the daemon would, and writes what came out as text."""

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pmo_watch_plugins.sources.csv_file import CSV_FILE
from pmo_watch_plugins.sources.csv_file.source import CsvFiles

from pmo_watch.api import Organisation, Records, SourceContext, Summary

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SAVED = datetime(2024, 11, 18, 16, 30, tzinfo=UTC).timestamp()  # long ago for the file system: no second look


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a reading gave."""

    records: list[Records]
    summary: Summary = field(default_factory=Summary)

    def entities(self) -> set[str]:
        """Return the entities with rows."""
        return {one.entity for one in self.records if one.frame.height}

    def rows(self, entity: str) -> list[dict[str, Any]]:
        """Return the rows of an entity over all files."""
        return [row for one in self.records if one.entity == entity for row in one.frame.iter_rows(named=True)]

    def column(self, entity: str, name: str) -> list[Any]:
        """Return one column of an entity."""
        return [row[name] for row in self.rows(entity)]

    @property
    def rejected(self) -> list[str]:
        """Return what was rejected, a line each."""
        return [" | ".join((one.where, one.field, one.value, one.reason)) for one in self.summary.rejected]


def save(path: Path, content: bytes | str, saved: float = SAVED) -> Path:
    """Write a file that looks old."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (saved, saved))
    return path


def opened(folder: Path, context: Mapping[str, Any] | None = None, **settings: Any) -> CsvFiles:
    """Open a source on a folder; `context` replaces what the organisation says."""
    given: dict[str, Any] = {
        "name": "lists",
        "folder": folder,
        "now": NOW,
        "zone": ZoneInfo("Europe/Brussels"),
        "organisation": Organisation(),
        "calendars": {},
        **(context or {}),
    }
    source = CSV_FILE.open(CSV_FILE.settings(**settings), SourceContext(**given))
    assert isinstance(source, CsvFiles)
    return source


def read(source: CsvFiles, since: Mapping[str, Any] | None = None) -> Read:
    """Read to the end."""
    *records, summary = source.read(since)
    assert isinstance(summary, Summary)
    return Read([one for one in records if isinstance(one, Records)], summary)


def read_text(folder: Path, content: bytes | str, context: Mapping[str, Any] | None = None, **settings: Any) -> Read:
    """Read one list that is written first, under the name that `path` says."""
    save(folder / settings.setdefault("path", "milestones.csv"), content)
    return read(opened(folder, context, **settings))


def as_text(value: Any) -> str:
    """Write a value as the expected files do; money and figures without trailing zeros."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return ", ".join(value) if isinstance(value, list) else str(value)


def written(answer: Read, entity: str) -> str:
    """Write the rows of an entity as CSV; a column that is the same for every row of every list is left out."""
    rows = answer.rows(entity)
    columns = [name for name in (rows[0] if rows else {}) if name != "updated_at"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([as_text(row[name]) for name in columns] for row in rows)
    return out.getvalue()
