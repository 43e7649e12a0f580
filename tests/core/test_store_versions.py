"""Wishes for what rows were like before, and for rows that are gone: read, remembered and pending."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
from polars.testing import assert_frame_equal
from rows import records
from watched import Watched, day, tasks

from pmo_watch.flow import PastState, Previous, Vanished, Wish
from pmo_watch.store import CycleChange, Store, open_store

BRUSSELS = ZoneInfo("Europe/Brussels")
PREVIOUS = Previous("task", ("progress", "done"))
VANISHED = Vanished("task", 30, ("project", "name", "done"))


def asked(store: Store, wish: Wish, number: int) -> pl.DataFrame:
    """Answer one wish on that day."""
    return store.past([wish], day(number), BRUSSELS)[wish]


def test_the_version_before_is_the_one_that_the_present_one_replaced(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", progress=Decimal(60), done=False))
    source.write(store, day(1), tasks("M1", progress=Decimal(40), done=False), tasks("M2", progress=Decimal(5)))

    found = asked(store, PREVIOUS, 2)

    assert found.columns == ["uid", "source", "progress", "done", "progress_before", "done_before"]
    assert found.rows() == [
        ("plans:task:M1", "plans", Decimal(40), False, Decimal(60), False),
        ("plans:task:M2", "plans", Decimal(5), None, None, None),
    ]


def test_a_change_of_any_field_makes_the_present_version_the_one_before(store: Store) -> None:
    source = Watched()
    for number, wbs in enumerate(("1", "2")):
        source.write(store, day(number), tasks("M1", progress=Decimal(60 - number * 20), wbs=wbs))
    source.write(store, day(2), tasks("M1", progress=Decimal(40), wbs="3"))

    assert asked(store, PREVIOUS, 3)["progress_before"].to_list() == [Decimal(40)]


def test_a_row_that_was_gone_in_between_begins_anew(store: Store) -> None:
    source = Watched()
    for number, names in enumerate((("M1", "M2"), ("M1",), ("M1",), ("M1", "M2"))):
        source.write(store, day(number), tasks(*names, progress=Decimal(60)))

    found = asked(store, PREVIOUS, 4)

    assert dict(found.select("uid", "progress_before").iter_rows())["plans:task:M2"] is None


def test_a_row_that_two_readings_lacked_is_gone_since_the_second(store: Store) -> None:
    source = Watched()
    for number, names in enumerate((("M1", "M2"), ("M1",), ("M1",))):
        assert asked(store, VANISHED, number).is_empty()
        source.write(store, day(number), tasks(*names, done=False))

    found = asked(store, VANISHED, 3)

    assert found.rows() == [("plans:task:M2", "plans", day(2).date(), "P1", "M2", False)]


def test_a_row_that_was_gone_for_long_is_not_told_of_any_more(store: Store) -> None:
    source = Watched()
    for number, names in enumerate((("M1", "M2"), ("M1",), ("M1",))):
        source.write(store, day(number), tasks(*names))

    assert [asked(store, VANISHED, number).height for number in (31, 32)] == [1, 0]


def test_a_row_that_came_back_is_not_gone(store: Store) -> None:
    source = Watched()
    for number, names in enumerate((("M1", "M2"), ("M1",), ("M1",), ("M1", "M2"))):
        source.write(store, day(number), tasks(*names))

    assert asked(store, VANISHED, 4).is_empty()


def test_what_is_pending_counts_as_written(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2", "M3", progress=Decimal(10)))
    source.write(store, day(1), tasks("M1", "M3", progress=Decimal(20)))

    change = source.read(day(2), tasks("M1", progress=Decimal(30)), tasks("M4"))

    wishes = (PREVIOUS, VANISHED)
    before = store.past(wishes, day(2), BRUSSELS, [change])
    store.write(CycleChange(day(2), readings=[change]))
    assert before[VANISHED]["name"].to_list() == ["M2"]
    for wish, frame in store.past(wishes, day(2), BRUSSELS).items():
        assert_frame_equal(before[wish], frame)


def test_answers_are_the_same_whether_remembered_or_read_again(store: Store, store_url: str) -> None:
    wishes = (PREVIOUS, VANISHED, Vanished("task", 3, ("wbs",)))
    sources = [Watched("plans"), Watched("more")]
    for number in range(16):
        store.past(wishes, day(number), BRUSSELS)
        names = [f"M{one}" for one in range(5) if (one + number) % 7 > 1]
        sources[number % 2].write(
            store, day(number), tasks(*names, progress=Decimal(number // 2), wbs=str(number // 5))
        )

        other = open_store(store_url)
        remembered, read = (one.past(wishes, day(number), BRUSSELS) for one in (store, other))
        other.close()

        for wish in wishes:
            assert_frame_equal(remembered[wish], read[wish])


def test_the_past_that_a_reading_tells_of_is_before_it(store: Store) -> None:
    told = PastState(
        day(0) - timedelta(days=7),
        "",
        [records("task", {"key": "M1", "project": "P1", "name": "M1", "progress": Decimal(80)})],
    )

    Watched().write(store, day(0), tasks("M1", progress=Decimal(30)), past=[told])

    found = store.past([PREVIOUS, VANISHED], day(1), BRUSSELS)
    assert found[PREVIOUS].select("progress", "progress_before").rows() == [(Decimal(30), Decimal(80))]
    assert found[VANISHED].is_empty()


def test_what_was_never_written_gives_no_rows_and_its_columns(store: Store) -> None:
    found = store.past([PREVIOUS, VANISHED, Vanished("kpi", 5, ("period",))], day(0), BRUSSELS)

    assert [frame.height for frame in found.values()] == [0, 0, 0]
    assert found[PREVIOUS].columns == ["uid", "source", "progress", "done", "progress_before", "done_before"]
    assert found[VANISHED].columns == ["uid", "source", "vanished_on", "project", "name", "done"]
