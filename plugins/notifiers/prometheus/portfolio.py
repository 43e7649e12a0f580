"""What is known about the portfolio, as families of metrics (spec channels 4.5)."""

import polars as pl
from pmo_watch_plugins.notifiers.prometheus.exposition import Family, family_of

from pmo_watch.api import CycleReport

RAG_LEVEL = {"green": 0.0, "amber": 1.0, "red": 2.0}
DIMENSIONS = ("overall", "schedule", "cost", "scope", "risk", "resources", "quality", "data")
DECLARED = {"overall": "declared_rag", **{name: f"declared_rag_{name}" for name in DIMENSIONS[1:-1]}}
RATIOS = {
    "project.spi": ("schedule_performance_ratio", "Schedule performance index: earned value divided by planned value."),
    "project.spi_t": (
        "earned_schedule_performance_ratio",
        "Time-based schedule performance index: earned schedule divided by actual time.",
    ),
    "project.cpi": ("cost_performance_ratio", "Cost performance index: earned value divided by actual cost."),
}
MONEY = {
    "project.pv": ("planned_value", "Planned value in the currency of the label."),
    "project.ev": ("earned_value", "Earned value in the currency of the label."),
    "project.ac": ("actual_cost", "Actual cost in the currency of the label."),
    "project.bac": ("budget_at_completion", "Budget at completion in the currency of the label."),
    "project.eac": ("estimate_at_completion", "Estimate at completion in the currency of the label."),
}
WISHES = (*RATIOS, *MONEY)


class Portfolio:
    """One finished cycle with labels that people know; `projects` has `@id` (uid), `project` (code) and the rest."""

    def __init__(self, report: CycleReport, *, person_labels: bool) -> None:
        self.report = report
        self.snapshot = report.snapshot
        self.person_labels = person_labels
        self.projects = self._labelled_projects()

    def families(self) -> list[Family]:
        """Return the families about projects, in a stable order."""
        return [*self._project_families(), *self._project_figures()]

    def _labelled_projects(self) -> pl.DataFrame:
        projects = self.snapshot.frame("project").filter(pl.col("vanished_on").is_null())
        programs = self.snapshot.frame("program").select(program="uid", program_id="id")
        portfolios = self.snapshot.frame("portfolio").select(portfolio="uid", portfolio_id="id")
        people = self.snapshot.frame("person").select(leader="uid", leader_name="name")
        return (
            projects.join(programs, on="program", how="left")
            .join(portfolios, on="portfolio", how="left")
            .join(people, on="leader", how="left")
            .with_columns(project=pl.coalesce("code", "id", "uid"), **{"@id": pl.col("uid")})
        )

    def _of_projects(self, name: str, text: str, value: pl.Expr, kind: str = "gauge", **labels: pl.Expr) -> Family:
        frame = self.projects.select("@id", "project", value=value.cast(pl.Float64), **labels)
        return family_of(name, kind, text, ("project", *labels), frame)

    def end_of(self, day: str) -> pl.Expr:
        """Return the last second of a civil day in the organisation's zone, as seconds since 1970."""
        local = pl.col(day).cast(pl.Datetime("us")) + pl.duration(hours=23, minutes=59, seconds=59)
        return local.dt.replace_time_zone(
            self.snapshot.organisation.timezone, ambiguous="latest", non_existent="null"
        ).dt.epoch("s")

    def _project_families(self) -> list[Family]:
        labels = {
            "name": pl.col("name"),
            "portfolio": pl.col("portfolio_id"),
            "program": pl.col("program_id"),
            "phase": pl.col("phase"),
            "state": pl.col("state"),
        }
        if self.person_labels:
            labels["project_leader"] = pl.col("leader_name")
        info = self._of_projects(
            "pmo_project_info", "Descriptive facts about a project; join on project.", pl.lit(1.0), "info", **labels
        )
        return [info, self._rag(), self._declared(), self._counted_by_colour()]

    def _rag(self) -> Family:
        levels = (
            self.report.colours.filter(pl.col("state").is_in(list(RAG_LEVEL))) if self.report.colours.width else None
        )
        columns = {"@id": pl.String(), "project": pl.String(), "dimension": pl.String(), "value": pl.Float64()}
        frame = pl.DataFrame(schema=columns)
        if levels is not None:
            names = self.projects.select("@id", "project")
            frame = levels.join(names, left_on="project", right_on="@id", suffix="@code").select(
                pl.col("project").alias("@id"),
                pl.col("project@code").alias("project"),
                "dimension",
                value=pl.col("state").replace_strict(RAG_LEVEL, return_dtype=pl.Float64),
            )
        text = "Computed RAG as of the last evaluation: 0 green, 1 amber, 2 red; absent while grey or not applicable."
        return family_of("pmo_project_rag_level", "gauge", text, ("project", "dimension"), frame)

    def _declared(self) -> Family:
        parts = [
            self.projects.select(
                "@id",
                "project",
                pl.lit(dimension).alias("dimension"),
                value=pl.col(column).replace_strict(RAG_LEVEL, default=None, return_dtype=pl.Float64),
            )
            for dimension, column in DECLARED.items()
        ]
        text = "RAG declared by the project: 0 green, 1 amber, 2 red; absent when not declared."
        return family_of("pmo_project_declared_rag_level", "gauge", text, ("project", "dimension"), pl.concat(parts))

    def _counted_by_colour(self) -> Family:
        portfolios = self.projects.select(portfolio=pl.col("portfolio_id").fill_null("")).unique()
        grid = portfolios.join(pl.DataFrame({"dimension": list(DIMENSIONS)}), how="cross").join(
            pl.DataFrame({"rag": [*RAG_LEVEL, "grey"]}), how="cross"
        )
        text = "Projects by computed RAG, zero-filled."
        if not self.report.colours.width:
            frame = grid.with_columns(value=pl.lit(0.0))
        else:
            owner = self.projects.select(project="@id", portfolio=pl.col("portfolio_id").fill_null(""))
            counted = (
                self.report.colours.join(owner, on="project")
                .group_by("portfolio", "dimension", rag="state")
                .agg(value=pl.len().cast(pl.Float64))
            )
            frame = grid.join(counted, on=["portfolio", "dimension", "rag"], how="left").fill_null(0.0)
        return family_of("pmo_projects", "gauge", text, ("portfolio", "dimension", "rag"), frame)

    def _project_figures(self) -> list[Family]:
        found = [self._measured(f"pmo_project_{name}", text, measure) for measure, (name, text) in RATIOS.items()]
        found.append(
            self._of_projects(
                "pmo_project_progress_ratio", "Progress, 0 to 1.", pl.col("progress").cast(pl.Float64) / 100
            )
        )
        found += [
            self._measured(f"pmo_project_{name}", text, measure, money=True) for measure, (name, text) in MONEY.items()
        ]
        for which in ("baseline", "forecast"):
            found.append(
                self._of_projects(
                    f"pmo_project_finish_{which}_timestamp_seconds",
                    f"{which.capitalize()} finish, end of that civil day.",
                    self.end_of(f"{which}_finish"),
                )
            )
        return found

    def _measured(self, name: str, text: str, measure: str, *, money: bool = False) -> Family:
        values = self.report.measures.get((measure, ""))
        labels: tuple[str, ...] = ("project", "currency") if money else ("project",)
        columns = ["@id", "project", "currency"]
        if values is None:
            frame = self.projects.select(columns).clear().with_columns(value=pl.lit(None, pl.Float64))
        else:
            if money and "unit" in values.columns:
                values = values.filter(pl.col("unit") != "h")
            frame = self.projects.select(columns).join(
                values.select(pl.col("uid").alias("@id"), "value"), on="@id", how="left"
            )
        return family_of(name, "gauge", text, labels, frame)

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give rows of a project its code as `project` and their own uid as `@id`."""
        names = self.projects.select(pl.col("@id").alias("project"), pl.col("project").alias("@code"))
        joined = frame.join(names, on="project", how="left")
        return joined.with_columns(project=pl.col("@code"), **{"@id": pl.col("uid")})
