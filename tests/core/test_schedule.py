"""When sources are due, and which changes of files are passed on."""

import errno
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from watchdog.observers.inotify import InotifyEmitter

from pmo_watch.schedule import Timetable, Watch, existing_folder

NOW = datetime(2026, 10, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_everything_is_due_at_first_and_then_by_its_rhythm() -> None:
    table = Timetable({"plans": HOUR, "jira": 10 * MINUTE}, NOW)
    assert table.due(NOW) == ["plans", "jira"]

    table.asked(["plans", "jira"], NOW)

    assert table.due(NOW) == []
    assert table.next() == NOW + 10 * MINUTE
    assert table.due(NOW + 10 * MINUTE) == ["jira"]
    assert table.due(NOW + HOUR) == ["plans", "jira"]


def test_source_that_changes_while_it_is_read_is_due_again() -> None:
    table = Timetable({"plans": HOUR}, NOW)

    table.asked(["plans"], NOW)
    table.changed("plans", NOW + MINUTE)
    table.refused("plans", NOW, 3)

    assert table.due(NOW + MINUTE) == ["plans"]


@pytest.mark.parametrize(("times", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (50, 60)])
def test_source_that_refuses_waits_longer_each_time(times: int, minutes: int) -> None:
    table = Timetable({"jira": timedelta(hours=2)}, NOW)

    table.asked(["jira"], NOW)
    table.refused("jira", NOW, times)

    assert table.next() == NOW + minutes * MINUTE


def test_source_that_refused_is_not_asked_the_sooner_for_a_new_timetable() -> None:
    before = Timetable({"plans": HOUR, "jira": HOUR, "gone": HOUR}, NOW)
    before.asked(["plans", "jira", "gone"], NOW)
    before.refused("jira", NOW, 4)
    after = Timetable({"plans": HOUR, "jira": HOUR, "new": HOUR}, NOW)

    after.keep(before, ["jira", "new"])

    assert after.due(NOW) == ["plans", "new"]
    assert after.due(NOW + 8 * MINUTE) == ["plans", "jira", "new"]


def test_source_that_asks_for_rest_is_left_alone_even_when_a_person_asks() -> None:
    table = Timetable({"jira": 10 * MINUTE, "plans": HOUR}, NOW)
    table.asked(["jira", "plans"], NOW)

    table.postponed("jira", NOW, 1800)
    table.postponed("plans", NOW, 1800)
    table.changed("jira", NOW + MINUTE)

    assert table.due(NOW + 29 * MINUTE) == []
    assert table.due(NOW + 30 * MINUTE) == ["jira"]
    assert table.due(NOW + HOUR) == ["jira", "plans"], "a shorter rest than the rhythm's changes nothing"


@pytest.mark.parametrize("seconds", [86_401, 253_402_300_799, float("inf"), float("nan")])
def test_source_that_asks_for_rest_without_end_is_asked_again_tomorrow(seconds: float) -> None:
    table = Timetable({"jira": 10 * MINUTE}, NOW)

    table.postponed("jira", NOW, seconds)

    assert table.next() == NOW + 24 * HOUR


def test_source_that_rested_goes_on_in_its_rhythm() -> None:
    table = Timetable({"jira": 10 * MINUTE}, NOW)
    table.postponed("jira", NOW, 1800)

    table.asked(["jira"], NOW + 30 * MINUTE)
    table.changed("jira", NOW + 31 * MINUTE)

    assert table.next() == NOW + 31 * MINUTE


def test_source_that_is_gone_is_nobodys_concern() -> None:
    table = Timetable({}, NOW)

    table.asked(["old"], NOW)
    table.refused("old", NOW, 1)
    table.changed("old", NOW)

    assert table.next() is None


# --- files --------------------------------------------------------------------------------------------------------


@contextmanager
def watched(*paths: Path, quiet: float = 0.05, longest: float = 10) -> Iterator[threading.Event]:
    """Give an event that is set when the watch tells."""
    told = threading.Event()
    watch = Watch(paths, told.set, quiet, longest)
    try:
        yield told
    finally:
        watch.close()


def test_changes_of_what_is_meant_are_passed_on(tmp_path: Path) -> None:
    plans, settings = tmp_path / "plans", tmp_path / "pmo-watch.yaml"
    (plans / "2026").mkdir(parents=True)
    settings.touch()
    with watched(plans, settings) as told:
        for path in (plans / "a.xml", plans / "2026" / "b.xml", settings):
            path.write_text("x")
            assert told.wait(10), path
            told.clear()
        (plans / "a.xml").rename(plans / "c.xml")
        assert told.wait(10)


def test_file_put_in_place_by_renaming_is_passed_on(tmp_path: Path) -> None:
    settings = tmp_path / "pmo-watch.yaml"
    settings.touch()
    with watched(settings) as told:
        draft = tmp_path / ".pmo-watch.yaml.swp"
        draft.write_text("new")
        draft.replace(settings)

        assert told.wait(10)


def test_nothing_beside_it_is_passed_on(tmp_path: Path) -> None:
    settings = tmp_path / "pmo-watch.yaml"
    settings.write_text("x")
    with watched(settings) as told:
        for name in ("pmo-watch.db", "pmo-watch.db-wal", "log.txt"):
            (tmp_path / name).write_text("x")
            (tmp_path / name).unlink()
        settings.read_text()

        assert not told.wait(0.6)


def test_burst_is_passed_on_once_and_one_without_end_all_the_same(tmp_path: Path) -> None:
    calls = threading.Semaphore(0)
    watch = Watch([tmp_path], calls.release, quiet_seconds=0.4, longest_seconds=1.0)
    over = threading.Event()

    def scribble() -> None:
        while not over.wait(0.05):
            (tmp_path / "plan.xml").write_text("x")

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        assert calls.acquire(timeout=10)
        assert not calls.acquire(timeout=0.3)
        assert calls.acquire(timeout=10)
    finally:
        over.set()
        writer.join()
        watch.close()


def test_what_is_not_there_yet_is_watched_from_the_folder_above(tmp_path: Path) -> None:
    assert existing_folder(tmp_path / "plans" / "2027") == tmp_path

    with watched(tmp_path / "plans") as told:
        (tmp_path / "plans").mkdir()
        assert told.wait(10)


def test_folder_that_comes_later_is_watched_with_what_is_in_it(tmp_path: Path) -> None:
    with watched(tmp_path / "plans") as told:
        (tmp_path / "plans" / "2027").mkdir(parents=True)
        assert told.wait(10)
        told.clear()

        (tmp_path / "plans" / "2027" / "a.xml").write_text("x")

        assert told.wait(10)


def test_folder_replaced_by_renaming_is_watched_in_its_new_form(tmp_path: Path) -> None:
    plans = tmp_path / "plans"
    plans.mkdir()
    with watched(plans) as told:
        (tmp_path / "fresh").mkdir()
        plans.rename(tmp_path / "old")
        (tmp_path / "fresh").rename(plans)
        assert told.wait(10)
        time.sleep(0.2)  # both renamings may be told of by themselves
        told.clear()

        (plans / "a.xml").write_text("x")
        assert told.wait(10)
        told.clear()
        (tmp_path / "old" / "a.xml").write_text("x")

        assert not told.wait(0.6)


def test_folder_deleted_and_made_again_at_once_is_watched_in_its_new_form(tmp_path: Path) -> None:
    plans = tmp_path / "plans"
    plans.mkdir()
    with watched(plans) as told:
        plans.rmdir()
        plans.mkdir()  # on ext4 with the number that the deleted one had
        assert told.wait(10)
        time.sleep(0.2)
        told.clear()

        (plans / "a.xml").write_text("x")

        assert told.wait(10)


def test_folder_of_a_file_may_be_replaced_too(tmp_path: Path) -> None:
    lists, file = tmp_path / "lists", tmp_path / "lists" / "people.csv"
    for folder in (lists, tmp_path / "fresh"):
        folder.mkdir()
        (folder / "people.csv").write_text("x")
    with watched(file) as told:
        lists.rename(tmp_path / "old")
        (tmp_path / "fresh").rename(lists)
        assert told.wait(10)
        time.sleep(0.2)
        told.clear()

        file.write_text("y")

        assert told.wait(10)


def test_watch_that_cannot_begin_leaves_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    begin = InotifyEmitter.on_thread_start
    begun: list[object] = []

    def up_to_two(emitter: InotifyEmitter) -> None:
        if len(begun) == 2:
            raise OSError(errno.ENOSPC, "the limit of watches is reached")
        begun.append(emitter)
        begin(emitter)

    monkeypatch.setattr(InotifyEmitter, "on_thread_start", up_to_two)
    before = set(threading.enumerate())

    with pytest.raises(OSError, match="limit"):
        Watch(folders, lambda: None)

    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]
