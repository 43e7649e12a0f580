"""Rules about alerts: a second round over the alerts as the first one leaves them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from office import FRIDAY, NOW, Office, cycle

from pmo_watch.acknowledgements import Wanted
from pmo_watch.cycle import Engine
from pmo_watch.flow import COLOURS, Samples
from pmo_watch.operations import acknowledge_alerts
from pmo_watch.reload import Standing, mass
from pmo_watch.store import OutboxQuery, OutboxState, Settlement, Store, TransitionQuery

DAY = timedelta(days=1)
MONDAY = NOW + 3 * DAY
ABOUT = """\
version: 1
owner: owner@pmo.test
rules:
  - id: unread
    name: {en: Nobody acknowledged, nl: Niet bevestigd}
    measure: alert.unacknowledged
    amber: over 0 wd
    red: over 2 wd
    tell: {amber: [project_leader], red: [project_leader]}
  - id: no-plan
    name: Red without a plan
    measure: alert.red_without_plan
    only_if: {alert.about: milestone, project.code: P01}
    red: over 0 wd
    tell: {red: [project_leader]}
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office of two projects whose rules look at alerts."""
    office = Office(tmp_path)
    office.rules("20-alerts.yaml", ABOUT)
    return office


@pytest.fixture
def store(office: Office) -> Iterator[Store]:
    """Give the office's store."""
    opened = office.open()
    yield opened
    opened.close()


def changed(engine: Engine, now: datetime) -> list[str]:
    """Run a cycle and return what changed, as reason and rule."""
    draft = engine.cycle(now, list(engine.in_force.sources()))
    return [f"{one.reason.value} {one.alert.rule}" for one in draft.advanced.transitions]


def delivered(store: Store, now: datetime) -> None:
    """Accept every message that waits."""
    for row in store.lease(now, limit=50, seconds=60):
        store.settle(Settlement(row, OutboxState.ACCEPTED, now))


def test_alert_about_an_alert_opens_ages_and_ends_with_it(office: Office, store: Store) -> None:
    office.save("P01", 12)
    engine = Engine(store, office.load())

    assert changed(engine, NOW) == ["opened milestone-slip"]
    delivered(store, NOW)
    assert changed(engine, NOW + DAY) == []  # a Saturday
    assert changed(engine, MONDAY) == ["opened unread", "opened no-plan"]
    about = next(one for one in store.alerts() if one.rule == "unread")
    assert (about.entity, about.level, about.project_code) == ("alert", "amber", "P01")
    assert about.subject_name == "Milestone slips against its baseline: Go-live"
    office.save("P01", 0)
    assert changed(engine, MONDAY + DAY) == [
        "recovered milestone-slip",
        "entity_done unread",
        "entity_done no-plan",
    ]


def test_alerts_about_alerts_are_never_about_themselves(office: Office, store: Store) -> None:
    office.save("P01", 12)
    engine = Engine(store, office.load())
    for day in range(30):
        engine.cycle(NOW + day * DAY, list(engine.in_force.sources()))
        delivered(store, NOW + day * DAY)

    opened = [one.rule for one in store.transitions(TransitionQuery()) if one.reason == "opened"]

    assert sorted(opened) == ["milestone-slip", "no-plan", "unread"]


def test_acknowledgement_ends_the_alert_that_nobody_acknowledged(office: Office, store: Store) -> None:
    office.save("P01", 12)
    engine = Engine(store, office.load())
    cycle(engine)
    delivered(store, NOW)
    cycle(engine, MONDAY)

    (slips,) = [one.id for one in store.alerts() if one.rule == "milestone-slip"]
    word = Wanted(date(2026, 10, 30), "ann", "We are on it")
    acknowledge_alerts(store, [slips], word, MONDAY, engine.in_force.zone)

    assert changed(engine, MONDAY + timedelta(minutes=1)) == ["entity_done unread"]


def test_message_about_an_alert_goes_to_who_leads_its_project_in_their_words(office: Office, store: Store) -> None:
    office.save("P02", 8)
    engine = Engine(store, office.load())
    cycle(engine)
    delivered(store, NOW)

    cycle(engine, MONDAY)

    (message,) = store.outbox(OutboxQuery(states=[OutboxState.WAITING]))
    assert message.recipient_name == "P02 Leader"
    (leased,) = store.lease(MONDAY, limit=5, seconds=60)
    assert "Nobody acknowledged" in leased.rendered.text
    assert "Milestone slips against its baseline: Go-live" in leased.rendered.text


def test_removed_rule_about_alerts_closes_its_alerts(office: Office, store: Store) -> None:
    office.save("P01", 12)
    engine = Engine(store, office.load())
    cycle(engine)
    delivered(store, NOW)
    cycle(engine, MONDAY)

    office.rules("20-alerts.yaml", ABOUT.replace("id: unread", "id: other"))
    engine.swap(office.load(), {})

    assert changed(engine, MONDAY + timedelta(minutes=1)) == ["rule_removed unread", "opened other"]


def test_new_rules_about_alerts_count_in_what_a_reload_would_open(office: Office, store: Store) -> None:
    office.save("P01", 12)
    new = office.load()
    office.rules("20-alerts.yaml", "version: 1\nrules: []\n")
    old = office.load()
    engine = Engine(store, old)
    cycle(engine)
    delivered(store, NOW)
    cycle(engine, MONDAY)
    assert engine.report is not None

    standing = Standing(store.alerts(), store.told_on())
    assert mass(old, new, standing, engine.report.snapshot) == (2, 0)


def test_colours_of_a_cycle_are_kept_as_history(office: Office, store: Store) -> None:
    office.save("P01", 8)
    engine = Engine(store, office.load())
    cycle(engine)
    office.save("P01", 12, status=FRIDAY + 7 * DAY)
    cycle(engine, NOW + 7 * DAY)
    wish = Samples(COLOURS, "week", 3, ("overall", "schedule"))

    found = store.past([wish], NOW + 7 * DAY, engine.in_force.zone)[wish]

    assert found.filter(found["uid"] == "project:p01").select("period", "overall", "schedule").rows() == [
        ("2026-W40", "amber", "amber"),
        ("2026-W41", "red", "red"),
    ]


def test_defect_of_a_measure_about_alerts_is_counted_and_costs_no_other(office: Office, store: Store) -> None:
    def burst(*_: object) -> pl.DataFrame:
        raise ZeroDivisionError

    office.save("P01", 12)
    loaded = office.load()
    known = loaded.plugins.measures
    faulty = {**known, "alert.unacknowledged": replace(known["alert.unacknowledged"], measure=burst)}
    base = replace(loaded.base, plugins=replace(loaded.plugins, measures=faulty))
    told: list[tuple[str, str]] = []
    engine = Engine(store, replace(loaded, base=base), defect=lambda *what: told.append(what))
    cycle(engine)

    assert changed(engine, MONDAY) == ["opened no-plan"]
    assert ("measure", "alert.unacknowledged") in told
