"""How often people are written to: newly red at once, all else once a day, with the digest where there is one."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from factories import a_rule
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from postroom import CHANNELS, PostRoom, mail, said

from pmo_watch.alerts import CLOSING, Message, Reason

BRUSSELS = ZoneInfo("Europe/Brussels")
NEWLY = {Reason.OPENED, Reason.WORSENED, Reason.ESCALATED}


def a_room(*tell: str) -> PostRoom:
    """Return a room in which people are spared; the rule tells these audiences, else the project leader."""
    told = tell or ("project_leader",)
    room = PostRoom(a_rule(tell={"amber": told, "red": told}))
    room.channels = replace(CHANNELS, once_a_day=True)
    return room


def left_at(room: PostRoom, name: str) -> list[str]:
    """Return when messages to somebody left, by the clock in Brussels."""
    return [
        f"{at.astimezone(BRUSSELS):%a %H:%M}"
        for at, one in room.accepted
        if one.recipient in {mail(name), f"{name}@example.org"}
    ]


def test_second_message_of_a_day_waits_for_the_morning_and_says_all_that_came_meanwhile() -> None:
    room = a_room()
    room.cycle(1, M1="amber")
    room.cycle(1, M2="amber")
    room.cycle(1, M3="amber", M1="green")

    room.cycle(24)

    assert left_at(room, "ann") == ["Mon 11:00", "Tue 08:30"]
    assert said(room.sent[1:]) == [("ann", ["M2 opened amber", "M3 opened amber", "M1 recovered green"])]


def test_what_is_newly_red_leaves_at_once_and_takes_along_what_waits() -> None:
    room = a_room()
    room.cycle(1, M1="amber")
    room.cycle(1, M2="amber")

    room.cycle(1, M3="red")
    room.cycle(24)

    assert left_at(room, "ann") == ["Mon 11:00", "Mon 13:00"]
    assert said(room.sent[1:]) == [("ann", ["M3 opened red", "M2 opened amber"])]


def test_end_of_what_was_newly_red_that_day_is_the_one_message_besides() -> None:
    room = a_room()
    room.cycle(1, M1="red")
    room.cycle(1, M1="green")
    room.cycle(1, M2="amber")
    room.cycle(24)

    assert left_at(room, "ann") == ["Mon 11:00", "Mon 12:00", "Tue 08:30"]


def test_what_begins_and_ends_while_it_waits_is_told_to_nobody() -> None:
    room = a_room()
    room.cycle(1, M1="amber")
    room.cycle(1, M2="amber")
    room.cycle(1, M2="green")
    room.cycle(24)

    assert said(room.sent) == [("ann", ["M1 opened amber"])]
    assert [one.subject_id for told in room.kept.told for one in room.kept.alerts if one.id == told.alert] == ["M1"]


def test_red_at_the_end_of_a_silence_is_news_to_who_knew_of_amber_and_does_not_wait() -> None:
    room = a_room()
    room.cycle(1, M1="amber")
    room.silence(hours=3, project="A")
    room.cycle(1, M1="red")
    room.cycle(3)

    assert left_at(room, "ann") == ["Mon 11:00", "Mon 15:00"]
    assert said(room.sent[1:]) == [("ann", ["M1 worsened red"])]


def test_what_waits_over_a_friday_evening_leaves_on_monday() -> None:
    room = a_room()
    room.cycle(4 * 24, M1="amber")
    room.cycle(1, M2="amber")
    for _ in range(6):
        room.cycle(12)

    assert left_at(room, "ann") == ["Fri 10:00", "Mon 08:30"]


def test_digest_says_what_was_to_be_told_at_once_on_its_day() -> None:
    room = a_room("programme_manager")
    room.audience("programme_manager", role="programme_manager", deliver={"amber": "weekly", "red": "at once"})
    room.cycle(24, M1="red")  # Tuesday
    room.cycle(3 * 24 + 8, M1="green")  # Friday evening: the end waits for Monday, when the digest leaves
    room.cycle(2 * 24 + 14.6, M2="amber")  # Monday, just after half past eight

    mails = [one for one in room.sent if one.recipient == mail("cleo")]

    assert left_at(room, "cleo")[-1:] == ["Mon 08:36"]
    assert [one.kind for one in mails[1:]] == ["digest"]
    assert said(mails[-1:]) == [("cleo", ["M2 opened amber", "M1 recovered green"])]
    assert mails[-1].counts == {"amber": 1, "ended": 1, "new": 1}
    assert room.outbox == {}


def test_what_waits_for_a_digest_leaves_by_itself_when_there_is_none() -> None:
    room = a_room("programme_manager")
    room.cycle(24, M1="red")
    room.cycle(3 * 24 + 8, M1="green")
    room.rules = replace(room.rules, audiences={**room.rules.audiences}, digests={})
    room.cycle(3 * 24)

    assert left_at(room, "cleo") == ["Tue 10:00", "Mon 09:00"]


def test_channels_get_everything_as_it_comes() -> None:
    room = a_room("channel")
    room.audience("channel", notifier="teams", deliver={"amber": "at once", "red": "at once"})
    room.cycle(1, M1="amber")
    room.cycle(1, M2="amber")
    room.cycle(1, M1="green")

    assert [one.notifier for one in room.sent] == ["teams"] * 3


def test_nobody_is_spared_where_the_settings_say_so() -> None:
    room = a_room()
    room.channels = CHANNELS
    room.cycle(1, M1="amber")
    room.cycle(1, M2="amber")

    assert left_at(room, "ann") == ["Mon 11:00", "Mon 12:00"]


# --- the promise ------------------------------------------------------------------------------------------------------


def happenings() -> SearchStrategy[list[tuple[float, dict[str, str]]]]:
    """Return cycles by day and night with what is found in them."""
    states = st.sampled_from(["green", "amber", "amber", "red", "grey"])
    found = st.dictionaries(st.sampled_from(["M1", "M2", "M3", "B1"]), states, max_size=3)
    return st.lists(st.tuples(st.sampled_from([0.2, 1, 3, 9.5, 13, 24]), found), max_size=12)


def is_newly_red(message: Message) -> bool:
    return any(one.level == "red" and (one.reason in NEWLY) for one in message.items)


@given(happenings())
@settings(deadline=None, max_examples=20)
def test_a_day_brings_one_message_besides_what_is_newly_red_and_every_beginning_has_its_end(
    happens: list[tuple[float, dict[str, str]]],
) -> None:
    room = a_room("project_leader", "programme_manager", "pmo")
    for hours, found in happens:
        for _ in range(int(hours)):
            room.cycle(1)  # a daemon looks at the clock all the time
        room.cycle(hours - int(hours), **found)
    for _ in range(10 * 8):  # then everything is well, and what is owed is said
        room.cycle(3, **dict.fromkeys(room.states, "green"))

    days: Counter[tuple[str, date]] = Counter()
    heard: Counter[tuple[str, str]] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    for at, one in room.accepted:
        days[one.recipient, _day(at)] += one.kind != "notice" and not is_newly_red(one)
        for item in one.items if one.kind != "notice" else ():
            if item.reason != Reason.UNKNOWN:
                (ended if item.reason in CLOSING else heard)[item.alert.id, one.recipient] += 1

    assert max(days.values(), default=0) <= 1
    assert dict(ended) == dict.fromkeys(heard, 1)
    assert room.kept.told == []
    assert room.outbox == {}


def _day(at: datetime) -> date:
    return at.astimezone(BRUSSELS).date()


@pytest.mark.parametrize("hour", [8.6, 12, 16])
def test_news_reaches_everybody_by_the_next_working_day(hour: float) -> None:
    room = a_room()
    room.cycle(24 + hour - 10, M1="amber")
    room.cycle(0.5, M2="amber")
    room.cycle(24)
    room.cycle(24)

    assert [one[:3] for one in left_at(room, "ann")] == ["Tue", "Wed"]
