"""What `check --online` finds of people: roles of nobody, and persons who are not told, or not as they wish."""

from datetime import timedelta
from typing import Any

import pytest
from factories import MONDAY, a_rule, a_snapshot
from office import Office
from postroom import CHANNELS, a_person, mail
from typer.testing import CliRunner

from pmo_watch.cli import app
from pmo_watch.rules import Audience, RuleSet
from pmo_watch.unreachable import Reach

LEADER = Audience("leader", role="project_leader", deliver={"red": "at once"})
PMO = Audience("pmo", email="pmo@example.org")
TODAY = MONDAY.date()
NAME_THEM = "name somebody in the list of people, the roles or the plan; until then the audience pmo is told"


def findings(
    *people: dict[str, Any], leader: str | None = "ann", more: dict[str, Any] | None = None, pmo: Audience = PMO
) -> list[str]:
    """Return the findings about these persons, of whom one leads the only project."""
    project = {"uid": "project:a", "code": "A", "leader": mail(leader) if leader else None}
    rules = RuleSet({"slip": a_rule(tell={"red": ("leader",)})}, {"leader": LEADER, "pmo": pmo})
    rows = {"project": [project], "person": people, **(more or {})}
    return Reach(rules, a_snapshot(rows=rows), CHANNELS).findings()


def test_there_is_nothing_to_say_where_everybody_can_be_told() -> None:
    assert findings(a_person("ann", timezone="Europe/Brussels", calendar="be", channels=["mail"])) == []


def test_a_role_of_nobody_is_named_with_its_projects_and_the_remedy() -> None:
    assert findings(leader=None) == [
        f"audience leader: nobody who can be told holds the role project_leader in A: {NAME_THEM}"
    ]


def test_many_projects_are_named_in_part() -> None:
    projects = [{"uid": f"project:{number:02}", "code": f"P{number:02}"} for number in range(1, 13)]

    (line,) = findings(leader=None, more={"project": projects})

    assert "in P01, P02, P03, P04, P05, P06, P07, P08, P09, P10 and 2 more: " in line


def test_a_pmo_of_nobody_is_a_finding_of_its_own() -> None:
    (line,) = findings(a_person("ann"), pmo=Audience("pmo", role="pmo"))

    assert line == "audience pmo: nobody: give the role pmo to somebody, or the audience an e-mail address"


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        (
            {"email": None},
            "Ann (source plans) is project_leader and has no e-mail address: add it to the list of people",
        ),
        ({"active": False}, "Ann (source plans) is project_leader and not active: name somebody else"),
        ({"channels": ["pager"]}, "Ann (source plans) has the channel 'pager', which sends to nobody: there is mail"),
        ({"timezone": "Mars"}, "Ann (source plans) has the zone 'Mars', which is none: write it like Europe/Brussels"),
        ({"calendar": "moon"}, "Ann (source plans) has the calendar 'moon': the settings have be"),
        ({"deputy": mail("ann")}, "Ann (source plans) is their own deputy: name somebody else"),
        (
            {"deputy": mail("bob")},
            "Ann (source plans) has the deputy Bob (source plans), who cannot be told: name somebody else",
        ),
    ],
)
def test_a_person_who_cannot_be_told_as_wished_is_named_with_the_remedy(parts: dict[str, Any], what: str) -> None:
    assert what in findings(a_person("ann", **parts), a_person("bob", active=False))


def test_nobody_asks_for_the_address_of_who_has_no_role() -> None:
    assert findings(a_person("ann"), a_person("bob", email=None), a_person("cleo", active=False)) == []


def test_who_is_away_without_a_deputy_is_named() -> None:
    away = {"uid": "w1", "person": mail("ann"), "from": TODAY, "to": TODAY + timedelta(days=9)}
    alone, backed = a_person("ann"), a_person("ann", deputy=mail("bob"))
    for_a_role = {"uid": "r1", "code": "project_leader", "person": mail("ann"), "deputy": mail("bob")}

    assert findings(alone, more={"absence": [away]}) == [
        "Ann (source plans) is away until 2026-11-25 and has no deputy: what they are to be told waits until then"
    ]
    assert findings(backed, a_person("bob"), more={"absence": [away]}) == []
    assert findings(alone, a_person("bob"), more={"absence": [away], "role": [for_a_role]}) == []


def test_long_lists_are_cut_and_say_so() -> None:
    people = [a_person(f"p{number}", timezone="Mars") for number in range(25)]

    found = findings(a_person("ann"), *people)

    assert len(found) == 21
    assert found[-1] == "... and 5 more of these"


# --- on the command line ------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Any) -> Office:
    """Return an office of two projects; nobody leads the second."""
    office = Office(tmp_path)
    office.people(["P01"])
    return office


def check(office: Office) -> list[str]:
    """Return what is said of people."""
    done = CliRunner().invoke(app, ["check", "--online", "--config", str(office.config)])
    return [one for one in done.output.splitlines() if one.startswith("people:") or "audience" in one]


def test_check_online_goes_by_what_was_read_last(office: Office) -> None:
    assert check(office) == ["people: nothing has been read yet; 'pmo-watch once' reads"]

    CliRunner().invoke(app, ["once", "--config", str(office.config)])

    assert check(office) == [
        "people: 1 finding in what was read last",
        f"warning: audience project_leader: nobody who can be told holds the role project_leader in P02: {NAME_THEM}",
    ]
