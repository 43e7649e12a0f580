"""What no type checker sees: the size of files, and that steps 2 to 5 work on columns and touch nothing outside."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmo_watch import api, posting, rest

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
CALL_BACKS = re.compile(r"map_(elements|batches|groups|rows)|apply")
OUTSIDE = re.compile(r"(read|scan|write|sink)_\w+")
ROW_BY_ROW = re.compile(r"iter_rows|iter_slices|rows|rows_by_key|to_dicts|partition_by")
STEP_3 = ("evaluate", "judge", "facts", "row_thresholds", "measured", "bands", "provenance", "conditions", "view")


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def pure_modules() -> list[Path]:
    """Return the files that the contract without input and output names."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (named,) = [one["source_modules"] for one in contracts if one["name"] == "Steps 2 to 5 do no input or output"]
    core = [ROOT / "pmo_watch" / name.removeprefix("pmo_watch.") for name in named if name.startswith("pmo_watch.")]
    found = [file for path in core for file in (path.with_suffix(".py"), *sorted(path.glob("*.py"))) if file.exists()]
    return [*found, *sources("plugins/rules")]


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each method that is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, node.func.attr


def offences(paths: list[Path], refused: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in paths
        for line, name in calls(path)
        if refused.fullmatch(name)
    ]


def test_no_file_is_too_long() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in sources("pmo_watch", "plugins", "benchmarks")
    }

    assert [f"{path.relative_to(ROOT)}: {lines}" for path, lines in lengths.items() if lines > MOST_LINES] == []


def test_no_python_function_is_called_per_row() -> None:
    assert offences(pure_modules(), CALL_BACKS) == []


def test_steps_without_input_and_output_read_and_write_nothing() -> None:
    assert offences(pure_modules(), OUTSIDE) == []


def test_evaluation_and_measures_never_look_at_one_row() -> None:
    core = [ROOT / "pmo_watch" / f"{name}.py" for name in STEP_3]

    assert offences([*core, *sources("plugins/rules")], ROW_BY_ROW) == []


def test_no_measure_takes_from_the_api_what_asks_a_system() -> None:
    """The contract of imports leaves this way open, since one module offers both."""
    asking = {*rest.__all__, *posting.__all__}
    taken = [
        f"{path.relative_to(ROOT)}: {alias.name}"
        for path in sources("plugins/rules")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in asking
    ]

    assert taken == []
    assert asking <= {*api.__all__}


@pytest.mark.parametrize(
    "text",
    ["frame.select(x.map_elements(f))", "frame.map_rows(f)", "pl.read_csv(path)", "frame.write_parquet(path)"],
)
def test_what_is_refused_is_noticed(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "measure.py").write_text(text, encoding="utf-8")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)

    assert offences([tmp_path / "measure.py"], re.compile(f"{CALL_BACKS.pattern}|{OUTSIDE.pattern}")) != []


def test_the_contract_names_modules_that_exist() -> None:
    assert len(pure_modules()) > len(STEP_3)
