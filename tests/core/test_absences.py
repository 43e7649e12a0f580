"""Absence and deputies: who is told at once in the place of whom, what waits for the return, and what nobody hears."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from factories import BE, a_rule, a_snapshot
from postroom import PostRoom, a_person, mail, said

from pmo_watch.absences import absences
from pmo_watch.alerts import Message, StandIn
from pmo_watch.audiences import Channels, Recipient, absent_until, send_at
from pmo_watch.render import RenderContext, render
from pmo_watch.rules import Reminder, Span

TUESDAY, FRIDAY = date(2026, 11, 17), date(2026, 11, 20)
BACK = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)  # Monday, half past eight in Brussels
IN_PLACE = StandIn(mail("ann"), "Ann", FRIDAY)


def away(name: str, first: date = TUESDAY, last: date = FRIDAY) -> dict[str, Any]:
    """Return an absence."""
    return {"uid": f"away-{name}-{first}", "person": mail(name), "from": first, "to": last}


def a_room(*absent: dict[str, Any], deputy: str = "bob", **rule: Any) -> PostRoom:
    """Return a room on Monday, in which Ann leads both projects and is away from Tuesday to Friday."""
    room = PostRoom(a_rule(**rule))
    room.people[0]["deputy"] = mail(deputy) if deputy else None
    room.rows["absence"] = [away("ann"), *absent]
    return room


def waits_for(messages: list[Message]) -> dict[str, datetime | None]:
    """Return when the message of each recipient leaves; None: at once."""
    return {one.recipient.removeprefix("person:").partition("@")[0]: one.not_before for one in messages}


# --- days ---------------------------------------------------------------------------------------------------------


def test_absences_that_touch_are_one_and_past_or_impossible_ones_are_none() -> None:
    rows = [
        away("ann", date(2026, 11, 20), date(2026, 11, 24)),
        away("ann", date(2026, 11, 17), date(2026, 11, 19)),
        away("ann", date(2026, 10, 1), date(2026, 10, 2)),
        away("bob", date(2026, 12, 2), date(2026, 12, 1)),
        {**away("cleo"), "vanished_on": date(2026, 11, 1)},
    ]

    assert absences(a_snapshot(rows={"absence": rows})) == {mail("ann"): ((TUESDAY, date(2026, 11, 24)),)}


@pytest.mark.parametrize(
    ("now", "until", "leaves"),
    [
        ("2026-11-16T09:00", None, None),  # the day before, within hours
        ("2026-11-16T18:00", FRIDAY, BACK),  # after hours: it would leave on the first day of absence
        ("2026-11-17T09:00", FRIDAY, BACK),
        ("2026-11-20T22:00", None, BACK),  # it would leave on Monday anyway
        ("2026-11-23T09:00", None, None),
    ],
)
def test_what_counts_is_the_day_on_which_a_message_would_leave(
    now: str, until: date | None, leaves: datetime | None
) -> None:
    ann = Recipient("ann", "Ann", "mail", "a@example.org", "en", "Europe/Brussels", BE, away=((TUESDAY, FRIDAY),))
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert absent_until(ann, moment, Channels()) == until
    assert send_at(ann, moment, Channels()) == leaves


def test_absences_with_only_days_off_between_them_are_one() -> None:
    stretches = ((TUESDAY, FRIDAY), (date(2026, 11, 23), date(2026, 11, 24)))
    ann = Recipient("ann", "Ann", "mail", "a@example.org", "en", "Europe/Brussels", BE, away=stretches)

    assert absent_until(ann, datetime(2026, 11, 18, 9, tzinfo=UTC), Channels()) == date(2026, 11, 24)


def test_an_absence_without_a_real_end_keeps_messages_and_no_cycle() -> None:
    room = a_room(away("bob", TUESDAY, date(9999, 12, 31)), deputy="")
    room.projects["A"]["leader"] = mail("bob")

    (message,) = room.cycle(M1="amber")

    assert message.not_before is not None
    assert message.not_before.year == 2101


# --- who is told --------------------------------------------------------------------------------------------------


def test_the_deputy_is_told_at_once_and_the_absent_person_on_return() -> None:
    messages = a_room().cycle(M1="red")

    assert said(messages) == [("ann", ["M1 opened red"]), ("bob", ["M1 opened red"])]
    assert waits_for(messages) == {"ann": BACK, "bob": None}
    assert [[item.stands_in for item in one.items] for one in messages] == [[None], [IN_PLACE]]
    assert messages[1].stands_in == (IN_PLACE,)


def test_what_waits_for_a_return_is_counted_as_that() -> None:
    room = a_room()
    room.cycle(M1="red")

    assert room.last.held == {"absent": 1}


def test_what_ends_before_the_return_is_told_to_the_deputy_only() -> None:
    room = a_room()
    room.cycle(M1="red")

    messages = room.cycle(M1="green")
    for _ in range(6):
        messages += room.cycle()

    assert said(messages) == [("bob", ["M1 recovered green"])]
    assert [item.stands_in for item in messages[0].items] == [StandIn(mail("ann"), "Ann")]
    assert "ann" not in [name for name, _ in said(room.sent)]


def test_later_news_is_merged_into_what_waits_for_the_return() -> None:
    room = a_room()
    room.cycle(M1="amber")
    room.cycle(M1="red", B1="amber")
    room.cycle(120)

    assert [one for one in said(room.sent) if one[0] == "ann"] == [("ann", ["M1 opened red", "B1 opened amber"])]


def test_what_was_told_before_the_absence_is_ended_on_return() -> None:
    room = a_room()
    room.cycle(0, M1="red")  # on Monday
    messages = room.cycle(M1="green")

    assert said(messages) == [("ann", ["M1 recovered green"])]
    assert waits_for(messages) == {"ann": BACK}


def test_a_deputy_who_is_away_too_passes_it_on() -> None:
    room = a_room(away("bob"))
    room.people[1]["deputy"] = mail("cleo")

    assert waits_for(room.cycle(M1="amber")) == {"ann": BACK, "cleo": None}


def test_deputies_in_a_circle_leave_it_to_the_return() -> None:
    room = a_room(away("bob"))
    room.people[1]["deputy"] = mail("ann")

    assert waits_for(room.cycle(M1="amber")) == {"ann": BACK}


@pytest.mark.parametrize("parts", [{"active": False}, {"email": None}])
def test_a_deputy_who_cannot_be_told_is_none(parts: dict[str, Any]) -> None:
    room = a_room()
    room.people[1] |= parts

    assert waits_for(room.cycle(M1="amber")) == {"ann": BACK}


def test_a_deputy_who_would_read_it_later_than_the_absent_person_is_not_told() -> None:
    room = a_room(away("bob", date(2026, 11, 1), TUESDAY))
    room.rows["absence"][0]["to"] = TUESDAY  # both are back on Wednesday

    assert list(waits_for(room.cycle(M1="amber"))) == ["ann"]


def test_the_deputy_for_a_role_comes_before_that_of_the_person() -> None:
    room = a_room()
    room.projects["A"]["leader"] = None
    room.roles = [
        {
            "uid": "r1",
            "code": "project_leader",
            "scope": "project:a",
            "person": mail("ann"),
            "deputy": mail("cleo"),
        }
    ]

    assert waits_for(room.cycle(M1="amber")) == {"ann": BACK, "cleo": None}
    assert waits_for(room.cycle(B1="amber")) == {"ann": BACK, "bob": None}


def test_a_deputy_who_is_told_in_their_own_right_gets_one_message_and_stands_in_for_nobody() -> None:
    room = a_room(tell={"red": ("project_leader", "programme_manager")}, deputy="cleo")

    messages = room.cycle(M1="red")

    assert said(messages) == [("ann", ["M1 opened red"]), ("cleo", ["M1 opened red"])]
    assert messages[1].stands_in == ()


# --- nobody there -------------------------------------------------------------------------------------------------


def test_what_is_newly_red_is_told_to_the_pmo_when_the_absent_person_has_no_deputy() -> None:
    messages = a_room(deputy="").cycle(M1="red", M2="amber")

    assert said(messages) == [("ann", ["M1 opened red", "M2 opened amber"]), ("pmo", ["M1 opened red"])]
    assert messages[1].stands_in == (IN_PLACE,)


def test_the_pmo_hears_what_is_red_when_a_silence_ends_and_nobody_else_is_there() -> None:
    room = a_room(deputy="")
    room.silence(hours=30, rule="slip")
    assert said(room.cycle(M1="red")) == []

    assert said(room.cycle()) == [("ann", ["M1 open red"]), ("pmo", ["M1 open red"])]


def test_the_pmo_is_not_told_in_the_place_of_one_holder_while_another_is_there() -> None:
    room = a_room(deputy="")
    room.projects["A"]["leader"] = None
    room.roles = [
        {"uid": f"r{name}", "code": "project_leader", "scope": "project:a", "person": mail(name)}
        for name in ("ann", "dora")
    ]

    assert waits_for(room.cycle(M1="red")) == {"ann": BACK, "dora": None}


def test_the_pmo_hears_the_end_of_what_it_was_told_in_the_place_of_somebody() -> None:
    room = a_room(deputy="")
    room.cycle(M1="red")

    assert said(room.cycle(M1="green")) == [("pmo", ["M1 recovered green"])]
    assert room.kept.told == []


# --- absences that come and go ------------------------------------------------------------------------------------


def test_an_absence_that_is_entered_overnight_brings_in_the_deputy() -> None:
    room = a_room()
    room.rows["absence"] = []
    room.cycle(10, M1="red")  # Monday evening
    room.rows["absence"] = [away("ann")]

    messages = room.cycle(1)

    assert said(messages) == [("ann", ["M1 opened red"]), ("bob", ["M1 opened red"])]
    assert waits_for(messages) == {"ann": BACK, "bob": datetime(2026, 11, 17, 7, 30, tzinfo=UTC)}
    assert room.cycle(1) == []


def test_who_is_back_early_is_told_at_once() -> None:
    room = a_room()
    room.cycle(M1="red")
    room.rows["absence"] = []

    messages = room.cycle()

    assert said(messages) == [("ann", ["M1 opened red"])]
    assert waits_for(messages) == {"ann": None}


def test_an_absence_that_grows_tells_the_deputy_nothing_twice() -> None:
    room = a_room()
    room.cycle(M1="red")
    room.rows["absence"][0]["to"] = date(2026, 11, 25)

    messages = room.cycle()

    assert waits_for(messages) == {"ann": datetime(2026, 11, 26, 7, 30, tzinfo=UTC)}


# --- reminders ----------------------------------------------------------------------------------------------------


def test_while_somebody_is_away_their_deputy_is_reminded_and_afterwards_they_are() -> None:
    room = a_room(remind=Reminder(every=Span(2, "wd")))
    room.cycle(M1="red")  # Tuesday
    days = [sorted(name for name, lines in said(room.cycle()) if "M1 reminded red" in lines) for _ in range(8)]

    assert days == [[], ["bob"], [], [], [], ["ann"], [], ["ann"]]  # on Thursday, on Monday, on Wednesday
    assert next(one for one in said(room.sent) if one[0] == "ann") == ("ann", ["M1 opened red"])


# --- what few may read --------------------------------------------------------------------------------------------


def test_a_deputy_does_not_read_of_single_persons_without_a_role_that_may() -> None:
    room = a_room(for_each="person", tell={"red": ("project_leader",)})
    room.found_on = "person:{}"
    room.people.append(a_person("eve", manager=mail("cleo")))
    room.rows["task"] = [{"uid": "t1", "project": "project:a", "countable": True}]
    room.rows["assignment"] = [{"uid": "s1", "person": mail("eve"), "task": "t1"}]

    assert waits_for(room.cycle(24, **{"eve@example.org": "red"})) == {"ann": BACK}
    room.people[0]["deputy"] = mail("cleo")  # her line manager
    room.cycle(24, **{"eve@example.org": "green"})
    assert waits_for(room.cycle(24, **{"eve@example.org": "red"})) == {"ann": BACK, "cleo": None}


# --- digests ------------------------------------------------------------------------------------------------------


def a_reader(deputy: str = "", digest: str = "daily", **parts: Any) -> PostRoom:
    """Return a room in which Ann reads everything in a digest, and is away from Tuesday to Friday."""
    room = a_room(deputy=deputy)
    room.audience("project_leader", role="project_leader", deliver={"amber": digest, "red": digest}, **parts)
    return room


def test_a_digest_is_read_by_the_deputy_and_again_on_return_as_things_stand_then() -> None:
    room = a_reader("bob")

    told = [said(room.cycle(24, **states)) for states in ({"M1": "red"}, {"M2": "amber"}, {"M2": "green"})]
    told += [said(room.cycle()) for _ in range(4)]

    assert told[:3] == [
        [("bob", ["M1 opened red"])],
        [("bob", ["M1 open red", "M2 opened amber"])],
        [("bob", ["M1 open red", "M2 recovered green"])],
    ]
    assert said(room.sent[-1:]) == [("ann", ["M1 opened red"])]
    assert room.sent[0].stands_in == (IN_PLACE,)
    assert room.kept.marks == [one for one in room.kept.marks if one[0] != "flag"]


def test_a_weekly_digest_that_was_missed_is_read_on_the_day_of_the_return() -> None:
    room = a_reader(digest="weekly")
    room.rows["absence"] = [away("ann", date(2026, 11, 23), date(2026, 11, 24))]
    room.cycle(2)  # on Monday it has left
    sent = [said(room.cycle(M1="amber")) for _ in range(10)]

    assert [day for day, some in enumerate(sent, start=17) if some] == [25]
    assert sent[8] == [("ann", ["M1 opened amber"])]


def test_what_was_read_in_a_digest_before_the_absence_ends_in_one_after_it() -> None:
    room = a_reader("bob")
    room.rows["absence"] = [away("ann", date(2026, 11, 18), date(2026, 11, 20))]
    room.cycle(M1="amber")  # Tuesday: Ann reads it
    days = [said(room.cycle(M1="green")) for _ in range(6)]

    assert days == [[], [], [], [], [], [("ann", ["M1 recovered green"])]]


def test_a_digest_that_was_missed_is_forgotten_with_its_rules() -> None:
    room = a_reader()
    room.cycle(M1="red")
    assert [one for one in room.kept.marks if one[0] == "flag"]

    room.rules = replace(room.rules, digests={})
    room.cycle()

    assert [one for one in room.kept.marks if one[0] == "flag"] == []


def test_a_member_of_a_committee_who_is_away_sends_a_deputy() -> None:
    room = a_room()
    room.audience("committee", role="management_committee", deliver={"red": "daily"})
    room.rules = replace(room.rules, rules={"slip": a_rule(tell={"red": ("committee",)})})
    room.roles = [
        {"uid": "r1", "code": "management_committee", "person": mail("ann")},
        {"uid": "r2", "code": "management_committee", "person": mail("dora")},
    ]

    assert [(name, one.counts["red"]) for one in room.cycle(M1="red") for name, _ in said([one])] == [
        ("bob", 1),
        ("dora", 1),
    ]


def test_a_notice_is_read_by_the_deputy_and_by_the_absent_person_on_return() -> None:
    room = a_room(deputy="")
    room.people.append(a_person("pmo", deputy=mail("bob")))
    room.rows["absence"] = [away("pmo")]
    room.projects["A"]["leader"] = None

    messages = room.cycle()

    assert [one.kind for one in messages] == ["notice", "notice"]
    assert waits_for(messages) == {"pmo": BACK, "bob": None}
    assert [one.stands_in for one in messages] == [(), (StandIn(mail("pmo"), "Pmo", FRIDAY),)]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "in place of Ann, absent until 20 November 2026"),
        ("fr", "à la place de Ann (absence jusqu'au 20 novembre 2026 inclus)"),
        ("nl", "in de plaats van Ann, afwezig tot en met 20 november 2026"),
    ],
)
def test_the_message_says_in_whose_place_in_the_language_of_the_deputy(language: str, words: str) -> None:
    room = a_room()
    room.people[1]["language"] = language

    text = render(room.cycle(M1="red")[1], RenderContext(now=room.now))[0].text

    assert words in " ".join(text.split())
