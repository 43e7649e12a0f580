"""`why` and `why-not`: what lies behind an alert, or behind a message that did not come."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from pmo_watch.cli_options import Config, Form, configured, looked_into, moment, rule_texts
from pmo_watch.in_force import with_rules
from pmo_watch.inquiry import World, look
from pmo_watch.output import Format, printed, show, show_json
from pmo_watch.store import Store
from pmo_watch.why_asked import ask_why
from pmo_watch.why_not_asked import Scope, ask_why_not
from pmo_watch.why_not_shown import document as document_of_not
from pmo_watch.why_not_shown import parts as parts_of_not
from pmo_watch.why_shown import Part, document, parts

Rule = Annotated[str, typer.Option("--rule", help="Only this rule.")]
Project = Annotated[str, typer.Option("--project", help="Only of this project (code).")]
At = Annotated[str, typer.Option("--at", help="As known at this moment, such as 2026-11-20T09:00; else now.")]


def why(
    subject: Annotated[
        str,
        typer.Argument(
            help="An alert id or its beginning; or the id, code, uid or name of a row, as `M12`, `NOV-01/M12`."
        ),
    ],
    rule: Rule = "",
    project: Project = "",
    at: At = "",
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """Say why a row alerts or does not: values, days counted, thresholds, suppressions, readers, what comes next."""
    with _world(config, at) as (store, world):
        answer = ask_why(store, world, subject, rule, project)
    if form is Format.JSON:
        show_json(document(answer))
    else:
        _print(parts(answer))


def why_not(
    person: Annotated[
        str, typer.Argument(help="A person, by e-mail address or name; or an address or channel of the rules.")
    ],
    rule: Rule = "",
    project: Project = "",
    since: Annotated[str, typer.Option("--since", help="Alerts that ended since this day or moment, too.")] = "",
    now: Annotated[str, typer.Option("--now", help="Pretend it is this moment, such as 2026-11-20T09:00.")] = "",
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """Say why somebody was not told, alert by alert: roles, audiences, digests, silences, hours, messages, values."""
    with _world(config, now) as (store, world):
        begin = moment(since, world.in_force.zone) if since else None
        answer = ask_why_not(store, world, person, Scope(rule, project, begin))
    if form is Format.JSON:
        show_json(document_of_not(answer))
    else:
        _print(parts_of_not(answer))


@contextmanager
def _world(config: Config, at: str) -> Iterator[tuple[Store, World]]:
    """Open what the store knows, to read alone."""
    in_force = configured(config)
    with looked_into(in_force) as store:
        when = moment(at, in_force.zone) if at else datetime.now(UTC)
        yield store, look(store, with_rules(in_force, rule_texts(store)), when)


def _print(shown: Iterable[Part]) -> None:
    for number, part in enumerate(shown):
        if number:
            printed("")
        printed(part.heading)
        if part.lines:
            show(part.lines, part.columns, Format.TABLE)
        else:
            printed(part.empty)
