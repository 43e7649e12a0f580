"""The command line as a person starts it: exit codes, JSON alone on standard output, words in place of tracebacks."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pmo_watch import __version__
from pmo_watch.alerts import Alert
from pmo_watch.cli import app
from pmo_watch.store import CycleChange, open_store

SETTINGS = """\
database: {url: "sqlite:///pmo-watch.db"}
rules: rules.d
calendars: {be: {country: BE}}
sources:
  sheet: {type: csv_file, path: milestones.csv, profile: milestones, settle_seconds: 0}
"""
RULES = """\
version: 1
audiences: {pmo: {email: pmo@example.org, amber: at once, red: at once}}
rules:
  - {id: slip, name: Milestone slips, measure: milestone.slip, tell: {red: [pmo]}}
"""
MILESTONES = """\
project_id,task_id,name,baseline_finish,forecast_finish
ATL,M1,Go live,2026-10-01,2026-12-20
"""
NOW = ("--now", "2026-11-20T09:00")
# Starting costs a second and more: what needs no process of its own shares one.
ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys
from pmo_watch.cli import main
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["pmo-watch", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        else:
            code = 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
FINE, GATE, FAULTY, UNREACHED, NO_STORE = range(5)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    words: Sequence[str]
    code: int
    out: str
    err: str


def start(folder: Path, *commands: Sequence[str], **environment: str) -> list[Ended]:
    """Run commands one after the other in a process of their own; nobody gets to see a traceback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PMO_WATCH_")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)],
        cwd=folder,
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [Ended(words, *json.loads(line)) for words, line in zip(commands, done.stdout.splitlines(), strict=True)]
    assert [one.words for one in found if "Traceback" in one.out + one.err] == []
    return found


def commands() -> list[list[str]]:
    """Return every command with its groups."""
    found: list[list[str]] = [[]]

    def walk(group: Any, path: list[str]) -> None:
        for name, command in getattr(group, "commands", {}).items():
            found.append([*path, name])
            walk(command, [*path, name])

    walk(typer.main.get_command(app), [])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with settings, a sheet with a milestone that slips, and a rule that sees it."""
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "pmo-watch.yaml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "rules.d" / "10-milestones.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "milestones.csv").write_text(MILESTONES, encoding="utf-8")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words) or "pmo-watch")
def test_every_command_says_what_it_does(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])

    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_program_starts_as_a_module_and_by_its_name(tmp_path: Path) -> None:
    said = [
        subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for command in ([sys.executable, "-P", "-m", "pmo_watch"], [str(Path(sys.executable).with_name("pmo-watch"))])
    ]

    assert said == [f"pmo-watch {__version__}\n"] * 2


# --- exit codes ---------------------------------------------------------------------------------------------------


def test_cycle_without_a_fault_ends_well_and_one_with_red_at_the_gate(folder: Path) -> None:
    first, again = start(folder, ["once", *NOW], ["once", *NOW, "--fail-on", "red"])

    assert (first.code, again.code) == (FINE, GATE)


def test_moment_that_was_lived_already_is_refused_and_only_looked_at(folder: Path) -> None:
    _, back, looked = start(
        folder,
        ["once", *NOW],
        ["once", "--now", "2026-11-19T09:00"],
        ["once", "--now", "2026-11-19T09:00", "--dry-run"],
    )

    assert (back.code, looked.code) == (FAULTY, FINE)
    assert "2026-11-19 09:00 is before the last reading in this database, of 2026-11-20 09:00" in back.err


def test_cycle_says_whom_rows_name_that_no_source_has(folder: Path) -> None:
    change(folder / "milestones.csv", "forecast_finish\n", "forecast_finish,owner\n")
    change(folder / "milestones.csv", "2026-12-20\n", "2026-12-20,Ann Peeters\n")

    told, listed = start(folder, ["once", *NOW, "--dry-run"], ["once", *NOW, "--format", "json"])

    assert "warning: sheet: task.owner 'Ann Peeters': no person of that key or name; it counts as empty" in told.err
    assert "Ann Peeters" in [one["value"] for one in json.loads(listed.out)["leads_nowhere"]]


def test_strict_check_minds_what_a_check_only_remarks_on(folder: Path) -> None:
    change(folder / "rules.d" / "10-milestones.yaml", "name: Milestone slips", "name: Slips, review_by: 2026-01-31")

    plain, strict = start(folder, ["check"], ["check", "--strict"])

    assert "warning: " in plain.err
    assert (plain.code, strict.code) == (FINE, GATE)


def test_settings_that_a_person_must_change(folder: Path) -> None:
    slips = {
        "key.yaml": ("country: BE", "contry: BE", "key.yaml:3:18: "),
        "type.yaml": ("type: csv_file", "type: cvs_file", "did you mean 'csv_file'?"),
        "value.yaml": ("country: BE", "country: XX", "value.yaml:3:"),
        "rules.yaml": ("rules: rules.d", "rules: elsewhere", "elsewhere"),
    }
    for name, (old, new, _) in slips.items():
        (folder / name).write_text(SETTINGS.replace(old, new), encoding="utf-8")

    ended = start(folder, *(["check", "--config", name] for name in slips))

    assert [one.code for one in ended] == [FAULTY] * len(slips)
    assert [one.err for one, (_, _, said) in zip(ended, slips.values(), strict=True) if said not in one.err] == []
    assert {one.out for one in ended} == {""}


def test_rule_that_a_person_must_change(folder: Path) -> None:
    change(folder / "rules.d" / "10-milestones.yaml", "milestone.slip", "milestone.slop")

    (ended,) = start(folder, ["check"])

    assert ended.code == FAULTY
    assert "10-milestones.yaml:4:" in ended.err


def test_one_rule_file_can_be_checked_before_it_is_put_there(folder: Path) -> None:
    example = "{given: {baseline_finish: 2026-07-17, forecast_finish: 2026-07-24}, expect: red}"
    (folder / "new.yaml").write_text(
        f"rules:\n  - {{id: late, name: Late, measure: milestone.slip, tell: {{red: [pmo]}}, examples: [{example}]}}\n"
    )

    there, not_yet = start(folder, ["check", "rules.d/10-milestones.yaml"], ["check", "new.yaml"])

    assert (there.code, not_yet.code) == (FINE, FAULTY)
    assert "example 1 of 'late' expects red, got green" in not_yet.err


def test_source_that_cannot_be_reached(folder: Path) -> None:
    (folder / "milestones.csv").unlink()

    ended = start(folder, ["read", "sheet"], ["once", *NOW])

    assert [one.code for one in ended] == [UNREACHED] * 2
    assert all("milestones.csv" in one.err for one in ended)


def test_store_that_cannot_be_opened(folder: Path) -> None:
    change(folder / "pmo-watch.yaml", "sqlite:///pmo-watch.db", "sqlite:///no/such/folder/pmo-watch.db")
    words = [["once", *NOW], ["run"], ["alerts", "list"], ["outbox", "list"], ["sources", "list"], ["send-test", "pmo"]]

    ended = start(folder, *words)

    assert [(one.words, one.code) for one in ended] == [(one, NO_STORE) for one in words]
    assert all("no/such/folder" in one.err for one in ended)


# --- what is printed ----------------------------------------------------------------------------------------------


def test_json_stands_alone_on_standard_output(folder: Path) -> None:
    words = [
        ["once", "--dry-run", *NOW],
        ["alerts", "list"],
        ["once", *NOW],
        ["alerts", "list"],
        ["alerts", "silences"],
        ["read", "sheet"],
        ["sources", "list"],
        ["outbox", "list"],
        ["measures"],
        ["measures", "milestone.slip"],
        ["fields"],
        ["fields", "milestone"],
        ["plugins"],
    ]

    ended = start(folder, *([*one, "--format", "json"] for one in words))

    assert [(one.words, one.err) for one in ended if one.code != FINE] == []
    documents = [json.loads(one.out) for one in ended]
    assert documents[1] == []  # a dry run writes nothing
    assert [one["subject_name"] for one in documents[3]] == ["Go live"]
    (milestone,) = documents[5]["entities"]["task"]
    assert (documents[5]["source"], documents[5]["complete"], documents[5]["rejected"]) == ("sheet", True, [])
    assert (milestone["baseline_finish"], milestone["actual_finish"]) == ("2026-10-01", None)


PERSON = Alert(
    "0123456789abcdef", "load", "person:jane@example.org", "person", level="red",
    subject_id="jane@example.org", subject_name="Jane", opened_at=datetime(2026, 11, 20, tzinfo=UTC),
)  # fmt: skip


@pytest.mark.parametrize("form", ["table", "json"])
def test_alerts_on_single_persons_are_listed_without_a_name(folder: Path, form: str) -> None:
    store = open_store(f"sqlite:///{folder / 'pmo-watch.db'}")
    store.write(CycleChange(PERSON.opened_at or datetime.now(UTC), alerts=[PERSON]))
    store.close()
    words = [
        "alerts",
        "ack",
        "0123",
        "--until",
        f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}",
        "--why",
        "agreed",
        "--who",
        "ann",
        "--format",
        form,
    ]

    listed, acknowledged = start(folder, ["alerts", "list", "--format", form], words)

    assert ("0123456789abcdef" in listed.out, acknowledged.code) == (True, FINE), acknowledged.err
    assert "jane" not in (listed.out + listed.err + acknowledged.out + acknowledged.err).lower()


# --- what people do -----------------------------------------------------------------------------------------------


def test_settings_that_are_not_there_or_no_settings(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    folder = [[name, "--config", str(tmp_path)] for name in ("check", "once")]

    nothing, empty, *folders = start(tmp_path, ["check"], ["check", "--config", "empty.yaml"], *folder)

    assert [one.code for one in (nothing, empty, *folders)] == [FAULTY] * 4
    assert "pmo-watch init" in nothing.err
    assert "empty.yaml" in empty.err
    assert [one.words for one in folders if str(tmp_path) not in one.err] == []


MISTAKES = {
    ("read", "nobody"): "there is no source 'nobody'",
    ("sources", "accept", "nobody"): "there is no source 'nobody'",
    ("once", "--now", "yesterday"): "'yesterday' is no moment: write it like 2026-11-20",
    ("read", "sheet", "--since", "soon"): "'soon' is no moment",
    ("once", "--fail-on", "green"): "--fail-on: 'green' is neither red nor amber",
    ("once", "--log-level", "LOUD"): "there is no log level 'LOUD'",
    ("measures", "milestone.slop"): "did you mean 'milestone.slip'?",
    ("measures", "glissment"): "no measure has 'glissment' in its name, number or meaning, did you mean 'glissement'?",
    ("measures", "MS-99"): "no measure has 'MS-99'",
    ("fields", "milestne"): "there are no rules for each 'milestne', did you mean 'milestone'?",
    ("fields", "nobody"): "there are no rules for each 'nobody'; 'pmo-watch fields' lists what there is",
    ("alerts", "ack", "x", "--until", "2027-01-01", "--why", "known"): "there is no open alert 'x'",
    ("alerts", "unsilence", "x"): "there is no silence 'x'",
    ("outbox", "show", "x"): "there is no message 'x'",
    ("send-test", "nobody"): "'nobody' is no audience, notifier, person or address",
    ("check", "nowhere"): "nowhere",
    ("check", "--config", "."): "is a folder: name a file",
    ("init", "milestones.csv"): "cannot be written",
    ("nonsense",): "No such command",
    ("once", "--nonsense"): "No such option",
}


def test_what_is_not_there_is_named(folder: Path) -> None:
    ended = start(folder, *MISTAKES)

    assert [(one.words, one.code) for one in ended if one.code != FAULTY] == []
    plain = [" ".join(one.err.replace("│", " ").split()) for one in ended]
    assert [(said, one) for said, one in zip(MISTAKES.values(), plain, strict=True) if said not in one] == []
    assert [one.words for one in ended if one.out] == []


def test_environment_wins_over_the_file_and_is_named_when_it_is_wrong(folder: Path) -> None:
    (ended,) = start(folder, ["check"], PMO_WATCH_ORGANISATION__TIMEZONE="Europe/Bruxelles")

    assert ended.code == FAULTY
    assert "PMO_WATCH_ORGANISATION__TIMEZONE" in ended.err


def test_measures_are_searched_and_one_is_shown_whole(folder: Path) -> None:
    found, shown, listed = start(
        folder, ["measures", "glissement", "jalon"], ["measures", "ms-02"], ["measures", "FL-03", "--format", "json"]
    )

    assert [one.code for one in (found, shown, listed)] == [FINE] * 3
    assert "milestone.slip" in found.out
    assert "board.wip_used" not in found.out
    for part in ("milestone.slip", "jalon en glissement", "formula", "at most 3 wd", "example", "comes to"):
        assert part in shown.out
    (document,) = json.loads(listed.out)
    assert (document["measure"], document["example"]["expect"]["state"]) == ("board.wip_used", "red")
