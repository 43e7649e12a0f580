"""What projects owe and have not delivered."""

from datetime import date
from typing import Any

from factories import a_snapshot

from pmo_watch.owing import Missing, missing

DUE = {"W45": date(2026, 11, 6), "W46": date(2026, 11, 13), "W47": date(2026, 11, 20)}


def a_submission(period: str, received: date | None = None, **parts: Any) -> dict[str, Any]:
    """Return an expected value of the project's only indicator; it is Monday of week 47."""
    uid = f"submission|i:calls|project:a|2026-{period}"
    row = {"uid": uid, "indicator": "i:calls", "scope": "project:a", "project": "project:a", "period": f"2026-{period}"}
    return {**row, "provider": "person:p", "due_on": DUE[period], "received_on": received, **parts}


def a_report(period: str, submitted: date | None = None, **parts: Any) -> dict[str, Any]:
    uid = f"status_report|project:a|{period}"
    row = {"uid": uid, "project": "project:a", "period": period, "kind": "project", "due_on": date(2026, 11, 6)}
    return {**row, "submitted_on": submitted, **parts}


def found(**rows: list[dict[str, Any]]) -> tuple[Missing, ...]:
    return missing(a_snapshot(rows=rows))


def test_a_series_is_told_once_with_its_last_period_the_first_day_and_how_many_are_missing() -> None:
    rows = [a_submission("W45"), a_submission("W46"), a_submission("W47")]

    (only,) = found(submission=rows)

    assert only == Missing("submission", rows[1]["uid"], "2026-W46", DUE["W45"], 2, "person:p")


def test_what_was_due_before_anything_of_a_series_came_is_not_asked_for_any_more() -> None:
    assert found(submission=[a_submission("W45"), a_submission("W46", received=date(2026, 11, 14))]) == ()


def test_a_status_report_is_owed_by_the_project_and_never_by_a_contractor() -> None:
    rows = [a_report("2026-10"), a_report("2026-09", submitted=date(2026, 10, 5), uid="r9")]
    other = a_report("2026-10", uid="c", kind="contractor")

    assert [(one.kind, one.period) for one in found(status_report=[*rows, other])] == [("status_report", "2026-10")]


def test_what_is_due_today_is_not_late_and_a_source_that_failed_says_nothing() -> None:
    today = a_submission("W46", due_on=date(2026, 11, 16))

    assert found(submission=[today]) == ()
    assert found(submission=[{**a_submission("W45"), "@usable": False}]) == ()
    assert found() == ()
