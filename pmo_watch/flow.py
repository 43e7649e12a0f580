"""What passes between collect, normalise and evaluate: records, readings, the snapshot, findings."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import polars as pl

from pmo_watch.entities import ENTITIES
from pmo_watch.workdays import Calendar, in_use


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Rows of one entity as a source read them, many at a time.

    `frame` has a column `key` (text: the native key, never null) and any of the entity's stored fields, each already
    of the field's dtype (`Field.dtype`). References hold what the source wrote: the native key of a row of the same
    source, a project code, an e-mail address. `part` names the file or page group the rows came from: a part that
    `Summary.unchanged` lists later keeps its rows without sending them again.
    """

    entity: str
    frame: pl.DataFrame
    part: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PastState:
    """What a part said at an earlier moment, for the history alone: an older file of the same plan (spec model 1.10).

    `at`: the instant from which it was so. `of`: the part that holds the present state. `records`: every row it had;
    their own `part` says where they came from. A source yields past states after the present records, those of all
    its parts together in the order of time, and of each part last the present state with the instant of its own: so
    history has no gap before the reading.
    """

    at: datetime
    of: str
    records: Sequence[Records]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record or value left out: `where` is file and line, `field` the header or element, `value` cut at 200.

    `project`: key or code of the project it belongs to, as the source wrote it; empty where the record does not say.
    """

    where: str
    field: str
    value: str
    reason: str
    project: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """The last thing a source yields (spec sources 1.1).

    `listed`: every row that exists was named, so absence means something. `whole`: every file and page that was asked
    for was read; False makes the reading partial, with `error` saying what was not. `as_of`: the date the data
    describe, None where each row says it or nobody does. `cursor`: what the next reading starts from, JSON.
    `unchanged`: parts whose rows stay as they are. `lost_records`: records left out as a whole, among `rejected`.
    `census`: entity -> native keys of every row that exists now, sent in this reading or not. An entity named here is
    listed even when `listed` is False: a stored row that it lacks is missing. `deleted`: entity -> native keys that
    the system says were deleted: they vanish at once. `retry_after`: seconds that the system asked to be left alone.
    """

    listed: bool = True
    whole: bool = True
    as_of: date | None = None
    status_date_assumed: bool = False
    cursor: Mapping[str, Any] = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()
    lost_records: int = 0
    degraded: Sequence[str] = ()
    unchanged: Sequence[str] = ()
    error: str = ""
    cost: Mapping[str, float] = field(default_factory=dict)
    decisions: Sequence[str] = ()  # how columns were understood, and what proved it
    census: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    retry_after: float = 0


class Outcome(StrEnum):
    """How a reading ended (spec alerts, "Failed and suspicious readings")."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    HELD = "held"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PastReading:
    """A past state counted as a reading: its instant, the file or page it came from, its rows, those left out."""

    at: datetime
    part: str
    of: str
    rows: int
    lost: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """Past states made into history, by entity.

    `versions`: frames with `uid`, the entity's stored fields, `@part`, `@of` (the part that holds the present state)
    and `known_from` to `known_to` (instants; null: no later state of the import says otherwise). `readings`: the
    states in the order of time. `tells_all`: every part that was read is among them, so that the reading itself says
    nothing that its last past state did not say.
    """

    versions: Mapping[str, pl.DataFrame]
    readings: Sequence[PastReading]
    tells_all: bool = False

    def without(self, parts: Sequence[str]) -> "Imported":
        """Return it without the history of these parts."""
        kept = {name: frame.filter(~pl.col("@of").is_in(list(parts))) for name, frame in self.versions.items()}
        return replace(self, versions=kept, readings=[one for one in self.readings if one.of not in parts])


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one source said at one moment; frames by entity, checked against the model, `key` made into `uid`.

    A failed reading has no frames and its `error`. Frames have `uid`, the entity's stored fields and `@part`.
    """

    source: str
    read_at: datetime
    outcome: Outcome
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    error: str = ""
    imported: Imported | None = None  # what it tells of the past, for the history alone
    refused: bool = False  # the next tries wait longer: spec sources 1.2
    retry_after: float = 0  # seconds that the system asked to be left alone
    unchanged: bool = False  # nothing was read again: no new reading


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of one source between readings; instants are UTC, None is never."""

    name: str
    kind: str
    outcome: Outcome | None = None  # of the last attempt
    reading: int = 0  # number of its last accepted reading; 0 is none yet
    read_at: datetime | None = None  # last attempt
    last_good: datetime | None = None  # last complete reading
    as_of: date | None = None
    failing_since: datetime | None = None
    failures: int = 0  # failed attempts in a row
    error: str = ""
    rows: int = 0
    rejected: int = 0
    degraded: tuple[str, ...] = ()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    held: str = ""  # why the last reading is held, and the remedy
    left_out: tuple[tuple[str, str], ...] = ()  # place and project (see `Rejected`) of what is missing among its rows

    def of_kind(self, kind: str) -> "SourceState":
        """Return it for a source of this kind: what another kind left behind to start from says nothing to it."""
        return self if self.kind == kind else replace(self, kind=kind, cursor={})


@dataclass(frozen=True, slots=True)
class Organisation:
    """What holds for the whole organisation unless a project, programme or person says otherwise."""

    name: str = "ICT unit"
    timezone: str = "Europe/Brussels"
    calendar: str = "default"
    language: str = "en"
    currency: str = "EUR"
    status_date_max_age: int = 20  # working days
    commit_order: tuple[str, ...] = ("baseline_finish", "deadline", "forecast_finish")
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)  # "time_amber" -> 5
    document_sets: Mapping[str, Mapping[str, Sequence[str]]] = field(
        default_factory=dict
    )  # size class -> phase -> artefacts
    min_sample: int = 5
    report_every: Literal["week", "month", "quarter"] | None = None  # None: nobody is expected to report
    report_due: str = ""  # as an indicator's cut-off; empty is the last day of the period


COLOURS = "colour"  # what Samples of the computed colours name in place of an entity


@dataclass(frozen=True, slots=True)
class Samples:
    """A wish for history: the current period and the n-1 before it, of these fields (spec model 1.10).

    Of `COLOURS` the fields are dimensions, `overall` among them, and the rows those of projects.
    """

    entity: str
    every: Literal["day", "week", "month", "quarter"]
    n: int
    fields: tuple[str, ...]
    restart_on: str = ""  # a change of this field starts the series again


@dataclass(frozen=True, slots=True)
class Since:
    """A wish for history: since when each row's field has had its present value."""

    entity: str
    field: str


@dataclass(frozen=True, slots=True)
class First:
    """A wish for history: the first value of each row's field that was not null."""

    entity: str
    field: str


@dataclass(frozen=True, slots=True)
class Previous:
    """A wish for history: these fields of each row, and what they were in the version before the present one."""

    entity: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vanished:
    """A wish for history: these fields of the rows that were found to be gone in the last days, as they were last."""

    entity: str
    days: int
    fields: tuple[str, ...]


Wish = Samples | Since | First | Previous | Vanished


# What sources say against each other, and what of theirs could not be taken in; one row for each.
CONTRADICTION_SCHEMA: dict[str, pl.DataType] = {
    "project": pl.String(),  # uid of the project it is about; never null
    "row": pl.String(),  # uid of the row it is about, else its place in the source: several may be of one row
    "name": pl.String(),  # what people call that row
    "kind": pl.String(),  # disagreement (of two sources), or rejected (a record or value left out)
    "field": pl.String(),  # the field, as the model names it; null where nothing says it
    "said": pl.String(),  # of a disagreement both values, the one that counts first
}


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All entities as known at one moment, one frame per entity, merged and with computed fields.

    `now` is UTC, `today` its civil date in the organisation's zone. Frames hold their entity's columns and the
    engine's own: `@usable` (false while the source of the row failed, is held, or no longer shows the row),
    `@reading` (a number that grows with each accepted reading of the source). `past` answers the wishes for history
    that rules declared: Samples give `uid`, `period`, the fields, oldest first; Since gives `uid`, `since` (date);
    First gives `uid` and the field; Previous gives `uid`, the fields, and `<field>_before` for each, null where the
    present version is the first; Vanished gives `uid`, `vanished_on` and the fields. `contradictions`: see
    CONTRADICTION_SCHEMA.
    """

    now: datetime
    today: date
    frames: Mapping[str, pl.DataFrame]
    calendars: Mapping[str, Calendar]
    organisation: Organisation = field(default_factory=Organisation)
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    past: Mapping[Wish, pl.DataFrame] = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()
    contradictions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONTRADICTION_SCHEMA))

    def frame(self, entity: str) -> pl.DataFrame:
        """Return the entity's frame; without rows when nobody delivered it."""
        found = self.frames.get(entity)
        return found if found is not None else ENTITIES[entity].empty()

    def working_calendars(self) -> Mapping[str, Calendar]:
        """Return the calendars that some project or person works by, and the organisation's."""
        named = [self.frame(entity)["calendar"] for entity in ("project", "person")]
        return in_use(self.calendars, self.organisation.calendar, *named)


FINDING_SCHEMA: dict[str, pl.DataType] = {
    "uid": pl.String(),
    "state": pl.Enum(["green", "amber", "red", "grey", "na"]),
    "value": pl.Float64(),  # rounded half-even to 6 decimals; null when there is none
    "numerator": pl.Float64(),
    "denominator": pl.Float64(),
    "reason": pl.String(),  # spec measures 1.10; always for grey and na, and for red without a value
    "threshold": pl.Categorical(),  # the condition that was met, as written
    "limit": pl.Float64(),  # the number of that condition
    "recovered": pl.Boolean(),  # green, and the recover condition holds (or there is none)
    "note": pl.String(),  # such as "small sample: 2 of 4", "; " between several
    "as_of": pl.Date(),  # the date the finding is for
    "as_of_note": pl.String(),  # such as "status date assumed"; empty when it is the source's own
    "unit": pl.String(),  # as shown: wd, %, EUR, the indicator's unit
    "measure": pl.String(),  # the measure that decided
    "source": pl.String(),  # the source of the row
    "usable": pl.Boolean(),  # false: the source failed, is held, or was partial without the row: nothing may close
    "reading": pl.Int64(),  # number of the reading that the row's evidence comes from
}


MET_SCHEMA = {name: FINDING_SCHEMA[name] for name in ("uid", "threshold", "limit")}
# A hundred rules on a million rows are a hundred million findings: what only some rows have is kept for these alone,
# and what all rules share is there once.
FRAME_SCHEMA = {name: one for name, one in FINDING_SCHEMA.items() if name == "uid" or name not in MET_SCHEMA}


# Rows by uid -> `uid` and further columns (text, in the order shown), in the order of the rows. Asked for the few rows
# of which somebody is told: the text of all would weigh more than all findings.
Evidence = Callable[[Collection[str]], pl.DataFrame]


def no_evidence(_: Collection[str]) -> pl.DataFrame:
    """Return no row: there is nothing to show."""
    return pl.DataFrame(schema={"uid": pl.String()})


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """One rule on every row of its entity: `frame` as FRAME_SCHEMA, sorted by uid; a row that is not there is gone.

    `met` says, as MET_SCHEMA, which condition a row met, for those that met one. `evidence` tells what a finding rests
    on. `failed` says why the rule could not be evaluated at all; then the frame is empty and its alerts freeze.
    """

    rule: str
    frame: pl.DataFrame
    evidence: Evidence = no_evidence
    failed: str = ""
    met: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MET_SCHEMA))

    @classmethod
    def of(cls, rule: str, rows: pl.DataFrame, evidence: Evidence = no_evidence, failed: str = "") -> "Findings":
        """Return them from rows as FINDING_SCHEMA."""
        met = rows.filter(pl.col("threshold").is_not_null()).select(*MET_SCHEMA)
        return cls(rule, rows.select(*FRAME_SCHEMA), evidence, failed, met)

    def rows(self, wanted: pl.Expr | None = None) -> pl.DataFrame:
        """Return the rows as FINDING_SCHEMA, all or those for which `wanted` holds (of the columns of `frame`)."""
        rows = self.frame if wanted is None else self.frame.filter(wanted)
        return rows.join(self.met, on="uid", how="left", maintain_order="left").select(*FINDING_SCHEMA)
