"""What was in a sprint, rebuilt from changes: committed, added, removed, done, and points."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from jira_bench import NOW, ZOE, Follower, empty_site, running
from pmo_watch_plugins.sources.jira.report import Report
from pmo_watch_plugins.sources.jira.sprint_texts import sprint_id, sprint_members
from pmo_watch_plugins.sources.jira.sprints import Span, sprint_items

from pmo_watch.demo.fake_jira import FakeJira, Fault
from pmo_watch.demo.jira_site import JiraSite, Ticket
from pmo_watch.flow import Outcome

BOTH = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data-center"])
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
END = datetime(2026, 11, 13, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def cloud() -> bool:
    return True


@pytest.fixture
def jira(cloud: bool) -> Iterator[FakeJira]:
    with running(two_sprints(), cloud=cloud) as jira:
        yield jira


def two_sprints() -> JiraSite:
    """Return a site with a sprint that was closed and one that goes on."""
    site = empty_site()
    first, second = site.add_sprint(1, "Sprint 1", BEGIN), site.add_sprint(1, "Sprint 2, wave=2", END + 3 * HOUR)
    site.close(first, END)
    site.start(second)
    return site


def story(jira: FakeJira, made: datetime = BEGIN - 9 * DAY, **values: Any) -> Ticket:
    return jira.site.add("ATL", "Story", "Something", made, points=3, **values)


def item(jira: FakeJira, ticket: Ticket, sprint: int = 30, **given: Any) -> dict[str, Any] | None:
    follower = Follower(jira, given)
    assert follower.read().outcome is Outcome.COMPLETE
    return found(follower, ticket, sprint)


def found(follower: Follower, ticket: Ticket, sprint: int = 30) -> dict[str, Any] | None:
    if "sprint_item" not in follower.rows:
        return None
    rows = follower.stored("sprint_item")
    rows = rows.filter((rows["task"] == str(ticket.id)) & (rows["sprint"] == str(sprint)))
    return rows.row(0, named=True) if rows.height else None


@BOTH
def test_issue_in_it_at_the_begin_is_committed_and_done_when_it_is_done_at_the_end(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[30])
    jira.site.edit(ticket.key, BEGIN + 3 * DAY, status="Done")

    row = item(jira, ticket)

    assert row is not None
    assert (row["committed"], row["added_on"], row["removed_on"]) == (True, None, None)
    assert (row["points_at_start"], row["points_at_close"], row["done_on"]) == (3, 3, date(2026, 11, 5))


@BOTH
@pytest.mark.parametrize(("hours", "committed"), [(0.5, True), (1, True), (1.5, False)])
def test_commitment_is_taken_an_hour_after_the_begin(jira: FakeJira, hours: float, committed: bool) -> None:
    ticket = story(jira)
    jira.site.edit(ticket.key, BEGIN + hours * HOUR, sprints=[30])

    row = item(jira, ticket)

    assert row is not None
    assert row["committed"] is committed
    assert row["added_on"] == (None if committed else date(2026, 11, 2))


def test_grace_is_a_setting(jira: FakeJira) -> None:
    ticket = story(jira)
    jira.site.edit(ticket.key, BEGIN + 5 * HOUR, sprints=[30])

    row = item(jira, ticket, sprint_grace="6h")

    assert row is not None
    assert row["committed"]


@BOTH
def test_issue_that_came_later_was_added_with_its_points_of_that_moment(jira: FakeJira) -> None:
    ticket = story(jira)
    jira.site.edit(ticket.key, BEGIN + 2 * DAY, sprints=[30])
    jira.site.edit(ticket.key, BEGIN + 4 * DAY, points=8)

    row = item(jira, ticket)

    assert row is not None
    assert (row["committed"], row["added_on"]) == (False, date(2026, 11, 4))
    assert (row["points_at_start"], row["points_at_close"]) == (Decimal(3), Decimal(8))


@BOTH
def test_issue_made_in_the_running_sprint_was_added(jira: FakeJira) -> None:
    ticket = story(jira, BEGIN + 2 * DAY, sprints=[30])

    row = item(jira, ticket)

    assert row is not None
    assert (row["committed"], row["added_on"]) == (False, date(2026, 11, 4))


@BOTH
def test_issue_that_left_before_the_end_was_removed_and_is_not_done(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[30])
    jira.site.edit(ticket.key, BEGIN + 2 * DAY, status="Done")
    jira.site.edit(ticket.key, BEGIN + 5 * DAY, sprints=[])

    row = item(jira, ticket)

    assert row is not None
    assert (row["committed"], row["removed_on"], row["done_on"]) == (True, date(2026, 11, 7), None)


@BOTH
def test_carried_over_issue_stayed_to_the_end_and_is_committed_to_the_next(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[30])
    jira.site.edit(ticket.key, END + HOUR, sprints=[30, 31])
    jira.site.edit(ticket.key, END + 2 * DAY, status="Done")

    follower = Follower(jira)
    follower.read()
    first, second = found(follower, ticket, 30), found(follower, ticket, 31)

    assert first is not None
    assert second is not None
    assert (first["removed_on"], first["done_on"]) == (None, None)
    assert (second["committed"], second["done_on"]) == (True, date(2026, 11, 15))


@BOTH
def test_status_after_the_end_says_nothing_of_the_sprint(jira: FakeJira) -> None:
    done_later, undone_later = story(jira, sprints=[30]), story(jira, sprints=[30])
    jira.site.edit(done_later.key, END + DAY, status="Done")
    jira.site.edit(undone_later.key, END - DAY, status="Done")
    jira.site.edit(undone_later.key, END + DAY, status="To Do")

    follower = Follower(jira)
    follower.read()

    late, early = found(follower, done_later), found(follower, undone_later)
    assert late is not None
    assert early is not None
    assert (late["done_on"], early["done_on"]) == (None, date(2026, 11, 12))


@BOTH
def test_points_that_are_not_estimated_stay_unknown(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[30])
    ticket.values["points"] = None
    jira.site.edit(ticket.key, END - DAY, points=5)

    row = item(jira, ticket)

    assert row is not None
    assert (row["points_at_start"], row["points_at_close"]) == (None, Decimal(5))


@BOTH
def test_subtasks_and_issues_planned_for_later_are_left_out(jira: FakeJira) -> None:
    parent = story(jira, sprints=[30])
    child = jira.site.add("ATL", "Sub-task", "Part", BEGIN - DAY, sprints=[30], parent=parent.key)
    later = story(jira)
    jira.site.edit(later.key, END + HOUR, sprints=[30])

    follower = Follower(jira)
    follower.read()

    assert found(follower, parent)
    assert found(follower, child) is None
    assert found(follower, later) is None


def test_sprint_that_nobody_started_has_no_items(jira: FakeJira) -> None:
    future = jira.site.add_sprint(1, "Sprint 3", NOW + DAY)
    ticket = story(jira, sprints=[future])

    assert item(jira, ticket, future) is None


def test_sprint_from_before_the_changes_that_are_known_has_no_items(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[30])

    assert item(jira, ticket, history_days=10) is None


# --- from reading to reading --------------------------------------------------------------------------------------


@BOTH
def test_sprint_that_is_closed_closes_for_issues_nobody_touched(jira: FakeJira) -> None:
    ticket = story(jira, END - DAY, sprints=[31])
    jira.site.edit(ticket.key, END + 2 * DAY, status="Done")
    follower = Follower(jira)
    follower.read()
    jira.site.close(31, END + DAY)

    follower.read(NOW + HOUR)

    row = found(follower, ticket, 31)
    assert row is not None
    assert row["done_on"] is None
    assert follower.row("sprint", "31")["state"] == "closed"


@BOTH
def test_begin_that_is_moved_on_the_same_day_changes_the_commitment(jira: FakeJira) -> None:
    ticket = story(jira)
    jira.site.edit(ticket.key, END + 5 * HOUR, sprints=[31])
    follower = Follower(jira)
    follower.read()
    before = found(follower, ticket, 31)
    jira.site.sprints[31].start = END + 6 * HOUR

    follower.read(NOW + HOUR)

    after = found(follower, ticket, 31)
    assert before is not None
    assert after is not None
    assert (before["committed"], after["committed"]) == (False, True)


@BOTH
def test_issue_that_leaves_a_running_sprint_stays_as_removed(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[31])
    follower = Follower(jira)
    follower.read()
    jira.site.edit(ticket.key, NOW + timedelta(minutes=1), sprints=[])

    follower.read(NOW + HOUR)

    row = found(follower, ticket, 31)
    assert row is not None
    assert row["removed_on"] == date(2026, 11, 20)


def test_closed_sprints_are_not_read_over_and_over(jira: FakeJira) -> None:
    for number in range(60):
        old = jira.site.add_sprint(1, f"Old {number}", BEGIN - (200 - number) * DAY)
        jira.site.close(old)
    story(jira)
    follower = Follower(jira)
    follower.read()
    assert jira.count("/board/1/sprint") == 2

    follower.read(NOW + HOUR)

    assert jira.count("/board/1/sprint") == 1
    assert follower.stored("sprint").height == 62


def test_reading_that_broke_off_before_the_sprints_owes_their_figures(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[31])
    jira.faults.append(Fault("status", "/sprint", times=5))
    follower = Follower(jira)

    assert follower.read().outcome is Outcome.PARTIAL
    assert found(follower, ticket, 31) is None
    assert follower.read(NOW + HOUR).outcome is Outcome.COMPLETE

    assert found(follower, ticket, 31)


def test_changes_that_may_not_be_read_leave_figures_unknown_and_say_so(jira: FakeJira) -> None:
    story(jira, sprints=[31])
    jira.faults.append(Fault("status", "bulkfetch", times=-1, status=403))

    reading = Follower(jira).read()

    assert reading.outcome is Outcome.COMPLETE
    assert any("changes of issues cannot be read" in one for one in reading.summary.degraded)


def test_status_that_is_no_longer_listed_is_neither_done_nor_open(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[30])
    ticket.past.append((BEGIN + DAY, "status", "To Do", "In Review"))
    ticket.past.append((END + DAY, "status", "In Review", "To Do"))
    jira.site.statuses.pop("In Review")

    follower = Follower(jira)
    reading = follower.read()

    row = found(follower, ticket)
    assert row is not None
    assert row["done_on"] is None
    assert any("the status 4 is no longer listed" in one for one in reading.summary.degraded)


# --- the arithmetic alone -----------------------------------------------------------------------------------------


def alone(now: str | None, moves: Sequence[tuple[int, str | None, str | None]], created: int = 0) -> pl.DataFrame:
    """Return the items of sprint 7, from second 100 to 200 and committed at 110, for one issue with these moves."""
    moment = pl.Datetime("us", "UTC")
    tasks = pl.DataFrame(
        {
            "key": ["1"],
            "is_subtask": [False],
            "created_at": pl.Series([created * 1_000_000]).cast(moment),
            "sprint": [now.split(", ") if now else None],
            "story_points": pl.Series([None], dtype=pl.Decimal(24, 6)),
            "status_category": ["todo"],
        },
        schema_overrides={"sprint": pl.List(pl.String)},
    )
    changes = pl.DataFrame(
        {
            "task": ["1"] * len(moves),
            "at": pl.Series([at * 1_000_000 for at, *_ in moves], dtype=pl.Int64).cast(moment),
            "field": ["Sprint"] * len(moves),
            "from_value": [before for _, before, _ in moves],
            "to_value": [after for *_, after in moves],
        },
        schema_overrides={name: pl.String() for name in ("task", "field", "from_value", "to_value")},
    )
    span = Span("7", 100_000_000, 110_000_000, 200_000_000)
    items: pl.DataFrame = sprint_items(tasks, changes, [span], {}, Report(), UTC)
    return items


def test_issue_that_was_taken_out_within_the_hour_was_neither_committed_nor_added() -> None:
    (row,) = alone(None, [(50, None, "7"), (105, "7", None)]).to_dicts()

    assert (row["committed"], row["added_on"], row["removed_on"]) == (False, None, date(1970, 1, 1))


@pytest.mark.parametrize(
    "moves", [[(50, None, "7"), (90, "7", None)], [(250, None, "7")], [(201, None, "7"), (250, "7", "8")]]
)
def test_issue_that_was_in_it_only_before_or_after_is_none_of_its_items(moves: list[tuple[int, str, str]]) -> None:
    assert alone(moves[-1][2], moves).is_empty()


def test_issue_that_comes_and_goes_and_comes_was_added_once_and_stayed() -> None:
    (row,) = alone("7", [(120, None, "7"), (130, "7", None), (140, None, "7")]).to_dicts()

    assert (row["committed"], row["removed_on"]) == (False, None)


def test_sprint_with_a_similar_id_is_another_one() -> None:
    assert alone("17, 70", [(50, None, "17, 70")]).is_empty()


@pytest.mark.parametrize(
    ("text", "name", "goal"),
    [
        ("S@1[id=444,rapidViewId=158,state=ACTIVE,name=Sprint 7, wave 2,goal=]", "Sprint 7, wave 2", None),
        ("S@1[name=a=b, id,state=CLOSED,id=444,goal=win, or id,x=1]", "a=b, id", "win, or id,x=1"),
        ("S@1[id=444,name=in [brackets],state=FUTURE,startDate=<null>]", "in [brackets]", None),
    ],
)
def test_text_of_a_sprint_is_parted_only_where_a_member_begins(text: str, name: str, goal: str | None) -> None:
    members = sprint_members(text)

    assert (members["id"], members["name"], members.get("goal")) == ("444", name, goal)
    assert sprint_id(text) == "444"


@pytest.mark.parametrize("value", ["no sprint", "", None, 7, {"id": None}, {"id": True}, "S@1]["])
def test_what_is_no_sprint_has_no_id(value: object) -> None:
    assert sprint_id(value) is None


def test_board_that_may_not_be_seen_leaves_the_sprints_that_issues_show(jira: FakeJira) -> None:
    ticket = story(jira, sprints=[31], owner=ZOE)
    jira.faults.append(Fault("status", "/rest/agile/", times=-1, status=403))

    follower = Follower(jira)
    reading = follower.read()

    assert reading.outcome is Outcome.COMPLETE
    assert any("boards of ATL cannot be read" in one for one in reading.summary.degraded)
    assert follower.row("sprint", "31")["name"] == "Sprint 2, wave=2"
    assert found(follower, ticket, 31)
