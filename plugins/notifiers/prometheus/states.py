"""Findings and alerts, as families of metrics."""

import polars as pl
from pmo_watch_plugins.notifiers.prometheus.exposition import Family, family_of

from pmo_watch.api import Alert, CycleReport

FINDING_STATES = ("green", "amber", "red", "grey", "na")
ALERT_STATES = ("pending", "open", "unknown", "acknowledged", "silenced")
PRIVATE = frozenset({"person", "role"})  # personal data: counted, not listed


def finding_families(report: CycleReport) -> list[Family]:
    """Return findings and alerts counted per rule: zero-filled, so that 0 and no data differ."""
    rows = []
    for found in report.findings:
        counts = dict(found.frame["state"].value_counts().rows()) if found.frame.height else {}
        rows += [(found.rule, state, float(counts.get(state, 0))) for state in FINDING_STATES]
    schema = {"rule": pl.String(), "state": pl.String(), "value": pl.Float64()}
    findings = pl.DataFrame(rows, schema=schema, orient="row")
    text = "Findings of the last evaluation per rule and state, zero-filled."
    return [family_of("pmo_rule_findings", "gauge", text, ("rule", "state"), findings), _alerts_per_rule(report)]


def _alerts_per_rule(report: CycleReport) -> Family:
    counted = {
        (rule, level, state): 0.0 for rule in report.rules.rules for level in ("amber", "red") for state in ALERT_STATES
    }
    for alert in report.alerts:
        key = (alert.rule, level_of(alert), state_of(alert, report))
        counted[key] = counted.get(key, 0.0) + 1
    schema = {"rule": pl.String(), "level": pl.String(), "state": pl.String(), "value": pl.Float64()}
    frame = pl.DataFrame([(*key, value) for key, value in counted.items()], schema=schema, orient="row")
    text = "Alerts per rule, level and state, zero-filled."
    return family_of("pmo_rule_alerts", "gauge", text, ("rule", "level", "state"), frame)


def level_of(alert: Alert) -> str:
    """Return the level of an alert; of a pending one the level it is about to open with."""
    return alert.level or ("red" if alert.seen == "red" else "amber")


def state_of(alert: Alert, report: CycleReport) -> str:
    """Return one word although several may hold: the first of silenced, acknowledged, unknown, open."""
    if alert.level is None:
        return "pending"
    if alert.id in report.silenced:
        return "silenced"
    if alert.acknowledged_until:
        return "acknowledged"
    return "unknown" if alert.unknown_since else "open"


def alert_families(report: CycleReport, *, person_labels: bool) -> list[Family]:
    """Return the families with a series per alert."""
    shown = [one for one in report.alerts if person_labels or one.entity not in PRIVATE]
    rows = [
        (
            one.subject,
            one.rule,
            one.project_code,
            one.subject_id or one.subject,
            level_of(one),
            state_of(one, report),
            one.opened_at,
        )
        for one in shown
    ]
    words = ("@id", "rule", "project", "entity", "level", "state")
    frame = pl.DataFrame(
        rows, schema={**dict.fromkeys(words, pl.String()), "opened": pl.Datetime("us", "UTC")}, orient="row"
    )
    text = "1 for every alert that is not closed; the series ends with the alert."
    opened = frame.with_columns(value=pl.col("opened").dt.epoch("s").cast(pl.Float64))
    return [
        family_of("pmo_alerts", "gauge", text, words[1:], frame.with_columns(value=pl.lit(1.0))),
        family_of(
            "pmo_alert_since_timestamp_seconds",
            "gauge",
            "When the alert opened.",
            ("rule", "project", "entity"),
            opened,
        ),
    ]
