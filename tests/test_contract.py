"""Every built-in plugin keeps the contract that we ask of other people's: house-style 7, by the kit that we ship."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import pmo_watch_plugins
import pytest
from card_bench import row, settings
from mail_server import free_port
from pmo_watch_plugins.notifiers.alertmanager import ALERTMANAGER
from pmo_watch_plugins.notifiers.teams import TEAMS
from pytest_httpserver import HTTPServer

from pmo_watch.api import NotifierContext, Organisation, SourceContext
from pmo_watch.configuration import read_configuration
from pmo_watch.demo.folder import Counterparts, write_folder
from pmo_watch.demo.sheets import write_week
from pmo_watch.plugin_host import FOLDERS
from pmo_watch.testing import check_answers, check_plugin, check_pusher, check_source

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
FOUND = {
    f"{kind}/{folder.name}": folder
    for kind in FOLDERS
    for package in import_module(f"{pmo_watch_plugins.__name__}.{kind}").__path__
    for folder in sorted(Path(package).iterdir())
    if (folder / "__init__.py").is_file()
}


@pytest.mark.parametrize("name", FOUND)
def test_folder_keeps_the_contract(name: str) -> None:
    assert check_plugin(FOUND[name]) == []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the settings of a folder with sources of every kind to read."""
    folder = tmp_path_factory.mktemp("demo")
    path = write_folder(folder, Counterparts(2525, 8080, 9464, "https://127.0.0.1:1", "http://127.0.0.1:1"))
    started = read_configuration(path, installed=False)
    write_week(folder, 1, started.calendars["be"])
    return path


def sources(kind: str, demo: Path) -> Iterator[list[str]]:
    """Yield the faults of each source of that kind."""
    started = read_configuration(demo, installed=False)
    for entry in started.settings.sources.values():
        if entry.type == kind:
            kept = started.plugins.sources[kind]
            context = SourceContext(
                entry.name, demo.parent, NOW, ZoneInfo("Europe/Brussels"), Organisation(), started.calendars
            )
            given = entry.settings.model_dump(include=set(kept.settings.model_fields), exclude_unset=True)
            yield check_source(kept, {**given, "settle_seconds": 0}, context)


@pytest.mark.parametrize("kind", ["ms_project", "csv_file"])
def test_source_yields_fields_of_the_model_and_one_summary(kind: str, demo: Path) -> None:
    found = list(sources(kind, demo))

    assert found
    assert [fault for faults in found for fault in faults] == []


async def test_teams_says_what_happens_next(httpserver: HTTPServer, tmp_path: Path) -> None:
    async def send(status: int) -> str:
        httpserver.clear()
        httpserver.expect_request("/workflows/a").respond_with_data("", status=status)
        opened = TEAMS.open(
            settings(url=httpserver.url_for("/workflows/a?sig=canary")),
            NotifierContext("teams", tmp_path, "pmo-watch/1"),
        )
        try:
            return str(await opened.send(row()))
        finally:
            await opened.close()

    assert await check_answers(send) == []


async def test_alertmanager_returns_what_went_wrong(tmp_path: Path) -> None:
    given = {"urls": [f"http://127.0.0.1:{free_port()}"]}

    assert await check_pusher(ALERTMANAGER, given, NotifierContext("am", tmp_path, "pmo-watch/1")) == []
