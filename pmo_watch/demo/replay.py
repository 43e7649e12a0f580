"""Replays the sample programme week by week, on the engine of the daemon, with a clock that is set by hand."""

import asyncio
import os
import shutil
import socket
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Draft, Engine
from pmo_watch.daemon import Daemon
from pmo_watch.demo import story
from pmo_watch.demo.counterparts import channel, mail_server
from pmo_watch.demo.dynamics_weeks import Environment
from pmo_watch.demo.fake_dataverse import FakeDataverse, self_signed
from pmo_watch.demo.fake_dataverse import serving as dataverse_serving
from pmo_watch.demo.fake_jira import FakeJira
from pmo_watch.demo.fake_jira import serving as jira_serving
from pmo_watch.demo.folder import Counterparts, write_folder
from pmo_watch.demo.jira_site import JiraSite
from pmo_watch.demo.jira_weeks import Team
from pmo_watch.demo.sheets import write_week
from pmo_watch.errors import ConfigError
from pmo_watch.in_force import InForce, load
from pmo_watch.log import set_up_logging
from pmo_watch.mailroom import Mailroom
from pmo_watch.output import printed
from pmo_watch.store import Store, open_store

ZONE = ZoneInfo("Europe/Brussels")
SAVED, LOOKED = time(9), time(10)  # on Fridays; digests leave on Monday morning
MARK = ".made-by-pmo-watch-demo"  # in a folder that may be emptied
METRICS = ("pmo_project_rag_level", "pmo_milestone_forecast", "pmo_alerts{", "pmo_watch_source_records")


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZONE).astimezone(UTC)


MONDAY = timedelta(days=3)  # after the Friday of a week
END = _at(story.WEEKS[-1] + timedelta(days=4), LOOKED)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: its folder, what answers beside it, and the two systems whose people edit week by week."""

    folder: Path
    beside: Counterparts
    dataverse: FakeDataverse
    jira: FakeJira


def run_demo(folder: Path, *, serve: bool) -> None:
    """Make the folder anew, replay six weeks in it, show what came of it; then serve it, or end.

    Raises:
        ConfigError: the folder holds something that is not the demo's.
    """
    set_up_logging("ERROR")
    with replayed(folder, 9464 if serve else _free_port()) as (in_force, store, stage):
        asyncio.run(_serve(in_force, store, stage, stay=serve))


@contextmanager
def replayed(folder: Path, port: int) -> Iterator[tuple[InForce, Store, Stage]]:
    """Make the folder anew and replay six weeks in it; everything that the demo talks to answers until the block ends.

    `port`: on which the daemon of these settings would serve.

    Raises:
        ConfigError: the folder holds something that is not the demo's.
    """
    folder = _emptied(folder)
    with ExitStack() as stack:
        stage = _staged(stack, folder, port)
        settings = write_folder(folder, stage.beside)
        write_week(folder, 0, load(settings).calendars["be"])
        in_force = load(settings)
        store = open_store(in_force.settings.database.url.get_secret_value())
        stack.callback(store.close)
        printed(f"pmo-watch demo: the programme GEM over six weeks, in {folder}\n")
        asyncio.run(_replay(in_force, store, stage))
        yield in_force, store, stage


def _staged(stack: ExitStack, folder: Path, http: int) -> Stage:
    """Start everything that the demo talks to, for as long as the stack lasts."""
    smtp = stack.enter_context(mail_server(folder / "mails"))
    teams = stack.enter_context(channel(folder / "cards"))
    began = _at(story.WEEKS[0], SAVED)
    dataverse = stack.enter_context(dataverse_serving(FakeDataverse(began), self_signed(folder)))
    jira = stack.enter_context(jira_serving(FakeJira(JiraSite(began), cloud=False)))
    return Stage(folder, Counterparts(smtp, teams, http, dataverse.url, jira.url), dataverse, jira)


def _emptied(folder: Path) -> Path:
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise ConfigError(f"{folder} holds something that the demo has not made: name another folder with --keep")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- six weeks ----------------------------------------------------------------------------------------------------


async def _replay(in_force: InForce, store: Store, stage: Stage) -> None:
    clock = FixedClock(_at(story.WEEKS[0], LOOKED))
    engine = Engine(store, in_force)
    mailroom = Mailroom(store, in_force, clock)
    calendar = in_force.calendars["be"]
    environment, team = Environment(stage.dataverse, story.GEM_04, calendar), Team(stage.jira)
    try:
        for number, day in enumerate(story.WEEKS):
            write_week(stage.folder, number, calendar)
            _date_files(stage.folder, _at(day, SAVED))
            environment.write(number)
            team.write(number)
            moments = [_at(day, LOOKED), _at(day + MONDAY, LOOKED)]
            if day == story.WEEKS[-1]:
                moments.append(END)  # what the daemon would find: it is started to be looked at, not to send
            _tell(number, day, *[await _step(engine, mailroom, clock, one) for one in moments])
    finally:
        await mailroom.close()


async def _step(engine: Engine, mailroom: Mailroom, clock: FixedClock, moment: datetime) -> Draft:
    """Let it be that moment: one cycle over all sources, then whatever is due."""
    clock.moment = moment
    draft = await asyncio.to_thread(engine.cycle, moment, list(engine.in_force.sources()))
    await mailroom.drain()
    return draft


def _date_files(folder: Path, moment: datetime) -> None:
    """Give the files the time at which people would have saved them."""
    for part in ("plans", "sheets"):
        for path in (folder / part).iterdir():
            os.utime(path, (moment.timestamp(), moment.timestamp()))


def _tell(number: int, day: date, *drafts: Draft) -> None:
    printed(f"week {number + 1}, {day}: {' '.join(story.TOLD[number])}")
    changes = Counter(step.reason.value.replace("_", " ") for one in drafts for step in one.advanced.transitions)
    if changes:
        printed("  " + ", ".join(f"{count} {reason}" for reason, count in sorted(changes.items())))
    for draft in drafts:
        for source, taken in draft.accepted.items():
            if taken.state.error:
                printed(f"  {source}: {taken.state.error}")
        for message, rendered in draft.messages:
            where = message.address or f"channel {message.notifier}"
            printed(f"  -> {where} [{message.language}] {rendered.subject}")
    printed("")


# --- metrics, and whatever else is served -------------------------------------------------------------------------


async def _serve(in_force: InForce, store: Store, stage: Stage, *, stay: bool) -> None:
    """Run the daemon over what the replay has left; fetch its metrics once; end, or go on until stopped."""
    daemon = Daemon(in_force, store, None if stay else FixedClock(END))
    running = asyncio.create_task(daemon.run())
    try:
        metrics = await _fetched(f"http://127.0.0.1:{stage.beside.http}", running)
        (stage.folder / "metrics.txt").write_bytes(metrics)
        _tell_where(stage, metrics.decode(), stay=stay)
        if stay:
            await running
    finally:
        daemon.stop()
        await running


async def _fetched(base: str, running: "asyncio.Task[None]") -> bytes:
    """Return /metrics once the first cycle is through."""
    for _ in range(300):
        if running.done():
            break
        try:
            await asyncio.to_thread(_get, f"{base}/-/ready")
            return await asyncio.to_thread(_get, f"{base}/metrics")
        except OSError:
            await asyncio.sleep(0.1)
    await running
    raise ConfigError(f"the daemon of the demo does not become ready at {base}")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own address
        body: bytes = answer.read()
        return body


def _tell_where(stage: Stage, metrics: str, *, stay: bool) -> None:
    folder = stage.folder
    mails, cards = len(list((folder / "mails").glob("*.eml"))), len(list((folder / "cards").glob("*.json")))
    lines = metrics.splitlines()
    printed(f"metrics: {sum(not line.startswith('#') for line in lines)} series, among them")
    for name in METRICS:
        found = next((line for line in lines if line.startswith(name) and not line.endswith((" 0", " 0.0"))), "")
        printed(f"  {found}")
    printed("\nWhere to look:")
    printed(f"  {folder / 'mails'}: {mails} mails that the server took, as .eml and as .html")
    printed(f"  {folder / 'cards'}: {cards} cards that the channel took, as .json")
    printed(f"  {folder / 'metrics.txt'}: /metrics as Prometheus scrapes it")
    printed(f"  {folder / 'pmo-watch.yaml'}, {folder / 'rules.d'}: the settings and rules behind it")
    printed(f"  pmo-watch alerts list --config {folder / 'pmo-watch.yaml'}: what is open now")
    if stay:
        base = f"http://127.0.0.1:{stage.beside.http}"
        printed(f"\nServing {base}/metrics, {base}/api/v1/alerts, {base}/-/ready until Ctrl-C")
