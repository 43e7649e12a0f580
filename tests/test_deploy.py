"""What is shipped beside the program: rules for Prometheus and their tests, and the unit of the service."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from debian import debian_program
from metric_tables import CONTRACT, contract
from pmo_watch_plugins.notifiers.prometheus.families import HELP
from ruamel.yaml import YAML

from pmo_watch.telemetry import Telemetry

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "prometheus"
UNIT = ROOT / "deploy" / "pmo-watch.service"
Rule = dict[str, Any]


def loaded(text: str) -> Any:
    return YAML(typ="safe").load(text)


def rules_of(text: str) -> dict[str, Rule]:
    """Return the rules of a file by their names."""
    groups = loaded(text)["groups"]
    return {one.get("alert") or one["record"]: one for group in groups for one in group["rules"]}


SHIPPED = rules_of((FOLDER / "pmo_watch.rules.yml").read_text())
TESTS = loaded((FOLDER / "pmo_watch_test.yml").read_text())["tests"]


def bare(expression: str) -> str:
    return re.sub(r"\s+", "", expression)


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_every_rule_fires_in_the_rule_tests(name: str) -> None:
    """One that is misspelt there, with nothing expected, would pass unseen."""
    expected = [case for test in TESTS for case in test.get("alert_rule_test", []) if case["alertname"] == name]
    recorded = [case for test in TESTS for case in test.get("promql_expr_test", []) if case["expr"] == name]

    assert any(case["exp_alerts"] for case in expected) or any(case["exp_samples"] for case in recorded)
    assert recorded or name == "PmoWatchWatchdog" or any(not case["exp_alerts"] for case in expected), (
        "it also is silent"
    )


def test_rule_tests_name_no_rule_that_there_is_not() -> None:
    named = {case["alertname"] for test in TESTS for case in test.get("alert_rule_test", [])}

    assert named <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_rules_ask_for_metrics_that_are_served(name: str) -> None:
    own = Telemetry().render(openmetrics=False).decode()
    named = set(re.findall(r"\bpmo_\w+", SHIPPED[name]["expr"])) - {"pmo_watch"}
    served = {*HELP, *re.findall(r"^# HELP (\w+)", own, re.M), "pmo_watch_next_evaluation_timestamp_seconds"}
    assert named <= served


@pytest.mark.parametrize("name", SHIPPED)
def test_every_alert_says_what_it_is_and_what_to_do(name: str) -> None:
    rule = SHIPPED[name]

    if "alert" in rule:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning", "none"}
        assert "level" not in rule["labels"]


def test_rules_are_those_of_the_contract() -> None:
    assert contract("4.6")
    part = CONTRACT.read_text("utf-8").partition("## 4.7")[2]
    wanted = rules_of(next(block for block in re.findall(r"```yaml\n(.*?)```", part, re.S) if "groups:" in block))

    def facts(rule: Rule) -> tuple[Any, ...]:
        return bare(rule["expr"]), rule.get("for"), rule.get("labels")

    assert {name: facts(rule) for name, rule in SHIPPED.items()} == {name: facts(rule) for name, rule in wanted.items()}


@pytest.mark.system
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command", [("check", "rules", "pmo_watch.rules.yml"), ("test", "rules", "pmo_watch_test.yml")]
)
def test_promtool_accepts_the_rules_and_their_tests(command: tuple[str, ...]) -> None:
    promtool = debian_program("promtool", "prometheus")

    done = subprocess.run([promtool, *command], cwd=FOLDER, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


# --- the service ------------------------------------------------------------------------------------------------------


def test_unit_is_started_told_and_watched_as_the_daemon_expects() -> None:
    lines = UNIT.read_text().splitlines()

    assert "Type=notify" in lines
    assert "WatchdogSec=60" in lines
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines
    assert "RestartPreventExitStatus=2" in lines
    assert any(line.startswith("LoadCredential=") for line in lines)
    stop = next(int(line.partition("=")[2]) for line in lines if line.startswith("TimeoutStopSec="))
    assert stop > 5, "the daemon needs up to five seconds"


@pytest.mark.system
def test_systemd_accepts_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not here")
    # What it starts is not installed where tests run.
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/pmo-watch/bin/pmo-watch", "/bin/true"))

    checked = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=15", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0
    assert UNIT.name not in checked.stderr
    assert judged.returncode == 0, judged.stdout[-200:]
