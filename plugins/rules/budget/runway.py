"""How long the rest of the budget lasts at the pace of the last months, against the time that is left."""

import polars as pl

from pmo_watch.api import Measure, Months, PluginSettings, Samples, Unit, View, Wish, earning

from .consumption import BUDGET, NO_BUDGET, SPENT

STATUS_DATE_LAG = 2  # months that a status date which is still used may lie behind today
NO_CURRENCY = pl.lit([], pl.List(pl.String))  # of its own: what a project says of its costs is in one


class RunwayParams(PluginSettings):
    """Over how many full months the pace is taken."""

    over: Months = 3


def wish(params: RunwayParams) -> Samples:
    """Return the samples that are read where no cost is booked: what had been spent at the end of each month."""
    return Samples("project", "month", params.over + 1 + STATUS_DATE_LAG, ("actual_cost",))


def wishes(params: RunwayParams) -> tuple[Wish, ...]:
    """Return the history that is read."""
    return (wish(params),)


def runway_gap(params: RunwayParams, view: View) -> pl.DataFrame:
    """Return the months that the rest of the budget lasts, minus the months left until the forecast finish."""
    left, missing = _months_left(view), pl.col("forecast_finish").is_null()
    finish = view.rows.select("uid", months_left=left, no_finish=missing)
    found = earning.earned(view).join(finish, on="uid", maintain_order="left")
    found = found.join(_pace(params, view), on="uid", how="left", maintain_order="left")
    found = found.with_columns(pl.col("months").fill_null(0))
    rest, pace = BUDGET - SPENT, pl.col("pace")
    few = pl.format(f"needs {params.over} samples, has {{}}", "months")
    enough = pl.col("months") >= params.over
    return found.select(
        "uid",
        value=pl.when(enough & (pace > 0)).then(rest / pace - pl.col("months_left")),
        not_applicable=pl.when(enough & (pace == 0)).then(pl.lit("nothing due yet")),
        unknown=pl.coalesce(
            NO_BUDGET,
            "money_unknown",
            earning.mixed(pl.col("spent_in"), pl.col("budget_in"), pl.col("pace_in").fill_null(NO_CURRENCY)),
            pl.when("no_finish").then(pl.lit("missing project.forecast_finish")),
            pl.when(~enough).then(few),
            pl.when(pace < 0).then(pl.format("invalid project.actual_cost: {}", pace.round(2))),
        ),
        note="money_note",
        monthly_cost=pace.round(2),
        still_to_spend=rest.round(2),
        months_left=pl.col("months_left").round(1),
    )


def _months_left(view: View) -> pl.Expr:
    """Return the months between the status date and the forecast finish, each by its share of working days."""
    day, finish = pl.col("@as_of"), pl.col("forecast_finish")
    apart = (finish.dt.year() - day.dt.year()) * 12 + finish.dt.month() - day.dt.month()
    at_ends = _share(view, day) + pl.when(apart > 0).then(_share(view, finish)).otherwise(0.0)
    between = (apart - 1).clip(0).cast(pl.Float64)
    return pl.when(finish <= day).then(0.0).otherwise(at_ends + between)


def _share(view: View, month: pl.Expr) -> pl.Expr:
    """Return which share of the working days of a day's month lies after the status date and before the finish."""
    eve, end = month.dt.month_start() - pl.duration(days=1), month.dt.month_end()
    worked = view.working_days(pl.max_horizontal(eve, "@as_of"), pl.min_horizontal(end, "forecast_finish"))
    whole = view.working_days(eve, end)
    return pl.when(whole > 0).then(worked / whole).otherwise(pl.when(whole == 0).then(0.0))


# --- the pace -----------------------------------------------------------------------------------------------------


def _pace(params: RunwayParams, view: View) -> pl.DataFrame:
    """Return, per project, `pace` (money per month), its currencies, and over how many full `months` it is known."""
    last_full = (pl.col("@as_of") + pl.duration(days=1)).dt.month_start() - pl.duration(days=1)
    spans = view.rows.select("uid", own="currency", last=last_full).with_columns(
        first=pl.col("last").dt.month_start().dt.offset_by(f"-{params.over - 1}mo")
    )
    booked = _booked(params, view, spans)
    grown = _grown(params, view, spans).join(booked, on="uid", how="anti")
    return pl.concat([booked, grown])


def _booked(params: RunwayParams, view: View, spans: pl.DataFrame) -> pl.DataFrame:
    """Return the pace from booked costs; a month without any cost nothing."""
    entries = view.snapshot.frame("cost_entry").filter(pl.col("type") == "actual")
    rows = entries.join(spans, left_on="project", right_on="uid").filter(pl.col("booked_on") <= pl.col("last"))
    since = pl.col("booked_on").min().dt.month_start()
    amount = pl.col("amount").cast(pl.Float64).filter(pl.col("booked_on") >= pl.col("first")).sum()
    sums = rows.group_by(uid="project", maintain_order=True).agg(
        since=since,
        last=pl.col("last").first(),
        sum=amount,
        paid_in=pl.coalesce("currency", "own").filter(pl.col("booked_on") >= pl.col("first")).unique(),
    )
    months = _apart(pl.col("since"), pl.col("last")) + 1
    return sums.select("uid", pace=pl.col("sum") / params.over, months=months, pace_in="paid_in")


def _grown(params: RunwayParams, view: View, spans: pl.DataFrame) -> pl.DataFrame:
    """Return the pace from what readings at the ends of months said had been spent in all."""
    found = view.snapshot.past.get(wish(params))
    if found is None:
        found = pl.DataFrame(schema={"uid": pl.String, "period": pl.String, "actual_cost": pl.Float64})
    month = pl.format("{}-01", "period").str.to_date(strict=False).dt.month_end()
    totals = found.select("uid", month=month, total=pl.col("actual_cost").cast(pl.Float64)).drop_nulls()
    eve = pl.col("first") - pl.duration(days=1)
    inside = spans.join(totals, on="uid").filter(pl.col("month").is_between(eve, pl.col("last"))).sort("uid", "month")
    ends = inside.group_by("uid", "last", maintain_order=True).agg(
        since=pl.col("month").first(),
        until=pl.col("month").last(),
        sum=pl.col("total").last() - pl.col("total").first(),
    )
    months = pl.when(pl.col("until") == pl.col("last")).then(_apart(pl.col("since"), pl.col("last"))).otherwise(0)
    return ends.select("uid", pace=pl.col("sum") / params.over, months=months, pace_in=NO_CURRENCY)


def _apart(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Return how many months lie between two days, by their calendar months."""
    years = (last.dt.year() - first.dt.year()).cast(pl.Int64)
    return years * 12 + last.dt.month().cast(pl.Int64) - first.dt.month().cast(pl.Int64)


RUNWAY_GAP = Measure(
    "project.runway_gap",
    "project",
    Unit.PERIODS,
    RunwayParams,
    ("budget", "actual_cost", "forecast_finish"),
    runway_gap,
    text="Months that the rest of the budget lasts, minus the months that are left.",
    dimension="cost",
    past=wishes,
    amber="under 0 periods",
    red="under -1 periods",
    recover="at least 0.5 periods",
    finished_is_na=True,
)
