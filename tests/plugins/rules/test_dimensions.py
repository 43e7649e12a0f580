"""Which dimension of a project's colour each measure counts in (spec measures 1.11)."""

from pathlib import Path

import pytest

from pmo_watch.measure_catalogue import read_catalogue
from pmo_watch.plugin_host import load_plugins

RULES = Path(__file__).parents[3] / "plugins" / "rules"
OF_FOLDER = {
    "milestones": "schedule",
    "schedule_quality": "schedule",
    "earned_value": "cost",
    "budget": "cost",
    "agile": "scope",
    "flow": "scope",
    "raid": "risk",
    "resources": "resources",
    "documents": "quality",
    "collection": "data",
    "governance": "",
    "kpi": "",
}
OF_SINGLE = {
    **dict.fromkeys(("EV-04", "EV-05", *(f"EV-{number}" for number in range(12, 17)), "AG-08", "AG-10"), "schedule"),
    **dict.fromkeys(("CH-01", "CH-02"), "scope"),
    **dict.fromkeys(("AG-12", "AG-13"), "quality"),
}
MEASURES = load_plugins(installed=False).measures


@pytest.mark.parametrize("folder", sorted(OF_FOLDER))
def test_measures_of_a_folder_count_in_the_dimension_of_the_catalogue(folder: str) -> None:
    catalogue = read_catalogue(RULES / folder)
    assert catalogue is not None, f"{folder} has no catalogue.yaml"

    wrong = {
        f"{entry.id} {name}": MEASURES[name].dimension
        for name, entry in catalogue.entries.items()
        if entry.id and MEASURES[name].dimension != OF_SINGLE.get(entry.id, OF_FOLDER[folder])
    }

    assert wrong == {}
