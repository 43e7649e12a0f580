"""The shape of a rule file: its keys and what kind of value each takes. What the texts mean is checked elsewhere."""

import re
from datetime import date, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)

from pmo_watch.faults import quoted

VERSION = 1
CONDITION, SEVERAL = "a condition such as `over 5 wd`", "{any: [...]} or {all: [...]}"
TEXT, LIST, KEYS = "a text", "a list", "keys with values"  # the kinds of value, as messages call them
MOST_TAGS = 5
EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
T = TypeVar("T")
KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Shape(BaseModel):
    """Keys of a rule file; another key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# An item is None where what stands there does not fit and was reported: the others keep their places.
Items = list[T | None]


def _scalar(value: object) -> object:
    """Let numbers, dates and flags stand where a text is read: their meaning comes from what is written."""
    return value if isinstance(value, (dict, list)) else "" if value is None else str(value)


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError(f"{quoted(value)} is not a date; write it as in 2026-07-17")


def _email(value: str) -> str:
    if not EMAIL.fullmatch(value):
        raise ValueError(f"{quoted(value)} is not an e-mail address")
    return value


def _because(value: str) -> str:
    if not 3 <= len(value) <= 500:
        raise ValueError("give 3 to 500 characters that say why")
    return value


def _version(value: object) -> object:
    if value != VERSION or isinstance(value, bool):
        raise ValueError(f"version {quoted(value)} is not known; this program reads version {VERSION}")
    return value


def kind_of(value: object) -> str:
    """Return what stands there, as messages call it."""
    return KEYS if isinstance(value, dict) else LIST if isinstance(value, list) else TEXT


def _condition_kind(value: object) -> str:
    return SEVERAL if isinstance(value, dict) else LIST if isinstance(value, list) else CONDITION


Written = Annotated[str, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Day = Annotated[date, BeforeValidator(_day)]
Email = Annotated[str, AfterValidator(_email)]
Names = Annotated[Annotated[str, Tag(TEXT)] | Annotated[Items[str], Tag(LIST)], Discriminator(kind_of)]
Language = Literal["en", "fr", "nl"]


class Languages(Shape):
    """One text for each language."""

    en: Said | None = None
    fr: Said | None = None
    nl: Said | None = None

    @model_validator(mode="after")
    def _some(self) -> "Languages":
        if not self.model_fields_set:
            raise ValueError("a text is missing: {en: ..., fr: ..., nl: ...}")
        return self


Texts = Annotated[Annotated[Said, Tag(TEXT)] | Annotated[Languages, Tag(KEYS)], Discriminator(kind_of)]


class OnSubject(Shape):
    """A condition on another measure, or on a field."""

    measure: str | None = None
    field: str | None = None
    is_: Written = Field(alias="is")

    @model_validator(mode="after")
    def _one(self) -> "OnSubject":
        if (self.measure is None) == (self.field is None):
            raise ValueError("name either a measure or a field: {measure: milestone.slip, is: over 5 wd}")
        return self


Part = Annotated[Annotated[Written, Tag(TEXT)] | Annotated[OnSubject, Tag(KEYS)], Discriminator(kind_of)]
Parts = Annotated[Items[Part], Field(min_length=1)]


class Several(Shape):
    """Several conditions, of which any or all must hold."""

    any_of: Parts | None = Field(default=None, alias="any")
    all_of: Parts | None = Field(default=None, alias="all")

    @model_validator(mode="after")
    def _one(self) -> "Several":
        if (self.any_of is None) == (self.all_of is None):
            raise ValueError("write {any: [...]} or {all: [...]}, one of the two")
        return self


Level = Annotated[Annotated[Written, Tag(CONDITION)] | Annotated[Several, Tag(SEVERAL)], Discriminator(_condition_kind)]


class Measured(Shape):
    """A measure with its parameters and thresholds."""

    measure: str
    with_: dict[str, object] = Field(default={}, alias="with")
    amber: Level | None = None
    red: Level | None = None
    recover: Level | None = None


class NoDataShape(Shape):
    """What a finding without data becomes, after how long, and why."""

    state: Literal["grey", "amber", "red", "ignore"]
    after: Written | None = None
    because: Said | None = None


class Tell(Shape):
    """Which audiences are told, by level."""

    amber: Names | None = None
    red: Names | None = None
    grey: Names | None = None


class Step(Shape):
    """One step of an escalation."""

    after: Written
    while_: Literal["amber", "red"] = Field(alias="while")
    to: Names


class RemindShape(Shape):
    """When to say it again, and to whom."""

    every: Written | None = None
    before: Written | None = None
    to: Names | None = None

    @model_validator(mode="after")
    def _some(self) -> "RemindShape":
        if self.every is None and self.before is None:
            raise ValueError("say when: {every: 5 wd} or {before: 1 wd}")
        return self


class HistoryShape(Shape):
    """How often samples are taken, and how many there must be."""

    every: Literal["day", "week", "month", "quarter"] | None = None
    at_least: Written | None = None


class ExampleShape(Shape):
    """What the rule must say of a row with these fields."""

    given: dict[str, object]
    expect: Literal["green", "amber", "red", "grey", "na"]
    today: Day | None = None


class Common(Shape):
    """What may stand in a rule, and in `defaults:` for all rules of the file."""

    confirm_after: Written | None = None
    no_data: (
        Annotated[
            Annotated[Literal["grey", "amber", "red", "ignore"], Tag(TEXT)] | Annotated[NoDataShape, Tag(KEYS)],
            Discriminator(kind_of),
        ]
        | None
    ) = None
    tell: Tell | None = None
    escalate: Items[Step] | None = None
    remind: (
        Annotated[Annotated[Written, Tag(TEXT)] | Annotated[RemindShape, Tag(KEYS)], Discriminator(kind_of)] | None
    ) = None
    tags: Annotated[Items[Annotated[Said, Field(max_length=40)]], Field(max_length=MOST_TAGS)] | None = None
    enabled: bool | None = None
    review_by: Day | None = None


Condition = Annotated[Annotated[Written, Tag(TEXT)] | Annotated[Items[Written], Tag(LIST)], Discriminator(kind_of)]


class RuleShape(Common):
    """One rule."""

    id: str
    name: Texts
    message: Texts | None = None
    advice: Texts | None = None
    for_each: str | None = None
    only_if: dict[str, Condition] | None = None
    measure: str | None = None
    with_: dict[str, object] | None = Field(default=None, alias="with")
    measures: Annotated[Items[Measured], Field(min_length=1)] | None = None
    overall: Literal["worst"] | None = None
    amber: Level | None = None
    red: Level | None = None
    recover: Level | None = None
    history: HistoryShape | None = None
    show: Items[str] | None = None
    dimension: Literal["schedule", "cost", "scope", "risk", "resources", "quality", "data"] | None = None
    examples: Items[ExampleShape] | None = None


class AudienceShape(Shape):
    """Who is told, and how at each level: at once, by a digest, or never."""

    role: str | None = None
    email: Email | None = None
    notifier: str | None = None
    amber: str | None = None
    red: str | None = None
    grey: str | None = None
    empty: Literal["send", "skip"] | None = None
    language: Language | None = None


class DigestShape(Shape):
    """When a digest leaves."""

    at: Written | None = None
    on: Written | None = None


MATCH = "name a rule, a project, an entity or a tag, or write `match: everything`"


def _everything(value: str) -> str:
    if value != "everything":
        raise ValueError(MATCH)
    return value


Everything = Annotated[str, AfterValidator(_everything), WithJsonSchema({"const": "everything"})]


class MatchShape(Shape):
    """Which alerts a silence is about: every part that is given must fit."""

    rule: Said | None = None
    project: Said | None = None
    entity: Said | None = None
    tag: Said | None = None

    @model_validator(mode="after")
    def _some(self) -> "MatchShape":
        if not self.model_fields_set:
            raise ValueError(MATCH)
        return self


class SilenceShape(Shape):
    """A silence that comes back: on the days off of a calendar, or every year from one day to another."""

    match: Annotated[Annotated[Everything, Tag(TEXT)] | Annotated[MatchShape, Tag(KEYS)], Discriminator(kind_of)]
    why: Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_because)]
    calendar: str | None = None
    from_: Written | None = Field(default=None, alias="from")
    to: Written | None = None
    every: Literal["year"] | None = None

    @model_validator(mode="after")
    def _when(self) -> "SilenceShape":
        days = (self.from_ is not None, self.to is not None)
        if any(days) != all(days) or (self.calendar is None) != all(days) or (self.every and not all(days)):
            raise ValueError("say when: {calendar: freeze}, or {from: 12-20, to: 01-05, every: year}, one of the two")
        return self


class FileShape(Shape):
    """A rule file."""

    version: Annotated[int, BeforeValidator(_version)] = VERSION
    owner: Email | None = None
    defaults: Common | None = None
    audiences: dict[str, AudienceShape] = {}
    digests: dict[str, DigestShape] = {}
    silences: dict[str, SilenceShape] = {}
    rules: list[RuleShape] = []


class Head(Shape):
    """A rule file whose parts are looked at one by one, so that a fault in one does not hide those of another."""

    version: Annotated[int, BeforeValidator(_version)] = VERSION
    owner: Email | None = None
    defaults: object = None
    audiences: dict[str, object] = {}
    digests: dict[str, object] = {}
    silences: dict[str, object] = {}
    rules: list[object] = []
