"""Earned value: planned, earned and actual value of each project, and how far along its plan they reach.

Pure columns, shared by the measures of earned value and of budgets, which are plugins and do not know each other.
Formulas: EVM; earned schedule by Lipke and Henderson (2006); spec measures 3.2.
"""

from typing import Literal

import polars as pl

from pmo_watch.contracts import View

FILLED = 0.95  # share of the tasks with a baseline that must have a value for it to be used
ROUNDED = 6  # decimals at which values of a curve are compared: sums of floats differ in the last ones
WEEKS_BELOW = 130  # working days of the baseline: shorter projects count weeks, longer ones months
Basis = Literal["auto", "cost", "work"]
Progress = Literal["auto", "done_only"]
BASIS_FIELD = {"cost": "baseline_cost", "work": "baseline_work"}


def earned(view: View, basis: Basis = "auto", progress: Progress = "auto") -> pl.DataFrame:
    """Return, for each project in view, BAC, PV, EV and AC as floats, cumulative to its status date.

    Columns: `uid`, `basis` (cost, work, project; null where there is none), `bac`, `pv`, `ev`, `ac`, why each is null
    (`bac_unknown`, `pv_unknown`, `ev_unknown`, `ac_unknown`), `begun` (whether anything has started), `left_out` (rows
    without a value) and `rows`.
    """
    return view.once(("earned", basis, progress), lambda: _earned(view, basis, progress))


def _earned(view: View, basis: Basis, progress: Progress) -> pl.DataFrame:
    sums = _sums(_valued(view, basis, progress))
    projects = _facts(view).join(sums, left_on="uid", right_on="project", how="left", maintain_order="left")
    return _with_actual(_with_value(projects))


def _facts(view: View) -> pl.DataFrame:
    """Return what the project itself says, as floats, with the rows of its plan that have begun."""
    money = ("baseline_cost", "actual_cost", "declared_eac", "remaining_cost", "budget")
    booked = _booked(view)
    plans = view.plan_rows("actual_start", "progress", "actual_cost", "actual_work", "baseline_finish")
    begun = pl.col("actual_start").is_not_null() | (pl.col("progress") > 0).fill_null(value=False)
    inside = plans.group_by("project", maintain_order=True).agg(
        begun.any().alias("plan_begun"),
        pl.col("actual_cost").cast(pl.Float64).sum().alias("task_cost"),
        pl.col("actual_cost").is_not_null().any().alias("has_task_cost"),
        pl.col("actual_work").cast(pl.Float64).sum().alias("task_work"),
        pl.col("actual_work").is_not_null().any().alias("has_task_work"),
        pl.col("baseline_finish").is_not_null().sum().alias("with_baseline"),
    )
    return (
        view.rows.select(
            "uid",
            "actual_start",
            "currency",
            pl.col("progress").cast(pl.Float64).alias("project_progress"),
            *[pl.col(name).cast(pl.Float64).alias(f"project_{name}") for name in money],
        )
        .join(inside, left_on="uid", right_on="project", how="left", maintain_order="left")
        .join(booked, left_on="uid", right_on="project", how="left", maintain_order="left")
    )


def _booked(view: View) -> pl.DataFrame:
    """Return, per project, what was booked and planned by its status date, and the currencies of it."""
    clocks = view.rows.select("@as_of", own="currency", project="uid")
    entries = (
        view.snapshot.frame("cost_entry").join(clocks, on="project").filter(pl.col("booked_on") <= pl.col("@as_of"))
    )
    amount, kind = pl.col("amount").cast(pl.Float64), pl.col("type")
    return entries.group_by("project", maintain_order=True).agg(
        amount.filter(kind == "actual").sum().alias("booked"),
        (kind == "actual").any().alias("has_booked"),
        amount.filter(kind == "planned").sum().alias("planned"),
        (kind == "planned").any().alias("has_planned"),
        pl.coalesce("currency", "own").unique().sort().str.join(", ").alias("currencies"),
        pl.coalesce("currency", "own").n_unique().alias("currency_count"),
    )


def _valued(view: View, basis: Basis, progress: Progress) -> pl.DataFrame:
    """Return the rows with a baseline: `value`, `planned` share and `done` share (0 to 1), and their `basis`."""
    fields = ("is_milestone", "baseline_start", "baseline_finish", "progress", "physical_progress", "ev_method", "done")
    rows = view.plan_rows(*fields, *BASIS_FIELD.values()).filter(pl.col("baseline_finish").is_not_null())
    chosen = _basis(rows, basis)
    value = pl.coalesce(
        [pl.when(pl.col("basis") == name).then(pl.col(one).cast(pl.Float64)) for name, one in BASIS_FIELD.items()]
    )
    said = pl.when(pl.col("ev_method") == "physical").then("physical_progress").otherwise("progress").cast(pl.Float64)
    if progress == "done_only":
        said = pl.when("done").then(100.0).otherwise(0.0)
    return rows.join(chosen, on="project", maintain_order="left").with_columns(
        value=value, planned=view.planned_share(), said=said, weighs=value.is_not_null() & (value != 0)
    )


def _basis(rows: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Return which value each project uses: cost where nearly all tasks have it, else work, else none."""
    if basis != "auto":
        return rows.select("project", basis=pl.lit(basis)).unique()
    tasks = rows.filter(~pl.col("is_milestone"))
    filled = tasks.group_by("project").agg(pl.col(*BASIS_FIELD.values()).is_not_null().mean())
    first = [pl.when(pl.col(one) >= FILLED).then(pl.lit(name)) for name, one in BASIS_FIELD.items()]
    return filled.select("project", basis=pl.coalesce(first))


def _sums(rows: pl.DataFrame) -> pl.DataFrame:
    weighs, said, value = pl.col("weighs"), pl.col("said"), pl.col("value")
    invalid = weighs & ((said < 0) | (said > 100))
    return rows.group_by("project", maintain_order=True).agg(
        pl.col("basis").first(),
        value.sum().alias("bac"),
        (value * pl.col("planned")).sum().alias("pv"),
        (value * said / 100).sum().alias("ev"),
        weighs.sum().alias("weighed"),
        (weighs & said.is_null()).sum().alias("unsaid"),
        said.filter(invalid).first().alias("bad_progress"),
        (~pl.col("is_milestone") & value.is_null()).sum().alias("left_out"),
        (~pl.col("is_milestone")).sum().alias("rows"),
    )


def _with_value(projects: pl.DataFrame) -> pl.DataFrame:
    """Choose between the tasks' baselines and the project's own, and say what is missing."""
    by_tasks = (pl.col("weighed").fill_null(0) > 0) & pl.col("basis").is_not_null()
    own = ~by_tasks & (pl.col("project_baseline_cost").fill_null(0) > 0)
    none = (
        pl.when(pl.col("with_baseline").fill_null(0) == 0)
        .then(pl.lit("missing task.baseline_finish"))
        .otherwise(pl.lit("missing task.baseline_cost"))
    )
    bac_unknown = pl.when(~by_tasks & ~own).then(none)
    unsaid = pl.when(by_tasks & (pl.col("unsaid") > 0)).then(
        pl.format("missing task.progress on {} of {} rows", "unsaid", "weighed")
    )
    bad = pl.when(by_tasks & pl.col("bad_progress").is_not_null()).then(
        pl.format("invalid task.progress: {}", pl.col("bad_progress"))
    )
    no_progress = pl.when(own & pl.col("project_progress").is_null()).then(pl.lit("missing project.progress"))
    no_curve = pl.when(own & ~pl.col("has_planned").fill_null(value=False)).then(pl.lit("missing task.baseline_finish"))
    earned_by_project = pl.col("project_baseline_cost") * pl.col("project_progress") / 100
    ev_unknown = pl.coalesce(bac_unknown, bad, unsaid, no_progress)
    pv_unknown = pl.coalesce(bac_unknown, no_curve)
    return projects.with_columns(
        basis=pl.when(by_tasks).then("basis").when(own).then(pl.lit("project")),
        bac=pl.when(by_tasks).then("bac").when(own).then("project_baseline_cost"),
        pv=pl.when(pv_unknown.is_null()).then(pl.when(by_tasks).then("pv").otherwise("planned")),
        ev=pl.when(ev_unknown.is_null()).then(pl.when(by_tasks).then("ev").otherwise(earned_by_project)),
        bac_unknown=bac_unknown,
        pv_unknown=pv_unknown,
        ev_unknown=ev_unknown,
        begun=pl.col("actual_start").is_not_null() | pl.col("plan_begun").fill_null(value=False),
    )


def _with_actual(projects: pl.DataFrame) -> pl.DataFrame:
    """Add what was spent: in money, or in hours where value is in hours."""
    in_work = pl.col("basis") == "work"
    booked = pl.when("has_booked").then("booked")
    money = pl.coalesce("project_actual_cost", booked, pl.when("has_task_cost").then("task_cost"))
    hours = pl.when("has_task_work").then("task_work")
    mixed = pl.when(
        pl.col("project_actual_cost").is_null() & (pl.col("currency_count") > 1) & ~in_work.fill_null(value=False)
    ).then(pl.format("mixed currencies: {}", "currencies"))
    ac = pl.when(in_work.fill_null(value=False)).then(hours).otherwise(money)
    missing = pl.when(ac.is_null()).then(
        pl.when(in_work.fill_null(value=False))
        .then(pl.lit("missing task.actual_work"))
        .otherwise(pl.lit("missing project.actual_cost"))
    )
    unknown = pl.coalesce(mixed, missing)
    return projects.with_columns(
        ac=pl.when(unknown.is_null()).then(ac),
        ac_unknown=unknown,
        money_spent=pl.when(mixed.is_null()).then(money),
        money_unknown=pl.coalesce(mixed, pl.when(money.is_null()).then(pl.lit("missing project.actual_cost"))),
    )


# --- earned schedule ----------------------------------------------------------------------------------------------


def schedule_position(view: View, figures: pl.DataFrame, basis: Basis, period: str) -> pl.DataFrame:
    """Return, for each project, how far its earned value reaches along its own plan, in periods.

    `figures`: of `earned`. `period`: auto, week or month. Columns: `uid`, `es` (earned schedule), `at` (actual time),
    `pd` (planned duration), `every` (week or month).
    """
    spans = _spans(view, period)
    ends = _period_ends(view, spans)
    curve = _curve(view, ends, basis)
    reached = _reached(curve, figures)
    times = spans.select("uid", "every").join(_times(view, spans), on="uid", how="left")
    found = times.join(reached, on="uid", how="left")
    bac, ev = pl.col("bac"), pl.col("ev")
    es = pl.when(ev == 0).then(0.0).when(ev >= bac).then("pd").otherwise("reached")
    return found.join(figures.select("uid", "bac", "ev"), on="uid").select("uid", "at", "pd", "every", es=es)


def _spans(view: View, period: str) -> pl.DataFrame:
    """Return each project's baseline, the day it is looked at, and its period; from its rows where it has none."""
    plans = view.plan_rows("baseline_start", "baseline_finish")
    inside = plans.group_by("project").agg(pl.col("baseline_start").min(), pl.col("baseline_finish").max())
    rows = view.rows.select("uid", "baseline_start", "baseline_finish", "actual_finish", "@as_of", "@calendar").join(
        inside, left_on="uid", right_on="project", how="left", maintain_order="left", suffix="_of_rows"
    )
    rows = rows.with_columns(
        begins=pl.coalesce("baseline_start", "baseline_start_of_rows"),
        ends=pl.coalesce("baseline_finish", "baseline_finish_of_rows"),
        day=pl.min_horizontal("@as_of", "actual_finish"),
    ).filter(pl.col("begins").is_not_null() & (pl.col("ends") >= pl.col("begins")))
    chosen = (
        pl.when(view.working_days(pl.col("begins"), pl.col("ends")) < WEEKS_BELOW)
        .then(pl.lit("week"))
        .otherwise(pl.lit("month"))
    )
    return rows.with_columns(every=chosen if period == "auto" else pl.lit(period)).select(
        "uid", "begins", "ends", "day", "every", "@calendar"
    )


def _period_ends(view: View, spans: pl.DataFrame) -> pl.DataFrame:
    """Return one row per project and period: `first`, `last`, `share` worked since the start, and time so far."""
    until = pl.max_horizontal("ends", "day")
    weekly = spans.filter(pl.col("every") == "week").with_columns(
        first=pl.date_ranges(pl.col("begins").dt.truncate("1w"), until, "1w")
    )
    monthly = spans.filter(pl.col("every") == "month").with_columns(
        first=pl.date_ranges(pl.col("begins").dt.truncate("1mo"), until, "1mo")
    )
    rows = pl.concat([weekly, monthly]).explode("first")
    last = (
        pl.when(pl.col("every") == "week")
        .then(pl.col("first") + pl.duration(days=6))
        .otherwise(pl.col("first").dt.month_end())
    )
    return rows.with_columns(last=last).with_columns(whole=_days(view, pl.col("first"), pl.col("last")))


def _days(view: View, first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Count the working days from `first` to `last`, both included; 0 when `last` is before `first`."""
    return view.working_days(first - pl.duration(days=1), last).clip(lower_bound=0)


def _share(view: View, until: pl.Expr) -> pl.Expr:
    """Return which share of a period lies between the project's start and a day."""
    begins = pl.max_horizontal("first", "begins")
    worked = _days(view, begins, pl.min_horizontal(pl.col("last"), until))
    return pl.when(pl.col("whole") > 0).then(worked / pl.col("whole")).otherwise(0.0)


def _times(view: View, spans: pl.DataFrame) -> pl.DataFrame:
    """Return actual time and planned duration in periods."""
    # The shares come before the groups: within groups of a frame without rows Polars loses the type of a lookup.
    rows = _period_ends(view, spans).select("uid", at=_share(view, pl.col("day")), pd=_share(view, pl.col("ends")))
    return rows.group_by("uid", maintain_order=True).agg(pl.col("at", "pd").sum())


def _curve(view: View, ends: pl.DataFrame, basis: Basis) -> pl.DataFrame:
    """Return planned value at each period end up to the baseline finish, with the time there; the start first."""
    inside = ends.filter(pl.col("first") <= pl.col("ends")).with_columns(
        at_end=pl.min_horizontal("last", "ends"), share=_share(view, pl.col("ends"))
    )
    inside = inside.sort("uid", "first").with_columns(time=pl.col("share").cum_sum().over("uid"))
    planned = _planned_sums(view, _valued(view, basis, "auto").filter(pl.col("weighs")), inside)
    along = inside.sort("at_end").join_asof(
        planned, left_on="at_end", right_on="day", by_left="uid", by_right="project", check_sortedness=False
    )
    worked = view.working_days(pl.col("begins"), pl.col("at_end"))
    pv = (pl.col("level") + pl.col("slope") * worked).round(ROUNDED)
    curve = along.select("uid", "time", pv=pv.fill_null(0.0))
    zero = inside.select("uid").unique().with_columns(time=pl.lit(0.0), pv=pl.lit(0.0))
    return pl.concat([zero, curve]).sort("uid", "time")


def _planned_sums(view: View, rows: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return, for each project and day, `level` and `slope` of planned value: level + slope * working days so far.

    A row adds its value in a straight line from start to finish. Adding up where lines begin and end costs one pass;
    asking each row at each period end took seconds for a hundred thousand rows.
    """
    clocks = spans.select("begins", "@calendar", project="uid").unique()
    start, finish = pl.col("baseline_start"), pl.col("baseline_finish")
    eve = start - pl.duration(days=1)
    rows = rows.join(clocks, on="project").with_columns(
        whole=view.working_days(eve, finish), before=view.working_days(pl.col("begins"), eve)
    )
    grows = ~pl.col("is_milestone") & (start <= finish) & (pl.col("whole") > 0)
    slope = pl.when(grows.fill_null(value=False)).then(pl.col("value") / pl.col("whole")).otherwise(0.0)
    rows = rows.with_columns(slope=slope, level=-(slope * pl.col("before").fill_null(0)))
    begun = rows.filter(pl.col("slope") != 0).select("project", "level", "slope", day=start)
    done = rows.select("project", level=pl.col("value") - pl.col("level"), slope=-pl.col("slope"), day=finish)
    events = pl.concat([begun, done]).sort("project", "day", maintain_order=True)
    sums = events.with_columns(pl.col("level", "slope").cum_sum().over("project"))
    return sums.unique(["project", "day"], keep="last", maintain_order=True).sort("day", maintain_order=True)


def _reached(curve: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """Return where on its curve each project's earned value lies, between two period ends in a straight line."""
    steps = curve.with_columns(
        next_pv=pl.col("pv").shift(-1).over("uid"), next_time=pl.col("time").shift(-1).over("uid")
    ).join(figures.select("uid", pl.col("ev").round(ROUNDED)), on="uid")
    last = steps.filter(pl.col("pv") <= pl.col("ev")).group_by("uid", maintain_order=True).last()
    rise = pl.col("next_pv") - pl.col("pv")
    part = pl.when(rise > 0).then((pl.col("ev") - pl.col("pv")) / rise).otherwise(0.0)
    along = pl.col("time") + part * (pl.col("next_time") - pl.col("time"))
    return last.select("uid", reached=pl.coalesce(along, "time"))
