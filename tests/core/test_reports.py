"""Status reports that the organisation's rhythm makes due, come or not."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import governance
from rows import known, records
from snapshots import BE, catalogue, found

from pmo_watch.flow import Organisation, Snapshot
from pmo_watch.merge import Context, build_snapshot

TODAY = date(2026, 5, 13)
MONTHLY = Organisation(calendar="be", report_every="month", report_due="5 wd after period")
MEASURES = catalogue(*governance.pmo_watch_measures())


def seen(
    *reports: dict[str, Any], organisation: Organisation = MONTHLY, today: date = TODAY, **project: Any
) -> Snapshot:
    """Return what is known of one executing project and these reports of it."""
    rows = {"key": "1", "code": "P1", "name": "Counter", "state": "executing", **project}
    told = [{"key": f"{number}", "project": "P1", **one} for number, one in enumerate(reports)]
    accepted = known("sheet", records("project", rows), records("status_report", *told or [{"key": "x"}]))
    frames = dict(accepted.rows) if told else {"project": accepted.rows["project"]}
    context = Context(datetime.combine(today, time(12), UTC), today, {"be": BE}, organisation)
    return build_snapshot({"sheet": frames}, {"sheet": accepted.state}, context, {})


def due(snapshot: Snapshot) -> list[tuple[str, date | None, date | None]]:
    """Return period, due day and day of submission of the reports, in the order of their periods."""
    frame = snapshot.frame("status_report").sort("period", "submitted_on")
    return list(frame.select("period", "due_on", "submitted_on").iter_rows())


def test_report_that_did_not_come_is_due_five_working_days_after_its_month() -> None:
    snapshot = seen()

    assert due(snapshot) == [("2026-04", date(2026, 5, 8), None)]  # 1 May is a holiday
    (finding,) = found(MEASURES, snapshot, {"measure": "status_report.days_late"})
    assert finding.frame.select("value", "state").rows() == [(3, "red")]


def test_project_that_has_begun_owes_every_month_since() -> None:
    snapshot = seen(actual_start=date(2026, 2, 16))

    assert [period for period, _, _ in due(snapshot)] == ["2026-02", "2026-03", "2026-04"]


def test_project_of_unknown_start_owes_from_its_first_report_on() -> None:
    snapshot = seen({"period": "2026-02", "submitted_on": date(2026, 3, 6)})

    assert due(snapshot) == [
        ("2026-02", date(2026, 3, 6), date(2026, 3, 6)),
        ("2026-03", date(2026, 4, 8), None),
        ("2026-04", date(2026, 5, 8), None),
    ]


def test_no_more_than_a_year_is_owed() -> None:
    assert len(due(seen(actual_start=date(2020, 1, 6)))) == 12


@pytest.mark.parametrize(
    "project", [{"state": "closed"}, {"state": "on_hold"}, {"state": None}, {"actual_start": date(2026, 5, 4)}]
)
def test_project_that_does_not_deliver_or_has_only_begun_owes_nothing(project: dict[str, Any]) -> None:
    assert due(seen(**project)) == []


def test_report_keeps_its_identity_when_it_comes() -> None:
    before, after = seen(), seen({"period": "2026-04-30", "submitted_on": TODAY, "kind": "project"})

    assert before.frame("status_report")["uid"].to_list() == after.frame("status_report")["uid"].to_list()
    assert due(after) == [("2026-04-30", date(2026, 5, 8), TODAY)]


def test_own_due_day_stays_and_a_second_report_of_the_month_too() -> None:
    snapshot = seen(
        {"period": "2026-04", "submitted_on": date(2026, 5, 4), "due_on": date(2026, 5, 5)},
        {"period": "2026-04", "submitted_on": date(2026, 5, 6)},
    )

    assert due(snapshot) == [
        ("2026-04", date(2026, 5, 5), date(2026, 5, 4)),
        ("2026-04", date(2026, 5, 8), date(2026, 5, 6)),
    ]
    assert snapshot.frame("status_report")["uid"].n_unique() == 2


def test_contractors_report_does_not_stand_for_the_projects() -> None:
    snapshot = seen({"period": "2026-04", "kind": "contractor"})

    rows = snapshot.frame("status_report").sort("kind").select("kind", "due_on").rows()
    assert rows == [("contractor", date(2026, 5, 8)), ("project", date(2026, 5, 8))]


def test_period_that_there_is_not_stays_without_a_due_day() -> None:
    snapshot = seen({"period": "last spring", "submitted_on": TODAY})

    assert ("last spring", None, TODAY) in due(snapshot)


def test_weekly_report_is_owed_from_its_hour_of_the_week_on() -> None:
    weekly = replace(MONTHLY, report_every="week", report_due="monday 12:00")

    assert [period for period, _, _ in due(seen(organisation=weekly))] == ["2026-W20"]


def test_without_a_rhythm_only_announced_reports_are_known() -> None:
    silent = replace(MONTHLY, report_every=None)

    assert due(seen(organisation=silent)) == []
    assert due(seen({"period": "2026-04"}, organisation=silent)) == [("2026-04", None, None)]


def test_expected_report_is_as_usable_as_its_project() -> None:
    frame = seen().frame("status_report")

    assert frame.select("source", "@usable", "@reading", "project").rows() == [("sheet", True, 1, "project:p1")]
    assert frame.schema["due_on"] == pl.Date
