"""Which files are read, which stay as they are, and what one bad file costs."""

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from plans import NOW, SAVED, open_source, plan, read, task, write
from pmo_watch_plugins.sources.ms_project import MS_PROJECT, source
from pmo_watch_plugins.sources.ms_project.source import PlanFiles

from pmo_watch import files
from pmo_watch.api import (
    Organisation,
    Records,
    SourceContext,
    SourceDataError,
    SourceRefused,
    SourceUnavailable,
    Summary,
    Watches,
)
from pmo_watch.testing import check_source

DAY = 86_400
FRESH = datetime(2100, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()  # written after any second look


@pytest.fixture(autouse=True)
def _just_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files count as just written, however slow the machine is; tests of files that rest say so."""
    monkeypatch.setattr(files, "RESTING_SECONDS", 3600)


def names(folder: Path) -> Path:
    write(folder / "a.xml", plan(task(1), Title="Atlas"))
    write(folder / "b.xml", plan(task(1), Title="Borea"))
    return folder


def never(_: float) -> None:
    raise AssertionError("no wait was needed")


# --- unchanged ----------------------------------------------------------------------------------------------------


def test_the_same_bytes_are_not_read_twice(tmp_path: Path) -> None:
    first = read(names(tmp_path))

    second = read(tmp_path, first.summary.cursor)

    assert second.records == []
    assert second.summary.unchanged == ("a.xml", "b.xml")
    assert second.summary.whole
    assert second.summary.status_date_assumed
    assert second.summary.cursor == first.summary.cursor


def test_a_file_saved_again_without_a_change_is_not_read(tmp_path: Path) -> None:
    first = read(names(tmp_path))
    write(tmp_path / "a.xml", plan(task(1), Title="Atlas"), at=SAVED + DAY)

    assert read(tmp_path, first.summary.cursor).summary.unchanged == ("a.xml", "b.xml")


def test_only_what_changed_is_read(tmp_path: Path) -> None:
    first = read(names(tmp_path))
    write(tmp_path / "b.xml", plan(task(1, "Renamed"), Title="Borea"), at=SAVED + DAY)

    second = read(tmp_path, first.summary.cursor)

    assert (second.parts, second.summary.unchanged) == (["b.xml"], ("a.xml",))
    assert second.row("task")["name"] == "Renamed"


def test_other_settings_read_everything_again(tmp_path: Path) -> None:
    first = read(names(tmp_path))

    assert read(tmp_path, first.summary.cursor, baseline=1).parts == ["a.xml", "b.xml"]
    assert read(tmp_path, first.summary.cursor, max_size_mb=50).parts == []


def test_a_file_that_is_gone_is_no_longer_named(tmp_path: Path) -> None:
    first = read(names(tmp_path))
    (tmp_path / "a.xml").unlink()

    second = read(tmp_path, first.summary.cursor).summary

    assert (second.unchanged, second.whole, second.listed) == (("b.xml",), True, True)


# --- bad files ----------------------------------------------------------------------------------------------------


def test_one_bad_file_costs_that_file(tmp_path: Path) -> None:
    write(names(tmp_path) / "bad.xml", "<Project><Name>")

    answer = read(tmp_path)

    assert answer.parts == ["a.xml", "b.xml"]
    assert not answer.summary.whole
    assert answer.summary.error.startswith("bad.xml:1:16: not well-formed XML: ")


def test_a_known_file_that_turns_bad_is_neither_read_nor_called_unchanged(tmp_path: Path) -> None:
    first = read(names(tmp_path))
    write(tmp_path / "a.xml", "<Project><Tasks><Task><UID>1</UID></Task>", at=SAVED + DAY)

    second = read(tmp_path, first.summary.cursor)

    assert (second.records, second.summary.unchanged, second.summary.whole) == ([], ("b.xml",), False)
    assert second.summary.cursor == first.summary.cursor


def test_when_every_file_is_bad_the_reading_fails(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", "PK")
    write(tmp_path / "b.xml", "<html>")

    with pytest.raises(SourceDataError, match=r"a\.xml is a zip archive.*; b\.xml is a web page"):
        read(tmp_path)


def test_nothing_to_read_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=f"matches no file in {tmp_path}"):
        read(tmp_path)


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path) -> None:
    write(names(tmp_path) / "large.xml", b"\xff" * (1 << 21))

    answer = read(tmp_path, max_size_mb=1)

    assert answer.parts == ["a.xml", "b.xml"]
    assert answer.summary.error == "large.xml has 2.0 MB, 'max_size_mb' allows 1: not opened"


def test_a_text_over_a_megabyte_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", plan(task(1, Notes="x" * (1 << 20))))

    with pytest.raises(SourceDataError) as refused:
        read(tmp_path)

    assert str(refused.value) == "a.xml: refused for safety: a text of more than 1 MB"


def test_nested_entities_are_refused_before_they_are_looked_at(tmp_path: Path) -> None:
    pairs = zip("abcdef", "bcdefg", strict=True)
    bomb = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {outer} "{f"&{inner};" * 9}">' for inner, outer in pairs)
    write(tmp_path / "a.xml", f"<?xml version='1.0'?><!DOCTYPE x [{bomb}]><Project><Name>&g;</Name></Project>")

    with pytest.raises(SourceDataError) as refused:
        read(tmp_path)

    assert str(refused.value) == "a.xml: refused for safety: it has a document type declaration, which no plan needs"


# --- files in motion ----------------------------------------------------------------------------------------------


def test_a_half_written_file_is_never_a_reading(tmp_path: Path) -> None:
    write(names(tmp_path) / "c.xml", plan(task(1), Title="Cerise")[:200], at=FRESH)
    waits: list[float] = []

    def writer(seconds: float) -> None:
        waits.append(seconds)
        write(tmp_path / "c.xml", plan(task(1), Title="Cerise")[:300], at=FRESH + 1)

    answer = read(tmp_path, pause=writer)

    assert (answer.parts, waits) == (["a.xml", "b.xml"], [2])
    assert not answer.summary.whole
    assert answer.summary.error == "c.xml is still being written: left for the next time"


def test_what_a_file_said_before_it_is_written_again_stays(tmp_path: Path) -> None:
    first = read(names(tmp_path))
    write(tmp_path / "a.xml", "<Project>", at=FRESH)

    second = read(tmp_path, first.summary.cursor, pause=lambda _: write(tmp_path / "a.xml", "<Project><", at=FRESH + 1))

    assert second.summary.unchanged == ("a.xml", "b.xml")
    assert (second.summary.whole, second.summary.cursor) == (False, first.summary.cursor)


def test_a_file_written_long_ago_is_not_waited_for(tmp_path: Path) -> None:
    assert read(names(tmp_path), pause=never).parts == ["a.xml", "b.xml"]


def test_the_only_file_still_being_written_is_tried_again_later(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", "<Project>", at=FRESH)

    with pytest.raises(SourceUnavailable, match=r"a\.xml is still being written"):
        read(tmp_path, pause=lambda _: write(tmp_path / "a.xml", "<Project><", at=FRESH + 1))


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    names(tmp_path)

    def overwrite(text: str) -> None:
        if text.startswith("a.xml"):
            write(tmp_path / "a.xml", plan(task(1), task(2), Title="Atlas"), at=SAVED + DAY)

    context = SourceContext("plans", tmp_path, NOW, ZoneInfo("UTC"), Organisation(), {}, progress=overwrite)
    *records, summary = PlanFiles(MS_PROJECT.settings(path="*.xml"), context).read(None)

    assert {one.part for one in records if isinstance(one, Records)} == {"b.xml"}
    assert isinstance(summary, Summary)
    assert summary.error == "a.xml changed while it was read: left for the next time"


def test_a_file_without_a_byte_costs_nothing_unless_it_was_known(tmp_path: Path) -> None:
    write(names(tmp_path) / "cloud.xml", b"")
    first = read(tmp_path)
    write(tmp_path / "a.xml", b"")

    second = read(tmp_path, first.summary.cursor).summary

    assert (first.summary.whole, first.summary.degraded) == (True, ("cloud.xml holds no byte: left out",))
    assert (second.whole, second.unchanged) == (False, ("a.xml", "b.xml"))
    assert second.error == "a.xml holds no byte: left for the next time"


def test_a_file_nobody_may_read_is_someones_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    write(tmp_path / "a.xml", plan(task(1)))
    monkeypatch.setattr(source, "digest", closed)

    with pytest.raises(SourceRefused) as refused:
        read(tmp_path)

    assert str(refused.value) == (
        f"{tmp_path / 'a.xml'} cannot be opened: give the user of pmo-watch the right to read it"
    )


def test_a_file_that_nobody_touched_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "RESTING_SECONDS", 0)
    first = read(names(tmp_path))
    monkeypatch.setattr(source, "digest", lambda path: pytest.fail(f"{path} was opened"))

    second = read(tmp_path, first.summary.cursor)

    assert (second.records, second.summary.unchanged) == ([], ("a.xml", "b.xml"))
    assert second.summary.cursor == first.summary.cursor


def test_other_bytes_of_the_same_length_and_time_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "RESTING_SECONDS", 0)
    path = tmp_path / "a.xml"
    write(path, plan(task(1, Name="Pilot"), task(2)))
    written = path.stat().st_mtime_ns
    first = read(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"Pilot", b"Trial"))
    os.utime(path, ns=(written, written))

    second = read(tmp_path, first.summary.cursor)

    assert "Trial" in second.frame("task")["name"]


def test_a_file_that_has_just_changed_is_looked_into(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", plan(task(1)))

    (known,) = read(tmp_path).summary.cursor["files"].values()

    assert known[-1] == ""


def test_closing_ends_a_reading(tmp_path: Path) -> None:
    opened = open_source(names(tmp_path))
    reading = opened.read(None)

    next(reading)
    opened.close()

    with pytest.raises(SourceUnavailable):
        list(reading)


@pytest.mark.parametrize(
    ("path", "watch", "expected"),
    [("plans/**/*.xml", True, ["plans"]), ("a.xml", True, ["a.xml"]), ("plans", False, [])],
    ids=["glob", "file", "off"],
)
def test_files_are_watched(tmp_path: Path, path: str, watch: bool, expected: list[str]) -> None:
    opened = open_source(tmp_path, path=path, watch=watch)

    assert isinstance(opened, Watches)
    assert list(opened.paths()) == [tmp_path / one for one in expected]


# --- what is in them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    declared = "utf-16" if encoding == "utf-16-be" else encoding.replace("cp1252", "windows-1252").removesuffix("-sig")
    content = plan(task(1, "Prüfung Straße €")).replace("UTF-8", declared)
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    write(tmp_path / "a.xml", mark + content.encode(encoding))

    assert read(tmp_path).row("task")["name"] == "Prüfung Straße €"


def test_it_keeps_the_contract_of_sources(tmp_path: Path) -> None:
    context = SourceContext("plans", names(tmp_path), NOW, ZoneInfo("UTC"), Organisation(), {})

    assert check_source(MS_PROJECT, {"path": "*.xml"}, context) == []


def test_a_plan_without_rows_is_a_project(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", "<Project><Title>Empty</Title></Project>")

    answer = read(tmp_path)

    assert ([one.entity for one in answer.records], answer.row("project")["code"]) == (["project"], "Empty")
    assert read(tmp_path, answer.summary.cursor).summary.unchanged == ("a.xml",)
