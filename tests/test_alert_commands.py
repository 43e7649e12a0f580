"""What a PMO does with alerts on the command line: acknowledge with a promised date, silence, look before."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from test_cli import FAULTY, FINE, Ended, start

from pmo_watch.store import open_store

SETTINGS = """\
database: {url: "sqlite:///pmo-watch.db"}
rules: rules.d
calendars:
  be: {country: BE}
  closure: {file: closure.yaml}
sources:
  sheet: {type: csv_file, path: milestones.csv, profile: milestones, settle_seconds: 0}
  list: {type: csv_file, path: projects.csv, profile: projects, settle_seconds: 0}
notifiers:
  mail: {type: email, host: 127.0.0.1, port: 1, from: pmo-watch@example.org, starttls: off}
"""
RULES = """\
version: 1
owner: pmo@example.org
audiences:
  pmo: {email: pmo@example.org, amber: at once, red: at once}
  boss: {email: boss@example.org, red: at once}
  reader: {email: reader@example.org, red: weekly}
digests: {weekly: {on: monday}}
rules:
  - id: slip
    name: Milestone slips
    measure: milestone.slip
    tell: {red: [pmo, reader]}
    escalate: [{after: 5 wd, while: red, to: boss}]
"""
MILESTONES = """\
project_id,task_id,name,baseline_finish,forecast_finish
ATL,M1,Go live,2026-10-01,2026-12-20
ATL,M2,Pilot,2026-10-01,2026-12-20
BOR,M3,Bridge,2026-10-01,2026-12-20
"""
TODAY = date.today()  # noqa: DTZ011 - a command takes the day from the clock
UNTIL = ["--until", f"{TODAY + timedelta(days=20)}", "--why", "new date agreed", "--who", "ann"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three open red alerts in two projects."""
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "pmo-watch.yaml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "rules.d" / "10.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "milestones.csv").write_text(MILESTONES, encoding="utf-8")
    (tmp_path / "projects.csv").write_text("project_id,name\nATL,Atlas\nBOR,Boreas\n", encoding="utf-8")
    days = [TODAY + timedelta(days=days) for days in (-1, 0, 1)]
    (tmp_path / "closure.yaml").write_text(f"[{', '.join(map(str, days))}]\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, *commands: list[str]) -> list[Ended]:
    """Run a cycle that writes, then the commands, and return how these ended."""
    first, *ended = start(folder, ["once"], *commands)
    assert "Traceback" not in first.err
    return ended


def test_an_alert_is_acknowledged_with_a_promised_date(folder: Path) -> None:
    run(folder)
    with_id = _alert(folder)
    promised = f"{TODAY + timedelta(days=200)}"

    done, unfit, listed = start(
        folder,
        ["alerts", "ack", with_id, *UNTIL, "--new-date", promised],
        ["alerts", "ack", with_id, *UNTIL, "--new-date", f"{TODAY - timedelta(days=1)}"],
        ["alerts", "list", "--format", "json"],
    )

    assert (done.code, unfit.code) == (FINE, FAULTY)
    assert done.err.strip().endswith(f"new date promised: {promised}")
    assert "new_date: " in unfit.err
    assert [one["new_date"] for one in json.loads(listed.out) if one["id"] == with_id] == [promised]


def test_a_silence_is_looked_at_before_it_is_set(folder: Path) -> None:
    run(folder)
    silence = ["alerts", "silence", "--project", "ATL", *UNTIL]

    table, document, refused, listed = start(
        folder,
        [*silence, "--preview"],
        [*silence, "--preview", "--format", "json"],
        ["alerts", "silence", *UNTIL, "--preview"],
        ["alerts", "silences", "--format", "json"],
    )

    assert "it would hide 2 open alerts, and not tell 2 readers at once" in table.err
    assert all(text in table.out for text in ("Go live", "Pilot", "pmo@example.org", "boss@example.org"))
    assert "Bridge" not in table.out
    seen = json.loads(document.out)
    assert [one["address"] for one in seen["not_told"]] == ["boss@example.org", "pmo@example.org"]
    assert [one["subject_name"] for one in seen["hides"]] == ["Go live", "Pilot"]
    assert (refused.code, "a silence over everything is not offered" in refused.err) == (FAULTY, True)
    assert json.loads(listed.out) == []


def test_recurring_silences_are_listed_while_they_hold_and_before(folder: Path) -> None:
    later = TODAY + timedelta(days=40 if (TODAY + timedelta(days=40)).day < 29 else 43)  # never a 29 February
    then = later + timedelta(days=10)
    text = f"""
silences:
  closure: {{calendar: closure, why: The house is closed, match: {{project: ATL}}}}
  freeze: {{from: {later:%m-%d}, to: {then:%m-%d}, every: year, why: Nothing moves, match: {{tag: x}}}}
"""
    (folder / "rules.d" / "20.yaml").write_text(text, encoding="utf-8")

    (before,) = start(folder, ["alerts", "silences", "--format", "json"])
    kept, table = run(folder, ["alerts", "silences", "--format", "json"], ["alerts", "silences"])

    coming = {one["name"]: one for one in json.loads(before.out)}
    assert {name: one["who"] for name, one in coming.items()} == {"closure": "20.yaml", "freeze": "20.yaml"}
    assert coming["freeze"]["since"][:10] in {f"{later}", f"{later - timedelta(days=1)}"}  # in UTC
    assert {one["name"]: one["hides"] for one in json.loads(kept.out)} == {"closure": 2, "freeze": 0}
    assert "The house is closed" in " ".join(table.out.split())
    store = open_store(f"sqlite:///{folder / 'pmo-watch.db'}")
    assert [one.name for one in store.silences()] == ["closure"]
    store.close()

    (ended,) = start(folder, ["alerts", "unsilence", _only(kept, "closure")])
    (after,) = run(folder, ["alerts", "silences", "--format", "json"])
    assert ended.code == FINE
    assert [one["name"] for one in json.loads(after.out)] == ["freeze"]
    store = open_store(f"sqlite:///{folder / 'pmo-watch.db'}")
    assert [one.name for one in store.ended_by_hand()] == ["closure"]
    store.close()


def test_check_names_what_is_wrong_with_a_recurring_silence(folder: Path) -> None:
    text = """
silences:
  a: {calendar: closur, why: The house is closed, match: {project: ATL}}
  b: {from: 01-01, to: 06-30, every: year, why: Nothing moves, match: {project: ATL}}
  c: {from: 01-01, to: 01-30, every: year, why: Nothing moves, match: {}}
"""
    (folder / "rules.d" / "20.yaml").write_text(text, encoding="utf-8")

    (ended,) = start(folder, ["check"])

    assert ended.code == FAULTY
    assert "20.yaml:3:17: the settings have no calendar 'closur', did you mean 'closure'?" in ended.err
    assert "20.yaml:4:24: this is silent for 182 days" in ended.err
    assert "20.yaml:5:71: name a rule, a project, an entity or a tag" in ended.err


def _alert(folder: Path) -> str:
    store = open_store(f"sqlite:///{folder / 'pmo-watch.db'}")
    found = min(one.id for one in store.alerts())
    store.close()
    return found


def _only(ended: Ended, name: str) -> str:
    (found,) = (one["id"] for one in json.loads(ended.out) if one["name"] == name)
    return str(found)
