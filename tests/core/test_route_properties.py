"""Promise 3: whoever was told that it began is told once that it ended, whatever happens in between."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

from factories import a_rule
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from postroom import PostRoom, mail

from pmo_watch.alerts import CLOSING, Reason
from pmo_watch.flow import Outcome
from pmo_watch.rules import Escalation, Reminder, Rule, Span

PEOPLE = ("ann", "bob", "cleo", "dora")
HEARD = {"opened", "worsened", "improved", "open", "escalated", "reminded", "acknowledgement_ended"}


@dataclass(frozen=True)
class Turn:
    """One cycle: how much later it is, what is found, and what people and sources do before it."""

    hours: float
    found: tuple[tuple[str, str], ...] = ()
    leader: str = ""
    manager: str = ""
    silence: float = 0
    acknowledge: int = 0
    outcome: Outcome = Outcome.COMPLETE
    leaves: str = ""


def turns() -> SearchStrategy[list[Turn]]:
    """Return cycles by day and night with everything that may happen."""
    found = st.lists(
        st.tuples(st.sampled_from(["M1", "M2", "B1"]), st.sampled_from(["green", "amber", "red", "red", "grey", "na"])),
        max_size=3,
    )
    usual = st.just("")
    one = st.builds(
        Turn,
        hours=st.sampled_from([0.2, 1, 3, 9, 13, 24, 30]),
        found=found.map(tuple),
        leader=usual | st.sampled_from(PEOPLE),
        manager=usual | st.sampled_from(PEOPLE),
        silence=st.sampled_from([0, 0, 0, 5, 40]),
        acknowledge=st.sampled_from([0, 0, 0, 2]),
        outcome=st.sampled_from([Outcome.COMPLETE] * 5 + [Outcome.FAILED]),
        leaves=usual | usual | st.sampled_from(PEOPLE),
    )
    return st.lists(one, max_size=18)


def rules() -> list[Rule]:
    """Return two rules with everything that makes messages."""
    return [
        a_rule(
            tell={"amber": ("project_leader", "pmo", "programme_manager"), "red": ("project_leader", "channel", "pmo")},
            escalate=(Escalation(Span(2, "wd"), "amber", ("programme_manager",)),),
            remind=Reminder(every=Span(2, "wd")),
        ),
        a_rule(
            id="cost",
            confirm_after=Span(2, "evaluations"),
            tell={"amber": ("programme_manager",), "red": ("project_leader", "programme_manager")},
        ),
    ]


def play(room: PostRoom, turn: Turn) -> None:
    """Let a turn happen."""
    if turn.leader:
        room.projects["A"]["leader"] = mail(turn.leader)
    if turn.manager:
        room.program["manager"] = mail(turn.manager)
    if turn.leaves:
        room.people = [one for one in room.people if one["uid"] != mail(turn.leaves)]
    if turn.silence:
        room.silence(turn.silence, project="A")
    if turn.acknowledge:
        room.acknowledge(turn.acknowledge)
    room.source = replace(room.source, outcome=turn.outcome)
    room.cycle(turn.hours, **dict(turn.found))


def finish(room: PostRoom) -> None:
    """Let everything recover, every silence end and every digest leave."""
    room.source = replace(room.source, outcome=Outcome.COMPLETE)
    for _ in range(16):
        room.cycle(24, **dict.fromkeys(room.states, "green"))
    room.now += timedelta(days=5)
    room.deliver()


@given(turns())
@settings(deadline=None, max_examples=60)
def test_who_heard_of_the_beginning_hears_once_of_the_end_over_the_same_channel(happens: list[Turn]) -> None:
    room = PostRoom(*rules())
    for turn in happens:
        play(room, turn)
    finish(room)

    heard: Counter[tuple[str, str, str]] = Counter()
    ended: Counter[tuple[str, str, str]] = Counter()
    for message in room.sent:
        for item in message.items:
            key = (item.alert.id, message.recipient, message.notifier)
            if item.reason in CLOSING and message.kind != "notice":
                assert heard[key], f"{key} hears of the end of what it never heard of"
                ended[key] += 1
            elif item.reason in HEARD:
                assert not ended[key], f"{key} hears of an alert after its end"
                heard[key] += 1

    assert dict(ended) == dict.fromkeys(heard, 1)
    assert room.kept.told == []
    assert room.outbox == {}


@given(turns())
@settings(deadline=None, max_examples=40)
def test_nobody_hears_of_the_same_transition_twice(happens: list[Turn]) -> None:
    room = PostRoom(*rules())
    for turn in happens:
        play(room, turn)
    finish(room)

    happened = Counter((one.alert.id, one.reason.value) for one in room.transitions)
    said: Counter[tuple[str, str, str, str]] = Counter()
    for message in room.sent:
        for item in message.items:
            said[item.alert.id, item.reason, message.recipient, message.notifier] += 1

    for (alert, reason, recipient, notifier), times in said.items():
        if reason in {"opened", "worsened", "improved", "escalated", *CLOSING}:
            allowed = max(happened[alert, reason], 1 if reason == Reason.OPENED else 0)
            assert times <= allowed, f"{recipient} over {notifier} hears {times} times that {alert} {reason}"


@given(turns())
@settings(deadline=None, max_examples=20)
def test_the_same_input_gives_the_same_messages(happens: list[Turn]) -> None:
    first, second = PostRoom(*rules()), PostRoom(*rules())
    for room in (first, second):
        for turn in happens:
            play(room, turn)
        finish(room)

    assert [one.id for one in first.sent] == [one.id for one in second.sent]
    assert len({one.id for one in first.sent}) == len(first.sent)


@given(turns())
@settings(deadline=None, max_examples=30)
def test_no_message_leaves_outside_working_hours(happens: list[Turn]) -> None:
    room = PostRoom(*rules())
    for turn in happens:
        play(room, turn)

        for message in room.last.messages:
            leaves = message.not_before or room.now
            assert leaves >= room.now
            local = leaves.hour + leaves.minute / 60 + 1  # Brussels in winter
            assert 8.5 <= local <= 17.5
            assert leaves.weekday() < 5
