"""A source that fails for too long raises an alert of its own, and ends it when it is read again."""

from datetime import datetime, timedelta

from factories import MONDAY, a_snapshot, a_source

from pmo_watch.advance import advance
from pmo_watch.alerts import Alert, Reason
from pmo_watch.flow import Outcome, SourceState
from pmo_watch.own_rules import FILES, own_findings, with_own_rules
from pmo_watch.rules import Rule, RuleSet, Span

GOOD = a_source(last_good=MONDAY)
FAILED = a_source(
    outcome=Outcome.FAILED, failing_since=MONDAY, last_good=MONDAY, error="connection refused", failures=3
)


def states(source: SourceState, now: datetime, **grace: Span) -> list[str]:
    """Return the findings' states at that moment."""
    snapshot = a_snapshot(now, sources={source.name: source})
    return own_findings(snapshot, grace)[0].frame["state"].to_list()


def reasons(source: SourceState, now: datetime, alerts: list[Alert]) -> list[Reason]:
    """Run a cycle with this source, and keep what it leaves in `alerts`."""
    snapshot = a_snapshot(now, sources={source.name: source})
    made = advance(alerts, own_findings(snapshot, {}), with_own_rules(RuleSet()), snapshot)
    alerts[:] = made.current
    return [one.reason for one in made.transitions]


def test_a_polled_source_may_fail_four_hours() -> None:
    assert states(FAILED, MONDAY + timedelta(hours=3, minutes=59)) == ["green"]
    assert states(FAILED, MONDAY + timedelta(hours=4)) == ["red"]


def test_files_may_fail_one_working_day() -> None:
    assert states(FAILED, MONDAY + timedelta(hours=12), plans=FILES) == ["green"]
    assert states(FAILED, MONDAY + timedelta(days=1), plans=FILES) == ["red"]


def test_its_alert_opens_once_and_closes_when_the_source_is_read_again() -> None:
    alerts: list[Alert] = []

    assert reasons(FAILED, MONDAY + timedelta(hours=1), alerts) == []
    assert reasons(FAILED, MONDAY + timedelta(hours=5), alerts) == [Reason.OPENED]
    assert (alerts[0].subject, alerts[0].value) == ("source:plans", 5.0)
    assert reasons(FAILED, MONDAY + timedelta(hours=6), alerts) == []
    again = a_source(last_good=MONDAY + timedelta(hours=7))
    assert reasons(again, MONDAY + timedelta(hours=7), alerts) == [Reason.RECOVERED]


def test_a_held_reading_is_neither_a_failure_nor_a_recovery() -> None:
    alerts: list[Alert] = []
    held = a_source(outcome=Outcome.HELD, failing_since=MONDAY, last_good=MONDAY, held="half of the rows are gone")

    assert states(held, MONDAY + timedelta(days=9)) == ["green"]
    reasons(FAILED, MONDAY + timedelta(hours=5), alerts)
    assert reasons(held, MONDAY + timedelta(days=1), alerts) == []


def test_the_evidence_names_the_error_and_since_when() -> None:
    snapshot = a_snapshot(MONDAY + timedelta(hours=5), sources={"plans": FAILED, "sheet": a_source("sheet")})

    (found,) = own_findings(snapshot, {})

    assert found.evidence(["source:plans", "source:sheet"]).to_dicts() == [
        {
            "uid": "source:plans",
            "error": "connection refused",
            "failing_since": "2026-11-16 10:00",
            "last_good_read": "2026-11-16 10:00",
            "failures": "3",
        }
    ]


def test_a_rule_file_may_replace_a_built_in_rule() -> None:
    own = Rule(id="source-failing", name={"en": "Ours"}, for_each="source", measures=())

    assert with_own_rules(RuleSet({own.id: own})).rules["source-failing"] is own
