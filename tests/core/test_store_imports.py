"""Past states enter history where nothing was known: as-of reads, samples, first values; once, and never rewriting."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from watched import Watched, day, tasks

from pmo_watch.flow import First, Outcome, PastState, Samples, Since, Wish
from pmo_watch.store import CycleChange, Store, open_store

BRUSSELS = ZoneInfo("Europe/Brussels")
CAME = date(2026, 12, 1)
WEEKS = Samples("task", "week", 5, ("forecast_finish",), "baseline_finish")
FIRST = First("task", "forecast_finish")
SINCE = Since("task", "forecast_finish")
WISHES: tuple[Wish, ...] = (WEEKS, FIRST, SINCE)


def forecast(days: int) -> date:
    """Return a day so many days after the first forecast."""
    return CAME + timedelta(days=days)


def slipping(*weeks: int) -> list[PastState]:
    """Return a state on the Monday of each week, a forecast ten days later each."""
    return [PastState(day(7 * one), "", [tasks("M1", forecast_finish=forecast(10 * one))]) for one in weeks]


def finishes(store: Store, at: datetime | None) -> dict[str, date | None]:
    """Return the forecasts as of a moment, by key."""
    found = store.rows(at).get("plans", {}).get("task")
    return (
        {} if found is None else {uid.split(":")[2]: day for uid, day in found.select("uid", "forecast_finish").rows()}
    )


def asked(store: Store, wish: Wish, now: datetime) -> list[tuple[object, ...]]:
    """Answer one wish without uid and source."""
    return store.past([wish], now, BRUSSELS)[wish].drop("uid", "source").rows()


def moments(store: Store) -> list[tuple[int | None, datetime, int]]:
    """Return number, moment and changes of each attempt, oldest first."""
    return [(one.number, one.read_at, one.changed) for one in reversed(store.readings())]


def test_a_first_load_can_be_asked_for_what_was_before_it(store: Store) -> None:
    Watched().write(store, day(23), tasks("M1", forecast_finish=forecast(20)), past=slipping(0, 1, 2))

    assert finishes(store, day(0) - timedelta(seconds=1)) == {}
    assert finishes(store, day(0)) == {"M1": forecast(0)}
    assert finishes(store, day(13)) == {"M1": forecast(10)}
    assert finishes(store, day(14)) == finishes(store, day(23)) == finishes(store, None) == {"M1": forecast(20)}
    assert moments(store) == [(0, day(0), 1), (0, day(7), 1), (1, day(14), 1), (None, day(23), 0)]


def test_samples_first_values_and_since_reach_back_before_the_first_load(store: Store) -> None:
    Watched().write(store, day(23), tasks("M1", forecast_finish=forecast(20)), past=slipping(0, 1, 2))

    assert asked(store, WEEKS, day(23)) == [
        ("2026-W47", day(6).date(), forecast(0)),
        ("2026-W48", day(13).date(), forecast(10)),
        ("2026-W49", day(20).date(), forecast(20)),
    ]
    assert asked(store, FIRST, day(23)) == [(forecast(0),)]
    assert asked(store, SINCE, day(23)) == [(day(14).date(),)]


def test_what_is_pending_is_answered_as_what_is_written(store: Store, store_url: str) -> None:
    source = Watched()
    source.write(store, day(23), tasks("M1", "M2", forecast_finish=forecast(20)))
    past = [*slipping(0, 1), PastState(day(14), "", [tasks("M1", "M2", forecast_finish=forecast(20))])]
    change = source.read(day(24), tasks("M1", "M2", forecast_finish=forecast(30)), past=past)

    pending = store.past(WISHES, day(24), BRUSSELS, [change])
    store.write(CycleChange(day(24), readings=[change]))

    fresh = open_store(store_url)
    for wish in WISHES:
        for told in (store.past(WISHES, day(24), BRUSSELS)[wish], fresh.past(WISHES, day(24), BRUSSELS)[wish]):
            assert_frame_equal(pending[wish], told, check_row_order=False)
    fresh.close()


def test_the_same_past_again_adds_nothing(store: Store) -> None:
    source = Watched()
    source.write(store, day(23), tasks("M1", forecast_finish=forecast(20)), past=slipping(0, 1, 2))
    before = moments(store)

    source.write(store, day(24), tasks("M1", forecast_finish=forecast(20)), past=slipping(0, 1, 2))

    assert moments(store) == [*before, (2, day(24), 0)]
    assert [finishes(store, day(number)) for number in (3, 10, 17)] == [
        {"M1": forecast(10 * week)} for week in range(3)
    ]


def test_a_past_that_is_found_later_with_moments_that_are_known_is_answered_at_once(
    store: Store, store_url: str
) -> None:
    source = Watched()
    now = [tasks("M1", forecast_finish=forecast(20)), tasks("M2", forecast_finish=forecast(20))]
    source.write(store, day(23), *now, past=slipping(0, 1, 2))
    evening = day(23) + timedelta(hours=9)
    before = asked(store, WEEKS, evening)
    archive = [PastState(day(7 * week), "", [tasks("M2", forecast_finish=forecast(week))]) for week in (0, 1)]

    source.write(store, day(23) + timedelta(hours=1), *now, past=archive)

    fresh = open_store(store_url)
    told, stored = asked(store, WEEKS, evening), asked(fresh, WEEKS, evening)
    fresh.close()
    assert len(told) > len(before)
    assert sorted(told) == sorted(stored)


def test_history_that_is_switched_on_later_ends_where_the_known_begins(store: Store) -> None:
    source = Watched()
    source.write(store, day(15), tasks("M1", forecast_finish=forecast(99)))

    source.write(store, day(23), tasks("M1", forecast_finish=forecast(20)), past=slipping(0, 1, 2))

    assert finishes(store, day(14)) == {"M1": forecast(20)}
    assert finishes(store, day(15)) == finishes(store, day(22)) == {"M1": forecast(99)}
    assert asked(store, FIRST, day(23)) == [(forecast(0),)]


def test_what_a_look_has_answered_is_never_rewritten(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", forecast_finish=forecast(0)))
    source.write(store, day(10), tasks("M1", forecast_finish=forecast(0)))

    source.write(store, day(23), tasks("M1", forecast_finish=forecast(30)), past=slipping(1))

    assert {finishes(store, day(number))["M1"] for number in (0, 6, 7, 10, 22)} == {forecast(0)}
    assert moments(store)[-1] == (3, day(23), 1)
    assert len(moments(store)) == 3


def test_states_from_while_nobody_looked_enter(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2", forecast_finish=forecast(0)))
    source.write(store, day(9), outcome=Outcome.FAILED)

    change = source.read(day(23), tasks("M1", "M2", forecast_finish=forecast(0)), past=slipping(1, 2))
    pending = store.past(WISHES, day(23), BRUSSELS, [change])
    store.write(CycleChange(day(23), readings=[change]))

    assert finishes(store, day(6)) == {"M1": forecast(0), "M2": forecast(0)}
    assert finishes(store, day(7)) == {"M1": forecast(10), "M2": forecast(0)}
    assert finishes(store, day(22)) == {"M1": forecast(20), "M2": forecast(0)}
    for wish in WISHES:
        assert_frame_equal(pending[wish], store.past([wish], day(23), BRUSSELS)[wish], check_row_order=False)


def test_a_row_that_left_before_the_first_load_has_a_past_and_no_present(store: Store) -> None:
    source = Watched()
    old = PastState(day(0), "", [tasks("M1", "GONE", forecast_finish=forecast(0))])

    source.write(store, day(23), tasks("M1", forecast_finish=forecast(20)), past=[old, *slipping(1, 2)])

    assert finishes(store, day(6)) == {"M1": forecast(0), "GONE": forecast(0)}
    assert finishes(store, day(7)) == {"M1": forecast(10)}
    assert list(finishes(store, None)) == ["M1"]
    assert store.vanished(date(2000, 1, 1)) == {}


def test_a_row_known_before_but_missing_now_stays_as_any_other_missing_row(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2", forecast_finish=forecast(0)))
    both = PastState(day(7), "", [tasks("M1", "M2", forecast_finish=forecast(10))])

    source.write(store, day(15), tasks("M1", forecast_finish=forecast(20)), past=[both, *slipping(2)])

    assert finishes(store, None) == {"M1": forecast(20), "M2": forecast(10)}
    assert store.rows()["plans"]["task"]["@missing"].to_list() == [None, 2]
    source.write(store, day(16), tasks("M1", forecast_finish=forecast(20)))
    assert finishes(store, None) == {"M1": forecast(20)}
    assert store.vanished(day(16).date())["plans"]["task"]["uid"].to_list() == ["plans:task:M2"]


def test_a_state_that_says_what_the_one_before_said_is_heard_and_begins_no_version(store: Store) -> None:
    same = [PastState(day(7 * week), "", [tasks("M1", forecast_finish=CAME)]) for week in range(3)]

    Watched().write(store, day(23), tasks("M1", forecast_finish=CAME), past=same)

    assert [row[0] for row in asked(store, WEEKS, day(23))] == ["2026-W47", "2026-W48", "2026-W49"]
    assert moments(store) == [(0, day(0), 1), (0, day(7), 0), (1, day(14), 0), (None, day(23), 0)]


def test_sources_keep_their_pasts_apart(store: Store) -> None:
    one, other = Watched("plans"), Watched("others")
    other.write(store, day(3), tasks("M1", forecast_finish=forecast(7)))

    one.write(store, day(23), tasks("M1", forecast_finish=forecast(20)), past=slipping(0, 1, 2))

    assert finishes(store, day(2)) == {"M1": forecast(0)}
    assert list(store.rows(day(2))) == ["plans"]


@pytest.mark.parametrize("at", [day(23), day(30)])
def test_a_state_from_after_the_reading_enters_no_history(store: Store, at: datetime) -> None:
    late = [PastState(at, "", [tasks("M1", forecast_finish=forecast(1))])]

    Watched().write(store, day(23), tasks("M1", forecast_finish=forecast(20)), past=late)

    assert moments(store) == [(1, day(23), 1)]
    assert finishes(store, day(40)) == {"M1": forecast(20)}


def versions_overlap(frames: Sequence[pl.DataFrame]) -> bool:
    """Say whether any row had two versions at one moment."""
    return any(frame["uid"].is_duplicated().any() for frame in frames)


def test_no_moment_has_two_versions_of_a_row(store: Store) -> None:
    source = Watched()
    source.write(store, day(9), tasks("M1", "M2", forecast_finish=forecast(1)))
    source.write(store, day(12), tasks("M2", forecast_finish=forecast(1)))

    source.write(store, day(24), tasks("M1", "M3", forecast_finish=forecast(40)), past=slipping(0, 1, 2, 3))
    source.write(store, day(25), tasks("M1", forecast_finish=forecast(41)), past=slipping(0, 2))

    looks = [datetime(2026, 11, 16, tzinfo=UTC) + timedelta(hours=6 * step) for step in range(4 * 26)]
    found = [store.rows(look).get("plans", {}).get("task", pl.DataFrame({"uid": []})) for look in looks]
    assert not versions_overlap(found)
    assert sum(frame.height for frame in found) > len(looks)
