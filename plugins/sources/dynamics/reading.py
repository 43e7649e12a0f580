"""One reading of an environment: which tables, each in the cheapest way that misses nothing (spec sources 3.6, 3.7)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import polars as pl

from pmo_watch.api import Records, SourceError, SourceRefused, SourceUnavailable, Summary

from .assembly import Assembly, Parts, Sent
from .client import Answered
from .image import Read
from .maps import ColumnMap, TableMap
from .memory import TableState, is_due
from .metadata import listed
from .report import Report
from .rows import prepared
from .schema import Schema
from .tables import Asking, TableReader, Unreadable
from .taken import Given, Taken, baselines_of, together
from .values import Rules, ScaleError


class SeesNothing(SourceRefused):
    """No project is to be seen where some are known: no row of the reading can be believed."""


FULL, DELTA, CHANGED = "full", "delta", "changed"
NEW_AT_ONCE = 40  # with more new projects, the tables that follow projects are read whole
WITHOUT_NAMES = ("assignment", "timesheet")  # large, and their persons have tables of their own
SMALL = ("currency", "bucket", "team", "baseline")  # figures for other rows: listed whole or by date of change
# What others are made of comes first.
ORDER = (
    "currency",
    "project",
    "user",
    "resource",
    "team",
    "baseline",
    "assignment",
    "task",
    "milestone",
    "bucket",
    "sprint",
)


class Reading:
    """Reads every table once and says what it came to."""

    def __init__(self, given: Given) -> None:
        self._given, self._settings, self._memory = given, given.settings, given.memory
        self._stored = given.stored
        self._now = given.context.now
        self._report = Report()
        if given.warning:
            self._report.degrade(given.warning)
        self._before = dict(given.memory.tables)
        self._taken = Taken()
        self._rules = Rules(
            given.zone, self._settings.placeholder_dates, self._settings.progress_scale, self._settings.duration_unit
        )

    def pieces(self) -> Iterator[Records | Summary]:
        """Yield the rows to send and the summary.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError: before the first project was read, and when no value of
                the reading can be believed.
        """
        self._identify()
        self._schedule()
        self._schema = Schema(self._given.client, self._given.tables, self._memory, self._report, afresh=self._full)
        fault = self._read_tables()
        sent = self._assembled(fault)
        for name, frame in sent.rows.items():
            yield Records(name, frame)
        yield self._summary(sent, fault)

    def _identify(self) -> None:
        """Make sure that it is the same environment as ever."""
        found = self._given.client.organisation()
        if self._memory.organisation and found != self._memory.organisation:
            raise SourceRefused(
                f"{self._given.client.host} is another environment than before (organisation {found}, not "
                f"{self._memory.organisation}): correct 'url:', or give the source another name"
            )
        self._memory.organisation = found

    def _schedule(self) -> None:
        memory, settings = self._memory, self._settings
        is_first = not memory.tables or not self._stored
        self._full = not memory.since and (
            is_first or settings.sync == FULL or is_due(memory.full_at, settings.full_every, self._now)
        )
        self._census = not memory.since and (self._full or is_due(memory.census_at, settings.census_every, self._now))
        if self._full:  # a table that is not read to its end now is read whole the next time
            memory.tables = {}

    # --- tables -----------------------------------------------------------------------------------------------------

    def _read_tables(self) -> SourceError | None:
        """Read table after table; return the fault that ended it, once projects were read."""
        names = sorted(self._schema.readable, key=lambda one: ORDER.index(one) if one in ORDER else len(ORDER))
        for name in names:
            try:
                if self._is_wanted(name):
                    self._read_table(name)
            except (ScaleError, SeesNothing):
                raise
            except SourceError as fault:
                if "project" not in self._taken.reads:
                    raise
                return fault
        return None

    def _is_wanted(self, name: str) -> bool:
        if name == "team":
            return "resource" not in self._taken.done  # all that is known of persons where resources are closed
        if name == "bucket":
            return any(
                "@bucket" in read.rows.columns and read.rows["@bucket"].null_count() < read.rows.height
                for read in self._taken.reads.get("task", {}).values()
            )
        if name == "currency" and not self._census:
            self._know_currencies(self._memory.currencies)
            return False
        return True

    def _read_table(self, name: str) -> None:
        reader = self._reader(name)
        try:
            self._in_its_way(name, reader)
        except Answered as no:
            self._denied(name, no)
            return
        except Unreadable as why:
            self._lose(name, str(why))
            return
        except SourceError:
            if reader.rows.pages:
                reader.flush()
                self._keep(name, reader, complete=False)
            raise
        self._keep(name, reader, complete=True)
        self._taken.done[name] = reader.state

    def _reader(self, name: str) -> TableReader:
        table = self._schema.readable[name]
        asking = Asking(
            self._settings.page_size,
            timedelta(minutes=self._settings.overlap_minutes),
            self._now,
            names=table.wants_names and not (name in WITHOUT_NAMES and "resource" in self._taken.done),
        )
        return TableReader(self._given.client, table, asking, self._rules, self._report)

    def _in_its_way(self, name: str, reader: TableReader) -> None:
        """Read whole, by delta link or by date of change, and what newly belongs here."""
        state, mode = self._memory.tables.get(name, TableState()), self._mode(name)
        if mode == FULL:
            reader.full()
            return
        if mode == CHANGED:
            reader.changed(self._memory.since or state.mark)
            self._count(name, reader)
        else:
            self._delta(name, reader, state)
        if name == "project" and not reader.rows.frames and not reader.rows.listed:
            self._look_at_any(reader)
        if not reader.rows.listed:
            self._of_new_projects(reader)

    def _look_at_any(self, reader: TableReader) -> None:
        """Make sure that no news of projects means that none changed, and not that none is shown any more."""
        stored = self._stored.get("project")
        if stored is not None and not self._memory.since and reader.rows.keys is None and not reader.shows_any():
            raise self._sees_nothing()

    def _delta(self, name: str, reader: TableReader, state: TableState) -> None:
        try:
            reader.delta(state.link)
        except Answered as no:
            if not (no.expired or no.status in {400, 404}):
                raise
            self._report.decisions.append(f"{reader.table.map.table}: its delta link is no longer known: read whole")
            if not no.expired:
                found = self._schema.look(name, again=True)
                if found is None:
                    raise Unreadable(self._schema.unread.get(name, str(no))) from None
                reader.use(found)
            reader.full()

    def _mode(self, name: str) -> str:
        """Return how a table is read; tables that become the same entity are read whole together."""
        table = self._schema.readable[name]
        modes = {self._own_mode(one) for one in self._family(name)}
        if FULL in modes or (
            self._taken.new_projects and len(self._taken.new_projects) > NEW_AT_ONCE and table.map.follows
        ):
            return FULL
        return self._own_mode(name)

    def _family(self, name: str) -> list[str]:
        entity = self._schema.readable[name].map.entity
        same = [one for one, table in self._schema.readable.items() if entity and table.map.entity == entity]
        return same or [name]

    def _own_mode(self, name: str) -> str:
        table, state = self._schema.readable[name], self._memory.tables.get(name, TableState())
        if self._memory.since:
            return CHANGED if table.has_modified and name not in SMALL else FULL
        if self._full or (name in SMALL and (self._census or name != "baseline")):
            return FULL
        if table.tracked and self._settings.sync in {"auto", "delta"} and state.link_at(self._now):
            return DELTA
        return CHANGED if state.mark and table.has_modified else FULL

    def _count(self, name: str, reader: TableReader) -> None:
        """Ask for the keys alone where it is time, or a filter decides what is there; fetch those not known yet."""
        table = reader.table
        if self._memory.since or not (self._census or table.map.filter) or len(self._family(name)) > 1:
            return
        stored = self._stored.get(table.map.entity)
        known = set() if stored is None else set(stored["key"])
        found = reader.census()
        if known and not found and name == "project":
            raise self._sees_nothing()
        read = {key for frame in reader.rows.frames for key in frame["key"]}
        if unknown := set(found) - known - read:
            reader.some(table.key, unknown)

    def _of_new_projects(self, reader: TableReader) -> None:
        """Fetch what follows projects that were not here before: their rows need not have changed."""
        follows = reader.table.map.column(reader.table.map.follows)
        if follows is not None and self._taken.new_projects and not self._memory.since:
            reader.some(reader.table.reads(follows.columns[0]), self._taken.new_projects)

    # --- what came of it --------------------------------------------------------------------------------------------

    def _keep(self, name: str, reader: TableReader, *, complete: bool) -> None:
        rows = reader.rows
        frame = pl.concat(rows.frames, how="diagonal") if rows.frames else reader.empty()
        self._given.context.progress(f"{reader.table.map.table}: {frame.height} rows")
        if name == "currency":
            self._know_currencies(dict(frame.select("key", "@code").drop_nulls().iter_rows()))
        elif name == "bucket":
            self._taken.buckets = dict(frame.select("key", "@name").drop_nulls().iter_rows())
        elif name == "baseline":
            self._taken.baselines = baselines_of(frame, rows.below, listed=rows.listed)
        else:
            self._keep_rows(name, reader.table.map, frame, reader, complete=complete)

    def _keep_rows(
        self, name: str, table: TableMap, frame: pl.DataFrame, reader: TableReader, *, complete: bool
    ) -> None:
        made = prepared(table, frame.unique("key", keep="last", maintain_order=True), self._addresses())
        entity = table.entity or "person"
        deleted = [*reader.rows.deleted, *made.dropped]
        rows = made.rows.filter(~pl.col("key").is_in(deleted))
        read = Read(rows, deleted, reader.rows.listed and complete, reader.rows.keys, complete)
        self._taken.reads.setdefault(entity, {})[name] = read
        if name == "project":
            self._judge_projects(read)

    def _judge_projects(self, read: Read) -> None:
        """See which projects are new; none at all, where some are stored, is no news but a lost right."""
        stored = self._stored.get("project")
        if stored is None or not read.complete or self._memory.since:
            return
        if read.listed and read.rows.is_empty():
            raise self._sees_nothing()
        self._taken.new_projects = frozenset(read.rows["key"]) - frozenset(stored["key"])

    def _sees_nothing(self) -> SeesNothing:
        return SeesNothing(
            f"{self._given.client.host}: the application user sees no project any more, where some are known: has its "
            "security role been taken away?"
        )

    def _addresses(self) -> Mapping[str, str]:
        """Return the e-mail addresses of users, as read now or stored."""
        read = self._taken.reads.get("person", {}).get("user")
        frames = [one for one in (self._stored.get("person"), read.rows if read else None) if one is not None]
        return {
            key: address
            for frame in frames
            if "email" in frame.columns
            for key, address in frame.select("key", "email").drop_nulls().iter_rows()
        }

    def _know_currencies(self, codes: Mapping[str, str]) -> None:
        """Take the codes of currencies; with amounts in the organisation's, one of them is everybody's."""
        self._memory.currencies = dict(codes)
        self._rules = replace(self._rules, currencies=self._memory.currencies)
        if self._settings.money == "base":
            self._base_currency()

    def _base_currency(self) -> None:
        if self._census:
            try:
                answer = self._given.client.get("organizations", {"$select": "_basecurrencyid_value"})
                found = listed(answer, "value", "_basecurrencyid_value")
                key = str(found[0]["_basecurrencyid_value"] or "").lower() if found else ""
                self._memory.base_currency = self._memory.currencies.get(key, "")
            except Answered as no:
                self._report.degrade(f"organization: not read ({no.status}): the base currency is unknown")
        code = self._memory.base_currency or None
        for name, table in self._schema.readable.items():
            if table.map.column("currency") is not None:
                said = (ColumnMap("currency", value=code),) if code else (ColumnMap("currency"),)
                self._schema.readable[name] = replace(table, map=table.map.with_columns(said))

    # --- what could not be read -------------------------------------------------------------------------------------

    def _denied(self, name: str, no: Answered) -> None:
        """Judge what a table answered instead of rows: a right or the table that lacks, or a question it refuses.

        Raises:
            SourceRefused: it is the table of projects, or what the settings ask is refused.
        """
        table = self._given.tables[name].table
        if no.status == 403:
            right = no.privilege or "the right to read it"
            text = f"{table}: not read: the application user lacks {right}: add it to its security role"
        elif no.status == 404:
            text = f"there is no table {table} any more: {name} unknown"
        else:
            raise SourceRefused(f"{table}: the server refuses the question: {no}: check 'filter:' and 'tables:'")
        if name == "project":
            raise SourceRefused(f"{self._given.client.host}: {text}")
        self._lose(name, text)

    def _lose(self, name: str, text: str) -> None:
        self._report.degrade(text)
        if name in self._before:  # it could be read before: its rows are not seen any more
            self._taken.lost[name] = text

    # --- the whole --------------------------------------------------------------------------------------------------

    def _assembled(self, fault: SourceError | None) -> Sent:
        taken = self._taken
        reads = {entity: together(tuple(tables.values())) for entity, tables in taken.reads.items()}
        tables = {name: one.map for name, one in self._schema.readable.items() if name in self._names_read()}
        whole = fault is None and not taken.lost
        parts = Parts(reads, tables, taken.baselines, taken.buckets, whole, frozenset(self._memory.again))
        return Assembly(self._settings, self._given.zone, self._stored, parts, self._report).sent()

    def _names_read(self) -> Collection[str]:
        return {name for tables in self._taken.reads.values() for name in tables}

    def _summary(self, sent: Sent, fault: SourceError | None) -> Summary:
        error = "; ".join([*([str(fault)] if fault else ()), *self._taken.lost.values()])
        return Summary(
            listed=False,
            whole=not error,
            as_of=self._now.astimezone(self._given.context.zone).date(),
            cursor=self._cursor(sent, whole=not error),
            rejected=self._report.rejected,
            lost_records=self._report.lost,
            degraded=self._report.degraded,
            error=error,
            cost=self._given.client.cost,
            decisions=self._report.decisions,
            census={} if self._memory.since else sent.census,
            deleted=sent.deleted,
            retry_after=fault.retry_after if isinstance(fault, SourceUnavailable) else 0,
        )

    def _cursor(self, sent: Sent, *, whole: bool) -> Mapping[str, object]:
        """Return what the next reading starts from: a table's state moves only when it was read to its end."""
        memory = self._memory
        if memory.since:
            return {}
        memory.again = sent.again if whole else sorted({*sent.again, *memory.again})
        memory.tables |= self._taken.done
        memory.tables |= {name: self._before[name] for name in self._taken.lost}
        if self._full:
            memory.full_at = self._now.isoformat()
        if whole and self._census:
            memory.census_at = self._now.isoformat()
        return memory.cursor(self._schema.columns())
