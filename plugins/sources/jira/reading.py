"""One reading: what is asked, in which order, and what it leaves behind (spec sources 2.9)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pmo_watch.api import Cursor, Records, SourceContext, SourceDataError, SourceError, SourceRefused, Summary

from .assembly import Assembly
from .boards import Board, BoardReader, points_fields, spans
from .client import Client, Refusal
from .fields import find_fields
from .found import Found
from .gathering import Gathering
from .issues import Site
from .memory import Memory, Recalled, flavour_of, is_due, mark_of, milliseconds, moment_of, remembered, since_of
from .people import People
from .projects import list_projects, list_versions
from .queries import bracketed, updated_since
from .report import Report
from .search import ids
from .settings import Settings
from .values import account_of
from .words import Vocabulary
from .worklogs import WorkLogs, read_worklogs


class LostSight(SourceRefused):
    """No issue is left of those that are stored."""


class Reading:
    """Reads once. `recalled`: the source's own rows as stored."""

    def __init__(self, client: Client, settings: Settings, context: SourceContext, recalled: Recalled) -> None:
        self._client, self._settings, self._context, self._recalled = client, settings, context, recalled
        self._report = Report()
        self._zone: tzinfo | None = None

    def records(self, cursor: Cursor | None) -> Iterator[Records | Summary]:
        """Yield the rows, and the summary last.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        account = self._client.begin(flavour_of(cursor, self._settings))
        before = remembered(cursor, mark_of(self._settings, account_of(account) or ""))
        self._zone = self._profile_zone(account)
        if warning := self._settings.token_warning(self._context.now.astimezone(self._context.zone).date()):
            self._report.degrade(warning)
        since = since_of(cursor)
        now = self._context.now
        full = since is None and self._is_full(before, now)
        refresh = full or since is not None or is_due(before.census_at, self._settings.census_every, now)
        memory = self._learned(before, refresh=refresh)
        site = self._site(memory, refresh=refresh)
        found = self._gather(memory, site, since, full=full, refresh=refresh)
        if found.gathered.trouble is None:
            self._look_around(found, memory, site, counting=refresh and since is None)
        memory.categories = site.vocabulary.categories
        assembly = Assembly(found, self._recalled, site, self._context)
        for entity, frame in assembly.frames.items():
            if frame.height:
                yield Records(entity, frame)
        yield self._summary(found, assembly, memory, before, since)

    # --- before anything is searched ------------------------------------------------------------------------------

    def _profile_zone(self, account: Mapping[str, Any]) -> tzinfo | None:
        """Return the zone in which the server reads local times; None where queries hold milliseconds."""
        if self._settings.time_literal == "epoch":
            return None
        name = account.get("timeZone")
        try:
            return ZoneInfo(str(name))
        except (ZoneInfoNotFoundError, ValueError):
            raise SourceDataError(f"myself: '{name}' is no time zone: set 'time_literal: epoch'") from None

    def _is_full(self, memory: Memory, now: datetime) -> bool:
        if memory.watermark is None:
            return True
        return not memory.resume and is_due(memory.full_at, self._settings.full_every, now)

    def _learned(self, before: Memory, *, refresh: bool) -> Memory:
        """Return a memory for the next reading, with the fields and statuses of the server."""
        memory = before.copy()
        memory.url, memory.flavour = self._settings.url, self._client.flavour
        if memory.fields is None or refresh:
            raw = self._client.get(f"{self._client.api}/field")
            if not isinstance(raw, list):
                raise SourceDataError(f"{self._client.api}/field: its answer is no list")
            memory.fields, missing = find_fields(raw, self._settings, before.fields)
            for text in missing:
                self._report.degrade(text)
        if memory.horizon is None:
            memory.horizon = milliseconds(self._context.now - timedelta(days=self._settings.history_days))
        return memory

    def _site(self, memory: Memory, *, refresh: bool) -> Site:
        assert memory.fields is not None
        vocabulary = Vocabulary(self._settings.maps, memory.categories)
        if refresh or not memory.categories:
            vocabulary.learn(self._client.get(f"{self._client.api}/status"))
        people = People(self._settings.people)
        return Site(self._settings, memory.fields, vocabulary, people, self._report, self._context.zone)

    # --- issues ---------------------------------------------------------------------------------------------------

    def _gather(self, memory: Memory, site: Site, since: datetime | None, *, full: bool, refresh: bool) -> Found:
        start = None if full else since or self._start(memory)
        known = self._recalled.updated_after(start) if start is not None and since is None else {}
        assert memory.horizon is not None
        gathered = Gathering(self._client, site, memory.horizon, known, self._context.progress)
        gathered.read(self._from(start), self._from)
        return Found(gathered, full, refresh, memory.points, memory.begins, memory.owed, memory.horizon)

    def _start(self, memory: Memory) -> datetime:
        return moment_of(memory.watermark or 0) - timedelta(minutes=self._settings.overlap_minutes)

    def _from(self, start: datetime | None) -> str:
        return bracketed(self._settings.jql, updated_since(start, self._zone) if start is not None else "")

    # --- everything else ------------------------------------------------------------------------------------------

    def _look_around(self, found: Found, memory: Memory, site: Site, *, counting: bool) -> None:
        """Ask for what no change of an issue tells; an error from here on makes the reading partial.

        Raises:
            SourceRefused: no issue is left of those that are stored.
        """
        try:
            if counting:
                self._take_census(found)
            if self._settings.milestones.jql:
                found.milestones = set(ids(self._client, self._from_milestones()))
            projects = self._projects(found, site)
            found.versions, found.versions_whole = list_versions(self._client, projects, self._report)
            self._delivery(found, memory, site, projects)
            if self._settings.timesheets:
                found.worklogs = self._worklogs(memory, full=found.full)
        except LostSight:
            raise
        except SourceError as fault:
            found.gathered.trouble = fault

    def _take_census(self, found: Found) -> None:
        """Compare the ids of all issues, and read those that are stored nowhere.

        Raises:
            LostSight, SourceError
        """
        stored = set().union(*self._recalled.issues().values())
        census = ids(self._client, bracketed(self._settings.jql))
        if not census and stored:
            raise LostSight("the account sees no issue any more: permission? Nothing is taken as missing")
        found.gathered.read_ids([one for one in census if one not in stored and one not in found.gathered.came])
        found.census = census

    def _from_milestones(self) -> str:
        return bracketed(self._settings.jql, f"({self._settings.milestones.jql})")

    def _projects(self, found: Found, site: Site) -> dict[str, str]:
        """Return id -> key of the projects whose issues are read; look for them where that is due or one is new."""
        stored = self._recalled.frame("project")
        known = dict(stored.select("key", "code").iter_rows())
        wanted = {*site.projects} | set(self._recalled.frame("task")["project"].drop_nulls())
        if found.refreshed or wanted - set(known):
            found.projects = [one for one in list_projects(self._client) if str(one.get("id")) in wanted]
            seen = {str(one["id"]) for one in found.projects}
            found.projects += [one for number, one in site.projects.items() if number not in seen]
            known |= {str(one["id"]): str(one.get("key") or one["id"]) for one in found.projects}
        return {number: known[number] for number in sorted(wanted) if number in known}

    def _delivery(self, found: Found, memory: Memory, site: Site, projects: Mapping[str, str]) -> None:
        if self._settings.boards == "none":
            return
        reader = BoardReader(self._client, self._settings, self._report)
        if found.refreshed:
            reader.discover(projects)
            found.points = memory.points = points_fields(reader.found.boards.values())
        else:
            reader.found.boards = self._known_boards(memory)
        reader.sprints(whole=found.refreshed)
        reader.add_seen(site.sprints)
        found.delivery = reader.found
        found.spans = spans(found.delivery.sprints.values(), self._context.now, self._settings.sprint_grace)
        memory.closed = {one.id: one.closed for one in found.delivery.boards.values()}
        active = [one.id for one in found.delivery.sprints.values() if one.state == "active"]
        memory.begins = {one: found.spans[one].begin // 1_000 for one in active if one in found.spans}

    def _known_boards(self, memory: Memory) -> dict[str, Board]:
        rows = self._recalled.frame("board").select("key", "name", "type", "project")
        made = (Board(key, name, kind, projects or []) for key, name, kind, projects in rows.iter_rows())
        boards = {one.id: one for one in made}
        for one in boards.values():
            one.closed = memory.closed.get(one.id, 0)
        return boards

    def _worklogs(self, memory: Memory, *, full: bool) -> WorkLogs | None:
        start = memory.horizon if full or memory.worklogs is None else memory.worklogs
        try:
            logs = read_worklogs(self._client, start or 0)
        except Refusal as fault:
            if fault.status not in {403, 404}:
                raise
            self._report.degrade(f"work logs cannot be read: {fault}")
            return None
        memory.worklogs = logs.until
        return logs

    # --- the account ----------------------------------------------------------------------------------------------

    def _summary(
        self, found: Found, assembly: Assembly, memory: Memory, before: Memory, since: datetime | None
    ) -> Summary:
        trouble = found.gathered.trouble
        if since is not None:
            after = before
        elif trouble is None:
            after = self._moved_on(found, memory)
        else:
            after = self._broken_off(found, memory, before)
        return Summary(
            listed=found.full,
            whole=trouble is None,
            as_of=self._context.now.astimezone(self._context.zone).date(),
            cursor=after.as_json(),
            rejected=tuple(self._report.rejected),
            lost_records=self._report.lost,
            degraded=self._report.degraded,
            error=str(trouble) if trouble is not None else "",
            cost=self._client.cost,
            decisions=self._report.decisions,
            census=assembly.census,
            deleted=assembly.deleted,
            retry_after=getattr(trouble, "retry_after", 0),
        )

    def _moved_on(self, found: Found, memory: Memory) -> Memory:
        """Return what a reading leaves behind that came to its end."""
        now = self._context.now
        memory.watermark = self._watermark(found, memory)
        if found.full or (memory.resume and found.census is not None):
            memory.full_at, memory.resume = now, False
        if found.census is not None:
            memory.census_at = now
        memory.owed = False
        return memory

    def _watermark(self, found: Found, memory: Memory) -> int:
        reached = found.gathered.watermark
        return max(reached or 0, memory.watermark or 0)

    def _broken_off(self, found: Found, memory: Memory, before: Memory) -> Memory:
        """Return what a broken reading leaves behind: on Cloud, where pages come by time, it goes on from there."""
        after = before.copy()
        after.url, after.flavour, after.fields = memory.url, memory.flavour, memory.fields
        after.horizon, after.categories = memory.horizon, memory.categories
        if self._client.is_cloud and found.gathered.watermark is not None:
            after.watermark = found.gathered.watermark
            after.resume = before.resume or found.full
            after.owed = True
        return after
