"""What is tracked is what is installed: sdist, wheel from it, and the plugins found in what was installed."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"pmo_watch": "pmo_watch", "plugins": "pmo_watch_plugins"}  # folder on disk -> name once installed
PRINT_PLUGINS = """
import pmo_watch, pmo_watch_plugins
from pmo_watch.plugin_host import load_plugins
found = load_plugins(installed=False)
print(pmo_watch.__file__)
print(pmo_watch_plugins.__file__)
print(sorted(one.name for one in found.loaded), dict(found.failed))
"""


def tracked() -> list[str]:
    """Return the files of the checkout that git knows and that are there."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout here: there is nothing to compare the wheel with")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """Run a program to its end and return what it printed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the sdist of a copy of the tracked files: a checkout stays as it is."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in tracked():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "dist", ".", folder=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


def packed(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not name.endswith("/") and ".dist-info/" not in name:
                yield name


def test_wheel_holds_every_tracked_file_and_nothing_else(wheel: Path) -> None:
    parts = [name.partition("/") for name in tracked()]
    expected = {f"{PACKAGES[folder]}/{rest}" for folder, _, rest in parts if folder in PACKAGES and rest}

    found = set(packed(wheel))

    assert sorted(expected - found) == []
    assert sorted(found - expected) == []


def test_every_folder_of_modules_is_a_package() -> None:
    holding = {Path(name).parent for name in tracked() if name.endswith(".py") and name.split("/")[0] in PACKAGES}

    assert [str(folder) for folder in sorted(holding) if not (ROOT / folder / "__init__.py").is_file()] == []


def test_plugins_are_found_in_what_was_installed(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"),
        *("--target", target, wheel),
        folder=tmp_path,
    )
    folders = {name.split("/")[2] for name in tracked() if re.fullmatch(r"plugins/\w+/\w+/__init__\.py", name)}

    core, plugins, found = run(
        sys.executable, "-c", PRINT_PLUGINS, folder=tmp_path, PYTHONPATH=str(target)
    ).splitlines()

    assert Path(core) == target / "pmo_watch" / "__init__.py"
    assert Path(plugins) == target / "pmo_watch_plugins" / "__init__.py"
    assert found == f"{sorted(folders)} {{}}"
