"""Budget: how much of it is used, whether it will be enough, how long it lasts; effort and reserve."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .consumption import BUDGET_USED, COMMITTED_USED, CONTINGENCY_AHEAD, SPEND_AHEAD
from .effort import EFFORT_VARIANCE
from .forecast import FORECAST_OVERRUN
from .runway import RUNWAY_GAP


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return CST-01 to CST-07 of the catalogue."""
    return [
        BUDGET_USED,
        SPEND_AHEAD,
        FORECAST_OVERRUN,
        RUNWAY_GAP,
        COMMITTED_USED,
        EFFORT_VARIANCE,
        CONTINGENCY_AHEAD,
    ]
