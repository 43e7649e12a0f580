"""The critical path of a plan: whether its end moves with it, and how much float its rows have (DC-12)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Unit, View, WorkingDays

from .axis import FINISH, HELD, START, links_in_minutes, rows_in_minutes
from .network import LONG_AGO, NEVER, Clock, Held, Network
from .plan import OPEN, OPEN_TASK, no_day, no_links, nothing_open, plan_facts

CIRCLE = "invalid dependency.predecessor: circle of links"


class PathParams(PluginSettings):
    """How the test is made: over the network, by so much delay; or attested by a person, for so long."""

    method: Literal["computed", "attested"] = "computed"
    delay: WorkingDays = 600
    valid_for: WorkingDays = 60


@dataclass(frozen=True, slots=True, eq=False)
class Passes:
    """A network after both passes.

    `rows`: the rows of plans as the network numbers them, with `slack` in minutes (null in a circle of links) and
    `reached`. `order`, `starts`, `finishes` and `ends` are what the forward pass found.
    """

    network: Network
    rows: pl.DataFrame
    plans: pl.Series
    order: list[int]
    starts: list[int]
    finishes: list[int]
    ends: list[int]


def passes(view: View) -> Passes:
    """Return the networks of the projects in view after a forward and a backward pass, made once."""
    return view.once("schedule quality: network", lambda: _passes(view))


def _passes(view: View) -> Passes:
    rows = rows_in_minutes(view)
    ties = links_in_minutes(rows, view)
    whole = _numbered(rows, ties)
    plans = whole["project"].unique(maintain_order=True)
    network = _network(whole, plans)
    network.tie(_ties(ties, whole, view))
    order = network.order()
    starts, finishes = network.forward(order)
    ends = network.ends(order, finishes, len(plans))
    late = network.backward(order, ends)
    slack = pl.Series("slack", late, pl.Int64) - pl.Series(finishes, dtype=pl.Int64)
    reached = pl.Series("reached", range(whole.height)).is_in(pl.Series(order, dtype=pl.Int64).implode())
    known = whole.with_columns(slack, reached).with_columns(slack=pl.when("reached").then("slack"))
    return Passes(network, known, plans, order, starts, finishes, ends)


def _numbered(rows: pl.DataFrame, ties: pl.DataFrame) -> pl.DataFrame:
    """Return the rows, and after them the ends of summaries that links name, which take no time and end no plan."""
    keys = pl.concat([ties["first"], ties["then"]]).alias("uid").unique(maintain_order=True)
    made = keys.to_frame().filter(pl.col("uid").str.ends_with(START) | pl.col("uid").str.ends_with(FINISH))
    made = made.join(rows.select("uid"), on="uid", how="anti")
    sides = pl.concat([ties.select(uid="first", other="then"), ties.select(uid="then", other="first")])
    homes = sides.join(rows.select("project", other="uid"), on="other").group_by("uid").agg(pl.col("project").first())
    ends = made.join(homes, on="uid").with_columns(minutes=pl.lit(0, pl.Int64), counts=pl.lit(value=False))
    every = pl.concat([rows.with_columns(counts=pl.lit(value=True)), ends], how="diagonal")
    return every.with_columns(
        pl.col("minutes").fill_null(0).alias("length"),
        pl.col("earliest").fill_null(LONG_AGO),
        pl.col("latest").fill_null(NEVER),
        pl.col("begun").fill_null(value=False),
        number=pl.int_range(pl.len(), dtype=pl.Int64),
    )


def _network(whole: pl.DataFrame, plans: pl.Series) -> Network:
    some = whole.filter(pl.any_horizontal(pl.col(HELD).is_not_null()))
    held = {row: Held(*limits) for row, *limits in zip(some["number"].to_list(), *_lists(some, HELD), strict=True)}
    numbers = dict(zip(plans.to_list(), range(len(plans)), strict=True))
    lengths, earliest, latest, counts, begun = _lists(whole, ("length", "earliest", "latest", "counts", "begun"))
    of_plan = [numbers[project] for project in whole["project"].to_list()]
    return Network(of_plan, lengths, earliest, latest, counts, begun, held)


def _lists(frame: pl.DataFrame, names: tuple[str, ...]) -> list[list[Any]]:
    return [frame[name].to_list() for name in names]


def _ties(ties: pl.DataFrame, whole: pl.DataFrame, view: View) -> Iterable[tuple[int, int, str, int, Clock | None]]:
    """Return the links between rows by number; one in calendar time brings the clock of its plan."""
    numbers = whole.select("uid", "number", "project")
    both = (
        ties.join(numbers.select(first="uid", a="number"), on="first")
        .join(numbers.select("project", then="uid", b="number"), on="then")
        .with_columns(owner=pl.when("elapsed").then("project"))
    )
    clocks: Mapping[str | None, Clock] = _clocks(view) if both["elapsed"].any() else {}
    first, then, kind, lag, owner = _lists(both, ("a", "b", "kind", "lag", "owner"))
    return zip(first, then, kind, lag, [clocks.get(one) for one in owner], strict=True)


def _clocks(view: View) -> dict[str | None, Clock]:
    calendars = view.snapshot.calendars
    rows = view.rows.filter(pl.col("minutes_per_day") > 0)
    columns = _lists(rows, ("uid", "@calendar", "@as_of", "minutes_per_day"))
    return {uid: Clock(calendars[name], day, per_day) for uid, name, day, per_day in zip(*columns, strict=True)}


# --- what follows from it -----------------------------------------------------------------------------------------


def why_not(view: View) -> pl.DataFrame:
    """Return `uid` of each project in view and why its network cannot be computed; null where it can."""
    rows = passes(view).rows.filter("counts")
    asked, lacking = OPEN, pl.col("minutes").is_null()
    sums = rows.group_by("project").agg(
        (asked & lacking).sum().alias("lacking"),
        asked.sum().alias("asked"),
        (asked & ~pl.col("reached")).any().alias("circle"),
        pl.col("uncovered").any().alias("uncovered"),
        pl.col("@calendar").first().alias("calendar"),
    )
    some = pl.format("missing task.duration on {} of {} rows", "lacking", "asked")
    return (
        plan_facts(view)
        .join(sums, left_on="uid", right_on="project", how="left", maintain_order="left")
        .select(
            "uid",
            unknown=pl.coalesce(
                no_links(),
                no_day(),
                pl.when((pl.col("lacking") > 0) & (pl.col("lacking") == pl.col("asked"))).then(
                    pl.lit("missing task.duration")
                ),
                pl.when(pl.col("lacking") > 0).then(some),
                pl.when("circle").then(pl.lit(CIRCLE)),
                pl.when("uncovered").then(pl.format("invalid calendar.id: {} does not cover the plan", "calendar")),
            ),
        )
    )


def network_slack(view: View) -> pl.DataFrame:
    """Return `uid` and `slack` (working minutes) of the rows of plans whose network can be computed."""
    known = why_not(view).filter(pl.col("unknown").is_null())["uid"]
    rows = passes(view).rows.filter(pl.col("counts") & pl.col("project").is_in(known.implode()))
    return rows.select("uid", "slack")


def critical_path_test(params: PathParams, view: View) -> pl.DataFrame:
    """Return 0 where the end of a plan moves with its critical path, 1 where it does not."""
    return _attested(params, view) if params.method == "attested" else _computed(params, view)


def _attested(params: PathParams, view: View) -> pl.DataFrame:
    result, day = pl.col("critical_path_test"), pl.col("critical_path_test_on")
    age = view.working_days(day, pl.col("@as_of"))
    old = pl.format(f"project.critical_path_test_on is {{}} wd old, limit {params.valid_for}", age)
    facts = view.rows.join(plan_facts(view).drop("minutes_per_day"), on="uid", how="left", maintain_order="left")
    return facts.select(
        "uid",
        value=pl.when(result.is_not_null()).then((result == "failed").cast(pl.Int64)),
        not_applicable=nothing_open("open_tasks"),
        unknown=pl.when(result.is_null())
        .then(pl.lit("missing project.critical_path_test"))
        .when(day.is_null())
        .then(pl.lit("missing project.critical_path_test_on"))
        .when(age > params.valid_for)
        .then(old),
        critical_path_test_on=day,
    )


def _computed(params: PathParams, view: View) -> pl.DataFrame:
    known = passes(view)
    chosen = _least_slack(known.rows)
    per_day = dict(zip(*_lists(view.rows, ("uid", "minutes_per_day")), strict=True))
    rows, owners = _lists(chosen, ("number", "project"))
    delays = {row: params.delay * (per_day[owner] or 0) for row, owner in zip(rows, owners, strict=True)}
    later = known.network.delayed(known.order, delays, known.starts, known.finishes)
    moved = pl.Series(known.network.ends(known.order, later, len(known.plans))) - pl.Series(known.ends)
    ends = pl.DataFrame({"project": known.plans, "moved": moved.cast(pl.Int64)})
    facts = (
        plan_facts(view)
        .join(why_not(view), on="uid", how="left", maintain_order="left")
        .join(ends, left_on="uid", right_on="project", how="left", maintain_order="left")
        .join(chosen.select("project", "called"), left_on="uid", right_on="project", how="left", maintain_order="left")
    )
    days = pl.col("moved") / pl.when(pl.col("minutes_per_day") > 0).then("minutes_per_day")
    return facts.select(
        "uid",
        "unknown",
        value=(pl.col("moved") != params.delay * pl.col("minutes_per_day")).cast(pl.Int64),
        not_applicable=nothing_open("open_tasks"),
        delayed_task="called",
        end_moved_days=days.round(1),
        delay_days=pl.lit(params.delay),
    )


def _least_slack(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the open task of each plan with the least slack."""
    tasks = rows.filter(pl.col("counts") & OPEN_TASK & pl.col("slack").is_not_null())
    first = tasks.sort("slack", "forecast_start", "position", "uid", nulls_last=True)
    return first.group_by("project", maintain_order=True).agg(pl.col("number", "called").first())


CRITICAL_PATH_TEST = Measure(
    "schedule.critical_path_test",
    "project",
    Unit.COUNT,
    PathParams,
    ("task.predecessor_count", "task.duration"),
    critical_path_test,
    text="Whether the end of the plan moves with its critical path: 0 passed, 1 failed.",
    dimension="schedule",
    red="at least 1",
    finished_is_na=True,
)
