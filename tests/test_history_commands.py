"""What the command line says of older files: `read` lists them, `sources list` says how far back history goes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from plans import SAVED, plan, task, write
from typer.testing import CliRunner

from pmo_watch.cli import app

WEEK = 7 * 86_400
SETTINGS = """\
database: {{url: "sqlite:///pmo-watch.db"}}
rules: rules.d
sources:
  plans: {{type: ms_project, path: "plans/*.xml", import_history: {history}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two files of one plan, a week apart, and no settings yet."""
    guid = "0a1b2c3d-0000-4000-8000-000000000001"
    for number in (1, 2):
        text = plan(task(1, "Dig"), Title="Atlas", GUID=guid)
        write(tmp_path / f"plans/w{number}.xml", text.replace("Dig", f"Dig {number}"), at=SAVED + number * WEEK)
    (tmp_path / "rules.d").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def moment(number: int) -> str:
    """Return when that file was written, as the command line prints it."""
    return datetime.fromtimestamp(SAVED + number * WEEK, UTC).strftime("%Y-%m-%dT%H:%M")


def run(folder: Path, *words: str, history: bool = True) -> Any:
    """Run a command."""
    (folder / "pmo-watch.yaml").write_text(SETTINGS.format(history=str(history).lower()), encoding="utf-8")
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def test_read_lists_the_states_that_would_enter(folder: Path) -> None:
    document = json.loads(run(folder, "read", "plans", "--format", "json").stdout)

    told = [(one["part"], one["of"], one["at"][:16], one["rows"]) for one in document["history"]]
    assert told == [("w1.xml", "w2.xml", moment(1), 2), ("w2.xml", "w2.xml", moment(2), 2)]
    assert [one["name"] for one in document["entities"]["task"]] == ["Dig 2"]


def test_read_says_them_in_words(folder: Path) -> None:
    said = run(folder, "read", "plans").stderr

    assert f"history: w1.xml, a state of w2.xml, from {moment(1).replace('T', ' ')} UTC: 2 rows" in said


def test_read_names_the_setting_where_older_files_are_left_out(folder: Path) -> None:
    said = run(folder, "read", "plans", history=False).stderr

    assert "said: w1.xml is an older state of w2.xml: left out; 'import_history: true'" in said
    assert "history: w" not in said


def test_sources_list_says_how_far_back_history_goes(folder: Path) -> None:
    assert json.loads(run(folder, "sources", "list", "--format", "json").stdout)[0]["known_since"] is None

    run(folder, "once")

    (listed,) = json.loads(run(folder, "sources", "list", "--format", "json").stdout)
    assert listed["known_since"][:16] == moment(1)
    assert f"history since: plans {moment(1)[:10]}" in run(folder, "sources", "list").stderr
