"""A source that sends changes, through the whole engine, the daemon and the command line."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pmo_watch.cli import app
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.daemon import Daemon
from pmo_watch.errors import ConfigError
from pmo_watch.flow import Outcome
from pmo_watch.in_force import load
from pmo_watch.store import Store, open_store

NOW = datetime(2026, 10, 2, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SETTINGS = """\
organisation: {timezone: Europe/Brussels, calendar: be}
database: {url: "sqlite:///pmo-watch.db"}
rules: rules.d
plugins_dir: plugins.d
calendars: {be: {country: BE}}
sources:
  tickets: {type: ticker, script: script.json, every: 15m}
notifiers:
  prometheus: {type: prometheus}
"""
TICKER = '''"""Ticker: says what its script tells it to, and writes down what it is told."""

import json
import time

import polars as pl

from pmo_watch.api import (
    PluginSettings, Records, Sight, SourceRefused, SourceType, SourceUnavailable, Summary, hookimpl
)


class Settings(PluginSettings):
    script: str


class Ticker:
    def __init__(self, settings, context):
        self.folder = context.folder
        self.script = json.loads((context.folder / settings.script).read_text())
        self.known = {}

    def recall(self, rows):
        self.known = {name: frame.select("key", "name").rows() for name, frame in rows.items()}

    def read(self, since):
        with (self.folder / "asked.jsonl").open("a") as log:
            log.write(json.dumps({"since": since, "known": self.known}) + "\\n")
        if self.script.get("hangs"):
            time.sleep(3600)
        if "wait" in self.script:
            raise SourceUnavailable("busy", retry_after=self.script["wait"])
        rows = self.script.get("rows", {})
        if rows:
            yield Records("task", pl.DataFrame({"key": list(rows), "project": "P", "name": list(rows.values())}))
        yield Summary(**{"listed": False, **self.script.get("summary", {})})

    def probe(self):
        yield Sight(ok=True, text="version 9.12.4")
        yield from [Sight(ok=False, text=text) for text in self.script.get("faults", [])]
        if self.script.get("refuses"):
            raise SourceRefused("no such account")

    def close(self):
        pass


@hookimpl
def pmo_watch_sources():
    return [SourceType(name, Settings, Ticker) for name in ("ticker", "tocker")]
'''


class Desk:
    """A folder with one live source, which says what `says` was given last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("rules.d", "plugins.d"):
            (folder / part).mkdir()
        (folder / "plugins.d" / "ticker.py").write_text(TICKER)
        (folder / "pmo-watch.yaml").write_text(SETTINGS)
        self.says()

    @property
    def config(self) -> Path:
        return self.folder / "pmo-watch.yaml"

    def says(self, rows: Mapping[str, str] | None = None, **script: Any) -> None:
        """Let the source send these rows, by key and name, and this summary."""
        extras = {name: script.pop(name) for name in ("wait", "faults", "refuses", "hangs") if name in script}
        (self.folder / "script.json").write_text(json.dumps({"rows": rows or {}, "summary": script, **extras}))

    def asked(self) -> list[dict[str, Any]]:
        """Return what the source was told, reading by reading."""
        file = self.folder / "asked.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder / 'pmo-watch.db'}")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_source_is_told_what_it_delivered_before_also_after_a_restart(desk: Desk) -> None:
    store = desk.store()
    desk.says({"1": "one", "2": "two"}, cursor={"at": 1})
    Engine(store, load(desk.config)).cycle(NOW, ["tickets"])
    desk.says({"2": "second"}, cursor={"at": 2}, deleted={"task": ["1"]})

    engine = Engine(store, load(desk.config))
    engine.cycle(NOW + MINUTE, ["tickets"])
    engine.cycle(NOW + 2 * MINUTE, ["tickets"])
    store.close()

    assert desk.asked() == [
        {"since": None, "known": {}},
        {"since": {"at": 1}, "known": {"task": [["1", "one"], ["2", "two"]]}},
        {"since": {"at": 2}, "known": {"task": [["2", "second"]]}},
    ]


def test_source_that_is_of_another_type_now_begins_anew(desk: Desk) -> None:
    store = desk.store()
    desk.says({"1": "one"}, cursor={"at": 1})
    Engine(store, load(desk.config)).cycle(NOW, ["tickets"])
    desk.config.write_text(SETTINGS.replace("type: ticker", "type: tocker"))
    desk.says(wait=60)
    engine = Engine(store, load(desk.config))
    engine.cycle(NOW + MINUTE, ["tickets"])
    engine.cycle(NOW + 2 * MINUTE, ["tickets"])
    store.close()

    assert [one["since"] for one in desk.asked()] == [None, None, None]


def test_row_that_the_system_deleted_leaves_rows_and_history_at_once(desk: Desk) -> None:
    store = desk.store()
    engine = Engine(store, load(desk.config))
    desk.says({"1": "one", "2": "two"})
    engine.cycle(NOW, ["tickets"])
    desk.says(deleted={"task": ["1"]})

    engine.cycle(NOW + MINUTE, ["tickets"])

    assert store.rows()["tickets"]["task"]["uid"].to_list() == ["tickets:task:2"]
    assert store.rows(NOW)["tickets"]["task"].height == 2
    assert store.vanished(NOW.date())["tickets"]["task"]["uid"].to_list() == ["tickets:task:1"]
    store.close()


def test_change_list_without_a_change_decides_nothing(desk: Desk) -> None:
    store = desk.store()
    engine = Engine(store, load(desk.config))
    desk.says({"1": "one"}, cursor={"at": 1})
    first = engine.cycle(NOW, ["tickets"])
    revision = store.revision()
    desk.says({"1": "one"}, cursor={"at": 2})

    second = engine.cycle(NOW + MINUTE, ["tickets"])

    assert second.picture.evaluated is first.picture.evaluated
    assert store.revision() == revision
    state = store.sources()["tickets"]
    assert (state.reading, state.read_at, state.last_good, state.cursor) == (1, *[NOW + MINUTE] * 2, {"at": 2})
    store.close()


async def test_source_that_asks_to_be_left_alone_is(desk: Desk) -> None:
    desk.says(wait=3600)
    store, clock = desk.store(), FixedClock(NOW)
    daemon = Daemon(load(desk.config), store, clock)
    await daemon.cycle()
    clock.moment = NOW + 59 * MINUTE
    await daemon.cycle()
    before = len(desk.asked())
    desk.says({"1": "one"})
    clock.moment = NOW + 60 * MINUTE
    draft = await daemon.cycle()
    store.close()

    assert (before, len(desk.asked())) == (1, 2)
    assert draft is not None
    assert draft.accepted["tickets"].state.outcome == Outcome.COMPLETE


def test_source_that_hangs_keeps_no_process_alive(desk: Desk) -> None:
    desk.says(hangs=True)
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from pmo_watch import collect; from pmo_watch.in_force import load, open_source\n"
        "in_force = load(Path(sys.argv[1])); now = datetime.now(UTC)\n"
        "asked = collect.Asked('tickets', open_source(in_force, 'tickets', now), {}, longest_seconds=0.1)\n"
        "print(collect.collect([asked], now, in_force.settings.reading_limits())[0].outcome)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, desk.config], capture_output=True, text=True, timeout=60, check=True
    )

    assert ended.stdout.splitlines()[-1] == "failed"


# --- the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def run(desk: Desk) -> Callable[..., tuple[int, str]]:
    """Return a function that runs a command and gives its exit code and what it said."""

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*words, "--config", str(desk.config)])
        return result.exit_code, result.output

    return run


def test_read_tells_the_source_what_is_stored_and_asks_for_all(desk: Desk, run: Callable[..., tuple[int, str]]) -> None:
    desk.says({"1": "one"}, cursor={"at": 1})
    assert run("read", "tickets")[0] == 0
    assert not (desk.folder / "pmo-watch.db").exists(), "reading makes no database"
    run("once")

    run("read", "tickets")
    run("read", "tickets", "--since", "last")
    run("read", "tickets", "--since", "2026-11-20T09:00")

    known = {"task": [["1", "one"]]}
    assert desk.asked() == [
        {"since": None, "known": {}},
        {"since": None, "known": {}},
        {"since": None, "known": known},
        {"since": {"at": 1}, "known": known},
        {"since": {"since": "2026-11-20T08:00:00+00:00"}, "known": known},
    ]


def test_read_since_the_last_reading_needs_one(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="no reading of tickets is stored to go on from: leave --since out, or name"):
        CliRunner().invoke(
            app, ["read", "tickets", "--since", "last", "--config", str(desk.config)], catch_exceptions=False
        )


def test_check_online_says_what_it_saw(desk: Desk, run: Callable[..., tuple[int, str]]) -> None:
    good = run("check", "--online")
    desk.says(faults=["may not see sprints"])
    faulty = run("check", "--online")
    desk.says(refuses=True)
    refused = run("check", "--online")

    assert (good[0], faulty[0], refused[0]) == (0, 3, 3)
    assert "source tickets: version 9.12.4\n" in good[1]
    assert "source tickets: may not see sprints\n" in faulty[1]
    assert "source tickets: no such account\n" in refused[1]
    assert desk.asked() == [], "nothing was read"
