"""Milestones: late, slipping, ever moving; links that do not fit, plans that fall behind."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .dates import FORECAST_IN_PAST, OVERDUE, SLIP
from .links import CONFLICT
from .progress import BEHIND_PLAN, FINISH_VARIANCE
from .readiness import READINESS
from .slack import FLOAT
from .trend import SLIP_STREAK


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return MS-01 to MS-04, MS-06, MS-08, MS-10, SCH-01 and SCH-05 of the catalogue."""
    return [
        OVERDUE,
        SLIP,
        READINESS,
        SLIP_STREAK,
        FORECAST_IN_PAST,
        FLOAT,
        CONFLICT,
        FINISH_VARIANCE,
        BEHIND_PLAN,
    ]
