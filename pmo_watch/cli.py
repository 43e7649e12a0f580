"""The command line: every command is one call; what goes wrong ends in words and an exit code, never a traceback."""

import asyncio
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from pmo_watch import __version__, cli_act, cli_look
from pmo_watch.cli_backtest import backtest, suggest
from pmo_watch.cli_check import check
from pmo_watch.cli_options import (
    FAULTY,
    FINE,
    GATE,
    NO_STORE,
    UNREACHED,
    Config,
    Form,
    LogLevel,
    configured,
    looked_into,
    moment,
    rule_texts,
    stored,
)
from pmo_watch.cli_preview import preview
from pmo_watch.cli_report import report_command
from pmo_watch.cli_show import show_cycle
from pmo_watch.cli_test import run_scenarios
from pmo_watch.cli_why import why, why_not
from pmo_watch.clock import Clock, FixedClock
from pmo_watch.cycle import Draft, Engine
from pmo_watch.errors import ConfigError, DeliveryError, PmoWatchError, SourceError, StoreError
from pmo_watch.flow import Outcome
from pmo_watch.in_force import InForce, open_observers, with_rules
from pmo_watch.leading import leading_once
from pmo_watch.log import set_up_logging
from pmo_watch.mailroom import Mailroom
from pmo_watch.memory import known_ahead
from pmo_watch.output import Format, counted, printed, said, show_json
from pmo_watch.pushing import Pushing, lines_of
from pmo_watch.rule_names import Catalogue
from pmo_watch.rule_schema import json_schema
from pmo_watch.scenario_schema import scenario_schema
from pmo_watch.send_test import send_test
from pmo_watch.starter import Delivery, write_starter
from pmo_watch.store import Store
from pmo_watch.telling import Observer

if TYPE_CHECKING:
    from pmo_watch.daemon import Daemon

DEMO_FOLDER = Path("demo-output")


class SchemaOf(StrEnum):
    """Which files an editor is to know."""

    RULES = "rules"
    TEST = "test"


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show locals, secrets included
    help="Rules and alerts for Project Management Offices.",
)
app.add_typer(cli_act.alerts, name="alerts")
app.add_typer(cli_act.sources, name="sources")
app.add_typer(cli_act.outbox, name="outbox")
app.add_typer(cli_act.db, name="db")
app.command()(check)
app.command()(backtest)
app.command()(suggest)
app.command()(cli_look.read)
app.command()(cli_look.measures)
app.command()(cli_look.fields)
app.command()(cli_look.plugins)
app.command(name="report")(report_command)
app.command(name="test")(run_scenarios)
app.command()(preview)
app.command()(why)
app.command(name="why-not")(why_not)


def _version(wanted: bool) -> None:
    if wanted:
        printed(f"pmo-watch {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Rules and alerts for Project Management Offices."""
    del version  # its callback has printed it


def _opened(in_force: InForce, store: Store) -> InForce:
    """Load the rules again with the last good texts that the store keeps, and say what is wrong with them."""
    loaded = with_rules(in_force, rule_texts(store))
    for fault in loaded.loaded.faults:
        said(fault.shown())
    return loaded


@app.command()
def run(config: Config = None, log_level: LogLevel = "INFO") -> None:
    """Run the daemon: read, evaluate, deliver, serve HTTP, take up changed files."""
    with ExitStack() as held:
        asyncio.run(_daemon(config, log_level, held).run())


def _daemon(config: Path | None, log_level: str, held: ExitStack) -> "Daemon":
    """Return the daemon, its store open in `held`; rows are read while modules are loaded: both take their time."""
    with ThreadPoolExecutor(1) as beside:
        ahead = beside.submit(known_ahead, config)
        from pmo_watch.daemon import Daemon  # noqa: PLC0415  # with the web server, needed here alone

        in_force = configured(config, log_level)
        store = held.enter_context(stored(in_force))
        return Daemon(_opened(in_force, store), store, ahead=ahead.result())


@app.command()
def once(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change and be sent; write nothing.")
    ] = False,
    now: Annotated[str, typer.Option("--now", help="Pretend it is this moment, such as 2026-11-20T09:00.")] = "",
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="red or amber: exit code 1 when an alert is open at it.")
    ] = "",
    config: Config = None,
    form: Form = Format.TABLE,
    log_level: LogLevel = "WARNING",
) -> None:
    """Run one full cycle and delivery, then exit: for cron and for looking."""
    if fail_on not in {"", "red", "amber"}:
        raise ConfigError(f"--fail-on: '{fail_on}' is neither red nor amber")
    in_force = configured(config, log_level)
    clock = FixedClock(moment(now, in_force.zone)) if now else Clock()
    with ExitStack() as held:
        store = held.enter_context((looked_into if dry_run else stored)(in_force))
        if not dry_run:
            held.enter_context(leading_once(store, in_force.settings.ha.takeover))
            if now:
                _check_not_lived(store, clock.now(), in_force.zone)
        in_force = _opened(in_force, store)
        observers = {} if dry_run else open_observers(in_force, None, now=clock.now, only=in_force.pushers())
        engine = Engine(store, in_force, observers)
        due = list(in_force.sources())
        draft = engine.preview(clock.now(), due) if dry_run else engine.cycle(clock.now(), due)
        show_cycle(draft, form, dry=dry_run)
        if not dry_run:
            asyncio.run(_deliver(store, in_force, clock, observers))
    _judge(draft, fail_on)


def _check_not_lived(store: Store, now: datetime, zone: ZoneInfo) -> None:
    """Refuse a moment before the last reading: what has opened since then would be told as recovered."""
    lived = max((one.read_at for one in store.sources().values() if one.read_at), default=now)
    if now < lived:
        raise ConfigError(
            f"{now.astimezone(zone):%Y-%m-%d %H:%M} is before the last reading in this database, of"
            f" {lived.astimezone(zone):%Y-%m-%d %H:%M}: give a later moment, or --dry-run to look and send nothing"
        )


async def _deliver(store: Store, in_force: InForce, clock: Clock, observers: Mapping[str, Observer]) -> None:
    mailroom = Mailroom(store, in_force, clock)
    try:
        said(f"{counted(await mailroom.drain(), 'message')} tried")
    finally:
        await mailroom.close()
    for line in lines_of(await Pushing(store, in_force, observers, clock).once()):
        said(line)


def _judge(draft: Draft, fail_on: str) -> None:
    """End with the exit code that says what was found."""
    levels = {"red"} if fail_on == "red" else {"red", "amber"}
    if fail_on and any(one.level in levels for one in draft.advanced.current):
        raise typer.Exit(GATE)
    if any(draft.accepted[one.source].state.outcome == Outcome.FAILED for one in draft.readings):
        raise typer.Exit(UNREACHED)


@app.command()
def demo(
    keep: Annotated[
        Path, typer.Option("--keep", help="Folder for what the demo makes; it is emptied first.")
    ] = DEMO_FOLDER,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End by itself.")] = False,
) -> None:
    """Replay six weeks of a sample programme: real mail to a local server, cards, metrics; says where to look."""
    from pmo_watch.demo.replay import run_demo  # noqa: PLC0415  # the servers it brings are needed here alone

    run_demo(keep, serve=not no_serve)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write into; what exists there stays.")],
    delivery: Annotated[Delivery, typer.Option("--for", help="How the projects are delivered.")] = Delivery.WATERFALL,
) -> None:
    """Write commented settings, starter rules and a calendar."""
    written = write_starter(folder, delivery)
    for path in written.written:
        said(f"written: {path}")
    for path in written.kept:
        said(f"kept as it is: {path}")
    said(f"now: fill in {folder / 'pmo-watch.yaml'}, then pmo-watch check --config {folder / 'pmo-watch.yaml'}")


@app.command()
def schema(
    of: Annotated[SchemaOf, typer.Option("--for", help="Of rule files, or of their scenario tests.")] = SchemaOf.RULES,
    config: Config = None,
) -> None:
    """Print the JSON Schema of rule files, or of scenario tests, for editors."""
    if of is SchemaOf.TEST:
        show_json(scenario_schema())
        return
    from pmo_watch.plugin_host import load_plugins  # noqa: PLC0415  # without settings it still works
    from pmo_watch.settings import plugins_folder  # noqa: PLC0415

    show_json(json_schema(Catalogue(load_plugins(plugins_folder(config)).measures)))


@app.command(name="send-test")
def send(
    target: Annotated[
        str, typer.Argument(help="An audience, a notifier, or a person by name, alias or e-mail address.")
    ],
    config: Config = None,
) -> None:
    """Send a clearly marked test message over the real channel."""
    in_force = configured(config)
    with stored(in_force) as store:
        answers = asyncio.run(send_test(_opened(in_force, store), store, target, datetime.now(UTC)))
    for line in answers.lines:
        said(line)
    if answers.failed:
        raise typer.Exit(UNREACHED)


def main() -> None:
    """Run a command and end with its exit code."""
    set_up_logging("WARNING")
    try:
        app(standalone_mode=True)
    except ConfigError as fault:
        _end(str(fault), FAULTY)
    except (SourceError, DeliveryError) as fault:
        _end(str(fault), UNREACHED)
    except StoreError as fault:
        _end(str(fault), NO_STORE)
    except PmoWatchError as fault:
        _end(str(fault), FAULTY)
    except KeyboardInterrupt:
        _end("stopped", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FINE)


def _end(text: str, code: int) -> None:
    said(text)
    sys.exit(code)
