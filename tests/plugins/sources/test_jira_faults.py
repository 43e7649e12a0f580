"""What a bad answer gets: the right error or the right data, and never a plan that looks finished."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from jira_bench import NOW, Follower, context, large_site, opened, running, settings, small_site
from pmo_watch_plugins.sources.jira import JIRA
from pydantic import ValidationError

from pmo_watch.api import SourceDataError, SourceRefused, SourceUnavailable
from pmo_watch.demo.fake_jira import CLOUD_ID, SCOPED, FakeJira, Fault
from pmo_watch.flow import Outcome, Summary

BOTH = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data-center"])
SOON = timedelta(minutes=10)


@pytest.fixture
def cloud() -> bool:
    return True


@pytest.fixture
def jira(cloud: bool) -> Iterator[FakeJira]:
    with running(large_site(40), cloud=cloud) as jira:
        jira.page = 10
        yield jira


def search(jira: FakeJira) -> str:
    return "/search/jql" if jira.cloud else "/api/2/search"


# --- what is tried again ------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("kind", ["cut", "drop", "half"])
def test_broken_answer_is_asked_for_again(jira: FakeJira, kind: str) -> None:
    jira.faults.append(Fault(kind, search(jira), skip=1))

    follower = Follower(jira)
    reading = follower.read()

    assert reading.outcome is Outcome.COMPLETE
    assert len(follower.ids()) == 40
    assert reading.summary.cost["retries"] == 1


@BOTH
@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_server_is_asked_again_after_the_time_it_names(jira: FakeJira, status: int) -> None:
    jira.faults.append(Fault("status", search(jira), skip=2, status=status, headers={"Retry-After": "7"}))
    waits: list[float] = []
    found: Any = JIRA.open(settings(jira), context())
    with closing(found) as source:
        source._client._rest._pause = waits.append
        pieces = list(source.read(None))

    assert isinstance(pieces[-1], Summary)
    assert pieces[-1].whole
    assert len(waits) == 1
    assert waits[0] >= 7 or status == 500


@BOTH
def test_server_that_stays_away_keeps_the_pages_so_far_and_the_next_reading_goes_on(jira: FakeJira) -> None:
    jira.faults.append(Fault("status", search(jira), skip=2, times=5))
    follower = Follower(jira)

    reading = follower.read()

    assert reading.outcome is Outcome.PARTIAL
    assert len(follower.ids()) == 20
    assert "503" in reading.error
    asked = len(jira.requests)
    reading = follower.read(NOW + SOON)
    assert reading.outcome is Outcome.COMPLETE
    assert len(follower.ids()) == 40
    assert asked


@BOTH
def test_server_that_is_away_from_the_beginning_fails_the_reading(jira: FakeJira) -> None:
    follower = Follower(jira)
    follower.read()
    jira.faults.append(Fault("status", "", times=-1))

    reading = follower.read(NOW + SOON)

    assert (reading.outcome, reading.refused) == (Outcome.FAILED, False)
    assert len(follower.ids()) == 40


@BOTH
def test_edit_made_while_the_server_was_away_is_not_lost(jira: FakeJira) -> None:
    follower = Follower(jira)
    follower.read()
    for key in ("ATL-1", "ATL-2"):
        jira.site.edit(key, due=date(2026, 12, 24))
    jira.faults.append(Fault("status", "/version", times=5))

    assert follower.read(NOW + SOON).outcome is Outcome.PARTIAL
    jira.site.edit("ATL-3", due=date(2026, 12, 25))
    assert follower.read(NOW + 2 * SOON).outcome is Outcome.COMPLETE

    assert [follower.row("task", key)["forecast_finish"] for key in ("ATL-1", "ATL-3")] == [
        date(2026, 12, 24),
        date(2026, 12, 25),
    ]


# --- pages --------------------------------------------------------------------------------------------------------


def test_forgotten_page_begins_again_from_the_greatest_moment_so_far(jira: FakeJira) -> None:
    jira.meanwhile.append(("/search/jql", 2, jira.forget_pages))

    follower = Follower(jira)
    reading = follower.read()

    assert reading.outcome is Outcome.COMPLETE
    assert len(follower.ids()) == 40
    assert any("AND updated >=" in str(one.given.get("jql")) for one in jira.asked)


def test_page_forgotten_twice_waits_for_the_next_reading(jira: FakeJira) -> None:
    jira.meanwhile += [("/search/jql", 2, jira.forget_pages), ("/search/jql", 4, jira.forget_pages)]

    follower = Follower(jira)
    reading = follower.read()

    assert reading.outcome is Outcome.PARTIAL
    assert "forgot twice" in reading.error
    assert follower.read(NOW + SOON).outcome is Outcome.COMPLETE
    assert len(follower.ids()) == 40


def test_same_page_again_is_no_loop(jira: FakeJira) -> None:
    jira.faults.append(Fault("same_token", "/search/jql", times=-1))

    reading = Follower(jira).read()

    assert reading.outcome is Outcome.PARTIAL
    assert "the search does not end" in reading.error
    assert jira.count("/search/jql") < 10


def test_page_without_a_token_and_without_an_end_is_the_last(jira: FakeJira) -> None:
    jira.page = 100
    jira.faults.append(Fault("no_end", "/search/jql", times=-1))

    assert Follower(jira).read().outcome is Outcome.COMPLETE


@BOTH
def test_answer_without_issues_is_not_believed(jira: FakeJira) -> None:
    jira.faults.append(Fault("no_list", search(jira), times=-1))

    with closing(opened(jira)) as source, pytest.raises(SourceDataError, match="no list 'issues'"):
        list(source.read(None))


@BOTH
def test_search_that_is_suddenly_empty_is_no_end_of_all_work(jira: FakeJira) -> None:
    follower = Follower(jira)
    follower.read()
    jira.faults.append(Fault("empty", "search", times=-1))

    reading = follower.read(NOW + timedelta(days=7))

    assert reading.refused
    assert len(follower.ids()) == 40


# --- refusals -----------------------------------------------------------------------------------------------------


@BOTH
def test_wrong_token_is_refused_before_anything_else_is_asked(jira: FakeJira) -> None:
    with closing(opened(jira, token="a-wrong-token")) as source, pytest.raises(SourceRefused) as fault:
        list(source.read(None))

    assert "check 'user' and 'token'" in str(fault.value)
    assert "a-wrong-token" not in str(fault.value)
    assert len(jira.requests) == 1


@BOTH
def test_nobody_signed_in_is_refused_though_everything_answers(jira: FakeJira) -> None:
    jira.signed_in = False

    with closing(opened(jira)) as source, pytest.raises(SourceRefused, match="not signed in"):
        list(source.read(None))


@BOTH
def test_token_that_runs_out_while_reading_keeps_whole_pages(jira: FakeJira) -> None:
    jira.faults.append(Fault("status", search(jira), skip=2, times=1, status=401))
    follower = Follower(jira)

    reading = follower.read()

    assert reading.outcome is Outcome.PARTIAL
    assert "The sign-in is not accepted, or no longer" in reading.error
    assert len(follower.ids()) == 20


def test_account_that_is_locked_says_how_to_open_it(jira: FakeJira) -> None:
    headers = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://jira"}
    jira.faults.append(Fault("html", "/myself", times=-1, status=403, headers=headers))

    with closing(opened(jira)) as source, pytest.raises(SourceRefused, match="sign in once in a browser as pmo@"):
        list(source.read(None))


@BOTH
def test_web_page_in_place_of_data_is_refused(jira: FakeJira) -> None:
    jira.faults.append(Fault("html", "/myself", status=200))

    with closing(opened(jira)) as source, pytest.raises(SourceRefused, match="a web page came instead of data"):
        list(source.read(None))


@BOTH
def test_web_page_of_a_proxy_among_pages_costs_no_row(jira: FakeJira) -> None:
    follower = Follower(jira)
    follower.read()
    jira.faults.append(Fault("html", search(jira), status=200))

    reading = follower.read(NOW + SOON)

    assert reading.refused
    assert len(follower.ids()) == 40


@BOTH
def test_address_without_its_context_path_says_so(cloud: bool) -> None:
    with running(small_site(), cloud=cloud, context="/jira") as jira:
        url = jira.url.removesuffix("/jira")
        with closing(opened(jira, url=url)) as source, pytest.raises(SourceRefused, match="context path"):
            list(source.read(None))

        assert Follower(jira).read().outcome is Outcome.COMPLETE


def test_cloud_taken_for_a_data_center_says_which_setting_is_wrong(jira: FakeJira) -> None:
    with (
        closing(opened(jira, flavour="datacenter")) as source,
        pytest.raises(SourceRefused, match="set 'flavour: cloud'"),
    ):
        list(source.read(None))


@pytest.mark.parametrize("cloud", [False])
def test_data_center_taken_for_cloud_says_so(jira: FakeJira) -> None:
    with closing(opened(jira, flavour="cloud", user="")) as source, pytest.raises(SourceRefused, match="flavour"):
        list(source.read(None))


@BOTH
def test_query_that_is_refused_shows_jiras_sentence_and_the_query(jira: FakeJira) -> None:
    with closing(opened(jira, jql="projekt = ATL")) as source, pytest.raises(SourceRefused) as fault:
        list(source.read(None))

    assert "Field 'projekt' does not exist" in str(fault.value)
    assert "(projekt = ATL)" in str(fault.value)
    assert "'jql'" in str(fault.value)


def test_token_with_scopes_goes_through_the_gateway(jira: FakeJira) -> None:
    given = {"cloud_id": CLOUD_ID, "gateway_url": jira.url, "url": "https://example.atlassian.net", "token": SCOPED}

    follower = Follower(jira, given)

    assert follower.read().outcome is Outcome.COMPLETE
    assert all(f"/ex/jira/{CLOUD_ID}/rest/" in one for one in jira.requests)
    assert follower.row("task", "ATL-1")["url"] == "https://example.atlassian.net/browse/ATL-1"


# --- records ------------------------------------------------------------------------------------------------------


def test_issue_that_is_none_is_left_out_and_reported(jira: FakeJira) -> None:
    jira.page = 100
    jira.broken = {"ATL-1": {"key": "ATL-1", "fields": {}}, "ATL-2": {"id": "20003", "key": "ATL-2", "fields": None}}

    reading = Follower(jira).read()

    assert {(one.field, one.reason) for one in reading.summary.rejected} == {
        ("id", "an issue without id"),
        ("fields", "its fields are no object"),
    }
    assert reading.summary.lost_records == 2


@BOTH
def test_field_that_is_deleted_is_said_with_its_last_name(jira: FakeJira) -> None:
    follower = Follower(jira)
    follower.read()
    number = jira.site.fields.pop("points").id

    reading = follower.read(NOW + timedelta(days=1))

    assert any(f"'Story Points' ({number}) is no longer there" in one for one in reading.summary.degraded)


@BOTH
@pytest.mark.parametrize("names", [True, False], ids=["named-by-search", "named-by-field"])
def test_renamed_field_stays_the_same_field(cloud: bool, names: bool) -> None:
    with running(small_site(), cloud=cloud) as jira:
        jira.names = names
        follower = Follower(jira)
        follower.read()
        jira.site.fields["sprints"].name = "Itération"
        jira.site.fields["points"].name = "Story points"
        jira.site.edit("ATL-3", sprints=[30])

        follower.read(NOW + SOON)

        items = follower.stored("sprint_item")
        assert set(items["task"]) == {"20002", "20003"}
        assert follower.row("task", "ATL-2")["story_points"] == 5


def test_token_that_runs_out_soon_is_said(jira: FakeJira) -> None:
    reading = Follower(jira, {"token_expires": "2026-12-01"}).read()

    assert "the token runs out on 2026-12-01, in 11 days: make a new one in time" in reading.summary.degraded


def test_closed_source_ends_its_reading(jira: FakeJira) -> None:
    source = opened(jira)
    jira.meanwhile.append(("/search/jql", 2, source.close))

    with pytest.raises(SourceUnavailable, match="ended"):
        list(source.read(None))


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jql": "project = ATL ORDER BY key"}, "leave ORDER BY out"),
        ({"url": "example.atlassian.net"}, "https://"),
        ({"url": "https://me:secret@example.org"}, "without user, password"),
        ({"fields": {"forcast_finish": "Go-live"}}, "did you mean 'forecast_finish'?"),
        ({"fields": {"project.declared_rgb": "Health"}}, "did you mean 'project.declared_rag'?"),
        (
            {"registers": {"risk": {"issue_types": ["Risk"], "fields": {"likelyhood": "P"}}}},
            "did you mean 'likelihood'?",
        ),
        ({"registers": {"hazard": {"issue_types": ["Risk"]}}}, "risk"),
        ({"maps": {"status": {"Klaar": "finished"}}}, "must be todo, doing or done"),
        ({"maps": {"priority": {"Urgent": 6}}}, "must be 1, 2, 3, 4 or 5"),
        ({"milestones": {"jql": "labels = x order by key"}}, "leave ORDER BY out"),
    ],
)
def test_setting_that_cannot_be_meant_is_refused(given: dict[str, object], said: str) -> None:
    base = {"url": "https://example.atlassian.net", "token": "t", "jql": "project = ATL"}

    with pytest.raises(ValidationError) as fault:
        JIRA.settings.model_validate({**base, **given})

    assert said in str(fault.value)


def test_order_by_inside_a_text_is_no_order() -> None:
    given = {"url": "https://example.org", "token": "t", "jql": 'summary ~ "how to order by mail"'}

    assert JIRA.settings.model_validate(given).jql == given["jql"]
