"""The tables and columns that each product has (spec sources 3.1, 3.6; model 2, column Dataverse)."""

from collections.abc import Mapping
from dataclasses import replace

from .maps import ColumnMap, TableMap

# Rows of a project that is being copied or imported, or where that failed: no project of anybody's yet.
UNFINISHED_REASONS = (192350001, 192350002, 192350011, 192350012)
CLOSED_REASON = 192350000
COST = 192350000  # transaction type; the other ones are sales
# Kinds of bookable resource that are somebody; 1 is a placeholder, 4 equipment, 6 to 8 crews, places and pools.
CONTACT, USER_KIND, ACCOUNT = 2, 3, 5

LINK_TYPES = {"0": "ff", "1": "fs", "2": "sf", "3": "ss"}
OLD_LINK_TYPES = {"192350000": "fs", "192350001": "ss", "192350002": "ff", "192350004": "sf"}
PRIORITIES = {
    **{str(number): "5" for number in (0, 1)},
    **{str(number): "4" for number in (2, 3, 4)},
    **{str(number): "3" for number in (5, 6, 7)},
    **{str(number): "2" for number in (8, 9, 10)},
}
ENTRY_STATUS = {
    "192350000": "draft",
    "192350001": "rejected",
    "192350002": "approved",
    "192350003": "submitted",
    "192350004": "submitted",
    "192354320": "rejected",  # cancelled: such rows are left out as a whole
}
CANCELLED_ENTRY = 192354320
YES_WHEN_ACTIVE = {"0": "true", "1": "false"}


def _column(field: str, *columns: str, **more: object) -> ColumnMap:
    return ColumnMap(field, columns, **more)  # type: ignore[arg-type]  # the keywords are the dataclass's own


STATE = (_column("@state", "statecode"),)
CHANGED = (_column("updated_at", "modifiedon"),)

PROJECT_PLAN = (
    _column("name", "msdyn_subject"),
    _column("forecast_start", "msdyn_scheduledstart", "msdyn_tzascheduledstart", "msdyn_taskearlieststart"),
    _column("forecast_finish", "msdyn_finish", "msdyn_tzafinish"),
    _column("effort_planned", "msdyn_effort"),
    _column("effort_actual", "msdyn_effortcompleted"),
    _column("effort_remaining", "msdyn_effortremaining"),
    _column("progress", "msdyn_progress"),
    _column("leader", "_msdyn_projectmanager_value"),
    _column("program", "_msdyn_program_value"),
    _column("@program_name", "_msdyn_program_value", label=True),
    _column("@hours_per_day", "msdyn_hoursperday"),
    _column("plan_calendar", "msdyn_calendarid"),
    _column("@reason", "statuscode"),
    *STATE,
    *CHANGED,
)
PROJECT_FIGURES = (
    _column("actual_start", "msdyn_actualstart"),
    _column("actual_finish", "msdyn_actualend"),
    _column("planned_cost", "msdyn_totalplannedcost"),
    _column("actual_cost", "msdyn_totalactualcost"),
    _column("remaining_cost", "msdyn_remainingcost"),
    _column("declared_eac", "msdyn_costestimateatcomplete"),
    _column("currency", "_transactioncurrencyid_value"),
    _column("declared_rag", "msdyn_overallprojectstatus", map={"1": "green", "2": "amber", "3": "red"}),
    _column("declared_on", "msdyn_statusupdatedon"),
    _column("declared_comment", "msdyn_comments"),
)
PROJECT = TableMap(
    "project",
    "project",
    "msdyn_project",
    "msdyn_projects",
    (*PROJECT_PLAN, *PROJECT_FIGURES),
    needed=("name", "forecast_start", "forecast_finish"),
)
TASK_PLAN = (
    _column("name", "msdyn_subject"),
    _column("project", "_msdyn_project_value"),
    _column("parent", "_msdyn_parenttask_value"),
    _column("outline_level", "msdyn_outlinelevel"),
    _column("position", "msdyn_displaysequence"),
    _column("wbs", "msdyn_wbsid"),
    _column("forecast_start", "msdyn_start", "msdyn_scheduledstart"),
    _column("forecast_finish", "msdyn_finish", "msdyn_scheduledend"),
    _column("duration", "msdyn_duration"),
    _column("work", "msdyn_effort"),
    _column("actual_work", "msdyn_effortcompleted"),
    _column("remaining_work", "msdyn_effortremaining"),
    _column("progress", "msdyn_progress"),
    _column("is_milestone", "msdyn_ismilestone"),
    _column("critical", "msdyn_iscritical"),
    _column("manual", "msdyn_ismanual"),
    _column("priority", "msdyn_priority", map=PRIORITIES),
    _column("@bucket", "_msdyn_projectbucket_value"),
    _column("@sprint", "_msdyn_projectsprint_value"),
    _column("active", "statecode", map=YES_WHEN_ACTIVE),
    _column("created_at", "createdon"),
    *CHANGED,
)
TASK_FIGURES = (
    _column("actual_start", "msdyn_actualstart"),
    _column("actual_finish", "msdyn_actualend"),
    _column("cost", "msdyn_plannedcost"),
    _column("actual_cost", "msdyn_actualcost"),
    _column("remaining_cost", "msdyn_remainingcost"),
)
TASK = TableMap(
    "task",
    "task",
    "msdyn_projecttask",
    "msdyn_projecttasks",
    (*TASK_PLAN, *TASK_FIGURES),
    needed=("name", "project", "forecast_start", "forecast_finish"),
    follows="project",
)
DEPENDENCY = TableMap(
    "dependency",
    "dependency",
    "msdyn_projecttaskdependency",
    "msdyn_projecttaskdependencies",
    (
        _column("project", "_msdyn_project_value"),
        _column("predecessor", "_msdyn_predecessortask_value"),
        _column("successor", "_msdyn_successortask_value"),
        _column("type", "msdyn_projecttaskdependencylinktype", map=LINK_TYPES),
        _column("lag", "msdyn_projecttaskdependencylinklaginseconds", unit="seconds"),
        *STATE,
        *CHANGED,
    ),
    needed=("predecessor", "successor"),
    follows="project",
    active_only=True,
)
BASELINE = TableMap(
    "baseline",
    "",
    "msdyn_projectbaselinedata",
    "msdyn_projectbaselinedatas",
    (_column("@project", "_msdyn_projectid_value"), _column("@day", "modifiedon"), *STATE),
    needed=("@project",),
    follows="@project",
    active_only=True,
    expand="msdyn_msdyn_projectbaselinedata_msdyn_projectbaselinetaskdata",
    expanded=(
        _column("@task", "msdyn_projecttaskid"),
        _column("@start", "msdyn_taskstartdate"),
        _column("@finish", "msdyn_taskfinishdate"),
        _column("@days", "msdyn_taskduration"),
        _column("@effort", "msdyn_taskeffort"),
    ),
)
ASSIGNMENT = TableMap(
    "assignment",
    "assignment",
    "msdyn_resourceassignment",
    "msdyn_resourceassignments",
    (
        _column("task", "_msdyn_taskid_value"),
        _column("project", "_msdyn_projectid_value"),
        _column("person", "_msdyn_bookableresourceid_value"),
        _column("work", "msdyn_effort"),
        _column("actual_work", "msdyn_effortcompleted"),
        _column("remaining_work", "msdyn_effortremaining"),
        _column("start", "msdyn_start"),
        _column("finish", "msdyn_finish"),
        _column("@contour", "msdyn_plannedwork"),
        *STATE,
        *CHANGED,
    ),
    needed=("task",),
    follows="project",
    active_only=True,
)
TEAM = TableMap(
    "team",
    "",
    "msdyn_projectteam",
    "msdyn_projectteams",
    (
        _column("@name", "msdyn_name"),
        _column("@project", "_msdyn_project_value"),
        _column("@user", "_msdyn_bookableresourceid_value"),
        *STATE,
    ),
    needed=("@user",),
    follows="@project",
    active_only=True,
)
ACTUAL = TableMap(
    "cost_entry",
    "cost_entry",
    "msdyn_actual",
    "msdyn_actuals",
    (
        _column("project", "_msdyn_project_value"),
        _column("task", "_msdyn_task_value"),
        _column("booked_on", "msdyn_documentdate"),
        _column("type", value="actual"),
        _column("amount", "msdyn_amount"),
        _column("currency", "_transactioncurrencyid_value"),
        _column("@type", "msdyn_transactiontypecode"),
        *STATE,
        *CHANGED,
    ),
    needed=("project", "booked_on", "amount", "@type"),
    follows="project",
    active_only=True,
)
BUCKET = TableMap(
    "bucket",
    "",
    "msdyn_projectbucket",
    "msdyn_projectbuckets",
    (_column("@name", "msdyn_name"), _column("@project", "_msdyn_project_value")),
    needed=("@name", "@project"),
    follows="@project",
)
SPRINT = TableMap(
    "sprint",
    "sprint",
    "msdyn_projectsprint",
    "msdyn_projectsprints",
    (
        _column("name", "msdyn_name"),
        _column("board", "_msdyn_project_value"),
        _column("start_on", "msdyn_start"),
        _column("end_on", "msdyn_finish"),
        *CHANGED,
    ),
    needed=("name", "board"),
    follows="board",
)
USER = TableMap(
    "user",
    "person",
    "systemuser",
    "systemusers",
    (
        _column("name", "fullname"),
        _column("email", "internalemailaddress"),
        _column("@disabled", "isdisabled"),
        *CHANGED,
    ),
    needed=("name",),
)
RESOURCE = TableMap(
    "resource",
    "person",
    "bookableresource",
    "bookableresources",
    (
        _column("name", "name"),
        _column("email", "msdyn_primaryemail"),
        _column("organisation", "_accountid_value", label=True),
        _column("@user", "_userid_value"),
        _column("@kind_of_person", "resourcetype"),
        *STATE,
        *CHANGED,
    ),
    needed=("name",),
)
TIME_ENTRY = TableMap(
    "timesheet",
    "timesheet",
    "msdyn_timeentry",
    "msdyn_timeentries",
    (
        _column("person", "_msdyn_bookableresource_value"),
        _column("project", "_msdyn_project_value"),
        _column("@day", "msdyn_date"),
        _column("hours", "msdyn_duration", unit="minutes"),
        _column("status", "msdyn_entrystatus", map=ENTRY_STATUS),
        _column("@reason", "msdyn_entrystatus"),
        *STATE,
        *CHANGED,
    ),
    needed=("person", "@day", "hours"),
    follows="project",
    active_only=True,
)
CURRENCY = TableMap(
    "currency",
    "",
    "transactioncurrency",
    "transactioncurrencies",
    (_column("@code", "isocurrencycode"),),
    needed=("@code",),
)
# These come from an accelerator, not from the base product: names are what it uses, and settings may say others.
RISK = TableMap(
    "risk",
    "risk",
    "msdyn_projectrisk",
    "msdyn_projectrisks",
    (
        _column("title", "msdyn_subject", "msdyn_name"),
        _column("project", "_msdyn_project_value"),
        _column("category", "proj_category", label=True),
        _column("owner", "_proj_assignedto_value"),
        _column("status", "proj_state"),
        _column("identified_on", "createdon"),
        _column("likelihood", "proj_probability"),
        _column("impact", "proj_impact"),
        _column("action", "msdyn_mitigationplan"),
        _column("target_date", "proj_due"),
        _column("cost_impact", "proj_cost"),
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
        _column("title", "msdyn_subject", "msdyn_name"),
        _column("project", "_msdyn_project_value"),
        _column("category", "proj_category", label=True),
        _column("owner", "_proj_assignedto_value"),
        _column("status", "proj_state"),
        _column("raised_on", "createdon"),
        _column("target_date", "proj_due"),
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
        _column("title", "msdyn_subject", "msdyn_name"),
        _column("project", "_msdyn_project_value"),
        _column("category", "proj_category", label=True),
        _column("owner", "_proj_assignedto_value"),
        _column("status", "proj_state"),
        _column("submitted_on", "createdon"),
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
        _column("project", "_msdyn_project_value"),
        _column("submitted_on", "proj_reportingdate"),
        _column("highlights", "msdyn_accomplishedactivities"),
        _column("next_steps", "msdyn_plannedactivities"),
        _column("author", "_proj_submitter_value"),
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
        _column("forecast_finish", "msdyn_scheduledend", "msdyn_finish"),
        _column("effort_planned", "msdyn_plannedhours", "msdyn_effort"),
        _column("effort_actual", "msdyn_actualhours", "msdyn_effortcompleted"),
        _column("effort_remaining", "msdyn_remaininghours", "msdyn_effortremaining"),
    )
)
OLD_TASK = TASK.with_columns(
    (
        _column("forecast_start", "msdyn_scheduledstart", "msdyn_start"),
        _column("forecast_finish", "msdyn_scheduledend", "msdyn_finish"),
        _column("actual_work", "msdyn_actualeffort", "msdyn_effortcompleted"),
        _column("remaining_work", "msdyn_remaininghours", "msdyn_effortremaining"),
        _column("manual"),
        _column("critical"),
        _column("priority"),
        _column("@bucket"),
        _column("@sprint"),
    )
)
OLD_DEPENDENCY = DEPENDENCY.with_columns((_column("type", "msdyn_linktype", map=OLD_LINK_TYPES), _column("lag")))
OLD_ASSIGNMENT = ASSIGNMENT.with_columns(
    (
        _column("work", "msdyn_hours", "msdyn_effort"),
        _column("start", "msdyn_fromdate", "msdyn_start"),
        _column("finish", "msdyn_todate", "msdyn_finish"),
        _column("actual_work"),
        _column("remaining_work"),
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
