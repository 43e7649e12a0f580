"""What the next reading starts from: a small cursor, and what makes it begin anew."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import pytest
from jira_bench import NOW, Follower, opened, running, settings, small_site
from pmo_watch_plugins.sources.jira.memory import mark_of

from pmo_watch.demo.fake_jira import FakeJira
from pmo_watch.flow import Outcome, Records, Summary

BOTH = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data-center"])
SOON = timedelta(minutes=10)


@pytest.fixture
def cloud() -> bool:
    return True


@pytest.fixture
def jira(cloud: bool) -> Iterator[FakeJira]:
    with running(small_site(), cloud=cloud) as jira:
        yield jira


def following(jira: FakeJira) -> Follower:
    follower = Follower(jira)
    assert follower.read().outcome is Outcome.COMPLETE
    return follower


@BOTH
def test_cursor_is_small_plain_json(jira: FakeJira) -> None:
    follower = following(jira)

    text = json.dumps(follower.state.cursor)

    assert len(text) < 4_000
    assert "a-good-token" not in text


@BOTH
@pytest.mark.parametrize(
    "given", [{"jql": "project = ATL"}, {"history_days": 30}, {"maps": {"status": {"Done": "doing"}}}]
)
def test_other_settings_read_everything_again(jira: FakeJira, given: dict[str, object]) -> None:
    follower = following(jira)
    follower.given = given

    assert follower.read(NOW + SOON).summary.listed


def test_another_account_reads_everything_again(jira: FakeJira) -> None:
    follower = following(jira)
    jira.site.persons.reverse()

    assert follower.read(NOW + SOON).summary.listed


def test_token_is_no_part_of_what_is_remembered(jira: FakeJira) -> None:
    one, other = settings(jira), settings(jira, token="another")

    assert mark_of(one, "a") == mark_of(other, "a")
    assert mark_of(one, "a") != mark_of(one, "b")


@BOTH
def test_since_of_a_person_asks_for_that_much_and_moves_nothing(jira: FakeJira) -> None:
    jira.site.edit("ATL-2", due=date(2026, 12, 31))
    since = {"since": (jira.site.now - timedelta(minutes=1)).isoformat()}
    with closing(opened(jira)) as source:
        pieces = list(source.read(since))

    tasks = [one.frame for one in pieces if isinstance(one, Records) and one.entity == "task"]
    assert [set(one["id"]) for one in tasks] == [{"ATL-2", "ATL R1"}]
    assert isinstance(pieces[-1], Summary)
    assert not pieces[-1].listed
    assert pieces[-1].census == {}
