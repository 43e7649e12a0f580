"""Lists: CSV and XLSX with a column map, in the dialects that people really save."""

from collections.abc import Iterable
from typing import Any

from pmo_watch_plugins.sources.csv_file.settings import Settings
from pmo_watch_plugins.sources.csv_file.source import CsvFiles

from pmo_watch.api import SourceType, hookimpl

CSV_FILE = SourceType("csv_file", Settings, CsvFiles)


@hookimpl
def pmo_watch_sources() -> Iterable[SourceType[Any]]:
    """Return the source of lists."""
    return [CSV_FILE]
