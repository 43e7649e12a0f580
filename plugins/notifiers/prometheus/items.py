"""What belongs to projects, as families of metrics: milestones, registers, indicators, ages of data."""

import polars as pl
from pmo_watch_plugins.notifiers.prometheus.exposition import Family, family_of
from pmo_watch_plugins.notifiers.prometheus.portfolio import Portfolio

REGISTERS = {
    "risk": "target_date",
    "issue": "target_date",
    "action": "due",
    "decision": "needed_by",
    "change": "decided_on",
}


def item_families(on: Portfolio) -> list[Family]:
    """Return the families that count what belongs to projects."""
    return [_milestones_by_status(on), _open_items(on), _data_dates(on)]


def _milestones(on: Portfolio) -> pl.DataFrame:
    tasks: pl.DataFrame = on.snapshot.frame("task")
    return tasks.filter(pl.col("is_milestone") & pl.col("countable"))


def _milestones_by_status(on: Portfolio) -> Family:
    late = (pl.col("committed_finish") < pl.lit(on.snapshot.today)).fill_null(value=False)
    status = pl.when("done").then(pl.lit("completed")).when(late).then(pl.lit("overdue")).otherwise(pl.lit("open"))
    counted = (
        _milestones(on).group_by(pl.col("project").alias("@id"), status=status).agg(value=pl.len().cast(pl.Float64))
    )
    grid = on.projects.select("@id", "project").join(
        pl.DataFrame({"status": ["completed", "open", "overdue"]}), how="cross"
    )
    frame = grid.join(counted, on=["@id", "status"], how="left").with_columns(pl.col("value").fill_null(0.0))
    text = "Milestones by status, zero-filled."
    return family_of("pmo_project_milestones", "gauge", text, ("project", "status"), frame)


def _open_items(on: Portfolio) -> Family:
    today = pl.lit(on.snapshot.today)
    counted = pl.concat(
        [
            on.snapshot.frame(kind)
            .filter(pl.col("open"))
            .group_by(
                pl.col("project").alias("@id"),
                pl.lit(kind).alias("kind"),
                due=pl.when((pl.col(day) < today).fill_null(value=False))
                .then(pl.lit("overdue"))
                .otherwise(pl.lit("on_time")),
            )
            .agg(value=pl.len().cast(pl.Float64))
            for kind, day in REGISTERS.items()
        ]
    )
    grid = (
        on.projects.select("@id", "project")
        .join(pl.DataFrame({"kind": list(REGISTERS)}), how="cross")
        .join(pl.DataFrame({"due": ["on_time", "overdue"]}), how="cross")
    )
    frame = grid.join(counted, on=["@id", "kind", "due"], how="left").with_columns(pl.col("value").fill_null(0.0))
    text = "Open risks, issues, actions, decisions and changes, zero-filled."
    return family_of("pmo_project_open_items", "gauge", text, ("project", "kind", "due"), frame)


def _data_dates(on: Portfolio) -> Family:
    states = on.report.sources
    rows = [(name, state.last_good.timestamp()) for name, state in states.items() if state.last_good]
    read = pl.DataFrame(rows, schema={"source": pl.String(), "read": pl.Float64()}, orient="row")
    groups = [name for name in on.projects.columns if name.startswith("@source:")]
    parts = [on.projects.select("@id", "project", "status_date", source=pl.col(name)) for name in groups]
    columns = {"@id": pl.String(), "project": pl.String(), "source": pl.String(), "value": pl.Float64()}
    frame = pl.DataFrame(schema=columns)
    if parts:
        frame = (
            pl.concat(parts)
            .unique(["@id", "source"], maintain_order=True)
            .join(read, on="source")
            .select("@id", "project", "source", value=pl.coalesce(on.end_of("status_date").cast(pl.Float64), "read"))
        )
    text = "As-of time of the source data used in the last evaluation."
    return family_of("pmo_project_snapshot_timestamp_seconds", "gauge", text, ("project", "source"), frame)


def milestone_families(on: Portfolio) -> list[Family]:
    """Return the families with a series per milestone."""
    rows = on.named(_milestones(on)).with_columns(
        milestone=pl.coalesce("id", "uid"), finish=pl.when("done").then("actual_finish").otherwise("forecast_finish")
    )

    def family(what: str, text: str, value: pl.Expr, form: str = "gauge", **labels: pl.Expr) -> Family:
        frame = rows.select("@id", "project", "milestone", value=value.cast(pl.Float64), **labels)
        return family_of(f"pmo_milestone_{what}", form, text, ("project", "milestone", *labels), frame)

    return [
        family(
            "info",
            "Descriptive facts about a milestone; join on project and milestone.",
            pl.lit(1.0),
            "info",
            name=pl.col("name").str.slice(0, 200),
            kind=pl.col("kind"),
        ),
        family(
            "baseline_timestamp_seconds",
            "Baseline finish of a milestone, end of that civil day.",
            on.end_of("baseline_finish"),
        ),
        family(
            "forecast_timestamp_seconds",
            "Forecast or actual finish of a milestone, end of that civil day.",
            on.end_of("finish"),
        ),
        family("completed", "1 when the milestone is done, else 0.", pl.col("done")),
    ]


def kpi_families(on: Portfolio) -> list[Family]:
    """Return the families with a series per indicator and scope."""
    indicators = on.snapshot.frame("indicator").select(indicator="uid", kpi="id", unit=pl.col("unit").fill_null(""))
    names = pl.concat(
        [
            on.projects.select(scope="@id", project="project", program=pl.lit(None, pl.String)),
            on.snapshot.frame("program").select(scope="uid", project=pl.lit(None, pl.String), program="id"),
        ]
    )
    latest = (
        on.snapshot.frame("observation")
        .filter(pl.col("accepted") & pl.col("value").is_not_null())
        .sort("period")
        .group_by("indicator", "scope", maintain_order=True)
        .agg(pl.col("value").last().cast(pl.Float64), pl.col("submitted_on").last(), pl.col("uid").last().alias("@id"))
        .join(indicators, on="indicator")
        .join(names, on="scope")
    )
    labels = ("project", "program", "kpi")
    return [
        family_of(
            "pmo_kpi_value", "gauge", "Last accepted value of an indicator, in its own unit.", (*labels, "unit"), latest
        ),
        family_of(
            "pmo_kpi_observed_timestamp_seconds",
            "gauge",
            "When the indicator value was observed at its provider.",
            labels,
            latest.with_columns(value=on.end_of("submitted_on").cast(pl.Float64)),
        ),
    ]
