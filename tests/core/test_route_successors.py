"""Whoever takes over a role hears of the alerts that are open there, once."""

from datetime import timedelta

import pytest
from factories import a_rule
from postroom import PostRoom, mail, said

from pmo_watch.rules import Escalation, Span


def replaced(room: PostRoom, name: str = "bob") -> None:
    """Give the project A another leader."""
    room.projects["A"]["leader"] = mail(name)


def test_a_new_leader_hears_once_of_what_is_open_in_the_project_and_of_nothing_else() -> None:
    room = PostRoom()
    room.cycle(M1="red", M2="amber", M3="red", B1="red")
    room.cycle(M3="green")
    replaced(room)

    assert said(room.cycle()) == [("bob", ["M1 open red", "M2 open amber"])]
    assert room.cycle() == []


def test_what_is_still_open_is_told_with_what_was_found() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    replaced(room)

    (message,) = room.cycle()

    assert message.items[0].finding["value"] == 12.0


def test_the_end_is_told_to_the_new_leader_and_to_the_one_who_was_told_of_the_beginning() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    replaced(room)
    room.cycle()

    assert said(room.cycle(M1="green")) == [("ann", ["M1 recovered green"]), ("bob", ["M1 recovered green"])]


def test_what_gets_worse_on_that_day_is_said_as_worse_and_not_twice() -> None:
    room = PostRoom()
    room.cycle(M1="amber")
    replaced(room)

    assert said(room.cycle(M1="red")) == [("bob", ["M1 worsened red"])]
    assert room.cycle() == []


def test_a_leader_who_comes_back_was_told_already() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    replaced(room)
    room.cycle()
    replaced(room, "ann")

    assert room.cycle() == []


def test_whoever_fills_a_role_that_nobody_held_hears_of_what_the_pmo_was_told() -> None:
    room = PostRoom()
    room.projects["A"]["leader"] = None
    room.cycle(M1="red")
    replaced(room)

    assert ("bob", ["M1 open red"]) in said(room.cycle())


def test_a_role_that_is_given_up_is_no_news_of_the_alert() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    room.projects["A"]["leader"] = None

    assert [one for one in room.cycle() if one.kind == "alert"] == []


def test_a_channel_that_takes_over_says_nothing_again() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    room.channels = type(room.channels)(addressed=("other", "mail"), posted=("teams",))

    assert room.cycle() == []


@pytest.mark.parametrize("holds", ["acknowledged", "silenced"])
def test_what_is_held_back_reaches_the_new_leader_when_that_ends(holds: str) -> None:
    room = PostRoom()
    room.cycle(M1="red")
    if holds == "acknowledged":
        room.acknowledge(days=2)
    else:
        room.silence(hours=60, project="A")
    replaced(room)

    assert room.cycle() == []
    later = [*room.cycle(), *room.cycle()]
    assert "bob" in [name for name, _ in said(later)]


def test_the_deputy_of_a_new_leader_who_is_away_hears_at_once() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    replaced(room)
    room.people[1]["deputy"] = mail("dora")
    first = room.now.date()
    room.rows["absence"] = [{"uid": "1", "person": mail("bob"), "from": first, "to": first + timedelta(days=3)}]

    assert ("dora", ["M1 open red"]) in said(room.cycle())


def test_the_new_manager_of_a_programme_hears_of_what_was_escalated() -> None:
    room = PostRoom(a_rule(escalate=(Escalation(Span(1, "wd"), "red", ("programme_manager",)),)))
    room.cycle(M1="red")
    assert said(room.cycle()) == [("cleo", ["M1 escalated red"])]
    room.program["manager"] = mail("dora")

    assert said(room.cycle()) == [("dora", ["M1 open red"])]
