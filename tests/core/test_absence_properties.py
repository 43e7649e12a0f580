"""While people come and go: what is newly red reaches somebody soon, nobody hears twice, each beginning has one end."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from factories import BE, a_rule
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from postroom import PostRoom, mail

from pmo_watch.alerts import CLOSING, Message, Reason

PEOPLE = ("ann", "bob", "cleo", "dora")
LEVELS = ("green", "amber", "red", "red")


@dataclass(frozen=True)
class Turn:
    """One cycle: how much later it is, what is found, who leads Atlas then, who goes away for how long, who is back."""

    hours: float
    found: tuple[tuple[str, str], ...]
    leader: str
    away: str
    ahead: int
    days: int
    back: str


@dataclass(frozen=True)
class Office:
    """Who is whose deputy, as a person and for leading a project, who is not active, and who leads Boreas."""

    deputies: tuple[str, ...]
    for_role: str
    inactive: str
    leader: str


def anybody() -> SearchStrategy[str]:
    """Return somebody, or nobody."""
    return st.sampled_from(("", *PEOPLE))


def offices() -> SearchStrategy[Office]:
    """Return deputies in chains and circles."""
    deputies = st.tuples(*(anybody() for _ in PEOPLE))
    return st.builds(Office, deputies, anybody(), st.sampled_from(("", "", "", *PEOPLE)), anybody())


def turns() -> SearchStrategy[list[Turn]]:
    """Return cycles by day and night in which people go and come back, mostly when it was said."""
    one = st.builds(
        Turn,
        st.sampled_from([0.5, 3, 11, 24, 24, 48]),
        st.lists(st.tuples(st.sampled_from(["M1", "B1"]), st.sampled_from(LEVELS)), max_size=2).map(tuple),
        anybody(),
        anybody(),
        st.integers(0, 2),
        st.integers(0, 6),
        st.sampled_from(("", "", *PEOPLE)),
    )
    return st.lists(one, min_size=1, max_size=12)


def a_room(office: Office) -> PostRoom:
    """Return a room in which only leaders are told, at once, and the PMO at once or not at all."""
    room = PostRoom(a_rule())
    room.audience("pmo", email="pmo@example.org", deliver={"amber": "never", "red": "never"})
    for person, deputy in zip(room.people, office.deputies, strict=True):
        person["deputy"] = mail(deputy) if deputy else None
        person["active"] = person["name"].lower() != office.inactive
    held = {"uid": "r1", "code": "project_leader", "scope": "project:b"}
    leader, stand_in = (mail(name) if name else None for name in (office.leader, office.for_role))
    room.roles = [{**held, "person": leader, "deputy": stand_in}]
    room.projects["B"]["leader"] = None
    room.rows["absence"] = []
    return room


def play(room: PostRoom, turn: Turn) -> list[Message]:
    """Let a turn happen and return the messages about alerts."""
    if turn.leader:
        room.projects["A"]["leader"] = mail(turn.leader)
    if turn.back:
        room.rows["absence"] = [one for one in room.rows["absence"] if one["person"] != mail(turn.back)]
    if turn.away:
        first = room.now.date() + timedelta(days=turn.ahead)
        last = first + timedelta(days=turn.days)
        number = len(room.rows["absence"])
        room.rows["absence"].append({"uid": f"{number}", "person": mail(turn.away), "from": first, "to": last})
    return [one for one in room.cycle(turn.hours, **dict(turn.found)) if one.kind == "alert"]


def is_away(room: PostRoom, recipient: str, day: date) -> bool:
    """Say whether somebody is away on a day."""
    return any(one["from"] <= day <= one["to"] for one in room.rows["absence"] if one["person"] == recipient)


def next_day(room: PostRoom, recipient: str) -> date:
    """Return the first day from now on, after hours from tomorrow on, on which somebody works."""
    late = room.now.hour + room.now.minute / 60 + 1 >= 17.5  # Brussels in winter
    day = room.now.date() + timedelta(days=late)
    while not BE.works(day) or is_away(room, recipient, day):
        day += timedelta(days=1)
    return day


@given(offices(), turns())
@settings(deadline=None, max_examples=40)
def test_every_message_leaves_on_the_next_working_day_of_its_reader(office: Office, happens: list[Turn]) -> None:
    room = a_room(office)
    for turn in happens:
        for message in play(room, turn):
            assert (message.not_before or room.now).date() == next_day(room, message.recipient)


@given(offices(), turns())
@settings(deadline=None, max_examples=50)
def test_what_is_newly_red_reaches_somebody_on_the_next_working_day(office: Office, happens: list[Turn]) -> None:
    room = a_room(office)
    for turn in happens:
        messages = play(room, turn)

        soon = next_day(room, "nobody who is ever away")
        read = {
            item.alert.id
            for one in messages
            if (one.not_before or room.now).date() <= soon
            for item in one.items
            if item.level == "red"
        }
        newly = [one for one in room.transitions if one.at == room.now and one.alert.level == "red"]
        assert {one.alert.id for one in newly if one.reason in {Reason.OPENED, Reason.WORSENED}} <= read


@given(offices(), turns())
@settings(deadline=None, max_examples=50)
def test_who_hears_of_a_beginning_hears_of_one_end_and_nobody_hears_twice(office: Office, happens: list[Turn]) -> None:
    room = a_room(office)
    for turn in happens:
        messages = play(room, turn)
        recipients = [one.recipient for one in messages]
        assert len(recipients) == len(set(recipients)), "one message per recipient and cycle"
    for _ in range(14):
        room.cycle(24, M1="green", B1="green")
    room.deliver()

    heard: Counter[tuple[str, str]] = Counter()
    said: Counter[tuple[str, str, str]] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    for message in room.sent:
        for item in message.items:
            who = (item.alert.id, message.recipient)
            said[*who, item.reason] += 1
            assert not ended[who], "nothing is said after the end"
            (ended if item.reason in CLOSING else heard)[who] += 1
    assert set(heard) == set(ended)
    assert set(ended.values()) <= {1}
    assert {number for (*_, reason), number in said.items() if reason == Reason.OPENED} <= {1}
    assert (room.kept.told, room.outbox) == ([], {})
