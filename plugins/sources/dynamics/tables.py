"""Reads one table: whole, what changed by link or by date, its keys alone, or the rows of some keys (spec 3.4, 3.7)."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pmo_watch.api import SourceDataError

from .client import Answered, Dataverse
from .memory import TableState
from .metadata import MODIFIED, Readable, missing, whole_table
from .report import Report
from .values import FORMATTED, Converter, Row, Rules, column_of

KEYS_AT_ONCE = 40  # in one filter: addresses may be long, but not endless
KEYS_PER_PAGE = 5000
ROWS_AT_ONCE = 8000  # made into columns together
MOST_LACKING = 20
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
STAMP = "%Y-%m-%dT%H:%M:%SZ"

Page = Mapping[str, Any]


class Unreadable(Exception):
    """The table cannot be read at all; the text says why."""


@dataclass(slots=True, eq=False)
class TableRows:
    """What was read of a table: frames of rows, and of the rows expanded below them with `@above`, their row's key.

    `deleted`: keys that the server says are gone. `listed`: every row that exists was read. `keys`: every key that
    exists, where only those were asked for.
    """

    frames: list[pl.DataFrame] = field(default_factory=list)
    below: list[pl.DataFrame] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    listed: bool = False
    keys: list[str] | None = None
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Asking:
    """How rows are asked for: page size, whether names are wanted, how far to look back, and the present moment."""

    page_size: int
    overlap: timedelta
    now: datetime
    names: bool = False


class TableReader:
    """Reads one table. Whatever was taken in before a fault is in `rows`; `state` moves only at the end."""

    def __init__(self, client: Dataverse, table: Readable, asking: Asking, rules: Rules, report: Report) -> None:
        self.table = table
        self.rows = TableRows()
        self.state = TableState()
        self._client, self._asking, self._rules, self._report = client, asking, rules, report
        self._waiting: list[Row] = []
        self._converters()

    def use(self, table: Readable) -> None:
        """Read the table as it turns out to be."""
        self.table = table
        self._restart()

    def flush(self) -> None:
        """Make columns of what has been taken in so far."""
        self._convert()

    def empty(self) -> pl.DataFrame:
        """Return no rows, with the columns that rows would have."""
        return self._above.frame([], [])

    def _converters(self) -> None:
        self._above = Converter(self.table, self._rules, self._report)
        self._below = Converter(self.table, self._rules, self._report, below=True)
        self._selected = self.table.select().split(",")

    # --- ways to read -----------------------------------------------------------------------------------------------

    def full(self) -> None:
        """Read every row; where the table tracks changes, with a link for the next time."""
        self._restart()
        if self.table.tracked:
            self._full_with_link()
        if not self.table.tracked:
            newest = self._newest()
            if newest is not None:
                first = lambda: self._first({"$orderby": f"{self.table.key} asc"})  # noqa: E731  # given to others
                self._take(self._pages(first, again=self._restart))
            self.state = TableState(mark=newest or "")
        self.rows.listed = True

    def _full_with_link(self) -> None:
        tracking = self._prefer(track=True)
        try:
            self._take(
                self._pages(
                    lambda: self._first({}, track=True),
                    lambda link: self._client.follow(link, tracking),
                    again=self._restart,
                )
            )
            self._close_gap()
        except Answered as no:
            if not no.no_tracking:
                raise
            self._report.decisions.append(f"{self.table.map.table} tracks no changes: read by date of change")
            self.table = replace(self.table, tracked=False)
            self._restart()

    def _newest(self) -> str | None:
        """Return the moment of the last change: what is changed while pages are read is read again next time.

        None where there is no row at all, empty where no column says it.
        """
        if not self.table.has_modified:
            return ""
        asked = self._with_filter({"$select": MODIFIED, "$orderby": f"{MODIFIED} desc", "$top": "1"})
        try:
            rows = self._values(self._client.get(self.table.set, asked))
        except Answered as no:
            if no.unknown_column != MODIFIED:
                raise
            self._drop(MODIFIED)
            return ""
        self.rows.pages += 1
        return str(rows[0].get(MODIFIED) or "") if rows else None

    def _close_gap(self) -> None:
        """Ask at once for what changed while the table was read: a gap shows now and not next time."""
        if self.state.link:
            self.delta(self.state.link)

    def delta(self, link: str) -> None:
        """Read what changed since a link was given.

        Raises:
            Answered: with `expired`, when the server no longer knows it.
        """
        self._take(self._pages(lambda: self._follow(link)), delta=True)

    def changed(self, mark: str) -> None:
        """Read what changed since a moment, by the server's own clock."""
        since = datetime.fromisoformat(mark) - self._asking.overlap
        self.state = TableState(mark=mark)
        more = {
            "$filter": f"{MODIFIED} ge {since.astimezone(UTC).strftime(STAMP)}",
            "$orderby": f"{MODIFIED} asc,{self.table.key} asc",
        }
        self._take(self._pages(lambda: self._first(more)))

    def shows_any(self) -> bool:
        """Say whether there is any row to be seen: no news may also mean that nothing is shown any more."""
        asked = self._with_filter({"$select": self.table.key, "$top": "1"})
        return bool(self._values(self._client.get(self.table.set, asked)))

    def census(self) -> list[str]:
        """Return the key of every row that exists, and nothing else of it."""
        asked = {"$select": self.table.key, "$orderby": f"{self.table.key} asc"}
        if self.table.map.filter:
            asked["$filter"] = self.table.map.filter
        prefer = f"odata.maxpagesize={KEYS_PER_PAGE}"
        pages = self._pages(
            lambda: self._client.get(self.table.set, asked, prefer), lambda link: self._client.follow(link, prefer)
        )
        self.rows.keys = [key for page in pages for row in self._values(page) if (key := self._key(row))]
        return self.rows.keys

    def some(self, column: str, values: Collection[str]) -> None:
        """Read the rows in which a key or lookup is one of these."""
        names = sorted(values)
        for at in range(0, len(names), KEYS_AT_ONCE):
            wanted = " or ".join(f"{column} eq {one}" for one in names[at : at + KEYS_AT_ONCE])
            more = {"$filter": wanted, "$orderby": f"{self.table.key} asc"}
            self._take(self._pages(lambda more=more: self._first(more)))  # type: ignore[misc]  # bound at once

    # --- pages ------------------------------------------------------------------------------------------------------

    def _prefer(self, *, track: bool = False) -> str:
        parts = [f"odata.maxpagesize={self._asking.page_size}"]
        if track:
            parts.insert(0, "odata.track-changes")
        if self._asking.names:
            parts.append(f'odata.include-annotations="{FORMATTED[1:]}"')
        return ",".join(parts)

    def _first(self, more: Mapping[str, str], *, track: bool = False) -> Page:
        """Ask for the first page, without the columns that the server turns out to lack."""
        for _ in range(MOST_LACKING):
            asked = {"$select": ",".join(self._selected), **self._with_filter(more)}
            if expansion := self.table.expansion():
                asked["$expand"] = expansion
            try:
                return self._client.get(self.table.set, asked, self._prefer(track=track))
            except Answered as no:
                if not no.unknown_column:
                    raise
                self._drop(no.unknown_column)
        raise Unreadable(f"{self.table.map.table}: more than {MOST_LACKING} columns of the map are not there")

    def _with_filter(self, more: Mapping[str, str]) -> Mapping[str, str]:
        own, other = self.table.map.filter, more.get("$filter", "")
        both = f"({own}) and ({other})" if own and other else own or other
        return {**more, "$filter": both} if both else more

    def _drop(self, column: str) -> None:
        before = self.table
        self.table = before.without(column)
        for _, text in missing(before.map, self.table):
            self._report.degrade(text)
        if lacks := self.table.lacks_needed:
            raise Unreadable(whole_table(before.map, lacks))
        if self.table.select().split(",") == self._selected:
            raise Unreadable(f"{before.map.table} has no {column}, which is not asked for: is 'api_version:' right?")
        self._converters()

    def _follow(self, link: str) -> Page:
        return self._client.follow(link, self._prefer())

    def _pages(
        self,
        first: Callable[[], Page],
        follow: Callable[[str], Page] | None = None,
        again: Callable[[], None] = lambda: None,
    ) -> Iterator[Page]:
        """Yield every page; once, the table is started again when the server has forgotten where we are.

        `again`: called before that, to let go of what was taken in.
        """
        page, last, restarted = first(), "", False
        while True:
            yield page
            link = page.get("@odata.nextLink")
            if not link:
                return
            if not isinstance(link, str) or link == last:
                raise SourceDataError(f"{self.table.map.table}: the link to the next page leads to the same page")
            last = link
            try:
                page = (follow or self._follow)(link)
            except Answered as no:
                if no.status != 400 or restarted:
                    raise
                restarted = True
                again()
                page, last = first(), ""

    def _values(self, page: Page) -> Sequence[Row]:
        values = page.get("value")
        if not isinstance(values, list):
            raise SourceDataError(f"{self.table.map.table}: an answer holds no list of rows")
        return [one for one in values if isinstance(one, dict)]

    # --- rows -------------------------------------------------------------------------------------------------------

    def _restart(self) -> None:
        self.rows, self._waiting, self.state = TableRows(), [], TableState()
        self._converters()

    def _take(self, pages: Iterator[Page], *, delta: bool = False) -> None:
        """Take in page after page; rows become columns some thousand at a time."""
        partly: list[str] = []
        link = ""
        for page in pages:
            self.rows.pages += 1
            rows = self._values(page)
            self._waiting += self._changes(rows, partly) if delta else rows
            link = str(page.get("@odata.deltaLink") or "")
            if len(self._waiting) >= ROWS_AT_ONCE:
                self._convert()
        self._convert()
        if partly:  # a change may name only what changed: the rest of the row must not be taken for empty
            self.some(self.table.key, {one for one in partly if one})
        if link:
            self._client.check(link)
            self.state = TableState(link, self._asking.now.isoformat())

    def _changes(self, rows: Sequence[Row], partly: list[str]) -> Iterator[Row]:
        """Yield rows that changed; note what was deleted, and the keys of rows that came without some columns."""
        for row in rows:
            if _is_deleted(row, self.table.key):
                self.rows.deleted.append(_guid(str(row["id"])))
            elif any(name not in row for name in self._selected):
                partly.append(self._key(row))
            else:
                yield row

    def _convert(self) -> None:
        """Make columns of the rows that wait."""
        rows, self._waiting = self._waiting, []
        keys = column_of(rows, self.table.key)
        if set(map(type, keys)) != {str} or not all(keys):
            rows = [row for row in rows if self._key(row)]
            keys = [self._key(row) for row in rows]
        if not rows:
            return
        self.rows.frames.append(self._above.frame(rows, keys))
        if not self.table.tracked and self.table.has_modified:
            newest = max((one for one in column_of(rows, MODIFIED) if isinstance(one, str)), default="")
            self.state = TableState(mark=max(newest, self.state.mark))
        if self.table.map.expand:
            self._convert_below(list(zip(self.rows.frames[-1]["key"], rows, strict=True)))

    def _convert_below(self, keyed: Sequence[tuple[str, Row]]) -> None:
        name = self.table.map.expand
        pairs = [(key, one) for key, row in keyed for one in self._all_below(row, name)]
        if pairs:
            frame = self._below.frame([one for _, one in pairs], [""] * len(pairs))
            above = pl.Series("@above", [key for key, _ in pairs], dtype=pl.String)
            self.rows.below.append(frame.drop("key").with_columns(above))

    def _all_below(self, row: Row, name: str) -> Iterator[Row]:
        """Yield the rows of a collection; it has pages of its own."""
        held = row.get(name)
        yield from (one for one in held if isinstance(one, dict)) if isinstance(held, list) else ()
        if link := row.get(f"{name}@odata.nextLink"):
            for page in self._pages(lambda: self._follow(str(link))):
                yield from self._values(page)

    def _key(self, row: Row) -> str:
        """Return the row's key, lower case; empty where there is none, which is reported."""
        key = row.get(self.table.key)
        if isinstance(key, str) and key:
            return key.strip("{}").lower()
        self._report.record(self.table.map.table, self.table.key, f"a row without {self.table.key}")
        return ""


def _is_deleted(row: Row, key: str) -> bool:
    return "reason" in row and "id" in row and key not in row


def _guid(text: str) -> str:
    found = GUID.findall(text)
    return found[-1].lower() if found else text
