"""Lists as people save them: one folder for each habit, and for each fault that costs the file."""

from pathlib import Path
from typing import Any

import pytest
from lists import SAVED, Read, opened, read, save, written
from ruamel.yaml import YAML

from pmo_watch.api import ENTITIES, SourceError

CASES = Path(__file__).parent / "csv_file" / "cases"
GOOD = sorted(case.name for case in CASES.iterdir() if case.is_dir() and not (case / "error.txt").exists())
BAD = sorted(case.name for case in CASES.iterdir() if (case / "error.txt").exists())


def settings_of(case: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load((case / "settings.yaml").read_text(encoding="utf-8")))


def read_case(case: Path, folder: Path) -> Read:
    settings = settings_of(case)
    save(folder / settings["path"], next(case.glob("input.*")).read_bytes(), SAVED)
    return read(opened(folder, **settings))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def lines(texts: list[str]) -> str:
    return "".join(f"{one}\n" for one in texts)


@pytest.mark.parametrize("name", GOOD)
def test_a_list_becomes_rows(name: str, tmp_path: Path) -> None:
    case = CASES / name
    expected = {file.name: text_of(file) for file in case.glob("expected*.csv")}

    answer = read_case(case, tmp_path)

    found = {f"expected.{entity}.csv": written(answer, entity) for entity in answer.entities()}
    assert found == expected
    assert lines(answer.rejected) == text_of(case / "rejected.txt")
    assert lines(list(answer.summary.degraded)) == text_of(case / "degraded.txt")
    assert lines(list(answer.summary.decisions)) == text_of(case / "decisions.txt")


@pytest.mark.parametrize("name", GOOD)
def test_rows_have_the_types_of_the_model(name: str, tmp_path: Path) -> None:
    answer = read_case(CASES / name, tmp_path)

    for one in answer.records:
        stored = ENTITIES[one.entity].stored_schema()
        assert one.frame["key"].null_count() == 0
        assert {name: dtype for name, dtype in one.frame.schema.items() if stored.get(name) != dtype} == {
            "key": one.frame.schema["key"]
        }


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_told_whole(name: str, tmp_path: Path) -> None:
    case = CASES / name

    with pytest.raises(SourceError) as caught:
        read_case(case, tmp_path)

    assert f"{type(caught.value).__name__}: {caught.value}\n" == text_of(case / "error.txt")
