"""Channels that do not work: who is told of it, over which other one, and how often."""

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
