"""Predecessors written in one cell, such as `12FS+2d;15SS`, as dependency rows (spec sources 5.4)."""

import polars as pl
from pmo_watch_plugins.sources.csv_file.amounts import unit_minutes
from pmo_watch_plugins.sources.csv_file.column import Rules
from pmo_watch_plugins.sources.csv_file.grid import ROW
from pmo_watch_plugins.sources.csv_file.keys import KEY
from pmo_watch_plugins.sources.csv_file.meanings import words_for
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.values import Values

from pmo_watch.api import DTYPES, Kind

NUMBER = DTYPES[Kind.NUMBER]
ELAPSED_DAY, ELAPSED_WEEK = 1440, 10080  # minutes of calendar time
# The kind of link in English, French or Dutch; a lag only behind it, since codes hold hyphens.
_LINK = r"(?i)^(.+?)\s*(fs|ss|ff|sf|fd|dd|df|eb|bb|ee|be)\s*(?:([+\-−])\s*(\d+(?:[.,]\d+)?)\s*(%|\p{L}*)\.?)?$"


def links_of(
    tasks: pl.DataFrame, values: Values, rules: Rules, report: Report, *, project_in_key: bool
) -> pl.DataFrame:
    """Return the dependency rows of a list of tasks.

    `tasks` has `@row`, `key`, `project_id` and `predecessors`. `project_in_key`: whether keys end in the project.
    """
    texts = tasks.filter(pl.col("predecessors").is_not_null())
    # A comma parts links only in a column without semicolons: else it is a decimal mark.
    part = ";" if texts["predecessors"].str.contains(";", literal=True).any() else ","
    pieces = (
        texts.select(ROW, "project_id", successor=KEY, piece=pl.col("predecessors").str.split(part))
        .explode("piece")
        .with_columns(pl.col("piece").str.strip_chars())
        .filter(pl.col("piece") != "")
    )
    own = pl.col("piece").is_in(tasks["task_id"].drop_nulls().unique().implode())
    groups = pl.col("piece").str.extract_groups(_LINK)
    found = {name: groups.struct.field(str(at)) for at, name in enumerate(("id", "type", "sign", "lag", "unit"), 1)}
    links = pieces.with_columns(**{name: pl.when(~own).then(one) for name, one in found.items()})
    types = words_for("dependency", "type", ("fs", "ss", "ff", "sf"))
    links = links.with_columns(
        id=pl.coalesce("id", "piece"),
        type=pl.col("type")
        .str.to_lowercase()
        .replace_strict(types, default=None, return_dtype=pl.String)
        .fill_null("fs"),
        unit=pl.col("unit").str.to_lowercase(),
    )
    links = _with_lag(links, rules)
    _report_units(links, values, report)
    key = pl.format("{}/{}", "id", "project_id") if project_in_key else pl.col("id")
    return _rows(links.with_columns(predecessor=key))


def _with_lag(links: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    day = rules.minutes_per_day
    working = unit_minutes(rules) | {"": day}
    # An `e` in front counts calendar time: days of 24 hours, weeks of seven of them.
    around_the_clock = {day: ELAPSED_DAY, 5 * day: ELAPSED_WEEK}
    elapsed = {f"e{unit}": around_the_clock.get(size, size) for unit, size in working.items() if unit}
    elapsed = {unit: size for unit, size in elapsed.items() if unit not in working}
    size = pl.col("unit").replace_strict(elapsed | working, default=None, return_dtype=pl.Int64)
    amount = pl.col("lag").str.replace(",", ".", literal=True).cast(NUMBER, strict=False)
    signed = pl.when(pl.col("sign").is_in(["-", "−"])).then(-amount).otherwise(amount)
    percent = pl.col("unit") == "%"
    return links.with_columns(
        lag=pl.when(~percent).then((signed * size).round(0).cast(pl.Int64, strict=False)),
        lag_percent=pl.when(percent).then(signed),
        lag_elapsed=pl.when(amount.is_not_null()).then(pl.col("unit").is_in(list(elapsed))),
        strange=pl.when(amount.is_not_null() & ~percent & size.is_null()).then("piece"),
    )


def _report_units(links: pl.DataFrame, values: Values, report: Report) -> None:
    for row, text in links.filter(pl.col("strange").is_not_null()).select(ROW, "strange").iter_rows():
        reason = "a lag of an unknown unit: minutes, hours, days or weeks"
        report.cell(values.table.grid.place(row), values.header("predecessors"), text, reason)


def _rows(links: pl.DataFrame) -> pl.DataFrame:
    key = pl.format("{}/{}/{}", "predecessor", "successor", "type")
    return links.select(
        ROW,
        key.alias(KEY),
        key.alias("id"),
        "predecessor",
        "successor",
        "type",
        "lag",
        "lag_percent",
        "lag_elapsed",
        pl.col("project_id").alias("project"),
    ).unique(KEY, keep="first", maintain_order=True)
