"""Which plan a file is a state of, what it is called, and the projects inserted in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from plans import SAVED, plan, read, task, write

DAY = 86_400


def test_the_newest_file_of_a_plan_counts(tmp_path: Path) -> None:
    guid = "{0A1B2C3D-0000-4000-8000-000000000001}"
    write(tmp_path / "w1.xml", plan(task(1, "Old"), Title="Atlas", GUID=guid), at=SAVED)
    write(tmp_path / "w2.xml", plan(task(1, "New"), Title="Atlas", GUID=guid.lower()), at=SAVED + DAY)

    answer = read(tmp_path)

    assert (answer.parts, answer.row("task")["name"]) == (["w2.xml"], "New")
    assert answer.summary.degraded == (
        "w1.xml is an older state of w2.xml: left out; 'import_history: true' takes it into the history",
    )
    assert read(tmp_path, answer.summary.cursor).summary.unchanged == ("w2.xml",)


def test_an_older_file_steps_in_for_a_broken_one(tmp_path: Path) -> None:
    broken = plan(task(1, "New"), Title="Atlas").replace("</Project>", "")
    write(tmp_path / "1/atlas.xml", plan(task(1, "Old"), Title="Atlas"), at=SAVED)
    write(tmp_path / "2/atlas.xml", broken, at=SAVED + DAY)

    answer = read(tmp_path)

    assert (answer.parts, answer.row("task")["name"]) == (["1/atlas.xml"], "Old")
    assert answer.summary.error.startswith("2/atlas.xml:")


def test_a_plan_in_a_new_file_keeps_its_key(tmp_path: Path) -> None:
    write(tmp_path / "1/atlas.xml", plan(task(1), Title="Atlas"), at=SAVED)
    first = read(tmp_path)
    write(tmp_path / "2/atlas.xml", plan(task(1), Title="Atlas"), at=SAVED + DAY)

    second = read(tmp_path, first.summary.cursor)

    assert (second.parts, second.row("project")["key"]) == (["2/atlas.xml"], first.row("project")["key"])
    assert second.summary.unchanged == ()


def test_a_title_that_was_copied_makes_no_second_state(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", plan(task(1), Title="Template"))
    first = read(tmp_path)
    write(tmp_path / "b.xml", plan(task(1), Title="Template"))

    second = read(tmp_path, first.summary.cursor)

    assert (first.row("project")["code"], second.row("project")["code"]) == ("Template", "b")
    assert second.summary.degraded == ("b.xml is called b: another plan is called Template too; set 'project_code'",)


def test_equal_numbers_of_projects_are_no_identity(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.xml", plan(task(1), Title=name, UID=1))

    answer = read(tmp_path)

    assert answer.frame("task")["key"].to_list() == ["a/1", "b/1"]


@pytest.mark.parametrize(
    ("project_code", "expected"),
    [
        ("auto", "Atlas"),
        ("file_name", "plan-a"),
        ("Name", "ATL.2026"),
        ("Title", "Atlas"),
        ("PMO number", "P-7"),
        ({"plan-a.xml": "ATL"}, "ATL"),
        ({"deep/plan-a.xml": "ATL"}, "ATL"),
    ],
    ids=str,
)
def test_the_code_comes_from_where_settings_say(
    tmp_path: Path, project_code: str | dict[str, str], expected: str
) -> None:
    fields = {"ExtendedAttribute": {"FieldID": 188743731, "FieldName": "Text1", "Alias": "PMO number"}}
    own = task(0, "Atlas", OutlineLevel=0, ExtendedAttribute={"FieldID": 188743731, "Value": "P-7"})
    content = plan(own, task(1), Title="Atlas", Name="ATL.2026.mpp", ExtendedAttributes=fields)
    write(tmp_path / "deep/plan-a.xml", content)

    assert read(tmp_path, project_code=project_code).row("project")["code"] == expected


def test_the_folder_may_say_the_programme(tmp_path: Path) -> None:
    write(tmp_path / "Nova/a.xml", plan(task(1), Title="Atlas"))

    answer = read(tmp_path, attributes={"program": "folder"})

    assert (answer.row("project")["program"], answer.row("program")["id"]) == ("Nova", "Nova")
    assert answer.summary.degraded == ()


def test_what_is_remembered_of_three_hundred_plans_fits(tmp_path: Path) -> None:
    for number in range(40):
        title, guid = f"A project with a rather long title, number {number}", f"0A1B2C3D-0000-4000-8000-{number:012}"
        write(tmp_path / f"portfolio/plan-{number:03}.xml", plan(task(1), Title=title, GUID=guid))

    assert len(json.dumps(read(tmp_path).summary.cursor)) / 40 * 300 < 64 * 1024


def test_the_alias_project_code_comes_before_the_title(tmp_path: Path) -> None:
    fields = {"ExtendedAttribute": {"FieldID": 188743731, "FieldName": "Text1", "Alias": "Project Code"}}
    own = task(0, "Atlas", OutlineLevel=0, ExtendedAttribute={"FieldID": 188743731, "Value": "P-7"})
    write(tmp_path / "a.xml", plan(own, task(1), Title="Atlas", ExtendedAttributes=fields))

    assert read(tmp_path).row("project")["code"] == "P-7"


def test_a_code_that_is_not_there_is_said(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", plan(task(1), Title="Atlas"))

    answer = read(tmp_path, project_code={"other.xml": "X"})

    assert answer.row("project")["code"] == "Atlas"
    assert answer.summary.degraded == ("a.xml is called Atlas: 'project_code' gives it no code",)


def test_an_inserted_plan_that_has_a_file_of_its_own_is_read_once(tmp_path: Path) -> None:
    inside = {"Title": "Lima", "Tasks": {"Task": task(1, "Inside")}}
    master = task(1, "Lima", SubprojectName=r"C:\plans\lima.mpp", Project=inside)
    write(tmp_path / "lima.xml", plan(task(1, "Outside"), Title="Lima"))
    write(tmp_path / "master.xml", plan(master, Title="Master"))

    answer = read(tmp_path)

    assert sorted(answer.frame("task")["name"]) == ["Lima", "Outside"]
    assert answer.row("task", "master/1")["external"]
    assert answer.summary.degraded == ("master.xml: lima is inserted here and has a file of its own: read from there",)


def test_a_row_with_very_many_details_loses_none(tmp_path: Path) -> None:
    fields = [{"FieldID": 188743731, "Value": f"C-{number}"} for number in range(500)]
    details: dict[str, Any] = {
        "ExtendedAttribute": fields,
        "Baseline": {"Number": 0, "Finish": "2026-03-09T17:00:00"},
        "PredecessorLink": {"PredecessorUID": 1},
        "OutlineCode": {"FieldID": 188744096, "Value": "x"},
        "Project": {"Title": "Inside", "Tasks": {"Task": task(1, "Within")}},
    }
    write(tmp_path / "a.xml", plan(task(1), task(2, **details)))

    answer = read(tmp_path, key="Text1", attributes={"issue_type": "Outline Code1"})

    row = answer.row("task", "a/2")
    assert (row["id"], row["issue_type"], f"{row['baseline_finish']}") == ("C-499", "x", "2026-03-09")
    assert answer.row("dependency")["successor"] == "a/2"
    assert "Within" in answer.frame("task")["name"].to_list()


def test_projects_inserted_in_each_other_are_read_as_they_stream_by(tmp_path: Path) -> None:
    notes = "x" * 40_000  # so that a task with a project in it is never in one piece

    def holder(name: str, project: dict[str, Any]) -> dict[str, Any]:
        return task(1, name, Notes=notes, Project=project)

    deepest: dict[str, Any] = {
        "Title": "C",
        "Tasks": {"Task": [task(one, f"C{one}", Notes=notes) for one in range(1, 5)]},
    }
    middle: dict[str, Any] = {"Title": "B", "Tasks": {"Task": [holder("B1", deepest), task(2, "B2", Notes=notes)]}}
    write(tmp_path / "a.xml", plan(holder("A1", middle), task(2, "A2"), Title="A"))

    answer = read(tmp_path)

    rows = answer.frame("task").select("name", "outline_level").rows()
    assert rows[:4] == [("A1", 1), ("A2", 1), ("B1", 2), ("B2", 2)]
    assert rows[4:] == [("C1", 3), ("C2", 3), ("C3", 3), ("C4", 3)]
    assert answer.frame("project")["code"].to_list() == ["A", "B", "C"]
