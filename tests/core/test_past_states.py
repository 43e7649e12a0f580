"""Past states of parts become versions: what each row held, and from when to when."""

from datetime import datetime

import polars as pl
import pytest
from rows import records
from watched import GENEROUS, day

from pmo_watch.flow import Imported, PastState, Records
from pmo_watch.normalise import Limits
from pmo_watch.past_states import PastStates


def tasks(*names: str, part: str = "w1.xml", **fields: object) -> Records:
    """Return tasks of one file, keyed by the first word of their names."""
    rows = [{"key": name.split()[0], "project": "P1", "name": name, **fields} for name in names]
    return records("task", *rows, part=part)


def made(*states: PastState, limits: Limits = GENEROUS) -> Imported:
    """Return the history that the states make."""
    past = PastStates("plans", limits)
    for state in states:
        past.add(state)
    found = past.imported({"p"})
    assert found is not None
    return found


def told(found: Imported) -> list[tuple[str, str, datetime, datetime | None]]:
    """Return key, name, and from when to when."""
    frame = found.versions["task"].with_columns(pl.col("uid").str.replace("plans:task:", ""))
    return frame.select("uid", "name", "known_from", "known_to").rows()


def test_a_row_is_what_each_state_says_until_the_next_says_otherwise() -> None:
    found = made(
        PastState(day(0), "w3.xml", [tasks("A", "B")]),
        PastState(day(7), "w3.xml", [tasks("A", "B later", part="w2.xml")]),
        PastState(day(14), "w3.xml", [tasks("A", "B later", part="w3.xml")]),
    )

    assert told(found) == [
        ("A", "A", day(0), None),
        ("B", "B", day(0), day(7)),
        ("B", "B later", day(7), None),
    ]
    assert [(one.at, one.part, one.of, one.rows) for one in found.readings] == [
        (day(0), "w1.xml", "w3.xml", 2),
        (day(7), "w2.xml", "w3.xml", 2),
        (day(14), "w3.xml", "w3.xml", 2),
    ]


def test_a_row_ends_with_the_state_that_lacks_it_and_may_come_back() -> None:
    found = made(
        PastState(day(0), "p", [tasks("A", "B")]),
        PastState(day(7), "p", [tasks("A")]),
        PastState(day(14), "p", [tasks("A", "B")]),
        PastState(day(21), "p", []),
    )

    assert told(found) == [
        ("A", "A", day(0), day(21)),
        ("B", "B", day(0), day(7)),
        ("B", "B", day(14), day(21)),
    ]


def test_each_part_speaks_of_its_own_rows() -> None:
    found = made(
        PastState(day(0), "a", [tasks("A")]),
        PastState(day(1), "b", [tasks("B")]),
        PastState(day(7), "a", [tasks("A later")]),
    )

    assert told(found) == [("A", "A", day(0), day(7)), ("A", "A later", day(7), None), ("B", "B", day(1), None)]


def test_a_row_in_two_parts_has_one_history() -> None:
    found = made(
        PastState(day(0), "a", [tasks("X")]),
        PastState(day(1), "b", [tasks("X of b")]),
        PastState(day(7), "a", []),
        PastState(day(8), "b", []),
    )

    assert told(found) == [("X", "X", day(0), day(1)), ("X", "X of b", day(1), day(8))]


def test_states_before_a_renumbering_are_left_out_and_named() -> None:
    names = ["1 Dig", "2 Lay", "3 Build", "4 Roof", "5 Paint"]
    past = PastStates("plans", Limits())
    past.add(PastState(day(0), "p", [tasks(*names)]))
    past.add(PastState(day(0), "other", [tasks("O")]))
    past.add(PastState(day(7), "p", [tasks("1 Lay", "2 Build", "3 Roof", "4 Paint", "5 Dig", part="w2.xml")]))

    found = past.imported({"p"})

    assert found is not None
    assert [row[2] for row in told(found)] == [*[day(7)] * 5, day(0)]
    assert [(one.at, one.of) for one in found.readings] == [(day(0), "other"), (day(7), "p")]
    assert past.notes == ["w2.xml numbers its rows otherwise than older states: those are left out of history"]


@pytest.mark.parametrize(("read", "tells_all"), [((), True), (("p",), True), (("p", "q"), False)])
def test_it_tells_all_when_every_part_that_was_read_is_told(read: tuple[str, ...], tells_all: bool) -> None:
    past = PastStates("plans", Limits())
    past.add(PastState(day(0), "p", [tasks("A")]))

    found = past.imported(read)

    assert found is not None
    assert found.tells_all is tells_all


def test_rows_that_break_the_model_are_left_out_and_counted() -> None:
    found = made(PastState(day(0), "p", [records("task", {"key": "A", "name": "A"}), tasks("B")]))

    assert [row[0] for row in told(found)] == ["B"]
    assert [one.lost for one in found.readings] == [1]


def test_history_of_held_parts_is_left_out() -> None:
    found = made(PastState(day(0), "a", [tasks("A")]), PastState(day(1), "b", [tasks("B")])).without(["a"])

    assert [row[0] for row in told(found)] == ["B"]
    assert [one.of for one in found.readings] == ["b"]


@pytest.mark.parametrize(
    ("at", "fault"), [(day(0), "comes after a later one"), (day(9).replace(tzinfo=None), "has no time zone")]
)
def test_states_out_of_order_are_the_plugins_defect(at: datetime, fault: str) -> None:
    past = PastStates("plans", Limits())
    past.add(PastState(day(1), "p", [tasks("A")]))

    with pytest.raises(ValueError, match=fault):
        past.add(PastState(at, "p", [tasks("A")]))


def test_no_state_is_no_history() -> None:
    assert PastStates("plans", Limits()).imported({"p"}) is None
