"""What is pruned, and what a look at the past finds afterwards."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from messages import a_message, an_alert
from sqlalchemy import func, select
from watched import Watched, day, tasks

from pmo_watch.alerts import Reason, Rendered, Transition
from pmo_watch.flow import First, Outcome, Samples
from pmo_watch.store import (
    CycleChange,
    OutboxQuery,
    OutboxState,
    Settlement,
    Store,
    TransitionQuery,
)
from pmo_watch.store.database import reading
from pmo_watch.store.tables import VERSIONS

BRUSSELS = ZoneInfo("Europe/Brussels")


def versions(store: Store) -> int:
    """Count the versions of tasks."""
    with reading(store._engine) as connection:
        return connection.execute(select(func.count()).select_from(VERSIONS["task"])).scalar_one()


def wbs(store: Store, at: datetime) -> str | None:
    """Return what was known of M1 at a moment."""
    found = store.rows(at).get("plans", {}).get("task", pl.DataFrame({"uid": [], "wbs": []}))
    rows = found.filter(pl.col("uid") == "plans:task:M1")
    return str(rows["wbs"][0]) if rows.height else None


def daily(store: Store, days: int) -> Watched:
    """Let a task change every day, from a Monday on."""
    source = Watched()
    for number in range(days):
        source.write(store, day(number), tasks("M1", wbs=str(number)), tasks("M2", wbs="same"))
    return source


def test_first_and_weekly_versions_stay(store: Store) -> None:
    daily(store, 28)

    pruned = store.retention(day(21), BRUSSELS)

    assert pruned == 3 * 7 - 1 - 3  # all of three weeks but the first one and three Sundays
    assert [wbs(store, day(number)) for number in (0, 6, 13, 20, 21, 27)] == ["0", "6", "13", "20", "21", "27"]
    assert versions(store) == 1 + 28 - pruned


def test_kept_version_stands_until_the_next_kept_one(store: Store) -> None:
    daily(store, 28)

    store.retention(day(21), BRUSSELS)

    assert [wbs(store, day(number)) for number in (1, 5, 7, 12, 14, 19)] == ["0", "0", "6", "6", "13", "13"]
    assert {wbs(store, day(0) + timedelta(hours=hours)) is None for hours in range(0, 21 * 24, 13)} == {False}


def test_pruning_twice_prunes_nothing_more(store: Store) -> None:
    daily(store, 28)
    store.retention(day(21), BRUSSELS)

    assert store.retention(day(21), BRUSSELS) == 0
    assert store.retention(day(0), BRUSSELS) == 0


def test_week_ends_at_midnight_of_the_zone(store: Store) -> None:
    source = Watched()
    moments = [datetime(2026, 11, 22, 22, 58 + one, tzinfo=UTC) for one in range(2)]  # Sunday, 23:58 and 23:59
    for number, at in enumerate([day(0), day(1), *moments, day(7)]):
        source.write(store, at, tasks("M1", wbs=str(number)))

    store.retention(day(30), BRUSSELS)

    assert [wbs(store, at) for at in (day(0), *moments, day(7))] == ["0", "0", "3", "4"]


def test_row_that_was_gone_stays_gone(store: Store) -> None:
    source = Watched()
    for number, there in enumerate([True, True, False, False, True, True, True, True]):
        names = [tasks("M1", wbs=str(number)), tasks("M2")] if there else [tasks("M2")]
        source.write(store, day(number), *names)

    store.retention(day(30), BRUSSELS)

    assert [wbs(store, day(number)) for number in range(8)] == ["0", "0", None, None, "4", "4", "6", "7"]


def test_current_versions_stay_however_old(store: Store) -> None:
    Watched().write(store, day(0), tasks("M1", wbs="1"))

    assert store.retention(day(4000), BRUSSELS) == 0
    assert wbs(store, day(4000)) == "1"


def test_attempts_keep_the_last_complete_one_of_each_week(store: Store) -> None:
    source = daily(store, 14)
    source.write(store, day(14), outcome=Outcome.FAILED)

    store.retention(day(20), BRUSSELS)

    assert [(one.read_at, one.outcome) for one in store.readings()] == [(day(13), "complete"), (day(6), "complete")]
    weeks = Samples("task", "week", 4, ("wbs",))
    found = store.past([weeks], day(27), BRUSSELS)[weeks].filter(pl.col("uid") == "plans:task:M1")
    assert found["wbs"].to_list() == ["6", "13"]


def test_what_wishes_remember_follows(store: Store) -> None:
    source = daily(store, 14)
    wish = Samples("task", "day", 14, ("wbs",))
    first = First("task", "wbs")
    assert store.past([wish], day(13), BRUSSELS)[wish].filter(pl.col("uid") == "plans:task:M1").height == 14

    store.retention(day(13), BRUSSELS)

    found = store.past([wish, first], day(13), BRUSSELS)
    assert found[wish].filter(pl.col("uid") == "plans:task:M1")["wbs"].to_list() == ["6", "12", "13"]
    assert found[first]["wbs"].to_list() == ["0", "same"]
    assert source.accepted.state.reading == 14


def test_settled_messages_go_and_the_rest_stays(store: Store) -> None:
    old = [(replace(a_message(), id=name), Rendered("s", "t")) for name in ("accepted", "rejected", "waiting")]
    opened = Transition(an_alert(1), None, Reason.OPENED, day(0))
    closed = an_alert(1, closed_at=day(0))
    store.write(CycleChange(day(0), alerts=[closed], transitions=[opened], messages=old))
    leased = {one.id: one for one in store.lease(day(0), limit=2, seconds=60)}
    store.settle(Settlement(leased["accepted"], OutboxState.ACCEPTED, day(0)))
    store.settle(Settlement(leased["rejected"], OutboxState.REJECTED, day(20)))

    store.retention(day(10), BRUSSELS)

    assert [one.id for one in store.outbox(OutboxQuery())] == ["waiting", "rejected"]
    assert len(store.transitions(TransitionQuery())) == 1
    assert date(2026, 11, 26) == day(10).date()
