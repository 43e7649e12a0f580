"""Forty-odd broken rule files: what is printed for each, word for word, line and caret included.

After a change of words, look at what changed and write the files anew: PMO_WATCH_WRITE_GOLDEN=1.
"""

import os
import shutil
from pathlib import Path

import pytest
from catalogues import CATALOGUE

from pmo_watch.rule_files import load_rules

FILES = sorted(path for path in (Path(__file__).parent / "broken").glob("[0-9]*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_broken_rule_file_says_what_is_wrong(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rules.d"
    folder.mkdir()
    shutil.copy(file, folder)
    golden = file.with_suffix(".golden.txt")

    loaded = load_rules(folder, CATALOGUE)

    printed = "".join(f"{fault.shown()}\n" for fault in loaded.faults).replace(f"{tmp_path}/", "")
    if os.environ.get("PMO_WATCH_WRITE_GOLDEN"):
        golden.write_text(printed, encoding="utf-8")
    assert printed == golden.read_text(encoding="utf-8")
    assert not loaded.rules.rules


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 40
