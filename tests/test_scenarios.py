"""`pmo-watch test`: scenarios run on the engine of the daemon; a failure says what was expected, what came, and why."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from pmo_watch.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "testing-rules.md").read_text(encoding="utf-8")
SETTINGS = """\
organisation: {name: Unit, timezone: Europe/Brussels, calendar: be}
database: {url: "sqlite:///never.db"}
rules: rules.d
notifiers:
  mail: {type: email, host: 127.0.0.1, port: 25, starttls: off, from: "PMO <pmo@example.org>"}
"""
RULES = """\
version: 1
owner: pmo@example.org
audiences:
  leader: {role: project_leader, amber: at once, red: at once}
  owner:  {role: project_owner, amber: never, red: at once}
  pmo:    {email: pmo@example.org, amber: daily, red: daily}
  ict:    {email: ict@example.org, amber: at once, red: at once}
digests:
  daily: {at: "08:30", on: every working day}
rules:
  - id: key-milestone-slip
    name: {en: Key milestone slips, fr: Jalon clé en glissement, nl: Kernmijlpaal loopt uit}
    for_each: milestone
    only_if: {project.state: executing, milestone.kind: [key, gate], milestone.done: false}
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    recover: at most 3 wd
    tell: {amber: [leader, pmo], red: [leader, pmo]}
  - id: budget-used
    name: Budget is nearly spent
    for_each: project
    measure: project.budget_used
    amber: at least 90 %
    red: at least 100 %
    tell: {amber: leader, red: leader}
    confirm_after: 2 evaluations
"""
# The example of the rule language's specification, with the budget of the project for the second rule.
GIVEN = """\
given:
  project:   [{uid: atlas, name: Atlas, state: executing, leader: m.rossi, budget: 1000, actual_cost: 100}]
  person:    [{uid: m.rossi, email: m.rossi@example.org, language: fr}]
  milestone:
    - {uid: atlas/go-live, project: atlas, name: Go-live, kind: key, done: false,
       baseline_finish: 2026-03-06, forecast_finish: 2026-03-06}
"""
SLIP = "rules: [key-milestone-slip]\ncalendar: be\n"
LATER = "change: {atlas/go-live: {forecast_finish: 2026-03-16}}"  # 6 wd
SPECIFIED = f"""\
test: a slipped milestone is told once, frozen while its source is down, and closed with evidence
{SLIP}covers: amber
{GIVEN}days:
  - 2026-03-02: {{expect: {{atlas/go-live: green}}, messages: []}}
  - 2026-03-04:
      {LATER}
      expect: {{atlas/go-live: amber}}
      messages: [{{to: m.rossi, language: fr, contains: ["6", Go-live], channel: mail, level: amber, reason: opened}}]
  - 2026-03-05:
      source: down
      expect: {{atlas/go-live: amber}}
      messages: [{{to: pmo, digest: daily, contains: Go-live}}]
  - 2026-03-06:
      change: {{atlas/go-live: {{forecast_finish: 2026-03-06}}}}
      expect: {{atlas/go-live: green}}
      messages: [{{to: m.rossi, reason: recovered}}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with settings and rules, as the one that somebody stands in."""
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "pmo-watch.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(text: str, *words: str, name: str = "one.test.yaml") -> Result:
    """Write a test beside the rules and run all there are."""
    Path("rules.d", name).write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, ["test", *words, "--config", "pmo-watch.yaml"])


def shown(kind: str) -> str:
    """Return the block of that kind of the documentation's page."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def scenario(days: str, head: str = SLIP) -> str:
    return f"test: a story\n{head}{GIVEN}days:\n{days}"


@pytest.mark.usefixtures("folder")
def test_example_of_the_specification_passes() -> None:
    done = ran(SPECIFIED)

    assert (done.exit_code, "1 test: all passed" in done.stderr) == (0, True), done.stderr
    assert not Path("never.db").exists()


@pytest.mark.usefixtures("folder")
def test_example_of_the_documentation_passes_and_fails_as_it_says() -> None:
    Path("rules.d/rules.yaml").write_text(shown("yaml rule-file"), encoding="utf-8")
    text = shown("yaml scenario")
    saturday = text[: text.index("  - 2026-03-05")].replace("2026-03-04", "2026-03-07")
    saturday = saturday.replace('{to: m.rossi, language: fr, contains: ["6", Go-live]}', "{to: m.rossi}")

    done = ran(text, name="go-live.test.yaml")
    late = ran(saturday, name="go-live.test.yaml")

    assert done.exit_code == 0, done.stderr
    assert late.exit_code == 1
    assert shown("text").strip() in late.stderr


@pytest.mark.usefixtures("folder")
def test_state_that_is_not_reached_is_explained_at_its_line() -> None:
    done = ran(scenario("  - 2026-03-02: {expect: {atlas/go-live: amber}}\n"))

    assert done.exit_code == 1
    assert (
        "rules.d/one.test.yaml:11:42: on 2026-03-02, atlas/go-live is expected to be amber, and it is green\n"
        "   11 |   - 2026-03-02: {expect: {atlas/go-live: amber}}\n"
        "      |                                          ^\n"
        "        key-milestone-slip: green, no alert\n"
        "          finding: green, 0 wd" in done.stderr
    )
    assert "threshold: amber: over 5 wd: does not hold" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("folder")
def test_message_of_a_saturday_leaves_on_monday_and_the_failure_says_so() -> None:
    days = f"  - 2026-03-07: {{{LATER}, messages: [{{to: m.rossi}}]}}\n  - 2026-03-09: {{messages: []}}\n"

    done = ran(scenario(days))

    assert done.exit_code == 1
    assert "on 2026-03-07, a message to m.rossi is expected, and it leaves on Monday 2026-03-09 08:30" in done.stderr
    assert "held back: send window (m.rossi@example.org)" in done.stderr
    assert "rules.d/one.test.yaml:12:18: on 2026-03-09, nobody expects '[ORANGE] atlas" in done.stderr
    assert "about atlas/go-live: rule 'key-milestone-slip', amber, as project_leader" in done.stderr


@pytest.mark.usefixtures("folder")
def test_holidays_put_messages_off() -> None:
    first_of_may = "  - 2026-05-01: {change: {atlas/go-live: {forecast_finish: 2026-05-29}}, messages: []}\n"
    monday = "  - 2026-05-04: {expect: {atlas/go-live: red}, messages: [{to: m.rossi, level: red}]}\n"

    done = ran(scenario(first_of_may + monday))

    assert done.exit_code == 0, done.stderr


@pytest.mark.usefixtures("folder")
def test_silence_acknowledgement_and_time_of_day_hold_as_in_production() -> None:
    days = f"""\
  - 2026-03-02 09:30:
      silence: [{{project: atlas, until: 2026-03-03, why: a committee looks at it}}]
      {LATER}
      expect: {{atlas/go-live: amber}}
      messages: []
  - 2026-03-04: {{messages: [{{to: m.rossi, reason: open}}]}}
  - 2026-03-04 14:00:
      ack: {{atlas/go-live: {{until: 2026-03-20, by: M. Rossi, why: being looked at}}}}
      change: {{atlas/go-live: {{forecast_finish: 2026-03-24}}}}
      expect: {{atlas/go-live: {{key-milestone-slip: red}}}}
      messages: [{{to: leader, reason: worsened, level: red}}]
  - 2026-03-05 09:00: {{messages: [{{to: pmo, digest: daily}}]}}
"""

    done = ran(scenario(days))

    assert done.exit_code == 0, done.stderr


@pytest.mark.usefixtures("folder")
def test_row_that_goes_is_told_of_and_a_new_one_is_looked_at() -> None:
    days = f"""\
  - 2026-03-02: {{{LATER}, messages: [{{to: m.rossi}}]}}
  - 2026-03-03:
      remove: atlas/go-live
      add:
        milestone:
          - {{uid: M2, name: Handover, project: atlas, kind: gate, done: false,
             baseline_finish: 2026-03-06, forecast_finish: 2026-03-24}}
      expect: {{atlas/go-live: amber, M2: red}}
      messages: [{{to: m.rossi, level: red, contains: Handover}}]
  - 2026-03-04: {{source: partial, expect: {{atlas/go-live: amber}}}}
  - 2026-03-05: {{expect: {{atlas/go-live: na}}, messages: [{{to: m.rossi, reason: entity_gone}}]}}
"""

    done = ran(scenario(days))

    assert done.exit_code == 0, done.stderr


@pytest.mark.usefixtures("folder")
def test_level_waits_for_its_confirmation() -> None:
    days = """\
  - 2026-03-02: {change: {atlas: {actual_cost: 950}}, expect: {atlas: pending}, messages: []}
  - 2026-03-03: {expect: {atlas: amber}, messages: [{to: leader}]}
"""

    done = ran(scenario(days, "rules: budget-used\n"))

    assert done.exit_code == 0, done.stderr


@pytest.mark.usefixtures("folder")
def test_source_that_is_down_for_long_is_told_of_where_the_test_names_that_rule() -> None:
    days = """\
  - 2026-03-02: {expect: {atlas/go-live: green}}
  - 2026-03-03: {source: down, messages: []}
  - 2026-03-05: {messages: []}
"""
    quiet = ran(scenario(days))
    named = ran(scenario(days, "rules: [key-milestone-slip, source-failing]\n"))

    assert quiet.exit_code == 0, quiet.stderr
    assert named.exit_code == 1
    assert "to ict@example.org" in named.stderr


@pytest.mark.usefixtures("folder")
def test_test_that_shows_nothing_fails() -> None:
    away = ran(scenario("  - 2026-03-02: {change: {atlas: {state: closed}}, messages: []}\n"))
    claims = ran(scenario("  - 2026-03-02: {expect: {atlas/go-live: green}}\n", f"{SLIP}covers: [amber, red]\n"))

    assert (away.exit_code, claims.exit_code) == (1, 1)
    assert "the test matches no row: nothing of it is looked at by 'key-milestone-slip'" in away.stderr
    assert "the test says that it covers amber of 'key-milestone-slip', and it never gets there" in claims.stderr
    assert "the test says that it covers red of 'key-milestone-slip'" in claims.stderr


@pytest.mark.usefixtures("folder")
def test_act_that_cannot_be_done_fails_at_its_place() -> None:
    days = """\
  - 2026-03-02:
      ack: {atlas/go-live: {until: 2026-03-04}}
      silence: [{rule: key-milestone-slip, until: 2026-03-01}]
      expect: {atlas/go-live: green}
"""

    done = ran(scenario(days))

    assert "12:13: no alert is open on atlas/go-live: there is nothing to acknowledge" in done.stderr
    assert "13:17: cannot be silenced so: until: 2026-03-01 is past" in done.stderr


@pytest.mark.usefixtures("folder")
def test_results_are_written_for_programs() -> None:
    ran(SPECIFIED, name="good.test.yaml")
    ran("test: \x01\n", name="faulty.test.yaml")
    failing = scenario("  - 2026-03-02: {expect: {atlas/go-live: amber}}\n").replace("a story", "a <story> & more")

    done = ran(failing, "--junit", "out.xml", "--format", "json", "--coverage")

    assert done.exit_code == 2  # faults outweigh failures
    found = json.loads(done.stdout)
    assert [one["passed"] for one in found["tests"]] == [False, True, False]
    assert found["tests"][2]["failures"][0]["line"] == 11
    assert found["tests"][1]["reached"] == {"key-milestone-slip": ["amber"]}
    slip, budget = found["coverage"]
    assert slip == {"rule": "key-milestone-slip", "tests": 2, "examples": 0, "reached": ["amber"], "left_out": ["red"]}
    assert (budget["tests"], budget["left_out"]) == (0, ["amber", "red"])
    root = ET.parse("out.xml").getroot()
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "1", "skipped": "0",
    }  # fmt: skip
    faulty, good, bad = suite.findall("testcase")
    assert [one.tag for one in (*faulty, *good, *bad)] == ["error", "failure"]
    assert (bad.get("name"), bad.get("classname")) == ("a <story> & more", "rules.d/one.test.yaml")
    assert float(bad.get("time") or 0) > 0
    failure = bad.find("failure")
    assert failure is not None
    assert "is expected to be amber" in str(failure.get("message"))
    assert "threshold: amber: over 5 wd" in str(failure.text)


@pytest.mark.usefixtures("folder")
def test_nothing_runs_with_rules_that_have_faults() -> None:
    Path("rules.d/rules.yaml").write_text(RULES.replace("over 5 wd", "over 5"), encoding="utf-8")

    done = ran(SPECIFIED)

    assert (done.exit_code, "tests run once 'pmo-watch check' finds none" in done.stderr) == (2, True)


@pytest.mark.usefixtures("folder")
def test_paths_that_lead_to_no_test_are_named() -> None:
    none = CliRunner().invoke(app, ["test", "--config", "pmo-watch.yaml"])
    gone = CliRunner().invoke(app, ["test", "nowhere", "--config", "pmo-watch.yaml"])
    empty = CliRunner().invoke(app, ["test", "rules.d", "--config", "pmo-watch.yaml"])

    assert (none.exit_code, "0 tests: none found" in none.stderr) == (0, True)
    assert str(gone.exception) == "nowhere does not exist"
    assert str(empty.exception) == "rules.d holds no test: they end in .test.yaml"


@pytest.mark.usefixtures("folder")
def test_check_names_faults_of_tests_and_rules_that_nothing_shows() -> None:
    Path("rules.d/one.test.yaml").write_text(SPECIFIED.replace("[key-milestone-slip]", "[key-slip]"), encoding="utf-8")
    faulty = CliRunner().invoke(app, ["check", "--config", "pmo-watch.yaml"])
    Path("rules.d/one.test.yaml").write_text(SPECIFIED, encoding="utf-8")
    good = CliRunner().invoke(app, ["check", "--config", "pmo-watch.yaml"])

    assert (faulty.exit_code, good.exit_code) == (2, 0)
    assert "one.test.yaml:2:9: there is no rule 'key-slip', did you mean 'key-milestone-slip'?" in faulty.stderr
    assert "1 rule without example and without test: budget-used" in good.stderr
