"""What is kept between cycles: the same picture while nothing changes, a new one as soon as something does."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from office import NOW, Office, cycle

from pmo_watch.cycle import Engine
from pmo_watch.memory import Known, Picture
from pmo_watch.store import Store


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office."""
    return Office(tmp_path)


def picture_at(engine: Engine, moment: datetime) -> Picture:
    return engine.cycle(moment, ["plans", "people"]).picture


def opened(office: Office) -> tuple[Store, Engine]:
    store = office.open()
    return store, Engine(store, office.load())


def test_restart_knows_what_was_known(office: Office) -> None:
    store, engine = opened(office)
    office.save("P01", 12)
    cycle(engine)
    before = picture_at(engine, NOW + timedelta(minutes=1)).known

    after = Known.stored(store)

    assert after.states == before.states
    assert {
        (source, entity): frame.height for source, frames in after.rows.items() for entity, frame in frames.items()
    } == {
        (source, entity): frame.height
        for source, frames in before.rows.items()
        for entity, frame in frames.items()
        if frame.height
    }
    assert cycle(Engine(store, office.load()), NOW + timedelta(minutes=2)) == []
    store.close()


@pytest.mark.parametrize(
    ("later", "same"), [(timedelta(minutes=5), True), (timedelta(minutes=15), False), (timedelta(days=1), False)]
)
def test_picture_is_made_anew_each_quarter_of_an_hour_and_day(office: Office, later: timedelta, same: bool) -> None:
    store, engine = opened(office)
    first = picture_at(engine, NOW)

    second = picture_at(engine, NOW + later)

    assert (second.evaluated is first.evaluated) is same
    assert second.snapshot.now == NOW + later
    store.close()


def test_picture_is_made_anew_when_rows_or_rules_change(office: Office) -> None:
    store, engine = opened(office)
    first = picture_at(engine, NOW)
    office.save("P01", 12)
    second = picture_at(engine, NOW)
    office.slip_rule(red="over 9 wd")
    engine.swap(office.load(), {})
    third = picture_at(engine, NOW)

    assert first.evaluated is not second.evaluated
    assert second.evaluated is not third.evaluated
    store.close()
