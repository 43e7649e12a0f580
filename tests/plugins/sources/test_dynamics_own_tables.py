"""Dynamics 365 and Dataverse: tables of one's own, older products, and what `check --online` sees."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from environment import NOW, Installation, environment, new_certificate, project, task, user

from pmo_watch.demo.dataverse_rows import table
from pmo_watch.flow import Outcome

SOON = NOW + timedelta(minutes=30)
BUILDINGS = {
    "preset": "custom",
    "tables": {
        "project": {
            "table": "new_building",
            "filter": "new_stage ne 100000009",
            "columns": {
                "name": "new_title",
                "code": "new_title",
                "forecast_start": "new_begin",
                "forecast_finish": "new_end",
                "leader": "ownerid",
                "progress": {"column": "new_done", "scale": "percent"},
                "state": {"column": "new_stage", "map": {100000000: "executing", 100000001: "on_hold"}},
                "budget": {"column": "new_budget", "currency": "transactioncurrencyid"},
                "strategic": {"value": True},
            },
        },
        "milestone": {
            "table": "new_handover",
            "columns": {
                "project": "new_building",
                "name": "new_title",
                "forecast_finish": "new_due",
                "kind": {"value": "contractual"},
            },
        },
    },
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def there(tmp_path: Path, certificate: Path) -> Iterator[Installation]:
    with environment(tmp_path, certificate) as found:
        yield found


def building(there: Installation, name: str = "Hall", **values: object) -> str:
    given = {"new_title": name, "new_begin": "2026-01-05", "new_end": "2026-06-30", "new_stage": 100000000}
    return there.site.rows.add("new_building", **{**given, **values})


def sights(there: Installation) -> list[str]:
    source = there.opened()
    try:
        return [f"{'sees' if one.ok else 'LACKS'} {one.text}" for one in source.probe()]
    finally:
        source.close()


def test_tables_of_ones_own_become_projects_and_milestones(there: Installation) -> None:
    there.settings |= BUILDINGS
    euro = there.site.rows.add("transactioncurrency", currencyname="Euro", isocurrencycode="EUR")
    ann = user(there.site, "Ann")
    hall = building(
        there, new_done=40, new_budget=50000.5, ownerid=ann, transactioncurrencyid=euro, new_stage=100000001
    )
    building(there, "Shed", new_stage=100000009)
    there.site.rows.add("new_handover", new_title="Keys", new_building=hall, new_due="2026-05-31T22:30:00Z")

    there.read()

    found = there.row("project", "Hall")
    assert (found["forecast_start"], found["forecast_finish"]) == (date(2026, 1, 5), date(2026, 6, 30))
    assert (found["progress"], found["budget"], found["currency"]) == (Decimal(40), Decimal("50000.5"), "EUR")
    assert (found["state"], found["leader"], found["strategic"]) == ("on_hold", ann, True)
    assert (found["code"], found["id"]) == ("Hall", hall)
    (milestone,) = there.rows("task")
    assert (milestone["project"], milestone["is_milestone"], milestone["kind"]) == (hall, True, "contractual")
    assert milestone["forecast_finish"] == date(2026, 5, 31), "a wall clock is not converted"
    assert there.names("project") == ["Hall"], "the other one is filtered out"
    assert there.site.asked("new_buildingset?"), "the address comes from metadata"


def test_tables_of_ones_own_stay_in_step(there: Installation) -> None:
    there.settings |= BUILDINGS
    hall = building(there)
    keys = there.site.rows.add("new_handover", new_title="Keys", new_building=hall, new_due="2026-05-31T10:00:00Z")
    there.read()
    there.site.rows.edit("new_building", hall, new_end="2026-07-31")
    there.site.rows.edit("new_handover", keys, new_title="All keys")

    there.read(SOON)

    assert there.row("project", "Hall")["forecast_finish"] == date(2026, 7, 31)
    assert there.row("task", "All keys")["is_milestone"] is True


def test_a_choice_that_no_map_knows_is_unknown_and_said_once(there: Installation) -> None:
    there.settings |= BUILDINGS
    building(there, new_stage=100000007)
    building(there, "Shed", new_stage=100000007)

    reading = there.look()

    assert [(one.where, one.field, one.value) for one in reading.summary.rejected] == [
        ("new_building", "new_stage", "100000007")
    ]
    assert reading.outcome is Outcome.COMPLETE


def test_a_preset_takes_further_columns(there: Installation) -> None:
    there.settings["tables"] = {"project": {"columns": {"budget": "msdyn_totalplannedcost", "code": "msdyn_comments"}}}
    project(there.site, msdyn_totalplannedcost=1000.0, msdyn_comments="APO")

    there.read()

    found = there.row("project", "Apollo")
    assert (found["budget"], found["code"], found["planned_cost"]) == (Decimal(1000), "APO", Decimal(1000))


def test_own_tables_without_metadata_are_not_guessed(there: Installation) -> None:
    there.settings |= BUILDINGS
    building(there)
    there.site.metadata = False

    there.read()

    assert there.state.outcome is Outcome.FAILED
    assert "new_building: the address of its rows is not known: let the application read metadata" in there.state.error


def test_the_older_product_has_older_columns(there: Installation) -> None:
    there.settings |= {"preset": "psa", "lag_unit": "hours"}
    tables = there.site.rows.tables
    tables["msdyn_project"] = table(
        "msdyn_project",
        "msdyn_projects",
        "msdyn_subject",
        "msdyn_subject:text msdyn_scheduledstart:moment msdyn_scheduledend:moment msdyn_plannedhours:number "
        "msdyn_actualhours:number msdyn_remaininghours:number msdyn_progress:number",
    )
    tables["msdyn_projecttaskdependency"] = table(
        "msdyn_projecttaskdependency",
        "msdyn_projecttaskdependencies",
        "msdyn_projecttaskdependencyid",
        "msdyn_project:ref:msdyn_project msdyn_predecessortask:ref:msdyn_projecttask "
        "msdyn_successortask:ref:msdyn_projecttask msdyn_linktype:choice msdyn_projecttaskdependencylinklag:int",
    )
    apollo = there.site.rows.add(
        "msdyn_project",
        msdyn_subject="Apollo",
        msdyn_scheduledstart="2026-01-05T07:00:00Z",
        msdyn_scheduledend="2026-06-30T16:00:00Z",
        msdyn_plannedhours=100.0,
        msdyn_actualhours=40.0,
        msdyn_remaininghours=60.0,
    )
    first = task(
        there.site, apollo, "A", msdyn_start=None, msdyn_finish=None, msdyn_scheduledend="2026-01-09T16:00:00Z"
    )
    for kind in (192350000, 192350003):
        there.site.rows.add(
            "msdyn_projecttaskdependency",
            msdyn_project=apollo,
            msdyn_predecessortask=first,
            msdyn_successortask=task(there.site, apollo, f"After {kind}"),
            msdyn_linktype=kind,
            msdyn_projecttaskdependencylinklag=4,
        )

    there.read()

    found = there.row("project", "Apollo")
    assert found["forecast_finish"] == date(2026, 6, 30)
    assert (found["effort_planned"], found["effort_actual"], found["effort_remaining"]) == (100, 40, 60)
    assert there.row("task", "A")["forecast_finish"] == date(2026, 1, 9)
    links = there.rows("dependency")
    assert sorted(row["type"] for row in links) == ["fs", "sf"], "the number for SF differs: its label says it"
    assert {row["lag"] for row in links} == {240}


def test_the_older_lag_is_not_read_while_its_unit_is_not_said(there: Installation) -> None:
    there.settings |= {"preset": "psa"}
    found = there.site.rows.tables["msdyn_projecttaskdependency"]
    apollo = project(there.site)
    there.site.rows.add(
        "msdyn_projecttaskdependency",
        msdyn_project=apollo,
        msdyn_predecessortask=task(there.site, apollo, "A"),
        msdyn_successortask=task(there.site, apollo, "B"),
    )

    there.read()

    assert "lag" not in there.rows("dependency")[0]
    assert found.rows


def test_planner_premium_misses_nothing_that_it_never_had(there: Installation) -> None:
    there.settings["preset"] = "planner_premium"
    for column in ("msdyn_totalactualcost", "msdyn_overallprojectstatus", "transactioncurrencyid"):
        there.site.rows.drop("msdyn_project", column)
    for name in ("msdyn_actual", "msdyn_timeentry", "transactioncurrency"):
        there.site.rows.drop(name)
    project(there.site)

    there.read()

    assert there.state.degraded == ()


# --- check --online -----------------------------------------------------------------------------------------------


def test_a_look_names_what_is_there_and_what_is_not(there: Installation) -> None:
    task(there.site, project(there.site), msdyn_scheduleddurationminutes=2400)
    there.site.rows.drop("msdyn_project", "msdyn_totalactualcost")
    there.site.rows.drop("msdyn_resourceassignment")
    there.site.rows.tables["msdyn_projecttask"].tracked = False
    there.site.forbidden = {"msdyn_timeentry"}

    seen = sights(there)

    assert seen[0].startswith("sees signed in to 127.0.0.1")
    assert "sees msdyn_project as project: 1 rows to be seen, tracks changes" in seen
    assert "sees msdyn_projecttask as task: 1 rows to be seen, tracks no changes: read by date of change" in seen
    assert "sees there is no table msdyn_resourceassignment: assignment unknown" in seen, "nobody must mend that"
    assert any(one.startswith("LACKS msdyn_timeentry: not read: 403 ") for one in seen)
    assert any("msdyn_project has no msdyn_totalactualcost" in one for one in seen)
    assert "sees msdyn_projecttask.msdyn_duration is 480 minutes each: days, read as days" in seen
    assert "sees msdyn_project.msdyn_progress: the largest of 1 is 0.45, read as fraction" in seen


def test_a_look_finds_that_a_table_of_the_settings_is_not_there(there: Installation) -> None:
    there.settings["tables"] = {
        "risk": {"table": "new_risks", "columns": {"title": "new_title", "project": "new_project"}}
    }
    project(there.site)

    assert "LACKS there is no table new_risks: risk unknown" in sights(there)


def test_a_look_says_which_column_was_perhaps_meant(there: Installation) -> None:
    there.settings["tables"] = {"project": {"columns": {"budget": "msdyn_totalplanedcost"}}}
    project(there.site)

    assert (
        "LACKS msdyn_project has no msdyn_totalplanedcost (did you mean msdyn_totalplannedcost?): budget unknown"
        in sights(there)
    )


def test_a_look_finds_that_scale_and_unit_are_otherwise(there: Installation) -> None:
    apollo = project(there.site, msdyn_progress=45)
    task(there.site, apollo, msdyn_duration=40.0, msdyn_scheduleddurationminutes=2400)

    seen = sights(there)

    assert (
        "LACKS msdyn_project.msdyn_progress: the largest of 1 is 45, read as fraction: check 'progress_scale:'" in seen
    )
    assert (
        "LACKS msdyn_projecttask.msdyn_duration is 60 minutes each: hours, read as days: set 'duration_unit: hours'"
        in seen
    )


def test_a_look_names_choices_without_a_word(there: Installation) -> None:
    there.settings |= BUILDINGS
    building(there, new_stage=100000007)

    assert (
        "sees new_building.new_stage: no word for 100000007: null, unless 'maps: {project.state: ...}' says"
        in sights(there)
    )


def test_a_look_that_sees_no_project_says_so(there: Installation) -> None:
    assert "LACKS no project is to be seen: has the application user a security role? 'filter:'?" in sights(there)
