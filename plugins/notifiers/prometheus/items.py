"""What belongs to projects, as families of metrics: milestones, registers, indicators, how old their data are."""

from collections.abc import Iterator

import polars as pl

from pmo_watch.api import described, known_as

from .exposition import Family
from .families import family, gauge
from .portfolio import Portfolio

OVERDUE = "milestone.overdue"
DUE = {"risk": "target_date", "issue": "target_date", "action": "due", "decision": "needed_by", "change": None}
STATUSES = ("completed", "open", "overdue")
ONE_SOURCE = ("task", "risk", "issue", "decision", "change", "action", "document", "cost_entry")


def count_families(on: Portfolio) -> Iterator[Family]:
    """Yield what is counted per project, zero-filled."""
    overdue = on.measured(OVERDUE)
    if overdue is not None:
        late = overdue.filter((pl.col("value") > 0) & pl.col("reason").is_null())["uid"]
        is_late = pl.col("uid").is_in(late.implode())
        status = (
            pl.when("done").then(pl.lit("completed")).when(is_late).then(pl.lit("overdue")).otherwise(pl.lit("open"))
        )
        counted = _milestones(on).group_by("project", status=status).agg(value=pl.len())
        yield _filled(on, "pmo_project_milestones", counted, pl.DataFrame({"status": STATUSES}))
    yield _open_items(on)


def _filled(on: Portfolio, name: str, counted: pl.DataFrame, values: pl.DataFrame) -> Family:
    grid = on.projects.select("project", "uid").join(values, how="cross")
    found = grid.join(counted.rename({"project": "uid"}), on=["uid", *values.columns], how="left")
    return gauge(found, pl.col("value").fill_null(0), name, "project", *values.columns)


def _open_items(on: Portfolio) -> Family:
    today = on.snapshot.today
    parts = []
    for kind, due in DUE.items():
        is_late = (pl.col(due) < today).fill_null(value=False) if due else pl.lit(value=False)
        when = pl.when(is_late).then(pl.lit("overdue")).otherwise(pl.lit("on_time"))
        rows = on.present(kind).filter("open").select("project", kind=pl.lit(kind), due=when)
        parts.append(rows.group_by("project", "kind", "due").agg(value=pl.len()))
    values = pl.DataFrame({"kind": list(DUE)}).join(pl.DataFrame({"due": ["on_time", "overdue"]}), how="cross")
    return _filled(on, "pmo_project_open_items", pl.concat(parts), values)


def data_dates(on: Portfolio) -> Family:
    """Return the day that each source's data about a project describe, or when they were read where none is known.

    The end of a day that is not over yet would lie ahead: it is not later than the reading.
    """
    groups = [name for name in on.projects.columns if name.startswith("@source:")]
    used = [on.projects.select("uid", source=pl.col(name)) for name in ("source", *groups)]
    used += [on.snapshot.frame(kind).select(pl.col("project").alias("uid"), "source") for kind in ONE_SOURCE]
    plan = "@source:schedule" if "@source:schedule" in groups else "source"
    states = pl.DataFrame(
        [(name, state.as_of, state.last_good) for name, state in on.report.sources.items()],
        schema={"source": pl.String(), "as_of": pl.Date(), "read": pl.Datetime("us", "UTC")},
        orient="row",
    )
    projects = on.projects.select("uid", "project", "status_date", pl.col(plan).alias("@plan"))
    rows = (
        pl.concat(used)
        .unique()
        .join(states, on="source")
        .join(projects, on="uid")
        .with_columns(day=pl.coalesce(pl.when(pl.col("@plan") == pl.col("source")).then("status_date"), "as_of"))
    )
    read = pl.col("read").dt.epoch("us") / 1e6
    value = pl.min_horizontal(on.end_of("day"), read)
    return gauge(rows, value, "pmo_project_snapshot_timestamp_seconds", "project", "source")


def _milestones(on: Portfolio) -> pl.DataFrame:
    return on.snapshot.frame("task").filter(pl.col("is_milestone") & pl.col("countable"))


def milestone_families(on: Portfolio) -> Iterator[Family]:
    """Yield the families with a series per milestone."""
    finish = pl.when("done").then(pl.coalesce("actual_finish", "forecast_finish")).otherwise("forecast_finish")
    rows = on.of_projects(_milestones(on)).with_columns(id=pl.coalesce("id", "uid"), finish=finish)
    rows = rows.with_columns(
        known_as(rows, "id", within=("project",)).alias("milestone"), described(rows["name"]).alias("name")
    )
    ids = ("project", "milestone")
    yield gauge(rows, pl.lit(1.0), "pmo_milestone_info", *ids, "name", "kind")
    yield gauge(rows, on.end_of("baseline_finish"), "pmo_milestone_baseline_timestamp_seconds", *ids)
    yield gauge(rows, on.end_of("finish"), "pmo_milestone_forecast_timestamp_seconds", *ids)
    yield gauge(rows, pl.col("done").cast(pl.Float64), "pmo_milestone_completed", *ids)


def kpi_families(on: Portfolio) -> Iterator[Family]:
    """Yield the families with a series per indicator and the project or programme it is observed in."""
    indicators = on.present("indicator").select("uid", "id", "unit")
    named = indicators.select(
        known_as(indicators, "id").alias("kpi"), described(indicators["unit"]).alias("unit"), indicator="uid"
    )
    nobody = pl.lit(None, pl.String)
    projects = on.projects.select("project", nobody.alias("program"), scope="uid")
    programs = on.programs.select(nobody.alias("project"), "program", scope="uid")
    rows = (
        on.present("observation")
        .filter(pl.col("accepted") & pl.col("value").is_not_null())
        .sort("period", "uid")
        .unique(["indicator", "scope"], keep="last")
        .join(named, on="indicator")
        .join(pl.concat([projects, programs]), on="scope")
    )
    ids = ("project", "program", "kpi")
    yield family("pmo_kpi_value", (*ids, "unit"), rows)
    yield gauge(rows, on.start_of("submitted_on"), "pmo_kpi_observed_timestamp_seconds", *ids)
