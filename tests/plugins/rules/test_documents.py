"""Documents: the vectors D-01 and D-02 of spec measures 4.9."""

from typing import Any

import pytest
from pmo_watch_plugins.rules import documents
from snapshots import catalogue, finding, snapshot

from pmo_watch.flow import Organisation

MEASURES = catalogue(*documents.pmo_watch_measures())
SIX = ("a", "b", "c", "d", "e", "f")
SETS = Organisation(calendar="be", document_sets={"M": {"planning": SIX}})


def of(rows: list[dict[str, Any]], organisation: Organisation = SETS, **project: Any) -> dict[str, Any]:
    """Return the finding on a medium project in its planning phase."""
    row = {"code": "P1", "size_class": "M", "state": "planning", **project}
    known = snapshot(project=[row], document=rows, organisation=organisation)
    return finding(MEASURES, known, {"measure": "project.documents_complete"})


@pytest.mark.parametrize(
    ("approved", "value", "state"), [(5, 83.333333, "amber"), (4, 66.666667, "red"), (6, 100, "green")]
)
def test_documents_complete_d01(approved: int, value: float, state: str) -> None:
    rows = [{"artefact": name, "status": "approved"} for name in SIX[:approved]]

    found = of(rows or [{"artefact": "other"}])

    assert (found["value"], found["state"]) == (pytest.approx(value, abs=1e-6), state)


def test_without_any_document_source_it_is_grey_d02() -> None:
    found = of([])

    assert (found["state"], found["reason"]) == ("grey", "missing document.status")


def test_the_missing_documents_are_named() -> None:
    found = of([{"artefact": name, "status": "approved"} for name in SIX[:4]])

    assert found["evidence"]["missing_documents"] == "e, f"


def test_a_document_tailored_out_is_not_asked_for() -> None:
    rows = [{"artefact": name, "status": "approved"} for name in SIX[:5]]

    found = of([*rows, {"artefact": "f", "tailored_out": "no supplier"}])

    assert (found["value"], found["denominator"]) == (100, 5)


def test_later_phases_are_not_due_yet() -> None:
    row = {"artefact": "late", "status": "draft", "mandatory_for": "closing"}

    found = of([row, *({"artefact": name, "status": "approved"} for name in SIX)])

    assert found["state"] == "green"


def test_without_a_set_of_its_size_the_standard_one_holds() -> None:
    found = of([{"artefact": "project_charter", "status": "approved"}], Organisation(calendar="be"), state="initiating")

    assert (found["numerator"], found["denominator"]) == (1, 3)


def test_a_project_without_phase_is_grey() -> None:
    found = of([{"artefact": "a"}], state=None)

    assert (found["state"], found["reason"]) == ("grey", "missing project.phase")


def test_a_project_of_which_nothing_is_mandatory_is_not_asked_about() -> None:
    none = Organisation(calendar="be", document_sets={"M": {}})

    assert of([], none)["reason"] == "nothing due yet"


def test_a_document_whose_row_names_a_phase_is_mandatory_from_there_on() -> None:
    rows = [{"artefact": name, "status": "approved"} for name in SIX]

    found = of([*rows, {"artefact": "quality_plan", "status": "draft", "mandatory_for": "initiating"}])

    assert (found["denominator"], found["evidence"]["missing_documents"]) == (7, "quality_plan")


def test_the_phase_that_a_row_names_comes_before_that_of_the_set() -> None:
    later = {"artefact": "f", "status": "draft", "mandatory_for": "executing"}

    found = of([*({"artefact": name, "status": "approved"} for name in SIX[:5]), later])

    assert (found["value"], found["denominator"]) == (100, 5)


def test_a_new_draft_beside_an_approved_version_takes_nothing_away() -> None:
    rows = [{"artefact": name, "status": "approved"} for name in SIX]

    assert of([*rows, {"artefact": "f", "status": "draft"}])["value"] == 100


def test_an_obsolete_document_is_not_approved() -> None:
    rows = [{"artefact": name, "status": "approved" if name != "f" else "obsolete"} for name in SIX]

    assert of(rows)["value"] == pytest.approx(83.333333, abs=1e-6)
