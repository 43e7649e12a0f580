"""Thirty broken scenario tests: what is printed for each, word for word, line and caret included.

After a change of words, look at what changed and write the files anew: PMO_WATCH_WRITE_GOLDEN=1.
"""

import os
import shutil
from pathlib import Path

import pytest
from scenario_texts import FILES, around

from pmo_watch.faults import Faults
from pmo_watch.scenario_file import read_scenario


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
