"""Where a measure's answer about a project comes from: which sources, of which day, and whether they can be relied on.

A project is merged from several sources, field group by field group (spec model 1.9); a measure depends on those that
its `needs` belong to. Other rows come from one source and say so themselves.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pmo_watch.contracts import Measure
from pmo_watch.entities import ENTITIES
from pmo_watch.flow import SourceState
from pmo_watch.view import ROWS_OF, Table


def with_sources(measure: Measure[Any], table: Table) -> pl.DataFrame:
    """Return the table's rows with `@usable`, `@reading`, `source` and clocks as they are for the measure."""
    rows = table.rows
    groups = [group for group in _groups(measure) if f"@usable:{group}" in rows.columns]
    if table.entity != "project" or not groups:
        return rows
    columns = [f"@source:{group}" for group in groups]
    sources = table.snapshot.sources
    # A reading that was partial without this project says nothing of the others that it did show.
    bad = [pl.when(~pl.col(f"@usable:{group}").fill_null(value=True)).then(f"@source:{group}") for group in groups]
    return rows.with_columns(
        pl.all_horizontal([one.is_null() for one in bad]).alias("@usable"),
        _readings(columns, sources).alias("@reading"),
        pl.coalesce([*bad, *columns, "source"]).alias("source"),
        *_clocks(measure, groups, sources),
    )


def _groups(measure: Measure[Any]) -> list[str]:
    """Return the field groups of what the measure needs, in its order."""
    found = []
    for need in measure.needs:
        prefix, _, name = need.rpartition(".")
        entity = ENTITIES.get(ROWS_OF.get(prefix, prefix) or ROWS_OF.get(measure.entity, measure.entity))
        field = entity.field(name) if entity else None
        if entity and field:
            found.append(field.group or entity.group)
    return list(dict.fromkeys(group for group in found if group))


def _readings(columns: list[str], sources: Mapping[str, SourceState]) -> pl.Expr:
    """Add up the numbers of the sources' last readings, each once, so that any new reading makes it grow."""
    names = pl.concat_list(columns).list.unique()
    number = pl.element().replace_strict(
        list(sources), [state.reading for state in sources.values()], default=0, return_dtype=pl.Int64
    )
    return names.list.eval(number).list.sum()


def _clocks(measure: Measure[Any], groups: list[str], sources: Mapping[str, SourceState]) -> list[pl.Expr]:
    """Take the earlier day where groups come from two sources, and name both (spec measures 1.3)."""
    columns = [f"@source:{group}" for group in groups]
    two = pl.concat_list(columns).list.drop_nulls().list.n_unique() > 1
    if measure.clock != "as_of":
        return []
    dated = {name: state.as_of for name, state in sources.items() if state.as_of is not None}
    days = [
        pl.col(column).replace_strict(list(dated), list(dated.values()), default=None, return_dtype=pl.Date)
        for column in columns
    ]
    said = pl.concat_str(
        [pl.format("{} from {}", pl.lit(group), pl.col(column)) for group, column in zip(groups, columns, strict=True)],
        separator=", ",
        ignore_nulls=True,
    )
    both = pl.when(pl.col("@as_of_note") == "").then(said).otherwise(pl.format("{}; {}", "@as_of_note", said))
    return [
        pl.when(two).then(pl.min_horizontal("@as_of", *days)).otherwise("@as_of").alias("@as_of"),
        pl.when(two).then(both).otherwise("@as_of_note").alias("@as_of_note"),
    ]
