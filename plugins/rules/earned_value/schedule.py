"""Earned schedule: how far along its own plan a project is, in time rather than money."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, Unit, View

from .figures import PeriodParams, TimeParams, early, idle, notes, positions

ES, AT, PD = pl.col("es"), pl.col("at"), pl.col("pd")
NOT_BEGUN = pl.when(AT == 0).then(pl.lit("nothing due yet"))  # no working day of the plan has gone
ALL_EARNED = pl.when(pl.col("ev_unknown").is_null() & (ES >= PD)).then(pl.lit("done"))
UNKNOWN = pl.coalesce("ev_unknown", "curve_unknown")


class OverrunParams(TimeParams):
    """How the duration is forecast: at the pace so far, or what is left at the pace of the plan."""

    method: Literal["spi_t", "at_plan"] = "spi_t"


class ToCompleteParams(PeriodParams):
    """What must be kept: the planned duration, or the forecast finish."""

    against: Literal["pd", "forecast"] = "pd"


def earned_schedule(params: PeriodParams, view: View) -> pl.DataFrame:
    """Return how many periods of the plan have been earned."""
    return positions(params, view).select(
        "uid",
        value=pl.when(pl.col("ev_unknown").is_null()).then("es"),
        not_applicable=idle(),
        unknown=UNKNOWN,
        note=notes(),
        actual_time=AT.round(2),
        planned_duration=PD.round(2),
        period="every",
    )


def variance(params: PeriodParams, view: View) -> pl.DataFrame:
    """Return (ES - AT) / PD in per cent; negative is behind plan."""
    return positions(params, view).select(
        "uid",
        value=pl.when(PD > 0).then((ES - AT) * 100 / PD),
        numerator=ES - AT,
        denominator=pl.when(PD > 0).then(PD),
        not_applicable=pl.coalesce(idle(), NOT_BEGUN),
        unknown=UNKNOWN,
        note=notes(),
        earned_schedule=ES.round(2),
        actual_time=AT.round(2),
        planned_duration=PD.round(2),
        period="every",
        **{"project.sv_t": ES - AT},
    )


def time_index(params: TimeParams, view: View) -> pl.DataFrame:
    """Return earned schedule divided by actual time: useful to the end and past the planned finish."""
    return positions(params, view).select(
        "uid",
        value=_index(),
        numerator="es",
        denominator=pl.when(AT > 0).then("at"),
        not_applicable=pl.coalesce(idle(), NOT_BEGUN, early(params)),
        unknown=UNKNOWN,
        note=notes(),
        earned_schedule=ES.round(2),
        actual_time=AT.round(2),
        period="every",
    )


def _index() -> pl.Expr:
    return pl.when(AT > 0).then(ES / AT)


def overrun(params: OverrunParams, view: View) -> pl.DataFrame:
    """Return by how much the forecast duration exceeds the planned one, in per cent."""
    by_pace = params.method == "spi_t"
    forecast = pl.when(ES > 0).then(PD * AT / ES) if by_pace else AT + (PD - ES)
    none = pl.when(pl.lit(by_pace) & (ES == 0)).then(pl.lit("invalid project.spi_t: 0"))
    return positions(params, view).select(
        "uid",
        value=pl.when(PD > 0).then((forecast - PD) * 100 / PD),
        numerator=forecast - PD,
        denominator=pl.when(PD > 0).then(PD),
        not_applicable=pl.coalesce(idle(), NOT_BEGUN, *([early(params)] if by_pace else [])),
        unknown=pl.coalesce(UNKNOWN, none),
        note=notes(),
        planned_duration=PD.round(2),
        forecast_duration=forecast.round(2),
        period="every",
        **{"project.ieac_t": forecast},
    )


def to_complete(params: ToCompleteParams, view: View) -> pl.DataFrame:
    """Return the plan still to be earned per period that is left until the planned or forecast finish."""
    by_plan = params.against == "pd"
    left = pl.col("pd" if by_plan else "tf") - AT
    passed = pl.when(UNKNOWN.is_null() & (left <= 0)).then(pl.lit("planned finish passed"))
    none = pl.when(pl.lit(not by_plan) & pl.col("tf").is_null()).then(pl.lit("missing project.forecast_finish"))
    return positions(params, view).select(
        "uid",
        value=pl.when(left > 0).then((PD - ES) / left),
        numerator=PD - ES,
        denominator=pl.when(left > 0).then(left),
        not_applicable=pl.coalesce(idle(), ALL_EARNED),
        unknown=pl.coalesce(UNKNOWN, none),
        breach=passed,
        note=notes(),
        earned_schedule=ES.round(2),
        planned_duration=PD.round(2),
        actual_time=AT.round(2),
        periods_left=left.round(2),
        period="every",
    )


NEEDS = ("task.baseline_finish", "task.progress")
EARNED_SCHEDULE = Measure(
    "project.earned_schedule",
    "project",
    Unit.PERIODS,
    PeriodParams,
    NEEDS,
    earned_schedule,
    text="Periods of the plan that have been earned.",
    dimension="schedule",
    strict_age=True,
    finished_is_na=True,
)
TIME_VARIANCE = Measure(
    "project.sv_t_percent",
    "project",
    Unit.PERCENT,
    PeriodParams,
    NEEDS,
    variance,
    text="Earned schedule minus actual time, as a share of the planned duration; negative is behind plan.",
    dimension="schedule",
    amber="under 0 %",
    red="under -10 %",
    recover="at least 0 %",
    companions={"project.sv_t": Unit.PERIODS},
    strict_age=True,
    finished_is_na=True,
)
TIME_INDEX = Measure(
    "project.spi_t",
    "project",
    Unit.RATIO,
    TimeParams,
    NEEDS,
    time_index,
    text="Earned schedule divided by actual time.",
    dimension="schedule",
    amber="under 1.0",
    red="under 0.9",
    strict_age=True,
    finished_is_na=True,
)
DURATION_OVERRUN = Measure(
    "project.duration_overrun",
    "project",
    Unit.PERCENT,
    OverrunParams,
    NEEDS,
    overrun,
    text="By how much the duration that earned schedule forecasts exceeds the planned one.",
    dimension="schedule",
    amber="over 5 %",
    red="over 10 %",
    recover="at most 4 %",
    companions={"project.ieac_t": Unit.PERIODS},
    strict_age=True,
    finished_is_na=True,
)
TIME_TO_COMPLETE = Measure(
    "project.tspi",
    "project",
    Unit.RATIO,
    ToCompleteParams,
    NEEDS,
    to_complete,
    text="To-complete schedule index: plan still to be earned per period that is left.",
    dimension="schedule",
    amber="over 1.0",
    red="over 1.1",
    recover="at most 0.98",
    strict_age=True,
    finished_is_na=True,
)
