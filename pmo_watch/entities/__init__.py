"""The entities and their fields, declared once (spec model 2); a new field is one line and one migration."""

from pmo_watch.entities.alerts import ALERT
from pmo_watch.entities.delivery import BOARD, RELEASE, SPRINT, SPRINT_ITEM, STATUS_CHANGE
from pmo_watch.entities.figures import COST_ENTRY, INDICATOR, KPI, OBSERVATION, SOURCE, SUBMISSION
from pmo_watch.entities.governance import DOCUMENT, GATE, MEETING, STATUS_REPORT
from pmo_watch.entities.people import ABSENCE, PERSON, ROLE, TIMESHEET
from pmo_watch.entities.plans import ASSIGNMENT, DEPENDENCY, TASK
from pmo_watch.entities.projects import PORTFOLIO, PROGRAM, PROJECT
from pmo_watch.entities.registers import ACTION, CHANGE, DECISION, ISSUE, RISK

ENTITIES = {
    one.name: one
    for one in (
        PORTFOLIO,
        PROGRAM,
        PROJECT,
        TASK,
        STATUS_CHANGE,
        DEPENDENCY,
        ASSIGNMENT,
        PERSON,
        ABSENCE,
        TIMESHEET,
        ROLE,
        BOARD,
        SPRINT,
        SPRINT_ITEM,
        RELEASE,
        RISK,
        ISSUE,
        DECISION,
        CHANGE,
        ACTION,
        INDICATOR,
        OBSERVATION,
        KPI,
        SUBMISSION,
        COST_ENTRY,
        DOCUMENT,
        STATUS_REPORT,
        GATE,
        MEETING,
        SOURCE,
        ALERT,
    )
}

# What several sources describe together is one row: matched by this field, in lower case, else by `id` or name.
MATCHED_ON = {"portfolio": "id", "program": "id", "project": "code", "person": "email", "indicator": "id"}
