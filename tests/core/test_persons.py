"""What is found of single persons: switched on by the settings, told to few, counted for committees."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from catalogues import MEASURES
from factories import a_rule, a_snapshot
from made_measures import measure
from postroom import PostRoom, a_person, mail, said
from rule_texts import SPECIFIED

from pmo_watch.alert_rows import alert_rows
from pmo_watch.alerts import Alert, Message
from pmo_watch.cli_show import transition
from pmo_watch.flow import Outcome
from pmo_watch.rule_files import LoadedRules, Readable, rules_from_texts
from pmo_watch.rule_names import Catalogue
from pmo_watch.rules import Escalation, RuleSet, Span, Unit
from pmo_watch.web_api import alert_row

LOAD = measure("person.load", unit=Unit.PERCENT, amber="over 100 %", red="over 110 %")
KNOWN = {**MEASURES, LOAD.name: LOAD}
HEAD = SPECIFIED.partition("rules:\n")[0]
RULE = (
    "  - {{id: load, name: Load, measure: person.load, tell: {{amber: project_leader, red: [project_leader, {}]}}{}}}\n"
)


def loaded(text: str, *, persons: bool = True) -> LoadedRules:
    catalogue = Catalogue(KNOWN, frozenset({"teams"}), persons=persons)
    return rules_from_texts(Path("rules.d"), Readable({"a.yaml": text}), catalogue)


def faults(rule: str, *, persons: bool = True, more: str = "") -> list[str]:
    head = HEAD.replace("audiences:\n", f"audiences:\n  manager: {{role: line_manager, red: at once}}\n{more}")
    return [one.text for one in loaded(f"{head}rules:\n{rule}", persons=persons).faults]


def test_rules_about_single_persons_are_refused_until_they_are_switched_on() -> None:
    (fault,) = faults(RULE.format("manager", ""), persons=False)

    assert "`people: {results: true}` in the settings" in fault
    assert faults(RULE.format("manager", "")) == []
    assert faults(RULE.format("manager", ", enabled: false"), persons=False) == []


@pytest.mark.parametrize("name", ["pmo", "programme_manager", "pmo_channel"])
def test_a_rule_about_persons_names_leaders_line_managers_and_committees(name: str) -> None:
    (fault,) = faults(RULE.format(name, ""))

    assert fault.startswith(f"'{name}' must not be told of single persons")
    assert faults(RULE.format("committee", "")) == []


def test_escalations_and_reminders_are_held_to_the_same() -> None:
    escalate = ", escalate: [{after: 5 wd, while: red, to: pmo}]"
    remind = ", remind: {before: 1 wd, to: pmo}"

    assert len(faults(RULE.format("manager", escalate))) == 1
    assert len(faults(RULE.format("manager", remind))) == 1


def test_a_committee_that_is_told_at_once_would_read_names() -> None:
    now = "  board: {role: steering_member, red: at once}\n"

    (fault,) = faults(RULE.format("board", ""), more=now)

    assert "a committee that gets a digest" in fault


# --- who is told --------------------------------------------------------------------------------------------------

EVE = "eve@example.org"


def a_room(*names: str, **parts: Any) -> PostRoom:
    """Return a room whose rule is on persons; Eve works for Ann's project and for Bob's, and Cleo is her manager."""
    tell = {"amber": names, "red": names}
    room = PostRoom(a_rule(**{"for_each": "person", "tell": tell, "owner": "owner@example.org", **parts}))
    room.found_on = "person:{}"
    room.audience("manager", role="line_manager", deliver={"amber": "at once", "red": "at once"})
    room.people.append(a_person("eve", manager=mail("cleo")))
    room.projects["B"]["leader"] = mail("bob")
    room.rows = {
        "task": [
            {"uid": "t1", "project": "project:a", "countable": True},
            {"uid": "t2", "project": "project:b", "countable": True},
            {"uid": "t3", "project": "project:b", "countable": True, "done": True},
        ],
        "assignment": [
            {"uid": "s1", "person": f"person:{EVE}", "task": "t1"},
            {"uid": "s2", "person": f"person:{EVE}", "task": "t2"},
            {"uid": "s3", "person": mail("dora"), "task": "t3"},
        ],
    }
    return room


def alerts_of(messages: list[Message]) -> list[tuple[str, list[str]]]:
    return sorted(said([one for one in messages if one.kind == "alert"]))


def test_leaders_of_all_projects_and_the_line_manager_are_told() -> None:
    messages = a_room("project_leader", "manager").cycle(24, **{EVE: "red"})

    told = ["Eve opened red"]
    assert alerts_of(messages) == [("ann", told), ("bob", told), ("cleo", told)]
    assert {item.subject_name for one in messages for item in one.items} == {"Eve"}


@pytest.mark.parametrize("state", ["proposed", "on_hold", "closed", "cancelled"])
def test_leaders_of_projects_that_do_not_go_on_are_not_told(state: str) -> None:
    room = a_room("project_leader")
    room.projects["A"]["state"] = state

    assert [name for name, _ in alerts_of(room.cycle(24, **{EVE: "red"}))] == ["bob"]


def test_nobody_else_is_told_in_their_place() -> None:
    room = a_room("project_leader", "manager")

    messages = room.cycle(24, **{"dora@example.org": "red"})  # who works for nobody and has no manager

    assert messages == []
    assert room.last.unresolved == {"project_leader": 1, "manager": 1}


@pytest.mark.parametrize(("fallback", "kept"), [("teams", ""), ("spare", "spare")])
def test_what_a_channel_refuses_is_not_posted_where_others_read(fallback: str, kept: str) -> None:
    room = a_room("manager")
    room.channels = replace(room.channels, addressed=("mail", "spare"), fallbacks={"mail": fallback})

    (message,) = room.cycle(24, **{EVE: "red"})

    assert (message.notifier, message.fallback) == ("mail", kept)


def test_others_are_not_told_even_where_a_rule_names_them() -> None:
    room = a_room("pmo", "programme_manager", "channel", escalate=(Escalation(Span(1, "wd"), "red", ("pmo",)),))
    room.audience("pmo", email="pmo@example.org", deliver={"amber": "at once", "red": "at once"})

    assert [*room.cycle(24, **{EVE: "red"}), *room.cycle(), *room.cycle()] == []


def a_committee(*names: str) -> PostRoom:
    room = a_room("committee", *names)
    room.roles = [{"uid": "r1", "code": "management_committee", "person": mail("dora")}]
    meetings = [
        {"uid": f"m{day}", "kind": "management_committee", "planned_on": date(2026, 11, day)} for day in (23, 24)
    ]
    room.rows["meeting"] = meetings
    return room


def digests(messages: list[Message]) -> list[Message]:
    return [one for one in messages if one.kind == "digest" and one.recipient == mail("dora")]


def test_a_committee_reads_how_many_persons_there_are_and_how_that_moved() -> None:
    room = a_committee()

    (first,) = digests(room.cycle(hours=0.1, **{EVE: "red", "ann@example.org": "red"}))
    (second,) = digests(room.cycle(24, **{"ann@example.org": "green"}))

    assert (first.items, first.counts) == ((), {"new": 2, "red": 2})
    assert (second.items, second.counts) == ((), {"ended": 1, "open": 1, "red": 1})


def test_a_committee_is_never_told_at_once() -> None:
    room = a_committee()
    room.audience("committee", role="management_committee", deliver={"red": "at once"})

    assert room.cycle(24, **{EVE: "red"}) == []


def test_a_committee_whose_digest_is_no_more_reads_no_name_in_place_of_its_number() -> None:
    room = a_committee()
    room.cycle(hours=0.1, **{EVE: "red"})
    room.rules = replace(room.rules, digests={})

    assert room.cycle(24, **{EVE: "green"}) == []


def test_a_line_manager_whose_digest_is_no_more_hears_of_the_end() -> None:
    room = a_room("manager")
    room.audience("manager", role="line_manager", deliver={"red": "weekly"})
    room.cycle(hours=0.1, **{EVE: "red"})
    room.rules = replace(room.rules, digests={})

    assert alerts_of(room.cycle(24, **{EVE: "green"})) == [("cleo", ["Eve recovered green"])]


def test_whoever_sits_in_the_committee_and_leads_a_project_reads_names_of_its_people() -> None:
    room = a_committee("leader")
    room.audience("leader", role="project_leader", deliver={"red": "monthly"})
    room.projects["A"]["leader"] = mail("dora")

    (message,) = digests(room.cycle(hours=0.1, **{EVE: "red", "ann@example.org": "red"}))

    assert [item.subject_name for item in message.items] == ["Eve"]
    assert message.counts == {"new": 2, "red": 2}


def notices(messages: list[Message]) -> list[tuple[str, str, int]]:
    return [(one.recipient, one.lines[0], len(one.items)) for one in messages if one.kind == "notice"]


def test_who_looks_after_data_reads_how_many_cannot_be_assessed() -> None:
    room = a_room("manager")
    room.audience("pmo", email="pmo@example.org", deliver={"grey": "at once"})
    room.cycle(24, **{EVE: "red"})
    room.source = replace(room.source, outcome=Outcome.PARTIAL)

    assert notices(room.cycle()) == [("pmo@example.org", "Number of open alerts that cannot be assessed: 1.", 0)]


def test_what_cannot_be_assessed_of_persons_is_in_nobodys_digest() -> None:
    assert [one for one in a_room("manager").cycle(hours=0.1, **{EVE: "grey"}) if one.items] == []


def test_the_owner_of_a_rule_reads_how_many_ended_with_it_and_no_name() -> None:
    room = a_room("manager")
    room.cycle(24, **{EVE: "red"})
    room.former, room.rules = room.rules, replace(room.rules, rules={})
    removed = [one for one in room.cycle() if one.kind == "notice"]

    assert notices(removed) == [("owner@example.org", "Number of open alerts closed with it: 1.", 0)]


def test_an_owner_hears_that_a_rule_goes_on_and_off_and_not_for_whom() -> None:
    room = a_room("manager")
    flapping = [message for _ in range(4) for state in ("red", "green") for message in room.cycle(24, **{EVE: state})]

    (lines,) = [one.lines for one in flapping if one.kind == "notice"]
    assert not [line for line in lines if "eve" in line.lower()]


def test_what_a_cycle_changed_is_shown_without_a_name() -> None:
    room = a_room("manager")
    room.cycle(24, **{EVE: "red"})

    (shown,) = [transition(one) for one in room.transitions]

    assert (shown["reason"], shown["level"], shown["subject"]) == ("opened", "red", "")


def test_lists_and_rules_about_alerts_name_no_person() -> None:
    alert = Alert("a1", "load", f"person:{EVE}", "person", level="red", subject_id=EVE, subject_name="Eve")
    rules = RuleSet({"load": a_rule(id="load", for_each="person")})

    row = alert_row(alert)

    assert (row["entity"], row["name"], row["kind"], row["level"]) == ("", "", "person", "red")
    assert alert_rows([alert], {}, rules, a_snapshot()).is_empty()
