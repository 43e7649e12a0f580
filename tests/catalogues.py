"""A catalogue of measures for tests of rule files: one of each unit, with and without parameters and thresholds."""

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from pmo_watch_plugins.rules.expression import FORMULA
from pydantic import BaseModel

from pmo_watch.contracts import Columns, Measure, NoParams, PluginSettings, View, no_past
from pmo_watch.flow import Samples, Wish
from pmo_watch.parameters import Percent, WorkingDays
from pmo_watch.rule_names import Catalogue
from pmo_watch.rules import Unit


class SlipParams(PluginSettings):
    baseline: Literal["current", "first"] = "current"


class StreakParams(PluginSettings):
    every: Literal["day", "week", "month"] = "week"
    at_least: int = 3


class ReadinessParams(PluginSettings):
    window: WorkingDays = 10
    depth: Literal["direct", "all"] = "direct"
    missing: Percent = 0


class IndicatorParams(PluginSettings):
    indicator: str


def nothing(params: BaseModel, view: View) -> Columns:
    return Columns(pl.lit(None, pl.Float64))


def three_samples(params: StreakParams) -> tuple[Wish, ...]:
    return (Samples("task", "week", 3, ("forecast_finish",)),)


def measure(name: str, unit: Unit, params: type[BaseModel] = NoParams, **more: Any) -> Measure[Any]:
    """Return a measure that knows nothing of any row."""
    entity = name.partition(".")[0]
    return Measure(name, entity, unit, params, (), nothing, **{"past": no_past, "text": f"Measures {name}.", **more})


MEASURES: Mapping[str, Measure[Any]] = {
    one.name: one
    for one in (
        measure(
            "milestone.slip",
            Unit.WORKING_DAYS,
            SlipParams,
            amber="over 5 wd",
            red="over 10 wd",
            recover="at most 3 wd",
            companions={"milestone.slip_first": Unit.WORKING_DAYS},
        ),
        measure(
            "milestone.slip_streak",
            Unit.PERIODS,
            StreakParams,
            past=three_samples,
            amber="at least 2 periods",
            red="at least 3 periods; milestone.slip_slope at least 1",
            recover="at most 0 periods",
            companions={"milestone.slip_slope": Unit.RATIO},
        ),
        measure("milestone.readiness", Unit.PERCENT, ReadinessParams, amber="under 80 %"),
        measure("project.cpi", Unit.RATIO, amber="under 0.95", red="under 0.85", recover="at least 0.97"),
        measure("project.forecast_overrun", Unit.PERCENT, red="over tolerance.cost.red or 10 %"),
        measure("project.ac", Unit.MONEY),
        measure("project.behind_plan", Unit.POINTS, amber="over 10 pp", red="over 20 pp"),
        measure("project.data_age", Unit.DAYS, amber="over 7 d", red="over 14 d"),
        measure("project.rag_gap", Unit.STEPS, amber="at least 1", red="at least 2"),
        measure("risk.level", Unit.COUNT, amber="at least 10", red="at least 16"),
        measure("source.sync_age", Unit.HOURS, amber="over 24 h", red="over 48 h"),
        measure("kpi.value", Unit.INDICATOR, IndicatorParams, row_thresholds="indicator"),
        FORMULA,
    )
}
CATALOGUE = Catalogue(MEASURES, frozenset({"mail", "teams"}))
