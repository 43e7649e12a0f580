"""How work is delivered in short steps: boards, sprints and what was in them, releases, changes of tickets."""

from pmo_watch.entities.shared import ORIGIN
from pmo_watch.model import Entity, Field, Kind

STATUS_CHANGE = Entity(
    "status_change",
    "A change of one field of a ticket, as its system recorded it.",
    (
        *ORIGIN,
        Field("task", Kind.REF, "The ticket.", refers=("task",), required=True, csv="task_id"),
        Field("at", Kind.MOMENT, "When it was changed.", required=True),
        Field("field", Kind.TEXT, "The field, such as `status`, `Sprint` or `Flagged`.", required=True),
        Field("from_value", Kind.TEXT, "Its value before; null was empty."),
        Field("to_value", Kind.TEXT, "Its value since; null is empty."),
    ),
    group="delivery",
)

BOARD = Entity(
    "board",
    "A team, as its board shows it.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key.", csv="board_id"),
        Field("name", Kind.TEXT, "Its name.", csv="board_name"),
        Field("type", Kind.ENUM, "How it works; scrum where it has sprints.", one_of=("scrum", "kanban")),
        Field("project", Kind.LIST, "Its projects.", refers=("project",), csv="project_id"),
        Field("wip_limit", Kind.COUNT, "Most items in progress; null means one and a half for each in the team."),
        Field("team_size", Kind.COUNT, "Persons in the team; null means those who had items in the last four weeks."),
        Field("sle_days", Kind.COUNT, "Days in which an item is expected to be done."),
        Field("waiting", Kind.LIST, "Statuses that count as waiting."),
    ),
    group="delivery",
)

SPRINT = Entity(
    "sprint",
    "A sprint of a board.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key.", csv="sprint_id"),
        Field("name", Kind.TEXT, "Its name."),
        Field("board", Kind.REF, "Its board.", refers=("board",), required=True, csv="board_id"),
        Field("project", Kind.REF, "Its board's project, where that has one.", refers=("project",), computed=True),
        Field(
            "state", Kind.ENUM, "Where it stands; from its dates when missing.", one_of=("future", "active", "closed")
        ),
        Field("goal", Kind.TEXT, "Its goal."),
        Field("start_on", Kind.DATE, "First day."),
        Field("end_on", Kind.DATE, "Last day planned."),
        Field("completed_on", Kind.DATE, "Day it was closed."),
        Field("days_left", Kind.COUNT, "Working days from today to `end_on`.", computed=True),
        Field("committed_items", Kind.COUNT, "Items it began with; null means from what was in it."),
        Field("committed_points", Kind.NUMBER, "Points of those items when it began; null likewise."),
        Field("done_points", Kind.NUMBER, "Points of the items done at its close; null likewise."),
    ),
    group="delivery",
)

SPRINT_ITEM = Entity(
    "sprint_item",
    "A ticket in a sprint.",
    (
        *ORIGIN,
        Field("sprint", Kind.REF, "The sprint.", refers=("sprint",), required=True, csv="sprint_id"),
        Field("task", Kind.REF, "The ticket.", refers=("task",), required=True, csv="task_id"),
        Field("committed", Kind.FLAG, "Whether the sprint began with it; null is unknown."),
        Field("points_at_start", Kind.NUMBER, "Its points when the sprint began; null is not estimated."),
        Field("points_at_close", Kind.NUMBER, "Its points when the sprint was closed."),
        Field("added_on", Kind.DATE, "Day it was added."),
        Field("removed_on", Kind.DATE, "Day it left the sprint before the close."),
        Field("done_on", Kind.DATE, "Day it was done."),
    ),
    group="delivery",
)

RELEASE = Entity(
    "release",
    "A release of a project.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key.", csv="release_id"),
        Field("name", Kind.TEXT, "Its name."),
        Field("project", Kind.REF, "Its project.", refers=("project",), required=True, csv="project_id"),
        Field("release_date", Kind.DATE, "Day it is planned."),
        Field("released", Kind.FLAG, "Whether it is out; null is taken as false."),
        Field("scope_baseline", Kind.NUMBER, "Items or points it was meant to hold."),
        Field("scope_baseline_on", Kind.DATE, "Day of that scope."),
        Field("remaining_items", Kind.COUNT, "Items of it that are not done; null means counted."),
        Field("days_left", Kind.COUNT, "Working days from today to `release_date`.", computed=True),
    ),
    group="delivery",
)
