"""Searches issues and turns them into rows, many at a time; what is read twice counts once (spec sources 2.9)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from pmo_watch.api import SourceError, SourceUnavailable

from .changes import Changes, Meanings, embedded, fetch
from .client import Client
from .columns import Columns
from .fields import names_of
from .issues import Batch, Intake, ProjectWord, Site, sound
from .links import Link
from .memory import milliseconds, moment_of
from .queries import BY_KEY, LIST_AT_ONCE, UPDATED, in_order, of_ids
from .report import Report
from .search import Page, Query, TokenLost, search
from .values import instant_of

AT_ONCE = 2_000
Issue = dict[str, Any]


class Gathering:
    """The issues of one reading. `known`: id -> last change, of stored issues that may come again unchanged.

    `progress` is told how many issues there are so far.
    """

    def __init__(
        self,
        client: Client,
        site: Site,
        horizon: int,
        known: Mapping[str, datetime],
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client, self._site, self._horizon, self._known = client, site, horizon, known
        self._progress = progress
        self._pending, self._pending_changes = Intake(site), Changes(Meanings.of(site.fields), site.report)
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
            self._add(page.issues)
            if len(self._pending) >= AT_ONCE:
                self._take()

    def _learn_names(self, page: Page) -> None:
        """Take in what fields are called now: changes on Data Center name them, and names change."""
        names = page.names
        if not names and page.issues and not (self._client.is_cloud or self._named):
            names = names_of(self._client.get(f"{self._client.api}/field"))
        self._named = self._named or bool(names)
        self._site.fields.rename(names)
        self._pending_changes.meanings = Meanings.of(self._site.fields)

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
        self._take()

    def _finish(self) -> None:
        """Take in what came last; when even that fails, it counts as not read."""
        try:
            self._take()
        except SourceError as fault:
            self.trouble = self.trouble or fault
        if self.trouble is not None and not self._batches:
            raise self.trouble

    # --- taking in ------------------------------------------------------------------------------------------------

    def _fresh(self, issues: Sequence[Any]) -> Iterator[Issue]:
        """Yield the issues of a page that say something new."""
        for one in sound(issues, self._site.report):
            number, updated = str(one["id"]), str(one["fields"].get("updated"))
            if self._updated.get(number) == updated:
                continue
            self._updated[number] = updated
            if number not in self._known or self._known[number] != _instant(updated):
                yield one

    def _add(self, issues: Sequence[Any]) -> None:
        """Take the issues of a page apart; their changes, where the server puts them there, as well."""
        self.came.update(str(one["id"]) for one in issues if type(one) is dict and "id" in one)
        fresh = list(self._fresh(issues))
        self._pending.add(fresh)
        if not self._client.is_cloud:
            for one in fresh:
                embedded(one, self._pending_changes)

    def _greatest(self) -> datetime | None:
        """Return the greatest `updated` of all that came."""
        moments = [found for one in self._updated.values() if (found := _instant(one))]
        return max(moments, default=None)

    def _take(self) -> None:
        """Turn what is pending into rows, with their changes; when these cannot be read, it counts as not read."""
        pending, changes = self._pending, self._pending_changes
        self._pending, self._pending_changes = Intake(self._site), self._no_changes()
        if not len(pending):
            return
        tasks, ids = pending.tasks(), list(dict.fromkeys(pending.keys()))
        if self._client.is_cloud:
            ids = self._recent(ids)
            fetch(self._client, ids, self._site.fields, changes)
        self.traced.update(ids)
        found = changes.frame()
        batch, number = pending.batch(tasks, found), len(self._batches)
        self._batches.append(batch)
        self._changes.append(found)
        self._newest |= dict.fromkeys(pending.keys(), number)
        self._reach(batch)
        self._progress(f"{len(self._newest)} issues")

    def _no_changes(self) -> Changes:
        return Changes(Meanings.of(self._site.fields), self._site.report)

    def _recent(self, ids: Sequence[str]) -> list[str]:
        """Return the issues that were changed within the time whose changes are read."""
        moments = pl.DataFrame(
            {"key": ids, "updated": [self._updated[one] for one in ids]}, {"key": pl.String, "updated": pl.String}
        )
        known = Columns(ids, "issue ", Report(), self._site.zone).instants("updated", moments["updated"].to_list())
        return moments.filter((known >= moment_of(self._horizon)) | known.is_null())["key"].to_list()

    def _reach(self, batch: Batch) -> None:
        """Move the watermark to the greatest `updated` of a batch."""
        greatest = (frame["updated_at"].max() for frame in batch.frames.values() if "updated_at" in frame.columns)
        moments = [milliseconds(one) for one in greatest if isinstance(one, datetime)]
        self.watermark = max([self.watermark or 0, *moments]) or None

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
