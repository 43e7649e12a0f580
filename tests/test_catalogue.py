"""The built-in measures as rules see them and as people look them up: all there, understood, and true by example."""

import json
import re
from datetime import UTC
from pathlib import Path

import pytest
from numbered_measures import CATALOGUE as NUMBERED

from pmo_watch.evidence import reason_text
from pmo_watch.measure_catalogue import MeasureCatalogue, read_catalogue
from pmo_watch.measure_sheets import Sheet, sheets_of
from pmo_watch.plugin_host import load_plugins
from pmo_watch.rule_files import Catalogue, Readable, rules_from_texts
from pmo_watch.testing_examples import example_faults
from pmo_watch.words import words

PLUGINS = load_plugins(installed=False)
CATALOGUE = Catalogue(PLUGINS.measures)
JUDGED = sorted(name for name, one in CATALOGUE.measures.items() if one.amber or one.red or one.row_thresholds)
SHEETS = {one.measure.name: one for one in sheets_of(PLUGINS, pytest.fail)}
FOLDERS = {one.name: one.folder for one in PLUGINS.loaded if one.folder}
SPECIFICATION = Path(__file__).parents[1].parent / "shared" / "spec" / "measures.md"
SPECIFIED = re.compile(r"^\| ([A-Z]{2,3}-\d\d) \| (?:★|☆|next) \| `([a-z_.]+)` \|", re.MULTILINE)
# What the numbered catalogue defines on the way, and what a person writes the formula of.
WITHOUT_NUMBER = {"project.bac", "schedule.failed_checks", "rule.formula"}


@pytest.mark.parametrize("name", JUDGED)
def test_measure_can_be_a_rule_without_more(name: str) -> None:
    measure = CATALOGUE.measures[name]
    required = {key: "some-id" for key, one in measure.params.model_fields.items() if one.is_required()}
    rule = {"id": "it", "name": "It", "measure": name, **({"with": required} if required else {})}

    loaded = rules_from_texts(Path("rules.d"), Readable({"a.yaml": json.dumps({"rules": [rule]})}), CATALOGUE)

    assert [fault.shown() for fault in loaded.faults] == []


# --- what people look up ------------------------------------------------------------------------------------------


def test_every_measure_of_the_catalogue_is_there_under_its_number_and_no_other() -> None:
    numbered = {sheet.id: name for name, sheet in SHEETS.items() if sheet.id}

    assert {number: name for number, name in NUMBERED.items() if numbered.get(number) != name} == {}
    assert set(SHEETS) - set(NUMBERED.values()) - WITHOUT_NUMBER == set()


def test_the_catalogue_is_that_of_the_specification() -> None:
    if not SPECIFICATION.is_file():
        pytest.skip(f"there is no {SPECIFICATION} to compare with")

    assert dict(SPECIFIED.findall(SPECIFICATION.read_text(encoding="utf-8"))) == NUMBERED


@pytest.mark.parametrize("name", SHEETS)
def test_measure_is_explained_and_named_in_every_language(name: str) -> None:
    sheet = SHEETS[name]

    assert sheet.entry is not None, f"catalogue.yaml of {sheet.plugin} has no entry for {name}"
    assert list(sheet.names) == ["en", "fr", "nl"]


@pytest.mark.parametrize("name", SHEETS)
def test_worked_example_comes_true(name: str) -> None:
    catalogue = catalogue_of(SHEETS[name])
    folder = {one: measure for one, measure in PLUGINS.measures.items() if SHEETS[one].plugin == SHEETS[name].plugin}

    assert [str(fault) for fault in example_faults(catalogue, PLUGINS.measures[name], folder)] == []


def catalogue_of(sheet: Sheet) -> MeasureCatalogue:
    found = read_catalogue(FOLDERS[sheet.plugin])
    assert found is not None, f"{sheet.plugin} has no catalogue.yaml"
    return found


def test_reasons_are_said_in_other_languages() -> None:
    reasons = {reason for sheet in SHEETS.values() for reason in (*sheet.na(), *sheet.grey())}
    passed_on = {"another reason", "the reason of a measure"}  # of another finding
    as_found = {one: re.sub(r"\b[kn]\b", "3", one) for one in reasons - passed_on}

    assert sorted(one for one, found in as_found.items() if reason_text(found, words("fr"), UTC) == found) == []


def test_sources_of_measures_are_plugins() -> None:
    named = {source for sheet in SHEETS.values() if sheet.entry for source in sheet.entry.sources}

    assert named - set(PLUGINS.sources) == set()
