"""A test that is recorded from a store that has been lived in says what happened, and passes at once."""

import asyncio
import os
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from pmo_watch.acknowledgements import Wanted
from pmo_watch.cli import app
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.deliver import Channel, Deliverer
from pmo_watch.in_force import InForce, load
from pmo_watch.operations import acknowledge_alerts, open_alerts
from pmo_watch.scenario_stage import Taking
from pmo_watch.store import Store, open_store

ZONE = ZoneInfo("Europe/Brussels")
SETTINGS = """\
organisation: {name: Unit, timezone: Europe/Brussels, calendar: be, decimal: point, dates: ymd}
database: {url: "sqlite:///lived.db"}
rules: rules.d
notifiers:
  mail: {type: email, host: 127.0.0.1, port: 25, starttls: off, from: "PMO <pmo@example.org>"}
sources:
  people:     {type: csv_file, path: lists/people.csv, profile: people, settle_seconds: 0}
  projects:   {type: csv_file, path: lists/projects.csv, profile: projects, settle_seconds: 0}
  milestones: {type: csv_file, path: lists/milestones.csv, profile: milestones, settle_seconds: 0}
"""
RULES = """\
version: 1
owner: pmo@example.org
audiences:
  leader: {role: project_leader, amber: at once, red: at once}
  pmo: {email: pmo@example.org, amber: daily, red: at once}
digests:
  daily: {at: "08:30", on: every working day}
rules:
  - id: milestone-slip
    name: {en: Milestone slips, fr: Jalon en glissement, nl: Mijlpaal loopt uit}
    for_each: milestone
    only_if: {milestone.done: false}
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    recover: at most 3 wd
    tell: {amber: [leader, pmo], red: [leader, pmo]}
"""
PEOPLE = "email,name,language\nanna@example.org,Anna Voorbeeld,nl\n"
PROJECTS = "project_id,name,state,leader\nNOV-01,Novel register,executing,anna@example.org\n"
HEAD = "milestone_id,project_id,name,baseline_finish,forecast_finish\n"
OTHER = "M2,NOV-01,Handover,2026-05-08,2026-05-08\n"
# Monday 2 March 2026 to Friday 13 March; what is saved on a day stays.
FORECASTS = {
    date(2026, 3, 2): "2026-04-10",
    date(2026, 3, 4): "2026-04-21",  # 6 wd: Easter Monday is none
    date(2026, 3, 7): "2026-05-05",  # on a Saturday: red, told on Monday
    date(2026, 3, 12): "2026-04-10",
}
UNREADABLE = {date(2026, 3, 10)}


def lived(folder: Path) -> InForce:
    """Live two weeks of a milestone in a folder: it slips, gets worse on a Saturday, is acknowledged, recovers."""
    (folder / "rules.d").mkdir()
    (folder / "lists").mkdir()
    (folder / "rules.d" / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "pmo-watch.yaml").write_text(SETTINGS, encoding="utf-8")
    (folder / "lists" / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (folder / "lists" / "projects.csv").write_text(PROJECTS, encoding="utf-8")
    in_force = load(folder / "pmo-watch.yaml")
    store = open_store(in_force.settings.database.url.get_secret_value())
    with asyncio.Runner() as runner:
        _live(in_force, store, folder / "lists" / "milestones.csv", runner)
    store.close()
    return in_force


def _live(in_force: InForce, store: Store, file: Path, runner: asyncio.Runner) -> None:
    clock = FixedClock(datetime(2026, 3, 2, tzinfo=UTC))
    engine = Engine(store, in_force)
    post = Deliverer(store, {"mail": Channel(Taking())}, clock)
    for number in range(12):
        day = date(2026, 3, 2) + timedelta(days=number)
        if day in FORECASTS:
            file.write_text(f"{HEAD}M1,NOV-01,Go-live,2026-04-10,{FORECASTS[day]}\n{OTHER}", encoding="utf-8")
        saved = datetime.combine(day, time(7), ZONE).timestamp()
        os.utime(file, (saved, saved))
        for at, due in ((time(8, 30), []), (time(11, 20), list(in_force.sources()))):
            clock.moment = datetime.combine(day, at, ZONE).astimezone(UTC)
            runner.run(post.drain())
            hidden = file.rename(file.with_suffix(".gone")) if day in UNREADABLE and due else None
            engine.cycle(clock.moment, due)
            runner.run(post.drain())
            if hidden is not None:
                hidden.rename(file)
        if day == date(2026, 3, 9):
            (alert,) = open_alerts(store)
            clock.moment = datetime.combine(day, time(14, 5), ZONE).astimezone(UTC)
            wanted = Wanted(date(2026, 3, 20), "Anna Voorbeeld", "the supplier was asked")
            acknowledge_alerts(store, [alert.id], wanted, clock.moment, ZONE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose store holds two weeks."""
    found = tmp_path_factory.mktemp("lived")
    lived(found)
    return found


def recorded(folder: Path, *more: str) -> tuple[str, str, int]:
    """Return what is printed, what is said, and the exit code."""
    config = ("--config", str(folder / "pmo-watch.yaml"))
    done = CliRunner().invoke(app, ["test", "--record", "M1", "--since", "2026-03-02", *more, *config])
    return done.stdout, done.stderr, done.exit_code


def test_recorded_test_says_what_happened_and_passes_at_once(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "go-live.test.yaml"

    _, said, code = recorded(folder, "--output", str(file))

    assert (code, f"passed: {file}" in said) == (0, True), said
    text = file.read_text(encoding="utf-8")
    assert "rules: [milestone-slip]\ncalendar: be\n" in text
    assert "{uid: NOV-01, name: Novel register, state: executing, leader: anna@example.org}" in text
    assert "M2" not in text
    assert text.partition("days:\n")[2] == EXPECTED_DAYS


def test_names_are_left_out_on_request(folder: Path) -> None:
    text, said, code = recorded(folder, "--pseudonyms")

    assert (code, "passed:" in said) == (0, True), said
    for word in ("Anna", "anna", "Voorbeeld", "Novel", "NOV-01", "Go-live", "supplier"):
        assert word not in text
    assert "person-1@example.org" in text


def test_recorded_test_fails_once_the_rule_is_another(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    rules = copy / "rules.d" / "rules.yaml"
    rules.write_text(RULES.replace("over 5 wd", "over 8 wd"), encoding="utf-8")

    _, said, code = recorded(copy)

    assert code == 1
    assert "expected to be amber for the rule 'milestone-slip', and it is green" in said
    assert "what is written is what happened" in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--record", "M9", "--since", "2026-03-02"], "nothing is called 'M9'"),
        (["--record", "M1"], "say from when on"),
        (["--record", "M1", "--since", "yesterday"], "'yesterday' is no moment"),
        (["--since", "2026-03-02"], "go with --record"),
    ],
)
def test_what_cannot_be_recorded_is_said(folder: Path, words: list[str], text: str) -> None:
    done = CliRunner().invoke(app, ["test", *words, "--config", str(folder / "pmo-watch.yaml")])

    assert text in str(done.exception)


EXPECTED_DAYS = """\
  - 2026-03-02 11:20: {}
  - 2026-03-04 11:20:
      change: {NOV-01/M1: {forecast_finish: 2026-04-21}}
      expect: {NOV-01/M1: {milestone-slip: amber}}
      messages: [{to: anna@example.org, language: nl}]
  - 2026-03-07 11:20:
      change: {NOV-01/M1: {forecast_finish: 2026-05-05}}
      expect: {NOV-01/M1: {milestone-slip: red}}
      messages: []
  - 2026-03-09 14:05:
      ack:
        NOV-01/M1: {until: 2026-03-20, by: Anna Voorbeeld, why: the supplier was asked, rule: milestone-slip}
      expect: {NOV-01/M1: {milestone-slip: red}}
      messages: [{to: anna@example.org, language: nl}, {to: pmo, language: en}]
  - 2026-03-10 11:20: {source: down, expect: {NOV-01/M1: {milestone-slip: red}}, messages: []}
  - 2026-03-11 11:20: {expect: {NOV-01/M1: {milestone-slip: red}}, messages: []}
  - 2026-03-12 11:20:
      change: {NOV-01/M1: {forecast_finish: 2026-04-10}}
      expect: {NOV-01/M1: {milestone-slip: green}}
      messages: [{to: anna@example.org, language: nl}]
  - 2026-03-13 11:20: {expect: {NOV-01/M1: {milestone-slip: green}}, messages: [{to: pmo, language: en}]}
"""
