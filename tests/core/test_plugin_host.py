"""Plugins are found in three places; each is taken whole or left out with its reason, and stops nobody else."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pmo_watch
from pmo_watch import plugin_host
from pmo_watch.plugin_host import DROP_IN, LoadedPlugin, Plugins, load_plugins

GOOD = '''
"""Postcards: one per alert.

A second paragraph.
"""
from collections.abc import Iterable
from typing import Any

from pmo_watch.api import NotifierType, ObserverType, PluginSettings, hookimpl

__version__ = "1.2"


class Settings(PluginSettings):
    stamp: str


POSTCARD = NotifierType("postcard", Settings, lambda settings, context: None)
WINDOW = ObserverType("window", Settings, lambda settings, context: None)


@hookimpl
def pmo_watch_notifiers() -> Iterable[NotifierType[Any]]:
    yield POSTCARD


@hookimpl
def pmo_watch_observers() -> Iterable[ObserverType[Any]]:
    return [WINDOW]
'''


@pytest.fixture(autouse=True)
def forget_modules() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(DROP_IN):
            del sys.modules[name]


def drop_in(folder: Path, **files: str) -> Plugins:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return load_plugins(folder, installed=False)


def left_out(plugins: Plugins) -> dict[str, str]:
    """Return what was left out among the files dropped in; what ships has a test of its own."""
    shipped = load_plugins(installed=False).failed
    return {name: why for name, why in plugins.failed.items() if name not in shipped}


def reason(folder: Path, text: str) -> str:
    plugins = drop_in(folder, other=GOOD, broken=text)
    assert "other" in {one.name for one in plugins.loaded}  # one plugin cannot stop another
    assert set(left_out(plugins)) == {"broken"}
    return plugins.failed["broken"].replace(str(folder), "")


def test_every_folder_that_ships_is_loaded() -> None:
    plugins = load_plugins(installed=False)

    root = Path(__file__).parents[2] / "plugins"
    folders = {
        one.parent.name for kind in ("sources", "rules", "notifiers") for one in (root / kind).glob("*/__init__.py")
    }
    assert plugins.failed == {}
    assert {one.name for one in plugins.loaded} == folders
    assert {one.origin for one in plugins.loaded} <= {"built-in"}
    assert {one.version for one in plugins.loaded} <= {pmo_watch.__version__}
    assert all(one.text and one.kinds for one in plugins.loaded)


def test_file_of_the_plugins_folder_is_loaded(tmp_path: Path) -> None:
    plugins = drop_in(tmp_path, postcard=GOOD)

    assert plugins.loaded[-1] == LoadedPlugin(
        "postcard", ("notifier", "observer"), "1.2", "Postcards: one per alert.", str(tmp_path / "postcard.py")
    )
    assert plugins.notifiers["postcard"].name == "postcard"
    assert set(plugins.observers) >= {"window"}


def test_entry_point_of_another_distribution_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_pmo.py").write_text(GOOD)
    about = tmp_path / "acme_pmo-3.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-pmo\nVersion: 3.1\n")
    (about / "entry_points.txt").write_text("[pmo_watch]\nacme = acme_pmo\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()

    plugins, without = load_plugins(), load_plugins(installed=False)
    sys.modules.pop("acme_pmo")

    assert ("acme", "3.1", "acme-pmo") in {(one.name, one.version, one.origin) for one in plugins.loaded}
    assert "acme" not in {one.name for one in without.loaded}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "import no_such_library_here\n",
            "the library 'no_such_library_here' is not installed: install it beside pmo-watch",
        ),
        ("def broken(:\n", "/broken.py:1:12: invalid syntax"),
        ("1 / 0\n", "importing it raised ZeroDivisionError in /broken.py:1: division by zero"),
        ("import sys\nsys.exit(3)\n", "importing it raised SystemExit in /broken.py:2: 3"),
        (
            "x = 1\n",
            (
                "it has no hook at all: write one of pmo_watch_sources, pmo_watch_measures, pmo_watch_notifiers, "
                "pmo_watch_observers, marked with @hookimpl"
            ),
        ),
        ("def pmo_watch_sources():\n    return []\n", "'pmo_watch_sources' is not marked with @hookimpl"),
        (
            "from pmo_watch.api import hookimpl\n@hookimpl\ndef pmo_watch_source():\n    return []\n",
            "hook 'pmo_watch_source' does not exist, did you mean 'pmo_watch_sources'?",
        ),
        (
            "from pmo_watch.api import hookimpl\n@hookimpl\ndef pmo_watch_sources(settings):\n    return []\n",
            "hook 'pmo_watch_sources' takes no arguments",
        ),
        (
            "from pmo_watch.api import hookimpl\n@hookimpl\ndef pmo_watch_sources():\n    return ['csv']\n",
            "hook 'pmo_watch_sources' must return a list of SourceType, and there is a str in it",
        ),
        (
            "from pmo_watch.api import hookimpl\n@hookimpl\ndef pmo_watch_sources():\n    return 5\n",
            "hook 'pmo_watch_sources' must return a list of SourceType, not 5",
        ),
        (
            "from pmo_watch.api import hookimpl\n@hookimpl\ndef pmo_watch_sources():\n    yield {}[1]\n",
            "hook 'pmo_watch_sources' raised KeyError in /broken.py:4: 1",
        ),
        (
            GOOD.replace("    yield POSTCARD", "    return [POSTCARD, POSTCARD]").replace('"window"', '"pane"'),
            "hook 'pmo_watch_notifiers' returned 'postcard' twice",
        ),
        (
            GOOD.replace('"window"', '"postcard"'),
            "'postcard' is both a notifier and an observer: give one another name",
        ),
    ],
    ids=[
        "library",
        "syntax",
        "import",
        "exit",
        "no-hook",
        "not-marked",
        "misspelt",
        "argument",
        "wrong-type",
        "no-list",
        "raises",
        "twice",
        "two-kinds",
    ],
)
def test_broken_plugin_is_left_out_with_its_reason(tmp_path: Path, text: str, expected: str) -> None:
    assert reason(tmp_path, text) == expected


def test_name_of_another_plugin_is_taken(tmp_path: Path) -> None:
    swapped = GOOD.replace('"postcard"', '"pane"').replace('"window"', '"postcard"')

    plugins = drop_in(tmp_path, a_first=GOOD, b_same=GOOD, c_other_kind=swapped)

    assert [one.name for one in plugins.loaded if one.origin != "built-in"] == ["a_first"]
    assert left_out(plugins) == {
        "b_same": "the notifier 'postcard' is taken by another plugin: rename it or remove one of the two",
        "c_other_kind": "the observer 'postcard' is taken by another plugin: rename it or remove one of the two",
    }


def test_nothing_of_a_broken_plugin_is_kept(tmp_path: Path) -> None:
    half = GOOD.replace("    return [WINDOW]", "    return [None]")

    plugins = drop_in(tmp_path, half=half)

    assert "postcard" not in plugins.notifiers
    assert set(left_out(plugins)) == {"half"}


def test_setting_that_names_a_broken_plugin_says_why() -> None:
    plugins = Plugins(failed={"jira": "the library 'httpx' is not installed"})

    assert (
        plugins.why_not("type", "jira", ["csv_file"]) == "type 'jira' is left out: the library 'httpx' is not installed"
    )
    assert plugins.why_not("type", "csv_fil", ["csv_file"]) == "type 'csv_fil' does not exist, did you mean 'csv_file'?"
    assert plugins.why_not("type", "x", ["a", "b"]) == (
        "type 'x' does not exist; there is a, b; left out: jira (the library 'httpx' is not installed)"
    )


def test_core_names_the_plugins_in_one_place_only() -> None:
    naming = [
        path.name
        for path in Path(plugin_host.__file__).parent.rglob("*.py")
        if "pmo_watch_plugins" in path.read_text(encoding="utf-8")
    ]

    assert naming == ["plugin_host.py"]
