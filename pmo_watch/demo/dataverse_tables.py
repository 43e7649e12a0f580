"""The tables of a made-up environment: those of Project Operations and an accelerator, and one of its own."""

from datetime import datetime

from pmo_watch.demo.dataverse_rows import Organisation, Table, table


def project_operations() -> list[Table]:
    """Return every table that a source of projects reads, without rows."""
    return [*_plans(), *_delivery(), *_people(), *_figures(), *_accelerator()]


def _plans() -> list[Table]:
    return [
        table(
            "msdyn_project",
            "msdyn_projects",
            "msdyn_subject",
            "msdyn_subject:text msdyn_scheduledstart:moment msdyn_finish:moment msdyn_tzascheduledstart:wall "
            "msdyn_tzafinish:wall msdyn_taskearlieststart:moment msdyn_actualstart:moment msdyn_actualend:moment "
            "msdyn_effort:number msdyn_effortcompleted:number msdyn_effortremaining:number msdyn_progress:number "
            "msdyn_totalplannedcost:money msdyn_totalactualcost:money msdyn_remainingcost:money "
            "msdyn_totalplannedcost_base:money msdyn_totalactualcost_base:money msdyn_remainingcost_base:money "
            "msdyn_costestimateatcomplete:money msdyn_costestimateatcomplete_base:money "
            "msdyn_overallprojectstatus:choice msdyn_statusupdatedon:moment msdyn_comments:text "
            "msdyn_projectmanager:ref:systemuser msdyn_program:ref:msdyn_projectprogram msdyn_calendarid:text "
            "msdyn_hoursperday:number transactioncurrencyid:ref:transactioncurrency",
        ),
        table("msdyn_projectprogram", "msdyn_projectprograms", "msdyn_name", "msdyn_name:text"),
        table(
            "msdyn_projecttask",
            "msdyn_projecttasks",
            "msdyn_subject",
            "msdyn_subject:text msdyn_project:ref:msdyn_project msdyn_parenttask:ref:msdyn_projecttask "
            "msdyn_outlinelevel:int msdyn_displaysequence:number msdyn_wbsid:text msdyn_start:day msdyn_finish:day "
            "msdyn_scheduledstart:day msdyn_scheduledend:day msdyn_actualstart:day msdyn_actualend:day "
            "msdyn_duration:number msdyn_scheduleddurationminutes:int msdyn_effort:number msdyn_effortcompleted:number "
            "msdyn_effortremaining:number msdyn_progress:number msdyn_ismilestone:flag msdyn_iscritical:flag "
            "msdyn_ismanual:flag msdyn_priority:int msdyn_plannedcost:money msdyn_actualcost:money "
            "msdyn_remainingcost:money msdyn_projectbucket:ref:msdyn_projectbucket "
            "msdyn_projectsprint:ref:msdyn_projectsprint",
        ),
        table(
            "msdyn_projecttaskdependency",
            "msdyn_projecttaskdependencies",
            "msdyn_projecttaskdependencyid",
            "msdyn_project:ref:msdyn_project msdyn_predecessortask:ref:msdyn_projecttask "
            "msdyn_successortask:ref:msdyn_projecttask msdyn_projecttaskdependencylinktype:choice "
            "msdyn_projecttaskdependencylinklaginseconds:int",
        ),
        table(
            "msdyn_projectbaselinedata",
            "msdyn_projectbaselinedatas",
            "msdyn_projectbaselinedataid",
            "msdyn_projectid:ref:msdyn_project",
            children={
                "msdyn_msdyn_projectbaselinedata_msdyn_projectbaselinetaskdata": (
                    "msdyn_projectbaselinetaskdata",
                    "msdyn_baseline",
                )
            },
        ),
        table(
            "msdyn_projectbaselinetaskdata",
            "msdyn_projectbaselinetaskdatas",
            "msdyn_projectbaselinetaskdataid",
            "msdyn_baseline:ref:msdyn_projectbaselinedata msdyn_projecttaskid:guid msdyn_taskstartdate:moment "
            "msdyn_taskfinishdate:moment msdyn_taskduration:number msdyn_taskeffort:number",
        ),
    ]


def _delivery() -> list[Table]:
    return [
        table(
            "msdyn_projectbucket",
            "msdyn_projectbuckets",
            "msdyn_name",
            "msdyn_name:text msdyn_project:ref:msdyn_project",
        ),
        table(
            "msdyn_projectsprint",
            "msdyn_projectsprints",
            "msdyn_name",
            "msdyn_name:text msdyn_project:ref:msdyn_project msdyn_start:day msdyn_finish:day",
        ),
        table(
            "msdyn_resourceassignment",
            "msdyn_resourceassignments",
            "msdyn_resourceassignmentid",
            "msdyn_taskid:ref:msdyn_projecttask msdyn_projectid:ref:msdyn_project "
            "msdyn_bookableresourceid:ref:bookableresource msdyn_effort:number msdyn_effortcompleted:number "
            "msdyn_effortremaining:number msdyn_start:moment msdyn_finish:moment msdyn_plannedwork:text",
        ),
        table(
            "msdyn_projectteam",
            "msdyn_projectteams",
            "msdyn_name",
            "msdyn_name:text msdyn_project:ref:msdyn_project msdyn_bookableresourceid:ref:bookableresource",
        ),
    ]


def _people() -> list[Table]:
    return [
        table("systemuser", "systemusers", "fullname", "fullname:text internalemailaddress:text isdisabled:flag"),
        table(
            "bookableresource",
            "bookableresources",
            "name",
            "name:text msdyn_primaryemail:text userid:ref:systemuser resourcetype:choice accountid:ref:account",
        ),
        table("account", "accounts", "name", "name:text"),
    ]


def _figures() -> list[Table]:
    return [
        table(
            "transactioncurrency",
            "transactioncurrencies",
            "currencyname",
            "currencyname:text isocurrencycode:text",
            tracked=False,
        ),
        table(
            "organization", "organizations", "name", "name:text basecurrencyid:ref:transactioncurrency", tracked=False
        ),
        table(
            "msdyn_actual",
            "msdyn_actuals",
            "msdyn_actualid",
            "msdyn_project:ref:msdyn_project msdyn_task:ref:msdyn_projecttask msdyn_documentdate:day "
            "msdyn_amount:money msdyn_amount_base:money msdyn_transactiontypecode:choice "
            "transactioncurrencyid:ref:transactioncurrency",
            tracked=False,
        ),
        table(
            "msdyn_timeentry",
            "msdyn_timeentries",
            "msdyn_timeentryid",
            "msdyn_date:day msdyn_duration:int msdyn_project:ref:msdyn_project "
            "msdyn_bookableresource:ref:bookableresource msdyn_entrystatus:choice",
        ),
    ]


def _accelerator() -> list[Table]:
    register = "msdyn_subject:text msdyn_project:ref:msdyn_project proj_category:choice proj_assignedto:ref:systemuser "
    return [
        table(
            "msdyn_projectrisk",
            "msdyn_projectrisks",
            "msdyn_subject",
            f"{register} proj_state:choice proj_probability:choice proj_impact:choice msdyn_mitigationplan:text "
            "proj_due:date proj_cost:money",
        ),
        table(
            "msdyn_projectissue", "msdyn_projectissues", "msdyn_subject", f"{register} proj_state:choice proj_due:date"
        ),
        table(
            "msdyn_projectstatusreport",
            "msdyn_projectstatusreports",
            "msdyn_projectstatusreportid",
            "msdyn_project:ref:msdyn_project proj_reportingdate:day msdyn_accomplishedactivities:text "
            "msdyn_plannedactivities:text proj_submitter:ref:systemuser",
        ),
        table(
            "new_building",
            "new_buildingset",
            "new_title",
            "new_title:text new_begin:date new_end:date new_done:int new_stage:choice new_budget:money "
            "ownerid:ref:systemuser transactioncurrencyid:ref:transactioncurrency",
        ),
        table(
            "new_handover",
            "new_handovers",
            "new_title",
            "new_title:text new_building:ref:new_building new_due:wall",
        ),
    ]


def organisation(now: datetime) -> Organisation:
    """Return an environment with every table and no rows."""
    return Organisation(project_operations(), now)
