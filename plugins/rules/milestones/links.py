"""Links between rows of plans: whether the dates of both sides still fit."""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Unit, View

MINUTES_A_DAY = 24 * 60
# Which date of the predecessor must come before which of the successor.
SIDES: Mapping[str, tuple[str, str]] = {
    "fs": ("finish", "start"),
    "ss": ("start", "start"),
    "ff": ("finish", "finish"),
    "sf": ("start", "finish"),
}
SIDE_FIELDS = (
    "name",
    "project",
    "external",
    "done",
    "is_milestone",
    "forecast_start",
    "forecast_finish",
    "actual_start",
    "actual_finish",
)


class ConflictParams(PluginSettings):
    """Which links are looked at: those that lead out of a plan, or all."""

    scope: Literal["external", "all"] = "external"


def day_of(side: str, end: str) -> pl.Expr:
    """Return a row's start or finish: the actual day where there is one; a milestone starts on the day it finishes."""
    day = pl.coalesce(f"{side}.actual_{end}", f"{side}.forecast_{end}")
    if end == "finish":
        return day
    return pl.coalesce(day, pl.when(pl.col(f"{side}.is_milestone")).then(day_of(side, "finish")))


def linked_day(side: str) -> pl.Expr:
    """Return the day of a row that its link is about: its start or its finish, as the kind of link has it."""
    place = 0 if side == "predecessor" else 1
    about = {end: [kind for kind, ends in SIDES.items() if ends[place] == end] for end in ("start", "finish")}
    start, finish = (link_type().is_in(about[end]) for end in ("start", "finish"))
    return pl.when(finish).then(day_of(side, "finish")).when(start).then(day_of(side, "start"))


def with_room(links: pl.DataFrame, view: View) -> pl.DataFrame:
    """Add `room`: the working days between what a link asks for and what is planned; negative is a conflict.

    Over columns `type`, `lag`, `lag_percent`, `lag_elapsed`, `project.minutes_per_day`, `@calendar` and the dates of
    both sides as `predecessor.<field>` and `successor.<field>`. Of a lag in per cent only the sign is known: it counts
    as none. Step by step: inside each other the steps would be computed many times over.
    """
    lag = pl.when(pl.col("lag_percent").is_null()).then("lag").fill_null(0)
    day = pl.col("project.minutes_per_day")
    whole = pl.when(day > 0).then(lag / day).round(mode="half_to_even").cast(pl.Int64)
    elapsed = (lag / MINUTES_A_DAY).round(mode="half_to_even").cast(pl.Int64)
    steps = links.select(
        "@calendar",
        "lag_elapsed",
        first=linked_day("predecessor"),
        then=linked_day("successor"),
        working=pl.when(lag == 0).then(0).otherwise(whole),
        elapsed=pl.duration(days=elapsed),
    )
    moved = (
        pl.when(pl.col("lag_elapsed").fill_null(value=False))
        .then(pl.col("first") + pl.col("elapsed"))
        .otherwise(view.add_working_days(pl.col("first"), pl.col("working")))
    )
    room = steps.with_columns(moved=moved).select(room=view.working_days(pl.col("moved"), pl.col("then")))
    return links.hstack(room)


def link_type() -> pl.Expr:
    """Return the kind of link; one that blocks is like finish to start, and so is one that does not say."""
    return pl.when(pl.col("type") == "blocks").then(pl.lit("fs")).otherwise(pl.col("type").fill_null("fs"))


def _missing(side: str) -> pl.Expr:
    """Return which date of a side the link needs and the plan does not have."""
    reasons = {
        kind: f"missing {side}.forecast_{ends[0 if side == 'predecessor' else 1]}" for kind, ends in SIDES.items()
    }
    needed = link_type().replace_strict(list(reasons), list(reasons.values()), default=None, return_dtype=pl.String)
    return pl.when(linked_day(side).is_null()).then(needed)


def conflict(params: ConflictParams, view: View) -> pl.DataFrame:
    """Count the working days that are left between two linked rows; negative when the link is broken."""
    day = pl.col("project.minutes_per_day")
    endless = pl.when((day <= 0) & (pl.col("lag") != 0)).then(pl.format("invalid project.minutes_per_day: {}", day))
    crossing = pl.col("predecessor.project") != pl.col("successor.project")
    external = pl.any_horizontal("external", "predecessor.external", "successor.external", crossing)
    inside = pl.lit(params.scope == "external") & ~external.fill_null(value=False)
    over = pl.col("predecessor.done") | pl.col("successor.actual_start").is_not_null()
    return with_room(_both_sides(view), view).select(
        "uid",
        value="room",
        not_applicable=pl.when(inside).then(pl.lit("out of scope")).when(over).then(pl.lit("done")),
        unknown=pl.coalesce(_missing("predecessor"), _missing("successor"), endless),
        predecessor=pl.coalesce("predecessor.name", "external_name"),
        predecessor_finish=day_of("predecessor", "finish"),
        successor=pl.col("successor.name"),
        successor_start=day_of("successor", "start"),
    )


def _both_sides(view: View) -> pl.DataFrame:
    """Return the links in view with the fields of both rows, and the length of a day in the plan of the successor."""
    tasks = view.snapshot.frame("task").select("uid", *SIDE_FIELDS)
    days = view.snapshot.frame("project").select("uid", "minutes_per_day")
    own = ("uid", "type", "lag", "lag_percent", "lag_elapsed", "external", "external_name", "@calendar")
    links = view.rows.select(*own, "@project", *(f"@{side}" for side in ("predecessor", "successor")))
    for side in ("predecessor", "successor"):
        named = {"uid": f"@{side}", **{name: f"{side}.{name}" for name in SIDE_FIELDS}}
        links = links.join(tasks.rename(named), on=f"@{side}", how="left", maintain_order="left")
    named = {"uid": "@project", "minutes_per_day": "project.minutes_per_day"}
    return links.join(days.rename(named), on="@project", how="left", maintain_order="left")


CONFLICT = Measure(
    "dependency.conflict",
    "dependency",
    Unit.WORKING_DAYS,
    ConflictParams,
    ("predecessor.forecast_finish", "successor.forecast_start"),
    conflict,
    text="Working days left between two linked rows; negative is a broken link.",
    dimension="schedule",
    amber="under 5 wd",
    red="under 0 wd",
    recover="at least 5 wd",
    finished_is_na=True,
)
