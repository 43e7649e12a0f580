"""Fields that nobody filled in, where they should be: of the open rows of plans and registers."""

from typing import Annotated

import polars as pl
from pydantic import AfterValidator

from pmo_watch.api import ENTITIES, Columns, Measure, PluginSettings, Unit, View

TASK, MILESTONE = "task", "milestone"
REGISTERS = ("risk", "issue", "decision", "change", "action")
NOT_OF_MILESTONES = "progress"  # a milestone is reached or not: few sources say more of it


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("names no field; leave it out to look at the usual ones")
    for name in names:
        entity, _, last = name.partition(".")
        if entity not in {TASK, MILESTONE, *REGISTERS}:
            raise ValueError(f"'{name}' must begin with {TASK}, {MILESTONE} or {' or '.join(REGISTERS)}, and a point")
        field = ENTITIES[_table(entity)].field(last)
        if field is None or not field.readable:
            raise ValueError(f"'{name}' is no field; `pmo-watch fields {entity}` lists them")
    return tuple(dict.fromkeys(names))


def _table(entity: str) -> str:
    return TASK if entity == MILESTONE else entity


class EmptyParams(PluginSettings):
    """Which fields must be filled in, and with how few rows the share is amber at worst."""

    fields: Annotated[tuple[str, ...], AfterValidator(_known)] = (
        "task.owner",
        "task.forecast_finish",
        "task.baseline_finish",
        "task.progress",
    )
    min_sample: int = 5


def empty_fields(params: EmptyParams, view: View) -> pl.DataFrame:
    """Return the share of the cells that are empty, of the fields asked for, in the open rows of each project."""
    asked: dict[str, list[str]] = {}
    for name in params.fields:
        asked.setdefault(_table(name.partition(".")[0]), []).append(name)
    found = view.rows.select("uid")
    for table, names in asked.items():
        found = found.join(_counted(view, table, names), on="uid", how="left", maintain_order="left")
    empty = pl.sum_horizontal([_empty(name) for name in params.fields])
    cells = pl.sum_horizontal([_cells(name) for name in params.fields])
    said = [pl.when(_empty(one) > 0).then(pl.format(f"{one}: {{}}", _empty(one))) for one in params.fields]
    return found.select(
        "uid",
        value=Columns.ratio(empty * 100, cells),
        numerator=empty,
        denominator=cells,
        sample=pl.sum_horizontal([f"rows:{table}" for table in asked]),
        empty_fields=pl.concat_str(said, separator=", ", ignore_nulls=True).replace("", None),
    )


def _empty(name: str) -> pl.Expr:
    return pl.col(f"empty:{name}")


def _cells(name: str) -> pl.Expr:
    return pl.col(f"cells:{name}")


def _counted(view: View, table: str, names: list[str]) -> pl.DataFrame:
    """Count rows, cells and empty cells of a table's open rows, by project."""
    fields = {one: one.partition(".")[2] for one in names}
    rows = _open_rows(view, table, list(dict.fromkeys(fields.values())))
    meant = {one: _meant(table, one) for one in names}
    asked = pl.any_horizontal(list(meant.values()))
    return rows.group_by(uid="project").agg(
        asked.sum().alias(f"rows:{table}"),
        *[here.sum().alias(f"cells:{one}") for one, here in meant.items()],
        *[(here & pl.col(fields[one]).is_null()).sum().alias(f"empty:{one}") for one, here in meant.items()],
    )


def _open_rows(view: View, table: str, fields: list[str]) -> pl.DataFrame:
    if table == TASK:
        needed = list(dict.fromkeys((*fields, "done", "is_milestone")))
        return view.plan_rows(*needed).filter(~pl.col("done"))
    return view.snapshot.frame(table).filter("open").select("project", *fields)


def _meant(table: str, name: str) -> pl.Expr:
    """Say of which rows of its table the field is asked for."""
    entity, _, field = name.partition(".")
    if table != TASK:
        return pl.col("project").is_not_null()
    if entity == MILESTONE:
        return pl.col("is_milestone")
    return ~pl.col("is_milestone") if field == NOT_OF_MILESTONES else pl.col("project").is_not_null()


EMPTY_FIELDS = Measure(
    "project.empty_fields",
    "project",
    Unit.PERCENT,
    EmptyParams,
    ("task.done",),
    empty_fields,
    text="Share of the fields that should be filled in, and are not, in open rows.",
    clock="today",
    dimension="data",
    amber="over 5 %",
    red="over 15 %",
    recover="at most 4 %",
)
