"""Roles that nobody holds: the PMO is told once for each project, with what it reads in their place."""

from dataclasses import replace
from datetime import timedelta

import pytest
from factories import a_rule, a_source
from postroom import PostRoom, a_person, mail

from pmo_watch.alerts import Message
from pmo_watch.rules import Escalation, Span


def notices(messages: list[Message]) -> list[tuple[str, tuple[str, ...]]]:
    """Return title and list of each notice."""
    return [(one.title, one.lines[1:]) for one in messages if one.kind == "notice"]


def vacant(*lines: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the notice that lists these."""
    return [("Roles that nobody holds", lines)]


def a_room() -> PostRoom:
    """Return a room in which nobody leads Atlas."""
    room = PostRoom()
    room.projects["A"]["leader"] = None
    return room


def test_the_pmo_is_told_once_which_roles_nobody_holds() -> None:
    room = a_room()

    assert notices(room.cycle()) == vacant("A Atlas: project leader")
    assert notices(room.cycle()) == []


def test_a_role_that_is_filled_and_vacated_again_is_told_again() -> None:
    room = a_room()
    room.cycle()
    room.projects["A"]["leader"] = mail("ann")
    room.cycle()
    room.projects["A"]["leader"] = None

    assert notices(room.cycle()) == vacant("A Atlas: project leader")


def test_a_further_vacancy_is_told_without_those_told_before() -> None:
    room = a_room()
    room.cycle()
    room.projects["B"]["leader"] = mail("nobody-we-know")

    assert notices(room.cycle()) == vacant("B Boreas: project leader")


@pytest.mark.parametrize("state", ["proposed", "on_hold", "closed", "cancelled"])
def test_projects_that_do_not_go_on_need_nobody(state: str) -> None:
    room = a_room()
    room.projects["A"]["state"] = state

    assert notices(room.cycle()) == []


def test_a_holder_who_cannot_be_told_holds_it_for_nobody_and_one_of_the_programme_for_all() -> None:
    room = a_room()
    room.people.append(a_person("left", active=False))
    room.projects["A"]["leader"] = mail("left")
    held = {"uid": "r1", "code": "project_leader", "scope": "program:n", "person": mail("bob")}

    assert notices(room.cycle()) == vacant("A Atlas: project leader")
    room.roles = [held]
    room.cycle()
    assert [one for one in room.kept.marks if "vacant" in one[1]] == []


def test_every_role_that_a_rule_would_tell_counts_and_no_other() -> None:
    steps = (Escalation(Span(1, "wd"), "red", ("sponsor",)),)
    room = PostRoom(a_rule(tell={"amber": ("committee",), "red": ("project_leader",)}, escalate=steps))
    room.audience("sponsor", role="project_owner", deliver={"red": "at once"})
    room.audience("risk", role="risk_owner", deliver={"red": "at once"})
    room.audience("nobody_asks", role="business_manager", deliver={"red": "at once"})

    assert notices(room.cycle()) == vacant("A Atlas: project owner", "B Boreas: project owner")  # amber is never told


def test_it_is_said_in_the_language_of_the_reader() -> None:
    room = a_room()
    room.people.append(a_person("pmo", language="nl"))

    ((title, lines),) = notices(room.cycle())

    assert (title, lines) == ("Rollen die niemand heeft", ("A Atlas: projectleider",))


def test_nothing_is_said_before_every_source_could_say_who_holds_what() -> None:
    room = a_room()
    room.source = replace(a_source(last_good=None), failing_since=room.now)

    assert notices(room.cycle(1)) == []
    room.now += timedelta(days=1)
    assert notices(room.cycle(1)) == vacant("A Atlas: project leader")  # a source that fails is no excuse for ever


def test_the_pmo_that_is_nobody_is_told_when_it_is_somebody() -> None:
    room = a_room()
    room.audience("pmo", role="pmo", deliver={})
    assert notices(room.cycle()) == []

    room.roles = [{"uid": "r1", "code": "pmo", "person": mail("dora")}]

    assert notices(room.cycle()) == vacant("A Atlas: project leader")
