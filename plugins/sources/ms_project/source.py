"""Reads a folder of plans: which files are new, which stay as they are, which is the newest state of a plan."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from pmo_watch.api import (
    Cursor,
    FoundFile,
    Listing,
    PastState,
    Records,
    Rejected,
    SourceContext,
    SourceDataError,
    SourceRefused,
    SourceUnavailable,
    Summary,
    digest,
    finished,
    list_files,
    still_as_found,
    watched_path,
)

from .conversion import FileFacts, Place
from .memory import KnownFile, KnownPlan, Memory
from .naming import Naming, name_plans, naming_of, naming_words
from .openings import repaired
from .parse import NotWellFormed, Plan, Wish, read_plan
from .records import FileRecords, records_of
from .settings import Settings

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file whose plan is known: read before with the same bytes, or only its beginning so far."""

    file: FoundFile
    digest: str
    plan: str
    naming: Naming | None = None
    is_unchanged: bool = False

    @property
    def part(self) -> str:
        """Its name below the folder."""
        return self.file.part


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """A state of a plan for the history; `of` is the file of its present state. `made`: its records where known."""

    seen: _Seen
    of: str
    made: FileRecords | None = None

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromtimestamp(self.seen.file.modified_seconds, UTC)


@dataclass(slots=True, eq=False)
class _Account:
    """What became of each file, for the summary."""

    bad: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # waiting, and waiting will not help
    unchanged: list[str] = field(default_factory=list)
    read: list[FoundFile] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    past: list["_Past"] = field(default_factory=list)
    lost: int = 0

    def trouble(self) -> str:
        """Say in words which files could not be read."""
        return "; ".join([*self.bad.values(), *self.waiting.values()])

    def take(self, file: FoundFile, made: FileRecords) -> None:
        """Add what a file gave."""
        self.read.append(file)
        self.rejected += made.rejected
        self.notes += made.notes
        if made.chosen:
            self.decisions.append(f"{file.part}: {made.chosen} identifies the rows")
        self.lost += made.lost


class PlanFiles:
    """The plans that a path means, as a source. `pause` waits for files still being written."""

    def __init__(
        self, settings: Settings, context: SourceContext, pause: Callable[[float], object] | None = None
    ) -> None:
        self._settings = settings
        self._context = context
        self._closed = Event()
        self._pause = pause or self._closed.wait

    def paths(self) -> Sequence[Path]:
        """Return the file or folder to watch."""
        return [watched_path(self._settings.path, self._context.folder)] if self._settings.watch else []

    def close(self) -> None:
        """End a reading that goes on."""
        self._closed.set()

    def read(self, since: Cursor | None) -> Iterator[Records | PastState | Summary]:
        """Yield the records of the files that are new or changed, then the summary.

        Raises:
            SourceRefused: nothing is there to read, or none of it may be opened.
            SourceUnavailable: every file is still being written.
            SourceDataError: no file is a plan.
        """
        old = Memory.of(since, self._settings, self._context.zone)
        new = old.successor()
        account = _Account()
        listing = list_files(self._settings.path, self._context.folder, (".xml",))
        seen = self._look(listing, old, account)
        new.keep(old, [*account.bad, *account.waiting])
        self._name(seen, old, new, account)
        for states in self._states(seen):
            yield from self._newest(states, old, new, account)
        self._check_anything(account)
        yield from self._past(new, account)
        yield self._summary(new, account)

    # --- which files ----------------------------------------------------------------------------------------------

    def _look(self, listing: Listing, old: Memory, account: _Account) -> list[_Seen]:
        """Find out the plan of every file that can be read now."""
        limit = self._settings.max_size_mb
        for part in listing.empty:
            self._note_empty(part, old, account)
        for file in listing.files:
            if file.size > limit * MEGABYTE:
                size = file.size / MEGABYTE
                account.bad[file.part] = f"{file.part} has {size:.1f} MB, 'max_size_mb' allows {limit}: not opened"
        fitting = [file for file in listing.files if file.part not in account.bad]
        ready, moving = finished(fitting, self._settings.settle_seconds, self._pause)
        account.waiting |= {file.part: f"{file.part} is still being written: left for the next time" for file in moving}
        return [seen for file in ready if (seen := self._look_at(file, old, account)) is not None]

    @staticmethod
    def _note_empty(part: str, old: Memory, account: _Account) -> None:
        if part in old.files:  # what was read of it before stays
            account.waiting[part] = f"{part} holds no byte: left for the next time"
        else:
            account.notes.append(f"{part} holds no byte: left out")

    def _look_at(self, file: FoundFile, old: Memory, account: _Account) -> _Seen | None:
        self._check_open()
        try:
            known = old.files.get(file.part)
            is_same = known is not None and known.stamp == file.stamp() != ""
            mark = known.digest if known is not None and is_same else digest(file.path)
            if known is not None and known.digest == mark:
                return _Seen(file, mark, known.plan, is_unchanged=known.is_current)
            beginning, _ = self._load(file, header_only=True)
        except SourceDataError as fault:
            account.bad[file.part] = str(fault)
        except OSError as fault:
            self._note_closed(file, fault, account)
        else:
            naming = naming_of(beginning, file.part, self._settings)
            return _Seen(file, mark, naming.plan, naming)
        return None

    @staticmethod
    def _note_closed(file: FoundFile, fault: OSError, account: _Account) -> None:
        account.waiting[file.part] = f"{file.part} cannot be opened: {fault.strerror}"
        if isinstance(fault, PermissionError):
            account.refused.append(f"{file.path} cannot be opened: give the user of pmo-watch the right to read it")

    def _name(self, seen: Sequence[_Seen], old: Memory, new: Memory, account: _Account) -> None:
        """Give each plan its key and code."""
        new.plans |= {one.plan: old.plans[one.plan] for one in seen if one.plan in old.plans}
        namings = [one.naming for one in seen if one.naming is not None and one.plan not in new.plans]
        new.plans = name_plans(namings, new.plans)
        for naming in namings:
            code = new.plans[naming.plan].code
            if code != naming.code:
                account.notes.append(
                    f"{naming.part} is called {code}: another plan is called {naming.code} too; set 'project_code'"
                )
            elif not naming.is_given and self._settings.project_code != "auto":
                account.notes.append(f"{naming.part} is called {code}: 'project_code' gives it no code")

    @staticmethod
    def _states(seen: Sequence[_Seen]) -> list[list[_Seen]]:
        """Return the files of each plan, the newest first."""
        plans: dict[str, list[_Seen]] = defaultdict(list)
        for one in sorted(seen, key=lambda one: (one.file.modified_ns, one.part), reverse=True):
            plans[one.plan].append(one)
        return sorted(plans.values(), key=lambda states: states[0].part)

    # --- reading them ---------------------------------------------------------------------------------------------

    def _newest(self, states: Sequence[_Seen], old: Memory, new: Memory, account: _Account) -> Iterator[Records]:
        """Yield the records of a plan's newest state that can be read; older ones are noted for the history."""
        current: _Past | None = None
        older: list[_Seen] = []
        for one in states:
            if new.current_of(one.plan) is not None:
                older.append(one)
            elif one.is_unchanged:
                account.unchanged.append(one.part)
                new.files[one.part] = replace(old.files[one.part], stamp=one.file.stamp())
                current = _Past(one, one.part)
            elif (made := self._records(one, old, new, account)) is not None:
                current = _Past(one, one.part, made)
                yield from made.records
        if self._settings.import_history:
            self._note_history(older, current, (old, new), account)
        elif older:
            of = new.current_of(older[0].plan)
            _remember(older, new)
            account.notes += [
                f"{one.part} is an older state of {of}: left out; 'import_history: true' takes it into the history"
                for one in older
            ]

    @staticmethod
    def _note_history(
        older: Sequence[_Seen], current: _Past | None, memories: tuple[Memory, Memory], account: _Account
    ) -> None:
        """Note which older states of a plan, newest first, history lacks."""
        old, new = memories
        # One that was read before is in the history: as an older state, or as the present one of its day.
        known = [one for one in older if one.part in old.files and old.files[one.part].digest == one.digest]
        _remember(known, new)
        lacking = [one for one in older if one not in known]
        if current is None:  # what ends the last of them is not known
            account.notes += [
                f"{one.part} enters the history once {new.current_of(one.plan)} can be read" for one in lacking
            ]
            return
        _remember(lacking, new)
        if not lacking and current.seen.plan in old.plans:
            return
        written = {current.seen.file.modified_ns}
        for one in lacking:
            if one.file.modified_ns in written:
                account.notes.append(f"{one.part} was written at the same time as a newer state: left out of history")
            else:
                account.past.append(_Past(one, current.of))
            written.add(one.file.modified_ns)
        account.past.append(current)

    def _past(self, new: Memory, account: _Account) -> Iterator[PastState]:
        """Yield the states that history lacks, of all plans together in the order of time."""
        for one in sorted(account.past, key=lambda one: (one.seen.file.modified_ns, one.seen.part)):
            if one.at > self._context.now and one.seen.part != one.of:
                account.notes.append(f"{one.seen.part} is dated in the future: left out of history")
            elif (made := one.made or self._past_records(one, new, account)) is not None:
                yield PastState(min(one.at, self._context.now), one.of, made.records)

    def _past_records(self, one: _Past, new: Memory, account: _Account) -> FileRecords | None:
        """Return the records of an older file; one that cannot be read costs its place in the history alone."""
        self._check_open()
        self._context.progress(f"{one.seen.part}: {one.seen.file.size / MEGABYTE:.1f} MB, for the history")
        try:
            return self._convert(one.seen, new.plans[one.seen.plan], new)
        except (SourceDataError, OSError) as fault:
            text = str(fault) if isinstance(fault, SourceDataError) else f"{one.seen.part}: {fault.strerror}"
            account.notes.append(f"left out of history: {text}")
            return None

    def _records(self, one: _Seen, old: Memory, new: Memory, account: _Account) -> FileRecords | None:
        self._check_open()
        self._context.progress(f"{one.part}: {one.file.size / MEGABYTE:.1f} MB")
        known = new.plans[one.plan]
        try:
            made = self._convert(one, known, new)
        except SourceDataError as fault:
            account.bad[one.part] = str(fault)
        except OSError as fault:
            self._note_closed(one.file, fault, account)
        else:
            if still_as_found(one.file):
                new.plans[one.plan] = KnownPlan(known.key, known.code, made.chosen or known.chosen)
                new.files[one.part] = KnownFile(one.digest, one.plan, True, made.without_status_date, one.file.stamp())
                account.take(one.file, made)
                return made
            account.waiting[one.part] = f"{one.part} changed while it was read: left for the next time"
        new.keep(old, [one.part])
        return None

    def _convert(self, one: _Seen, known: KnownPlan, new: Memory) -> FileRecords:
        loaded, notes = self._load(one.file)
        written = datetime.fromtimestamp(one.file.modified_seconds, UTC)
        facts = FileFacts(one.part, one.file.path.parent.name, written, self._context.zone, self._settings)
        others = frozenset(plan.code.lower() for plan in new.plans.values()) - {known.code.lower()}
        try:
            made = records_of(loaded, facts, Place(known.key, known.code, remembered=known.chosen), others)
        except SourceDataError as fault:
            raise SourceDataError(f"{one.part}: {fault}") from None
        made.notes += [f"{one.part} was repaired: {note}" for note in notes]
        return made

    def _load(self, file: FoundFile, *, header_only: bool = False) -> tuple[Plan, tuple[str, ...]]:
        """Parse a file; return its plan and what was repaired in it."""
        settings = self._settings
        words = naming_words(settings) if header_only else settings.field_words()
        wish = Wish(words, settings.timephased, settings.cost_scale, header_only)
        try:
            with file.path.open("rb") as stream:
                return read_plan(stream, file.part, wish, self._closed.is_set), ()
        except NotWellFormed:
            mended, notes = repaired(file.path.read_bytes()) if settings.repair else (b"", ())
            if not notes:
                raise
        return read_plan(io.BytesIO(mended), file.part, wish, self._closed.is_set), notes

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise SourceUnavailable("the reading was ended from outside")

    # --- the account ----------------------------------------------------------------------------------------------

    @staticmethod
    def _check_anything(account: _Account) -> None:
        """Fail the reading when no file said anything."""
        if account.read or account.unchanged:
            return
        if account.bad:
            raise SourceDataError(account.trouble())
        if account.refused:
            raise SourceRefused("; ".join(account.refused))
        raise SourceUnavailable(account.trouble() or "; ".join(account.notes))

    def _summary(self, new: Memory, account: _Account) -> Summary:
        # What a file said before it was written to again is still known.
        kept = [part for part in account.waiting if part in new.files and new.files[part].is_current]
        return Summary(
            whole=not (account.bad or account.waiting),
            status_date_assumed=any(one.without_status_date for one in new.files.values() if one.is_current),
            cursor=new.cursor(),
            rejected=tuple(account.rejected),
            lost_records=account.lost,
            degraded=tuple(account.notes),
            unchanged=tuple(sorted([*account.unchanged, *kept])),
            error=account.trouble(),
            decisions=tuple(account.decisions),
            cost={"files": len(account.read), "bytes": sum(file.size for file in account.read)},
        )


def _remember(older: Sequence[_Seen], new: Memory) -> None:
    """Note files as older states of their plans."""
    for one in older:
        new.files[one.part] = KnownFile(one.digest, one.plan, is_current=False, stamp=one.file.stamp())


def open_plans(settings: Settings, context: SourceContext) -> PlanFiles:
    """Open the source."""
    return PlanFiles(settings, context)
