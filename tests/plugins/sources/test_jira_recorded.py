"""Answers of real servers, where they are at hand: what is made of them, beside what another reader made of them."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from jira_bench import BRUSSELS
from pmo_watch_plugins.sources.jira.boards import Sprint, sprint_frame
from pmo_watch_plugins.sources.jira.changes import Changes, Meanings
from pmo_watch_plugins.sources.jira.fields import CUSTOM_TYPES, EPIC_LINK, SPRINT, find_fields
from pmo_watch_plugins.sources.jira.issues import Intake, Site, sound
from pmo_watch_plugins.sources.jira.people import People
from pmo_watch_plugins.sources.jira.projects import project_frame, release_frame
from pmo_watch_plugins.sources.jira.report import Report
from pmo_watch_plugins.sources.jira.settings import Maps, Settings
from pmo_watch_plugins.sources.jira.words import Vocabulary
from pmo_watch_plugins.sources.jira.worklogs import WorkLogs, timesheet_frame

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "jira"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is not here: answers of real servers")
FIELDS = [
    {"id": "customfield_10020", "name": "Sprint", "schema": {"custom": SPRINT}},
    {"id": "customfield_10014", "name": "Epic Link", "schema": {"custom": EPIC_LINK}},
    {"id": "customfield_10024", "name": "Story Points", "schema": {"custom": f"{CUSTOM_TYPES}:float"}},
]
SEARCHES = [
    "devlake-agile-board-issues-page1.json",
    "devlake-agile-board-issues-page2.json",
    "devlake-due-date-search.json",
    "devlake-external-epics-search.json",
    "digitalservice-jql-search.json",
    "sling-search-committer-cli.json",
    "sling-search-transitions.json",
]
ALONE = [f"jirametrics-SP-{number}.json" for number in (1, 2, 10, 13, 14, 15)]
# What is left out, and why it may be.
EXPLAINED = {
    ("sling-search-transitions.json", "fields", "its fields are no object"): "recorded without fields",
}


def recorded(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"), parse_float=Decimal)


def site(report: Report) -> Site:
    settings = Settings(url="https://example.atlassian.net", token="t", jql="project = EE")
    fields, missing = find_fields(FIELDS, settings)
    assert missing == []
    return Site(settings, fields, Vocabulary(Maps(), {}), People({}), report, BRUSSELS)


def read(issues: Sequence[Any], report: Report) -> pl.DataFrame | None:
    intake = Intake(site(report))
    intake.add(sound(issues, report))
    tasks: pl.DataFrame | None = intake.tasks()
    return tasks


@pytest.mark.parametrize("name", [*SEARCHES, *ALONE])
def test_every_issue_is_read_and_what_is_left_out_is_explained(name: str) -> None:
    report = Report()
    found = recorded(name)
    issues = found.get("issues", [found])

    tasks = read(issues, report)

    told = {(name, one.field, one.reason) for one in report.rejected}
    assert told <= EXPLAINED.keys()
    assert (0 if tasks is None else tasks.height) + report.lost == len({one["id"] for one in issues})


# --- beside what another reader made of the same answers ----------------------------------------------------------


def oracle(name: str) -> dict[str, dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return {row["issue_id"]: row for row in csv.DictReader(file)}


def tasks_of_the_board() -> dict[str, dict[str, Any]]:
    pages = [recorded(name)["issues"] for name in SEARCHES[:2]]
    tasks = read([one for page in pages for one in page], Report())
    assert tasks is not None
    return {row["key"]: row for row in tasks.to_dicts()}


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def hours(minutes: str) -> Decimal | None:
    return None if not minutes else Decimal(minutes) / 60


def test_another_reader_found_the_same_in_the_same_issues() -> None:
    own, other = tasks_of_the_board(), oracle("devlake-snapshot-tool-jira-issues.csv")
    both = own.keys() & other.keys()
    assert len(both) >= 30
    for key in sorted(both):
        row, told = own[key], other[key]
        assert (row["id"], row["issue_type"], row["status"]) == (told["issue_key"], told["type"], told["status_name"])
        assert row["project"] == told["project_id"]
        assert row["owner"] == (told["assignee_account_id"] or None)
        assert row["is_subtask"] is (told["subtask"] == "1")
        assert row["created_at"] == moment(told["created"])
        assert row["updated_at"] == moment(told["updated"])
        assert row["resolved_at"] == moment(told["resolution_date"])
        assert row["parent"] in {told["parent_id"], told["epic_key"] or None} or told["parent_id"] == "0"


def test_due_date_is_the_day_that_the_issue_says() -> None:
    row = tasks_of_the_board()["10063"]

    # The other reader took the day for midnight in Shanghai: 2025-03-08T16:00Z is the ninth there.
    assert row["forecast_finish"] == datetime(2025, 3, 9, tzinfo=UTC).date()


def test_points_are_those_that_the_other_reader_found() -> None:
    own, other = tasks_of_the_board(), oracle("devlake-snapshot-tool-jira-issues.csv")
    points = {key: row["@points:customfield_10024"] for key, row in own.items() if key in other}

    estimated = {key: one for key, one in points.items() if one is not None}
    # The other reader writes 0 where nobody estimated anything: here that stays unknown.
    assert estimated == {key: Decimal(row["story_point"]) for key, row in other.items() if row["story_point"] != "0"}
    assert len(estimated) >= 2


def test_sprints_have_the_dates_that_the_other_reader_found() -> None:
    listed = recorded("devlake-board-sprints.json")["values"]
    sprints = [one for raw in listed if (one := Sprint.of(raw, str(raw["originBoardId"]))) is not None]
    report = Report()
    rows = {row["key"]: row for row in sprint_frame(sprints, report, BRUSSELS).to_dicts()}
    with (FOLDER / "devlake-snapshot-sprints.csv").open(encoding="utf-8", newline="") as file:
        told = {row["id"].rpartition(":")[2]: row for row in csv.DictReader(file)}

    assert report.rejected == []
    assert len(rows.keys() & told.keys()) >= 20
    for key in rows.keys() & told.keys():
        row, other = rows[key], told[key]
        assert (row["name"], row["state"]) == (other["name"], other["status"].lower())
        for field, name in (("start_on", "started_date"), ("end_on", "ended_date"), ("completed_on", "completed_date")):
            at = moment(other[name])
            assert row[field] == (None if at is None else at.astimezone(BRUSSELS).date()), (key, field)


def test_changes_are_those_that_the_other_reader_found() -> None:
    report = Report()
    changes = Changes(Meanings.of(site(report).fields), report)
    for name in SEARCHES[:2]:
        for issue in recorded(name)["issues"]:
            changes.add(str(issue["id"]), issue["changelog"]["histories"])
    frame = changes.frame()
    with (FOLDER / "devlake-snapshot-issue-changelogs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = {"status": "status", "Sprint": "Sprint"}
    told = {
        (row["issue_id"].rpartition(":")[2], moment(row["created_date"]), row["field_name"])
        for row in rows
        if row["field_name"] in wanted
    }
    own = {row for row in frame.select("task", "at", "field").rows() if row[2] in wanted}
    known = {issue for issue, *_ in told}

    assert report.rejected == []
    assert len(told) > 50
    assert {row for row in own if row[0] in known} >= told


# --- the other lists ----------------------------------------------------------------------------------------------


def test_statuses_mean_what_their_category_says() -> None:
    for name in ("devlake-statuses.json", "jirametrics-sample_statuses.json"):
        statuses: Sequence[Mapping[str, Any]] = recorded(name)
        words = Vocabulary(Maps(), {})
        words.learn(statuses)
        assert len(words.categories) == len({one["id"] for one in statuses})
        assert set(words.categories.values()) <= {"todo", "doing", "done", None}


def test_versions_projects_and_work_logs_are_read_whole() -> None:
    report = Report()
    versions = [{**one, "projectId": one.get("projectId", 1)} for one in recorded("sling-project-versions.json")]
    releases = release_frame(versions, report, BRUSSELS)
    projects = project_frame(
        recorded("devlake-projects-search.json")["values"], People({}), datetime(2026, 11, 20, tzinfo=UTC).date()
    )
    logs = recorded("devlake-worklogs.json")["worklogs"]
    known = {str(one["issueId"]): "10003" for one in logs}
    booked = timesheet_frame(WorkLogs(rows=logs), known, People({}), report, BRUSSELS)

    assert report.rejected == []
    assert releases.height == len(versions)
    assert releases["release_date"].count() > 100
    assert projects.height == len(recorded("devlake-projects-search.json")["values"])
    assert booked.height == len(logs)
    whole = sum((Decimal(one["timeSpentSeconds"]) for one in logs), Decimal(0)) / 3600
    assert abs(sum(booked["hours"].to_list(), Decimal(0)) - whole) < Decimal("0.0001")
