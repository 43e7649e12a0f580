"""A portfolio of 100,000 tasks with all that belongs to it, and what it was in each week of two years, in a store.

Made by number from a fixed seed, and written past the engine: two years of readings would take the engine minutes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl

from pmo_watch.entities import ENTITIES, MATCHED_ON
from pmo_watch.flow import Outcome, SourceState
from pmo_watch.model import Field, Kind
from pmo_watch.store import CycleChange, ReadingChange, open_store
from pmo_watch.store.bulk import insert_rows
from pmo_watch.store.database import open_engine, writing
from pmo_watch.store.tables import STORED
from pmo_watch.testing_measures import FIGURES
from pmo_watch.testing_rows import TODAY, stored_frames

SOURCE = "made"  # as the uids of the rows say
WEEKS = 104
CHANGED_PERMILLE = 20  # of all rows, each week
FIRST = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC) - timedelta(weeks=WEEKS)
NOW = FIRST + timedelta(weeks=WEEKS, hours=3)
# How many rows there are of an entity for each 100,000 tasks; of those not named here a tenth as many as tasks.
SHARES = {"task": 1.0, "dependency": 1.0, "assignment": 1.0, "status_change": 1.0, "timesheet": 0.5}
SHARES |= {"project": 0.005, "person": 0.01, "role": 0.02, "program": 0.00025, "portfolio": 0.00003, "board": 0.002}
SHARES |= {"sprint": 0.02, "release": 0.01, "indicator": 0.00025, "meeting": 0.01, "gate": 0.01, "status_report": 0.05}
ENDS = frozenset({"actual_finish", "resolved_on", "resolved_at", "decided_on", "delivered_on", "done_on", "passed_on"})
ENDS |= {"completed_on", "held_on", "minutes_on", "removed_on"}
MOVING = frozenset({Kind.NUMBER, Kind.MONEY, Kind.HOURS, Kind.PERCENT})
STAYS = frozenset({"baseline_start", "actual_start", "status_date", "vanished_on"})
COLOURED = ("schedule", "cost", "overall")


def counts_of(tasks: int) -> dict[str, int]:
    """Return how many rows each entity has beside so many tasks."""
    return {name: max(int(tasks * SHARES.get(name, 0.1)), 1) for name in STORED}


def write_weeks(url: str, tasks: int, seed: int = 1) -> int:
    """Fill a new database with the portfolio and its history; return how many versions there are."""
    written, counts = 0, counts_of(tasks)
    store = open_store(url)
    engine = open_engine(url)
    with writing(engine) as connection:
        for entity, rows in stored_frames(counts, seed).items():
            versions = _versions(entity, _consistent(entity, rows, counts["project"]))
            insert_rows(connection, entity, versions)
            written += versions.height
    for week in range(WEEKS + 1):
        store.write(_reading(week, counts["project"]))
    engine.dispose()
    store.close()
    return written


def _consistent(entity: str, rows: pl.DataFrame, projects: int) -> pl.DataFrame:
    """Return the rows as a source writes them, so that measures find something to judge.

    Figures have no gaps, what is still open has no day on which it ended, links lead on within their plan, references
    are keys, and what several sources may describe has a name by which it is recognised.
    """
    number, fields = pl.int_range(pl.len()), list(STORED[entity].stored())
    filled = [one.name for one in fields if one.kind in FIGURES and one.name not in ENDS and one.name != "vanished_on"]
    references = [one.name for one in fields if one.kind == Kind.REF]
    rows = rows.with_columns(pl.col(filled).fill_null(strategy="forward").fill_null(strategy="backward"))
    rows = rows.with_columns(pl.col(references).str.replace(r"^.*:", ""))
    rows = rows.with_columns(pl.when(number % 3 == 0).then(name).alias(name) for name in ENDS if name in rows.columns)
    rows = rows.with_columns(one.alias(name) for name, one in _own(entity, projects, rows.height).items())
    name = MATCHED_ON.get(entity)
    if name and entity != "indicator":  # the first one keeps the id that measures are told
        rows = rows.with_columns(pl.format(f"{entity} {{}}@example.org", number).alias(name))
    return rows.select("uid", *[one.name for one in fields])


def _own(entity: str, projects: int, height: int) -> dict[str, pl.Expr]:
    """Return what an entity has that does not come by chance."""
    number = pl.int_range(pl.len())
    if entity == "task":
        return {"project": _key(number % projects), "done": number % 3 == 0, "position": number // projects}
    if entity == "dependency":
        other = (number % 5 == 0).cast(pl.Int64)  # every fifth link leads to the plan beside
        later = (number + projects * (1 + number % 3) + other).clip(0, height - 1)
        return {"predecessor": _key(number), "successor": _key(later), "external": number % 50 == 0}
    if entity == "project":
        return {"minutes_per_day": pl.lit(480, pl.Int64)}
    if entity == "release":
        return {"remaining_items": (5 + number % 60).cast(pl.Int64)}
    if entity == "observation":
        return {"period": pl.format("2026-{}", (number % 10 + 1).cast(pl.String).str.zfill(2))}
    return {}


def _key(number: pl.Expr) -> pl.Expr:
    """Return the key of a row of that number, as in its uid."""
    return number.cast(pl.String).str.zfill(7)


def _versions(entity: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows as they were first, and again for each week in which they changed."""
    began = pl.concat([_changed_in(week, rows.height) for week in range(WEEKS + 1)]).sort("row", "@week")
    weeks = pl.lit(FIRST) + pl.duration(weeks=pl.col("@week"))
    until = pl.when(pl.col("row") == pl.col("row").shift(-1)).then(weeks.shift(-1))
    spans = began.select("@week", known_from=weeks, known_to=until)
    moved = [_moved(one).alias(one.name) for one in ENTITIES[entity].stored()]
    return (
        rows[began["row"]].hstack(spans).with_columns(*moved, source=pl.lit(SOURCE), part=pl.lit("all")).drop("@week")
    )


def _changed_in(week: int, count: int) -> pl.DataFrame:
    """Return the numbers of the rows that changed in a week; in the first one all of them came."""
    row = pl.int_range(count, dtype=pl.UInt64).alias("row")
    drawn = (row * 2_654_435_761 + week * 97_003) % 4_294_967_291 // 7 % 1000
    chosen = pl.select(row, drawn.alias("drawn"), pl.lit(week).alias("@week"))
    return chosen.filter((pl.col("drawn") < CHANGED_PERMILLE) | (pl.lit(week) == 0)).drop("drawn")


def _moved(field: Field) -> pl.Expr:
    """Return a field as it was in a week: dates slip, and what is counted grows; the rest stays as it is."""
    value, week = pl.col(field.name), pl.col("@week")
    if field.kind == Kind.DATE and field.name not in STAYS:
        return value + pl.duration(days=week // 8 - WEEKS // 8)
    if field.kind in MOVING:
        return (value * (WEEKS + week) / (2 * WEEKS)).cast(field.dtype)
    return value


def _reading(week: int, projects: int) -> CycleChange:
    """Return that the source was read, and the colours that projects had then."""
    at = FIRST + timedelta(weeks=week)
    state = SourceState(SOURCE, "ms_project", Outcome.COMPLETE, week + 1, at, at, at.date())
    return CycleChange(at, readings=[ReadingChange(state, at.date())], colours=pl.concat(_colours(week, projects)))


def _colours(week: int, projects: int) -> Iterator[pl.DataFrame]:
    number = pl.int_range(projects)
    states = pl.lit(pl.Series(["green", "amber", "red"]))
    for dimension in COLOURED:
        state = states.gather((number + week // 5) % 3)
        yield pl.select(
            project=pl.format("project:project {}@example.org", number), dimension=pl.lit(dimension), state=state
        )
