"""What `check` finds beyond faults, by code: examples that do not come true, and what nobody looks at any more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pmo_watch.contracts import Measure
from pmo_watch.derive import derive
from pmo_watch.entities import ENTITIES
from pmo_watch.evaluate import evaluate
from pmo_watch.faults import Fault
from pmo_watch.flow import Findings, Organisation, Snapshot
from pmo_watch.model import Kind
from pmo_watch.recurring import coming
from pmo_watch.rules import Audience, Example, Rule, RuleSet, State
from pmo_watch.view import PARENTS, ROWS_OF
from pmo_watch.workdays import Calendar

WARN_DAYS = 90  # before the end of a calendar
FALLBACKS = frozenset({"pmo", "ict"})  # told without being named: roles that nobody has, sources that fail
SOURCE = "example"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that works as it is and that somebody should look at; `file` and `line` where it stands in one."""

    text: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.file else self.text


# --- examples -----------------------------------------------------------------------------------------------------


def run_examples(
    rules: RuleSet,
    measures: Mapping[str, Measure[Any]],
    calendars: Mapping[str, Calendar],
    organisation: Organisation,
    today: date,
) -> list[Fault]:
    """Evaluate the examples of every rule on rows made of the fields they give, and return those that come out wrong.

    Conditions of `only_if` on fields that an example does not give count as met. What follows from the given fields,
    such as `done` or `committed_finish`, is computed as from a source.
    """
    faults = []
    for rule in rules.rules.values():
        for number, example in enumerate(rule.examples, 1):
            day = example.today or today
            said = _wrong(rule, example, example_snapshot(rule, example, calendars, organisation, day), measures)
            if said:
                which = f"example {number} of '{rule.id}' expects {example.expect}"
                faults.append(Fault(Path(rule.file), example.line or rule.line, 1, f"{which}, {said}"))
    return faults


def _wrong(rule: Rule, example: Example, snapshot: Snapshot, measures: Mapping[str, Measure[Any]]) -> str:
    """Return what came out instead, and why; empty when the example comes true."""
    found = found_in(rule, example, snapshot, measures)
    if found.failed:
        return f"and cannot be evaluated: {found.failed}"
    rows = found.rows(pl.col("uid") == example_uid(rule.for_each))
    finding = rows.to_dicts()[0] if rows.height else {"state": State.NA.value, "reason": "the row does not count"}
    state = finding["state"]
    if state == State.GREY and rule.no_data.state in {State.AMBER, State.RED} and rule.no_data.after is None:
        state = rule.no_data.state
    return "" if state == example.expect else f"got {state}: {_why(finding)}"


def found_in(rule: Rule, example: Example, snapshot: Snapshot, measures: Mapping[str, Measure[Any]]) -> Findings:
    """Return what a rule finds in the snapshot of one of its examples."""
    given = {name if "." in name else f"{rule.for_each}.{name}" for name in example.given}
    asked = replace(rule, only_if=tuple(test for test in rule.only_if if test.subject in given), enabled=True)
    (found,) = evaluate(RuleSet({rule.id: asked}), snapshot, measures).findings
    return found


def _why(finding: Mapping[str, Any]) -> str:
    if finding["reason"]:
        return str(finding["reason"])
    figure = f"{finding['measure']} is {finding['value']:.6f}".rstrip("0").rstrip(".")
    unit = finding["unit"] if finding["unit"] not in {"ratio", "count", "steps"} else ""
    met = f"which is {finding['threshold']}" if finding["threshold"] else "which meets no threshold"
    return f"{' '.join((figure, unit)).rstrip()}, {met}"


def example_uid(entity: str) -> str:
    """Return the uid of the row that an example is about."""
    return f"{SOURCE}:{entity}"


def example_snapshot(
    rule: Rule, example: Example, calendars: Mapping[str, Calendar], organisation: Organisation, today: date
) -> Snapshot:
    """Return a snapshot with the one row that an example describes, and the rows it refers to."""
    rows = _rows(rule.for_each, example.given)
    given = {name: _frame(name, rows.get(name, [])) for name in ENTITIES}
    stored = {
        name: frame.drop(one.name for one in ENTITIES[name].fields if one.computed) for name, frame in given.items()
    }
    derived = derive(stored, today, calendars, organisation, {})
    frames = {name: _as_given(name, frame, derived[name], rows.get(name, [])) for name, frame in given.items()}
    return Snapshot(datetime.combine(today, time(12), UTC), today, frames, calendars, organisation)


def _rows(for_each: str, given: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Return the rows of an example by entity: its own, and one for each thing it refers to."""
    own: Row = {"uid": example_uid(for_each)}
    rows: dict[str, list[Row]] = {ROWS_OF.get(for_each, for_each): [own]}
    for prefix, entity in {**PARENTS.get(for_each, {}), "project": "project"}.items():
        if prefix == for_each:
            continue
        other: Row = {"uid": f"{SOURCE}:{prefix}"}
        rows.setdefault(entity, []).append(other)
        own[prefix] = _named(ROWS_OF.get(for_each, for_each), prefix, other["uid"])
        _link(other, entity)
    for name, value in given.items():
        prefix, _, field = name.rpartition(".")
        row = next((one for some in rows.values() for one in some if one["uid"] == f"{SOURCE}:{prefix}"), own)
        row[field] = value
    return _that_count(for_each, own, rows)


def _link(row: Row, entity: str) -> None:
    """Let a row belong to the example's project, programme and portfolio."""
    for parent in ("project", "program", "portfolio"):
        if parent != entity and ENTITIES[entity].field(parent):
            row[parent] = _named(entity, parent, example_uid(parent))


def _named(entity: str, parent: str, uid: str) -> str | list[str]:
    """Return a row's reference as its field holds it: a board may belong to several projects."""
    field = ENTITIES[entity].field(parent)
    return [uid] if field and field.kind == Kind.LIST else uid


def _that_count(for_each: str, own: Row, rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Add what makes the row one that rules ask about."""
    if for_each == "milestone":
        own.setdefault("is_milestone", True)
    if for_each in {"role", "meeting", "kpi", "submission"}:
        own.setdefault("scope", example_uid("project"))
    if for_each == "role":
        own.setdefault("person", example_uid("person"))
    if for_each == "person":
        rows["role"] = [{"uid": example_uid("role"), "person": own["uid"]}]
    fields = {name: {one.name for one in ENTITIES[name].fields} for name in rows}
    return {
        name: [{key: value for key, value in row.items() if key in fields[name]} for row in some]
        for name, some in rows.items()
    }


def _frame(entity: str, rows: list[Row]) -> pl.DataFrame:
    engine = {"@usable": pl.Boolean(), "@reading": pl.Int64()}
    usual = {"source": SOURCE, "@usable": True, "@reading": 1}
    return pl.DataFrame([{**usual, **row} for row in rows], schema={**ENTITIES[entity].schema(), **engine}).sort("uid")


def _as_given(entity: str, given: pl.DataFrame, derived: pl.DataFrame, rows: list[Row]) -> pl.DataFrame:
    """Return the derived frame; computed fields that the example gives are as it says."""
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in given.schema.items() if name not in derived.columns]
    computed = [one.name for one in ENTITIES[entity].fields if one.computed and any(one.name in row for row in rows)]
    return derived.with_columns(absent).sort("uid").with_columns(given[name] for name in computed).select(given.columns)


# --- what nobody looks at -----------------------------------------------------------------------------------------


def remarks(rules: RuleSet, calendars: Mapping[str, Calendar], today: date) -> list[Remark]:
    """Return what somebody should look at: reviews that are due, audiences nobody tells, calendars that run out."""
    silences = _silences(rules, calendars, today)
    return [*_reviews(rules, today), *_untold(rules), *_unused(rules), *silences, *_ending(calendars, today)]


def _reviews(rules: RuleSet, today: date) -> Iterator[Remark]:
    for rule in rules.rules.values():
        if rule.enabled and rule.review_by and rule.review_by < today:
            text = f"'{rule.id}' was to be reviewed by {rule.review_by}: look at it again, then set a later 'review_by'"
            yield Remark(text, rule.file, rule.line)


def _untold(rules: RuleSet) -> Iterator[Remark]:
    """Yield rules that tell nobody, and audiences that a rule names at levels of which they are never told."""
    for rule in rules.rules.values():
        if not rule.enabled:
            continue
        named = {name: [level for level, names in rule.tell.items() if name in names] for name in _told(rule)}
        if not named:
            yield Remark(f"'{rule.id}' tells nobody: it has no 'tell'", rule.file, rule.line)
        for name, levels in named.items():
            audience = rules.audiences.get(name)
            if audience and not any(_hears(audience, level) for level in levels):
                said = " and ".join(levels)
                text = f"'{rule.id}' names the audience '{name}' for {said}, of which it is never told"
                yield Remark(text, rule.file, rule.line)
        yield from _unheard(rule, rules.audiences)


def _unheard(rule: Rule, audiences: Mapping[str, Audience]) -> Iterator[Remark]:
    """Yield steps of an escalation to audiences that are never told at the levels at which the step is taken."""
    for step in rule.escalate:
        levels = ("red",) if step.while_level == "red" else ("amber", "red")
        for name in step.to:
            known = audiences.get(name)
            if known and not any(_hears(known, level) for level in levels):
                text = f"'{rule.id}' escalates to '{name}' at {' and '.join(levels)}, of which it is never told"
                yield Remark(text, rule.file, rule.line)


def _silences(rules: RuleSet, calendars: Mapping[str, Calendar], today: date) -> Iterator[Remark]:
    """Yield recurring silences that never come again, and those for a tag that no rule has."""
    tags = {tag for rule in rules.rules.values() for tag in rule.tags}
    for one in rules.silences.values():
        if not coming(one, calendars, today):
            text = f"the calendar '{one.calendar}' has no day off ahead that the silence '{one.name}' could hold on"
            yield Remark(text, one.file, one.line)
        if one.tag and one.tag not in tags:
            yield Remark(f"the silence '{one.name}' is for the tag '{one.tag}', which no rule has", one.file, one.line)


def _told(rule: Rule) -> list[str]:
    return list(dict.fromkeys(name for names in rule.tell.values() for name in names))


def _hears(audience: Audience, level: str) -> bool:
    return audience.deliver.get(level, "never") != "never"


def _unused(rules: RuleSet) -> Iterator[Remark]:
    used = set(FALLBACKS)
    for rule in rules.rules.values():
        used |= {*_told(rule), *(name for step in rule.escalate for name in step.to)}
        used |= set(rule.remind.to) if rule.remind else set()
    for name in rules.audiences:
        if name not in used:
            yield Remark(f"no rule tells the audience '{name}'")


def _ending(calendars: Mapping[str, Calendar], today: date) -> Iterator[Remark]:
    for name, calendar in calendars.items():
        if calendar.last is not None and calendar.last < today + timedelta(days=WARN_DAYS):
            verb = "ended" if calendar.last < today else "ends"
            yield Remark(
                f"calendar '{name}' {verb} on {calendar.last}: give it later days; what is counted beyond is grey"
            )
