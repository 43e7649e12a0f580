"""What custom fields say of tasks and of the project: the settings `attributes` and `milestone_kind`."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase

from pmo_watch.api import ENTITIES, Field, Kind

from .calendars import EPOCH
from .columns import Value
from .conversion import Project
from .settings import FREE_TASK, MilestonePattern
from .values import clean, fine, hours_of, minutes_of, moment, money_of, whole

YES = frozenset({"1", "true", "yes", "oui", "ja", "x"})
NO = frozenset({"0", "false", "no", "non", "nee", "neen"})
COLOURS = {
    "yellow": "amber",
    "orange": "amber",
    "oranje": "amber",
    "on_track": "green",
    "at_risk": "amber",
    "off_track": "red",
}
CALLED = {"code": "id"}  # what a task is known by
Rows = Mapping[int, str]


def task_values(project: Project) -> dict[str, dict[int, Value]]:
    """Return what custom fields say of tasks: field -> row of the file -> value."""
    return {
        name: {row: _value(project, "task", name, word, row, text) for row, text in _texts(project, word).items()}
        for name, word in _targets(project, is_task=True).items()
    }


def project_values(project: Project) -> dict[str, Value]:
    """Return what custom fields of the project's own row say of the project, and the folder where it is asked for."""
    found: dict[str, Value] = {}
    own = project.outline.own
    for name, word in _targets(project, is_task=False).items():
        text = _texts(project, word).get(own) if own is not None else None
        if word == "folder":
            found[name] = project.facts.folder
        elif text is not None and own is not None:
            found[name] = _value(project, "project", name, word, own, text)
    return found


def unknown_words(project: Project) -> list[str]:
    """Return the aliases and field names of the settings that the plan does not have."""
    return sorted(word for word in project.facts.settings.field_words() if project.plan.fields.number(word) is None)


def _targets(project: Project, *, is_task: bool) -> dict[str, str]:
    """Return the fields that settings name, each with its alias or field name."""
    targets = {}
    for name, word in project.facts.settings.attributes.items():
        plain = CALLED.get(name, name.removeprefix("project."))
        if (plain in FREE_TASK and not name.startswith("project.")) == is_task:
            targets[plain] = word
    return targets


def _texts(project: Project, word: str) -> Rows:
    return project.plan.attributes.get(project.plan.fields.number(word) or "", {})


def _value(project: Project, entity: str, name: str, word: str, row: int, text: str) -> Value:
    field = ENTITIES[entity].field(name)
    assert field is not None
    try:
        return _converted(project, field, word, text.strip())
    except (ValueError, OverflowError):
        project.reject(project.row_name(row), word, text, f"not what {entity}.{name} holds")
        return None


def _converted(project: Project, field: Field, word: str, text: str) -> Value:
    day = project.plan.scales.minutes_per_day
    if field.kind == Kind.MONEY:
        # Custom cost fields are written like all costs, custom numbers and texts as people see them.
        scale = project.facts.settings.cost_scale if project.plan.fields.is_cost(word) else Decimal(1)
        return money_of(text, scale)
    if field.kind == Kind.MINUTES:
        return minutes_of(text, day)
    if field.kind == Kind.HOURS:
        return hours_of(text, day) if "P" in text else fine(text)
    if field.kind == Kind.MOMENT:
        return project.instant(moment(text))
    if field.kind == Kind.ENUM:
        return _enum(field, text)
    return PLAIN[field.kind](text)


def _enum(field: Field, text: str) -> str:
    word = re.sub(r"[\s_-]+", "_", text.lower())
    return word if word in field.one_of else COLOURS.get(word, word)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in YES | NO:
        raise ValueError(text)
    return text.lower() in YES


PLAIN: dict[Kind, Callable[[str], Value]] = {
    Kind.TEXT: clean,
    Kind.REF: clean,
    Kind.FLAG: _yes_or_no,
    Kind.COUNT: whole,
    Kind.NUMBER: fine,
    Kind.PERCENT: lambda text: fine(text.rstrip("% ")),
    Kind.DATE: lambda text: (moment(text).date() - EPOCH).days,
    Kind.LIST: lambda text: [one for part in re.split(r"[,;]", text) if (one := part.strip())],
}


# --- milestones ---------------------------------------------------------------------------------------------------


def milestone_kinds(project: Project) -> dict[int, MilestonePattern]:
    """Return the first pattern that fits each milestone, by row of the file."""
    patterns = project.facts.settings.milestone_kind
    flags = project.plan.tasks.flags["Milestone"]
    found = {}
    for row in project.outline.rows if patterns else []:
        fitting = (one for one in patterns if flags[row] and _fits(project, one, row))
        if (pattern := next(fitting, None)) is not None:
            found[row] = pattern
    return found


def _fits(project: Project, pattern: MilestonePattern, row: int) -> bool:
    name = project.plan.tasks.texts["Name"][row] or ""
    if pattern.name and not _matches(name, pattern.name):
        return False
    if pattern.flag and _texts(project, pattern.flag).get(row, "").lower() not in YES:
        return False
    if pattern.attribute:
        content = _texts(project, pattern.attribute).get(row)
        return content is not None and _matches(content, pattern.value)
    return True


def _matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text.casefold(), pattern.casefold())
