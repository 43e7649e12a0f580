"""File: writes each message to a folder or prints it, for trying out without a mail server."""

import asyncio
import contextlib
import errno
import html
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from email.errors import MessageError
from pathlib import Path
from typing import Any

from pmo_watch_plugins.notifiers.file.names import outdated, stem
from pmo_watch_plugins.notifiers.file.settings import Settings, warnings

from pmo_watch.api import (
    DeliveryDeferred,
    DeliveryRejected,
    NotifierContext,
    NotifierType,
    OutboxRow,
    browser_page,
    hookimpl,
    mail,
    plain,
)

LONGEST = 200
RULE = "-" * 72
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}  # passes by itself, whatever is set


class Folder:
    """A folder that takes messages, the terminal that shows them, or both."""

    def __init__(self, settings: Settings, context: NotifierContext) -> None:
        self._settings = settings
        self._folder = context.folder / settings.folder if settings.folder else None
        self._now = context.now
        self._writing = threading.Lock()  # so that messages do not mix on a terminal

    async def send(self, row: OutboxRow) -> str:
        """Write one message and return where; a repeat overwrites itself.

        Raises:
            DeliveryDeferred, DeliveryRejected
        """
        return await asyncio.to_thread(self._faulted, lambda: self._put(row))

    async def probe(self) -> None:
        """See whether the folder can be written to, and leave nothing behind.

        Raises:
            DeliveryDeferred
        """
        await asyncio.to_thread(self._faulted, self._tried)

    async def close(self) -> None:
        """Nothing is held open."""

    def _faulted(self, act: Callable[[], str]) -> str:
        """Do something with files; what the system says against it is said without a traceback."""
        try:
            with self._writing:
                return act()
        except OSError as error:
            said = f"{self._folder or 'standard error'}: {error.strerror or type(error).__name__}"
            if error.errno in FULL:
                raise DeliveryDeferred("other", said) from None
            raise DeliveryDeferred("config", said, channel_fault=True) from None

    def _tried(self) -> str:
        if self._folder is not None:
            self._made()
            with tempfile.TemporaryFile(dir=self._folder):
                pass  # that it can be made is all that is asked
        return ""

    def _put(self, row: OutboxRow) -> str:
        said = []
        if self._folder is not None:
            said.append(f"written as {self._written(row, self._folder)}")
        if self._settings.console:
            sys.stderr.write(as_text(row))
            sys.stderr.flush()
            said.append("printed")
        return ", ".join(said)

    def _made(self) -> None:
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what people are told is theirs alone

    def _written(self, row: OutboxRow, folder: Path) -> str:
        texts = {ending: FORMS[ending](row, self._settings) for ending in self._settings.formats}
        self._made()
        name = stem(row, folder, self._now())
        for ending, text in texts.items():
            _replace(folder / f"{name}.{ending}", text)
        for path in outdated(folder, self._settings.keep):
            path.unlink(missing_ok=True)
        return f"{name}.{next(iter(texts))}"


def as_text(row: OutboxRow) -> str:
    """Return a message as a terminal shows it."""
    to, subject = plain(row.address or row.recipient, LONGEST), plain(row.rendered.subject, LONGEST)
    return f"{RULE}\nTo: {to} [{row.language}]\nSubject: {subject}\n\n{row.rendered.text.rstrip()}\n{RULE}\n"


def _eml(row: OutboxRow, settings: Settings) -> bytes:
    try:
        return bytes(mail(row, settings))
    except (ValueError, MessageError) as error:
        raise DeliveryRejected("rejected", plain(str(error), LONGEST)) from None


def _html(row: OutboxRow, _: Settings) -> bytes:
    """Return the page of a mail as a browser shows it; its text as a page where it has none."""
    rendered = row.rendered
    page = browser_page(rendered) or (
        f'<!doctype html><meta charset="utf-8"><title>{html.escape(rendered.subject)}</title>'
        f"<pre>{html.escape(rendered.text)}</pre>\n"
    )
    return page.encode(errors="replace")


def _json(row: OutboxRow, _: Settings) -> bytes:
    rendered = row.rendered
    parts = {
        **{name: getattr(row, name) for name in ("id", "kind", "recipient", "recipient_name", "address", "language")},
        "subject": rendered.subject,
        "text": rendered.text,
        "headers": dict(rendered.headers),
    }
    return (json.dumps(parts, ensure_ascii=False, indent=2) + "\n").encode(errors="replace")


FORMS: dict[str, Callable[[OutboxRow, Settings], bytes]] = {"eml": _eml, "html": _html, "json": _json}


def _replace(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all: whoever looks meanwhile sees no half of it."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


FILE = NotifierType("file", Settings, open=Folder, check=warnings)


@hookimpl
def pmo_watch_notifiers() -> Iterable[NotifierType[Any]]:
    """Return the kind `file`."""
    return [FILE]
