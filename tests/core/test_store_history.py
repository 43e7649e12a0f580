"""Wishes for history: samples by period, since when, first value; asked again after more was written."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rows import records
from watched import Watched, day, tasks

from pmo_watch.flow import First, Outcome, Samples, Since, Wish
from pmo_watch.store import CycleChange, ReadingChange, Store, open_store

BRUSSELS = ZoneInfo("Europe/Brussels")
WEEKS = Samples("task", "week", 4, ("forecast_finish",))
DAYS = Samples("task", "day", 3, ("forecast_finish",))
SINCE = Since("task", "wbs")
FIRST = First("task", "forecast_finish")
CAME = date(2026, 12, 1)


def asked(store: Store, wish: Wish, now: datetime) -> pl.DataFrame:
    """Answer one wish."""
    return store.past([wish], now, BRUSSELS)[wish]


def by_period(frame: pl.DataFrame, uid: str = "plans:task:M1") -> Mapping[str, date]:
    """Return the forecast of one task by period."""
    return dict(frame.filter(pl.col("uid") == uid).select("period", "forecast_finish").iter_rows())


def forecast(days: int) -> date:
    """Return a day so many days after the first forecast."""
    return CAME + timedelta(days=days)


def weekly(store: Store, source: Watched, weeks: int = 4) -> None:
    """Write a forecast a day later each week, on Tuesday, and another one on Thursday that holds at the week's end."""
    for week in range(weeks):
        source.write(store, day(7 * week + 1), tasks("M1", forecast_finish=forecast(10 * week)))
        source.write(store, day(7 * week + 3), tasks("M1", forecast_finish=forecast(10 * week + 1)))


def test_samples_are_the_last_version_known_at_the_end_of_each_period(store: Store) -> None:
    weekly(store, Watched())

    found = asked(store, WEEKS, day(24))

    assert by_period(found) == {f"2026-W{47 + week}": forecast(10 * week + 1) for week in range(4)}
    assert found.columns == ["uid", "source", "period", "ends", "forecast_finish"]
    assert found["ends"].to_list() == [day(6).date(), day(13).date(), day(20).date(), day(24).date()]


def test_current_period_is_sampled_now(store: Store) -> None:
    weekly(store, Watched(), weeks=1)

    assert by_period(asked(store, WEEKS, day(2))) == {"2026-W47": forecast(0)}
    assert by_period(asked(store, WEEKS, day(3))) == {"2026-W47": forecast(1)}


@pytest.mark.parametrize(
    ("every", "periods"),
    [
        ("day", ["2026-12-10"]),
        ("week", ["2026-W49", "2026-W50"]),
        ("month", ["2026-11", "2026-12"]),
        ("quarter", ["2026-Q4"]),
    ],
    ids=str,
)
def test_periods_are_named_as_observations_name_them(store: Store, every: str, periods: list[str]) -> None:
    weekly(store, Watched())
    wish = Samples("task", every, 2, ("forecast_finish",))  # type: ignore[arg-type] # one of the four words

    assert asked(store, wish, day(24))["period"].to_list() == periods


def test_period_ends_at_midnight_of_the_zone(store: Store) -> None:
    source = Watched()
    late_on_sunday = datetime(2026, 11, 22, 22, 59, tzinfo=UTC)  # 23:59 in Brussels
    source.write(store, late_on_sunday, tasks("M1", forecast_finish=forecast(0)))

    source.write(store, late_on_sunday + timedelta(minutes=1), tasks("M1", forecast_finish=forecast(1)))

    assert by_period(asked(store, WEEKS, day(8))) == {"2026-W47": forecast(0), "2026-W48": forecast(1)}


def test_period_without_a_complete_reading_gives_no_sample(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", forecast_finish=forecast(0)))
    source.write(store, day(7), outcome=Outcome.FAILED)
    source.write(store, day(8), tasks("M1", forecast_finish=forecast(1)), outcome=Outcome.PARTIAL)

    source.write(store, day(14), tasks("M1", forecast_finish=forecast(2)))

    assert by_period(asked(store, WEEKS, day(15))) == {"2026-W47": forecast(0), "2026-W49": forecast(2)}


def test_unchanged_complete_reading_gives_a_sample(store: Store) -> None:
    source = Watched()
    for week in range(3):
        source.write(store, day(7 * week), tasks("M1", forecast_finish=CAME))

    assert by_period(asked(store, WEEKS, day(15))) == {f"2026-W{47 + week}": CAME for week in range(3)}


def test_same_files_again_give_no_sample(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", forecast_finish=CAME))
    again = replace(source.accepted.state, read_at=day(7), last_good=day(7))
    change = ReadingChange(again, day(7).date())

    pending = store.past([WEEKS], day(7), BRUSSELS, [change])[WEEKS]
    store.write(CycleChange(day(7), readings=[change]))

    assert list(by_period(pending)) == list(by_period(asked(store, WEEKS, day(8)))) == ["2026-W47"]
    assert [one.number for one in store.readings()] == [None, 1]


def test_sources_are_heard_each_for_itself(store: Store) -> None:
    one, other = Watched("one"), Watched("other")
    one.write(store, day(0), tasks("M1", forecast_finish=CAME))
    other.write(store, day(0), tasks("M1", forecast_finish=CAME))

    one.write(store, day(7), tasks("M1", forecast_finish=CAME))

    found = asked(store, WEEKS, day(8))
    assert found.select("source", "period").rows() == [("one", "2026-W47"), ("one", "2026-W48"), ("other", "2026-W47")]


def test_row_that_was_gone_at_the_end_of_a_period_gives_no_sample(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2", forecast_finish=CAME))
    source.write(store, day(7), tasks("M1", forecast_finish=CAME))
    source.write(store, day(8), tasks("M1", forecast_finish=CAME))

    found = asked(store, WEEKS, day(9))

    assert list(by_period(found)) == ["2026-W47", "2026-W48"]
    assert list(by_period(found, "plans:task:M2")) == ["2026-W47"]


def test_new_baseline_restarts_the_series(store: Store) -> None:
    wish = Samples("task", "week", 4, ("forecast_finish",), restart_on="baseline_finish")
    source = Watched()
    for week, baseline in enumerate((CAME, CAME, None, forecast(20))):
        source.write(store, day(7 * week), tasks("M1", forecast_finish=forecast(week), baseline_finish=baseline))
        if week == 2:
            lost = asked(store, wish, day(15))
            assert list(by_period(lost)) == ["2026-W47", "2026-W48", "2026-W49"]  # a lost value is no new baseline

    assert by_period(asked(store, wish, day(22))) == {"2026-W50": forecast(3)}


def test_since_is_the_day_the_present_value_came(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2", wbs="1"))
    source.write(store, day(1), tasks("M1", "M2", wbs="2"))
    source.write(store, day(2), tasks("M1", wbs="1"), tasks("M2", wbs="2", status="doing"))

    found = asked(store, SINCE, day(3))

    assert found.rows() == [
        ("plans:task:M1", "plans", day(2).date()),
        ("plans:task:M2", "plans", day(1).date()),
    ]


def test_since_counts_null_as_a_value_and_days_in_the_zone(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", wbs="1"))

    source.write(store, datetime(2026, 11, 17, 23, 30, tzinfo=UTC), tasks("M1"))

    assert asked(store, SINCE, day(5)).rows() == [("plans:task:M1", "plans", date(2026, 11, 18))]


def test_since_begins_again_where_a_row_was_gone(store: Store) -> None:
    source = Watched()
    for number, names in enumerate((("M1", "M2"), ("M1",), ("M1",), ("M1", "M2"))):
        source.write(store, day(number), tasks(*names, wbs="1"))

    found = asked(store, SINCE, day(4))

    assert dict(found.select("uid", "since").iter_rows())["plans:task:M2"] == day(3).date()


def test_first_is_the_first_value_that_was_not_null(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2", "M3"))
    source.write(store, day(1), tasks("M1", "M2", forecast_finish=forecast(0)), tasks("M3"))
    source.write(store, day(2), tasks("M1", forecast_finish=forecast(5)), tasks("M2", "M3"))

    found = asked(store, FIRST, day(3))

    assert found.rows() == [("plans:task:M1", "plans", forecast(0)), ("plans:task:M2", "plans", forecast(0))]


@pytest.mark.parametrize(
    ("wish", "columns"),
    [
        (Samples("kpi", "week", 3, ("period",)), ["uid", "source", "period", "ends", "period"]),
        (Samples("task", "week", 3, ("predecessor_count",)), ["uid", "source", "period", "ends", "predecessor_count"]),
        (Since("nothing", "name"), ["uid", "source", "since"]),
        (First("task", "countable"), ["uid", "source", "countable"]),
    ],
    ids=lambda one: getattr(one, "entity", ""),
)
def test_what_is_not_stored_gives_no_rows(store: Store, wish: Wish, columns: list[str]) -> None:
    Watched().write(store, day(0), tasks("M1"))

    found = asked(store, wish, day(1))

    assert found.is_empty()
    assert found.columns == list(dict.fromkeys(columns))


def test_empty_history_gives_empty_answers_with_their_columns(store: Store) -> None:
    found = store.past([WEEKS, SINCE, FIRST], day(0), BRUSSELS)

    assert [frame.height for frame in found.values()] == [0, 0, 0]
    assert found[WEEKS].schema["forecast_finish"] == pl.Date()
    assert found[FIRST].schema["forecast_finish"] == pl.Date()


def test_what_is_pending_counts_as_written(store: Store) -> None:
    source = Watched()
    weekly(store, source, weeks=2)
    source.write(store, day(12), tasks("M1", "M2", forecast_finish=forecast(12), wbs="1"))
    asked(store, WEEKS, day(13))
    source.write(store, day(13), tasks("M1", forecast_finish=forecast(12), wbs="1"))

    change = source.read(day(14), tasks("M1", "M3", forecast_finish=forecast(40), wbs="2"))

    wishes = (WEEKS, SINCE, FIRST)
    before = store.past(wishes, day(14), BRUSSELS, [change])
    store.write(CycleChange(day(14), readings=[change]))
    assert by_period(before[WEEKS])["2026-W49"] == forecast(40)
    assert list(by_period(before[WEEKS], "plans:task:M3")) == ["2026-W49"]
    for wish, frame in store.past(wishes, day(14), BRUSSELS).items():
        if wish != WEEKS:  # M2's last sample lies between its first and second absence: only the tables know
            assert_frame_equal(before[wish], frame)


def test_answers_are_the_same_whether_remembered_or_read_again(store: Store, store_url: str) -> None:
    wishes = (WEEKS, DAYS, SINCE, FIRST, Samples("task", "week", 3, ("progress", "name"), restart_on="wbs"))
    sources = [Watched("plans"), Watched("more")]
    for number in range(16):
        store.past(wishes, day(number), BRUSSELS)
        names = [f"M{one}" for one in range(5) if (one + number) % 7 > 1]
        values = {"forecast_finish": forecast(number // 2), "wbs": str(number // 5), "progress": Decimal(number)}
        sources[number % 2].write(store, day(number), tasks(*names, **values))

        other = open_store(store_url)
        remembered, read = (one.past(wishes, day(number), BRUSSELS) for one in (store, other))
        other.close()

        for wish in wishes:
            assert_frame_equal(remembered[wish], read[wish])


def test_remembered_samples_move_with_the_day(store: Store) -> None:
    source = Watched()
    for number in range(3):
        source.write(store, day(number), tasks("M1", forecast_finish=forecast(number)))

    assert list(by_period(asked(store, DAYS, day(2)))) == ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert list(by_period(asked(store, DAYS, day(3)))) == ["2026-11-17", "2026-11-18"]
    assert by_period(asked(store, DAYS, day(1))) == {"2026-11-16": forecast(0), "2026-11-17": forecast(1)}


def test_quiet_cycle_answers_from_memory(store: Store) -> None:
    weekly(store, Watched())

    first = asked(store, WEEKS, day(24))

    assert asked(store, WEEKS, day(24) + timedelta(hours=1)) is first


def test_second_store_on_the_same_database_sees_what_the_first_wrote(store: Store, store_url: str) -> None:
    source = Watched()
    other = open_store(store_url)
    source.write(store, day(0), tasks("M1", forecast_finish=forecast(0)))
    assert by_period(asked(other, WEEKS, day(0))) == {"2026-W47": forecast(0)}

    source.write(store, day(1), tasks("M1", forecast_finish=forecast(1)))

    assert by_period(asked(other, WEEKS, day(1))) == {"2026-W47": forecast(1)}
    other.close()


def test_samples_of_other_entities_and_kinds(store: Store) -> None:
    wish = Samples("risk", "week", 2, ("probability", "cost_impact", "escalated", "target_date"))
    values = {
        "probability": Decimal("12.5"),
        "cost_impact": Decimal("1000.2500"),
        "escalated": True,
        "target_date": CAME,
    }
    Watched().write(store, day(0), records("risk", {"key": "R1", "project": "P1", "title": "Late", **values}))

    found = asked(store, wish, day(1))

    assert found.select(list(values)).row(0, named=True) == values
