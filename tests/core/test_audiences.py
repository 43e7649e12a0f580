"""Roles become persons: the nearest place that has somebody, the dates, the fields, and the PMO where nobody is."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from factories import BE, a_snapshot

from pmo_watch.alerts import Told
from pmo_watch.audiences import Audiences, Channels, Recipient, send_at
from pmo_watch.rules import Audience, RuleSet
from pmo_watch.subjects import Subjects
from pmo_watch.workdays import Calendar

CHANNELS = Channels(
    addressed=("mail", "mail2"), posted=("teams",), fallbacks={"mail": "teams"}, languages={"teams": "nl"}
)


def person(name: str, **parts: Any) -> dict[str, Any]:
    """Return a person of that name."""
    return {"uid": f"person:{name}@example.org", "name": name, "email": f"{name}@example.org", **parts}


def uid(name: str) -> str:
    """Return the uid of a person."""
    return f"person:{name}@example.org"


def role(code: str, name: str | None, scope: str | None = None, **parts: Any) -> dict[str, Any]:
    """Return a role that a person holds."""
    number = f"{code}-{name}-{scope}-{len(parts)}"
    return {"uid": number, "code": code, "scope": scope, "person": uid(name) if name else None, **parts}


PEOPLE = [
    person("ann", language="fr"),
    person("bob", channels=["pager", "mail2", "mail"]),
    person("cleo", calendar="nl", timezone="Europe/Lisbon"),
    person("dan", active=False),
    person("eve", email=None),
    person("fay"),
    person("pm"),
]
PLACES: dict[str, list[dict[str, Any]]] = {
    "portfolio": [{"uid": "portfolio:ict", "id": "ICT", "manager": uid("pm")}],
    "program": [{"uid": "program:nova", "id": "NOVA", "portfolio": "portfolio:ict", "manager": uid("cleo")}],
    "project": [
        {"uid": "project:a", "code": "A", "program": "program:nova", "leader": uid("ann"), "owner": uid("fay")},
        {"uid": "project:b", "code": "B", "program": "program:nova", "leader": uid("dan")},
    ],
    "task": [{"uid": "p:task:1", "project": "project:a", "is_milestone": True, "owner": uid("bob")}],
    "risk": [{"uid": "r:risk:1", "project": "project:b", "title": "Supplier", "owner": uid("bob")}],
    "indicator": [{"uid": "indicator:k", "id": "K", "provider": uid("cleo")}],
    "kpi": [{"uid": "kpi|1", "indicator": "indicator:k", "project": "project:b"}],
    "submission": [{"uid": "sub|1", "indicator": "indicator:k", "project": "project:b", "provider": uid("bob")}],
}


def audiences(*roles: dict[str, Any], **known: Audience) -> tuple[Audiences, Subjects]:
    """Return the audiences with these roles held, and the subjects they are asked about."""
    rules = RuleSet(
        audiences={"pmo": Audience("pmo", email="pmo@example.org"), **{one.name: one for one in known.values()}}
    )
    calendars = {"be": BE, "nl": Calendar("nl", closed=frozenset({date(2026, 11, 16)}))}
    snapshot = a_snapshot(rows={**PLACES, "person": PEOPLE, "role": list(roles)}, calendars=calendars)
    wanted = [("milestone", "p:task:1"), ("risk", "r:risk:1"), ("project", "project:b"), ("project", "project:a")]
    wanted += [("program", "program:nova"), ("portfolio", "portfolio:ict")]
    subjects = Subjects(snapshot, [*wanted, ("kpi", "kpi|1"), ("submission", "sub|1"), ("person", uid("fay"))])
    return Audiences(rules, snapshot, CHANNELS, subjects), subjects


def told_by(role_name: str, entity: str, subject: str, *roles: dict[str, Any]) -> list[str]:
    """Return the addresses behind an audience of that role, about that subject."""
    found, subjects = audiences(*roles, x=Audience("x", role=role_name))
    return [one.address for one in found.resolve("x", subjects.find(entity, subject)).recipients]


@pytest.mark.parametrize(
    ("code", "entity", "subject", "roles", "who"),
    [
        ("project_leader", "milestone", "p:task:1", [], ["ann"]),
        ("project_leader", "milestone", "p:task:1", [role("project_leader", "bob", "project:a")], ["bob", "ann"]),
        ("project_owner", "milestone", "p:task:1", [], ["fay"]),
        ("programme_manager", "milestone", "p:task:1", [], ["cleo"]),
        ("programme_manager", "risk", "r:risk:1", [role("programme_manager", "bob", "project:b")], ["bob"]),
        ("steering_member", "risk", "r:risk:1", [role("steering_member", "ann", "program:nova")], ["ann"]),
        ("steering_member", "risk", "r:risk:1", [role("steering_member", "ann", "portfolio:ict")], ["ann"]),
        ("management_committee", "risk", "r:risk:1", [role("management_committee", "fay")], ["fay"]),
        ("programme_manager", "program", "program:nova", [], ["cleo"]),
        ("programme_manager", "portfolio", "portfolio:ict", [], ["pm"]),
        ("management_committee", "portfolio", "portfolio:ict", [role("management_committee", "fay")], ["fay"]),
        ("risk_owner", "risk", "r:risk:1", [], ["bob"]),
        ("milestone_owner", "milestone", "p:task:1", [], ["bob"]),
        ("assignee", "milestone", "p:task:1", [], ["bob"]),
        ("indicator_provider", "submission", "sub|1", [], ["bob"]),
        ("indicator_provider", "kpi", "kpi|1", [], ["cleo"]),
    ],
)
def test_a_role_is_held_on_the_row_or_at_the_nearest_place(
    code: str, entity: str, subject: str, roles: list[dict[str, Any]], who: list[str]
) -> None:
    assert told_by(code, entity, subject, *roles) == [f"{name}@example.org" for name in who]


@pytest.mark.parametrize(
    ("code", "entity", "subject", "roles"),
    [
        ("project_leader", "project", "project:b", []),  # dan is not active
        ("risk_owner", "milestone", "p:task:1", []),
        ("business_manager", "risk", "r:risk:1", [role("business_manager", None, "project:b")]),
        ("business_manager", "risk", "r:risk:1", [role("business_manager", "eve", "project:b")]),
        ("business_manager", "risk", "r:risk:1", [role("business_manager", "ann", "project:a")]),
        (
            "business_manager",
            "risk",
            "r:risk:1",
            [role("business_manager", "ann", "project:b", until=date(2026, 11, 15))],
        ),
        (
            "business_manager",
            "risk",
            "r:risk:1",
            [{**role("business_manager", "ann", "project:b"), "from": date(2026, 11, 17)}],
        ),
    ],
    ids=["inactive", "other row", "vacant", "no address", "other project", "past", "to come"],
)
def test_a_role_that_nobody_holds_goes_to_the_pmo(
    code: str, entity: str, subject: str, roles: list[dict[str, Any]]
) -> None:
    found, subjects = audiences(*roles, x=Audience("x", role=code))

    resolved = found.resolve("x", subjects.find(entity, subject))

    assert resolved.vacant
    assert [one.address for one in resolved.recipients] == ["pmo@example.org"]


def test_a_role_of_today_holds_on_its_first_and_last_day() -> None:
    today = date(2026, 11, 16)
    held = {**role("business_manager", "ann", "project:b", until=today), "from": today}

    assert told_by("business_manager", "risk", "r:risk:1", held) == ["ann@example.org"]


def test_without_a_pmo_audience_the_role_pmo_is_told() -> None:
    snapshot = a_snapshot(rows={"person": PEOPLE, "role": [role("pmo", "pm")]})
    subjects = Subjects(snapshot, ())

    resolved = Audiences(RuleSet(), snapshot, CHANNELS, subjects).resolve("ict", None)

    assert [one.address for one in resolved.recipients] == ["pm@example.org"]


def only(found: tuple[Recipient, ...]) -> Recipient:
    """Return the one recipient."""
    (one,) = found
    return one


def test_a_person_is_reached_over_the_first_channel_that_is_set_up() -> None:
    found, subjects = audiences(x=Audience("x", role="risk_owner"), y=Audience("y", role="project_leader"))

    bob = only(found.resolve("x", subjects.find("risk", "r:risk:1")).recipients)
    ann = only(found.resolve("y", subjects.find("milestone", "p:task:1")).recipients)

    assert (bob.notifier, bob.fallback) == ("mail2", "mail")
    assert (ann.notifier, ann.fallback, ann.language) == ("mail", "teams", "fr")


def test_an_address_of_a_known_person_is_that_person() -> None:
    found, _ = audiences(x=Audience("x", email="Ann@example.org", language="nl"))

    assert only(found.resolve("x", None).recipients).id == uid("ann")


def test_an_address_of_nobody_is_told_in_the_language_of_the_audience() -> None:
    found, _ = audiences(x=Audience("x", email="List@example.org", language="nl"))

    recipient = only(found.resolve("x", None).recipients)

    assert (recipient.id, recipient.address, recipient.language) == ("list@example.org", "List@example.org", "nl")


def test_a_channel_is_told_by_its_name() -> None:
    found, _ = audiences(x=Audience("x", notifier="teams"))

    recipient = only(found.resolve("x", None).recipients)

    assert (recipient.id, recipient.notifier, recipient.address, recipient.language) == ("teams", "teams", "", "nl")


def test_everyone_holds_the_role_anywhere() -> None:
    held = [role("project_leader", "bob", "project:b"), role("steering_member", "fay", "program:nova")]
    found, _ = audiences(*held)

    leaders = found.everyone(Audience("x", role="project_leader"))

    assert [one.id for one in leaders] == [uid("bob"), uid("ann")]
    assert [one.id for one in found.everyone(Audience("x", role="programme_manager"))] == [uid("cleo"), uid("pm")]


def test_whoever_was_told_keeps_the_channel_and_gets_todays_language() -> None:
    found, _ = audiences()
    now = datetime(2026, 11, 16, tzinfo=UTC)

    ann = found.told(Told("a", uid("ann"), "mail2", "old@example.org", "x", "en", now))
    gone = found.told(Told("a", uid("zoe"), "mail", "zoe@example.org", "x", "nl", now))
    elsewhere = found.told(Told("a", uid("zoe"), "sms", "zoe@example.org", "x", "nl", now))

    assert (ann.notifier, ann.address, ann.language) == ("mail2", "old@example.org", "fr")
    assert (gone.notifier, gone.address, gone.language) == ("mail", "zoe@example.org", "nl")
    assert elsewhere.notifier == "mail"


# --- hours --------------------------------------------------------------------------------------------------------


def somebody(zone: str = "Europe/Brussels", calendar: Calendar = BE) -> Recipient:
    """Return a recipient with these hours."""
    return Recipient("a", "a", "mail", "a@example.org", "en", zone, calendar)


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        ("2026-11-16T09:00", None),
        ("2026-11-16T07:30", None),  # half past eight in Brussels
        ("2026-11-16T07:29", "2026-11-16T07:30"),
        ("2026-11-16T16:30", "2026-11-17T07:30"),
        ("2026-11-13T18:00", "2026-11-16T07:30"),  # Friday evening
        ("2026-11-14T12:00", "2026-11-16T07:30"),
        ("2026-11-10T20:00", "2026-11-12T07:30"),  # the 11th is a holiday
        ("2026-03-27T20:00", "2026-03-30T06:30"),  # the clocks change in between
    ],
)
def test_messages_wait_for_working_hours(now: str, leaves: str | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    found = send_at(somebody(), moment, Channels())

    assert found == (datetime.fromisoformat(leaves).replace(tzinfo=UTC) if leaves else None)


def test_hours_are_those_of_the_persons_zone_and_calendar() -> None:
    now = datetime(2026, 11, 16, 8, tzinfo=UTC)
    off = Calendar("nl", closed=frozenset({date(2026, 11, 16)}))

    assert send_at(somebody("Europe/Lisbon"), now, Channels()) == datetime(2026, 11, 16, 8, 30, tzinfo=UTC)
    assert send_at(somebody(calendar=off), now, Channels()) == datetime(2026, 11, 17, 7, 30, tzinfo=UTC)


def test_hours_can_be_set() -> None:
    now = datetime(2026, 11, 16, 5, tzinfo=UTC)

    assert send_at(somebody(), now, Channels(send_from=time(6), send_until=time(22))) is None
