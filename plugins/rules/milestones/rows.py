"""The rows of plans as the measures of a project count them, and a share of them as an answer."""

from dataclasses import dataclass, field

import polars as pl

from pmo_watch.api import Columns, View

MOST_NAMES = 50  # rows listed as evidence
MILESTONE, TASK, OPEN = pl.col("is_milestone"), ~pl.col("is_milestone"), ~pl.col("done")
OPEN_TASK = OPEN & TASK
FIELDS = (
    "id",
    "name",
    "source",
    "is_milestone",
    "done",
    "progress",
    "baseline_start",
    "baseline_finish",
    "forecast_finish",
    "actual_start",
    "actual_finish",
    "critical",
    "updated_at",
)


def rows(view: View) -> pl.DataFrame:
    """Return the countable rows of the projects in view, or of those that a programme in view holds.

    Columns: `uid`, `project`, `subject` (the project or programme in view), `FIELDS`, `called` (name for people) and
    the project's clocks.
    """
    return view.once("milestones: rows", lambda: _rows(view))


def _rows(view: View) -> pl.DataFrame:
    return view.plan_rows(*FIELDS).with_columns(called=pl.coalesce("name", "id", "uid"))


def beside(view: View, found: pl.DataFrame) -> pl.DataFrame:
    """Return `uid` of every row in view with what was found of it by `subject`; null where nothing was."""
    return view.rows.select("uid").join(found, left_on="uid", right_on="subject", how="left", maintain_order="left")


def names(order: pl.Expr) -> pl.Expr:
    """Return the names of the rows of a group, the smallest `order` first, as text."""
    return pl.col("called").sort_by(order, "uid", nulls_last=True).head(MOST_NAMES).str.join(", ")


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """Which rows a share counts, and which of those are hit. Expressions over `rows`, flags but for `order`.

    `of`: rows the question could ever be about. `asked`: those it is about now. `lacking`: rows asked about without
    the date that `needs` names. `unsure`: other rows that nothing can be said of. `due`: which of the rest are counted.
    `hit`: which of those count above the line; `shown`: which are listed, the smallest `order` first. `max_missing`:
    how many of the rows asked about may lack the date, in per cent; they are left out, and the finding says so.
    """

    of: pl.Expr
    asked: pl.Expr
    lacking: pl.Expr
    needs: str
    due: pl.Expr
    hit: pl.Expr
    shown: pl.Expr
    order: pl.Expr
    unsure: pl.Expr = field(default_factory=lambda: pl.lit(value=False))
    max_missing: float = 100


def share(view: View, asked: Share, evidence: str) -> pl.DataFrame:
    """Return the rows hit over the rows counted in per cent, for each project or programme in view.

    `evidence`: under which name the rows shown are listed.
    """
    pool, lacking, counted = (pl.col(name).fill_null(0) for name in ("pool", "lacking", "counted"))
    number = pl.col("asked").fill_null(0)
    every = pl.when((number > 0) & (lacking == number)).then(pl.lit(f"missing {asked.needs}"))
    many = pl.when(lacking * 100 > number * asked.max_missing)
    return beside(view, _counted(rows(view), asked)).select(
        "uid",
        value=Columns.ratio(pl.col("hits") * 100, counted),
        numerator=pl.col("hits").fill_null(0),
        denominator=counted,
        sample=counted,
        not_applicable=pl.when((number == 0) & (pool > 0)).then(pl.lit("done")),
        unknown=pl.coalesce(
            every, many.then(pl.format(f"missing {asked.needs} on {{}} of {{}} rows", lacking, number))
        ),
        note=pl.when(pl.col("left_out") > 0).then(pl.format("{} of {} rows left out", "left_out", number)),
        **{evidence: pl.col("names")},
    )


def _counted(plan: pl.DataFrame, asked: Share) -> pl.DataFrame:
    """Return by `subject` how many rows are in the pool, asked, lacking, left out, counted and hit, and their names."""
    flags = {"pool": asked.of, "asked": asked.of & asked.asked}
    flags["lacking"] = flags["asked"] & asked.lacking
    flags["left_out"] = flags["asked"] & (asked.lacking | asked.unsure)
    flags["counted"] = flags["asked"] & ~asked.lacking & ~asked.unsure & asked.due
    flags["hits"] = flags["counted"] & asked.hit
    marked = plan.lazy().select(
        "uid",
        "subject",
        "called",
        asked.order.alias("@order"),
        (flags["counted"] & asked.shown).fill_null(value=False).alias("@shown"),
        *[one.fill_null(value=False).alias(name) for name, one in flags.items()],
    )
    sums = marked.group_by("subject").agg(pl.col(name).sum().cast(pl.Int64) for name in flags)
    listed = marked.filter("@shown").group_by("subject").agg(names=names(pl.col("@order")))
    return sums.join(listed, on="subject", how="left").collect()
