"""Programs from Debian's packages, for tests marked `system`."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

LOCK = Path(tempfile.gettempdir()) / "pmo-watch-tests-apt.lock"  # several processes run tests at a time
UNPACKED = Path(tempfile.gettempdir()) / f"pmo-watch-tests-debian-{os.geteuid()}"
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def debian_program(name: str, package: str) -> str:
    """Return a program's path; it is installed where it is absent and we may, else the test is skipped, saying why."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return shutil.which(name) or _install(name, package)


def _install(name: str, package: str) -> str:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return _skip(f"{name} is not here, and only root can install Debian's package {package}")
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    for command in (["apt-get", "update", "-qq"], install):
        _run(command)
    if Path("/run/systemd/system").exists():
        subprocess.run(["systemctl", "disable", "--now", package], capture_output=True, check=False)
    return shutil.which(name) or _skip(f"Debian's package {package} holds no program {name}")


def debian_folder(*packages: str) -> Path:
    """Return a folder with the packages unpacked, and with what they need and the machine lacks.

    Nothing is installed, so two packages that exclude each other can be tried on one machine, and root is not needed.
    The folder is kept for the next time; where the packages cannot be had the test is skipped, saying why.
    """
    folder = UNPACKED / packages[0]
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _unpack(packages, folder)
    return folder


def _unpack(packages: tuple[str, ...], folder: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        _skip(f"{packages[0]} comes from Debian's packages, and this is no Debian")
    if os.geteuid() == 0:
        _run(["apt-get", "update", "-qq"])
    planned = _run(["apt-get", "install", "--simulate", "--no-install-recommends", *packages])
    UNPACKED.mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=UNPACKED) as name:
        needed = {*packages, *re.findall(r"^Inst (\S+)", planned, re.MULTILINE)}
        _run(["apt-get", "download", *sorted(needed)], Path(name))
        for package in Path(name).glob("*.deb"):
            _run(["dpkg", "-x", str(package), f"{name}/root"])
        _run(["chmod", "-R", "u=rwX,go=rX", f"{name}/root"])  # no program there runs as its owner
        Path(name, "root").rename(folder)


def _run(command: list[str], folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
    if done.returncode:
        return _skip(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def _skip(why: str) -> NoReturn:
    print(why)
    pytest.skip(why)
