"""The project that a plan is, and the programme it says it belongs to (spec model 2.2, 2.3)."""

from collections.abc import Mapping
from datetime import datetime
from itertools import compress

import polars as pl

from .columns import Value, Values, frame_of
from .conversion import Project
from .custom_values import project_values
from .people import People
from .schedule import takes_no_time
from .values import LARGEST

OWN_NUMBERS = {
    "progress": "PercentComplete",
    "planned_cost": "Cost",
    "actual_cost": "ActualCost",
    "remaining_cost": "RemainingCost",
    "effort_planned": "Work",
    "effort_actual": "ActualWork",
    "effort_remaining": "RemainingWork",
}


def project_frame(project: Project, people: People, tasks: Mapping[str, Values]) -> pl.DataFrame:
    """Return the row of the project itself; `tasks` are the columns of its tasks."""
    header = project.plan.header
    manager = header.get("Manager")
    row: dict[str, Value] = {
        "key": project.place.key,
        "id": project.place.key,
        "code": project.place.code,
        "name": header.get("Title") or header.get("Name") or project.place.code,
        "leader": people.find(manager) if manager else None,
        "contractor": header.get("Company"),
        "plan_calendar": project.calendars.project.name or None,
        "minutes_per_day": project.plan.scales.minutes_per_day,
        "currency": header.get("CurrencyCode"),
        "status_date": status_date(project),
        "updated_at": _last_saved(project),
        **_dates(project),
        **_own_figures(project),
        **_baseline(project, tasks),
    }
    row |= {name: value for name, value in project_values(project).items() if value is not None}
    return frame_of("project", {name: [value] for name, value in row.items()})


def program_frame(projects: pl.DataFrame) -> pl.DataFrame:
    """Return the programme that the project names, so that the reference leads somewhere."""
    if "program" not in projects.columns:
        return frame_of("program", {"key": []})
    keys, programs = projects["key"].to_list(), projects["program"].to_list()
    return frame_of(
        "program",
        {"key": [f"{keys[0]}/{programs[0]}"], "id": programs, "name": programs} if programs[0] else {"key": []},
    )


def status_date(project: Project) -> int | None:
    """Return the day the plan describes, to its end; None when it must be assumed to be today.

    Like a finish, a time before the working day begins means the working day before.
    """
    for wish in project.facts.settings.status_date:
        if wish == "today":
            return None
        moment = _written(project) if wish == "file_time" else project.header_moment(wish)
        if moment is not None:
            as_written = project.facts.settings.status_date_midnight == "same_day"
            return project.days.finish(project.calendars.project)[as_written][moment]
    return None


def _written(project: Project) -> datetime:
    return project.facts.written.astimezone(project.facts.zone).replace(tzinfo=None)


def _last_saved(project: Project) -> int | None:
    return project.instant(project.header_moment("LastSaved") or _written(project))


def _dates(project: Project) -> dict[str, Value]:
    """Return start and finish of the header, else of the project's own row, else of all its rows."""
    own, tasks, schedule = project.outline.own, project.plan.tasks, project.schedule
    found = {name: project.days.kept([tasks.moments[name][own]])[0] if own is not None else None for name in OWN_TIMES}
    start = project.header_moment("StartDate") or found["Start"] or min(filter(None, schedule.starts), default=None)
    finish = (
        project.header_moment("FinishDate") or found["Finish"] or max(filter(None, schedule.finishes), default=None)
    )
    instant = takes_no_time(None, start, finish)
    start_of = project.days.start(project.calendars.project)[instant]
    finish_of = project.days.finish(project.calendars.project)[instant]
    return {
        "forecast_start": start_of[start],
        "forecast_finish": finish_of[finish],
        "actual_start": start_of[found["ActualStart"]],
        "actual_finish": finish_of[found["ActualFinish"]],
        "deadline": project.days.plain[found["Deadline"]],
    }


OWN_TIMES = ("Start", "Finish", "ActualStart", "ActualFinish", "Deadline")


def _own_figures(project: Project) -> dict[str, Value]:
    own, numbers = project.outline.own, project.plan.tasks.numbers
    return {name: None if own is None else numbers[element][own] for name, element in OWN_NUMBERS.items()}


def _baseline(project: Project, tasks: Mapping[str, Values]) -> dict[str, Value]:
    """Return the span and the sums of the baseline over the rows that count, as far as they are known."""
    counts = [
        leaf and bool(active) and not external
        for leaf, active, external in zip(project.outline.leaves(), tasks["active"], tasks["external"], strict=True)
    ]
    known = {
        name: [one for one in compress(tasks[field], counts) if isinstance(one, int)] for name, field in SPAN.items()
    }
    return {
        "baseline_start": min(known["start"], default=None),
        "baseline_finish": max(known["finish"], default=None),
        "baseline_cost": _total(known["cost"]),
        "effort_baseline": _total(known["work"]),
    }


def _total(known: list[int]) -> int | None:
    """Add what is known; None when nothing is, or when no column holds the sum."""
    return total if known and abs(total := sum(known)) < LARGEST else None


SPAN = {"start": "baseline_start", "finish": "baseline_finish", "cost": "baseline_cost", "work": "baseline_work"}
