"""Which files are read, when, and what one bad file costs."""

import fcntl
import json
import os
import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from lists import NOW, SAVED, opened, read, read_text, save
from pmo_watch_plugins.sources import csv_file
from pmo_watch_plugins.sources.csv_file.settings import Settings
from pmo_watch_plugins.sources.csv_file.source import CsvFiles
from pydantic import ValidationError
from ruamel.yaml import YAML

from pmo_watch.api import (
    Calendar,
    Organisation,
    Records,
    SourceDataError,
    SourceRefused,
    SourceUnavailable,
    Watches,
)
from pmo_watch.plugin_host import load_plugins

PLUGIN = Path(csv_file.__file__).parent
HEADER = "milestone_id;project_id;name;forecast_finish\n"
ONE = f"{HEADER}M1;ATL;Build;2026-06-30\n"
TWO = f"{HEADER}M2;ATL;Test;2026-07-30\nM3;ATL;Ship;2026-08-30\n"


def waits(*acts: Any) -> tuple[list[float], Any]:
    """Return a pause that writes down how long it was asked for, and does something meanwhile."""
    asked: list[float] = []

    def pause(seconds: float) -> None:
        asked.append(seconds)
        for act in acts:
            act()

    return asked, pause


def pausing(folder: Path, pause: Any, **settings: Any) -> CsvFiles:
    source = opened(folder, **settings)
    return CsvFiles(source._settings, source._context, pause)


def test_the_plugin_is_found() -> None:
    plugins = load_plugins(installed=False)

    assert "csv_file" in plugins.sources
    assert [one.text for one in plugins.loaded if one.name == "csv_file"] == [
        "Lists: CSV and XLSX with a column map, in the dialects that people really save."
    ]


def test_the_sample_says_what_the_settings_are() -> None:
    sample = (PLUGIN / "sample.yaml").read_text(encoding="utf-8")
    readme = (PLUGIN / "README.md").read_text(encoding="utf-8")
    yaml = YAML(typ="safe")

    plain = yaml.load(sample)["sources"]["registers"]
    spelt_out = yaml.load(re.sub(r"(?m)^    # (?=\w+:)", "    ", sample))["sources"]["registers"]

    assert f"## Settings\n\n```yaml\n{sample}```\n" in readme
    assert plain.pop("type") == spelt_out.pop("type") == "csv_file"
    assert Settings(**plain) == Settings(**spelt_out)
    assert set(spelt_out) == set(Settings.model_fields)
    assert all(one.description for one in Settings.model_fields.values())
    assert re.findall(r"(?m)^##? (.*)$", readme) == [
        "CSV and XLSX",
        "Settings",
        "What it reads",
        "What a bad file gets",
        "Limits",
        "Sources",
    ]


def test_a_folder_gives_its_lists_by_name(tmp_path: Path) -> None:
    save(tmp_path / "in" / "milestones.csv", ONE)
    save(tmp_path / "in" / "people.csv", "email,name\na@example.org,An\n")
    save(tmp_path / "in" / "notes.txt", "nothing")
    save(tmp_path / "in" / "plan.xml", "<x/>")
    save(tmp_path / "in" / "~$milestones.csv", "lock")

    answer = read(opened(tmp_path, path="in"))

    assert [(one.part, one.entity) for one in answer.records] == [("milestones.csv", "task"), ("people.csv", "person")]
    assert answer.summary.whole
    assert [text.split(":", 1)[0] for text in answer.summary.degraded] == ["notes.txt"]
    assert answer.summary.cost == {"files": 2.0, "bytes": float(len(ONE) + 28)}


def test_a_glob_goes_through_folders(tmp_path: Path) -> None:
    save(tmp_path / "2026-09-04" / "milestones.csv", ONE)
    save(tmp_path / "2026-09-11" / "milestones.csv", TWO)

    answer = read(opened(tmp_path, path="**/milestones.csv"))

    assert [one.part for one in answer.records] == ["2026-09-04/milestones.csv", "2026-09-11/milestones.csv"]
    assert answer.column("task", "id") == ["M1", "M2", "M3"]


def test_one_bad_file_costs_that_file(tmp_path: Path) -> None:
    save(tmp_path / "a-milestones.csv", ONE)
    save(tmp_path / "b-milestones.csv", "<html>")
    save(tmp_path / "c-milestones.csv", TWO)

    answer = read(opened(tmp_path, path="*.csv"))

    assert answer.column("task", "id") == ["M1", "M2", "M3"]
    assert not answer.summary.whole
    assert answer.summary.error == (
        "b-milestones.csv: is a web page and no list: was it saved from behind a sign-in? Export the list itself"
    )
    assert sorted(answer.summary.cursor["files"]) == ["a-milestones.csv", "c-milestones.csv"]


def test_only_bad_files_fail_the_reading(tmp_path: Path) -> None:
    save(tmp_path / "a-milestones.csv", "<html>")
    save(tmp_path / "b-milestones.csv", "%PDF")

    with pytest.raises(SourceDataError) as caught:
        read(opened(tmp_path, path="*.csv"))

    assert str(caught.value) == (
        "a-milestones.csv: is a web page and no list: was it saved from behind a sign-in? Export the list itself; "
        "b-milestones.csv: is a PDF document and no list: save it as .xlsx or CSV"
    )


@pytest.mark.parametrize("path", ["none.csv", "*.csv", "gone/*.csv"])
def test_nothing_to_read_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(SourceRefused, match="path"):
        read(opened(tmp_path, path=path))


def test_the_same_bytes_give_no_new_rows(tmp_path: Path) -> None:
    save(tmp_path / "a-milestones.csv", ONE)
    save(tmp_path / "b-milestones.csv", TWO)
    source = opened(tmp_path, path="*.csv")
    first = read(source)
    save(tmp_path / "b-milestones.csv", TWO + "M4;ATL;Run;2026-09-30\n")
    os.utime(tmp_path / "a-milestones.csv", (SAVED + 900, SAVED + 900))

    again = read(source, json.loads(json.dumps(first.summary.cursor)))

    assert again.column("task", "id") == ["M2", "M3", "M4"]
    assert again.summary.unchanged == ["a-milestones.csv"]
    assert again.summary.whole


def test_other_settings_read_everything_again(tmp_path: Path) -> None:
    save(tmp_path / "milestones.csv", ONE)
    cursor = read(opened(tmp_path, path="milestones.csv")).summary.cursor

    answer = read(opened(tmp_path, path="milestones.csv", constants={"kind": "key"}), cursor)

    assert answer.column("task", "kind") == ["key"]
    assert not answer.summary.unchanged


def test_what_was_left_out_of_an_unchanged_file_is_said_again(tmp_path: Path) -> None:
    save(tmp_path / "milestones.csv", f"{ONE};ATL;No code;2026-06-30\n")
    source = opened(tmp_path, path="milestones.csv")
    cursor = read(source).summary.cursor

    again = read(source, cursor)

    assert again.records == []
    assert again.summary.lost_records == 1
    assert again.rejected == ["milestones.csv |  |  | 1 records left out when it was read; it has not changed since"]


def test_the_cursor_stays_small(tmp_path: Path) -> None:
    for number in range(280):
        save(tmp_path / f"{number:03}-{'x' * 225}-milestones.csv", ONE.replace("M1", f"M{number}"))

    cursor = read(opened(tmp_path, path="*.csv")).summary.cursor

    assert 30_000 < len(json.dumps(cursor)) < 64_000


def test_keys_do_not_change_by_themselves(tmp_path: Path) -> None:
    save(tmp_path / "milestones.csv", ONE)
    source = opened(tmp_path, path="milestones.csv")
    cursor = read(source).summary.cursor
    save(tmp_path / "milestones.csv", "project_id;name;forecast_finish\nATL;Build;2026-06-30\n")

    with pytest.raises(SourceDataError) as caught:
        read(source, cursor)

    assert str(caught.value) == (
        "milestones.csv:line 1: rows were known by milestone_id when the list was last read, now it would be "
        "project_id and name: set 'key:' to the columns that identify a row"
    )


def test_a_key_that_was_enough_stays_and_its_repeats_are_rejected(tmp_path: Path) -> None:
    save(tmp_path / "milestones.csv", ONE)
    source = opened(tmp_path, path="milestones.csv")
    cursor = read(source).summary.cursor
    save(tmp_path / "milestones.csv", f"{ONE}M1;BOR;Build;2026-06-30\n")

    answer = read(source, cursor)

    assert answer.column("task", "key") == ["M1"]
    assert answer.rejected == ["milestones.csv:line 3 | milestone_id | M1 | the key of line 2 again: that one counts"]


def test_an_old_file_is_read_at_once(tmp_path: Path) -> None:
    save(tmp_path / "milestones.csv", ONE)
    asked, pause = waits()

    read(pausing(tmp_path, pause, path="milestones.csv"))

    assert asked == []


def test_fresh_files_are_waited_for_together(tmp_path: Path) -> None:
    for name in "abc":
        save(tmp_path / f"{name}-milestones.csv", ONE.replace("M1", name), time.time())
    asked, pause = waits()

    answer = read(pausing(tmp_path, pause, path="*.csv", settle_seconds=1.5))

    assert asked == [1.5]
    assert answer.column("task", "id") == ["a", "b", "c"]


def test_a_file_being_written_is_skipped(tmp_path: Path) -> None:
    save(tmp_path / "a-milestones.csv", ONE)
    growing = save(tmp_path / "b-milestones.csv", HEADER, time.time())
    _, pause = waits(lambda: growing.write_text(TWO))

    answer = read(pausing(tmp_path, pause, path="*.csv"))

    assert answer.column("task", "id") == ["M1"]
    assert not answer.summary.whole
    assert answer.summary.error == "b-milestones.csv: is still being written: read in the next cycle"


def test_a_file_being_written_alone_is_unavailable(tmp_path: Path) -> None:
    growing = save(tmp_path / "milestones.csv", HEADER, time.time())
    _, pause = waits(lambda: growing.write_text(TWO))

    with pytest.raises(SourceUnavailable) as caught:
        read(pausing(tmp_path, pause, path="milestones.csv"))

    assert str(caught.value) == "milestones.csv: is still being written: read in the next cycle"


def test_a_locked_file_is_skipped(tmp_path: Path) -> None:
    path = save(tmp_path / "milestones.csv", ONE)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(SourceUnavailable) as caught:
            read(opened(tmp_path, path="milestones.csv"))

    assert str(caught.value) == "milestones.csv: is locked by another program: read in the next cycle"


def test_a_file_that_may_not_be_read_names_the_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "milestones.csv", ONE)

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", forbidden)  # tests may run as root, whom nothing forbids

    with pytest.raises(SourceRefused) as caught:
        read(opened(tmp_path, path="milestones.csv"))

    assert str(caught.value) == (
        "milestones.csv: may not be read: give the account that runs pmo-watch the right to read it"
    )


def test_a_file_written_while_it_is_read_is_no_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "milestones.csv", ONE)
    before = Path.open

    def growing(self: Path, *mode: Any) -> Any:
        with before(path, "ab") as more:
            more.write(b"M2;ATL;Test;2026-06-30\n")
        return before(self, *mode)

    monkeypatch.setattr(Path, "open", growing)

    with pytest.raises(SourceUnavailable) as caught:
        read(opened(tmp_path, path="milestones.csv"))

    assert str(caught.value) == "milestones.csv: was written to while it was read: read in the next cycle"


def test_an_empty_file_is_skipped_while_it_is_young(tmp_path: Path) -> None:
    save(tmp_path / "milestones.csv", b"", time.time())

    with pytest.raises(SourceUnavailable) as caught:
        read(opened(tmp_path, path="milestones.csv", settle_seconds=0))

    assert str(caught.value) == "milestones.csv: is empty: is it being written? Read in the next cycle"


def test_an_empty_file_that_stays_is_a_fault(tmp_path: Path) -> None:
    save(tmp_path / "a-milestones.csv", ONE)
    save(tmp_path / "b-milestones.csv", b"")

    answer = read(opened(tmp_path, path="*.csv"))

    assert not answer.summary.whole
    assert answer.summary.error == "b-milestones.csv: is empty: export the list again, or take the file away"


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "milestones.csv").open("wb") as file:
        file.truncate(2_000_000)
    os.utime(tmp_path / "milestones.csv", (SAVED, SAVED))

    with pytest.raises(SourceRefused) as caught:
        read(opened(tmp_path, path="milestones.csv", max_size_mb=1))

    assert str(caught.value) == ("milestones.csv: has 2 MB, more than 'max_size_mb: 1': raise it, or part the file")


def test_closing_ends_a_reading(tmp_path: Path) -> None:
    save(tmp_path / "a-milestones.csv", ONE)
    save(tmp_path / "b-milestones.csv", TWO)
    source = opened(tmp_path, path="*.csv")
    reading = source.read(None)
    assert isinstance(next(reading), Records)

    source.close()

    with pytest.raises(SourceUnavailable, match="closed while it was read"):
        next(reading)


@pytest.mark.parametrize(
    ("path", "watched"), [("in/milestones.csv", "in/milestones.csv"), ("in", "in"), ("in/**/*.csv", "in")]
)
def test_what_is_watched(tmp_path: Path, path: str, watched: str) -> None:
    save(tmp_path / "in" / "milestones.csv", ONE)
    source = opened(tmp_path, path=path)

    assert isinstance(source, Watches)
    assert source.paths() == [tmp_path / watched]
    assert opened(tmp_path, path=path, watch=False).paths() == []


@pytest.mark.parametrize(
    ("settings", "content", "as_of", "assumed"),
    [
        ({}, ONE, NOW.date(), True),
        ({"status_date": "file_time"}, ONE, date(2024, 11, 18), False),
        ({"status_date": "2026-11-13"}, ONE, date(2026, 11, 13), False),
        ({"path": "projects.csv"}, "project_id,name,status_date\nATL,Atlas,2026-11-13\n", None, False),
        ({"path": "projects.csv"}, "project_id,name\nATL,Atlas\n", NOW.date(), True),
    ],
    ids=["assumed", "file time", "said", "column", "no column"],
)
def test_which_day_the_rows_describe(
    tmp_path: Path, settings: dict[str, Any], content: str, as_of: date | None, assumed: bool
) -> None:
    summary = read_text(tmp_path, content, **settings).summary

    assert (summary.as_of, summary.status_date_assumed) == (as_of, assumed)


def test_projects_take_the_day_of_their_file(tmp_path: Path) -> None:
    answer = read_text(tmp_path, "project_id,name\nATL,Atlas\n", path="projects.csv", status_date="file_time")

    assert answer.column("project", "status_date") == [date(2024, 11, 18)]


def test_the_time_of_the_file_stands_where_no_column_says_more(tmp_path: Path) -> None:
    answer = read_text(tmp_path, ONE)

    assert answer.column("task", "updated_at") == [datetime(2024, 11, 18, 16, 30, tzinfo=UTC)]


def test_a_column_says_when_a_row_was_changed(tmp_path: Path) -> None:
    answer = read_text(
        tmp_path, "milestone_id;project_id;name;forecast_finish;updated_at\nM1;ATL;a;;2026-06-01T08:00Z\n"
    )

    assert answer.column("task", "updated_at") == [datetime(2026, 6, 1, 8, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("context", "content", "field", "value"),
    [
        ({"dates": "mdy"}, "project_id;name;End\nATL;a;03/04/2026\n", "forecast_finish", date(2026, 3, 4)),
        ({"decimal": "comma"}, "project_id;name;Budget\nATL;a;1.234\n", "budget", 1234),
        ({"organisation": Organisation(language="fr")}, "project_id;name;rag\nATL;a;V\n", "declared_rag", "green"),
    ],
    ids=["dates", "decimal", "language"],
)
def test_the_organisation_settles_what_a_list_does_not(
    tmp_path: Path, context: dict[str, Any], content: str, field: str, value: object
) -> None:
    answer = read_text(tmp_path, content, context, path="projects.csv")

    assert answer.column("project", field) == [value]


def test_a_proof_against_the_organisation_is_said(tmp_path: Path) -> None:
    content = "project_id;name;End\nATL;a;03/20/2026\n"

    answer = read_text(tmp_path, content, {"dates": "dmy"}, path="projects.csv")

    assert answer.column("project", "forecast_finish") == [date(2026, 3, 20)]
    assert list(answer.summary.degraded) == [
        "projects.csv: column C 'End' has the month first, proved by '03/20/2026' (line 2), though 'dates: dmy' is set"
    ]


def test_days_are_as_long_as_the_calendar_says(tmp_path: Path) -> None:
    calendars = {"default": Calendar("default", minutes_per_day=456)}
    content = "task_id,project_id,name,forecast_finish,duration_d\n1,ATL,a,,5\n"

    answer = read_text(tmp_path, content, {"calendars": calendars}, path="tasks.csv")

    assert answer.column("task", "duration") == [2280]


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[str] = []

    read_text(tmp_path, TWO, {"progress": told.append})

    assert told == ["milestones.csv: 2 rows of task"]


def test_a_file_without_a_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"^kpi\.csv: not read: its name selects no profile, or several\."):
        read_text(tmp_path, ONE, path="kpi.csv")


def test_the_profile_may_be_said(tmp_path: Path) -> None:
    answer = read_text(
        tmp_path, "indicator,project_id,period,value\nK,ATL,2026-W46,1\n", path="kpi.csv", profile="kpi_observations"
    )

    assert answer.column("observation", "key") == ["K/ATL/2026-W46"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": "x.csv", "encoding": "cp12512"}, "is no encoding"),
        ({"path": "x.csv", "delimiter": ";;"}, "at most 1 character"),
        ({"path": "x.csv", "delimiter": '"'}, "other than a quotation mark"),
        ({"path": "x.csv", "profile": "milestone"}, "Input should be"),
        ({"path": "x.csv", "currency": "euro"}, "String should match"),
        ({"path": ""}, "at least 1 character"),
    ],
)
def test_settings_are_checked_before_anything_is_read(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"key": ["mileston_id"]},
            "'key' names 'mileston_id', which profile milestones does not have, did you mean 'milestone_id'?",
        ),
        ({"fill_down": ["lot"]}, "'fill_down' names 'lot', which profile milestones does not have"),
        ({"group_column": "lot"}, "'group_column' names 'lot', which profile milestones does not have"),
        ({"maps": {"hue": {"x": "green"}}}, "'maps' names 'hue', which profile milestones does not have"),
        (
            {"constants": {"projet": "ATL"}},
            "'constants' names 'projet', which profile milestones does not have, did you mean 'project_id'?",
        ),
    ],
)
def test_settings_name_columns_of_the_profile(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        read_text(tmp_path, ONE, **settings)

    assert str(caught.value) == said


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    save(tmp_path / "milestones.csv", f"{TWO};ATL;No code;2026-06-30\n")
    source = opened(tmp_path, path="milestones.csv")

    first, second = read(source), read(source)

    assert [one.frame.to_dicts() for one in first.records] == [one.frame.to_dicts() for one in second.records]
    assert first.summary.rejected == second.summary.rejected
    assert first.summary.cursor == second.summary.cursor


def test_settings_for_one_profile_leave_the_others_alone(tmp_path: Path) -> None:
    header = "milestone_id;project_id;name;forecast_finish;Vu\n"
    save(tmp_path / "milestones.csv", f"{header}M1;ATL;Build;2026-06-30;2026-06-01\n")
    save(tmp_path / "people.csv", "email,name\na@example.org,An\n")
    settings: dict[str, Any] = {
        "columns": {"confirmed_on": "Vu"},
        "constants": {"kind": "key", "deadline": "2026-12-31"},
        "maps": {"gate_code": {"a": "rfp"}},
        "fill_down": ["wbs"],
        "group_column": "gate_code",
    }

    answer = read(opened(tmp_path, path="*.csv", **settings))

    assert answer.summary.whole
    assert answer.column("person", "name") == ["An"]
    assert answer.column("task", "kind") == ["key"]
    assert answer.column("task", "confirmed_on") == [date(2026, 6, 1)]


@pytest.mark.parametrize("word", ["deputy", "Suppléant", "plaatsvervanger"])
def test_a_deputy_beside_a_role_is_of_that_role_and_of_the_person_where_it_is_the_only_one(
    tmp_path: Path, word: str
) -> None:
    rows = "a;An;project_leader;A;x\na;An;project_owner;B;\nb;Bo;project_leader;B;x\nb;Bo;project_leader;C;y\n"
    text = re.sub(r"\b([abxy])(?=;|\n)", r"\1@example.org", rows)
    save(tmp_path / "people.csv", f"email;name;role;scope;{word}\n{text}")

    answer = read(opened(tmp_path, path="people.csv", profile="people"))

    x, y = "x@example.org", "y@example.org"
    assert [(row["scope"], row["deputy"]) for row in answer.rows("role")] == [("A", x), ("B", None), ("B", x), ("C", y)]
    assert [(row["key"], row["deputy"]) for row in answer.rows("person")] == [
        ("a@example.org", x),
        ("b@example.org", None),
    ]
