"""What finished items spent their time on: work, or waiting, by the statuses that they went through."""

import polars as pl

from pmo_watch.api import Columns, Days, Measure, PluginSettings, Unit, View

from .teams import lately, of_boards

STATUS = "status"


class EfficiencyParams(PluginSettings):
    """Over how many days, and how many finished items there must be."""

    over: Days = 30
    at_least: int = 5


def flow_efficiency(params: EfficiencyParams, view: View) -> pl.DataFrame:
    """Return active time as a share of active and waiting time of the items finished lately, in per cent."""
    recent = of_boards(view).filter(lately(view, params.over)).select("uid", "board", "created_at", "started")
    waiting = view.rows.select(board="uid", words=_folded_list("waiting"))
    spent = _spent(view, recent.join(waiting, on="board", how="left"))
    known = recent.join(spent, on="uid", how="left", maintain_order="left")
    sums = known.group_by(uid="board").agg(
        rows=pl.len().cast(pl.Int64),
        told=pl.col("active").is_not_null().sum().cast(pl.Int64),
        active=pl.col("active").sum(),
        idle=pl.col("idle").sum(),
    )
    found = view.rows.select("uid", "waiting").join(sums, on="uid", how="left", maintain_order="left")
    rows, told = pl.col("rows").fill_null(0), pl.col("told").fill_null(0)
    whole = pl.col("active") + pl.col("idle")
    few = pl.format(f"only {{}} items, needs {params.at_least}", told)
    return found.select(
        "uid",
        value=Columns.ratio(pl.col("active") * 100, whole),
        numerator=pl.col("active").round(2),
        denominator=pl.when(whole > 0).then(whole.round(2)),
        not_applicable=pl.when((rows == 0) & pl.col("waiting").is_not_null()).then(pl.lit("nothing due yet")),
        unknown=pl.coalesce(
            pl.when(pl.col("waiting").is_null()).then(pl.lit("missing board.waiting")),
            pl.when((told == 0) & (rows > 0)).then(pl.lit("missing status_change.at")),
            pl.when(told < params.at_least).then(few),
            pl.when(whole == 0).then(pl.lit("missing status_change.at")),
        ),
        note=pl.when(told < rows).then(pl.format("{} of {} rows left out", rows - told, rows)),
        active_hours=pl.col("active").round(1),
        waiting_hours=pl.col("idle").round(1),
    )


def _spent(view: View, asked: pl.DataFrame) -> pl.DataFrame:
    """Return, by item, the hours that it was worked on and that it waited.

    An item of which changes of status are not known, or that was in a status nobody knows the meaning of, is absent.
    Before the day on which it was begun it was in no status of work, whatever that status is called.
    """
    changes = (
        _with_beginning(_changes(view).join(asked, left_on="task", right_on="uid"))
        .sort("task", "at", "uid")
        .with_columns(left=pl.col("at").shift(-1).over("task"))
        .with_columns(hours=(pl.col("left") - pl.col("at")).dt.total_seconds() / 3600)
        .join(_meanings(view), on=["source", "value"], how="left")
    )
    waits = pl.col("words").list.contains(pl.coalesce("called", "value"))
    works = (pl.col("group") == "doing") & ~waits
    zone = view.snapshot.organisation.timezone
    early = (pl.col("left").dt.convert_time_zone(zone).dt.date() <= pl.col("started")).fill_null(value=False)
    unknown = pl.col("group").is_null() & ~waits & (pl.col("hours") > 0) & ~early
    return (
        changes.group_by(uid="task")
        .agg(
            active=pl.col("hours").filter(works.fill_null(value=False)).sum(),
            idle=pl.col("hours").filter(waits.fill_null(value=False)).sum(),
            unknown=unknown.fill_null(value=False).any(),
        )
        .filter(~pl.col("unknown"))
        .drop("unknown")
    )


def _changes(view: View) -> pl.DataFrame:
    """Return the changes of status: `value` is the status since then, `before` the one until then."""
    return (
        view.snapshot.frame("status_change")
        .filter((_folded("field") == STATUS) & pl.col("vanished_on").is_null())
        .select("uid", "source", "task", "at", value=_folded("to_value"), before=_folded("from_value"))
    )


def _with_beginning(changes: pl.DataFrame) -> pl.DataFrame:
    """Add of each item the status that it was made in, as a change on the day it was made."""
    first = changes.sort("at", "uid").unique("task", keep="first", maintain_order=True)
    made = first.filter(pl.col("created_at") < pl.col("at")).with_columns(
        at="created_at", value="before", uid=pl.lit("")
    )
    return pl.concat([changes, made])


def _meanings(view: View) -> pl.DataFrame:
    """Return what values of the field mean: the status's name and its group, as tickets that are in it now say.

    Systems write ids where tickets have names: the last change of a ticket led to the status that it is in.
    """
    tasks = view.snapshot.frame("task").select("source", "status", "status_category", task="uid")
    named = tasks.select("source", value=_folded("status"), called=_folded("status"), group="status_category")
    last = _changes(view).sort("at", "uid").group_by("task").agg(pl.col("value").last())
    by_id = last.join(tasks, on="task").select("source", "value", called=_folded("status"), group="status_category")
    known = pl.concat([named, by_id]).drop_nulls().group_by("source", "value", "called", "group").len()
    best = known.sort("len", "called", "group", descending=[True, False, False])
    return best.unique(["source", "value"], keep="first", maintain_order=True).drop("len")


def _folded(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars().str.to_lowercase()


def _folded_list(name: str) -> pl.Expr:
    return pl.col(name).list.eval(pl.element().str.strip_chars().str.to_lowercase())


FLOW_EFFICIENCY = Measure(
    "board.flow_efficiency",
    "board",
    Unit.PERCENT,
    EfficiencyParams,
    ("waiting", "status_change.at"),
    flow_efficiency,
    text="Time in which items finished lately were worked on, as a share of that and the time they waited.",
    clock="today",
    dimension="scope",
    amber="under 25 %",
    red="under 15 %",
)
