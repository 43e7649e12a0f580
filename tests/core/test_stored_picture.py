"""What is shown after a start, before anything was read: what the store holds, and nothing that it does not."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from office import NOW, Office, Reach, cycle
from running import Running, until

from pmo_watch.cycle import Engine
from pmo_watch.store import MarkKind, OutboxQuery, Store, TransitionQuery
from pmo_watch.telling import CycleReport

LATER = NOW + timedelta(minutes=1)


class Shown:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.reports: list[CycleReport] = []

    def wishes(self) -> Sequence[str]:
        """Wish for nothing."""
        return ()

    def cycle_finished(self, report: CycleReport) -> None:
        """Keep it."""
        self.reports.append(report)

    def close(self) -> None:
        """Let go of nothing."""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office of two projects, the first of them late."""
    office = Office(tmp_path)
    office.save("P01", 12)
    return office


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


def test_observers_are_told_what_is_stored_and_nothing_is_written(office: Office, store: Store) -> None:
    cycle(Engine(store, office.load()))
    before, shown = written(store), Shown()
    office.save("P01", 0)  # not read yet: it changes nothing

    Engine(store, office.load(), {"shown": shown}).show_stored(LATER)

    assert written(store) == before
    (report,) = shown.reports
    assert [(one.project_code, one.level) for one in report.alerts] == [("P01", "red")]
    assert report.transitions == ()
    (found,) = report.findings
    assert sorted(found.frame["state"]) == ["green", "red"]
    assert sorted(report.snapshot.frame("project")["code"]) == ["P01", "P02"]


def test_first_cycle_with_nothing_new_evaluates_nothing_again(office: Office, store: Store) -> None:
    cycle(Engine(store, office.load()))
    shown = Shown()
    engine = Engine(store, office.load(), {"shown": shown})
    engine.show_stored(LATER)

    draft = engine.cycle(LATER, ["plans", "people"])

    assert draft.picture.evaluated.findings[0] is shown.reports[0].findings[0]
    assert draft.advanced.transitions == ()
    assert [one.number for one in shown.reports] == [0, 1]


def test_first_cycle_after_a_change_finds_it(office: Office, store: Store) -> None:
    cycle(Engine(store, office.load()))
    engine = Engine(store, office.load())
    engine.show_stored(LATER)
    office.save("P01", 0)
    office.save("P02", 12)

    assert cycle(engine, LATER) == ["opened P02", "recovered P01"]


def test_nothing_is_shown_of_a_new_database(office: Office, store: Store) -> None:
    shown = Shown()

    Engine(store, office.load(), {"shown": shown}).show_stored(NOW)

    assert shown.reports == []


def test_metrics_show_the_portfolio_while_sources_are_read_for_the_first_time(office: Office, store: Store) -> None:
    cycle(Engine(store, office.load()))
    office.save("P01", 13)
    office.settings(Reach(), settle=600)  # the first cycle waits for the plan to settle
    with Running(office.config, office.http) as daemon:
        until(lambda: daemon.metric("pmo_rule_alerts", rule="milestone-slip", level="red", state="open") == 1, "shown")

        status, answer = daemon.ask("/-/ready")

    assert (status, "first_cycle" in answer) == (503, True)
