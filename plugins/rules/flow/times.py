"""How long items take: against what a team expects of itself, and against those it has finished."""

import polars as pl
from pydantic import Field

from pmo_watch.api import Columns, Days, Measure, PluginSettings, Unit, View, Weeks

from .teams import items, lately, of_boards, percentile

ENOUGH = 5  # finished items without which nothing is said of a team's times
OWN_WEEKS = 26  # whose cycle times give the service level that a board does not say
TEAM = pl.coalesce("board", "project")
MOST_NAMES = 50


class ServiceParams(PluginSettings):
    """Over how many days, and which percentile of its own cycle times a team without a service level is held to."""

    over: Days = 30
    sle_percentile: float = Field(85, gt=0, le=100)


class AgeParams(PluginSettings):
    """With the items of how many weeks an item is compared."""

    over: Weeks = 26


def within_sle(params: ServiceParams, view: View) -> pl.DataFrame:
    """Return which share of the items finished lately took no longer than the team's service level, in per cent."""
    boards = _expected(params, view)
    found = boards.join(_slow(params, view, boards), on="uid", how="left", maintain_order="left")
    rows = pl.col("rows").fill_null(0)
    fell_back = pl.col("sle_days").is_null() & pl.col("own").is_not_null()
    return found.select(
        "uid",
        value=Columns.ratio(pl.col("within") * 100, rows),
        numerator=pl.col("within").fill_null(0),
        denominator=rows,
        unknown=_unknown("actual_start", rows),
        note=pl.when(fell_back).then(pl.lit("service level from own cycle times")),
        expected_days="expected",
        slow_items="slow",
    )


def _expected(params: ServiceParams, view: View) -> pl.DataFrame:
    """Return the boards with the days in which an item is expected: as the board says, else by the team's own times."""
    known = of_boards(view).filter(lately(view, 7 * OWN_WEEKS))
    own = known.group_by(uid="board").agg(own=percentile(pl.col("took"), params.sle_percentile))
    boards = view.rows.select("uid", "sle_days").join(own, on="uid", how="left", maintain_order="left")
    return boards.with_columns(expected=pl.coalesce("sle_days", "own"))


def _slow(params: ServiceParams, view: View, boards: pl.DataFrame) -> pl.DataFrame:
    """Return, by board, how many items were finished lately, how many of them in time, and which were not."""
    took = pl.col("took")
    slow = took > pl.col("expected")
    called = pl.col("called").filter(slow).sort_by(took.filter(slow), descending=True)
    known = of_boards(view).filter(lately(view, params.over)).join(boards, left_on="board", right_on="uid")
    return known.group_by(uid="board").agg(
        rows=pl.len().cast(pl.Int64),
        unknown=took.is_null().sum(),
        within=(took <= pl.col("expected")).sum(),
        slow=called.head(MOST_NAMES).str.join(", "),
    )


def _unknown(field: str, rows: pl.Expr) -> pl.Expr:
    """Return why nothing can be said of the items finished lately: too few, or some of unknown times."""
    few = pl.when((rows > 0) & (rows < ENOUGH)).then(pl.format(f"only {{}} items, needs {ENOUGH}", rows))
    some = pl.format(f"missing task.{field} on {{}} of {{}} rows", "unknown", "rows")
    return pl.coalesce(few, pl.when(pl.col("unknown") > 0).then(some))


def age_rank(params: AgeParams, view: View) -> pl.DataFrame:
    """Return which share of the team's finished items took less time than this one is old, in per cent."""
    age = (pl.col("@today") - pl.col("actual_start")).dt.total_days() + 1
    asked = view.rows.select("uid", "actual_start", "is_subtask", group="status_category", team=TEAM, age=age)
    found = _placed(params, view, asked)
    rows = pl.col("rows").fill_null(0)
    few = pl.when(rows < ENOUGH).then(pl.format(f"only {{}} items, needs {ENOUGH}", rows))
    begun = pl.when(pl.col("actual_start").is_null()).then(pl.lit("missing task.actual_start"))
    below = pl.col("below").fill_null(0)
    return found.select(
        "uid",
        value=pl.when(pl.col("age").is_not_null()).then(Columns.ratio(below * 100, rows)),
        numerator=below,
        denominator=pl.when(rows > 0).then(rows),
        not_applicable=pl.when(pl.col("is_subtask").fill_null(value=False))
        .then(pl.lit("out of scope"))
        .when(pl.col("group") == "done")
        .then(pl.lit("done"))
        .when(pl.col("group") == "todo")
        .then(pl.lit("not started")),
        unknown=pl.coalesce(begun, few),
        age_days="age",
        actual_start="actual_start",
    )


def _placed(params: AgeParams, view: View, asked: pl.DataFrame) -> pl.DataFrame:
    """Add how many items the team has finished lately (`rows`), and how many of them took less than the row's age."""
    known = items(view).filter(lately(view, 7 * params.over)).select(team=TEAM, took="took").drop_nulls()
    ranked = known.with_columns(below=pl.col("took").rank("max").over("team").cast(pl.Int64), before=pl.col("took") + 1)
    steps = ranked.unique(["team", "before"]).sort("before").select("team", "before", "below")
    aged = asked.select("uid", "team", "age").drop_nulls().sort("age")
    placed = aged.join_asof(steps, left_on="age", right_on="before", by="team", check_sortedness=False)
    sizes = known.group_by("team").agg(rows=pl.len().cast(pl.Int64))
    found = asked.join(placed.select("uid", "below"), on="uid", how="left", maintain_order="left")
    return found.join(sizes, on="team", how="left", maintain_order="left")


WITHIN_SLE = Measure(
    "board.within_sle",
    "board",
    Unit.PERCENT,
    ServiceParams,
    ("task.actual_start",),
    within_sle,
    text="Share of the items finished lately that took no longer than the team's service level.",
    clock="today",
    dimension="scope",
    amber="under 85 %",
    red="under 70 %",
    recover="at least 88 %",
)
AGE_RANK = Measure(
    "task.age_rank",
    "task",
    Unit.PERCENT,
    AgeParams,
    ("actual_start",),
    age_rank,
    text="Share of the team's finished items that took less time than this one is old.",
    clock="today",
    dimension="scope",
    amber="at least 85 %",
    red="at least 95 %",
)
