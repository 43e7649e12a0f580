"""Dynamics 365 and Dataverse: bad days: lost rights, limits, cut lines, foreign links, columns and tables that go."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from environment import NOW, Installation, baseline, environment, new_certificate, project, task, user

from pmo_watch.demo.dataverse_answers import Fault
from pmo_watch.flow import Outcome

SOON = NOW + timedelta(minutes=30)
LATER = NOW + timedelta(minutes=60)
NEXT_WEEK = NOW + timedelta(days=8)
TASKS = "msdyn_projecttasks"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def there(tmp_path: Path, certificate: Path) -> Iterator[Installation]:
    with environment(tmp_path, certificate) as found:
        apollo = project(found.site)
        for number in range(5):
            task(found.site, apollo, f"Task {number}")
        yield found


def finishes(there: Installation) -> set[date]:
    return {row["forecast_finish"] for row in there.rows("task")}


def edit_a_task(there: Installation) -> str:
    key = there.rows("task")[0]["key"]
    there.site.rows.edit("msdyn_projecttask", key, msdyn_finish="2026-02-27T16:00:00Z")
    return str(key)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", TASKS, status=503),
        Fault("status", TASKS, status=429, retry_after="7", code="0x80072322"),
        Fault("html", TASKS, status=502),
        Fault("cut", TASKS),
        Fault("drop", TASKS),
        Fault("half", TASKS),
        Fault("short_page", TASKS),
    ],
    ids=["busy", "too many", "gateway's page", "cut", "dropped", "half", "short page"],
)
def test_what_goes_wrong_once_costs_nothing(there: Installation, fault: Fault) -> None:
    there.site.faults.append(fault)

    there.read()

    assert there.state.outcome is Outcome.COMPLETE
    assert len(there.rows("task")) == 5
    assert fault.times == 0


def test_the_wait_that_the_server_asks_for_is_kept(there: Installation) -> None:
    there.site.faults.append(Fault("status", TASKS, status=429, retry_after="42"))

    there.read()

    assert 42 in there.waits


@pytest.mark.parametrize("kind", ["cut", "half", "status"])
def test_a_line_that_stays_cut_ends_in_a_partial_reading_that_loses_no_edit(there: Installation, kind: str) -> None:
    there.read()
    edited = edit_a_task(there)
    there.site.faults.append(Fault(kind, TASKS, times=-1))

    there.read(SOON)
    partial, before = there.state.outcome, finishes(there)
    there.site.faults.clear()
    there.read(LATER)

    assert (partial, before) == (Outcome.PARTIAL, {date(2026, 1, 9)})
    assert there.state.outcome is Outcome.COMPLETE
    assert there.row("task", edited)["forecast_finish"] == date(2026, 2, 27)


def test_a_first_reading_that_breaks_off_goes_on_from_there(there: Installation) -> None:
    there.site.faults.append(Fault("drop", TASKS, times=-1))
    there.read()
    assert (there.state.outcome, there.names("project")) == (Outcome.PARTIAL, ["Apollo"])
    there.site.faults.clear()

    there.read(SOON)

    assert (there.state.outcome, len(there.rows("task"))) == (Outcome.COMPLETE, 5)
    assert "deltatoken" in there.site.asked("msdyn_projects?")[0], "what was read to its end is not read again"


def test_pages_before_the_cut_are_kept(there: Installation) -> None:
    there.settings["page_size"] = 2
    there.site.faults.append(Fault("drop", TASKS, skip=2, times=-1))

    there.read()

    assert there.state.outcome is Outcome.PARTIAL
    assert len(there.rows("task")) == 4


def test_a_fault_before_the_first_project_fails_the_reading(there: Installation) -> None:
    there.site.faults.append(Fault("status", "msdyn_projects?", times=-1))

    there.read()

    assert there.state.outcome is Outcome.FAILED
    assert (
        "msdyn_projects answered 503 Service Unavailable: 0x80040216; It went wrong on purpose., 5 tries"
        in there.state.error
    )


def test_a_web_page_instead_of_data_is_refused(there: Installation) -> None:
    there.read()
    there.site.faults.append(Fault("html", "WhoAmI", status=200, times=-1))

    there.read(SOON)

    assert there.state.outcome is Outcome.FAILED
    assert "a web page came instead of data: is 127.0.0.1" in there.state.error


def test_a_page_on_another_host_is_not_asked_for(there: Installation) -> None:
    there.settings["page_size"] = 2
    there.site.faults.append(Fault("foreign", f"{TASKS}?$select"))

    there.read()
    refused = there.state.outcome, there.state.error
    there.read(SOON)

    assert refused[0] is Outcome.PARTIAL
    assert "leads to https://elsewhere.example, which is not" in refused[1]
    assert (there.state.outcome, len(there.rows("task"))) == (Outcome.COMPLETE, 5)


def test_a_link_for_changes_on_another_host_is_not_kept(there: Installation) -> None:
    there.read()
    edited = edit_a_task(there)
    there.site.faults.append(Fault("foreign", TASKS))

    there.read(SOON)
    refused = there.state.outcome, there.state.error
    there.read(LATER)

    assert refused[0] is Outcome.PARTIAL
    assert "a link for changes leads to https://elsewhere.example: not kept; check 'url:'" in refused[1]
    assert there.state.outcome is Outcome.COMPLETE
    assert there.row("task", edited)["forecast_finish"] == date(2026, 2, 27)


def test_a_token_that_ran_out_is_asked_for_anew(there: Installation) -> None:
    there.site.meanwhile.append(("msdyn_projects?", lambda: there.site.forget("tokens")))

    there.read()

    assert (there.state.outcome, len(there.rows("task"))) == (Outcome.COMPLETE, 5)
    assert len([one for one in there.site.requests if one.endswith("/token")]) == 2


def test_a_table_that_may_not_be_read_any_more_closes_nothing(there: Installation) -> None:
    there.read()
    there.site.forbidden = {"msdyn_projecttask"}

    there.read(SOON)
    lost = there.state.outcome, there.state.error, len(there.rows("task"))
    there.read(NEXT_WEEK)
    after_a_full_read = there.state.outcome, len(there.rows("task"))
    there.site.forbidden = set()
    edited = edit_a_task(there)
    there.read(NEXT_WEEK + timedelta(minutes=30))

    text = (
        "msdyn_projecttask: not read: the application user lacks prvReadmsdyn_projecttask: add it to its security role"
    )
    assert lost == (Outcome.PARTIAL, text, 5)
    assert after_a_full_read == (Outcome.PARTIAL, 5)
    assert there.state.outcome is Outcome.COMPLETE
    assert there.row("task", edited)["forecast_finish"] == date(2026, 2, 27)


def test_a_table_that_never_could_be_read_is_only_said(there: Installation) -> None:
    there.site.forbidden = {"msdyn_timeentry"}

    there.read()

    assert there.state.outcome is Outcome.COMPLETE
    assert any("prvReadmsdyn_timeentry" in one for one in there.state.degraded)


def test_projects_that_may_not_be_read_are_refused(there: Installation) -> None:
    there.site.forbidden = {"msdyn_project"}

    there.read()

    assert there.state.outcome is Outcome.FAILED
    assert "the application user lacks prvReadmsdyn_project: add it to its security role" in there.state.error


def test_another_environment_behind_the_address_is_refused(there: Installation) -> None:
    there.read()
    before = there.site.rows.id
    there.site.rows.id = "00000000-0000-0000-0000-000000000001"

    there.read(SOON)

    assert there.state.outcome is Outcome.FAILED
    assert f"is another environment than before (organisation {there.site.rows.id}, not {before})" in there.state.error
    assert "correct 'url:', or give the source another name" in there.state.error


def test_columns_and_tables_that_are_not_there_are_said(there: Installation) -> None:
    there.site.rows.drop("msdyn_project", "msdyn_totalactualcost")
    there.site.rows.drop("msdyn_project", "msdyn_tzafinish")
    there.site.rows.drop("msdyn_actual", "msdyn_project")
    there.site.rows.drop("msdyn_resourceassignment")
    there.site.rows.drop("msdyn_projectrisk")

    there.read()

    assert there.state.outcome is Outcome.COMPLETE
    said = [one for one in there.state.degraded if "account" not in one]
    assert "msdyn_project has no msdyn_totalactualcost: actual_cost unknown" in said
    assert "msdyn_actual has no column for project: cost_entry not read; 'tables:' can name other columns" in said
    assert "there is no table msdyn_resourceassignment: assignment unknown" in said
    assert not [one for one in said if "tza" in one], "another column says the same"
    assert not [one for one in said if "risk" in one], "an accelerator need not be there"


def test_a_column_that_goes_between_two_readings_is_unknown_and_said(there: Installation) -> None:
    there.read()
    there.site.rows.drop("msdyn_projecttask", "msdyn_iscritical")
    there.site.forget("links")

    there.read(SOON)

    assert there.state.outcome is Outcome.COMPLETE
    assert "msdyn_projecttask has no msdyn_iscritical: critical unknown" in there.state.degraded
    assert len(there.rows("task")) == 5


def test_a_column_that_goes_while_its_link_still_lives_is_probed_again(there: Installation) -> None:
    there.read()
    there.site.rows.drop("msdyn_projecttask", "msdyn_iscritical")

    there.read(SOON)

    assert there.state.outcome is Outcome.COMPLETE
    assert "msdyn_projecttask has no msdyn_iscritical: critical unknown" in there.state.degraded


def test_a_table_that_goes_between_two_readings_closes_nothing(there: Installation) -> None:
    there.read()
    there.site.rows.drop("msdyn_projecttask")

    there.read(SOON)

    assert there.state.outcome is Outcome.PARTIAL
    assert len(there.rows("task")) == 5


def test_without_metadata_columns_are_tried_out(there: Installation) -> None:
    there.site.metadata = False
    there.site.rows.drop("msdyn_project", "msdyn_totalactualcost")
    there.site.rows.drop("msdyn_projecttask", "msdyn_wbsid")
    there.site.rows.tables["msdyn_projecttask"].tracked = False

    there.read()
    reading = there.look(SOON)

    assert there.state.outcome is Outcome.COMPLETE
    assert "msdyn_project has no msdyn_totalactualcost: actual_cost unknown" in there.state.degraded
    assert "msdyn_projecttask has no msdyn_wbsid: wbs unknown" in there.state.degraded
    assert len(there.rows("task")) == 5
    assert reading.outcome is Outcome.COMPLETE


def test_projects_without_the_columns_that_make_one_are_refused(there: Installation) -> None:
    for column in ("msdyn_finish", "msdyn_tzafinish"):
        there.site.rows.drop("msdyn_project", column)

    there.read()

    assert there.state.outcome is Outcome.FAILED
    assert "msdyn_project has no column for forecast_finish: project not read" in there.state.error


def test_a_filter_that_is_none_is_refused_with_its_setting(there: Installation) -> None:
    there.settings["filter"] = "statecode is 0"

    there.read()

    assert there.state.outcome is Outcome.FAILED
    assert "msdyn_project: the server refuses the question: 400" in there.state.error
    assert "check 'filter:' and 'tables:'" in there.state.error


def test_an_answer_without_a_list_of_rows_is_no_answer(there: Installation) -> None:
    there.site.rows.tables["msdyn_project"].set = "WhoAmI"

    there.read()

    assert there.state.error == "msdyn_project: an answer holds no list of rows"


@pytest.mark.parametrize("key", [None, "", 5, ["a"]], ids=["null", "empty", "number", "list"])
def test_a_row_without_its_key_is_left_out_and_said(there: Installation, key: object) -> None:
    rows = there.site.rows.tables["msdyn_projecttask"].rows
    rows[next(iter(rows))]["msdyn_projecttaskid"] = key

    reading = there.look()

    assert reading.outcome is Outcome.PARTIAL
    assert [one.reason for one in reading.summary.rejected] == ["a row without msdyn_projecttaskid"]
    assert reading.frames["task"].height == 4


def test_the_same_answers_give_the_same_rows(there: Installation) -> None:
    baseline(there.site, there.site.rows.tables["msdyn_project"].rows.popitem()[0])
    user(there.site)

    first, second = there.look(), there.look()

    assert first.frames.keys() == second.frames.keys()
    assert all(first.frames[name].equals(second.frames[name]) for name in first.frames)


def test_a_token_that_the_server_repeats_stands_in_no_error(there: Installation) -> None:
    there.site.faults.append(Fault("status", "msdyn_projects?", status=400, text="Bad header: Bearer token-1."))

    there.read()

    assert there.state.outcome is Outcome.FAILED
    assert "Bad header: Bearer ***." in there.state.error
