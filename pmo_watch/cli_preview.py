"""`preview`: a message as it would look now, without sending anything."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pmo_watch.cli_options import Config, configured, looked_into, rule_texts
from pmo_watch.errors import ConfigError
from pmo_watch.in_force import with_rules
from pmo_watch.mails import browser_page
from pmo_watch.output import printed, said
from pmo_watch.preview import Kind, Preview, Wish
from pmo_watch.preview import preview as made
from pmo_watch.sample_alerts import Level


class PreviewForm(StrEnum):
    """How the message is shown."""

    TEXT = "text"
    HTML = "html"
    CARD = "card"


def preview(
    rule: Annotated[str, typer.Argument(help="A rule, by its id.")],
    to: Annotated[str, typer.Option("--to", help="A person, by e-mail address or name.")],
    level: Annotated[Level | None, typer.Option("--level", help="red or amber; else the worst there is.")] = None,
    kind: Annotated[Kind, typer.Option("--kind", help="What the message says of the alert.")] = "opened",
    form: Annotated[PreviewForm, typer.Option("--format", help="text, html, or card as JSON.")] = PreviewForm.TEXT,
    output: Annotated[Path | None, typer.Option("--output", help="A file to write it to.")] = None,
    config: Config = None,
) -> None:
    """Show a message as it would look now, from stored data or a sample; nothing is sent."""
    in_force = configured(config)
    wish = Wish(rule, to, level, kind, card=form is PreviewForm.CARD)
    with looked_into(in_force) as store:
        found = made(with_rules(in_force, rule_texts(store)), store, wish, datetime.now(UTC))
    for note in found.notes:
        said(note)
    text = _shown(found, form)
    if output is None:
        printed(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}") from None
    said(f"written: {output}")


def _shown(found: Preview, form: PreviewForm) -> str:
    if form is PreviewForm.HTML:
        return browser_page(found.rendered)
    if form is PreviewForm.CARD:
        return json.dumps(found.rendered.payload, ensure_ascii=False, indent=2)
    return found.rendered.text
