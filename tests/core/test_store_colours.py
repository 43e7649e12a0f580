"""The computed colours of projects as the store keeps them, and as samples."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
from watched import Watched, day, tasks

from pmo_watch.flow import COLOURS, Outcome, Samples
from pmo_watch.store import CycleChange, Store

ZONE = ZoneInfo("Europe/Brussels")
OVERALL = Samples(COLOURS, "week", 4, ("overall",))


def colours(**states: str) -> pl.DataFrame:
    """Return the overall colour of projects."""
    rows = [{"project": project, "dimension": "overall", "state": state} for project, state in states.items()]
    return pl.DataFrame(rows, schema={"project": pl.String, "dimension": pl.String, "state": pl.String})


def asked(store: Store, at: datetime, wish: Samples = OVERALL) -> list[tuple[object, ...]]:
    """Return the samples: project, period, states."""
    found = store.past([wish], at, ZONE)[wish]
    return found.select("uid", "period", *wish.fields).rows()


def looked(store: Store, at: datetime, **states: str) -> None:
    """Read a source and write what colours projects have then."""
    change = Watched(f"plans-{at:%m%d}").read(at, tasks("M1"))
    store.write(CycleChange(at, readings=[change], colours=colours(**states)))


def test_sample_is_the_colour_at_the_end_of_the_week_and_now_in_the_present_one(store: Store) -> None:
    looked(store, day(0), a="green")
    looked(store, day(3), a="amber")
    looked(store, day(8), a="amber")
    looked(store, day(14), a="red")

    assert asked(store, day(15)) == [("a", "2026-W47", "amber"), ("a", "2026-W48", "amber"), ("a", "2026-W49", "red")]


def test_week_in_which_nobody_looked_gives_no_sample(store: Store) -> None:
    looked(store, day(0), a="amber")
    looked(store, day(14), a="amber")

    assert asked(store, day(15)) == [("a", "2026-W47", "amber"), ("a", "2026-W49", "amber")]


def test_failed_reading_is_no_look(store: Store) -> None:
    looked(store, day(0), a="amber")
    change = Watched("plans").read(day(7), outcome=Outcome.FAILED)
    store.write(CycleChange(day(7), readings=[change], colours=colours(a="amber")))

    assert asked(store, day(15)) == [("a", "2026-W47", "amber"), ("a", "2026-W49", "amber")]


def test_project_that_lost_its_colour_gives_no_sample_until_it_has_one_again(store: Store) -> None:
    looked(store, day(0), a="amber", b="red")
    looked(store, day(7), b="red")
    looked(store, day(14), a="green", b="red")

    assert asked(store, day(15)) == [
        ("a", "2026-W47", "amber"),
        ("a", "2026-W49", "green"),
        ("b", "2026-W47", "red"),
        ("b", "2026-W48", "red"),
        ("b", "2026-W49", "red"),
    ]


def test_cycle_that_says_nothing_of_colours_leaves_them(store: Store) -> None:
    looked(store, day(0), a="amber")
    store.write(CycleChange(day(1)))

    assert asked(store, day(2)) == [("a", "2026-W47", "amber")]


def test_dimensions_are_columns_of_their_own(store: Store) -> None:
    both = pl.concat([colours(a="red"), colours(a="green").with_columns(dimension=pl.lit("cost"))])
    store.write(CycleChange(day(0), readings=[Watched().read(day(0), tasks("M1"))], colours=both))
    wish = Samples(COLOURS, "day", 2, ("overall", "cost", "risk"))

    assert asked(store, day(0), wish) == [("a", "2026-11-16", "red", "green", None)]


def test_other_wishes_are_answered_beside_them(store: Store) -> None:
    Watched().write(store, day(0), tasks("M1"))
    names = Samples("task", "week", 2, ("name",))

    found = store.past([OVERALL, names], datetime(2026, 11, 17, tzinfo=UTC), ZONE)

    assert found[OVERALL].is_empty()
    assert found[names]["name"].to_list() == ["M1"]


def test_colours_are_told_as_of_a_moment(store: Store) -> None:
    looked(store, day(0), a="green", b="red")
    looked(store, day(3), a="amber")

    assert store.colours_at(day(-1), "overall") == {}
    assert store.colours_at(day(1), "overall") == {"a": "green", "b": "red"}
    assert store.colours_at(day(3), "overall") == {"a": "amber"}
    assert store.colours_at(day(3), "cost") == {}


def test_samples_of_some_rows_are_those_of_all_rows(store: Store) -> None:
    wish = Samples("task", "week", 4, ("forecast_finish",))
    plans = Watched("plans")
    for number in (0, 7, 15):
        dates = {"forecast_finish": day(number + 30).date()}
        plans.write(store, day(number), tasks("M1", "M2", "M3", **dates))
    pending = [plans.read(day(16), tasks("M1", "M2", "M3", forecast_finish=day(90).date()))]

    every = store.past([wish], day(16), ZONE, pending)[wish]
    some = store.samples_of(wish, ["plans:task:M1", "plans:task:M3"], day(16), ZONE, pending)

    assert some.rows() == every.filter(pl.col("uid") != "plans:task:M2").rows()
    assert some.height == 6
    assert store.samples_of(wish, [], day(16), ZONE).is_empty()
