"""Cycles of the real engine over a real store: what is written, when nothing is, and what happens in between."""

import threading
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from office import NOW, Office, cycle

from pmo_watch import in_force
from pmo_watch.acknowledgements import Wanted
from pmo_watch.contracts import Cursor, Source
from pmo_watch.cycle import Engine, Stopped
from pmo_watch.errors import SourceRefused
from pmo_watch.flow import PastState, Records, Summary
from pmo_watch.operations import acknowledge_alerts
from pmo_watch.store import CycleChange, MarkKind, OutboxQuery, Store, StoreConflict, TransitionQuery
from pmo_watch.telling import CycleReport

MINUTE = timedelta(minutes=1)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office of two projects."""
    return Office(tmp_path)


@pytest.fixture
def store(office: Office) -> Iterator[Store]:
    """Give the office's store."""
    opened = office.open()
    yield opened
    opened.close()


def written(store: Store) -> tuple[object, ...]:
    """Return all that a cycle may write."""
    return (
        store.revision(),
        store.alerts(),
        store.told(),
        [one.number for one in store.transitions(TransitionQuery())],
        [one.id for one in store.outbox(OutboxQuery())],
        store.sources(),
        [store.marks(kind) for kind in MarkKind],
        len(store.readings()),
    )


def test_preview_decides_the_same_and_writes_nothing(office: Office, store: Store) -> None:
    office.save("P01", 12)
    before = written(store)

    seen = Engine(store, office.load()).preview(NOW, ["plans", "people"])

    assert written(store) == before
    done = Engine(store, office.load()).cycle(NOW, ["plans", "people"])
    assert [one[0].id for one in seen.messages] == [one[0].id for one in done.messages]
    assert [one[1] for one in seen.messages] == [one[1] for one in done.messages]
    assert seen.advanced.transitions[0].alert == done.advanced.transitions[0].alert


def test_cycle_with_nothing_new_keeps_the_picture_and_decides_nothing(office: Office, store: Store) -> None:
    office.save("P01", 12)
    engine = Engine(store, office.load())
    first = engine.cycle(NOW, ["plans", "people"])
    before = (store.revision(), store.alerts(), store.told())

    second = engine.cycle(NOW + MINUTE, ["plans", "people"])

    assert second.picture.evaluated is first.picture.evaluated
    assert second.picture.snapshot.now == NOW + MINUTE
    assert (store.revision(), store.alerts(), store.told()) == before
    assert (second.advanced.transitions, second.messages) == ((), ())
    assert store.sources()["plans"].read_at == NOW + MINUTE
    assert store.sources()["plans"].reading == 1


def test_acknowledgement_in_between_is_decided_again_and_kept(office: Office, store: Store) -> None:
    engine = Engine(store, office.load())
    office.save("P01", 7)
    cycle(engine)
    office.save("P01", 12)
    (alert,) = store.alerts()
    write = store.write

    def acknowledged_first(change: CycleChange) -> None:
        store.write = write  # type: ignore[method-assign]
        acknowledge_alerts(store, [alert.id], Wanted(date(2026, 10, 30), "ann", "seen"), NOW, office.load().zone)
        write(change)

    store.write = acknowledged_first  # type: ignore[method-assign]

    assert cycle(engine, NOW + MINUTE) == ["worsened P01"]
    assert [one.reason for one in store.transitions(TransitionQuery())] == ["worsened", "acknowledged", "opened"]


def test_endless_conflicts_end_in_words_and_keep_nothing(office: Office, store: Store) -> None:
    engine = Engine(store, office.load())
    write, before = store.write, written(store)

    def conflict(change: CycleChange) -> None:
        raise StoreConflict("alerts changed")

    store.write = conflict  # type: ignore[method-assign]
    with pytest.raises(StoreConflict, match="is another daemon running"):
        cycle(engine)

    store.write = write  # type: ignore[method-assign]
    assert written(store) == before
    office.save("P01", 12)
    assert cycle(engine) == ["opened P01"]


class Watcher:
    """An observer that fails whenever it is told something."""

    def __init__(self) -> None:
        self.told = 0

    def wishes(self) -> Sequence[str]:
        """Wish for nothing."""
        return ()

    def cycle_finished(self, report: CycleReport) -> None:
        """Fail."""
        self.told += 1
        raise ValueError("no")

    def close(self) -> None:
        """Let go of nothing."""


def test_failing_observer_stops_nothing(office: Office, store: Store) -> None:
    watcher = Watcher()
    engine = Engine(store, office.load(), {"watcher": watcher})
    office.save("P01", 12)

    assert cycle(engine) == ["opened P01"]
    office.save("P01", 0)
    assert cycle(engine, NOW + MINUTE) == ["recovered P01"]
    assert watcher.told == 2


def test_accepted_reading_is_believed_once(tmp_path: Path) -> None:
    office = Office(tmp_path, projects=4)
    office.config.write_text(office.config.read_text().replace(", accept_shrink: true", ""))
    store = office.open()
    engine = Engine(store, office.load())
    cycle(engine)
    for code in ("P02", "P03", "P04"):
        (office.folder / "plans" / f"{code}.xml").unlink()
    cycle(engine, NOW + MINUTE)
    assert "sources accept" in store.sources()["plans"].held

    store.write(CycleChange(NOW, marks={(MarkKind.FLAG, "accept:plans"): "ann"}))
    cycle(engine, NOW + 2 * MINUTE, "people")
    assert "accept:plans" in store.marks(MarkKind.FLAG)
    cycle(engine, NOW + 3 * MINUTE)

    assert store.sources()["plans"].held == ""
    assert "accept:plans" not in store.marks(MarkKind.FLAG)
    store.close()


def test_source_that_cannot_be_read_fails_alone_and_says_why(office: Office, store: Store) -> None:
    engine = Engine(store, office.load())
    office.save("P01", 12)
    cycle(engine)
    (office.folder / "people.csv").unlink()

    draft = engine.cycle(NOW + MINUTE, ["plans", "people"])

    (failed,) = [one for one in draft.readings if one.refused]
    assert failed.source == "people"
    assert "people.csv is not there: correct 'path', or create it" in failed.error
    assert store.sources()["people"].failures == 1
    assert [one.reason for one in draft.advanced.transitions] == []


def test_source_that_cannot_be_opened_is_refused_without_a_traceback(
    office: Office, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise SourceRefused("the licence has ended: renew it")

    monkeypatch.setattr("pmo_watch.cycle.open_source", refuse)

    draft = Engine(store, office.load()).cycle(NOW, ["plans"])

    assert [(one.error, one.refused) for one in draft.readings] == [("the licence has ended: renew it", True)]
    assert "Traceback" not in caplog.text


def test_stop_gives_up_a_reading_that_goes_on_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    office = Office(tmp_path, settle=600)
    store = office.open()
    engine = Engine(store, office.load())
    before, ends = written(store), []

    def run() -> None:
        try:
            cycle(engine, NOW, "plans")
        except Stopped as end:
            ends.append(str(end))

    thread = threading.Thread(target=run)
    thread.start()
    while not engine._being_read:
        thread.join(0.01)
    engine.stop()
    thread.join(10)

    assert ends == ["stopped while it read"]
    assert written(store) == before
    store.close()


def test_approval_used_while_a_cycle_is_written_is_taken_back_by_the_next(
    office: Office, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, write = Engine(store, office.load()), store.write
    cycle(engine)
    write(CycleChange(NOW, marks={(MarkKind.FLAG, "approve:reload"): "ann"}))

    def used_after(change: CycleChange) -> None:
        write(change)
        engine.forget("approve:reload")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", used_after)
        engine.cycle(NOW + 20 * MINUTE, [])
    engine.cycle(NOW + 40 * MINUTE, [])

    assert store.marks(MarkKind.FLAG) == {}


class Defective:
    """A source whose plugin has a defect beside reading."""

    def __init__(self, source: Source, where: str) -> None:
        self._source, self._where = source, where

    def read(self, cursor: Cursor | None) -> Iterator[Records | PastState | Summary]:
        """Read as the source does."""
        return iter(self._source.read(cursor))

    def paths(self) -> Sequence[Path]:
        """Fail, or name nothing."""
        if self._where == "paths":
            raise KeyError("a defect")
        return []

    def close(self) -> None:
        """Close, then fail perhaps."""
        self._source.close()
        if self._where == "close":
            raise OSError("a defect")


@pytest.mark.parametrize("where", ["paths", "close"])
def test_defect_of_a_source_beside_reading_costs_no_other(
    office: Office, store: Store, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    opened = in_force.open_source

    def open_one(*asked: Any) -> Any:
        source = opened(*asked)
        return Defective(source, where) if asked[1] == "people" else source

    monkeypatch.setattr("pmo_watch.cycle.open_source", open_one)
    monkeypatch.setattr("pmo_watch.in_force.open_source", open_one)
    office.config.write_text(office.config.read_text().replace("every: ", "watch: true, every: "))

    draft = Engine(store, office.load()).cycle(NOW, ["plans", "people"])

    outcomes = {one.source: one.outcome.value for one in draft.readings}
    assert outcomes == {"plans": "complete", "people": "failed" if where == "paths" else "complete"}
    assert "plans" in in_force.watched_paths(office.load(), NOW)
