"""An alert of a rule that has none: from one of its examples, else at its threshold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pmo_watch.alerts import Alert, Item
from pmo_watch.finding_rows import rows_of
from pmo_watch.flow import Snapshot
from pmo_watch.in_force import InForce
from pmo_watch.lint import SOURCE, example_snapshot, example_uid, found_in
from pmo_watch.rules import Example, Judged, Quantity, Rule, State, Thresholds, Tolerance
from pmo_watch.words import words

Level = Literal["red", "amber"]
LEVELS: tuple[Level, ...] = ("red", "amber")
OPEN_DAYS = 3  # how long it has been open
_NAMES = frozenset({"id", "name", "title", "artefact", "email", "code"})


@dataclass(frozen=True, slots=True, eq=False)
class SampleAlert:
    """An alert that nobody has, the rows that it is about, what was found, and where it comes from."""

    alert: Alert
    snapshot: Snapshot
    finding: Mapping[str, Any]
    origin: str
    given: frozenset[str] = frozenset()  # the fields that the example gives

    def named(self, item: Item, language: str) -> Item:
        """Return its item with names where the example gives none: of the subject, the project, what stands above."""
        said, thing = words(language), item.rule.for_each
        subject = said.beginning(thing) if said.has(thing) else thing.replace("_", " ").capitalize()
        return replace(
            item,
            subject_id=item.subject_id if self.given & _NAMES else "1",
            subject_name=item.subject_name if self.given & _NAMES else f"{subject} 1",
            project_code=item.project_code if "project.code" in self.given else "PRJ-001",
            project_name=item.project_name if "project.name" in self.given else f"{said.beginning('project')} 1",
            program_name=item.program_name if "program.name" in self.given else "",
        )


def sample_alert(in_force: InForce, rule: Rule, level: Level, now: datetime) -> SampleAlert:
    """Return a made-up open alert of a rule."""
    for number, example in enumerate(rule.examples, 1):
        if example.expect.value == level:
            snapshot = _snapshot(in_force, rule, example, now)
            if finding := _found(in_force, rule, example, snapshot):
                origin = f"a sample: example {number} of the rule, line {example.line or rule.line} of {rule.file}"
                alert = _alert(rule, level, finding, now)
                return SampleAlert(alert, snapshot, finding, origin, frozenset(example.given))
    snapshot = _snapshot(in_force, rule, Example({}, State(level)), now)
    finding = {**_at_threshold(in_force, rule, level), "as_of": snapshot.today, "source": SOURCE, "state": level}
    origin = f"a sample at the threshold for {level}: no example of the rule comes out {level}"
    return SampleAlert(_alert(rule, level, finding, now), snapshot, finding, origin)


def worst_level(rule: Rule) -> Level:
    """Return the worst level that a rule knows."""
    known = (one for one in LEVELS if any(_thresholds(judged, one) for judged in rule.measures))
    return next(known, "red")


def _snapshot(in_force: InForce, rule: Rule, example: Example, now: datetime) -> Snapshot:
    today = example.today or now.astimezone(in_force.zone).date()
    return example_snapshot(rule, example, in_force.calendars, in_force.organisation, today)


def _found(in_force: InForce, rule: Rule, example: Example, snapshot: Snapshot) -> Mapping[str, Any]:
    """Return what the rule finds in the example; nothing where it cannot say."""
    uid = example_uid(rule.for_each)
    found = rows_of(found_in(rule, example, snapshot, in_force.plugins.measures), [uid])
    return found.get(uid, {})


def _alert(rule: Rule, level: Level, finding: Mapping[str, Any], now: datetime) -> Alert:
    began = now - timedelta(days=OPEN_DAYS)
    return Alert(
        id="0" * 16,
        rule=rule.id,
        subject=example_uid(rule.for_each),
        entity=rule.for_each,
        project=example_uid("project"),
        source=SOURCE,
        level=level,
        began_at=began,
        opened_at=began,
        since=began,
        value=finding.get("value"),
        unit=str(finding.get("unit") or ""),
    )


def _at_threshold(in_force: InForce, rule: Rule, level: Level) -> Mapping[str, Any]:
    """Return a finding whose value is that of the first threshold that holds a number."""
    for judged in rule.measures:
        known = judged.terms or in_force.plugins.measures[judged.measure]
        thresholds = _thresholds(judged, level)
        for part in thresholds.parts if thresholds else ():
            numbers = [found for one in part.condition.values if (found := _number(one)) is not None]
            if numbers and not part.on:
                value = float(numbers[0])
                shown = {"value": value, "limit": value, "threshold": part.condition.text}
                return {"measure": judged.measure, "unit": known.unit.value, **shown}
    return {"measure": rule.measures[0].measure if rule.measures else ""}


def _thresholds(judged: Judged, level: Level) -> Thresholds | None:
    return judged.red if level == "red" else judged.amber


def _number(value: object) -> Decimal | None:
    """Return the number of a threshold; of a tolerance the one that holds where nobody set any."""
    if isinstance(value, Tolerance):
        return value.default.number if value.default else None
    return value.number if isinstance(value, Quantity) else None
