"""What is known about projects, as families of metrics."""

from collections.abc import Iterator

import polars as pl

from pmo_watch.api import CycleReport, described, labelled, project_labels

from .exposition import Family
from .families import family, gauge

LEVELS = {"green": 0.0, "amber": 1.0, "red": 2.0}
DIMENSIONS = ("overall", "schedule", "cost", "scope", "risk", "resources", "quality", "data")
DECLARED = {"overall": "declared_rag", **{name: f"declared_rag_{name}" for name in DIMENSIONS[1:-1]}}
RATIOS = {
    "project.spi": "pmo_project_schedule_performance_ratio",
    "project.spi_t": "pmo_project_earned_schedule_performance_ratio",
    "project.cpi": "pmo_project_cost_performance_ratio",
}
AMOUNTS = {
    "project.pv": "pmo_project_planned_value",
    "project.ev": "pmo_project_earned_value",
    "project.ac": "pmo_project_actual_cost",
    "project.bac": "pmo_project_budget_at_completion",
    "project.eac": "pmo_project_estimate_at_completion",
}


class Portfolio:
    """A finished cycle with the labels of its projects, programmes and portfolios.

    `projects`: those present, with `uid`, `project` (its label), `program` and `portfolio` (theirs), and their fields.
    """

    def __init__(self, report: CycleReport) -> None:
        self.report = report
        self.snapshot = report.snapshot
        self.programs = labelled(self.snapshot, "program")
        self.portfolios = labelled(self.snapshot, "portfolio")
        self.projects = self._projects()

    def present(self, entity: str) -> pl.DataFrame:
        """Return the rows of an entity that are not gone."""
        rows: pl.DataFrame = self.snapshot.frame(entity)
        return rows.filter(pl.col("vanished_on").is_null())

    def _projects(self) -> pl.DataFrame:
        leaders = self.snapshot.frame("person").select(leader="uid", leader_name="name")
        rows = self.present("project").drop("program", "portfolio").join(project_labels(self.snapshot), on="uid")
        return rows.join(leaders, on="leader", how="left")

    def of_projects(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows that belong to projects, with the label of the project in place of its uid."""
        names = self.projects.select(pl.col("uid").alias("project"), pl.col("project").alias("@label"))
        return rows.join(names, on="project", how="left").drop("project").rename({"@label": "project"})

    def measured(self, name: str) -> pl.DataFrame | None:
        """Return the values of a measure, by `uid`; None when it could not be computed at all."""
        return self.report.measures.get((name, ""))

    def start_of(self, day: str) -> pl.Expr:
        """Return the first second of a civil day in the organisation's zone, in seconds since 1970."""
        return self._moment(pl.col(day).cast(pl.Datetime("us")))

    def end_of(self, day: str) -> pl.Expr:
        """Return the last second of a civil day in the organisation's zone, in seconds since 1970."""
        return self._moment(pl.col(day).cast(pl.Datetime("us")) + pl.duration(hours=23, minutes=59, seconds=59))

    def _moment(self, local: pl.Expr) -> pl.Expr:
        zone = self.snapshot.organisation.timezone
        there = local.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
        return there.dt.epoch("s").cast(pl.Float64)


def fact_families(on: Portfolio, *, person_labels: bool) -> Iterator[Family]:
    """Yield what projects say of themselves, and their figures."""
    told = [described(on.projects[name]).alias(name) for name in ("name", "phase", "state", "leader_name")]
    rows = on.projects.with_columns(told).rename({"leader_name": "project_leader"})
    leader = ("project_leader",) if person_labels else ()
    labels = ("project", "name", "portfolio", "program", "phase", "state", *leader)
    yield gauge(rows, pl.lit(1.0), "pmo_project_info", *labels)
    yield _declared(on)
    # Rounded, since 69 / 100 is 0.6900000000000001 here.
    share = (pl.col("progress").cast(pl.Float64) / 100).round(8)
    yield gauge(rows, share, "pmo_project_progress_ratio", "project")
    for which in ("baseline", "forecast"):
        day = on.end_of(f"{which}_finish")
        yield gauge(rows, day, f"pmo_project_finish_{which}_timestamp_seconds", "project")
    for measure, name in RATIOS.items():
        yield _figure(on, measure, name, "project")
    for measure, name in AMOUNTS.items():
        yield _figure(on, measure, name, "project", "currency")


def _declared(on: Portfolio) -> Family:
    parts = [
        on.projects.select(
            "project",
            dimension=pl.lit(dimension),
            value=pl.col(column).replace_strict(LEVELS, default=None, return_dtype=pl.Float64),
        )
        for dimension, column in DECLARED.items()
    ]
    return family("pmo_project_declared_rag_level", ("project", "dimension"), pl.concat(parts))


def _figure(on: Portfolio, measure: str, name: str, *labels: str) -> Family:
    """Return a measure's values; amounts only where they are money and not hours."""
    values = on.measured(measure)
    if values is None:
        return gauge(on.projects.clear(), pl.lit(None, pl.Float64), name, *labels)
    if "currency" in labels:
        values = values.filter(pl.col("unit").ne_missing("h"))
    return family(name, labels, on.projects.select("uid", *labels).join(values.select("uid", "value"), on="uid"))


def colour_families(on: Portfolio) -> Iterator[Family]:
    """Yield the computed colours: per project, and counted per portfolio."""
    names = on.projects.select(pl.col("uid").alias("project"), "portfolio", pl.col("project").alias("label"))
    colours = on.report.colours if on.report.colours.width else _no_colours()
    known = colours.join(names, on="project").with_columns(pl.col("portfolio").fill_null(""))
    levels = known.select(
        "dimension",
        project="label",
        value=pl.col("state").replace_strict(LEVELS, default=None, return_dtype=pl.Float64),
    )
    yield family("pmo_project_rag_level", ("project", "dimension"), levels)
    counted = known.group_by("portfolio", "dimension", rag="state").agg(value=pl.len().cast(pl.Float64))
    every = pl.concat([one.select(pl.col("portfolio").fill_null("")) for one in (on.portfolios, names)]).unique()
    grid = every.join(_column("dimension", DIMENSIONS), how="cross").join(
        _column("rag", (*LEVELS, "grey")), how="cross"
    )
    filled = grid.join(counted, on=grid.columns, how="left").with_columns(pl.col("value").fill_null(0.0))
    yield family("pmo_projects", ("portfolio", "dimension", "rag"), filled)


def _no_colours() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(("project", "dimension", "state"), pl.String()))


def _column(name: str, values: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame({name: values})
