"""Lists of boards, sprints, what was in them, and releases, as far as the measures that read them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from lists import opened, read, save
from rows import known
from snapshots import rules

from pmo_watch.evaluate import evaluate
from pmo_watch.flow import Snapshot
from pmo_watch.merge import Context, build_snapshot
from pmo_watch.plugin_host import load_plugins
from pmo_watch.workdays import Calendar

MEASURES = load_plugins(installed=False).measures
NOW = datetime(2026, 10, 20, 9, tzinfo=UTC)
SPRINTS = "sprint_id;board_id;name;start_on;end_on;completed_on\nS7;Team;Sprint 7;2026-10-05;2026-10-16;2026-10-16\n"
TASKS = "task_id;project_id;name;forecast_finish;board_id;release;done\n" + "".join(
    f"T{n};ATL;Ticket {n};2026-10-16;Team;R1;{'yes' if n < 5 else 'no'}\n" for n in range(1, 7)
)
ITEMS = "sprint_id;task_id;committed;points_at_start;done_on\n" + "".join(
    f"S7;T{n};yes;5;{'2026-10-15' if n < 5 else ''}\n" for n in range(1, 6)
)


def snapshot(folder: Path, **lists: str) -> Snapshot:
    """Return what a folder of lists comes to."""
    for name, text in lists.items():
        save(folder / f"{name}.csv", text)
    answer = read(opened(folder, path="*.csv"))
    assert answer.rejected == []
    accepted = known("lists", *answer.records)
    context = Context(NOW, NOW.date(), {"default": Calendar("default")})
    return build_snapshot({"lists": accepted.rows}, {"lists": accepted.state}, context, {})


def found(snapshot: Snapshot, measure: str) -> dict[str, Any]:
    (one,) = evaluate(rules(MEASURES, {"measure": measure}), snapshot, MEASURES).findings
    assert not one.failed, one.failed
    (row,) = one.frame.to_dicts()
    return dict(row)


def test_lists_of_sprints_and_their_items_feed_what_is_said_of_sprints(tmp_path: Path) -> None:
    made = snapshot(tmp_path, sprints=SPRINTS, sprint_items=ITEMS, tasks=TASKS)

    kept = found(made, "sprint.predictability")

    assert (kept["value"], kept["state"], kept["denominator"]) == (80, "amber", 5)
    assert made.frame("board")["id"].to_list() == ["Team"]
    assert made.frame("sprint")["state"].to_list() == ["closed"]


def test_what_a_list_of_sprints_says_itself_comes_before_what_was_in_them(tmp_path: Path) -> None:
    said = SPRINTS.replace("completed_on\n", "completed_on;committed_items;committed_points;done_points\n")
    said = said.replace("2026-10-16\n", "2026-10-16;10;50;20\n")

    made = snapshot(tmp_path, sprints=said, sprint_items=ITEMS, tasks=TASKS)

    row = made.frame("sprint").row(0, named=True)
    assert [float(row[name]) for name in ("committed_items", "committed_points", "done_points")] == [10, 50, 20]
    assert found(made, "sprint.predictability")["value"] == 40


def test_list_of_sprints_alone_leaves_open_what_became_of_them(tmp_path: Path) -> None:
    said = SPRINTS.replace("completed_on\n", "completed_on;committed_items\n").replace("16\n", "16;10\n")

    made = snapshot(tmp_path, sprints=said)

    for measure in ("sprint.predictability", "sprint.spillover"):
        row = found(made, measure)
        assert (row["state"], row["reason"]) == ("grey", "missing sprint_item.committed"), measure


def test_release_counts_its_tickets_unless_its_list_says_how_many_remain(tmp_path: Path) -> None:
    releases = "release_id;project_id;name;release_date\nR1;ATL;First;2026-12-01\n"
    said = releases.replace("release_date\n", "release_date;remaining_items\n").replace("01\n", "01;9\n")

    counted = snapshot(tmp_path / "counted", releases=releases, tasks=TASKS).frame("release")
    told = snapshot(tmp_path / "told", releases=said, tasks=TASKS).frame("release")

    assert (counted["remaining_items"].to_list(), told["remaining_items"].to_list()) == ([2], [9])


def test_day_of_a_flag_and_of_a_status_may_stand_in_the_list(tmp_path: Path) -> None:
    tasks = TASKS.replace("done\n", "done;flagged;flagged_since\n", 1).replace("yes\n", "yes;no;\n")
    tasks = tasks.replace("no\n", "no;yes;2026-10-12\n")
    documents = "project_id;artefact;status;status_since\nATL;risk_log;in_review;2026-10-01\n"

    made = snapshot(tmp_path, tasks=tasks, documents=documents)

    since = made.frame("task").filter(pl.col("flagged"))["flagged_since"].unique().to_list()
    assert since == [date(2026, 10, 12)]
    assert made.frame("document")["status_since"].to_list() == [date(2026, 10, 1)]
