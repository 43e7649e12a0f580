"""The daemon in a process of its own: started, asked over HTTP, signalled, killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from office import NOW

RUN_AT = Path(__file__).with_name("run_at.py")
PATIENCE_SECONDS = 40.0  # for what takes two on a quiet machine


def until(holds: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds that another process or thread does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)


def pmo_watch(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another command on the same settings."""
    command = [sys.executable, "-m", "pmo_watch", *arguments, "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Running:
    """`pmo-watch run` on a folder; `moment` is what its clock shows at the start, None is the wall clock."""

    def __init__(self, config: Path, port: int, moment: datetime | None = NOW) -> None:
        run = ["run", "--config", str(config)]
        shift = str((moment - datetime.now(UTC)).total_seconds()) if moment else ""
        command = [sys.executable, str(RUN_AT), shift, *run] if moment else [sys.executable, "-m", "pmo_watch", *run]
        self.log = config.parent / "log.txt"
        self._base = f"http://127.0.0.1:{port}"
        self._said = self.log.open("ab")
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self._said, cwd=config.parent)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """End it, whatever became of it."""
        self.process.kill()
        self.process.wait()
        self._said.close()
        if kind is not None:
            print(self.log.read_text(encoding="utf-8")[-4000:])

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Return status and body of an answer; status 0 while nobody answers."""
        request = urllib.request.Request(f"{self._base}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> Self:
        """Wait for the end of the first cycle."""
        until(lambda: self.ended() or self.ask("/-/ready")[0] == 200, "ready")
        assert not self.ended(), self.log.read_text(encoding="utf-8")
        return self

    def ended(self) -> bool:
        """Say whether the process has ended."""
        return self.process.poll() is not None

    def reload(self) -> tuple[int, dict[str, Any]]:
        """Ask for a reload and return how it ended."""
        status, body = self.ask("/-/reload", "POST")
        return status, json.loads(body)

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the value of a series; None where it is not exported."""
        wanted = "".join(f'(?=[^}}]*{key}="{re.escape(value)}")' for key, value in labels.items())
        found = re.search(rf"^{name}(?:{{{wanted}[^}}]*}})? (\S+)$", self.ask("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else None

    def stop(self, signals: Sequence[signal.Signals] = (signal.SIGTERM,)) -> float:
        """Send signals and return how many seconds the process went on."""
        began = time.monotonic()
        for one in signals:
            os.kill(self.process.pid, one)
        self.process.wait(30)
        return time.monotonic() - began
