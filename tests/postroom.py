"""Cycles of advance and route over a small portfolio; between two of them everything kept goes through text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from factories import BE, MONDAY, a_finding, a_rule, a_snapshot, a_source, findings_of
from pydantic import TypeAdapter

from pmo_watch.acknowledgements import Wanted, acknowledge
from pmo_watch.advance import Advanced, advance
from pmo_watch.alerts import Alert, Left, Message, Silence, Thread, Told, Transition, WaitingMessage
from pmo_watch.audiences import Channels
from pmo_watch.flow import Findings, Outcome
from pmo_watch.own_rules import SOURCE_FAILING, own_findings
from pmo_watch.rollup import SCHEMA
from pmo_watch.route import Changes, Ledger, Routed, route
from pmo_watch.rules import Audience, Digest, Rule, RuleSet
from pmo_watch.standing import LookBack
from pmo_watch.workdays import Calendar

CHANNELS = Channels(addressed=("mail",), posted=("teams",))
AUDIENCES = {
    "project_leader": Audience("project_leader", role="project_leader", deliver={"amber": "at once", "red": "at once"}),
    "pmo": Audience("pmo", email="pmo@example.org", deliver={"amber": "daily", "red": "daily", "grey": "daily"}),
    "programme_manager": Audience(
        "programme_manager", role="programme_manager", deliver={"amber": "weekly", "red": "at once"}
    ),
    "committee": Audience("committee", role="management_committee", deliver={"amber": "never", "red": "monthly"}),
    "channel": Audience("channel", notifier="teams", deliver={"red": "at once"}),
}
DIGESTS = {
    "daily": Digest("daily", "08:30", "every working day"),
    "weekly": Digest("weekly", "08:30", "monday"),
    "monthly": Digest("monthly", "08:30", "5 wd before management_committee"),
}


def mail(name: str) -> str:
    """Return the uid of a person."""
    return f"person:{name}@example.org"


def a_person(name: str, **parts: Any) -> dict[str, Any]:
    """Return a person of that name."""
    return {"uid": mail(name), "name": name.title(), "email": f"{name}@example.org", **parts}


@dataclass
class Kept:
    """What the store keeps, as text."""

    alerts: list[Alert] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    waiting: list[WaitingMessage] = field(default_factory=list)
    marks: list[tuple[str, str, str]] = field(default_factory=list)


KEPT = TypeAdapter(Kept)


class PostRoom:
    """Milestones M1, M2 ... of two projects; `states` says what is found of each in the next cycle."""

    def __init__(self, *rules: Rule, now: datetime = MONDAY) -> None:
        self.rules = RuleSet(
            {one.id: one for one in rules or (a_rule(),)}, dict(AUDIENCES), dict(DIGESTS), owners={"10.yaml": ""}
        )
        self.former: RuleSet | None = None
        self.people = [a_person("ann"), a_person("bob"), a_person("cleo"), a_person("dora")]
        self.projects: dict[str, dict[str, Any]] = {
            "A": {"uid": "project:a", "code": "A", "name": "Atlas", "leader": mail("ann"), "program": "program:n"},
            "B": {"uid": "project:b", "code": "B", "name": "Boreas", "leader": mail("ann"), "program": "program:n"},
        }
        self.program = {"uid": "program:n", "id": "N", "name": "Nova", "manager": mail("cleo")}
        self.roles: list[dict[str, Any]] = []
        self.calendars: dict[str, Calendar] = {"be": BE}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.states: dict[str, str] = {}
        self.found_on = "plans:task:{}"  # uid of what findings are on
        self.missing: set[str] = set()  # rows that the last reading lacked for the first time
        self.source = a_source(last_good=now)
        self.now = now
        self.reading = 0
        self.channels = CHANNELS
        self.faults: dict[str, tuple[str, str]] = {}  # channels that do not work
        self.colours: dict[str, str] = {}  # project uid -> overall colour
        self.look_back = LookBack()
        self.text = KEPT.dump_json(Kept())
        self.sent: list[Message] = []  # accepted by the channel
        self.accepted: list[tuple[datetime, Message]] = []  # the same, each with when it left
        self.outbox: dict[str, Message] = {}  # waiting for their hour
        self.last = Routed()
        self.transitions: list[Transition] = []

    def cycle(self, hours: float = 24, **states: str) -> list[Message]:
        """Let time pass, deliver what is due, run a cycle on a new reading, and return the messages it wrote."""
        self.now += timedelta(hours=hours)
        self.deliver()
        self.states |= states
        self.reading += 1
        kept = self.kept
        sources = {"plans": replace(self.source, reading=self.reading)}
        snapshot = a_snapshot(self.now, self._rows(), sources, calendars=self.calendars)
        findings = [self._found(rule) for rule in self.rules.rules.values() if rule.id != SOURCE_FAILING.id]
        findings += own_findings(snapshot, {}) if SOURCE_FAILING.id in self.rules.rules else []
        made = advance(kept.alerts, findings, self.rules, snapshot)
        self.transitions += made.transitions
        ledger = self._ledger(kept)
        changes = Changes(made.transitions, made.current, findings, made.flapping, self._colours())
        self.last = route(changes, ledger, self.rules, snapshot, self.channels, self.former)
        self._keep(kept, made)
        return list(self.last.messages)

    def _colours(self) -> pl.DataFrame:
        rows = [{"project": uid, "dimension": "overall", "state": state} for uid, state in self.colours.items()]
        return pl.DataFrame(rows, schema=SCHEMA)

    def _rows(self) -> dict[str, Sequence[Mapping[str, Any]]]:
        usable = self.source.outcome == Outcome.COMPLETE
        tasks = [
            {
                "uid": f"plans:task:{name}",
                "id": name,
                "name": f"Step {name}",
                "project": "project:b" if name.startswith("B") else "project:a",
                "@usable": usable and name not in self.missing,
            }
            for name in self.states
        ]
        return {
            "task": tasks,
            "person": self.people,
            "role": self.roles,
            "project": list(self.projects.values()),
            "program": [self.program],
            "source": [{"uid": "source:plans", "id": "plans"}],
            **self.rows,
        }

    def _found(self, rule: Rule) -> Findings:
        usable = self.source.outcome == Outcome.COMPLETE
        return findings_of(
            rule.id,
            *(
                a_finding(
                    self.found_on.format(name),
                    state,
                    usable=usable and name not in self.missing,
                    reading=self.reading,
                    value=12.0,
                )
                for name, state in self.states.items()
                if state != "gone"
            ),
        )

    def _ledger(self, kept: Kept) -> Ledger:
        marks = {(kind, key): text for kind, key, text in kept.marks}
        told, waiting, left = kept.told, kept.waiting, self._left()
        return Ledger(told, kept.silences, waiting, kept.threads, marks, self.faults, self.look_back, left=left)

    def _keep(self, kept: Kept, made: Advanced) -> None:
        alerts = {one.id: one for one in (*kept.alerts, *made.alerts)}
        kept.alerts = [one for one in alerts.values() if one.closed_at is None or one.recent]
        told = {(one.alert, one.recipient, one.notifier): one for one in kept.told}
        for one in self.last.told_removed:
            del told[one.alert, one.recipient, one.notifier]
        told |= {(one.alert, one.recipient, one.notifier): one for one in self.last.told_added}
        kept.told = list(told.values())
        silences = {one.id: one for one in (*kept.silences, *self.last.silences)}
        kept.silences = [one for one in silences.values() if not one.ended or one.ended_by]
        threads = {(one.notifier, one.recipient, one.project): one for one in kept.threads}
        threads |= {
            (one.notifier, one.recipient, one.project): replace(one, subject=f"subject of {one.number}")
            for one in self.last.threads
        }
        kept.threads = list(threads.values())
        marks = {(kind, key): text for kind, key, text in kept.marks}
        for mark, text in self.last.marks.items():
            marks.pop(mark, None)
            if text is not None:
                marks[mark] = text
        kept.marks = [(kind, key, text) for (kind, key), text in marks.items()]
        for gone in (*self.last.replaces, *(one for message in self.last.messages for one in message.replaces)):
            del self.outbox[gone]
        for message in self.last.messages:
            assert message.id not in self.outbox
            self.outbox[message.id] = message
        self.deliver()
        kept.waiting = [
            WaitingMessage(one.id, one.recipient, one.notifier, one.not_before, one.facts)
            for one in self.outbox.values()
            if one.kind == "alert" and one.not_before is not None
        ]
        self.text = KEPT.dump_json(kept)

    def _left(self) -> list[Left]:
        """Return when alerts and digests left in the last two days, or are to leave."""
        waits = [(one.not_before or self.now, one) for one in self.outbox.values()]
        said = [(at, one) for at, one in (*self.accepted, *waits) if one.kind != "notice"]
        recent = self.now - timedelta(days=2)
        return [Left(one.id, one.recipient, one.notifier, at, one.facts) for at, one in said if at >= recent]

    def deliver(self) -> None:
        """Let the channels accept what is due."""
        due = [one for one in self.outbox.values() if one.not_before is None or one.not_before <= self.now]
        self.sent += due
        self.accepted += [(one.not_before or self.now, one) for one in due]
        for one in due:
            del self.outbox[one.id]
        if due:
            kept = KEPT.validate_json(self.text)
            kept.waiting = [one for one in kept.waiting if one.id in self.outbox]
            self.text = KEPT.dump_json(kept)

    @property
    def kept(self) -> Kept:
        """What the store keeps now."""
        return KEPT.validate_json(self.text)

    def audience(self, name: str, **parts: Any) -> None:
        """Add an audience, or put another one in its place."""
        self.rules = replace(self.rules, audiences={**self.rules.audiences, name: Audience(name, **parts)})

    def silence(self, hours: float, rule: str = "", project: str = "") -> None:
        """Add a silence from now on."""
        kept = self.kept
        until = self.now + timedelta(hours=hours)
        kept.silences.append(Silence(f"s{len(kept.silences)}", "pmo", "why", until, self.now, rule, project))
        self.text = KEPT.dump_json(kept)

    def acknowledge(self, days: int, promised: int | None = None) -> None:
        """Acknowledge every open alert for so many days, and promise a date so many days ahead."""
        kept = self.kept
        today = self.now.date()
        new_date = today + timedelta(days=promised) if promised is not None else None
        wanted = Wanted(today + timedelta(days=days), "pmo", "because", new_date=new_date)
        for number, alert in enumerate(kept.alerts):
            if alert.level is not None and alert.closed_at is None:
                done = acknowledge(alert, wanted, self.now, today)
                kept.alerts[number] = done.alert if done else alert
        self.text = KEPT.dump_json(kept)


def said(messages: Sequence[Message]) -> list[tuple[str, list[str]]]:
    """Return, for each message, whom it goes to and what it says of which subject."""
    return [
        (
            one.recipient.removeprefix("person:").partition("@")[0],
            [f"{item.subject_id} {item.reason} {item.level}" for item in one.items],
        )
        for one in messages
    ]
