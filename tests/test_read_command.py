"""`pmo-watch read SOURCE --format json`: the model's names and units, alone on standard output; faults in words.

The real plans and what an independent reader found in them lie in a folder beside the checkout that does not ship with
it; without it that part is skipped. What the plugin's own test explains of raw values is not explained again here: this
one looks at what people get, days and figures.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from plans import SAVED, plan, task, write
from typer.testing import CliRunner

from pmo_watch.cli import app

DATA = Path(__file__).parents[1].parent / "shared" / "data"
FOLDERS = ("mspdi", "mspdi/malformed", "programme-series/styles", "programme-series/2026-*")
ORACLES = sorted(oracle for folder in FOLDERS for oracle in DATA.glob(f"{folder}/*.oracle.json"))
IDS = [f"{oracle.parent.name}/{oracle.name.partition('.xml')[0]}" for oracle in ORACLES]
ABSENT = f"no plans with oracles in {DATA}: they do not ship with the checkout"
REFUSED = {"derived-bare-ampersand-rh", "derived-control-char-rh", "derived-html-error-page-rh", "derived-truncated-rh"}
SETTINGS = """\
organisation: {{calendar: be, currency: EUR}}
database: {{url: "sqlite:///pmo-watch.db"}}
calendars: {{be: {{country: BE}}}}
sources:
  plans: {{type: ms_project, path: "{path}", key: UID, project_code: file_name}}
"""


class Printed(NamedTuple):
    """What the command gave."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    def rows(self, entity: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document["entities"].get(entity, [])
        return found


def settings_in(folder: Path, path: Path | str) -> Path:
    (folder / "rules.d").mkdir()
    settings = folder / "pmo-watch.yaml"
    settings.write_text(SETTINGS.format(path=path), encoding="utf-8")
    return settings


def read(folder: Path, path: Path | str) -> Printed:
    """Run the command in this process on files that have lain there for long."""
    settings = settings_in(folder, path)
    done = CliRunner().invoke(app, ["read", "plans", "--format", "json", "--config", str(settings)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Printed(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def printed(tmp_path: Path) -> Printed:
    """Give what comes of a small plan that has everything once."""
    costs = {"Cost": 123450, "ActualCost": 5, "RemainingCost": 0}
    baseline = {"Number": 0, "Start": "2026-03-09T08:00:00", "Finish": "2026-03-10T17:00:00", "Cost": 100000}
    link = {"PredecessorUID": 2, "Type": 1, "LinkLag": 4800, "LagFormat": 7}
    rows = (
        task(1, "Build", OutlineLevel=1, Summary=1),
        task(2, "Code", OutlineLevel=2, PercentComplete=37, Baseline=baseline, Work="PT12H30M0S", **costs),
        task(3, "Ready", OutlineLevel=2, Milestone=1, Duration="PT0H0M0S", PredecessorLink=link, Start="2026-13-01"),
    )
    header = {"StatusDate": "2026-03-10T17:00:00", "CurrencyCode": "CHF", "LastSaved": "2026-03-09T16:15:00"}
    write(tmp_path / "plan-b.xml", plan(*rows, **header))
    return read(tmp_path, "*.xml")


def test_the_document_says_what_was_read_and_of_which_day(printed: Printed) -> None:
    document = printed.document

    assert printed.code == 0
    assert {name: document[name] for name in ("source", "as_of", "status_date_assumed", "complete")} == {
        "source": "plans",
        "as_of": "2026-03-10",
        "status_date_assumed": False,
        "complete": True,
    }


def test_money_is_decimal_text_with_its_currency_beside_it(printed: Printed) -> None:
    code = printed.rows("task")[1]

    assert (code["cost"], code["actual_cost"], code["remaining_cost"]) == ("1234.5", "0.05", "0")
    assert (code["baseline_cost"], code["currency"]) == ("1000", "CHF")
    assert printed.rows("project")[0]["currency"] == "CHF"


def test_dates_figures_and_what_is_missing(printed: Printed) -> None:
    build, code, ready = printed.rows("task")

    assert (code["baseline_start"], code["baseline_finish"], code["progress"]) == ("2026-03-09", "2026-03-10", 37)
    assert (code["work"], code["duration"]) == (12.5, 480)
    assert (code["deadline"], code["actual_finish"], ready["forecast_start"]) == (None, None, None)
    assert (build["is_summary"], code["is_summary"], ready["is_milestone"]) == (True, False, True)
    assert datetime.fromisoformat(printed.rows("project")[0]["updated_at"]).utcoffset() == UTC.utcoffset(None)
    (link,) = printed.rows("dependency")
    assert (link["predecessor"], link["successor"], link["type"], link["lag"]) == ("plan-b/2", "plan-b/3", "fs", 480)


def test_what_was_rejected_says_where_what_and_why(printed: Printed) -> None:
    (found,) = printed.document["rejected"]

    assert set(found) == {"where", "field", "value", "reason", "project"}
    assert (found["field"], found["value"]) == ("Start", "2026-13-01")
    assert "plan-b.xml" in found["where"]
    assert "task 3" in found["where"]


def test_without_a_status_date_it_is_today_and_said(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", plan(task(1)))

    document = read(tmp_path, "a.xml").document

    assert document["status_date_assumed"] is True
    assert abs((date.fromisoformat(document["as_of"]) - datetime.now(UTC).date()).days) <= 1


def test_a_file_that_cannot_be_read_ends_with_3_and_words(tmp_path: Path) -> None:
    write(tmp_path / "torn.xml", plan(task(1))[:-40])

    found = read(tmp_path, "torn.xml")

    assert found.code == 3
    assert "torn.xml" in found.err
    assert "Traceback" not in found.err
    assert found.document["complete"] is False


def test_the_other_files_of_a_folder_are_printed_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "plans/torn.xml", plan(task(1))[:-40])
    write(tmp_path / "plans/whole.xml", plan(task(1, "Here")))

    found = read(tmp_path, "plans/*.xml")

    assert found.code == 3
    assert "torn.xml" in found.err
    assert [row["name"] for row in found.rows("task")] == ["Here"]
    assert found.document["complete"] is False


def test_json_stands_alone_on_standard_output(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", plan(task(1, "Größe – ½")))
    settings_in(tmp_path, "a.xml")
    command = [sys.executable, "-m", "pmo_watch", "read", "plans", "--format", "json", "--log-level", "DEBUG"]

    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, timeout=60, check=False, env={**os.environ, "PYTHONUTF8": "1"}
    )

    assert done.returncode == 0
    (row,) = json.loads(done.stdout)["entities"]["task"]
    assert row["name"] == "Größe – ½"
    assert b"a.xml" in done.stderr  # progress


# --- against the oracles --------------------------------------------------------------------------------------------

PLACEHOLDERS = ("1970-01-01", "1984-01-01")
DAY_START, DAY_END = "08:00:00", "17:00:00"
# Plan -> (task, field) -> why it differs.
EXPLAINED: Mapping[str, Mapping[tuple[str, str], str]] = {
    "derived-bad-date-rh": {("1", "forecast_finish"): "NA is no date; the oracle computes one"},
    "derived-cp1252-declared-rh": {("1", "name"): "the oracle ignores the declared windows-1252"},
    "mpxj-task-textvalues-p2019": {("2", "forecast_finish"): "scheduled by hand, its finish is a text"},
    "mpxjw-crossproject-links": {
        ("11", "row"): "the oracle makes up a row for the task of another plan",
        ("1", "predecessors"): "which is a predecessor without a row for us",
    },
}


class Difference(NamedTuple):
    """One value that we and the oracle see differently; `moment`: the oracle's, before it became a day."""

    task: str
    field: str
    ours: Any
    theirs: Any
    moment: str


def explanation(plan_name: str, found: Difference) -> str:
    """Return why a value differs; empty when nothing explains it."""
    clock = found.moment[11:]
    if found.ours is None and found.theirs in PLACEHOLDERS:
        return "a placeholder is no date (spec model 1.7)"
    if found.ours and found.theirs and found.field.endswith("_finish") and clock <= DAY_START:
        return "a finish before work begins is of the working day before" if found.ours < found.theirs else ""
    if found.ours and found.theirs and found.field.endswith("_start") and clock >= DAY_END:
        return "a start after work ends is of the next working day" if found.ours > found.theirs else ""
    if found.theirs is None and found.field in {"forecast_start", "forecast_finish"}:
        return "a summary without dates has those of the rows below it (spec sources 4.4)"
    return EXPLAINED.get(plan_name, {}).get((found.task, found.field), "")


def day(text: str | None) -> str | None:
    return text[:10] if text else None


def theirs(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"] or None,
        "is_milestone": one["milestone"],
        "is_summary": one["summary"],
        "progress": one["percent_complete"],
        "cost": one["cost"],
        "actual_cost": one["actual_cost"],
        "remaining_cost": one["remaining_cost"],
        "baseline_cost": one["baseline_cost"],
        **{name: day(one[at]) for name, at in DATES.items()},
        "predecessors": sorted((str(link["uid"]), link["type"].lower()) for link in one["predecessors"]),
    }


DATES = {
    "forecast_start": "start",
    "forecast_finish": "finish",
    "actual_start": "actual_start",
    "actual_finish": "actual_finish",
    "baseline_start": "baseline_start",
    "baseline_finish": "baseline_finish",
    "deadline": "deadline",
}


def ours(row: Mapping[str, Any], links: list[dict[str, Any]]) -> dict[str, Any]:
    own = row["uid"].partition(":task:")[2]
    before = sorted(
        ((one["predecessor"] or "").rpartition("/")[2], one["type"]) for one in links if one["successor"] == own
    )
    money = ("cost", "actual_cost", "remaining_cost", "baseline_cost")
    return {
        **{name: row[name] for name in ("name", "is_milestone", "is_summary", "progress", *DATES)},
        **{name: None if row[name] is None else float(row[name]) for name in money},
        "predecessors": before,
    }


def differences(found: Printed, oracle: Mapping[str, Any]) -> Iterator[Difference]:
    rows = {row["id"]: row for row in found.rows("task")}
    links = found.rows("dependency")
    for one in oracle["tasks"]:
        uid = str(one["uid"])
        if uid not in rows:
            # Blank rows and the row of the project itself are no tasks.
            if not one["null"] and (one["uid"] or one["outline_level"]):
                yield Difference(uid, "row", None, one["name"], "")
            continue
        mine = ours(rows[uid], links)
        for name, value in theirs(one).items():
            if mine[name] != value:
                yield Difference(uid, name, mine[name], value, one.get(DATES.get(name, "")) or "")


@pytest.mark.skipif(not ORACLES, reason=ABSENT)
@pytest.mark.parametrize("oracle", ORACLES, ids=IDS)
def test_what_is_printed_of_a_real_plan_is_what_the_oracle_found(oracle: Path, tmp_path: Path) -> None:
    path = oracle.with_name(oracle.name.removesuffix(".oracle.json"))
    copy = write(tmp_path / path.name, path.read_bytes(), at=SAVED)

    found = read(tmp_path, copy.name)

    if path.stem in REFUSED:
        assert (found.code, found.document["entities"]) == (3, {})
        return
    assert found.code == 0
    told = list(differences(found, json.loads(oracle.read_text(encoding="utf-8"))))
    assert [one for one in told if not explanation(path.stem, one)] == []
    assert EXPLAINED.get(path.stem, {}).keys() <= {(one.task, one.field) for one in told}
