"""The built-in measures as rules see them: their own thresholds are understood, and contradict nothing."""

import json
from pathlib import Path

import pytest

from pmo_watch.plugin_host import load_plugins
from pmo_watch.rule_files import Catalogue, Readable, rules_from_texts

CATALOGUE = Catalogue(load_plugins(installed=False).measures)
JUDGED = sorted(name for name, one in CATALOGUE.measures.items() if one.amber or one.red or one.row_thresholds)


@pytest.mark.parametrize("name", JUDGED)
def test_measure_can_be_a_rule_without_more(name: str) -> None:
    measure = CATALOGUE.measures[name]
    required = {key: "some-id" for key, one in measure.params.model_fields.items() if one.is_required()}
    rule = {"id": "it", "name": "It", "measure": name, **({"with": required} if required else {})}

    loaded = rules_from_texts(Path("rules.d"), Readable({"a.yaml": json.dumps({"rules": [rule]})}), CATALOGUE)

    assert [fault.shown() for fault in loaded.faults] == []
