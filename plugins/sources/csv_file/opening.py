"""The bytes of one file: read whole or not at all, and known again by their hash (spec sources 1.4)."""

import errno
import fcntl
import threading
from typing import IO

from pmo_watch.api import FoundFile, SourceRefused, SourceUnavailable, digest_of, still_as_found

LOCKED = frozenset({errno.EAGAIN, errno.EBUSY, errno.ETXTBSY, errno.EDEADLK})


def read_bytes(file: FoundFile, max_size_mb: int) -> bytes:
    """Read a file.

    Raises:
        SourceRefused: it is too large, or may not be read.
        SourceUnavailable: it is locked, gone, or was written to meanwhile.
    """
    if file.size > max_size_mb * 1_000_000:
        raise SourceRefused(
            f"{file.part}: has {file.size / 1e6:.0f} MB, more than 'max_size_mb: {max_size_mb}': raise it, or part the "
            "file"
        )
    try:
        with file.path.open("rb") as opened:
            _ask_for_lock(opened)
            data = opened.read()
    except PermissionError:
        raise SourceRefused(
            f"{file.part}: may not be read: give the account that runs pmo-watch the right to read it"
        ) from None
    except OSError as fault:
        what = "is locked by another program" if fault.errno in LOCKED else f"could not be read ({fault.strerror})"
        raise SourceUnavailable(f"{file.part}: {what}: read in the next cycle") from None
    if not still_as_found(file):
        raise SourceUnavailable(f"{file.part}: was written to while it was read: read in the next cycle")
    return data


def _ask_for_lock(opened: IO[bytes]) -> None:
    """Find out whether somebody writes to the file; not every file system knows locks."""
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as fault:
        if fault.errno in LOCKED:
            raise


class Hash:
    """The hash of some bytes, made beside whatever else is done with them."""

    def __init__(self, data: bytes) -> None:
        self._text = ""
        self._thread = threading.Thread(target=self._make, args=(data,))
        self._thread.start()

    def _make(self, data: bytes) -> None:
        self._text = digest_of(data)

    def text(self) -> str:
        """Return it, once it is made."""
        self._thread.join()
        return self._text
