"""What digests say beside alerts: deliveries that did not come, how projects stand, and for whom."""

from datetime import date, timedelta
from typing import Any

import polars as pl
from factories import MONDAY, a_rule
from postroom import PostRoom, a_person, mail

from pmo_watch.alerts import Message
from pmo_watch.rules import Digest
from pmo_watch.standing import LookBack, Owed, ProjectStanding

EVERY_MONDAY = {"weekly": Digest("weekly", "08:30", "monday")}
WEEK = timedelta(days=7)


def a_room(**parts: Any) -> PostRoom:
    """Return a room with leaders of two projects who read a digest each week; this week's has left."""
    room = PostRoom(a_rule(tell={"amber": ("leaders",), "red": ("leaders",)}, **parts))
    room.rules = type(room.rules)(room.rules.rules, {}, EVERY_MONDAY, owners={"10.yaml": ""})
    room.audience("leaders", role="project_leader", deliver={"amber": "weekly", "red": "weekly"})
    room.projects["B"]["leader"] = mail("bob")
    room.cycle(hours=0.1)
    return room


def owes(room: PostRoom, *projects: str, **parts: Any) -> None:
    """Let each of these projects owe the figure Calls answered since the day before the next digest."""
    room.rows["indicator"] = [{"uid": "i:calls", "id": "CALLS", "name_en": "Calls answered", "name_fr": "Appels pris"}]
    room.rows["submission"] = [
        {
            "uid": f"submission|i:calls|project:{one}|2026-W47",
            "indicator": "i:calls",
            "scope": f"project:{one}",
            "project": f"project:{one}",
            "period": "2026-W47",
            "provider": mail("dora"),
            "due_on": date(2026, 11, 20),
            **parts,
        }
        for one in projects
    ]


def by_reader(messages: list[Message]) -> dict[str, Message]:
    found = {one.recipient.removeprefix("person:").partition("@")[0]: one for one in messages}
    assert len(found) == len(messages)
    return found


def test_each_reader_reads_what_their_own_projects_owe_and_that_alone_is_something_to_say() -> None:
    room = a_room()
    owes(room, "a", "b")

    read = by_reader(room.cycle(hours=24 * 7))

    assert {name: [one.project_code for one in message.owed] for name, message in read.items()} == {
        "ann": ["A"],
        "bob": ["B"],
    }
    names = {"en": "Calls answered", "fr": "Appels pris"}
    (owed,) = read["ann"].owed
    assert owed == Owed("submission", names, "A", "Atlas", "2026-W47", date(2026, 11, 20), 1, "Dora")
    assert read["ann"].counts == {"owed": 1}


def test_what_has_come_is_not_owed() -> None:
    room = a_room()
    owes(room, "a", received_on=date(2026, 11, 20))

    assert room.cycle(hours=24 * 7) == []


def test_a_status_report_that_did_not_come_is_owed_too() -> None:
    room = a_room()
    room.rows["status_report"] = [
        {"uid": "status_report|project:a|2026-10", "project": "project:a", "period": "2026-10", "kind": "project",
         "due_on": date(2026, 11, 13)},
    ]  # fmt: skip

    (message,) = room.cycle(hours=24 * 7)

    assert [(one.kind, one.project_code, one.period) for one in message.owed] == [("status_report", "A", "2026-10")]


def test_whoever_delivers_reads_their_own_part_alone() -> None:
    room = a_room()
    room.audience("providers", role="indicator_provider", deliver={"red": "weekly"})
    room.people.append(a_person("eve"))
    owes(room, "a", "b")
    room.rows["submission"][1]["provider"] = mail("eve")

    read = by_reader(room.cycle(hours=24 * 7))

    assert [one.project_code for one in read["dora"].owed] == ["A"]
    assert [one.project_code for one in read["eve"].owed] == ["B"]


def test_owners_of_rows_look_after_no_project() -> None:
    room = a_room()
    room.audience("risk_owners", role="risk_owner", deliver={"red": "weekly"})
    room.audience("pmo", email="pmo@example.org", deliver={"red": "never"})
    owes(room, "a")

    assert set(by_reader(room.cycle(hours=24 * 7))) == {"ann"}


def test_a_channel_has_a_digest_of_all_projects() -> None:
    room = a_room(tags=())
    room.audience("channel", notifier="teams", deliver={"red": "weekly"})
    owes(room, "a", "b")

    read = by_reader(room.cycle(hours=24 * 7))

    assert [one.project_code for one in read["teams"].owed] == ["A", "B"]
    assert (read["teams"].notifier, read["teams"].address) == ("teams", "")


# --- how projects stand -------------------------------------------------------------------------------------------


def a_committee() -> PostRoom:
    """Return a room whose steering members of project A, and management, read a page each week."""
    room = a_room()
    room.people.append(a_person("eve"))
    room.audience("steering", role="steering_member", deliver={"amber": "never", "red": "weekly"})
    room.audience("management", role="management_committee", deliver={"amber": "never", "red": "weekly"})
    room.roles = [
        {"uid": "r1", "person": mail("dora"), "code": "management_committee"},
        {"uid": "r2", "person": mail("eve"), "code": "steering_member", "scope": "project:a"},
    ]
    room.colours = {"project:a": "red", "project:b": "green"}
    return room


def stands(message: Message) -> dict[str, ProjectStanding]:
    assert message.standing is not None
    return {one.code: one for one in message.standing.projects}


def test_a_committee_reads_how_its_projects_stand_even_when_nothing_moved() -> None:
    read = by_reader(a_committee().cycle(hours=24 * 7))

    assert set(read) == {"dora", "eve"}
    assert {code: one.computed for code, one in stands(read["dora"]).items()} == {
        "A": {"overall": "red"},
        "B": {"overall": "green"},
    }
    assert set(stands(read["eve"])) == {"A"}
    assert read["dora"].no_names


def test_without_any_colour_a_committee_reads_nothing() -> None:
    room = a_committee()
    room.colours = {}

    assert room.cycle(hours=24 * 7) == []


def test_movements_are_counted_by_project_since_the_last_page() -> None:
    room = a_committee()
    rule = next(iter(room.rules.rules.values()))
    told = a_rule(id=rule.id, tell={"amber": ("management",), "red": ("management",)})
    room.rules = type(room.rules)({rule.id: told}, room.rules.audiences, EVERY_MONDAY, owners={"10.yaml": ""})
    room.look_back = LookBack(before={"weekly": {"project:a": "amber", "project:b": "green"}})

    first = by_reader(room.cycle(hours=24 * 7, M1="red", M2="red", B1="red"))["dora"]
    second = by_reader(room.cycle(hours=24 * 7, M1="green"))["dora"]

    assert {code: one.moved for code, one in stands(first).items()} == {"A": {"new": 2}, "B": {"new": 1}}
    assert {code: one.moved for code, one in stands(second).items()} == {"A": {"ended": 1}, "B": {}}
    assert {code: one.before for code, one in stands(first).items()} == {"A": "amber", "B": "green"}
    assert second.standing is not None
    assert second.standing.since == MONDAY + WEEK + timedelta(hours=0.1)


def test_trends_are_those_of_the_readers_projects() -> None:
    room = a_committee()
    ends = [date(2026, 11, 15), date(2026, 11, 22)]
    uids = ["plans:task:M1", "plans:task:B1"]
    room.states = {"M1": "green", "B1": "green"}
    room.look_back = LookBack(
        milestones=pl.DataFrame(
            {"uid": uids * 2, "ends": [ends[0], ends[0], ends[1], ends[1]], "forecast_finish": [ends[0]] * 3 + ends[1:]}
        )
    )
    made = room._rows
    keys = {"is_milestone": True, "kind": "key", "countable": True}
    room._rows = lambda: {**made(), "task": [{**row, **keys} for row in made()["task"]]}  # type: ignore[method-assign]

    read = by_reader(room.cycle(hours=24 * 7))

    trends = {name: one.standing.milestones for name, one in read.items() if one.standing}
    assert [(one.name, one.moved) for one in trends["dora"]] == [("Step B1", 7), ("Step M1", 0)]
    assert [one.name for one in trends["eve"]] == ["Step M1"]


def test_what_comes_every_day_has_no_charts() -> None:
    room = a_committee()
    owes(room, "a")
    room.rules = type(room.rules)(
        room.rules.rules, room.rules.audiences, {"weekly": Digest("weekly", "08:30")}, owners={"10.yaml": ""}
    )

    read = by_reader(room.cycle(hours=24))

    assert "ann" not in read or read["ann"].standing is None
    assert read["dora"].standing is not None  # a committee's page is one
