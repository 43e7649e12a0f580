"""Milestones: late, slipping, ever moving; links that do not fit, plans that fall behind or stand still."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .critical import CRITICAL_SLIP
from .dates import DEADLINE_BREACH, FORECAST_IN_PAST, OVERDUE, SLIP
from .gates import GATE_OVERDUE
from .links import CONFLICT
from .progress import BEHIND_PLAN, FINISH_VARIANCE
from .readiness import READINESS
from .rebaselines import UNAPPROVED_REBASELINE
from .shares import LATE_STARTS, MILESTONES_ON_TIME, OVERDUE_TASKS
from .slack import FLOAT
from .standstill import INACTIVITY, STUCK_PROGRESS
from .trend import SLIP_STREAK, ZIGZAG


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return MS-01 to MS-10 and SCH-01 to SCH-09 of the catalogue."""
    return [
        OVERDUE,
        SLIP,
        READINESS,
        SLIP_STREAK,
        ZIGZAG,
        FORECAST_IN_PAST,
        MILESTONES_ON_TIME,
        FLOAT,
        DEADLINE_BREACH,
        CONFLICT,
        FINISH_VARIANCE,
        OVERDUE_TASKS,
        LATE_STARTS,
        CRITICAL_SLIP,
        BEHIND_PLAN,
        STUCK_PROGRESS,
        UNAPPROVED_REBASELINE,
        GATE_OVERDUE,
        INACTIVITY,
    ]
