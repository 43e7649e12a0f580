"""Searches issues and turns them into rows, a thousand at a time; what is read twice counts once (spec sources 2.9)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from pmo_watch.api import SourceError, SourceUnavailable

from .changes import Changes, Meanings, embedded, fetch
from .client import Client
from .fields import names_of
from .issues import Batch, ProjectWord, Site, batch_of, sound
from .links import Link
from .memory import milliseconds, moment_of
from .queries import BY_KEY, LIST_AT_ONCE, UPDATED, in_order, of_ids
from .search import Page, Query, TokenLost, search
from .values import instant_of

AT_ONCE = 1_000
Issue = dict[str, Any]


class Gathering:
    """The issues of one reading. `known`: id -> last change, of stored issues that may come again unchanged."""

    def __init__(self, client: Client, site: Site, horizon: int, known: Mapping[str, datetime]) -> None:
        self._client, self._site, self._horizon, self._known = client, site, horizon, known
        self._pending: list[Issue] = []
        self._batches: list[Batch] = []
        self._changes: list[pl.DataFrame] = []
        self._newest: dict[str, int] = {}  # id -> number of the batch that holds its newest state
        self._updated: dict[str, str] = {}  # id -> `updated` as it came
        self.traced: set[str] = set()  # ids whose changes were fetched
        self.watermark: int | None = None  # greatest `updated` of the issues taken in
        self.trouble: SourceError | None = None
        self.pages = 0
        self.came: set[str] = set()  # ids of all that came, even of what could not be read
        self._named = False

    @property
    def ids(self) -> set[str]:
        """The issues taken in."""
        return set(self._newest)

    # --- searching ------------------------------------------------------------------------------------------------

    def read(self, jql: str, again: Callable[[datetime], str]) -> None:
        """Take in the issues of a query; an error after the first page is kept in `trouble`.

        `again`: makes the same query from a moment on, for when the server forgets where we were.

        Raises:
            SourceError: on the first page.
        """
        try:
            self._read_all(jql, again)
        except SourceError as fault:
            if not self.pages:
                raise
            self.trouble = fault
        self._finish()

    def _read_all(self, jql: str, again: Callable[[datetime], str]) -> None:
        try:
            self._read_pages(jql)
        except TokenLost:
            from_here = self._greatest()
            try:
                self._read_pages(jql if from_here is None else again(from_here))
            except TokenLost:
                raise SourceUnavailable(
                    "Jira forgot twice which page comes next: read again in the next cycle"
                ) from None

    def _read_pages(self, jql: str) -> None:
        for page in search(self._client, self._query(jql)):
            self.pages += 1
            self._learn_names(page)
            for warning in page.warnings:
                self._site.report.degrade(f"Jira warns: {warning}")
            self._pending += self._fresh(page.issues)
            while len(self._pending) >= AT_ONCE:
                self._take(self._pending[:AT_ONCE])
                del self._pending[:AT_ONCE]

    def _learn_names(self, page: Page) -> None:
        """Take in what fields are called now: changes on Data Center name them, and names change."""
        names = page.names
        if not names and page.issues and not (self._client.is_cloud or self._named):
            names = names_of(self._client.get(f"{self._client.api}/field"))
        self._named = self._named or bool(names)
        self._site.fields.rename(names)

    def _query(self, jql: str) -> Query:
        is_cloud = self._client.is_cloud
        wanted = self._site.fields.asked(*(["description"] if self._site.settings.registers else []))
        order, expand = (UPDATED, ()) if is_cloud else (BY_KEY, ("changelog", "names"))
        return Query(in_order(jql, order), wanted, self._site.settings.page_size, expand)

    def read_ids(self, ids: Sequence[str]) -> None:
        """Take in issues by their ids.

        Raises:
            SourceError
        """
        for start in range(0, len(ids), LIST_AT_ONCE):
            try:
                self._read_pages(of_ids(ids[start : start + LIST_AT_ONCE]))
            except TokenLost:
                raise SourceUnavailable("Jira forgot which page comes next: read again in the next cycle") from None
        self._take(self._pending)
        self._pending = []

    def _finish(self) -> None:
        """Take in what came last; when even that fails, it counts as not read."""
        try:
            self._take(self._pending)
        except SourceError as fault:
            self.trouble = self.trouble or fault
        self._pending = []
        if self.trouble is not None and not self._batches:
            raise self.trouble

    # --- taking in ------------------------------------------------------------------------------------------------

    def _fresh(self, issues: Sequence[Any]) -> Iterator[Issue]:
        """Yield the issues of a page that say something new."""
        self.came.update(str(one["id"]) for one in issues if isinstance(one, dict) and "id" in one)
        for one in sound(issues, self._site.report):
            number, updated = str(one["id"]), str(one["fields"].get("updated"))
            if self._updated.get(number) == updated:
                continue
            self._updated[number] = updated
            if number not in self._known or self._known[number] != _instant(updated):
                yield one
            else:
                self._reach(one)

    def _greatest(self) -> datetime | None:
        """Return the greatest `updated` of all that came."""
        moments = [found for one in self._pending if (found := _instant(one["fields"].get("updated")))]
        moments += [moment_of(self.watermark)] if self.watermark is not None else []
        return max(moments, default=None)

    def _reach(self, issue: Issue) -> None:
        moment = _instant(issue["fields"].get("updated"))
        if moment is not None:
            self.watermark = max(self.watermark or 0, milliseconds(moment))

    def _take(self, issues: Sequence[Issue]) -> None:
        """Turn issues into rows, with their changes."""
        newest = {str(one["id"]): one for one in issues}  # the later state counts
        if not newest:
            return
        changes = self._changes_of(list(newest.values()))
        number = len(self._batches)
        self._batches.append(batch_of(list(newest.values()), changes, self._site))
        self._changes.append(changes)
        for key, issue in newest.items():
            self._newest[key] = number
            self._reach(issue)

    def _changes_of(self, issues: Sequence[Issue]) -> pl.DataFrame:
        found = Changes(Meanings.of(self._site.fields), self._site.report)
        if self._client.is_cloud:
            wanted = [str(one["id"]) for one in issues if self._is_recent(one)]
            self.traced.update(wanted)
            fetch(self._client, wanted, self._site.fields, found)
        else:
            for one in issues:
                embedded(one, found)
            self.traced.update(str(one["id"]) for one in issues)
        return found.frame()

    def _is_recent(self, issue: Issue) -> bool:
        moment = _instant(issue["fields"].get("updated"))
        return moment is None or milliseconds(moment) >= self._horizon

    # --- what was read --------------------------------------------------------------------------------------------

    def frame(self, entity: str) -> pl.DataFrame | None:
        """Return the rows of an entity, of each issue its newest state; None when there is none."""
        parts = []
        for number, batch in enumerate(self._batches):
            part = batch.frames.get(entity)
            if part is not None and part.height:
                old = [key for key in part["key"] if self._newest[key] != number]
                parts.append(part.filter(~pl.col("key").is_in(old)) if old else part)
        return pl.concat(parts, how="diagonal") if parts else None

    def changes(self) -> pl.DataFrame:
        """Return the changes of the issues that were taken in."""
        parts = self._changes or [Changes(Meanings({}, {}), self._site.report).frame()]
        return pl.concat(parts).unique("key", keep="last", maintain_order=True)

    def links(self) -> Iterator[Link]:
        """Yield what blocks what, as the newest states say it."""
        for number, batch in enumerate(self._batches):
            yield from (link for issue, link in batch.links if self._newest[issue] == number)

    def of_projects(self) -> dict[str, list[ProjectWord]]:
        """Return field -> what issues say of it for their projects."""
        found: dict[str, list[ProjectWord]] = {}
        for batch in self._batches:
            for name, said in batch.of_projects.items():
                found.setdefault(name, []).extend(said)
        return found


def _instant(value: Any) -> datetime | None:
    try:
        return instant_of(value)
    except (ValueError, OverflowError, OSError):
        return None
