"""Observers that push, where their plugin fails: it costs their own pushes and nothing else."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from office import NOW, Office

from pmo_watch.clock import FixedClock
from pmo_watch.errors import DeliveryError
from pmo_watch.in_force import open_observers
from pmo_watch.pushing import Pushing, lines_of, try_out
from pmo_watch.store import Store
from pmo_watch.telemetry import Telemetry

SHAKY = '''"""Shaky: pushes as badly as it is told to."""

import asyncio
from datetime import timedelta

from pmo_watch.api import DeliveryDeferred, ObserverType, PluginSettings, hookimpl


class Settings(PluginSettings):
    how: str = "well"


class Shaky:
    def __init__(self, settings, context):
        self.how = settings.how

    def wishes(self):
        return ()

    def cycle_finished(self, report):
        pass

    def close(self):
        pass

    async def push(self):
        if self.how == "raise":
            raise ZeroDivisionError("a defect")
        if self.how == "hang":
            await asyncio.sleep(60)
        if self.how == "refuse":
            raise DeliveryDeferred("auth", "no", channel_fault=True)
        refused = DeliveryDeferred("auth", "401", channel_fault=True)
        faults = {"half": DeliveryDeferred("connect", "no"), "fault": refused}
        return {"one": faults.get(self.how), "two": None if self.how in {"half", "well"} else faults.get(self.how)}

    push_test = probe = push

    async def end(self):
        if self.how == "end":
            raise ZeroDivisionError("a defect")


@hookimpl
def pmo_watch_observers():
    often = timedelta(minutes=1)
    return [ObserverType("shaky", Settings, Shaky, every=lambda _: often, deadline_seconds=lambda _: 0.1)]
'''


class Desk:
    """An office with a shaky pusher, and what became of its pushes."""

    def __init__(self, office: Office, store: Store) -> None:
        self.office, self.store, self.telemetry = office, store, Telemetry()

    def push(self, how: str, times: int = 1) -> list[str]:
        """Push so often, once after another, and return what the members said at last."""
        text = self.office.config.read_text(encoding="utf-8").partition("  shaky:")[0]
        self.office.config.write_text(f"{text}  shaky: {{type: shaky, how: {how}}}\n", encoding="utf-8")
        in_force = self.office.load()
        observers = open_observers(in_force, None, only=in_force.pushers())
        pushing = Pushing(self.store, in_force, observers, FixedClock(NOW), self.telemetry)
        said: list[str] = []
        for _ in range(times):
            said = lines_of(asyncio.run(pushing.once()))
        return said

    def counted(self, name: str, **labels: str) -> float:
        """Return one of the daemon's figures."""
        return self.telemetry.registry.get_sample_value(f"pmo_watch_{name}", labels) or 0.0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    office = Office(tmp_path, projects=1)
    (tmp_path / "plugins.d").mkdir()
    (tmp_path / "plugins.d" / "shaky.py").write_text(SHAKY)
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(text.replace("rules: rules.d", "plugins_dir: plugins.d\nrules: rules.d"), encoding="utf-8")
    store = office.open()
    yield Desk(office, store)
    store.close()


def test_push_that_everybody_takes_is_accepted(desk: Desk) -> None:
    assert desk.push("well") == ["shaky: one: accepted", "shaky: two: accepted"]
    assert desk.counted("deliveries_total", notifier="shaky", outcome="accepted") == 1
    assert desk.counted("notifier_healthy", notifier="shaky") == 1
    assert desk.store.circuits() == {}


def test_one_member_that_takes_pushes_is_enough(desk: Desk) -> None:
    assert desk.push("half") == ["shaky: one: connect: no", "shaky: two: accepted"]
    assert desk.counted("notifier_healthy", notifier="shaky") == 1
    assert desk.counted("delivery_failures_total", notifier="shaky", reason="connect") == 1


@pytest.mark.parametrize(
    ("how", "said", "reason"),
    [
        ("raise", "shaky: shaky: other: ZeroDivisionError", "other"),
        ("hang", "shaky: shaky: timeout: no end within 0.1 s", "timeout"),
        ("refuse", "shaky: shaky: auth: no", "auth"),
    ],
)
def test_plugin_that_fails_is_a_push_that_nobody_took(desk: Desk, how: str, said: str, reason: str) -> None:
    assert desk.push(how, times=2) == [said]
    assert desk.counted("notifier_healthy", notifier="shaky") == 0
    assert desk.counted("delivery_failures_total", notifier="shaky", reason=reason) == 2
    assert desk.counted("deliveries_total", notifier="shaky", outcome="deferred") == 2


def test_defect_is_logged_once_and_counted_each_time(desk: Desk) -> None:
    with structlog.testing.capture_logs() as logged:
        desk.push("raise", times=3)

    assert [one["event"] for one in logged].count("observer raised what it should not") == 1
    assert desk.counted("plugin_errors_total", plugin="shaky", hook="cycle_finished") == 3


def test_pusher_that_cannot_end_keeps_nothing_else_open(desk: Desk) -> None:
    assert desk.push("end")[0] == "shaky: one: accepted"


def test_fault_of_the_channel_is_kept_from_its_first_moment_until_a_push_is_taken(desk: Desk) -> None:
    desk.push("fault", times=2)
    circuit = desk.store.circuits()["shaky"]
    desk.store.note_fault("shaky", NOW + timedelta(hours=1), "tls", "later")
    again = desk.store.circuits()["shaky"]
    desk.push("well")

    assert (circuit.fault_since, circuit.fault_reason, circuit.fault_answer) == (NOW, "auth", "401")
    assert (again.fault_since, again.fault_reason) == (NOW, "tls")
    assert desk.store.circuits() == {}


def test_every_pusher_can_be_tried_out_alone(desk: Desk) -> None:
    desk.push("half")
    took = asyncio.run(try_out(desk.office.load(), lambda one: one.probe(), "shaky"))

    assert set(took) == {"shaky"}
    assert isinstance(took["shaky"]["one"], DeliveryError)
