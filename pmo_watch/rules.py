"""A rule as the engine holds it: what `rules.d/` says, checked, with every name and unit known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

Texts = Mapping[str, str]  # language -> text; always holds at least one language


class Unit(StrEnum):
    """The unit of a measure; a threshold must carry it. Ratio, count and steps have none in a rule."""

    WORKING_DAYS = "wd"
    DAYS = "d"
    HOURS = "h"
    PERCENT = "%"
    POINTS = "pp"
    MONEY = "money"
    RATIO = "ratio"
    COUNT = "count"
    PERIODS = "periods"
    STEPS = "steps"
    INDICATOR = "indicator"  # the unit of the indicator: any, checked when it is known
    DECLARED = "declared"  # the unit that the rule declares for its own formula


class State(StrEnum):
    """The state of a finding."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"
    NA = "na"


class Op(StrEnum):
    """How a condition compares."""

    OVER = "over"
    UNDER = "under"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    BETWEEN = "between"
    NOT_BETWEEN = "not between"
    IS = "is"
    IS_NOT = "is not"
    LIKE = "like"
    ONE_OF = "one of"
    MISSING = "missing"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit as written: wd, d, h, %, pp, periods, a currency code, or none."""

    number: Decimal
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The project's own tolerance, else the programme's, portfolio's, organisation's, minus `less`; else `default`."""

    dimension: str
    level: Literal["amber", "red"]
    default: Quantity | None = None
    less: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Today:
    """Today, or so many working or calendar days from it."""

    offset: int = 0
    unit: Literal["wd", "d"] = "d"


Value = Quantity | Tolerance | Today | date | str | bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `values` holds none (missing, present), one, two (between) or more (one of)."""

    op: Op
    values: tuple[Value, ...] = ()
    text: str = ""  # as written


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on a field (`project.state`) or a measure (`milestone.slip`)."""

    subject: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition on the rule's measure (`on` empty) or on a field or measure; applies only while `when` holds."""

    condition: Condition
    on: str = ""
    when: Test | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One threshold, or several of which any or all must hold."""

    parts: tuple[Threshold, ...]
    how: Literal["any", "all"] = "any"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule makes of a measure whose parameters say it: its unit, clock, and what it reads.

    `needs`: fields, each with its prefix. `reads`: other measures of the same rows, with default parameters.
    """

    unit: Unit
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    clock: str = "as_of"


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A measure with its parameters and thresholds; `params` is the measure's own model, checked.

    `terms`: what the parameters make of it; None for a measure that is the same in every rule.
    """

    measure: str
    params: Any
    amber: Thresholds | None = None
    red: Thresholds | None = None
    recover: Thresholds | None = None
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """How long or how often: `2 evaluations`, `3 wd`, `24 h`, `3 d`."""

    number: int
    unit: Literal["evaluations", "wd", "h", "d"]


@dataclass(frozen=True, slots=True)
class NoData:
    """What a finding that would be grey becomes: at once, or after so long; `because` is said."""

    state: Literal["grey", "amber", "red", "ignore"] = "grey"
    after: Span | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step: after so many working days in that level or worse, tell these audiences, once."""

    after: Span
    while_level: Literal["amber", "red"]
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reminder:
    """Say it again every so often, or so long before the subject's date; `to` whom, else who was told."""

    every: Span | None = None
    before: Span | None = None
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """Given these fields, expect this state; `line` is its place in the file."""

    given: Mapping[str, Any]
    expect: State
    line: int = 0
    today: date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule, checked: every name in it exists and every unit fits."""

    id: str
    name: Texts
    for_each: str
    measures: tuple[Judged, ...]
    only_if: tuple[Test, ...] = ()
    overall: str = "worst"
    confirm_after: Span = Span(1, "evaluations")
    no_data: NoData = NoData()
    tell: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # level -> audiences
    escalate: tuple[Escalation, ...] = ()
    remind: Reminder | None = None
    history: Mapping[str, Any] = field(default_factory=dict)
    show: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    enabled: bool = True
    review_by: date | None = None
    dimension: str = ""  # for the computed colour; empty: as spec measures 1.11
    examples: tuple[Example, ...] = ()
    message: Texts = field(default_factory=dict)
    advice: Texts = field(default_factory=dict)
    owner: str = ""  # the file's owner
    file: str = ""
    line: int = 0
    version: str = ""  # hash of what it says


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told, and how per level: "at once", a digest's name, or "never"."""

    name: str
    role: str = ""
    email: str = ""
    notifier: str = ""
    deliver: Mapping[str, str] = field(default_factory=dict)  # amber, red, grey -> how
    empty: bool = False  # send a digest that has nothing to say
    language: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """When a digest leaves: `at` HH:MM, `on` as written: every working day, monday, 5 wd before steering_committee."""

    name: str
    at: str = "08:30"
    on: str = "every working day"


@dataclass(frozen=True, slots=True)
class Recurring:
    """A silence that comes back: on the days off of a calendar, or every year from one day to another.

    Every part of rule, project, entity and tag that is given must fit; without any it is over everything.
    """

    name: str
    why: str
    who: str  # the file's owner, else the file
    calendar: str = ""
    first: tuple[int, int] = (0, 0)  # month and day; without meaning where there is a calendar
    last: tuple[int, int] = (0, 0)
    rule: str = ""
    project: str = ""  # code
    entity: str = ""  # id or uid
    tag: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """All rules, audiences, digests and recurring silences in force, by name.

    Also which files keep an older good version, or never had one.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    audiences: Mapping[str, Audience] = field(default_factory=dict)
    digests: Mapping[str, Digest] = field(default_factory=dict)
    silences: Mapping[str, Recurring] = field(default_factory=dict)
    stale_files: Mapping[str, str] = field(default_factory=dict)  # file -> what is wrong with the present one
    unused_files: Mapping[str, str] = field(default_factory=dict)  # the same of files that never had a good version
    owners: Mapping[str, str] = field(default_factory=dict)  # file -> e-mail of its owner
    hash: str = ""
