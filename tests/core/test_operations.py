"""A person's hand on alerts and silences, over a real store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from messages import NOW, an_alert

from pmo_watch.acknowledgements import Wanted
from pmo_watch.alerts import Alert
from pmo_watch.errors import ConfigError
from pmo_watch.operations import (
    TRIES,
    Hush,
    NotOpen,
    acknowledge_alerts,
    add_silence,
    find_alert,
    open_alerts,
)
from pmo_watch.store import CycleChange, Store, StoreConflict, TransitionQuery, open_store

BRUSSELS = ZoneInfo("Europe/Brussels")
WANTED = Wanted(date(2026, 6, 1), "Ann", "Supplier is late")
RED, AMBER = an_alert(1, project_code="B"), an_alert(2, level="amber", project_code="A")
PENDING = an_alert(3, level=None, opened_at=None, since=None)
CLOSED = an_alert(4, closed_at=NOW, close_reason="recovered")
# Closed, and remembered because it may be flapping.
REMEMBERED = an_alert(5, closed_at=NOW, close_reason="recovered", recent=("o1", "c2"))


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    opened.write(CycleChange(NOW, alerts=[AMBER, RED, PENDING, CLOSED, REMEMBERED]))
    yield opened
    opened.close()


def acknowledged(store: Store, *alerts: Alert, wanted: Wanted = WANTED) -> list[Alert]:
    return acknowledge_alerts(store, [one.id for one in alerts], wanted, NOW, BRUSSELS)


def test_open_alerts_are_listed_worst_first(store: Store) -> None:
    assert open_alerts(store) == [RED, AMBER]


def test_alert_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    unlike = an_alert(6, id="abcd" * 4)
    store.write(CycleChange(NOW, alerts=[unlike]))

    assert find_alert(store, RED.id) == RED
    assert find_alert(store, "ab") == unlike


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ffff", "there is no open alert 'ffff'; 'pmo-watch alerts list' shows those there are"),
        (PENDING.id, f"there is no open alert '{PENDING.id}'; 'pmo-watch alerts list' shows those there are"),
        (CLOSED.id, f"alert {CLOSED.id} is closed: there is nothing to do"),
        (REMEMBERED.id, f"alert {REMEMBERED.id} is closed: there is nothing to do"),
        ("0000", "'0000' begins the ids of 2 alerts: give more of it"),
    ],
)
def test_alert_that_is_not_found_is_said(store: Store, name: str, text: str) -> None:
    with pytest.raises(ConfigError) as fault:
        find_alert(store, name)

    assert str(fault.value) == text


def test_several_alerts_are_acknowledged_at_once(store: Store) -> None:
    after = acknowledged(store, AMBER, RED, AMBER, wanted=replace(WANTED, by="link, 10.0.0.1"))

    assert [one.id for one in after] == [AMBER.id, RED.id, AMBER.id]
    assert {(one.acknowledged_by, one.acknowledged_until, one.acknowledged_level) for one in after} == {
        ("Ann", date(2026, 6, 1), "amber"),
        ("Ann", date(2026, 6, 1), "red"),
    }
    logged = store.transitions(TransitionQuery())
    assert [(one.alert, one.who, one.reason) for one in logged] == [
        (RED.id, "Ann (link, 10.0.0.1)", "acknowledged"),
        (AMBER.id, "Ann (link, 10.0.0.1)", "acknowledged"),
    ]


def test_acknowledging_again_changes_only_what_differs(store: Store) -> None:
    acknowledged(store, RED)
    before = store.revision()

    same = acknowledged(store, RED, wanted=replace(WANTED, by="cli"))
    unchanged = store.revision()
    later = acknowledged(store, RED, AMBER, wanted=replace(WANTED, until=date(2026, 6, 2)))

    assert (same[0].acknowledged_until, unchanged) == (date(2026, 6, 1), before)
    assert [one.acknowledged_until for one in later] == [date(2026, 6, 2)] * 2
    assert len(store.transitions(TransitionQuery())) == 3


@pytest.mark.parametrize("alert", [PENDING, CLOSED, REMEMBERED, an_alert(9)], ids=["pending", "closed", "kept", "none"])
def test_nothing_is_acknowledged_when_one_is_not_open(store: Store, alert: Alert) -> None:
    with pytest.raises(NotOpen) as fault:
        acknowledged(store, RED, alert)

    assert str(fault.value) == f"alert {alert.id} is not open"
    assert all(one.acknowledged_until is None for one in store.alerts())


def test_nothing_is_acknowledged_when_what_is_asked_cannot_be(store: Store) -> None:
    with pytest.raises(ConfigError, match="until: 2026-05-11 is past"):
        acknowledged(store, RED, AMBER, wanted=replace(WANTED, until=date(2026, 5, 11)))

    assert all(one.acknowledged_until is None for one in store.alerts())


def test_day_is_that_of_the_organisation(store: Store) -> None:
    late = datetime(2026, 5, 12, 23, 30, tzinfo=UTC)  # half past one on the 13th in Brussels

    with pytest.raises(ConfigError, match="until: 2026-05-12 is past"):
        acknowledge_alerts(store, [RED.id], replace(WANTED, until=date(2026, 5, 12)), late, BRUSSELS)


def test_cycle_that_comes_in_between_is_not_undone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Store.write

    def after_a_cycle(one: Store, change: CycleChange) -> None:
        monkeypatch.setattr(Store, "write", write)
        write(one, CycleChange(NOW, alerts=[replace(AMBER, level="red", value=20.0)]))
        write(one, change)

    monkeypatch.setattr(Store, "write", after_a_cycle)
    (after,) = acknowledged(store, AMBER)

    assert (after.level, after.value, after.acknowledged_level) == ("red", 20.0, "red")
    assert [one for one in store.alerts() if one.id == AMBER.id] == [after]


def test_cycles_that_come_in_between_for_ever_are_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def busy(_: Store, __: CycleChange) -> None:
        tried.append(1)
        raise StoreConflict("alerts were changed")

    monkeypatch.setattr(Store, "write", busy)

    with pytest.raises(ConfigError, match="alerts are changing too fast: try again"):
        acknowledged(store, RED)
    assert len(tried) == TRIES


# --- silences ---------------------------------------------------------------------------------------------------------

HUSH = Hush("Ann", "Re-planning", date(2026, 6, 1), project="HB-017")


def test_silence_lasts_to_the_end_of_its_day(store: Store) -> None:
    made = add_silence(store, HUSH, NOW, BRUSSELS)

    assert made.until == datetime(2026, 6, 1, 21, 59, 59, tzinfo=UTC)
    assert (made.who, made.why, made.project, made.since) == ("Ann", "Re-planning", "HB-017", NOW)
    assert store.silences() == [made]


def test_each_silence_has_an_id_of_its_own(store: Store) -> None:
    assert len({add_silence(store, HUSH, NOW, BRUSSELS).id for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"project": ""},
            "match: name a rule, a project, an entity or a tag: a silence over everything is not offered",
        ),
        ({"until": date(2026, 5, 11)}, "until: 2026-05-11 is past, give today or a later day"),
        ({"until": date(2026, 8, 11)}, "until: at most 90 days ahead, so 2026-08-10 or an earlier day"),
        ({"why": " x "}, "reason: give 3 to 500 characters that say why"),
        ({"why": "x" * 501}, "reason: give 3 to 500 characters that say why"),
        ({"who": " "}, "who: say who silences"),
    ],
)
def test_silence_that_cannot_be_is_said(store: Store, change: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as fault:
        add_silence(store, replace(HUSH, **change), NOW, BRUSSELS)

    assert str(fault.value) == text
    assert store.silences() == []


@pytest.mark.parametrize("until", [NOW.date(), NOW.date() + timedelta(days=90)], ids=["today", "ninety days"])
def test_silence_may_last_from_today_to_ninety_days(store: Store, until: date) -> None:
    assert add_silence(store, replace(HUSH, until=until), NOW, BRUSSELS).until.date() == until
