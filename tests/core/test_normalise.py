"""A reading against what is known: what counts as changed, missing, gone, or too strange to believe."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from rows import NOW, known, reading, records, tasks, uids

from pmo_watch.flow import Outcome, Reading, Records, SourceState, Summary
from pmo_watch.intake import frames_of
from pmo_watch.normalise import Limits, accept

TEN = [f"t{n}" for n in range(10)]


def test_a_first_reading_is_all_new() -> None:
    accepted = known("plans", tasks("a", "b"))

    assert uids(accepted.changed["task"]["uid"].to_list()) == ["a", "b"]
    assert accepted.state.reading == 1
    assert accepted.state.last_good == NOW


def test_the_same_rows_again_change_nothing() -> None:
    before = known("plans", tasks("a", "b"))

    again = accept(reading("plans", tasks("b", "a")), before.rows, before.state, Limits())

    assert not again.moved
    assert again.state.reading == 2


def test_null_and_null_are_alike_and_one_other_field_is_a_change() -> None:
    before = known("plans", tasks("a", "b", forecast_finish=None))

    after = accept(
        reading("plans", tasks("a", forecast_finish=None), tasks("b", forecast_finish=date(2026, 12, 1))),
        before.rows,
        before.state,
        Limits(),
    )

    assert uids(after.changed["task"]["uid"].to_list()) == ["b"]


def test_a_row_is_missing_first_and_gone_after_the_second_complete_reading() -> None:
    before = known("plans", tasks("a", "b"))

    first = accept(reading("plans", tasks("a")), before.rows, before.state, Limits())
    second = accept(reading("plans", tasks("a")), first.rows, first.state, Limits())

    assert uids(first.missing["task"]) == ["b"]
    assert first.rows["task"].filter(pl.col("@missing").is_not_null())["@missing"].to_list() == [2]
    assert uids(second.vanished["task"]) == ["b"]
    assert uids(second.rows["task"]["uid"].to_list()) == ["a"]


def test_a_missing_row_that_comes_back_unchanged_has_returned() -> None:
    before = known("plans", tasks("a", "b"))
    first = accept(reading("plans", tasks("a")), before.rows, before.state, Limits())

    back = accept(reading("plans", tasks("a", "b")), first.rows, first.state, Limits())

    assert uids(back.returned["task"]) == ["b"]
    assert back.rows["task"]["@missing"].null_count() == 2


@pytest.mark.parametrize("summary", [Summary(whole=False), Summary(listed=False)], ids=["partial", "change list"])
def test_absence_from_a_reading_that_is_no_list_means_nothing(summary: Summary) -> None:
    before = known("plans", tasks("a", "b"))
    outcome = Outcome.COMPLETE if summary.whole else Outcome.PARTIAL

    after = accept(reading("plans", tasks("a"), summary=summary, outcome=outcome), before.rows, before.state, Limits())

    assert not after.moved
    assert uids(after.rows["task"]["uid"].to_list()) == ["a", "b"]


def test_rows_a_partial_reading_did_not_show_are_marked_unseen() -> None:
    before = known("plans", tasks("a", part="a.xml"), tasks("b", part="b.xml"))
    partial = reading("plans", tasks("a", part="a.xml"), outcome=Outcome.PARTIAL, summary=Summary(whole=False))

    after = accept(partial, before.rows, before.state, Limits())

    assert uids(after.rows["task"].filter("@unseen")["uid"].to_list()) == ["b"]
    assert after.state.reading == 1, "only a complete reading counts"


def test_parts_said_to_be_unchanged_keep_their_rows_without_sending_them() -> None:
    before = known("plans", tasks("a", part="a.xml"), tasks("b", part="b.xml"))
    summary = Summary(unchanged=("b.xml",))

    after = accept(
        reading("plans", tasks("a", "a2", part="a.xml"), summary=summary), before.rows, before.state, Limits()
    )

    assert uids(after.rows["task"]["uid"].to_list()) == ["a", "a2", "b"]
    assert not after.missing["task"]
    assert after.rows["task"]["@unseen"].sum() == 0


def test_a_failed_reading_leaves_rows_and_counts_failures() -> None:
    before = known("plans", tasks("a"))
    failed = Reading("plans", NOW, Outcome.FAILED, error="plan.xml:3: cut off")

    after = accept(failed, before.rows, before.state, Limits())

    assert after.rows is before.rows
    assert after.state.failing_since == NOW
    assert after.state.error == "plan.xml:3: cut off"
    assert after.state.last_good == NOW, "the last good reading stays known"


def test_a_reading_that_lost_too_many_rows_is_held_whole() -> None:
    before = known("plans", tasks(*TEN, "t10", "t11"))

    after = accept(reading("plans", tasks(*TEN[:5])), before.rows, before.state, Limits())

    assert after.state.outcome == Outcome.HELD
    assert after.rows is before.rows
    assert after.state.held == (
        "7 of 12 known task rows are gone. If that is right, accept it with 'pmo-watch sources accept plans' or set "
        "'accept_shrink: true'"
    )


@pytest.mark.parametrize(("gone", "outcome"), [(4, Outcome.COMPLETE), (5, Outcome.HELD)])
def test_fewer_than_five_rows_are_never_a_shrinking(gone: int, outcome: Outcome) -> None:
    before = known("plans", tasks(*TEN))

    after = accept(reading("plans", tasks(*TEN[gone:])), before.rows, before.state, Limits())

    assert after.state.outcome == outcome


def test_links_may_be_replanned_wholesale() -> None:
    links = records("dependency", *({"key": f"d{n}", "predecessor": "a", "successor": "b"} for n in range(9)))
    before = known("plans", tasks("a", "b"), links)

    after = accept(reading("plans", tasks("a", "b")), before.rows, before.state, Limits())

    assert after.state.outcome == Outcome.COMPLETE


def test_a_renumbered_file_is_held_and_the_others_go_on() -> None:
    before = known("plans", tasks(*TEN, part="a.xml"), tasks("x", part="b.xml"))
    renumbered = records(
        "task", *({"key": name, "project": "ATL", "name": f"other {name}"} for name in TEN), part="a.xml"
    )

    after = accept(
        reading("plans", renumbered, tasks("x", "y", part="b.xml"), summary=Summary(cursor={"a": 1})),
        before.rows,
        before.state,
        Limits(),
    )

    rows = after.rows["task"]
    assert after.state.outcome == Outcome.PARTIAL
    assert "a.xml: 10 of 10 known task keys carry another name" in after.state.held
    assert rows.filter(pl.col("name").str.starts_with("other")).is_empty()
    assert uids(rows.filter("@unseen")["uid"].to_list()) == sorted(TEN)
    assert uids(after.changed["task"]["uid"].to_list()) == ["y"]
    assert after.state.cursor == {}, "the held file is read again"


def test_repaired_accents_are_no_renumbering() -> None:
    names = {name: f"Réseau {name}" for name in TEN}
    rows = [{"key": key, "project": "ATL", "name": name.replace("é", "Ã©")} for key, name in names.items()]
    before = known("plans", records("task", *rows))

    after = accept(
        reading("plans", records("task", *({"key": k, "project": "ATL", "name": n} for k, n in names.items()))),
        before.rows,
        before.state,
        Limits(),
    )

    # The letters and digits that both spellings share decide; the accent and its ruin are left out.
    assert after.state.outcome == Outcome.COMPLETE


def test_a_person_may_accept_what_was_held() -> None:
    before = known("plans", tasks(*TEN))

    after = accept(reading("plans", tasks("t0")), before.rows, before.state, Limits(), accept_shrink=True)

    assert after.state.outcome == Outcome.COMPLETE
    assert len(after.missing["task"]) == 9


def test_a_reading_without_anything_new_keeps_the_reading_number() -> None:
    before = known("plans", tasks("a", part="a.xml"))
    nothing = replace(reading("plans", summary=Summary(unchanged=("a.xml",))), unchanged=True)

    after = accept(nothing, before.rows, replace(before.state, failures=3, failing_since=NOW), Limits())

    assert after.state.reading == 1
    assert after.state.failing_since is None


def test_rows_of_a_file_that_can_be_read_again_as_it_was_are_seen_again() -> None:
    before = known("plans", tasks("a", part="a.xml"), tasks("b", part="b.xml"))
    half = reading("plans", summary=Summary(whole=False, unchanged=("a.xml",), error="b.xml is no XML"))
    broken = accept(replace(half, outcome=Outcome.PARTIAL), before.rows, before.state, Limits())
    mended = replace(reading("plans", summary=Summary(unchanged=("a.xml", "b.xml"))), unchanged=True)

    after = accept(mended, broken.rows, broken.state, Limits())

    assert broken.rows["task"]["@unseen"].to_list() == [False, True]
    assert after.rows["task"]["@unseen"].to_list() == [False, False]
    assert not after.moved
    assert not after.nothing_new


def test_a_row_that_left_its_file_while_another_could_not_be_read_is_missing_afterwards() -> None:
    before = known("plans", tasks("a", "gone", part="a.xml"), tasks("b", part="b.xml"))
    bad = Summary(whole=False, error="b.xml is no XML")
    half = reading("plans", tasks("a", part="a.xml"), summary=bad, outcome=Outcome.PARTIAL)
    broken = accept(half, before.rows, before.state, Limits())
    still = replace(half, frames={}, summary=replace(bad, unchanged=("a.xml",)))
    broken = accept(still, broken.rows, broken.state, Limits())
    mended = replace(reading("plans", summary=Summary(unchanged=("a.xml", "b.xml"))), unchanged=True)

    after = accept(mended, broken.rows, broken.state, Limits())

    assert uids(broken.rows["task"].filter("@unseen")["uid"].to_list()) == ["b", "gone"]
    assert uids(after.missing["task"]) == ["gone"]
    assert not after.rows["task"]["@unseen"].any()


def test_rows_that_left_in_numbers_while_another_file_could_not_be_read_are_held_afterwards() -> None:
    before = known("plans", tasks(*TEN, part="a.xml"), tasks("b", part="b.xml"))
    bad = Summary(whole=False, error="b.xml is no XML")
    half = reading("plans", tasks("t0", part="a.xml"), summary=bad, outcome=Outcome.PARTIAL)
    broken = accept(half, before.rows, before.state, Limits())
    mended = replace(reading("plans", summary=Summary(unchanged=("a.xml", "b.xml"))), unchanged=True)

    after = accept(mended, broken.rows, broken.state, Limits())

    assert after.state.outcome == Outcome.HELD
    assert not after.moved


def test_a_file_that_left_the_folder_is_noticed_although_all_others_are_unchanged() -> None:
    before = known("plans", tasks("a", part="a.xml"), tasks("b", part="b.xml"))
    nothing = replace(reading("plans", summary=Summary(unchanged=("a.xml",))), unchanged=True)

    after = accept(nothing, before.rows, before.state, Limits())

    assert uids(after.missing["task"]) == ["b"]


def test_rows_without_key_or_required_field_and_repeated_keys_are_left_out() -> None:
    batch = records(
        "task",
        {"key": None, "project": "ATL", "name": "no key"},
        {"key": "a", "project": "ATL", "name": "first"},
        {"key": "a", "project": "ATL", "name": "second"},
        {"key": "b", "project": None, "name": "no project"},
        part="plan.csv",
    )

    frames, rejected, lost = frames_of("plans", [batch])

    assert frames["task"]["name"].to_list() == ["first"]
    assert lost == 3
    assert {one.reason for one in rejected} == {
        "task without key",
        "task a occurs twice: the first one counts",
        "task without project",
    }


def test_an_unknown_word_is_null_and_reported_once() -> None:
    batch = records("project", {"key": "A", "state": "running"}, {"key": "B", "state": "running"}, part="p.csv")

    frames, rejected, _ = frames_of("sheet", [batch])

    assert frames["project"]["state"].to_list() == [None, None]
    assert [(one.where, one.field, one.value) for one in rejected] == [("p.csv", "state", "running")]


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (Records("tsk", pl.DataFrame({"key": ["a"]})), "there is no entity 'tsk'"),
        (Records("task", pl.DataFrame({"key": ["a"], "nme": ["x"]})), "task has no field 'nme'"),
        (Records("task", pl.DataFrame({"key": ["a"], "progress": [0.5]})), "task.progress must be Decimal"),
    ],
    ids=["entity", "field", "type"],
)
def test_a_plugin_that_breaks_the_contract_is_told_how(batch: Records, text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("(", r"\(")):
        frames_of("plans", [batch])


def test_the_state_of_a_source_starts_empty() -> None:
    assert SourceState("plans", "ms_project").last_good is None
