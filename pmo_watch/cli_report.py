"""The command `report`: a digest or a committee's page as it would be now."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pmo_watch.cli_options import Config, LogLevel, configured, looked_into, moment, rule_texts
from pmo_watch.errors import ConfigError
from pmo_watch.in_force import with_rules
from pmo_watch.outgoing import render_context
from pmo_watch.output import said
from pmo_watch.report import Wanted, report
from pmo_watch.report_pages import Form, written
from pmo_watch.words import LANGUAGES


def report_command(
    audience: Annotated[str, typer.Option("--audience", help="An audience of the rule files.")],
    form: Annotated[Form, typer.Option("--format", help="html, text, or pdf with the extra of that name.")] = Form.HTML,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")] = None,
    to: Annotated[
        str, typer.Option("--to", help="One reader, by name or address; else what all read, in one page.")
    ] = "",
    digest: Annotated[str, typer.Option("--digest", help="Which, where the audience reads several.")] = "",
    language: Annotated[str, typer.Option("--language", help="en, fr or nl; else the reader's.")] = "",
    now: Annotated[str, typer.Option("--now", help="Pretend it is this moment, such as 2026-11-20T09:00.")] = "",
    config: Config = None,
    log_level: LogLevel = "WARNING",
) -> None:
    """Write the digest or committee page of an audience as it would be now; nobody is told, nothing is stored."""
    if language and language not in LANGUAGES:
        raise ConfigError(f"--language: '{language}' is none of {', '.join(LANGUAGES)}")
    in_force = configured(config, log_level)
    at = moment(now, in_force.zone) if now else datetime.now(UTC)
    with looked_into(in_force) as store:
        in_force = with_rules(in_force, rule_texts(store))
        for fault in in_force.loaded.faults:
            said(fault.shown())
        message = report(in_force, store, Wanted(audience, to, digest, language), at)
    _put(written(message, form, render_context(in_force, at)), form, output)


def _put(made: bytes, form: Form, output: Path | None) -> None:
    if output is not None:
        try:
            output.write_bytes(made)
        except OSError as fault:
            raise ConfigError(f"--output: {output} cannot be written: {fault.strerror}") from None
        said(f"written: {output}")
        return
    if form is Form.PDF and sys.stdout.isatty():
        raise ConfigError("a PDF is nothing for a terminal: name a file with --output")
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()
