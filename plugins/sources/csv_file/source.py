"""The source: which files, which of them are new, and what one bad file costs (spec sources 1.1, 1.2, 1.4)."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath

from pmo_watch_plugins.sources.csv_file.column import Rules
from pmo_watch_plugins.sources.csv_file.header import Wanted
from pmo_watch_plugins.sources.csv_file.one_file import Circumstances, FileRows, read_file
from pmo_watch_plugins.sources.csv_file.opening import Hash, read_bytes
from pmo_watch_plugins.sources.csv_file.profile import Profile
from pmo_watch_plugins.sources.csv_file.profiles import PROFILES, profile_of
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.rows import Origin
from pmo_watch_plugins.sources.csv_file.settings import Settings

from pmo_watch.api import (
    Cursor,
    FoundFile,
    Records,
    Rejected,
    SourceContext,
    SourceDataError,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Summary,
    finished,
    list_files,
    watched_path,
)

# What of a folder is looked at; the last three are refused by name rather than passed over.
SUFFIXES = (".csv", ".txt", ".tsv", ".tab", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
FORM = 1  # grows when the same bytes give other rows than before
CURSOR_BYTES = 60_000  # spec sources 1.1: at most 64 KB
EMPTY_GRACE_SECONDS = 60  # how long a file without a byte may be one that is about to be written


@dataclass(slots=True)
class Tally:
    """What a reading has come to so far; `known` are the files of the last one with the same settings."""

    known: Mapping[str, Sequence[str | int]]
    reports: list[Report] = field(default_factory=list)
    faults: list[SourceError] = field(default_factory=list)
    files: dict[str, tuple[str, int]] = field(default_factory=dict)  # part -> hash, records left out
    keys: dict[str, Sequence[str]] = field(default_factory=dict)  # profile -> columns
    unchanged: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    written_on: list[date] = field(default_factory=list)
    dated: bool = True
    size: int = 0


class CsvFiles:
    """Lists and workbooks, as a source."""

    def __init__(
        self, settings: Settings, context: SourceContext, pause: Callable[[float], object] | None = None
    ) -> None:
        self._settings = settings
        self._context = context
        self._closed = threading.Event()
        self._pause = pause or self._closed.wait
        self._rules = _rules(settings, context)

    def paths(self) -> Sequence[Path]:
        """Return the file or folder to watch."""
        return [watched_path(self._settings.path, self._context.folder)] if self._settings.watch else []

    def close(self) -> None:
        """End a reading that waits or goes on."""
        self._closed.set()

    def read(self, since: Cursor | None) -> Iterator[Records | Summary]:
        """Yield the rows of every file that is new, and a summary."""
        listing = list_files(self._settings.path, self._context.folder, SUFFIXES)
        ready, moving = finished(listing.files, self._settings.settle_seconds, self._pause)
        mark = _fingerprint(self._settings, self._rules)
        before = since if since and since.get("settings") == mark else {}
        tally = Tally(known=before.get("files", {}), keys=dict(before.get("keys", {})))
        late = "is still being written: read in the next cycle"
        tally.faults += [SourceUnavailable(f"{one.part}: {late}") for one in moving]
        tally.faults += [self._empty(listing.folder / part, part) for part in listing.empty]
        for file in ready:
            if self._closed.is_set():
                raise SourceUnavailable(f"{self._context.name}: closed while it was read")
            yield from self._rows(file, tally)
        if not tally.files:
            raise _worst(tally.faults) if tally.faults else SourceRefused("; ".join(tally.passed_over))
        yield self._summary(tally, mark)

    def _rows(self, file: FoundFile, tally: Tally) -> Iterator[Records]:
        """Yield the rows of one file; whatever is wrong with it is its fault alone."""
        try:
            found = self._read_one(file, tally)
        except SourceError as fault:
            tally.faults.append(fault)
            return
        for entity, frame in found.rows if found else ():
            rows = "1 row" if frame.height == 1 else f"{frame.height} rows"
            self._context.progress(f"{file.part}: {rows} of {entity}")
            yield Records(entity, frame, file.part)

    def _read_one(self, file: FoundFile, tally: Tally) -> FileRows | None:
        """Return the rows of a file; None when they are known, or its name selects no profile."""
        profile = self._profile(file, tally)
        if profile is None:
            return None
        data = read_bytes(file, self._settings.max_size_mb)
        hashed = Hash(data)
        known = tally.known.get(file.part)
        written_at = datetime.fromtimestamp(file.modified_seconds, UTC).replace(microsecond=0)
        written_on = written_at.astimezone(self._context.zone).date()
        if known and known[0] == hashed.text():
            tally.unchanged.append(file.part)
            tally.files[file.part] = (hashed.text(), int(known[1]))
            tally.written_on.append(written_on)
            return None
        report = Report()
        settled = tuple(str(one) for one in tally.keys.get(profile.name, ()))
        origin = Origin(written_at, written_on, self._status_date(written_on))
        about = Circumstances(self._rules, origin, settled, self._context.rejects_limit)
        found = read_file(data, file.part, Wanted(profile, self._settings), about, report)
        tally.reports.append(report)
        tally.keys[profile.name] = found.key
        tally.dated = tally.dated and found.dated
        tally.written_on.append(written_on)
        tally.size += len(data)
        tally.files[file.part] = (hashed.text(), report.lost)
        return found

    def _profile(self, file: FoundFile, tally: Tally) -> Profile | None:
        if self._settings.profile:
            return PROFILES[self._settings.profile]
        found = profile_of(PurePosixPath(file.part).stem)
        if found is None:
            names = ", ".join(PROFILES)
            tally.passed_over.append(
                f"{file.part}: not read: its name selects no profile, or several. Set 'profile:' to one of {names}"
            )
        return found

    def _status_date(self, written_on: date) -> date | None:
        said = self._settings.status_date
        return written_on if said == "file_time" else said

    @staticmethod
    def _empty(path: Path, part: str) -> SourceError:
        """Return what a file without a byte is: about to be written, or a fault."""
        try:
            # The clock of the file system, not the cycle's: a replay of last year reads files written today.
            age = time.time() - path.stat().st_mtime
        except OSError:
            age = 0.0
        if age < EMPTY_GRACE_SECONDS:
            return SourceUnavailable(f"{part}: is empty: is it being written? Read in the next cycle")
        return SourceDataError(f"{part}: is empty: export the list again, or take the file away")

    def _summary(self, tally: Tally, mark: str) -> Summary:
        rejected = [one for report in tally.reports for one in report.rejected]
        stale = [(part, int(lost)) for part, (_, lost) in tally.files.items() if part in tally.unchanged and lost]
        rejected += [
            Rejected(part, "", "", f"{lost} records left out when it was read; it has not changed since")
            for part, lost in stale
        ]
        as_of, assumed = self._as_of(tally)
        return Summary(
            whole=not tally.faults,
            as_of=as_of,
            status_date_assumed=assumed,
            cursor=_cursor(tally, mark),
            rejected=rejected,
            lost_records=sum(report.lost for report in tally.reports) + sum(lost for _, lost in stale),
            degraded=[*tally.passed_over, *(one for report in tally.reports for one in report.degraded)],
            decisions=[one for report in tally.reports for one in report.decisions],
            unchanged=tally.unchanged,
            error="; ".join(str(one) for one in tally.faults),
            cost={"files": float(len(tally.files)), "bytes": float(tally.size)},
        )

    def _as_of(self, tally: Tally) -> tuple[date | None, bool]:
        """Return the day the data describe and whether it is assumed; of several files the earliest is meant."""
        said = self._settings.status_date
        if said == "file_time":
            return min(tally.written_on), False
        if said is not None:
            return said, False
        return (None, False) if tally.dated and tally.reports else (self._rules.today, True)


def _rules(settings: Settings, context: SourceContext) -> Rules:
    organisation = context.organisation
    calendar = context.calendars.get(organisation.calendar)
    return Rules(
        decimal=settings.decimal or context.decimal,
        own_decimal=settings.decimal or "",
        dates=settings.dates or context.dates,
        own_dates=settings.dates or "",
        scale=settings.progress_scale or "",
        currency=settings.currency or "",
        language=settings.language or organisation.language,
        multipliers=settings.multipliers,
        null_words=settings.null_words,
        placeholders=settings.placeholder_dates,
        today=context.now.astimezone(context.zone).date(),
        zone=context.zone,
        minutes_per_day=calendar.minutes_per_day if calendar else Rules().minutes_per_day,
    )


def _fingerprint(settings: Settings, rules: Rules) -> str:
    """Return a text that changes when the same bytes would be read otherwise."""
    read_alike = {"watch", "settle_seconds", "accept_shrink", "max_size_mb"}
    said = settings.model_dump_json(exclude=read_alike)
    more = f"{FORM} {rules.decimal} {rules.dates} {rules.language} {rules.minutes_per_day} {rules.zone}"
    return hashlib.sha256(f"{said} {more}".encode()).hexdigest()[:16]


def _cursor(tally: Tally, mark: str) -> dict[str, object]:
    """Return what the next reading starts from; files for which there is no room are read again then."""
    files: dict[str, list[str | int]] = {}
    room = CURSOR_BYTES
    for part, (hashed, lost) in tally.files.items():
        room -= len(json.dumps([part, hashed, lost])) + 2
        if room > 0:
            files[part] = [hashed, lost]
    return {"settings": mark, "files": files, "keys": {name: list(one) for name, one in tally.keys.items()}}


def _worst(faults: Sequence[SourceError]) -> SourceError:
    """Return the one error of a reading in which no file could be read."""
    if len(faults) == 1:
        return faults[0]
    text = "; ".join(str(one) for one in faults)
    kinds = {type(one) for one in faults}
    return (kinds.pop() if len(kinds) == 1 else SourceDataError)(text)
