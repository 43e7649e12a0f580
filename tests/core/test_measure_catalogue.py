"""What a plugin says of its measures beside their code: faults have their line, and examples are run for real."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_measures import measure

from pmo_watch.contracts import Measure, NoParams, View
from pmo_watch.faults import Faults
from pmo_watch.flow import Samples, Since
from pmo_watch.measure_catalogue import read_catalogue
from pmo_watch.rules import Unit
from pmo_watch.testing_examples import check_catalogue

POINTS = measure(text="Story points.", amber="over 10", red="over 20")
ENTRY = """\
task.points:
  id: PT-01
  formula: its story points
  na: {not estimated: nobody estimates}
  grey: {missing task.story_points: it has no estimate}
  basis: Our own convention.
  sources: {csv_file: fully}
  example:
    text: A task of 12.5 points.
    given:
      task: [{id: A, story_points: 12.5}]
    expect: {value: 12.5, state: amber}
"""


def faults(folder: Path, text: str, *measures: Measure[Any]) -> list[str]:
    (folder / "catalogue.yaml").write_text(text, encoding="utf-8")
    found = check_catalogue(folder, {one.name: one for one in measures or (POINTS,)})
    return [one.removeprefix(f"{folder}/") for one in found]


def test_entry_is_read_with_its_example(tmp_path: Path) -> None:
    assert faults(tmp_path, ENTRY) == []

    catalogue = read_catalogue(tmp_path)

    assert catalogue is not None
    entry = catalogue.entries["task.points"]
    assert (entry.id, entry.sources, entry.example.expect.state) == ("PT-01", {"csv_file": "fully"}, "amber")


def test_folder_without_a_catalogue_has_none(tmp_path: Path) -> None:
    assert read_catalogue(tmp_path) is None
    assert list(check_catalogue(tmp_path, {POINTS.name: POINTS})) == []


def test_catalogue_that_is_no_yaml_says_where(tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text("task.points: [", encoding="utf-8")

    with pytest.raises(Faults, match=r"catalogue\.yaml:1:"):
        read_catalogue(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  basis:", "  basics:", "catalogue.yaml:6:3: 'basics' is not known here, did you mean 'basis'?"),
        ("  formula: its story points\n", "", "'formula' is missing"),
        ("nobody estimates}", "nobody estimates, ever}", "catalogue.yaml:4:45: a text is missing here; one that holds"),
        ("csv_file: fully", "csv_file: mostly", "catalogue.yaml:7:23: 'mostly' is not one of fully, partly"),
        ("state: amber", "state: orange", "'orange' is not one of green, amber, red, grey, na"),
        (
            "task.points:",
            "task.pionts:",
            "catalogue.yaml:1:1: there is no measure 'task.pionts' in this folder, did you",
        ),
        ("task.points:", "task.pionts:", "'task.points' has no entry"),
        (
            "[{id: A,",
            "[{code: A,",
            "catalogue.yaml:11:21: 'code' is no field of task that a source delivers; its key is",
        ),
        ("12.5}]", "many}]", "catalogue.yaml:11:36: task.story_points is a number without a unit here, not 'many'"),
        ("{id: A,", "{id: A, days_left: 3,", "task.days_left is computed: give what it follows from"),
        ("task: [", "tasks: [", "there is no entity 'tasks', did you mean 'task'?"),
        ("{id: A,", "{id: A, parent: B,", "task.parent 'B': no task of that key or name"),
        ("    given:", "    with: {weigh: points}\n    given:", "the example cannot be asked: task.points takes no"),
        ("    given:", "    before: {2026-05-15: {}}\n    given:", "2026-05-15 is not before 2026-05-15"),
        ("value: 12.5", "value: 12.4", "catalogue.yaml:12:13: value is 12.5, not 12.4"),
        ("value: 12.5", "value: 12", "value is 12.5, not 12"),
        ("value: 12.5", "value: null", "value is 12.5, not none"),
        ("state: amber", "state: red", "state is amber, not red"),
        ("state: amber", "reason: done", "reason is none, not done"),
        ("story_points: 12.5}]", "name: X}]", "value is none, not 12.5 (missing task.story_points)"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in ENTRY

    found = faults(tmp_path, ENTRY.replace(old, new, 1))

    assert any(fault in one for one in found), found


def test_value_counts_to_the_digits_written(tmp_path: Path) -> None:
    third = measure(value=pl.lit(1) / 3, text="A third.", needs=("id",))

    assert faults(tmp_path, ENTRY.replace("value: 12.5, state: amber", "value: 0.333"), third) == []
    assert faults(tmp_path, ENTRY.replace("value: 12.5, state: amber", "value: 0.334"), third) != []


def test_first_row_given_is_the_one_asked_about(tmp_path: Path) -> None:
    two = ENTRY.replace("[{id: A,", "[{id: B, story_points: 30}, {id: A,")

    assert faults(tmp_path, two) == [
        "catalogue.yaml:12:13: state is red, not amber",
        "catalogue.yaml:12:13: value is 30, not 12.5",
    ]


def test_row_that_does_not_count_has_no_value(tmp_path: Path) -> None:
    grouped = ENTRY.replace("[{id: A,", "[{id: A}, {id: B, parent: A,")

    assert "value is none, not 12.5 (the row does not count)" in " ".join(faults(tmp_path, grouped))


def moves(_: NoParams, view: View) -> pl.DataFrame:
    (seen,) = (frame for wish, frame in view.snapshot.past.items() if isinstance(wish, Samples))
    values = seen.group_by("uid").agg(value=pl.col("forecast_finish").n_unique() - 1)
    since = view.snapshot.past[Since("task", "forecast_finish")].select("uid", note=pl.col("since").cast(pl.String))
    return view.rows.select("uid").join(values, on="uid", how="left").join(since, on="uid", how="left")


MOVES = Measure(
    "task.moves",
    "task",
    Unit.COUNT,
    NoParams,
    ("forecast_finish",),
    moves,
    text="How often it moved.",
    past=lambda _: (Samples("task", "week", 3, ("forecast_finish",)), Since("task", "forecast_finish")),
)
MOVED = """\
task.moves:
  formula: changes of the forecast
  basis: Our own convention.
  example:
    text: A task moved twice in three weeks.
    before:
      2026-05-01: {task: [{id: A, forecast_finish: 2026-06-01}]}
      2026-05-08: {task: [{id: A, forecast_finish: 2026-06-08}]}
    given: {task: [{id: A, forecast_finish: 2026-06-15}]}
    expect: {value: 2, note: "2026-05-15"}
"""


def test_earlier_days_answer_wishes_for_history(tmp_path: Path) -> None:
    same = MOVED.replace("2026-05-08: {task: [{id: A, forecast_finish: 2026-06-08}]}", "2026-05-08: {}")
    stands = same.replace("2026-06-15", "2026-06-01").replace("value: 2", "value: 0")

    assert faults(tmp_path, MOVED, MOVES) == []
    assert faults(tmp_path, same.replace("value: 2", "value: 1"), MOVES) == []
    assert faults(tmp_path, stands.replace('note: "2026-05-15"', 'note: "2026-05-01"'), MOVES) == []


def test_rows_of_what_no_source_delivers_are_given_as_they_are(tmp_path: Path) -> None:
    rows = measure("source.rows_read", pl.col("rows"), text="Rows.", needs=("rows",))
    text = ENTRY.replace("task.points", "source.rows_read").replace("task: [{id: A, story_points: 12.5}]", "{}")

    asked = text.replace("{}", "source: [{id: jira, rows: 7}, {id: sheet, rows: 8}]").replace(
        "value: 12.5, state: amber", "value: 7"
    )

    assert faults(tmp_path, asked, rows) == []


def test_rules_beside_are_evaluated_too(tmp_path: Path) -> None:
    def reds(_: NoParams, view: View) -> pl.DataFrame:
        seen = pl.concat([one.frame.select("uid", "state") for one in view.findings.values()])
        return view.rows.select("uid", value=pl.lit(seen.filter(pl.col("state") == "red").height))

    counted = Measure(
        "project.reds", "project", Unit.COUNT, NoParams, ("code",), reds, text="Red findings.", after_others=True
    )
    text = """\
project.reds:
  formula: red findings
  basis: Our own convention.
  example:
    text: One of two checks is red.
    rules: [{measure: schedule.leads}, {measure: schedule.negative_float}]
    given:
      task: [{id: A, total_slack: 0}, {id: B, total_slack: 0}]
      dependency: [{predecessor: A, successor: B, lag: -480}]
    expect: {value: 1}
"""

    assert faults(tmp_path, text, counted) == []
    assert faults(tmp_path, text.replace("schedule.leads", "schedule.leeds"), counted) != []
