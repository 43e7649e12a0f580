"""What an alert is about: names, places above, calendars, due days; also when its row is gone."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from factories import a_snapshot

from pmo_watch.alerts import Alert
from pmo_watch.flow import Snapshot
from pmo_watch.subjects import Subject, Subjects
from pmo_watch.workdays import Calendar

ROWS: dict[str, list[dict[str, Any]]] = {
    "portfolio": [{"uid": "portfolio:ict", "id": "ICT", "language": "nl"}],
    "program": [{"uid": "program:nova", "id": "NOVA", "portfolio": "portfolio:ict", "name": "Nova"}],
    "project": [
        {"uid": "project:nov-01", "id": "7", "code": "NOV-01", "name": "Guichet", "program": "program:nova"},
        {"uid": "project:nov-02", "code": "NOV-02", "language": "fr", "calendar": "be"},
    ],
    "task": [
        {"uid": "p:task:1", "id": "M1", "name": "Go-live", "project": "project:nov-01"},
        {"uid": "p:task:2", "project": "project:nov-02", "committed_finish": date(2026, 12, 1)},
        {"uid": "p:task:3", "project": "project:nov-02", "countable": True, "done": True},
        {"uid": "p:task:4", "project": "project:nov-01", "countable": True},
    ],
    "risk": [{"uid": "r:risk:1", "id": "R-1", "title": "Supplier", "project": "project:nov-02"}],
    "indicator": [{"uid": "indicator:kpi", "id": "KPI-1", "name_en": "Progress", "name_fr": "Avancement"}],
    "kpi": [{"uid": "kpi|1", "indicator": "indicator:kpi", "scope": "program:nova", "program": "program:nova"}],
    "person": [{"uid": "person:a@example.org", "email": "a@example.org", "calendar": "nl"}],
    "submission": [
        {"uid": "sub|1", "indicator": "indicator:kpi", "project": "project:nov-02", "provider": "person:a@example.org"}
    ],
    "board": [
        {"uid": "j:board:1", "id": "5", "name": "Team", "project": ["project:nov-02"]},
        {"uid": "j:board:2", "id": "6", "project": ["project:nov-01", "project:nov-02"]},
    ],
    "sprint": [
        {"uid": "j:sprint:1", "name": "Sprint 7", "project": "project:nov-02", "end_on": date(2026, 11, 27)},
    ],
    "release": [{"uid": "j:release:1", "project": "project:nov-02", "release_date": date(2026, 12, 1)}],
    "role": [{"uid": "r:role:1", "code": "project_owner", "scope": "project:nov-01"}],
    "assignment": [
        {"uid": "p:assignment:1", "person": "person:a@example.org", "task": "p:task:4"},
        {"uid": "p:assignment:2", "person": "person:a@example.org", "task": "p:task:3"},
    ],
    "meeting": [{"uid": "m:meeting:1", "kind": "steering_committee", "scope": "portfolio:ict"}],
}


def known() -> Snapshot:
    """Return a portfolio with a programme, two projects and something of everything."""
    return a_snapshot(rows=ROWS, calendars={"be": Calendar("be"), "nl": Calendar("nl")})


def find(entity: str, uid: str) -> Subject:
    """Return one subject."""
    found = Subjects(known(), [(entity, uid)]).find(entity, uid)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("entity", "uid", "shown", "name"),
    [
        ("milestone", "p:task:1", "M1", "Go-live"),
        ("task", "p:task:2", "p:task:2", "p:task:2"),
        ("project", "project:nov-01", "NOV-01", "Guichet"),
        ("risk", "r:risk:1", "R-1", "Supplier"),
        ("kpi", "kpi|1", "KPI-1", "Progress"),
        ("program", "program:nova", "NOVA", "Nova"),
        ("meeting", "m:meeting:1", "steering_committee", "steering committee"),
        ("role", "r:role:1", "project_owner", "project owner"),
    ],
)
def test_each_is_called_what_people_call_it(entity: str, uid: str, shown: str, name: str) -> None:
    subject = find(entity, uid)

    assert (subject.id, subject.name) == (shown, name)


@pytest.mark.parametrize(
    ("entity", "uid", "places"),
    [
        ("milestone", "p:task:1", ["project:nov-01", "program:nova", "portfolio:ict"]),
        ("risk", "r:risk:1", ["project:nov-02"]),
        ("board", "j:board:1", ["project:nov-02"]),
        ("board", "j:board:2", []),
        ("sprint", "j:sprint:1", ["project:nov-02"]),
        ("kpi", "kpi|1", ["program:nova", "portfolio:ict"]),
        ("program", "program:nova", ["program:nova", "portfolio:ict"]),
        ("meeting", "m:meeting:1", ["portfolio:ict"]),
        ("person", "person:a@example.org", ["project:nov-01", "program:nova", "portfolio:ict"]),
    ],
)
def test_the_places_above_are_found_nearest_first(entity: str, uid: str, places: list[str]) -> None:
    assert [place.uid for place in find(entity, uid).places] == places


def test_the_language_comes_from_the_nearest_place_that_has_one() -> None:
    assert find("milestone", "p:task:1").language == "nl"
    assert find("risk", "r:risk:1").language == "fr"
    assert find("person", "person:a@example.org").language == "en"


def test_the_calendar_is_the_persons_else_the_projects_else_the_organisations() -> None:
    assert find("submission", "sub|1").calendar.id == "nl"
    assert find("risk", "r:risk:1").calendar.id == "be"
    assert find("milestone", "p:task:1").calendar.id == "be"


def test_the_due_day_of_a_milestone_is_the_committed_one() -> None:
    assert find("milestone", "p:task:2").due == date(2026, 12, 1)
    assert find("sprint", "j:sprint:1").due == date(2026, 11, 27)
    assert find("release", "j:release:1").due == date(2026, 12, 1)
    assert find("person", "person:a@example.org").due is None


def test_projects_that_cannot_be_assessed_are_those_of_the_rows() -> None:
    subjects = Subjects(known(), [])

    def projects(entity: str, *uids: str) -> list[str]:
        return sorted(subjects.projects_of(entity, pl.DataFrame({"uid": uids})))

    assert projects("board", "j:board:1", "j:board:2") == ["project:nov-02"]
    assert projects("sprint", "j:sprint:1") == ["project:nov-02"]
    assert projects("risk", "r:risk:1") == ["project:nov-02"]
    assert projects("project", "project:nov-01") == ["project:nov-01"]
    assert projects("person", "person:a@example.org") == []


def test_an_indicator_has_a_name_in_each_language() -> None:
    assert find("kpi", "kpi|1").names == {"en": "Progress", "fr": "Avancement"}


def test_a_subject_that_is_gone_is_what_the_alert_remembers() -> None:
    alert = Alert("a", "slip", "p:task:9", "milestone", "M9", "Signature", "project:nov-01")

    subject = Subjects(known(), [("milestone", "p:task:9")]).of(alert)

    assert (subject.id, subject.name, subject.gone) == ("M9", "Signature", True)
    assert subject.project is not None
    assert subject.project.code == "NOV-01"
