"""What a profile of lists is: the columns it knows, its key, what it must have (spec sources 5.4, model 4.4).

A column is known by the canonical header of its field. Where a profile says nothing, a column is the model's: any
field of the entity may be given by its canonical header.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pmo_watch_plugins.sources.csv_file.settings import ProfileName

from pmo_watch.api import ENTITIES, Field, Kind

RAG = ("green", "amber", "red")
STEPS = frozenset({"likelihood", "impact", "urgency", "priority", "delivery_confidence"})  # 1 to 5, words accepted


class Form(StrEnum):
    """How the cells of a column are read."""

    TEXT = "text"
    EMAIL = "e-mail"
    WORD = "word"
    COLOUR = "colour"
    FLAG = "boolean"
    COUNT = "whole number"
    STEPS = "1 to 5"
    NUMBER = "number"
    PERCENT = "percent"
    MONEY = "amount"
    HOURS = "effort"
    MINUTES = "duration"
    DATE = "date"
    MOMENT = "moment"
    PERIOD = "period"
    PERIOD_END = "period, its last day"
    WEEK = "week"
    LIST = "list"


TEXTS = frozenset({Form.TEXT, Form.EMAIL})
FORMS: dict[Kind, Form] = {
    Kind.TEXT: Form.TEXT,
    Kind.ENUM: Form.WORD,
    Kind.FLAG: Form.FLAG,
    Kind.COUNT: Form.COUNT,
    Kind.NUMBER: Form.NUMBER,
    Kind.PERCENT: Form.PERCENT,
    Kind.MINUTES: Form.MINUTES,
    Kind.HOURS: Form.HOURS,
    Kind.MONEY: Form.MONEY,
    Kind.DATE: Form.DATE,
    Kind.MOMENT: Form.MOMENT,
    Kind.REF: Form.TEXT,
    Kind.LIST: Form.LIST,
}


@dataclass(frozen=True, slots=True)
class Spec:
    """A column that a profile knows: how it is read, the words allowed, what its header may be about."""

    name: str
    form: Form
    one_of: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    field: str = ""  # of the profile's entity; empty where the rows are made otherwise


@dataclass(frozen=True, slots=True)
class Profile:
    """What the rows of a file are.

    `key`: identity columns. `widened_by`: joins the key when one key stands for rows of several of it. `else_key`: the
    key of a file without the first one's column. `more_key`: further parts, where the file has such columns.
    `mandatory`: groups of columns of which one must be there. `may_lack`: key columns whose cells may be empty.
    `weak`: columns whose canonical header means another one first.
    """

    name: ProfileName
    entity: str
    columns: Mapping[str, Spec]
    key: tuple[str, ...]
    mandatory: tuple[tuple[str, ...], ...]
    file_names: tuple[str, ...]
    widened_by: str = ""
    else_key: tuple[str, ...] = ()
    more_key: tuple[str, ...] = ()
    may_lack: frozenset[str] = field(default_factory=frozenset)
    weak: frozenset[str] = field(default_factory=frozenset)


# What the headers of a column may be about, in any profile; a column that is not here has its own name only.
CONCEPTS_OF: dict[str, tuple[str, ...]] = {
    "project_id": ("project_code", "project"),
    "program_id": ("program",),
    "portfolio_id": ("portfolio", "id"),
    "milestone_id": ("milestone_code", "id"),
    "task_id": ("task_code", "id"),
    "parent_id": ("parent",),
    "predecessor_id": ("predecessors",),
    "board_id": ("board_code",),
    "sprint_id": ("sprint_code",),
    "meeting_id": ("meeting_code", "id"),
    "title": ("name",),
    "state": ("status",),
    "kind": ("type",),
    "rag": ("declared_rag",),
    "provider": ("owner", "provider"),
    "due_on": ("due",),
    "deadline": ("due",),
    "target_date": ("due",),
    "needed_by": ("due",),
    "needed_on": ("due", "needed_on"),
    "identified_on": ("opened_on",),
    "raised_on": ("opened_on",),
    "requested_on": ("opened_on",),
    "resolved_on": ("closed_on",),
    "decided_on": ("closed_on",),
    "done_on": ("closed_on",),
    "start": ("forecast_start",),
    "finish": ("forecast_finish",),
    "to": ("until",),
}


def _form(one: Field) -> Form:
    if one.name in STEPS:
        return Form.STEPS
    return Form.COLOUR if one.one_of == RAG else FORMS[one.kind]


def columns_of(entity: str, *more: Spec, **concepts: tuple[str, ...]) -> dict[str, Spec]:
    """Return the columns of an entity by canonical header; `more` adds or replaces, `concepts` says other words."""
    found = {}
    for one in ENTITIES[entity].stored():
        name = one.header
        own = concepts.get(name, CONCEPTS_OF.get(name, (name,)))
        found[name] = Spec(name, _form(one), one.one_of, own, one.name)
    return found | {one.name: one for one in more}


def simple(name: ProfileName, entity: str, key: tuple[str, ...], *mandatory: str) -> Profile:
    """Return a profile whose columns are the entity's, and whose key columns must be there."""
    return Profile(
        name, entity, columns_of(entity), key, tuple((one,) for one in (*key, *mandatory)), file_names=(name,)
    )
