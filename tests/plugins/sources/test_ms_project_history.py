"""Older files of a plan: left out and named, or taken into the history, once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plans import NOW, SAVED, Answer, open_source, plan, read, task, write
from pmo_watch_plugins.sources.ms_project import MS_PROJECT

from pmo_watch.api import PastState, SourceContext
from pmo_watch.testing import check_source

WEEK = 7 * 86_400
GUID = "0a1b2c3d-0000-4000-8000-000000000001"


def week(folder: Path, number: int, *tasks: Any, title: str = "Atlas", guid: str = GUID, at: float = 0) -> Path:
    """Write the plan as it was so many weeks before the newest."""
    path = folder / f"{title.lower()}-{number}.xml"
    rows = tasks or (task(1, f"as of {number}"),)
    return write(path, plan(*rows, Title=title, GUID=guid), at=at or SAVED - number * WEEK)


def saved(number: int) -> datetime:
    """Return when that state was written."""
    return datetime.fromtimestamp(SAVED - number * WEEK, UTC)


def told(answer: Answer) -> list[tuple[datetime, str, list[str]]]:
    """Return the past states: since when, the file of the present one, the names of the tasks."""
    return [(one.at, one.of, names(one)) for one in answer.past]


def names(state: PastState) -> list[str]:
    """Return the names of a state's tasks."""
    return [name for one in state.records if one.entity == "task" for name in one.frame["name"]]


def test_older_states_come_oldest_first_and_the_present_one_last(tmp_path: Path) -> None:
    for number in (0, 1, 2):
        week(tmp_path, number)

    answer = read(tmp_path, import_history=True)

    assert told(answer) == [
        (saved(2), "atlas-0.xml", ["as of 2"]),
        (saved(1), "atlas-0.xml", ["as of 1"]),
        (saved(0), "atlas-0.xml", ["as of 0"]),
    ]
    assert [one.records[0].part for one in answer.past] == ["atlas-2.xml", "atlas-1.xml", "atlas-0.xml"]
    assert {name for one in answer.past for records in one.records for name in records.frame["key"]} >= {GUID}
    assert (answer.row("task")["name"], answer.summary.whole, answer.summary.degraded) == ("as of 0", True, ())


def test_without_the_setting_older_states_are_named_with_it(tmp_path: Path) -> None:
    week(tmp_path, 0)
    week(tmp_path, 1)

    answer = read(tmp_path)

    assert answer.past == []
    assert answer.summary.degraded == (
        "atlas-1.xml is an older state of atlas-0.xml: left out; 'import_history: true' takes it into the history",
    )


def test_history_is_told_once(tmp_path: Path) -> None:
    week(tmp_path, 0)
    week(tmp_path, 1)
    first = read(tmp_path, import_history=True)

    again = read(tmp_path, first.summary.cursor, import_history=True)

    assert (again.past, again.records, again.summary.unchanged) == ([], [], ("atlas-0.xml",))


def test_a_state_that_was_the_present_one_is_in_the_history_already(tmp_path: Path) -> None:
    week(tmp_path, 1)
    first = read(tmp_path, import_history=True)
    week(tmp_path, 0)

    second = read(tmp_path, first.summary.cursor, import_history=True)

    assert (second.parts, second.past, second.summary.degraded) == (["atlas-0.xml"], [], ())


def test_a_plan_without_older_files_counts_from_when_it_was_written(tmp_path: Path) -> None:
    week(tmp_path, 0)

    assert [(one.at, one.of) for one in read(tmp_path, import_history=True).past] == [(saved(0), "atlas-0.xml")]


def test_switched_on_later_it_takes_what_was_left_out(tmp_path: Path) -> None:
    week(tmp_path, 0)
    week(tmp_path, 1)
    first = read(tmp_path)

    second = read(tmp_path, first.summary.cursor, import_history=True)

    assert [one.at for one in second.past] == [saved(1), saved(0)]


def test_an_older_file_that_comes_later_enters_with_the_present_state_behind_it(tmp_path: Path) -> None:
    week(tmp_path, 0)
    first = read(tmp_path, import_history=True)
    week(tmp_path, 2)

    second = read(tmp_path, first.summary.cursor, import_history=True)

    assert told(second) == [(saved(2), "atlas-0.xml", ["as of 2"]), (saved(0), "atlas-0.xml", ["as of 0"])]
    assert (second.records, second.summary.unchanged) == ([], ("atlas-0.xml",))


def test_states_of_several_plans_come_in_the_order_of_time(tmp_path: Path) -> None:
    for number in (0, 2):
        week(tmp_path, number)
    for number in (1, 3):
        week(tmp_path, number, title="Borea", guid="0a1b2c3d-0000-4000-8000-000000000002")

    answer = read(tmp_path, import_history=True)

    assert [(one.at, one.of) for one in answer.past] == [
        (saved(3), "borea-1.xml"),
        (saved(2), "atlas-0.xml"),
        (saved(1), "borea-1.xml"),
        (saved(0), "atlas-0.xml"),
    ]


def test_an_older_file_that_cannot_be_read_costs_its_place_alone(tmp_path: Path) -> None:
    week(tmp_path, 0)
    week(tmp_path, 1)
    whole = plan(task(1), Title="Atlas", GUID=GUID)
    write(tmp_path / "cut.xml", whole.replace("</Tasks></Project>", ""), at=SAVED - 2 * WEEK)

    answer = read(tmp_path, import_history=True)

    assert ([one.at for one in answer.past], answer.summary.whole) == ([saved(1), saved(0)], True)
    (note,) = answer.summary.degraded
    assert note.startswith("left out of history: cut.xml:")
    assert read(tmp_path, answer.summary.cursor, import_history=True).summary.whole


def test_history_waits_while_the_present_state_cannot_be_read(tmp_path: Path) -> None:
    current = week(tmp_path, 0)
    first = read(tmp_path, import_history=True)
    whole = current.read_bytes()
    write(current, whole.replace(b"</Tasks></Project>", b""))
    week(tmp_path, 1)
    week(tmp_path, 2, title="Borea")

    second = read(tmp_path, first.summary.cursor, import_history=True)

    assert [one.of for one in second.past] == ["borea-2.xml"]
    assert second.summary.degraded == ("atlas-1.xml enters the history once atlas-0.xml can be read",)
    write(current, whole, at=SAVED + 3600)
    third = read(tmp_path, second.summary.cursor, import_history=True)
    assert [one.at for one in third.past if one.of == "atlas-0.xml"] == [saved(1), saved(0) + timedelta(hours=1)]


def test_of_states_written_at_one_time_the_last_by_name_counts(tmp_path: Path) -> None:
    week(tmp_path, 0)
    for name in (1, 2, 3):
        week(tmp_path, name, at=SAVED - (WEEK if name > 1 else 0))

    answer = read(tmp_path, import_history=True)

    assert told(answer) == [(saved(1), "atlas-1.xml", ["as of 3"]), (saved(0), "atlas-1.xml", ["as of 1"])]
    assert answer.summary.degraded == (
        "atlas-0.xml was written at the same time as a newer state: left out of history",
        "atlas-2.xml was written at the same time as a newer state: left out of history",
    )


def test_a_state_dated_in_the_future_is_no_history(tmp_path: Path) -> None:
    week(tmp_path, 1)
    week(tmp_path, 0, at=NOW.timestamp() + 60)
    week(tmp_path, -1, at=NOW.timestamp() + 120)

    answer = read(tmp_path, import_history=True)

    assert (answer.parts, told(answer)) == (
        ["atlas--1.xml"],
        [(saved(1), "atlas--1.xml", ["as of 1"]), (NOW, "atlas--1.xml", ["as of -1"])],
    )
    assert answer.summary.degraded == ("atlas-0.xml is dated in the future: left out of history",)


def test_rows_keep_what_identifies_them_now(tmp_path: Path) -> None:
    row = "0A1B2C3D-0000-4000-8000-0000000000AA"
    week(tmp_path, 0, task(7, "Same", GUID=row))
    week(tmp_path, 1, task(1, "Same", GUID=row))

    answer = read(tmp_path, import_history=True)

    keys = [one.frame["key"].to_list() for state in answer.past for one in state.records if one.entity == "task"]
    assert keys == [[f"{GUID}/{row.lower()}"]] * 2


def test_a_source_with_history_keeps_the_contract(tmp_path: Path) -> None:
    for number in (0, 1, 2):
        week(tmp_path, number)
    source = open_source(tmp_path)
    context: SourceContext = source._context  # as the daemon would give it

    assert check_source(MS_PROJECT, {"path": "*.xml", "import_history": True}, context) == []
