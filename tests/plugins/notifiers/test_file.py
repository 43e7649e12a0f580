"""Messages written to a folder or printed: whole, safely named, few; and what a folder that refuses means."""

import email
import email.policy
import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import CONTEXT, EVIL, NOW, a_message, an_item
from office import Office
from pmo_watch_plugins.notifiers.file import FILE, Folder
from pmo_watch_plugins.notifiers.file.names import stem
from pmo_watch_plugins.notifiers.file.settings import Settings
from pydantic import ValidationError
from running import pmo_watch

from pmo_watch.alerts import OutboxRow, Picture, Rendered
from pmo_watch.api import DeliveryDeferred, DeliveryRejected, NotifierContext
from pmo_watch.render import render

ID = "0123456789abcdef0123456789abcdef"


def opened(base: Path, **parts: Any) -> Folder:
    settings = Settings.model_validate({"folder": "outbox", **parts})
    found = FILE.open(settings, NotifierContext("trial", base, "pmo-watch/1", now=lambda: NOW))
    assert isinstance(found, Folder)
    return found


def row(number: int = 0, **parts: Any) -> OutboxRow:
    rendered, _ = render(a_message(an_item()), CONTEXT)
    usual = {"id": f"{number:032x}" if number else ID, "recipient_name": "Maria Rossi", "rendered": rendered}
    usual |= {"recipient": "person:m.rossi", "address": "m.rossi@example.org", "notifier": "trial", "language": "en"}
    return OutboxRow(**{**usual, **parts})


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in (folder / "outbox").iterdir())


async def test_message_is_written_as_mail_and_page(tmp_path: Path) -> None:
    answer = await opened(tmp_path).send(row())

    (eml, page) = names(tmp_path)
    assert (answer, page) == (f"written as {eml}", eml.replace(".eml", ".html"))
    assert re.fullmatch(rf"20260512T083000Z_m-rossi-[0-9a-f]{{8}}_{ID}\.eml", eml)
    mail = email.message_from_bytes((tmp_path / "outbox" / eml).read_bytes(), policy=email.policy.default)
    assert mail["To"] == "Maria Rossi <m.rossi@example.org>"
    assert mail["Subject"].startswith('[RED] PRJ-042 Key milestone "Go-live" slips')
    assert mail["Message-ID"] == f"<m.{ID[:20]}@localhost>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "Go-live" in (tmp_path / "outbox" / page).read_text(encoding="utf-8")


async def test_repeat_overwrites_itself_whatever_time_it_is(tmp_path: Path) -> None:
    first = opened(tmp_path)
    await first.send(row())
    later = FILE.open(Settings(folder=Path("outbox")), NotifierContext("trial", tmp_path, "x"))
    await later.send(row(attempts=2))

    assert len(names(tmp_path)) == 2


async def test_pictures_of_a_mail_are_in_its_page(tmp_path: Path) -> None:
    rendered = Rendered("s", "t", '<img src="cid:trend.1">', pictures=(Picture("trend.1", "Trend", b"png"),))

    await opened(tmp_path, formats=["html"]).send(row(rendered=rendered))

    (page,) = names(tmp_path)
    assert (tmp_path / "outbox" / page).read_text() == '<img src="data:image/png;base64,cG5n">'


async def test_message_without_a_page_is_shown_as_text(tmp_path: Path) -> None:
    await opened(tmp_path, formats=["html", "json"]).send(row(rendered=Rendered("<s>", f"{EVIL}")))

    (page, data) = names(tmp_path)
    assert "&lt;script&gt;" in (tmp_path / "outbox" / page).read_text()
    assert "<script>" not in (tmp_path / "outbox" / page).read_text()
    assert json.loads((tmp_path / "outbox" / data).read_text())["text"] == EVIL


async def test_only_the_newest_are_kept_and_other_peoples_files_stay(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "notes.txt").write_text("mine")
    (tmp_path / "outbox" / "20200101T000000Z_old.eml").write_text("mine too")
    folder = opened(tmp_path, keep=3, formats=["eml"])
    for number in range(1, 6):
        await folder.send(row(number))

    left = names(tmp_path)
    assert left[0] == "20200101T000000Z_old.eml"
    assert left[-1] == "notes.txt"
    assert [int(one.rpartition("_")[2].removesuffix(".eml"), 16) for one in left[1:-1]] == [3, 4, 5]


async def test_what_people_are_told_can_be_read_by_nobody_else(tmp_path: Path) -> None:
    await opened(tmp_path).send(row())

    assert (tmp_path / "outbox").stat().st_mode & 0o077 == 0
    assert all(one.stat().st_mode & 0o077 == 0 for one in (tmp_path / "outbox").iterdir())


@given(st.text(max_size=300), st.text(max_size=100))
def test_name_is_safe_whatever_id_and_address(identifier: str, address: str) -> None:
    name = stem(row(id=identifier, address=address), Path("/proc/self/fdinfo"), NOW)

    assert re.fullmatch(r"20260512T083000Z_[a-z0-9-]{1,50}_[A-Za-z0-9-]{1,50}", name)


@given(st.lists(st.text(max_size=60), min_size=2, max_size=2, unique=True))
def test_two_messages_never_share_a_name(ids: list[str]) -> None:
    first, second = (stem(row(id=one), Path("/proc/self/fdinfo"), NOW) for one in ids)

    assert first != second


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "\0", "C:\\x", "." * 400, "-rf"])
async def test_hostile_id_stays_in_the_folder(tmp_path: Path, hostile: str) -> None:
    await opened(tmp_path, formats=["json"]).send(row(id=hostile))

    assert len(names(tmp_path)) == 1
    assert os.listdir(tmp_path) == ["outbox"]


async def test_address_that_is_none_is_rejected_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DeliveryRejected, match="is no address"):
        await opened(tmp_path).send(row(address="nobody"))

    assert not (tmp_path / "outbox").exists()


async def test_folder_that_cannot_be_made_is_a_fault_of_the_channel(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")

    for act in (opened(tmp_path).send(row()), opened(tmp_path).probe()):
        with pytest.raises(DeliveryDeferred) as caught:
            await act
        assert (caught.value.reason, caught.value.channel_fault) == ("config", True)
        assert caught.value.answer == f"{tmp_path / 'outbox'}: File exists"


async def test_full_disk_is_tried_again_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DeliveryDeferred) as caught:
        await opened(tmp_path).send(row())

    assert (caught.value.reason, caught.value.channel_fault) == ("other", False)
    assert caught.value.answer == f"{tmp_path / 'outbox'}: No space left on device"
    assert names(tmp_path) == []


async def test_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    await opened(tmp_path).probe()

    assert names(tmp_path) == []


async def test_console_prints_the_text_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = await opened(tmp_path, folder=None, console=True).send(row())

    printed = capsys.readouterr()
    assert (answer, printed.out) == ("printed", "")
    assert "To: m.rossi@example.org [en]\nSubject: [RED] PRJ-042" in printed.err
    assert row().rendered.text.splitlines()[0] in printed.err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"folder": None}, "folder is missing: a folder for the messages, such as outbox; or console: true"),
        ({"from": "nobody"}, "'nobody' is no sender"),
        ({"formats": ["pdf"]}, "Input should be 'eml', 'html' or 'json'"),
        ({"keep": 0}, "greater than or equal to 1"),
    ],
)
def test_setting_that_cannot_be_right_is_named(parts: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(text)):
        Settings.model_validate({"folder": "outbox", **parts})


def test_printing_alone_is_warned_of() -> None:
    assert FILE.check(Settings(console=True)) == ["console alone keeps nothing: what was printed counts as sent"]
    assert FILE.check(Settings(folder=Path("outbox"), console=True)) == []


# --- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office whose mails are written to a folder and printed."""
    office = Office(tmp_path)
    text = office.config.read_text(encoding="utf-8")
    mail = re.search(r"^  mail: \{.*?\}\n", text, re.M | re.S)
    assert mail is not None
    text = text.replace(mail[0], "  mail: {type: file, folder: outbox, console: true}\n")
    office.config.write_text(text, encoding="utf-8")
    return office


def test_once_shows_the_mails_and_its_json_stays_whole(office: Office) -> None:
    assert pmo_watch(office.config, "once", "--now", "2026-10-02T10:00").returncode == 0
    office.save("P01", 12)
    done = pmo_watch(office.config, "once", "--now", "2026-10-02T10:01", "--format", "json")

    assert done.returncode == 0, done.stderr
    (message,) = json.loads(done.stdout)["messages"]
    assert "To: leader-p01@pmo.test [en]\nSubject: [RED] P01 Milestone" in done.stderr
    assert "1 message tried" in done.stderr
    (eml, page) = names(office.folder)
    assert message["id"] in eml
    assert "Go-live" in (office.folder / "outbox" / page).read_text(encoding="utf-8")


def test_check_online_and_send_test_try_the_folder(office: Office) -> None:
    checked = pmo_watch(office.config, "check", "--online")
    sent = pmo_watch(office.config, "send-test", "ann@pmo.test")
    (office.folder / "blocked").write_text("a file")
    text = office.config.read_text(encoding="utf-8").replace("folder: outbox", "folder: blocked")
    office.config.write_text(text, encoding="utf-8")
    refused = pmo_watch(office.config, "check", "--online")

    assert "notifier mail: answers" in checked.stderr
    assert checked.returncode == 0
    assert re.search(r"mail: ann@pmo\.test: accepted, written as \d{8}T\d{6}Z_ann_\S+\.eml, printed", sent.stderr)
    assert f"notifier mail: config: {office.folder / 'blocked'}: File exists" in refused.stderr
    assert refused.returncode == 3
