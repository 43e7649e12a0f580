"""A person's word on an alert, and what stands in its way."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from factories import MONDAY, Story, a_rule

from pmo_watch.acknowledgements import Wanted, acknowledge
from pmo_watch.alerts import Alert, Reason
from pmo_watch.errors import ConfigError
from pmo_watch.rules import Span

TODAY = MONDAY.date()


def an_open_alert() -> Alert:
    """Return an alert that opened today."""
    story = Story()
    story.see("amber")
    return story.alert


def test_acknowledging_keeps_the_state_and_says_who_and_why() -> None:
    alert = an_open_alert()

    done = acknowledge(alert, Wanted(date(2026, 11, 23), "m.rossi@example.org", " new date agreed "), MONDAY, TODAY)

    assert done is not None
    assert (done.reason, done.who, done.before) == (Reason.ACKNOWLEDGED, "m.rossi@example.org", alert)
    assert done.alert.level == "amber"
    assert done.alert.acknowledged_until == date(2026, 11, 23)
    assert done.alert.acknowledged_reason == "new date agreed"


def test_acknowledging_twice_with_the_same_values_changes_nothing() -> None:
    once = acknowledge(an_open_alert(), Wanted(date(2026, 11, 23), "m.rossi", "new date agreed"), MONDAY, TODAY)
    assert once is not None

    tomorrow = MONDAY + timedelta(days=1)

    assert (
        acknowledge(once.alert, Wanted(date(2026, 11, 23), "m.rossi", "new date agreed"), tomorrow, tomorrow.date())
        is None
    )
    assert acknowledge(once.alert, Wanted(date(2026, 11, 24), "m.rossi", "new date agreed"), tomorrow, tomorrow.date())


@pytest.mark.parametrize(
    ("until", "who", "reason", "says"),
    [
        (date(2026, 11, 15), "x", "because", "until: 2026-11-15 is past, give today or a later day"),
        (
            date(2027, 2, 15),
            "x",
            "because",
            "until: 2027-02-15 is more than 90 days ahead, give 2027-02-14 or an earlier day",
        ),
        (TODAY, "x", "no", "reason: give 3 to 500 characters that say why"),
        (TODAY, " ", "because", "who: say who acknowledges"),
    ],
)
def test_what_is_missing_is_named(until: date, who: str, reason: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        acknowledge(an_open_alert(), Wanted(until, who, reason), MONDAY, TODAY)

    assert str(refused.value) == says


def test_a_promise_stays_until_another_date_is_given() -> None:
    promised = Wanted(date(2026, 11, 23), "m.rossi", "new date agreed", new_date=date(2027, 2, 20))
    first = acknowledge(an_open_alert(), promised, MONDAY, TODAY)
    assert first is not None
    again = acknowledge(first.alert, Wanted(date(2026, 11, 24), "ann", "seen"), MONDAY, TODAY)
    assert again is not None
    moved = acknowledge(again.alert, replace(promised, new_date=date(2027, 3, 1), who="ann"), MONDAY, TODAY)
    assert moved is not None

    each = [(one.alert.new_date, one.alert.new_date_by) for one in (first, again, moved)]
    assert each == [(date(2027, 2, 20), "m.rossi"), (date(2027, 2, 20), "m.rossi"), (date(2027, 3, 1), "ann")]


def test_a_closed_or_pending_alert_cannot_be_acknowledged() -> None:
    story = Story()
    story.see("red")
    story.see("green")
    (closed,) = story.alerts.values()
    waiting = Story(a_rule(confirm_after=Span(2, "evaluations")))
    waiting.see("red")

    with pytest.raises(ConfigError, match=r"was closed on 2026-11-17 \(recovered\): nothing to acknowledge"):
        acknowledge(closed, Wanted(TODAY, "x", "because"), MONDAY, TODAY)
    with pytest.raises(ConfigError, match="is pending, nobody was told yet"):
        acknowledge(waiting.alert, Wanted(TODAY, "x", "because"), MONDAY, TODAY)
