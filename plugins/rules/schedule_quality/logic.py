"""Links of a plan: rows without any, leads, lags, and links other than finish to start (DC-01 to DC-04)."""

from typing import Any

import polars as pl

from pmo_watch.api import Measure, Unit, View

from .plan import OPEN, Share, ShareParams, StrictParams, no_links, plan, share

DEEPEST = 100  # levels of an outline: more is a circle
KINDS = ("fs", "ss", "ff", "sf")
SIDES = ("predecessor", "successor")


class LogicParams(ShareParams):
    """Whether a row may use the links of its summaries."""

    inherit_summary_links: bool = False


def links(view: View) -> pl.DataFrame:
    """Return the links that are known, with both sides' `<side>.project`, `<side>.called` and `<side>.kept`.

    `<side>.kept` says whether the row is one that a link may lead to: countable, in another plan, or a summary.
    """
    return view.once("schedule quality: links", lambda: _links(view))


def _links(view: View) -> pl.DataFrame:
    tasks = view.snapshot.frame("task")
    summary = pl.col("is_summary") & pl.col("active") & pl.col("vanished_on").is_null()
    facts = tasks.select(
        "uid",
        "project",
        "countable",
        "done",
        "position",
        elsewhere=pl.col("external"),
        kept=(pl.col("countable") | pl.col("external") | summary).fill_null(value=False),
        called=pl.coalesce("name", "id", "uid"),
    )
    found = view.snapshot.frame("dependency").select(
        "uid", *SIDES, "type", "lag", "lag_percent", "lag_elapsed", "external", "external_name"
    )
    for side in SIDES:
        named = facts.rename({name: f"{side}.{name}" for name in facts.columns if name != "uid"})
        found = found.join(named, left_on=side, right_on="uid", how="left", maintain_order="left")
    return found


def missing_logic(params: LogicParams, view: View) -> pl.DataFrame:
    """Return the share of open rows that lack a predecessor or a successor, one start and one end of the plan apart."""
    rows = _with_ends(plan(view), params, view)
    loose = (~pl.col("follows") & ~pl.col("@first")) | (~pl.col("leads") & ~pl.col("@last"))
    return share(view, rows, Share(OPEN, loose, unknown=no_links()))


def _with_ends(rows: pl.DataFrame, params: LogicParams, view: View) -> pl.DataFrame:
    """Add `follows` and `leads` (whether anything comes before, after), `@first` and `@last` (the ends of the plan)."""
    before, after = _linked(params, view)
    rows = rows.with_columns(
        follows=pl.col("uid").is_in(before.implode()),
        leads=pl.col("uid").is_in(after.implode()),
    )
    begins = pl.coalesce("forecast_start", "actual_start")
    first = rows.filter(~pl.col("follows")).sort(begins, "position", "uid", nulls_last=True)
    ends = pl.coalesce("forecast_finish", "actual_finish")
    last = rows.filter(~pl.col("leads")).sort(ends, "position", "uid", descending=[True, False, False], nulls_last=True)
    named = {
        name: some.group_by("project", maintain_order=True).agg(pl.col("uid").first())["uid"]
        for name, some in (("@first", first), ("@last", last))
    }
    return rows.with_columns(pl.col("uid").is_in(some.implode()).alias(name) for name, some in named.items())


def _linked(params: LogicParams, view: View) -> tuple[pl.Series, pl.Series]:
    """Return the rows with a predecessor, and those with a successor; a link that leads out of the plan is one."""
    known = links(view)
    across = pl.col("external").fill_null(value=False)
    found = [
        known.filter(pl.col(f"{other}.kept").fill_null(value=False) | across)[side].drop_nulls().unique()
        for side, other in (("successor", "predecessor"), ("predecessor", "successor"))
    ]
    if params.inherit_summary_links:
        found = [_inherited(uids, view) for uids in found]
    return found[0], found[1]


def _inherited(uids: pl.Series, view: View) -> pl.Series:
    """Return the rows named and all that lie below them in the outline."""
    below = view.snapshot.frame("task").select("uid", "parent").drop_nulls()
    reached, found = uids, uids
    for _ in range(DEEPEST):
        found = below.filter(pl.col("parent").is_in(found.implode()) & ~pl.col("uid").is_in(reached.implode()))["uid"]
        if found.is_empty():
            break
        reached = pl.concat([reached, found])
    return reached


def _counted_links(view: View) -> pl.DataFrame:
    """Return the links whose successor is an open row, each as a row of the successor's project."""
    open_rows = pl.col("successor.countable") & ~pl.col("successor.done")
    known = pl.any_horizontal("predecessor.countable", "predecessor.elsewhere", "external").fill_null(value=False)
    begin = pl.coalesce("predecessor.called", "external_name", pl.lit("?"))
    return (
        links(view)
        .filter(open_rows.fill_null(value=False) & known & pl.col("type").is_in(KINDS))
        .with_columns(
            project="successor.project",
            position="successor.position",
            called=pl.format("{} → {}", begin, "successor.called"),
        )
    )


def _of_links(hit: pl.Expr, order: pl.Expr, view: View) -> pl.DataFrame:
    return share(view, _counted_links(view), Share(pl.lit(value=True), hit, order, unknown=no_links()))


def _lag_beyond(*, ahead: bool) -> pl.Expr:
    either = [pl.col(name) < 0 if ahead else pl.col(name) > 0 for name in ("lag", "lag_percent")]
    return pl.any_horizontal(one.fill_null(value=False) for one in either)


def leads(_: StrictParams, view: View) -> pl.DataFrame:
    """Return the share of links that let a row begin before what it waits for is over."""
    return _of_links(_lag_beyond(ahead=True), pl.col("lag"), view)


def lags(_: ShareParams, view: View) -> pl.DataFrame:
    """Return the share of links that wait longer than what comes before; calendar time counts too."""
    return _of_links(_lag_beyond(ahead=False), -pl.col("lag"), view)


def fs_links(_: ShareParams, view: View) -> pl.DataFrame:
    """Return the share of links that run from finish to start; the others are what is named."""
    others = _of_links(pl.col("type") != "fs", pl.col("position"), view)
    right = pl.col("denominator") - pl.col("numerator")
    return others.with_columns(value=100 - pl.col("value"), numerator=right)


def check(name: str, params: Any, measure: Any, text: str, **more: Any) -> Measure[Any]:
    """Return a check on links, in per cent."""
    return Measure(
        f"schedule.{name}", "project", Unit.PERCENT, params, ("task.predecessor_count",), measure, text=text,
        dimension="schedule", finished_is_na=True, **more,
    )  # fmt: skip


MISSING_LOGIC = check(
    "missing_logic",
    LogicParams,
    missing_logic,
    "Open rows without predecessor or successor.",
    amber="over 2.5 %",
    red="over 5 %",
)
LEADS = check("leads", StrictParams, leads, "Links with a lead: a negative lag.", red="over 0 %")
LAGS = check("lags", ShareParams, lags, "Links with a lag.", amber="over 2.5 %", red="over 5 %")
FS_LINKS = check("fs_links", ShareParams, fs_links, "Links from finish to start.", amber="under 95 %", red="under 90 %")
