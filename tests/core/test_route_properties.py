"""Promise 3: whoever was told that it began is told once that it ended, whatever happens in between.

Stories go through advance, route and the store: every cycle is committed, every message leased and accepted.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

import pytest
from factories import a_rule
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from postroom import mail, said
from stored_room import BRUSSELS, StoredRoom

from pmo_watch.alerts import CLOSING, Message
from pmo_watch.flow import Outcome
from pmo_watch.rules import Escalation, Recurring, Reminder, Rule, Span

PEOPLE = ("ann", "bob", "cleo", "dora")
HEARD = {
    *("opened", "worsened", "improved", "open", "escalated", "reminded"),
    *("acknowledgement_ended", "promise_missed"),
}
Act = Literal[
    "",
    "silence",
    "unsilence",
    "acknowledge",
    "promise",
    "rule removed",
    "rule disabled",
    "rules back",
    "ladder edited",
    "digest instead",
    "at once instead",
    "digest gone",
    "restart",
    "away",
    "back",
    "leader leaves",
    "source fails",
]
ACTS: tuple[Act, ...] = (
    *("", "", "", "silence", "unsilence", "acknowledge", "promise", "rule removed", "rule disabled", "rules back"),
    *(
        "ladder edited",
        "digest instead",
        "at once instead",
        "digest gone",
        "restart",
        "away",
        "back",
        "leader leaves",
        "source fails",
    ),
)


@dataclass(frozen=True)
class Turn:
    """One cycle: how much later it is, what is found, and what people and sources do before it."""

    hours: float
    found: tuple[tuple[str, str], ...] = ()
    act: Act = ""
    leader: str = ""
    manager: str = ""


def turns() -> SearchStrategy[list[Turn]]:
    """Return cycles by day and night with everything that may happen."""
    found = st.lists(
        st.tuples(st.sampled_from(["M1", "M2", "B1"]), st.sampled_from(["green", "amber", "red", "red", "grey", "na"])),
        max_size=3,
    )
    usual = st.just("")
    one = st.builds(
        Turn,
        hours=st.sampled_from([0.2, 1, 3, 9, 13, 24, 24, 30, 72]),
        found=found.map(tuple),
        act=st.sampled_from(ACTS),
        leader=usual | usual | st.sampled_from(PEOPLE),
        manager=usual | usual | st.sampled_from(PEOPLE),
    )
    return st.lists(one, min_size=1, max_size=12)


LADDER = (Escalation(Span(1, "wd"), "amber", ("programme_manager",)), Escalation(Span(2, "wd"), "red", ("channel",)))
FREEZE = Recurring("freeze", "Nothing moves", "pmo@example.org", first=(11, 24), last=(11, 26), project="B")


def rules() -> list[Rule]:
    """Return two rules with everything that makes messages."""
    return [
        a_rule(
            tell={"amber": ("project_leader", "pmo", "programme_manager"), "red": ("project_leader", "channel", "pmo")},
            escalate=LADDER,
            remind=Reminder(every=Span(2, "wd")),
        ),
        a_rule(
            id="cost",
            confirm_after=Span(2, "evaluations"),
            tell={"amber": ("programme_manager",), "red": ("project_leader", "programme_manager")},
        ),
    ]


def a_room() -> StoredRoom:
    """Return a room in which Bob stands in for Ann, and project B is silent from the 24th to the 26th."""
    room = StoredRoom(*rules())
    room.rules = replace(room.rules, silences={"freeze": FREEZE})
    room.people[0]["deputy"] = mail("bob")
    return room


# --- what happens -------------------------------------------------------------------------------------------------


def play(room: StoredRoom, turn: Turn) -> list[Message]:
    """Let a turn happen, and return the messages of its cycle."""
    if turn.leader:
        room.projects["A"]["leader"] = mail(turn.leader)
    if turn.manager:
        room.program["manager"] = mail(turn.manager)
    room.source = replace(room.source, outcome=Outcome.COMPLETE)
    if turn.act:
        HAPPENS[turn.act](room)
    before = room.rules
    made = room.cycle(turn.hours, **dict(turn.found))
    room.former = before
    return made


def _with_rules(room: StoredRoom, *some: Rule) -> None:
    room.rules = replace(room.rules, rules={one.id: one for one in some})


def _edit(room: StoredRoom, **parts: object) -> None:
    slip = room.rules.rules.get("slip")
    if slip is not None:
        room.rules = replace(room.rules, rules={**room.rules.rules, "slip": replace(slip, **parts)})  # type: ignore[arg-type]


def _away(room: StoredRoom) -> None:
    today = room.now.astimezone(BRUSSELS).date()
    room.rows["absence"] = [
        {"uid": f"away-{name}", "person": mail(name), "from": today, "to": today + timedelta(days=4)}
        for name in ("ann", "cleo")
    ]


def _leader_leaves(room: StoredRoom) -> None:
    room.people = room.people[-max(2, len(room.people) - 1) :]


def _without_digests(room: StoredRoom) -> None:
    """Take the digests out of the rule files; whoever read one is told at once, as the loader has it."""
    told = {
        name: replace(
            one, deliver={level: "never" if how == "never" else "at once" for level, how in one.deliver.items()}
        )
        for name, one in room.rules.audiences.items()
    }
    room.rules = replace(room.rules, digests={}, audiences=told)


HAPPENS: dict[str, Callable[[StoredRoom], None]] = {
    "silence": lambda room: room.hush(2, project="A"),
    "unsilence": lambda room: room.unhush(),
    "acknowledge": lambda room: room.acknowledge(2),
    "promise": lambda room: room.acknowledge(6, promised=1),
    "rule removed": lambda room: _with_rules(room, rules()[1]),
    "rule disabled": lambda room: _edit(room, enabled=False),
    "rules back": lambda room: _with_rules(room, *rules()),
    "ladder edited": lambda room: _edit(room, escalate=(LADDER[1], replace(LADDER[0], to=("committee", "channel")))),
    "digest instead": lambda room: room.audience(
        "project_leader", role="project_leader", deliver={"amber": "daily", "red": "daily"}
    ),
    "at once instead": lambda room: room.audience(
        "project_leader", role="project_leader", deliver={"amber": "at once", "red": "at once"}
    ),
    "digest gone": _without_digests,
    "restart": lambda room: room.restart(),
    "away": _away,
    "back": lambda room: room.rows.update(absence=[]),
    "leader leaves": _leader_leaves,
    "source fails": lambda room: setattr(room, "source", replace(room.source, outcome=Outcome.FAILED)),
}


def finish(room: StoredRoom) -> None:
    """Let everything recover, every silence and absence end and every digest leave."""
    room.source = replace(room.source, outcome=Outcome.COMPLETE)
    for hours in (24, 24, 24 * 3, 24 * 7, 24 * 7, 24 * 7, 24 * 7):
        room.cycle(hours, **dict.fromkeys(room.states, "green"))
    room.now += timedelta(days=5)
    room.deliver()


# --- what must hold -----------------------------------------------------------------------------------------------


@dataclass
class Book:
    """Who heard what of which alert over which channel, in the order in which messages left."""

    heard: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    ended_in: dict[tuple[str, str, str], int] = field(default_factory=dict)
    said: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)

    def read(self, message: Message, cycle: int) -> None:
        """Note a message that left, and the cycle that wrote it.

        A digest that waits since before the end for its reader's next working day may still name the alert.
        """
        for item in message.items if message.kind != "notice" else ():
            key = (item.alert.id, message.recipient, message.notifier)
            self.said[*key, item.reason] += 1
            if item.reason in CLOSING:
                assert self.heard[key], f"{key} hears of the end of what it never heard of"
                self.ended[key] += 1
                self.ended_in[key] = cycle
            elif item.reason in HEARD:
                assert cycle < self.ended_in.get(key, cycle + 1), f"{key} hears of an alert after its end"
                self.heard[key] += 1


def one_each(messages: list[Message]) -> None:
    """Say that nobody gets two messages of alerts over one channel in a cycle, and none at an odd hour."""
    got = Counter((one.recipient, one.notifier) for one in messages if one.kind == "alert")
    assert not [key for key, number in got.items() if number > 1]


@given(turns())
@settings(deadline=None, max_examples=100)
def test_who_heard_of_the_beginning_hears_once_of_the_end_over_the_same_channel(happens: list[Turn]) -> None:
    room, book = a_room(), Book()
    for turn in happens:
        one_each(play(room, turn))
    finish(room)
    for message in room.sent:
        book.read(message, room.written_in[message.id])

    assert dict(book.ended) == dict.fromkeys(book.heard, 1)
    assert list(room.left_over()) == []
    happened = Counter((one.alert.id, one.reason.value) for one in room.transitions)
    for (alert, recipient, notifier, reason), times in book.said.items():
        if reason in {"opened", "worsened", "improved", "escalated", "promise_missed", *CLOSING}:
            allowed = max(happened[alert, reason], 1 if reason == "opened" else 0)
            assert times <= allowed, f"{recipient} over {notifier} hears {times} times that {alert} {reason}"
    promises = sum(turn.act == "promise" for turn in happens)
    for last in {one.alert.id: one.alert for one in room.transitions}.values():
        assert len(set(last.steps)) == len(last.steps), f"{last.id} escalated twice: {last.steps}"
        assert happened[last.id, "promise_missed"] <= promises


@given(turns())
@settings(deadline=None, max_examples=12)
def test_the_same_input_gives_the_same_messages(happens: list[Turn]) -> None:
    sent = []
    for _ in range(2):
        room = a_room()
        for turn in happens:
            play(room, turn)
        finish(room)
        sent.append([one.id for one in room.sent])

    assert sent[0] == sent[1]
    assert len(set(sent[0])) == len(sent[0])


@given(turns())
@settings(deadline=None, max_examples=30)
def test_no_message_leaves_outside_working_hours(happens: list[Turn]) -> None:
    room = a_room()
    for turn in happens:
        for message in play(room, turn):
            leaves = message.not_before or room.now
            assert leaves >= room.now
            local = leaves.hour + leaves.minute / 60 + 1  # Brussels in winter
            assert 8.5 <= local <= 17.5
            assert leaves.weekday() < 5


@pytest.mark.parametrize("act", sorted({one for one in ACTS if one}))
def test_whatever_happens_after_the_beginning_the_end_is_told(act: Act) -> None:
    room = a_room()
    play(room, Turn(1, (("M1", "red"), ("B1", "amber"))))
    assert said(room.sent) != []
    play(room, Turn(2, act=act))
    play(room, Turn(24, (("M2", "red"),)))

    finish(room)

    book = Book()
    for message in room.sent:
        book.read(message, room.written_in[message.id])
    assert dict(book.ended) == dict.fromkeys(book.heard, 1)
    assert list(room.left_over()) == []
