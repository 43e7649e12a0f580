"""Commands that look and change nothing: read, measures, fields, plugins."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import polars as pl
import typer

from pmo_watch.cli_options import Config, Form, LogLevel, configured, moment, stored
from pmo_watch.collect import Asked, read_source
from pmo_watch.contracts import Remembers, Source
from pmo_watch.entities import ENTITIES
from pmo_watch.entities.readable import PREFIXES, readable_fields
from pmo_watch.errors import ConfigError, SourceError, StoreError
from pmo_watch.faults import did_you_mean
from pmo_watch.flow import Outcome, Reading, SourceState
from pmo_watch.in_force import InForce, open_source
from pmo_watch.measure_sheets import (
    Sheet,
    called,
    example_lines,
    matching,
    nothing_called,
    outcome,
    sheets_of,
)
from pmo_watch.model import Kind
from pmo_watch.output import Format, as_json, printed, said, show, show_json
from pmo_watch.plugin_host import load_plugins
from pmo_watch.settings import plugins_folder
from pmo_watch.store import schema_status
from pmo_watch.view import ROWS_OF

UNREACHED = 3
LAST = "last"
SHOWN = {  # what a table shows of an entity; JSON shows all
    "project": ("id", "code", "name", "state", "forecast_finish", "status_date", "progress"),
    "task": ("id", "name", "is_milestone", "baseline_finish", "forecast_finish", "actual_finish", "progress"),
}


def read(
    source: Annotated[str, typer.Argument(help="A source of the settings.")],
    since: Annotated[
        str,
        typer.Option(
            "--since",
            help="Only what changed since a day or moment, or since the `last` stored reading, where it can tell.",
        ),
    ] = "",
    config: Config = None,
    form: Form = Format.TABLE,
    log_level: LogLevel = "WARNING",
) -> None:
    """Read one source and print the normalised entities and every rejected record with its reason."""
    in_force = configured(config, log_level)
    now = datetime.now(UTC)
    try:
        with closing(open_source(in_force, source, now, said)) as opened:
            asked = _asked(in_force, source, opened, since)
            reading = read_source(asked, now, in_force.settings.reading_limits())
    except SourceError as fault:
        said(f"{source}: {fault}")
        raise typer.Exit(UNREACHED) from None
    if form is Format.JSON:
        show_json(_as_document(source, reading, in_force))
    else:
        _as_tables(source, reading)
    if reading.error and (form is Format.JSON or reading.outcome == Outcome.FAILED):
        said(f"{source}: {reading.error}")
    if reading.outcome == Outcome.FAILED or not reading.summary.whole:
        raise typer.Exit(UNREACHED)


def _asked(in_force: InForce, name: str, opened: Source, since: str) -> Asked:
    """Return what is asked of a source: all, or what changed, and with it what it delivered before.

    Raises:
        ConfigError: `since` is neither a moment nor `last`, or no reading is stored to go on from.
    """
    state, rows = _left_behind(in_force, name) if since == LAST or isinstance(opened, Remembers) else (None, {})
    if since != LAST:
        cursor = {"since": moment(since, in_force.zone).isoformat()} if since else {}
        return Asked(name, opened, cursor, rows=rows)
    if state is None or not state.cursor:
        raise ConfigError(f"no reading of {name} is stored to go on from: leave --since out, or name a day")
    return Asked(name, opened, state.cursor, rows=rows)


def _left_behind(in_force: InForce, name: str) -> tuple[SourceState | None, Mapping[str, pl.DataFrame]]:
    """Return the state and rows of a source as stored; nothing where there is no database yet that we can read."""
    try:
        status = schema_status(in_force.settings.database.url.get_secret_value())
        if status.revision != status.newest:
            return None, {}
        with stored(in_force) as store:
            state = store.sources().get(name)
            return state and state.of_kind(in_force.settings.sources[name].type), store.rows().get(name, {})
    except StoreError as fault:
        said(f"warning: {fault}: read as if nothing were stored")
        return None, {}


def _as_document(source: str, reading: Reading, in_force: InForce) -> Mapping[str, Any]:
    summary = reading.summary
    currencies = _currencies(reading, in_force.organisation.currency)
    return {
        "source": source,
        "as_of": summary.as_of or _as_of(reading, in_force),
        "status_date_assumed": summary.status_date_assumed,
        "complete": reading.outcome == Outcome.COMPLETE,
        "entities": {name: _plain(name, frame, currencies) for name, frame in reading.frames.items()},
        "rejected": [asdict(one) for one in summary.rejected],
        "degraded": list(summary.degraded),
        "decisions": list(summary.decisions),
        "history": [asdict(one) for one in reading.imported.readings] if reading.imported else [],
        "error": reading.error or None,
    }


def _as_of(reading: Reading, in_force: InForce) -> date | None:
    """Return the day that all plans read describe; None where they differ, since then each says its own."""
    projects = reading.frames.get("project")
    said = set() if projects is None else set(projects["status_date"].to_list())
    if reading.summary.status_date_assumed:
        said = (said - {None}) | {reading.read_at.astimezone(in_force.zone).date()}
    return said.pop() if len(said) == 1 else None


def _currencies(reading: Reading, otherwise: str) -> Callable[[Mapping[str, Any]], str]:
    """Return what finds the currency of a row: its own, its project's, the organisation's."""
    known: dict[str, str] = {}
    if (projects := reading.frames.get("project")) is not None:
        for name, code, currency in projects.select("id", "code", "currency").iter_rows():
            known |= {word: currency for word in (name, code) if word and currency}

    def find(row: Mapping[str, Any]) -> str:
        return str(row.get("currency") or known.get(row.get("project") or "") or otherwise)

    return find


def _plain(entity: str, frame: pl.DataFrame, currency_of: Callable[[Mapping[str, Any]], str]) -> list[dict[str, Any]]:
    """Return rows with the model's field names; money as exact text with its currency in the same row."""
    kinds = {one.name: one.kind for one in ENTITIES[entity].stored()}
    frame = frame.drop("@missing").rename({"@part": "part"})
    if entity == "task":
        parents = frame["parent"].drop_nulls().unique().implode()
        native = pl.col("uid").str.replace("^[^:]*:task:", "")
        frame = frame.with_columns(
            is_summary=native.is_in(parents) | pl.col("id").is_in(parents).fill_null(value=False)
        )
    rows = [{name: _value(value, kinds.get(name)) for name, value in row.items()} for row in frame.to_dicts()]
    if Kind.MONEY not in kinds.values():
        return rows
    return [{**row, "currency": currency_of(row)} for row in rows]


def _value(value: object, kind: Kind | None) -> object:
    """Return a value as JSON has it: amounts as text without needless zeros, other exact figures as numbers."""
    if isinstance(value, Decimal):
        text = f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
        if kind == Kind.MONEY:
            return text
        return float(text) if "." in text else int(text)
    plain = value is None or isinstance(value, (bool, int, str, list))
    return value if plain else as_json(value)


def _as_tables(source: str, reading: Reading) -> None:
    for name, frame in reading.frames.items():
        columns = SHOWN.get(name) or [
            one for one in frame.columns if not one.startswith("@") and frame[one].null_count() < frame.height
        ]
        printed(f"{name}: {frame.height}")
        show(frame.to_dicts(), [one for one in columns if one in frame.columns][:8], Format.TABLE)
        printed("")
    for one in reading.summary.rejected:
        said(f"rejected: {one.where}: {one.field}: '{one.value}': {one.reason}")
    for text in (*reading.summary.degraded, *reading.summary.decisions):
        said(f"said: {text}")
    for past in reading.imported.readings if reading.imported else ():
        said(f"history: {past.part}, a state of {past.of}, from {past.at:%Y-%m-%d %H:%M} UTC: {past.rows} rows")
    said(f"{source}: {reading.outcome.value}{f', {reading.error}' if reading.error else ''}")


def measures(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="A measure, by name or number, with all that is known of it; or words to search for, in any language."
        ),
    ] = None,
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """List the measures that rules may use, search them, or describe one."""
    text = " ".join(words or ())
    plugins = load_plugins(plugins_folder(config))
    sheets = sheets_of(plugins, lambda fault: said(f"warning: {fault}"))
    one = called(sheets, text) if text else None
    found = [one] if one else matching(sheets, text)
    if not found:
        left_out = plugins.why_not("measure", text, plugins.measures) if text in plugins.failed else ""
        raise ConfigError(left_out or nothing_called(sheets, text))
    if form is Format.JSON:
        show_json([sheet.document() for sheet in found])
    elif one:
        show([*_sheet(one)], ("what", "is"), form)
    else:
        columns = ("measure", "id", "unit", "for_each", "meaning", "amber", "red")
        show([_line(sheet) for sheet in found], columns, form, narrow=("measure", "id", "unit", "meaning"))


def _line(sheet: Sheet) -> Mapping[str, str]:
    measure = sheet.measure
    return {
        "measure": measure.name,
        "id": sheet.id,
        "unit": measure.unit.value,
        "for_each": measure.entity,
        "amber": measure.amber,
        "red": measure.red,
        "meaning": measure.text,
    }


def _sheet(sheet: Sheet) -> Iterator[Mapping[str, str]]:
    """Yield what is known of a measure, each with its heading."""
    every = {"measure": [("", sheet.measure.name)], "meaning": [("", sheet.measure.text)], **sheet.facts()}
    for what, facts in every.items():
        yield {"what": what, "is": "\n".join(": ".join(filter(None, fact)) for fact in facts)}
    if sheet.entry:
        example = sheet.entry.example
        yield {"what": "example", "is": "\n".join([example.text, *example_lines(example)])}
        yield {"what": "comes to", "is": outcome(sheet, example)}


def fields(
    entity: Annotated[str, typer.Argument(help="An entity; without it, all entities.")] = "",
    form: Form = Format.TABLE,
) -> None:
    """List what a rule over an entity may name."""
    if not entity:
        rows: Sequence[Mapping[str, Any]] = [
            {"entity": name, "fields": len(readable_fields(name)), "meaning": ENTITIES[ROWS_OF.get(name, name)].text}
            for name in PREFIXES
        ]
        show(rows, ("entity", "fields", "meaning"), form)
        return
    if entity not in PREFIXES:
        hint = did_you_mean(entity, PREFIXES) or "; 'pmo-watch fields' lists what there is"
        raise ConfigError(f"there are no rules for each '{entity}'{hint}")
    found = readable_fields(entity)
    rows = [
        {"field": name, "kind": one.kind.value, "one_of": list(one.one_of), "meaning": one.text}
        for name, one in found.items()
    ]
    show(rows, ("field", "kind", "one_of", "meaning"), form)


def plugins(config: Config = None, form: Form = Format.TABLE) -> None:
    """List what is loaded, and what is left out and why."""
    found = load_plugins(plugins_folder(config))
    rows = [
        {"plugin": one.name, "kinds": list(one.kinds), "version": one.version, "from": one.origin, "says": one.text}
        for one in found.loaded
    ]
    left_out = [
        {"plugin": name, "kinds": [], "version": "", "from": "left out", "says": why}
        for name, why in found.failed.items()
    ]
    show([*rows, *left_out], ("plugin", "kinds", "version", "from", "says"), form)
