"""A row is found by what people call it, and what is near is offered."""

import pytest
from snapshots import snapshot

from pmo_watch.flow import Snapshot
from pmo_watch.row_search import candidates, nothing_found


@pytest.fixture
def known() -> Snapshot:
    """Return two projects that both have a milestone 12."""
    return snapshot(
        project=[{"code": "NOV-01", "name": "Counter"}, {"code": "NOV-02", "name": "Cases"}],
        milestone=[
            {"uid": "a:task:12", "id": "12", "name": "Go-live", "project": "project:p1"},
            {"uid": "b:task:12", "id": "12", "name": "Go-live", "project": "project:p2"},
            {"uid": "b:task:13", "id": "13", "name": "Pilot ends", "project": "project:p2"},
        ],
        task=[{"uid": "b:task:9", "id": "9", "name": "Build", "project": "project:p2"}],
        risk=[{"uid": "raid:risk:1", "id": "R-001", "title": "Supplier is late", "project": "project:p1"}],
        person=[{"uid": "person:ann@example.org", "email": "ann@example.org", "name": "Ann"}],
    )


@pytest.mark.parametrize(
    ("text", "uids"),
    [
        ("a:task:12", ["a:task:12"]),
        ("12", ["a:task:12", "b:task:12"]),
        ("NOV-02/12", ["b:task:12"]),
        ("nov-02 ", ["project:p2"]),
        ("r-001", ["raid:risk:1"]),
        ("supplier  is late", ["raid:risk:1"]),
        ("Pilot ends", ["b:task:13"]),
        ("ANN@example.org", ["person:ann@example.org"]),
        ("nobody", []),
    ],
)
def test_row_is_found_by_what_it_is_called(known: Snapshot, text: str, uids: list[str]) -> None:
    assert [one.uid for one in candidates(known, text)] == uids


def test_project_narrows(known: Snapshot) -> None:
    (one,) = candidates(known, "12", "nov-01")

    assert (one.entity, one.uid, one.id, one.name, one.project) == (
        "milestone",
        "a:task:12",
        "12",
        "Go-live",
        "project:p1",
    )


def test_activity_is_no_milestone(known: Snapshot) -> None:
    assert [one.entity for one in candidates(known, "Build")] == ["task"]


@pytest.mark.parametrize(
    ("text", "near"), [("NOV-1", "NOV-01"), ("Supplier is lat", "Supplier is late"), ("zzzz", "give an alert id")]
)
def test_what_is_near_is_offered(known: Snapshot, text: str, near: str) -> None:
    said = nothing_found(known, text)

    assert said.startswith(f"nothing is called '{text}'")
    assert near in said
