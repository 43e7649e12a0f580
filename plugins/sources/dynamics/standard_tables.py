"""The tables of Project Operations and their columns (spec sources 3.6; model 2, column Dataverse)."""

from .choices import ENTRY_STATUS, LINK_TYPES, PRIORITIES, YES_WHEN_ACTIVE
from .maps import ColumnMap, TableMap


def column(field: str, *columns: str, **more: object) -> ColumnMap:
    """Return where a field comes from."""
    return ColumnMap(field, columns, **more)  # type: ignore[arg-type]  # the keywords are the dataclass's own


STATE = (column("@state", "statecode"),)
CHANGED = (column("updated_at", "modifiedon"),)

PROJECT_PLAN = (
    column("name", "msdyn_subject"),
    column("forecast_start", "msdyn_scheduledstart", "msdyn_tzascheduledstart", "msdyn_taskearlieststart"),
    column("forecast_finish", "msdyn_finish", "msdyn_tzafinish"),
    column("effort_planned", "msdyn_effort"),
    column("effort_actual", "msdyn_effortcompleted"),
    column("effort_remaining", "msdyn_effortremaining"),
    column("progress", "msdyn_progress"),
    column("leader", "_msdyn_projectmanager_value"),
    column("program", "_msdyn_program_value"),
    column("@program_name", "_msdyn_program_value", label=True),
    column("@hours_per_day", "msdyn_hoursperday"),
    column("plan_calendar", "msdyn_calendarid"),
    column("@reason", "statuscode"),
    *STATE,
    *CHANGED,
)
PROJECT_FIGURES = (
    column("actual_start", "msdyn_actualstart"),
    column("actual_finish", "msdyn_actualend"),
    column("planned_cost", "msdyn_totalplannedcost"),
    column("actual_cost", "msdyn_totalactualcost"),
    column("remaining_cost", "msdyn_remainingcost"),
    column("declared_eac", "msdyn_costestimateatcomplete"),
    column("currency", "_transactioncurrencyid_value"),
    column("declared_rag", "msdyn_overallprojectstatus", map={"1": "green", "2": "amber", "3": "red"}),
    column("declared_on", "msdyn_statusupdatedon"),
    column("declared_comment", "msdyn_comments"),
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
    column("name", "msdyn_subject"),
    column("project", "_msdyn_project_value"),
    column("parent", "_msdyn_parenttask_value"),
    column("outline_level", "msdyn_outlinelevel"),
    column("position", "msdyn_displaysequence"),
    column("wbs", "msdyn_wbsid"),
    column("forecast_start", "msdyn_start", "msdyn_scheduledstart"),
    column("forecast_finish", "msdyn_finish", "msdyn_scheduledend"),
    column("duration", "msdyn_duration"),
    column("work", "msdyn_effort"),
    column("actual_work", "msdyn_effortcompleted"),
    column("remaining_work", "msdyn_effortremaining"),
    column("progress", "msdyn_progress"),
    column("is_milestone", "msdyn_ismilestone"),
    column("critical", "msdyn_iscritical"),
    column("manual", "msdyn_ismanual"),
    column("priority", "msdyn_priority", map=PRIORITIES),
    column("@bucket", "_msdyn_projectbucket_value"),
    column("@sprint", "_msdyn_projectsprint_value"),
    column("active", "statecode", map=YES_WHEN_ACTIVE),
    column("created_at", "createdon"),
    *CHANGED,
)
TASK_FIGURES = (
    column("actual_start", "msdyn_actualstart"),
    column("actual_finish", "msdyn_actualend"),
    column("cost", "msdyn_plannedcost"),
    column("actual_cost", "msdyn_actualcost"),
    column("remaining_cost", "msdyn_remainingcost"),
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
        column("project", "_msdyn_project_value"),
        column("predecessor", "_msdyn_predecessortask_value"),
        column("successor", "_msdyn_successortask_value"),
        column("type", "msdyn_projecttaskdependencylinktype", map=LINK_TYPES),
        column("lag", "msdyn_projecttaskdependencylinklaginseconds", unit="seconds"),
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
    (column("@project", "_msdyn_projectid_value"), column("@day", "modifiedon"), *STATE),
    needed=("@project",),
    follows="@project",
    active_only=True,
    expand="msdyn_msdyn_projectbaselinedata_msdyn_projectbaselinetaskdata",
    expanded=(
        column("@task", "msdyn_projecttaskid"),
        column("@start", "msdyn_taskstartdate"),
        column("@finish", "msdyn_taskfinishdate"),
        column("@days", "msdyn_taskduration"),
        column("@effort", "msdyn_taskeffort"),
    ),
)
ASSIGNMENT = TableMap(
    "assignment",
    "assignment",
    "msdyn_resourceassignment",
    "msdyn_resourceassignments",
    (
        column("task", "_msdyn_taskid_value"),
        column("project", "_msdyn_projectid_value"),
        column("person", "_msdyn_bookableresourceid_value"),
        column("work", "msdyn_effort"),
        column("actual_work", "msdyn_effortcompleted"),
        column("remaining_work", "msdyn_effortremaining"),
        column("start", "msdyn_start"),
        column("finish", "msdyn_finish"),
        column("@contour", "msdyn_plannedwork"),
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
        column("@name", "msdyn_name"),
        column("@project", "_msdyn_project_value"),
        column("@user", "_msdyn_bookableresourceid_value"),
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
        column("project", "_msdyn_project_value"),
        column("task", "_msdyn_task_value"),
        column("booked_on", "msdyn_documentdate"),
        column("type", value="actual"),
        column("amount", "msdyn_amount"),
        column("currency", "_transactioncurrencyid_value"),
        column("@type", "msdyn_transactiontypecode"),
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
    (column("@name", "msdyn_name"), column("@project", "_msdyn_project_value")),
    needed=("@name", "@project"),
    follows="@project",
)
SPRINT = TableMap(
    "sprint",
    "sprint",
    "msdyn_projectsprint",
    "msdyn_projectsprints",
    (
        column("name", "msdyn_name"),
        column("board", "_msdyn_project_value"),
        column("start_on", "msdyn_start"),
        column("end_on", "msdyn_finish"),
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
        column("name", "fullname"),
        column("email", "internalemailaddress"),
        column("@disabled", "isdisabled"),
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
        column("name", "name"),
        column("email", "msdyn_primaryemail"),
        column("organisation", "_accountid_value", label=True),
        column("@user", "_userid_value"),
        column("@kind_of_person", "resourcetype"),
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
        column("person", "_msdyn_bookableresource_value"),
        column("project", "_msdyn_project_value"),
        column("@day", "msdyn_date"),
        column("hours", "msdyn_duration", unit="minutes"),
        column("status", "msdyn_entrystatus", map=ENTRY_STATUS),
        column("@reason", "msdyn_entrystatus"),
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
    (column("@code", "isocurrencycode"),),
    needed=("@code",),
)
