"""When a digest is due, and what stands in it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from factories import MONDAY, a_rule, a_snapshot
from postroom import PostRoom, a_person, mail, said

from pmo_watch.alerts import Awaited, Message
from pmo_watch.digests import Due, due
from pmo_watch.flow import Outcome
from pmo_watch.rules import Digest, Escalation, NoData, Span
from pmo_watch.workdays import Calendar


def at(text: str) -> datetime:
    """Return an instant written in Brussels' winter time."""
    return datetime.fromisoformat(f"{text}+01:00").astimezone(UTC)


def left(on: str, last: str | None, now: str, **rows: list[dict[str, Any]]) -> Due | None:
    """Return the digest that is due at that moment."""
    return due(Digest("d", "08:30", on), at(last) if last else None, a_snapshot(at(now), rows))


@pytest.mark.parametrize(
    ("on", "last", "now", "when"),
    [
        ("every working day", "2026-11-16T08:30", "2026-11-17T08:29", None),
        ("every working day", "2026-11-16T08:31", "2026-11-17T08:30", "2026-11-17T08:30"),
        ("every working day", "2026-11-13T09:00", "2026-11-15T12:00", None),
        ("every working day", "2026-11-10T09:00", "2026-11-11T12:00", None),  # a holiday
        ("every working day", "2026-11-02T09:00", "2026-11-16T12:00", "2026-11-16T08:30"),  # once, not ten times
        ("monday", "2026-11-10T09:00", "2026-11-15T12:00", None),
        ("monday", "2026-11-10T09:00", "2026-11-16T08:30", "2026-11-16T08:30"),
        ("wednesday", "2026-11-09T09:00", "2026-11-11T12:00", None),
        ("wednesday", "2026-11-09T09:00", "2026-11-12T08:30", "2026-11-12T08:30"),  # after the holiday
        ("wednesday", "2026-11-12T08:30", "2026-11-13T12:00", None),
        ("first working day of month", "2026-10-01T09:00", "2026-11-01T12:00", None),  # a Sunday
        ("first working day of month", "2026-10-01T09:00", "2026-11-02T12:00", "2026-11-02T08:30"),
        ("first working day of month", "2026-11-02T09:00", "2026-11-30T12:00", None),
        ("every working day", None, "2026-11-16T09:00", "2026-11-16T08:30"),
        ("every working day", None, "2026-11-16T08:00", None),
        ("monday", None, "2026-11-17T09:00", None),
    ],
)
def test_a_digest_is_due_on_its_days(on: str, last: str | None, now: str, when: str | None) -> None:
    found = left(on, last, now)

    assert (found.at if found else None) == (at(when) if when else None)


def test_a_digest_may_leave_working_days_before_a_meeting() -> None:
    meeting = {"uid": "m1", "kind": "steering_committee", "planned_on": date(2026, 11, 18), "scope": "project:a"}
    other = {"uid": "m2", "kind": "steering_committee", "planned_on": date(2026, 11, 25), "scope": "project:b"}
    off = {"uid": "m3", "kind": "steering_committee", "planned_on": date(2026, 11, 18), "cancelled": True}

    before = left("5 wd before steering_committee", "2026-11-09T00:00", "2026-11-09T23:00", meeting=[meeting, other])
    on_day = left("5 wd before steering_committee", "2026-11-09T23:00", "2026-11-10T09:00", meeting=[meeting, other])
    both = left("5 wd before steering_committee", "2026-11-09T23:00", "2026-11-20T09:00", meeting=[meeting, other])

    assert before is None  # the 11th is a holiday: five days before the 18th is the 10th
    assert on_day == Due(at("2026-11-10T08:30"), frozenset({"project:a"}), at("2026-11-09T23:00"))
    assert both == Due(at("2026-11-18T08:30"), frozenset({"project:a", "project:b"}), at("2026-11-09T23:00"))
    assert left("5 wd before steering_committee", "2026-11-09T00:00", "2026-11-20T09:00", meeting=[off]) is None


def test_a_meeting_of_the_organisation_is_about_everything() -> None:
    meeting = {"uid": "m1", "kind": "management_committee", "planned_on": date(2026, 11, 18)}

    assert left("5 wd before management_committee", None, "2026-11-10T09:00", meeting=[meeting]) == Due(
        at("2026-11-10T08:30"), None
    )


def test_a_digest_may_leave_before_a_gate() -> None:
    gate = {"uid": "g1", "code": "rfe", "planned_on": date(2026, 11, 18), "project": "project:a"}

    found = left("1 wd before rfe", None, "2026-11-17T09:00", gate=[gate])
    passed = left("1 wd before rfe", None, "2026-11-17T09:00", gate=[{**gate, "passed": True}])

    assert (found, passed) == (Due(at("2026-11-17T08:30"), frozenset({"project:a"})), None)


# --- content ------------------------------------------------------------------------------------------------------


def a_room(**parts: Any) -> PostRoom:
    """Return a room whose rule tells the PMO, daily; it is Monday evening, today's digest has left."""
    room = PostRoom(a_rule(tell={"amber": ("pmo",), "red": ("pmo",)}, **parts))
    room.cycle(hours=0.1)
    return room


def one(messages: list[Message]) -> Message:
    """Return the only message."""
    (only,) = messages
    return only


def test_what_is_silenced_stands_in_a_part_of_its_own_and_counts_as_told_to_nobody() -> None:
    room = a_room()
    room.cycle(M1="red")
    room.silence(hours=30, project="A")

    message = one(room.cycle(M2="red", B1="red"))

    assert said([message]) == [("pmo", ["M1 silenced red", "M2 silenced red", "B1 opened red"])]
    assert message.counts == {"new": 1, "red": 1, "silenced": 2}
    assert said(room.cycle()) == [("pmo", ["M1 open red", "M2 opened red", "B1 open red"])]


def test_each_change_stands_in_its_part() -> None:
    room = a_room()
    room.cycle(W="amber", B="red", E="red", O="red", U="red")

    message = one(room.cycle(N="amber", W="red", B="amber", E="green", U="grey"))

    assert {item.subject_id: item.reason for item in message.items} == {
        "N": "opened",
        "W": "worsened",
        "B": "improved",
        "E": "recovered",
        "O": "open",
        "U": "unknown",
    }
    assert message.counts == {
        "amber": 2,
        "red": 3,
        "new": 1,
        "worse": 1,
        "better": 1,
        "ended": 1,
        "open": 1,
        "unknown": 1,
        "not_assessed": 1,
    }
    assert (message.kind, message.digest, message.day) == ("digest", "daily", (MONDAY + timedelta(days=2)).date())


def test_a_change_stands_in_one_digest_only() -> None:
    room = a_room()
    room.cycle(M1="amber")
    room.cycle(M1="red")

    assert said(room.cycle()) == [("pmo", ["M1 open red"])]
    assert said(room.cycle(M1="green")) == [("pmo", ["M1 recovered green"])]
    assert room.kept.told == []


def test_what_opens_and_ends_between_two_digests_is_told_to_nobody() -> None:
    room = a_room()
    room.cycle(hours=2, M1="red")
    room.cycle(hours=2, M1="green")

    assert room.cycle(hours=20) == []


def test_an_empty_digest_is_sent_only_where_the_audience_says_so() -> None:
    room = a_room()
    assert room.cycle() == []

    room.audience("pmo", email="pmo@example.org", deliver={"red": "daily"}, empty=True)

    assert said(room.cycle()) == [("pmo", [])]


def test_an_empty_digest_of_a_role_goes_to_everybody_who_holds_it() -> None:
    room = PostRoom()
    room.audience("leaders", role="project_leader", deliver={"red": "daily"}, empty=True)
    room.projects["B"]["leader"] = mail("bob")

    assert said(room.cycle(M1="green")) == [("ann", []), ("bob", [])]


def test_the_end_stands_in_the_digest_of_whoever_read_of_the_beginning() -> None:
    room = PostRoom(a_rule(tell={"amber": ("programme_manager",)}))
    room.cycle(hours=0.1, M1="amber")
    room.now = at("2026-11-23T09:00")
    assert said(room.cycle(hours=0)) == [("cleo", ["M1 open amber"])]
    room.program["manager"] = mail("dora")

    assert room.cycle(M1="green") == []
    room.now = at("2026-11-30T09:00")
    assert said(room.cycle(hours=0)) == [("cleo", ["M1 recovered green"])]


def test_the_end_is_told_at_once_when_the_digest_is_no_more() -> None:
    room = a_room()
    room.cycle(M1="red")
    room.cycle(hours=1, M1="green")
    assert room.outbox == {}

    room.rules = replace(room.rules, digests={})

    assert said(room.cycle(hours=1)) == [("pmo", ["M1 recovered green"])]


def test_whoever_is_told_at_once_later_is_told_the_end_at_once() -> None:
    room = PostRoom(a_rule(tell={"amber": ("programme_manager",), "red": ("programme_manager",)}))
    assert said(room.cycle(hours=0.1, M1="amber")) == [("cleo", ["M1 opened amber"])]  # Monday: in the digest
    assert said(room.cycle(hours=25, M1="red")) == [("cleo", ["M1 worsened red"])]

    assert said(room.cycle(M1="green")) == [("cleo", ["M1 recovered green"])]


def test_a_digest_waits_for_the_next_working_day_of_its_reader() -> None:
    room = a_room()
    room.people.append(a_person("pmo", calendar="nl"))
    room.calendars["nl"] = Calendar("nl", closed=frozenset({date(2026, 11, 17)}))

    message = one(room.cycle(M1="red"))

    assert message.not_before == at("2026-11-18T08:30")


def test_a_digest_that_was_missed_does_not_leave_at_night() -> None:
    room = a_room()

    message = one(room.cycle(hours=34, M1="red"))

    assert message.not_before == at("2026-11-18T08:30")


def test_a_digest_leaves_out_a_beginning_that_still_waits_to_be_told() -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader", "pmo")}))
    room.audience("project_leader", email="pmo@example.org", deliver={"red": "at once"})
    room.cycle(hours=0.1)
    room.now = at("2026-11-17T20:00")  # this day's digest was missed, and waits for the next morning too

    messages = room.cycle(hours=0, M1="red")

    assert said(messages) == [("pmo", ["M1 opened red"])]
    assert room.cycle(hours=1, M1="green") == []


def test_an_escalation_to_an_audience_that_reads_a_digest_stands_in_it() -> None:
    room = PostRoom(
        a_rule(
            tell={"amber": ("project_leader",)},
            escalate=(Escalation(Span(1, "wd"), "amber", ("pmo",)),),
        )
    )
    room.cycle(hours=0.1, M1="amber")

    assert said(room.cycle()) == [("pmo", ["M1 opened amber"])]


# --- committees ---------------------------------------------------------------------------------------------------


def a_committee() -> PostRoom:
    """Return a room with a management committee that meets on the 23rd: its digest leaves on Monday the 16th."""
    room = PostRoom(a_rule(tell={"amber": ("committee",), "red": ("committee",)}))
    room.roles = [{"uid": "r1", "code": "management_committee", "person": mail("dora")}]
    room.rows = {
        "meeting": [{"uid": "m1", "kind": "management_committee", "planned_on": date(2026, 11, 23)}],
        "decision": [
            {
                "uid": "d1",
                "id": "D-1",
                "title": "Budget",
                "project": "project:a",
                "body": "Management committee",
                "needed_by": date(2026, 12, 1),
                "open": True,
            },
            {"uid": "d2", "id": "D-2", "title": "Scope", "project": "project:a", "open": True},
            {"uid": "d3", "title": "Old", "project": "project:a", "body": "management_committee", "open": False},
        ],
    }
    return room


def test_a_committee_reads_counts_movements_and_decisions_awaited() -> None:
    message = one(a_committee().cycle(hours=0.1, M1="red", M2="amber", M3="grey")[1:])

    assert (message.recipient, message.no_names, message.digest) == (mail("dora"), True, "monthly")
    assert [(item.subject_id, item.reason) for item in message.items] == [("M1", "opened")]
    assert message.counts == {"red": 1, "new": 1, "not_assessed": 1}
    assert message.decisions == (Awaited("D-1", "Budget", "A", "Atlas", date(2026, 12, 1)),)


def test_a_committee_sees_what_stays_open_as_a_count() -> None:
    room = a_committee()
    room.cycle(hours=0.1, M1="red")
    room.rows["meeting"].append({"uid": "m2", "kind": "management_committee", "planned_on": date(2026, 11, 24)})

    message = one(room.cycle())

    assert (message.items, message.counts) == ((), {"open": 1, "red": 1})


# --- who looks after data -----------------------------------------------------------------------------------------


def test_the_pmo_reads_what_cannot_be_assessed_and_has_no_alert() -> None:
    room = PostRoom()

    message = one(room.cycle(hours=0.1, M1="grey"))

    assert said([message]) == [("pmo", ["M1 unknown grey"])]
    assert message.items[0].finding["evidence"] == {"baseline_finish": "2026-11-02"}
    assert room.kept.told == []


def test_the_pmo_reads_of_alerts_that_became_unknown_whoever_was_told_of_them() -> None:
    room = PostRoom()
    room.cycle(hours=0.1, M1="red")
    room.source = replace(room.source, outcome=Outcome.PARTIAL)

    assert said(room.cycle()) == [("pmo", ["M1 unknown grey"])]
    assert [one.recipient for one in room.kept.told] == [mail("ann")]


def test_what_a_rule_leaves_out_without_data_is_not_asked_for() -> None:
    room = PostRoom(a_rule(no_data=NoData("ignore")))
    room.audience("pmo", email="pmo@example.org", deliver={"grey": "daily"})

    assert room.cycle(hours=0.1, M1="grey", M2="grey") == []


def test_a_rule_may_name_who_looks_after_its_data() -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader",), "grey": ("care",)}))
    room.audience("care", role="project_leader", deliver={"grey": "daily"})

    assert said(room.cycle(hours=0.1, M1="grey", B1="grey")) == [("ann", ["M1 unknown grey", "B1 unknown grey"])]
