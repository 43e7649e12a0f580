"""Channels that do not work, rule files with faults, rules that go on and off: who is told of it, and how often."""

from dataclasses import replace

import pytest
from postroom import PostRoom

from pmo_watch.alerts import Message
from pmo_watch.rules import Audience

AUTH = ("2026-11-16T08:00:00+00:00", "auth: 535 5.7.8 wrong name or password")


def room(*broken: str, **audiences: Audience) -> PostRoom:
    made = PostRoom()
    made.rules.audiences.update(audiences)  # type: ignore[attr-defined]  # a dict, though only read elsewhere
    made.faults = dict.fromkeys(broken, AUTH)
    return made


def notices(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(one.notifier, one.address, one.title) for one in messages if one.kind == "notice"]


ICT = Audience("ict", email="ict@example.org")
TITLE = "Channel mail does not work"


def test_fault_of_a_channel_is_told_once_over_another_one() -> None:
    made = room("mail", ict=ICT)

    first, second = made.cycle(), made.cycle()

    assert notices(first) == [("teams", "", TITLE)]
    assert notices(second) == []
    (notice,) = [one for one in first if one.kind == "notice"]
    assert notice.lines[0] == AUTH[1]
    assert "pmo-watch send-test mail" in notice.lines[2]


def test_next_fault_of_the_same_channel_is_told_again() -> None:
    made = room("mail", ict=ICT)

    made.cycle()
    made.faults = {}
    made.cycle()
    made.faults = {"mail": ("2026-11-20T08:00:00+00:00", "tls: expired")}

    assert notices(made.cycle()) == [("teams", "", TITLE)]


def test_channel_of_the_ict_unit_that_works_is_kept() -> None:
    assert notices(room("teams", ict=ICT).cycle()) == [("mail", "ict@example.org", "Channel teams does not work")]


def test_without_any_channel_that_works_nobody_is_told() -> None:
    assert notices(room("mail", "teams", ict=ICT).cycle()) == []


def test_fault_that_could_reach_nobody_is_told_once_another_channel_works() -> None:
    made = room("mail", "teams", ict=ICT)
    made.cycle()
    del made.faults["mail"]

    assert notices(made.cycle()) == [("mail", "ict@example.org", "Channel teams does not work")]
    assert notices(made.cycle()) == []


def test_without_an_ict_unit_the_pmo_is_told() -> None:
    assert notices(room("teams").cycle()) == [("mail", "pmo@example.org", "Channel teams does not work")]


# --- rule files ---------------------------------------------------------------------------------------------------

OWNERS = {"10.yaml": "owner@example.org", "20.yaml": ""}
FAULT = "20.yaml:3:1: 'ambr' is not known here"


def with_files(made: PostRoom, stale: str = "", unused: str = "") -> PostRoom:
    """Let these files have faults, and no others."""
    stale_files, unused_files = ({name: FAULT} if name else {} for name in (stale, unused))
    made.rules = replace(made.rules, owners=OWNERS, stale_files=stale_files, unused_files=unused_files)
    return made


@pytest.mark.parametrize(
    ("file", "owner"),
    [("10.yaml", "owner@example.org"), ("20.yaml", "pmo@example.org"), ("30.yaml", "pmo@example.org")],
)
def test_file_of_which_nothing_is_in_force_is_told_once_to_its_owner_or_the_pmo(file: str, owner: str) -> None:
    made = with_files(PostRoom(), unused=file)

    first, second = made.cycle(), made.cycle()

    assert notices(first) == [("mail", owner, f"{file} has faults: nothing of it is in force")]
    assert first[0].lines[0] == FAULT
    assert second == []


@pytest.mark.parametrize("kind", ["stale", "unused"])
def test_who_was_told_of_faults_is_told_that_they_are_mended(kind: str) -> None:
    made = with_files(PostRoom(), **{kind: "10.yaml"})
    made.cycle()
    with_files(made)

    assert notices(made.cycle()) == [("mail", "owner@example.org", "10.yaml has no faults any more")]
    assert made.cycle() == []


def test_file_that_is_taken_away_is_not_mended() -> None:
    made = with_files(PostRoom(), unused="30.yaml")
    made.cycle()
    with_files(made)

    assert made.cycle() == []


def test_other_faults_of_the_same_file_are_told_and_are_no_mending() -> None:
    made = with_files(PostRoom(), stale="10.yaml")
    made.cycle()
    with_files(made, unused="10.yaml")

    assert [title for _, _, title in notices(made.cycle())] == ["10.yaml has faults: nothing of it is in force"]


# --- rules that go on and off -------------------------------------------------------------------------------------


def test_rule_whose_alerts_go_on_and_off_one_after_the_other_is_told_once() -> None:
    made = PostRoom()
    told = []
    for state in ("red", "green") * 3:
        told += notices(made.cycle(M1=state, M2="green"))
    for state in ("red", "green") * 3:
        told += notices(made.cycle(M1="green", M2=state))

    assert told == [("mail", "pmo@example.org", "Rule slip goes on and off")]


def test_rule_that_settled_is_told_again_when_it_goes_on_and_off_anew() -> None:
    made = PostRoom()
    told = []
    for state in [*("red", "green") * 3, *["green"] * 12, *("red", "green") * 3]:
        told += notices(made.cycle(M1=state))

    assert told == [("mail", "pmo@example.org", "Rule slip goes on and off")] * 2
