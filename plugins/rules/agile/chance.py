"""The chance that a release is finished by its day, from what was finished in the weeks before."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Percent, PluginSettings, Unit, View, Weeks

from .odds import exact, simulated
from .scope import RELEASED, in_releases

Of = Literal["project", "release", "board"]
Row = tuple[str, float, int | None, int | None]
ODDS = {"uid": pl.String(), "chance": pl.Float64(), "p50": pl.Int64(), "p85": pl.Int64()}


class ChanceParams(PluginSettings):
    """Whose throughput counts, over how many weeks, how much more work is expected, and how the chance is computed."""

    throughput_of: Of = "project"
    history: Weeks = 26
    at_least: Weeks = 8
    growth: Percent = 0
    method: Literal["exact", "monte_carlo"] = "exact"


def chance_on_time(params: ChanceParams, view: View) -> pl.DataFrame:
    """Return the chance that what remains of a release is finished in the whole weeks until its day, in per cent."""
    rows = view.rows.join(_pace(params, view), on="uid", how="left", maintain_order="left")
    left = (pl.col("release_date") - pl.col("@today")).dt.total_days() // 7
    wanted = (pl.col("remaining_items") * (1 + params.growth / 100)).round(6).ceil().cast(pl.Int64)
    rows = rows.with_columns(
        wanted=wanted, weeks_left=left.clip(0), known=pl.col("weeks").list.len().fill_null(0).cast(pl.Int64)
    )
    enough = pl.col("known") >= params.at_least
    asked = rows.filter(enough & ~pl.col("released") & (pl.col("wanted") > 0) & pl.col("weeks_left").is_not_null())
    odds = pl.DataFrame([*_odds(params, asked, view.snapshot.today)], schema=ODDS, orient="row")
    found = rows.join(odds, on="uid", how="left", maintain_order="left")
    few = pl.format(f"needs {params.at_least} samples, has {{}}", "known")
    return found.select(
        "uid",
        value=pl.col("chance") * 100,
        not_applicable=pl.coalesce(RELEASED, pl.when(pl.col("remaining_items") == 0).then(pl.lit("done"))),
        unknown=pl.coalesce(
            pl.when(pl.col("release_date").is_null()).then(pl.lit("missing release.release_date")),
            pl.when(pl.col("remaining_items").is_null()).then(pl.lit("missing release.remaining_items")),
            pl.when(pl.col("weeks").is_null()).then(pl.lit("missing task.actual_finish")),
            pl.when(~enough).then(few),
        ),
        release_date="release_date",
        remaining_items="remaining_items",
        mean_throughput=pl.col("weeks").list.mean().round(1),
        p50_date=_day("p50"),
        p85_date=_day("p85"),
    )


def _day(weeks: str) -> pl.Expr:
    return pl.col("@today") + pl.duration(weeks=pl.col(weeks))


def _odds(params: ChanceParams, asked: pl.DataFrame, today: date) -> Iterator[Row]:
    """Yield the odds of each release; those of one pace are computed together."""
    lists = ("uid", "wanted", "weeks_left")
    paces = asked.group_by("team", maintain_order=True).agg(*lists, pl.col("weeks").first())
    for weeks, uids, numbers, left in zip(*(paces[name].to_list() for name in ("weeks", *lists)), strict=True):
        questions = list(zip(numbers, left, strict=True))
        if params.method == "exact":
            found = exact(weeks, questions)
        else:
            seeds = [f"{uid} {today.isoformat()}" for uid in uids]
            found = [simulated(weeks, *one, seed) for one, seed in zip(questions, seeds, strict=True)]
        for uid, one in zip(uids, found, strict=True):
            yield uid, one.chance, one.p50_weeks, one.p85_weeks


# --- throughput ---------------------------------------------------------------------------------------------------


def _pace(params: ChanceParams, view: View) -> pl.DataFrame:
    """Return `uid`, `team` and `weeks`: how many items were finished in each known week; absent where none ever was."""
    teams = _teams(params.throughput_of, view)
    members = teams.select("team", "members").unique("team").explode("members")
    return teams.select("uid", "team").join(_weekly(params, view, members), on="team")


def _teams(of: Of, view: View) -> pl.DataFrame:
    """Return whose throughput counts for each release: `team` names it, `members` are projects, releases or boards."""
    if of == "board":
        boards = in_releases(view).select("board", uid="release").drop_nulls().unique()
        members = boards.group_by("uid").agg(members=pl.col("board").sort())
        return members.with_columns(team=pl.col("members").list.join("|"))
    team = pl.col("project" if of == "project" else "uid")
    return view.rows.select("uid", team=team, members=pl.concat_list(team)).drop_nulls("team")


def _weekly(params: ChanceParams, view: View, members: pl.DataFrame) -> pl.DataFrame:
    """Return `team` and `weeks`; the first known week is that in which its first item was made, begun or finished."""
    monday = view.snapshot.today - timedelta(days=view.snapshot.today.weekday())
    begin = monday - timedelta(weeks=params.history)
    shared = members.join(_dated(params.throughput_of, view), on="members")
    first = pl.col("first").min().dt.truncate("1w")
    spans = shared.group_by("team").agg(
        finished=pl.col("week").is_not_null().any(), since=pl.max_horizontal(first, pl.lit(begin))
    )
    known = spans.filter("finished").select("team", week=pl.date_ranges("since", pl.lit(monday), "1w", closed="left"))
    counts = shared.group_by("team", "week").len()
    filled = known.explode("week").join(counts, on=["team", "week"], how="left", maintain_order="left")
    each = filled.filter(pl.col("week").is_not_null()).with_columns(pl.col("len").fill_null(0).cast(pl.Int64))
    weeks = each.group_by("team", maintain_order=True).agg(weeks="len")
    return known.select("team").join(weeks, on="team", how="left").with_columns(pl.col("weeks").fill_null([]))


def _dated(of: Of, view: View) -> pl.DataFrame:
    """Return items by what they belong to, with the first day that is known of each and the week it was finished in."""
    items = view.work_items("project", "board", "release", "done", "created_at", "actual_start", "actual_finish")
    made = pl.col("created_at").dt.convert_time_zone(view.snapshot.organisation.timezone).dt.date()
    finish = pl.when("done").then("actual_finish")
    dated = items.select(
        members=pl.col(of), first=pl.min_horizontal(made, "actual_start", finish), week=finish.dt.truncate("1w")
    )
    return (dated.explode("members") if of == "release" else dated).drop_nulls("members")


CHANCE_ON_TIME = Measure(
    "release.chance_on_time",
    "release",
    Unit.PERCENT,
    ChanceParams,
    ("release_date", "remaining_items", "task.actual_finish"),
    chance_on_time,
    text="Chance that what remains of a release is finished by its day, from the pace of the weeks before.",
    clock="today",
    dimension="schedule",
    amber="under 85 %",
    red="under 50 %",
    recover="at least 88 %",
)
