"""Which files a path means, and which of them are finished: what sources that read files share (spec sources 1.4).

Nothing here knows a format. A file is known by its `part`: its name below the folder that the path starts from.
"""

import glob
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePath

from pmo_watch.errors import SourceRefused

PASSING = ("~$*", ".*", "*.tmp", "*.partial")  # locks, hidden files, downloads that go on
WILD = frozenset("*?[")
PIECE_BYTES = 1 << 20
RESTING_SECONDS = 2  # the coarsest clock of a file system: two changes within it may bear the same time


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file and how it looked when it was found."""

    path: Path
    part: str
    size: int
    modified_ns: int
    changed_ns: int = field(default=0, compare=False)
    number: int = field(default=0, compare=False)  # of the file in its file system

    def stamp(self) -> str:
        """Return what stays only while nobody writes to the file, puts another in its place or sets its times.

        Empty while its last change is so recent that the next one could bear the same time.
        """
        if self.changed_ns / 1e9 > time.time() - RESTING_SECONDS:
            return ""
        return f"{self.size:x}-{self.modified_ns:x}-{self.changed_ns:x}-{self.number:x}"

    @property
    def modified_seconds(self) -> float:
        """When it was last written, seconds since 1970."""
        return self.modified_ns / 1e9


@dataclass(frozen=True, slots=True)
class Listing:
    """What a path means now: `files` to read, sorted by name, and the parts that hold no byte."""

    folder: Path
    files: tuple[FoundFile, ...]
    empty: tuple[str, ...] = ()


def watched_path(path: str, folder: Path) -> Path:
    """Return the file or folder to watch: the longest beginning of the path without a wildcard.

    `folder`: where a relative path starts.
    """
    whole = Path(os.path.normpath(folder / path))
    if whole.exists():  # names may hold brackets
        return whole
    pieces = whole.parts
    plain = next((at for at, piece in enumerate(pieces) if WILD & set(piece)), len(pieces))
    return Path(*pieces[:plain])


def list_files(path: str, folder: Path, suffixes: Sequence[str]) -> Listing:
    """List what a file, a folder or a glob with `**` means; of a folder the files directly in it with these suffixes.

    Raises:
        SourceRefused: there is no such file or folder, or the glob matches nothing.
    """
    start = watched_path(path, folder)
    if start.is_dir():
        found = _matching(path, folder, start, suffixes)
        base = start
    elif start.is_file():
        found, base = [start], start.parent
    else:
        raise SourceRefused(f"{start} is not there: correct 'path', or create it")
    names = sorted((one.relative_to(base).as_posix(), one) for one in found)
    seen = [_seen(part, one) for part, one in names if start.is_file() or not _is_passing(part)]
    files = [one for one in seen if one is not None]
    if not files:
        raise SourceRefused(f"'{path}' matches no file in {base}: correct 'path', or put the files there")
    return Listing(base, tuple(one for one in files if one.size), tuple(one.part for one in files if not one.size))


def _matching(path: str, folder: Path, start: Path, suffixes: Sequence[str]) -> list[Path]:
    rest = os.path.relpath(os.path.normpath(folder / path), start)
    if rest == ".":
        return [one for one in start.iterdir() if one.suffix.lower() in suffixes]
    pieces = PurePath(rest).parts
    found = {start}
    for piece in (*pieces, "*") if pieces[-1] == "**" else pieces:
        if piece == "**":
            found = {inner for one in found for inner in _folders(one)}
        else:
            found = {one / name for one in found for name in glob.glob(piece, root_dir=one)}
    return list(found)


def _folders(top: Path) -> Iterator[Path]:
    """Return the folder and all below it, each real one once: links in a circle would have no end for `glob`."""
    entered = {os.path.realpath(top)}
    for folder, names, _ in os.walk(top, followlinks=True):
        yield Path(folder)
        real = {name: os.path.realpath(os.path.join(folder, name)) for name in sorted(names) if name[0] != "."}
        names[:] = [name for name, path in real.items() if path not in entered]
        entered |= set(real.values())


def _is_passing(part: str) -> bool:
    return any(fnmatch(piece, pattern) for piece in PurePath(part).parts for pattern in PASSING)


def _seen(part: str, path: Path) -> FoundFile | None:
    try:
        state = path.stat()
    except OSError:  # gone since it was listed
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return FoundFile(path, part, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)


def still_as_found(file: FoundFile) -> bool:
    """Say whether the file has the size and time of writing that it had when it was found."""
    return _seen(file.part, file.path) == file


def finished(
    files: Sequence[FoundFile], settle_seconds: float, pause: Callable[[float], object]
) -> tuple[list[FoundFile], list[FoundFile]]:
    """Part the files into those whose writing has ended and those still being written.

    Files written longer ago than `settle_seconds` need one look; for all others together `pause` is called once.
    """
    # The clock of the file system, not the cycle's: a replay of last year reads files written today.
    before = time.time() - settle_seconds
    fresh = [one for one in files if one.modified_seconds > before]
    if fresh and settle_seconds > 0:
        pause(settle_seconds)
    moving = {one.part for one in fresh if not still_as_found(one)}
    return [one for one in files if one.part not in moving], [one for one in files if one.part in moving]


def digest(path: Path) -> str:
    """Return what tells the bytes of a file from those it had before: their number and checksum.

    Four times as fast as a cryptographic hash, and nobody gains by forging one.

    Raises:
        OSError: it cannot be read.
    """
    size = found = 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            size, found = size + len(piece), zlib.crc32(piece, found)
    return f"{size:x}-{found:08x}"


def digest_of(data: bytes) -> str:
    """Return what `digest` would of a file with these bytes."""
    return f"{len(data):x}-{zlib.crc32(data):08x}"
