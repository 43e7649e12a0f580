"""Amounts of earned value: planned, earned, spent, the whole of it, and how far earned falls short of planned."""

from collections.abc import Callable
from typing import Any

import polars as pl

from pmo_watch.api import Measure, Unit, View, earning

from .figures import ValueParams, figures, idle, notes


def amount(name: str) -> Callable[[ValueParams, View], pl.DataFrame]:
    """Return the measure of one amount."""

    def measure(params: ValueParams, view: View) -> pl.DataFrame:
        found: pl.DataFrame = figures(params, view)
        return found.select(
            "uid",
            value=pl.col(name),
            not_applicable=idle(),
            unknown=pl.col(f"{name}_unknown"),
            note=notes(*([pl.col("ac_note")] if name == "ac" else [])),
            unit=earning.unit(earning.IN_WORK, "spent_in" if name == "ac" else "value_in"),
        )

    return measure


def schedule_variance(params: ValueParams, view: View) -> pl.DataFrame:
    """Return EV - PV; negative is behind plan."""
    return figures(params, view).select(
        "uid",
        value=pl.col("ev") - pl.col("pv"),
        not_applicable=idle(),
        unknown=pl.coalesce("ev_unknown", "pv_unknown"),
        note=notes(),
        unit=earning.unit(earning.IN_WORK, "value_in"),
        earned_value=pl.col("ev").round(2),
        planned_value=pl.col("pv").round(2),
    )


def _amount(name: str, key: str, text: str, needs: tuple[str, ...], dimension: str = "cost") -> Measure[Any]:
    return Measure(
        name,
        "project",
        Unit.MONEY,
        ValueParams,
        needs,
        amount(key),
        text=text,
        dimension=dimension,
        strict_age=True,
        finished_is_na=True,
    )


PLANNED = _amount("project.pv", "pv", "Planned value: what should have been earned by now.", ("task.baseline_finish",))
EARNED = _amount("project.ev", "ev", "Earned value: what has been earned by now.", ("task.progress",))
ACTUAL = _amount("project.ac", "ac", "Actual cost: what has been spent by now.", ("actual_cost",))
BUDGET_AT_COMPLETION = _amount(
    "project.bac", "bac", "Budget at completion: the value of the whole baseline.", ("task.baseline_cost",)
)
SCHEDULE_VARIANCE = Measure(
    "project.sv",
    "project",
    Unit.MONEY,
    ValueParams,
    ("task.baseline_finish", "task.progress"),
    schedule_variance,
    text="Schedule variance: earned value minus planned value; negative is behind plan.",
    dimension="schedule",
    amber="under 0",
    strict_age=True,
    finished_is_na=True,
)
