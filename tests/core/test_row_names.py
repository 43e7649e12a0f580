"""What a message calls a document, a gate, a meeting and a dependency, in the reader's language."""

from datetime import date
from typing import Any

import pytest
from factories import a_snapshot

from pmo_watch.subjects import Subject, Subjects

ROWS: dict[str, list[dict[str, Any]]] = {
    "task": [
        {"uid": "p:task:1", "name": "Network ready"},
        {"uid": "p:task:2", "name": "Pilot"},
        {"uid": "p:task:3", "id": "T3"},
    ],
    "document": [{"uid": "d:document:1", "artefact": "risk_log"}, {"uid": "d:document:2", "artefact": "datasheet"}],
    "gate": [
        {"uid": "g:gate:1", "code": "rfe", "planned_on": date(2026, 12, 1)},
        {"uid": "p:task:9", "code": "rfe", "name": "Go/no-go"},
        {"uid": "g:gate:3", "id": "G3"},
    ],
    "meeting": [
        {"uid": "m:meeting:1", "kind": "steering_committee", "planned_on": date(2026, 12, 1)},
        {"uid": "m:meeting:2", "kind": "steering_committee", "held_on": date(2026, 12, 2)},
        {"uid": "m:meeting:3", "kind": "other", "planned_on": date(2026, 12, 1)},
        {"uid": "m:meeting:4", "kind": "management_committee"},
    ],
    "dependency": [
        {"uid": "l:dependency:1", "id": "1 2 fs", "predecessor": "p:task:1", "successor": "p:task:2"},
        {"uid": "l:dependency:2", "id": "x", "external_name": "Other plan", "successor": "p:task:3"},
        {"uid": "l:dependency:3", "id": "y"},
    ],
}


def find(entity: str, uid: str) -> Subject:
    found = Subjects(a_snapshot(rows=ROWS), [(entity, uid)]).find(entity, uid)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("entity", "uid", "names"),
    [
        ("document", "d:document:1", ("risk log", "registre des risques", "risicoregister")),
        ("document", "d:document:2", ("datasheet",) * 3),
        (
            "gate",
            "g:gate:1",
            ("RfE (ready for executing)", "RfE (prêt pour l'exécution)", "RfE (klaar voor uitvoering)"),
        ),
        ("gate", "p:task:9", ("Go/no-go",) * 3),
        ("gate", "g:gate:3", ("G3",) * 3),
        (
            "meeting",
            "m:meeting:1",
            ("steering committee of 01/12/2026", "comité de pilotage du 01/12/2026", "stuurgroep van 01/12/2026"),
        ),
        (
            "meeting",
            "m:meeting:2",
            ("steering committee of 02/12/2026", "comité de pilotage du 02/12/2026", "stuurgroep van 02/12/2026"),
        ),
        ("meeting", "m:meeting:3", ("meeting of 01/12/2026", "réunion du 01/12/2026", "vergadering van 01/12/2026")),
        ("meeting", "m:meeting:4", ("management committee", "comité de direction", "directiecomité")),
        ("dependency", "l:dependency:1", ("Network ready → Pilot",) * 3),
        ("dependency", "l:dependency:2", ("Other plan → T3",) * 3),
        ("dependency", "l:dependency:3", ("y",) * 3),
    ],
)
def test_each_is_called_in_the_readers_words(entity: str, uid: str, names: tuple[str, str, str]) -> None:
    subject = find(entity, uid)

    assert tuple(subject.names.get(language, subject.name) for language in ("en", "fr", "nl")) == names


def test_what_it_is_known_by_stays_what_its_source_says() -> None:
    assert find("dependency", "l:dependency:1").id == "1 2 fs"
    assert find("document", "d:document:2").id == "datasheet"
