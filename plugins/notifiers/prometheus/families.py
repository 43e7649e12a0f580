"""The families of the portfolio in the order they are served, with the words that are served (spec channels 4.5)."""

from collections.abc import Mapping

import polars as pl

from .exposition import Family

HELP: Mapping[str, str] = {
    "pmo_project_info": "Descriptive facts about a project; join on project.",
    "pmo_project_rag_level": (
        "Computed RAG as of the last evaluation: 0 green, 1 amber, 2 red; absent while grey or not applicable."
    ),
    "pmo_project_declared_rag_level": (
        "RAG declared by the project: 0 green, 1 amber, 2 red; absent when not declared."
    ),
    "pmo_projects": "Projects by computed RAG, zero-filled.",
    "pmo_project_schedule_performance_ratio": ("Schedule performance index: earned value divided by planned value."),
    "pmo_project_earned_schedule_performance_ratio": (
        "Time-based schedule performance index: earned schedule divided by actual time."
    ),
    "pmo_project_cost_performance_ratio": "Cost performance index: earned value divided by actual cost.",
    "pmo_project_progress_ratio": "Progress, 0 to 1.",
    "pmo_project_planned_value": "Planned value in the currency of the label.",
    "pmo_project_earned_value": "Earned value in the currency of the label.",
    "pmo_project_actual_cost": "Actual cost in the currency of the label.",
    "pmo_project_budget_at_completion": "Budget at completion in the currency of the label.",
    "pmo_project_estimate_at_completion": "Estimate at completion in the currency of the label.",
    "pmo_project_finish_baseline_timestamp_seconds": "Baseline finish, end of that civil day.",
    "pmo_project_finish_forecast_timestamp_seconds": "Forecast finish, end of that civil day.",
    "pmo_project_milestones": "Milestones by status, zero-filled.",
    "pmo_project_open_items": "Open risks, issues, actions, decisions and changes, zero-filled.",
    "pmo_project_snapshot_timestamp_seconds": "As-of time of the source data used in the last evaluation.",
    "pmo_milestone_info": "Descriptive facts about a milestone; join on project and milestone.",
    "pmo_milestone_baseline_timestamp_seconds": "Baseline finish of a milestone, end of that civil day.",
    "pmo_milestone_forecast_timestamp_seconds": "Forecast or actual finish of a milestone, end of that civil day.",
    "pmo_milestone_completed": "1 when the milestone is done, else 0.",
    "pmo_kpi_value": "Last accepted value of an indicator, in its own unit.",
    "pmo_kpi_observed_timestamp_seconds": "When the indicator value was observed at its provider.",
    "pmo_rule_findings": "Findings of the last evaluation per rule and state, zero-filled.",
    "pmo_rule_alerts": "Alerts per rule, level and state, zero-filled.",
    "pmo_alerts": "1 for every alert that is not closed; the series ends with the alert.",
    "pmo_alert_since_timestamp_seconds": "When the alert opened.",
}
# Whole families go when there are too many series, in this order; what is not named here stays (spec channels 4.4).
GIVEN_UP = (("pmo_milestone_",), ("pmo_kpi_",), ("pmo_alerts", "pmo_alert_since_"), ("pmo_project_",))


def family(name: str, labels: tuple[str, ...], frame: pl.DataFrame) -> Family:
    """Return one of the families: of the rows that have a `value`, a series each, named by their `labels`."""
    values = frame.select(*labels, pl.col("value").cast(pl.Float64))
    return Family(name, HELP[name], values.filter(pl.col("value").is_finite()))


def gauge(frame: pl.DataFrame, value: pl.Expr, name: str, *labels: str) -> Family:
    """Return a family with a series for each row of a frame for which `value` is known."""
    return family(name, labels, frame.with_columns(value=value))


def fitting(families: list[Family], most: int) -> tuple[list[Family], list[Family]]:
    """Part families into those that are served and those that go because there are too many series."""
    kept, gone = list(families), []
    for names in GIVEN_UP:
        if sum(one.series for one in kept) <= most:
            break
        gone += [one for one in kept if one.name.startswith(names)]
        kept = [one for one in kept if not one.name.startswith(names)]
    return kept, gone
