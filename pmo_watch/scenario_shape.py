"""The shape of a scenario test: its keys and what kind of value each takes. What they mean is checked elsewhere."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, WithJsonSchema

from pmo_watch.rule_shape import KEYS, LIST, TEXT, Day, Items, Language, Names, Said, Shape, kind_of

SomeLevel = Literal["amber", "red"]
SomeState = Literal["green", "pending", "amber", "red", "grey", "na"]
STATES: tuple[str, ...] = ("green", "pending", "amber", "red", "grey", "na")
Rows = Annotated[Items[dict[str, object]], Field(description="Rows, each with a `uid` that is unique in the file.")]
Values = dict[str, object]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
SayingReason = Literal[
    "opened", "worsened", "improved", "recovered", "entity_done", "entity_cancelled", "entity_gone", "out_of_scope",
    "rule_removed", "escalated", "reminded", "acknowledgement_ended", "promise_missed", "open", "silenced",
]  # fmt: skip


class AckShape(Shape):
    """A person acknowledges the open alerts on a row."""

    until: Day = Field(description="Last day of the acknowledgement.")
    by: Short = Field(default="the test", description="Who does it.")
    why: Short = Field(default="as the test says", description="Why.")
    rule: str | None = Field(default=None, description="Only the alert of this rule.")
    new_date: Day | None = Field(default=None, description="A day that is promised.")


class HushShape(Shape):
    """A person silences a rule, a project, a row or a tag."""

    until: Day = Field(description="Last day of the silence.")
    by: Short = Field(default="the test", description="Who does it.")
    why: Short = Field(default="as the test says", description="Why.")
    rule: str | None = Field(default=None, description="A rule.")
    project: str | None = Field(default=None, description="The uid of a project of the test.")
    entity: str | None = Field(default=None, description="The uid of any row of the test.")
    tag: str | None = Field(default=None, description="A tag of rules.")


class MessageShape(Shape):
    """A message that leaves on the day."""

    to: Short = Field(description="The uid of a person of the test, an address, an audience or a notifier.")
    language: Language | None = None
    contains: Names | None = Field(default=None, description="Texts that stand in its subject or text.")
    reason: SayingReason | None = Field(default=None, description="Why it is written.")
    channel: str | None = Field(default=None, description="The notifier that it leaves over.")
    level: Literal["amber", "red", "green", "grey"] | None = Field(default=None, description="The level that it shows.")
    digest: str | None = Field(default=None, description="The digest of this name, and not a message at once.")


StateOrRules = Annotated[
    Annotated[SomeState, Tag(TEXT)] | Annotated[dict[str, SomeState], Tag(KEYS)] | Annotated[list[str], Tag(LIST)],
    Discriminator(kind_of),
    WithJsonSchema(
        {"anyOf": [{"enum": list(STATES)}, {"type": "object", "additionalProperties": {"enum": list(STATES)}}]}
    ),
]


class DayShape(Shape):
    """What happens on a day, and what is expected then."""

    change: dict[str, Values] = Field(default_factory=dict, description="uid of a row: its new values.")
    remove: Names = Field(default_factory=list, description="uids of rows that the source no longer delivers.")
    add: dict[str, Rows] = Field(default_factory=dict, description="Entity: rows that are new.")
    source: Literal["down", "partial", "back"] = Field(
        default="back", description="Whether the source answers, until the next day that is listed."
    )
    ack: dict[str, AckShape] = Field(default_factory=dict, description="uid of a row: its alerts are acknowledged.")
    silence: Items[HushShape] = Field(default_factory=list, description="What people silence.")
    expect: dict[str, StateOrRules] = Field(
        default_factory=dict, description="uid of a row: its state, or rule: state."
    )
    messages: Items[MessageShape] | None = Field(
        default=None, description="The messages at once that leave, and no others; [] is none."
    )


class ScenarioShape(Shape):
    """A scenario test."""

    test: Said = Field(description="What is shown, in one sentence.")
    rules: Names | None = Field(default=None, description="The rules that are in force; else all.")
    calendar: str | None = Field(default=None, description="The organisation's calendar; else that of the settings.")
    covers: (
        Annotated[
            Annotated[SomeLevel, Tag(TEXT)]
            | Annotated[Items[SomeLevel], Tag(LIST)]
            | Annotated[dict[str, Items[SomeLevel]], Tag(KEYS)],
            Discriminator(kind_of),
        ]
        | None
    ) = Field(default=None, description="Levels that every rule of the test must reach, or rule: levels.")
    given: dict[str, Rows] = Field(description="Entity: the rows that there are on the first day.")
    days: Annotated[list[dict[str, DayShape]], Field(min_length=1)] = Field(
        description="In order, each `2026-03-02: {...}` or, for a time of the day, `2026-03-02 14:30: {...}`."
    )


class ScenarioHead(Shape):
    """A scenario test whose parts are looked at one by one."""

    test: Said
    rules: Names | None = None
    calendar: str | None = None
    covers: object = None
    given: dict[str, object] = Field(default_factory=dict)
    days: list[object] = Field(default_factory=list)
