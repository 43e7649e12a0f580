"""The rules at the top of the repository are those that `pmo-watch init` writes, and `check` agrees with them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pmo_watch.starter import Delivery, write_starter

RULES = Path(__file__).parents[1] / "rules.d"


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def test_rules_that_we_show_are_those_that_init_writes(tmp_path: Path) -> None:
    write_starter(tmp_path, Delivery.WATERFALL)

    assert texts(RULES) == texts(tmp_path / "rules.d")


def test_tests_of_them_pass_and_reach_what_they_claim(tmp_path: Path) -> None:
    write_starter(tmp_path, Delivery.WATERFALL)

    done = subprocess.run(
        [sys.executable, "-P", "-m", "pmo_watch", "test", str(RULES), "--config", str(tmp_path / "pmo-watch.yaml")],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PMO_WATCH_")},
    )

    assert (done.returncode, "3 tests: all passed" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize("strict", [(), ("--strict",)], ids=["check", "strict"])
def test_check_finds_no_fault_in_them(tmp_path: Path, strict: tuple[str, ...]) -> None:
    write_starter(tmp_path, Delivery.WATERFALL)
    settings = tmp_path / "pmo-watch.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("rules: rules.d ", f"rules: {RULES} ", 1), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PMO_WATCH_")}

    done = subprocess.run(
        [sys.executable, "-P", "-m", "pmo_watch", "check", "--config", str(settings), *strict],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert str(RULES) in settings.read_text(encoding="utf-8")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stdout + done.stderr
