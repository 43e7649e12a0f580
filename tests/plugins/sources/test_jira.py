"""What is read of a Jira: issues, milestones, registers, versions, boards, people, in both flavours."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from jira_bench import JAN, NOW, ZOE, Follower, context, running, settings, small_site
from pmo_watch_plugins.sources.jira import JIRA

from pmo_watch.demo.fake_jira import FakeJira
from pmo_watch.demo.jira_site import STATUSES
from pmo_watch.flow import Outcome
from pmo_watch.testing import check_source

BOTH = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data-center"])


@pytest.fixture
def cloud() -> bool:
    return True


@pytest.fixture
def jira(cloud: bool) -> Iterator[FakeJira]:
    with running(small_site(), cloud=cloud) as jira:
        yield jira


def first(jira: FakeJira, **given: Any) -> Follower:
    follower = Follower(jira, given)
    reading = follower.read()
    assert reading.outcome is Outcome.COMPLETE, reading.error
    return follower


@BOTH
def test_issue_is_a_task_with_what_jira_says_of_it(jira: FakeJira) -> None:
    row = first(jira).row("task", "ATL-2")

    assert row["key"] == "20002"
    assert (row["name"], row["issue_type"], row["status"]) == ("Cut-over plan", "Story", "In Progress")
    assert (row["status_category"], row["done"], row["progress"]) == ("doing", False, None)
    assert (row["project"], row["owner"]) == ("10000", ZOE.account)
    assert row["forecast_finish"] == date(2026, 11, 25)
    assert row["story_points"] == Decimal(5)
    assert row["sprint"] == ["30"]
    assert row["board"] == "1"
    assert row["url"] == f"{jira.url}/browse/ATL-2"
    assert row["actual_start"] == date(2026, 11, 11)
    assert row["created_at"] == datetime(2026, 11, 6, 8, tzinfo=UTC)


@BOTH
def test_epic_is_the_parent(jira: FakeJira) -> None:
    parent = first(jira).row("task", "ATL-2")["parent"]

    assert parent in {"20001", "ATL-1"}  # both mean the same row to the core


@BOTH
def test_effort_is_in_hours_and_what_is_not_said_is_unknown(jira: FakeJira) -> None:
    follower = first(jira)

    row = follower.row("task", "BOR-1")
    assert (row["work"], row["actual_work"], row["remaining_work"]) == (Decimal(40), Decimal(10), Decimal(30))
    assert row["work_progress"] == Decimal(25)
    assert row["priority"] == 4
    assert row["owner"] is None
    assert row["story_points"] is None
    assert follower.row("task", "ATL-2")["work"] is None


@BOTH
def test_types_labels_and_versions_are_milestones(jira: FakeJira) -> None:
    jira.site.edit("ATL-3", labels=["milestone", "contract"])

    follower = first(jira, milestones={"kinds": {"contract": "contractual"}})

    found = follower.stored("task").filter("is_milestone")
    assert set(found["id"]) == {"ATL-3", "ATL-4", "ATL R1"}
    assert follower.row("task", "ATL-3")["kind"] == "contractual"
    assert follower.row("task", "ATL R1")["forecast_finish"] == date(2026, 12, 15)


@BOTH
def test_query_finds_further_milestones_and_takes_them_back(jira: FakeJira) -> None:
    follower = first(jira, milestones={"versions": False, "jql": "labels = key"})

    assert follower.row("task", "ATL-3")["is_milestone"]

    jira.site.edit("ATL-3", labels=[])
    follower.read(NOW + timedelta(minutes=10))
    assert not follower.row("task", "ATL-3")["is_milestone"]


def test_issue_that_the_query_finds_later_becomes_a_milestone_without_being_changed(jira: FakeJira) -> None:
    follower = first(jira, milestones={"versions": False, "jql": "labels = key"})
    ticket = jira.site.find("BOR-1")
    ticket.values["labels"] = ["key"]  # as a query with a date in it would find it one day

    follower.read(NOW + timedelta(minutes=10))

    assert follower.row("task", "BOR-1")["is_milestone"]


@BOTH
def test_version_is_a_release_with_the_scope_it_was_first_seen_with(jira: FakeJira) -> None:
    follower = first(jira)
    jira.site.edit("ATL-2", versions=[10_200])
    follower.read(NOW + timedelta(days=1))

    row = follower.row("release", "10200")
    assert (row["name"], row["project"], row["release_date"]) == ("R1", "10000", date(2026, 12, 15))
    assert (row["scope_baseline"], row["scope_baseline_on"]) == (Decimal(1), date(2026, 11, 20))
    assert follower.row("task", "ATL-2")["release"] == ["10200"]


@BOTH
def test_blocking_link_is_one_dependency_though_both_issues_show_it(jira: FakeJira) -> None:
    (row,) = first(jira).stored("dependency").to_dicts()

    assert (row["predecessor"], row["successor"], row["type"]) == ("20003", "20002", "blocks")
    assert (row["project"], row["external"], row["provider"]) == ("ATL", False, JAN.account)


@BOTH
def test_boards_are_scrum_where_they_have_sprints(jira: FakeJira) -> None:
    boards = first(jira).stored("board").sort("key")

    assert boards["type"].to_list() == ["scrum", "kanban"]
    assert boards["wip_limit"].to_list() == [4, 4]
    assert boards["project"].to_list() == [["10000"], ["10001"]]


@BOTH
def test_name_of_a_sprint_may_hold_commas_and_equals_signs(jira: FakeJira) -> None:
    row = first(jira).row("sprint", "30")

    assert (row["name"], row["board"], row["state"]) == ("Sprint 7, goal=ship", "1", "active")
    assert (row["start_on"], row["end_on"], row["completed_on"]) == (date(2026, 11, 9), date(2026, 11, 20), None)


@BOTH
def test_project_sums_up_its_issues(jira: FakeJira) -> None:
    jira.site.edit("ATL-3", status="Done")

    row = first(jira).row("project", "10000")

    assert (row["code"], row["name"], row["leader"]) == ("ATL", "Atlas", ZOE.account)
    assert row["forecast_finish"] == date(2026, 12, 18)
    assert row["progress"] == Decimal("33.333333")  # of story, task and milestone; the epic has a child
    assert row["status_date"] == date(2026, 11, 20)


@BOTH
def test_address_of_a_person_comes_from_jira_or_from_the_settings(jira: FakeJira) -> None:
    people = first(jira, people={ZOE.account: "Zoe@Example.org"}).stored("person")

    emails = dict(people.select("id", "email").iter_rows())
    assert emails[ZOE.account] == "zoe@example.org"
    assert emails[JAN.account] == (None if jira.cloud else JAN.email)


@BOTH
def test_owner_is_assigned_and_is_no_longer_when_taken_off(jira: FakeJira) -> None:
    follower = first(jira)
    assert set(follower.stored("assignment")["task"]) == {"20002", "20003"}

    jira.site.edit("ATL-2", owner=None)
    follower.read(NOW + timedelta(minutes=10))

    assert set(follower.stored("assignment")["task"]) == {"20003"}


@BOTH
def test_what_was_given_up_no_longer_counts(jira: FakeJira) -> None:
    jira.site.edit("ATL-2", status="Cancelled")
    jira.site.edit("ATL-3", status="Done", resolution="Won't Do")

    follower = first(jira)

    assert [follower.row("task", key)["active"] for key in ("ATL-2", "ATL-3", "BOR-1")] == [False, False, True]


# --- fields of the site's own -------------------------------------------------------------------------------------


@BOTH
def test_any_field_fills_any_other_and_the_due_date_becomes_the_deadline(jira: FakeJira) -> None:
    jira.site.edit("ATL-2", go_live=date(2026, 12, 1), begins=date(2026, 11, 2), target_end=date(2026, 11, 30))

    row = first(jira, fields={"forecast_finish": "go-live"}).row("task", "ATL-2")

    assert (row["forecast_finish"], row["deadline"]) == (date(2026, 12, 1), date(2026, 11, 25))
    assert (row["forecast_start"], row["baseline_finish"]) == (date(2026, 11, 2), date(2026, 11, 30))


def test_field_that_is_mapped_to_nothing_is_left_out(jira: FakeJira) -> None:
    jira.site.edit("ATL-2", target_end=date(2026, 11, 30))

    assert first(jira, fields={"baseline_finish": None}).row("task", "ATL-2")["baseline_finish"] is None


def test_project_takes_what_its_issue_that_was_changed_last_says(jira: FakeJira) -> None:
    jira.site.edit("ATL-2", probability={"value": "At risk"})
    jira.site.edit("ATL-3", probability={"value": "On track"})
    words = {"project.declared_rag": {"At risk": "amber", "On track": "green"}}
    follower = first(jira, fields={"project.declared_rag": "Probability"}, maps={"fields": words})

    assert follower.row("project", "10000")["declared_rag"] == "green"

    jira.site.edit("BOR-1", summary="Found letters")
    follower.read(NOW + timedelta(days=1))
    assert follower.row("project", "10000")["declared_rag"] == "green"


def test_two_fields_of_points_are_settled_by_the_board(jira: FakeJira) -> None:
    team = jira.site.add_field(
        "team_points", "Story point estimate", "number", "com.pyxis.greenhopper.jira:jsw-story-points"
    )
    for key in ("ATL-3", "ATL-4", "BOR-1"):
        jira.site.edit(key, team_points=8)

    follower = Follower(jira)
    reading = follower.read()

    assert follower.row("task", "ATL-2")["story_points"] == Decimal(5)
    assert follower.row("task", "ATL-3")["story_points"] == Decimal(3)
    assert follower.row("task", "BOR-1")["story_points"] == Decimal(8)
    assert any("1 issues have different story points" in one and team in one for one in reading.summary.degraded)


def test_without_a_board_the_field_of_points_that_more_issues_fill_counts(jira: FakeJira) -> None:
    jira.site.add_field("team_points", "Story point estimate", "number", "com.pyxis.greenhopper.jira:jsw-story-points")
    for key in ("ATL-2", "ATL-3", "ATL-4", "BOR-1"):
        jira.site.edit(key, team_points=8)

    follower = first(jira, boards="none")

    assert follower.row("task", "ATL-2")["story_points"] == Decimal(8)
    assert "sprint" not in follower.rows
    assert follower.row("task", "ATL-2")["sprint"] is None


def test_flag_is_no_where_the_box_is_not_ticked(jira: FakeJira) -> None:
    jira.site.edit("ATL-2", flag=[{"value": "Impediment"}])

    follower = first(jira)

    assert [follower.row("task", key)["flagged"] for key in ("ATL-2", "ATL-3")] == [True, False]


def test_board_knows_the_statuses_of_waiting_by_name_and_as_changes_tell_them(jira: FakeJira) -> None:
    follower = first(jira, maps={"waiting": ["in review", "Nowhere"]})

    waiting = [row["waiting"] for row in follower.rows["board"].to_dicts()]
    assert waiting[0] == ["in review", "Nowhere", STATUSES["In Review"][0]]
    assert all(one == waiting[0] for one in waiting)


def test_first_snapshot_is_the_baseline_and_stays(jira: FakeJira) -> None:
    follower = first(jira, baseline="first_snapshot")
    jira.site.edit("ATL-2", due=date(2027, 1, 15))
    reading = follower.read(NOW + timedelta(minutes=10))

    row = follower.row("task", "ATL-2")
    assert (row["forecast_finish"], row["baseline_finish"]) == (date(2027, 1, 15), date(2026, 11, 25))
    assert "baseline = first snapshot" in reading.summary.decisions


# --- registers ----------------------------------------------------------------------------------------------------

RISKS = {
    "risk": {
        "issue_types": ["Risk"],
        "fields": {"likelihood": "Probability"},
        "maps": {"status": {"In Review": "waiting_approval"}, "likelihood": {"Rare": 1}},
    }
}


@BOTH
def test_issue_of_a_registers_type_is_its_entry_and_no_task(jira: FakeJira) -> None:
    made = NOW - timedelta(days=9)
    jira.site.add("ATL", "Risk", "Supplier", made, owner=JAN, due=date(2026, 12, 1), probability={"value": "Rare"})
    jira.site.add("ATL", "risk", "Strike", made, description="Nobody\ncomes", labels=["Escalated"], status="In Review")

    follower = first(jira, registers=RISKS)

    row, other = follower.row("risk", "ATL-5"), follower.row("risk", "ATL-6")
    assert (row["title"], row["project"], row["owner"]) == ("Supplier", "10000", JAN.account)
    assert (row["likelihood"], row["target_date"], row["status"]) == (1, date(2026, 12, 1), "proposed")
    assert row["identified_on"] == date(2026, 11, 11)
    assert (other["status"], other["escalated"], other["description"]) == ("waiting_approval", True, "Nobody\ncomes")
    assert not {"ATL-5", "ATL-6"} & follower.ids("task")


@BOTH
def test_issue_whose_type_changes_leaves_the_tasks_at_once(jira: FakeJira) -> None:
    follower = first(jira, registers=RISKS)
    ticket = jira.site.edit("ATL-3", summary="Licences run out")
    ticket.type = "Risk"

    follower.read(NOW + timedelta(minutes=10))

    assert "ATL-3" in follower.ids("risk")
    assert "ATL-3" not in follower.ids("task")


@BOTH
def test_change_was_decided_when_it_was_first_approved(jira: FakeJira) -> None:
    ticket = jira.site.add("ATL", "Change Request", "More counters", NOW - timedelta(days=9), estimate=28_800)
    jira.site.edit(ticket.key, NOW - timedelta(days=3), status="In Review")
    jira.site.edit(ticket.key, NOW - timedelta(days=1), status="Done")
    maps = {"status": {"In Review": "approved"}}

    row = first(jira, registers={"change": {"issue_types": ["Change request"], "maps": maps}}).row("change", ticket.key)

    assert (row["status"], row["decided_on"], row["effort"]) == ("implemented", date(2026, 11, 17), Decimal(8))
    assert (row["submitted_on"], row["delivered_on"]) == (date(2026, 11, 11), date(2026, 11, 19))


# --- work logs ----------------------------------------------------------------------------------------------------


@BOTH
def test_work_logs_are_hours_per_week_and_those_deleted_go(jira: FakeJira) -> None:
    night = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)  # Monday in Brussels
    kept = jira.site.book("ATL-2", ZOE, night, 5_400)
    gone = jira.site.book("ATL-3", JAN, NOW - timedelta(days=1), 3_600)
    jira.site.book("BOR-1", JAN, NOW - timedelta(days=1), 7_200)
    follower = first(jira, timesheets=True)

    row = follower.stored("timesheet").filter(pl.col("key") == str(kept)).row(0, named=True)
    assert (row["person"], row["week"], row["project"]) == (ZOE.account, "2026-W47", "10000")
    assert row["hours"] == Decimal("1.5")

    jira.site.unbook(gone)
    follower.read(NOW + timedelta(minutes=10))
    assert str(gone) not in set(follower.stored("timesheet")["key"])
    assert follower.stored("timesheet").height == 2


# --- values that are not as documented ----------------------------------------------------------------------------


@BOTH
def test_value_in_another_form_is_unknown_and_reported_with_issue_and_field(jira: FakeJira) -> None:
    jira.site.find("ATL-2").values |= {"begins": "soon", "points": "many", "estimate": "3h"}

    follower = Follower(jira)
    reading = follower.read()

    row = follower.row("task", "ATL-2")
    assert (row["forecast_start"], row["story_points"], row["work"]) == (None, None, None)
    told = {(one.where, one.field, one.value) for one in reading.summary.rejected}
    fields = jira.site.fields
    assert told >= {
        ("issue ATL-2", fields["begins"].id, "soon"),
        ("issue ATL-2", fields["points"].id, "many"),
        ("issue ATL-2", "timeoriginalestimate", "3h"),
    }
    assert reading.outcome is Outcome.COMPLETE


def test_unknown_priority_is_said_once(jira: FakeJira) -> None:
    for key in ("ATL-2", "ATL-3"):
        jira.site.edit(key, priority="Dringend")

    reading = Follower(jira).read()

    assert [one.value for one in reading.summary.rejected] == ["Dringend"]


def test_long_reading_says_how_far_it_is(jira: FakeJira) -> None:
    told: list[str] = []
    with closing(JIRA.open(settings(jira), replace(context(), progress=told.append))) as source:
        list(source.read(None))

    assert told == ["5 issues"]


def test_same_site_gives_the_same_records_twice(jira: FakeJira) -> None:
    given = settings(jira).model_dump(mode="json", exclude_unset=True) | {"token": "a-good-token"}

    assert check_source(JIRA, given, context()) == []
