"""Rows of sources go into the database and come back as they were; only what differs is written."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from rows import records
from watched import Watched, day, stored_fields, tasks

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Outcome, Records, SourceState
from pmo_watch.model import Kind
from pmo_watch.store import CycleChange, ReadingChange, Store, open_store
from pmo_watch.store.tables import STORED

FULL: dict[Kind, list[Any]] = {
    Kind.TEXT: ["plain", "", "NULL", r"\N", '"quoted", \n and é 漢 𝄞', "tab\tand\r\nbreak", "\\."],
    Kind.REF: ["HB-017"],
    Kind.FLAG: [True, False],
    Kind.COUNT: [0, -1, 2**53 + 1],
    Kind.MINUTES: [480, -960],
    Kind.NUMBER: [Decimal("0.000001"), Decimal("-123456789012345678.123456"), Decimal(0)],
    Kind.PERCENT: [Decimal("33.333333"), Decimal(100)],
    Kind.HOURS: [Decimal("7.6"), Decimal("-0.000001")],
    Kind.MONEY: [Decimal("1234567890123.4567"), Decimal("-0.0001"), Decimal("99999999999999.9999")],
    Kind.DATE: [date(2026, 11, 20), date(1, 1, 1), date(9999, 12, 31)],
    Kind.MOMENT: [datetime(2026, 3, 29, 1, 59, 59, 999999, UTC), datetime(1969, 12, 31, 23, 0, tzinfo=UTC)],
    Kind.LIST: [["a", 'b"\\', "é\n"], [], [""], ["NULL", "null"]],
}


def rows_of_every_kind(entity: str) -> list[dict[str, Any]]:
    """Return rows that together hold every value above in every field that can, and one of nothing but nulls."""
    rows: list[dict[str, Any]] = [{"key": "null"}, *({"key": str(number)} for number in range(7))]
    for one in ENTITIES[entity].stored():
        values = one.one_of or FULL[one.kind]
        for number, row in enumerate(rows):
            if number or one.required:
                row[one.name] = values[number % len(values)]
    return rows


@pytest.mark.parametrize("entity", sorted(STORED))
def test_every_value_of_every_entity_comes_back_as_it_was(store: Store, entity: str) -> None:
    source = Watched()

    source.write(store, day(0), records(entity, *rows_of_every_kind(entity), part="plan \\N, é.xml"))

    assert source.frame(entity).height == 8
    assert_frame_equal(store.rows()["plans"][entity], source.frame(entity))


@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=40)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_and_list_comes_back_as_it_was(store: Store, texts: list[str]) -> None:
    source = Watched(f"plans{len(store.sources())}")
    rows = [{"key": str(n), "project": "P", "name": one, "labels": texts[:n]} for n, one in enumerate(texts)]

    source.write(store, day(0), records("task", *rows))

    assert_frame_equal(store.rows()[source.name]["task"], source.frame("task"))


def test_character_0_stops_nothing(store: Store) -> None:
    Watched().write(store, day(0), tasks("M1", wbs="1\0.2"))

    assert [one.replace("\0", "") for one in store.rows()["plans"]["task"]["wbs"]] == ["1.2"]


def test_state_and_cursor_are_written_with_the_rows(store: Store) -> None:
    source = Watched()

    source.write(store, day(0), tasks("M1", "M2"))

    assert store.sources() == {"plans": source.accepted.state}
    assert store.sources()["plans"].cursor == {"seen": day(0).isoformat()}


def test_state_keeps_everything(store: Store) -> None:
    state = SourceState(
        "jira",
        "jira",
        Outcome.HELD,
        reading=7,
        read_at=day(3),
        last_good=day(2),
        as_of=date(2026, 11, 18),
        failing_since=day(1),
        failures=3,
        error="boards: 403",
        rows=12,
        rejected=4,
        degraded=("boards", "labels"),
        cursor={"since": "2026-11-18", "links": [1, 2]},
        held="30 of 40 task keys carry another name",
    )

    store.write(CycleChange(day(3), readings=[ReadingChange(state, date(2026, 11, 19))]))

    assert store.sources() == {"jira": state}


def test_unchanged_reading_writes_no_version(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2"))

    source.write(store, day(1), tasks("M1", "M2"))

    first, second = reversed(store.readings("plans"))
    assert (first.changed, second.changed) == (2, 0)
    assert (first.number, second.number) == (1, 2)
    assert versions(store) == 2


def test_one_changed_row_writes_one_version(store: Store) -> None:
    source = Watched()
    names = [f"M{number:03}" for number in range(100)]
    source.write(store, day(0), tasks(*names))

    change = source.write(store, day(1), tasks(*names[1:]), tasks("M000", wbs="1.1"))

    assert change.changed["task"].height == store.readings("plans")[0].changed == 1
    assert versions(store) == 101
    assert_frame_equal(store.rows()["plans"]["task"], source.frame("task"))


def test_as_of_gives_what_was_known_then(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2", wbs="1"))
    monday = source.frame("task")
    source.write(store, day(1), tasks("M1", wbs="1"), tasks("M2", "M3", wbs="2"))
    tuesday = source.frame("task")

    assert store.rows(day(0).replace(hour=8)) == {}
    assert_frame_equal(store.rows(day(0))["plans"]["task"], monday)
    assert_frame_equal(store.rows(day(1).replace(hour=8))["plans"]["task"], monday)
    assert_frame_equal(store.rows(day(1))["plans"]["task"], tuesday)


def test_missing_row_stays_and_says_since_which_reading(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2"))

    source.write(store, day(1), tasks("M1"))

    assert store.rows()["plans"]["task"]["@missing"].to_list() == [None, 2]
    assert_frame_equal(store.rows()["plans"]["task"], source.frame("task"))


def test_row_missing_twice_vanishes_as_of_the_first_time(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2"))
    source.write(store, day(1), tasks("M1"))

    source.write(store, day(2), tasks("M1"))

    assert uids(store.rows()) == uids(store.rows(day(1))) == ["plans:task:M1"]
    assert uids(store.rows(day(0))) == ["plans:task:M1", "plans:task:M2"]
    gone = store.vanished(day(2).date())["plans"]["task"]
    assert gone.select("uid", "name", "vanished_on").rows() == [("plans:task:M2", "M2", day(2).date())]
    assert store.vanished(day(3).date()) == {}


def test_row_that_comes_back_unchanged_was_never_gone(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2"))
    source.write(store, day(1), tasks("M1"))

    source.write(store, day(2), tasks("M1", "M2"))

    assert store.rows()["plans"]["task"]["@missing"].to_list() == [None, None]
    assert versions(store) == 2


def test_vanished_row_that_comes_back_has_the_same_uid_and_a_new_version(store: Store) -> None:
    source = Watched()
    for number, names in enumerate((("M1", "M2"), ("M1",), ("M1",), ("M1", "M2"))):
        source.write(store, day(number), tasks(*names))

    assert uids(store.rows()) == ["plans:task:M1", "plans:task:M2"]
    assert uids(store.rows(day(2))) == ["plans:task:M1"]
    assert store.vanished(day(0).date()) == {}
    assert versions(store) == 3


def test_row_that_its_source_calls_deleted_ends_at_once(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", "M2"))
    state = source.accepted.state
    deleted = ReadingChange(
        SourceState("plans", "jira", Outcome.COMPLETE, reading=2, read_at=day(1), last_good=day(1)),
        day(1).date(),
        deleted={"task": ["plans:task:M2"]},
    )

    store.write(CycleChange(day(1), readings=[deleted]))

    assert state.reading == 1
    assert uids(store.rows(day(1))) == ["plans:task:M1"]
    assert uids(store.rows(day(0))) == ["plans:task:M1", "plans:task:M2"]
    assert store.vanished(day(1).date())["plans"]["task"]["uid"].to_list() == ["plans:task:M2"]


def test_failed_reading_leaves_rows_and_is_listed(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1"))

    source.write(store, day(1), outcome=Outcome.FAILED)

    assert uids(store.rows()) == ["plans:task:M1"]
    failed, good = store.readings("plans")
    assert (failed.outcome, failed.number, failed.read_at) == ("failed", None, day(1))
    assert (good.outcome, good.number, good.rows) == ("complete", 1, 1)


def test_readings_are_listed_newest_first_over_all_sources(store: Store) -> None:
    Watched("plans").write(store, day(0), tasks("M1"))
    Watched("risks").write(store, day(1), records("risk", {"key": "R1", "project": "P1", "title": "Late"}))

    assert [one.source for one in store.readings()] == ["risks", "plans"]
    assert [one.source for one in store.readings(limit=1)] == ["risks"]


def test_rows_are_told_apart_by_source(store: Store) -> None:
    one, other = Watched("one"), Watched("other")
    one.write(store, day(0), tasks("M1"))

    other.write(store, day(0), tasks("M1", "M2"))

    assert {name: frames["task"].height for name, frames in store.rows().items()} == {"one": 1, "other": 2}


def test_clock_that_went_back_makes_no_overlap(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", wbs="1"))
    source.write(store, day(2), tasks("M1", wbs="2"))

    source.write(store, day(1), tasks("M1", wbs="3"))

    assert store.rows()["plans"]["task"]["wbs"].to_list() == ["3"]
    assert store.rows(day(1))["plans"]["task"]["wbs"].to_list() == ["1"]
    assert store.rows(day(2))["plans"]["task"]["wbs"].to_list() == ["3"]


def test_two_readings_at_the_same_moment_keep_the_second(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), tasks("M1", wbs="1"))

    source.write(store, day(0), tasks("M1", wbs="2"))

    assert store.rows(day(0))["plans"]["task"]["wbs"].to_list() == ["2"]


def test_rows_survive_closing(store_url: str) -> None:
    source = Watched()
    first = open_store(store_url)
    source.write(first, day(0), tasks("M1", cost=Decimal("1.5")))
    first.close()

    second = open_store(store_url)

    assert_frame_equal(second.rows()["plans"]["task"], source.frame("task"))
    second.close()


def test_many_rows_come_back_in_several_pieces(store: Store) -> None:
    source = Watched()
    names = [f"M{number:05}" for number in range(45_000)]

    source.write(store, day(0), tasks(*names, progress=Decimal("12.5")))

    assert_frame_equal(store.rows()["plans"]["task"], source.frame("task"))


def test_stored_rows_have_the_columns_that_normalise_gives(store: Store, tmp_path: Path) -> None:
    Watched().write(store, day(0), tasks("M1"))

    assert store.rows()["plans"]["task"].columns == ["uid", *stored_fields("task"), "@part", "@missing"]


def uids(rows: dict[str, dict[str, pl.DataFrame]], source: str = "plans", entity: str = "task") -> list[str]:
    """Return the uids, in order."""
    return rows[source][entity]["uid"].to_list()


def versions(store: Store) -> int:
    """Return how many versions were ever written."""
    return sum(one.changed for one in store.readings())


def week(number: int, *names: str) -> Records:
    """Return tasks from the file of a week, keyed by the first letter of their names."""
    rows = [{"key": name[0], "project": "P1", "name": name} for name in names]
    return records("task", *rows, part=f"w{number}.xml")


def test_the_same_row_from_another_file_is_no_new_version(store: Store, store_url: str) -> None:
    source = Watched()
    source.write(store, day(0), week(1, "A", "B"))

    source.write(store, day(7), week(2, "A renamed", "B"))

    assert [one.changed for one in store.readings()] == [1, 2]
    again = open_store(store_url)
    assert again.rows()["plans"]["task"].select("name", "@part").rows() == [("A renamed", "w2.xml"), ("B", "w2.xml")]
    again.close()


def test_a_missing_row_that_comes_back_from_another_file_is_there_again(store: Store) -> None:
    source = Watched()
    source.write(store, day(0), week(1, "A", "B"))
    source.write(store, day(7), week(2, "A"))

    source.write(store, day(14), week(3, "A", "B"))

    assert store.rows()["plans"]["task"].select("@part", "@missing").rows() == [("w3.xml", None), ("w3.xml", None)]
    assert [one.changed for one in store.readings()] == [0, 0, 2]
