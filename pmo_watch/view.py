"""The rows that rules and measures look at: one table per `for_each`, with what parents and clocks add to each row.

Columns of parents are joined when first asked for; a plan's rows come by the hundred thousand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pmo_watch import workdays
from pmo_watch.derive import as_of
from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Snapshot
from pmo_watch.model import Field
from pmo_watch.references import one_project

ROWS_OF = {"milestone": "task"}  # for_each -> the entity whose rows it takes
PLANS = frozenset({"milestone", "task", "dependency"})
WITH_PROJECT = ("milestone", "task", "dependency", "role", "risk", "issue", "decision", "change", "action")
ALSO_WITH_PROJECT = ("gate", "meeting", "document", "status_report", "kpi", "submission", "board", "release", "alert")
PLAN_PARENTS = {"project": "project", "program": "program", "portfolio": "portfolio"}
# for_each -> prefix -> entity of the parent
PARENTS: Mapping[str, Mapping[str, str]] = {
    "program": {"portfolio": "portfolio"},
    "project": {"program": "program", "portfolio": "portfolio"},
    **dict.fromkeys((*WITH_PROJECT, *ALSO_WITH_PROJECT), PLAN_PARENTS),
    "dependency": {"predecessor": "task", "successor": "task", **PLAN_PARENTS},
    "sprint": {"board": "board", **PLAN_PARENTS},
    "kpi": {"indicator": "indicator", **PLAN_PARENTS},
    "submission": {"indicator": "indicator", **PLAN_PARENTS},
}
OWN_PARENTS = ("indicator", "board")  # parents that a row names itself, beside its project
SIDES = ("predecessor", "successor")
NOT_RUNNING = ("proposed", "closed", "cancelled")
NONE = pl.lit(None, pl.String)


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field stands in a table: its column and what the model says of it."""

    name: str
    field: Field
    entity: str


def column_of(for_each: str, name: str) -> Column | None:
    """Return the column of a field in the table of a `for_each`, as rules name the field."""
    prefix, _, last = name.rpartition(".")
    if prefix in {"", for_each}:
        own = ROWS_OF.get(for_each, for_each)
        field = ENTITIES[own].field(last)
        return Column(last, field, own) if field else None
    parent = PARENTS.get(for_each, {}).get(prefix)
    field = ENTITIES[parent].field(last) if parent else None
    return Column(name, field, parent) if parent and field else None


class Table:
    """One entity's rows: own fields under their names, those of parents as `project.<field>`, the engine's as `@...`.

    `@project`, `@program`, `@portfolio`, `@board`, `@indicator`, `@predecessor` and `@successor` hold uids.
    `@calendar`, `@as_of`, `@as_of_note`, `@today` and `@currency` are never null; `@status_age` is the age of the
    status date in working days, `@na` says why no rule asks about the row, `@held` and `@finished` are flags of its
    project.
    """

    def __init__(self, entity: str, rows: pl.DataFrame, snapshot: Snapshot) -> None:
        self.entity = entity
        self.rows = rows
        self.snapshot = snapshot
        if entity not in PLANS:
            self.require(
                f"{prefix}.{field.name}"
                for prefix, parent in PARENTS.get(entity, {}).items()
                for field in ENTITIES[parent].fields
            )

    def column(self, name: str) -> Column | None:
        """Return the column of a field as rules name it: `milestone.done`, `project.state`, or `done` alone."""
        return column_of(self.entity, name)

    def require(self, names: Iterable[str]) -> None:
        """Join the columns of parents that are named and not there yet; other names are left alone."""
        absent: dict[str, list[str]] = {}
        for name in dict.fromkeys(names):
            prefix, _, last = name.rpartition(".")
            parent = PARENTS.get(self.entity, {}).get(prefix)
            if parent and name not in self.rows.columns and ENTITIES[parent].field(last):
                absent.setdefault(prefix, []).append(last)
        for prefix, fields in absent.items():
            parent = PARENTS[self.entity][prefix]
            self.rows = _joined(self.rows, f"@{prefix}", self.snapshot.frame(parent), prefix, fields)


def _joined(rows: pl.DataFrame, key: str, parents: pl.DataFrame, prefix: str, fields: Sequence[str]) -> pl.DataFrame:
    """Add fields of the row's parent; the own columns are not copied."""
    named = parents.select(pl.col("uid").alias(key), *[pl.col(one).alias(f"{prefix}.{one}") for one in fields])
    return rows.hstack(rows.select(key).join(named, on=key, how="left", maintain_order="left").drop(key))


class Tables:
    """Makes each table once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._made: dict[str, Table] = {}
        self._projects = project_facts(snapshot)

    def table(self, entity: str) -> Table:
        """Return the table of a `for_each`; rows sorted by uid."""
        if entity not in self._made:
            self._made[entity] = Table(entity, self._rows(entity), self.snapshot)
        return self._made[entity]

    def _rows(self, entity: str) -> pl.DataFrame:
        rows = self._own(entity)
        links = rows.select("uid", _project_of(entity, rows.schema).alias("@project")).drop("uid")
        facts = links.join(self._projects, on="@project", how="left", maintain_order="left")
        rows = rows.hstack(facts)
        rows = rows.with_columns(_program_of(entity, rows.columns).alias("@program"))
        portfolios = self.snapshot.frame("program").select(pl.col("uid").alias("@program"), above="portfolio")
        above = rows.select("@program").join(portfolios, on="@program", how="left", maintain_order="left")["above"]
        rows = rows.with_columns(_portfolio_of(entity, above).alias("@portfolio"))
        own = [name for name in OWN_PARENTS if name in PARENTS.get(entity, {})]
        rows = rows.with_columns(pl.col(name).alias(f"@{name}") for name in own)
        return rows.with_columns(self._clocks(entity, rows))

    def _own(self, entity: str) -> pl.DataFrame:
        """Return the rows of spec model 1.1 with their own fields."""
        frame = self.snapshot.frame(ROWS_OF.get(entity, entity))
        if entity in {"milestone", "task"}:
            return frame.filter(pl.col("countable") & (pl.col("is_milestone") == (entity == "milestone")))
        if entity == "dependency":
            return self._links(frame)
        if entity == "person":
            assigned, roles = self.snapshot.frame("assignment")["person"], self.snapshot.frame("role")["person"]
            asked = pl.concat([assigned, roles, self.snapshot.frame("submission")["provider"]]).drop_nulls().unique()
            return frame.filter(pl.col("active") & pl.col("uid").is_in(asked.implode()))
        if entity == "role":
            return frame.filter(pl.col("person").is_not_null() | pl.col("mandatory"))
        return frame

    def _links(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return links between countable or external rows; what leads out of the plan may end nowhere."""
        tasks = self.snapshot.frame("task")
        for side in SIDES:
            frame = frame.with_columns(pl.col(side).alias(f"@{side}"))
            frame = _joined(frame, f"@{side}", tasks, side, ("countable", "external", "project"))
        known = [
            pl.col(f"{side}.countable").fill_null(value=False)
            | pl.col(f"{side}.external").fill_null(pl.col("external"))
            for side in ("predecessor", "successor")
        ]
        return frame.filter(known[0] & known[1])

    def _clocks(self, entity: str, rows: pl.DataFrame) -> list[pl.Expr]:
        snapshot = self.snapshot
        engine = {"@usable": pl.lit(value=True), "@reading": pl.lit(0, pl.Int64)}
        given = [value.alias(name) for name, value in engine.items() if name not in rows.columns]
        gone = pl.when(pl.col("vanished_on").is_not_null()).then(pl.lit("vanished"))
        calendar = _known_calendar(self._calendar_of(entity, rows), snapshot)
        return [
            *given,
            pl.lit(snapshot.today).alias("@today"),
            pl.col("@as_of").fill_null(snapshot.today),
            pl.col("@as_of_note").fill_null(""),
            pl.coalesce(_currency_of(entity), pl.lit(snapshot.organisation.currency)).alias("@currency"),
            calendar.alias("@calendar"),
            pl.coalesce(gone, "@na").alias("@na"),
            pl.col("@held", "@finished").fill_null(value=False),
        ]

    def _calendar_of(self, entity: str, rows: pl.DataFrame) -> pl.Expr:
        """Return the row's own calendar (persons, and deliveries by who delivers), else its project's."""
        if entity == "person":
            return pl.col("calendar")
        if entity == "submission":
            return pl.coalesce(pl.lit(self._working(rows["provider"])), "@calendar")
        if entity == "status_report":
            return pl.coalesce(pl.lit(self._contractor(rows)), "@calendar")
        return pl.col("@calendar")

    def _working(self, persons: pl.Series) -> pl.Series:
        """Return the calendar of each person."""
        known = self.snapshot.frame("person").select("uid", "calendar")
        asked = pl.DataFrame({"uid": persons}, schema={"uid": pl.String})
        return asked.join(known, on="uid", how="left", maintain_order="left")["calendar"]

    def _contractor(self, rows: pl.DataFrame) -> pl.Series:
        """Return the calendar in which a contractor's report is written: its author's, else its project manager's."""
        roles = self.snapshot.frame("role").filter(pl.col("code") == "contractor_pm").drop_nulls(["scope", "person"])
        managers = roles.unique("scope", keep="first", maintain_order=True).select(project="scope", manager="person")
        joined = rows.select("project", "author").join(managers, on="project", how="left", maintain_order="left")
        own = self._working(joined["author"])
        found = own.zip_with(own.is_not_null(), self._working(joined["manager"]))
        return found.zip_with((rows["kind"] == "contractor").fill_null(value=False), found.clear(found.len()))


def _project_of(entity: str, schema: pl.Schema) -> pl.Expr:
    if entity == "project":
        return pl.col("uid")
    if entity == "dependency":
        return pl.coalesce("successor.project", "project")
    return one_project(schema) if "project" in schema else pl.col("scope") if "scope" in schema else NONE


def _program_of(entity: str, columns: Sequence[str]) -> pl.Expr:
    if entity == "program":
        return pl.col("uid")
    own = [name for name in ("program", "scope") if name in columns]
    return pl.coalesce("@program", *own)


def _portfolio_of(entity: str, above: pl.Series) -> pl.Expr:
    own = {"portfolio": ("uid",), "meeting": ("scope",), "role": ("scope",), "alert": ("portfolio",)}.get(entity, ())
    return pl.coalesce("@portfolio", pl.lit(above), *own)


def _currency_of(entity: str) -> pl.Expr:
    return pl.col("currency") if entity in {"program", "portfolio"} else pl.col("@currency")


def _known_calendar(name: pl.Expr, snapshot: Snapshot) -> pl.Expr:
    known = pl.when(name.is_in(list(snapshot.calendars))).then(name)
    return pl.coalesce(known, pl.lit(snapshot.organisation.calendar))


def project_facts(snapshot: Snapshot) -> pl.DataFrame:
    """Return what each project says of all its rows: clocks, calendar, currency, parents, why nobody asks."""
    today, organisation = snapshot.today, snapshot.organisation
    projects = snapshot.frame("project").with_columns(calendar=_known_calendar(pl.col("calendar"), snapshot))
    choose = workdays.each_in_its_own(snapshot.working_calendars(), organisation.calendar, "calendar")
    day = pl.col("status_date")
    age = choose(lambda calendar: workdays.count(day, pl.lit(today), calendar))
    old = age > organisation.status_date_max_age
    note = (
        pl.when(day > today)
        .then(pl.lit("status date in the future"))
        .when(old)
        .then(pl.format("status date {} wd old", age))
        .when(day.is_null() | age.is_null())
        .then(pl.lit("status date assumed"))
        .otherwise(pl.lit(""))
    )
    state = pl.col("state")
    return projects.select(
        pl.col("uid").alias("@project"),
        pl.col("program").alias("@program"),
        pl.col("portfolio").alias("@portfolio"),
        pl.col("calendar").alias("@calendar"),
        pl.col("currency").alias("@currency"),
        as_of(today, snapshot.working_calendars(), organisation).alias("@as_of"),
        note.alias("@as_of_note"),
        pl.when(day <= today).then(age).alias("@status_age"),
        pl.when(state.is_in(NOT_RUNNING)).then(pl.lit("closed")).alias("@na"),
        (state == "on_hold").fill_null(value=False).alias("@held"),
        pl.col("actual_finish").is_not_null().alias("@finished"),
    )
