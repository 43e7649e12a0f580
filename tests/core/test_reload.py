"""What a reload would do: everything, the rules alone, or nothing before a person agrees."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from office import NOW, Office, cycle

from pmo_watch.cycle import Engine
from pmo_watch.in_force import InForce
from pmo_watch.reload import Plan, Standing, plan_reload
from pmo_watch.store import MarkKind, Store


class Desk:
    """An office of four late projects after its first cycle."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder, projects=4, mass_change=2)
        for code in self.office.codes:
            self.office.save(code, 4)
        self.store: Store = self.office.open()
        self.old: InForce = self.office.load()
        self.engine = Engine(self.store, self.old)
        cycle(self.engine)

    def plan(self, *, approved: bool = False) -> Plan:
        """Plan a reload of what the folder holds now."""
        report = self.engine.report
        assert report is not None
        good = self.store.marks(MarkKind.RULE_TEXT)
        standing = Standing(self.store.alerts(), self.store.told_on())
        return plan_reload(self.old, good, standing, report.snapshot, approved=approved)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give the office."""
    made = Desk(tmp_path)
    yield made
    made.store.close()


def test_same_files_open_and_close_nothing(desk: Desk) -> None:
    plan = desk.plan()

    assert (plan.status, plan.text, plan.opens, plan.closes) == (200, "everything is in force", 0, 0)
    assert plan.counts == {"rules": 1, "opens": 0, "closes": 0, "stale_files": 0}


def test_mass_change_keeps_the_old_set_until_it_is_approved(desk: Desk) -> None:
    desk.office.slip_rule(amber="over 3 wd")

    waits, goes = desk.plan(), desk.plan(approved=True)

    assert (waits.status, waits.in_force, waits.opens, waits.closes) == (202, None, 4, 0)
    assert (goes.status, goes.opens) == (200, 4)
    assert goes.in_force is not None


def test_rule_that_goes_is_a_mass_change_too(desk: Desk) -> None:
    desk.old = desk.engine.in_force
    for code in desk.office.codes:
        desk.office.save(code, 12)
    cycle(desk.engine, NOW)
    (desk.office.folder / "rules.d" / "10-slip.yaml").unlink()

    plan = desk.plan()

    assert (plan.status, plan.opens, plan.closes) == (202, 0, 4)


def test_faulty_rule_file_keeps_its_text_and_the_others_are_taken_up(desk: Desk) -> None:
    desk.office.rules("10-slip.yaml", "version: 1\nrules: [")
    desk.office.rules("20-new.yaml", "version: 1\nowner: new@pmo.test\n")

    plan = desk.plan()

    assert plan.status == 422
    assert "10-slip.yaml:2" in plan.text
    assert plan.in_force is not None
    assert set(plan.in_force.rules.rules) == {"milestone-slip"}
    assert set(plan.in_force.rules.stale_files) == {"10-slip.yaml"}
    assert "20-new.yaml" in plan.in_force.loaded.texts


def test_faulty_settings_keep_the_old_ones_whole_and_rules_are_still_taken_up(desk: Desk) -> None:
    desk.office.config.write_text("sauces: {}\n")
    desk.office.slip_rule(red="over 9 wd")

    plan = desk.plan()

    assert plan.status == 422
    assert "'sauces' is not known here" in plan.text
    assert plan.in_force is not None
    assert plan.in_force.base is desk.old.base
    assert plan.in_force.rules.hash != desk.old.rules.hash
