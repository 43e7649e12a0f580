"""What a reload leaves as it is, and what it takes away, without a process of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from office import NOW, Office

from pmo_watch.clock import FixedClock
from pmo_watch.daemon import Daemon


class Unwatched(Daemon):
    """A daemon that looks at no file by itself."""

    def _watch_files(self, loop: object) -> None:
        self.looked = True


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, every="30m")


@pytest.fixture
def daemon(office: Office) -> Iterator[Daemon]:
    store = office.open()
    yield Unwatched(office.load(), store, FixedClock(NOW))
    store.close()


async def test_a_source_that_refused_goes_on_waiting(office: Office, daemon: Daemon) -> None:
    daemon._timetable.asked(["plans", "people"], NOW)
    daemon._timetable.refused("people", NOW, 6)
    office.slip_rule(red="over 9 wd")

    assert (await daemon.reload()).status == 200

    assert daemon._timetable.due(NOW) == []


async def test_a_source_with_other_settings_is_due_at_once(office: Office, daemon: Daemon) -> None:
    daemon._timetable.asked(["plans", "people"], NOW)
    office.config.write_text(office.config.read_text(encoding="utf-8").replace("30m", "45m"), encoding="utf-8")

    assert (await daemon.reload()).status == 200

    assert daemon._timetable.due(NOW) == ["plans", "people"]


async def test_metrics_that_a_reload_switched_off_are_not_found(office: Office, daemon: Daemon) -> None:
    serve = daemon._mounts()["/metrics"]
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(text.replace("{type: prometheus}", "{type: prometheus, enabled: false}"), encoding="utf-8")
    said: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        said.append(event)

    assert (await daemon.reload()).status == 200
    await serve({}, None, send)

    assert said[0]["status"] == 404
