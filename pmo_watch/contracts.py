"""What a plugin implements: sources, measures, notifiers, observers; and what it is given."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import polars as pl
from pydantic import BaseModel, ConfigDict

from pmo_watch import workdays
from pmo_watch.entities.readable import readable_fields
from pmo_watch.errors import RuleError
from pmo_watch.flow import Findings, Organisation, PastState, Records, Snapshot, Summary, Wish
from pmo_watch.items import NEEDED, items
from pmo_watch.model import Field
from pmo_watch.rules import RuleSet, Terms, Unit
from pmo_watch.workdays import Calendar

Cursor = Mapping[str, Any]  # what `Summary.cursor` held last time
SettingsT = TypeVar("SettingsT", bound=BaseModel)
T = TypeVar("T")


class PluginSettings(BaseModel):
    """What a person may set for a plugin; unknown names are errors with a suggestion."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- sources ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source is given when it is opened: its name, the moment, and what holds for the organisation.

    `folder`: what relative paths start from. `progress`: called with a text while a long reading goes on.
    """

    name: str
    folder: Path
    now: datetime
    zone: tzinfo
    organisation: Organisation
    calendars: Mapping[str, Calendar]
    rejects_limit: float = 0.2
    decimal: str = ""  # the organisation's writing, where it says one: comma or point
    dates: str = ""  # dmy, mdy or ymd
    progress: Callable[[str], None] = lambda _: None


class Source(Protocol):
    """Reads one system, in a worker thread: it may block."""

    def read(self, since: Cursor | None) -> Iterator[Records | PastState | Summary]:
        """Yield records part by part and one summary last; an error before the first record fails the reading.

        `since`: the cursor that the last reading left behind, or None for everything. `{"since": "<ISO instant>"}`
        comes from `read --since`: what changed since then, and no more, where the source can tell.
        Past states, where the source knows any that history lacks, come between the two.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; a reading that goes on ends."""
        ...


@runtime_checkable
class Watches(Protocol):
    """A source that reads files and wants to be read when they change."""

    def paths(self) -> Sequence[Path]:
        """Return the files and folders to watch; a folder is watched with all below it."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A source that asks only for what changed and needs to know what it delivered before."""

    def recall(self, rows: Mapping[str, pl.DataFrame]) -> None:
        """Take the source's own rows as stored and present; called once before each `read`.

        Each entity's frame has `key` (the native key) and the stored fields; references are as the source wrote them.
        An entity without rows is absent. The frames must not be kept beyond the reading: they may be large.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sight:
    """One line of what `check --online` sees of a system; `ok` is False where somebody must act."""

    ok: bool
    text: str


@runtime_checkable
class Probes(Protocol):
    """A source that can say more than whether it answers: versions, rights, columns that are not there."""

    def probe(self) -> Iterator[Sight]:
        """Look at the system without reading all of it and yield what was seen, one line each.

        Raises:
            SourceUnavailable, SourceRefused, SourceDataError: what ends the look; it is printed as the fault.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SourceType(Generic[SettingsT]):
    """A kind of source: `name` is the folder's and the `type:` of the settings."""

    name: str
    settings: type[SettingsT]
    open: Callable[[SettingsT, SourceContext], Source]


# --- measures -----------------------------------------------------------------------------------------------------


class NoParams(PluginSettings):
    """The parameters of a measure that has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A measure's answer: expressions over `View.rows`, one value per row.

    `not_applicable`: text, why the question does not arise; null where it does. `unknown`: text, why the row is grey,
    where "missing <first null of needs>" does not say it. `breach`: text, why the row is red without a value.
    `note`: text, said with the result. `numerator` and `denominator` for ratios; a denominator of 0 makes the row na
    (`nothing due yet`), a null one grey. `sample`: number of rows the denominator counted, for the small-sample cap.
    `unit`: text, the unit to show where it is not the measure's own (`pp` for the change of an indicator in `%`).
    """

    value: pl.Expr
    numerator: pl.Expr | None = None
    denominator: pl.Expr | None = None
    not_applicable: pl.Expr | None = None
    unknown: pl.Expr | None = None
    breach: pl.Expr | None = None
    note: pl.Expr | None = None
    sample: pl.Expr | None = None
    unit: pl.Expr | None = None
    evidence: Mapping[str, pl.Expr] = field(default_factory=dict)
    companions: Mapping[str, pl.Expr] = field(default_factory=dict)  # further measures that thresholds may name

    @staticmethod
    def ratio(top: pl.Expr, bottom: pl.Expr) -> pl.Expr:
        """Divide as floats; null when either side is null or `bottom` is 0."""
        low = bottom.cast(pl.Float64)
        return pl.when(low != 0).then(top.cast(pl.Float64) / low)


def _unknown_measure(name: str) -> pl.DataFrame:
    raise RuleError(f"there is no measure '{name}' to read here")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One entity's rows as a measure and a rule see them.

    `rows`: the entity's own fields under their names, those of its parents as `project.<field>`, `program.<field>`,
    `indicator.<field>` and so on, and the engine's: `@calendar` (id of the row's calendar), `@as_of` and `@today`
    (dates), `@as_of_note` (text). For `milestone` and `task` only the countable rows of spec model 1.1. Rows of plans
    (`milestone`, `task`, `dependency`) come by the hundred thousand: of their parents they hold only what a rule or the
    `needs` of a measure names; the expressions of `Columns` may name any field.
    `snapshot` gives every other entity; `findings` those of the rules already evaluated in this cycle.
    `projects`: the rows of all projects, in a view of what groups them (`program`, `portfolio`).
    `measured`: what another measure of these rows answers with default parameters, row by row in their order: `value`
    (null where there is none), `not_applicable` and `unknown` (texts, why); only for names that `Terms.reads` holds.
    """

    entity: str
    rows: pl.DataFrame
    snapshot: Snapshot
    findings: Mapping[str, Findings] = field(default_factory=dict)
    rules: RuleSet | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)  # rule id -> dimension of the colour it counts in
    shared: dict[Hashable, Any] = field(default_factory=dict)
    projects: pl.DataFrame | None = None
    measured: Callable[[str], pl.DataFrame] = _unknown_measure

    def field(self, name: str) -> Field | None:
        """Return the model's field that a rule for these rows names so; one of their own needs no prefix."""
        fields = readable_fields(self.entity)
        return fields.get(name) or fields.get(f"{self.entity}.{name}")

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives, made once for all measures of this entity that ask for the same key.

        The key begins with a name of the plugin's own. What is made must depend on the rows, the snapshot and the key
        alone.
        """
        whole = (self.entity, key)
        if whole not in self.shared:
            self.shared[whole] = make()
        found: T = self.shared[whole]
        return found

    def working_days(self, start: pl.Expr, end: pl.Expr) -> pl.Expr:
        """Count the working days in (start, end], each row in its own calendar; null when either is null."""

        choose = workdays.each_in_its_own(self.snapshot.working_calendars(), self.snapshot.organisation.calendar)
        return choose(lambda calendar: workdays.count(start, end, calendar))

    def add_working_days(self, day: pl.Expr, number: pl.Expr) -> pl.Expr:
        """Return the `number`-th working day after `day`, each row in its own calendar."""

        choose = workdays.each_in_its_own(self.snapshot.working_calendars(), self.snapshot.organisation.calendar)
        return choose(lambda calendar: workdays.add(day, number, calendar))

    def planned_share(self) -> pl.Expr:
        """Return the share of a row that its baseline promises by the status date, 0 to 1; milestones are 0 or 1.

        Over the columns of `plan_rows` with `baseline_start`, `baseline_finish` and `is_milestone`.
        """
        start, end, day = pl.col("baseline_start"), pl.col("baseline_finish"), pl.col("@as_of")
        eve = start - pl.duration(days=1)
        so_far, whole = self.working_days(eve, day), self.working_days(eve, end)
        share = pl.when(whole > 0).then(so_far / whole).otherwise(pl.when(whole == 0).then(0.0))
        return pl.when(day >= end).then(1.0).when(pl.col("is_milestone") | (day < start)).then(0.0).otherwise(share)

    def plan_rows(self, *fields: str) -> pl.DataFrame:
        """Return the countable rows of the plans of the projects in view, milestones included.

        A programme or portfolio in view stands for those of its projects that have begun and go on or are closed:
        not for proposed, cancelled, held or vanished ones. Columns: `uid`, `project`, the fields, the project's
        `@calendar`, `@as_of` and `@today`, and `subject`: the uid of the row in view, which is the project or what
        groups it.
        """
        clocks = self._plans().select("@calendar", "@as_of", "@today", "subject", project="uid")
        tasks = self.snapshot.frame("task").lazy().filter("countable").select("uid", "project", *fields)
        return tasks.join(clocks.lazy(), on="project", maintain_order="left").collect()  # sums stay the same

    def _plans(self) -> pl.DataFrame:
        """Return the projects in view, or those of the programmes or portfolios in view, with `subject`."""
        if self.projects is None:
            return self.rows.with_columns(subject=pl.col("uid"))
        above = f"@{self.entity}"
        running = ~pl.col("state").is_in(["proposed", "cancelled"]).fill_null(value=False) & ~pl.col("@held")
        inside = pl.col(above).is_in(self.rows["uid"].implode())
        there = self.projects.filter(inside & running & pl.col("vanished_on").is_null())
        return there.with_columns(subject=pl.col(above))

    def work_items(self, *fields: str) -> pl.DataFrame:
        """Return what teams deliver, of all projects: leaves when milestones and sub-tasks are left out.

        Columns: `uid` and the fields.
        """
        tasks = self.snapshot.frame("task").select(list(dict.fromkeys((*NEEDED, *fields))))
        return items(tasks).select("uid", *fields)


class Namespace(Protocol):
    """What a rule may name: fields of its rows and their parents, measures of the same rows."""

    @property
    def for_each(self) -> str:
        """The entity whose rows the rule is for."""
        ...

    def meaning(self, name: str) -> Field | Unit:
        """Return the field of that name, or the unit of the measure; a field of the rows' own needs no prefix.

        Raises:
            Misread: there is none that the rule can read; its text says why, with the remedy.
        """
        ...


@dataclass(frozen=True, slots=True)
class Unfit:
    """What is wrong with a parameter that is text; `at`: at which character of it, from 0."""

    parameter: str
    text: str
    at: int = 0


def no_past(_: Any) -> tuple[Wish, ...]:
    """Return no wish for history."""
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Measure(Generic[SettingsT]):
    """A number, or null, for every row of one entity.

    `measure` is pure. It returns `Columns`, or a frame with `uid`, `value` and any of the other parts of `Columns`
    as columns of that name; further columns are evidence, and a row it leaves out is null. `needs` are the fields a
    null is blamed on, most telling first (`baseline_finish`, or with a prefix: `task.progress`). `clock` is `as_of` or
    `today`. `also_for` names what else a rule may ask it for each of: for each `program` it pools the rows of its
    projects, and `View.entity` says which is asked. Then every one of its `needs` bears a prefix.

    `amber`, `red` and `recover` are the default thresholds as a rule would write them, with `; ` between several of
    which one is enough; a part may begin with the companion or field it is about:
    `at least 3 periods; milestone.slip_slope at least 1`. `row_thresholds`: the prefix of the rows' own thresholds
    (`indicator`: `indicator.amber` and so on), which come before those of the rule.

    `terms`: for a measure that its parameters define, as a formula does: what they make of it in one rule, and all that
    is wrong with them, for the names that the rule may use. Called when the rule is read.
    """

    name: str  # "milestone.slip": names are unique over all folders
    entity: str
    unit: Unit
    params: type[SettingsT]
    needs: tuple[str, ...]
    measure: Callable[[SettingsT, View], Columns | pl.DataFrame]
    text: str = ""  # one line for the catalogue
    clock: str = "as_of"
    dimension: str = ""  # spec measures 1.11; empty: none
    past: Callable[[SettingsT], tuple[Wish, ...]] = no_past
    amber: str = ""  # default thresholds, as a rule would write them
    red: str = ""
    recover: str = ""
    companions: Mapping[str, Unit] = field(default_factory=dict)
    strict_age: bool = False  # earned value: a status date that is too old makes it grey
    finished_is_na: bool = False  # milestones, earned value, budget, schedule: spec measures 1.2
    on_hold_is_na: bool = True  # all but the one that measures how long
    row_thresholds: str = ""
    after_others: bool = False  # reads findings of other rules: evaluated last
    also_for: tuple[str, ...] = ()
    terms: Callable[[SettingsT, Namespace], tuple[Terms, Sequence[Unfit]]] | None = None

    def on(self, terms: Terms | None) -> "Measure[SettingsT]":
        """Return the measure as it is in a rule."""
        if terms is None:
            return self
        return replace(self, unit=terms.unit, needs=terms.needs, clock=terms.clock)

    @property
    def subjects(self) -> tuple[str, ...]:
        """What a rule may ask it for each of; its own entity comes first."""
        return (self.entity, *self.also_for)
