"""How many of the checks a plan passes: the line of a report, never a score."""

import polars as pl

from pmo_watch.api import Measure, NoParams, Unit, View

CHECKS = (
    "missing_logic",
    "leads",
    "lags",
    "fs_links",
    "hard_constraints",
    "high_float",
    "negative_float",
    "long_tasks",
    "invalid_dates",
    "missed_tasks",
    "critical_path_test",
    "cpli",
    "bei",
)  # in the order of the assessment; tasks without people are for information
JUDGED = ("red", "amber", "green")
FOUND = {"uid": pl.String(), "measure": pl.String(), "state": pl.String()}


def failed_checks(_: NoParams, view: View) -> pl.DataFrame:
    """Count the checks that are red, among the rules evaluated before; those that are grey or na do not apply.

    Where several rules make one check, the worst of them counts.
    """
    names = [f"schedule.{name}" for name in CHECKS]
    found = [one.frame.select(pl.col(*FOUND).cast(pl.String)) for one in view.findings.values() if not one.failed]
    states = pl.concat([pl.DataFrame(schema=FOUND), *found]).filter(pl.col("measure").is_in(names))
    red, judged = (pl.col("state") == "red").any(), pl.col("state").is_in(JUDGED).any()
    checks = states.group_by("uid", "measure").agg(red=red, judged=judged)
    place = pl.col("measure").replace_strict(names, range(len(names)), return_dtype=pl.Int64)
    called = pl.col("measure").str.strip_prefix("schedule.").str.replace_all("_", " ")
    sums = (
        checks.sort(place)
        .group_by("uid", maintain_order=True)
        .agg(
            failed=pl.col("red").sum().cast(pl.Int64),
            applicable=pl.col("judged").sum().cast(pl.Int64),
            which=called.filter("red").str.join(", "),
            others=called.filter(~pl.col("judged")).str.join(", "),
        )
    )
    passed = pl.col("applicable") - pl.col("failed")
    return (
        view.rows.select("uid")
        .join(sums, on="uid", how="left", maintain_order="left")
        .select(
            "uid",
            value="failed",
            numerator=passed,
            denominator=pl.col("applicable"),
            not_applicable=pl.when(pl.col("failed").is_null()).then(pl.lit("not configured")),
            note=pl.format("{} of {} applicable checks passed", passed, "applicable"),
            failed_checks="which",
            not_applicable_checks="others",
        )
    )


FAILED_CHECKS = Measure(
    "schedule.failed_checks",
    "project",
    Unit.COUNT,
    NoParams,
    ("task.predecessor_count",),
    failed_checks,
    text="Checks of the plan that are red; the finding says how many of those that apply passed.",
    dimension="",
    finished_is_na=True,
    after_others=True,
)
