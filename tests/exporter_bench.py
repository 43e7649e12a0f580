"""A portfolio that gives every family of metrics something to show, and an exporter that has rendered it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from factories import a_finding, a_rule, findings_of
from messages import an_alert
from metric_tables import family, read
from pmo_watch_plugins.notifiers.prometheus import Exporter, Settings
from prometheus_client.metrics_core import Metric
from snapshots import TODAY, snapshot

from pmo_watch.alerts import Alert
from pmo_watch.api import OwnMetrics
from pmo_watch.evaluate import evaluate
from pmo_watch.flow import SourceState
from pmo_watch.plugin_host import load_plugins
from pmo_watch.rules import RuleSet
from pmo_watch.telling import CycleReport

MEASURES = load_plugins(installed=False).measures
READ = datetime(2026, 5, 13, 6, 30, tzinfo=UTC)
SOURCES = {"plans": SourceState("plans", "ms_project", last_good=READ, as_of=date(2026, 5, 11))}
HARBOUR = {
    "code": "HB-017",
    "name": "Harbour Bridge",
    "program": "program:hb",
    "portfolio": "portfolio:infra",
    "leader": "person:ann",
    "state": "executing",
    "actual_start": date(2026, 3, 2),
    "baseline_start": date(2026, 3, 2),
    "baseline_finish": date(2026, 6, 30),
    "forecast_finish": date(2026, 7, 3),
    "progress": 69,
    "declared_rag": "amber",
    "declared_rag_cost": "green",
    "baseline_cost": 1000,
    "actual_cost": 700,
    "declared_eac": 1100,
    "status_date": date(2026, 5, 12),
    "@source:schedule": "plans",
}
ROWS: dict[str, list[dict[str, Any]]] = {
    "portfolio": [{"uid": "portfolio:infra", "id": "infrastructure"}],
    "program": [{"uid": "program:hb", "id": "HB"}],
    "person": [{"uid": "person:ann", "name": "Ann Smith"}],
    "project": [HARBOUR],
    "task": [
        {
            "uid": "plans:task:T1",
            "id": "T1",
            "name": "Piers",
            "progress": 50,
            "baseline_start": date(2026, 3, 2),
            "baseline_finish": date(2026, 5, 29),
            "baseline_cost": 1000,
        }
    ],
    "milestone": [
        {
            "uid": "plans:task:M1",
            "id": "M1",
            "name": "Go-live",
            "kind": "key",
            "baseline_finish": date(2026, 5, 1),
            "forecast_finish": date(2026, 5, 19),
        },
        {
            "uid": "plans:task:M2",
            "id": "M2",
            "name": "Start",
            "baseline_finish": date(2026, 3, 2),
            "actual_finish": date(2026, 3, 3),
        },
        {"uid": "plans:task:M3", "id": "M3", "name": "Opening"},
    ],
    "risk": [
        {"title": "Flood", "status": "approved", "target_date": date(2026, 5, 12)},
        {"title": "Storm", "status": "closed"},
    ],
    "decision": [{"title": "Paint", "needed_by": date(2026, 5, 13)}],
    "indicator": [{"uid": "indicator:trucks", "id": "trucks", "unit": "t"}],
    "observation": [
        {"indicator": "indicator:trucks", "scope": "project:p1", "period": "2026-03", "value": 40},
        {
            "indicator": "indicator:trucks",
            "scope": "project:p1",
            "period": "2026-04",
            "value": 42.5,
            "submitted_on": date(2026, 5, 4),
        },
        {"indicator": "indicator:trucks", "scope": "program:hb", "period": "2026-Q1", "value": 90},
    ],
}
COLOURS = [("schedule", "red"), ("cost", "green"), ("data", "grey"), ("overall", "red")]

OF_PROJECT, OF_MILESTONE = "project", "project, milestone"
# The table of spec channels 4.5.
FAMILIES = {
    name: family(kind, labels, text)
    for name, kind, labels, text in (
        (
            "pmo_project_info",
            "info",
            "project, name, portfolio, program, phase, state",
            "Descriptive facts about a project; join on project.",
        ),
        (
            "pmo_project_rag_level",
            "gauge",
            "project, dimension",
            "Computed RAG as of the last evaluation: 0 green, 1 amber, 2 red; absent while grey or not applicable.",
        ),
        (
            "pmo_project_declared_rag_level",
            "gauge",
            "project, dimension",
            "RAG declared by the project: 0 green, 1 amber, 2 red; absent when not declared.",
        ),
        ("pmo_projects", "gauge", "portfolio, dimension, rag", "Projects by computed RAG, zero-filled."),
        (
            "pmo_project_schedule_performance_ratio",
            "gauge",
            OF_PROJECT,
            "Schedule performance index: earned value divided by planned value.",
        ),
        (
            "pmo_project_earned_schedule_performance_ratio",
            "gauge",
            OF_PROJECT,
            "Time-based schedule performance index: earned schedule divided by actual time.",
        ),
        (
            "pmo_project_cost_performance_ratio",
            "gauge",
            OF_PROJECT,
            "Cost performance index: earned value divided by actual cost.",
        ),
        ("pmo_project_progress_ratio", "gauge", OF_PROJECT, "Progress, 0 to 1."),
        ("pmo_project_planned_value", "gauge", "project, currency", "Planned value in the currency of the label."),
        ("pmo_project_earned_value", "gauge", "project, currency", "Earned value in the currency of the label."),
        ("pmo_project_actual_cost", "gauge", "project, currency", "Actual cost in the currency of the label."),
        (
            "pmo_project_budget_at_completion",
            "gauge",
            "project, currency",
            "Budget at completion in the currency of the label.",
        ),
        (
            "pmo_project_estimate_at_completion",
            "gauge",
            "project, currency",
            "Estimate at completion in the currency of the label.",
        ),
        (
            "pmo_project_finish_baseline_timestamp_seconds",
            "gauge",
            OF_PROJECT,
            "Baseline finish, end of that civil day.",
        ),
        (
            "pmo_project_finish_forecast_timestamp_seconds",
            "gauge",
            OF_PROJECT,
            "Forecast finish, end of that civil day.",
        ),
        ("pmo_project_milestones", "gauge", "project, status", "Milestones by status, zero-filled."),
        (
            "pmo_project_open_items",
            "gauge",
            "project, kind, due",
            "Open risks, issues, actions, decisions and changes, zero-filled.",
        ),
        (
            "pmo_project_snapshot_timestamp_seconds",
            "gauge",
            "project, source",
            "As-of time of the source data used in the last evaluation.",
        ),
        (
            "pmo_milestone_info",
            "info",
            "project, milestone, name, kind",
            "Descriptive facts about a milestone; join on project and milestone.",
        ),
        (
            "pmo_milestone_baseline_timestamp_seconds",
            "gauge",
            OF_MILESTONE,
            "Baseline finish of a milestone, end of that civil day.",
        ),
        (
            "pmo_milestone_forecast_timestamp_seconds",
            "gauge",
            OF_MILESTONE,
            "Forecast or actual finish of a milestone, end of that civil day.",
        ),
        ("pmo_milestone_completed", "gauge", OF_MILESTONE, "1 when the milestone is done, else 0."),
        ("pmo_kpi_value", "gauge", "project, kpi, unit", "Last accepted value of an indicator, in its own unit."),
        (
            "pmo_kpi_observed_timestamp_seconds",
            "gauge",
            "project, kpi",
            "When the indicator value was observed at its provider.",
        ),
        (
            "pmo_rule_findings",
            "gauge",
            "rule, state",
            "Findings of the last evaluation per rule and state, zero-filled.",
        ),
        ("pmo_rule_alerts", "gauge", "rule, level, state", "Alerts per rule, level and state, zero-filled."),
        (
            "pmo_alerts",
            "gauge",
            "rule, project, entity, level, state",
            "1 for every alert that is not closed; the series ends with the alert.",
        ),
        ("pmo_alert_since_timestamp_seconds", "gauge", "rule, project, entity", "When the alert opened."),
    )
}
# In place of the project where an indicator is observed in a programme.
ALSO = {"pmo_kpi_value": {"program"}}
P = 'project="HB-017"'


class Noted:
    """The daemon's own metrics as an exporter sees them: one line, and a note of each rendering."""

    def __init__(self) -> None:
        self.renderings: list[tuple[int, int, datetime]] = []
        self.failures = 0

    def render(self, *, openmetrics: bool) -> bytes:
        """Return the daemon's part."""
        end = "# EOF\n" if openmetrics else ""
        return f"# HELP pmo_watch_leader 1.\n# TYPE pmo_watch_leader gauge\npmo_watch_leader 1.0\n{end}".encode()

    def exposed(self, series: int, dropped: int, seconds: float, at: datetime) -> None:
        """Note a rendering."""
        assert seconds > 0
        self.renderings.append((series, dropped, at))

    def not_exposed(self) -> None:
        """Note one that failed."""
        self.failures += 1


def some_alerts() -> list[Alert]:
    """Return alerts in every state, on milestones, a programme and a person."""
    of_project = {"project": "project:p1", "project_code": "HB-017"}
    return [
        an_alert(
            1, subject="plans:task:M1", subject_id="M1", acknowledged_until=TODAY, unknown_since=READ, **of_project
        ),
        an_alert(2, subject="plans:task:M3", subject_id="M3", level="amber", unknown_since=READ, **of_project),
        an_alert(3, subject="program:hb", subject_id="HB", entity="program", project=""),
        an_alert(4, subject="person:ann", subject_id="ann@example.org", entity="person", project=""),
        an_alert(5, subject="plans:task:M2", subject_id="M2", level=None, seen="red", opened_at=None, **of_project),
    ]


def a_report(
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None, alerts: Sequence[Alert] | None = None, **parts: Any
) -> CycleReport:
    """Return a finished cycle; every part can be replaced."""
    given: dict[str, Any] = {**ROWS, **(rows or {})}
    shown = snapshot(sources=SOURCES, **given)
    rules = RuleSet({"key-milestone-slip": a_rule(id="key-milestone-slip"), "late": a_rule(id="late", enabled=False)})
    slip = findings_of(
        "key-milestone-slip", a_finding("plans:task:M1", "red"), a_finding("plans:task:M3", "grey", reason="missing x")
    )
    measured = evaluate(RuleSet(), shown, MEASURES, Exporter(Settings(), None).wishes())
    colours = [("project:p1", *one) for one in COLOURS]
    usual: dict[str, Any] = {
        "number": 1,
        "started": READ,
        "ended": READ,
        "snapshot": shown,
        "rules": rules,
        "findings": (slip,),
        "alerts": some_alerts() if alerts is None else alerts,
        "transitions": (),
        "silenced": frozenset({f"{3:016x}"}),
        "measures": {(name, ""): frame for name, frame in measured.values.items()},
        "sources": SOURCES,
        "colours": pl.DataFrame(colours, schema=["project", "dimension", "state"], orient="row"),
    }
    return CycleReport(**{**usual, **parts})


def an_exporter(report: CycleReport | None = None, metrics: OwnMetrics | None = None, **settings: Any) -> Exporter:
    """Return an exporter that has rendered a cycle."""
    exporter = Exporter(Settings().model_copy(update=settings), metrics)
    exporter.cycle_finished(report or a_report())
    return exporter


def body(exporter: Exporter, *, openmetrics: bool = False) -> bytes:
    """Return the portfolio's part."""
    found: bytes = exporter._renderings[openmetrics].body
    return found


def exposed(exporter: Exporter, *, openmetrics: bool = False) -> dict[str, Metric]:
    """Return the portfolio's families as a parser reads them."""
    end = b"# EOF\n" if openmetrics else b""
    return read(body(exporter, openmetrics=openmetrics) + end, openmetrics=openmetrics)


def samples(exporter: Exporter, name: str) -> list[str]:
    """Return the lines of a family, without its name."""
    lines = body(exporter).decode().splitlines()
    return [line.removeprefix(name) for line in lines if line.startswith((f"{name}{{", f"{name} "))]


def series(exporter: Exporter) -> set[str]:
    """Return the names of the families that are served."""
    return set(exposed(exporter))


def again(report: CycleReport, **parts: Any) -> CycleReport:
    """Return the next cycle, which differs in these parts."""
    return replace(report, number=report.number + 1, **parts)
