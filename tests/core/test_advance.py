"""The state machine, row by row of the table of spec alerts, and the vectors of spec measures 4.10."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

import pytest
from factories import MONDAY, SUBJECT, Story, a_finding, a_rule, a_snapshot, a_source, findings_of

from pmo_watch.acknowledgements import Wanted, acknowledge
from pmo_watch.advance import advance
from pmo_watch.alerts import Reason
from pmo_watch.escalations import newly_told
from pmo_watch.flow import Outcome
from pmo_watch.rules import Escalation, NoData, Reminder, RuleSet, Span

TWICE = a_rule(confirm_after=Span(2, "evaluations"))


def an_open(level: str = "amber", **rule: object) -> Story:
    """Return a story whose alert has just opened at that level."""
    story = Story(a_rule(**rule))
    assert story.see(level, value=12.0) == [Reason.OPENED]
    return story


def acknowledge_until(story: Story, day: date, promised: date | None = None) -> None:
    """Let the project leader acknowledge the alert until that day, and promise a date."""
    wanted = Wanted(day, "m.rossi@example.org", "new date agreed", new_date=promised)
    done = acknowledge(story.alert, wanted, story.now, story.now.date())
    assert done is not None
    story.alerts[done.alert.id] = done.alert


def step(days: int, to: str, level: Literal["amber", "red"] = "red") -> Escalation:
    """Return a step of a ladder; `to` names audiences, with blanks between."""
    return Escalation(Span(days, "wd"), level, tuple(to.split()))


# --- the table ----------------------------------------------------------------------------------------------------


def test_none_with_a_finding_not_yet_confirmed_is_pending() -> None:
    story = Story(TWICE)

    assert story.see("amber") == [Reason.PENDING]
    assert story.said == "pending"


@pytest.mark.parametrize("state", ["green", "na"])
def test_pending_that_is_green_or_na_before_confirmation_is_cleared(state: str) -> None:
    story = Story(TWICE)
    story.see("red")

    assert story.see(state, reason="not in window") == [Reason.CLEARED_UNCONFIRMED]
    assert story.said == "none"


@pytest.mark.parametrize(
    "nothing", [{"state": "grey"}, {"state": "green", "outcome": Outcome.FAILED}, {"state": "na", "usable": False}]
)
def test_pending_stays_and_does_not_count_what_cannot_be_used(nothing: dict[str, object]) -> None:
    story = Story(TWICE)
    story.see("amber")

    assert story.see(**nothing) == []  # type: ignore[arg-type]  # a table of keyword arguments
    assert story.said == "pending"
    assert story.see("amber") == [Reason.OPENED]


def test_pending_whose_row_is_gone_is_cleared() -> None:
    story = Story(TWICE)
    story.see("amber")

    assert story.gone() == [Reason.CLEARED_UNCONFIRMED]


def test_pending_whose_rule_is_removed_is_cleared() -> None:
    story = Story(TWICE)
    story.see("amber")
    story.rules = []

    assert story.see("amber") == [Reason.CLEARED_UNCONFIRMED]


def test_pending_that_is_confirmed_opens() -> None:
    story = Story(TWICE)
    story.see("amber")

    assert story.see("amber", value=11.0) == [Reason.OPENED]
    assert (story.said, story.alert.peak, story.alert.value_at_open) == ("amber", "amber", 11.0)


def test_open_amber_that_is_red_worsens_and_ends_an_acknowledgement() -> None:
    story = an_open("amber")
    acknowledge_until(story, date(2026, 12, 1))

    assert story.see("red") == [Reason.WORSENED]
    assert (story.said, story.alert.peak, story.alert.acknowledged_until) == ("red", "red", None)


def test_open_red_that_is_amber_improves_and_keeps_peak_and_acknowledgement() -> None:
    story = an_open("red")
    acknowledge_until(story, date(2026, 12, 1))

    assert story.see("amber") == [Reason.IMPROVED]
    assert (story.said, story.alert.peak) == ("amber", "red")
    assert story.alert.acknowledged_until == date(2026, 12, 1)


def test_open_that_is_green_and_recovered_closes() -> None:
    story = an_open("amber")

    assert story.see("green") == [Reason.RECOVERED]
    assert story.said == "none"


@pytest.mark.parametrize(
    ("reason", "row", "project", "ends_as"),
    [
        ("done", {}, {}, Reason.ENTITY_DONE),
        ("finished", {}, {}, Reason.ENTITY_DONE),
        ("closed", {}, {"state": "closed"}, Reason.ENTITY_DONE),
        ("closed", {}, {"state": "cancelled"}, Reason.ENTITY_CANCELLED),
        ("closed", {}, {"state": "proposed"}, Reason.OUT_OF_SCOPE),
        ("done", {"status": "cancelled"}, {}, Reason.ENTITY_CANCELLED),
        ("out of scope", {}, {}, Reason.OUT_OF_SCOPE),
        ("on hold", {}, {"state": "on_hold"}, Reason.OUT_OF_SCOPE),
        ("not in window", {}, {}, Reason.OUT_OF_SCOPE),
        ("vanished", {}, {}, Reason.ENTITY_GONE),
    ],
)
def test_open_that_is_na_closes_for_the_reason_of_the_finding(
    reason: str, row: dict[str, object], project: dict[str, object], ends_as: Reason
) -> None:
    story = an_open("amber")
    story.row |= row
    story.project |= project

    assert story.see("na", reason=reason) == [ends_as]


def test_open_whose_row_is_missing_in_one_complete_reading_is_unknown() -> None:
    story = an_open("red")

    assert story.see("red", usable=False) == [Reason.UNKNOWN]
    assert (story.said, story.alert.unknown_reason) == ("red?", "vanished")


def test_open_whose_row_is_still_missing_in_the_next_complete_reading_closes_as_gone() -> None:
    story = an_open("red")
    story.see("red", usable=False)

    assert story.gone() == [Reason.ENTITY_GONE]
    assert story.transitions[-1].alert.subject_name == "Go-live"


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.HELD, Outcome.PARTIAL])
def test_open_whose_row_is_absent_while_its_source_is_not_complete_stays(outcome: Outcome) -> None:
    story = an_open("red")

    assert story.gone(outcome) == [Reason.UNKNOWN]
    assert story.gone(outcome) == []
    assert story.said == "red?"


@pytest.mark.parametrize(("active", "ends_as"), [(False, Reason.ENTITY_CANCELLED), (None, Reason.OUT_OF_SCOPE)])
def test_open_whose_row_no_longer_counts_ends(*, active: bool | None, ends_as: Reason) -> None:
    story = an_open("red")

    assert story.gone(in_frame=True, active=active) == [ends_as]


@pytest.mark.parametrize("disabled", [True, False])
def test_open_whose_rule_is_removed_or_disabled_closes(*, disabled: bool) -> None:
    story = an_open("red")
    story.rules = [a_rule(enabled=False)] if disabled else []

    assert story.see("red") == [Reason.RULE_REMOVED]
    assert story.kept == []


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"state": "grey", "reason": "missing baseline_finish"}, "missing baseline_finish"),
        ({"state": "green", "outcome": Outcome.FAILED}, f"source plans not read since {MONDAY.isoformat()}"),
        ({"state": "green", "outcome": Outcome.HELD}, f"source plans not read since {MONDAY.isoformat()}"),
        (
            {"state": "red", "outcome": Outcome.PARTIAL, "usable": False},
            f"source plans not read since {MONDAY.isoformat()}",
        ),
    ],
    ids=["grey", "failed", "held or shrunk", "partial without it"],
)
def test_open_that_cannot_be_assessed_is_unknown_once(seen: dict[str, object], why: str) -> None:
    story = an_open("amber")

    assert story.see(**seen) == [Reason.UNKNOWN]  # type: ignore[arg-type]
    assert (story.said, story.alert.unknown_reason) == ("amber?", why)
    assert story.see(**seen) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "reasons"),
    [
        ("amber", [Reason.KNOWN_AGAIN]),
        ("red", [Reason.KNOWN_AGAIN, Reason.WORSENED]),
        ("green", [Reason.KNOWN_AGAIN, Reason.RECOVERED]),
    ],
)
def test_unknown_with_a_usable_finding_is_known_again_and_as_the_finding_says(
    state: str, reasons: list[Reason]
) -> None:
    story = an_open("amber")
    story.see("amber", outcome=Outcome.FAILED)

    assert story.see(state) == reasons


def test_acknowledged_whose_date_has_passed_is_open_again() -> None:
    story = an_open("amber")
    acknowledge_until(story, (story.now + timedelta(days=1)).date())

    assert story.see("amber") == []
    assert story.see("amber") == [Reason.ACKNOWLEDGEMENT_ENDED]
    assert story.see("amber") == []


def test_escalation_falls_due_once_in_working_days() -> None:
    story = an_open("red", escalate=(Escalation(Span(2, "wd"), "red", ("committee",)),))

    assert [story.see("red") for _ in range(6)] == [[], [Reason.ESCALATED], [], [], [], []]
    assert (story.alert.escalation_step, story.alert.steps) == (1, ("red:committee",))


def test_escalation_counts_no_holiday_and_no_weekend() -> None:
    story = Story(a_rule(escalate=(Escalation(Span(3, "wd"), "red", ("committee",)),)))
    story.now = MONDAY - timedelta(days=7)
    story.see("red")  # Tuesday the 10th; Wednesday the 11th is a holiday

    assert [story.see("red") for _ in range(6)] == [[], [], [], [], [], [Reason.ESCALATED]]


def test_each_escalation_step_is_taken_once_and_in_its_own_time() -> None:
    steps = (Escalation(Span(3, "wd"), "red", ("committee",)), Escalation(Span(1, "wd"), "amber", ("pmo",)))
    story = an_open("amber", escalate=steps)

    assert story.see("amber") == [Reason.ESCALATED]
    assert story.transitions[-1].step == 2
    assert story.see("red") == [Reason.WORSENED]
    assert [story.see("red") for _ in range(5)] == [[], [], [], [], [Reason.ESCALATED]]  # over a weekend
    assert story.transitions[-1].step == 1


def test_nothing_escalates_or_reminds_while_acknowledged_or_unknown() -> None:
    story = an_open(
        "red",
        escalate=(Escalation(Span(1, "wd"), "red", ("committee",)),),
        remind=Reminder(every=Span(1, "wd")),
    )
    acknowledge_until(story, (story.now + timedelta(days=1)).date())

    assert story.see("red") == []
    assert story.see("grey") == [Reason.UNKNOWN, Reason.ACKNOWLEDGEMENT_ENDED]
    assert story.see("grey") == []
    assert story.see("red") == [Reason.KNOWN_AGAIN, Reason.ESCALATED, Reason.REMINDED]


def test_a_ladder_goes_up_step_by_step_each_step_once() -> None:
    ladder = (step(1, "committee"), step(2, "pmo"), step(2, "channel"))
    story = an_open("red", escalate=ladder)

    assert [story.see("red") for _ in range(4)] == [[Reason.ESCALATED], [Reason.ESCALATED] * 2, [], []]
    assert [newly_told(one) for one in story.transitions[1:]] == [("committee",), ("pmo",), ("channel",)]
    assert [one.step for one in story.transitions[1:]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("ladder", "told"),
    [
        ((("pmo", 5), ("committee", 1)), [("pmo",)]),
        ((("channel", 1), ("committee", 1), ("pmo", 5)), [("channel",), ("pmo",)]),
        ((("pmo", 5),), [("pmo",)]),
        ((("committee", 3), ("pmo", 5)), [("pmo",)]),
        ((("committee channel", 1), ("pmo", 5)), [("channel",), ("pmo",)]),
        ((("committee", 1), ("committee", 4), ("pmo", 5)), [("committee",), ("pmo",)]),
        ((), []),
    ],
    ids=["moved", "added before", "removed", "later", "another audience", "said twice", "none left"],
)
def test_a_step_that_was_taken_is_not_taken_again_when_the_rule_is_edited(
    ladder: tuple[tuple[str, int], ...], told: list[tuple[str, ...]]
) -> None:
    story = an_open("red", escalate=(step(1, "committee"), step(5, "pmo")))
    story.see("red")
    before = len(story.transitions)

    story.rule = replace(story.rule, escalate=tuple(step(days, to) for to, days in ladder))
    for _ in range(8):
        story.see("red")

    assert [newly_told(one) for one in story.transitions[before:]] == told


def test_an_alert_that_opens_again_climbs_the_ladder_anew() -> None:
    story = an_open("red", escalate=(step(1, "committee"),))
    story.see("red")
    story.see("green")

    assert [story.see("red") for _ in range(2)] == [[Reason.OPENED], [Reason.ESCALATED]]


def test_a_step_for_red_is_taken_once_though_the_alert_becomes_red_twice() -> None:
    story = an_open("red", escalate=(step(1, "committee"),))
    story.see("red")
    story.see("amber")

    assert [story.see("red") for _ in range(3)] == [[Reason.WORSENED], [], []]


def test_acknowledged_days_do_not_count_towards_a_step() -> None:
    story = an_open("red", escalate=(step(3, "committee"),))  # on Monday the 16th
    story.see("red")  # Tuesday is the first day
    acknowledge_until(story, date(2026, 11, 19))

    reasons = [story.see("red") for _ in range(7)]  # Wednesday and Thursday do not count; Friday is the second

    assert reasons == [[], [], [Reason.ACKNOWLEDGEMENT_ENDED], [], [], [Reason.ESCALATED], []]


def test_a_worsening_that_ends_an_acknowledgement_lets_the_days_count_again() -> None:
    story = an_open("amber", escalate=(step(3, "committee", "amber"),))
    acknowledge_until(story, date(2026, 12, 1))
    story.see("amber")  # Tuesday

    reasons = [story.see("red") for _ in range(7)]  # from Wednesday, which is the first day

    assert reasons == [[Reason.WORSENED], [], [Reason.ESCALATED], [], [], [], []]


def test_unknown_days_do_not_count_towards_a_step() -> None:
    story = an_open("red", escalate=(step(2, "committee"),))

    assert story.see("grey") == [Reason.UNKNOWN]  # Tuesday, the first day
    assert story.see("grey") == []
    assert story.see("grey") == []
    assert story.see("red") == [Reason.KNOWN_AGAIN, Reason.ESCALATED]  # Friday is the second


def test_days_on_which_nobody_looked_count_though_an_acknowledgement_ended_among_them() -> None:
    story = an_open("red", escalate=(step(3, "committee"),))
    acknowledge_until(story, date(2026, 11, 17))

    # The daemon was down until Friday: Wednesday, Thursday and Friday count.
    assert story.tick("red", days=4) == [Reason.ACKNOWLEDGEMENT_ENDED, Reason.ESCALATED]


def test_a_promised_date_that_passes_ends_the_acknowledgement_and_is_missed() -> None:
    story = an_open("red")
    acknowledge_until(story, date(2026, 12, 1), promised=date(2026, 11, 18))

    assert [story.see("red") for _ in range(4)] == [[], [], [Reason.PROMISE_MISSED], []]
    assert (story.alert.missed_date, story.alert.new_date) == (date(2026, 11, 18), None)
    assert (story.alert.acknowledged_until, story.alert.new_date_by) == (None, "m.rossi@example.org")


def test_a_promise_outlasts_the_acknowledgement_and_a_worsening() -> None:
    story = an_open("amber")
    acknowledge_until(story, date(2026, 11, 17), promised=date(2026, 11, 20))

    reasons = [story.see("amber"), story.see("amber"), *(story.see("red") for _ in range(4))]

    ended, worse, missed = [Reason.ACKNOWLEDGEMENT_ENDED], [Reason.WORSENED], [Reason.PROMISE_MISSED]
    assert reasons == [[], ended, worse, [], missed, []]


def test_a_promise_that_ends_with_the_acknowledgement_is_said_once() -> None:
    story = an_open("red", remind=Reminder(every=Span(1, "wd")))
    acknowledge_until(story, date(2026, 11, 17), promised=date(2026, 11, 17))

    assert [story.see("red") for _ in range(2)] == [[], [Reason.PROMISE_MISSED]]


def test_a_promise_that_is_kept_is_never_missed() -> None:
    story = an_open("red")
    acknowledge_until(story, date(2026, 12, 1), promised=date(2026, 11, 18))

    assert [story.see("red"), story.see("green"), story.see("green"), story.see("red")] == [
        [],
        [Reason.RECOVERED],
        [],
        [Reason.OPENED],
    ]
    assert (story.alert.new_date, story.alert.missed_date) == (None, None)


def test_nothing_is_said_of_a_promise_while_nothing_can_be_said_of_the_alert() -> None:
    story = an_open("red")
    acknowledge_until(story, date(2026, 12, 1), promised=date(2026, 11, 17))
    story.see("red", outcome=Outcome.FAILED)

    assert story.see("red", outcome=Outcome.FAILED) == []
    assert story.see("red") == [Reason.KNOWN_AGAIN, Reason.PROMISE_MISSED]


def test_steps_kept_by_number_are_named_by_the_rule_of_the_day() -> None:
    story = an_open("red", escalate=(step(1, "committee"), step(2, "pmo")))
    known = replace(story.alert, steps=("#1", "#7"), escalation_step=1)
    story.alerts[known.id] = known

    assert [story.see("red") for _ in range(2)] == [[], [Reason.ESCALATED]]
    assert story.alert.steps == ("red:committee", "red:pmo")


def test_reminders_come_every_so_many_working_days() -> None:
    story = an_open("amber", remind=Reminder(every=Span(2, "wd")))

    reasons = [story.see("amber") for _ in range(8)]  # from Tuesday; the sixth and seventh are a weekend

    assert reasons == [[], [Reason.REMINDED], [], [Reason.REMINDED], [], [], [], [Reason.REMINDED]]


def test_a_reminder_comes_once_before_the_date_of_the_subject() -> None:
    story = Story(a_rule(remind=Reminder(before=Span(1, "wd"))), committed_finish=(MONDAY + timedelta(days=3)).date())

    reasons = [story.see("amber") for _ in range(5)]

    assert reasons == [[Reason.OPENED], [], [Reason.REMINDED], [], []]


def test_a_reminder_is_not_sent_on_the_day_the_alert_opens() -> None:
    due = (MONDAY + timedelta(days=1)).date()
    story = Story(a_rule(remind=Reminder(before=Span(1, "wd"))), committed_finish=due)

    assert story.see("amber") == [Reason.OPENED]
    assert story.see("amber") == [Reason.REMINDED]


# --- spec measures 4.10 -------------------------------------------------------------------------------------------


def judged(value: float | None) -> dict[str, object]:
    """Return the finding of thresholds amber over 10, red over 20, recover at most 8."""
    if value is None:
        return {"state": "grey", "reason": "missing baseline_finish"}
    state = "red" if value > 20 else "amber" if value > 10 else "green"
    return {"state": state, "value": value, "recovered": value <= 8}


@pytest.mark.parametrize(
    ("evaluations", "values", "said"),
    [
        pytest.param(1, (5, 11, 9, 21, 12, 9, 8), "none amber amber red amber amber none", id="H-01"),
        pytest.param(2, (5, 11, 5, 11, 12), "none pending none pending amber", id="H-02"),
        pytest.param(2, (21, 21, 5, 5), "pending red red none", id="H-03"),
        pytest.param(1, (9,), "none", id="H-04"),
        pytest.param(1, (11, None, 9), "amber amber? amber", id="H-05"),
        pytest.param(1, (21, 9, 8), "red red none", id="H-06"),
    ],
)
def test_confirmation_and_recovery(evaluations: int, values: tuple[float | None, ...], said: str) -> None:
    story = Story(a_rule(confirm_after=Span(evaluations, "evaluations")))

    seen = []
    for value in values:
        story.see(**judged(value))  # type: ignore[arg-type]
        seen.append(story.said)

    assert seen == said.split()


def test_h_07_a_capped_sample_opens_amber() -> None:
    story = Story()

    story.see("amber", value=25.0, numerator=1.0, denominator=4.0, note="small sample: 1 of 4")

    assert story.said == "amber"
    assert story.transitions[-1].finding["note"] == "small sample: 1 of 4"


# --- what counts --------------------------------------------------------------------------------------------------


def test_a_tick_without_a_new_reading_does_not_count() -> None:
    story = Story(TWICE)
    story.see("amber")

    assert [story.tick("amber", hours=1) for _ in range(3)] == [[], [], []]
    assert story.said == "pending"


def test_another_civil_date_counts_without_a_new_reading() -> None:
    story = Story(TWICE)
    story.see("amber")

    assert story.tick("amber", hours=15) == [Reason.OPENED]  # Tuesday one o'clock in Brussels


def test_another_reading_on_the_same_day_counts() -> None:
    story = Story(TWICE)
    story.see("amber")
    story.reading += 1

    assert story.tick("amber", hours=1) == [Reason.OPENED]


def test_a_reload_that_changes_a_level_waits_for_the_next_evaluation_that_counts() -> None:
    story = an_open("amber")

    assert story.tick("red", hours=1) == []
    assert story.see("red") == [Reason.WORSENED]


def test_a_level_that_alternates_is_never_confirmed() -> None:
    story = Story(TWICE)

    for state in ("amber", "red", "amber", "red"):
        story.see(state)

    assert story.said == "pending"


def test_an_evaluation_in_the_present_level_starts_the_count_again() -> None:
    story = Story(TWICE)
    for state in ("amber", "amber", "red", "amber", "red"):
        story.see(state)

    assert story.said == "amber"
    assert story.see("red") == [Reason.WORSENED]


def test_na_other_than_done_or_gone_waits_for_confirmation() -> None:
    story = Story(TWICE)
    story.see("amber")
    story.see("amber")

    assert story.see("na", reason="out of scope") == []
    assert story.see("na", reason="out of scope") == [Reason.OUT_OF_SCOPE]


def test_done_closes_without_confirmation_and_without_a_new_reading() -> None:
    story = Story(TWICE)
    story.see("amber")
    story.see("amber")

    assert story.tick("na", reason="done", hours=1) == [Reason.ENTITY_DONE]


def test_confirmation_after_working_days() -> None:
    story = Story(a_rule(confirm_after=Span(3, "wd")))

    reasons = [story.see("amber") for _ in range(4)]  # Monday to Thursday

    assert reasons == [[Reason.PENDING], [], [], [Reason.OPENED]]


def test_confirmation_after_hours_needs_no_new_reading() -> None:
    story = Story(a_rule(confirm_after=Span(24, "h")))
    story.see("amber")

    assert story.tick("amber", hours=23) == []
    assert story.tick("amber", hours=1) == [Reason.OPENED]


def test_confirmation_after_hours_starts_again_after_another_level() -> None:
    story = Story(a_rule(confirm_after=Span(24, "h")))
    story.see("amber")
    story.tick("red", hours=20)

    assert story.tick("red", hours=20) == []
    assert story.tick("red", hours=4) == [Reason.OPENED]


# --- no data ------------------------------------------------------------------------------------------------------


def test_no_data_may_open_an_alert_at_once() -> None:
    story = Story(a_rule(no_data=NoData("red")))

    assert story.see("grey", reason="missing baseline_finish") == [Reason.OPENED]
    assert story.said == "red"


def test_no_data_says_why_it_is_an_alert() -> None:
    story = Story(a_rule(no_data=NoData("red", because="a key milestone needs a baseline")))
    story.see("grey", note="small sample: 1 of 4")

    assert story.transitions[-1].finding["note"] == "small sample: 1 of 4; a key milestone needs a baseline"


def test_no_data_may_open_an_alert_after_a_while() -> None:
    story = Story(a_rule(no_data=NoData("amber", Span(2, "wd"))))

    assert [story.see("grey") for _ in range(3)] == [[Reason.PENDING], [], [Reason.OPENED]]


def test_data_that_come_back_in_time_clear_what_waited() -> None:
    story = Story(a_rule(no_data=NoData("amber", Span(2, "wd"))))
    story.see("grey")

    assert story.see("green") == [Reason.CLEARED_UNCONFIRMED]
    assert story.see("grey") == [Reason.PENDING]


def test_no_data_worsens_an_open_alert_after_a_while() -> None:
    story = an_open("amber", no_data=NoData("red", Span(1, "wd")))

    assert story.see("grey") == [Reason.UNKNOWN]
    assert story.see("grey") == [Reason.KNOWN_AGAIN, Reason.WORSENED]


def test_no_data_never_improves_an_alert() -> None:
    story = an_open("red", no_data=NoData("amber"))

    assert story.see("grey") == [Reason.UNKNOWN]
    assert story.said == "red?"


def test_no_data_that_is_ignored_changes_nothing() -> None:
    story = an_open("red", no_data=NoData("ignore"))

    assert story.see("grey") == []
    assert story.said == "red"


def test_a_source_that_fails_is_no_missing_datum() -> None:
    story = Story(a_rule(no_data=NoData("red")))

    assert story.see("grey", outcome=Outcome.FAILED) == []
    assert story.said == "none"


# --- frozen -------------------------------------------------------------------------------------------------------


def test_a_failed_rule_freezes_its_alerts() -> None:
    story = an_open("red")
    before = story.alert

    assert story.cycle(Outcome.COMPLETE, [], findings_of("slip", failed="division by zero")) == []
    assert story.cycle(Outcome.COMPLETE, []) == []
    assert story.alert == before


def test_old_data_open_nothing() -> None:
    story = Story()

    assert story.see("red", outcome=Outcome.FAILED) == []
    assert story.said == "none"


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.HELD])
def test_a_source_that_fails_is_never_a_recovery(outcome: Outcome) -> None:
    story = an_open("red")

    for state in ("green", "na", "amber"):
        story.see(state, outcome=outcome)

    assert story.said == "red?"


# --- flapping -----------------------------------------------------------------------------------------------------


def test_an_alert_that_opens_and_closes_three_times_in_ten_evaluations_flaps() -> None:
    story = Story()

    for state in ("red", "green", "red", "green", "red"):
        story.see(state)
        assert not any(one.flapping for one in story.alerts.values())
    story.see("green")

    assert story.transitions[-1].alert.flapping
    assert story.see("red") == [Reason.OPENED]
    assert story.alert.flapping


def test_slow_turns_are_no_flapping() -> None:
    story = Story()

    for state in ("red", "red", "green", "green", "red", "red", "green", "green", "red", "red", "green"):
        story.see(state)

    assert not any(one.flapping for one in story.alerts.values())


def test_a_closed_alert_is_forgotten_after_ten_evaluations() -> None:
    story = Story()
    story.see("red")
    story.see("green")
    assert len(story.kept) == 1

    for _ in range(10):
        story.see("green")

    assert story.kept == []


def test_an_alert_that_stays_open_stops_flapping() -> None:
    story = Story()
    for state in ("red", "green") * 3:
        story.see(state)

    for _ in range(12):
        story.see("red")

    assert not story.alert.flapping


# --- what is stored -----------------------------------------------------------------------------------------------


def test_each_opening_is_an_alert_of_its_own() -> None:
    story = Story()
    for state in ("red", "green", "red"):
        story.see(state)

    assert len(story.alerts) == 2
    assert len({one.id for one in story.alerts.values()}) == 2


def test_a_transition_carries_value_evidence_reading_and_version() -> None:
    story = Story()
    story.see("amber", value=6.0, threshold="over 5 wd", limit=5.0)

    (opened,) = story.transitions

    assert (opened.rule_version, opened.who, opened.before) == ("v1", "engine", None)
    assert opened.finding["value"] == 6.0
    assert opened.finding["reading"] == 1
    assert opened.finding["evidence"] == {"baseline_finish": "2026-11-02"}


def test_an_alert_knows_its_subject_and_project() -> None:
    story = an_open("amber")

    alert = story.alert

    assert (alert.subject, alert.subject_id, alert.subject_name) == (SUBJECT, "M1", "Go-live")
    assert (alert.project, alert.project_code, alert.entity) == ("project:nov-01", "NOV-01", "milestone")


def test_an_alert_follows_the_name_of_its_subject() -> None:
    story = an_open("amber")
    story.row["name"] = "Mise en production"

    story.see("amber")

    assert story.alert.subject_name == "Mise en production"


def test_a_cycle_without_anything_new_stores_nothing() -> None:
    story = an_open("amber")
    before = dict(story.alerts)

    made = advance(
        story.kept,
        [findings_of("slip", a_finding(state="amber", value=12.0, reading=story.reading))],
        RuleSet({"slip": story.rule}),
        a_snapshot(
            story.now, {"task": [story.row], "project": [story.project]}, {"plans": a_source(reading=story.reading)}
        ),
    )

    assert (made.alerts, made.transitions) == ((), ())
    assert list(made.current) == list(before.values())


def test_green_findings_become_no_objects() -> None:
    rows = [a_finding(f"plans:task:{number}") for number in range(1000)]

    made = advance([], [findings_of("slip", *rows)], RuleSet({"slip": a_rule()}), a_snapshot())

    assert made.alerts == ()
