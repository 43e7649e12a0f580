"""What is foreseen is what the days then bring."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from factories import BE, MONDAY, a_rule, a_snapshot
from hypothesis import given
from hypothesis import strategies as st

from pmo_watch.alerts import Alert
from pmo_watch.confirm import Moment
from pmo_watch.digests import due
from pmo_watch.foresight import Ahead, Confirming, ahead, confirming, leaves_next
from pmo_watch.lifecycle import Evaluation, Found, Trail
from pmo_watch.reminders import fall_due
from pmo_watch.rules import Digest, Escalation, Reminder, Span
from pmo_watch.subjects import Subject

ZONE = ZoneInfo("Europe/Brussels")
AT = Moment(MONDAY, MONDAY.astimezone(ZONE).date(), ZONE, BE)
OPEN = Alert("a1", "slip", "plans:task:1", level="red", opened_at=MONDAY, since=MONDAY, peak="red")
LADDER = (
    Escalation(Span(5, "wd"), "red", ("programme",)),
    Escalation(Span(10, "wd"), "red", ("committee",)),
)


def about(due_on: date | None = None) -> Subject:
    """Return a milestone."""
    return Subject("milestone", "plans:task:1", "M1", "Go-live", BE, {"source": "plans", "committed_finish": due_on})


def wd(number: int) -> date:
    """Return the working day so many after the alert opened."""
    found = BE.add(AT.today, number)
    assert found
    return found


def test_steps_and_reminders_come_on_their_working_days() -> None:
    rule = a_rule(escalate=LADDER, remind=Reminder(every=Span(3, "wd")))

    assert ahead(OPEN, rule, about(), AT) == [
        Ahead(wd(3), "reminded"),
        Ahead(wd(5), "escalated", ("programme",)),
        Ahead(wd(10), "escalated", ("committee",)),
    ]


def test_acknowledgement_ends_first_and_its_days_do_not_count() -> None:
    until = wd(4)
    taken = replace(OPEN, acknowledged_until=until, acknowledged_on=AT.today, acknowledged_by="Ann")

    found = ahead(taken, a_rule(escalate=LADDER[:1]), about(), AT)

    assert [(one.reason, one.on > until) for one in found] == [("acknowledgement_ended", True), ("escalated", True)]
    assert found[1].on > wd(5)


def test_nothing_happens_to_what_is_unknown() -> None:
    lost = replace(OPEN, unknown_since=MONDAY, paused_on=AT.today)

    assert ahead(lost, a_rule(escalate=LADDER, remind=Reminder(every=Span(1, "wd"))), about(), AT) == []


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 15))
def test_what_is_foreseen_happens(step: int, every: int, acknowledged: int) -> None:
    rule = a_rule(
        escalate=(Escalation(Span(step, "wd"), "red", ("programme",)),), remind=Reminder(every=Span(every, "wd"))
    )
    alert = OPEN
    if acknowledged:
        alert = replace(OPEN, acknowledged_until=AT.today + timedelta(acknowledged), acknowledged_on=AT.today)
    happened: dict[str, date] = {}
    trail = Trail(alert)
    for past in range(60):
        now = MONDAY + timedelta(days=past)
        before = len(trail.steps)
        moment = Moment(now, now.astimezone(ZONE).date(), ZONE, BE)
        fall_due(trail, Evaluation(Found("red"), rule, about(), moment))
        for one in trail.steps[before:]:
            happened.setdefault(one.reason.value, moment.today)

    foreseen = {one.reason: one.on for one in ahead(alert, rule, about(), AT)}

    assert foreseen == happened


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(2, "evaluations"), Confirming("red", 1, "2 evaluations", MONDAY)),
        (Span(3, "wd"), Confirming("red", 1, "3 wd", MONDAY, wd(3))),
        (Span(24, "h"), Confirming("red", 1, "24 h", MONDAY, AT.today + timedelta(1))),
    ],
)
def test_level_that_waits_says_since_when_and_until_when(span: Span, expected: Confirming) -> None:
    pending = Alert("a1", "slip", "plans:task:1", seen="red", seen_since=MONDAY, streak=1)

    assert confirming(pending, a_rule(confirm_after=span), AT) == expected


def test_nothing_waits_where_nothing_was_seen() -> None:
    assert confirming(OPEN, a_rule(), AT) is None


@pytest.mark.parametrize(
    "on", ["every working day", "friday", "first working day of month", "5 wd before steering_committee"]
)
def test_digest_leaves_next_when_it_is_next_due(on: str) -> None:
    meetings: Sequence[dict[str, object]] = [
        {"uid": "m:1", "kind": "steering_committee", "planned_on": wd(15)},
    ]
    known = a_snapshot(MONDAY, {"meeting": meetings}, {})
    digest = Digest("one", "08:30", on)

    found = leaves_next(digest, known)

    assert found is not None
    assert found > MONDAY
    just_before = datetime.combine(found.astimezone(ZONE).date(), time(8, 29), ZONE).astimezone(UTC)
    assert due(digest, MONDAY, replace(known, now=found, today=found.astimezone(ZONE).date())) is not None
    earlier = replace(known, now=just_before, today=just_before.astimezone(ZONE).date())
    assert due(digest, MONDAY, earlier) is None


def test_digest_before_a_meeting_that_is_not_planned_never_leaves() -> None:
    assert leaves_next(Digest("one", "08:30", "5 wd before steering_committee"), a_snapshot(MONDAY, {}, {})) is None
