"""Looking measures up: by name, number, meaning and the names that people have for them, in three languages."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_measures import measure

from pmo_watch.measure_sheets import Sheet, called, example_lines, matching, nothing_called, outcome, sheets_of
from pmo_watch.output import as_json
from pmo_watch.plugin_host import LoadedPlugin, Plugins, load_plugins

SHEETS = sheets_of(load_plugins(installed=False), pytest.fail)
POINTS = measure(text="Story points.", finished_is_na=True)
CATALOGUE = """\
task.points:
  id: PT-01
  formula: its story points
  na: {not estimated: nobody estimates}
  grey: {missing task.story_points: it has no estimate}
  basis: Our own convention.
  sources: {csv_file: fully, jira: partly}
  example:
    text: A task of 12.5 points.
    today: 2026-05-18
    before:
      2026-05-14: {}
      2026-05-15: {task: [{id: A, story_points: 8, flagged: true, sprint: [S1, S2], url: null}]}
    given:
      task: [{id: A, story_points: 12.5, created_at: 2026-05-11T08:00:00Z}]
    expect: {value: 12.5, state: amber, note: half a point}
"""


def names(text: str) -> list[str]:
    return [one.measure.name for one in matching(SHEETS, text)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("slip_streak", "milestone.slip_streak"),
        ("fl-03", "board.wip_used"),
        ("forecast finish baseline", "milestone.slip"),
        ("Probabilité LIVRER", "release.chance_on_time"),
        ("probabilite", "release.chance_on_time"),
        ("onderhanden werk", "board.wip_used"),
        ("defect_net", "project.defect_inflow"),
    ],
    ids=["name", "number", "meaning", "French", "without accents", "Dutch", "companion"],
)
def test_measure_is_found_by_any_word_for_it(text: str, name: str) -> None:
    assert name in names(text)
    assert "release.scope_growth" not in names(text)


def test_nothing_to_search_for_finds_all_and_each_word_must_be_there() -> None:
    assert len(names("")) == len(SHEETS)
    assert names("probabilité doorvoer") == []


@pytest.mark.parametrize("text", ["board.blocked", "AG-11", "ag-11", "board.blocked_age"])
def test_one_is_called_by_name_number_or_companion(text: str) -> None:
    found = called(SHEETS, text)

    assert found is not None
    assert found.measure.name == "board.blocked"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("milestone.slop", "did you mean 'milestone.slip'?"),
        ("onderhandel", "did you mean 'onderhanden'?"),
        ("qqq", "'pmo-watch measures' lists what there is"),
    ],
)
def test_what_is_not_there_is_said_with_the_nearest(text: str, hint: str) -> None:
    assert called(SHEETS, text) is None
    assert hint in nothing_called(SHEETS, text)


# --- a catalogue of one's own -------------------------------------------------------------------------------------


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    """Return a plugin with one measure, in a folder with its catalogue."""
    (tmp_path / "catalogue.yaml").write_text(CATALOGUE, encoding="utf-8")
    loaded = LoadedPlugin("points", ("measure",), "", "Points.", "acme", tmp_path)
    return Plugins(measures={"task.points": POINTS}, loaded=(loaded,), given_by={("measure", "task.points"): "points"})


def only(plugins: Plugins) -> Sheet:
    (sheet,) = sheets_of(plugins, pytest.fail)
    return sheet


def test_sheet_says_what_code_and_catalogue_know(plugins: Plugins) -> None:
    facts = only(plugins).facts()

    assert facts["number"] == [("", "PT-01")]
    assert facts["na"] == [("not estimated", "nobody estimates"), ("finished", "the project has ended")]
    assert facts["sources"] == [("csv_file", "fully"), ("jira", "partly")]
    assert "amber" not in facts
    assert "name (fr)" not in facts


def test_document_has_all_of_it(plugins: Plugins) -> None:
    document = only(plugins).document()

    assert (document["measure"], document["id"], document["plugin"]) == ("task.points", "PT-01", "points")
    assert document["formula"] == "its story points"
    assert document["example"]["given"]["task"][0]["story_points"] == 12.5
    assert str(document["example"]["today"]) == "2026-05-18"
    assert list(document["example"]["before"]) == ["2026-05-14", "2026-05-15"]
    assert json.loads(json.dumps(document, default=as_json))


def test_example_is_told_row_by_row_and_day_by_day(plugins: Plugins) -> None:
    sheet = only(plugins)
    assert sheet.entry is not None

    assert list(example_lines(sheet.entry.example)) == [
        "on 2026-05-14: nothing changes",
        "on 2026-05-15",
        "  task: id A, story_points 8, flagged true, sprint [S1, S2], url null",
        "on 2026-05-18",
        "  task: id A, story_points 12.5, created_at 2026-05-11T08:00:00Z",
    ]
    assert outcome(sheet, sheet.entry.example) == "12.5, amber (half a point)"


def test_catalogue_that_cannot_be_read_costs_its_entries_and_is_told(plugins: Plugins, tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text("task.points: {formula: 1}", encoding="utf-8")
    said: list[str] = []

    (sheet,) = sheets_of(plugins, said.append)

    assert sheet.entry is None
    assert sheet.document()["formula"] is None
    assert "catalogue.yaml:1:24" in said[0]


def test_plugin_of_one_file_has_no_catalogue(plugins: Plugins) -> None:
    alone = replace(plugins, loaded=(replace(plugins.loaded[0], folder=None),))

    assert only(alone).entry is None
