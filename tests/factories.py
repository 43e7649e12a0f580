"""A valid frame, snapshot, rule or finding in one call; every part can be replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.advance import Advanced, advance
from pmo_watch.alerts import Alert, Reason, Transition
from pmo_watch.entities import ENTITIES
from pmo_watch.flow import FINDING_SCHEMA, Findings, Organisation, Outcome, Snapshot, SourceState
from pmo_watch.rules import Rule, RuleSet
from pmo_watch.workdays import Calendar

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)  # ten o'clock in Brussels
BE = Calendar("be", closed=frozenset({date(2026, 11, 11), date(2026, 12, 25)}))
SUBJECT = "plans:task:M1"


def frame_of(entity: str, *rows: Mapping[str, Any]) -> pl.DataFrame:
    """Return a snapshot's frame; each row has `uid` and any fields of the entity."""
    engine = {"@usable": pl.Boolean(), "@reading": pl.Int64()}
    usual = {"source": "plans", "@usable": True, "@reading": 1}
    return pl.DataFrame([{**usual, **row} for row in rows], schema={**ENTITIES[entity].schema(), **engine}).sort("uid")


def a_snapshot(
    now: datetime = MONDAY,
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    sources: Mapping[str, SourceState] | None = None,
    **parts: Any,
) -> Snapshot:
    """Return what is known at that moment: these rows, read completely by the source `plans`."""
    organisation = Organisation(calendar="be")
    snapshot = Snapshot(
        now=now,
        today=now.astimezone(ZoneInfo(organisation.timezone)).date(),
        frames={entity: frame_of(entity, *some) for entity, some in (rows or {}).items()},
        calendars={"be": BE},
        organisation=organisation,
        sources=sources or {"plans": a_source(last_good=now)},
    )
    return replace(snapshot, **parts)


def a_source(name: str = "plans", **parts: Any) -> SourceState:
    """Return a source that was read completely."""
    return replace(SourceState(name, "ms_project", Outcome.COMPLETE, reading=1), **parts)


def a_rule(**parts: Any) -> Rule:
    """Return a rule on milestones that tells their project leader."""
    rule = Rule(
        id="slip",
        name={"en": "Milestone slips", "fr": "Jalon en glissement", "nl": "Mijlpaal loopt uit"},
        for_each="milestone",
        measures=(),
        tell={"amber": ("project_leader",), "red": ("project_leader",)},
        owner="pmo@example.org",
        version="v1",
    )
    return replace(rule, **parts)


def a_finding(uid: str = SUBJECT, state: str = "green", **parts: Any) -> dict[str, Any]:
    """Return a finding's row; green ones have recovered."""
    row = {
        "uid": uid,
        "state": state,
        "recovered": state == "green",
        "as_of": MONDAY.date(),
        "unit": "wd",
        "source": "plans",
        "usable": True,
        "reading": 1,
    }
    return {**row, **parts}


def findings_of(rule: str, *rows: Mapping[str, Any], failed: str = "") -> Findings:
    """Return what one rule found; amber, red and grey rows have evidence."""
    found = pl.DataFrame(list(rows), schema=FINDING_SCHEMA).sort("uid")
    shown = found.filter(pl.col("state").is_in(["amber", "red", "grey"])).select(
        "uid", baseline_finish=pl.lit("2026-11-02")
    )
    return Findings.of(rule, found, lambda uids: shown.filter(pl.col("uid").is_in(list(uids))), failed)


class Story:
    """One milestone and one rule, told evaluation by evaluation: what the store would keep is kept between them.

    Every day is another reading of the source, unless an evaluation says otherwise.
    """

    def __init__(self, rule: Rule | None = None, **milestone: Any) -> None:
        self.rule = rule or a_rule()
        self.row = {
            "uid": SUBJECT,
            "id": "M1",
            "name": "Go-live",
            "project": "project:nov-01",
            "is_milestone": True,
            **milestone,
        }
        self.project: dict[str, Any] = {"uid": "project:nov-01", "id": "1", "code": "NOV-01", "name": "Guichet"}
        self.rules: list[Rule] | None = None
        self.alerts: dict[str, Alert] = {}
        self.transitions: list[Transition] = []
        self.reading = 0
        self.now = MONDAY - timedelta(days=1)

    def see(self, state: str = "green", **parts: Any) -> list[Reason]:
        """Let the next day's reading give this finding, and return the reasons of what came of it."""
        self.reading += 1
        return self.tick(state, days=1, **parts)

    def tick(self, state: str = "green", *, days: int = 0, hours: int = 0, **parts: Any) -> list[Reason]:
        """Evaluate without a new reading, so much later."""
        outcome = parts.pop("outcome", Outcome.COMPLETE)
        self.now += timedelta(days=days, hours=hours)
        usable = parts.get("usable", outcome not in {Outcome.FAILED, Outcome.HELD})
        found = a_finding(state=state, **{"reading": self.reading, "usable": usable, **parts})
        here = [{**self.row, "@usable": usable, "@reading": self.reading}]
        return self.cycle(outcome, here, findings_of(self.rule.id, found))

    def gone(self, outcome: Outcome = Outcome.COMPLETE, *, in_frame: bool = False, **row: Any) -> list[Reason]:
        """Let the next day's findings be without the milestone; `in_frame`: the snapshot still has its row."""
        self.reading += 1
        self.now += timedelta(days=1)
        here = [{**self.row, "@reading": self.reading, **row}] if in_frame else []
        return self.cycle(outcome, here, findings_of(self.rule.id))

    def cycle(self, outcome: Outcome, rows: Sequence[Mapping[str, Any]], *findings: Findings) -> list[Reason]:
        """Run one cycle over these findings."""
        source = a_source(outcome=outcome, reading=self.reading, last_good=MONDAY)
        snapshot = a_snapshot(self.now, {"task": rows, "project": [self.project]}, {"plans": source})
        rules = self.rules if self.rules is not None else [self.rule]
        made = advance(self.kept, findings, RuleSet({one.id: one for one in rules}), snapshot)
        self.take(made)
        return [one.reason for one in made.transitions]

    def take(self, made: Advanced) -> None:
        """Keep what the store keeps."""
        self.alerts |= {one.id: one for one in made.alerts}
        self.transitions += made.transitions
        assert sorted(one.id for one in made.current) == sorted(one.id for one in self.open_or_pending)

    @property
    def kept(self) -> list[Alert]:
        """What the store gives to the next cycle."""
        return [one for one in self.alerts.values() if one.closed_at is None or one.recent]

    @property
    def open_or_pending(self) -> list[Alert]:
        """The alerts that are not closed."""
        return [one for one in self.alerts.values() if one.closed_at is None]

    @property
    def alert(self) -> Alert:
        """The alert that is pending or open."""
        (only,) = self.open_or_pending
        return only

    @property
    def said(self) -> str:
        """What the alert is, in a word: none, pending, amber, red; with `?` while unknown."""
        if not self.open_or_pending:
            return "none"
        return (self.alert.level or "pending") + ("?" if self.alert.unknown_since else "")
