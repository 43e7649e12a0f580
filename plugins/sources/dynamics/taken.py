"""What a reading starts from, and what it has taken in so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

import polars as pl

from pmo_watch.api import SourceContext

from .client import Dataverse
from .image import Read
from .maps import TableMap
from .memory import Memory, TableState
from .plans import Baselines, no_baselines
from .settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a reading starts from.

    `zone` is the one in which dates were meant, `stored` the rows known so far, `warning` what is to be said anyway.
    """

    client: Dataverse
    settings: Settings
    context: SourceContext
    zone: tzinfo
    tables: Mapping[str, TableMap]
    memory: Memory
    stored: Mapping[str, pl.DataFrame]
    warning: str = ""


@dataclass(slots=True, eq=False)
class Taken:
    """What has been read so far. `done`: tables read to their end; `lost`: those that could once be read, and why."""

    reads: dict[str, dict[str, Read]] = field(default_factory=dict)  # entity -> table -> rows
    baselines: Baselines = field(default_factory=no_baselines)
    buckets: dict[str, str] = field(default_factory=dict)
    done: dict[str, TableState] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    new_projects: frozenset[str] = frozenset()


def together(reads: tuple[Read, ...]) -> Read:
    """Join what several tables say of one entity."""
    counted = [one.keys for one in reads]
    keys = [key for one in counted if one is not None for key in one] if None not in counted else None
    return Read(
        pl.concat([one.rows for one in reads], how="diagonal"),
        [key for one in reads for key in one.deleted],
        all(one.listed for one in reads),
        keys,
        all(one.complete for one in reads),
    )


def baselines_of(headers: pl.DataFrame, below: list[pl.DataFrame], *, listed: bool) -> Baselines:
    """Return baselines by task; the newest of a project counts."""
    if "@state" in headers.columns:
        headers = headers.filter((pl.col("@state") == 0).fill_null(value=True))
    newest = headers.drop_nulls("@project").sort("@day", nulls_last=False).unique("@project", keep="last")
    projects = frozenset(newest["@project"])
    rows = no_baselines().rows
    if below:
        above = newest.select("key", "@project")
        rows = pl.concat(below, how="diagonal").join(above, left_on="@above", right_on="key").drop("@above")
        rows = pl.concat([no_baselines().rows, rows], how="diagonal").filter(pl.col("@task").is_not_null())
    set_on = dict(newest.select("@project", "@day").drop_nulls().iter_rows()) if "@day" in newest.columns else {}
    return Baselines(rows, set_on, None if listed else projects)
