"""The source: opened for one reading, given what is stored, closed from outside."""

from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.api import Cursor, Records, Sight, SourceContext, Summary

from .client import Dataverse
from .memory import Memory, fingerprint
from .overlay import tables_of
from .probe import look
from .reading import Reading
from .settings import Settings
from .sign_in import running_out
from .taken import Given


class Environment:
    """An environment of Dataverse, as a source. `pause` waits so many seconds; the default waits until `close`."""

    def __init__(
        self, settings: Settings, context: SourceContext, pause: Callable[[float], object] | None = None
    ) -> None:
        self._settings, self._context = settings, context
        self._zone = ZoneInfo(settings.zone) if settings.zone else context.zone
        self._client = Dataverse(settings, context, pause)
        self._stored: Mapping[str, pl.DataFrame] = {}

    def recall(self, rows: Mapping[str, pl.DataFrame]) -> None:
        """Take the rows that are stored, for the next reading."""
        self._stored = rows

    def read(self, since: Cursor | None) -> Iterator[Records | Summary]:
        """Yield what is new or changed and the summary.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        stored, self._stored = self._stored, {}
        self._client.begin()
        memory = Memory.of(since, fingerprint(self._settings, str(self._zone)))
        tables = tables_of(self._settings)
        warning = running_out(self._settings, self._context.folder, self._context.now)
        given = Given(self._client, self._settings, self._context, self._zone, tables, memory, stored, warning)
        yield from Reading(given).pieces()

    def probe(self) -> Iterator[Sight]:
        """Yield what can and cannot be seen of the environment.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        self._client.begin()
        yield from look(self._client, self._settings, self._context, tables_of(self._settings))

    def close(self) -> None:
        """Let go of connections; a reading that goes on ends."""
        self._client.close()
