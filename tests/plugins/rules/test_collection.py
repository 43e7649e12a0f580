"""What is collected late: the vectors Q-01 to Q-06, Q-09 and Q-10 of spec measures 4.9, and who is usually in time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pmo_watch_plugins.rules import collection
from pydantic import ValidationError
from snapshots import BE, Row, catalogue, finding, found, snapshot, states

from pmo_watch.figures import cut_off_of, due_on
from pmo_watch.flow import Organisation
from pmo_watch.workdays import Calendar

MEASURES = catalogue(*collection.pmo_watch_measures())


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def delivery(due: str, received: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return an expected delivery of the indicator k for the project P1."""
    usual = {"indicator": "indicator:k", "scope": "project:p1", "project": "project:p1", "period": "2026-W18"}
    return {**usual, "due_on": day(due), "received_on": day(received) if received else None, **fields}


# --- an indicator that is late ------------------------------------------------------------------------------------


def late(today: str, due: str, received: str | None = None, **params: Any) -> dict[str, Any]:
    """Return the finding on one expected delivery."""
    known = snapshot(day(today), submission=[delivery(due, received)])
    return finding(MEASURES, known, {"measure": "submission.days_late", **({"with": params} if params else {})})


def test_a_cut_off_on_a_day_off_moves_to_the_working_day_before_q01() -> None:
    moment = cut_off_of("2026-W18", "friday 12:00", BE, ZoneInfo("Europe/Brussels"))

    assert moment.date() == day("05-01")
    assert due_on(moment, BE) == day("04-30")


@pytest.mark.parametrize(
    ("today", "received", "value", "state"),
    [
        pytest.param("05-06", "05-04", 1, "amber", id="Q-02"),
        pytest.param("05-06", None, 3, "red", id="Q-03"),
        pytest.param("05-06", "04-30", 0, "green", id="Q-04"),
        ("04-29", None, 0, "green"),
        pytest.param("04-29", "05-06", 0, "green", id="a list that knows already when it will come"),
    ],
)
def test_days_late(today: str, received: str | None, value: int, state: str) -> None:
    found = late(today, "04-30", received)

    assert (found["value"], found["state"]) == (value, state)


def test_older_periods_are_history() -> None:
    due = ("04-17", "04-24", "04-30", "05-08")
    rows = [delivery(one, uid=f"submission|{number}") for number, one in enumerate(due)]
    known = snapshot(day("05-06"), submission=rows)

    frame = found(MEASURES, known, {"measure": "submission.days_late"})[0].frame.sort("uid")

    assert frame["state"].to_list() == ["na", "red", "red", "green"]
    assert frame["reason"].to_list()[0] == "not in window"


def test_a_contractors_report_is_late_in_the_contractors_calendar() -> None:
    lu = Calendar("lu")  # the first of May is worked there
    people = [{"uid": "person:ann", "calendar": "lu"}]
    report = {"period": "2026-W18", "due_on": day("04-30"), "kind": "contractor"}
    reports = [
        {**report, "submitted_on": day("05-04"), "author": "person:ann"},
        {**report, "submitted_on": day("05-04")},
        report,
        {**report, "due_on": day("05-12")},
        {**report, "due_on": None},
        {**report, "kind": "project"},
        {**report, "kind": None},
    ]
    known = snapshot(day("05-08"), calendars=(BE, lu), person=people, status_report=reports)

    (one,) = found(MEASURES, known, {"measure": "status_report.contractor_days_late"})

    assert one.frame.select("value", "state", "reason").rows() == [
        (2, "amber", None),
        (1, "amber", None),
        (5, "red", None),
        (0, "green", None),
        (None, "grey", "missing status_report.due_on"),
        (5, "na", "out of scope"),
        (5, "na", "out of scope"),
    ]


# --- who is usually in time ---------------------------------------------------------------------------------------

PERSONS = [{"uid": f"person:{name}", "name": name, "email": f"{name}@example.org"} for name in ("ann", "bob", "cem")]


def rated(for_each: str, rows: Sequence[Row], today: str = "05-13", **params: Any) -> list[tuple[Any, ...]]:
    known = snapshot(
        day(today), organisation=Organisation(calendar="be"), program=[{"id": "A"}], person=PERSONS, submission=rows
    )
    rule = {"for_each": for_each, "measure": "person.submission_rate", **({"with": params} if params else {})}
    frame = found(MEASURES, known, rule)[0].frame
    return frame.select("value", "numerator", "denominator", "state", "note", "reason").rows()


def series(number: int, late: int, **fields: Any) -> list[dict[str, Any]]:
    """Return as many deliveries due on different days, the first of them late or not come at all."""
    due = [day(f"0{3 + one // 28}-{one % 28 + 1:02}") for one in range(number)]
    came = [None if one % 2 else due[-1].replace(day=31) for one in range(late)] + due[late:]
    return [
        {**delivery("05-01"), "due_on": asked, "received_on": got, "provider": "person:ann", **fields}
        for asked, got in zip(due, came, strict=True)
    ]


def test_the_share_of_deliveries_that_came_in_time_q05() -> None:
    rows = [one for number in range(5) for one in series(4, 2 if number == 0 else 0, indicator=f"indicator:{number}")]

    assert rated("person", rows) == [(90, 18, 20, "amber", None, None)]


@pytest.mark.parametrize(
    ("number", "missed", "state"),
    [(8, 0, "green"), (7, 1, "amber"), (8, 2, "red")],
    ids=["all", "under 95 %", "under 80 %"],
)
def test_a_rate_is_judged(number: int, missed: int, state: str) -> None:
    assert rated("person", series(number, missed))[0][3] == state


def test_few_deliveries_are_amber_at_worst() -> None:
    assert rated("person", series(4, 4)) == [(0, 0, 4, "amber", "small sample: 0 of 4", None)]
    assert rated("person", series(4, 4), min_sample=0)[0][3] == "red"


def test_only_the_last_periods_of_each_series_count_and_only_closed_ones() -> None:
    rows = [*series(12, 4), delivery("05-13", provider="person:ann"), delivery("05-20", provider="person:ann")]

    assert rated("person", rows)[0][:3] == (100, 8, 8), "what is due today may still come in time"
    assert rated("person", rows, over="12 periods")[0][:3] == (pytest.approx(66.666667), 8, 12)


def test_deliveries_of_others_do_not_count() -> None:
    rows = [*series(5, 0), *series(5, 5, provider="person:bob", indicator="indicator:b"), *series(5, 0, provider=None)]

    assert [one[0] for one in rated("person", rows)] == [100, 0]


def test_nobody_is_blamed_for_what_is_not_due_yet() -> None:
    assert rated("person", [delivery("05-20", provider="person:ann")])[0][3:] == ("na", None, "nothing due yet")


def test_a_programme_pools_what_is_expected_of_its_projects() -> None:
    inside = {"program": "plans:program:1"}
    rows = [*series(5, 5, **inside), *series(15, 0, provider="person:bob", indicator="indicator:b", **inside)]

    assert rated("program", rows)[0][:4] == (pytest.approx(61.538462), 8, 13, "red")


def test_a_person_is_shown_beside_the_programme() -> None:
    inside = {"program": "plans:program:1"}
    rows = [*series(5, 5, **inside), *series(5, 0, provider="person:bob", indicator="indicator:b", **inside)]
    known = snapshot(day("05-13"), program=[{"id": "A"}], person=PERSONS, submission=rows)
    rule = {
        "measure": "person.submission_rate",
        "red": "under 80 %",
        "only_if": {"program.submission_rate": "over 40 %"},
    }

    assert states(found(MEASURES, known, rule)[0]) == ["red", "green"]


@pytest.mark.parametrize("wrong", ["0 periods", "13 periods", "8", 8])
def test_more_periods_than_are_known_cannot_be_asked_for(wrong: object) -> None:
    for name, parameter in (("person.submission_rate", "over"), ("submission.days_late", "keep")):
        with pytest.raises(ValidationError):
            MEASURES[name].params.model_validate({parameter: wrong})


# --- age ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "value", "state"),
    [("03-09", 7, "green"), ("03-10", 8, "amber"), ("03-17", 15, "red")],
    ids=str,
)
def test_data_age_q06(today: str, value: int, state: str) -> None:
    known = snapshot(day(today), project=[{"code": "P1", "declared_on": day("03-02")}])

    found = finding(MEASURES, known, {"measure": "project.data_age"})

    assert (found["value"], found["state"]) == (value, state)
    assert found["evidence"].get("newest_of", "declared_rag") == "declared_rag"


def test_the_newest_of_all_kinds_counts() -> None:
    known = snapshot(
        day("03-17"),
        project=[{"code": "P1", "declared_on": day("03-02"), "updated_at": datetime(2026, 3, 15, 23, 30, tzinfo=UTC)}],
        observation=[{"indicator": "indicator:k", "scope": "project:p1", "period": "2026-W10", "value": 1,
                      "submitted_on": day("03-09")}],
    )  # fmt: skip

    found = finding(MEASURES, known, {"measure": "project.data_age"})

    assert found["value"] == 1, "half past eleven in the evening in UTC is the next day in Brussels"


def test_only_the_kinds_that_are_asked_for_count() -> None:
    known = snapshot(
        day("03-17"),
        project=[{"code": "P1", "declared_on": day("03-16")}],
        status_report=[{"period": "2026-W10", "submitted_on": day("03-06")}],
    )

    every, reports = (
        finding(MEASURES, known, {"measure": "project.data_age", "with": given})["value"]
        for given in ({}, {"of": ["status_report", "plan"]})
    )

    assert (every, reports) == (1, 11)


def test_a_project_nobody_ever_reported_is_grey() -> None:
    found = finding(MEASURES, snapshot(), {"measure": "project.data_age"})

    assert (found["state"], found["reason"]) == ("grey", "missing observation.submitted_on")


BRUSSELS = ZoneInfo("Europe/Brussels")


def at(text: str) -> datetime:
    """Return a moment of 2026 by the clock in Brussels."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=BRUSSELS)


def synced(read: str, now: str) -> dict[str, Any]:
    """Return the finding on one source; moments are by the clock in Brussels, none is never."""
    source = {"uid": "source:plans", "id": "plans", "last_good_read": at(read) if read else None, "last_error": "gone"}
    known = replace(snapshot(at(now).date(), source=[source]), now=at(now).astimezone(UTC))
    return finding(MEASURES, known, {"measure": "source.sync_age"})


@pytest.mark.parametrize(
    ("read", "now", "value", "state"),
    [
        pytest.param("05-08 18:00", "05-11 08:00", 14, "green", id="Q-09 Friday evening to Monday morning"),
        pytest.param("07-20 12:00", "07-22 12:00", 24, "green", id="Q-10 over a holiday"),
        pytest.param("07-20 12:00", "07-22 12:30", 24.5, "amber", id="half an hour more"),
        pytest.param("05-11 13:59", "05-13 14:00", pytest.approx(48.016667), "red", id="two days and a minute"),
        pytest.param("05-09 10:00", "05-10 20:00", 0, "green", id="over a week-end nothing counts"),
        pytest.param("05-09 10:00", "05-11 08:00", 8, "green", id="read on a Saturday"),
        pytest.param("03-27 12:00", "03-30 12:00", 24, "green", id="the night in which clocks go forward"),
        pytest.param("05-13 12:00", "05-13 12:00", 0, "green", id="just read"),
        pytest.param("05-13 15:00", "05-13 12:00", 0, "green", id="a clock that was set back"),
        pytest.param("", "05-13 12:00", None, "grey", id="never read"),
    ],
)
def test_hours_since_a_source_was_read_whole(read: str, now: str, value: float | None, state: str) -> None:
    one = synced(read, now)

    assert (one["value"], one["state"]) == (value, state)
    assert one["reason"] == (None if read else "missing source.last_good_read")


def test_a_source_that_was_not_read_shows_when_it_was_and_why_not() -> None:
    shown = synced("05-08 18:00", "05-13 12:00")["evidence"]

    assert shown == {"last_read": "2026-05-08 18:00", "last_error": "gone"}


def test_what_became_of_the_others_is_shown() -> None:
    known = snapshot(day("05-13"), person=PERSONS, submission=series(8, 3))

    shown = finding(MEASURES, known, {"measure": "person.submission_rate"})["evidence"]

    assert (shown["received_late"], shown["not_received"]) == ("2", "1")
