"""Kills an office's process at commits, lets another one go on, and compares with one that never died."""

import ast
import multiprocessing
import re
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commit_points import STORE
from mail_server import Mailbox, smtp_server
from office import Office, Reach
from staged_life import COMMITS, live

from pmo_watch.store import OutboxQuery, TransitionQuery, open_store

SHORT = "starttls: off, timeout_seconds: 2, total_timeout_seconds: 3"


@dataclass(frozen=True)
class End:
    """How the days ended: what changed, what became of each message, and which messages arrived how often."""

    steps: list[str]
    alerts: Sequence[tuple[str, str | None]]
    outbox: dict[str, str]
    arrived: Counter[str]
    log: str


def lived(folder: Path, url: str, dies_at: int = 0, *, before: bool = True) -> tuple[End, list[str]]:
    """Let a process die at this commit (0: not at all), let the next one go on; return the end and the commits."""
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp:
        office = Office(folder, Reach(smtp, mail=SHORT), projects=3)
        people = folder / "people.csv"
        people.write_text(people.read_text(encoding="utf-8").replace("leader-p03@", "perm@"), encoding="utf-8")
        code = _live(office, url, dies_at, before=before)
        assert code == (-signal.SIGKILL if dies_at else 0), (folder / "log.txt").read_text(encoding="utf-8")
        commits = (folder / COMMITS).read_text(encoding="utf-8").split()
        if dies_at:
            assert _live(office, url, 0, before=True) == 0, (folder / "log.txt").read_text(encoding="utf-8")
    return _end(folder, url, mailbox), commits


def _live(office: Office, url: str, dies_at: int, *, before: bool) -> int | None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["staged_life"])
    process = context.Process(target=live, args=(office, url, dies_at), kwargs={"before": before})
    process.start()
    process.join(60)
    process.kill()
    process.join()
    return process.exitcode


def _end(folder: Path, url: str, mailbox: Mailbox) -> End:
    store = open_store(url)
    steps = [f"{one.reason} {one.project} {one.at}" for one in reversed(store.transitions(TransitionQuery(limit=1000)))]
    alerts = [(one.subject, one.level) for one in store.alerts()]
    outbox = {one.id: one.state.value for one in store.outbox(OutboxQuery(limit=1000))}
    store.close()
    ids = Counter(re.findall(r"<m\.(.*)@", str(mail["Message-ID"]))[0] for mail in mailbox.mails)
    log = folder / "log.txt"
    return End(steps, alerts, outbox, ids, log.read_text(encoding="utf-8"))


def is_as(end: End, undisturbed: End) -> None:
    """Check that a death changed nothing, but that a message may have arrived twice under the same id."""
    assert end.steps == undisturbed.steps
    assert end.alerts == undisturbed.alerts
    assert end.outbox == undisturbed.outbox
    assert set(end.arrived) == set(undisturbed.arrived)
    assert max(end.arrived.values(), default=0) <= 2
    assert "Traceback" not in end.log


def committing_functions() -> set[str]:
    """Return the functions of the store that commit something, as its source says."""
    return {
        function.name
        for file in STORE.glob("*.py")
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "writing"
    }
