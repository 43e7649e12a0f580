"""Delivery against an outbox in memory, and once against a real one: retries, fallbacks, circuits, stops."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from messages import CONTEXT, NOW, a_message, an_item
from outbox_bench import Answer, Bench, MemoryOutbox, Scripted, a_row, rows
from structlog.testing import capture_logs

from pmo_watch.alerts import OutboxRow
from pmo_watch.clock import FixedClock
from pmo_watch.deliver import Attempt, Channel, Deliverer, Health
from pmo_watch.errors import DeliveryDeferred, DeliveryError, DeliveryRejected
from pmo_watch.render import render
from pmo_watch.store import Circuit, CycleChange, OutboxInsert, OutboxQuery, OutboxState, Settlement, open_store


async def one_attempt(answer: Answer, **parts: Any) -> tuple[Settlement, list[Attempt]]:
    bench = Bench(MemoryOutbox().add(a_row(**parts)), {"mail": Scripted({"m1": answer})})
    assert await bench.deliverer().drain() == 1
    return bench.outbox.settled[0], bench.attempts


async def test_what_the_other_side_took_is_accepted_with_its_answer() -> None:
    settlement, attempts = await one_attempt("250 2.0.0 queued", due=NOW - timedelta(seconds=30))

    assert (settlement.outcome, settlement.answer, settlement.at) == (OutboxState.ACCEPTED, "250 2.0.0 queued", NOW)
    (attempt,) = attempts
    assert (attempt.notifier, attempt.outcome, attempt.reason) == ("mail", OutboxState.ACCEPTED, "")
    assert attempt.delay_seconds == 30
    assert attempt.seconds >= 0


@pytest.mark.parametrize(
    ("fault", "outcome", "reason", "answer"),
    [
        (DeliveryDeferred("throttled", "451 later"), OutboxState.DEFERRED, "throttled", "451 later"),
        (DeliveryRejected("rejected", "550 never"), OutboxState.REJECTED, "rejected", "550 never"),
        (ZeroDivisionError("secret"), OutboxState.DEFERRED, "other", "ZeroDivisionError"),
        (TimeoutError(), OutboxState.DEFERRED, "timeout", "no end within 5 s"),
    ],
)
async def test_failure_is_settled_by_what_it_means(
    fault: Exception, outcome: OutboxState, reason: str, answer: str
) -> None:
    settlement, attempts = await one_attempt(fault)

    assert (settlement.outcome, settlement.reason, settlement.answer) == (outcome, reason, answer)
    assert (attempts[0].outcome, attempts[0].reason) == (outcome, reason)
    assert (settlement.due is None) == (outcome == OutboxState.REJECTED)


async def test_attempt_is_given_up_at_its_deadline() -> None:
    notifier = Scripted(hold=asyncio.Event())
    bench = Bench(MemoryOutbox().add(a_row()), {"mail": notifier}, deadline=0.02)

    await bench.deliverer().drain()

    assert (bench.outbox.settled[0].outcome, bench.outbox.settled[0].reason) == (OutboxState.DEFERRED, "timeout")


@pytest.mark.parametrize(
    ("attempts", "retry_after", "least", "most"),
    [
        (0, None, 48, 72),
        (1, None, 96, 144),
        (4, None, 768, 1152),
        (40, None, 2880, 4320),
        (0, 600.0, 600, 600),
        (4, 1.0, 768, 1152),
    ],
)
async def test_next_attempt_waits_longer_each_time_or_as_the_other_side_says(
    attempts: int, retry_after: float | None, least: float, most: float
) -> None:
    settlement, _ = await one_attempt(DeliveryDeferred("throttled", retry_after=retry_after), attempts=attempts)

    assert settlement.due is not None
    assert least <= (settlement.due - NOW).total_seconds() <= most


async def test_waits_of_what_failed_together_differ() -> None:
    outbox = MemoryOutbox().add(*rows(20))
    answers: dict[str, Answer] = {f"mail{n}": DeliveryDeferred("throttled") for n in range(20)}

    await Bench(outbox, {"mail": Scripted(answers)}).deliverer().drain()

    assert len({one.due for one in outbox.settled}) == 20


async def test_answer_is_cleaned_of_control_signs_and_secrets_and_cut() -> None:
    fault = DeliveryRejected("rejected", "550 no\r\n\x1b[31m s3cret " + "x" * 600)
    bench = Bench(
        MemoryOutbox().add(a_row()), {"mail": Scripted({"m1": fault})}, clean=lambda text: text.replace("s3cret", "***")
    )

    await bench.deliverer().drain()

    answer = bench.outbox.settled[0].answer
    assert answer.startswith("550 no [31m *** xxx")
    assert len(answer) <= 500


async def test_what_a_notifier_should_not_raise_is_logged_once_with_its_traceback() -> None:
    answers: dict[str, Answer] = {f"mail{n}": KeyError("x") for n in range(3)}
    bench = Bench(MemoryOutbox().add(*rows(3)), {"mail": Scripted(answers)})

    with capture_logs() as lines:
        await bench.deliverer().drain()

    errors = [line for line in lines if line["log_level"] == "error"]
    assert len(errors) == 1
    assert isinstance(errors[0]["exc_info"], KeyError)
    assert len([line for line in lines if line["event"] == "not delivered"]) == 3


async def test_turn_is_awaited_before_the_attempt_and_not_part_of_its_deadline() -> None:
    class Slow(Scripted):
        async def turn(self) -> None:
            await asyncio.sleep(0.05)
            self.sent.append("turn")

    notifier = Slow()
    bench = Bench(MemoryOutbox().add(a_row()), {"mail": notifier}, deadline=0.03)

    await bench.deliverer().drain()

    assert notifier.sent == ["turn", "m1"]
    assert bench.outbox.settled[0].outcome == OutboxState.ACCEPTED
    assert bench.outbox.seconds[0] == pytest.approx(60.03)


async def test_lease_is_twice_the_deadline() -> None:
    bench = Bench(MemoryOutbox().add(a_row()), {"mail": Scripted()}, deadline=20)

    await bench.deliverer().drain()

    assert set(bench.outbox.seconds) == {40}


def to_teams(row: OutboxRow) -> OutboxInsert | None:
    if row.fallback != "teams":
        return None
    return OutboxInsert(f"{row.id}-teams", "teams", row.recipient, "", "", row.language, row.rendered)


async def test_rejected_message_takes_the_fallback_and_deferred_does_not() -> None:
    outbox = MemoryOutbox().add(a_row("no", fallback="teams"), a_row("later", fallback="teams"), a_row("alone"))
    answers: dict[str, Answer] = {
        "no": DeliveryRejected("rejected"),
        "later": DeliveryDeferred("throttled"),
        "alone": DeliveryRejected("rejected"),
    }

    await Bench(outbox, {"mail": Scripted(answers)}, reroute=to_teams).deliverer().drain()

    fallbacks = {one.row.id: one.fallback.id if one.fallback else None for one in outbox.settled}
    assert fallbacks == {"no": "no-teams", "later": None, "alone": None}


async def test_expired_message_is_not_sent_and_takes_the_fallback() -> None:
    outbox = MemoryOutbox().add(*(a_row(f"m{n}", fallback="teams", expires_at=NOW) for n in range(150)))
    notifier = Scripted()

    await Bench(outbox, {"mail": notifier}, reroute=to_teams).deliverer().drain()

    assert notifier.sent == []
    assert {one.outcome for one in outbox.settled} == {OutboxState.EXPIRED}
    assert len({one.fallback.id for one in outbox.settled if one.fallback}) == 150


async def test_channel_is_probed_with_one_message_at_a_time_after_five_deferrals_running() -> None:
    answers: dict[str, Answer] = {f"mail{n}": DeliveryDeferred("throttled") for n in range(12)}
    outbox = MemoryOutbox().add(*rows(15))

    await Bench(outbox, {"mail": Scripted(answers)}, in_flight=10).deliverer().drain()

    assert outbox.limits[0] == 10
    assert set(outbox.limits[1:4]) == {1}  # the tenth to twelfth: still deferred
    assert outbox.limits[4] == 10  # the thirteenth was accepted
    assert len(outbox.settled) == 15


async def test_bad_mailboxes_hold_up_no_good_one() -> None:
    bad = {f"mail{n}": DeliveryDeferred("throttled", "451 mailbox") for n in range(50)}
    outbox = MemoryOutbox().add(*rows(60))
    notifier = Scripted(dict(bad))

    await Bench(outbox, {"mail": notifier}).deliverer().drain()

    assert [one.row.id for one in outbox.settled if one.outcome == OutboxState.ACCEPTED] == [
        f"mail{n}" for n in range(50, 60)
    ]


@pytest.mark.parametrize(
    "fault", [DeliveryDeferred("auth", channel_fault=True), DeliveryRejected("auth", channel_fault=True)]
)
async def test_fault_of_the_channel_opens_the_circuit_at_once_and_what_waits_goes_on_waiting(
    fault: DeliveryError,
) -> None:
    outbox = MemoryOutbox().add(*rows(9))
    bench = Bench(outbox, {"mail": Scripted({"mail0": fault})})

    made = await bench.deliverer().drain()

    assert made == 1
    assert bench.attempts[0].channel_fault
    assert outbox.settled[0].channel_fault
    assert [outbox.states[f"mail{n}"] for n in range(1, 9)] == [OutboxState.WAITING] * 8


async def test_channel_that_cannot_be_reached_is_not_tried_with_every_message() -> None:
    answers: dict[str, Answer] = {f"mail{n}": DeliveryDeferred("connect") for n in range(100)}
    outbox = MemoryOutbox().add(*rows(100), *rows(100, "teams"))
    bench = Bench(outbox, {"mail": Scripted(answers), "teams": Scripted()})

    made = await bench.deliverer().drain()

    assert made == 105
    assert sum(one.row.notifier == "teams" for one in outbox.settled) == 100


def settled(outcome: OutboxState, reason: str = "", *, fault: bool = False) -> Settlement:
    return Settlement(a_row(), outcome, NOW, reason, channel_fault=fault)


def test_tries_of_an_unreachable_channel_come_further_and_further_apart() -> None:
    health, pauses = Health(), []

    for _ in range(11):
        health.note(settled(OutboxState.DEFERRED, "connect"), 100.0)
        pauses.append(health.pause(100.0))
    health.note(settled(OutboxState.ACCEPTED), 200.0)

    assert pauses == [0, 0, 0, 0, 15, 30, 60, 120, 240, 300, 300]
    assert not health.is_broken
    assert health.pause(200.0) == 0


def test_first_acceptance_or_a_reload_ends_a_fault() -> None:
    health = Health()

    health.note(settled(OutboxState.DEFERRED, "auth", fault=True), 0.0)
    after_fault = (health.is_broken, health.pause(0.0), health.pause(20.0))
    health.note(settled(OutboxState.DEFERRED, "throttled"), 20.0)
    still = health.is_broken
    health.learn(Circuit("mail"))  # forgotten by a reload

    assert after_fault == (True, 15.0, 0.0)
    assert still
    assert not health.is_broken


async def test_message_goes_from_the_real_outbox_to_its_fallback(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'pmo-watch.db'}")
    message = a_message(an_item(), fallback="teams")
    store.write(CycleChange(NOW, messages=[(message, render(message, CONTEXT)[0])]))
    mail, teams = Scripted({message.id: DeliveryRejected("rejected", "550 5.1.1 no")}), Scripted()
    channels = {"mail": Channel(mail), "teams": Channel(teams)}
    deliverer = Deliverer(store, channels, FixedClock(NOW), to_teams)

    made = await deliverer.drain() + await deliverer.drain()

    assert made == 2
    assert teams.sent == [f"{message.id}-teams"]
    states = {entry.id: (entry.state, entry.answer) for entry in store.outbox(OutboxQuery())}
    assert states == {
        message.id: (OutboxState.REJECTED, "550 5.1.1 no"),
        f"{message.id}-teams": (OutboxState.ACCEPTED, "250 ok"),
    }
    store.close()
