"""What the files of a message are called: safe whatever its id and recipient, and the same at every attempt."""

import hashlib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pmo_watch.api import OutboxRow

LONGEST = 40  # signs of a part
_OURS = re.compile(r"\d{8}T\d{6}Z_[a-z0-9-]+_[A-Za-z0-9-]+")


def stem(row: OutboxRow, folder: Path, now: datetime) -> str:
    """Return the name of the message's files without their ending: when, to whom, which; as before on a repeat."""
    key = _part(row.id, row.id)
    before = next((one for one in stems(folder) if one.rpartition("_")[2] == key), "")
    to = _part(row.address.partition("@")[0].lower() or row.recipient_name.lower(), row.address)
    return before or f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}_{to.lower()}_{key}"


def stems(folder: Path) -> list[str]:
    """Return the names of the messages in a folder, oldest first; other people's files are none."""
    found = {name.partition(".")[0] for name in os.listdir(folder)}
    return sorted(name for name in found if _OURS.fullmatch(name))


def outdated(folder: Path, keep: int) -> Iterable[Path]:
    """Yield the files of all but the newest messages."""
    for name in stems(folder)[:-keep]:
        yield from folder.glob(f"{name}.*")


def _part(text: str, whole: str) -> str:
    """Return a text as part of a name; one that had to be changed ends in its hash, so that no two become alike."""
    safe = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:LONGEST]
    if safe and safe == text:
        return safe
    return f"{safe or 'x'}-{hashlib.sha256(whole.encode(errors='replace')).hexdigest()[:8]}"
