"""Dynamics 365 and Dataverse: what its rows become."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from environment import Installation, baseline, environment, new_certificate, project, resource, task, user
from pmo_watch_plugins.sources.dynamics import DYNAMICS

from pmo_watch.flow import Outcome
from pmo_watch.testing import check_source


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def there(tmp_path: Path, certificate: Path) -> Iterator[Installation]:
    with environment(tmp_path, certificate) as found:
        yield found


def reasons(there: Installation) -> list[str]:
    return [f"{one.field} {one.value}: {one.reason}" for one in there.look().summary.rejected]


def test_a_project_has_dates_effort_cost_and_its_declared_colour(there: Installation) -> None:
    rows = there.site.rows
    euro = rows.add("transactioncurrency", currencyname="Euro", isocurrencycode="EUR")
    leader = user(there.site)
    program = rows.add("msdyn_projectprogram", msdyn_name="NOVA")
    project(
        there.site,
        msdyn_projectmanager=leader,
        msdyn_program=program,
        transactioncurrencyid=euro,
        msdyn_effort=1200.0,
        msdyn_effortcompleted=540.5,
        msdyn_totalplannedcost=125000.0,
        msdyn_totalactualcost=61200.5,
        msdyn_overallprojectstatus=2,
        msdyn_statusupdatedon="2026-11-19T23:30:00Z",
        msdyn_comments="Waits for the supplier.",
        msdyn_hoursperday=7.6,
    )

    there.read()

    found = there.row("project", "Apollo")
    assert found["forecast_start"] == date(2026, 1, 5)
    assert found["forecast_finish"] == date(2026, 6, 30)
    assert found["progress"] == Decimal(45)
    assert (found["effort_planned"], found["effort_actual"]) == (Decimal(1200), Decimal("540.5"))
    assert (found["planned_cost"], found["actual_cost"]) == (Decimal(125000), Decimal("61200.5"))
    assert found["currency"] == "EUR"
    assert (found["declared_rag"], found["declared_on"]) == ("amber", date(2026, 11, 20))
    assert found["declared_comment"] == "Waits for the supplier."
    assert found["minutes_per_day"] == 456
    assert there.row("person", "Zoë Müller")["key"] == found["leader"]
    assert there.row("program", "NOVA")["key"] == found["program"]
    assert there.state.as_of == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [(0, 1, None), (1, 2, "closed"), (0, 192350000, "closed"), (1, 192350000, "closed")],
    ids=["active", "inactive", "closed by reason", "closed"],
)
def test_only_closed_is_a_state_that_the_product_knows(
    there: Installation, state: int, reason: int, expected: str | None
) -> None:
    project(there.site, statecode=state, statuscode=reason)

    there.read()

    assert there.row("project", "Apollo").get("state") == expected


def test_a_project_that_is_being_copied_is_none_yet(there: Installation) -> None:
    task(there.site, project(there.site, "Copy", statuscode=192350001))
    project(there.site)

    there.read()

    assert there.names("project") == ["Apollo"]
    assert there.rows("task") == []


def test_a_reason_of_the_settings_is_a_state(there: Installation) -> None:
    there.settings["maps"] = {"project.state": {192350020: "on_hold"}}
    project(there.site, statuscode=192350020)
    project(there.site, "Boreas", statuscode=192350021)

    reported = reasons(there)
    there.read()

    assert there.row("project", "Apollo")["state"] == "on_hold"
    assert reported == ["statuscode 192350021: not known: 'maps: {project.state: {192350021: ...}}' says what it means"]


def test_a_task_knows_its_place_and_its_baseline(there: Installation) -> None:
    apollo = project(there.site, msdyn_hoursperday=7.0)
    above = task(there.site, apollo, "Phase 1", msdyn_outlinelevel=1, msdyn_displaysequence=1.0)
    below = task(
        there.site,
        apollo,
        msdyn_parenttask=above,
        msdyn_outlinelevel=2,
        msdyn_displaysequence=2.0,
        msdyn_wbsid="1.1",
        msdyn_effort=40.0,
        msdyn_priority=3,
        msdyn_iscritical=True,
        msdyn_plannedcost=2400.0,
    )
    span = ("2026-01-05T07:00:00Z", "2026-01-07T16:00:00Z")
    baseline(there.site, apollo, **{above: span, below: span})

    there.read()

    found = there.row("task", "Design")
    assert (found["project"], found["parent"]) == (apollo, above)
    assert (found["outline_level"], found["position"], found["wbs"]) == (2, 2, "1.1")
    assert found["duration"] == 5 * 7 * 60
    assert (found["baseline_start"], found["baseline_finish"]) == (date(2026, 1, 5), date(2026, 1, 7))
    assert (found["baseline_duration"], found["baseline_work"]) == (5 * 7 * 60, Decimal(40))
    assert (found["priority"], found["critical"], found["active"]) == (4, True, True)
    assert (found["work"], found["cost"]) == (Decimal(40), Decimal(2400))
    assert found["url"] == f"{there.site.url}/main.aspx?pagetype=entityrecord&etn=msdyn_projecttask&id={below}"
    of_project = there.row("project", "Apollo")
    assert of_project["effort_baseline"] == Decimal(40), "a row with rows below it is counted once"
    assert (of_project["baseline_start"], of_project["baseline_finish"]) == (date(2026, 1, 5), date(2026, 1, 7))
    assert of_project["baseline_set_on"] == date(2026, 11, 20)


def test_the_rows_of_a_baseline_have_pages_of_their_own(there: Installation) -> None:
    there.settings["page_size"] = 2
    apollo = project(there.site)
    span = ("2026-01-05T07:00:00Z", "2026-01-07T16:00:00Z")
    baseline(there.site, apollo, **{task(there.site, apollo, f"Task {number}"): span for number in range(7)})

    there.read()

    assert [row["baseline_finish"] for row in there.rows("task")] == [date(2026, 1, 7)] * 7


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"msdyn_finish": "2026-06-30T16:00:00Z"}, date(2026, 6, 30)),
        ({"msdyn_finish": "2026-01-04T23:00:00Z"}, date(2026, 1, 5)),  # midnight in Brussels, of a date-only column
        ({"msdyn_finish": "2026-01-12T07:00:00Z"}, date(2026, 1, 9)),  # 08:00 on Monday: the Friday before
        ({"msdyn_finish": "2026-01-12T07:00:00Z", "msdyn_ismilestone": True}, date(2026, 1, 12)),
        ({"msdyn_finish": "2026-01-12T07:00:00Z", "msdyn_duration": 0.0}, date(2026, 1, 12)),
        ({"msdyn_finish": None, "msdyn_scheduledend": "2026-02-27T16:00:00Z"}, date(2026, 2, 27)),
        ({"msdyn_finish": "2000-01-01T00:00:00Z"}, None),
    ],
    ids=["summer", "date only", "early", "milestone", "no duration", "older column", "placeholder"],
)
def test_a_finish_is_the_day_that_people_see(
    there: Installation, values: dict[str, Any], expected: date | None
) -> None:
    task(there.site, project(there.site), **values)

    there.read()

    assert there.row("task", "Design").get("forecast_finish") == expected


def test_a_start_at_the_end_of_a_day_is_the_next_working_day(there: Installation) -> None:
    task(there.site, project(there.site), msdyn_start="2026-01-09T16:00:00Z", msdyn_finish="2026-01-16T16:00:00Z")

    there.read()

    assert there.row("task", "Design")["forecast_start"] == date(2026, 1, 12)


def test_wall_clocks_stand_in_where_the_instant_is_missing(there: Installation) -> None:
    project(
        there.site,
        msdyn_scheduledstart=None,
        msdyn_tzascheduledstart="2026-01-05T23:30:00Z",
        msdyn_finish=None,
        msdyn_tzafinish="2026-06-30T23:30:00Z",
    )

    there.read()

    found = there.row("project", "Apollo")
    assert found["forecast_start"] == date(2026, 1, 6), "17:00 or later: the next working day"
    assert found["forecast_finish"] == date(2026, 6, 30)


def test_the_zone_of_the_settings_decides_the_day(there: Installation) -> None:
    there.settings["zone"] = "America/New_York"
    task(there.site, project(there.site), msdyn_finish="2026-01-10T02:00:00Z")

    there.read()

    assert there.row("task", "Design")["forecast_finish"] == date(2026, 1, 9)


def test_a_placeholder_among_dates_of_its_time_is_a_date(there: Installation) -> None:
    project(there.site, msdyn_scheduledstart="2000-01-01T00:00:00Z", msdyn_finish="2000-03-01T16:00:00Z")

    there.read()

    assert there.row("project", "Apollo")["forecast_start"] == date(2000, 1, 1)


def test_progress_says_when_a_task_began_and_ended(there: Installation) -> None:
    apollo = project(there.site)
    task(there.site, apollo, "Done", msdyn_progress=1.0)
    task(there.site, apollo, "Begun", msdyn_progress=0.5)
    task(there.site, apollo, "Waiting", msdyn_progress=0)
    task(there.site, apollo, "Unknown", msdyn_progress=None)

    there.read()

    found = {row["name"]: row for row in there.rows("task")}
    assert found["Done"]["actual_start"] == date(2026, 1, 5)
    assert (found["Done"]["actual_finish"], found["Done"]["done"]) == (date(2026, 1, 9), True)
    assert "actual_finish" not in found["Begun"]
    assert (found["Begun"]["progress"], found["Begun"]["done"]) == (Decimal(50), False)
    assert "actual_start" not in found["Waiting"]
    assert not {"progress", "done", "actual_start"} & found["Unknown"].keys(), "unknown is not 0"


def test_percent_is_read_as_percent_where_the_settings_say_so(there: Installation) -> None:
    there.settings["progress_scale"] = "percent"
    task(there.site, project(there.site, msdyn_progress=45.5), msdyn_progress=1.0)

    there.read()

    assert there.row("project", "Apollo")["progress"] == Decimal("45.5")
    assert there.row("task", "Design")["progress"] == Decimal(1)


def test_a_share_above_its_scale_fails_the_reading(there: Installation) -> None:
    task(there.site, project(there.site), msdyn_progress=45.0)

    reading = there.look()

    assert reading.outcome is Outcome.FAILED
    assert reading.error == (
        "msdyn_projecttask.msdyn_progress holds 45, above 1, with 'progress_scale: fraction'; "
        "set 'progress_scale: percent'"
    )


def test_duration_in_hours_where_the_settings_say_so(there: Installation) -> None:
    there.settings["duration_unit"] = "hours"
    task(there.site, project(there.site), msdyn_duration=12.5)

    there.read()

    assert there.row("task", "Design")["duration"] == 750


def test_links_have_type_and_lag_and_lead_out_of_their_plan(there: Installation) -> None:
    apollo, boreas = project(there.site), project(there.site, "Boreas")
    first, second, other = task(there.site, apollo, "A"), task(there.site, apollo, "B"), task(there.site, boreas, "C")
    for before, after, kind, lag in (
        (first, second, 1, 144000),
        (first, other, 3, -28800),
        (second, other, None, None),
    ):
        there.site.rows.add(
            "msdyn_projecttaskdependency",
            msdyn_project=apollo,
            msdyn_predecessortask=before,
            msdyn_successortask=after,
            msdyn_projecttaskdependencylinktype=kind,
            msdyn_projecttaskdependencylinklaginseconds=lag,
        )

    there.read()

    found = {(row["predecessor"], row["successor"]): row for row in there.rows("dependency")}
    assert (found[first, second]["type"], found[first, second]["lag"]) == ("fs", 2400)
    assert found[first, second]["external"] is False
    assert (found[first, other]["type"], found[first, other]["lag"]) == ("ss", -480)
    assert (found[first, other]["external"], found[first, other]["project"]) == (True, boreas)
    assert not {"type", "lag"} & found[second, other].keys()


def test_the_only_person_assigned_owns_the_task(there: Installation) -> None:
    apollo = project(there.site)
    alone, shared = task(there.site, apollo, "Alone"), task(there.site, apollo, "Shared")
    ann, bob = resource(there.site, "Ann"), resource(there.site, "Bob")
    contour = '[{"Start": "\\/Date(1767600000000)\\/", "End": "\\/Date(1767628800000)\\/", "Hours": 8}]'
    for of, who in ((alone, ann), (shared, ann), (shared, bob)):
        there.site.rows.add(
            "msdyn_resourceassignment",
            msdyn_taskid=of,
            msdyn_projectid=apollo,
            msdyn_bookableresourceid=who,
            msdyn_effort=8.0,
            msdyn_plannedwork=contour if of == alone else "none",
        )

    there.read()

    assert there.row("task", "Alone")["owner"] == ann
    assert "owner" not in there.row("task", "Shared")
    weekly = {row["task"]: row.get("weekly") for row in there.rows("assignment")}
    assert weekly == {alone: ["2026-W02=8"], shared: None}


def test_resources_that_are_nobody_are_no_persons(there: Installation) -> None:
    project(there.site)
    account = there.site.rows.add("account", name="Contoso")
    login = user(there.site, "Ann Example", "Ann@Example.org")
    resource(there.site, "Ann", userid=login)
    resource(there.site, "Firm", resourcetype=5, accountid=account, msdyn_primaryemail="firm@example.com")
    resource(there.site, "Developer", resourcetype=1)
    resource(there.site, "Crane", resourcetype=4)

    there.read()

    assert there.names("person") == ["Ann", "Ann Example", "Firm"]
    assert there.row("person", "Ann")["email"] == "ann@example.org", "that of the user behind the resource"
    assert (there.row("person", "Ann")["external"], there.row("person", "Firm")["external"]) == (False, True)
    assert there.row("person", "Firm")["organisation"] == "Contoso"


def test_bookings_are_costs_of_their_day_with_reversals(there: Installation) -> None:
    euro = there.site.rows.add("transactioncurrency", currencyname="Euro", isocurrencycode="EUR")
    apollo = project(there.site)
    for amount, kind in ((400.0, 192350000), (-400.0, 192350000), (350.25, 192350000), (999.0, 192350005)):
        there.site.rows.add(
            "msdyn_actual",
            msdyn_project=apollo,
            msdyn_amount=amount,
            msdyn_transactiontypecode=kind,
            msdyn_documentdate="2026-11-18T23:00:00Z",
            transactioncurrencyid=euro,
        )
    there.site.rows.drop("msdyn_project", "msdyn_totalactualcost")

    there.read()

    found = there.rows("cost_entry")
    assert sorted(row["amount"] for row in found) == [Decimal(-400), Decimal("350.25"), Decimal(400)]
    assert {(row["booked_on"], row["type"], row["currency"]) for row in found} == {
        (date(2026, 11, 19), "actual", "EUR")
    }
    assert there.row("project", "Apollo")["actual_cost"] == Decimal("350.25"), "the sum where no column says it"


def test_amounts_in_the_organisations_currency_where_the_settings_say_so(there: Installation) -> None:
    there.settings["money"] = "base"
    dollar = there.site.rows.add("transactioncurrency", currencyname="Dollar", isocurrencycode="USD")
    euro = there.site.rows.add("transactioncurrency", currencyname="Euro", isocurrencycode="EUR")
    there.site.rows.add("organization", name="Contoso", basecurrencyid=euro)
    project(there.site, transactioncurrencyid=dollar, msdyn_totalplannedcost=110.0, msdyn_totalplannedcost_base=100.0)

    there.read()

    found = there.row("project", "Apollo")
    assert (found["planned_cost"], found["currency"]) == (Decimal(100), "EUR")


def test_time_entries_are_hours_of_a_week(there: Installation) -> None:
    apollo, ann = project(there.site), resource(there.site, "Ann")
    for status in (192350002, 192354320):
        there.site.rows.add(
            "msdyn_timeentry",
            msdyn_date="2026-11-15T23:00:00Z",
            msdyn_duration=450,
            msdyn_project=apollo,
            msdyn_bookableresource=ann,
            msdyn_entrystatus=status,
        )

    there.read()

    (found,) = there.rows("timesheet")
    assert (found["person"], found["project"], found["week"]) == (ann, apollo, "2026-W47")
    assert (found["hours"], found["status"]) == (Decimal("7.5"), "approved")


def test_totals_that_are_older_than_approved_hours_are_said(there: Installation) -> None:
    apollo, ann = project(there.site, modifiedon="2026-11-01T08:00:00Z"), resource(there.site, "Ann")
    entry = {"msdyn_date": "2026-11-15T23:00:00Z", "msdyn_duration": 450, "msdyn_entrystatus": 192350002}
    there.site.rows.add("msdyn_timeentry", msdyn_project=apollo, msdyn_bookableresource=ann, **entry)

    assert reasons(there) == [
        (
            "msdyn_effortcompleted : hours were approved after the project's totals were last computed: "
            "actual effort may be too low"
        )
    ]


def test_sprints_make_a_board_of_their_project(there: Installation) -> None:
    apollo = project(there.site)
    bucket = there.site.rows.add("msdyn_projectbucket", msdyn_name="Backend", msdyn_project=apollo)
    sprint = there.site.rows.add(
        "msdyn_projectsprint",
        msdyn_name="Sprint 1",
        msdyn_project=apollo,
        msdyn_start="2026-01-04T23:00:00Z",
        msdyn_finish="2026-01-15T23:00:00Z",
    )
    inside = task(there.site, apollo, msdyn_projectsprint=sprint, msdyn_projectbucket=bucket)

    there.read()

    assert there.row("board", "Apollo")["project"] == [apollo]
    found = there.row("sprint", "Sprint 1")
    assert (found["board"], found["start_on"], found["end_on"]) == (apollo, date(2026, 1, 5), date(2026, 1, 16))
    assert there.row("task", "Design")["sprint"] == [sprint]
    assert there.row("task", "Design")["labels"] == ["Backend"]
    assert [(row["sprint"], row["task"]) for row in there.rows("sprint_item")] == [(sprint, inside)]


def test_registers_of_an_accelerator_are_read_where_they_are(there: Installation) -> None:
    there.settings["maps"] = {"risk.status": {1: "proposed", 2: "approved", 3: "closed"}}
    apollo, ann = project(there.site), user(there.site, "Ann")
    there.site.rows.add(
        "msdyn_projectrisk",
        msdyn_subject="Supplier late",
        msdyn_project=apollo,
        proj_assignedto=ann,
        proj_state=2,
        proj_probability=4,
        proj_impact=7,
        proj_due="2026-12-01",
        proj_cost=12000.0,
    )
    there.site.rows.add(
        "msdyn_projectstatusreport",
        msdyn_project=apollo,
        proj_reportingdate="2026-10-30T23:00:00Z",
        msdyn_accomplishedactivities="Design agreed.",
        proj_submitter=ann,
    )

    reported = reasons(there)
    there.read()

    found = there.row("risk", "Supplier late")
    assert (found["project"], found["owner"], found["status"]) == (apollo, ann, "approved")
    assert (found["likelihood"], found.get("impact")) == (4, None)
    assert (found["target_date"], found["cost_impact"]) == (date(2026, 12, 1), Decimal(12000))
    assert found["identified_on"] == date(2026, 11, 20)
    (report,) = there.rows("status_report")
    assert (report["period"], report["submitted_on"], report["author"]) == ("2026-10", date(2026, 10, 31), ann)
    assert reported == ["proj_impact 7: not known: 'maps: {risk.impact: {7: ...}}' says what it means"]


def test_names_are_read_and_numbers_never_from_what_people_see(there: Installation) -> None:
    there.site.language = "fr"
    stranger = there.site.rows.add("systemuser", fullname="Łukasz Żak", internalemailaddress=None)
    there.site.forbidden = {"systemuser"}
    there.settings["people"] = {"Zoë Müller": "zoe@example.org"}
    project(there.site, msdyn_projectmanager=stranger, msdyn_overallprojectstatus=1, msdyn_totalplannedcost=1234.5)
    project(there.site, "Boreas", msdyn_projectmanager=user(there.site))

    there.read()

    found = there.row("project", "Apollo")
    assert found["leader"] == "Łukasz Żak", "all that is known of somebody whose table may not be read"
    assert (found["declared_rag"], found["planned_cost"]) == ("green", Decimal("1234.5"))
    assert there.row("project", "Boreas")["leader"] == "zoe@example.org"


def test_members_of_the_team_stand_in_for_resources(there: Installation) -> None:
    apollo = project(there.site)
    ann = resource(there.site, "Ann")
    there.site.rows.add("msdyn_projectteam", msdyn_name="Ann", msdyn_project=apollo, msdyn_bookableresourceid=ann)
    there.site.forbidden = {"bookableresource"}

    there.read()

    assert there.row("person", "Ann")["key"] == ann


def test_values_that_cannot_be_understood_are_unknown_and_said(there: Installation) -> None:
    there.site.rows.drop("msdyn_project", "msdyn_hoursperday")
    project(there.site, msdyn_finish="soon", msdyn_overallprojectstatus=9, msdyn_totalplannedcost="much")
    project(there.site, "Boreas", msdyn_overallprojectstatus=9)

    assert sorted(reasons(there)) == [
        "msdyn_finish soon: no date that the model knows",
        "msdyn_overallprojectstatus 9: not known: 'maps: {project.declared_rag: {9: ...}}' says what it means",
        "msdyn_totalplannedcost much: no money that the model knows",
    ]


def test_it_keeps_the_contract_of_sources(there: Installation) -> None:
    apollo = project(there.site)
    for number in range(3):
        task(there.site, apollo, f"Task {number}")

    assert check_source(DYNAMICS, there.given(), there.context()) == []


def test_moments_keep_their_instant(there: Installation) -> None:
    task(there.site, project(there.site), modifiedon="2026-11-20T14:03:11Z")

    there.read()

    assert there.row("task", "Design")["updated_at"] == datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
    assert there.row("project", "Apollo")["updated_at"] == datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
