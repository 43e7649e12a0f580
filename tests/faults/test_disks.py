"""A disk that fills up under a running daemon, and a file that cannot be written."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mail_server import Mailbox, smtp_server
from office import Office, Reach
from running import Running, pmo_watch, until

from pmo_watch.store import TransitionQuery, open_store

LATE = 12


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a file system of eight megabytes; only root may make one."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    """Fill a file system to the last byte and return what fills it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def steps(url: str) -> list[str]:
    store = open_store(url)
    found = [f"{one.reason} {one.project}" for one in reversed(store.transitions(TransitionQuery()))]
    store.close()
    return found


def mailed(mailbox: Mailbox, code: str) -> bool:
    return any(code in str(mail["Subject"]) for mail in mailbox.mails)


@pytest.mark.timeout(300)
def test_full_disk_is_said_and_nothing_is_lost(tmp_path: Path, book) -> None:  # type: ignore[no-untyped-def]
    mailbox = Mailbox()
    with smtp_server(mailbox) as smtp, small_disk(tmp_path / "disk") as disk:
        office = Office(tmp_path / "office", Reach(smtp), every="1s")
        url = f"sqlite:///{disk}/pmo-watch.db"
        office.config.write_text(office.config.read_text(encoding="utf-8").replace("sqlite:///pmo-watch.db", url))
        office.save("P01", LATE)
        with Running(office.config, office.http).ready() as daemon:
            until(lambda: mailed(mailbox, "P01"), "the first mail")
            filler = fill(disk)
            office.save("P02", LATE)
            until(lambda: "the disk is full" in daemon.log.read_text(encoding="utf-8"), "said in the log", 90)
            assert daemon.metric("pmo_rule_alerts", level="red", state="open") == 1
            assert not mailed(mailbox, "P02")
            filler.unlink()
            until(lambda: mailed(mailbox, "P02"), "the second mail", 120)
            assert "Traceback" not in daemon.log.read_text(encoding="utf-8")
        assert steps(url) == ["opened project:p01", "opened project:p02"]
    book.note(
        "disk full (SQLite on a tmpfs)", 1, "said in the log without a traceback; metrics served; told once freed"
    )


@pytest.mark.timeout(300)
def test_file_that_cannot_be_written_is_said_at_the_start(tmp_path: Path, book) -> None:  # type: ignore[no-untyped-def]
    with small_disk(tmp_path / "disk") as disk:
        office = Office(tmp_path / "office")
        url = f"sqlite:///{disk}/pmo-watch.db"
        office.config.write_text(office.config.read_text(encoding="utf-8").replace("sqlite:///pmo-watch.db", url))
        open_store(url).close()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

        for command in (["run"], ["once"]):
            ended = pmo_watch(office.config, *command)
            assert ended.returncode == 4, ended.stderr
            assert str(disk) in ended.stderr
            assert "Traceback" not in ended.stderr
    book.note("read-only file system (SQLite)", 2, "exit code 4 with the path and what to do; no traceback")
