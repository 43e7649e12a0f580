"""Evaluation: 100 rules on 100,000 milestones and on a million, beside the comparisons alone."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import polars as pl
from pmo_watch_plugins.rules import milestones

from pmo_watch.contracts import Measure
from pmo_watch.entities import ENTITIES
from pmo_watch.evaluate import Evaluated, evaluate
from pmo_watch.flow import Organisation, Snapshot
from pmo_watch.rules import Condition, Judged, Op, Quantity, Rule, RuleSet, Test, Threshold, Thresholds
from pmo_watch.workdays import Calendar

TODAY = date(2026, 11, 20)
PROJECTS = 200
FLAGGED_PERCENT = 5  # rows that are amber or red under the middle rule


def portfolio(rows: int) -> Snapshot:
    """Return so many milestones in 200 projects; one in twenty slips, one in fifty has no baseline."""
    day = pl.lit(TODAY)
    number = pl.int_range(rows, dtype=pl.Int64)
    slip = pl.when(number % 20 == 0).then(number % 30).otherwise(-(number % 5))
    milestone = pl.select(
        uid=pl.format("plans:task:{}", number.cast(pl.String).str.zfill(8)),
        source=pl.lit("plans"),
        id=pl.format("M{}", number),
        name=pl.format("Milestone {}", number),
        project=pl.format("project:p{}", number % PROJECTS),
        kind=pl.when(number % 3 == 0).then(pl.lit("key")).otherwise(pl.lit("internal")),
        is_milestone=pl.lit(value=True),
        countable=pl.lit(value=True),
        done=number % 10 == 9,
        baseline_finish=pl.when(number % 50 != 1).then(day + pl.duration(days=number % 200)),
        committed_finish=day + pl.duration(days=number % 200),
        first_baseline_finish=day + pl.duration(days=number % 200),
        forecast_finish=day + pl.duration(days=number % 200 + slip),
        days_left=number % 140,
        **{"@usable": pl.lit(value=True), "@reading": pl.lit(1, pl.Int64)},
    )
    project = pl.select(
        uid=pl.format("project:p{}", pl.int_range(PROJECTS)),
        code=pl.format("P{}", pl.int_range(PROJECTS)),
        source=pl.lit("register"),
        state=pl.lit("executing"),
        status_date=pl.lit(TODAY - timedelta(days=1)),
    )
    now = datetime.combine(TODAY, datetime.min.time(), UTC)
    frames = {"task": _whole("task", milestone), "project": _whole("project", project)}
    return Snapshot(now, TODAY, frames, {"be": Calendar("be")}, Organisation(calendar="be"))


def _whole(entity: str, rows: pl.DataFrame) -> pl.DataFrame:
    schema = ENTITIES[entity].schema()
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
    return rows.with_columns(absent).select(*schema, *[one for one in rows.columns if one.startswith("@")]).sort("uid")


def measures() -> dict[str, Measure[Any]]:
    """Return the milestones' measures by name."""
    return {one.name: one for one in milestones.pmo_watch_measures()}


def rules(number: int, *, one_measure: bool) -> RuleSet:
    """Return so many rules with different thresholds: on one measure, or in turn on four and two conditions."""
    names = ["milestone.slip"] if one_measure else ["milestone.slip", "milestone.overdue", "milestone.forecast_in_past"]
    key = (Test("milestone.kind", Condition(Op.IS, ("key",))), Test("project.state", Condition(Op.IS, ("executing",))))
    made = {}
    for one in range(number):
        name = names[one % len(names)]
        judged = Judged(name, measures()[name].params(), _over(one % 20), _over(one % 20 + 5))
        only_if = () if one_measure or one % 2 else key
        made[f"rule-{one}"] = Rule(f"rule-{one}", {"en": name}, "milestone", (judged,), only_if)
    return RuleSet(made)


def _over(days: int) -> Thresholds:
    return Thresholds((Threshold(Condition(Op.OVER, (Quantity(days, "wd"),), f"over {days} wd")),))  # type: ignore[arg-type]


def seconds(run: Callable[[], object], times: int = 5) -> float:
    """Return the median of so many runs, after one that warms up."""
    run()
    taken = []
    for _ in range(times):
        start = perf_counter()
        run()
        taken.append(perf_counter() - start)
    return median(taken)


def floor(known: Snapshot, number: int) -> float:
    """Return the seconds of the comparisons alone: so many on a column of floats."""
    values = known.frame("task").select(value=pl.col("days_left").cast(pl.Float64))
    return seconds(
        lambda: [values.select(amber=pl.col("value") > n, red=pl.col("value") > n + 5) for n in range(number)]
    )


def evaluation(rows: int = 100_000, number: int = 100) -> dict[str, float]:
    """Return seconds: of the floor, of rules on one measure, of rules on several measures with conditions."""
    known = portfolio(rows)
    figures = {"comparisons alone": floor(known, number)}
    for name, alone in (("one measure", True), ("three measures, half with conditions", False)):
        made = rules(number, one_measure=alone)

        def run(made: RuleSet = made) -> Evaluated:
            return evaluate(made, known, measures())

        failed = [one.failed for one in run().findings if one.failed]
        assert not failed, failed[0]
        figures[f"{number} rules, {name}"] = seconds(run)
    return figures


def most_memory() -> float:
    """Return the most memory that this process had in use, in megabytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    for rows in (100_000, 1_000_000):
        for what, taken in evaluation(rows).items():
            print(f"{rows:9,} rows: {what:48} {taken:6.3f} s")
        print(f"{rows:9,} rows: the most memory of the whole process {most_memory():.0f} MB")
