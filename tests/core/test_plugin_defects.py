"""A plugin that fails wherever it can: it is counted, and nothing else goes down with it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import NOW, PEOPLE, Office

from pmo_watch.clock import FixedClock
from pmo_watch.daemon import Daemon

FAULTY = '''"""Faulty: fails wherever it is called."""

from pmo_watch.api import (
    Columns, Measure, NoParams, NotifierType, ObserverType, PluginSettings, SourceType, Unit, hookimpl
)


class Faulty:
    """Fails where its settings say so, and is silent otherwise."""

    def __init__(self, settings, context):
        self.where = settings.where
        self.fail("open")

    def fail(self, where):
        if self.where == where:
            raise ZeroDivisionError(f"a defect in {where}")

    def read(self, since):
        self.fail("read")
        raise AssertionError("is asked to read")
        yield

    def close(self):
        self.fail("close")


class FaultyChannel(Faulty):
    async def turn(self):
        self.fail("turn")

    async def send(self, row):
        self.fail("send")
        return "taken"

    async def close(self):
        self.fail("close")


class FaultyWindow(Faulty):
    def wishes(self):
        self.fail("wishes")
        return ()

    def cycle_finished(self, report):
        self.fail("cycle_finished")


class Settings(PluginSettings):
    where: str


def payload(settings, view):
    if settings.where == "payload":
        raise ZeroDivisionError("a defect in payload")
    return {}, 0


def measure(params, view):
    raise ZeroDivisionError("a defect in a measure")


@hookimpl
def pmo_watch_sources():
    return [SourceType("faulty_source", Settings, Faulty)]


@hookimpl
def pmo_watch_measures():
    return [Measure("task.faulty", "task", Unit.DAYS, NoParams, (), measure, text="Fails.", clock="today")]


@hookimpl
def pmo_watch_notifiers():
    return [NotifierType("faulty_channel", Settings, FaultyChannel, addresses=False, payload=payload)]


@hookimpl
def pmo_watch_observers():
    return [ObserverType("faulty_window", Settings, FaultyWindow)]
'''
SOURCE = "  people: "
OBSERVER = "  prometheus: "
RULE = """\
version: 1
owner: owner@pmo.test
rules:
  - {id: faulty, name: Faulty, for_each: task, measure: task.faulty, red: over 1 d, tell: {red: [pmo]}}
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office with one late project and the plugin at hand."""
    office = Office(tmp_path, projects=1)
    office.save("P01", 12)
    (tmp_path / "plugins.d").mkdir()
    (tmp_path / "plugins.d" / "faulty.py").write_text(FAULTY)
    insert(office, "rules: rules.d", "plugins_dir: plugins.d\n")
    return office


def insert(office: Office, before: str, line: str) -> None:
    """Put a line into the settings."""
    text = office.config.read_text(encoding="utf-8")
    assert text.count(before) == 1
    office.config.write_text(text.replace(before, f"{line}{before}"), encoding="utf-8")


def run(office: Office, cycles: int = 1) -> dict[str, float]:
    """Run a daemon's cycles and delivery; return how often the plugin was counted, by hook."""
    return asyncio.run(_run(office, cycles))


async def _run(office: Office, cycles: int) -> dict[str, float]:
    store = office.open()
    daemon = Daemon(office.load(), store, FixedClock(NOW))
    for _ in range(cycles):
        draft = await daemon.cycle()
        assert draft is not None
    await daemon._mailroom.drain()
    await daemon._mailroom.close()
    alerts = [(one.rule, one.project_code) for one in store.alerts()]
    store.close()
    assert ("milestone-slip", "P01") in alerts  # one plugin cannot stop another
    return dict(counted(daemon))


def counted(daemon: Daemon) -> Iterator[tuple[str, float]]:
    """Yield what is exported of the plugin and is not 0."""
    for family in daemon._telemetry.registry.collect():
        for one in family.samples:
            if one.name == "pmo_watch_plugin_errors_total" and one.value:
                assert one.labels["plugin"] == "faulty"
                yield one.labels["hook"], one.value


def test_healthy_plugins_are_not_counted(office: Office) -> None:
    assert run(office) == {}


@pytest.mark.parametrize(("where", "times"), [("open", 1), ("read", 1), ("close", 2)])
def test_source_that_fails_is_counted(office: Office, where: str, times: int) -> None:
    insert(office, SOURCE, f"  other: {{type: faulty_source, where: {where}}}\n")

    # One that fails to close has failed to read before: this plugin says nothing at all.
    assert run(office) == {"read": times}


def test_measure_that_fails_is_counted_once_for_each_evaluation(office: Office) -> None:
    office.rules("20-faulty.yaml", RULE)

    assert run(office, cycles=3) == {"measure": 1}


@pytest.mark.parametrize("where", ["open", "turn", "send", "payload", "close"])
def test_notifier_that_fails_is_counted(office: Office, where: str) -> None:
    insert(office, OBSERVER, f"  room: {{type: faulty_channel, where: {where}}}\n")
    office.rules("00-people.yaml", PEOPLE.replace("{role: project_leader,", "{notifier: room,"))

    assert run(office) == {"send": 1}


@pytest.mark.parametrize("where", ["open", "wishes", "cycle_finished"])
def test_observer_that_fails_is_counted(office: Office, where: str) -> None:
    insert(office, OBSERVER, f"  window: {{type: faulty_window, where: {where}}}\n")

    assert run(office) == {"cycle_finished": 1}
