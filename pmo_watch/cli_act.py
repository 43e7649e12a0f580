"""A person's hand on the state: alerts, sources, the outbox, the database. Each change names who and why."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pmo_watch.acknowledgements import Wanted
from pmo_watch.audiences import unnamed
from pmo_watch.cli_options import Config, Form, Until, Who, Why, configured, day, looked_into, person, stored
from pmo_watch.errors import ConfigError
from pmo_watch.in_force import InForce
from pmo_watch.inquiry import look
from pmo_watch.operations import (
    ACCEPT,
    APPROVE,
    Hush,
    acknowledge_alerts,
    add_silence,
    find_alert,
    open_alerts,
    silence_of,
)
from pmo_watch.output import Format, counted, printed, said, show, show_json
from pmo_watch.recurring import next_times
from pmo_watch.silence_preview import preview as preview_of
from pmo_watch.silences import hidden
from pmo_watch.store import (
    AlertQuery,
    CycleChange,
    MarkKind,
    OutboxQuery,
    OutboxState,
    backup,
    restore,
    schema_status,
    upgrade_schema,
)

alerts = typer.Typer(no_args_is_help=True, help="The alerts, and a person's hand on them.")
sources = typer.Typer(no_args_is_help=True, help="The sources: last good reading, age, errors.")
outbox = typer.Typer(no_args_is_help=True, help="The messages that wait, left, or reached nobody.")
db = typer.Typer(no_args_is_help=True, help="The database.")

AlertId = Annotated[str, typer.Argument(help="Id of the alert, or its beginning.")]
MessageId = Annotated[str, typer.Argument(help="Id of the message.")]


@alerts.command("list")
def list_alerts(
    config: Config = None,
    form: Form = Format.TABLE,
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones too.")] = False,
    rule: Annotated[str, typer.Option("--rule", help="Only of this rule.")] = "",
) -> None:
    """List the alerts that are open, worst first."""
    with stored(configured(config)) as store:
        found = open_alerts(store)
        if closed:
            found += store.find_alerts(AlertQuery(state="closed", limit=1000))
    rows = [asdict(unnamed(one)) for one in found if not rule or one.rule == rule]
    columns = ("id", "level", "project_code", "subject_name", "rule", "value", "unit", "since", "acknowledged_until",
               "new_date", "missed_date", "unknown_since", "close_reason")  # fmt: skip
    show(rows, columns, form, "no alert is open")


@alerts.command("ack")
def acknowledge(
    alert: AlertId,
    until: Until,
    why: Why,
    new_date: Annotated[str, typer.Option("--new-date", help="A date that is promised, such as 2027-02-20.")] = "",
    who: Who = "",
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """Take notice of an alert until a day or until it gets worse: reminders and escalation stop."""
    in_force = configured(config)
    with stored(in_force) as store:
        found = find_alert(store, alert)
        promised = day(new_date, "--new-date") if new_date else None
        wanted = Wanted(day(until, "--until"), who or person(), why, new_date=promised)
        after = unnamed(*acknowledge_alerts(store, [found.id], wanted, datetime.now(UTC), in_force.zone))
    if form is Format.JSON:
        show_json(asdict(after))
    promise = f", new date promised: {after.new_date}" if after.new_date else ""
    said(
        f"{after.id} {after.project_code} {after.subject_name}: acknowledged until {after.acknowledged_until}{promise}"
    )


@alerts.command("silence")
def silence(
    until: Until,
    why: Why,
    who: Who = "",
    rule: Annotated[str, typer.Option("--rule", help="Alerts of this rule.")] = "",
    project: Annotated[str, typer.Option("--project", help="Alerts of this project (code).")] = "",
    entity: Annotated[str, typer.Option("--entity", help="Alerts on this row (id).")] = "",
    tag: Annotated[str, typer.Option("--tag", help="Alerts of rules with this tag.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Set nothing; show what it would hide and who would not be told.")
    ] = False,
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """Hold messages back until a day; state, metrics and history go on. At its end one message says what is open."""
    in_force = configured(config)
    wanted = Hush(who or person(), why, day(until, "--until"), rule, project, entity, tag)
    if preview:
        _preview(in_force, wanted, form)
        return
    with stored(in_force) as store:
        made = add_silence(store, wanted, datetime.now(UTC), in_force.zone)
        hides = hidden(made, open_alerts(store), in_force.rules.rules)
    if form is Format.JSON:
        show_json(asdict(made))
    else:
        printed(made.id)
    said(f"silence {made.id} until {until}: hides {counted(hides, 'open alert')}")


def _preview(in_force: InForce, wanted: Hush, form: Format) -> None:
    now = datetime.now(UTC)
    silence = silence_of(wanted, now, in_force.zone)
    with looked_into(in_force) as store:
        seen = preview_of(silence, open_alerts(store), look(store, in_force, now).desk)
    hides = [asdict(unnamed(one)) for one in seen.alerts]
    if form is Format.JSON:
        show_json(seen.document(hides))
    else:
        show(
            hides, ("id", "level", "project_code", "subject_name", "rule", "since"), form, "it would hide no open alert"
        )
        people = [asdict(one) for one in seen.untold]
        show(people, ("name", "address", "channel", "audiences", "alerts"), form, "everybody would be told as before")
    hidden_ones, readers = counted(len(hides), "open alert"), counted(len(seen.untold), "reader")
    said(f"nothing is set: it would hide {hidden_ones}, and not tell {readers} at once, until {wanted.until}")


@alerts.command("silences")
def list_silences(config: Config = None, form: Form = Format.TABLE) -> None:
    """List the silences that go on, and when those of the rule files come next."""
    in_force = configured(config)
    today = datetime.now(in_force.zone).date()
    with stored(in_force) as store:
        alerts, going_on, ended = open_alerts(store), store.silences(), store.ended_by_hand()
    here = {one.name for one in going_on}
    times = next_times(in_force.rules, in_force.calendars, ended, today, in_force.zone)
    listed = [*going_on, *(one for one in times if one.name not in here)]
    rules = in_force.rules.rules
    # No rule has a blank in its id.
    over = [{"rule": "every rule"} if one.over_everything else {} for one in listed]
    rows = [
        {**asdict(one), **every, "hides": hidden(one, alerts, rules)} for one, every in zip(listed, over, strict=True)
    ]
    columns = ("id", "name", "rule", "project", "entity", "tag", "hides", "who", "why", "since", "until")
    show(rows, columns, form, "no silence goes on, and none is to come")


@alerts.command("unsilence")
def unsilence(
    silence_id: Annotated[str, typer.Argument(help="Id of the silence.")], who: Who = "", config: Config = None
) -> None:
    """End a silence now."""
    with stored(configured(config)) as store:
        ended = store.end_silence(silence_id, who or person(), datetime.now(UTC))
    if ended is None:
        raise ConfigError(f"there is no silence '{silence_id}' that goes on; 'pmo-watch alerts silences' lists them")
    said(f"silence {silence_id} ended: the next cycle says what is open")


@alerts.command("approve")
def approve(who: Who = "", config: Config = None) -> None:
    """Let a reload through that would open or close many alerts and therefore waits."""
    _mark(config, APPROVE, who or person())
    said("approved: the next reload of the waiting files goes through")


def _mark(config: Path | None, key: str, value: str) -> None:
    with stored(configured(config)) as store:
        store.write(CycleChange(datetime.now(UTC), marks={(MarkKind.FLAG, key): value}))


@sources.command("list")
def list_sources(config: Config = None, form: Form = Format.TABLE) -> None:
    """List the sources with their last good reading, age and error."""
    in_force = configured(config)
    with stored(in_force) as store:
        known, since = store.sources(), store.known_since()
    rows = []
    for name, entry in in_force.settings.sources.items():
        state = known.get(name)
        shown = asdict(state) if state else {"name": name}
        shown.pop("cursor", None)
        own = {"name": name, "type": entry.type, "enabled": entry.enabled, "known_since": since.get(name)}
        rows.append({**own, **shown})
    show(rows, ("name", "type", "outcome", "last_good", "as_of", "rows", "rejected", "error"), form, "no sources")
    if since and form is Format.TABLE:
        days = [f"{name} {at.astimezone(in_force.zone):%Y-%m-%d}" for name, at in sorted(since.items())]
        said(f"history since: {', '.join(days)}")


@sources.command("accept")
def accept(
    source: Annotated[str, typer.Argument(help="A source whose reading is held.")],
    who: Who = "",
    config: Config = None,
) -> None:
    """Believe the next reading of a source although it lacks or renames many rows."""
    in_force = configured(config)
    if source not in in_force.settings.sources:
        raise ConfigError(f"there is no source '{source}'; there is {', '.join(in_force.settings.sources)}")
    _mark(config, f"{ACCEPT}{source}", who or person())
    said(f"{source}: its next reading is accepted as it is")


@outbox.command("list")
def list_outbox(
    config: Config = None,
    form: Form = Format.TABLE,
    state: Annotated[OutboxState | None, typer.Option("--state", help="Only of this state.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only those that reached nobody.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
) -> None:
    """List messages, newest first."""
    with stored(configured(config)) as store:
        query = OutboxQuery((state,) if state else (), dead_letters=dead, limit=limit)
        rows = [asdict(one) for one in store.outbox(query)]
    show(rows, ("id", "state", "notifier", "address", "subject", "due", "attempts", "answer"), form, "no message")


@outbox.command("show")
def show_message(message: MessageId, config: Config = None, form: Form = Format.TABLE) -> None:
    """Show a message with its text."""
    with stored(configured(config)) as store:
        found = store.message(message)
    if found is None:
        raise ConfigError(f"there is no message '{message}'; 'pmo-watch outbox list' shows those there are")
    entry, rendered = found
    if form is Format.JSON:
        show_json({**asdict(entry), "text": rendered.text, "html": rendered.html, "payload": rendered.payload})
        return
    to = entry.address or entry.notifier
    named = f"{entry.recipient_name} <{to}>" if entry.recipient_name not in {"", to} else to
    printed(f"To: {named}\nSubject: {rendered.subject}\n")
    printed(rendered.text)
    said(f"{entry.state.value}, {counted(entry.attempts, 'attempt')}{f', {entry.answer}' if entry.answer else ''}")


@outbox.command("retry")
def retry(message: MessageId, who: Who = "", config: Config = None) -> None:
    """Send a message again that was deferred, rejected, expired or dropped."""
    with stored(configured(config)) as store:
        after = store.retry(message, who or person(), datetime.now(UTC))
    _told(message, after.state if after else None)


@outbox.command("drop")
def drop(message: MessageId, who: Who = "", config: Config = None) -> None:
    """Give a message up."""
    with stored(configured(config)) as store:
        after = store.drop(message, who or person(), datetime.now(UTC))
    _told(message, after.state if after else None)


def _told(message: str, state: OutboxState | None) -> None:
    if state is None:
        raise ConfigError(f"there is no message '{message}'; 'pmo-watch outbox list' shows those there are")
    said(f"{message}: {state.value}")


def _url(config: Path | None) -> str:
    return configured(config).settings.database.url.get_secret_value()


@db.command("status")
def database_status(config: Config = None, form: Form = Format.TABLE) -> None:
    """Say where the database is and which schema it has."""
    show([asdict(schema_status(_url(config)))], ("place", "kind", "revision", "newest", "size_bytes"), form)


@db.command("upgrade")
def database_upgrade(config: Config = None) -> None:
    """Bring the tables up to date; the daemon does it at start by itself."""
    before, after = upgrade_schema(_url(config))
    said(f"schema {after}, as before" if before == after else f"schema {before or 'none'} -> {after}")


@db.command("backup")
def database_backup(
    file: Annotated[Path, typer.Argument(help="File that does not exist yet.")], config: Config = None
) -> None:
    """Write a consistent copy while the daemon runs."""
    backup(_url(config), file)
    said(f"copied to {file}")


@db.command("restore")
def database_restore(
    file: Annotated[Path, typer.Argument(help="A copy made by backup.")], config: Config = None
) -> None:
    """Put a copy in place of the database; the daemon must not run."""
    restore(_url(config), file)
    said(f"restored from {file}")
