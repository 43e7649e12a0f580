"""Thirty broken scenario tests: what is printed for each, word for word, line and caret included.

After a change of words, look at what changed and write the files anew: PMO_WATCH_WRITE_GOLDEN=1.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from catalogues import CATALOGUE

from pmo_watch.faults import Faults
from pmo_watch.own_rules import SOURCE_FAILING
from pmo_watch.rule_files import Readable, rules_from_texts
from pmo_watch.scenario_file import Surroundings, read_scenario
from pmo_watch.workdays import Calendar

FILES = sorted((Path(__file__).parent / "broken").glob("scenario-*.test.yaml"))
RULES = """\
audiences:
  leader: {role: project_leader, amber: at once, red: at once}
  pmo: {email: pmo@example.org, amber: daily, red: daily}
digests:
  daily: {at: "08:30", on: every working day}
rules:
  - {id: slip, name: Slips, measure: milestone.slip, amber: over 5 wd, red: over 10 wd, tell: {red: [leader, pmo]}}
  - {id: late, name: Late, measure: milestone.slip, red: over 20 wd, tell: {red: leader}}
  - {id: asleep, name: Asleep, measure: milestone.slip, red: over 30 wd, tell: {red: leader}, enabled: false}
"""


def around() -> Surroundings:
    loaded = rules_from_texts(Path("rules.d"), Readable({"rules.yaml": RULES}), CATALOGUE)
    assert [fault.shown() for fault in loaded.faults] == []
    catalogue = replace(CATALOGUE, calendars={"be": Calendar("be"), "nl": Calendar("nl")})
    return Surroundings(loaded.rules, catalogue, ("mail", "teams"), "en", {SOURCE_FAILING.id: SOURCE_FAILING})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".test.yaml"))
def test_broken_scenario_says_what_is_wrong(file: Path, tmp_path: Path) -> None:
    shutil.copy(file, tmp_path)
    golden = file.with_name(file.name.replace(".test.yaml", ".golden.txt"))

    with pytest.raises(Faults) as caught:
        read_scenario(tmp_path / file.name, around())

    printed = f"{caught.value.shown()}\n".replace(f"{tmp_path}/", "")
    if os.environ.get("PMO_WATCH_WRITE_GOLDEN"):
        golden.write_text(printed, encoding="utf-8")
    assert printed == golden.read_text(encoding="utf-8")


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 30
