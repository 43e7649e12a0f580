"""One file from bytes to rows of entities: every step in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl
from pmo_watch_plugins.sources.csv_file.column import Rules, listed
from pmo_watch_plugins.sources.csv_file.grid import ROW
from pmo_watch_plugins.sources.csv_file.header import Wanted
from pmo_watch_plugins.sources.csv_file.keys import with_keys
from pmo_watch_plugins.sources.csv_file.reading import Sheet, read_list
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.rows import Origin, rows_of
from pmo_watch_plugins.sources.csv_file.shape import shape
from pmo_watch_plugins.sources.csv_file.values import Values, read_values
from pmo_watch_plugins.sources.csv_file.workbook import is_workbook

from pmo_watch.api import Rejected, SourceDataError

PROJECT = "project_id"
LEAST_LOST = 5  # spec sources 1.2: fewer records left out never condemn a file


@dataclass(frozen=True, slots=True, eq=False)
class FileRows:
    """What a file gave: rows by entity, the columns its keys are made of, whether rows say what day they describe."""

    rows: list[tuple[str, pl.DataFrame]]
    key: tuple[str, ...]
    dated: bool


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for a file besides its bytes; `settled`: what keys of this profile were made of before."""

    rules: Rules
    origin: Origin
    settled: tuple[str, ...] = ()
    rejects_limit: float = 0.2


def read_file(data: bytes, name: str, wanted: Wanted, about: Circumstances, report: Report) -> FileRows:
    """Read one file.

    Raises:
        SourceDataError: it cannot be read as what it is said to be, or too many of its records were left out.
        SourceRefused: a setting stands in the way.
    """
    sheet = _sheet(data, name, wanted)
    report.decisions += [f"{sheet.grid.name}: profile {wanted.profile.name}, {sheet.said}", *sheet.notes]
    report.degraded += sheet.matched.said
    table = shape(sheet.grid, sheet.matched.columns, wanted, report)
    values = read_values(table, wanted, about.rules, report)
    keyed = with_keys(values, wanted, about.settled, report)
    report.decisions.append(f"{sheet.grid.name}: rows are known by {listed(keyed.columns, 'and')}")
    rows = rows_of(keyed, values, wanted, about.rules, about.origin, report)
    if report.lost >= LEAST_LOST and report.lost > about.rejects_limit * report.records:
        raise SourceDataError(
            f"{name}: {report.lost} of {report.records} records were left out: has the format changed? "
            f"First: {report.first_lost}"
        )
    report.rejected = _with_projects(sorted(report.rejected, key=_line), values)
    dated = wanted.profile.name == "projects" and values.has("status_date")
    return FileRows(rows, keyed.columns, dated)


def _line(one: Rejected) -> int:
    return int(one.where.rpartition(" ")[2])


def _with_projects(rejected: Sequence[Rejected], values: Values) -> list[Rejected]:
    """Add the project that stands in the same line, where there is one."""
    if not rejected or not values.has(PROJECT):
        return list(rejected)
    grid = values.table.grid
    line = (
        pl.col(ROW).cast(pl.Int64) + grid.first_line if grid.lines is None else pl.lit(grid.lines).gather(pl.col(ROW))
    )
    lines = values.frame.select(PROJECT, line=line).filter(pl.col("line").is_in([_line(one) for one in rejected]))
    projects = dict(lines.select("line", PROJECT).drop_nulls().iter_rows())
    return [replace(one, project=str(projects.get(_line(one), ""))) for one in rejected]


def _sheet(data: bytes, name: str, wanted: Wanted) -> Sheet:
    if not is_workbook(data):
        return read_list(data, name, wanted)
    # Half a second and 20 MB that a source of lists alone need not spend.
    from pmo_watch_plugins.sources.csv_file.xlsx import read_workbook  # noqa: PLC0415  # see above

    return read_workbook(data, name, wanted)
