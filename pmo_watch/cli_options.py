"""What every command takes, and what it starts from: the in_force, the store, who is asking."""

import getpass
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from pmo_watch.errors import ConfigError
from pmo_watch.in_force import InForce, load
from pmo_watch.log import learn_secrets, set_up_logging
from pmo_watch.output import Format, said
from pmo_watch.store import MarkKind, Store, open_store, open_to_read

FINE, GATE, FAULTY, UNREACHED, NO_STORE = range(5)  # exit codes: docs/operating.md says what each asks for

Config = Annotated[
    Path | None,
    typer.Option("--config", envvar="PMO_WATCH_CONFIG", help="Settings; else ./pmo-watch.yaml, then /etc/pmo-watch/."),
]
Form = Annotated[Format, typer.Option("--format", help="table, or json on standard output alone.")]
LogLevel = Annotated[str, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")]
Who = Annotated[str, typer.Option("--who", help="Who does this; it is kept with the change.")]
Why = Annotated[str, typer.Option("--why", help="Why; it is kept with the change and shown.")]
Until = Annotated[str, typer.Option("--until", help="Last day, such as 2026-12-01.")]


def configured(path: Path | None, log_level: str = "WARNING") -> InForce:
    """Set up the log and load what people set, without a store.

    Raises:
        ConfigError
    """
    set_up_logging(log_level)
    in_force = load(path)
    learn_secrets(in_force.settings.secrets)
    for warning in in_force.settings.warnings:
        said(f"warning: {warning}")
    return in_force


@contextmanager
def stored(in_force: InForce) -> Iterator[Store]:
    """Open the store of the settings, and close it."""
    with closing(open_store(in_force.settings.database.url.get_secret_value())) as store:
        yield store


@contextmanager
def looked_into(in_force: InForce) -> Iterator[Store]:
    """Open the store of the settings to read alone; where there is none yet, an empty one that is not kept."""
    store = open_to_read(in_force.settings.database.url.get_secret_value())
    if store is not None:
        with closing(store):
            yield store
        return
    said("there is no database yet: this is what a first run would do")
    with (
        TemporaryDirectory(prefix="pmo-watch-") as folder,
        closing(open_store(f"sqlite:///{folder}/empty.db")) as empty,
    ):
        yield empty


def rule_texts(store: Store) -> dict[str, str]:
    """Return the rule files as they were last in force: a faulty one keeps that text."""
    return store.marks(MarkKind.RULE_TEXT)


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Read `--now` or `--since`: a date, or a date and time; without an offset in the organisation's zone.

    Raises:
        ConfigError: it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"'{text}' is no moment: write it like 2026-11-20 or 2026-11-20T09:00") from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def day(text: str, option: str) -> date:
    """Read a day.

    Raises:
        ConfigError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option}: '{text}' is no day: write it like 2026-12-01") from None


def person() -> str:
    """Return who is at the keyboard."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
