"""Dynamics 365 and Dataverse: staying in step, by delta links, by date of change, and when either fails."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from environment import NOW, Installation, baseline, environment, new_certificate, project, resource, task

from pmo_watch.demo.dataverse_answers import Fault
from pmo_watch.flow import Outcome

SOON = NOW + timedelta(minutes=30)
NEXT_DAY = NOW + timedelta(hours=25)
NEXT_WEEK = NOW + timedelta(days=8)
SPAN = ("2026-01-05T07:00:00Z", "2026-01-07T16:00:00Z")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def there(tmp_path: Path, certificate: Path) -> Iterator[Installation]:
    with environment(tmp_path, certificate) as found:
        yield found


def untracked(there: Installation) -> None:
    for table in there.site.rows.tables.values():
        table.tracked = False


def test_a_second_reading_asks_each_table_once_and_finds_what_changed(there: Installation) -> None:
    there.settings["page_size"] = 5
    apollo = project(there.site)
    tasks = [task(there.site, apollo, f"Task {number}") for number in range(23)]
    there.read()
    for one in tasks[:4]:
        there.site.rows.edit("msdyn_projecttask", one, msdyn_finish="2026-02-27T16:00:00Z")

    accepted = there.read(SOON)

    assert accepted.changed["task"].height == 4
    assert {row["forecast_finish"] for row in there.rows("task")} == {date(2026, 1, 9), date(2026, 2, 27)}
    assert len(there.site.asked("msdyn_projecttasks?")) == 1
    assert there.site.asked("EntityDefinitions") == []
    assert len(there.site.asked()) <= 2 + len(there.state.cursor["tables"])
    assert there.state.outcome is Outcome.COMPLETE


def test_nothing_new_is_no_new_reading(there: Installation) -> None:
    task(there.site, project(there.site))
    there.read()

    accepted = there.read(SOON)

    assert accepted.nothing_new
    assert there.state.reading == 1


def test_a_row_that_was_deleted_is_gone_at_once(there: Installation) -> None:
    apollo = project(there.site)
    design = task(there.site, apollo)
    task(there.site, apollo, "Build")
    there.read()
    there.site.rows.delete("msdyn_projecttask", design)

    accepted = there.read(SOON)

    assert there.names("task") == ["Build"]
    assert accepted.deleted["task"] == [f"projops:task:{design}"]


def test_changes_come_in_pages(there: Installation) -> None:
    there.settings["page_size"] = 2
    apollo = project(there.site)
    tasks = [task(there.site, apollo, f"Task {number}") for number in range(7)]
    there.read()
    for one in tasks[:5]:
        there.site.rows.edit("msdyn_projecttask", one, msdyn_progress=1.0)
    there.site.rows.delete("msdyn_projecttask", tasks[5])
    there.site.rows.delete("msdyn_projecttask", tasks[6])

    there.read(SOON)

    assert [row["done"] for row in there.rows("task")] == [True] * 5


def test_an_edit_while_pages_are_read_is_not_lost(there: Installation) -> None:
    there.settings["page_size"] = 2
    apollo = project(there.site)
    tasks = sorted(task(there.site, apollo, f"Task {number}") for number in range(6))

    def meanwhile() -> None:
        there.site.rows.edit("msdyn_projecttask", tasks[0], msdyn_subject="Renamed meanwhile")
        there.site.rows.delete("msdyn_projecttask", tasks[1])

    there.site.meanwhile.append(("msdyn_projecttasks?$select", meanwhile))

    there.read()

    assert "Renamed meanwhile" in there.names("task")
    assert len(there.rows("task")) == 5


def test_an_edit_while_pages_are_read_by_date_is_not_lost(there: Installation) -> None:
    untracked(there)
    there.settings["page_size"] = 2
    there.settings["overlap_minutes"] = 0
    apollo = project(there.site)
    tasks = sorted(task(there.site, apollo, f"Task {number}") for number in range(6))

    def meanwhile() -> None:
        there.site.rows.edit("msdyn_projecttask", tasks[0], msdyn_subject="Renamed meanwhile")
        there.site.rows.edit("msdyn_projecttask", tasks[5], msdyn_subject="Moved the mark")

    there.site.meanwhile.append(("msdyn_projecttasks?$select=msdyn_projecttaskid", meanwhile))
    there.read()

    there.read(SOON)

    assert {"Renamed meanwhile", "Moved the mark"} <= set(there.names("task"))


def test_an_expired_link_is_no_error_but_a_full_read_of_its_table(there: Installation) -> None:
    apollo = project(there.site)
    design = task(there.site, apollo)
    task(there.site, apollo, "Build")
    there.read()
    there.site.rows.delete("msdyn_projecttask", design)
    there.site.rows.edit("msdyn_project", apollo, msdyn_subject="Artemis")
    there.site.forget("links")

    there.read(SOON)
    after_one = there.names("task")
    there.read(SOON + timedelta(minutes=30))

    assert there.state.outcome is Outcome.COMPLETE
    assert there.names("project") == ["Artemis"]
    assert after_one == ["Build", "Design"], "a row that one full read lacks is not gone yet"
    assert "vanished" not in after_one
    assert there.rows("task")[0]["name"] in {"Build", "Design"}


def test_a_link_is_not_used_for_longer_than_it_lives(there: Installation) -> None:
    there.settings["full_every"] = "30d"
    project(there.site)
    there.read()

    there.read(NOW + timedelta(days=6, hours=1))

    assert not [one for one in there.site.asked("msdyn_projects?") if "deltatoken" in one][1:]
    assert len([one for one in there.site.asked("msdyn_projects?") if "deltatoken" not in one]) == 1


def test_pages_that_the_server_forgot_start_the_table_again(there: Installation) -> None:
    there.settings["page_size"] = 2
    apollo = project(there.site)
    for number in range(5):
        task(there.site, apollo, f"Task {number}")
    there.site.meanwhile.append(("msdyn_projecttasks?$select", lambda: there.site.forget("pages")))

    there.read()

    assert len(there.rows("task")) == 5
    assert there.state.outcome is Outcome.COMPLETE


def test_everything_is_read_again_in_time_and_what_is_gone_twice_has_vanished(there: Installation) -> None:
    apollo = project(there.site)
    for number in range(9):
        task(there.site, apollo, f"Task {number}")
    there.read()
    found = there.site.rows.tables["msdyn_projecttask"]
    del found.rows[sorted(found.rows)[0]]  # nobody says that it was deleted
    there.site.rows.version += 1

    there.read(NEXT_WEEK)
    first = len(there.rows("task"))
    there.read(NEXT_WEEK + timedelta(days=8))

    assert (first, len(there.rows("task"))) == (9, 8)


def test_without_tracking_changes_are_found_by_date_and_absences_by_census(there: Installation) -> None:
    untracked(there)
    apollo = project(there.site)
    tasks = [task(there.site, apollo, f"Task {number}") for number in range(9)]
    there.read()
    there.site.rows.edit("msdyn_projecttask", tasks[0], msdyn_subject="Renamed")
    there.site.rows.delete("msdyn_projecttask", tasks[1])

    there.read(SOON)
    soon = there.names("task")
    asked = there.site.asked("msdyn_projecttasks?")
    there.read(NEXT_DAY)
    there.read(NEXT_DAY + timedelta(hours=25))

    assert "Renamed" in soon
    assert len(soon) == 9, "by date nobody learns of a deletion"
    assert "modifiedon%20ge%202026-11-20T11:50:00Z" in asked[0]
    assert len(there.names("task")) == 8
    assert "$select=msdyn_projecttaskid&" in there.site.asked("msdyn_projecttasks?")[-1]


def test_a_row_that_only_the_census_shows_is_fetched(there: Installation) -> None:
    untracked(there)
    apollo = project(there.site)
    task(there.site, apollo)
    there.read()
    task(there.site, apollo, "Came in quietly", modifiedon="2025-01-01T08:00:00Z")

    there.read(NEXT_DAY)

    assert there.names("task") == ["Came in quietly", "Design"]


def test_a_census_that_shows_no_project_is_no_news_but_a_lost_right(there: Installation) -> None:
    untracked(there)
    task(there.site, project(there.site))
    there.read()
    there.site.sees_rows = False

    there.read(NEXT_DAY)

    assert there.state.outcome is Outcome.FAILED
    assert "has its security role been taken away?" in there.state.error
    assert there.names("project") == ["Apollo"]


def test_no_news_while_nothing_is_shown_is_a_lost_right_and_loses_no_edit(there: Installation) -> None:
    design = task(there.site, project(there.site))
    there.read()
    there.site.sees_rows = False
    there.site.rows.edit("msdyn_projecttask", design, msdyn_subject="Edited meanwhile")
    there.read(SOON)
    lost = there.state.outcome, there.names("task")
    there.site.sees_rows = True

    there.read(NEXT_DAY)

    assert lost == (Outcome.FAILED, ["Design"])
    assert there.names("task") == ["Edited meanwhile"]


def test_a_full_read_that_shows_no_project_is_refused(there: Installation) -> None:
    task(there.site, project(there.site))
    there.read()
    there.site.sees_rows = False

    there.read(NEXT_WEEK)

    assert "the application user sees no project any more" in there.state.error
    assert there.names("task") == ["Design"]


def test_a_table_that_shows_nothing_any_more_is_held(there: Installation) -> None:
    apollo = project(there.site)
    task(there.site, apollo)
    there.read()
    there.site.faults.append(Fault("empty", "msdyn_projecttasks", times=-1))

    there.read(NEXT_WEEK)

    assert there.state.outcome is Outcome.HELD
    assert "it shows no task any more" in there.state.held
    assert there.names("task") == ["Design"]


def test_a_baseline_that_was_set_reaches_tasks_that_did_not_change(there: Installation) -> None:
    apollo = project(there.site)
    design, build = task(there.site, apollo), task(there.site, apollo, "Build")
    there.read()
    baseline(there.site, apollo, **{design: SPAN})

    there.read(SOON)

    assert there.row("task", "Design")["baseline_finish"] == date(2026, 1, 7)
    assert "baseline_finish" not in there.row("task", "Build")
    assert there.row("project", "Apollo")["baseline_finish"] == date(2026, 1, 7)
    assert build


def test_a_task_that_changed_keeps_the_baseline_that_is_stored(there: Installation) -> None:
    apollo = project(there.site, msdyn_hoursperday=7.0)
    design = task(there.site, apollo)
    baseline(there.site, apollo, **{design: SPAN})
    there.read()
    there.site.rows.edit("msdyn_projecttask", design, msdyn_finish="2026-03-27T16:00:00Z")

    there.read(SOON)

    found = there.row("task", "Design")
    assert (found["forecast_finish"], found["baseline_finish"]) == (date(2026, 3, 27), date(2026, 1, 7))
    assert (found["duration"], found["baseline_duration"]) == (2100, 2100)
    assert there.row("project", "Apollo")["baseline_set_on"] == date(2026, 11, 20)


def test_a_baseline_that_was_deleted_is_gone_with_the_census(there: Installation) -> None:
    apollo = project(there.site)
    key = baseline(there.site, apollo, **{task(there.site, apollo): SPAN})
    there.read()
    there.site.rows.delete("msdyn_projectbaselinedata", key)

    there.read(NEXT_DAY)

    assert "baseline_finish" not in there.row("task", "Design")
    assert "baseline_finish" not in there.row("project", "Apollo")


def test_an_assignment_that_changes_changes_the_owner_of_its_task(there: Installation) -> None:
    apollo = project(there.site)
    design, ann, bob = task(there.site, apollo), resource(there.site, "Ann"), resource(there.site, "Bob")
    at = {"msdyn_taskid": design, "msdyn_projectid": apollo}
    there.site.rows.add("msdyn_resourceassignment", msdyn_bookableresourceid=ann, **at)
    there.read()
    before = there.row("task", "Design")["owner"]
    second = there.site.rows.add("msdyn_resourceassignment", msdyn_bookableresourceid=bob, **at)
    there.read(SOON)
    both = there.row("task", "Design").get("owner")
    there.site.rows.delete("msdyn_resourceassignment", second)

    there.read(SOON + timedelta(minutes=30))

    assert (before, both, there.row("task", "Design")["owner"]) == (ann, None, ann)


def test_a_project_that_comes_under_the_filter_brings_its_tasks(there: Installation) -> None:
    there.settings["filter"] = "msdyn_comments eq 'watch' or msdyn_comments eq 'watch too'"
    project(there.site, msdyn_comments="watch")
    boreas = project(there.site, "Boreas")
    task(there.site, boreas, "Old task of Boreas")
    baseline(there.site, boreas, **{task(there.site, boreas, "Planned"): SPAN})
    there.read()
    before = there.names("project"), there.names("task")
    there.site.rows.edit("msdyn_project", boreas, msdyn_comments="watch too")

    there.read(SOON)

    assert before == (["Apollo"], [])
    assert there.names("project") == ["Apollo", "Boreas"]
    assert there.names("task") == ["Old task of Boreas", "Planned"]
    assert there.row("task", "Planned")["baseline_finish"] == date(2026, 1, 7)


def test_a_project_that_leaves_the_filter_takes_its_tasks_with_it(there: Installation) -> None:
    there.settings["filter"] = "statecode eq 0"
    for number in range(6):
        task(there.site, project(there.site, f"Project {number}"), f"Task {number}")
    there.read()
    closed = there.row("project", "Project 3")["key"]
    there.site.rows.edit("msdyn_project", closed, statecode=1)

    there.read(SOON)
    once = len(there.names("project")), len(there.names("task"))
    there.read(SOON + timedelta(minutes=30))

    assert once == (6, 6), "missing once is not gone"
    assert "Project 3" not in there.names("project")
    assert "Task 3" not in there.names("task")
    assert len(there.names("task")) == 5


def test_settings_that_change_what_is_read_begin_anew(there: Installation) -> None:
    project(there.site)
    there.read()
    there.settings["zone"] = "America/New_York"

    there.read(SOON)

    assert there.site.asked("EntityDefinitions")
    assert not [one for one in there.site.asked("msdyn_projects?")[:1] if "deltatoken" in one]


def test_sync_full_reads_everything_each_time(there: Installation) -> None:
    there.settings["sync"] = "full"
    task(there.site, project(there.site))
    there.read()

    there.read(SOON)

    assert "deltatoken" not in there.site.asked("msdyn_projecttasks?")[0]


def test_a_change_that_names_only_some_columns_does_not_empty_the_others(there: Installation) -> None:
    design = task(there.site, project(there.site), msdyn_wbsid="1.1")
    there.read()
    there.site.rows.edit("msdyn_projecttask", design, msdyn_subject="Design again")
    there.site.faults.append(Fault("lost_columns", "msdyn_projecttasks?$select"))

    there.read(SOON)

    found = there.row("task", "Design again")
    assert (found["wbs"], found["forecast_finish"]) == ("1.1", date(2026, 1, 9))


def test_what_changed_since_a_moment_is_read_on_the_command_line(there: Installation) -> None:
    apollo = project(there.site, modifiedon="2026-11-01T08:00:00Z")
    task(there.site, apollo, "Old", modifiedon="2026-11-01T08:00:00Z")
    task(there.site, apollo, "New", modifiedon="2026-11-19T08:00:00Z")
    there.state = there.state.__class__("projops", "dynamics", cursor={"since": "2026-11-18T00:00:00+00:00"})

    reading = there.look()

    assert reading.frames["task"]["name"].to_list() == ["New"]
    assert reading.summary.census == {}
    assert "project" not in reading.frames
