"""When a source is due: every so often, at once when its files change, later when it refuses or asks for rest."""

import os
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

CHANGES = frozenset({"created", "modified", "deleted", "moved", "closed"})  # opening and reading a file is no change
QUIET_SECONDS = 1.0  # programs save in bursts and by renaming
LONGEST_BURST_SECONDS = 10.0  # a folder in which somebody always writes is looked at all the same
LONGEST_REFUSAL = timedelta(minutes=60)  # spec sources 1.2: 1, 2, 4 ... 60 minutes, so that no account is locked
LONGEST_REST_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How one source is asked: every so often; `next` is when it is due, `not_before` what it asked for itself."""

    every: timedelta
    next: datetime
    not_before: datetime | None = None


class Timetable:
    """Knows which sources are due. Methods may be called from any thread."""

    def __init__(self, every: Mapping[str, timedelta], now: datetime) -> None:
        self._lock = threading.Lock()
        self._rhythms = {name: Rhythm(span, now) for name, span in every.items()}

    def due(self, now: datetime) -> list[str]:
        """Return the sources whose time has come, in the order of the settings."""
        with self._lock:
            return [name for name, rhythm in self._rhythms.items() if rhythm.next <= now]

    def next(self) -> datetime | None:
        """Return when the next source is due; None without sources."""
        with self._lock:
            return min((rhythm.next for rhythm in self._rhythms.values()), default=None)

    def asked(self, names: Iterable[str], now: datetime) -> None:
        """Note that these sources are being asked; to be called before they are, for what changes meanwhile counts."""
        with self._lock:
            for name in names:
                if rhythm := self._rhythms.get(name):
                    self._rhythms[name] = replace(rhythm, next=now + rhythm.every)

    def refused(self, name: str, now: datetime, times: int) -> None:
        """Let a source that refused so many times running wait 1, 2, 4 ... 60 minutes, unless it changed since."""
        with self._lock:
            rhythm = self._rhythms.get(name)
            if rhythm and rhythm.next == now + rhythm.every:
                wait = min(timedelta(minutes=2 ** min(times - 1, 6)), LONGEST_REFUSAL)
                self._rhythms[name] = replace(rhythm, next=now + wait)

    def postponed(self, name: str, now: datetime, seconds: float) -> None:
        """Leave a source alone as long as it asked, even where its files or a person would have it read before.

        That is a day at most: whoever names more has a clock that is wrong, and would never be asked again.
        """
        with self._lock:
            if rhythm := self._rhythms.get(name):
                until = now + timedelta(seconds=min(LONGEST_REST_SECONDS, seconds))
                self._rhythms[name] = replace(rhythm, next=max(until, rhythm.next), not_before=until)

    def keep(self, before: "Timetable", names: Iterable[str]) -> None:
        """Go on with what another timetable knew of these sources: one that refused is not asked again the sooner."""
        known = before.rhythms()
        with self._lock:
            self._rhythms |= {name: known[name] for name in names if name in known and name in self._rhythms}

    def rhythms(self) -> dict[str, Rhythm]:
        """Return how each source is asked now."""
        with self._lock:
            return dict(self._rhythms)

    def changed(self, name: str, now: datetime) -> None:
        """Make a source due at once: its files changed, or a person asks."""
        with self._lock:
            if rhythm := self._rhythms.get(name):
                at_once = max(now, rhythm.not_before) if rhythm.not_before else now
                self._rhythms[name] = replace(rhythm, next=min(at_once, rhythm.next))


class _Handler(FileSystemEventHandler):
    """Passes on changes of the paths it is for: of a file itself, of anything below a folder.

    `folders`: those watched; `tell` is told whether one of them itself came, went or was replaced.
    """

    def __init__(self, paths: Sequence[Path], folders: Container[Path], tell: Callable[[bool], None]) -> None:
        self._paths = [(path.absolute(), path.is_dir()) for path in paths]
        self._folders = folders
        self._tell = tell

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.is_directory and event.event_type == "modified":
            return  # what came or went in it has an event of its own
        touched = [Path(os.fsdecode(one)) for one in (event.src_path, event.dest_path) if one]
        if event.event_type in CHANGES and any(self._meant(one) for one in touched):
            self._tell(any(one in self._folders for one in touched))

    def _meant(self, touched: Path) -> bool:
        return any(
            touched == path or path in touched.parents or (not is_folder and touched in path.parents)
            for path, is_folder in self._paths
        )


class Watch:
    """Calls a function once after each burst of changes below some paths; in a thread of its own."""

    def __init__(
        self,
        paths: Iterable[Path],
        tell: Callable[[], None],
        quiet_seconds: float = QUIET_SECONDS,
        longest_seconds: float = LONGEST_BURST_SECONDS,
    ) -> None:
        self._tell = tell
        self._quiet, self._longest = quiet_seconds, longest_seconds
        self._burst_began: float | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._paths = list(paths)
        self._closed = False
        self._replaced = False
        self._places = self._where()
        self._observer = self._started(self._places)

    def _where(self) -> set[tuple[Path, bool, int]]:
        """Return each folder to watch, whether with all below it, and which one it is now."""
        found = {(existing_folder(path.absolute()), path.is_dir()) for path in self._paths}
        return {(folder, deep, folder.stat().st_ino) for folder, deep in found}

    def _started(self, places: set[tuple[Path, bool, int]]) -> BaseObserver:
        observer = Observer()
        handler = _Handler(self._paths, {folder for folder, _, _ in places}, self._note)
        for folder, deep, _ in sorted(places):
            observer.schedule(handler, str(folder), recursive=deep)
            # A folder that is renamed away and replaced says nothing of itself: the one above does.
            if folder.parent != folder and os.access(folder.parent, os.R_OK):
                observer.schedule(handler, str(folder.parent), recursive=False)
        try:
            observer.start()
        except OSError:
            observer.stop()  # what it watches already would be watched for ever
            raise
        return observer

    def _note(self, replaced: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self._replaced = self._replaced or replaced
            if self._burst_began is None:
                self._burst_began = now
            if self._timer:
                self._timer.cancel()
            wait = min(self._quiet, max(self._burst_began + self._longest - now, 0))
            self._timer = threading.Timer(wait, self._pass_on)
            self._timer.daemon = True
            self._timer.start()

    def _pass_on(self) -> None:
        with self._lock:
            self._burst_began = None
            replaced, self._replaced = self._replaced, False
        self._follow(replaced=replaced)
        self._tell()

    def _follow(self, *, replaced: bool) -> None:
        """Watch what is there now, where a folder came, went or was replaced by another one of its name.

        Its number alone does not tell: a folder that is made where one was deleted often gets the same.
        """
        try:
            places = self._where()
            if places == self._places and not replaced:
                return
            fresh = self._started(places)
        except OSError:  # what was watched goes on being watched, and the next change tries again
            self._replaced = self._replaced or replaced
            return
        self._places = places
        with self._lock:
            former, self._observer = (fresh, self._observer) if self._closed else (self._observer, fresh)
        former.stop()
        former.join()

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            self._closed = True
            if self._timer:
                self._timer.cancel()
        self._observer.stop()
        self._observer.join()


def existing_folder(path: Path) -> Path:
    """Return the path if it is a folder, else the nearest folder above that exists: what can be watched."""
    while not path.is_dir():
        path = path.parent
    return path
