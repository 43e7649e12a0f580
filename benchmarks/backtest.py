"""A year of 10,000 milestones in 200 projects, replayed through 50 rules: `pmo-watch backtest` beside bare comparisons.

The lists were read on each working day, and one row in a hundred was another one each time. Written past the engine, as
two years of weeks are: see `weeks.py`. The floor compares one column of each day with the thresholds of each rule.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from pmo_watch.backtest import Span
from pmo_watch.backtest_asked import ask
from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Outcome, SourceState
from pmo_watch.in_force import InForce, load
from pmo_watch.intake import row_schema
from pmo_watch.store import CycleChange, ReadingChange, Store, open_store

SOURCE, PROJECTS, CHANGED = "plans", 200, 100  # one row in so many is another one each day
FIRST = datetime(2025, 1, 6, 9, tzinfo=UTC)
SETTINGS = """\
organisation: {calendar: BE}
database: {url: "sqlite:///backtest.db"}
rules: rules.d
sources:
  plans: {type: csv_file, path: plans.csv, profile: milestones}
"""
HEAD = """\
version: 1
audiences: {pmo: {email: pmo@example.org, amber: daily, red: daily}}
digests: {daily: {at: "08:30", on: every working day}}
rules:
"""
RULE = """\
  - {{id: rule-{number}, name: Rule {number}, for_each: milestone, measure: {measure},
     amber: over {over} wd, red: over {more} wd, tell: {{amber: [pmo], red: [pmo]}}}}
"""
MEASURES = ("milestone.slip", "milestone.overdue", "milestone.forecast_in_past")


def prepared(folder: Path, rules: int) -> InForce:
    """Write settings and rules, and load them."""
    (folder / "rules.d").mkdir(parents=True)
    texts = (RULE.format(number=one, measure=MEASURES[one % 3], over=10 + one, more=20 + one) for one in range(rules))
    (folder / "rules.d" / "bench.yaml").write_text(HEAD + "".join(texts), encoding="utf-8")
    (folder / "pmo-watch.yaml").write_text(SETTINGS, encoding="utf-8")
    return load(folder / "pmo-watch.yaml")


def milestones(rows: int, day: int) -> pl.DataFrame:
    """Return the list of a day: a row in a hundred has moved since the day before."""
    number = pl.int_range(rows, dtype=pl.Int64)
    moved = (pl.lit(day) + (CHANGED - number % CHANGED)) // CHANGED  # how often the row was another one by then
    promised = pl.lit(FIRST.date()) + pl.duration(days=number % 420)
    made = pl.select(
        pl.lit("plans.csv").alias("@part"),
        uid=pl.format("plans:task:M{}", number),
        id=pl.format("M{}", number),
        name=pl.format("Milestone {}", number),
        project=pl.format("P{}", number % PROJECTS),
        kind=pl.lit("key"),
        is_milestone=pl.lit(value=True),
        done=(promised + pl.duration(days=20)) < pl.lit(FIRST.date() + timedelta(days=day * 7 // 5)),
        baseline_finish=promised,
        forecast_finish=promised + pl.duration(days=moved * (number % 7)),
    )
    return _whole("task", made)


def _whole(entity: str, rows: pl.DataFrame) -> pl.DataFrame:
    schema = row_schema(ENTITIES[entity])
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(dtype) for name, dtype in schema.items()).sort("uid")


def projects() -> pl.DataFrame:
    """Return the projects that the milestones are of."""
    number = pl.int_range(PROJECTS, dtype=pl.Int64)
    made = pl.select(
        pl.lit("plans.csv").alias("@part"),
        uid=pl.format("plans:project:P{}", number),
        code=pl.format("P{}", number),
        name=pl.format("Project {}", number),
        state=pl.lit("executing"),
    )
    return _whole("project", made)


def write_year(store: Store, rows: int, days: int) -> None:
    """Write as many readings, one on each working day."""
    before: pl.DataFrame | None = None
    for day in range(days):
        at = FIRST + timedelta(days=day // 5 * 7 + day % 5)
        now = milestones(rows, day)
        changed = {"task": now if before is None else now.join(before, on=now.columns, how="anti", nulls_equal=True)}
        changed |= {"project": projects()} if before is None else {}
        state = SourceState(SOURCE, "csv_file", Outcome.COMPLETE, day + 1, at, at, rows=now.height)
        store.write(CycleChange(at, readings=[ReadingChange(state, at.date(), changed)]))
        before = now


def backtested(folder: Path, rows: int = 10_000, rules: int = 50, days: int = 260) -> tuple[float, float, int]:
    """Return the seconds of a backtest of a year, those of its floor, and how many alerts it opened."""
    in_force = prepared(folder, rules)
    store = open_store(in_force.settings.database.url.get_secret_value())
    write_year(store, rows, days)
    until = FIRST + timedelta(days=days * 7 // 5)
    span = Span(FIRST, until, in_force.zone, in_force.calendars["BE"])
    began = time.perf_counter()
    made, _ = ask(store.history(in_force.zone), in_force, span, lambda _: None)
    taken = time.perf_counter() - began
    store.close()
    return taken, _floor(rows, rules, days), sum(one.amber + one.red for one in made.rules)


def _floor(rows: int, rules: int, days: int) -> float:
    values = milestones(rows, 0).select(value=pl.int_range(rows).cast(pl.Float64))
    began = time.perf_counter()
    for _ in range(days):
        values.select(**{f"rule {one}": pl.col("value") > one for one in range(2 * rules)})
    return time.perf_counter() - began


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pmo-bench-") as name:
        print(backtested(Path(name)))
