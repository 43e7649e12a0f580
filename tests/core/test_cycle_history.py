"""Weekly files of a plan that are there before the first start: its trend is known at once, and told once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from office import cycle
from plans import plan, task, write

from pmo_watch.cycle import Engine
from pmo_watch.errors import StoreError
from pmo_watch.in_force import load
from pmo_watch.store import OutboxQuery, Store, TransitionQuery, open_store, outbox

NOW = datetime(2026, 10, 5, 8, tzinfo=UTC)  # a Monday
BASELINE = date(2026, 12, 31)
GUID = "0a1b2c3d-0000-4000-8000-000000000001"
MILESTONE = f"plans:task:{GUID}/1"
SETTINGS = """\
organisation: {{timezone: Europe/Brussels, calendar: be}}
database: {{url: "{url}"}}
rules: rules.d
calendars:
  be: {{country: BE}}
sources:
  plans: {{type: ms_project, path: "plans/*.xml", key: UID, import_history: {history}}}
notifiers:
  mail: {{type: email, host: 127.0.0.1, port: 1, from: pmo-watch@pmo.test, starttls: off}}
"""
RULES = """\
version: 1
owner: owner@pmo.test
audiences:
  pmo: {email: pmo@pmo.test, amber: at once, red: at once}
rules:
  - id: trend
    name: {en: The forecast moves later from week to week}
    for_each: milestone
    measure: milestone.slip_streak
    amber: at least 2 periods
    red: at least 3 periods
    recover: at most 0 periods
    tell: {amber: [pmo], red: [pmo]}
  - id: slip
    name: {en: Milestone slips against its first baseline}
    for_each: milestone
    measure: milestone.slip
    with: {baseline: first}
    amber: over 5 wd
    red: over 100 wd
    recover: at most 3 wd
    tell: {amber: [pmo], red: [pmo]}
"""


class Archive:
    """A folder to which a plan is saved every Friday under another name, its milestone a week later each time."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        (folder / "rules.d").mkdir()
        (folder / "rules.d" / "rules.yaml").write_text(RULES, encoding="utf-8")
        self.settings(history=True)

    def settings(self, *, history: bool) -> None:
        """Write the settings."""
        text = SETTINGS.format(url=self.url, history=str(history).lower())
        (self.folder / "pmo-watch.yaml").write_text(text, encoding="utf-8")

    def save(self, week: int, *more: str) -> None:
        """Save the plan as it is so many weeks before the last Friday, with tasks of these names."""
        at = NOW - timedelta(days=3 + 7 * week)
        finish = date(2027, 1, 29) - timedelta(days=7 * week)
        agreed = {"Number": 0, "Start": f"{BASELINE}T17:00:00", "Finish": f"{BASELINE}T17:00:00"}
        times = {"Start": f"{finish}T17:00:00", "Finish": f"{finish}T17:00:00", "Duration": "PT0H0M0S"}
        key = task(1, "Go-live", Milestone=1, Baseline=agreed, **times)
        rows = [task(number, name) for number, name in enumerate(more, 2)]
        text = plan(key, *rows, Title="Atlas", GUID=GUID, StatusDate=f"{at:%Y-%m-%d}T17:00:00")
        write(self.folder / "plans" / f"atlas-{40 - week}.xml", text, at=at.timestamp())

    def engine(self, store: Store) -> Engine:
        """Return an engine as after a start."""
        return Engine(store, load(self.folder / "pmo-watch.yaml"))


@pytest.fixture
def archive(tmp_path: Path, store_url: str) -> Archive:
    """Return the archive over a database of its own."""
    return Archive(tmp_path, store_url)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give the archive's store."""
    opened = open_store(store_url)
    yield opened
    opened.close()


def findings(engine: Engine) -> dict[str, tuple[str, float | None]]:
    """Return colour and value of the milestone under each rule, as the last cycle found them."""
    assert engine.report is not None
    frames = {one.rule: one.frame.filter(pl.col("uid") == MILESTONE) for one in engine.report.findings}
    return {rule: frame.select("state", "value").row(0) for rule, frame in frames.items() if frame.height}


def forecast_as_of(store: Store, at: datetime) -> date | None:
    """Return the milestone's forecast as known at a moment; None where nothing was known."""
    tasks = store.rows(at).get("plans", {}).get("task", pl.DataFrame({"uid": [""], "forecast_finish": [None]}))
    return tasks.filter(pl.col("uid").is_in([MILESTONE, ""]))["forecast_finish"][0]  # type: ignore[no-any-return]


def friday(week: int) -> datetime:
    """Return when the file of so many weeks ago was saved."""
    return NOW - timedelta(days=3 + 7 * week)


def test_the_first_cycle_knows_the_trend_and_opens_each_alert_once_and_now(archive: Archive, store: Store) -> None:
    for week in range(5):
        archive.save(week)
    engine = archive.engine(store)

    opened = cycle(engine, NOW)

    assert findings(engine) == {"trend": ("red", 4.0), "slip": ("amber", 20.0)}
    assert opened == ["opened Atlas", "opened Atlas"]
    assert {one.at for one in store.transitions(TransitionQuery())} == {NOW}
    assert {one.created_at for one in store.outbox(OutboxQuery())} == {NOW}


def test_each_friday_can_be_asked_for(archive: Archive, store: Store) -> None:
    for week in range(3):
        archive.save(week)

    cycle(archive.engine(store), NOW)

    finishes = [forecast_as_of(store, friday(week)) for week in (3, 2, 1, 0)]
    assert finishes == [None, date(2027, 1, 15), date(2027, 1, 22), date(2027, 1, 29)]
    assert [(one.number, one.read_at) for one in reversed(store.readings())] == [
        (0, friday(2)),
        (0, friday(1)),
        (1, friday(0)),
        (None, NOW),
    ]


def test_nothing_is_taken_in_again_after_a_restart(archive: Archive, store: Store) -> None:
    for week in range(4):
        archive.save(week)
    cycle(archive.engine(store), NOW)
    before, told = store.readings(), store.outbox(OutboxQuery())
    later = NOW + timedelta(hours=1)

    assert cycle(archive.engine(store), later) == []

    assert [one.number for one in store.readings() if one not in before] == [None]
    assert len(store.outbox(OutboxQuery())) == len(told)


def test_a_row_that_left_the_plan_long_ago_tells_nobody(archive: Archive, store: Store) -> None:
    archive.save(2, "Dropped")
    archive.save(1)
    archive.save(0)
    engine = archive.engine(store)

    cycle(engine, NOW)

    assert engine.report is not None
    assert engine.report.snapshot.frame("task")["name"].to_list() == ["Go-live"]
    assert {one.subject for one in store.transitions(TransitionQuery())} == {MILESTONE}
    assert store.rows(friday(2))["plans"]["task"]["name"].sort().to_list() == ["Dropped", "Go-live"]


def test_history_switched_on_later_fills_what_was_before_the_first_look(archive: Archive, store: Store) -> None:
    for week in range(4):
        archive.save(week)
    archive.settings(history=False)
    engine = archive.engine(store)
    cycle(engine, NOW)
    assert findings(engine)["trend"] == ("grey", None)
    assert "'import_history: true' takes it into the history" in store.sources()["plans"].degraded[0]

    archive.settings(history=True)
    engine = archive.engine(store)
    cycle(engine, NOW + timedelta(minutes=1))

    # This week's own reading stands: on Monday the plan said what it had said on Friday.
    assert findings(engine)["trend"] == ("green", 0.0)
    assert [forecast_as_of(store, friday(week)) for week in (3, 0)] == [date(2027, 1, 8), date(2027, 1, 29)]
    archive.save(-1)
    cycle(engine, friday(-1) + timedelta(hours=1))
    assert findings(engine)["trend"] == ("red", 4.0)


def test_an_older_file_that_comes_later_counts_although_the_plan_is_the_same(archive: Archive, store: Store) -> None:
    for week in (2, 1, 0):
        archive.save(week)
    engine = archive.engine(store)
    cycle(engine, NOW)
    archive.save(3)

    cycle(engine, NOW + timedelta(minutes=1))

    assert findings(engine)["trend"] == ("red", 3.0)
    assert store.sources()["plans"].reading == 1


def test_files_that_came_while_it_was_down_count_for_their_own_weeks(archive: Archive, store: Store) -> None:
    archive.save(3)
    cycle(archive.engine(store), friday(3) + timedelta(hours=1))
    for week in (2, 1, 0):
        archive.save(week)
    engine = archive.engine(store)

    cycle(engine, NOW)

    assert findings(engine)["trend"] == ("red", 3.0)
    assert forecast_as_of(store, friday(1)) == date(2027, 1, 22)


def test_a_cycle_that_cannot_be_written_leaves_no_history_behind(
    archive: Archive, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for week in range(3):
        archive.save(week)
    engine = archive.engine(store)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "write_messages", full)
        with pytest.raises(StoreError, match="the disk is full"):
            cycle(engine, NOW)

    assert (store.readings(), store.rows(NOW)) == ([], {})
    cycle(engine, NOW)
    assert forecast_as_of(store, friday(2)) == date(2027, 1, 15)
