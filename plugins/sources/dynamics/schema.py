"""What the environment has of the tables that are wanted: asked for once, and kept (spec sources 3.6, Probing)."""

from collections.abc import Iterator, Mapping

from pmo_watch.api import SourceRefused

from .client import Answered, Dataverse
from .maps import TableMap, plain_name
from .memory import Memory
from .metadata import MODIFIED, Facts, Readable, facts_of, missing, readable_of, whole_table
from .report import Report


class Schema:
    """The tables as they can be read. `tables`: the maps by name; `memory` keeps what was asked."""

    def __init__(
        self, client: Dataverse, tables: Mapping[str, TableMap], memory: Memory, report: Report, *, afresh: bool
    ) -> None:
        self._client, self._maps, self._memory, self._report = client, tables, memory, report
        self.readable: dict[str, Readable] = {}
        self.unread: dict[str, str] = {}  # table -> why it cannot be read
        if afresh:
            memory.facts.clear()
            memory.metadata_refused = False
        for name in tables:
            self.look(name)

    def look(self, name: str, *, again: bool = False) -> Readable | None:
        """Find out how a table is read; `again`: its metadata are asked for anew.

        Raises:
            SourceRefused: it is the table of projects, and cannot be read.
        """
        table = self._maps[name]
        if again or name not in self._memory.facts:
            self._memory.facts[name] = self._asked(table)
        facts = self._memory.facts[name]
        self.readable.pop(name, None)
        if facts is None:
            self._absent(name, table)
        elif not facts.set:
            self._unread(
                name, f"{table.table}: the address of its rows is not known: let the application read metadata"
            )
        else:
            self._found(name, table, facts)
        return self.readable.get(name)

    def _asked(self, table: TableMap) -> Facts | None:
        if not self._memory.metadata_refused:
            try:
                return facts_of(self._client, table)
            except Answered as no:
                self._memory.metadata_refused = True
                self._report.decisions.append(f"metadata are not to be read ({no.status}): columns are tried out")
        return Facts(table.set, table.key)

    def _absent(self, name: str, table: TableMap) -> None:
        if not table.optional:
            self._unread(name, f"there is no table {table.table}: {name} unknown")

    def _found(self, name: str, table: TableMap, facts: Facts) -> None:
        found = readable_of(table, facts)
        for _, text in missing(table, found):
            self._report.degrade(text)
        if lacks := found.lacks_needed:
            self._unread(name, whole_table(table, lacks))
        else:
            self.readable[name] = found

    def _unread(self, name: str, text: str) -> None:
        if name == "project":
            raise SourceRefused(f"{self._client.host}: {text}: check 'preset:' and 'tables:'")
        self.unread[name] = text
        self._report.degrade(text)

    def columns(self) -> Mapping[str, list[str]]:
        """Return the columns that each map names: all that need be kept of the metadata."""
        return {name: sorted(set(_names(table))) for name, table in self._maps.items()}


def _names(table: TableMap) -> Iterator[str]:
    yield MODIFIED
    for column in table.columns:
        yield from (plain_name(one) for one in column.columns)
