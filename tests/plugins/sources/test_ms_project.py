"""Plans as their writers save them: one folder for each habit, and for each fault that costs the file."""

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from plans import Answer, read_one
from ruamel.yaml import YAML

from pmo_watch.api import ENTITIES, SourceDataError

CASES = Path(__file__).parent / "ms_project" / "cases"
GOOD = sorted(case.name for case in CASES.iterdir() if not (case / "error.txt").exists())
BAD = sorted(case.name for case in CASES.iterdir() if (case / "error.txt").exists())


def settings_of(case: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load((case / "settings.yaml").read_text(encoding="utf-8")))


def as_text(value: Any) -> str:
    """Write a value as the expected files do; money and figures without trailing zeros."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return ", ".join(value) if isinstance(value, list) else str(value)


def compare(case: Path, entity: str, expected: Path, answer: Answer) -> None:
    with expected.open(encoding="utf-8", newline="") as file:
        header, *wanted = csv.reader(file)
    found = [[as_text(row.get(name)) for name in header] for row in answer.rows(entity)]
    assert {"key"} | ENTITIES[entity].stored_schema().keys() >= set(header)
    assert found == wanted, f"{case.name}: {entity}"


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.mark.parametrize("name", GOOD)
def test_a_plan_becomes_rows(name: str, tmp_path: Path) -> None:
    case = CASES / name

    answer = read_one(tmp_path, next(case.glob("input.*")).read_bytes(), **settings_of(case))

    for expected in sorted(case.glob("expected*.csv")):
        compare(case, expected.stem.partition(".")[2] or "task", expected, answer)
    assert [" | ".join(one) for one in answer.reported] == lines(case / "rejected.txt")
    assert list(answer.summary.degraded) == lines(case / "degraded.txt")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_says_what_it_is_and_what_to_do(name: str, tmp_path: Path) -> None:
    case = CASES / name

    with pytest.raises(SourceDataError) as refused:
        read_one(tmp_path, next(case.glob("input.*")).read_bytes(), **settings_of(case))

    assert f"{refused.value}\n" == (case / "error.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GOOD)
def test_columns_have_the_types_of_the_model(name: str, tmp_path: Path) -> None:
    case = CASES / name

    answer = read_one(tmp_path, next(case.glob("input.*")).read_bytes(), **settings_of(case))

    for one in answer.records:
        schema = {"key": ENTITIES["project"].stored_schema()["id"], **ENTITIES[one.entity].stored_schema()}
        assert dict(one.frame.schema) == {column: schema[column] for column in one.frame.columns}
        assert one.frame["key"].is_unique().all()
        assert one.part == "plan.xml"


def test_the_same_bytes_give_the_same_records(tmp_path: Path) -> None:
    content = (CASES / "project-2019" / "input.xml").read_bytes()

    first, second = read_one(tmp_path, content), read_one(tmp_path, content)

    assert [(one.entity, one.frame.to_dicts()) for one in first.records] == [
        (one.entity, one.frame.to_dicts()) for one in second.records
    ]
    assert first.summary.cursor == second.summary.cursor
