"""Milestones: what was promised beside what is expected now."""

from .dashboards import PROGRAM, PROJECT_OF_PROGRAM, Page
from .panels import DONE, Panel, Query
from .portfolio import due_soon

FACTS = 'pmo_project_info{program=~"$program", project=~"$project"}'
BASELINE, FORECAST = (f"pmo_milestone_{one}_timestamp_seconds" for one in ("baseline", "forecast"))
NAMED = "* on (project, milestone) group_left (name) pmo_milestone_info and on (project) " + FACTS
SLIP = f"(({FORECAST} - {BASELINE}) / 86400) {NAMED}"
OVERDUE = f'pmo_project_milestones{{status="overdue"}} * on (project) group_left (name) {FACTS}'
BY_STATUS = f"sum by (status) (pmo_project_milestones * on (project) group_left () {FACTS})"

MILESTONES = Page(
    "pmo-milestones",
    "PMO milestones",
    "What was promised beside what is expected now, as of the last evaluation. Slips are in calendar days.",
    [PROGRAM, PROJECT_OF_PROGRAM],
    [
        Panel(
            "Milestones by status",
            "stat",
            [Query(BY_STATUS, "{{status}}")],
            12,
            "Completed, open and overdue milestones add up to all.",
            5,
            colours={"completed": "green", "open": "blue", "overdue": "red"},
        ),
        Panel(
            "Due in four weeks",
            "stat",
            [Query(f"count({due_soon(FACTS)}) or vector(0)")],
            12,
            "Open milestones that are forecast for the next four weeks.",
            5,
        ),
        Panel(
            "Baseline against forecast",
            "table",
            [
                Query(f"({BASELINE} * 1000) {NAMED}"),
                Query(f"({FORECAST} * 1000) {NAMED}"),
                Query(SLIP),
                Query(f"pmo_milestone_completed {NAMED}"),
            ],
            24,
            "The day that was promised, the day expected now or reached, and the days between them.",
            12,
            columns={
                "project": "Project",
                "milestone": "Milestone",
                "name": "Name",
                "Value #A": "Baseline",
                "Value #B": "Forecast",
                "Value #C": "Slip",
                "Value #D": "Status",
            },
            units={"Value #A": "dateTimeAsIso", "Value #B": "dateTimeAsIso", "Value #C": "d"},
            words_of={"Value #D": DONE},
            to_project=True,
        ),
        Panel(
            "Slip over time",
            "lines",
            [Query(SLIP, "{{project}} {{milestone}} {{name}}")],
            24,
            "Calendar days from baseline to forecast of each milestone: a line that rises is a promise that moves.",
            10,
            "d",
        ),
        Panel(
            "Due in the next four weeks",
            "table",
            [Query(f"sort({due_soon(FACTS)})")],
            12,
            "Open milestones by the day they are forecast for.",
            columns={"project": "Project", "milestone": "Milestone", "name": "Name", "Value": "Forecast"},
            units={"Value": "dateTimeAsIso"},
            empty="none",
            to_project=True,
        ),
        Panel(
            "Overdue",
            "lines",
            [Query(OVERDUE, "{{project}} {{name}}")],
            12,
            "Milestones of each project whose day has passed and that are not done.",
            to_project=True,
        ),
    ],
)
