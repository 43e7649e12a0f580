"""Readings that are lists of changes: what is taken over, what is gone, what is held, what is no news at all."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import NOW, known, reading, records, tasks, uids

from pmo_watch.flow import Outcome, Reading, SourceState, Summary
from pmo_watch.normalise import Accepted, Limits, accept

TEN = [f"t{n}" for n in range(10)]


def changes(**summary: Any) -> Summary:
    """Return the summary of a list of changes."""
    return Summary(listed=False, **summary)


def taken(one: Reading, before: Accepted, **how: bool) -> Accepted:
    return accept(one, before.rows, before.state, Limits(), **how)


def present(accepted: Accepted, entity: str = "task") -> list[str]:
    """Return the keys of the rows that are there."""
    return uids(accepted.rows[entity].filter(pl.col("@missing").is_null())["uid"].to_list())


def test_change_list_brings_rows_up_to_date_and_leaves_the_others() -> None:
    before = known("live", tasks("a", "b", part=""))
    update = records("task", {"key": "b", "project": "ATL", "name": "B"}, {"key": "c", "project": "ATL", "name": "c"})

    after = taken(reading("live", update, summary=changes(cursor={"at": 2})), before)

    assert after.rows["task"]["name"].to_list() == ["a", "B", "c"]
    assert uids(after.changed["task"]["uid"].to_list()) == ["b", "c"]
    assert not after.rows["task"]["@unseen"].any(), "what did not change was seen all the same"
    assert (after.state.reading, after.state.outcome, after.state.cursor) == (2, Outcome.COMPLETE, {"at": 2})


@pytest.mark.parametrize("again", [(), ("a",), ("a", "b")], ids=["nothing", "one once more", "all once more"])
def test_change_list_without_a_change_is_no_news(again: tuple[str, ...]) -> None:
    before = known("live", tasks("a", "b", part=""))

    after = taken(reading("live", tasks(*again, part=""), summary=changes(cursor={"at": 2})), before)

    assert after.nothing_new
    assert all(after.rows[name] is frame for name, frame in before.rows.items()), "the very same frames"
    assert (after.state.reading, after.state.last_good, after.state.cursor) == (1, NOW, {"at": 2})


def test_change_list_after_trouble_is_news_though_it_brings_nothing() -> None:
    before = known("live", tasks("a", "b", part=""))
    partial = reading("live", tasks("a", part=""), outcome=Outcome.PARTIAL, summary=changes(whole=False))
    troubled = taken(partial, before)

    after = taken(reading("live", summary=changes()), troubled)

    assert troubled.rows["task"]["@unseen"].to_list() == [False, True]
    assert not after.nothing_new
    assert not after.rows["task"]["@unseen"].any()


def test_untouched_entities_keep_their_very_frames() -> None:
    people = records("person", {"key": "p", "name": "P"})
    before = known("live", tasks("a", part=""), people)

    after = taken(reading("live", tasks("b", part=""), summary=changes()), before)

    assert after.rows["person"] is before.rows["person"]


def test_row_that_two_censuses_lack_is_gone() -> None:
    before = known("live", tasks("a", "b", "c", part=""))
    census = changes(census={"task": ["a", "c"]})

    first = taken(reading("live", summary=census), before)
    between = taken(reading("live", tasks("a", part=""), summary=changes()), first)
    second = taken(reading("live", summary=census), between)

    assert (uids(first.missing["task"]), present(first)) == (["b"], ["a", "c"])
    assert not between.moved, "a list of changes says nothing of what it leaves out"
    assert (uids(second.vanished["task"]), uids(second.rows["task"]["uid"].to_list())) == (["b"], ["a", "c"])


def test_row_that_a_census_names_again_has_returned_unsent() -> None:
    before = known("live", tasks("a", "b", part=""))
    lost = taken(reading("live", summary=changes(census={"task": ["a"]})), before)

    back = taken(reading("live", summary=changes(census={"task": ["a", "b"]})), lost)

    assert uids(back.returned["task"]) == ["b"]
    assert present(back) == ["a", "b"]


def test_census_of_one_entity_says_nothing_of_another() -> None:
    before = known("live", tasks("a", part=""), records("person", {"key": "p", "name": "P"}))

    after = taken(reading("live", summary=changes(census={"task": ["a"]})), before)

    assert present(after, "person") == ["p"]
    assert not any(after.missing.values())


def test_row_that_is_sent_is_there_whatever_the_census_says() -> None:
    before = known("live", tasks("a", part=""))

    after = taken(reading("live", tasks("new", part=""), summary=changes(census={"task": ["a"]})), before)

    assert present(after) == ["a", "new"]


def test_census_of_a_partial_reading_is_no_list() -> None:
    before = known("live", tasks(*TEN, part=""))
    summary = changes(whole=False, census={"task": ["t0"]}, error="cut off")

    after = taken(reading("live", outcome=Outcome.PARTIAL, summary=summary), before)

    assert present(after) == TEN
    assert not after.missing["task"]


def test_census_that_shrinks_too_much_is_held_with_all_that_came() -> None:
    before = known("live", tasks(*TEN, part=""), records("person", {"key": "p", "name": "P"}))
    summary = changes(census={"task": TEN[:5]}, cursor={"at": 2})

    after = taken(reading("live", records("person", {"key": "q", "name": "Q"}), summary=summary), before)
    believed = taken(reading("live", summary=summary), before, accept_shrink=True)

    assert after.state.outcome == Outcome.HELD
    assert after.state.held == (
        "5 of 10 known task rows are gone. If that is right, accept it with 'pmo-watch sources accept live' or set "
        "'accept_shrink: true'"
    )
    assert (after.rows, after.state.cursor) == (before.rows, {})
    assert len(believed.missing["task"]) == 5


def test_empty_census_is_held_however_few_rows_are_known() -> None:
    before = known("live", tasks("a", "b", part=""))

    after = taken(reading("live", summary=changes(census={"task": []})), before)

    assert after.state.outcome == Outcome.HELD
    assert after.state.held.startswith("it shows no task any more, where 2 are known: may its account still see them?")


def test_empty_census_of_nothing_is_no_trouble() -> None:
    before = known("live", records("person", {"key": "p", "name": "P"}))

    after = taken(reading("live", summary=changes(census={"task": []})), before)

    assert after.state.outcome == Outcome.COMPLETE


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.PARTIAL])
def test_row_that_the_system_deleted_is_gone_at_once(outcome: Outcome) -> None:
    before = known("live", tasks(*TEN, part=""))
    summary = changes(whole=outcome == Outcome.COMPLETE, deleted={"task": [*TEN[:8], "never seen"]})

    after = taken(reading("live", outcome=outcome, summary=summary), before)

    assert uids(after.deleted["task"]) == TEN[:8], "told in so many words, it is no shrinking"
    assert present(after) == TEN[8:]
    assert not after.nothing_new


def test_census_that_shrinks_by_what_was_deleted_is_believed() -> None:
    before = known("live", tasks(*TEN, part=""))
    summary = changes(census={"task": TEN[8:]}, deleted={"task": TEN[:8]})

    after = taken(reading("live", summary=summary), before)

    assert (after.state.outcome, present(after)) == (Outcome.COMPLETE, TEN[8:])


def test_deleted_row_that_was_missing_is_gone_once() -> None:
    before = known("live", tasks("a", "b", part=""))
    lost = taken(reading("live", summary=changes(census={"task": ["a"]})), before)

    after = taken(reading("live", summary=changes(census={"task": ["a"]}, deleted={"task": ["b"]})), lost)

    assert (uids(after.deleted["task"]), after.vanished["task"]) == (["b"], [])


def test_many_renamed_rows_among_many_known_are_no_renumbering() -> None:
    before = known("live", tasks(*[f"t{n}" for n in range(30)], part=""))
    renamed = records("task", *({"key": name, "project": "ATL", "name": f"new {name}"} for name in TEN[:6]))

    listed = taken(reading("live", renamed, summary=changes()), before)

    assert listed.state.outcome == Outcome.COMPLETE


def test_partial_reading_without_a_cursor_goes_on_from_the_last() -> None:
    before = known("live", tasks("a", part=""))
    begun = replace(before, state=replace(before.state, cursor={"at": 1}))

    after = taken(reading("live", outcome=Outcome.PARTIAL, summary=changes(whole=False, error="cut")), begun)

    assert after.state.cursor == {"at": 1}


KEYS = st.sampled_from("abcdefgh")
STEPS = st.lists(
    st.tuples(st.sampled_from(["change", "delete", "census"]), st.sets(KEYS), st.integers(0, 9)), max_size=12
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_changes_end_where_a_full_reading_would(steps: list[tuple[str, set[str], int]]) -> None:
    """A system with rows that come, change and go; a census twice over at the end."""
    system: dict[str, str] = {}
    accepted = Accepted(SourceState("live", "jira"), {})
    for kind, keys, value in [*steps, ("census", set(), 0), ("census", set(), 0)]:
        sent: set[str] = set()
        summary = changes()
        if kind == "change":
            system |= dict.fromkeys(keys, f"name {value}")
            sent = keys
        elif kind == "delete":
            system = {key: name for key, name in system.items() if key not in keys}
            summary = changes(deleted={"task": sorted(keys)})
        else:
            system = {key: name for key, name in system.items() if key not in keys}
            summary = changes(census={"task": sorted(system)})
        rows = records("task", *({"key": key, "project": "P", "name": system[key]} for key in sorted(sent)))
        one = reading("live", *([rows] if sent else []), summary=summary)
        accepted = accept(one, accepted.rows, accepted.state, Limits(), accept_shrink=True)

    found = accepted.rows.get("task")
    names = {} if found is None else dict(zip(uids(found["uid"].to_list()), found["name"], strict=True))
    assert names == system
