"""Programs from Debian's packages, for tests marked `system`."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

LOCK = Path(tempfile.gettempdir()) / "pmo-watch-tests-apt.lock"  # several processes run tests at a time
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
        done = subprocess.run(command, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
        if done.returncode:
            return _skip(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    if Path("/run/systemd/system").exists():
        subprocess.run(["systemctl", "disable", "--now", package], capture_output=True, check=False)
    return shutil.which(name) or _skip(f"Debian's package {package} holds no program {name}")


def _skip(why: str) -> NoReturn:
    print(why)
    pytest.skip(why)
