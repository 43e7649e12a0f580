"""One file's plan as records of the model: the project, its rows, links, people, and the projects inserted in it."""

from dataclasses import dataclass, field
from pathlib import PureWindowsPath

from pmo_watch.api import Records, Rejected

from .conversion import FileFacts, Place, Project, open_project
from .custom_values import unknown_words
from .links import link_frame
from .parse import Plan
from .people import absence_frame, assignment_frame, people_of
from .projects import program_frame, project_frame
from .tasks import task_columns, task_frame


@dataclass(slots=True, eq=False)
class FileRecords:
    """What a file gave: records, and what a person should know of it; `chosen` identifies the rows of its plan."""

    records: list[Records] = field(default_factory=list)
    chosen: str = ""
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: int = 0
    without_status_date: bool = False


def records_of(plan: Plan, facts: FileFacts, place: Place, other_codes: frozenset[str]) -> FileRecords:
    """Turn a plan and the projects inserted in it into records.

    `other_codes`: the codes, in lower case, of plans in other files: inserted here as well, they are not read twice.

    Raises:
        SourceDataError: none of the plan's rows has what they were known by.
    """
    made = FileRecords()
    project = _add(made, plan, facts, place, other_codes)
    made.chosen = project.identity.chosen
    made.notes += [f"{facts.part}: no field '{word}'" for word in unknown_words(project)]
    return made


def _add(made: FileRecords, plan: Plan, facts: FileFacts, place: Place, other_codes: frozenset[str]) -> Project:
    codes = {row: _inserted_code(plan, row) for row in plan.inserted}
    for row in [row for row, code in codes.items() if code.lower() in other_codes]:
        made.notes.append(f"{facts.part}: {codes[row]} is inserted here and has a file of its own: read from there")
        del plan.inserted[row]
    project = open_project(plan, facts, place)
    people, persons = people_of(project)
    columns = task_columns(project, people)
    projects = project_frame(project, people, columns)
    frames = {
        "project": projects,
        "program": program_frame(projects),
        "task": task_frame(project, columns),
        "dependency": link_frame(project),
        "person": persons,
        "absence": absence_frame(project, people),
        "assignment": assignment_frame(project, people),
    }
    made.records += [Records(name, frame, facts.part) for name, frame in frames.items() if frame.height]
    made.rejected += project.rejected
    made.notes += [f"{facts.part}: {note}" for note in project.notes]
    made.lost += project.lost
    made.without_status_date |= projects["status_date"].null_count() > 0
    for row, below in plan.inserted.items():
        _add(made, _inheriting(below, plan), facts, _place_below(project, row, codes[row]), other_codes)
    return project


def _inserted_code(plan: Plan, row: int) -> str:
    """Return what an inserted project is called: the name of its own file, else its title or that of its row."""
    header = plan.inserted[row].header
    path = plan.tasks.texts["SubprojectName"][row]
    name = PureWindowsPath(path).stem if path else header.get("Title") or header.get("Name")
    return name or plan.tasks.texts["Name"][row] or f"row {row + 1}"


def _inheriting(below: Plan, plan: Plan) -> Plan:
    """Let an inserted project take from the file's what it does not say itself."""
    for name in ("StatusDate", "CurrencyCode", "LastSaved"):
        if name in plan.header:
            below.header.setdefault(name, plan.header[name])
    return below


def _place_below(project: Project, row: int, code: str) -> Place:
    """Return where the rows of a project inserted at a row of the file go."""
    if row not in project.outline.rows:  # inserted at a row without name
        return Place(f"{project.place.key}/{code}", code, project.place.parent, project.place.depth)
    at = project.outline.rows.index(row)
    key = project.keys[at]
    return Place(key, code, key, project.outline.depths[at] + project.place.depth)
