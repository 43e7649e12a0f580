"""What a file may be: one profile for each kind of list, by its name (spec sources 5.4, model 4.4)."""

import re
from dataclasses import replace

from pmo_watch_plugins.sources.csv_file.profile import CONCEPTS_OF, Form, Profile, Spec, columns_of, simple
from pmo_watch_plugins.sources.csv_file.settings import ProfileName
from pmo_watch_plugins.sources.csv_file.vocabulary import fold

REGISTERS = ("risk", "issue", "decision", "change", "action")

PROJECT_ID = Spec("project_id", Form.TEXT, concepts=CONCEPTS_OF["project_id"])
PROGRAM_ID = Spec("program_id", Form.TEXT, concepts=CONCEPTS_OF["program_id"])
PERSON = Spec("email", Form.EMAIL, concepts=("email",), field="person")
PERIOD = Spec("period", Form.PERIOD, concepts=("period",), field="period")
WEEK = Spec("week", Form.WEEK, concepts=("week",), field="week")
WITH_ROLE = ("role", "scope", "from", "until", "mandatory")


def _people() -> dict[str, Spec]:
    roles = {name: spec for name, spec in columns_of("role").items() if name in WITH_ROLE}
    named = (
        Spec("email", Form.EMAIL, concepts=("email",), field="email"),
        Spec("name", Form.TEXT, concepts=("last_name", "name"), field="name"),
        Spec("last_name", Form.TEXT, concepts=("last_name",)),
        Spec("first_name", Form.TEXT, concepts=("first_name",)),
    )
    columns: dict[str, Spec] = columns_of(
        "person", PROJECT_ID, PROGRAM_ID, *named, id=()
    )  # a person's key is the address
    # The first column that a word may mean comes first: `nom` is the last name, beside a first name.
    return {name: columns[name] for name in ("last_name", "first_name")} | columns | roles


def _raid() -> dict[str, Spec]:
    """Return the columns of all five logs in one list: the common ones, and those that only some logs have."""
    own = {"identified_on", "raised_on", "target_date", *(f"{one}_id" for one in REGISTERS)}
    common = (
        Spec("id", Form.TEXT, concepts=("id", "reference")),
        Spec("type", Form.TEXT, concepts=("type",)),
        Spec("status", Form.TEXT, concepts=("status",)),
        Spec("opened_on", Form.DATE, concepts=("opened_on",)),
        Spec("due", Form.DATE, concepts=("due",)),
        Spec("closed_on", Form.DATE, concepts=("closed_on",)),
    )
    names = {one.name for one in common}
    found = {one.name: one for one in common}
    for register in REGISTERS:
        for name, spec in columns_of(register).items():
            if name not in names | own:
                # A date that only one log has is known by its own name: its other words are the common column's.
                dated = spec.form == Form.DATE and name != "last_reviewed_on"
                found[name] = Spec(name, spec.form, spec.one_of, () if dated else spec.concepts)
    return found


def _costs() -> dict[str, Spec]:
    found: dict[str, Spec] = columns_of(
        "cost_entry", Spec("period", Form.PERIOD_END, concepts=("period",), field="booked_on")
    )
    return found


def _register(name: ProfileName, entity: str) -> Profile:
    key = f"{entity}_id"
    own = {"submitted_on": ("submitted_on", "opened_on")} if name == "changes" else {}
    return Profile(
        name,
        entity,
        columns_of(entity, **{key: ("id", "reference")}, **own),
        key=(key,),
        mandatory=((key,), ("project_id",), ("title",)),
        file_names=(name,),
        widened_by="project_id",
        weak=frozenset({"probability"}),
    )


def _plan(name: ProfileName, key: str, *file_names: str, else_key: tuple[str, ...] = ()) -> Profile:
    milestones = name == "milestones"
    id_column = Spec(key, Form.TEXT, concepts=CONCEPTS_OF[key], field="id")
    more = () if milestones else (Spec("predecessors", Form.TEXT, concepts=("predecessors",)),)
    known = columns_of("task", id_column, *more)
    columns = {one: spec for one, spec in known.items() if one == key or spec.field != "id"}
    return Profile(
        name,
        "task",
        columns,
        key=(key,),
        mandatory=(*(() if else_key else ((key,),)), ("project_id",), ("name",), ("forecast_finish",)),
        file_names=(name, *file_names),
        widened_by="project_id",
        else_key=else_key,
        weak=frozenset({"milestone"}) if milestones else frozenset(),
    )


PROJECTS = Profile(
    "projects",
    "project",
    columns_of("project", project_id=("project_code", "id", "project"), name=("name", "project"), code=("id",)),
    key=("project_id",),
    mandatory=(("project_id",), ("name",)),
    file_names=("projects",),
    weak=frozenset({"code"}),
)
OBSERVATIONS = Profile(
    "kpi_observations",
    "observation",
    columns_of("observation", PROJECT_ID, PROGRAM_ID, PERIOD),
    key=("indicator", "scope", "period"),
    mandatory=(("indicator",), ("project_id", "program_id"), ("period",), ("value",)),
    file_names=("kpi_observations", "observations", "indicateurs", "indicatoren"),
)
RAID = Profile(
    "raid",
    "",
    _raid(),
    key=("id",),
    mandatory=(("id",), ("type",), ("project_id",), ("title",), ("status",)),
    file_names=("raid",),
    widened_by="project_id",
)
DOCUMENTS = Profile(
    "documents",
    "document",
    columns_of("document", document_id=("id",)),
    key=("document_id",),
    mandatory=(("project_id",), ("artefact",), ("status",)),
    file_names=("documents",),
    else_key=("project_id", "artefact"),
)
PEOPLE = Profile(
    "people",
    "person",
    _people(),
    key=("email",),
    mandatory=(("email",), ("name", "last_name")),
    file_names=("people", "personnes", "personen"),
    may_lack=frozenset({"email"}),
)
ROLES = Profile(
    "roles",
    "role",
    columns_of("role", PERSON, PROJECT_ID, PROGRAM_ID),
    key=("email", "role", "scope"),
    mandatory=(("email",), ("role",), ("scope", "project_id", "program_id")),
    file_names=("roles",),
    may_lack=frozenset({"email", "scope"}),
)
DEPENDENCIES = Profile(
    "dependencies",
    "dependency",
    columns_of("dependency", dependency_id=("id",)),
    key=("dependency_id",),
    mandatory=(("predecessor_id",), ("successor_id",)),
    file_names=("dependencies",),
    else_key=("predecessor_id", "successor_id"),
    more_key=("type",),
)
GATES = Profile(
    "gates",
    "gate",
    columns_of("gate", gate_id=("id",)),
    key=("gate_id",),
    mandatory=(("project_id",), ("code",)),
    file_names=("gates",),
    else_key=("project_id", "code"),
)
STATUS_REPORTS = Profile(
    "status_reports",
    "status_report",
    columns_of("status_report", PERIOD),
    key=("project_id", "period"),
    mandatory=(("project_id",), ("period",)),
    file_names=("status_reports",),
    more_key=("kind",),
)
COSTS = Profile(
    "costs",
    "cost_entry",
    _costs(),
    key=("project_id", "period"),
    mandatory=(("project_id",), ("period",), ("amount",)),
    file_names=("costs",),
    more_key=("type", "task_id"),
)
TIMESHEETS = Profile(
    "timesheets",
    "timesheet",
    columns_of("timesheet", WEEK),
    key=("email", "week", "project_id"),
    mandatory=(("email",), ("week",), ("project_id",), ("hours",)),
    file_names=("timesheets",),
    may_lack=frozenset({"project_id"}),
)
INDICATORS = Profile(
    "indicators",
    "indicator",
    columns_of("indicator", indicator=("indicator", "id")),
    key=("indicator",),
    mandatory=(("indicator",),),
    file_names=("indicators",),
)
BOARDS = Profile(
    "boards",
    "board",
    columns_of("board", board_id=("board_code", "id"), board_name=("board_name", "name")),
    key=("board_id",),
    mandatory=(("board_id",), ("board_name",)),
    file_names=("boards",),
)
# What a list of sprints may say of the teams themselves.
OF_BOARDS = tuple(name for name in BOARDS.columns if name not in {"board_id", "updated_at"})
SPRINTS = Profile(
    "sprints",
    "sprint",
    columns_of(
        "sprint",
        *(replace(BOARDS.columns[name], field="") for name in OF_BOARDS),
        sprint_id=("sprint_code", "id"),
        start_on=("forecast_start",),
        end_on=("forecast_finish",),
        completed_on=("closed_on", "actual_finish"),
    ),
    key=("sprint_id",),
    mandatory=(("sprint_id",), ("board_id",), ("name",)),
    file_names=("sprints",),
    weak=frozenset({"board_name"}),
)
SPRINT_ITEMS = Profile(
    "sprint_items",
    "sprint_item",
    columns_of("sprint_item", task_id=("task_code", "item", "id"), done_on=("closed_on", "actual_finish")),
    key=("sprint_id", "task_id"),
    mandatory=(("sprint_id",), ("task_id",)),
    file_names=("sprint_items",),
)
RELEASES = Profile(
    "releases",
    "release",
    columns_of("release", release_id=("release_code", "id")),
    key=("release_id",),
    mandatory=(("release_id",), ("project_id",), ("name",)),
    file_names=("releases",),
    widened_by="project_id",
)

PROFILES: dict[str, Profile] = {
    one.name: one
    for one in (
        PROJECTS,
        _plan("milestones", "milestone_id", "jalons", "mijlpalen", else_key=("project_id", "name")),
        _plan("tasks", "task_id"),
        OBSERVATIONS,
        RAID,
        _register("risks", "risk"),
        _register("issues", "issue"),
        _register("decisions", "decision"),
        _register("changes", "change"),
        _register("actions", "action"),
        DOCUMENTS,
        PEOPLE,
        ROLES,
        INDICATORS,
        DEPENDENCIES,
        simple("assignments", "assignment", ("task_id", "email")),
        GATES,
        simple("meetings", "meeting", ("meeting_id",)),
        STATUS_REPORTS,
        COSTS,
        simple("absences", "absence", ("email", "from", "to")),
        TIMESHEETS,
        BOARDS,
        SPRINTS,
        SPRINT_ITEMS,
        RELEASES,
        simple("programs", "program", ("program_id",)),
        simple("portfolios", "portfolio", ("portfolio_id",)),
    )
}


def profile_of(stem: str) -> Profile | None:
    """Return the profile that a word, or a run of words, of a file's name selects; None when none or several do."""
    words = [fold(word) for word in re.split(r"[^0-9A-Za-zÀ-ÿ]+", stem) if word]
    runs = {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    found = [one for one in PROFILES.values() if any(fold(name) in runs for name in one.file_names)]
    return found[0] if len(found) == 1 else None
