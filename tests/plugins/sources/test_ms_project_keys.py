"""What rows are known by: chosen once, kept, and guarded when a program numbers them anew."""

from pathlib import Path
from typing import Any

import pytest
from plans import NOW, SAVED, Answer, plan, read, task, write
from rows import reading

from pmo_watch.api import SourceDataError
from pmo_watch.flow import Outcome, SourceState
from pmo_watch.normalise import Accepted, Limits, accept

DAY = 86_400
FIELDS = {"ExtendedAttribute": {"FieldID": 188743731, "FieldName": "Text1", "Alias": "PMO code"}}


def coded(uid: int, code: str, name: str = "", **elements: Any) -> dict[str, Any]:
    return task(uid, name, ExtendedAttribute={"FieldID": 188743731, "Value": code}, **elements)


def guid(number: int) -> str:
    return f"{{0A1B2C3D-0000-4000-8000-{number:012}}}"


def keys(answer: Answer) -> list[str]:
    return [key.removeprefix("plan/") for key in answer.frame("task")["key"].to_list()]


def again(folder: Path, before: Answer, content: str, **settings: Any) -> Answer:
    write(folder / "plan.xml", content, at=SAVED + DAY)
    return read(folder, before.summary.cursor, **settings)


def first(folder: Path, content: str, **settings: Any) -> Answer:
    write(folder / "plan.xml", content)
    return read(folder, **settings)


# --- the choice ---------------------------------------------------------------------------------------------------


def test_guids_identify_where_every_row_has_one(tmp_path: Path) -> None:
    answer = first(tmp_path, plan(task(1, GUID=guid(1)), task(2, GUID=guid(2))))

    assert keys(answer) == [guid(1).strip("{}").lower(), guid(2).strip("{}").lower()]
    assert answer.summary.decisions == ("plan.xml: GUID identifies the rows",)
    assert answer.frame("task")["id"].to_list() == ["1", "2"]


@pytest.mark.parametrize(
    "rows",
    [(task(1, GUID=guid(1)), task(2)), (task(1, GUID=guid(1)), task(2, GUID=guid(1)))],
    ids=["not filled", "not unique"],
)
def test_else_the_unique_ids_do(tmp_path: Path, rows: tuple[dict[str, Any], ...]) -> None:
    assert keys(first(tmp_path, plan(*rows))) == ["1", "2"]


def test_the_row_of_the_project_and_blank_rows_need_no_key(tmp_path: Path) -> None:
    own = task(0, "Atlas", OutlineLevel=0)
    blank = {"UID": 9, "IsNull": 1}

    assert keys(first(tmp_path, plan(own, task(1, GUID=guid(1)), blank))) == [guid(1).strip("{}").lower()]


@pytest.mark.parametrize("word", ["Text1", "pmo CODE"])
def test_a_field_or_alias_identifies_and_is_what_people_see(tmp_path: Path, word: str) -> None:
    answer = first(tmp_path, plan(coded(1, "A10"), coded(2, "A20"), ExtendedAttributes=FIELDS), key=word)

    assert keys(answer) == answer.frame("task")["id"].to_list() == ["A10", "A20"]
    assert answer.summary.degraded == ()


def test_a_field_that_is_not_filled_on_all_rows_does_not_identify(tmp_path: Path) -> None:
    answer = first(tmp_path, plan(coded(1, "A10"), task(2), ExtendedAttributes=FIELDS), key="Text1")

    assert keys(answer) == ["1", "2"]
    assert answer.frame("task")["id"].to_list() == ["A10", "2"]
    assert answer.summary.degraded == ("plan.xml: Text1 is not filled and unique on all rows: UID identifies them",)


def test_a_field_the_plan_does_not_have_is_said(tmp_path: Path) -> None:
    answer = first(tmp_path, plan(task(1)), key="Activity")

    assert "plan.xml: no field 'Activity'" in answer.summary.degraded


def test_paths_identify_rows_by_name(tmp_path: Path) -> None:
    rows = [task(1, "Build"), task(2, "Test", OutlineLevel=2), task(3, "Test", OutlineLevel=2), task(4, "Test")]

    answer = first(tmp_path, plan(*rows), key="path")

    assert keys(answer) == ["Build#1", "Build>Test#1", "Build>Test#2", "Test#1"]
    assert answer.frame("task")["id"].to_list() == ["1", "2", "3", "4"]
    assert answer.frame("task")["parent"].to_list() == [None, "plan/Build#1", "plan/Build#1", None]


# --- the choice stays ---------------------------------------------------------------------------------------------


def test_guids_that_appear_later_do_not_change_the_keys(tmp_path: Path) -> None:
    before = first(tmp_path, plan(task(1), task(2)))

    after = again(tmp_path, before, plan(task(1, GUID=guid(1)), task(2, GUID=guid(2))))

    assert keys(after) == ["1", "2"]


def test_a_new_row_without_guid_is_known_by_its_path(tmp_path: Path) -> None:
    before = first(tmp_path, plan(task(1, GUID=guid(1))))

    after = again(tmp_path, before, plan(task(1, GUID=guid(1)), task(2, "New")))

    assert keys(after) == [guid(1).strip("{}").lower(), "New#1"]
    assert after.summary.degraded == ("plan.xml: no GUID on 1 rows: history by name",)


def test_a_plan_that_lost_its_keys_is_refused(tmp_path: Path) -> None:
    before = first(tmp_path, plan(task(1, GUID=guid(1))))

    with pytest.raises(SourceDataError) as refused:
        again(tmp_path, before, plan(task(1)))

    assert str(refused.value) == (
        "plan.xml: its rows were known by GUID, which none of them has now: another program wrote the file. "
        "Set 'key:' to go on under other keys, such as 'key: UID'"
    )


def test_another_setting_chooses_again(tmp_path: Path) -> None:
    before = first(tmp_path, plan(task(1, GUID=guid(1))))

    after = again(tmp_path, before, plan(task(1)), key="UID")

    assert keys(after) == ["1"]
    assert keys(again(tmp_path, after, plan(task(1), task(2)), key="UID")) == ["1", "2"]


def test_the_key_of_the_project_stays_with_its_code(tmp_path: Path) -> None:
    before = first(tmp_path, plan(task(1), GUID=guid(7)), project_code="file_name")

    after = again(tmp_path, before, plan(task(1), GUID=guid(8)), project_code="file_name")

    assert after.row("project")["key"] == before.row("project")["key"] == guid(7).strip("{}").lower()


# --- the guard against renumbered files ---------------------------------------------------------------------------

NAMES = ("Order", "Deliver", "Install", "Configure", "Migrate", "Train", "Accept", "Close")


def accepted(before: Accepted, answer: Answer, *, is_whole: bool = True) -> Accepted:
    outcome = Outcome.COMPLETE if is_whole else Outcome.PARTIAL
    read_again = reading("plans", *answer.records, outcome=outcome, summary=answer.summary, at=NOW)
    return accept(read_again, before.rows, before.state, Limits())


def numbered(names: tuple[str, ...]) -> str:
    return plan(*(task(uid, name) for uid, name in enumerate(names, 1)))


def test_a_renumbered_plan_is_held(tmp_path: Path) -> None:
    before = first(tmp_path, numbered(NAMES))
    known = accepted(Accepted(SourceState("plans", "ms_project"), {}), before)

    after = accepted(known, again(tmp_path, before, numbered(("Kick off", *NAMES))))

    assert after.state.outcome == Outcome.HELD
    assert "plan.xml: 8 of 8 known task keys carry another name: the file was renumbered" in after.state.held
    assert "Set 'key:'" in after.state.held
    assert after.rows is known.rows


def test_paths_survive_new_numbers(tmp_path: Path) -> None:
    before = first(tmp_path, numbered(NAMES), key="path")
    known = accepted(Accepted(SourceState("plans", "ms_project"), {}), before)

    after = accepted(known, again(tmp_path, before, numbered(("Kick off", *NAMES)), key="path"))

    assert after.state.outcome == Outcome.COMPLETE
    assert after.changed["task"].filter(name="Kick off").height == 1
    assert after.missing["task"] == []


def test_a_bad_file_leaves_its_rows_and_takes_nothing_away(tmp_path: Path) -> None:
    write(tmp_path / "other.xml", plan(task(1), Title="Other"))
    before = first(tmp_path, numbered(NAMES))
    known = accepted(Accepted(SourceState("plans", "ms_project"), {}), before)

    after = accepted(known, again(tmp_path, before, "<Project>"), is_whole=False)

    assert after.rows["task"].height == len(NAMES) + 1
    assert after.rows["task"].filter("@unseen")["@part"].unique().to_list() == ["plan.xml"]


def test_rows_of_all_plans_have_different_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        resources = {"Resource": {"UID": 1, "Name": "Ann", "EmailAddress": "ann@example.org"}}
        assignments = {"Assignment": {"UID": 1, "TaskUID": 1, "ResourceUID": 1}}
        linked = task(2, PredecessorLink={"PredecessorUID": 1})
        content = plan(task(1), linked, Title=name, Resources=resources, Assignments=assignments)
        write(tmp_path / f"{name}.xml", content)

    answer = read(tmp_path)

    for entity in ("project", "task", "dependency", "person", "assignment"):
        assert answer.frame(entity)["key"].is_unique().all()
    assert reading("plans", *answer.records).frames["person"].height == 2
