"""What a path means, and which files are finished."""

import os
import time
from pathlib import Path

import pytest

from pmo_watch.errors import SourceRefused
from pmo_watch.files import FoundFile, digest, digest_of, finished, list_files, watched_path

LONG_AGO = 1_700_000_000


def write(path: Path, text: str = "x", seconds: float = LONG_AGO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (seconds, seconds))
    return path


def parts(files: tuple[FoundFile, ...] | list[FoundFile]) -> list[str]:
    return [one.part for one in files]


def never(_: float) -> None:
    raise AssertionError("no wait was needed")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("plans", ["a.xml", "b.XML"]),
        ("plans/a.xml", ["a.xml"]),
        ("plans/*", ["a.xml", "b.XML", "note.txt"]),
        ("plans/**/*.xml", ["a.xml", "deep/c.xml"]),
        ("plans/d*/c.xml", ["deep/c.xml"]),
        ("plans/~$a.xml", ["~$a.xml"]),
    ],
    ids=["folder", "file", "glob", "deep glob", "wild folder", "named outright"],
)
def test_a_path_is_a_file_a_folder_or_a_glob(tmp_path: Path, path: str, expected: list[str]) -> None:
    for name in ("a.xml", "b.XML", "note.txt", "deep/c.xml", "~$a.xml", ".hidden.xml", ".git/d.xml", "e.xml.tmp"):
        write(tmp_path / "plans" / name)
    write(tmp_path / "plans" / "f.partial")

    listing = list_files(path, tmp_path, (".xml",))

    assert parts(listing.files) == expected


@pytest.mark.timeout(20)
def test_links_in_a_circle_have_an_end(tmp_path: Path) -> None:
    write(tmp_path / "plans" / "deep" / "c.xml")
    write(tmp_path / "elsewhere" / "d.xml")
    for name, target in (("one", "."), ("two", ".."), ("deep/three", "..")):
        (tmp_path / "plans" / name).symlink_to(target, target_is_directory=True)

    listing = list_files("plans/**/*.xml", tmp_path, (".xml",))

    assert parts(listing.files) == ["deep/c.xml", "two/elsewhere/d.xml"]


def test_brackets_may_be_part_of_a_name(tmp_path: Path) -> None:
    write(tmp_path / "plans [old]" / "a.xml")

    listing = list_files("plans [old]", tmp_path, (".xml",))

    assert parts(listing.files) == ["a.xml"]


def test_a_file_without_a_byte_is_named_and_not_read(tmp_path: Path) -> None:
    write(tmp_path / "a.xml")
    write(tmp_path / "cloud.xml", "")

    listing = list_files("*.xml", tmp_path, (".xml",))

    assert (parts(listing.files), listing.empty) == (["a.xml"], ("cloud.xml",))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("plans/*.xml", "'plans/*.xml' matches no file in {}/plans: correct 'path', or put the files there"),
        ("never/*.xml", "{}/never is not there: correct 'path', or create it"),
        ("plan.xml", "{}/plan.xml is not there: correct 'path', or create it"),
    ],
    ids=["no match", "no folder", "no file"],
)
def test_nothing_to_read_names_the_resolved_folder(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "plans").mkdir()

    with pytest.raises(SourceRefused) as refused:
        list_files(path, tmp_path, (".xml",))

    assert str(refused.value) == message.format(tmp_path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("plans/**/*.xml", "plans"), ("plans/a.xml", "plans/a.xml"), ("a?/b", "."), ("plans", "plans")],
)
def test_what_is_watched_has_no_wildcard(tmp_path: Path, path: str, expected: str) -> None:
    assert watched_path(path, tmp_path) == tmp_path / expected


def test_a_file_written_long_ago_needs_no_second_look(tmp_path: Path) -> None:
    write(tmp_path / "a.xml")

    ready, moving = finished(list_files("*.xml", tmp_path, (".xml",)).files, 2, never)

    assert (parts(ready), moving) == (["a.xml"], [])


def test_all_fresh_files_wait_once_and_the_one_that_grows_is_left(tmp_path: Path) -> None:
    for name in ("a.xml", "b.xml", "c.xml"):
        write(tmp_path / name, seconds=time.time())
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        write(tmp_path / "b.xml", "xx", seconds=time.time())
        (tmp_path / "c.xml").unlink()

    ready, moving = finished(list_files("*.xml", tmp_path, (".xml",)).files, 2, pause)

    assert (parts(ready), parts(moving), waits) == (["a.xml"], ["b.xml", "c.xml"], [2])


def test_without_a_settle_time_nothing_waits(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", seconds=time.time())

    ready, moving = finished(list_files("*.xml", tmp_path, (".xml",)).files, 0, never)

    assert (parts(ready), moving) == (["a.xml"], [])


def test_the_digest_tells_bytes_apart(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", "same"), write(tmp_path / "b", "same")
    third = write(tmp_path / "c", "else")

    assert digest(one) == digest(other) == digest_of(b"same") != digest(third)
    assert digest(write(tmp_path / "d", "")) == digest_of(b"")


def test_the_digest_of_a_large_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    text = "plan " * 500_000

    assert digest(write(tmp_path / "large", text)) == digest_of(text.encode()) != digest_of(text[:-1].encode())
