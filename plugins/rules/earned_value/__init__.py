"""Earned value: CPI, SPI, variance and estimate at completion, earned schedule."""

from collections.abc import Iterable
from typing import Any

from pmo_watch_plugins.rules.earned_value.amounts import (
    ACTUAL,
    BUDGET_AT_COMPLETION,
    EARNED,
    ESTIMATE,
    PLANNED,
    VARIANCE,
)
from pmo_watch_plugins.rules.earned_value.indices import COST_INDEX, SCHEDULE_INDEX
from pmo_watch_plugins.rules.earned_value.schedule import EARNED_SCHEDULE, TIME_INDEX

from pmo_watch.api import Measure, hookimpl


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return EV-01 to EV-03, EV-05, EV-07 to EV-09, EV-12, EV-14, and the budget at completion behind them."""
    return [
        PLANNED,
        EARNED,
        ACTUAL,
        BUDGET_AT_COMPLETION,
        SCHEDULE_INDEX,
        COST_INDEX,
        ESTIMATE,
        VARIANCE,
        EARNED_SCHEDULE,
        TIME_INDEX,
    ]
