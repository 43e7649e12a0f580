"""One project, and the indicators that are collected."""

from .dashboards import KPI, PROGRAM, PROJECT_OF_PROGRAM, Page
from .dashboards import PROJECT as BY_PROJECT
from .panels import RAG, Panel, Query

FACTS = 'pmo_project_info{program=~"$program", project=~"$project"}'
AMOUNTS = {
    "planned value": "pmo_project_planned_value",
    "earned value": "pmo_project_earned_value",
    "actual cost": "pmo_project_actual_cost",
    "budget at completion": "pmo_project_budget_at_completion",
    "estimate at completion": "pmo_project_estimate_at_completion",
}
RATIOS = {
    "SPI": "pmo_project_schedule_performance_ratio",
    "SPI(t)": "pmo_project_earned_schedule_performance_ratio",
    "CPI": "pmo_project_cost_performance_ratio",
}
FINISHES = {
    "baseline": "pmo_project_finish_baseline_timestamp_seconds",
    "forecast": "pmo_project_finish_forecast_timestamp_seconds",
}


def of(figure: str) -> str:
    """Return a figure of the projects that are chosen."""
    return f"{figure} * on (project) group_left () {FACTS}"


def _colours(title: str, metric: str, says: str) -> Panel:
    return Panel(title, "timeline", [Query(of(metric), "{{project}} {{dimension}}")], 12, says, 10, words=RAG)


PROJECT = Page(
    "pmo-project",
    "PMO project",
    "One project, as of the last evaluation. Links in messages lead here.",
    [PROGRAM, PROJECT_OF_PROGRAM],
    [
        Panel(
            "Finish",
            "stat",
            [Query(f"({of(metric)}) * 1000", f"{{{{project}}}} {name}") for name, metric in FINISHES.items()],
            8,
            "The finish that was promised and the one expected now.",
            5,
            "dateTimeAsIso",
        ),
        Panel(
            "Progress",
            "stat",
            [Query(of("pmo_project_progress_ratio"), "{{project}}")],
            4,
            "Progress as the plan says it.",
            5,
            "percentunit",
        ),
        Panel(
            "Indices",
            "stat",
            [Query(of(metric), f"{{{{project}}}} {name}") for name, metric in RATIOS.items()],
            12,
            "Schedule and cost performance: 1 is as planned, less is worse.",
            5,
        ),
        _colours("Colour, computed", "pmo_project_rag_level", "Colours from the rules. A gap is grey: not assessable."),
        _colours(
            "Colour, declared",
            "pmo_project_declared_rag_level",
            "Colours as the project declares them. A gap: nothing is declared.",
        ),
        Panel(
            "Earned value",
            "lines",
            [Query(of(metric), f"{{{{project}}}} {name}, {{{{currency}}}}") for name, metric in AMOUNTS.items()],
            24,
            "Planned value, earned value and actual cost, with the budget and the estimate at completion.",
            10,
        ),
        Panel(
            "Open items",
            "areas",
            [Query(of("pmo_project_open_items"), "{{project}} {{kind}} {{due}}")],
            12,
            "Open risks, issues, actions, decisions and changes; overdue ones apart.",
        ),
        Panel(
            "Milestones",
            "areas",
            [Query(of("pmo_project_milestones"), "{{project}} {{status}}")],
            12,
            "Completed, open and overdue milestones.",
        ),
        Panel(
            "Alerts",
            "table",
            [Query(of("(pmo_alert_since_timestamp_seconds * 1000)")), Query(of("pmo_alerts"))],
            16,
            "Alerts that are not closed, and since when.",
            columns={
                "project": "Project",
                "rule": "Rule",
                "entity": "Of",
                "level": "Level",
                "state": "State",
                "Value #A": "Since",
            },
            units={"Value #A": "dateTimeAsIso"},
            empty="none",
        ),
        Panel(
            "Age of the data",
            "bars",
            [Query(f"time() - ({of('pmo_project_snapshot_timestamp_seconds')})", "{{project}} {{source}}")],
            8,
            "How old the data are that each source gave about the project.",
            unit="s",
        ),
    ],
    annotated=True,
)

CHOSEN = '{project=~"$project", kpi=~"$kpi"}'
SERIES = "{{kpi}} {{project}}{{program}}"
KPIS = Page(
    "pmo-kpis",
    "PMO indicators",
    "Indicators as they were collected: each value in its own unit.",
    [BY_PROJECT, KPI],
    [
        Panel(
            "Value over time",
            "lines",
            [Query(f"pmo_kpi_value{CHOSEN}", f"{SERIES} {{{{unit}}}}")],
            24,
            "The last accepted value of each indicator.",
            12,
        ),
        Panel(
            "Last values",
            "table",
            [
                Query(f"pmo_kpi_value{CHOSEN}"),
                Query(f"pmo_kpi_observed_timestamp_seconds{CHOSEN} * 1000"),
            ],
            12,
            "The last accepted value of each indicator, and the day it was observed.",
            10,
            columns={
                "kpi": "Indicator",
                "project": "Project",
                "program": "Programme",
                "Value #A": "Value",
                "unit": "Unit",
                "Value #B": "Observed",
            },
            units={"Value #B": "dateTimeAsIso"},
            empty="none",
        ),
        Panel(
            "Age of the observation",
            "bars",
            [Query(f"sort_desc(time() - pmo_kpi_observed_timestamp_seconds{CHOSEN})", SERIES)],
            12,
            "How long ago each indicator was last observed.",
            10,
            "s",
        ),
    ],
    since="now-1y",
)
