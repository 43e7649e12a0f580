"""Earned value: planned, earned and actual value of each project, cumulative to its status date.

Pure columns, shared by the measures of earned value and of budgets, which are plugins and do not know each other. How
far a project is along its plan is in `earned_schedule.py`, what it will have cost in `estimating.py`.
Formulas: EVM; spec measures 3.2.
"""

from typing import Literal

import polars as pl

from pmo_watch.contracts import View

FILLED = 0.95  # share of the tasks with a baseline that must have a value for it to be used
# Kinds of sources whose progress is effort completed / effort at completion: an index of it says no more than its EAC.
EFFORT_BASED = frozenset({"dynamics"})
Basis = Literal["auto", "cost", "work"]
Progress = Literal["auto", "points", "done_only"]
ROUNDED = 6  # decimals at which sums are compared: those of floats differ in the last ones
BASIS_FIELD = {"cost": "baseline_cost", "work": "baseline_work"}
IN_WORK = (pl.col("basis") == "work").fill_null(value=False)  # value and actual value are hours


def earned(view: View, basis: Basis = "auto", progress: Progress = "auto") -> pl.DataFrame:
    """Return, for each project in view, BAC, PV, EV and AC as floats, cumulative to its status date.

    `basis`: what value is; `auto` is cost where nearly all tasks with a baseline have one, else work. `progress`: what
    earns it; `points` is the share of the story points that is done.

    Columns: `uid`, `basis` (cost, work, project; null where there is none), `bac`, `pv`, `ev`, `ac`, why each is null
    (`bac_unknown`, `pv_unknown`, `ev_unknown`, `ac_unknown`), `clash` (text: AC and value are in two currencies),
    `curve_unknown` (why PV of other days is), `starts` and `ends` (of the baseline), `not_started`, and what is said
    with a result: `left_out` and `rows` (rows without a value), `unestimated` and `items` (without points), `derived`
    (value is earned by effort), `ac_note`. The project's own amounts are `project_<field>`, what was spent in money
    `money_spent` with `money_unknown` and `money_note`. Lists of currencies: `value_in` (of BAC, PV, EV), `spent_in`,
    `cost_in` (of what the project says of costs), `baseline_in` and `budget_in`.
    """
    return view.once(("earned", basis, progress, clocks(view)), lambda: _earned(view, basis, progress))


def clocks(view: View) -> int:
    """Return a number for the days that projects are looked at: a measure may take the earlier of two sources' days."""
    return hash(tuple(view.rows["@as_of"]))


def valued(view: View, basis: Basis, progress: Progress) -> pl.DataFrame:
    """Return the rows with a baseline: `value`, `planned` share (0 to 1), `said` progress (%), whether it `weighs`.

    One that has a value and no baseline finish is among them: it belongs to BAC and EV, and PV is unknown.
    """
    return view.once(("valued", basis, progress, clocks(view)), lambda: _valued(view, basis, progress))


def _valued(view: View, basis: Basis, progress: Progress) -> pl.DataFrame:
    fields = ("is_milestone", "baseline_start", "baseline_finish", "progress", "physical_progress", "ev_method", "done")
    rows, promised = view.plan_rows(*fields, *BASIS_FIELD.values()), pl.col("baseline_finish").is_not_null()
    chosen = _basis(rows.filter(promised), basis)
    value = pl.coalesce(
        [pl.when(pl.col("basis") == name).then(pl.col(one).cast(pl.Float64)) for name, one in BASIS_FIELD.items()]
    )
    said = pl.when(pl.col("ev_method") == "physical").then("physical_progress").otherwise("progress").cast(pl.Float64)
    if progress == "done_only":
        said = pl.when("done").then(100.0).otherwise(0.0)
    placed = rows.join(chosen, on="project", maintain_order="left").with_columns(value=value)
    return placed.filter(promised | pl.col("value").is_not_null()).with_columns(
        planned=pl.when(promised).then(view.planned_share()),
        said=said,
        weighs=pl.col("value").is_not_null() & (pl.col("value") != 0),
    )


def mixed(*currencies: pl.Expr) -> pl.Expr:
    """Return that amounts are in several currencies, naming them; null where they are in one. Lists, never null."""
    every = pl.concat_list(currencies).list.drop_nulls().list.unique().list.sort()
    return pl.when(every.list.len() > 1).then(pl.format("mixed currencies: {}", every.list.join(", ")))


def unit(hours: pl.Expr, currencies: str) -> pl.Expr:
    """Return the unit of an amount: hours, else its currency; null where that is the organisation's."""
    return pl.when(hours).then(pl.lit("h")).otherwise(pl.col(currencies).list.drop_nulls().list.first())


def _earned(view: View, basis: Basis, progress: Progress) -> pl.DataFrame:
    sums = _sums(valued(view, basis, progress))
    projects = _facts(view).join(sums, left_on="uid", right_on="project", how="left", maintain_order="left")
    if progress == "points":
        projects = projects.join(_points(view), left_on="uid", right_on="project", how="left", maintain_order="left")
    else:
        projects = projects.with_columns(unestimated=pl.lit(0), items=pl.lit(0))
    return _with_actual(_with_value(projects, basis, progress))


# --- what is known ------------------------------------------------------------------------------------------------


def _facts(view: View) -> pl.DataFrame:
    """Return what the project itself says, as floats, what its plan says in sum, and what was booked."""
    money = ("baseline_cost", "actual_cost", "declared_eac", "remaining_cost", "budget")
    own = view.rows.select(
        "uid",
        "@as_of",
        "actual_start",
        "baseline_start",
        "baseline_finish",
        "actual_cost_as_of",
        "currency",
        pl.col("progress").cast(pl.Float64).alias("project_progress"),
        *[pl.col(name).cast(pl.Float64).alias(f"project_{name}") for name in money],
        *[_currency(view, group).alias(f"{group}_in") for group in ("register", "baseline", "schedule", "cost")],
        by_effort=_by_effort(view, "@source:schedule" if "@source:schedule" in view.rows.columns else "source"),
    )
    return (
        own.join(_plans(view), left_on="uid", right_on="project", how="left", maintain_order="left")
        .join(_booked(view), left_on="uid", right_on="project", how="left", maintain_order="left")
        .with_columns(
            starts=pl.coalesce("baseline_start", "plan_start"), ends=pl.coalesce("baseline_finish", "plan_finish")
        )
        .drop("baseline_start", "baseline_finish", "plan_start", "plan_finish")
    )


def _currency(view: View, group: str) -> pl.Expr:
    """Return the currency in which the source of a field group writes its amounts, as a list."""
    own = [f"@currency:{group}"] if f"@currency:{group}" in view.rows.columns else []
    return pl.concat_list(pl.coalesce(*own, "currency"))


def _by_effort(view: View, column: str) -> pl.Expr:
    """Say whether the source of that column reports progress as a share of effort."""
    names = [name for name, state in view.snapshot.sources.items() if state.kind in EFFORT_BASED]
    return pl.col(column).is_in(names).fill_null(value=False)


def _plans(view: View) -> pl.DataFrame:
    """Return, per project, what its rows have cost and taken, and how many that began do not say it."""
    rows = view.plan_rows(
        "is_milestone", "actual_start", "progress", "baseline_start", "baseline_finish", "actual_cost", "actual_work"
    )
    begun = pl.col("actual_start").is_not_null() | (pl.col("progress") > 0).fill_null(value=False)
    silent = begun & ~pl.col("is_milestone")
    return rows.group_by("project", maintain_order=True).agg(
        begun.any().alias("plan_begun"),
        pl.col("baseline_start").min().alias("plan_start"),
        pl.col("baseline_finish").max().alias("plan_finish"),
        pl.col("baseline_finish").is_not_null().sum().alias("with_baseline"),
        silent.sum().alias("rows_begun"),
        pl.col("actual_cost").cast(pl.Float64).sum().alias("task_cost"),
        pl.col("actual_cost").is_not_null().any().alias("has_task_cost"),
        (silent & pl.col("actual_cost").is_null()).sum().alias("no_task_cost"),
        pl.col("actual_work").cast(pl.Float64).sum().alias("task_work"),
        pl.col("actual_work").is_not_null().any().alias("has_task_work"),
        (silent & pl.col("actual_work").is_null()).sum().alias("no_task_work"),
    )


def _booked(view: View) -> pl.DataFrame:
    """Return, per project, what was booked and planned by its status date, and the currencies of both.

    A plan is known before its first cost is due: it then comes to 0. Nothing booked yet is nothing known.
    """
    clocks = view.rows.select("@as_of", own="currency", project="uid")
    entries = view.snapshot.frame("cost_entry").join(clocks, on="project")
    due = pl.col("booked_on") <= pl.col("@as_of")
    booked, planned = due & (pl.col("type") == "actual"), pl.col("type") == "planned"
    amount, currency = pl.col("amount").cast(pl.Float64), pl.coalesce("currency", "own")
    return entries.group_by("project", maintain_order=True).agg(
        amount.filter(booked).sum().alias("booked"),
        booked.any().alias("has_booked"),
        amount.filter(planned & due).sum().alias("planned"),
        planned.any().alias("has_planned"),
        currency.filter(booked).unique().alias("booked_in"),
        currency.filter(planned).unique().alias("planned_in"),
    )


def _points(view: View) -> pl.DataFrame:
    """Return, per project, which share of its story points is done, and how many of its items have none."""
    points = pl.col("story_points").cast(pl.Float64)
    sums = view.work_items("project", "done", "story_points").group_by("project", maintain_order=True)
    found = sums.agg(
        done=points.filter("done").sum(), points=points.sum(), unestimated=points.is_null().sum(), items=pl.len()
    )
    return found.select("project", "unestimated", "items", points_done=pl.when(pl.col("points") > 0).then(
        pl.col("done") / pl.col("points")
    ))  # fmt: skip


# --- value --------------------------------------------------------------------------------------------------------


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
        (weighs & said.is_null() & (pl.col("ev_method") == "physical")).sum().alias("no_physical"),
        (weighs & pl.col("baseline_finish").is_null()).sum().alias("without_finish"),
        (weighs & pl.col("planned").is_null()).sum().alias("unplanned"),
        (weighs & ~pl.col("is_milestone") & pl.col("baseline_start").is_null()).sum().alias("without_start"),
        said.filter(invalid).first().alias("bad_progress"),
        (~pl.col("is_milestone") & value.is_null()).sum().alias("left_out"),
        (~pl.col("is_milestone")).sum().alias("rows"),
    )


def _with_value(projects: pl.DataFrame, basis: Basis, progress: Progress) -> pl.DataFrame:
    """Choose between the tasks' baselines and the project's own, and say what is missing."""
    by_tasks = (pl.col("weighed").fill_null(0) > 0) & pl.col("basis").is_not_null()
    # The project's own baseline is money: it is no answer to who asked for hours.
    own = ~by_tasks & (pl.col("project_baseline_cost").fill_null(0) > 0) & (basis != "work")
    none = (
        pl.when(pl.col("with_baseline").fill_null(0) == 0)
        .then(pl.lit("missing task.baseline_finish"))
        .otherwise(pl.lit(f"missing task.{BASIS_FIELD.get(basis, 'baseline_cost')}"))
    )
    bac_unknown = pl.when(~by_tasks & ~own).then(none)
    pv_unknown = pl.coalesce(bac_unknown, _unplanned(by_tasks, own))
    placed = projects.with_columns(
        basis=pl.when(by_tasks).then("basis").when(own).then(pl.lit("project")),
        bac=pl.when(by_tasks).then("bac").when(own).then("project_baseline_cost"),
        pv=pl.when(pv_unknown.is_null()).then(pl.when(by_tasks).then("pv").otherwise("planned")),
        value_in=pl.when(own).then("baseline_in").otherwise("schedule_in"),
        bac_unknown=bac_unknown,
        pv_unknown=pv_unknown,
        curve_unknown=pl.coalesce(pv_unknown, _half_planned(by_tasks, "without_start", "start")),
        derived=pl.col("by_effort") & (progress == "auto"),
    )
    ev, why = _earned_value(by_tasks, progress)
    ev_unknown = pl.coalesce("bac_unknown", why)
    return placed.with_columns(ev=pl.when(ev_unknown.is_null()).then(ev), ev_unknown=ev_unknown).with_columns(
        pl.col("bac", "pv", "ev").round(ROUNDED)
    )


def _unplanned(by_tasks: pl.Expr, own: pl.Expr) -> pl.Expr:
    """Return why nobody knows what should have been earned by the status date, though the whole is known."""
    no_curve = pl.when(own & ~pl.col("has_planned").fill_null(value=False)).then(pl.lit("missing task.baseline_finish"))
    two_curves = pl.when(own).then(mixed(pl.col("baseline_in"), _or_none("planned_in")))
    ends = (("without_finish", "finish"), ("unplanned", "start"))
    return pl.coalesce(*(_half_planned(by_tasks, rows, end) for rows, end in ends), no_curve, two_curves)


def _half_planned(by_tasks: pl.Expr, rows: str, end: str) -> pl.Expr:
    """Return how many rows with a value lack an end of their baseline: PV without them would flatter every index."""
    said = pl.format(f"missing task.baseline_{end} on {{}} of {{}} rows", rows, "weighed")
    return pl.when(by_tasks & (pl.col(rows) > 0)).then(said)


def _or_none(lists: str) -> pl.Expr:
    """Return a column of lists with an empty list for null."""
    return pl.col(lists).fill_null(pl.lit([], pl.List(pl.String)))


def _earned_value(by_tasks: pl.Expr, progress: Progress) -> tuple[pl.Expr, pl.Expr]:
    """Return what is earned, and why it is not known."""
    if progress == "points":
        none = pl.when(pl.col("points_done").is_null()).then(pl.lit("missing task.story_points"))
        return pl.col("bac") * pl.col("points_done"), none
    said = pl.col("project_progress")
    share = (said >= 100).cast(pl.Float64) if progress == "done_only" else said / 100
    unsaid = pl.coalesce(
        pl.when(pl.col(one) > 0).then(pl.format(f"missing task.{name} on {{}} of {{}} rows", one, "weighed"))
        for one, name in (("no_physical", "physical_progress"), ("unsaid", "progress"))
    )
    bad = pl.format("invalid task.progress: {}", pl.col("bad_progress"))  # null where there is none
    wild = pl.when((said < 0) | (said > 100)).then(pl.format("invalid project.progress: {}", said))
    none = pl.when(said.is_null()).then(pl.lit("missing project.progress"))
    ev = pl.when(by_tasks).then("ev").otherwise(pl.col("project_baseline_cost") * share)
    return ev, pl.when(by_tasks).then(pl.coalesce(bad, unsaid)).otherwise(pl.coalesce(wild, none))


# --- what was spent -----------------------------------------------------------------------------------------------


def _with_actual(projects: pl.DataFrame) -> pl.DataFrame:
    """Add what was spent, in hours where value is in hours, and whether the project has begun."""
    spent = _with_money(projects)
    hours = pl.when("has_task_work").then("task_work")
    hours_unknown = pl.coalesce(
        _silent("work", hours.is_not_null()), pl.when(hours.is_null()).then(pl.lit("missing task.actual_work"))
    )
    counted = pl.when(IN_WORK).then(pl.when(hours_unknown.is_null()).then(hours)).otherwise("money_spent")
    spent = spent.with_columns(
        ac=counted.round(ROUNDED),
        ac_unknown=pl.when(IN_WORK).then(hours_unknown).otherwise("money_unknown"),
        ac_note=pl.when(~IN_WORK).then("money_note"),
        clash=pl.when(~IN_WORK).then(mixed(pl.col("spent_in"), pl.col("value_in"))),
        budget_in="register_in",
    )
    return spent.with_columns(not_started=_not_started()).drop("@as_of")


def _with_money(projects: pl.DataFrame) -> pl.DataFrame:
    """Add what was spent in money: as the project says, else what was booked, else the sum of its rows."""
    total, booked = pl.col("project_actual_cost"), pl.when("has_booked").then("booked")
    by_rows = pl.when("has_task_cost").then("task_cost")
    ways = ((total, pl.col("cost_in")), (booked, _or_none("booked_in")), (by_rows, pl.col("schedule_in")))
    spent_in = pl.coalesce(*(pl.when(one.is_not_null()).then(currencies) for one, currencies in ways), "cost_in")
    rows_only = total.is_null() & booked.is_null() & by_rows.is_not_null()
    money = pl.coalesce(one for one, _ in ways)
    none = pl.when(money.is_null()).then(pl.lit("missing project.actual_cost"))
    unknown = pl.coalesce(mixed(spent_in), _silent("cost", rows_only), none)
    day = pl.col("actual_cost_as_of")
    dated = pl.when(total.is_not_null() & (day != pl.col("@as_of")))
    return projects.with_columns(
        money_spent=pl.when(unknown.is_null()).then(money),
        money_unknown=unknown,
        money_note=dated.then(pl.format("actual cost of {}", day)),
        spent_in=spent_in,
    )


def _not_started() -> pl.Expr:
    """Return whether nothing says that a project has begun: no date, no progress, no value, no cost."""
    none = [pl.col(name).fill_null(0) == 0 for name in ("ac", "money_spent", "ev", "project_progress")]
    begun = pl.col("actual_start").is_not_null() | pl.col("plan_begun").fill_null(value=False)
    return ~begun & pl.all_horizontal(none)


def _silent(what: str, asked: pl.Expr) -> pl.Expr:
    """Return how many rows that have begun do not say what they took: a sum without them is too small."""
    said = pl.format(f"missing task.actual_{what} on {{}} of {{}} rows", f"no_task_{what}", "rows_begun")
    return pl.when(asked & (pl.col(f"no_task_{what}") > 0)).then(said)
