"""What a project has used of its budget and reserve, alone and against its progress."""

import polars as pl

from pmo_watch.api import Measure, NoParams, PluginSettings, Unit, View, earning

BUDGET, SPENT = pl.col("project_budget"), pl.col("money_spent")
NO_BUDGET = (
    pl.when(BUDGET.is_null() | (BUDGET == 0))
    .then(pl.lit("missing project.budget"))
    .when(BUDGET < 0)
    .then(pl.format("invalid project.budget: {}", BUDGET))
)
TWO_CURRENCIES = earning.mixed(pl.col("spent_in"), pl.col("budget_in"))
NOT_STARTED = pl.when("not_started").then(pl.lit("not started"))
NO_PROGRESS = pl.when(pl.col("project_progress").is_null()).then(pl.lit("missing project.progress"))


class UsedParams(PluginSettings):
    """Whether only an approved budget counts, where its approval is known."""

    require_approved: bool = True


def used(params: UsedParams, view: View) -> pl.DataFrame:
    """Return actual cost as a share of the budget, in per cent."""
    status = pl.col("budget_status")
    refused = pl.when(pl.lit(params.require_approved) & (status != "approved")).then(
        pl.format("invalid project.budget_status: {}", status)
    )
    found = earning.earned(view).join(view.rows.select("uid", "budget_status"), on="uid", maintain_order="left")
    return found.select(
        "uid",
        value=_share(SPENT),
        numerator=SPENT,
        denominator=pl.when(BUDGET > 0).then(BUDGET),
        unknown=pl.coalesce(NO_BUDGET, refused, "money_unknown", TWO_CURRENCIES),
        note="money_note",
        actual_cost=SPENT.round(2),
        budget=BUDGET.round(2),
    )


def _share(amount: pl.Expr) -> pl.Expr:
    """Return an amount in per cent of the budget."""
    return pl.when(BUDGET > 0).then(amount * 100 / BUDGET)


def spend_ahead(_: NoParams, view: View) -> pl.DataFrame:
    """Return by how many percentage points the budget is used faster than work progresses."""
    return earning.earned(view).select(
        "uid",
        value=_share(SPENT) - pl.col("project_progress"),
        not_applicable=NOT_STARTED,
        unknown=pl.coalesce(NO_PROGRESS, NO_BUDGET, "money_unknown", TWO_CURRENCIES),
        note="money_note",
        budget_used=_share(SPENT).round(1),
        actual_progress=pl.col("project_progress").round(1),
        actual_cost=SPENT.round(2),
        budget=BUDGET.round(2),
    )


def committed_used(_: NoParams, view: View) -> pl.DataFrame:
    """Return what is spent or ordered as a share of the budget, in per cent."""
    own = view.rows.select("uid", committed=pl.col("committed_cost").cast(pl.Float64))
    found = earning.earned(view).join(own, on="uid", maintain_order="left")
    bound = SPENT + pl.col("committed")
    none = pl.when(pl.col("committed").is_null()).then(pl.lit("missing project.committed_cost"))
    clash = earning.mixed(pl.col("spent_in"), pl.col("cost_in"), pl.col("budget_in"))
    return found.select(
        "uid",
        value=_share(bound),
        numerator=bound,
        denominator=pl.when(BUDGET > 0).then(BUDGET),
        unknown=pl.coalesce(none, NO_BUDGET, "money_unknown", clash),
        note="money_note",
        actual_cost=SPENT.round(2),
        committed_cost=pl.col("committed").round(2),
        budget=BUDGET.round(2),
    )


def contingency_ahead(_: NoParams, view: View) -> pl.DataFrame:
    """Return by how many percentage points the reserve is used faster than work progresses."""
    names = ("contingency", "contingency_used", "progress")
    reserve, gone, progress = (pl.col(name).cast(pl.Float64) for name in names)
    none = pl.when(reserve.is_null() | (reserve == 0)).then(pl.lit("not configured"))
    missing = [pl.when(pl.col(name).is_null()).then(pl.lit(f"missing project.{name}")) for name in names[1:]]
    return view.rows.select(
        "uid",
        value=pl.when(reserve > 0).then(gone * 100 / reserve) - progress,
        not_applicable=none,
        unknown=pl.coalesce(*missing, pl.when(reserve < 0).then(pl.format("invalid project.contingency: {}", reserve))),
        contingency_used=gone.round(2),
        contingency=reserve.round(2),
        actual_progress=progress.round(1),
    )


BUDGET_USED = Measure(
    "project.budget_used",
    "project",
    Unit.PERCENT,
    UsedParams,
    ("budget", "actual_cost"),
    used,
    text="Actual cost as a share of the budget.",
    dimension="cost",
    amber="at least 90 %",
    red="at least 100 %",
    recover="under 90 %",
    finished_is_na=True,
)
SPEND_AHEAD = Measure(
    "project.spend_ahead",
    "project",
    Unit.POINTS,
    NoParams,
    ("progress", "budget", "actual_cost"),
    spend_ahead,
    text="By how much the budget is used faster than work progresses.",
    dimension="cost",
    amber="over 10 pp",
    red="over 20 pp",
    recover="at most 8 pp",
    finished_is_na=True,
)
COMMITTED_USED = Measure(
    "project.committed_used",
    "project",
    Unit.PERCENT,
    NoParams,
    ("committed_cost", "budget", "actual_cost"),
    committed_used,
    text="What is spent or ordered as a share of the budget.",
    dimension="cost",
    amber="at least 95 %",
    red="at least 100 %",
    recover="under 95 %",
    finished_is_na=True,
)
CONTINGENCY_AHEAD = Measure(
    "project.contingency_ahead",
    "project",
    Unit.POINTS,
    NoParams,
    ("contingency_used", "progress"),
    contingency_ahead,
    text="By how much the contingency is used faster than work progresses.",
    dimension="cost",
    amber="over 0 pp",
    red="over 20 pp",
    recover="at most 0 pp",
    finished_is_na=True,
)
