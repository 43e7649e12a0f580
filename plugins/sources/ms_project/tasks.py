"""Tasks and milestones of a project (spec model 2.4)."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import polars as pl

from .columns import Values, frame_of
from .conversion import Project
from .custom_values import milestone_kinds, task_values
from .days import NumberOf
from .outline import TOP
from .people import People
from .schedule import as_days, day_of_each, picked, takes_no_time

V = TypeVar("V")
CONSTRAINTS = (
    "asap",
    "alap",
    "must_start_on",
    "must_finish_on",
    "start_no_earlier",
    "start_no_later",
    "finish_no_earlier",
    "finish_no_later",
    "start_on",  # 8 and 9 are written by some converters
    "finish_on",
)
DATED = range(2, 10)  # the date of other constraints means nothing
LAST_BASELINE = 10
LAST_OF_STEP = (199, 399, 600, 800)
EV_METHODS = ("percent", "physical")
PLAIN_NUMBERS = {
    "remaining_duration": "RemainingDuration",
    "progress": "PercentComplete",
    "work_progress": "PercentWorkComplete",
    "physical_progress": "PhysicalPercentComplete",
    "work": "Work",
    "actual_work": "ActualWork",
    "remaining_work": "RemainingWork",
    "cost": "Cost",
    "actual_cost": "ActualCost",
    "remaining_cost": "RemainingCost",
    "total_slack": "TotalSlack",
    "free_slack": "FreeSlack",
}
FLAGS = {"is_milestone": ("Milestone", False), "active": ("Active", True), "manual": ("Manual", False)}


def task_columns(project: Project, people: People) -> dict[str, Values]:
    """Return what the plan says of each row of its outline, as columns of the model."""
    columns = {**_structure(project), **_dates(project), **_figures(project), **_baseline(project)}
    columns["owner"] = _owners(project, people)
    _add_custom(project, columns)
    return columns


def task_frame(project: Project, columns: Mapping[str, Values]) -> pl.DataFrame:
    """Return the rows of the project's tasks; of rows with one key the first."""
    frame = frame_of("task", columns)
    if not project.identity.twice:
        return frame
    first = [place not in project.identity.twice for place in range(frame.height)]
    return frame.filter(pl.Series(first, dtype=pl.Boolean))


def _structure(project: Project) -> dict[str, Values]:
    outline, tasks, place = project.outline, project.plan.tasks, project.place
    texts = {name: picked(outline, column) for name, column in tasks.texts.items()}
    keys = project.keys
    return {
        "key": keys,
        "id": [uid or key for uid, key in zip(_shown(project, texts["UID"]), project.identity.keys, strict=True)],
        "project": [place.key] * len(keys),
        "parent": [place.parent if above == TOP else keys[above] for above in outline.parents],
        "wbs": [wbs or number for wbs, number in zip(texts["WBS"], texts["OutlineNumber"], strict=True)],
        "outline_level": [depth + place.depth for depth in outline.depths],
        "position": list(range(1, len(keys) + 1)),
        "name": texts["Name"],
        "external": _external(project),
        "finish_text": texts["FinishText"],
        "url": texts["HyperlinkAddress"],
        **{
            name: [default if flag is None else flag for flag in picked(outline, tasks.flags[element])]
            for name, (element, default) in FLAGS.items()
        },
    }


def _shown(project: Project, uids: list[str | None]) -> list[str | None]:
    """Return what people call each row: the text field that identifies it, else its UID."""
    chosen = project.plan.attributes.get(project.plan.fields.number(project.facts.settings.key) or "", {})
    return [chosen.get(row) or uid for row, uid in zip(project.outline.rows, uids, strict=True)]


def _external(project: Project) -> list[bool]:
    """Mark placeholders of rows or whole plans that stand in another file."""
    tasks, inserted = project.plan.tasks, project.plan.inserted
    elsewhere = tasks.flags["IsSubproject"]
    return [
        bool(tasks.flags["ExternalTask"][row])
        or ((bool(elsewhere[row]) or tasks.texts["SubprojectName"][row] is not None) and row not in inserted)
        for row in project.outline.rows
    ]


def _dates(project: Project) -> dict[str, Values]:
    schedule, days = project.schedule, project.days
    types = picked(project.outline, project.plan.tasks.numbers["ConstraintType"])
    instants = NumberOf(project.instant)
    constrained = as_days([days.plain] * len(types), _moments(project, "ConstraintDate"))
    return {
        "forecast_start": as_days(schedule.start_of, schedule.starts),
        "forecast_finish": as_days(schedule.finish_of, schedule.finishes),
        "actual_start": as_days(schedule.start_of, _moments(project, "ActualStart")),
        "actual_finish": as_days(schedule.finish_of, _moments(project, "ActualFinish")),
        "early_finish": as_days(schedule.finish_of, _moments(project, "EarlyFinish")),
        "late_finish": as_days(schedule.finish_of, _moments(project, "LateFinish")),
        # Typed by people, who mean the day; writers add the hour that suits them.
        "deadline": as_days([days.plain] * len(types), _moments(project, "Deadline")),
        "constraint_type": _words(project, "ConstraintType", CONSTRAINTS),
        "constraint_date": [day if number in DATED else None for day, number in zip(constrained, types, strict=True)],
        "created_at": [instants[one] for one in _moments(project, "CreateDate")],
    }


def _moments(project: Project, name: str) -> list[datetime | None]:
    return project.days.kept(picked(project.outline, project.plan.tasks.moments[name]))


def _words(project: Project, name: str, words: Sequence[str]) -> list[str | None]:
    """Return the words that numbers stand for; an unknown number is none, and reported once."""
    numbers = picked(project.outline, project.plan.tasks.numbers[name])
    known: dict[int | None, str | None] = {None: None, **dict(enumerate(words))}
    for row, number in zip(project.outline.rows, numbers, strict=True):
        if number not in known:
            known[number] = None
            project.reject(project.row_name(row), name, str(number), "not known")
    return [known[number] for number in numbers]


def _figures(project: Project) -> dict[str, Values]:
    outline, tasks = project.outline, project.plan.tasks
    return {
        "duration": project.schedule.durations,
        "critical": picked(outline, tasks.flags["Critical"]),
        "priority": [_steps(number) for number in picked(outline, tasks.numbers["Priority"])],
        "ev_method": _words(project, "EarnedValueMethod", EV_METHODS),
        **{name: picked(outline, tasks.numbers[element]) for name, element in PLAIN_NUMBERS.items()},
    }


def _steps(priority: int | None) -> int | None:
    """Return a priority of 0 to 1000 in five steps, 5 the highest (spec model 3.9)."""
    if priority is None or not 0 <= priority <= 1000:
        return None
    return bisect_left(LAST_OF_STEP, priority) + 1


def chosen_baseline(project: Project) -> dict[int, int]:
    """Return the row of the chosen baseline for each row of a task that has one; interim ones do not count."""
    setting = project.facts.settings.baseline
    wanted = project.plan.small_number("BaselineForEarnedValue", LAST_BASELINE) if setting == "auto" else setting
    baselines = project.plan.baselines
    found: dict[int, int] = {}
    for at, task in enumerate(baselines.parents):
        if (baselines.numbers["Number"][at] or 0) == wanted and not baselines.flags["Interim"][at]:
            found.setdefault(task, at)
    return found


def _baseline(project: Project) -> dict[str, Values]:
    chosen, baselines = chosen_baseline(project), project.plan.baselines
    rows = [chosen.get(row) for row in project.outline.rows]
    starts = project.days.kept(_at(baselines.moments["Start"], rows))
    finishes = project.days.kept(_at(baselines.moments["Finish"], rows))
    durations = _at(baselines.numbers["Duration"], rows)
    calendars = project.schedule.calendars
    instants = [takes_no_time(*row) for row in zip(durations, starts, finishes, strict=True)]
    return {
        "baseline_start": as_days(day_of_each(project.days.start, calendars, instants), starts),
        "baseline_finish": as_days(day_of_each(project.days.finish, calendars, instants), finishes),
        "baseline_duration": durations,
        "baseline_work": _at(baselines.numbers["Work"], rows),
        "baseline_cost": _at(baselines.numbers["Cost"], rows),
    }


def _at(column: Sequence[V], rows: Sequence[int | None]) -> list[V | None]:
    return [None if row is None else column[row] for row in rows]


def _owners(project: Project, people: People) -> list[str | None]:
    """Return whom each row names as contact, else the only person assigned to it."""
    contacts = picked(project.outline, project.plan.tasks.texts["Contact"])
    return [people.sole.get(place) if name is None else people.find(name) for place, name in enumerate(contacts)]


def _add_custom(project: Project, columns: dict[str, Values]) -> None:
    """Let custom fields fill or replace what the plan's own elements say."""
    rows = project.outline.rows
    kinds = milestone_kinds(project)
    for name in ("kind", "gate_code", "level"):
        if kinds:
            columns[name] = [getattr(kinds[row], name) if row in kinds else None for row in rows]
    for name, values in task_values(project).items():
        before: Values = columns.get(name) or [None] * len(rows)
        columns[name] = [
            old if (new := values.get(row)) is None else new for row, old in zip(rows, before, strict=True)
        ]
