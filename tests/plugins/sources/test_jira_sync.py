"""Staying in step: what is asked again, what is found to be gone, and that no edit is lost."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from jira_bench import BRUSSELS, NOW, Follower, large_site, running, small_site
from pmo_watch_plugins.sources.jira.queries import local_minute

from pmo_watch.demo.fake_jira import FakeJira, Fault
from pmo_watch.flow import Outcome

BOTH = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data-center"])
SOON = timedelta(minutes=10)
DAY = timedelta(days=1)


@pytest.fixture
def cloud() -> bool:
    return True


@pytest.fixture
def jira(cloud: bool) -> Iterator[FakeJira]:
    with running(small_site(), cloud=cloud) as jira:
        yield jira


def following(jira: FakeJira, **given: object) -> Follower:
    follower = Follower(jira, given)
    assert follower.read().outcome is Outcome.COMPLETE
    return follower


# --- what changed -------------------------------------------------------------------------------------------------


@BOTH
def test_later_reading_asks_for_what_changed_and_for_what_no_change_tells(jira: FakeJira) -> None:
    follower = following(jira)
    jira.site.edit("ATL-2", due=date(2026, 12, 24))

    reading = follower.read(NOW + SOON)

    assert reading.outcome is Outcome.COMPLETE
    assert reading.frames["task"].filter(reading.frames["task"]["id"] == "ATL-2").height == 1
    assert follower.row("task", "ATL-2")["forecast_finish"] == date(2026, 12, 24)
    asked = [one.partition("?")[0].rpartition("rest/")[2] for one in jira.requests]
    search = ["api/3/search/jql", "api/3/changelog/bulkfetch"] if jira.cloud else ["api/2/search"]
    api = "api/3" if jira.cloud else "api/2"
    lists = [f"{api}/project/10000/version", f"{api}/project/10001/version", "agile/1.0/board/1/sprint"]
    assert asked == [f"{api}/myself", *search, *lists]


@BOTH
def test_reading_with_nothing_new_changes_nothing(jira: FakeJira) -> None:
    follower = following(jira)

    reading = follower.read(NOW + SOON)

    assert follower.accepted.nothing_new
    assert [name for name, frame in follower.accepted.changed.items() if frame.height] == []
    assert reading.summary.census == {}


@BOTH
def test_what_was_read_before_and_comes_again_is_dropped(jira: FakeJira) -> None:
    follower = following(jira)
    jira.site.edit("ATL-2", summary="x")
    follower.read(NOW + SOON)

    jira.site.edit("ATL-3", labels=["later"])
    reading = follower.read(NOW + 2 * SOON)

    asked = str(jira.asked[-5:])
    assert "updated >=" in asked
    assert set(reading.frames["task"]["id"]) == {"ATL-3", "ATL R1"}


@BOTH
def test_index_that_lags_loses_no_edit(jira: FakeJira) -> None:
    follower = following(jira)
    newest = jira.site.edit("ATL-3", summary="Newest")
    late = jira.site.edit("ATL-2", summary="Late to the index", at=newest.updated - timedelta(minutes=4))
    jira.site.tickets.pop(late.id)
    follower.read(NOW + SOON)

    jira.site.tickets[late.id] = late
    follower.read(NOW + 2 * SOON)

    assert follower.row("task", "ATL-2")["name"] == "Cut-over plan"  # a summary is no value of its own here
    assert follower.row("task", "ATL-2")["updated_at"] == late.updated


@BOTH
def test_edits_of_versions_and_sprints_arrive_though_no_issue_changes(jira: FakeJira) -> None:
    follower = following(jira)
    jira.site.versions[10_200].release = date(2027, 2, 1)
    jira.site.sprints[30].end = datetime(2026, 11, 27, 17, tzinfo=UTC)

    follower.read(NOW + SOON)

    assert follower.row("release", "10200")["release_date"] == date(2027, 2, 1)
    assert follower.row("task", "ATL R1")["forecast_finish"] == date(2027, 2, 1)
    assert follower.row("sprint", "30")["end_on"] == date(2026, 11, 27)


@BOTH
def test_moved_issue_stays_the_same_task_under_its_new_key(jira: FakeJira) -> None:
    follower = following(jira)
    before = follower.row("task", "ATL-2")["key"]
    new = jira.site.move("ATL-2", "BOR")

    follower.read(NOW + SOON)

    row = follower.row("task", new)
    assert (row["key"], row["project"]) == (before, "10001")
    assert "ATL-2" not in follower.ids()


@BOTH
def test_link_that_is_taken_away_is_gone_at_once(jira: FakeJira) -> None:
    follower = following(jira)

    jira.site.edit("ATL-3", blocks=[])
    follower.read(NOW + SOON)

    assert follower.stored("dependency").height == 0


@BOTH
def test_ticket_of_a_new_project_brings_the_project(jira: FakeJira) -> None:
    follower = following(jira, jql="project in (ATL, BOR) OR labels = extra")
    jira.site.add_project("CER", "Cercle")
    jira.site.add("CER", "Task", "Elsewhere", labels=["extra"])

    follower.read(NOW + SOON)

    assert follower.row("project", "10002")["name"] == "Cercle"


# --- edits while somebody reads -----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("after", [1, 2, 3])
def test_edit_while_reading_is_in_this_reading_or_the_next(cloud: bool, after: int) -> None:
    with running(large_site(40), cloud=cloud) as jira:
        jira.page = 10
        jira.meanwhile.append(("/search", after, lambda: jira.site.edit("ATL-1", due=date(2027, 1, 1))))
        follower = following(jira)
        follower.read(NOW + SOON)

        assert follower.row("task", "ATL-1")["forecast_finish"] == date(2027, 1, 1)
        assert len(follower.ids()) == 40


def test_issue_that_leaves_while_pages_move_up_costs_no_other() -> None:
    with running(large_site(40), cloud=False) as jira:
        jira.page = 10
        jira.meanwhile.append(("/search", 2, lambda: jira.site.delete("ATL-1")))

        follower = following(jira)

        assert len(follower.ids() - {"ATL-1"}) == 39


@BOTH
def test_short_pages_are_not_the_last_ones(cloud: bool) -> None:
    with running(large_site(40), cloud=cloud) as jira:
        jira.page = 10
        jira.faults.append(Fault("short_page", "/search", times=-1))

        assert len(following(jira).ids()) == 40


# --- what is gone -------------------------------------------------------------------------------------------------


@BOTH
def test_deleted_issue_is_missing_after_a_census_and_gone_after_the_next(jira: FakeJira) -> None:
    follower = following(jira)
    jira.site.delete("ATL-3")

    follower.read(NOW + SOON)
    assert "ATL-3" in follower.ids()  # changes do not tell
    follower.read(NOW + DAY)
    assert "ATL-3" not in follower.ids()
    assert follower.accepted.missing["task"] == ["tickets:task:20003"]
    follower.read(NOW + 2 * DAY)

    assert follower.accepted.vanished["task"] == ["tickets:task:20003"]
    assert "20003" not in set(follower.rows["assignment"]["task"])
    assert follower.stored("dependency").height == 0


@BOTH
def test_issue_that_comes_back_is_the_same_row_again(jira: FakeJira) -> None:
    follower = following(jira)
    ticket = jira.site.find("ATL-3")
    jira.site.delete("ATL-3")
    follower.read(NOW + DAY)
    jira.site.tickets[ticket.id] = ticket

    follower.read(NOW + 2 * DAY)

    assert "ATL-3" in follower.ids()


@BOTH
def test_issue_that_enters_the_query_without_being_changed_is_found_by_the_census(jira: FakeJira) -> None:
    jira.site.edit("BOR-1", left=0)
    follower = following(jira, jql="labels = watched OR project = BOR")
    jira.site.find("ATL-3").values["labels"] = ["watched"]

    follower.read(NOW + SOON)
    assert "ATL-3" not in follower.ids()
    follower.read(NOW + DAY)

    assert "ATL-3" in follower.ids()


@BOTH
def test_everything_is_read_again_once_a_week_and_what_was_not_asked_stays(jira: FakeJira) -> None:
    follower = following(jira)
    changes = follower.stored("status_change").height
    jira.site.find("BOR-1").values["owner"] = jira.site.persons[0]  # changed, and nobody was told

    reading = follower.read(NOW + timedelta(days=7))

    assert reading.summary.listed
    assert follower.row("task", "BOR-1")["owner"] == jira.site.persons[0].account
    assert follower.stored("status_change").height == changes == 2
    assert follower.stored("sprint_item").height == 1


@BOTH
def test_version_that_is_deleted_is_no_milestone_any_more(jira: FakeJira) -> None:
    jira.site.add_version("ATL", "R2")
    follower = following(jira)
    del jira.site.versions[10_201]

    follower.read(NOW + DAY)
    follower.read(NOW + 2 * DAY)

    assert "ATL R1" in follower.ids()
    assert "ATL R2" not in follower.ids()
    assert set(follower.stored("release")["name"]) == {"R1"}


# --- lost sight ---------------------------------------------------------------------------------------------------


@BOTH
def test_census_without_any_issue_is_a_lost_permission(jira: FakeJira) -> None:
    follower = following(jira)
    jira.site.sees_issues = False

    assert follower.read(NOW + SOON).outcome is Outcome.COMPLETE  # nothing changed, as far as anybody can tell
    reading = follower.read(NOW + DAY)

    assert reading.outcome is Outcome.FAILED
    assert reading.refused
    assert "the account sees no issue any more: permission?" in reading.error
    assert {"ATL-2", "ATL-3", "BOR-1"} <= follower.ids()


@BOTH
def test_project_that_is_hidden_is_refused_with_jiras_sentence(jira: FakeJira) -> None:
    follower = following(jira)
    jira.site.hidden = {"ATL"}

    reading = follower.read(NOW + SOON)

    assert reading.refused
    assert "The value 'ATL' does not exist for the field 'project'" in reading.error
    assert "What is not there and what the account may not see look alike" in reading.error
    assert "ATL-2" in follower.ids()


@BOTH
def test_versions_and_boards_that_are_hidden_are_said_and_the_rest_goes_on(jira: FakeJira) -> None:
    follower = following(jira, jql="labels = key OR project = BOR")
    jira.site.hidden = {"ATL"}

    reading = follower.read(NOW + SOON)

    assert reading.outcome is Outcome.COMPLETE
    assert any("versions of ATL cannot be read" in one for one in reading.summary.degraded)
    assert "ATL R1" in follower.ids()


@BOTH
def test_shrinking_census_is_held(cloud: bool) -> None:
    with running(large_site(40), cloud=cloud) as jira:
        follower = following(jira)
        for key in [one.key for one in jira.site.tickets.values()][:20]:
            jira.site.delete(key)

        follower.read(NOW + DAY)

        assert follower.state.held
        assert len(follower.ids()) == 40


# --- how moments are asked for ------------------------------------------------------------------------------------


def test_moment_is_written_in_milliseconds(jira: FakeJira) -> None:
    follower = following(jira)
    newest = max(one.updated for one in jira.site.tickets.values())

    follower.read(NOW + SOON)

    (asked,) = [one.given["jql"] for one in jira.asked[-6:] if one.path.endswith("/search/jql")]
    start = round((newest - timedelta(minutes=10)).timestamp() * 1000)
    assert asked == f"(project in (ATL, BOR)) AND updated >= {start} ORDER BY updated ASC, key ASC"


def test_moment_in_words_is_in_the_zone_of_the_account(jira: FakeJira) -> None:
    follower = following(jira, time_literal="local")
    newest = max(one.updated for one in jira.site.tickets.values())
    jira.site.edit("ATL-2", due=date(2026, 12, 31))

    follower.read(NOW + SOON)

    local = (newest - timedelta(minutes=10)).astimezone(BRUSSELS)
    assert any(f'updated >= "{local:%Y-%m-%d %H:%M}"' in str(one.given.get("jql")) for one in jira.asked)
    assert follower.row("task", "ATL-2")["forecast_finish"] == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("utc", "written"),
    [
        ("2026-07-01T10:00:59+00:00", "12:00"),
        ("2026-10-25T00:30:00+00:00", "01:30"),  # the first 02:30 of that night: an hour before it is surely early
        ("2026-10-25T01:30:00+00:00", "02:30"),  # the second one: early or right, whichever is read
        ("2026-03-29T01:30:00+00:00", "03:30"),
    ],
)
def test_moment_in_words_is_early_in_the_hour_that_autumn_repeats(utc: str, written: str) -> None:
    assert f"{local_minute(datetime.fromisoformat(utc), BRUSSELS):%H:%M}" == written


def test_query_with_or_is_wrapped(jira: FakeJira) -> None:
    follower = following(jira, jql="project = BOR OR labels = key")

    follower.read(NOW + SOON)

    assert any(str(one.given.get("jql")).startswith("(project = BOR OR labels = key) AND") for one in jira.asked)
