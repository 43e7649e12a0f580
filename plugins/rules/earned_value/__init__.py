"""Earned value: CPI, SPI, variance and estimate at completion, earned schedule, and how the indices move."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .amounts import (
    ACTUAL,
    BUDGET_AT_COMPLETION,
    EARNED,
    PLANNED,
    SCHEDULE_VARIANCE,
)
from .estimates import ESTIMATE, REALISM, TO_COMPLETE, VARIANCE
from .indices import COST_INDEX, COST_VARIANCE, SCHEDULE_INDEX
from .schedule import (
    DURATION_OVERRUN,
    EARNED_SCHEDULE,
    TIME_INDEX,
    TIME_TO_COMPLETE,
    TIME_VARIANCE,
)
from .trend import INDEX_TREND


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return EV-01 to EV-17, and the budget at completion behind them."""
    return [
        PLANNED,
        EARNED,
        ACTUAL,
        BUDGET_AT_COMPLETION,
        SCHEDULE_VARIANCE,
        SCHEDULE_INDEX,
        COST_VARIANCE,
        COST_INDEX,
        ESTIMATE,
        VARIANCE,
        TO_COMPLETE,
        REALISM,
        EARNED_SCHEDULE,
        TIME_VARIANCE,
        TIME_INDEX,
        DURATION_OVERRUN,
        TIME_TO_COMPLETE,
        INDEX_TREND,
    ]
