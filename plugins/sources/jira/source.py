"""Jira as a source: opened for one reading, closed after it."""

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from pmo_watch.api import Cursor, Records, Sight, SourceContext, Summary

from .client import Client
from .memory import Recalled
from .probe import look
from .reading import Reading
from .settings import Settings


class Jira:
    """Reads a Jira. `pause`: how to wait between tries; the default waits until closed."""

    def __init__(
        self, settings: Settings, context: SourceContext, pause: Callable[[float], object] | None = None
    ) -> None:
        self._settings, self._context = settings, context
        self._client = Client(settings, context, pause)
        self._recalled = Recalled()

    def recall(self, rows: Mapping[str, pl.DataFrame]) -> None:
        """Take the source's own rows as stored and present."""
        self._recalled = Recalled(rows)

    def read(self, since: Cursor | None) -> Iterator[Records | Summary]:
        """Yield what is new or was changed, or everything where that is due, and the summary last.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        recalled, self._recalled = self._recalled, Recalled()
        yield from Reading(self._client, self._settings, self._context, recalled).records(since)

    def probe(self) -> Iterator[Sight]:
        """Say what the account may see, and what the settings name that is not there.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        yield from look(self._client, self._settings, self._context)

    def close(self) -> None:
        """Let go of the connections; a reading that goes on ends."""
        self._client.close()
