"""What `check --online` says of a Jira: who we are, which fields are not there, what is withheld."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from jira_bench import opened, running, small_site

from pmo_watch.api import Probes, Remembers, SourceRefused
from pmo_watch.demo.fake_jira import CLOUD_ID, FakeJira, Fault

BOTH = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data-center"])


@pytest.fixture
def cloud() -> bool:
    return True


@pytest.fixture
def jira(cloud: bool) -> Iterator[FakeJira]:
    with running(small_site(), cloud=cloud) as jira:
        yield jira


def seen(jira: FakeJira, **given: Any) -> dict[str, bool]:
    with closing(opened(jira, **given)) as source:
        assert isinstance(source, Probes)
        assert isinstance(source, Remembers)
        return {one.text: one.ok for one in source.probe()}


@BOTH
def test_good_site_is_seen_in_a_few_lines(jira: FakeJira) -> None:
    found = seen(jira, timesheets=True)

    assert set(found.values()) == {True}
    which = "Jira Cloud" if jira.cloud else "Jira Data Center 9.12.4"
    text = "; ".join(found)
    assert f"{which}, signed in as Zoë Müller" in text
    assert "sprint from 'Sprint' (customfield_10020)" in text
    assert f"the query finds {'about ' if jira.cloud else ''}5 issues" in text
    assert "2 projects: ATL, BOR" in text
    assert "1 boards: ATL board" in text
    assert "changes of ATL-2: 2 of those that are read" in text
    assert "work logs can be read" in text


@BOTH
def test_field_that_is_not_there_is_said_with_names_that_are_near(jira: FakeJira) -> None:
    registers = {"risk": {"issue_types": ["Risk"], "fields": {"likelihood": "Probabilty"}}}

    found = seen(jira, fields={"deadline": "Golive"}, registers=registers)

    number = jira.site.fields["go_live"].id
    assert found[f"deadline: this server has no field 'Golive', did you mean 'Go-live' ({number})?"] is False
    assert any(
        "risk.likelihood" in text and "did you mean 'Probability'" in text for text, ok in found.items() if not ok
    )


def test_name_of_two_fields_is_settled_by_an_id(jira: FakeJira) -> None:
    one, other = jira.site.fields["go_live"].id, jira.site.add_field("again", "go-live", "date", "x:datepicker")

    found = seen(jira, fields={"deadline": "Go-live"})

    assert found[f"deadline: 2 fields are called 'Go-live': set one of {one}, {other}"] is False


def test_token_with_scopes_is_told_the_way_through_the_gateway(jira: FakeJira) -> None:
    with closing(opened(jira, token="a-scoped-token")) as source, pytest.raises(SourceRefused) as fault:
        list(source.probe())

    assert f"set 'cloud_id: {CLOUD_ID}'" in str(fault.value)


@BOTH
def test_daemon_never_looks_for_another_address(jira: FakeJira) -> None:
    with closing(opened(jira, token="a-scoped-token")) as source, pytest.raises(SourceRefused):
        list(source.read(None))

    assert jira.count("tenant_info") == 0


def test_token_that_ran_out_is_a_fault(jira: FakeJira) -> None:
    assert seen(jira, token_expires="2026-11-01")["the token ran out on 2026-11-01: make a new one"] is False


def test_what_is_withheld_is_a_line_and_the_look_goes_on(jira: FakeJira) -> None:
    jira.faults.append(Fault("status", "/project/search", times=-1, status=403))

    found = seen(jira, timesheets=True)

    assert any("project/search answered 403" in text for text, ok in found.items() if not ok)
    assert found["work logs can be read"]


@BOTH
def test_query_that_finds_nothing_is_a_fault(jira: FakeJira) -> None:
    found = seen(jira, jql="labels = nowhere")

    assert found[f"the query finds {'about ' if jira.cloud else ''}0 issues"] is False


@BOTH
def test_boards_of_the_settings_are_looked_at(jira: FakeJira) -> None:
    assert "1 boards: BOR board" in seen(jira, boards=[2])
