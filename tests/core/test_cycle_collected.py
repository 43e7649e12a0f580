"""What was collected, from files to alerts: contradictions that outlive a restart, and a source that is not read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pmo_watch.cycle import Engine
from pmo_watch.in_force import load
from pmo_watch.store import Store, open_store

NOW = datetime(2026, 10, 2, 8, tzinfo=UTC)  # a Friday, ten o'clock in Brussels
QUARTER = timedelta(minutes=15)
SOURCES = ["register", "finance"]
SETTINGS = """\
organisation: {timezone: Europe/Brussels, calendar: be}
database: {url: "sqlite:///pmo-watch.db"}
rules: rules.d
conflict_over: {dates: 10 wd, numbers: 5 %}
sources:
  register: {type: csv_file, path: register, settle_seconds: 0, accept_shrink: true}
  finance: {type: csv_file, path: finance/projects.csv, settle_seconds: 0}
notifiers: {}
"""
RULES = """\
version: 1
owner: pmo@pmo.test
audiences: {pmo: {email: pmo@pmo.test}}
rules:
  - id: contradictory
    name: Data contradict themselves
    measure: project.contradictions
    tell: {amber: [pmo], red: [pmo]}
  - id: unread
    name: A source is not read
    for_each: source
    measure: source.sync_age
    tell: {amber: [pmo], red: [pmo]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with settings and rules; nothing contradicts anything."""
    for part in ("register", "finance", "rules.d"):
        (tmp_path / part).mkdir()
    (tmp_path / "pmo-watch.yaml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "rules.d" / "rules.yaml").write_text(RULES, encoding="utf-8")
    save(tmp_path, "register/projects.csv", "project_id;name;state;forecast_finish", "P1;Atlas;executing;2026-12-04")
    save(tmp_path, "register/risks.csv", RISKS, "R1;P1;Late;approved;3", "R2;P1;Thin;approved;2")
    save(tmp_path, "finance/projects.csv", FINANCE, "P1;Atlas;54000;2026-12-11")
    return tmp_path


RISKS = "risk_id;project_id;title;status;impact"
FINANCE = "project_id;name;actual_cost;forecast_finish"


def save(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    """Give the folder's store."""
    opened = open_store(f"sqlite:///{folder / 'pmo-watch.db'}")
    yield opened
    opened.close()


class Office:
    """Cycles over the folder, a quarter of an hour apart."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store, self.now = folder, store, NOW
        self.engine = self.started()

    def started(self) -> Engine:
        in_force = load(self.folder / "pmo-watch.yaml")
        assert in_force.loaded.faults == ()
        return Engine(self.store, in_force)

    def cycle(self, *due: str) -> dict[str, tuple[str, float | None]]:
        """Read these sources and return level and value of each open alert, by rule."""
        self.now += QUARTER
        self.engine.cycle(self.now, due)
        assert [one.error for one in self.store.sources().values() if one.error] == []
        alerts = [one for one in self.store.alerts() if one.closed_at is None]
        return {one.rule: (one.level or "", one.value) for one in alerts if one.rule in {"contradictory", "unread"}}


@pytest.fixture
def office(folder: Path, store: Store) -> Office:
    return Office(folder, store)


def test_what_agrees_is_no_alert(office: Office) -> None:
    assert office.cycle(*SOURCES) == {}


def test_two_sources_that_disagree_raise_an_alert_and_agree_again(office: Office) -> None:
    office.cycle(*SOURCES)

    save(office.folder, "finance/projects.csv", FINANCE, "P1;Atlas;54000;2027-01-29")
    assert office.cycle(*SOURCES) == {"contradictory": ("amber", 1)}

    save(office.folder, "finance/projects.csv", FINANCE, "P1;Atlas;54000;2026-12-18")
    assert office.cycle(*SOURCES) == {}, "ten working days are what the settings allow"


def test_a_value_that_was_left_out_counts_until_its_file_is_mended(office: Office) -> None:
    save(office.folder, "register/risks.csv", RISKS, "R1;P1;Late;approved;enormous", "R2;P1;Thin;approved;2")
    assert office.cycle(*SOURCES) == {"contradictory": ("amber", 1)}

    save(office.folder, "register/projects.csv", "project_id;name;state", "P1;Atlas;executing")
    assert office.cycle(*SOURCES) == {"contradictory": ("amber", 1)}, "the list of risks was not read anew"
    office.engine = office.started()
    assert office.cycle(*SOURCES) == {"contradictory": ("amber", 1)}, "a restart forgets nothing"

    save(office.folder, "register/risks.csv", RISKS, "R1;P1;Late;approved;4", "R2;P1;Thin;approved;2")
    assert office.cycle(*SOURCES) == {}


def test_an_open_risk_that_is_gone_counts_and_one_that_was_closed_does_not(office: Office) -> None:
    save(
        office.folder,
        "register/risks.csv",
        RISKS,
        "R1;P1;Late;closed;3",
        "R2;P1;Thin;approved;2",
        "R3;P1;New;approved;2",
    )
    office.cycle(*SOURCES)
    save(office.folder, "register/risks.csv", RISKS, "R3;P1;New;approved;2")
    assert office.cycle(*SOURCES) == {}, "missing once, they are still there"

    save(office.folder, "register/risks.csv", RISKS, "R3;P1;New;approved;3")
    assert office.cycle(*SOURCES) == {"contradictory": ("amber", 1)}
    office.engine = office.started()
    assert office.cycle(*SOURCES) == {"contradictory": ("amber", 1)}


def test_progress_that_fell_counts_until_the_row_changes_again(office: Office) -> None:
    header = "task_id;project_id;name;forecast_start;forecast_finish;progress"
    for progress, expected in ((60, {}), (40, {"contradictory": ("amber", 1)}), (45, {})):
        save(office.folder, "register/tasks.csv", header, f"T1;P1;Build;2026-09-01;2026-11-02;{progress}")
        assert office.cycle(*SOURCES) == expected


def test_a_source_that_is_not_read_for_working_days_raises_an_alert(office: Office) -> None:
    office.cycle(*SOURCES)

    office.now = NOW + timedelta(days=3)  # Monday
    assert office.cycle("register") == {}
    office.now = NOW + timedelta(days=4)
    assert office.cycle("register") == {"unread": ("amber", 48)}
    office.now = NOW + timedelta(days=5)
    assert office.cycle("register") == {"unread": ("red", 72)}

    assert office.cycle(*SOURCES) == {}


def test_a_source_that_is_switched_off_or_taken_out_is_not_waited_for(office: Office) -> None:
    config = office.folder / "pmo-watch.yaml"
    office.cycle(*SOURCES)

    for rest in ("enabled: false, settle_seconds: 0}", None):
        lines = SETTINGS.splitlines()
        finance = next(one for one in lines if "finance:" in one)
        lines = [one if one != finance else finance.replace("settle_seconds: 0}", rest or "") for one in lines]
        config.write_text("\n".join(one for one in lines if rest or "finance:" not in one), encoding="utf-8")
        office.engine, office.now = office.started(), NOW + timedelta(days=7)
        assert office.cycle("register") == {}
