"""What each product has: Project Operations, Planner premium, the older automation, an accelerator (spec 3.1, 3.6)."""

from collections.abc import Mapping
from dataclasses import replace

from .choices import OLD_LINK_TYPES
from .maps import TableMap
from .standard_tables import (
    ACTUAL,
    ASSIGNMENT,
    BASELINE,
    BUCKET,
    CHANGED,
    CURRENCY,
    DEPENDENCY,
    PROJECT,
    PROJECT_PLAN,
    RESOURCE,
    SPRINT,
    TASK,
    TASK_PLAN,
    TEAM,
    TIME_ENTRY,
    USER,
    column,
)

# These come from an accelerator, not from the base product: names are what it uses, and settings may say others.
RISK = TableMap(
    "risk",
    "risk",
    "msdyn_projectrisk",
    "msdyn_projectrisks",
    (
        column("title", "msdyn_subject", "msdyn_name"),
        column("project", "_msdyn_project_value"),
        column("category", "proj_category", label=True),
        column("owner", "_proj_assignedto_value"),
        column("status", "proj_state"),
        column("identified_on", "createdon"),
        column("likelihood", "proj_probability"),
        column("impact", "proj_impact"),
        column("action", "msdyn_mitigationplan"),
        column("target_date", "proj_due"),
        column("cost_impact", "proj_cost"),
        *CHANGED,
    ),
    needed=("title", "project"),
    follows="project",
    optional=True,
)
ISSUE = TableMap(
    "issue",
    "issue",
    "msdyn_projectissue",
    "msdyn_projectissues",
    (
        column("title", "msdyn_subject", "msdyn_name"),
        column("project", "_msdyn_project_value"),
        column("category", "proj_category", label=True),
        column("owner", "_proj_assignedto_value"),
        column("status", "proj_state"),
        column("raised_on", "createdon"),
        column("target_date", "proj_due"),
        *CHANGED,
    ),
    needed=("title", "project"),
    follows="project",
    optional=True,
)
CHANGE = TableMap(
    "change",
    "change",
    "msdyn_projectchange",
    "msdyn_projectchanges",
    (
        column("title", "msdyn_subject", "msdyn_name"),
        column("project", "_msdyn_project_value"),
        column("category", "proj_category", label=True),
        column("owner", "_proj_assignedto_value"),
        column("status", "proj_state"),
        column("submitted_on", "createdon"),
        *CHANGED,
    ),
    needed=("title", "project"),
    follows="project",
    optional=True,
)
STATUS_REPORT = TableMap(
    "status_report",
    "status_report",
    "msdyn_projectstatusreport",
    "msdyn_projectstatusreports",
    (
        column("project", "_msdyn_project_value"),
        column("submitted_on", "proj_reportingdate"),
        column("highlights", "msdyn_accomplishedactivities"),
        column("next_steps", "msdyn_plannedactivities"),
        column("author", "_proj_submitter_value"),
        *CHANGED,
    ),
    needed=("project", "submitted_on"),
    follows="project",
    optional=True,
)
ACCELERATOR = (RISK, ISSUE, CHANGE, STATUS_REPORT)


def _named(*tables: TableMap) -> Mapping[str, TableMap]:
    return {one.name: one for one in tables}


OLD_PROJECT = PROJECT.with_columns(
    (
        column("forecast_finish", "msdyn_scheduledend", "msdyn_finish"),
        column("effort_planned", "msdyn_plannedhours", "msdyn_effort"),
        column("effort_actual", "msdyn_actualhours", "msdyn_effortcompleted"),
        column("effort_remaining", "msdyn_remaininghours", "msdyn_effortremaining"),
    )
)
OLD_TASK = TASK.with_columns(
    (
        column("forecast_start", "msdyn_scheduledstart", "msdyn_start"),
        column("forecast_finish", "msdyn_scheduledend", "msdyn_finish"),
        column("actual_work", "msdyn_actualeffort", "msdyn_effortcompleted"),
        column("remaining_work", "msdyn_remaininghours", "msdyn_effortremaining"),
        column("manual"),
        column("critical"),
        column("priority"),
        column("@bucket"),
        column("@sprint"),
    )
)
OLD_DEPENDENCY = DEPENDENCY.with_columns((column("type", "msdyn_linktype", map=OLD_LINK_TYPES), column("lag")))
OLD_ASSIGNMENT = ASSIGNMENT.with_columns(
    (
        column("work", "msdyn_hours", "msdyn_effort"),
        column("start", "msdyn_fromdate", "msdyn_start"),
        column("finish", "msdyn_todate", "msdyn_finish"),
        column("actual_work"),
        column("remaining_work"),
    )
)
PREMIUM_PROJECT = replace(PROJECT, columns=PROJECT_PLAN)
PREMIUM_TASK = replace(TASK, columns=TASK_PLAN)
PEOPLE = (USER, RESOURCE)

PRESETS: Mapping[str, Mapping[str, TableMap]] = {
    "project_operations": _named(
        *PEOPLE,
        CURRENCY,
        PROJECT,
        TASK,
        DEPENDENCY,
        BASELINE,
        ASSIGNMENT,
        TEAM,
        ACTUAL,
        BUCKET,
        SPRINT,
        TIME_ENTRY,
        *ACCELERATOR,
    ),
    "planner_premium": _named(
        *PEOPLE, PREMIUM_PROJECT, PREMIUM_TASK, DEPENDENCY, BASELINE, ASSIGNMENT, TEAM, BUCKET, SPRINT, *ACCELERATOR
    ),
    "psa": _named(
        *PEOPLE, CURRENCY, OLD_PROJECT, OLD_TASK, OLD_DEPENDENCY, OLD_ASSIGNMENT, TEAM, ACTUAL, TIME_ENTRY, *ACCELERATOR
    ),
    "custom": _named(USER, replace(RESOURCE, optional=True), CURRENCY),
}
